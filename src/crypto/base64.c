/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "crypto/sign.h"

int base64_encode(struct str bytes, struct buf *out)
{
    size_t len;
    int rc;

    if (bytes.len > SIZE_MAX / 2) {
        return -E_TOO_LARGE;
    }
    len = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL) - 1;
    rc = buf_reserve(out, len);
    if (rc != 0) {
        return rc;
    }
    if (len == 0) {
        return 0;
    }
    (void)sodium_bin2base64(out->p + out->len, len + 1, (const unsigned char *)bytes.p,
                            bytes.len, sodium_base64_VARIANT_ORIGINAL);
    out->len += len;
    return 0;
}

/* libsodium 1.0.18 also takes bytes from 0x80 on as digits. */
static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

int base64_decode(struct str text, struct buf *out)
{
    size_t len = 0;
    int rc;

    if (text.len % 4 != 0 || !is_ascii(text)) {
        return -E_INVALID;
    }
    if (text.len == 0) {
        return 0;
    }
    rc = buf_reserve(out, text.len / 4 * 3);
    if (rc != 0) {
        return rc;
    }
    if (sodium_base642bin((unsigned char *)out->p + out->len, text.len / 4 * 3, text.p,
                          text.len, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
        out->p[out->len] = '\0';
        return -E_INVALID;
    }
    out->len += len;
    out->p[out->len] = '\0';
    return 0;
}
