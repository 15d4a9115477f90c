/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheme.h - how a provider signs its webhooks, as data: one declarative description, read once and never
 * changed. The presets (presets.json) are such descriptions; people may write their own.
 *
 *   {"kind": "hmac", "hash": "sha256",
 *    "key": {"format": "utf8", "strip_prefix": "whsec_"},
 *    "signature": {"from": "header:Stripe-Signature", "parse": "kv", "separator": ",", "keys": ["v1"],
 *                  "encoding": "hex"},
 *    "content": "{kv:t}.{body}",
 *    "timestamp": {"from": "kv:t", "unit": "s", "past_s": 300, "future_s": 300},
 *    "id": ["json:/id"], "type": "json:/type",
 *    "handshakes": [{"when": {"json:/type": "url_verification"}, "before_auth": false,
 *                    "status": 200, "content_type": "text/plain", "body": "{json:/challenge}"}],
 *    "ack": {"status": 200, "content_type": "text/plain", "body": "[accepted]"}}
 *
 * A *place* names a value of a request: header:Name, query:name, json:/pointer, form:name, kv:key (of the
 * signature header), const:text, method, url, body.
 * A *template* is text with places in braces, {header:X}; also {sha256_hex:place}, {crc32} (of the body, in
 * decimal), {form_sorted} (form fields as name and value, sorted), {hmac_hex:place} and {hmac_base64:place}
 * (with the first key; in answers only). "{{" is one brace.
 */
#ifndef INBOUND_SCHEME_H
#define INBOUND_SCHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/check.h"
#include "json/form.h"
#include "json/json.h"

enum {
    SCHEME_TEXT_MAX = 1024, /* bytes of a template or place */
    SCHEME_PARTS_MAX = 24,  /* places and literals of a template */
    SCHEME_IDS_MAX = 4,
    SCHEME_HANDSHAKES_MAX = 4,
    SCHEME_CONDITIONS_MAX = 4, /* of a handshake */
    SCHEME_NAMES_MAX = 4,      /* keys or versions of a signature header */
    SCHEME_WINDOW_S_MAX = 86400
};

enum scheme_kind {
    SCHEME_HMAC,
    SCHEME_DIGEST, /* a plain hash over content that holds the secret */
    SCHEME_ECDSA,
    SCHEME_ED25519,
    SCHEME_RSA,
    SCHEME_TOKEN, /* the signature is the secret itself */
    SCHEME_BASIC, /* the secret is "user:password" */
    SCHEME_NONE
};

enum scheme_format { KEY_UTF8, KEY_BASE64, KEY_HEX, KEY_PEM };
enum scheme_encoding { ENCODED_RAW, ENCODED_HEX, ENCODED_BASE64 };
enum scheme_parse {
    PARSE_RAW,
    PARSE_PREFIX, /* text in front is taken off; without it there is no signature */
    PARSE_KV,     /* "t=1,v1=ab,v1=cd" */
    PARSE_LIST    /* "v1,ab v1,cd" */
};
enum scheme_unit { UNIT_S, UNIT_MS, UNIT_RFC3339 };

enum scheme_source {
    FROM_NONE,
    FROM_HEADER,
    FROM_QUERY,
    FROM_JSON,
    FROM_FORM,
    FROM_KV,
    FROM_CONST,
    FROM_METHOD,
    FROM_URL,
    FROM_BODY,
    FROM_SECRET
};

struct scheme_place {
    enum scheme_source source;
    struct str name;
};

enum scheme_function {
    FUNCTION_NONE,
    FUNCTION_SHA256_HEX,
    FUNCTION_HMAC_HEX,
    FUNCTION_HMAC_BASE64,
    FUNCTION_CRC32,
    FUNCTION_FORM_SORTED
};

struct scheme_part {
    enum scheme_function function;
    struct scheme_place place; /* FROM_CONST for literals */
};

struct scheme_template {
    struct scheme_part parts[SCHEME_PARTS_MAX];
    size_t count;
};

struct scheme_condition {
    struct scheme_place place;
    struct str value; /* NULL p: it only has to be there */
};

struct scheme_answer {
    int status;
    struct str content_type;
    struct scheme_template body;
};

struct scheme_handshake {
    struct scheme_condition when[SCHEME_CONDITIONS_MAX];
    size_t when_count;
    bool before_auth;
    struct scheme_answer answer;
};

struct scheme {
    enum scheme_kind kind;
    enum check_hash hash;
    enum scheme_format key_format;
    struct str strip_prefix;
    struct scheme_place signature;
    enum scheme_parse parse;
    struct str prefix;
    char separator;
    char version_separator;
    struct str names[SCHEME_NAMES_MAX]; /* keys of PARSE_KV, versions of PARSE_LIST */
    size_t name_count;
    enum scheme_encoding encoding;
    struct scheme_template content;
    struct scheme_place time; /* FROM_NONE: no window */
    enum scheme_unit unit;
    int64_t past_s, future_s;
    struct scheme_place ids[SCHEME_IDS_MAX];
    size_t id_count;
    struct scheme_place type; /* FROM_NONE: none */
    struct scheme_handshake handshakes[SCHEME_HANDSHAKES_MAX];
    size_t handshake_count;
    struct scheme_answer ack; /* status 0: the default */
    bool needs_url;           /* some template holds {url}: the source needs a public_url */
};

/* Reads a description; strings are copied into the arena. Every fault goes to `faults` with its pointer;
 * then -E_FIELD. */
NODISCARD int scheme_read(const struct json *v, struct str pointer, struct arena *arena,
                          struct form_faults *faults, const struct scheme **ret_scheme);

/* Checks that a secret can be a key of the scheme. -E_FIELD with the sentence. */
NODISCARD int scheme_key_check(const struct scheme *scheme, struct str secret, struct err *err);

#endif
