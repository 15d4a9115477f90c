/* SPDX-License-Identifier: Apache-2.0 */
/* jmespath_functions.c - the functions of the language; one row of the table each. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json/jmespath_internal.h"
#include "json/number.h"

int arg_wrong_type(struct run *run, const char *function, const char *wanted,
                   const struct value *got)
{
    return fault_set(run->fault, JMESPATH_INVALID_TYPE, 0, "%s takes %s, not %s.", function,
                     wanted, value_kind_name(got->kind));
}

bool arg_is_kind(struct run *run, const char *function, enum value_kind kind,
                 const struct value *v)
{
    if (v->kind == kind) {
        return true;
    }
    (void)arg_wrong_type(run, function, value_kind_name(kind), v);
    return false;
}

bool arg_is_array_of(struct run *run, const char *function, enum value_kind kind,
                     struct value *v)
{
    if (!arg_is_kind(run, function, VALUE_ARRAY, v) || !value_open(run, v) ||
        !run_step(run, v->count)) {
        return false;
    }
    for (uint32_t i = 0; i < v->count; i++) {
        if (!arg_is_kind(run, function, kind, v->items[i])) {
            return false;
        }
    }
    return true;
}

static int give_double(struct run *run, const char *function, double number,
                       struct value **ret_value)
{
    char text[JSON_NUMBER_TEXT_SIZE];

    if (json_number_write(number, text) != 0) {
        return fault_set(run->fault, JMESPATH_INVALID_VALUE, 0,
                         "%s comes to a number that JSON cannot hold.", function);
    }
    return value_give(value_text(run, VALUE_NUMBER, arena_str(run->arena, str_from(text))),
                      ret_value);
}

/* --- numbers */
static int fn_abs(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    struct str text = args[0]->text;

    (void)count;
    if (!arg_is_kind(run, "abs", VALUE_NUMBER, args[0])) {
        return -E_INVALID;
    }
    return value_give(
        value_text(run, VALUE_NUMBER, text.p[0] == '-' ? str_sub(text, 1, text.len) : text),
        ret_value);
}

static int sum_of(struct run *run, const char *function, const struct value *v, bool is_average,
                  struct value **ret_value)
{
    bool is_whole = !is_average;
    int64_t whole = 0;
    double sum = 0;

    for (uint32_t i = 0; i < v->count; i++) {
        int64_t number = 0;

        is_whole = is_whole && json_number_int64(v->items[i]->text, &number) &&
                   !__builtin_add_overflow(whole, number, &whole);
        sum += json_number_double(v->items[i]->text);
    }
    if (is_whole) {
        return value_give(value_int(run, whole), ret_value);
    }
    return give_double(run, function, is_average ? sum / v->count : sum, ret_value);
}

static int fn_sum(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    (void)count;
    return arg_is_array_of(run, "sum", VALUE_NUMBER, args[0])
               ? sum_of(run, "sum", args[0], false, ret_value)
               : -E_INVALID;
}

static int fn_avg(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    (void)count;
    if (!arg_is_array_of(run, "avg", VALUE_NUMBER, args[0])) {
        return -E_INVALID;
    }
    if (args[0]->count == 0) {
        return value_give(value_new(run, VALUE_NULL), ret_value);
    }
    return sum_of(run, "avg", args[0], true, ret_value);
}

static int round_by(struct run *run, const char *function, double (*round)(double),
                    struct value *v, struct value **ret_value)
{
    int64_t whole;

    if (!arg_is_kind(run, function, VALUE_NUMBER, v)) {
        return -E_INVALID;
    }
    if (json_number_int64(v->text, &whole)) {
        return value_give(v, ret_value);
    }
    return give_double(run, function, round(json_number_double(v->text)), ret_value);
}

static int fn_ceil(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    (void)count;
    return round_by(run, "ceil", ceil, args[0], ret_value);
}

static int fn_floor(struct run *run, struct value **args, size_t count,
                    struct value **ret_value)
{
    (void)count;
    return round_by(run, "floor", floor, args[0], ret_value);
}

/* --- strings */
static int fn_starts_with(struct run *run, struct value **args, size_t count,
                          struct value **ret_value)
{
    (void)count;
    return arg_is_kind(run, "starts_with", VALUE_STRING, args[0]) &&
                   arg_is_kind(run, "starts_with", VALUE_STRING, args[1])
               ? value_give(value_bool(run, str_starts(args[0]->text, args[1]->text)),
                            ret_value)
               : -E_INVALID;
}

static int fn_ends_with(struct run *run, struct value **args, size_t count,
                        struct value **ret_value)
{
    (void)count;
    return arg_is_kind(run, "ends_with", VALUE_STRING, args[0]) &&
                   arg_is_kind(run, "ends_with", VALUE_STRING, args[1])
               ? value_give(value_bool(run, str_ends(args[0]->text, args[1]->text)), ret_value)
               : -E_INVALID;
}

static int fn_contains(struct run *run, struct value **args, size_t count,
                       struct value **ret_value)
{
    struct value *where = args[0];
    bool found = false;

    (void)count;
    if (where->kind == VALUE_STRING) {
        struct str what = args[1]->text;

        found =
            args[1]->kind == VALUE_STRING &&
            (what.len == 0 || memmem(where->text.p, where->text.len, what.p, what.len) != NULL);
        return run_step(run, where->text.len / 64)
                   ? value_give(value_bool(run, found), ret_value)
                   : -E_INVALID;
    }
    if (where->kind != VALUE_ARRAY) {
        return arg_wrong_type(run, "contains", "array or string", where);
    }
    if (!value_open(run, where) || !run_step(run, where->count)) {
        return -E_INVALID;
    }
    for (uint32_t i = 0; i < where->count && !found; i++) {
        int rc = value_equal(run, where->items[i], args[1], &found);

        if (rc != 0) {
            return rc;
        }
    }
    return value_give(value_bool(run, found), ret_value);
}

static int fn_join(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    struct value *v = args[1];
    size_t len = 0;
    char *text;
    size_t at = 0;

    (void)count;
    if (!arg_is_kind(run, "join", VALUE_STRING, args[0]) ||
        !arg_is_array_of(run, "join", VALUE_STRING, v)) {
        return -E_INVALID;
    }
    for (uint32_t i = 0; i < v->count; i++) {
        len += v->items[i]->text.len + (i > 0 ? args[0]->text.len : 0);
    }
    if (!run_bytes(run, len)) {
        return -E_INVALID;
    }
    text = arena_alloc(run->arena, len + 1);
    for (uint32_t i = 0; i < v->count; i++) {
        if (i > 0 && args[0]->text.len > 0) {
            memcpy(text + at, args[0]->text.p, args[0]->text.len);
            at += args[0]->text.len;
        }
        if (v->items[i]->text.len > 0) {
            memcpy(text + at, v->items[i]->text.p, v->items[i]->text.len);
            at += v->items[i]->text.len;
        }
    }
    return value_give(value_text(run, VALUE_STRING, (struct str){ text, len }), ret_value);
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* By characters: each one's bytes stay together. */
static int reverse_string(struct run *run, struct str s, struct value **ret_value)
{
    size_t to = 0;
    size_t end = s.len;
    char *text;

    if (!run_bytes(run, s.len)) {
        return -E_INVALID;
    }
    text = arena_alloc(run->arena, s.len + 1);
    while (end > 0) {
        size_t from = end - 1;

        while (from > 0 && is_continuation(s.p[from])) {
            from--;
        }
        memcpy(text + to, s.p + from, end - from);
        to += end - from;
        end = from;
    }
    return value_give(value_text(run, VALUE_STRING, (struct str){ text, s.len }), ret_value);
}

static int fn_reverse(struct run *run, struct value **args, size_t count,
                      struct value **ret_value)
{
    struct value *v = args[0];
    struct value *made;

    (void)count;
    if (v->kind == VALUE_STRING) {
        return reverse_string(run, v->text, ret_value);
    }
    if (v->kind != VALUE_ARRAY) {
        return arg_wrong_type(run, "reverse", "array or string", v);
    }
    made = value_array(run, v->count);
    if (made == NULL || !value_open(run, v) || !run_step(run, v->count)) {
        return -E_INVALID;
    }
    for (uint32_t i = v->count; i > 0; i--) {
        value_push(made, v->items[i - 1]);
    }
    return value_give(made, ret_value);
}

static int fn_length(struct run *run, struct value **args, size_t count,
                     struct value **ret_value)
{
    const struct value *v = args[0];
    int64_t length = v->count;

    (void)count;
    if (v->kind == VALUE_STRING) {
        for (size_t i = 0; i < v->text.len; i++) {
            length += is_continuation(v->text.p[i]) ? 0 : 1;
        }
        if (!run_step(run, v->text.len / 64)) {
            return -E_INVALID;
        }
    } else if (v->kind != VALUE_ARRAY && v->kind != VALUE_OBJECT) {
        return arg_wrong_type(run, "length", "string, array or object", v);
    }
    return value_give(value_int(run, length), ret_value);
}

/* --- types */
static int fn_type(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    (void)count;
    if (args[0]->kind == VALUE_EXPRESSION) {
        return arg_wrong_type(run, "type", "a value", args[0]);
    }
    return value_give(value_text(run, VALUE_STRING, str_from(value_kind_name(args[0]->kind))),
                      ret_value);
}

static int fn_to_array(struct run *run, struct value **args, size_t count,
                       struct value **ret_value)
{
    struct value *made;

    (void)count;
    if (args[0]->kind == VALUE_ARRAY) {
        return value_give(args[0], ret_value);
    }
    made = value_array(run, 1);
    if (made != NULL) {
        value_push(made, args[0]);
    }
    return value_give(made, ret_value);
}

static int fn_to_string(struct run *run, struct value **args, size_t count,
                        struct value **ret_value)
{
    struct str text = STR_NONE;
    struct buf out;
    int rc;

    (void)count;
    if (args[0]->kind == VALUE_STRING) {
        return value_give(args[0], ret_value);
    }
    buf_init(&out, JMESPATH_OUTPUT_MAX);
    rc = value_write(run, args[0], &out);
    if (rc == 0 && run_bytes(run, out.len)) {
        text = arena_str(run->arena, buf_str(&out));
    } else {
        rc = -E_INVALID;
    }
    buf_done(&out);
    return rc == 0 ? value_give(value_text(run, VALUE_STRING, text), ret_value) : rc;
}

static int fn_to_number(struct run *run, struct value **args, size_t count,
                        struct value **ret_value)
{
    struct json_doc *doc = NULL;
    struct str text = STR_NONE;

    (void)count;
    if (args[0]->kind == VALUE_NUMBER) {
        return value_give(args[0], ret_value);
    }
    if (args[0]->kind == VALUE_STRING && args[0]->text.len > 0 &&
        run_step(run, args[0]->text.len / 64) &&
        json_parse(args[0]->text, 0, &doc, NULL) == 0) {
        text = json_number(json_root(doc));
        text = text.p == NULL ? text : arena_str(run->arena, text);
        json_doc_free(doc);
    }
    return value_give(text.p == NULL ? value_new(run, VALUE_NULL)
                                     : value_text(run, VALUE_NUMBER, text),
                      ret_value);
}

static int fn_not_null(struct run *run, struct value **args, size_t count,
                       struct value **ret_value)
{
    for (size_t i = 0; i < count; i++) {
        if (args[i]->kind != VALUE_NULL) {
            return value_give(args[i], ret_value);
        }
    }
    return value_give(value_new(run, VALUE_NULL), ret_value);
}

/* --- objects */
static int fn_keys(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    struct value *v = args[0];
    struct value *made;

    (void)count;
    if (!arg_is_kind(run, "keys", VALUE_OBJECT, v) || !value_open(run, v)) {
        return -E_INVALID;
    }
    made = value_array(run, v->count);
    for (uint32_t i = 0; made != NULL && i < v->count; i++) {
        struct value *name = value_text(run, VALUE_STRING, v->names[i]);

        if (name == NULL) {
            return -E_INVALID;
        }
        value_push(made, name);
    }
    return value_give(made, ret_value);
}

static int fn_values(struct run *run, struct value **args, size_t count,
                     struct value **ret_value)
{
    struct value *v = args[0];
    struct value *made;

    (void)count;
    if (!arg_is_kind(run, "values", VALUE_OBJECT, v) || !value_open(run, v) ||
        !run_step(run, v->count)) {
        return -E_INVALID;
    }
    made = value_array(run, v->count);
    for (uint32_t i = 0; made != NULL && i < v->count; i++) {
        value_push(made, v->items[i]);
    }
    return value_give(made, ret_value);
}

static int fn_merge(struct run *run, struct value **args, size_t count,
                    struct value **ret_value)
{
    size_t members = 0;
    struct value *made;

    for (size_t i = 0; i < count; i++) {
        if (!arg_is_kind(run, "merge", VALUE_OBJECT, args[i]) || !value_open(run, args[i])) {
            return -E_INVALID;
        }
        members += args[i]->count;
    }
    made = value_object(run, members);
    for (size_t i = 0; made != NULL && i < count; i++) {
        for (uint32_t k = 0; k < args[i]->count; k++) {
            /* Each is compared with those that are there. */
            if (!run_step(run, 1 + made->count / 8)) {
                return -E_INVALID;
            }
            value_put(made, args[i]->names[k], args[i]->items[k]);
        }
    }
    return value_give(made, ret_value);
}

/* --- the table */
static const struct function functions[] = {
    { "abs", 1, 1, fn_abs },
    { "avg", 1, 1, fn_avg },
    { "ceil", 1, 1, fn_ceil },
    { "contains", 2, 2, fn_contains },
    { "ends_with", 2, 2, fn_ends_with },
    { "floor", 1, 1, fn_floor },
    { "join", 2, 2, fn_join },
    { "keys", 1, 1, fn_keys },
    { "length", 1, 1, fn_length },
    { "map", 2, 2, jmespath_map },
    { "max", 1, 1, jmespath_max },
    { "max_by", 2, 2, jmespath_max_by },
    { "merge", 0, FUNCTION_ANY_ARGS, fn_merge },
    { "min", 1, 1, jmespath_min },
    { "min_by", 2, 2, jmespath_min_by },
    { "not_null", 1, FUNCTION_ANY_ARGS, fn_not_null },
    { "reverse", 1, 1, fn_reverse },
    { "sort", 1, 1, jmespath_sort },
    { "sort_by", 2, 2, jmespath_sort_by },
    { "starts_with", 2, 2, fn_starts_with },
    { "sum", 1, 1, fn_sum },
    { "to_array", 1, 1, fn_to_array },
    { "to_number", 1, 1, fn_to_number },
    { "to_string", 1, 1, fn_to_string },
    { "type", 1, 1, fn_type },
    { "values", 1, 1, fn_values },
};

const struct function *function_find(struct str name)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (str_eq_c(name, functions[i].name)) {
            return &functions[i];
        }
    }
    return NULL;
}
