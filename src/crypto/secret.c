/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - the text forms of endpoint secrets: whsec_, whsk_, whpk_, or any text of the customer's own. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/assert.h"
#include "base/random.h"
#include "crypto/sign.h"

enum {
    KEY_MADE = 32,
    KEY_MIN = 24,
    KEY_MAX = 64,
    SEED_SIZE = 32,
    PAIR_SIZE = 64,
    PUBLIC_SIZE = 32
};

static_assert(SECRET_TEXT_SIZE == 6 + (KEY_MADE + 2) / 3 * 4 + 1,
              "whsec_ and the base64 of a key");
static_assert(SEED_SIZE == crypto_sign_SEEDBYTES && PAIR_SIZE == crypto_sign_SECRETKEYBYTES &&
                  PUBLIC_SIZE == crypto_sign_PUBLICKEYBYTES,
              "Ed25519");

static const struct str shared_prefix = { "whsec_", 6 };
static const struct str private_prefix = { "whsk_", 5 };
static const struct str public_prefix = { "whpk_", 5 };

void secret_make(char ret_text[SECRET_TEXT_SIZE])
{
    unsigned char key[KEY_MADE];

    random_bytes(key, sizeof(key));
    memcpy(ret_text, shared_prefix.p, shared_prefix.len);
    (void)sodium_bin2base64(ret_text + shared_prefix.len, SECRET_TEXT_SIZE - shared_prefix.len,
                            key, sizeof(key), sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(key, sizeof(key));
}

bool secret_is_private(struct str secret)
{
    return str_starts(secret, private_prefix);
}

bool secret_is_public(struct str secret)
{
    return str_starts(secret, public_prefix);
}

/* The bytes behind a prefix of `prefix_len`; their number is judged by the caller. */
static int decode_behind(struct str secret, size_t prefix_len, unsigned char ret_key[KEY_MAX],
                         size_t *ret_len)
{
    struct str text = str_sub(secret, prefix_len, secret.len);
    struct buf key;
    int rc;

    buf_init(&key, KEY_MAX + 2);
    rc = base64_decode(text, &key);
    if (rc != 0 || key.len > KEY_MAX) {
        rc = -E_FIELD;
    } else {
        memcpy(ret_key, key.p, key.len);
        *ret_len = key.len;
    }
    if (key.cap > 0) {
        sodium_memzero(key.p, key.cap);
    }
    buf_done(&key);
    return rc;
}

/* 32 bytes are the seed; 64 are seed and public key, which must belong together. */
static int decode_private(struct str secret, unsigned char ret_seed[SEED_SIZE],
                          unsigned char ret_public[PUBLIC_SIZE])
{
    unsigned char key[KEY_MAX];
    unsigned char pair[PAIR_SIZE];
    size_t len = 0;
    int rc = decode_behind(secret, private_prefix.len, key, &len);

    if (rc == 0 && len != SEED_SIZE && len != PAIR_SIZE) {
        rc = -E_FIELD;
    }
    if (rc == 0) {
        (void)crypto_sign_seed_keypair(ret_public, pair, key);
        memcpy(ret_seed, key, SEED_SIZE);
        if (len == PAIR_SIZE && memcmp(key + SEED_SIZE, ret_public, PUBLIC_SIZE) != 0) {
            rc = -E_FIELD;
        }
    }
    sodium_memzero(key, sizeof(key));
    sodium_memzero(pair, sizeof(pair));
    return rc;
}

int secret_decode(struct str secret, struct buf *ret_key)
{
    unsigned char key[KEY_MAX];
    unsigned char public_key[PUBLIC_SIZE];
    size_t len = 0;
    int rc;

    if (str_starts(secret, shared_prefix)) {
        rc = decode_behind(secret, shared_prefix.len, key, &len);
        rc = rc == 0 && len >= KEY_MIN ? 0 : -E_FIELD;
    } else if (secret_is_private(secret)) {
        rc = decode_private(secret, key, public_key);
        len = SEED_SIZE;
    } else if (secret_is_public(secret)) {
        rc = decode_behind(secret, public_prefix.len, key, &len);
        rc = rc == 0 && len == PUBLIC_SIZE ? 0 : -E_FIELD;
    } else {
        return secret.len == 0 ? -E_FIELD : buf_add_str(ret_key, secret);
    }
    if (rc == 0) {
        rc = buf_add(ret_key, key, len);
    }
    sodium_memzero(key, sizeof(key));
    return rc;
}

static bool is_printable(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < ' ' || s.p[i] > '~') {
            return false;
        }
    }
    return true;
}

int secret_check(struct str secret, struct err *err)
{
    struct buf key;
    int rc;

    if (secret.len < SECRET_MIN || secret.len > SECRET_MAX) {
        return err_set(err, -E_FIELD, "A secret has %d to %d characters.", SECRET_MIN,
                       SECRET_MAX);
    }
    if (!is_printable(secret)) {
        return err_set(err, -E_FIELD, "A secret has printable ASCII characters only.");
    }
    if (secret_is_public(secret)) {
        return err_set(err, -E_FIELD,
                       "This is a public key (whpk_); it cannot sign. Give the whsk_ of it.");
    }
    buf_init(&key, SECRET_MAX);
    rc = secret_decode(secret, &key);
    if (key.cap > 0) {
        sodium_memzero(key.p, key.cap);
    }
    buf_done(&key);
    if (rc == 0) {
        return 0;
    }
    if (secret_is_private(secret)) {
        return err_set(
            err, -E_FIELD,
            "Behind whsk_ there must be the base64 of a 32- or 64-byte Ed25519 key.");
    }
    return err_set(err, -E_FIELD, "Behind whsec_ there must be the base64 of %d to %d bytes.",
                   KEY_MIN, KEY_MAX);
}

int secret_public(struct str secret, struct buf *ret_text)
{
    unsigned char seed[SEED_SIZE];
    unsigned char public_key[PUBLIC_SIZE];
    struct buf text;
    int rc;

    if (!secret_is_private(secret)) {
        return -E_FIELD;
    }
    rc = decode_private(secret, seed, public_key);
    sodium_memzero(seed, sizeof(seed));
    if (rc != 0) {
        return rc;
    }
    buf_init(&text, SECRET_MAX);
    rc = buf_add_str(&text, public_prefix);
    if (rc == 0) {
        rc = base64_encode((struct str){ (const char *)public_key, sizeof(public_key) }, &text);
    }
    if (rc == 0) {
        rc = buf_add_str(ret_text, buf_str(&text));
    }
    buf_done(&text);
    return rc;
}
