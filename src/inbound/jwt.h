/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt.h - JSON Web Tokens in compact form (RFC 7519, 7515): verified against keys that the operator gave, by
 * algorithms that the operator allowed before the token was read (RFC 8725 3.1). Pure: no clock, no I/O.
 *
 * `none` is never allowed; the key must be of the kind that the algorithm asks for; jku, jwk, x5u and x5c of
 * the token are ignored; a token with `crit` is refused.
 */
#ifndef INBOUND_JWT_H
#define INBOUND_JWT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"

enum {
    JWT_SIZE_MAX = 16 * 1024,
    JWT_KEYS_MAX = 32, /* of a set that are tried */
    JWT_DEPTH_MAX = 16,
    JWT_LEEWAY_S = 60
};

enum jwt_algorithm {
    JWT_HS256 = 1 << 0,
    JWT_HS384 = 1 << 1,
    JWT_HS512 = 1 << 2,
    JWT_RS256 = 1 << 3,
    JWT_RS384 = 1 << 4,
    JWT_RS512 = 1 << 5,
    JWT_PS256 = 1 << 6,
    JWT_PS384 = 1 << 7,
    JWT_PS512 = 1 << 8,
    JWT_ES256 = 1 << 9,
    JWT_ES384 = 1 << 10,
    JWT_ES512 = 1 << 11,
    JWT_EDDSA = 1 << 12
};

/* "RS256". -E_INVALID: unknown, and "none". */
NODISCARD int jwt_algorithm_parse(struct str name, enum jwt_algorithm *ret_algorithm);

struct jwt_rules {
    unsigned
        algorithms; /* enum jwt_algorithm bits; those of one kind of key only, or the caller is wrong */
    struct str issuer;   /* NULL p: any */
    struct str audience; /* NULL p: any; else one of `aud` */
    int64_t leeway_s;
    bool needs_exp;
    struct str
        body_claim; /* NULL p: none; else that claim is the base64 of SHA-256 of the body */
    struct str body;
};

/* What verifies: a secret for HS*, else a PEM public key or certificate, or a JWK set (RFC 7517 5). */
struct jwt_key {
    struct str secret;       /* NULL p: none */
    struct str pem;          /* NULL p: none */
    const struct json *jwks; /* {"keys":[...]} or NULL */
};

enum jwt_verdict {
    JWT_VALID,
    JWT_MALFORMED,
    JWT_ALGORITHM, /* not allowed, or `none`, or crit */
    JWT_NO_KEY,    /* no key of the set has its kid and kind */
    JWT_SIGNATURE,
    JWT_EXPIRED,
    JWT_NOT_YET,
    JWT_NO_EXPIRY,
    JWT_ISSUER,
    JWT_AUDIENCE,
    JWT_BODY /* the claim does not fit the body */
};
const char *jwt_verdict_name(enum jwt_verdict v);

/* *ret_claims: the payload, in a document to be freed by the caller; only when valid. */
enum jwt_verdict jwt_verify(struct str token, const struct jwt_rules *rules,
                            const struct jwt_key *key, int64_t wall_ms,
                            struct json_doc **ret_claims);

#endif
