/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Received signature headers: lines of the input are secret, id, timestamp, signature, and the rest is the body.
 * Nothing that an outsider writes verifies with a secret that he does not have, and a right signature stays
 * right whatever stands beside it.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "fuzz.h"

enum { UNIX_S = 1614265330 };

static const struct str unknown_secret = { "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                                           50 };

static void check_unknown(struct str id, struct str timestamp, struct str signature,
                          struct str body)
{
    ASSERT(verify_standard(unknown_secret, id, timestamp, signature, body, UNIX_S, 300) !=
           VERIFY_OK);
    ASSERT(verify_timestamped(unknown_secret, signature, body, UNIX_S, 300) != VERIFY_OK);
    ASSERT(verify_platform(unknown_secret, signature, body) != VERIFY_OK);
}

/* The value of a header line in the block that signer_headers wrote. */
static struct str value_of(const struct buf *headers, const char *name)
{
    const char *at = strstr(headers->p, name);

    ASSERT(at != NULL);
    at += strlen(name) + 2;
    return (struct str){ at, (size_t)(strstr(at, "\r\n") - at) };
}

/* `other` is text of an outsider that stands behind our own entry. */
static void check_own(struct str other, struct str body)
{
    struct sign_input in = { .event_id = STR("evt_1"),
                             .delivery_id = STR("dlv_1"),
                             .event_type = STR("a.b"),
                             .unix_s = UNIX_S,
                             .attempt = 1,
                             .body = body };
    struct signer *signer = NULL;
    struct buf headers;
    struct buf list;

    buf_init(&headers, SIGN_HEADERS_MAX);
    buf_init(&list, 1 << 20);
    ASSERT(signer_new(SIGN_STANDARD | SIGN_TIMESTAMPED | SIGN_PLATFORM, &unknown_secret, 1,
                      STR("Fuzz"), &signer, NULL) == 0);
    ASSERT(signer_headers(signer, &in, &headers) == 0);
    ASSERT(buf_printf(&list, "%.*s %.*s", STR_ARG(value_of(&headers, "webhook-signature")),
                      STR_ARG(other)) == 0);
    ASSERT(verify_standard(unknown_secret, STR("evt_1"), STR("1614265330"), buf_str(&list),
                           body, UNIX_S, 300) == VERIFY_OK);
    ASSERT(verify_timestamped(unknown_secret, value_of(&headers, "\nFuzz-Signature"), body,
                              UNIX_S, 300) == VERIFY_OK);
    ASSERT(verify_platform(unknown_secret, value_of(&headers, "X-Fuzz-Signature"), body) ==
           VERIFY_OK);
    signer_free(signer);
    buf_done(&headers);
    buf_done(&list);
}

static void check_base64(struct str text)
{
    struct buf bytes;
    struct buf again;

    buf_init(&bytes, 1 << 20);
    buf_init(&again, 1 << 20);
    if (base64_decode(text, &bytes) == 0) {
        ASSERT(base64_encode(buf_str(&bytes), &again) == 0);
        ASSERT(str_eq(buf_str(&again), text));
    }
    buf_done(&bytes);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = { (const char *)data, size };
    struct str lines[4] = { STR_NONE, STR_NONE, STR_NONE, STR_NONE };
    struct err err = { 0 };

    if (size > 65536) {
        return 0;
    }
    for (size_t i = 0; i < 4; i++) {
        (void)str_split(&body, '\n', &lines[i]);
    }
    check_unknown(lines[1], lines[2], lines[3], body);
    /* With the outsider's own secret all may happen, but nothing may break. */
    (void)verify_standard(lines[0], lines[1], lines[2], lines[3], body, UNIX_S, 300);
    (void)verify_timestamped(lines[0], lines[3], body, UNIX_S, 300);
    (void)verify_platform(lines[0], lines[3], body);
    if (secret_check(lines[0], &err) != 0) {
        ASSERT(err.code == -E_FIELD);
    }
    if (str_find(lines[3], '\0') == lines[3].len) {
        check_own(lines[3], body);
    }
    check_base64(lines[3]);
    return 0;
}
