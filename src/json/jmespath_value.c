/* SPDX-License-Identifier: Apache-2.0 */
/* jmespath_value.c - the values of a run, and what a run may use. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "json/jmespath_internal.h"
#include "json/number.h"

enum { STEP_BYTES = 64 };

int fault_set(struct jmespath_fault *fault, enum jmespath_error error, size_t at,
              const char *fmt, ...)
{
    va_list args;

    fault->error = error;
    fault->at = at;
    va_start(args, fmt);
    (void)vsnprintf(fault->text, sizeof(fault->text), fmt, args);
    va_end(args);
    return -E_INVALID;
}

/* --- the budget */
static bool refuse(struct run *run, const char *what, int max)
{
    (void)fault_set(run->fault, JMESPATH_LIMIT, 0, "The expression %s %d.", what, max);
    return false;
}

bool run_step(struct run *run, size_t steps)
{
    if (run->steps < steps) {
        run->steps = 0;
        return refuse(run, "takes more steps than it may, at most", JMESPATH_STEPS_MAX);
    }
    run->steps -= steps;
    return true;
}

bool run_bytes(struct run *run, size_t bytes)
{
    if (run->bytes < bytes) {
        return refuse(run, "makes more bytes than", JMESPATH_OUTPUT_MAX);
    }
    run->bytes -= bytes;
    return true;
}

static bool run_values(struct run *run, size_t count)
{
    if (run->values < count) {
        return refuse(run, "makes more values than", JMESPATH_VALUES_MAX);
    }
    run->values -= (uint32_t)count;
    return run_step(run, count);
}

/* --- making */
struct value *value_new(struct run *run, enum value_kind kind)
{
    struct value *v;

    if (!run_values(run, 1)) {
        return NULL;
    }
    v = arena_alloc(run->arena, sizeof(*v));
    v->kind = kind;
    return v;
}

struct value *value_bool(struct run *run, bool truth)
{
    struct value *v = value_new(run, VALUE_BOOL);

    if (v != NULL) {
        v->truth = truth;
    }
    return v;
}

struct value *value_int(struct run *run, int64_t number)
{
    return value_text(run, VALUE_NUMBER, arena_printf(run->arena, "%" PRId64, number));
}

struct value *value_text(struct run *run, enum value_kind kind, struct str text)
{
    struct value *v = value_new(run, kind);

    if (v != NULL) {
        v->text = text;
    }
    return v;
}

static void value_fill(struct value *v, const struct json *json)
{
    switch (json_type(json)) {
    case JSON_NULL:
        v->kind = VALUE_NULL;
        break;
    case JSON_BOOL:
        v->kind = VALUE_BOOL;
        v->truth = json_bool(json);
        break;
    case JSON_NUMBER:
        v->kind = VALUE_NUMBER;
        v->text = json_number(json);
        break;
    case JSON_STRING:
        v->kind = VALUE_STRING;
        v->text = json_string(json);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        v->kind = json_type(json) == JSON_ARRAY ? VALUE_ARRAY : VALUE_OBJECT;
        v->count = (uint32_t)json_count(json);
        v->source = json;
        break;
    }
}

struct value *value_of_json(struct run *run, const struct json *json)
{
    struct value *v = value_new(run, VALUE_NULL);

    if (v != NULL) {
        value_fill(v, json);
    }
    return v;
}

struct value *value_array(struct run *run, size_t count)
{
    struct value *v = value_new(run, VALUE_ARRAY);

    /* Room for pointers counts as an eighth of what values take. */
    if (v == NULL || !run_step(run, count / 8)) {
        return NULL;
    }
    v->items = arena_alloc(run->arena, (count + 1) * sizeof(struct value *));
    return v;
}

struct value *value_object(struct run *run, size_t count)
{
    struct value *v = value_array(run, count);

    if (v != NULL) {
        v->kind = VALUE_OBJECT;
        v->names = arena_alloc(run->arena, (count + 1) * sizeof(*v->names));
    }
    return v;
}

void value_push(struct value *array, struct value *item)
{
    array->items[array->count++] = item;
}

void value_put(struct value *object, struct str name, struct value *item)
{
    for (uint32_t i = 0; i < object->count; i++) {
        if (str_eq(object->names[i], name)) {
            object->items[i] = item;
            return;
        }
    }
    object->names[object->count] = name;
    object->items[object->count++] = item;
}

int value_give(struct value *v, struct value **ret_value)
{
    if (v == NULL) {
        return -E_INVALID;
    }
    *ret_value = v;
    return 0;
}

/* --- looking into */
bool value_open(struct run *run, struct value *v)
{
    struct json_iter it;
    const struct json *json;
    struct value *values;
    struct str name = STR_NONE;

    ASSERT(v->kind == VALUE_ARRAY || v->kind == VALUE_OBJECT);
    if (v->items != NULL) {
        return true;
    }
    if (!run_values(run, v->count)) {
        return false;
    }
    values = arena_alloc(run->arena, (v->count + 1) * sizeof(*values));
    v->items = arena_alloc(run->arena, (v->count + 1) * sizeof(struct value *));
    if (v->kind == VALUE_OBJECT) {
        v->names = arena_alloc(run->arena, (v->count + 1) * sizeof(*v->names));
    }
    it = json_iter(v->source);
    for (uint32_t i = 0; (json = json_next(&it, &name)) != NULL; i++) {
        value_fill(&values[i], json);
        v->items[i] = &values[i];
        if (v->names != NULL) {
            v->names[i] = name;
        }
    }
    return true;
}

struct value *value_member(struct run *run, const struct value *v, struct str name)
{
    const struct json *json;

    if (v->kind != VALUE_OBJECT) {
        return value_new(run, VALUE_NULL);
    }
    /* Finding a name compares it with those before. */
    if (!run_step(run, v->count / 8)) {
        return NULL;
    }
    if (v->items == NULL) {
        json = json_get(v->source, name);
        return json == NULL ? value_new(run, VALUE_NULL) : value_of_json(run, json);
    }
    for (uint32_t i = 0; i < v->count; i++) {
        if (str_eq(v->names[i], name)) {
            return v->items[i];
        }
    }
    return value_new(run, VALUE_NULL);
}

struct value *value_item(struct run *run, struct value *v, int64_t at)
{
    if (v->kind != VALUE_ARRAY) {
        return value_new(run, VALUE_NULL);
    }
    at += at < 0 ? v->count : 0;
    if (at < 0 || at >= v->count) {
        return value_new(run, VALUE_NULL);
    }
    return value_open(run, v) ? v->items[at] : NULL;
}

bool value_truth(const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
        return false;
    case VALUE_BOOL:
        return v->truth;
    case VALUE_STRING:
        return v->text.len > 0;
    case VALUE_ARRAY:
    case VALUE_OBJECT:
        return v->count > 0;
    case VALUE_NUMBER:
    case VALUE_EXPRESSION:
        break;
    }
    return true;
}

const char *value_kind_name(enum value_kind kind)
{
    static const char *const names[] = {
        [VALUE_NULL] = "null",
        [VALUE_BOOL] = "boolean",
        [VALUE_NUMBER] = "number",
        [VALUE_STRING] = "string",
        [VALUE_ARRAY] = "array",
        [VALUE_OBJECT] = "object",
        [VALUE_EXPRESSION] = "expression",
    };

    return names[kind];
}

/* --- comparing */
static int equal_deep(struct run *run, struct value *a, struct value *b, unsigned depth,
                      bool *ret_equal);

static int too_deep(struct run *run)
{
    return fault_set(run->fault, JMESPATH_LIMIT, 0, "A value is nested deeper than %d levels.",
                     (int)JMESPATH_NESTING_MAX);
}

static int equal_items(struct run *run, struct value *a, struct value *b, unsigned depth,
                       bool *ret_equal)
{
    bool equal = a->count == b->count;

    if (!equal) {
        *ret_equal = false;
        return 0;
    }
    if (depth == JMESPATH_NESTING_MAX) {
        return too_deep(run);
    }
    if (!value_open(run, a) || !value_open(run, b)) {
        return -E_INVALID;
    }
    for (uint32_t i = 0; i < a->count && equal; i++) {
        struct value *other = a->kind == VALUE_ARRAY ? b->items[i] : NULL;
        int rc;

        for (uint32_t k = 0; a->kind == VALUE_OBJECT && k < b->count && other == NULL; k++) {
            other = str_eq(a->names[i], b->names[k]) ? b->items[k] : NULL;
        }
        if (!run_step(run, 1 + (a->kind == VALUE_OBJECT ? b->count / 8 : 0))) {
            return -E_INVALID;
        }
        if (other == NULL) {
            equal = false;
            break;
        }
        rc = equal_deep(run, a->items[i], other, depth + 1, &equal);
        if (rc != 0) {
            return rc;
        }
    }
    *ret_equal = equal;
    return 0;
}

static int equal_deep(struct run *run, struct value *a, struct value *b, unsigned depth,
                      bool *ret_equal)
{
    if (a->kind != b->kind) {
        *ret_equal = false;
        return 0;
    }
    switch (a->kind) {
    case VALUE_NULL:
        *ret_equal = true;
        return 0;
    case VALUE_BOOL:
        *ret_equal = a->truth == b->truth;
        return 0;
    case VALUE_NUMBER:
        *ret_equal = json_number_cmp(a->text, b->text) == 0;
        return run_step(run, (a->text.len + b->text.len) / STEP_BYTES) ? 0 : -E_INVALID;
    case VALUE_STRING:
        *ret_equal = str_eq(a->text, b->text);
        return run_step(run, a->text.len / STEP_BYTES) ? 0 : -E_INVALID;
    case VALUE_ARRAY:
    case VALUE_OBJECT:
        return equal_items(run, a, b, depth, ret_equal);
    case VALUE_EXPRESSION:
        break;
    }
    *ret_equal = a->node == b->node;
    return 0;
}

int value_equal(struct run *run, struct value *a, struct value *b, bool *ret_equal)
{
    return equal_deep(run, a, b, 0, ret_equal);
}

bool value_order(struct run *run, const struct value *a, const struct value *b, int *ret_order)
{
    size_t shorter = a->text.len < b->text.len ? a->text.len : b->text.len;

    if (!run_step(run, 1 + shorter / STEP_BYTES)) {
        return false;
    }
    *ret_order =
        a->kind == VALUE_NUMBER ? json_number_cmp(a->text, b->text) : str_cmp(a->text, b->text);
    return true;
}

/* --- writing */
static int write_deep(struct run *run, struct value *v, unsigned depth, struct buf *out);

static int write_string(struct str text, struct buf *out)
{
    struct json_out o;

    json_out_begin(&o, out);
    json_out_str(&o, text);
    return json_out_end(&o);
}

static int write_items(struct run *run, struct value *v, unsigned depth, struct buf *out)
{
    bool is_object = v->kind == VALUE_OBJECT;
    int rc = buf_add_char(out, is_object ? '{' : '[');

    for (uint32_t i = 0; rc == 0 && i < v->count; i++) {
        if (i > 0) {
            rc = buf_add_char(out, ',');
        }
        if (rc == 0 && is_object) {
            rc = write_string(v->names[i], out);
        }
        if (rc == 0 && is_object) {
            rc = buf_add_char(out, ':');
        }
        if (rc == 0) {
            rc = write_deep(run, v->items[i], depth + 1, out);
        }
    }
    return rc == 0 ? buf_add_char(out, is_object ? '}' : ']') : rc;
}

static int write_deep(struct run *run, struct value *v, unsigned depth, struct buf *out)
{
    if (!run_step(run, 1)) {
        return -E_INVALID;
    }
    switch (v->kind) {
    case VALUE_NULL:
        return buf_add_c(out, "null");
    case VALUE_BOOL:
        return buf_add_c(out, v->truth ? "true" : "false");
    case VALUE_NUMBER:
        return buf_add_str(out, v->text);
    case VALUE_STRING:
        return write_string(v->text, out);
    case VALUE_ARRAY:
    case VALUE_OBJECT:
        if (depth == JMESPATH_NESTING_MAX) {
            return too_deep(run);
        }
        return v->items == NULL ? json_write(v->source, out) : write_items(run, v, depth, out);
    case VALUE_EXPRESSION:
        break;
    }
    return fault_set(run->fault, JMESPATH_INVALID_TYPE, 0,
                     "An expression (&) stands where a value is needed.");
}

int value_write(struct run *run, struct value *v, struct buf *out)
{
    int rc = write_deep(run, v, 0, out);

    if (rc == -E_TOO_LARGE) {
        (void)refuse(run, "makes more bytes than", JMESPATH_OUTPUT_MAX);
    }
    return rc == 0 ? 0 : -E_INVALID;
}
