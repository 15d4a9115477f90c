/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollup.h - counts per endpoint and hour. Sparklines and charts read these, never the log.
 *
 * The outcomes of a batch are folded in memory and stored as one upsert per (endpoint, hour)
 * just before the commit. An outcome that was stored before (an unknown commit run again)
 * counts nothing.
 */
#ifndef STORE_ROLLUP_H
#define STORE_ROLLUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct outcome;
struct rollup_fold;

enum { ROLLUP_BUCKET_MS = 3600 * 1000, ROLLUP_BARS = 12 };

/* Upper bounds of the histogram's bars in ms, inclusive; the last bar has none. */
extern const int64_t rollup_bounds_ms[ROLLUP_BARS - 1];

struct rollup {
    int64_t bucket; /* wall ms of the hour's begin */
    int64_t endpoint;
    int64_t ok;       /* attempts that delivered */
    int64_t failed;   /* attempts that did not */
    int64_t first_ok; /* deliveries whose first attempt delivered */
    int64_t dead;     /* deliveries that were given up */
    int64_t retried;  /* attempts that were not the first of their delivery */
    int64_t ms_min;   /* duration of attempts */
    int64_t ms_sum;
    int64_t ms_max;
    int64_t bars[ROLLUP_BARS];
};

/* --- pure */
/* One attempt as it counts. */
struct rollup_one {
    int64_t ms;
    bool ok, first_ok, dead, retried;
};
void rollup_look(const struct outcome *o, struct rollup_one *ret_one);
/* Add to a roll-up; one without attempts is to be zeroed. */
void rollup_count(struct rollup *r, const struct rollup_one *one);
void rollup_merge(struct rollup *r, const struct rollup *more);
/* About the duration that so many percent did not pass, in ms; 0 without attempts. */
int64_t rollup_percentile(const struct rollup *r, int64_t percent);

/* --- writer side. The fold travels with the connection: db_set_context(db, fold). */
struct rollup_fold *rollup_fold_new(void);
void rollup_fold_free(struct rollup_fold *fold); /* NULL allowed */
/* A transaction begins. */
void rollup_fold_reset(struct rollup_fold *fold);
/*
 * Count one outcome if *ret_changes, set by the database at the latest at the next flush, is
 * 1.
 */
int64_t *rollup_fold_add(struct rollup_fold *fold, const struct outcome *o);
/* Store what was folded; flushes when there is something. */
NODISCARD int rollup_fold_store(struct rollup_fold *fold, struct db *db);

/*
 * --- reader side: the hours of [from, until) that have a row, in order; at most 10,000 hours
 * are looked at.
 */
NODISCARD int rollup_read(struct db *db, int64_t endpoint, int64_t from_ms, int64_t until_ms,
                          int (*on_row)(void *ctx, const struct rollup *row), void *ctx);

#endif
