/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base62.h"

#include <string.h>

#include "base/assert.h"

static const char base62_digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

enum { BASE62_BYTES_MAX = 32 };

void base62_encode(const uint8_t *bytes, size_t len, char *ret_text, size_t digits)
{
    uint8_t number[BASE62_BYTES_MAX];

    ASSERT(len <= BASE62_BYTES_MAX);
    memcpy(number, bytes, len);
    for (size_t i = digits; i > 0; i--) {
        unsigned rest = 0;

        for (size_t k = 0; k < len; k++) {
            unsigned part = rest * 256 + number[k];

            number[k] = (uint8_t)(part / 62);
            rest = part % 62;
        }
        ret_text[i - 1] = base62_digits[rest];
    }
}

static int base62_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'Z') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 36;
    }
    return -1;
}

int base62_decode(struct str s, uint8_t *ret_bytes, size_t len)
{
    uint8_t number[BASE62_BYTES_MAX] = { 0 };

    ASSERT(len <= BASE62_BYTES_MAX);
    for (size_t i = 0; i < s.len; i++) {
        int value = base62_value(s.p[i]);
        unsigned carry = (unsigned)value;

        if (value < 0) {
            return -E_INVALID;
        }
        for (size_t k = len; k > 0; k--) {
            unsigned part = number[k - 1] * 62u + carry;

            number[k - 1] = (uint8_t)(part & 0xff);
            carry = part >> 8;
        }
        if (carry != 0) {
            return -E_INVALID;
        }
    }
    memcpy(ret_bytes, number, len);
    return 0;
}
