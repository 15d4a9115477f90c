/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs.h - background work: retention of events with their deliveries and attempts, and of idempotency keys, in
 * small bites through the writer's background queue. Main thread.
 */
#ifndef ENGINE_JOBS_H
#define ENGINE_JOBS_H

#include <stdint.h>

#include "base/err.h"

struct jobs;
struct loop;
struct writer;

enum { JOBS_EVERY_MS = 60000, JOBS_BITE_ROWS = 200 };

struct jobs_options {
    struct loop *loop;
    struct writer *writer;
    int64_t retention_ms;
    int64_t idempotency_ms;
    int64_t audit_ms;
};

struct jobs *jobs_start(const struct jobs_options *options);
/* SIGHUP: new periods from the next bite on. */
void jobs_set_periods(struct jobs *j, int64_t retention_ms, int64_t idempotency_ms,
                      int64_t audit_ms);
/* No further bite; then free after the writer has stopped. */
void jobs_stop(struct jobs *j);
void jobs_free(struct jobs *j);

#endif
