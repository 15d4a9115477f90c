/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc.h - allocation that succeeds or ends the process: the queue is durable, so a restart is the
 * recovery from out-of-memory. Sizes chosen by a peer go through `struct buf` and its maximum instead.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

#include "base/str.h"

void *xalloc(size_t size) __attribute__((returns_nonnull, malloc, alloc_size(1))); /* zeroed */
void *xcalloc(size_t n, size_t size) __attribute__((returns_nonnull, alloc_size(1, 2)));
void *xrealloc(void *p, size_t size) __attribute__((returns_nonnull, alloc_size(2)));
/* NUL-terminated copies, owned by the caller, freed with free(). */
char *xstrdup(const char *s) __attribute__((returns_nonnull));
char *xstrndup(struct str s) __attribute__((returns_nonnull));
/* A copy of the bytes as str; free((void *)s.p). Empty stays {NULL-safe "", 0}. */
struct str xstr(struct str s);

#endif
