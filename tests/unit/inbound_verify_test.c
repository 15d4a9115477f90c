/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every preset is read; published vectors of providers verify; and each fault has its own reason: one bit of
 * the body, another key, no header, a bad encoding, too old, too new.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "crypto/sign.h"
#include "inbound/preset.h"
#include "inbound/scheme_template.h"
#include "inbound/verify.h"

struct header {
    const char *name;
    const char *value;
};

/* A request as a vector gives it, and what must come of it. */
struct vector {
    const char *preset;
    const char *secret;
    const char *method, *url, *query;
    const char *body;
    struct header headers[5];
    int64_t unix_s; /* the clock; 0: the scheme has no window */
};

static const struct vector vectors[] = {
    { "standard",
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      "POST",
      "",
      "",
      "{\"test\": 2432232314}",
      { { "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek" },
        { "webhook-timestamp", "1614265330" },
        { "webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" } },
      1614265330 },
    { "svix",
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      "POST",
      "",
      "",
      "{\"test\": 2432232314}",
      { { "svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek" },
        { "svix-timestamp", "1614265330" },
        { "svix-signature",
          "v2,x v1,bm9ldHU= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" } },
      1614265330 + 299 },
    { "github",
      "It's a Secret to Everybody",
      "POST",
      "",
      "",
      "Hello, World!",
      { { "X-Hub-Signature-256", "sha256="
                                 "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b04"
                                 "3e17" } },
      0 },
    { "meta",
      "mysecret",
      "POST",
      "",
      "",
      "{\"foo\":\"bar\"}",
      { { "X-Hub-Signature-256", "sha256="
                                 "4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f348423"
                                 "6bda3" } },
      0 },
    { "twilio",
      "12345",
      "POST",
      "https://mycompany.com/myapp.php?foo=1&bar=2",
      "foo=1&bar=2",
      "To=%2B18005551212&From=%2B14158675309&Digits=1234&Caller=%2B14158675309&CallSid="
      "CA1234567890ABCDE",
      { { "X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=" } },
      0 },
    { "square",
      "signature-key",
      "POST",
      "https://webhook.site/webhooks",
      "",
      "{\"data\":{\"type\":\"webhooks\",\"id\":\"fake_id\"}}",
      { { "x-square-hmacsha256-signature", "W3FlCNk5IA3ZQ2LHTWoajvzfaDu/OwY2tNHIHC3IUOA=" } },
      0 },
    { "paddle",
      "VALID_SECRET",
      "POST",
      "",
      "",
      "{\"data\": [\"1\", \"2\"]}",
      { { "Paddle-Signature", "ts=1698796800;h1="
                              "a300428748dce5c70e4da19bffd60769591ea969c99dea3105d0ec9612cf43"
                              "f9" } },
      1698796801 },
    { "line",
      "channel_secret",
      "POST",
      "",
      "",
      "bodybodybodybody",
      { { "x-line-signature", "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k=" } },
      0 },
    { "gitlab",
      "a-token-of-gitlab",
      "POST",
      "",
      "",
      "{}",
      { { "X-Gitlab-Token", "a-token-of-gitlab" } },
      0 },
    { "postmark",
      "user:pass:word",
      "POST",
      "",
      "",
      "{}",
      { { "Authorization", "Basic dXNlcjpwYXNzOndvcmQ=" } },
      0 },
    { "cloudevents",
      "a-bearer-token",
      "POST",
      "",
      "",
      "{}",
      { { "Authorization", "Bearer a-bearer-token" } },
      0 },
};

struct fixture {
    struct arena arena;
    struct json_doc *doc;
    const struct vector *vector;
    struct inbound_request request;
    const struct scheme *scheme;
};

static struct str header_of(void *ctx, struct str name)
{
    const struct vector *v = ctx;

    for (size_t i = 0; i < 5 && v->headers[i].name != NULL; i++) {
        if (str_eq_nocase(str_from(v->headers[i].name), name)) {
            return str_from(v->headers[i].value);
        }
    }
    return STR_NONE;
}

static const struct scheme *scheme_of(const char *preset, struct arena *arena)
{
    const struct preset *p = preset_find(str_from(preset));
    const struct scheme *scheme = NULL;
    struct form_faults faults;

    assert_non_null(p);
    form_faults_init(&faults, arena);
    if (scheme_read(p->scheme, STR("/scheme"), arena, &faults, &scheme) != 0) {
        fail_msg("%s %.*s: %.*s", preset, STR_ARG(faults.rows[0].pointer),
                 STR_ARG(faults.rows[0].detail));
    }
    return scheme;
}

static void begin(struct fixture *f, const struct vector *vector)
{
    *f = (struct fixture){ .vector = vector };
    arena_init(&f->arena);
    f->scheme = scheme_of(vector->preset, &f->arena);
    (void)!json_parse(str_from(vector->body), JSON_DEPTH_MAX, &f->doc, NULL);
    f->request = (struct inbound_request){
        .method = str_from(vector->method),
        .url = str_from(vector->url),
        .query = str_from(vector->query),
        .body = str_from(vector->body),
        .json = f->doc == NULL ? NULL : json_root(f->doc),
        .arena = &f->arena,
        .header = header_of,
        .ctx = (void *)(uintptr_t)vector,
    };
}

static void end(struct fixture *f)
{
    json_doc_free(f->doc);
    arena_done(&f->arena);
}

static enum inbound_verdict verify_with(struct fixture *f, const char *secret, int64_t unix_s)
{
    struct inbound_key keys[] = { { str_from("another-key-that-does-not-fit") },
                                  { str_from(secret) } };
    size_t at = 99;
    enum inbound_verdict verdict =
        inbound_verify(f->scheme, &f->request, keys, 2, unix_s * 1000, &at);

    assert_int_equal(at, verdict == INBOUND_VALID ? 1 : 99);
    return verdict;
}

static void test_presets(void **state)
{
    const struct preset *p;
    struct arena arena;
    size_t count = 0;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; (p = preset_at(i)) != NULL; i++) {
        assert_non_null(scheme_of(arena_c(&arena, p->name), &arena));
        assert_true(p->title.len > 0 && p->docs.len > 0);
        assert_ptr_equal(preset_find(p->name), p);
        count++;
    }
    assert_true(count >= 40);
    assert_null(preset_find(STR("nobody")));
    arena_done(&arena);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        struct fixture f;

        begin(&f, v);
        if (verify_with(&f, v->secret, v->unix_s) != INBOUND_VALID) {
            fail_msg("%s does not verify", v->preset);
        }
        assert_int_equal(verify_with(&f, "YS1rZXktb2Ytc29tZWJvZHktZWxzZS0x", v->unix_s),
                         INBOUND_MISMATCH);
        end(&f);
    }
}

/* One bit of the body, for those that sign it. */
static void test_body_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        struct fixture f;
        char *body;

        begin(&f, v);
        if (f.scheme->kind == SCHEME_HMAC) {
            body = arena_c(&f.arena, f.request.body);
            body[3] ^= 1;
            f.request.body.p = body;
            assert_int_equal(verify_with(&f, v->secret, v->unix_s), INBOUND_MISMATCH);
        }
        end(&f);
    }
}

static void test_window(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        struct fixture f;

        begin(&f, v);
        if (f.scheme->time.source != FROM_NONE) {
            assert_int_equal(verify_with(&f, v->secret, v->unix_s + 700), INBOUND_TOO_OLD);
            assert_int_equal(verify_with(&f, v->secret, v->unix_s - 700), INBOUND_TOO_NEW);
            /* Somebody without the key learns nothing about the clock. */
            assert_int_equal(verify_with(&f, "not-the-key-of-this", v->unix_s + 700),
                             INBOUND_MISMATCH);
        }
        end(&f);
    }
}

static void test_headers(void **state)
{
    static const struct {
        struct header header;
        const char *preset;
        enum inbound_verdict verdict;
    } rows[] = {
        { { NULL, NULL }, "github", INBOUND_NO_SIGNATURE },
        { { "X-Hub-Signature-256", "" }, "github", INBOUND_NO_SIGNATURE },
        { { "X-Hub-Signature-256", "sha1=00" }, "github", INBOUND_BAD_SIGNATURE },
        { { "X-Hub-Signature-256", "sha256=" }, "github", INBOUND_BAD_SIGNATURE },
        { { "X-Hub-Signature-256", "sha256=0" }, "github", INBOUND_BAD_SIGNATURE },
        { { "X-Hub-Signature-256", "sha256=zz" }, "github", INBOUND_BAD_SIGNATURE },
        { { "X-Hub-Signature-256", "sha256=00" }, "github", INBOUND_MISMATCH },
        { { "Stripe-Signature", "t=1" }, "stripe", INBOUND_NO_SIGNATURE },
        { { "Stripe-Signature", "t=1,v0=00" }, "stripe", INBOUND_NO_SIGNATURE },
        { { "Stripe-Signature", "t=1,v1=!" }, "stripe", INBOUND_BAD_SIGNATURE },
        { { "Stripe-Signature", "v1=00,t=1" }, "stripe", INBOUND_MISMATCH },
        { { "x-line-signature", "====" }, "line", INBOUND_BAD_SIGNATURE },
        { { "x-line-signature", "AA" }, "line", INBOUND_MISMATCH },
        { { "Authorization", "Bearer x" }, "postmark", INBOUND_BAD_SIGNATURE },
        { { "Authorization", "Basic" }, "postmark", INBOUND_BAD_SIGNATURE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vector v = { .preset = rows[i].preset, .method = "POST", .body = "{}" };
        struct fixture f;

        v.headers[0] = rows[i].header;
        begin(&f, &v);
        f.vector = &v;
        if (verify_with(&f, "a-secret-that-is-long", 1) != rows[i].verdict) {
            fail_msg("row %zu", i);
        }
        end(&f);
    }
}

/* The row in the table is of no use without a key that the provider's own tools made. */
static void test_ed25519(void **state)
{
    unsigned char public[crypto_sign_PUBLICKEYBYTES];
    unsigned char private[crypto_sign_SECRETKEYBYTES];
    unsigned char signature[crypto_sign_BYTES];
    char key[2 * sizeof(public) + 1];
    char text[2 * sizeof(signature) + 1];
    static const char message[] = "1700000000{\"type\":1}";
    struct vector v = { .preset = "discord", .method = "POST", .body = "{\"type\":1}" };
    const struct scheme_handshake *h;
    struct fixture f;

    (void)state;
    assert_int_equal(crypto_sign_keypair(public, private), 0);
    assert_int_equal(crypto_sign_detached(signature, NULL, (const unsigned char *)message,
                                          sizeof(message) - 1, private),
                     0);
    v.headers[0] =
        (struct header){ "X-Signature-Ed25519",
                         sodium_bin2hex(text, sizeof(text), signature, sizeof(signature)) };
    v.headers[1] = (struct header){ "X-Signature-Timestamp", "1700000000" };
    begin(&f, &v);
    (void)sodium_bin2hex(key, sizeof(key), public, sizeof(public));
    assert_int_equal(verify_with(&f, key, 1700000000), INBOUND_VALID);
    key[0] = key[0] == '0' ? '1' : '0';
    assert_int_equal(verify_with(&f, key, 1700000000), INBOUND_MISMATCH);
    h = inbound_handshake(f.scheme, &f.request, false);
    assert_non_null(h);
    assert_int_equal(h->answer.status, 200);
    assert_null(inbound_handshake(f.scheme, &f.request, true));
    end(&f);
}

static void expect_answer(const struct vector *v, bool before_auth, const char *type,
                          const char *body)
{
    const struct scheme_handshake *h;
    struct fixture f;
    struct buf out;

    begin(&f, v);
    h = inbound_handshake(f.scheme, &f.request, before_auth);
    if (h == NULL) {
        fail_msg("%s has no handshake here", v->preset);
        return;
    }
    assert_null(inbound_handshake(f.scheme, &f.request, !before_auth));
    buf_init(&out, 4096);
    assert_int_equal(
        inbound_fill(&f.request, f.scheme, &h->answer.body, str_from(v->secret), &out), 0);
    assert_string_equal(out.p, body);
    assert_true(str_eq_c(h->answer.content_type, type));
    buf_done(&out);
    end(&f);
}

static void test_handshakes(void **state)
{
    (void)state;
    expect_answer(
        &(struct vector){ .preset = "x",
                          .secret = "Convoy",
                          .method = "GET",
                          .query = "crc_token=uzwcfYtzr9",
                          .body = "" },
        true, "application/json",
        "{\"response_token\":\"sha256=HXvxTdsfShG6k2zC9NVANwFquJBdOugRYHax2vNiiOo=\"}");
    expect_answer(
        &(struct vector){ .preset = "slack",
                          .secret = "k",
                          .method = "POST",
                          .body = "{\"type\":\"url_verification\",\"challenge\":\"c1\"}" },
        false, "text/plain", "c1");
    expect_answer(&(struct vector){ .preset = "dropbox",
                                    .secret = "k",
                                    .method = "GET",
                                    .query = "challenge=a%20b+c",
                                    .body = "" },
                  true, "text/plain", "a b c");
    expect_answer(&(struct vector){ .preset = "zoom",
                                    .secret = "k",
                                    .method = "POST",
                                    .body =
                                        "{\"event\":\"endpoint.url_validation\",\"payload\":{"
                                        "\"plainToken\":\"q\"}}" },
                  false, "application/json",
                  "{\"plainToken\":\"q\",\"encryptedToken\":"
                  "\"34310acc539febf218da61a5b5673ed69e5d264e3573798a867905ff0ea86f8d\"}");
}

static void test_ids(void **state)
{
    struct vector v = { .preset = "github", .method = "POST", .body = "{\"id\":7}" };
    struct fixture f;

    (void)state;
    v.headers[0] = (struct header){ "X-GitHub-Delivery", "d-1" };
    v.headers[1] = (struct header){ "X-GitHub-Event", "push" };
    begin(&f, &v);
    assert_true(str_eq_c(inbound_id(f.scheme, &f.request), "d-1"));
    assert_true(str_eq_c(inbound_type(f.scheme, &f.request), "push"));
    end(&f);
    v = (struct vector){ .preset = "telegram", .method = "POST", .body = "{\"update_id\":7}" };
    begin(&f, &v);
    assert_true(str_eq_c(inbound_id(f.scheme, &f.request), "7"));
    end(&f);
    v.body = "{}";
    begin(&f, &v);
    assert_null(inbound_id(f.scheme, &f.request).p);
    end(&f);
}

/* What people write wrong is said with its place. */
static void test_faults(void **state)
{
    static const struct {
        const char *text;
        const char *pointer;
    } rows[] = {
        { "{\"kind\":\"magic\",\"signature\":{\"from\":\"header:X\"}}", "/s/kind" },
        { "{\"kind\":\"hmac\"}", "/s/signature" },
        { "{\"signature\":{\"from\":\"X\"}}", "/s/signature/from" },
        { "{\"signature\":{\"from\":\"json:x\"}}", "/s/signature/from" },
        { "{\"signature\":{\"from\":\"header:X\",\"parse\":\"kv\"}}", "/s/signature/keys" },
        { "{\"signature\":{\"from\":\"header:X\",\"parse\":\"prefix\"}}",
          "/s/signature/prefix" },
        { "{\"signature\":{\"from\":\"header:X\"},\"content\":\"{body\"}", "/s/content" },
        { "{\"signature\":{\"from\":\"header:X\"},\"content\":\"{nothing}\"}", "/s/content" },
        { "{\"signature\":{\"from\":\"header:X\"},\"timestamp\":{\"from\":\"header:T\","
          "\"past_s\":0}}",
          "/s/timestamp/past_s" },
        { "{\"signature\":{\"from\":\"header:X\"},\"id\":[\"id\"]}", "/s/id" },
        { "{\"signature\":{\"from\":\"header:X\"},\"more\":1}", "/s/more" },
        { "{\"signature\":{\"from\":\"header:X\"},\"handshakes\":[{\"when\":{}}]}",
          "/s/handshakes/when" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct scheme *scheme = NULL;
        struct form_faults faults;
        struct json_doc *doc = NULL;
        struct arena arena;

        arena_init(&arena);
        form_faults_init(&faults, &arena);
        assert_int_equal(json_parse(str_from(rows[i].text), 64, &doc, NULL), 0);
        assert_int_equal(scheme_read(json_root(doc), STR("/s"), &arena, &faults, &scheme),
                         -E_FIELD);
        assert_null(scheme);
        if (!str_eq_c(faults.rows[0].pointer, rows[i].pointer)) {
            fail_msg("%s: %.*s", rows[i].text, STR_ARG(faults.rows[0].pointer));
        }
        json_doc_free(doc);
        arena_done(&arena);
    }
}

static int setup(void **state)
{
    (void)state;
    if (sodium_init() < 0) {
        return -1;
    }
    presets_open();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    presets_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets),      cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_body_changed), cmocka_unit_test(test_window),
        cmocka_unit_test(test_headers),      cmocka_unit_test(test_ed25519),
        cmocka_unit_test(test_handshakes),   cmocka_unit_test(test_ids),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
