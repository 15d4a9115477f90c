/* SPDX-License-Identifier: Apache-2.0 */
/*
 * success.h - what a restart must still know of each endpoint's health: when it last delivered and failed, how
 * often in a row it failed since, and which deliveries were exhausted lately.
 *
 * The engine marks an outcome for the first three about once a minute and endpoint; the exact values live in
 * memory, so a crash loses the failures of a minute at most. Exhausted deliveries are rare: each is a row.
 */
#ifndef STORE_SUCCESS_H
#define STORE_SUCCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db;

struct health_mark {
    int64_t endpoint;
    int64_t success_at; /* wall ms, 0 = never */
    int64_t failed_at;  /* likewise */
    int64_t failures;   /* attempts in a row */
};

/* --- inside a write's run */
NODISCARD int success_set(struct db *db, const struct health_mark *mark);
NODISCARD int exhausted_add(struct db *db, int64_t delivery_seq, int64_t endpoint,
                            int64_t wall_ms);
/* Forget the exhausted ones of before that time, at most rows_max. */
NODISCARD int exhausted_expire(struct db *db, int64_t before_ms, uint32_t rows_max,
                               bool *ret_more);

/* --- at start */
NODISCARD int success_load(struct db *db,
                           int (*on_row)(void *ctx, const struct health_mark *mark), void *ctx);
/* In order of delivery seq. */
NODISCARD int exhausted_load(struct db *db,
                             int (*on_row)(void *ctx, int64_t endpoint, int64_t wall_ms),
                             void *ctx);

#endif
