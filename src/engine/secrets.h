/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.h - the signing secrets of an endpoint or an app, as they lie sealed:
 * {"secrets":[{"secret","expires_at","platform"?}],...}, newest first.
 *
 * The first is the secret of today and has no end. A second one is there while the window of a roll is
 * open; until it ends both sign. One that has ended never leaves the reader, so it never signs, and it is
 * gone from the store with the next edit.
 */
#ifndef ENGINE_SECRETS_H
#define ENGINE_SECRETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "crypto/sign.h"
#include "json/json.h"

enum { SECRET_HINT_SIZE = 16 };

struct secret_item {
    struct str secret;
    int64_t expires_at;  /* wall ms, 0 = has no end */
    bool signs_platform; /* the profile `platform` signs with this one, not with the newest */
};

struct secret_list {
    struct secret_item items[SIGN_SECRETS_MAX];
    uint32_t count;
};

/* What the registry keeps in memory of a set of secrets. */
struct secret_brief {
    bool is_set;
    bool has_ended;              /* one of them had ended when it was read */
    char hint[SECRET_HINT_SIZE]; /* whsec_...xyz */
    int64_t previous_expires_at; /* wall ms, 0 = no window */
    unsigned char (*prints)[32]; /* fingerprints, owned by the registry */
    size_t print_count;
};

/* Those that are valid at wall ms `now` out of the opened document; borrowed from it. */
void secret_list_read(const struct json *sealed, int64_t now, struct secret_list *ret_list);
/* As the value of "secrets". */
void secret_list_write(struct json_out *o, const struct secret_list *list);
/* Which of them the profile `platform` signs with. */
uint32_t secret_list_platform(const struct secret_list *list);
/* When the window of the last roll ends; 0: none is open. */
int64_t secret_list_window(const struct secret_list *list);
/* Enough to recognise it by, far too little to guess it: the prefix and its last three characters. */
void secret_hint(struct str secret, char ret_hint[SECRET_HINT_SIZE]);

#endif
