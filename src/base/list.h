/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - intrusive doubly linked list: O(1) everything, no allocation.
 * A node that is on no list is zeroed; list_remove of such a node is a no-op.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *prev;
    struct list_node *next;
};

struct list {
    struct list_node head;
    size_t count;
};

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->head.prev = &l->head;
    l->head.next = &l->head;
    l->count = 0;
}

static inline bool list_empty(const struct list *l)
{
    return l->count == 0;
}

static inline void list_push_back(struct list *l, struct list_node *n)
{
    n->prev = l->head.prev;
    n->next = &l->head;
    n->prev->next = n;
    n->next->prev = n;
    l->count++;
}

static inline void list_push_front(struct list *l, struct list_node *n)
{
    n->next = l->head.next;
    n->prev = &l->head;
    n->prev->next = n;
    n->next->prev = n;
    l->count++;
}

static inline bool list_linked(const struct list_node *n)
{
    return n->next != NULL;
}

static inline void list_remove(struct list *l, struct list_node *n)
{
    if (n->next == NULL) {
        return;
    }
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = NULL;
    n->next = NULL;
    l->count--;
}

/* First node, or NULL. */
static inline struct list_node *list_first(struct list *l)
{
    return l->count == 0 ? NULL : l->head.next;
}

/* Node after n, or NULL. */
static inline struct list_node *list_next(struct list *l, struct list_node *n)
{
    return n->next == &l->head ? NULL : n->next;
}

static inline struct list_node *list_pop_front(struct list *l)
{
    struct list_node *n = list_first(l);

    if (n != NULL) {
        list_remove(l, n);
    }
    return n;
}

/* Move all of src behind dst; src is empty afterwards. */
static inline void list_splice(struct list *dst, struct list *src)
{
    if (src->count == 0) {
        return;
    }
    src->head.next->prev = dst->head.prev;
    src->head.prev->next = &dst->head;
    dst->head.prev->next = src->head.next;
    dst->head.prev = src->head.prev;
    dst->count += src->count;
    list_init(src);
}

#endif
