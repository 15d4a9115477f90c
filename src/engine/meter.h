/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter.h - counts what happened, for statistics (store/tally.h) and for metrics. Main thread.
 *
 * Told after each commit. Equal things of a minute are folded in memory (one look-up each) and
 * added to the store by background writes of METER_BITE tuples: every second while little
 * happens, every METER_SLOW_MS under load. What a crash takes with it are the seconds between.
 * It also folds days, and removes counts that are too old.
 */
#ifndef ENGINE_METER_H
#define ENGINE_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/rollup.h"

struct event_publish;
struct loop;
struct meter;
struct outcome;
struct readers;
struct registry;
struct writer;

enum {
    METER_TUPLES_MAX = 100000, /* that wait; beyond, they are lost and counted as that */
    METER_BITE = 200,          /* tuples of one write */
    METER_QUICK = 500,         /* with at most so many it stores every second */
    METER_QUICK_MS = 1000,
    METER_SLOW_MS = 10000,
    METER_KEYS_MAX =
        100, /* event types, and faults, of an app that are told apart in an hour */
    METER_SEEN_MAX = 200000,    /* of all apps */
    METER_JOB_MS = 3600 * 1000, /* between two rounds of folding days and expiring */
    METER_DEPTH_MS = 5000,      /* between two looks at the queue */
    METER_DEPTH_MAX = 100000,
    METER_MINUTE_DAYS = 2,
    METER_HOUR_DAYS = 93
};

struct meter_options {
    struct loop *loop;
    struct writer *writer;
    struct registry *registry;
    struct readers *readers; /* NULL: the queue's depth is not known */
    int64_t days;            /* how long daily counts are kept */
};

struct meter *meter_new(const struct meter_options *options);
/* Store what waits; then free it once the writer has stopped. */
void meter_stop(struct meter *m);
/* Instead of meter_stop: what waits is not stored. */
void meter_discard(struct meter *m);
void meter_free(struct meter *m); /* NULL allowed */

/* An outcome with an attempt that was stored. NULL for m is allowed in both. */
void meter_outcome(struct meter *m, const struct outcome *o);
/* A new event. */
void meter_publish(struct meter *m, const struct event_publish *p);

/* --- for metrics: since the start */
struct meter_app {
    int64_t app;
    uint64_t events, ok, failed;
};
struct meter_type {
    int64_t type;
    uint64_t events;
};
struct meter_stats {
    struct rollup all; /* every attempt */
    uint64_t events;
    uint64_t lost; /* tuples */
    size_t waiting;
    size_t apps, types;
    int64_t queue_depth; /* open deliveries some seconds ago, up to METER_DEPTH_MAX + 1 */
};
void meter_stats(const struct meter *m, struct meter_stats *ret_stats);
/* The busiest ones, most attempts (events) first; how many were written. */
size_t meter_top_apps(const struct meter *m, struct meter_app *ret_apps, size_t max);
size_t meter_top_types(const struct meter *m, struct meter_type *ret_types, size_t max);

#endif
