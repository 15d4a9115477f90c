/* SPDX-License-Identifier: Apache-2.0 */
/* password.c - passwords of members. */
#include "crypto/password.h"

#include <assert.h>
#include <sodium.h>
#include <stddef.h>

#include "base/assert.h"

static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES, "room for an encoded hash");

enum { PASSWORD_ROUNDS = 2 };

/* Of no password: what an unknown account is compared with, with the same costs. */
static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

int password_hash(struct str password, char ret_hash[PASSWORD_HASH_SIZE])
{
    ASSERT(sodium_init() >= 0);
    return crypto_pwhash_str_alg(ret_hash, password.p, password.len, PASSWORD_ROUNDS,
                                 PASSWORD_MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0
               ? 0
               : -E_BUSY;
}

bool password_fits(struct str password, const char *hash)
{
    bool is_known = hash != NULL && hash[0] != '\0';

    ASSERT(sodium_init() >= 0);
    return crypto_pwhash_str_verify(is_known ? hash : nobody, password.p, password.len) == 0 &&
           is_known;
}
