/* SPDX-License-Identifier: Apache-2.0 */
/* confirm.c - `expires.delivery.event.count.hash`, numbers in decimal, hash in hex. */
#include "api/confirm.h"

#include <stdio.h>
#include <string.h>

#include "api/api_internal.h"
#include "base/assert.h"
#include "crypto/keyring.h"

enum { CONFIRM_NUMBERS = 4, CONFIRM_HASH_HEX = 32 };

static void confirm_hash(const struct call *call, const char *what, struct str bound,
                         struct str numbers, char ret_hex[CONFIRM_HASH_HEX + 1])
{
    unsigned char hash[KEYRING_HASH_SIZE];
    struct str all =
        arena_printf(call->arena, "%s %lld %.*s %.*s", what, (long long)call->app->object.no,
                     STR_ARG(numbers), STR_ARG(bound));

    keyring_hash(call->api->options.keyring, STR("confirm"), all, hash);
    for (size_t i = 0; i < CONFIRM_HASH_HEX / 2; i++) {
        (void)snprintf(ret_hex + 2 * i, 3, "%02x", hash[i]);
    }
}

void confirm_write(const struct call *call, const char *what, struct str bound,
                   const struct confirm *c, char ret_text[CONFIRM_TEXT_SIZE])
{
    char hex[CONFIRM_HASH_HEX + 1];
    int n =
        snprintf(ret_text, CONFIRM_TEXT_SIZE, "%lld.%lld.%lld.%lld", (long long)c->expires_at,
                 (long long)c->upto_delivery, (long long)c->upto_event, (long long)c->count);

    ASSERT(n > 0 && n + 1 + CONFIRM_HASH_HEX < CONFIRM_TEXT_SIZE);
    confirm_hash(call, what, bound, (struct str){ ret_text, (size_t)n }, hex);
    (void)snprintf(ret_text + n, CONFIRM_TEXT_SIZE - (size_t)n, ".%s", hex);
}

int confirm_read(const struct call *call, const char *what, struct str bound, struct str text,
                 struct confirm *ret_confirm)
{
    int64_t numbers[CONFIRM_NUMBERS];
    char hex[CONFIRM_HASH_HEX + 1];
    struct str left = text;
    struct str part;

    for (size_t i = 0; i < CONFIRM_NUMBERS; i++) {
        if (!str_split(&left, '.', &part) || str_to_int(part, 0, INT64_MAX, &numbers[i]) != 0) {
            return -E_CONFIRM_STALE;
        }
    }
    if (left.len != CONFIRM_HASH_HEX) {
        return -E_CONFIRM_STALE;
    }
    confirm_hash(call, what, bound, str_sub(text, 0, text.len - left.len - 1), hex);
    if (!crypto_equal(hex, left.p, CONFIRM_HASH_HEX) || numbers[0] < call->now) {
        return -E_CONFIRM_STALE;
    }
    *ret_confirm = (struct confirm){ numbers[0], numbers[1], numbers[2], numbers[3] };
    return 0;
}
