/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"

static char buf_empty[1];

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .p = buf_empty, .max = max };
}

void buf_done(struct buf *b)
{
    if (b->cap > 0) {
        free(b->p);
    }
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->cap > 0) {
        b->p[0] = '\0';
    }
}

int buf_reserve(struct buf *b, size_t len)
{
    size_t need;
    size_t cap;

    if (len > b->max - b->len) {
        return -E_TOO_LARGE;
    }
    need = b->len + len + 1;
    if (need <= b->cap) {
        return 0;
    }
    cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need) {
        cap *= 2;
    }
    b->p = xrealloc(b->cap == 0 ? NULL : b->p, cap);
    b->cap = cap;
    b->p[b->len] = '\0';
    return 0;
}

int buf_add(struct buf *b, const void *bytes, size_t len)
{
    int rc = buf_reserve(b, len);

    if (rc != 0) {
        return rc;
    }
    if (len > 0) {
        memcpy(b->p + b->len, bytes, len);
    }
    b->len += len;
    b->p[b->len] = '\0';
    return 0;
}

int buf_add_str(struct buf *b, struct str s)
{
    return buf_add(b, s.p, s.len);
}

int buf_add_c(struct buf *b, const char *c_string)
{
    return buf_add(b, c_string, strlen(c_string));
}

int buf_add_char(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    int len;
    int rc;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    ASSERT(len >= 0);
    rc = buf_reserve(b, (size_t)len);
    if (rc != 0) {
        return rc;
    }
    va_start(args, fmt);
    (void)vsnprintf(b->p + b->len, (size_t)len + 1, fmt, args);
    va_end(args);
    b->len += (size_t)len;
    return 0;
}

void buf_consume(struct buf *b, size_t n)
{
    ASSERT(n <= b->len);
    if (n == 0) {
        return;
    }
    memmove(b->p, b->p + n, b->len - n);
    b->len -= n;
    b->p[b->len] = '\0';
}

struct str buf_str(const struct buf *b)
{
    return (struct str){ b->p, b->len };
}

char *buf_take(struct buf *b, size_t *ret_len)
{
    char *p = b->cap > 0 ? b->p : xalloc(1);

    if (ret_len != NULL) {
        *ret_len = b->len;
    }
    buf_init(b, b->max);
    return p;
}
