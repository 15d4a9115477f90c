/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.h - is a request from who it says? Any signature of the request that fits any of the source's keys
 * is enough (so keys can be rotated); everything is compared in constant time on decoded bytes.
 *
 * Pure: no clock, no I/O. The reason is for the log; outward each failure is the same 401.
 */
#ifndef INBOUND_VERIFY_H
#define INBOUND_VERIFY_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "inbound/scheme.h"
#include "json/json.h"

enum {
    INBOUND_KEYS_MAX = 3,
    INBOUND_SIGNATURES_MAX = 16, /* of one request that are looked at */
    INBOUND_CONTENT_MAX = 2 * 1024 * 1024,
    INBOUND_FORM_MAX = 256 /* fields of a form that are sorted */
};

struct inbound_request {
    struct str method;
    struct str
        url; /* as the provider knows it: the source's public_url, or made from the request */
    struct str query; /* raw, without "?" */
    struct str body;
    struct str content_type;
    const struct json *json; /* the body, NULL when it is no JSON */
    struct arena *arena;     /* of the request */
    /* The header's one value, NULL p when it is absent or there more than once. */
    struct str (*header)(void *ctx, struct str name);
    void *ctx;
};

enum inbound_verdict {
    INBOUND_VALID,
    INBOUND_NO_SIGNATURE,  /* the header or field is missing */
    INBOUND_BAD_SIGNATURE, /* it is there, and cannot be read */
    INBOUND_NO_TIMESTAMP,
    INBOUND_TOO_OLD,
    INBOUND_TOO_NEW,
    INBOUND_MISMATCH,
    INBOUND_NO_KEY /* the source has no active key that can be used */
};

/* "mismatch" */
const char *inbound_verdict_name(enum inbound_verdict v);
const char *inbound_verdict_sentence(enum inbound_verdict v);

struct inbound_key {
    struct str secret;
};

/* *ret_key: the index of the key that fitted; untouched unless valid. SCHEME_NONE needs no key. */
enum inbound_verdict inbound_verify(const struct scheme *scheme,
                                    const struct inbound_request *request,
                                    const struct inbound_key *keys, size_t key_count,
                                    int64_t wall_ms, size_t *ret_key);

/* The provider's own id of what it sent: the first place that holds one; NULL p when there is none. */
struct str inbound_id(const struct scheme *scheme, const struct inbound_request *request);
struct str inbound_type(const struct scheme *scheme, const struct inbound_request *request);
/* The first handshake of that moment whose conditions hold, or NULL. */
const struct scheme_handshake *inbound_handshake(const struct scheme *scheme,
                                                 const struct inbound_request *request,
                                                 bool before_auth);

#endif
