/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.h - Argon2id by libsodium. A hash takes about a tenth of a second and PASSWORD_MEMORY bytes on purpose:
 * never on the main thread (engine/hasher.h).
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum {
    PASSWORD_MIN = 12,
    PASSWORD_MAX = 256,
    PASSWORD_HASH_SIZE = 128, /* with its NUL */
    PASSWORD_MEMORY = 64 * 1024 * 1024
};

/* -E_BUSY: not enough memory. */
NODISCARD int password_hash(struct str password, char ret_hash[PASSWORD_HASH_SIZE]);
/* A NULL or empty hash is compared with one of nobody: wrong, after the same time. */
bool password_fits(struct str password, const char *hash);

#endif
