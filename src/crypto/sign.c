/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.c - the profiles are rows of one table: a bit, a name, and the function that writes its headers. A
 * signer holds for each secret the keyed contexts that its profiles use; signing allocates only for Ed25519,
 * whose message must lie in one piece.
 */
#include "crypto/sign.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "crypto/hmac.h"

enum { PREFIX_MAX = 64, UNIX_TEXT_SIZE = 24, ED25519_MESSAGE_MAX = 64 << 20 };

struct signer_key {
    struct hmac *decoded; /* for standard; NULL with an Ed25519 key */
    struct hmac *text;    /* for timestamped and platform: keyed with the whole secret text */
    bool is_private;
    unsigned char pair[crypto_sign_SECRETKEYBYTES];
};

struct signer {
    unsigned profiles;
    char prefix[PREFIX_MAX + 1];
    uint32_t count;
    uint32_t platform; /* which key the platform profile uses, if it can */
    struct signer_key keys[SIGN_SECRETS_MAX]; /* newest first */
};

static int write_standard(struct signer *s, const struct sign_input *in, struct buf *out);
static int write_timestamped(struct signer *s, const struct sign_input *in, struct buf *out);
static int write_platform(struct signer *s, const struct sign_input *in, struct buf *out);

static const struct profile {
    enum sign_profile bit;
    const char *name;
    bool is_shared; /* needs a secret that the receiver has too */
    int (*write)(struct signer *s, const struct sign_input *in, struct buf *out);
} profile_table[] = {
    { SIGN_STANDARD, "standard", false, write_standard },
    { SIGN_TIMESTAMPED, "timestamped", true, write_timestamped },
    { SIGN_PLATFORM, "platform", true, write_platform },
};

enum { PROFILE_COUNT = sizeof(profile_table) / sizeof(profile_table[0]) };

const char *sign_profile_name(enum sign_profile p)
{
    for (size_t i = 0; i < PROFILE_COUNT; i++) {
        if (profile_table[i].bit == p) {
            return profile_table[i].name;
        }
    }
    ASSERT(!"one bit of enum sign_profile");
    return "";
}

int sign_profile_parse(struct str name, enum sign_profile *ret_profile)
{
    for (size_t i = 0; i < PROFILE_COUNT; i++) {
        if (str_eq_c(name, profile_table[i].name)) {
            *ret_profile = profile_table[i].bit;
            return 0;
        }
    }
    return -E_INVALID;
}

/* Letters, digits and inner hyphens: it stands at the front of header names. */
static bool prefix_ok(struct str prefix)
{
    if (prefix.len == 0 || prefix.len > PREFIX_MAX || prefix.p[0] == '-' ||
        prefix.p[prefix.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < prefix.len; i++) {
        char c = prefix.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-')) {
            return false;
        }
    }
    return true;
}

static int key_init(struct signer_key *key, unsigned profiles, struct str secret)
{
    struct buf bytes;
    int rc;

    buf_init(&bytes, SECRET_MAX);
    rc = secret_decode(secret, &bytes);
    if (rc != 0) {
        goto out;
    }
    if (secret_is_private(secret)) {
        unsigned char public_key[crypto_sign_PUBLICKEYBYTES];

        ASSERT(bytes.len == crypto_sign_SEEDBYTES);
        key->is_private = true;
        (void)crypto_sign_seed_keypair(public_key, key->pair, (const unsigned char *)bytes.p);
        goto out;
    }
    if ((profiles & SIGN_STANDARD) != 0) {
        rc = hmac_new(buf_str(&bytes), &key->decoded);
    }
    if (rc == 0 && (profiles & (SIGN_TIMESTAMPED | SIGN_PLATFORM)) != 0) {
        rc = hmac_new(secret, &key->text);
    }
out:
    if (bytes.cap > 0) {
        sodium_memzero(bytes.p, bytes.cap);
    }
    buf_done(&bytes);
    return rc;
}

static int profiles_check(unsigned profiles, const struct str *secrets, uint32_t secret_count,
                          struct err *err)
{
    bool has_shared = false;
    unsigned known = 0;

    for (uint32_t i = 0; i < secret_count; i++) {
        int rc = secret_check(secrets[i], err);

        if (rc != 0) {
            return rc;
        }
        has_shared = has_shared || !secret_is_private(secrets[i]);
    }
    for (size_t i = 0; i < PROFILE_COUNT; i++) {
        known |= (unsigned)profile_table[i].bit;
        if ((profiles & (unsigned)profile_table[i].bit) != 0 && profile_table[i].is_shared &&
            !has_shared) {
            return err_set(err, -E_FIELD,
                           "The signature profile %s needs a shared secret (whsec_); with a "
                           "whsk_ secret use standard alone.",
                           profile_table[i].name);
        }
    }
    if (profiles == 0 || (profiles & ~known) != 0) {
        return err_set(err, -E_FIELD, "Signature profiles: standard, timestamped, platform.");
    }
    return 0;
}

int signer_new(unsigned profiles, const struct str *secrets, uint32_t secret_count,
               struct str prefix, struct signer **ret_signer, struct err *err)
{
    struct signer *s;
    int rc;

    if (secret_count == 0 || secret_count > SIGN_SECRETS_MAX) {
        return err_set(err, -E_FIELD, "An endpoint has 1 to %d secrets.", SIGN_SECRETS_MAX);
    }
    if (!prefix_ok(prefix)) {
        return err_set(err, -E_FIELD,
                       "The header prefix has 1 to %d letters, digits and inner hyphens.",
                       PREFIX_MAX);
    }
    rc = profiles_check(profiles, secrets, secret_count, err);
    if (rc != 0) {
        return rc;
    }
    s = xalloc(sizeof(*s));
    s->profiles = profiles;
    memcpy(s->prefix, prefix.p, prefix.len);
    for (uint32_t i = 0; i < secret_count; i++) {
        rc = key_init(&s->keys[i], profiles, secrets[i]);
        s->count = i + 1;
        if (rc != 0) {
            signer_free(s);
            return err_set(err, rc, "A secret could not be loaded.");
        }
    }
    *ret_signer = s;
    return 0;
}

void signer_free(struct signer *s)
{
    if (s == NULL) {
        return;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        hmac_free(s->keys[i].decoded);
        hmac_free(s->keys[i].text);
    }
    sodium_memzero(s, sizeof(*s));
    free(s);
}

void signer_platform_with(struct signer *s, uint32_t at)
{
    ASSERT(at < s->count);
    if (s->keys[at].text != NULL) {
        s->platform = at;
    }
}

/* A value with a control character would end the header line and begin another. */
static bool value_ok(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if (c < ' ' || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static int add_header(struct buf *out, const char *before, const char *prefix,
                      const char *behind, struct str value)
{
    if (!value_ok(value)) {
        return -E_INVALID;
    }
    return buf_printf(out, "%s%s%s: %.*s\r\n", before, prefix, behind, STR_ARG(value));
}

static int add_hex(struct buf *out, const char *before, const unsigned char *sum)
{
    char hex[HMAC_SIZE * 2 + 1];

    (void)sodium_bin2hex(hex, sizeof(hex), sum, HMAC_SIZE);
    return buf_printf(out, "%s%s", before, hex);
}

/* `v1,<base64>` or `v1a,<base64>` of one key. */
static int add_standard(struct signer_key *key, const struct str parts[5], struct buf *out)
{
    unsigned char sum[crypto_sign_BYTES];
    size_t len = HMAC_SIZE;
    int rc;

    if (key->is_private) {
        struct buf message;

        len = crypto_sign_BYTES;
        rc = 0;
        buf_init(&message, ED25519_MESSAGE_MAX);
        for (size_t i = 0; i < 5 && rc == 0; i++) {
            rc = buf_add_str(&message, parts[i]);
        }
        if (rc == 0) {
            (void)crypto_sign_detached(sum, NULL, (const unsigned char *)message.p, message.len,
                                       key->pair);
        }
        buf_done(&message);
    } else {
        rc = hmac_sum(key->decoded, parts, 5, sum);
    }
    if (rc == 0) {
        rc = buf_add_c(out, key->is_private ? "v1a," : "v1,");
    }
    if (rc == 0) {
        rc = base64_encode((struct str){ (const char *)sum, len }, out);
    }
    return rc;
}

static int write_standard(struct signer *s, const struct sign_input *in, struct buf *out)
{
    char unix_text[UNIX_TEXT_SIZE];
    struct str parts[5] = { in->event_id, STR("."), { unix_text, 0 }, STR("."), in->body };
    int rc;

    (void)snprintf(unix_text, sizeof(unix_text), "%lld", (long long)in->unix_s);
    parts[2].len = strlen(unix_text);
    rc = add_header(out, "webhook-id", "", "", in->event_id);
    if (rc == 0) {
        rc = buf_printf(out, "webhook-timestamp: %s\r\nwebhook-signature:", unix_text);
    }
    for (uint32_t i = 0; i < s->count && rc == 0; i++) {
        rc = buf_add_char(out, ' ');
        if (rc == 0) {
            rc = add_standard(&s->keys[i], parts, out);
        }
    }
    return rc != 0 ? rc : buf_add_c(out, "\r\n");
}

static int write_timestamped(struct signer *s, const struct sign_input *in, struct buf *out)
{
    unsigned char sum[HMAC_SIZE];
    char unix_text[UNIX_TEXT_SIZE];
    struct str parts[3] = { { unix_text, 0 }, STR("."), in->body };
    int rc;

    (void)snprintf(unix_text, sizeof(unix_text), "%lld", (long long)in->unix_s);
    parts[0].len = strlen(unix_text);
    rc = buf_printf(out, "%s-Signature: t=%s", s->prefix, unix_text);
    for (uint32_t i = 0; i < s->count && rc == 0; i++) {
        if (s->keys[i].text == NULL) {
            continue;
        }
        rc = hmac_sum(s->keys[i].text, parts, 3, sum);
        if (rc == 0) {
            rc = add_hex(out, ",v1=", sum);
        }
    }
    if (rc == 0) {
        rc = buf_add_c(out, "\r\n");
    }
    return rc != 0 ? rc : add_header(out, "", s->prefix, "-Webhook-Id", in->delivery_id);
}

/* The platform headers print an id with the older prefix before the same 22 characters. */
static int add_platform_id(struct signer *s, struct str delivery_id, struct buf *out)
{
    struct str digits = str_starts(delivery_id, STR("dlv_"))
                            ? str_sub(delivery_id, 4, delivery_id.len)
                            : delivery_id;

    if (!value_ok(digits)) {
        return -E_INVALID;
    }
    return buf_printf(out, "X-%s-Delivery-ID: del_%.*s\r\n", s->prefix, STR_ARG(digits));
}

static int write_platform(struct signer *s, const struct sign_input *in, struct buf *out)
{
    unsigned char sum[HMAC_SIZE];
    uint32_t at = s->platform;
    int rc;

    while (s->keys[at].text == NULL) {
        at++;
        ASSERT(at < s->count);
    }
    rc = hmac_sum(s->keys[at].text, &in->body, 1, sum);
    if (rc == 0) {
        rc = buf_printf(out, "X-%s-Signature: sha256=", s->prefix);
    }
    if (rc == 0) {
        rc = add_hex(out, "", sum);
    }
    if (rc == 0) {
        rc = buf_add_c(out, "\r\n");
    }
    if (rc == 0) {
        rc = add_header(out, "X-", s->prefix, "-Event", in->event_type);
    }
    return rc != 0 ? rc : add_platform_id(s, in->delivery_id, out);
}

int signer_headers(struct signer *s, const struct sign_input *in, struct buf *out)
{
    size_t before = out->len;
    int rc = 0;

    for (size_t i = 0; i < PROFILE_COUNT && rc == 0; i++) {
        if ((s->profiles & (unsigned)profile_table[i].bit) != 0) {
            rc = profile_table[i].write(s, in, out);
        }
    }
    if (rc == 0) {
        rc = add_header(out, "", s->prefix, "-Event-Type", in->event_type);
    }
    if (rc == 0) {
        rc = add_header(out, "", s->prefix, "-Delivery-Id", in->delivery_id);
    }
    if (rc == 0) {
        rc = buf_printf(out, "%s-Attempt: %u\r\n", s->prefix, in->attempt);
    }
    if (rc != 0 && out->len > before) {
        out->len = before;
        out->p[before] = '\0';
    }
    return rc;
}
