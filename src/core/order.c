/* SPDX-License-Identifier: Apache-2.0 */
/* A treap over item indices: sorted by (key, seq), a heap by the hash of seq; loops, no recursion. */
#include "core/order.h"

#include "base/assert.h"

static uint64_t priority(const struct item *item)
{
    uint64_t x = (uint64_t)item->seq * 0x9e3779b97f4a7c15u;

    return x ^ (x >> 29);
}

static bool is_before(const struct item *a, const struct item *b)
{
    return a->key != b->key ? a->key < b->key : a->seq < b->seq;
}

/* Put `child` (0 allowed) where `old` hangs below `parent` (0 = it is the root). */
static void replace(struct item *items, struct order *order, uint32_t old, uint32_t child)
{
    uint32_t parent = items[old].parent;

    if (parent == 0) {
        order->root = child;
    } else if (items[parent].left == old) {
        items[parent].left = child;
    } else {
        items[parent].right = child;
    }
    if (child != 0) {
        items[child].parent = parent;
    }
}

/* Child i takes the place of its parent, which becomes a child of i. */
static void rotate_up(struct item *items, struct order *order, uint32_t i)
{
    uint32_t p = items[i].parent;
    uint32_t moved;

    replace(items, order, p, i);
    if (items[p].left == i) {
        moved = items[i].right;
        items[p].left = moved;
        items[i].right = p;
    } else {
        moved = items[i].left;
        items[p].right = moved;
        items[i].left = p;
    }
    if (moved != 0) {
        items[moved].parent = p;
    }
    items[p].parent = i;
}

void order_insert(struct item *items, struct order *order, uint32_t i)
{
    uint32_t parent = 0;
    uint32_t at = order->root;

    items[i].left = 0;
    items[i].right = 0;
    while (at != 0) {
        parent = at;
        at = is_before(&items[i], &items[at]) ? items[at].left : items[at].right;
    }
    items[i].parent = parent;
    if (parent == 0) {
        order->root = i;
    } else if (is_before(&items[i], &items[parent])) {
        items[parent].left = i;
    } else {
        items[parent].right = i;
    }
    while (items[i].parent != 0 && priority(&items[items[i].parent]) < priority(&items[i])) {
        rotate_up(items, order, i);
    }
    order->count++;
}

void order_remove(struct item *items, struct order *order, uint32_t i)
{
    ASSERT(order->count > 0);
    while (items[i].left != 0 && items[i].right != 0) {
        uint32_t left = items[i].left;
        uint32_t right = items[i].right;

        rotate_up(items, order,
                  priority(&items[left]) > priority(&items[right]) ? left : right);
    }
    replace(items, order, i, items[i].left != 0 ? items[i].left : items[i].right);
    items[i].left = 0;
    items[i].right = 0;
    items[i].parent = 0;
    order->count--;
}

uint32_t order_first(const struct item *items, const struct order *order)
{
    uint32_t at = order->root;

    while (at != 0 && items[at].left != 0) {
        at = items[at].left;
    }
    return at;
}

uint32_t order_last(const struct item *items, const struct order *order)
{
    uint32_t at = order->root;

    while (at != 0 && items[at].right != 0) {
        at = items[at].right;
    }
    return at;
}

uint32_t order_next(const struct item *items, uint32_t i)
{
    uint32_t at = items[i].right;

    if (at != 0) {
        while (items[at].left != 0) {
            at = items[at].left;
        }
        return at;
    }
    for (at = items[i].parent; at != 0 && items[at].right == i; at = items[at].parent) {
        i = at;
    }
    return at;
}
