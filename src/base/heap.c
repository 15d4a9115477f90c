/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"

void heap_init(struct heap *h)
{
    *h = (struct heap){ 0 };
}

void heap_done(struct heap *h)
{
    free(h->nodes);
    heap_init(h);
}

static bool heap_less(const struct heap_node *a, const struct heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

static void heap_place(struct heap *h, struct heap_node *n, size_t at)
{
    h->nodes[at] = n;
    n->at = at + 1;
}

static void heap_up(struct heap *h, struct heap_node *n, size_t at)
{
    while (at > 0 && heap_less(n, h->nodes[(at - 1) / 2])) {
        heap_place(h, h->nodes[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    heap_place(h, n, at);
}

static void heap_down(struct heap *h, struct heap_node *n, size_t at)
{
    for (;;) {
        size_t child = at * 2 + 1;

        if (child >= h->count) {
            break;
        }
        if (child + 1 < h->count && heap_less(h->nodes[child + 1], h->nodes[child])) {
            child++;
        }
        if (!heap_less(h->nodes[child], n)) {
            break;
        }
        heap_place(h, h->nodes[child], at);
        at = child;
    }
    heap_place(h, n, at);
}

void heap_push(struct heap *h, struct heap_node *n, int64_t key, uint64_t seq)
{
    ASSERT(n->at == 0);
    if (h->count == h->cap) {
        h->cap = h->cap == 0 ? 64 : h->cap * 2;
        h->nodes = xrealloc(h->nodes, h->cap * sizeof(struct heap_node *));
    }
    n->key = key;
    n->seq = seq;
    h->count++;
    heap_up(h, n, h->count - 1);
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->count == 0 ? NULL : h->nodes[0];
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    struct heap_node *last;
    size_t at;

    if (n->at == 0) {
        return;
    }
    at = n->at - 1;
    ASSERT(at < h->count && h->nodes[at] == n);
    n->at = 0;
    last = h->nodes[--h->count];
    if (last == n) {
        return;
    }
    heap_place(h, last, at);
    if (at > 0 && heap_less(last, h->nodes[(at - 1) / 2])) {
        heap_up(h, last, at);
    } else {
        heap_down(h, last, at);
    }
}
