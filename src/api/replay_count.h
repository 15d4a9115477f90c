/* SPDX-License-Identifier: Apache-2.0 */
/* replay_count.h - how much a replay would repeat: counted in a reader thread, by the very looks that the job
 * will take. */
#ifndef API_REPLAY_COUNT_H
#define API_REPLAY_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "api/replay_form.h"
#include "base/arena.h"
#include "base/err.h"

struct db;

struct replay_count_part {
    struct replay_look look;
    int64_t total;
};

struct replay_count {
    int64_t app;
    enum replay_mode mode;
    int64_t total_max;
    /* by ids */
    const struct id *ids;
    size_t id_count;
    size_t unknown; /* out, 1 + the place of an id that the app has no delivery of */
    /* by filter: given; by ids: out */
    struct replay_count_part *parts;
    size_t part_count;
    int64_t upto_delivery, upto_event; /* 0: up to now (out) */
    /* out */
    int64_t total;
    size_t endpoints; /* that have something */
    int64_t most;     /* of one endpoint */
    int64_t oldest, newest;
};

/* On the main thread: the parts of a filter. */
void replay_count_begin(struct replay_count *c, const struct replay_draft *draft,
                        struct arena *arena);
/* In a reader thread. -E_LIMIT: more than total_max. */
NODISCARD int replay_count_run(struct replay_count *c, struct db *db, struct arena *arena);

#endif
