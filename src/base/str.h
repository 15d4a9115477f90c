/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str.h - a borrowed string: bytes and length, not NUL-terminated, never freed through this type.
 * Its owner and how long it lives are said where it is handed out.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct str {
    const char *p; /* may be NULL when len is 0 */
    size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE     ((struct str){ NULL, 0 })
/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).len, ((s).p != NULL ? (s).p : "")

struct str str_from(const char *c_string); /* NULL gives STR_NONE */
bool str_eq(struct str a, struct str b);
bool str_eq_c(struct str a, const char *c_string);
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
int str_cmp(struct str a, struct str b);        /* memcmp order, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s); /* HTTP OWS: space and tab */
struct str str_sub(struct str s, size_t from, size_t len);
/* Index of c, or s.len when absent. */
size_t str_find(struct str s, char c);
/* Cut at the first c: the part before goes to ret_head, *s becomes the rest. False when s was empty (NULL p). */
bool str_split(struct str *s, char c, struct str *ret_head);
/* Whole string as decimal, no sign unless negative allowed by min < 0. -E_INVALID when not a number in [min, max]. */
NODISCARD int str_to_int(struct str s, int64_t min, int64_t max, int64_t *ret_value);
/* True when s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). U+0000 is accepted here. */
bool str_is_utf8(struct str s);

#endif
