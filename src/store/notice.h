/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice.h - notices: what happened that a customer or the operator must be told, with the texts as they were
 * made. seq is given by the main thread (engine/notice.h) and rises with time; `count` and `updated_at` grow while
 * the same thing happens again.
 */
#ifndef STORE_NOTICE_H
#define STORE_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

struct db;

struct notice_row {
    int64_t seq;
    struct id id;
    int64_t kind;       /* number of the kind (engine/notice.h) */
    int64_t project;    /* number; 0 = of the whole server */
    int64_t app;        /* number; 0 = for the operator alone */
    int64_t endpoint;   /* number; 0 = none */
    struct str topic;   /* what tells two notices of one kind and endpoint apart; often empty */
    int64_t created_at; /* wall ms */
    int64_t updated_at;
    int64_t count;   /* how often it happened, 1 at first */
    int64_t read_at; /* 0 = not read */
    struct str title, text;
    struct str facts; /* JSON object */
};

/* Inside a write's run. */
NODISCARD int notice_insert(struct db *db, const struct notice_row *row);
NODISCARD int notice_update_count(struct db *db, int64_t seq, int64_t count,
                                  int64_t updated_at);
/* One of the app's (app 0: of the project's); *ret_changes 0: there is none, or it was read. */
NODISCARD int notice_mark_read(struct db *db, const struct id *id, int64_t project, int64_t app,
                               int64_t now, int64_t *ret_changes);
/* All of the app (app 0: of the project) that are not read. */
NODISCARD int notice_mark_all(struct db *db, int64_t project, int64_t app, int64_t now,
                              int64_t *ret_changes);
/* At most `rows` of the oldest, when they were made before. *ret_changes: how many. */
NODISCARD int notice_expire(struct db *db, int64_t before, uint32_t rows, int64_t *ret_changes);

/* --- reader side; strings go into the arena */
struct notice_query {
    int64_t project;   /* its own, and those of the whole server */
    int64_t app;       /* 0 = all of the project */
    int64_t kind;      /* 0 = any */
    bool unread;       /* only those */
    int64_t after_seq; /* exclusive bound in the direction of travel; 0 = from the end */
    bool ascending;
    uint32_t limit;
};
NODISCARD int notice_list(struct db *db, const struct notice_query *q, struct arena *arena,
                          struct notice_row **ret_rows, size_t *ret_count);
/* -E_NOT_FOUND. */
NODISCARD int notice_get(struct db *db, const struct id *id, struct arena *arena,
                         struct notice_row *ret_row);
/* At start: the newest, newest first; borrowed during the callback. */
NODISCARD int notice_newest(struct db *db, uint32_t limit,
                            int (*on_row)(void *ctx, const struct notice_row *row), void *ctx);

#endif
