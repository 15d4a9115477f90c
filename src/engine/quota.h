/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota.h - what an app may publish: events in a second and in a calendar month (UTC). Main thread.
 *
 * The second is a bucket: it holds events_per_second events and fills at that rate; what is over it waits for
 * Retry-After. The month is a count in memory, told to the store every QUOTA_FLUSH_MS and at the end, so a crash
 * forgets those of a few seconds. It is counted while the app has a quota of the month.
 */
#ifndef ENGINE_QUOTA_H
#define ENGINE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct app;
struct loop;
struct quotas;
struct writer;

enum {
    QUOTA_SECOND_MAX = 1000000,
    QUOTA_MONTH_MAX = 1000000000,
    QUOTA_FLUSH_MS = 10000,
    QUOTA_FLUSH_ROWS = 200 /* apps in one write */
};

/* Part of struct app. */
struct quota {
    int64_t per_second, per_month; /* 0 = no limit */
    int64_t level;                 /* of the bucket, in thousandths of an event */
    int64_t level_at;              /* wall ms, 0 = never used */
    int64_t month;                 /* 202611, of `used` */
    int64_t used;
    struct list_node node; /* those whose count the store does not know */
    bool is_dirty;
};

/* The limit that is nearest, for the headers RateLimit-*. */
struct quota_state {
    bool is_limited; /* the app has one */
    int64_t limit, remaining;
    int64_t reset_s;       /* until all of it is there again */
    int64_t retry_after_s; /* refused: until it can be taken */
};

struct quotas *quotas_new(struct loop *loop, struct writer *writer);
/* Store what waits; then free it once the writer has stopped. NULL allowed in both. */
void quotas_stop(struct quotas *q);
void quotas_free(struct quotas *q);

/* May the app publish so many events now? If so they are used up. *ret_state is filled in both cases. */
bool quota_take(struct quotas *q, struct app *app, int64_t events, int64_t wall_now,
                struct quota_state *ret_state);
/* They were not stored after all. */
void quota_give_back(struct quotas *q, struct app *app, int64_t events);
/* How many this month. */
int64_t quota_used(const struct quota *quota, int64_t wall_now);

#endif
