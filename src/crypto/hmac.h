/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hmac.h - HMAC-SHA256 with a key set once and used often: re-starting a keyed EVP_MAC_CTX costs a quarter
 * of a one-shot HMAC. An object belongs to one thread at a time.
 */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum { HMAC_SIZE = 32 };

struct hmac;

/* The key must not be empty; it is not kept by reference. */
NODISCARD int hmac_new(struct str key, struct hmac **ret_hmac);
void hmac_free(struct hmac *h); /* NULL allowed; wipes */
/* The sum over the parts one behind the other. */
NODISCARD int hmac_sum(struct hmac *h, const struct str *parts, size_t count,
                       unsigned char ret_sum[HMAC_SIZE]);

#endif
