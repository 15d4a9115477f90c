/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_key.h - keys `pst_` + 32 base62 digits + 6 digits of CRC-32 (checked before any look-up), and operator-
 * given ones (32 to 128 printable characters without blank).
 */
#ifndef CRYPTO_API_KEY_H
#define CRYPTO_API_KEY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum { API_KEY_TEXT_SIZE = 4 + 32 + 6 + 1, API_KEY_MIN = 32, API_KEY_MAX = 128 };

void api_key_make(char ret_text[API_KEY_TEXT_SIZE]);
/* Well-formed: one of ours with a right CRC, or a foreign one within the limits. */
bool api_key_valid(struct str text);
/* "pst_abcd...": safe to show. */
void api_key_hint(struct str text, char ret_hint[16]);

#endif
