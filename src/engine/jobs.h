/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs.h - background work: retention of everything that is kept for a time, in small bites through the writer's
 * background queue. Main thread.
 */
#ifndef ENGINE_JOBS_H
#define ENGINE_JOBS_H

#include <stdint.h>

#include "base/err.h"

struct jobs;
struct loop;
struct registry;
struct writer;

enum {
    JOBS_EVERY_MS = 60000,
    JOBS_BITE_ROWS = 200,
    JOBS_REST_MS = 3600 * 1000,      /* after a walk that found little among much */
    JOBS_REST_LOOKED = 10000,        /* so many rows are much */
    JOBS_DAILY_MS = 24 * 3600 * 1000 /* what only erases begins anew so often */
};

/* All in ms; 0 where said in store/retention.h. */
struct jobs_periods {
    int64_t events, deliveries, bodies, responses, gone;
    int64_t replays;
    int64_t idempotency;
    int64_t audit;
};

struct jobs_options {
    struct loop *loop;
    struct writer *writer;
    struct registry *registry; /* apps with periods of their own, deleted endpoints */
    struct jobs_periods periods;
};

struct jobs *jobs_start(const struct jobs_options *options);
/* SIGHUP: new periods from the next bite on. */
void jobs_set_periods(struct jobs *j, const struct jobs_periods *periods);
/* No further bite; then free after the writer has stopped. */
void jobs_stop(struct jobs *j);
void jobs_free(struct jobs *j);

#endif
