/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.c - the list of signing secrets in its sealed document. */
#include "engine/secrets.h"

#include <stdio.h>

#include "base/clock.h"

enum { HINT_TAIL = 3 };

static int64_t read_end(const struct json *secret)
{
    const struct json *v = json_member(secret, "expires_at");
    int64_t at = 0;

    if (v == NULL || json_type(v) != JSON_STRING || clock_parse(json_string(v), &at) != 0) {
        return 0;
    }
    return at;
}

void secret_list_read(const struct json *sealed, int64_t now, struct secret_list *ret_list)
{
    const struct json *secrets = sealed == NULL ? NULL : json_member(sealed, "secrets");
    struct secret_list list = { .count = 0 };
    struct json_iter it;
    const struct json *v;

    *ret_list = list;
    if (secrets == NULL) {
        return;
    }
    it = json_iter(secrets);
    while (list.count < SIGN_SECRETS_MAX && (v = json_next(&it, NULL)) != NULL) {
        const struct json *secret = json_member(v, "secret");
        const struct json *platform = json_member(v, "platform");
        int64_t end = read_end(v);

        if (secret == NULL || (end != 0 && end <= now)) {
            continue;
        }
        list.items[list.count++] =
            (struct secret_item){ .secret = json_string(secret),
                                  .expires_at = end,
                                  .signs_platform = platform != NULL && json_bool(platform) };
    }
    *ret_list = list;
}

void secret_list_write(struct json_out *o, const struct secret_list *list)
{
    json_out_array(o);
    for (uint32_t i = 0; i < list->count; i++) {
        json_out_object(o);
        json_put_str(o, "secret", list->items[i].secret);
        json_put_time(o, "expires_at", list->items[i].expires_at);
        if (list->items[i].signs_platform) {
            json_put_bool(o, "platform", true);
        }
        json_out_object_end(o);
    }
    json_out_array_end(o);
}

uint32_t secret_list_platform(const struct secret_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].signs_platform) {
            return i;
        }
    }
    return 0;
}

int64_t secret_list_window(const struct secret_list *list)
{
    int64_t end = 0;

    for (uint32_t i = 1; i < list->count; i++) {
        end = list->items[i].expires_at > end ? list->items[i].expires_at : end;
    }
    return end;
}

void secret_hint(struct str secret, char ret_hint[SECRET_HINT_SIZE])
{
    struct str prefix = str_starts(secret, STR("whsec_"))  ? STR("whsec_")
                        : str_starts(secret, STR("whsk_")) ? STR("whsk_")
                                                           : STR("");
    size_t end = secret.len;

    while (end > prefix.len + HINT_TAIL && secret.p[end - 1] == '=') {
        end--;
    }
    (void)snprintf(ret_hint, SECRET_HINT_SIZE, "%.*s...%.*s", STR_ARG(prefix), HINT_TAIL,
                   secret.p + end - HINT_TAIL);
}
