/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_check.c - a value against a compiled schema: one frame a subschema and value, with its
 * way to the value (for errors), the resources entered (for $dynamicRef) and the marks of what was
 * looked at (for unevaluated...).
 *
 * A limit that is reached ends everything: check.rc is set, every answer from then on is void.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "json/pointer.h"
#include "json/schema.h"
#include "json/schema_internal.h"

enum { WORD_BITS = 64, BYTES_A_STEP = 64 };

/* --- limits */
bool check_stop(struct check *c, const char *limit)
{
    if (c->rc == 0) {
        c->rc = -E_TOO_LARGE;
        c->limit = limit;
    }
    return false;
}

bool check_spend(struct check *c, int64_t steps)
{
    c->steps -= steps;
    if (c->steps < 0) {
        c->steps = 0;
        return check_stop(c, "The check needs too many steps: the value is too large for this "
                             "schema.");
    }
    return true;
}

bool check_over(const struct check *c, bool valid)
{
    return c->rc != 0 || (!valid && (c->quiet > 0 || c->errors == NULL || c->errors->more));
}

bool check_match(struct check *c, const struct pattern *p, struct str text)
{
    bool found = false;

    if (!check_spend(c, 1 + (int64_t)(text.len / BYTES_A_STEP))) {
        return false;
    }
    if (c->run == NULL) {
        c->run = pattern_run_new();
    }
    if (pattern_match(p, c->run, text, &c->pattern_steps, &found) != 0) {
        return check_stop(c, "A pattern of the schema needs too many steps on this text.");
    }
    return found;
}

/* --- marks: bits on a stack; positions, not pointers, for the stack moves when it grows */
void marks_push(struct check *c, size_t bits, struct marks *ret)
{
    struct marks m = { .at = c->word_count, .count = (bits + WORD_BITS - 1) / WORD_BITS };

    if (c->word_count + m.count > c->word_room) {
        c->word_room = (c->word_count + m.count) * 2 + 16;
        c->words = xrealloc(c->words, c->word_room * sizeof(*c->words));
    }
    if (m.count > 0) {
        memset(&c->words[m.at], 0, m.count * sizeof(*c->words));
    }
    c->word_count += m.count;
    (void)check_spend(c, (int64_t)m.count);
    *ret = m;
}

void marks_pop(struct check *c, const struct marks *marks)
{
    ASSERT(c->word_count == marks->at + marks->count);
    c->word_count = marks->at;
}

void marks_set(struct check *c, const struct marks *marks, size_t bit)
{
    if (marks != NULL) {
        ASSERT(bit / WORD_BITS < marks->count);
        c->words[marks->at + bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
    }
}

void marks_set_all(struct check *c, const struct marks *marks)
{
    if (marks != NULL && marks->count > 0) {
        memset(&c->words[marks->at], 0xff, marks->count * sizeof(*c->words));
    }
}

bool marks_has(const struct check *c, const struct marks *marks, size_t bit)
{
    return (c->words[marks->at + bit / WORD_BITS] >> bit % WORD_BITS & 1) != 0;
}

void marks_merge(struct check *c, const struct marks *into, const struct marks *from)
{
    if (into == NULL) {
        return;
    }
    ASSERT(into->count == from->count);
    for (size_t i = 0; i < from->count; i++) {
        c->words[into->at + i] |= c->words[from->at + i];
    }
}

/* --- errors */
static struct str place_pointer(struct arena *arena, const struct place *place)
{
    struct str text = STR("");

    for (; place != NULL && text.len <= SCHEMA_POINTER_MAX; place = place->up) {
        struct str token = place->name.p != NULL
                               ? json_pointer_add(arena, STR_NONE, place->name)
                               : arena_printf(arena, "/%zu", place->index);

        text = arena_printf(arena, "%.*s%.*s", STR_ARG(token), STR_ARG(text));
    }
    return text;
}

bool check_fail(struct check *c, const struct frame *f, const char *keyword, const char *fmt,
                ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;

    if (c->quiet > 0 || c->errors == NULL || c->rc != 0) {
        return false;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    schema_error_add(c->errors, place_pointer(c->errors->arena, f->place),
                     schema_site_pointer(c->errors->arena, f->node->site, keyword),
                     keyword == NULL ? "false" : keyword, str_from(text));
    return false;
}

/* --- frames */
static bool apply_rules(struct check *c, const struct frame *f)
{
    const struct node *node = f->node;
    bool valid = true;

    for (size_t i = 0; i < node->rule_count && !check_over(c, valid); i++) {
        valid = node->rules[i].check(c, &node->rules[i], f) && valid;
    }
    if (node->array != NULL && !check_over(c, valid)) {
        valid = check_array(c, f) && valid;
    }
    if (node->contains != NULL && !check_over(c, valid)) {
        valid = check_contains(c, f) && valid;
    }
    if (node->object != NULL && !check_over(c, valid)) {
        valid = check_object(c, f) && valid;
    }
    if (node->condition != NULL && !check_over(c, valid)) {
        valid = check_condition(c, f) && valid;
    }
    /* What failed is not called unevaluated on top: its marks say nothing. */
    if (valid && c->rc == 0) {
        valid = check_unevaluated(c, f);
    }
    return valid && c->rc == 0;
}

/* A node that asks what was left over needs marks of its own: what stands beside it in the schema
 * around does not count. */
static bool apply_marked(struct check *c, const struct frame *f)
{
    struct frame own = *f;
    struct marks marks;
    bool valid;

    if (f->node->unevaluated_items == NULL && f->node->unevaluated_properties == NULL) {
        return apply_rules(c, f);
    }
    marks_push(c, json_count(f->value), &marks);
    own.marks = &marks;
    valid = apply_rules(c, &own);
    if (valid) {
        marks_merge(c, f->marks, &marks);
    }
    marks_pop(c, &marks);
    return valid;
}

static bool apply(struct check *c, const struct frame *f)
{
    struct scope scope = { f->node->site->resource, f->scope };
    struct frame inside = *f;
    bool valid;

    if (!check_spend(c, 1)) {
        return false;
    }
    if (f->node->kind == NODE_TRUE) {
        return true;
    }
    if (f->node->kind == NODE_FALSE) {
        return check_fail(c, f, NULL, "Nothing is allowed here.");
    }
    if (c->depth == SCHEMA_CHECK_DEPTH_MAX) {
        return check_stop(c, "The subschemas refer to each other too deeply, or without end.");
    }
    if (f->scope == NULL || f->scope->resource != scope.resource) {
        inside.scope = &scope;
    }
    c->depth++;
    valid = apply_marked(c, &inside);
    c->depth--;
    return valid;
}

bool check_in_place(struct check *c, const struct node *node, const struct frame *f,
                    const struct marks *marks)
{
    struct frame child = *f;

    child.node = node;
    child.marks = marks;
    return apply(c, &child);
}

bool check_below(struct check *c, const struct node *node, const struct frame *f,
                 const struct json *value, struct str name, size_t index)
{
    struct place place = { .up = f->place, .name = name, .index = index };
    struct frame child = { .node = node, .value = value, .place = &place, .scope = f->scope };

    return apply(c, &child);
}

bool check_silently(struct check *c, const struct node *node, const struct frame *f,
                    const struct json *value)
{
    struct frame child = *f;
    bool valid;

    child.node = node;
    child.value = value;
    child.marks = NULL;
    c->quiet++;
    valid = apply(c, &child);
    c->quiet--;
    return valid;
}

int schema_check(const struct schema *s, const struct json *value, bool *ret_valid,
                 struct schema_errors *errors)
{
    struct check c = { .steps = SCHEMA_CHECK_STEPS_MAX,
                       .pattern_steps = SCHEMA_CHECK_PATTERN_STEPS,
                       .errors = errors };
    struct frame f = { .node = s->root, .value = value };
    bool valid = apply(&c, &f);

    ASSERT(c.depth == 0 && c.quiet == 0 && c.word_count == 0);
    pattern_run_free(c.run);
    free(c.words);
    if (c.rc != 0) {
        if (errors != NULL) {
            errors->count -= errors->count == SCHEMA_ERRORS_MAX ? 1 : 0;
            schema_error_add(errors, STR(""), STR("#"), "limit", str_from(c.limit));
        }
        return c.rc;
    }
    *ret_valid = valid;
    return 0;
}
