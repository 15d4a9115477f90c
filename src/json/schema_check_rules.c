/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check_rules.c - rules of one keyword each. A rule that does not concern the value's type
 * holds. */
#include <stdlib.h>

#include "base/alloc.h"
#include "json/equal.h"
#include "json/schema_internal.h"

enum { BYTES_A_STEP = 64, SORT_STEPS = 4 /* of an item among many */ };

/* --- any type */
static bool is_whole(const struct json *v)
{
    struct decimal n;

    return json_type(v) == JSON_NUMBER && decimal_parse(json_number(v), &n) == 0 &&
           decimal_is_integer(&n);
}

static const char *types_text(unsigned types, char text[ERR_TEXT_SIZE])
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = { { 1u << JSON_NULL, "null" },       { 1u << JSON_BOOL, "a boolean" },
                  { TYPE_INTEGER, "an integer" },    { 1u << JSON_NUMBER, "a number" },
                  { 1u << JSON_STRING, "a string" }, { 1u << JSON_ARRAY, "an array" },
                  { 1u << JSON_OBJECT, "an object" } };
    struct buf out;

    buf_init(&out, ERR_TEXT_SIZE - 1);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((types & names[i].bit) != 0 &&
            buf_printf(&out, "%s%s", out.len > 0 ? " or " : "", names[i].name) != 0) {
            break;
        }
    }
    for (size_t i = 0; i <= out.len; i++) {
        text[i] = out.p[i];
    }
    buf_done(&out);
    return text;
}

bool check_type(struct check *c, const struct rule *r, const struct frame *f)
{
    char text[ERR_TEXT_SIZE];

    if ((r->types & 1u << json_type(f->value)) != 0 ||
        ((r->types & TYPE_INTEGER) != 0 && is_whole(f->value))) {
        return true;
    }
    if (c->quiet > 0 || c->errors == NULL) {
        return false;
    }
    return check_fail(c, f, r->keyword, "It must be %s.", types_text(r->types, text));
}

static bool is_equal(struct check *c, const struct json *a, const struct json *b)
{
    bool equal = json_equal(a, b, &c->steps);

    if (c->steps == 0) {
        return check_spend(c, 1); /* says that there are none left */
    }
    return equal;
}

bool check_const(struct check *c, const struct rule *r, const struct frame *f)
{
    return is_equal(c, r->value, f->value) ||
           check_fail(c, f, r->keyword, "It must be the value that the schema names.");
}

bool check_enum(struct check *c, const struct rule *r, const struct frame *f)
{
    struct json_iter it = json_iter(r->value);
    const struct json *v;

    while (c->rc == 0 && (v = json_next(&it, NULL)) != NULL) {
        if (!check_spend(c, 1) || is_equal(c, v, f->value)) {
            return c->rc == 0;
        }
    }
    return check_fail(c, f, r->keyword, "It must be one of the values that the schema lists.");
}

/* --- numbers */
static bool read_number(struct check *c, const struct frame *f, struct decimal *ret)
{
    struct str text = json_type(f->value) == JSON_NUMBER ? json_number(f->value) : STR_NONE;

    return text.p != NULL && check_spend(c, (int64_t)(text.len / BYTES_A_STEP)) &&
           decimal_parse(text, ret) == 0;
}

bool check_multiple(struct check *c, const struct rule *r, const struct frame *f)
{
    struct decimal n;

    return !read_number(c, f, &n) || decimal_is_multiple(&n, &r->number) ||
           check_fail(c, f, r->keyword, "It must be a multiple of %.*s.",
                      STR_ARG(json_number(r->value)));
}

bool check_maximum(struct check *c, const struct rule *r, const struct frame *f)
{
    struct decimal n;

    return !read_number(c, f, &n) || decimal_compare(&n, &r->number) <= 0 ||
           check_fail(c, f, r->keyword, "It must be at most %.*s.",
                      STR_ARG(json_number(r->value)));
}

bool check_below_maximum(struct check *c, const struct rule *r, const struct frame *f)
{
    struct decimal n;

    return !read_number(c, f, &n) || decimal_compare(&n, &r->number) < 0 ||
           check_fail(c, f, r->keyword, "It must be below %.*s.",
                      STR_ARG(json_number(r->value)));
}

bool check_minimum(struct check *c, const struct rule *r, const struct frame *f)
{
    struct decimal n;

    return !read_number(c, f, &n) || decimal_compare(&n, &r->number) >= 0 ||
           check_fail(c, f, r->keyword, "It must be at least %.*s.",
                      STR_ARG(json_number(r->value)));
}

bool check_above_minimum(struct check *c, const struct rule *r, const struct frame *f)
{
    struct decimal n;

    return !read_number(c, f, &n) || decimal_compare(&n, &r->number) > 0 ||
           check_fail(c, f, r->keyword, "It must be above %.*s.",
                      STR_ARG(json_number(r->value)));
}

/* --- strings */
/* Code points; -1 when it is no string. */
static int64_t length(struct check *c, const struct frame *f)
{
    struct str text = json_string(f->value);
    int64_t count = 0;

    if (json_type(f->value) != JSON_STRING ||
        !check_spend(c, (int64_t)(text.len / BYTES_A_STEP))) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.p[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return count;
}

bool check_length_max(struct check *c, const struct rule *r, const struct frame *f)
{
    return length(c, f) <= r->count ||
           check_fail(c, f, r->keyword, "It has at most %lld characters.", (long long)r->count);
}

bool check_length_min(struct check *c, const struct rule *r, const struct frame *f)
{
    int64_t n = length(c, f);

    return n < 0 || n >= r->count ||
           check_fail(c, f, r->keyword, "It has at least %lld characters.",
                      (long long)r->count);
}

bool check_pattern(struct check *c, const struct rule *r, const struct frame *f)
{
    return json_type(f->value) != JSON_STRING ||
           check_match(c, r->pattern, json_string(f->value)) ||
           check_fail(c, f, r->keyword, "It must match the pattern that the schema names.");
}

/* --- sizes of arrays and objects */
bool check_items_max(struct check *c, const struct rule *r, const struct frame *f)
{
    return json_type(f->value) != JSON_ARRAY || (int64_t)json_count(f->value) <= r->count ||
           check_fail(c, f, r->keyword, "It has at most %lld items.", (long long)r->count);
}

bool check_items_min(struct check *c, const struct rule *r, const struct frame *f)
{
    return json_type(f->value) != JSON_ARRAY || (int64_t)json_count(f->value) >= r->count ||
           check_fail(c, f, r->keyword, "It has at least %lld items.", (long long)r->count);
}

bool check_properties_max(struct check *c, const struct rule *r, const struct frame *f)
{
    return json_type(f->value) != JSON_OBJECT || (int64_t)json_count(f->value) <= r->count ||
           check_fail(c, f, r->keyword, "It has at most %lld members.", (long long)r->count);
}

bool check_properties_min(struct check *c, const struct rule *r, const struct frame *f)
{
    return json_type(f->value) != JSON_OBJECT || (int64_t)json_count(f->value) >= r->count ||
           check_fail(c, f, r->keyword, "It has at least %lld members.", (long long)r->count);
}

/* --- items of their own */
struct hashed {
    uint64_t hash;
    const struct json *item;
};

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const struct hashed *)a)->hash;
    uint64_t y = ((const struct hashed *)b)->hash;

    return x < y ? -1 : x > y ? 1 : 0;
}

/* Equal hashes stand together after sorting; only those are compared. */
static bool has_twins(struct check *c, const struct hashed *all, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t k = i; k > 0 && all[k - 1].hash == all[i].hash; k--) {
            if (is_equal(c, all[k - 1].item, all[i].item)) {
                return true;
            }
            if (c->rc != 0) {
                return false;
            }
        }
    }
    return false;
}

bool check_unique(struct check *c, const struct rule *r, const struct frame *f)
{
    size_t count = json_type(f->value) == JSON_ARRAY ? json_count(f->value) : 0;
    struct json_iter it = json_iter(f->value);
    struct hashed *all;
    bool twins;

    if (r->count == 0 || count < 2 || !check_spend(c, SORT_STEPS * (int64_t)count)) {
        return true;
    }
    all = xcalloc(count, sizeof(*all));
    for (size_t i = 0; i < count && c->rc == 0; i++) {
        all[i].item = json_next(&it, NULL);
        all[i].hash = json_hash(all[i].item, &c->steps);
        if (c->steps == 0) {
            (void)check_spend(c, 1);
        }
    }
    qsort(all, count, sizeof(*all), by_hash);
    twins = c->rc == 0 && has_twins(c, all, count);
    free(all);
    return !twins || check_fail(c, f, r->keyword, "No two items may be equal.");
}

/* --- subschemas on the same value */
bool check_all_of(struct check *c, const struct rule *r, const struct frame *f)
{
    bool valid = true;

    for (size_t i = 0; i < r->nodes.count && !check_over(c, valid); i++) {
        valid = check_in_place(c, r->nodes.list[i], f, f->marks) && valid;
    }
    return valid;
}

/* Of a branch that fails, no marks stay. */
static bool try_branch(struct check *c, const struct node *node, const struct frame *f)
{
    struct marks marks;
    bool valid;

    c->quiet++;
    if (f->marks == NULL) {
        valid = check_in_place(c, node, f, NULL);
    } else {
        marks_push(c, json_count(f->value), &marks);
        valid = check_in_place(c, node, f, &marks);
        if (valid) {
            marks_merge(c, f->marks, &marks);
        }
        marks_pop(c, &marks);
    }
    c->quiet--;
    return valid;
}

bool check_any_of(struct check *c, const struct rule *r, const struct frame *f)
{
    bool found = false;

    /* With marks all branches are asked: each that holds marks what it looked at. */
    for (size_t i = 0; i < r->nodes.count && c->rc == 0 && (!found || f->marks != NULL); i++) {
        found = try_branch(c, r->nodes.list[i], f) || found;
    }
    return found || check_fail(c, f, r->keyword, "It fits none of the schemas listed.");
}

bool check_one_of(struct check *c, const struct rule *r, const struct frame *f)
{
    size_t found = 0;

    for (size_t i = 0; i < r->nodes.count && c->rc == 0 && found < 2; i++) {
        found += try_branch(c, r->nodes.list[i], f) ? 1 : 0;
    }
    if (found == 1) {
        return true;
    }
    return check_fail(c, f, r->keyword,
                      found == 0 ? "It fits none of the schemas listed."
                                 : "It fits more than one of the schemas listed.");
}

bool check_not(struct check *c, const struct rule *r, const struct frame *f)
{
    return !check_silently(c, r->ref.node, f, f->value) ||
           check_fail(c, f, r->keyword, "It fits a schema that it must not fit.");
}

bool check_condition(struct check *c, const struct frame *f)
{
    bool holds = try_branch(c, f->node->condition, f);
    const struct node *next = holds ? f->node->then : f->node->otherwise;

    return next == NULL || c->rc != 0 || check_in_place(c, next, f, f->marks);
}

/* --- references */
/* The outermost resource with a dynamic anchor of that name has it. */
static const struct node *outermost(const struct rule *r, const struct scope *scope)
{
    const struct node *found = r->ref.node;

    for (; scope != NULL; scope = scope->outer) {
        for (const struct anchor *a = scope->resource->anchors; a != NULL; a = a->next) {
            if (a->dynamic && a->site->node != NULL && str_eq(a->name, r->ref.dynamic)) {
                found = a->site->node;
            }
        }
    }
    return found;
}

bool check_ref(struct check *c, const struct rule *r, const struct frame *f)
{
    const struct node *node = r->ref.dynamic.p == NULL ? r->ref.node : outermost(r, f->scope);

    return check_in_place(c, node, f, f->marks);
}
