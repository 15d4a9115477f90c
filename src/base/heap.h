/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h - binary min-heap of intrusive nodes by (key, seq): timers. O(log n); remove by node.
 * Equal keys come out in the order of `seq` as given, so the order is deterministic.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t key;
    uint64_t seq;
    size_t at; /* position + 1; 0 = on no heap */
};

struct heap {
    struct heap_node **nodes;
    size_t count;
    size_t cap;
};

void heap_init(struct heap *h);
void heap_done(struct heap *h); /* frees the table, not the nodes */
void heap_push(struct heap *h, struct heap_node *n, int64_t key, uint64_t seq);
struct heap_node *heap_first(const struct heap *h);    /* NULL when empty */
void heap_remove(struct heap *h, struct heap_node *n); /* no-op when on no heap */

#endif
