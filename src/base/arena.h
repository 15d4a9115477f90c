/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory of one request: taken in pieces, given back all at once.
 *
 * Pieces are zeroed, aligned to 16 bytes and never moved. Out of memory ends the process; a size that a
 * peer chose must have been checked against its limit before. Not thread-safe.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used;  /* in the head block */
    size_t total; /* bytes held in all blocks */
};

void arena_init(struct arena *a);
void arena_done(struct arena *a); /* frees everything; usable again */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
/* Copies with a NUL behind them. */
struct str arena_str(struct arena *a, struct str s);
char *arena_c(struct arena *a, struct str s) __attribute__((returns_nonnull));
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
