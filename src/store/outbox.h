/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - messages that must still leave for people: mails, and alerts to a URL. A row stands from the
 * transaction that made its notice until it was taken or given up, so a crash loses none. seq is given by the main
 * thread (engine/outbox.h) and rises. Bodies are sealed: they hold links that act without a login.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct db;

/* Numbers are stored: never change one. */
enum outbox_channel { OUTBOX_MAIL = 1, OUTBOX_URL = 2 };

struct outbox_row {
    int64_t seq;
    enum outbox_channel channel;
    struct str target;  /* an address, or a URL */
    struct str body;    /* sealed: the message, or JSON */
    int64_t created_at; /* wall ms */
    int64_t due_at;
    int64_t attempts; /* made so far */
};

/* Inside a write's run. */
NODISCARD int outbox_insert(struct db *db, const struct outbox_row *row);
NODISCARD int outbox_put_off(struct db *db, int64_t seq, int64_t attempts, int64_t due_at);
NODISCARD int outbox_delete(struct db *db, int64_t seq);

/* At start: all in order of seq, at most limit, without body; borrowed during the callback. */
NODISCARD int outbox_load(struct db *db, uint32_t limit,
                          int (*on_row)(void *ctx, const struct outbox_row *row), void *ctx);
/* Whole; strings go into the arena. -E_NOT_FOUND. */
NODISCARD int outbox_get(struct db *db, int64_t seq, struct arena *arena,
                         struct outbox_row *ret_row);

#endif
