/* SPDX-License-Identifier: Apache-2.0 */
/* jmespath_sort.c - the functions that take an expression or compare items: map, sort, max, min and their kin. */
#include "json/jmespath_internal.h"

/* An array of numbers, or one of strings. */
static bool arg_is_sortable(struct run *run, const char *function, struct value *v)
{
    enum value_kind kind = VALUE_NUMBER;

    if (!arg_is_kind(run, function, VALUE_ARRAY, v) || !value_open(run, v)) {
        return false;
    }
    if (v->count > 0 && v->items[0]->kind == VALUE_STRING) {
        kind = VALUE_STRING;
    }
    return arg_is_array_of(run, function, kind, v);
}

/* --- by an expression */
int jmespath_map(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    struct value *v = args[1];
    struct value *made;

    (void)count;
    if (!arg_is_kind(run, "map", VALUE_EXPRESSION, args[0]) ||
        !arg_is_kind(run, "map", VALUE_ARRAY, v) || !value_open(run, v)) {
        return -E_INVALID;
    }
    made = value_array(run, v->count);
    for (uint32_t i = 0; made != NULL && i < v->count; i++) {
        struct value *item = NULL;
        int rc = node_eval(run, args[0]->node, v->items[i], &item);

        if (rc != 0) {
            return rc;
        }
        value_push(made, item);
    }
    return value_give(made, ret_value);
}

/* What to sort by: the items themselves, or what the expression makes of each. */
static int keys_of(struct run *run, const char *function, struct value *v,
                   const struct value *by, struct value **ret_keys)
{
    struct value *keys = v;

    if (by != NULL) {
        if (!arg_is_kind(run, function, VALUE_EXPRESSION, by) ||
            !arg_is_kind(run, function, VALUE_ARRAY, v) || !value_open(run, v)) {
            return -E_INVALID;
        }
        keys = value_array(run, v->count);
        for (uint32_t i = 0; keys != NULL && i < v->count; i++) {
            struct value *key = NULL;
            int rc = node_eval(run, by->node, v->items[i], &key);

            if (rc != 0) {
                return rc;
            }
            value_push(keys, key);
        }
    }
    if (keys == NULL || !arg_is_sortable(run, function, keys)) {
        return -E_INVALID;
    }
    *ret_keys = keys;
    return 0;
}

/* Merge two sorted runs of places. */
static int merge_runs(struct run *run, const struct value *keys, const uint32_t *from,
                      uint32_t *to, const size_t bounds[3])
{
    size_t a = bounds[0];
    size_t b = bounds[1];

    for (size_t i = bounds[0]; i < bounds[2]; i++) {
        int order = -1;

        if (a < bounds[1] && b < bounds[2] &&
            !value_order(run, keys->items[from[a]], keys->items[from[b]], &order)) {
            return -E_INVALID;
        }
        to[i] = a < bounds[1] && (b == bounds[2] || order <= 0) ? from[a++] : from[b++];
    }
    return 0;
}

/* Places in the order of the keys; equal ones stay as they were. */
static int sort_places(struct run *run, const struct value *keys, uint32_t **ret_places)
{
    size_t count = keys->count;
    uint32_t *from = arena_alloc(run->arena, (count + 1) * sizeof(*from));
    uint32_t *to = arena_alloc(run->arena, (count + 1) * sizeof(*to));

    for (uint32_t i = 0; i < count; i++) {
        from[i] = i;
    }
    for (size_t width = 1; width < count; width *= 2) {
        uint32_t *swap = from;

        for (size_t at = 0; at < count; at += 2 * width) {
            const size_t bounds[3] = { at, at + width < count ? at + width : count,
                                       at + 2 * width < count ? at + 2 * width : count };
            int rc = merge_runs(run, keys, from, to, bounds);

            if (rc != 0) {
                return rc;
            }
        }
        from = to;
        to = swap;
    }
    *ret_places = from;
    return 0;
}

static int sorted(struct run *run, const char *function, struct value *v,
                  const struct value *by, struct value **ret_value)
{
    struct value *keys = NULL;
    struct value *made = NULL;
    uint32_t *places = NULL;
    int rc = keys_of(run, function, v, by, &keys);

    if (rc == 0) {
        rc = sort_places(run, keys, &places);
    }
    if (rc == 0) {
        made = value_array(run, v->count);
        for (uint32_t i = 0; made != NULL && i < v->count; i++) {
            value_push(made, v->items[places[i]]);
        }
        rc = value_give(made, ret_value);
    }
    return rc;
}

int jmespath_sort(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    (void)count;
    return sorted(run, "sort", args[0], NULL, ret_value);
}

int jmespath_sort_by(struct run *run, struct value **args, size_t count,
                     struct value **ret_value)
{
    (void)count;
    return sorted(run, "sort_by", args[0], args[1], ret_value);
}

/* The first of the largest (sign 1) or smallest (sign -1); null of an empty array. */
static int extreme(struct run *run, const char *function, struct value **args, int sign,
                   bool is_by, struct value **ret_value)
{
    struct value *keys = NULL;
    uint32_t best = 0;
    int rc = keys_of(run, function, args[0], is_by ? args[1] : NULL, &keys);

    if (rc != 0) {
        return rc;
    }
    for (uint32_t i = 1; i < keys->count; i++) {
        int order = 0;

        if (!value_order(run, keys->items[i], keys->items[best], &order)) {
            return -E_INVALID;
        }
        best = order * sign > 0 ? i : best;
    }
    return value_give(keys->count == 0 ? value_new(run, VALUE_NULL) : args[0]->items[best],
                      ret_value);
}

int jmespath_max(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    (void)count;
    return extreme(run, "max", args, 1, false, ret_value);
}

int jmespath_max_by(struct run *run, struct value **args, size_t count,
                    struct value **ret_value)
{
    (void)count;
    return extreme(run, "max_by", args, 1, true, ret_value);
}

int jmespath_min(struct run *run, struct value **args, size_t count, struct value **ret_value)
{
    (void)count;
    return extreme(run, "min", args, -1, false, ret_value);
}

int jmespath_min_by(struct run *run, struct value **args, size_t count,
                    struct value **ret_value)
{
    (void)count;
    return extreme(run, "min_by", args, -1, true, ret_value);
}
