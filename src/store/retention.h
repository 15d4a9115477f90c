/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retention.h - what is old goes, in small bites inside the writer's background queue.
 *
 * Each kind has a walk of its own over its table, in order of seq, and its place is stored with
 * the bite. Deliveries go by their own age (the end of a delivery counts, not its beginning), so
 * those that a replay made stand in no event's way. What is open is never dropped, nor its
 * event, nor its bytes; nor the newest event and delivery, for the seqs go on from them.
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;

/* Numbers are stored: never change one. */
enum retention_walk {
    RETENTION_EVENTS = 1,
    RETENTION_DELIVERIES = 2, /* with their attempts */
    RETENTION_BODIES = 3,     /* bytes of events and deliveries; the rows stay */
    RETENTION_RESPONSES = 4,  /* response bodies of attempts */
    RETENTION_GONE = 5, /* what is left of deleted endpoints; its place counts endpoints */
    RETENTION_WALKS = 6
};

/* An app with a period of its own, for events and deliveries. */
struct retention_app {
    int64_t app;
    int64_t ms;
};

/* An endpoint that was deleted. */
struct retention_gone {
    int64_t endpoint;
    int64_t deleted_at;
};

/* Borrowed for the run; lists are in order of number. */
struct retention {
    int64_t now;
    int64_t events_ms, deliveries_ms;
    int64_t bodies_ms, responses_ms; /* 0: as long as the row */
    int64_t gone_ms;                 /* history of a deleted endpoint, after it was deleted */
    const struct retention_app *apps;
    size_t app_count;
    const struct retention_gone *gone;
    size_t gone_count;
};

struct retention_bite {
    enum retention_walk walk;
    uint32_t rows_max;
    /* out */
    uint32_t looked, removed;
    bool more; /* the next bite goes on; else the walk is through, and begins anew */
};
NODISCARD int retention_bite(struct db *db, const struct retention *r,
                             struct retention_bite *bite);

/* Replay jobs that ended before, with what belongs to them; the newest stays. */
NODISCARD int replay_expire(struct db *db, int64_t before_ms, bool *ret_more);

#endif
