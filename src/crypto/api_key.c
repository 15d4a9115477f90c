/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/api_key.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/base62.h"
#include "base/random.h"

enum { PREFIX_LEN = 4, RANDOM_LEN = 32, CRC_LEN = 6, BODY_LEN = PREFIX_LEN + RANDOM_LEN };
enum { HINT_OURS = 8, HINT_FOREIGN = 4 };

static_assert(BODY_LEN + CRC_LEN + 1 == API_KEY_TEXT_SIZE, "the parts make the whole");

static const struct str key_prefix = { "pst_", PREFIX_LEN };

/* CRC-32 of IEEE 802.3 (reflected 0x04C11DB7), bit by bit: a key has 36 bytes. */
static uint32_t crc32_of(struct str bytes)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (uint8_t)bytes.p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static void key_crc(struct str body, char ret_digits[CRC_LEN])
{
    uint32_t crc = crc32_of(body);
    uint8_t bytes[4] = { (uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                         (uint8_t)crc };

    base62_encode(bytes, sizeof(bytes), ret_digits, CRC_LEN);
}

void api_key_make(char ret_text[API_KEY_TEXT_SIZE])
{
    size_t len = PREFIX_LEN;

    memcpy(ret_text, key_prefix.p, PREFIX_LEN);
    while (len < BODY_LEN) {
        uint8_t byte;

        /* 248 is the largest multiple of 62 in a byte: every digit is equally likely. */
        random_bytes(&byte, 1);
        if (byte < 248) {
            uint8_t digit = (uint8_t)(byte % 62);

            base62_encode(&digit, 1, ret_text + len, 1);
            len++;
        }
    }
    key_crc((struct str){ ret_text, BODY_LEN }, ret_text + BODY_LEN);
    ret_text[API_KEY_TEXT_SIZE - 1] = '\0';
}

bool api_key_valid(struct str text)
{
    if (text.len < API_KEY_MIN || text.len > API_KEY_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] <= ' ' || text.p[i] > '~') {
            return false;
        }
    }
    if (str_starts(text, key_prefix)) {
        uint8_t random[RANDOM_LEN];
        char crc[CRC_LEN];

        if (text.len != API_KEY_TEXT_SIZE - 1 ||
            base62_decode(str_sub(text, PREFIX_LEN, RANDOM_LEN), random, sizeof(random)) != 0) {
            return false;
        }
        key_crc(str_sub(text, 0, BODY_LEN), crc);
        return memcmp(text.p + BODY_LEN, crc, CRC_LEN) == 0;
    }
    return true;
}

void api_key_hint(struct str text, char ret_hint[16])
{
    size_t shown = str_starts(text, key_prefix) ? HINT_OURS : HINT_FOREIGN;

    /* What is too short to be a key shows nothing of itself. */
    if (text.len < API_KEY_MIN) {
        shown = 0;
    }
    if (shown > 0) {
        memcpy(ret_hint, text.p, shown);
    }
    memcpy(ret_hint + shown, "...", 4);
}
