/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_diff.c - one schema after another, keyword by keyword. Documents are at most
 * JSON_DEPTH_MAX deep and references are followed only where a pair of schemas was not met yet
 * on the way, so it may call itself.
 */
#include "json/schema_diff.h"

#include <string.h>

#include "base/assert.h"
#include "json/decimal.h"
#include "json/equal.h"
#include "json/pointer.h"
#include "json/schema_internal.h"

enum { DIFF_DEPTH_MAX = 2 * JSON_DEPTH_MAX, NAME_SHOWN_MAX = 100 };

struct diff {
    const struct json *before_root, *after_root;
    struct schema_errors *errors;
    int64_t pairs, steps;
    unsigned quiet;
};

/* A pair on the way down, with the pointer in the new schema. */
struct pair {
    const struct json *before, *after;
    const struct pair *up;
    struct str pointer;
    unsigned depth;
};

static bool compare(struct diff *d, const struct pair *p);

/* Always false. */
static bool breaks(struct diff *d, const struct pair *p, const char *keyword, const char *text)
{
    if (d->quiet == 0) {
        struct str at = json_pointer_add(d->errors->arena, p->pointer, str_from(keyword));

        schema_error_add(d->errors, STR_NONE,
                         arena_printf(d->errors->arena, "#%.*s", STR_ARG(at)), keyword,
                         str_from(text));
    }
    return false;
}

/* --- values */
static bool same(struct diff *d, const struct json *a, const struct json *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return json_equal(a, b, &d->steps);
}

static bool has_reference(const struct json *v)
{
    struct json_iter it = json_iter(v);
    const struct json *item;
    struct str name = STR_NONE;

    while ((item = json_next(&it, &name)) != NULL) {
        if (str_eq_c(name, "$ref") || str_eq_c(name, "$dynamicRef") || has_reference(item)) {
            return true;
        }
    }
    return false;
}

/* Equal, also in what they refer to. */
static bool same_whole(struct diff *d, const struct json *a, const struct json *b)
{
    if (!same(d, a, b)) {
        return false;
    }
    return a == NULL || !has_reference(a) ||
           (same(d, json_member(d->before_root, "$defs"),
                 json_member(d->after_root, "$defs")) &&
            same(d, json_member(d->before_root, "definitions"),
                 json_member(d->after_root, "definitions")));
}

/* --- type, enum, const */
static bool list_has(struct diff *d, const struct json *list, const struct json *v)
{
    struct json_iter it = json_iter(list);
    const struct json *item;

    if (json_type(list) != JSON_ARRAY) {
        return same(d, list, v);
    }
    while ((item = json_next(&it, NULL)) != NULL) {
        if (same(d, item, v)) {
            return true;
        }
    }
    return false;
}

static bool type_allowed(const struct json *types, struct str name)
{
    struct json_iter it = json_iter(types);
    const struct json *item;

    if (json_type(types) == JSON_STRING) {
        return str_eq(json_string(types), name);
    }
    while ((item = json_next(&it, NULL)) != NULL) {
        if (str_eq(json_string(item), name)) {
            return true;
        }
    }
    return false;
}

static bool type_kept(const struct json *before, struct str name)
{
    return type_allowed(before, name) ||
           (str_eq_c(name, "integer") && type_allowed(before, STR("number")));
}

static bool compare_type(struct diff *d, const struct pair *p)
{
    const struct json *before = json_member(p->before, "type");
    const struct json *after = json_member(p->after, "type");
    struct json_iter it = json_iter(after);
    bool kept =
        after != NULL && (json_type(after) == JSON_ARRAY ||
                          type_kept(before == NULL ? after : before, json_string(after)));
    const struct json *item;

    if (before == NULL) {
        return true;
    }
    while (kept && (item = json_next(&it, NULL)) != NULL) {
        kept = type_kept(before, json_string(item));
    }
    return kept || breaks(d, p, "type", "A type is allowed that was not allowed before.");
}

static bool compare_values(struct diff *d, const struct pair *p)
{
    static const char *const names[] = { "const", "enum" };
    const struct json *after = json_member(p->after, "const");
    bool kept = true;

    after = after == NULL ? json_member(p->after, "enum") : after;
    for (size_t i = 0; i < 2 && kept; i++) {
        const struct json *before = json_member(p->before, names[i]);
        bool is_list = after != NULL && after == json_member(p->after, "enum");
        struct json_iter it = json_iter(after);
        const struct json *item;

        if (before == NULL) {
            continue;
        }
        kept = after != NULL;
        if (kept && is_list) {
            while (kept && (item = json_next(&it, NULL)) != NULL) {
                kept = i == 0 ? same(d, before, item) : list_has(d, before, item);
            }
        } else if (kept) {
            kept = i == 0 ? same(d, before, after) : list_has(d, before, after);
        }
        if (!kept) {
            return breaks(d, p, names[i], "A value is allowed that was not allowed before.");
        }
    }
    return true;
}

/* --- bounds */
static bool bound_kept(const struct json *before, const struct json *after, bool is_max)
{
    struct decimal old;
    struct decimal new;
    int order;

    if (after == NULL || decimal_parse(json_number(before), &old) != 0 ||
        decimal_parse(json_number(after), &new) != 0) {
        return false;
    }
    order = decimal_compare(&new, &old);
    return is_max ? order <= 0 : order >= 0;
}

static bool compare_bounds(struct diff *d, const struct pair *p)
{
    static const struct {
        const char *name;
        bool is_max;
    } bounds[] = { { "maximum", true },       { "exclusiveMaximum", true },
                   { "minimum", false },      { "exclusiveMinimum", false },
                   { "maxLength", true },     { "minLength", false },
                   { "maxItems", true },      { "minItems", false },
                   { "maxProperties", true }, { "minProperties", false },
                   { "maxContains", true },   { "minContains", false } };
    bool kept = true;

    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        const struct json *before = json_member(p->before, bounds[i].name);
        const struct json *after = json_member(p->after, bounds[i].name);

        if (before != NULL && !bound_kept(before, after, bounds[i].is_max)) {
            kept = breaks(d, p, bounds[i].name, "A bound is wider than before, or gone.");
        }
    }
    return kept;
}

static bool compare_divisor(struct diff *d, const struct pair *p)
{
    const struct json *before = json_member(p->before, "multipleOf");
    const struct json *after = json_member(p->after, "multipleOf");
    struct decimal old;
    struct decimal new;

    if (before == NULL || (after != NULL && decimal_parse(json_number(before), &old) == 0 &&
                           decimal_parse(json_number(after), &new) == 0 &&
                           decimal_is_divisor(&old) && decimal_is_multiple(&new, &old))) {
        return true;
    }
    return breaks(d, p, "multipleOf", "It allows numbers that were not allowed before.");
}

/* --- what can only stay or come */
static bool compare_opaque(struct diff *d, const struct pair *p)
{
    static const char *const names[] = { "pattern",
                                         "format",
                                         "uniqueItems",
                                         "contentEncoding",
                                         "contentMediaType",
                                         "not",
                                         "if",
                                         "then",
                                         "else",
                                         "contains",
                                         "propertyNames",
                                         "patternProperties",
                                         "dependentRequired",
                                         "dependentSchemas",
                                         "dependencies",
                                         "unevaluatedItems",
                                         "unevaluatedProperties",
                                         "additionalItems",
                                         "$dynamicRef" };
    bool kept = true;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct json *before = json_member(p->before, names[i]);

        if (before != NULL && !same_whole(d, before, json_member(p->after, names[i]))) {
            kept = breaks(d, p, names[i],
                          "It may be added, but not changed or taken away: whether receivers "
                          "can bear that cannot be judged.");
        }
    }
    return kept;
}

/* --- going down */
static bool below(struct diff *d, const struct pair *p, const struct json *before,
                  const struct json *after, struct str pointer)
{
    struct pair child = {
        .before = before, .after = after, .up = p, .pointer = pointer, .depth = p->depth + 1
    };

    return compare(d, &child);
}

static bool compare_properties(struct diff *d, const struct pair *p)
{
    struct arena *arena = d->errors->arena;
    const struct json *before = json_member(p->before, "properties");
    const struct json *after = json_member(p->after, "properties");
    const struct json *others = json_member(p->before, "additionalProperties");
    bool closed = others != NULL && json_type(others) == JSON_BOOL && !json_bool(others);
    struct str at = json_pointer_add(arena, p->pointer, STR("properties"));
    struct json_iter it = json_iter(before);
    bool kept = true;
    const struct json *v;
    struct str name;

    while ((v = json_next(&it, &name)) != NULL) {
        const struct json *now = after == NULL ? NULL : json_get(after, name);
        struct pair named = { .pointer = at };

        if (now == NULL) {
            kept = breaks(d, &named, arena_c(arena, name),
                          "This property is gone; receivers may read it.");
        } else {
            kept = below(d, p, v, now, json_pointer_add(arena, at, name)) && kept;
        }
    }
    it = json_iter(after);
    while (closed && (v = json_next(&it, &name)) != NULL) {
        struct pair named = { .pointer = at };

        if (before == NULL || json_get(before, name) == NULL) {
            kept = breaks(d, &named, arena_c(arena, name),
                          "This property is new, but additionalProperties was false: receivers "
                          "were told that there is no other.");
        }
    }
    return kept;
}

static bool compare_required(struct diff *d, const struct pair *p)
{
    const struct json *before = json_member(p->before, "required");
    const struct json *after = json_member(p->after, "required");
    struct json_iter it = json_iter(before);
    const struct json *name;

    while ((name = json_next(&it, NULL)) != NULL) {
        if (after == NULL || !list_has(d, after, name)) {
            struct str text = arena_printf(
                d->errors->arena, "\"%.*s\" was always there and may be missing now.",
                STR_ARG(str_sub(json_string(name), 0, NAME_SHOWN_MAX)));

            return breaks(d, p, "required", text.p);
        }
    }
    return true;
}

/* A schema under one keyword; absent means that all is allowed. */
static bool compare_one(struct diff *d, const struct pair *p, const char *keyword)
{
    const struct json *before = json_member(p->before, keyword);
    const struct json *after = json_member(p->after, keyword);

    if (before == NULL || (json_type(before) == JSON_BOOL && json_bool(before))) {
        return true;
    }
    if (json_type(before) == JSON_ARRAY || (after != NULL && json_type(after) == JSON_ARRAY)) {
        return same_whole(d, before, after) ||
               breaks(d, p, keyword, "The items changed in a way that cannot be judged.");
    }
    if (after == NULL) {
        return breaks(d, p, keyword, "It is gone, so more is allowed than before.");
    }
    return below(d, p, before, after,
                 json_pointer_add(d->errors->arena, p->pointer, str_from(keyword)));
}

static bool compare_prefix(struct diff *d, const struct pair *p)
{
    const struct json *before = json_member(p->before, "prefixItems");
    const struct json *after = json_member(p->after, "prefixItems");
    struct json_iter it = json_iter(before);
    struct json_iter now = json_iter(after);
    const struct json *v;
    bool kept = true;
    size_t at = 0;

    if (before == NULL) {
        return true;
    }
    if (after == NULL || json_count(after) < json_count(before)) {
        return breaks(d, p, "prefixItems", "There are fewer than before.");
    }
    while ((v = json_next(&it, NULL)) != NULL) {
        kept = below(d, p, v, json_next(&now, NULL),
                     arena_printf(d->errors->arena, "%.*s/prefixItems/%zu", STR_ARG(p->pointer),
                                  at++)) &&
               kept;
    }
    return kept;
}

/* Does v fit one of the list? In which direction: is v the newer one? */
static bool fits_one(struct diff *d, const struct pair *p, const struct json *v,
                     const struct json *list, bool v_is_after)
{
    struct json_iter it = json_iter(list);
    const struct json *item;
    bool fits = false;

    d->quiet++;
    while (!fits && (item = json_next(&it, NULL)) != NULL) {
        fits = v_is_after ? below(d, p, item, v, p->pointer) : below(d, p, v, item, p->pointer);
    }
    d->quiet--;
    return fits;
}

/* anyOf, oneOf: each branch of now must keep to one of before. allOf: each of before must be kept
 * by one of now. */
static bool compare_list(struct diff *d, const struct pair *p, const char *keyword, bool is_all)
{
    const struct json *before = json_member(p->before, keyword);
    const struct json *after = json_member(p->after, keyword);
    struct json_iter it = json_iter(is_all ? before : after);
    const struct json *v;

    if (before == NULL) {
        return true;
    }
    if (after == NULL) {
        return breaks(d, p, keyword, "It is gone, so more is allowed than before.");
    }
    while ((v = json_next(&it, NULL)) != NULL) {
        if (!fits_one(d, p, v, is_all ? after : before, !is_all)) {
            return breaks(d, p, keyword,
                          is_all ? "A part that held before does not hold any more."
                                 : "A branch allows what was not allowed before.");
        }
    }
    return true;
}

/* --- references */
/* The schema behind a $ref that stands alone; NULL when it cannot be followed. */
static const struct json *behind(const struct json *root, const struct json *v)
{
    struct str reference = json_string(json_member(v, "$ref"));

    if (reference.len == 0 || reference.p[0] != '#') {
        return NULL;
    }
    reference = str_sub(reference, 1, reference.len);
    if (!json_pointer_valid(reference) || memchr(reference.p, '%', reference.len) != NULL) {
        return NULL;
    }
    return json_pointer_get(root, reference);
}

static bool has_ref(const struct json *v)
{
    return json_type(v) == JSON_OBJECT && json_member(v, "$ref") != NULL;
}

/* True: answered in *ret_kept. */
static bool compare_references(struct diff *d, const struct pair *p, bool *ret_kept)
{
    const struct json *before = has_ref(p->before) ? behind(d->before_root, p->before) : NULL;
    const struct json *after = has_ref(p->after) ? behind(d->after_root, p->after) : NULL;

    if (!has_ref(p->before) && !has_ref(p->after)) {
        return false;
    }
    if ((has_ref(p->before) && before == NULL) || (has_ref(p->after) && after == NULL)) {
        *ret_kept =
            same_whole(d, p->before, p->after) ||
            breaks(d, p, "$ref", "The reference changed in a way that cannot be judged.");
        return true;
    }
    if (before != NULL && after != NULL && json_count(p->before) > 1) {
        /* What stands beside the reference counts too. */
        *ret_kept = below(d, p, before, after, p->pointer);
        return !*ret_kept;
    }
    if (before != NULL && after == NULL && json_count(p->before) > 1) {
        *ret_kept =
            breaks(d, p, "$ref", "The reference changed in a way that cannot be judged.");
        return true;
    }
    *ret_kept = below(d, p, before == NULL ? p->before : before,
                      after == NULL ? p->after : after, p->pointer);
    return true;
}

static bool met_before(const struct pair *p)
{
    for (const struct pair *q = p->up; q != NULL; q = q->up) {
        if (q->before == p->before && q->after == p->after) {
            return true;
        }
    }
    return false;
}

/* --- a pair */
static bool compare_objects(struct diff *d, const struct pair *p)
{
    bool kept = compare_type(d, p);

    kept = compare_values(d, p) && kept;
    kept = compare_bounds(d, p) && kept;
    kept = compare_divisor(d, p) && kept;
    kept = compare_opaque(d, p) && kept;
    kept = compare_properties(d, p) && kept;
    kept = compare_required(d, p) && kept;
    kept = compare_one(d, p, "additionalProperties") && kept;
    kept = compare_one(d, p, "items") && kept;
    kept = compare_prefix(d, p) && kept;
    kept = compare_list(d, p, "allOf", true) && kept;
    kept = compare_list(d, p, "anyOf", false) && kept;
    return compare_list(d, p, "oneOf", false) && kept;
}

static bool allows_all(const struct json *v)
{
    return json_type(v) == JSON_BOOL ? json_bool(v) : json_count(v) == 0;
}

static bool compare(struct diff *d, const struct pair *p)
{
    bool kept = true;

    if (--d->pairs < 0 || p->depth > DIFF_DEPTH_MAX) {
        return breaks(d, p, "$comment", "The schemas are too large to be compared.");
    }
    if (allows_all(p->before) || met_before(p) ||
        (json_type(p->after) == JSON_BOOL && !json_bool(p->after))) {
        return true;
    }
    if (json_type(p->before) == JSON_BOOL || json_type(p->after) == JSON_BOOL) {
        return breaks(d, p, "type", "More is allowed than before.");
    }
    if (compare_references(d, p, &kept)) {
        return kept;
    }
    return compare_objects(d, p);
}

bool schema_breaks(const struct json *before, const struct json *after,
                   struct schema_errors *errors)
{
    struct diff d = { .before_root = before,
                      .after_root = after,
                      .errors = errors,
                      .pairs = SCHEMA_DIFF_PAIRS_MAX,
                      .steps = SCHEMA_DIFF_STEPS_MAX };
    struct pair root = { .before = before, .after = after, .pointer = STR("") };

    ASSERT(errors != NULL && errors->count == 0);
    if (before == NULL) {
        return false;
    }
    if (after == NULL) {
        schema_error_add(errors, STR_NONE, STR("#"), "$schema", STR("The schema is gone."));
        return !allows_all(before);
    }
    return !compare(&d, &root);
}
