/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check_parts.c - keywords that work together: members of objects, items of arrays, what
 * nobody looked at. */
#include "base/assert.h"
#include "json/schema_internal.h"

/* --- objects */
static const struct property *find(const struct object_part *part, struct str name)
{
    size_t low = 0;
    size_t high = part->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(name, part->properties[middle].name);

        if (order == 0) {
            return &part->properties[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* The name as a JSON string: propertyNames checks it as a value. */
static bool check_name(struct check *c, const struct frame *f, struct str name)
{
    struct json_doc *doc = NULL;
    struct json_out o;
    struct buf text;
    bool valid = false;

    if (!check_spend(c, 1 + (int64_t)(name.len / 16))) {
        return false;
    }
    buf_init(&text, name.len * 6 + 3);
    json_out_begin(&o, &text);
    json_out_str(&o, name);
    if (json_out_end(&o) == 0 && json_parse(buf_str(&text), 0, &doc, NULL) == 0) {
        valid = check_silently(c, f->node->object->names, f, json_root(doc));
    }
    json_doc_free(doc);
    buf_done(&text);
    return valid ||
           check_fail(c, f, "propertyNames", "The name of a member is not allowed: \"%.*s\".",
                      (int)(name.len > 100 ? 100 : name.len), name.len > 0 ? name.p : "");
}

static bool check_additional(struct check *c, const struct frame *f, const struct json *v,
                             struct str name)
{
    struct place place = { .up = f->place, .name = name };
    struct frame at = *f;

    if (f->node->object->additional->kind == NODE_FALSE) {
        at.place = &place;
        return check_fail(c, &at, "additionalProperties",
                          "The schema has no member of this name, and allows no others.");
    }
    return check_below(c, f->node->object->additional, f, v, name, 0);
}

/* One member against all that speaks of it. */
static bool check_member(struct check *c, const struct frame *f, const struct property *p,
                         const struct json *v, struct str name, size_t at)
{
    const struct object_part *part = f->node->object;
    bool known = p != NULL && p->node != NULL;
    bool valid = !known || check_below(c, p->node, f, v, name, 0);

    for (size_t i = 0; i < part->pattern_count && !check_over(c, valid); i++) {
        if (check_match(c, part->patterns[i], name)) {
            known = true;
            valid = check_below(c, part->pattern_nodes[i], f, v, name, 0) && valid;
        }
    }
    if (!known && part->additional != NULL && c->rc == 0) {
        known = true;
        valid = check_additional(c, f, v, name) && valid;
    }
    if (known) {
        marks_set(c, f->marks, at);
    }
    if (part->names != NULL && !check_over(c, valid)) {
        valid = check_name(c, f, name) && valid;
    }
    return valid;
}

static bool check_missing(struct check *c, const struct frame *f, const char *keyword,
                          struct str name)
{
    return check_fail(c, f, keyword, "The member \"%.*s\" is missing.",
                      (int)(name.len > 100 ? 100 : name.len), name.len > 0 ? name.p : "");
}

static bool check_needs(struct check *c, const struct frame *f, const struct property *p)
{
    struct json_iter it = json_iter(p->needs);
    const struct json *name;
    bool valid = true;

    while (!check_over(c, valid) && (name = json_next(&it, NULL)) != NULL) {
        if (!check_spend(c, 1 + (int64_t)json_count(f->value) / 8)) {
            return false;
        }
        if (json_get(f->value, json_string(name)) == NULL) {
            valid = check_missing(c, f, f->node->object->needs_keyword, json_string(name));
        }
    }
    return valid;
}

/* What names that are there, or are not, mean for the whole object. */
static bool check_names(struct check *c, const struct frame *f, const struct marks *present)
{
    const struct object_part *part = f->node->object;
    bool valid = true;

    if (!part->has_required && part->needs_keyword == NULL && part->dependent_keyword == NULL) {
        return true;
    }
    for (size_t i = 0; i < part->count && !check_over(c, valid); i++) {
        const struct property *p = &part->properties[i];

        if (!marks_has(c, present, i)) {
            valid = (!p->required || check_missing(c, f, "required", p->name)) && valid;
            continue;
        }
        if (p->needs != NULL) {
            valid = check_needs(c, f, p) && valid;
        }
        if (p->dependent != NULL && !check_over(c, valid)) {
            valid = check_in_place(c, p->dependent, f, f->marks) && valid;
        }
    }
    return valid;
}

bool check_object(struct check *c, const struct frame *f)
{
    const struct object_part *part = f->node->object;
    struct json_iter it = json_iter(f->value);
    struct marks present;
    const struct json *v;
    bool valid = true;
    struct str name;
    size_t at = 0;

    if (json_type(f->value) != JSON_OBJECT ||
        !check_spend(c, (int64_t)(json_count(f->value) + part->count / 16))) {
        return c->rc == 0;
    }
    marks_push(c, part->count, &present);
    while (!check_over(c, valid) && (v = json_next(&it, &name)) != NULL) {
        const struct property *p = find(part, name);

        if (p != NULL) {
            marks_set(c, &present, (size_t)(p - part->properties));
        }
        valid = check_member(c, f, p, v, name, at) && valid;
        at++;
    }
    if (!check_over(c, valid)) {
        valid = check_names(c, f, &present) && valid;
    }
    marks_pop(c, &present);
    return valid;
}

/* --- arrays */
bool check_array(struct check *c, const struct frame *f)
{
    const struct array_part *part = f->node->array;
    struct json_iter it = json_iter(f->value);
    const struct json *v;
    bool valid = true;
    size_t at = 0;

    if (json_type(f->value) != JSON_ARRAY) {
        return true;
    }
    while (!check_over(c, valid) && (v = json_next(&it, NULL)) != NULL) {
        const struct node *node = at < part->prefix_count ? part->prefix[at] : part->rest;

        if (node == NULL) {
            break;
        }
        valid = check_below(c, node, f, v, STR_NONE, at) && valid;
        marks_set(c, f->marks, at);
        at++;
    }
    return valid;
}

bool check_contains(struct check *c, const struct frame *f)
{
    const struct contains_part *part = f->node->contains;
    struct json_iter it = json_iter(f->value);
    const struct json *v;
    int64_t found = 0;
    size_t at = 0;

    if (json_type(f->value) != JSON_ARRAY) {
        return true;
    }
    while (c->rc == 0 && (v = json_next(&it, NULL)) != NULL) {
        if (check_silently(c, part->node, f, v)) {
            found++;
            marks_set(c, part->marks ? f->marks : NULL, at);
        }
        at++;
    }
    if (found < part->min) {
        return check_fail(c, f, part->min == 1 ? "contains" : "minContains",
                          "It has at least %lld items of that kind.", (long long)part->min);
    }
    return found <= part->max ||
           check_fail(c, f, "maxContains", "It has at most %lld items of that kind.",
                      (long long)part->max);
}

/* --- what is left over */
bool check_unevaluated(struct check *c, const struct frame *f)
{
    bool is_object = json_type(f->value) == JSON_OBJECT;
    const struct node *node = is_object ? f->node->unevaluated_properties
                              : json_type(f->value) == JSON_ARRAY ? f->node->unevaluated_items
                                                                  : NULL;
    struct json_iter it = json_iter(f->value);
    struct str name = STR_NONE;
    const struct json *v;
    bool valid = true;
    size_t at = 0;

    if (node == NULL) {
        return true;
    }
    ASSERT(f->marks != NULL);
    while (!check_over(c, valid) && (v = json_next(&it, &name)) != NULL) {
        if (!marks_has(c, f->marks, at)) {
            valid = check_below(c, node, f, v, name, at) && valid;
        }
        at++;
    }
    marks_set_all(c, f->marks);
    return valid;
}
