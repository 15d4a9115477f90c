/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.h - signature profiles as rows of one table, and the endpoint secrets that they use.
 *
 *  standard     webhook-id (event id), webhook-timestamp, webhook-signature `v1,<base64>` one per valid secret,
 *               also `v1a,` with an Ed25519 secret (whsk_). Key: the decoded bytes behind whsec_.
 *  timestamped  <Prefix>-Signature: t=<unix>,v1=<hex>[,v1=<hex>] one v1 per valid secret, <Prefix>-Webhook-Id =
 *               delivery id. HMAC-SHA256 of `t.body` with the whole secret text as key.
 *  platform     exactly X-<Prefix>-Signature: sha256=<hex of body>, X-<Prefix>-Event, X-<Prefix>-Delivery-ID
 *               (del_...); one secret only: the newest, or the one of signer_platform_with. Key: the whole secret text.
 * Always, with any profile: <Prefix>-Event-Type, <Prefix>-Delivery-Id, <Prefix>-Attempt.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum sign_profile {
    SIGN_STANDARD = 1,
    SIGN_TIMESTAMPED = 2,
    SIGN_PLATFORM = 4
}; /* a set of bits */

enum {
    SIGN_SECRETS_MAX = 4,
    SECRET_MIN = 16,
    SECRET_MAX = 256,
    SECRET_TEXT_SIZE = 6 + 44 + 1, /* whsec_ + base64 of 32 bytes */
    SIGN_HEADERS_MAX = 4096
};

const char *sign_profile_name(enum sign_profile p);
NODISCARD int sign_profile_parse(struct str name, enum sign_profile *ret_profile);

void secret_make(char ret_text[SECRET_TEXT_SIZE]);
/* whsec_ + base64 of 24..64 bytes, whsk_ + base64 of a 32- or 64-byte Ed25519 key, or any 16..256 printable
 * ASCII characters. -E_FIELD with the sentence. */
NODISCARD int secret_check(struct str secret, struct err *err);
/* Appends whpk_... of a whsk_ secret. -E_FIELD for any other. */
NODISCARD int secret_public(struct str secret, struct buf *ret_text);
/* Appends the key bytes for `standard`: decoded behind whsec_, the Ed25519 seed behind whsk_, the public key
 * behind whpk_, else the text itself. -E_FIELD when it does not decode. */
NODISCARD int secret_decode(struct str secret, struct buf *ret_key);
bool secret_is_private(struct str secret); /* whsk_ */
bool secret_is_public(struct str secret);  /* whpk_ */

/* Keyed contexts of the secrets of one endpoint (EVP_MAC, re-used): make once, sign often. Not thread-safe.
 * -E_FIELD: a secret, the prefix or the profiles are not allowed; also when timestamped or platform is asked
 * for and every secret is a whsk_ (the receiver does not have it, so it cannot key an HMAC). */
struct signer;
NODISCARD int signer_new(unsigned profiles, const struct str *secrets,
                         uint32_t secret_count, /* newest first */
                         struct str prefix, struct signer **ret_signer, struct err *err);
void signer_free(struct signer *s);
/* The profile `platform` carries one signature: let it be of secrets[at] instead of the newest that it can use.
 * Without effect when that one is a whsk_. */
void signer_platform_with(struct signer *s, uint32_t at);

struct sign_input {
    struct str event_id;    /* evt_... */
    struct str delivery_id; /* dlv_... */
    struct str event_type;
    int64_t unix_s; /* of this attempt */
    uint32_t attempt;
    struct str body;
};
/* Append the header lines "Name: value\r\n". */
NODISCARD int signer_headers(struct signer *s, const struct sign_input *in, struct buf *out);

/* --- verifying, for `postern verify`, the test inbox and tests */
enum verify_failure {
    VERIFY_OK,
    VERIFY_NO_HEADER,
    VERIFY_BAD_HEADER,
    VERIFY_TOO_OLD,
    VERIFY_TOO_NEW,
    VERIFY_MISMATCH,
    VERIFY_BAD_SECRET
};
const char *verify_sentence(enum verify_failure f);
/* Each value may be STR_NONE. tolerance_s: VERIFY_TOLERANCE_S by default; unknown versions are ignored;
 * constant-time. For v1a the secret is the whpk_ (or the whsk_ itself). */
enum { VERIFY_TOLERANCE_S = 300 };
enum verify_failure verify_standard(struct str secret, struct str id, struct str timestamp,
                                    struct str signature, struct str body, int64_t unix_now,
                                    int64_t tolerance_s);
enum verify_failure verify_timestamped(struct str secret, struct str signature, struct str body,
                                       int64_t unix_now, int64_t tolerance_s);
enum verify_failure verify_platform(struct str secret, struct str signature, struct str body);

/* Base64 with the standard alphabet and padding, appended. Decoding refuses everything else: -E_INVALID. */
NODISCARD int base64_encode(struct str bytes, struct buf *out);
NODISCARD int base64_decode(struct str text, struct buf *out);

#endif
