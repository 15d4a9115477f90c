/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <string.h>
#include <strings.h>

struct str str_from(const char *c_string)
{
    if (c_string == NULL) {
        return STR_NONE;
    }
    return (struct str){ c_string, strlen(c_string) };
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool str_eq_c(struct str a, const char *c_string)
{
    return str_eq(a, str_from(c_string));
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.p, b.p, a.len) == 0);
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

    if (order != 0 || a.len == b.len) {
        return order;
    }
    return a.len < b.len ? -1 : 1;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.p + s.len - suffix.len, suffix.p, suffix.len) == 0);
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

struct str str_sub(struct str s, size_t from, size_t len)
{
    if (from >= s.len) {
        return (struct str){ s.p, 0 };
    }
    if (len > s.len - from) {
        len = s.len - from;
    }
    return (struct str){ s.p + from, len };
}

size_t str_find(struct str s, char c)
{
    const char *hit = s.len == 0 ? NULL : memchr(s.p, c, s.len);

    return hit == NULL ? s.len : (size_t)(hit - s.p);
}

bool str_split(struct str *s, char c, struct str *ret_head)
{
    size_t at;

    if (s->p == NULL) {
        return false;
    }
    at = str_find(*s, c);
    *ret_head = (struct str){ s->p, at };
    if (at == s->len) {
        *s = STR_NONE;
    } else {
        *s = (struct str){ s->p + at + 1, s->len - at - 1 };
    }
    return true;
}

int str_to_int(struct str s, int64_t min, int64_t max, int64_t *ret_value)
{
    bool negative = false;
    int64_t value = 0;

    if (min < 0 && s.len > 0 && s.p[0] == '-') {
        negative = true;
        s = str_sub(s, 1, s.len);
    }
    if (s.len == 0 || s.len > 19) {
        return -E_INVALID;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, s.p[i] - '0', &value)) {
            return -E_INVALID;
        }
    }
    if (negative) {
        value = -value;
    }
    if (value < min || value > max) {
        return -E_INVALID;
    }
    *ret_value = value;
    return 0;
}

/* Length of the well-formed UTF-8 sequence at p (of n bytes left), or 0. Table 3-7 of Unicode 15. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t len;

    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        len = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        len = 3;
        low = p[0] == 0xe0 ? 0xa0 : low;
        high = p[0] == 0xed ? 0x9f : high;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        len = 4;
        low = p[0] == 0xf0 ? 0x90 : low;
        high = p[0] == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (n < len || p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf) {
            return 0;
        }
    }
    return len;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t left = s.len;

    while (left > 0) {
        size_t len = utf8_len(p, left);

        if (len == 0) {
            return false;
        }
        p += len;
        left -= len;
    }
    return true;
}
