/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - an owned, growing byte string with a mandatory maximum.
 *
 * Invariants: p is never NULL after init and always NUL-terminated at p[len] (the NUL is not counted);
 * len <= max. An append that would pass max changes nothing and returns -E_TOO_LARGE.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *p;
    size_t len;
    size_t cap; /* bytes allocated, at least len + 1 when not the shared empty string */
    size_t max;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);  /* also legal on a zeroed struct */
void buf_clear(struct buf *b); /* keeps the memory */
NODISCARD int buf_add(struct buf *b, const void *bytes, size_t len);
NODISCARD int buf_add_str(struct buf *b, struct str s);
NODISCARD int buf_add_c(struct buf *b, const char *c_string);
NODISCARD int buf_add_char(struct buf *b, char c);
NODISCARD int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Room for at least len more bytes behind p[len] (then the caller raises b->len). */
NODISCARD int buf_reserve(struct buf *b, size_t len);
/* Drop the first n bytes. */
void buf_consume(struct buf *b, size_t n);
struct str buf_str(const struct buf *b); /* borrowed until the next change */
/* Hand over the bytes (free()); b is empty and usable again. */
char *buf_take(struct buf *b, size_t *ret_len);

#endif
