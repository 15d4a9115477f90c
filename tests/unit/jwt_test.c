/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of RFC 7515 A.1 to A.3 verify; everything that an attacker can say in a token is refused: `none`,
 * another algorithm, the public key as a secret, crit, a key inside the token; and times, issuer, audience.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "crypto/check.h"
#include "inbound/jwt.h"

#define CLAIMS                                                                                 \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
    "cnVlfQ"

static const char rfc_hs256[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS
                                ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static const char rfc_rs256[] =
    "eyJhbGciOiJSUzI1NiJ9." CLAIMS
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2"
    "Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQB"
    "MHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI"
    "2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char rfc_es256[] =
    "eyJhbGciOiJFUzI1NiJ9." CLAIMS
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/* The keys of the three, in one set, with one that does not belong there. */
static const char rfc_keys[] =
    "{\"keys\":["
    "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
    "1qS0gZH75aKtMN3Yj0iPS4hcg"
    "UuTwjAzZr1Z9CAow\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"no\",\"x\":\"AAAA\",\"y\":\"AAAA\"},"
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-"
    "Vaw-4q"
    "PCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"
    "7OMg0LOL-b"
    "Sf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
    "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4L"
    "T6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\","
    "\"e\":"
    "\"AQAB\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_"
    "FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

enum { RFC_NOW = 1300819000 };

struct keys {
    struct json_doc *doc;
    struct jwt_key key;
};

static void keys_begin(struct keys *k, const char *text)
{
    *k = (struct keys){ 0 };
    assert_int_equal(json_parse(str_from(text), 16, &k->doc, NULL), 0);
    k->key.jwks = json_root(k->doc);
}

static enum jwt_verdict verify(const char *token, const struct jwt_rules *rules,
                               const struct jwt_key *key, int64_t unix_s)
{
    struct json_doc *claims = NULL;
    enum jwt_verdict verdict = jwt_verify(str_from(token), rules, key, unix_s * 1000, &claims);

    assert_true((verdict == JWT_VALID) == (claims != NULL));
    json_doc_free(claims);
    return verdict;
}

static void test_rfc(void **state)
{
    struct jwt_rules rules = { .algorithms = JWT_HS256 | JWT_RS256 | JWT_ES256,
                               .leeway_s = JWT_LEEWAY_S };
    struct keys k;

    (void)state;
    keys_begin(&k, rfc_keys);
    assert_int_equal(verify(rfc_hs256, &rules, &k.key, RFC_NOW), JWT_VALID);
    assert_int_equal(verify(rfc_rs256, &rules, &k.key, RFC_NOW), JWT_VALID);
    assert_int_equal(verify(rfc_es256, &rules, &k.key, RFC_NOW), JWT_VALID);
    rules.issuer = STR("joe");
    assert_int_equal(verify(rfc_es256, &rules, &k.key, RFC_NOW), JWT_VALID);
    rules.issuer = STR("jo");
    assert_int_equal(verify(rfc_es256, &rules, &k.key, RFC_NOW), JWT_ISSUER);
    rules.issuer = STR_NONE;
    rules.audience = STR("us");
    assert_int_equal(verify(rfc_es256, &rules, &k.key, RFC_NOW), JWT_AUDIENCE);
    rules.audience = STR_NONE;
    assert_int_equal(verify(rfc_es256, &rules, &k.key, 1300819380 + 59), JWT_VALID);
    assert_int_equal(verify(rfc_es256, &rules, &k.key, 1300819380 + 60), JWT_EXPIRED);
    json_doc_free(k.doc);
}

/* Only what is allowed, whatever the token says. */
static void test_algorithms(void **state)
{
    struct keys k;

    (void)state;
    keys_begin(&k, rfc_keys);
    for (unsigned bit = 1; bit <= (unsigned)JWT_EDDSA; bit <<= 1) {
        struct jwt_rules rules = { .algorithms = bit, .leeway_s = JWT_LEEWAY_S };

        assert_int_equal(verify(rfc_hs256, &rules, &k.key, RFC_NOW),
                         bit == JWT_HS256 ? JWT_VALID : JWT_ALGORITHM);
        assert_int_equal(verify(rfc_rs256, &rules, &k.key, RFC_NOW),
                         bit == JWT_RS256 ? JWT_VALID : JWT_ALGORITHM);
    }
    json_doc_free(k.doc);
}

/* header.payload.signature of any texts, the signature an HMAC-SHA256. */
static void make(struct buf *out, const char *header, const char *payload, struct str secret)
{
    unsigned char sum[CHECK_SUM_MAX];
    char text[2048];
    const char *parts[] = { header, payload };

    buf_clear(out);
    for (size_t i = 0; i < 2; i++) {
        assert_non_null(sodium_bin2base64(text, sizeof(text), (const unsigned char *)parts[i],
                                          strlen(parts[i]),
                                          sodium_base64_VARIANT_URLSAFE_NO_PADDING));
        assert_int_equal(buf_printf(out, "%s%s", i == 0 ? "" : ".", text), 0);
    }
    assert_int_equal(check_hmac(CHECK_SHA256, secret, buf_str(out), sum), 0);
    assert_non_null(sodium_bin2base64(text, sizeof(text), sum, 32,
                                      sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    assert_int_equal(buf_printf(out, ".%s", text), 0);
}

struct row {
    const char *header;
    const char *payload;
    enum jwt_verdict verdict;
};

static void test_claims(void **state)
{
    static const struct row rows[] = {
        { "{\"alg\":\"HS256\"}", "{}", JWT_NO_EXPIRY },
        { "{\"alg\":\"HS256\"}", "{\"exp\":2000}", JWT_VALID },
        { "{\"alg\":\"HS256\"}", "{\"exp\":2000.5}", JWT_VALID },
        { "{\"alg\":\"HS256\"}", "{\"exp\":\"2000\"}", JWT_MALFORMED },
        { "{\"alg\":\"HS256\"}", "{\"exp\":900}", JWT_EXPIRED },
        { "{\"alg\":\"HS256\"}", "{\"exp\":2000,\"nbf\":1061}", JWT_NOT_YET },
        { "{\"alg\":\"HS256\"}", "{\"exp\":2000,\"nbf\":1060}", JWT_VALID },
        { "{\"alg\":\"HS256\"}", "{\"exp\":2000,\"iat\":1061}", JWT_NOT_YET },
        { "{\"alg\":\"HS256\"}", "[]", JWT_MALFORMED },
        { "{\"alg\":\"HS256\"}", "no json", JWT_MALFORMED },
        { "{\"alg\":\"none\"}", "{\"exp\":2000}", JWT_ALGORITHM },
        { "{\"alg\":\"hs256\"}", "{\"exp\":2000}", JWT_ALGORITHM },
        { "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{\"exp\":2000}", JWT_ALGORITHM },
        { "{}", "{\"exp\":2000}", JWT_ALGORITHM },
        { "[]", "{\"exp\":2000}", JWT_ALGORITHM },
        { "no json", "{\"exp\":2000}", JWT_MALFORMED },
        { "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}", "{\"exp\":2000}",
          JWT_VALID },
    };
    const struct jwt_rules rules = { .algorithms = JWT_HS256,
                                     .leeway_s = JWT_LEEWAY_S,
                                     .needs_exp = true };
    const struct jwt_key key = { .secret = STR("a secret of both sides") };
    const struct jwt_key other = { .secret = STR("another secret") };
    struct buf token;

    (void)state;
    buf_init(&token, 8192);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        make(&token, rows[i].header, rows[i].payload, key.secret);
        if (verify(token.p, &rules, &key, 1000) != rows[i].verdict) {
            fail_msg("row %zu: %s", i, jwt_verdict_name(verify(token.p, &rules, &key, 1000)));
        }
        assert_int_not_equal(verify(token.p, &rules, &other, 1000), JWT_VALID);
    }
    buf_done(&token);
}

/* The public key is no secret: a token that is signed with it as one is nothing. */
static void test_confusion(void **state)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                              "-----END PUBLIC KEY-----\n";
    const struct jwt_key key = { .pem = str_from(pem) };
    struct jwt_rules rules = { .algorithms = JWT_HS256 | JWT_EDDSA, .leeway_s = 60 };
    struct buf token;

    (void)state;
    buf_init(&token, 8192);
    make(&token, "{\"alg\":\"HS256\"}", "{}", str_from(pem));
    assert_int_equal(verify(token.p, &rules, &key, 1000), JWT_NO_KEY);
    make(&token, "{\"alg\":\"EdDSA\"}", "{}", str_from(pem));
    assert_int_equal(verify(token.p, &rules, &key, 1000), JWT_SIGNATURE);
    rules.algorithms = JWT_RS256;
    make(&token, "{\"alg\":\"RS256\"}", "{}", str_from(pem));
    assert_int_equal(verify(token.p, &rules, &key, 1000), JWT_SIGNATURE);
    buf_done(&token);
}

static void test_audience_and_body(void **state)
{
    static const struct {
        const char *payload;
        enum jwt_verdict verdict;
    } rows[] = {
        { "{\"aud\":\"us\",\"h\":\"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\"}",
          JWT_VALID },
        { "{\"aud\":[\"x\",\"us\"],\"h\":\"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\"}",
          JWT_VALID },
        { "{\"aud\":[\"x\"]}", JWT_AUDIENCE },
        { "{\"aud\":7}", JWT_AUDIENCE },
        { "{\"aud\":\"us\"}", JWT_BODY },
        { "{\"aud\":\"us\",\"h\":\"LPJNul\"}", JWT_BODY },
    };
    const struct jwt_rules rules = { .algorithms = JWT_HS256,
                                     .leeway_s = 60,
                                     .audience = STR("us"),
                                     .body_claim = STR("h"),
                                     .body = STR("hello") };
    const struct jwt_key key = { .secret = STR("a secret of both sides") };
    struct buf token;

    (void)state;
    buf_init(&token, 8192);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        make(&token, "{\"alg\":\"HS256\"}", rows[i].payload, key.secret);
        assert_int_equal(verify(token.p, &rules, &key, 1000), rows[i].verdict);
    }
    buf_done(&token);
}

static void test_malformed(void **state)
{
    static const char *const rows[] = { "",      ".",        "..",          "...",    "a.b",
                                        "a.b.c", "eyJ.e30.", "e30=.e30.AA", "e30.e30" };
    const struct jwt_rules rules = { .algorithms = JWT_HS256 };
    const struct jwt_key key = { .secret = STR("s") };
    char *large = calloc(1, JWT_SIZE_MAX + 2);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum jwt_verdict verdict = verify(rows[i], &rules, &key, 1000);

        assert_true(verdict == JWT_MALFORMED || verdict == JWT_ALGORITHM);
    }
    assert_non_null(large);
    memset(large, 'A', JWT_SIZE_MAX + 1);
    assert_int_equal(verify(large, &rules, &key, 1000), JWT_MALFORMED);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc),       cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_claims),    cmocka_unit_test(test_confusion),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_audience_and_body),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
