/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - what other services sign with: one-shot MACs and digests, public-key signatures, and the
 * comparison that takes the same time wherever two strings differ. Thread-safe.
 */
#ifndef CRYPTO_CHECK_H
#define CRYPTO_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum check_hash { CHECK_SHA1, CHECK_SHA256, CHECK_SHA384, CHECK_SHA512 };

enum { CHECK_SUM_MAX = 64 };

size_t check_hash_size(enum check_hash hash);
/* The first check_hash_size bytes of ret_sum are written. */
void check_digest(enum check_hash hash, struct str bytes, unsigned char ret_sum[CHECK_SUM_MAX]);
/* HMAC (RFC 2104); an empty key is refused: -E_FIELD. */
NODISCARD int check_hmac(enum check_hash hash, struct str key, struct str bytes,
                         unsigned char ret_sum[CHECK_SUM_MAX]);
/* Same length and bytes; the time depends on the lengths alone. */
bool check_equal(struct str a, struct str b);

enum check_algorithm {
    CHECK_RSA_PKCS1, /* RFC 8017 8.2 */
    CHECK_RSA_PSS,   /* RFC 8017 8.1, salt as long as the hash */
    CHECK_ECDSA_DER, /* P-256, P-384 or P-521, signature as ASN.1 */
    CHECK_ECDSA_RAW, /* the same, r and s behind each other (RFC 7518 3.4) */
    CHECK_ED25519
};

struct check_key; /* a public key */

/* PEM ("-----BEGIN PUBLIC KEY-----" or a certificate), DER SubjectPublicKeyInfo, or the 32 bytes of an
 * Ed25519 key. -E_FIELD: none of them, or an RSA key below 2,048 bits. */
NODISCARD int check_key_new(struct str bytes, struct check_key **ret_key);
/* The numbers of a JSON Web Key (RFC 7518 6.2, 6.3), big-endian. -E_FIELD as above, or an unknown curve. */
NODISCARD int check_key_rsa(struct str n, struct str e, struct check_key **ret_key);
NODISCARD int check_key_ec(struct str curve, struct str x, struct str y,
                           struct check_key **ret_key);
/* Bits of the key: 256 for P-256. */
int check_key_bits(const struct check_key *key);
void check_key_free(struct check_key *key); /* NULL allowed */
/* 0; -E_SIGNATURE: it does not fit; -E_FIELD: the key is of another kind than the algorithm. `hash` is without
 * meaning for CHECK_ED25519. */
NODISCARD int check_signature(const struct check_key *key, enum check_algorithm algorithm,
                              enum check_hash hash, struct str bytes, struct str signature);

#endif
