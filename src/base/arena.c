/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"

/* The first block is small, so that most requests and attempts need nothing that malloc must search for. */
enum { ARENA_FIRST_SIZE = 960, ARENA_BLOCK_SIZE = 8192, ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    _Alignas(ARENA_ALIGN) char bytes[];
};

void arena_init(struct arena *a)
{
    *a = (struct arena){ 0 };
}

void arena_done(struct arena *a)
{
    struct arena_block *block = a->head;

    while (block != NULL) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
    arena_init(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    void *p;

    ASSERT(rounded >= size);
    if (a->head == NULL || a->head->size - a->used < rounded) {
        size_t least = a->head == NULL ? ARENA_FIRST_SIZE : ARENA_BLOCK_SIZE;
        size_t block_size = rounded > least ? rounded : least;
        struct arena_block *block = xalloc(sizeof(*block) + block_size);

        block->size = block_size;
        block->next = a->head;
        a->head = block;
        a->used = 0;
        a->total += block_size;
    }
    p = a->head->bytes + a->used;
    a->used += rounded;
    return p;
}

char *arena_c(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.len + 1);

    if (s.len > 0) {
        memcpy(copy, s.p, s.len);
    }
    return copy;
}

struct str arena_str(struct arena *a, struct str s)
{
    return (struct str){ arena_c(a, s), s.len };
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    char *copy;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    ASSERT(len >= 0);
    copy = arena_alloc(a, (size_t)len + 1);
    va_start(args, fmt);
    (void)vsnprintf(copy, (size_t)len + 1, fmt, args);
    va_end(args);
    return (struct str){ copy, (size_t)len };
}
