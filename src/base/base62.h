/* SPDX-License-Identifier: Apache-2.0 */
/* base62.h - big-endian integers of at most 32 bytes in digits 0-9A-Za-z, fixed width, so order is kept. */
#ifndef BASE_BASE62_H
#define BASE_BASE62_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Write exactly `digits` characters, no NUL. The caller gives enough digits (22 for 16 bytes). */
void base62_encode(const uint8_t *bytes, size_t len, char *ret_text, size_t digits);
/* The number in s as exactly len bytes. -E_INVALID: another character, or too large for len. */
NODISCARD int base62_decode(struct str s, uint8_t *ret_bytes, size_t len);

#endif
