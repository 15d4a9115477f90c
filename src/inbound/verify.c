/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - signatures of a request against the keys of its source. */
#include "inbound/verify.h"

#include <sodium.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "crypto/sign.h"
#include "inbound/scheme_template.h"

static const struct {
    const char *name;
    const char *sentence;
} verdicts[] = {
    [INBOUND_VALID] = { "valid", "The signature is valid." },
    [INBOUND_NO_SIGNATURE] = { "no_signature", "The signature is missing." },
    [INBOUND_BAD_SIGNATURE] = { "bad_signature", "The signature cannot be read." },
    [INBOUND_NO_TIMESTAMP] = { "no_timestamp", "The timestamp is missing or cannot be read." },
    [INBOUND_TOO_OLD] = { "too_old",
                          "The timestamp is too old: a replay, or the clocks differ." },
    [INBOUND_TOO_NEW] = { "too_new", "The timestamp lies in the future: the clocks differ." },
    [INBOUND_MISMATCH] = { "mismatch",
                           "No signature fits: another key, or the body was changed." },
    [INBOUND_NO_KEY] = { "no_key", "The source has no key that can be used." },
};

const char *inbound_verdict_name(enum inbound_verdict v)
{
    return verdicts[v].name;
}

const char *inbound_verdict_sentence(enum inbound_verdict v)
{
    return verdicts[v].sentence;
}

/* --- the signatures that came, decoded */
struct signatures {
    struct str bytes[INBOUND_SIGNATURES_MAX];
    size_t count;
    bool is_bad; /* one was there and did not decode */
};

static int decode_hex(struct str text, struct arena *arena, struct str *ret_bytes)
{
    size_t len = 0;
    char *bytes = arena_alloc(arena, text.len / 2 + 1);

    if (text.len == 0 || text.len % 2 != 0 ||
        sodium_hex2bin((unsigned char *)bytes, text.len / 2, text.p, text.len, NULL, &len,
                       NULL) != 0 ||
        len != text.len / 2) {
        return -E_INVALID;
    }
    *ret_bytes = (struct str){ bytes, len };
    return 0;
}

/* Standard or URL alphabet, with or without padding. */
static int decode_base64(struct str text, struct arena *arena, struct str *ret_bytes)
{
    char *plain = arena_alloc(arena, text.len + 4);
    struct buf out;
    size_t len = 0;
    int rc;

    while (text.len > 0 && text.p[text.len - 1] == '=') {
        text.len--;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];

        plain[len++] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    while (len % 4 != 0) {
        plain[len++] = '=';
    }
    buf_init(&out, text.len + 4);
    rc = text.len == 0 ? -E_INVALID : base64_decode((struct str){ plain, len }, &out);
    if (rc == 0) {
        *ret_bytes = arena_str(arena, buf_str(&out));
    }
    buf_done(&out);
    return rc;
}

static int decode(enum scheme_encoding encoding, struct str text, struct arena *arena,
                  struct str *ret_bytes)
{
    switch (encoding) {
    case ENCODED_RAW:
        *ret_bytes = text;
        return text.len > 0 ? 0 : -E_INVALID;
    case ENCODED_HEX:
        return decode_hex(text, arena, ret_bytes);
    case ENCODED_BASE64:
        return decode_base64(text, arena, ret_bytes);
    }
    ASSERT(!"a scheme_encoding");
    return -E_INTERNAL;
}

static void signature_add(const struct scheme *scheme, struct str text, struct arena *arena,
                          struct signatures *s)
{
    if (s->count == INBOUND_SIGNATURES_MAX) {
        return;
    }
    if (decode(scheme->encoding, text, arena, &s->bytes[s->count]) == 0) {
        s->count++;
    } else {
        s->is_bad = true;
    }
}

static bool is_named(const struct scheme *scheme, struct str name)
{
    for (size_t i = 0; i < scheme->name_count; i++) {
        if (str_eq(scheme->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* "t=1,v1=ab,v1=cd" or "v1,ab v1,cd": what stands behind the wanted names. */
static void signatures_named(const struct scheme *scheme, struct str header,
                             struct arena *arena, struct signatures *s)
{
    char inner = scheme->parse == PARSE_KV ? '=' : scheme->version_separator;
    struct str one;

    while (header.len > 0 && str_split(&header, scheme->separator, &one)) {
        size_t at;

        one = str_trim(one);
        at = str_find(one, inner);
        if (at < one.len && is_named(scheme, str_sub(one, 0, at))) {
            signature_add(scheme, str_sub(one, at + 1, one.len - at - 1), arena, s);
        }
    }
}

static enum inbound_verdict signatures_read(const struct scheme *scheme,
                                            const struct inbound_request *request,
                                            struct signatures *s)
{
    struct str header = inbound_value(request, scheme, &scheme->signature, STR_NONE);

    if (header.p == NULL || header.len == 0) {
        return INBOUND_NO_SIGNATURE;
    }
    switch (scheme->parse) {
    case PARSE_RAW:
        signature_add(scheme, header, request->arena, s);
        break;
    case PARSE_PREFIX:
        if (str_starts(header, scheme->prefix)) {
            signature_add(scheme,
                          str_sub(header, scheme->prefix.len, header.len - scheme->prefix.len),
                          request->arena, s);
        } else {
            s->is_bad = true;
        }
        break;
    case PARSE_KV:
    case PARSE_LIST:
        signatures_named(scheme, header, request->arena, s);
        break;
    }
    if (s->count > 0) {
        return INBOUND_VALID;
    }
    return s->is_bad ? INBOUND_BAD_SIGNATURE : INBOUND_NO_SIGNATURE;
}

/* --- the window */
static enum inbound_verdict time_check(const struct scheme *scheme,
                                       const struct inbound_request *request, int64_t wall_ms)
{
    struct str text = inbound_value(request, scheme, &scheme->time, STR_NONE);
    int64_t at = 0;
    int rc;

    if (scheme->time.source == FROM_NONE) {
        return INBOUND_VALID;
    }
    if (text.p == NULL) {
        return INBOUND_NO_TIMESTAMP;
    }
    if (scheme->unit == UNIT_RFC3339) {
        rc = clock_parse(text, &at);
    } else {
        rc = str_to_int(text, 0, INT64_MAX / 2000, &at);
        at *= scheme->unit == UNIT_S ? 1000 : 1;
    }
    if (rc != 0) {
        return INBOUND_NO_TIMESTAMP;
    }
    if (at < wall_ms - scheme->past_s * 1000) {
        return INBOUND_TOO_OLD;
    }
    return at > wall_ms + scheme->future_s * 1000 ? INBOUND_TOO_NEW : INBOUND_VALID;
}

/* --- one key */
static int key_bytes(const struct scheme *scheme, struct str secret, struct arena *arena,
                     struct str *ret_bytes)
{
    if (scheme->strip_prefix.len > 0 && str_starts(secret, scheme->strip_prefix)) {
        secret =
            str_sub(secret, scheme->strip_prefix.len, secret.len - scheme->strip_prefix.len);
    }
    switch (scheme->key_format) {
    case KEY_UTF8:
    case KEY_PEM:
        *ret_bytes = secret;
        return secret.len > 0 ? 0 : -E_FIELD;
    case KEY_BASE64:
        return decode_base64(secret, arena, ret_bytes);
    case KEY_HEX:
        return decode_hex(secret, arena, ret_bytes);
    }
    ASSERT(!"a scheme_format");
    return -E_INTERNAL;
}

static bool sum_fits(const struct scheme *scheme, struct str key, struct str content,
                     const struct signatures *s)
{
    unsigned char sum[CHECK_SUM_MAX];
    struct str wanted = { (const char *)sum, check_hash_size(scheme->hash) };
    bool fits = false;

    if (scheme->kind == SCHEME_DIGEST) {
        check_digest(scheme->hash, content, sum);
    } else if (check_hmac(scheme->hash, key, content, sum) != 0) {
        return false;
    }
    for (size_t i = 0; i < s->count; i++) {
        fits = check_equal(wanted, s->bytes[i]) || fits;
    }
    explicit_bzero(sum, sizeof(sum));
    return fits;
}

static bool public_fits(const struct scheme *scheme, struct str key, struct str content,
                        const struct signatures *s)
{
    enum check_algorithm algorithm = scheme->kind == SCHEME_ECDSA ? CHECK_ECDSA_DER
                                     : scheme->kind == SCHEME_RSA ? CHECK_RSA_PKCS1
                                                                  : CHECK_ED25519;
    struct check_key *public = NULL;
    bool fits = false;

    if (check_key_new(key, &public) != 0) {
        return false;
    }
    for (size_t i = 0; i < s->count && !fits; i++) {
        fits = check_signature(public, algorithm, scheme->hash, content, s->bytes[i]) == 0;
    }
    check_key_free(public);
    return fits;
}

static bool token_fits(struct str key, const struct signatures *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (check_equal(key, s->bytes[i])) {
            return true;
        }
    }
    return false;
}

static enum inbound_verdict key_try(const struct scheme *scheme,
                                    const struct inbound_request *request, struct str secret,
                                    const struct signatures *s)
{
    struct buf content;
    struct str key;
    bool fits = false;

    if (key_bytes(scheme, secret, request->arena, &key) != 0) {
        return INBOUND_NO_KEY;
    }
    if (scheme->kind == SCHEME_TOKEN || scheme->kind == SCHEME_BASIC) {
        return token_fits(key, s) ? INBOUND_VALID : INBOUND_MISMATCH;
    }
    buf_init(&content, INBOUND_CONTENT_MAX);
    if (inbound_fill(request, scheme, &scheme->content, secret, &content) == 0) {
        fits = scheme->kind == SCHEME_HMAC || scheme->kind == SCHEME_DIGEST
                   ? sum_fits(scheme, key, buf_str(&content), s)
                   : public_fits(scheme, key, buf_str(&content), s);
    }
    explicit_bzero(content.p, content.len);
    buf_done(&content);
    return fits ? INBOUND_VALID : INBOUND_MISMATCH;
}

/* Authorization: Basic, decoded to "user:password". */
static enum inbound_verdict basic_read(const struct inbound_request *request,
                                       struct signatures *s)
{
    struct str header = request->header(request->ctx, STR("Authorization"));
    struct str word = str_sub(header, 0, str_find(header, ' '));

    if (header.p == NULL) {
        return INBOUND_NO_SIGNATURE;
    }
    if (!str_eq_nocase(word, STR("Basic")) ||
        decode_base64(str_trim(str_sub(header, word.len, header.len - word.len)),
                      request->arena, &s->bytes[0]) != 0) {
        return INBOUND_BAD_SIGNATURE;
    }
    s->count = 1;
    return INBOUND_VALID;
}

enum inbound_verdict inbound_verify(const struct scheme *scheme,
                                    const struct inbound_request *request,
                                    const struct inbound_key *keys, size_t key_count,
                                    int64_t wall_ms, size_t *ret_key)
{
    struct signatures s = { .count = 0 };
    enum inbound_verdict verdict;
    enum inbound_verdict last = INBOUND_NO_KEY;

    if (scheme->kind == SCHEME_NONE) {
        return INBOUND_VALID;
    }
    verdict = scheme->kind == SCHEME_BASIC ? basic_read(request, &s)
                                           : signatures_read(scheme, request, &s);
    if (verdict != INBOUND_VALID) {
        return verdict;
    }
    for (size_t i = 0; i < key_count; i++) {
        verdict = key_try(scheme, request, keys[i].secret, &s);
        if (verdict == INBOUND_VALID) {
            /* Only what is signed says a time that can be believed. */
            verdict = time_check(scheme, request, wall_ms);
            if (verdict == INBOUND_VALID) {
                *ret_key = i;
            }
            return verdict;
        }
        last = verdict == INBOUND_MISMATCH ? INBOUND_MISMATCH : last;
    }
    return last;
}

struct str inbound_id(const struct scheme *scheme, const struct inbound_request *request)
{
    for (size_t i = 0; i < scheme->id_count; i++) {
        struct str id = inbound_value(request, scheme, &scheme->ids[i], STR_NONE);

        if (id.p != NULL && id.len > 0) {
            return id;
        }
    }
    return STR_NONE;
}

struct str inbound_type(const struct scheme *scheme, const struct inbound_request *request)
{
    return inbound_value(request, scheme, &scheme->type, STR_NONE);
}

static bool holds(const struct scheme *scheme, const struct inbound_request *request,
                  const struct scheme_handshake *h)
{
    for (size_t i = 0; i < h->when_count; i++) {
        struct str value = inbound_value(request, scheme, &h->when[i].place, STR_NONE);

        if (value.p == NULL ||
            (h->when[i].value.p != NULL && !str_eq(value, h->when[i].value))) {
            return false;
        }
    }
    return true;
}

const struct scheme_handshake *inbound_handshake(const struct scheme *scheme,
                                                 const struct inbound_request *request,
                                                 bool before_auth)
{
    for (size_t i = 0; i < scheme->handshake_count; i++) {
        const struct scheme_handshake *h = &scheme->handshakes[i];

        if (h->before_auth == before_auth && holds(scheme, request, h)) {
            return h;
        }
    }
    return NULL;
}

int scheme_key_check(const struct scheme *scheme, struct str secret, struct err *err)
{
    struct check_key *public = NULL;
    struct arena arena;
    struct str key;
    int rc;

    arena_init(&arena);
    rc = key_bytes(scheme, secret, &arena, &key);
    if (rc != 0) {
        rc = err_set(err, -E_FIELD, "The key does not have the form that the scheme asks for.");
    } else if (scheme->kind == SCHEME_ECDSA || scheme->kind == SCHEME_RSA ||
               scheme->kind == SCHEME_ED25519) {
        rc = check_key_new(key, &public);
        if (rc != 0) {
            rc = err_set(err, -E_FIELD,
                         "This is not a public key (PEM, DER as base64, or 32 bytes).");
        }
        check_key_free(public);
    } else if (scheme->kind == SCHEME_BASIC && str_find(key, ':') == key.len) {
        rc = err_set(err, -E_FIELD, "The key is \"user:password\".");
    }
    arena_done(&arena);
    return rc;
}
