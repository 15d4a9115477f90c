/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring.h - the key file, and everything derived from it. One file outside the database, 32 random bytes as
 * 64 hex digits and a newline, mode 0600 (refused when group or others may read it). Sub-keys by BLAKE2b KDF
 * (libsodium crypto_kdf): box, key hashes, fingerprints, check value. Read-only after open; any thread.
 */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct keyring;

enum { KEYRING_CHECK_SIZE = 32, KEYRING_HASH_SIZE = 32, BOX_OVERHEAD = 1 + 24 + 16 };

/* Reads the file; makes it (O_EXCL, 0600, fsync) when it is absent and may_create. -E_NOT_FOUND when absent. */
NODISCARD int keyring_open(const char *path, bool may_create, struct keyring **ret_keyring,
                           struct err *err);
void keyring_free(struct keyring *k); /* wipes */
void keyring_check(const struct keyring *k, unsigned char ret_check[KEYRING_CHECK_SIZE]);

/*
 * Seal bytes: version byte, 24-byte random nonce, XChaCha20-Poly1305 ciphertext and tag. `ad` binds it to its
 * row, for example "endpoint:42" (kind and number): another row's ciphertext does not open (-E_INTERNAL).
 * Both append. The caller wipes what it opened when that is worth it.
 */
NODISCARD int box_seal(const struct keyring *k, struct str ad, struct str plain,
                       struct buf *ret_sealed);
NODISCARD int box_open(const struct keyring *k, struct str ad, struct str sealed,
                       struct buf *ret_plain);

/* Keyed hash (BLAKE2b) of an API key, or the fingerprint of a secret within a project. */
void keyring_hash(const struct keyring *k, struct str domain, struct str bytes,
                  unsigned char ret_hash[KEYRING_HASH_SIZE]);

/* Constant-time compare. */
bool crypto_equal(const void *a, const void *b, size_t len);
void sha256(struct str bytes, unsigned char ret_hash[32]);

#endif
