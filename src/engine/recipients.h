/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipients.h - whom an app's notices are mailed to. In memory, changed only after the commit. Main thread.
 *
 *   pending -> confirmed -> unsubscribed        (each arrow by the owner of the address, through a link)
 *
 * Only confirmed addresses get notices. The links hold a keyed hash over action, app, address and expiry; they need
 * no login and grant nothing else.
 */
#ifndef ENGINE_RECIPIENTS_H
#define ENGINE_RECIPIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/outbox.h"
#include "store/write.h"

struct db_options;
struct keyring;
struct outbox;
struct recipients;
struct writer;

enum {
    RECIPIENTS_MAX = 10,                       /* of an app */
    RECIPIENTS_ASK_MS = 10 * 60 * 1000,        /* between two questions to one address */
    RECIPIENTS_LINK_MS = 7 * 24 * 3600 * 1000, /* a confirmation link holds so long */
    RECIPIENTS_TOKEN_MAX = 1024
};

enum recipient_status { RECIPIENT_PENDING, RECIPIENT_CONFIRMED, RECIPIENT_UNSUBSCRIBED };

struct recipient {
    struct str email;
    enum recipient_status status;
    int64_t asked_at, confirmed_at; /* wall ms, 0 = not */
};

/* The settings of one app. `kinds` has the bit 1 << number of each kind that is mailed. */
struct recipient_list {
    int64_t app; /* number */
    int64_t version;
    uint64_t kinds;
    struct recipient rows[RECIPIENTS_MAX];
    size_t count;
};

NODISCARD int recipients_new(struct writer *writer, const struct keyring *keyring,
                             const struct db_options *db, struct recipients **ret_recipients,
                             struct err *err);
void recipients_free(struct recipients *r); /* NULL allowed */

/* Borrowed until the next save; an app without any has an empty list with every kind. */
const struct recipient_list *recipients_of(const struct recipients *r, int64_t app);
/* The bits of all kinds that customers can get. */
uint64_t recipients_all_kinds(void);
const char *recipient_status_name(enum recipient_status status);

/* One change on its way: the list whole (version = that of recipients_of + 1), and mails stored with it. */
struct recipients_save {
    struct recipient_list list; /* strings live until on_done */
    struct outbox_row mails[RECIPIENTS_MAX];
    size_t mail_count;
    /* -E_CONFLICT: another change was faster */
    void (*on_done)(struct recipients_save *save, int result);
    void *ctx;
    /* its own */
    struct recipients *recipients;
    struct write write;
    struct str config;
    int64_t changes;
};
/* -E_BUSY: not taken, on_done is not called. */
NODISCARD int recipients_save(struct recipients *r, struct recipients_save *save,
                              struct arena *arena);

enum recipient_action { RECIPIENT_CONFIRM = 1, RECIPIENT_UNSUBSCRIBE = 2 };
/* The token of a link; expires_at 0: never. */
struct str recipients_token(const struct recipients *r, enum recipient_action action,
                            int64_t app, struct str email, int64_t expires_at,
                            struct arena *arena);
/* -E_NOT_FOUND: not one of ours, or it has expired. */
NODISCARD int recipients_token_read(const struct recipients *r, enum recipient_action action,
                                    struct str token, int64_t now, struct arena *arena,
                                    int64_t *ret_app, struct str *ret_email);

#endif
