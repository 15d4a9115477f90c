/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing against values that others computed (Standard Webhooks' public vector, RFC 4231, Python's hmac and
 * cryptography), and verifying with everything that may be wrong.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hmac.h"
#include "crypto/sign.h"

#define SECRET          "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OLD_SECRET      "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define EVENT_ID        "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define BODY            "{\"test\": 2432232314}"
#define UNIX_S          1614265330
#define V1              "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define TIMESTAMPED_HEX "2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964"
#define PLATFORM_HEX    "80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c"
#define PRIVATE_32      "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define PRIVATE_64                                                                             \
    "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/"                           \
    "tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="
#define PUBLIC_KEY "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define V1A                                                                                    \
    "v1a,fldxM4gAKugP6nnt1hdz3sgGfZ6d99nzrMFnZOELIxbzEHoVmAb2ADpkJK7zgPePmPsle0zV9jSeGlHFG2N"  \
    "VAw=="

static const struct sign_input known_input = {
    .event_id = { EVENT_ID, sizeof(EVENT_ID) - 1 },
    .delivery_id = { "dlv_0123456789012345678901", 26 },
    .event_type = { "user.created", 12 },
    .unix_s = UNIX_S,
    .attempt = 3,
    .body = { BODY, sizeof(BODY) - 1 },
};

static void headers_of(unsigned profiles, const struct str *secrets, uint32_t count,
                       struct buf *ret_headers)
{
    struct signer *s = NULL;
    struct err err = { 0 };

    buf_init(ret_headers, SIGN_HEADERS_MAX);
    assert_int_equal(signer_new(profiles, secrets, count, STR("Postern"), &s, &err), 0);
    /* Twice: the keyed contexts are used again. */
    assert_int_equal(signer_headers(s, &known_input, ret_headers), 0);
    buf_clear(ret_headers);
    assert_int_equal(signer_headers(s, &known_input, ret_headers), 0);
    signer_free(s);
}

#define ALWAYS                                                                                 \
    "Postern-Event-Type: user.created\r\n"                                                     \
    "Postern-Delivery-Id: dlv_0123456789012345678901\r\n"                                      \
    "Postern-Attempt: 3\r\n"

static void profiles_write_their_headers(void **state)
{
    static const struct {
        unsigned profiles;
        const char *headers;
    } rows[] = {
        { SIGN_STANDARD, "webhook-id: " EVENT_ID "\r\nwebhook-timestamp: 1614265330\r\n"
                         "webhook-signature: " V1 "\r\n" ALWAYS },
        { SIGN_TIMESTAMPED, "Postern-Signature: t=1614265330,v1=" TIMESTAMPED_HEX "\r\n"
                            "Postern-Webhook-Id: dlv_0123456789012345678901\r\n" ALWAYS },
        { SIGN_PLATFORM, "X-Postern-Signature: sha256=" PLATFORM_HEX "\r\n"
                         "X-Postern-Event: user.created\r\n"
                         "X-Postern-Delivery-ID: del_0123456789012345678901\r\n" ALWAYS },
        { SIGN_STANDARD | SIGN_TIMESTAMPED,
          "webhook-id: " EVENT_ID "\r\nwebhook-timestamp: 1614265330\r\n"
          "webhook-signature: " V1 "\r\n"
          "Postern-Signature: t=1614265330,v1=" TIMESTAMPED_HEX "\r\n"
          "Postern-Webhook-Id: dlv_0123456789012345678901\r\n" ALWAYS },
    };
    struct str secret = STR(SECRET);
    struct buf headers;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        headers_of(rows[i].profiles, &secret, 1, &headers);
        assert_string_equal(headers.p, rows[i].headers);
        buf_done(&headers);
    }
}

/* The value of one header line in the block. */
static struct str header_value(const struct buf *headers, const char *name)
{
    char start[64];
    const char *at;

    (void)snprintf(start, sizeof(start), "%s: ", name);
    at = strstr(headers->p, start);
    assert_non_null(at);
    at += strlen(start);
    return (struct str){ at, (size_t)(strstr(at, "\r\n") - at) };
}

static void every_valid_secret_signs(void **state)
{
    struct str secrets[3] = { STR(SECRET), STR(OLD_SECRET), STR("a secret of the customer's") };
    struct buf headers;
    struct str list;
    struct str pair;

    (void)state;
    headers_of(SIGN_STANDARD | SIGN_TIMESTAMPED | SIGN_PLATFORM, secrets, 3, &headers);
    list = header_value(&headers, "webhook-signature");
    pair = header_value(&headers, "Postern-Signature");
    assert_true(str_starts(list, STR(V1 " v1,")));
    assert_true(str_starts(pair, STR("t=1614265330,v1=" TIMESTAMPED_HEX ",v1=")));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(verify_standard(secrets[i], STR(EVENT_ID), STR("1614265330"), list,
                                         STR(BODY), UNIX_S, 0),
                         VERIFY_OK);
        assert_int_equal(verify_timestamped(secrets[i], pair, STR(BODY), UNIX_S, 0), VERIFY_OK);
    }
    /* The platform headers carry the newest alone. */
    assert_true(
        str_eq(header_value(&headers, "X-Postern-Signature"), STR("sha256=" PLATFORM_HEX)));
    buf_done(&headers);
}

static void ed25519_signs_as_others_do(void **state)
{
    static const char *const texts[] = { PRIVATE_32, PRIVATE_64 };
    struct buf headers;
    struct buf text;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct str secret = str_from(texts[i]);

        headers_of(SIGN_STANDARD, &secret, 1, &headers);
        assert_true(str_eq(header_value(&headers, "webhook-signature"), STR(V1A)));
        buf_done(&headers);
        buf_init(&text, 100);
        assert_int_equal(secret_public(secret, &text), 0);
        assert_string_equal(text.p, PUBLIC_KEY);
        buf_done(&text);
        assert_int_equal(verify_standard(secret, STR(EVENT_ID), STR("1614265330"), STR(V1A),
                                         STR(BODY), UNIX_S, 0),
                         VERIFY_OK);
    }
    assert_int_equal(verify_standard(STR(PUBLIC_KEY), STR(EVENT_ID), STR("1614265330"),
                                     STR(V1 " " V1A), STR(BODY), UNIX_S, 0),
                     VERIFY_OK);
    assert_int_equal(verify_standard(STR(PUBLIC_KEY), STR(EVENT_ID), STR("1614265330"),
                                     STR(V1A), STR(BODY " "), UNIX_S, 0),
                     VERIFY_MISMATCH);
    buf_init(&text, 100);
    assert_int_equal(secret_public(STR(SECRET), &text), -E_FIELD);
    buf_done(&text);
}

/* A whsk_ secret is not known to the receiver: it must never key an HMAC. */
static void private_keys_sign_standard_only(void **state)
{
    struct str both[2] = { STR(PRIVATE_32), STR(SECRET) };
    struct signer *s = NULL;
    struct err err = { 0 };
    struct buf headers;

    (void)state;
    assert_int_equal(signer_new(SIGN_TIMESTAMPED, both, 1, STR("P"), &s, &err), -E_FIELD);
    assert_int_equal(signer_new(SIGN_PLATFORM, both, 1, STR("P"), &s, &err), -E_FIELD);
    assert_null(s);
    headers_of(SIGN_STANDARD | SIGN_TIMESTAMPED | SIGN_PLATFORM, both, 2, &headers);
    assert_true(str_eq(header_value(&headers, "webhook-signature"), STR(V1A " " V1)));
    assert_true(str_eq(header_value(&headers, "Postern-Signature"),
                       STR("t=1614265330,v1=" TIMESTAMPED_HEX)));
    assert_true(
        str_eq(header_value(&headers, "X-Postern-Signature"), STR("sha256=" PLATFORM_HEX)));
    buf_done(&headers);
}

static void signers_refuse_what_is_wrong(void **state)
{
    struct str secrets[SIGN_SECRETS_MAX + 1] = { STR(SECRET), STR(SECRET), STR(SECRET),
                                                 STR(SECRET), STR(SECRET) };
    struct str short_secret = STR("short");
    struct signer *s = NULL;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(signer_new(SIGN_STANDARD, secrets, 0, STR("P"), &s, &err), -E_FIELD);
    assert_int_equal(
        signer_new(SIGN_STANDARD, secrets, SIGN_SECRETS_MAX + 1, STR("P"), &s, &err), -E_FIELD);
    assert_int_equal(signer_new(0, secrets, 1, STR("P"), &s, &err), -E_FIELD);
    assert_int_equal(signer_new(8, secrets, 1, STR("P"), &s, &err), -E_FIELD);
    assert_int_equal(signer_new(SIGN_STANDARD, &short_secret, 1, STR("P"), &s, &err), -E_FIELD);
    assert_int_equal(signer_new(SIGN_STANDARD, secrets, 1, STR(""), &s, &err), -E_FIELD);
    assert_int_equal(signer_new(SIGN_STANDARD, secrets, 1, STR("-P"), &s, &err), -E_FIELD);
    assert_int_equal(signer_new(SIGN_STANDARD, secrets, 1, STR("P:\r\n"), &s, &err), -E_FIELD);
    assert_null(s);
    signer_free(NULL);
}

static void control_characters_never_reach_a_header(void **state)
{
    struct sign_input in = known_input;
    struct str secret = STR(SECRET);
    struct signer *s = NULL;
    struct err err = { 0 };
    struct buf out;

    (void)state;
    buf_init(&out, SIGN_HEADERS_MAX);
    assert_int_equal(buf_add_c(&out, "Host: a\r\n"), 0);
    assert_int_equal(signer_new(SIGN_STANDARD, &secret, 1, STR("P"), &s, &err), 0);
    in.event_type = STR("user\r\nX-Evil: 1");
    assert_int_equal(signer_headers(s, &in, &out), -E_INVALID);
    assert_string_equal(out.p, "Host: a\r\n");
    in = known_input;
    in.event_id = STR("evt\n1");
    assert_int_equal(signer_headers(s, &in, &out), -E_INVALID);
    assert_string_equal(out.p, "Host: a\r\n");
    signer_free(s);
    buf_done(&out);
}

static void headers_over_the_limit_change_nothing(void **state)
{
    struct str secret = STR(SECRET);
    struct signer *s = NULL;
    struct err err = { 0 };
    struct buf out;

    (void)state;
    assert_int_equal(signer_new(SIGN_STANDARD | SIGN_TIMESTAMPED | SIGN_PLATFORM, &secret, 1,
                                STR("P"), &s, &err),
                     0);
    for (size_t max = 1; max < 500; max += 7) {
        int rc;

        buf_init(&out, max);
        assert_int_equal(buf_add_char(&out, 'x'), 0);
        rc = signer_headers(s, &known_input, &out);
        if (rc != 0) {
            assert_int_equal(rc, -E_TOO_LARGE);
            assert_string_equal(out.p, "x");
        }
        buf_done(&out);
    }
    signer_free(s);
}

static void secrets_are_checked(void **state)
{
    char longest[SECRET_MAX + 2];
    static const struct {
        const char *secret;
        int rc;
    } rows[] = {
        { SECRET, 0 },
        { OLD_SECRET, 0 },
        { PRIVATE_32, 0 },
        { PRIVATE_64, 0 },
        { "sixteen letters.", 0 },
        { "fifteen letters", -E_FIELD },
        { "", -E_FIELD },
        { PUBLIC_KEY, -E_FIELD },
        { "whsec_not base64 at all!!", -E_FIELD },
        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", -E_FIELD },
        { "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=", -E_FIELD }, /* 23 bytes */
        { "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", -E_FIELD },
        { "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/"
          "tPJZAc6DuFy89qmIyWvAhpo9wdRGw==",
          -E_FIELD }, /* the public half belongs to another key */
        { "sixteen letters\n", -E_FIELD },
        { "sixteen l\xc3\xa9tters", -E_FIELD },
    };
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(secret_check(str_from(rows[i].secret), &err), rows[i].rc);
    }
    memset(longest, 'k', sizeof(longest));
    assert_int_equal(secret_check((struct str){ longest, SECRET_MAX }, &err), 0);
    assert_int_equal(secret_check((struct str){ longest, SECRET_MAX + 1 }, &err), -E_FIELD);
}

static void made_secrets_are_valid_and_differ(void **state)
{
    char a[SECRET_TEXT_SIZE];
    char b[SECRET_TEXT_SIZE];
    struct err err = { 0 };

    (void)state;
    for (int i = 0; i < 50; i++) {
        secret_make(a);
        secret_make(b);
        assert_int_equal(strlen(a), SECRET_TEXT_SIZE - 1);
        assert_int_equal(secret_check(str_from(a), &err), 0);
        assert_string_not_equal(a, b);
    }
}

static void profile_names_go_both_ways(void **state)
{
    enum sign_profile p = SIGN_STANDARD;

    (void)state;
    assert_int_equal(sign_profile_parse(STR("platform"), &p), 0);
    assert_int_equal(p, SIGN_PLATFORM);
    assert_string_equal(sign_profile_name(SIGN_TIMESTAMPED), "timestamped");
    assert_int_equal(sign_profile_parse(STR("sha256"), &p), -E_INVALID);
    assert_int_equal(p, SIGN_PLATFORM);
}

/* RFC 4231, section 4: keys of 20 and 4 bytes, and one longer than a block. */
static void hmac_is_that_of_rfc_4231(void **state)
{
    static const unsigned char key_1[20] = { 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
                                             11, 11, 11, 11, 11, 11, 11, 11, 11, 11 };
    unsigned char key_6[131];
    const struct {
        struct str key;
        const char *text;
        const char *hex;
    } rows[] = {
        { { (const char *)key_1, 20 },
          "Hi There",
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
        { STR("Jefe"), "what do ya want for nothing?",
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
        { { (const char *)key_6, 131 },
          "Test Using Larger Than Block-Size Key - Hash Key First",
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    };

    (void)state;
    memset(key_6, 0xaa, sizeof(key_6));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hmac *h = NULL;
        struct str text = str_from(rows[i].text);
        struct str parts[3] = { str_sub(text, 0, 3), STR_NONE, str_sub(text, 3, text.len) };
        unsigned char sum[HMAC_SIZE];
        char hex[65];

        assert_int_equal(hmac_new(rows[i].key, &h), 0);
        for (int round = 0; round < 3; round++) {
            assert_int_equal(hmac_sum(h, parts, 3, sum), 0);
            for (size_t k = 0; k < HMAC_SIZE; k++) {
                (void)snprintf(hex + 2 * k, 3, "%02x", sum[k]);
            }
            assert_string_equal(hex, rows[i].hex);
        }
        hmac_free(h);
    }
}

static void standard_says_what_is_wrong(void **state)
{
    static const struct {
        const char *secret;
        const char *id;
        const char *timestamp;
        const char *signature;
        const char *body;
        int64_t now;
        enum verify_failure failure;
    } rows[] = {
        { SECRET, EVENT_ID, "1614265330", V1, BODY, UNIX_S, VERIFY_OK },
        { SECRET, EVENT_ID, "1614265330", "v2,abcd v1,AAAA " V1, BODY, UNIX_S, VERIFY_OK },
        { SECRET, EVENT_ID, "1614265330", V1, BODY, UNIX_S + 300, VERIFY_OK },
        { SECRET, EVENT_ID, "1614265330", V1, BODY, UNIX_S - 300, VERIFY_OK },
        { SECRET, EVENT_ID, "1614265330", V1, BODY, UNIX_S + 301, VERIFY_TOO_OLD },
        { SECRET, EVENT_ID, "1614265330", V1, BODY, UNIX_S - 301, VERIFY_TOO_NEW },
        { SECRET, NULL, "1614265330", V1, BODY, UNIX_S, VERIFY_NO_HEADER },
        { SECRET, EVENT_ID, NULL, V1, BODY, UNIX_S, VERIFY_NO_HEADER },
        { SECRET, EVENT_ID, "1614265330", NULL, BODY, UNIX_S, VERIFY_NO_HEADER },
        { SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330", "1614265330", V1, BODY, UNIX_S,
          VERIFY_BAD_HEADER },
        { SECRET, EVENT_ID, "yesterday", V1, BODY, UNIX_S, VERIFY_BAD_HEADER },
        { SECRET, EVENT_ID, "1614265330.5", V1, BODY, UNIX_S, VERIFY_BAD_HEADER },
        { SECRET, EVENT_ID, "1614265330", "v1=abc", BODY, UNIX_S, VERIFY_BAD_HEADER },
        { SECRET, EVENT_ID, "1614265330", "v1,", BODY, UNIX_S, VERIFY_BAD_HEADER },
        { SECRET, EVENT_ID, "1614265330", " ", BODY, UNIX_S, VERIFY_BAD_HEADER },
        { SECRET, EVENT_ID, "1614265330", "v2,abcd", BODY, UNIX_S, VERIFY_MISMATCH },
        { SECRET, EVENT_ID, "1614265330", "v1,AAAA", BODY, UNIX_S, VERIFY_MISMATCH },
        { SECRET, EVENT_ID, "1614265331", V1, BODY, UNIX_S, VERIFY_MISMATCH },
        { SECRET, "msg_x", "1614265330", V1, BODY, UNIX_S, VERIFY_MISMATCH },
        { SECRET, EVENT_ID, "1614265330", V1, "{\"test\":2432232314}", UNIX_S,
          VERIFY_MISMATCH },
        { OLD_SECRET, EVENT_ID, "1614265330", V1, BODY, UNIX_S, VERIFY_MISMATCH },
        { "whsec_?", EVENT_ID, "1614265330", V1, BODY, UNIX_S, VERIFY_BAD_SECRET },
        { "", EVENT_ID, "1614265330", V1, BODY, UNIX_S, VERIFY_BAD_SECRET },
        { "whpk_?", EVENT_ID, "1614265330", V1, BODY, UNIX_S, VERIFY_BAD_SECRET },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum verify_failure failure =
            verify_standard(str_from(rows[i].secret), str_from(rows[i].id),
                            str_from(rows[i].timestamp), str_from(rows[i].signature),
                            str_from(rows[i].body), rows[i].now, VERIFY_TOLERANCE_S);

        if (failure != rows[i].failure) {
            fail_msg("row %zu: %s", i, verify_sentence(failure));
        }
    }
}

static void timestamped_says_what_is_wrong(void **state)
{
    static const struct {
        const char *signature;
        const char *body;
        int64_t now;
        enum verify_failure failure;
    } rows[] = {
        { "t=1614265330,v1=" TIMESTAMPED_HEX, BODY, UNIX_S, VERIFY_OK },
        { "t=1614265330, v1=" TIMESTAMPED_HEX, BODY, UNIX_S, VERIFY_OK },
        { "v1=00,v0=zz,v1=" TIMESTAMPED_HEX ",t=1614265330", BODY, UNIX_S, VERIFY_OK },
        { NULL, BODY, UNIX_S, VERIFY_NO_HEADER },
        { "t=1614265330", BODY, UNIX_S, VERIFY_BAD_HEADER },
        { "v1=" TIMESTAMPED_HEX, BODY, UNIX_S, VERIFY_BAD_HEADER },
        { "t=1614265330,t=1614265330,v1=" TIMESTAMPED_HEX, BODY, UNIX_S, VERIFY_BAD_HEADER },
        { "t=1614265330,v1", BODY, UNIX_S, VERIFY_BAD_HEADER },
        { "t=,v1=" TIMESTAMPED_HEX, BODY, UNIX_S, VERIFY_BAD_HEADER },
        { "t=x,v1=" TIMESTAMPED_HEX, BODY, UNIX_S, VERIFY_BAD_HEADER },
        { "t=1614265330,v1=" TIMESTAMPED_HEX, BODY, UNIX_S + 301, VERIFY_TOO_OLD },
        { "t=1614265330,v1=" TIMESTAMPED_HEX, BODY, UNIX_S - 301, VERIFY_TOO_NEW },
        { "t=1614265331,v1=" TIMESTAMPED_HEX, BODY, UNIX_S, VERIFY_MISMATCH },
        { "t=1614265330,v1=" TIMESTAMPED_HEX "00", BODY, UNIX_S, VERIFY_MISMATCH },
        { "t=1614265330,v1=" TIMESTAMPED_HEX, BODY "\n", UNIX_S, VERIFY_MISMATCH },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum verify_failure failure =
            verify_timestamped(STR(SECRET), str_from(rows[i].signature), str_from(rows[i].body),
                               rows[i].now, VERIFY_TOLERANCE_S);

        if (failure != rows[i].failure) {
            fail_msg("row %zu: %s", i, verify_sentence(failure));
        }
    }
}

static void platform_says_what_is_wrong(void **state)
{
    static const struct {
        const char *signature;
        const char *body;
        enum verify_failure failure;
    } rows[] = {
        { "sha256=" PLATFORM_HEX, BODY, VERIFY_OK },
        { NULL, BODY, VERIFY_NO_HEADER },
        { PLATFORM_HEX, BODY, VERIFY_BAD_HEADER },
        { "sha1=" PLATFORM_HEX, BODY, VERIFY_BAD_HEADER },
        { "sha256=80ec", BODY, VERIFY_BAD_HEADER },
        { "sha256=" PLATFORM_HEX "4c", BODY, VERIFY_BAD_HEADER },
        { "sha256=" PLATFORM_HEX, BODY " ", VERIFY_MISMATCH },
        { "sha256=" TIMESTAMPED_HEX, BODY, VERIFY_MISMATCH },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(
            verify_platform(STR(SECRET), str_from(rows[i].signature), str_from(rows[i].body)),
            rows[i].failure);
    }
}

static void base64_is_strict(void **state)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } rows[] = {
        { "", "" },
        { "Zg==", "f" },
        { "Zm8=", "fo" },
        { "Zm9v", "foo" },
        { "Zm9vYg==", "foob" },
        { "Zg", NULL },
        { "Zg=", NULL },
        { "Zg===", NULL },
        { "Zh==", NULL },
        { "Zm9v\n", NULL },
        { "Zm9 ", NULL },
        { "Z-9v", NULL },
        { "====", NULL },
        { "\xbe\xbe\xbe\xbe", NULL },
    };
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_init(&out, 100);
        assert_int_equal(buf_add_c(&out, ">"), 0);
        if (rows[i].bytes == NULL) {
            assert_int_equal(base64_decode(str_from(rows[i].text), &out), -E_INVALID);
            assert_string_equal(out.p, ">");
        } else {
            assert_int_equal(base64_decode(str_from(rows[i].text), &out), 0);
            assert_string_equal(out.p + 1, rows[i].bytes);
            buf_clear(&out);
            assert_int_equal(base64_encode(str_from(rows[i].bytes), &out), 0);
            assert_string_equal(out.p, rows[i].text);
        }
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_write_their_headers),
        cmocka_unit_test(every_valid_secret_signs),
        cmocka_unit_test(ed25519_signs_as_others_do),
        cmocka_unit_test(private_keys_sign_standard_only),
        cmocka_unit_test(signers_refuse_what_is_wrong),
        cmocka_unit_test(control_characters_never_reach_a_header),
        cmocka_unit_test(headers_over_the_limit_change_nothing),
        cmocka_unit_test(secrets_are_checked),
        cmocka_unit_test(made_secrets_are_valid_and_differ),
        cmocka_unit_test(profile_names_go_both_ways),
        cmocka_unit_test(hmac_is_that_of_rfc_4231),
        cmocka_unit_test(standard_says_what_is_wrong),
        cmocka_unit_test(timestamped_says_what_is_wrong),
        cmocka_unit_test(platform_says_what_is_wrong),
        cmocka_unit_test(base64_is_strict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
