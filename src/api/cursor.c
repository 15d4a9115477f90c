/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.c - where a page begins, as text. */
#include "api/cursor.h"

#include <assert.h>
#include <string.h>

#include "base/assert.h"

enum {
    CURSOR_VERSION = 1,
    CURSOR_SIZE = 15, /* version, list, flags, 8 of seq, 4 of check: 20 digits without a rest */
    CURSOR_CHECKED = 11,
    CURSOR_ASCENDING = 1,
    CURSOR_BACKWARD = 2
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static_assert(CURSOR_SIZE % 3 == 0, "no padding");
static_assert(CURSOR_TEXT_SIZE == CURSOR_SIZE / 3 * 4 + 1, "text of a cursor");

/* FNV-1a: any changed byte changes it. */
static uint32_t cursor_check(const uint8_t *bytes)
{
    uint32_t check = 2166136261u;

    for (size_t i = 0; i < CURSOR_CHECKED; i++) {
        check = (check ^ bytes[i]) * 16777619u;
    }
    return check;
}

void cursor_format(const struct cursor *cursor, char ret_text[CURSOR_TEXT_SIZE])
{
    uint8_t bytes[CURSOR_SIZE];
    uint64_t seq = (uint64_t)cursor->seq;
    uint32_t check;

    ASSERT(cursor->seq > 0);
    bytes[0] = CURSOR_VERSION;
    bytes[1] = (uint8_t)cursor->list;
    bytes[2] = (uint8_t)((cursor->ascending ? CURSOR_ASCENDING : 0) |
                         (cursor->backward ? CURSOR_BACKWARD : 0));
    for (size_t i = 0; i < 8; i++) {
        bytes[3 + i] = (uint8_t)(seq >> (56 - 8 * i));
    }
    check = cursor_check(bytes);
    for (size_t i = 0; i < 4; i++) {
        bytes[CURSOR_CHECKED + i] = (uint8_t)(check >> (24 - 8 * i));
    }
    for (size_t i = 0; i < CURSOR_SIZE / 3; i++) {
        uint32_t three = (uint32_t)bytes[3 * i] << 16 | (uint32_t)bytes[3 * i + 1] << 8 |
                         (uint32_t)bytes[3 * i + 2];

        for (size_t k = 0; k < 4; k++) {
            ret_text[4 * i + k] = digits[three >> (18 - 6 * k) & 63];
        }
    }
    ret_text[CURSOR_TEXT_SIZE - 1] = '\0';
}

static int cursor_bytes(struct str text, uint8_t ret_bytes[CURSOR_SIZE])
{
    if (text.len != CURSOR_TEXT_SIZE - 1) {
        return -E_INVALID;
    }
    for (size_t i = 0; i < CURSOR_SIZE / 3; i++) {
        uint32_t three = 0;

        for (size_t k = 0; k < 4; k++) {
            const char *at = memchr(digits, text.p[4 * i + k], sizeof(digits) - 1);

            if (at == NULL) {
                return -E_INVALID;
            }
            three = three << 6 | (uint32_t)(at - digits);
        }
        for (size_t k = 0; k < 3; k++) {
            ret_bytes[3 * i + k] = (uint8_t)(three >> (16 - 8 * k));
        }
    }
    return 0;
}

int cursor_parse(struct str text, enum page_list list, struct cursor *ret_cursor)
{
    uint8_t bytes[CURSOR_SIZE];
    uint64_t seq = 0;
    uint32_t check = 0;

    if (cursor_bytes(text, bytes) != 0) {
        return -E_INVALID;
    }
    for (size_t i = 0; i < 8; i++) {
        seq = seq << 8 | bytes[3 + i];
    }
    for (size_t i = 0; i < 4; i++) {
        check = check << 8 | bytes[CURSOR_CHECKED + i];
    }
    if (bytes[0] != CURSOR_VERSION || bytes[1] != (uint8_t)list || bytes[2] > 3 ||
        check != cursor_check(bytes) || seq == 0 || seq > INT64_MAX) {
        return -E_INVALID;
    }
    *ret_cursor = (struct cursor){ .list = list,
                                   .ascending = (bytes[2] & CURSOR_ASCENDING) != 0,
                                   .backward = (bytes[2] & CURSOR_BACKWARD) != 0,
                                   .seq = (int64_t)seq };
    return 0;
}
