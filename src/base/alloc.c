/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void *xalloc(size_t size)
{
    return xcalloc(1, size);
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);

    if (p == NULL) {
        base_assert_fail("out of memory", __FILE__, __LINE__);
    }
    return p;
}

void *xrealloc(void *p, size_t size)
{
    void *q = realloc(p, size == 0 ? 1 : size);

    if (q == NULL) {
        base_assert_fail("out of memory", __FILE__, __LINE__);
    }
    return q;
}

char *xstrndup(struct str s)
{
    char *copy = xalloc(s.len + 1);

    if (s.len > 0) {
        memcpy(copy, s.p, s.len);
    }
    return copy;
}

char *xstrdup(const char *s)
{
    return xstrndup(str_from(s));
}

struct str xstr(struct str s)
{
    return (struct str){ xstrndup(s), s.len };
}
