/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - who is signed in: members by password, customers by a ticket. All of it lives in memory too
 * (engine/sessions.h); the table is for the next start. A session is known by a keyed hash of its token.
 */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

struct db;

enum { SESSION_HASH_SIZE = 32 };

struct session_row {
    unsigned char hash[SESSION_HASH_SIZE];
    int64_t project;    /* no */
    int64_t member;     /* no, 0: a customer's */
    int64_t app;        /* no of the app that a customer's session is bound to, else 0 */
    int32_t role;       /* of a customer: SESSION_VIEW, SESSION_MANAGE */
    struct id ticket;   /* whose exchange it came from; zero: by password */
    struct str origin;  /* that may frame the portal, empty = none */
    int64_t created_at; /* wall ms */
    int64_t seen_at;
    int64_t ends_at; /* at the latest */
};

/* Inside a write's run. */
NODISCARD int session_insert(struct db *db, const struct session_row *row);
NODISCARD int session_seen(struct db *db, const unsigned char hash[SESSION_HASH_SIZE],
                           int64_t seen_at);
NODISCARD int session_delete(struct db *db, const unsigned char hash[SESSION_HASH_SIZE]);
/* All that ended before. */
NODISCARD int session_expire(struct db *db, int64_t before_ms);
NODISCARD int session_load(struct db *db,
                           int (*on_row)(void *ctx, const struct session_row *row), void *ctx);

#endif
