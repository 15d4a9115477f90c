/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.h - counts beside the exact hours of rollup.h: per minute and hour, of endpoints, apps
 * and projects, and what they consist of (event types, faults).
 *
 * They are folded in memory (engine/meter.h) and added some seconds later by background writes,
 * so they cost the road of a delivery next to nothing; a crash loses those seconds of them. Days
 * are folded from hours by a job. Keys begin with time: what is written together lies together,
 * and a read seeks one row for each bucket.
 */
#ifndef STORE_TALLY_H
#define STORE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/rollup.h"

struct db;

/* Numbers are stored: never change one. */
enum tally_span { TALLY_MINUTE = 0, TALLY_HOUR = 1, TALLY_DAY = 2 };
enum tally_kind { TALLY_ENDPOINT = 0, TALLY_APP = 1, TALLY_PROJECT = 2 };

#define TALLY_MINUTE_MS ((int64_t)60 * 1000)
#define TALLY_HOUR_MS   ((int64_t)ROLLUP_BUCKET_MS)
#define TALLY_DAY_MS    ((int64_t)24 * 3600 * 1000)

enum { TALLY_READ_MAX = 10000 /* buckets of one read */ };

int64_t tally_span_ms(enum tally_span span);

/* What an attempt or an event added to a count. */
enum tally_what {
    TALLY_TYPE_OK = 1,     /* key: event type; n: deliveries delivered */
    TALLY_TYPE_FAILED = 2, /* key: event type; n: attempts that failed */
    TALLY_REASON = 3,      /* key: TALLY_REASON_KEY; n: attempts that failed */
    TALLY_EVENTS = 4, /* of apps and projects; key: event type; n: events, bytes: of them */
    TALLY_MADE = 5    /* key: the state in which a delivery was made; n: deliveries */
};
/* A fault is its token and, with a response, the status. */
#define TALLY_REASON_KEY(token, code) ((int64_t)(token)*1000 + (code))

struct tally_key {
    enum tally_span span;
    int64_t bucket; /* wall ms of its begin */
    enum tally_kind kind;
    int64_t subject; /* number of the endpoint, app or project */
};

struct tally_count {
    enum tally_what what;
    int64_t key; /* 0: others, beyond the bound of distinct keys */
    int64_t n;
    int64_t bytes;
};

/* --- writer side, inside run: adds to the row. r->bucket and r->endpoint are not looked at. */
NODISCARD int tally_add(struct db *db, const struct tally_key *key, const struct rollup *r);
NODISCARD int tally_add_count(struct db *db, const struct tally_key *key,
                              const struct tally_count *count);
/*
 * Fold the 24 hours of the day that begins at day_ms into its row, for subjects of that kind
 * with after < subject <= upto. Sets, does not add: may run again.
 */
NODISCARD int tally_fold_day(struct db *db, int64_t day_ms, enum tally_kind kind, int64_t after,
                             int64_t upto);
/*
 * Remove what is older: minutes before minute_ms, hours (also those of rollup.h) before hour_ms,
 * days before day_ms; at most about rows_max rows of each. *ret_more: call again.
 */
NODISCARD int tally_expire(struct db *db, const int64_t before_ms[3], uint32_t rows_max,
                           bool *ret_more);

/*
 * --- reader side. Rows of [from, until) in order of time; rows->bucket is set, ->endpoint is
 * the subject. Hours of endpoints are those of rollup.h.
 */
NODISCARD int tally_read(struct db *db, const struct tally_key *key, int64_t until_ms,
                         int (*on_row)(void *ctx, const struct rollup *row), void *ctx);
/* Sums over [key->bucket, until): most frequent first. */
NODISCARD int tally_read_counts(struct db *db, const struct tally_key *key, int64_t until_ms,
                                int (*on_row)(void *ctx, const struct tally_count *row),
                                void *ctx);
/*
 * All subjects of the kind with something in [from, until), a sum each, in order of subject;
 * only numbers above `after`, at most limit. Minutes, hours or days as they stand.
 */
NODISCARD int tally_read_all(struct db *db, const struct tally_key *key, int64_t until_ms,
                             uint32_t limit, int (*on_row)(void *ctx, const struct rollup *row),
                             void *ctx);

#endif
