/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - a filter as people wrote it, checked and made into terms. */
#include "json/filter.h"

#include <string.h>

#include "base/buf.h"
#include "json/filter_internal.h"
#include "json/pointer.h"

struct compiler {
    struct arena *arena;
    struct form_faults *faults;
    size_t terms;
    bool is_refused;
};

/* Where one value of the filter stands. */
struct place {
    const struct json *v;
    struct str pointer;
    size_t depth;
};

static void refuse(struct compiler *c, struct str pointer, const char *code, const char *text)
{
    c->is_refused = true;
    form_fault(c->faults, pointer, code, "%s", text);
}

static struct filter_term *term_new(struct compiler *c, enum filter_op op, struct str pointer)
{
    struct filter_term *term = arena_alloc(c->arena, sizeof(*term));

    term->op = op;
    term->pointer = arena_str(c->arena, pointer);
    if (++c->terms == FILTER_TERMS_MAX + 1) {
        refuse(c, pointer, "too_long", "A filter has at most 200 rules and operators.");
    }
    return term;
}

static void term_append(struct filter_term *parent, struct filter_term *child)
{
    struct filter_term **end = &parent->children;

    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = child;
}

/* --- paths */
/* Names between dots, `\.` and `\\` undone. */
static void read_path(struct compiler *c, struct str text, struct str pointer,
                      struct filter_term *term)
{
    struct str *names = arena_alloc(c->arena, FILTER_NAMES_MAX * sizeof(*names));
    char *plain = arena_alloc(c->arena, text.len + 1);
    size_t from = 0;
    size_t len = 0;

    term->path = names;
    if (text.len > FILTER_PATH_MAX) {
        refuse(c, pointer, "too_long", "A path has at most 256 bytes.");
        return;
    }
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.p[i] != '.') {
            i += text.p[i] == '\\' && i + 1 < text.len ? 1 : 0;
            plain[len++] = text.p[i];
            continue;
        }
        if (len == from) {
            refuse(c, pointer, "pattern",
                   "A path is names with dots between, such as contact.tags.");
            return;
        }
        if (term->path_count == FILTER_NAMES_MAX) {
            refuse(c, pointer, "too_long", "A path has at most 16 names.");
            return;
        }
        names[term->path_count++] = (struct str){ plain + from, len - from };
        from = len;
    }
}

/* --- operands */
static bool read_operand(struct compiler *c, const struct json *v, struct str pointer,
                         struct filter_operand *ret)
{
    ret->type = json_type(v);
    ret->truth = json_bool(v);
    switch (ret->type) {
    case JSON_NULL:
    case JSON_BOOL:
        return true;
    case JSON_NUMBER:
        ret->text = arena_str(c->arena, json_number(v));
        return true;
    case JSON_STRING:
        ret->text = arena_str(c->arena, json_string(v));
        return true;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    refuse(c, pointer, "type", "This is a string, a number, true, false or null.");
    return false;
}

static void read_one(struct compiler *c, const struct place *at, struct filter_term *term)
{
    term->operands = arena_alloc(c->arena, sizeof(*term->operands));
    term->operand_count = read_operand(c, at->v, at->pointer, term->operands) ? 1 : 0;
}

static void read_list(struct compiler *c, const struct place *at, struct filter_term *term)
{
    struct json_iter it = json_iter(at->v);
    const struct json *v;
    size_t index = 0;

    if (json_type(at->v) != JSON_ARRAY || json_count(at->v) == 0) {
        refuse(c, at->pointer, "type", "This is an array of one value at least.");
        return;
    }
    term->operands = arena_alloc(c->arena, json_count(at->v) * sizeof(*term->operands));
    while ((v = json_next(&it, NULL)) != NULL) {
        struct str pointer = arena_printf(c->arena, "%.*s/%zu", STR_ARG(at->pointer), index++);

        if (read_operand(c, v, pointer, &term->operands[term->operand_count])) {
            term->operand_count++;
        }
    }
}

/* Of $gt and its kin: what has an order. */
static void read_ordered(struct compiler *c, const struct place *at, struct filter_term *term)
{
    if (json_type(at->v) != JSON_NUMBER && json_type(at->v) != JSON_STRING) {
        refuse(c, at->pointer, "type", "This is a number or a string.");
        return;
    }
    read_one(c, at, term);
}

static void read_string(struct compiler *c, const struct place *at, struct filter_term *term)
{
    if (json_type(at->v) != JSON_STRING) {
        refuse(c, at->pointer, "type", "This is a string.");
        return;
    }
    read_one(c, at, term);
}

static void read_exists(struct compiler *c, const struct place *at, struct filter_term *term)
{
    if (json_type(at->v) != JSON_BOOL) {
        refuse(c, at->pointer, "type", "This is true or false.");
        return;
    }
    term->op = json_bool(at->v) ? FILTER_EXISTS : FILTER_MISSING;
}

static const struct {
    const char *name;
    enum filter_op op;
    void (*read)(struct compiler *c, const struct place *at, struct filter_term *term);
} operators[] = {
    { "$eq", FILTER_EQ, read_one },
    { "$ne", FILTER_NE, read_one },
    { "$gt", FILTER_GT, read_ordered },
    { "$gte", FILTER_GTE, read_ordered },
    { "$lt", FILTER_LT, read_ordered },
    { "$lte", FILTER_LTE, read_ordered },
    { "$in", FILTER_EQ, read_list },
    { "$nin", FILTER_NE, read_list },
    { "$contains", FILTER_CONTAINS, read_one },
    { "$exists", FILTER_EXISTS, read_exists },
    { "$startsWith", FILTER_STARTS, read_string },
    { "$endsWith", FILTER_ENDS, read_string },
};

/* --- rules */
static void read_rules(struct compiler *c, const struct place *at, struct filter_term *parent);
static void read_operators(struct compiler *c, const struct place *at,
                           const struct filter_term *field, struct filter_term *parent);

static bool goes_down(struct compiler *c, const struct place *at)
{
    if (at->depth >= FILTER_DEPTH_MAX) {
        refuse(c, at->pointer, "too_deep", "A filter has at most 8 levels.");
        return false;
    }
    return true;
}

static struct place place_in(struct compiler *c, const struct place *at, const struct json *v,
                             struct str name)
{
    return (struct place){ .v = v,
                           .pointer = json_pointer_add(c->arena, at->pointer, name),
                           .depth = at->depth };
}

static void read_operator(struct compiler *c, const struct place *at, struct str name,
                          const struct filter_term *field, struct filter_term *parent)
{
    struct filter_term *term = NULL;

    if (str_eq_c(name, "$not")) {
        struct place below = { .v = at->v, .pointer = at->pointer, .depth = at->depth + 1 };

        if (goes_down(c, at)) {
            term = term_new(c, FILTER_NOT, at->pointer);
            term_append(parent, term);
            read_operators(c, &below, field, term);
        }
        return;
    }
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (str_eq_c(name, operators[i].name)) {
            term = term_new(c, operators[i].op, at->pointer);
            term->path = field->path;
            term->path_count = field->path_count;
            operators[i].read(c, at, term);
            term_append(parent, term);
            return;
        }
    }
    refuse(c, at->pointer, "unknown_operator",
           "Operators are $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $contains, $exists, "
           "$startsWith, $endsWith and $not.");
}

/* The operators of one field: all must hold. */
static void read_operators(struct compiler *c, const struct place *at,
                           const struct filter_term *field, struct filter_term *parent)
{
    struct json_iter it;
    const struct json *v;
    struct str name;
    struct filter_term *all = parent;

    if (json_type(at->v) != JSON_OBJECT || json_count(at->v) == 0) {
        refuse(c, at->pointer, "type", "This is an object of one operator at least.");
        return;
    }
    /* What $not denies is all of them together. */
    if (parent->op == FILTER_NOT && json_count(at->v) > 1) {
        all = term_new(c, FILTER_ALL, at->pointer);
        term_append(parent, all);
    }
    it = json_iter(at->v);
    while ((v = json_next(&it, &name)) != NULL && !c->is_refused) {
        struct place place = place_in(c, at, v, name);

        read_operator(c, &place, name, field, all);
    }
}

static void read_field(struct compiler *c, const struct place *at, struct str name,
                       struct filter_term *parent)
{
    struct filter_term *term = term_new(c, FILTER_EQ, at->pointer);

    read_path(c, name, at->pointer, term);
    if (json_type(at->v) == JSON_OBJECT) {
        c->terms--;
        read_operators(c, at, term, parent);
        return;
    }
    if (json_type(at->v) == JSON_ARRAY) {
        read_list(c, at, term);
    } else {
        read_one(c, at, term);
    }
    term_append(parent, term);
}

/* $and, $or: an array of filters. */
static void read_branches(struct compiler *c, const struct place *at, enum filter_op op,
                          struct filter_term *parent)
{
    struct filter_term *term = term_new(c, op, at->pointer);
    struct json_iter it = json_iter(at->v);
    const struct json *v;
    size_t index = 0;

    term_append(parent, term);
    if (json_type(at->v) != JSON_ARRAY || json_count(at->v) == 0) {
        refuse(c, at->pointer, "type", "This is an array of one filter at least.");
        return;
    }
    while ((v = json_next(&it, NULL)) != NULL && !c->is_refused) {
        struct place below = { .v = v,
                               .pointer = arena_printf(c->arena, "%.*s/%zu",
                                                       STR_ARG(at->pointer), index++),
                               .depth = at->depth + 1 };
        struct filter_term *branch = term_new(c, FILTER_ALL, below.pointer);

        term_append(term, branch);
        if (goes_down(c, at)) {
            read_rules(c, &below, branch);
        }
    }
}

static void read_not(struct compiler *c, const struct place *at, struct filter_term *parent)
{
    struct filter_term *term = term_new(c, FILTER_NOT, at->pointer);
    struct filter_term *all = term_new(c, FILTER_ALL, at->pointer);
    struct place below = { .v = at->v, .pointer = at->pointer, .depth = at->depth + 1 };

    term_append(parent, term);
    term_append(term, all);
    if (goes_down(c, at)) {
        read_rules(c, &below, all);
    }
}

static void read_rules(struct compiler *c, const struct place *at, struct filter_term *parent)
{
    struct json_iter it = json_iter(at->v);
    const struct json *v;
    struct str name;

    if (json_type(at->v) != JSON_OBJECT) {
        refuse(c, at->pointer, "type", "A filter is an object of paths and operators.");
        return;
    }
    while ((v = json_next(&it, &name)) != NULL && !c->is_refused) {
        struct place place = place_in(c, at, v, name);

        if (str_eq_c(name, "$and")) {
            read_branches(c, &place, FILTER_ALL, parent);
        } else if (str_eq_c(name, "$or")) {
            read_branches(c, &place, FILTER_ANY, parent);
        } else if (str_eq_c(name, "$not")) {
            read_not(c, &place, parent);
        } else if (str_starts(name, STR("$"))) {
            refuse(c, place.pointer, "unknown_operator",
                   "Here stand paths, $and, $or and $not.");
        } else {
            read_field(c, &place, name, parent);
        }
    }
}

int filter_compile(const struct json *v, struct str pointer, struct arena *arena,
                   struct form_faults *faults, const struct filter **ret_filter)
{
    struct compiler c = { .arena = arena, .faults = faults };
    struct filter *filter = arena_alloc(arena, sizeof(*filter));
    struct place at = { .v = v, .pointer = pointer };
    struct buf text;

    buf_init(&text, FILTER_SIZE_MAX);
    if (json_write(v, &text) != 0) {
        refuse(&c, pointer, "too_long", "A filter has at most 4096 bytes.");
    } else {
        filter->root.op = FILTER_ALL;
        filter->root.pointer = arena_str(arena, pointer);
        read_rules(&c, &at, &filter->root);
    }
    buf_done(&text);
    if (c.is_refused) {
        return -E_FIELD;
    }
    *ret_filter = filter;
    return 0;
}
