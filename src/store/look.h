/* SPDX-License-Identifier: Apache-2.0 */
/* look.h - small bounded looks at the log for statistics: how deep the queue is, how the last
 * deliveries ended. Reader side. */
#ifndef STORE_LOOK_H
#define STORE_LOOK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;

enum {
    LOOK_QUEUE_MAX = 10000, /* open deliveries are counted so far */
    LOOK_LAST = 100,        /* ended deliveries that are judged ... */
    LOOK_LAST_SCAN = 1000   /* ... of so many of the newest */
};

struct look_queue {
    int64_t fresh;   /* first attempts that wait */
    int64_t retries; /* that wait for their time */
};

/* Add what waits for that endpoint; counts up to LOOK_QUEUE_MAX in all. */
NODISCARD int look_queue(struct db *db, int64_t endpoint, struct look_queue *queue);
/* Of the newest ended deliveries of the endpoint: how many, and how many were delivered. */
NODISCARD int look_last(struct db *db, int64_t endpoint, int64_t *ret_n, int64_t *ret_ok);

/* Open deliveries of all endpoints, counted up to max + 1. */
NODISCARD int look_depth(struct db *db, int64_t max, int64_t *ret_depth);

#endif
