/* SPDX-License-Identifier: Apache-2.0 */
/* filter_match.c - the terms of a filter against one event's data. */
#include <string.h>

#include "base/assert.h"
#include "json/filter_internal.h"
#include "json/number.h"

enum { STEP_BYTES = 64 };

struct match {
    const struct json *data;
    uint64_t steps;
    bool is_over; /* more was needed */
};

static bool step(struct match *m, size_t steps)
{
    if (m->steps < steps) {
        m->steps = 0;
        m->is_over = true;
        return false;
    }
    m->steps -= steps;
    return true;
}

/* --- one value against one operand */
static bool equals(struct match *m, const struct json *v, const struct filter_operand *o)
{
    if (json_type(v) != o->type) {
        return false;
    }
    switch (o->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return json_bool(v) == o->truth;
    case JSON_NUMBER:
        return step(m, json_number(v).len / STEP_BYTES) &&
               json_number_cmp(json_number(v), o->text) == 0;
    case JSON_STRING:
        return str_eq(json_string(v), o->text);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return false;
}

static bool is_ordered(struct match *m, enum filter_op op, const struct json *v,
                       const struct filter_operand *o)
{
    int order;

    if (json_type(v) != o->type || (o->type != JSON_NUMBER && o->type != JSON_STRING)) {
        return false;
    }
    if (o->type == JSON_NUMBER && !step(m, json_number(v).len / STEP_BYTES)) {
        return false;
    }
    order = o->type == JSON_NUMBER ? json_number_cmp(json_number(v), o->text)
                                   : str_cmp(json_string(v), o->text);
    return op == FILTER_GT    ? order > 0
           : op == FILTER_GTE ? order >= 0
           : op == FILTER_LT  ? order < 0
                              : order <= 0;
}

static bool has_text(struct match *m, enum filter_op op, const struct json *v, struct str text)
{
    struct str s = json_string(v);

    if (json_type(v) != JSON_STRING || s.len < text.len) {
        return false;
    }
    if (op == FILTER_STARTS) {
        return str_starts(s, text);
    }
    if (op == FILTER_ENDS) {
        return str_ends(s, text);
    }
    return step(m, s.len / STEP_BYTES) &&
           (text.len == 0 || memmem(s.p, s.len, text.p, text.len) != NULL);
}

static bool holds_one(struct match *m, const struct filter_term *t, const struct json *v,
                      const struct filter_operand *o)
{
    switch (t->op) {
    case FILTER_EQ:
    case FILTER_NE:
        return equals(m, v, o);
    case FILTER_GT:
    case FILTER_GTE:
    case FILTER_LT:
    case FILTER_LTE:
        return is_ordered(m, t->op, v, o);
    case FILTER_CONTAINS:
        return equals(m, v, o) || (o->type == JSON_STRING && has_text(m, t->op, v, o->text));
    case FILTER_STARTS:
    case FILTER_ENDS:
        return has_text(m, t->op, v, o->text);
    case FILTER_ALL:
    case FILTER_ANY:
    case FILTER_NOT:
    case FILTER_EXISTS:
    case FILTER_MISSING:
        break;
    }
    return false;
}

/* --- the values that a path finds */
struct finding {
    const struct filter_term *term;
    bool is_found; /* there is a value */
    bool is_hit;   /* one of them does it */
};

static void look(struct match *m, const struct json *v, struct finding *f)
{
    f->is_found = true;
    for (size_t i = 0; i < f->term->operand_count && !f->is_hit; i++) {
        if (!step(m, 1)) {
            return;
        }
        f->is_hit = holds_one(m, f->term, v, &f->term->operands[i]);
    }
}

/* At the end of a path: the value, or each item of an array. */
static void look_each(struct match *m, const struct json *v, struct finding *f)
{
    struct json_iter it;
    const struct json *item;

    if (json_type(v) != JSON_ARRAY) {
        look(m, v, f);
        return;
    }
    f->is_found = true;
    it = json_iter(v);
    while (!f->is_hit && !m->is_over && (item = json_next(&it, NULL)) != NULL) {
        look(m, item, f);
    }
}

static void walk(struct match *m, const struct json *v, size_t at, struct finding *f)
{
    struct json_iter it;
    const struct json *item;
    int64_t place;

    if (f->is_hit || !step(m, 1 + json_count(v) / STEP_BYTES)) {
        return;
    }
    if (at == f->term->path_count) {
        look_each(m, v, f);
        return;
    }
    if (json_type(v) == JSON_OBJECT) {
        item = json_get(v, f->term->path[at]);
        if (item != NULL) {
            walk(m, item, at + 1, f);
        }
        return;
    }
    if (json_type(v) != JSON_ARRAY || json_count(v) == 0) {
        return;
    }
    if (str_to_int(f->term->path[at], 0, (int64_t)json_count(v) - 1, &place) == 0) {
        walk(m, json_item(v, (size_t)place), at + 1, f);
        return;
    }
    it = json_iter(v);
    while (!f->is_hit && !m->is_over && (item = json_next(&it, NULL)) != NULL) {
        walk(m, item, at, f);
    }
}

/* --- terms */
static bool holds(struct match *m, const struct filter_term *t, struct str *ret_rule);

static bool holds_field(struct match *m, const struct filter_term *t)
{
    struct finding f = { .term = t };

    walk(m, m->data, 0, &f);
    switch (t->op) {
    case FILTER_EXISTS:
        return f.is_found;
    case FILTER_MISSING:
        return !f.is_found;
    case FILTER_NE:
        return f.is_found && !f.is_hit;
    case FILTER_EQ:
    case FILTER_GT:
    case FILTER_GTE:
    case FILTER_LT:
    case FILTER_LTE:
    case FILTER_CONTAINS:
    case FILTER_STARTS:
    case FILTER_ENDS:
    case FILTER_ALL:
    case FILTER_ANY:
    case FILTER_NOT:
        break;
    }
    return f.is_hit;
}

/* The first that does not hold names itself in *ret_rule. */
static bool holds_all(struct match *m, const struct filter_term *t, struct str *ret_rule)
{
    for (const struct filter_term *child = t->children; child != NULL; child = child->next) {
        if (!holds(m, child, ret_rule)) {
            return false;
        }
    }
    return true;
}

static bool holds_any(struct match *m, const struct filter_term *t)
{
    struct str ignored;

    for (const struct filter_term *child = t->children; child != NULL; child = child->next) {
        if (holds(m, child, &ignored)) {
            return true;
        }
    }
    return false;
}

static bool holds(struct match *m, const struct filter_term *t, struct str *ret_rule)
{
    struct str ignored;
    bool is_held;

    if (!step(m, 1)) {
        return false;
    }
    if (t->op == FILTER_ALL) {
        return holds_all(m, t, ret_rule);
    }
    if (t->op == FILTER_ANY) {
        is_held = holds_any(m, t);
    } else if (t->op == FILTER_NOT) {
        ASSERT(t->children != NULL && t->children->next == NULL);
        is_held = !holds(m, t->children, &ignored);
    } else {
        is_held = holds_field(m, t);
    }
    if (!is_held) {
        *ret_rule = t->pointer;
    }
    return is_held;
}

int filter_match(const struct filter *filter, const struct json *data, uint64_t *steps,
                 struct filter_result *ret_result)
{
    uint64_t allowed = *steps < FILTER_STEPS_MAX ? *steps : FILTER_STEPS_MAX;
    struct match m = { .data = data, .steps = allowed };
    struct filter_result result = { .rule = STR_NONE };

    result.matches = holds(&m, &filter->root, &result.rule);
    *steps -= allowed - m.steps;
    if (m.is_over) {
        return -E_TOO_LARGE;
    }
    *ret_result = result;
    return 0;
}
