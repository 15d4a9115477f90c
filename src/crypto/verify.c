/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - the receiving side of sign.c: says which check failed, and compares in constant time. */
#include <sodium.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/hmac.h"
#include "crypto/keyring.h"
#include "crypto/sign.h"

enum { SIGNATURES_MAX = 32, MESSAGE_MAX = 64 << 20, SIGNATURE_MAX = 64 };

const char *verify_sentence(enum verify_failure f)
{
    switch (f) {
    case VERIFY_OK:
        return "The signature is valid.";
    case VERIFY_NO_HEADER:
        return "A signature header is missing.";
    case VERIFY_BAD_HEADER:
        return "A signature header does not have the right form.";
    case VERIFY_TOO_OLD:
        return "The timestamp is too old: a replay, or the clocks differ.";
    case VERIFY_TOO_NEW:
        return "The timestamp lies in the future: the clocks differ.";
    case VERIFY_MISMATCH:
        return "No signature matches: another secret, or the body was changed on its way.";
    case VERIFY_BAD_SECRET:
        return "The secret does not have the right form.";
    }
    ASSERT(!"a verify_failure");
    return "";
}

static enum verify_failure check_time(struct str text, int64_t unix_now, int64_t tolerance_s)
{
    int64_t unix_s = 0;

    if (str_to_int(text, 0, INT64_MAX / 2, &unix_s) != 0) {
        return VERIFY_BAD_HEADER;
    }
    if (unix_s < unix_now - tolerance_s) {
        return VERIFY_TOO_OLD;
    }
    if (unix_s > unix_now + tolerance_s) {
        return VERIFY_TOO_NEW;
    }
    return VERIFY_OK;
}

/* What a standard signature is compared with: an HMAC, or a public key and the message. */
struct expected {
    bool is_public;
    unsigned char sum[HMAC_SIZE];
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
    struct buf message;
};

static int expected_public(struct expected *e, struct str secret, const struct str parts[5])
{
    struct buf key;
    struct buf text;
    int rc = 0;

    e->is_public = true;
    buf_init(&key, SECRET_MAX);
    buf_init(&text, SECRET_MAX);
    if (secret_is_private(secret)) {
        rc = secret_public(secret, &text);
        secret = buf_str(&text);
    }
    if (rc == 0) {
        rc = secret_decode(secret, &key);
    }
    if (rc == 0) {
        ASSERT(key.len == sizeof(e->public_key));
        memcpy(e->public_key, key.p, key.len);
    }
    for (size_t i = 0; i < 5 && rc == 0; i++) {
        rc = buf_add_str(&e->message, parts[i]);
    }
    buf_done(&key);
    buf_done(&text);
    return rc;
}

static int expected_shared(struct expected *e, struct str key, const struct str *parts,
                           size_t count)
{
    struct hmac *hmac = NULL;
    int rc = key.len == 0 ? -E_FIELD : hmac_new(key, &hmac);

    if (rc == 0) {
        rc = hmac_sum(hmac, parts, count, e->sum);
    }
    hmac_free(hmac);
    return rc;
}

static int expected_init(struct expected *e, struct str secret, const struct str parts[5])
{
    struct buf key;
    int rc;

    memset(e, 0, sizeof(*e));
    buf_init(&e->message, MESSAGE_MAX);
    if (secret_is_private(secret) || secret_is_public(secret)) {
        return expected_public(e, secret, parts);
    }
    buf_init(&key, SECRET_MAX);
    rc = secret_decode(secret, &key);
    if (rc == 0) {
        rc = expected_shared(e, buf_str(&key), parts, 5);
    }
    if (key.cap > 0) {
        sodium_memzero(key.p, key.cap);
    }
    buf_done(&key);
    return rc;
}

/* One entry `version,base64` of the list. Sets *well_formed when it has that form at all. */
static bool entry_matches(const struct expected *e, struct str entry, bool *well_formed)
{
    size_t comma = str_find(entry, ',');
    struct str version = str_sub(entry, 0, comma);
    unsigned char sum[SIGNATURE_MAX + 2];
    struct buf bytes;
    size_t len = 0;

    if (comma == entry.len || version.len == 0) {
        return false;
    }
    if (!str_eq_c(version, "v1") && !str_eq_c(version, "v1a")) {
        *well_formed = true;
        return false;
    }
    buf_init(&bytes, sizeof(sum));
    if (base64_decode(str_sub(entry, comma + 1, entry.len), &bytes) == 0) {
        len = bytes.len;
        memcpy(sum, bytes.p, len);
    }
    buf_done(&bytes);
    if (len == 0) {
        return false;
    }
    *well_formed = true;
    if (e->is_public) {
        return str_eq_c(version, "v1a") && len == crypto_sign_BYTES &&
               crypto_sign_verify_detached(sum, (const unsigned char *)e->message.p,
                                           e->message.len, e->public_key) == 0;
    }
    return str_eq_c(version, "v1") && len == HMAC_SIZE && crypto_equal(sum, e->sum, HMAC_SIZE);
}

static enum verify_failure check_list(const struct expected *e, struct str list)
{
    struct str entry;
    bool well_formed = false;
    size_t count = 0;

    while (str_split(&list, ' ', &entry)) {
        if (entry.len == 0) {
            continue;
        }
        count++;
        if (count > SIGNATURES_MAX) {
            return VERIFY_BAD_HEADER;
        }
        if (entry_matches(e, entry, &well_formed)) {
            return VERIFY_OK;
        }
    }
    return well_formed ? VERIFY_MISMATCH : VERIFY_BAD_HEADER;
}

enum verify_failure verify_standard(struct str secret, struct str id, struct str timestamp,
                                    struct str signature, struct str body, int64_t unix_now,
                                    int64_t tolerance_s)
{
    struct str parts[5] = { id, STR("."), timestamp, STR("."), body };
    struct expected expected;
    enum verify_failure failure;

    if (id.len == 0 || timestamp.len == 0 || signature.len == 0) {
        return VERIFY_NO_HEADER;
    }
    /* A full stop in the id would let two different contents have the same signed text. */
    if (str_find(id, '.') != id.len) {
        return VERIFY_BAD_HEADER;
    }
    failure = check_time(timestamp, unix_now, tolerance_s);
    if (failure != VERIFY_OK) {
        return failure;
    }
    if (expected_init(&expected, secret, parts) != 0) {
        buf_done(&expected.message);
        return VERIFY_BAD_SECRET;
    }
    failure = check_list(&expected, signature);
    buf_done(&expected.message);
    return failure;
}

static bool hex_matches(struct str hex, const unsigned char *sum)
{
    unsigned char bytes[HMAC_SIZE];
    size_t len = 0;

    if (hex.len != (size_t)HMAC_SIZE * 2 ||
        sodium_hex2bin(bytes, sizeof(bytes), hex.p, hex.len, NULL, &len, NULL) != 0 ||
        len != sizeof(bytes)) {
        return false;
    }
    return crypto_equal(bytes, sum, sizeof(bytes));
}

/* The fields `t=` (exactly one) and `v1=` (one or more); other names are ignored. */
struct timestamped {
    struct str time;
    struct str sums[SIGNATURES_MAX];
    size_t count;
};

static bool timestamped_parse(struct str header, struct timestamped *ret)
{
    struct str field;

    memset(ret, 0, sizeof(*ret));
    while (str_split(&header, ',', &field)) {
        struct str name;
        struct str value = str_trim(field);

        if (!str_split(&value, '=', &name) || value.len == 0) {
            return false;
        }
        if (str_eq_c(name, "t")) {
            if (ret->time.len > 0) {
                return false;
            }
            ret->time = value;
        } else if (str_eq_c(name, "v1")) {
            if (ret->count == SIGNATURES_MAX) {
                return false;
            }
            ret->sums[ret->count] = value;
            ret->count++;
        }
    }
    return ret->time.len > 0 && ret->count > 0;
}

enum verify_failure verify_timestamped(struct str secret, struct str signature, struct str body,
                                       int64_t unix_now, int64_t tolerance_s)
{
    struct timestamped fields;
    struct expected expected = { 0 };
    enum verify_failure failure;

    if (signature.len == 0) {
        return VERIFY_NO_HEADER;
    }
    if (!timestamped_parse(signature, &fields)) {
        return VERIFY_BAD_HEADER;
    }
    failure = check_time(fields.time, unix_now, tolerance_s);
    if (failure != VERIFY_OK) {
        return failure;
    }
    struct str parts[3] = { fields.time, STR("."), body };
    if (expected_shared(&expected, secret, parts, 3) != 0) {
        return VERIFY_BAD_SECRET;
    }
    for (size_t i = 0; i < fields.count; i++) {
        if (hex_matches(fields.sums[i], expected.sum)) {
            return VERIFY_OK;
        }
    }
    return VERIFY_MISMATCH;
}

enum verify_failure verify_platform(struct str secret, struct str signature, struct str body)
{
    struct str prefix = STR("sha256=");
    struct expected expected = { 0 };

    if (signature.len == 0) {
        return VERIFY_NO_HEADER;
    }
    if (!str_starts(signature, prefix) || signature.len != prefix.len + (size_t)HMAC_SIZE * 2) {
        return VERIFY_BAD_HEADER;
    }
    if (expected_shared(&expected, secret, &body, 1) != 0) {
        return VERIFY_BAD_SECRET;
    }
    return hex_matches(str_sub(signature, prefix.len, signature.len), expected.sum)
               ? VERIFY_OK
               : VERIFY_MISMATCH;
}
