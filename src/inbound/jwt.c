/* SPDX-License-Identifier: Apache-2.0 */
/* jwt.c - JSON Web Tokens: what the operator allowed decides, not what the token says. */
#include "inbound/jwt.h"

#include <sodium.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "crypto/check.h"
#include "crypto/sign.h"

struct algorithm {
    const char *name;
    enum jwt_algorithm bit;
    bool is_hmac;
    enum check_algorithm check;
    enum check_hash hash;
    const char *kty; /* of its keys (RFC 7518 6.1) */
    int bits;        /* of the curve; 0: any */
};

static const struct algorithm algorithms[] = {
    { "HS256", JWT_HS256, true, CHECK_RSA_PKCS1, CHECK_SHA256, "oct", 0 },
    { "HS384", JWT_HS384, true, CHECK_RSA_PKCS1, CHECK_SHA384, "oct", 0 },
    { "HS512", JWT_HS512, true, CHECK_RSA_PKCS1, CHECK_SHA512, "oct", 0 },
    { "RS256", JWT_RS256, false, CHECK_RSA_PKCS1, CHECK_SHA256, "RSA", 0 },
    { "RS384", JWT_RS384, false, CHECK_RSA_PKCS1, CHECK_SHA384, "RSA", 0 },
    { "RS512", JWT_RS512, false, CHECK_RSA_PKCS1, CHECK_SHA512, "RSA", 0 },
    { "PS256", JWT_PS256, false, CHECK_RSA_PSS, CHECK_SHA256, "RSA", 0 },
    { "PS384", JWT_PS384, false, CHECK_RSA_PSS, CHECK_SHA384, "RSA", 0 },
    { "PS512", JWT_PS512, false, CHECK_RSA_PSS, CHECK_SHA512, "RSA", 0 },
    { "ES256", JWT_ES256, false, CHECK_ECDSA_RAW, CHECK_SHA256, "EC", 256 },
    { "ES384", JWT_ES384, false, CHECK_ECDSA_RAW, CHECK_SHA384, "EC", 384 },
    { "ES512", JWT_ES512, false, CHECK_ECDSA_RAW, CHECK_SHA512, "EC", 521 },
    { "EdDSA", JWT_EDDSA, false, CHECK_ED25519, CHECK_SHA256, "OKP", 0 },
};

static const struct algorithm *algorithm_find(struct str name)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (str_eq_c(name, algorithms[i].name)) {
            return &algorithms[i];
        }
    }
    return NULL;
}

int jwt_algorithm_parse(struct str name, enum jwt_algorithm *ret_algorithm)
{
    const struct algorithm *a = algorithm_find(name);

    if (a == NULL) {
        return -E_INVALID;
    }
    *ret_algorithm = a->bit;
    return 0;
}

const char *jwt_verdict_name(enum jwt_verdict v)
{
    static const char *const names[] = {
        [JWT_VALID] = "valid",           [JWT_MALFORMED] = "malformed_token",
        [JWT_ALGORITHM] = "algorithm",   [JWT_NO_KEY] = "no_key",
        [JWT_SIGNATURE] = "mismatch",    [JWT_EXPIRED] = "expired",
        [JWT_NOT_YET] = "not_yet_valid", [JWT_NO_EXPIRY] = "no_expiry",
        [JWT_ISSUER] = "issuer",         [JWT_AUDIENCE] = "audience",
        [JWT_BODY] = "body_hash",
    };

    return names[v];
}

/* --- base64url without padding (RFC 7515 2); NULL p when it is not */
static struct str unbase64(struct str text, struct arena *arena)
{
    char *bytes = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (memchr(text.p == NULL ? "" : text.p, '\0', text.len) != NULL ||
        sodium_base642bin((unsigned char *)bytes, text.len, text.p, text.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
        return STR_NONE;
    }
    return (struct str){ bytes, len };
}

static struct str member_bytes(const struct json *v, const char *name, struct arena *arena)
{
    const struct json *m = json_member(v, name);

    return m == NULL ? STR_NONE : unbase64(json_string(m), arena);
}

static struct str member_text(const struct json *v, const char *name)
{
    const struct json *m = json_member(v, name);

    return m == NULL ? STR_NONE : json_string(m);
}

/* --- one signature, one key */
static bool hmac_fits(const struct algorithm *a, struct str secret, struct str content,
                      struct str signature)
{
    unsigned char sum[CHECK_SUM_MAX];

    return check_hmac(a->hash, secret, content, sum) == 0 &&
           check_equal((struct str){ (const char *)sum, check_hash_size(a->hash) }, signature);
}

static bool public_fits(const struct algorithm *a, const struct check_key *key,
                        struct str content, struct str signature)
{
    return (a->bits == 0 || check_key_bits(key) == a->bits) &&
           check_signature(key, a->check, a->hash, content, signature) == 0;
}

static int jwk_key(const struct json *jwk, const struct algorithm *a, struct arena *arena,
                   struct check_key **ret_key)
{
    struct str x = member_bytes(jwk, "x", arena);

    if (str_eq_c(str_from(a->kty), "RSA")) {
        return check_key_rsa(member_bytes(jwk, "n", arena), member_bytes(jwk, "e", arena),
                             ret_key);
    }
    if (str_eq_c(str_from(a->kty), "EC")) {
        return check_key_ec(member_text(jwk, "crv"), x, member_bytes(jwk, "y", arena), ret_key);
    }
    return x.len == 32 && str_eq_c(member_text(jwk, "crv"), "Ed25519")
               ? check_key_new(x, ret_key)
               : -E_FIELD;
}

/* Is this key meant for such a token? */
static bool jwk_suits(const struct json *jwk, const struct algorithm *a, struct str kid)
{
    struct str use = member_text(jwk, "use");
    struct str alg = member_text(jwk, "alg");
    struct str own = member_text(jwk, "kid");

    return str_eq_c(member_text(jwk, "kty"), a->kty) &&
           (use.p == NULL || str_eq_c(use, "sig")) &&
           (alg.p == NULL || str_eq_c(alg, a->name)) &&
           (kid.p == NULL || own.p == NULL || str_eq(kid, own));
}

static bool jwk_fits(const struct json *jwk, const struct algorithm *a, struct str content,
                     struct str signature, struct arena *arena)
{
    struct check_key *key = NULL;
    bool fits;

    if (a->is_hmac) {
        return hmac_fits(a, member_bytes(jwk, "k", arena), content, signature);
    }
    if (jwk_key(jwk, a, arena, &key) != 0) {
        return false;
    }
    fits = public_fits(a, key, content, signature);
    check_key_free(key);
    return fits;
}

static enum jwt_verdict jwks_try(const struct json *jwks, const struct algorithm *a,
                                 struct str kid, struct str content, struct str signature,
                                 struct arena *arena)
{
    const struct json *keys = json_member(jwks, "keys");
    enum jwt_verdict verdict = JWT_NO_KEY;
    const struct json *jwk;
    struct json_iter it;
    unsigned tried = 0;

    if (keys == NULL || json_type(keys) != JSON_ARRAY) {
        return JWT_NO_KEY;
    }
    it = json_iter(keys);
    while ((jwk = json_next(&it, NULL)) != NULL && tried < JWT_KEYS_MAX) {
        if (!jwk_suits(jwk, a, kid)) {
            continue;
        }
        tried++;
        if (jwk_fits(jwk, a, content, signature, arena)) {
            return JWT_VALID;
        }
        verdict = JWT_SIGNATURE;
    }
    return verdict;
}

static enum jwt_verdict signature_check(const struct jwt_key *key, const struct algorithm *a,
                                        struct str kid, struct str content,
                                        struct str signature, struct arena *arena)
{
    struct check_key *public = NULL;
    bool fits;

    if (key->jwks != NULL) {
        return jwks_try(key->jwks, a, kid, content, signature, arena);
    }
    if (a->is_hmac) {
        if (key->secret.p == NULL) {
            return JWT_NO_KEY;
        }
        return hmac_fits(a, key->secret, content, signature) ? JWT_VALID : JWT_SIGNATURE;
    }
    if (key->pem.p == NULL || check_key_new(key->pem, &public) != 0) {
        return JWT_NO_KEY;
    }
    fits = public_fits(a, public, content, signature);
    check_key_free(public);
    return fits ? JWT_VALID : JWT_SIGNATURE;
}

/* --- claims */
/* NumericDate (RFC 7519 2), whole seconds; a fraction is cut. False: absent. */
static bool claim_time(const struct json *claims, const char *name, int64_t *ret_s,
                       bool *ret_bad)
{
    const struct json *v = json_member(claims, name);
    struct str digits;

    if (v == NULL) {
        return false;
    }
    digits = json_number(v);
    digits = str_sub(digits, 0, str_find(digits, '.'));
    if (json_type(v) != JSON_NUMBER || str_to_int(digits, 0, INT64_MAX / 2000, ret_s) != 0) {
        *ret_bad = true;
        return false;
    }
    return true;
}

static enum jwt_verdict times_check(const struct json *claims, const struct jwt_rules *rules,
                                    int64_t now)
{
    bool is_bad = false;
    int64_t at = 0;
    bool has_exp = claim_time(claims, "exp", &at, &is_bad);

    if (has_exp && at + rules->leeway_s <= now) {
        return JWT_EXPIRED;
    }
    if (!has_exp && rules->needs_exp && !is_bad) {
        return JWT_NO_EXPIRY;
    }
    if (claim_time(claims, "nbf", &at, &is_bad) && at - rules->leeway_s > now) {
        return JWT_NOT_YET;
    }
    if (claim_time(claims, "iat", &at, &is_bad) && at - rules->leeway_s > now) {
        return JWT_NOT_YET;
    }
    return is_bad ? JWT_MALFORMED : JWT_VALID;
}

static bool audience_has(const struct json *aud, struct str wanted)
{
    const struct json *v;
    struct json_iter it;

    if (aud == NULL) {
        return false;
    }
    if (json_type(aud) != JSON_ARRAY) {
        return json_type(aud) == JSON_STRING && str_eq(json_string(aud), wanted);
    }
    it = json_iter(aud);
    while ((v = json_next(&it, NULL)) != NULL) {
        if (json_type(v) == JSON_STRING && str_eq(json_string(v), wanted)) {
            return true;
        }
    }
    return false;
}

static bool body_fits(struct str claim, struct str body)
{
    unsigned char sum[CHECK_SUM_MAX];
    struct buf text;
    bool fits;

    check_digest(CHECK_SHA256, body, sum);
    buf_init(&text, 64);
    fits = base64_encode((struct str){ (const char *)sum, 32 }, &text) == 0 &&
           check_equal(buf_str(&text), claim);
    buf_done(&text);
    return fits;
}

static enum jwt_verdict claims_check(const struct json *claims, const struct jwt_rules *rules,
                                     int64_t now)
{
    enum jwt_verdict verdict;

    if (json_type(claims) != JSON_OBJECT) {
        return JWT_MALFORMED;
    }
    verdict = times_check(claims, rules, now);
    if (verdict != JWT_VALID) {
        return verdict;
    }
    if (rules->issuer.p != NULL && !str_eq(member_text(claims, "iss"), rules->issuer)) {
        return JWT_ISSUER;
    }
    if (rules->audience.p != NULL &&
        !audience_has(json_member(claims, "aud"), rules->audience)) {
        return JWT_AUDIENCE;
    }
    if (rules->body_claim.p != NULL) {
        const struct json *claim = json_get(claims, rules->body_claim);

        if (claim == NULL || !body_fits(json_string(claim), rules->body)) {
            return JWT_BODY;
        }
    }
    return JWT_VALID;
}

/* --- the token */
struct token {
    struct str content;   /* header.payload as it came */
    struct str header;    /* decoded */
    struct str payload;   /* decoded */
    struct str signature; /* decoded */
};

static bool token_split(struct str text, struct arena *arena, struct token *t)
{
    size_t first = str_find(text, '.');
    struct str rest = str_sub(text, first + 1, text.len - first - 1);
    size_t second = str_find(rest, '.');

    if (first == text.len || second == rest.len) {
        return false;
    }
    t->content = str_sub(text, 0, first + 1 + second);
    t->header = unbase64(str_sub(text, 0, first), arena);
    t->payload = unbase64(str_sub(rest, 0, second), arena);
    t->signature = unbase64(str_sub(rest, second + 1, rest.len - second - 1), arena);
    return t->header.p != NULL && t->payload.p != NULL && t->signature.p != NULL;
}

static enum jwt_verdict header_check(const struct token *t, const struct jwt_rules *rules,
                                     const struct jwt_key *key, struct arena *arena)
{
    const struct algorithm *a;
    const struct json *root;
    struct json_doc *doc = NULL;
    enum jwt_verdict verdict = JWT_ALGORITHM;

    if (json_parse(t->header, JWT_DEPTH_MAX, &doc, NULL) != 0) {
        return JWT_MALFORMED;
    }
    root = json_root(doc);
    a = algorithm_find(member_text(root, "alg"));
    if (a != NULL && (rules->algorithms & (unsigned)a->bit) != 0 &&
        json_member(root, "crit") == NULL) {
        verdict =
            signature_check(key, a, member_text(root, "kid"), t->content, t->signature, arena);
    }
    json_doc_free(doc);
    return verdict;
}

enum jwt_verdict jwt_verify(struct str token, const struct jwt_rules *rules,
                            const struct jwt_key *key, int64_t wall_ms,
                            struct json_doc **ret_claims)
{
    enum jwt_verdict verdict = JWT_MALFORMED;
    struct json_doc *doc = NULL;
    struct arena arena;
    struct token t;

    if (token.len > JWT_SIZE_MAX) {
        return JWT_MALFORMED;
    }
    arena_init(&arena);
    if (token_split(token, &arena, &t)) {
        verdict = header_check(&t, rules, key, &arena);
    }
    if (verdict == JWT_VALID && json_parse(t.payload, JWT_DEPTH_MAX, &doc, NULL) != 0) {
        verdict = JWT_MALFORMED;
    }
    if (verdict == JWT_VALID) {
        verdict = claims_check(json_root(doc), rules, wall_ms / 1000);
    }
    arena_done(&arena);
    if (verdict == JWT_VALID) {
        *ret_claims = doc;
    } else {
        json_doc_free(doc);
    }
    return verdict;
}
