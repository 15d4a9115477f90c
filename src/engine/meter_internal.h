/* SPDX-License-Identifier: Apache-2.0 */
/* meter_internal.h - shared by meter*.c only: meter.c folds, meter_store.c stores. */
#ifndef ENGINE_METER_INTERNAL_H
#define ENGINE_METER_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "engine/meter.h"
#include "net/loop.h"
#include "store/reader.h"
#include "store/tally.h"
#include "store/write.h"

enum meter_tuple_kind { METER_ATTEMPT = 1, METER_EVENT = 2, METER_MADE = 3 };

/* Compared as bytes: no padding. */
struct meter_tuple_key {
    int64_t kind;
    int64_t minute;
    int64_t app;
    int64_t endpoint;
    int64_t type;
    int64_t reason; /* TALLY_REASON_KEY of a failed attempt */
    int64_t state;  /* in which a delivery was made */
};

struct meter_tuple {
    struct list_node node; /* meter->going, or of a bite */
    struct meter_tuple_key key;
    int64_t project; /* known when it goes to the store */
    struct rollup sum;
    int64_t n, bytes;
};

struct meter_seen_key {
    int64_t app;
    int64_t kind; /* 1 type, 2 reason */
    int64_t key;  /* -1: how many there are */
};

struct meter_seen {
    struct meter_seen_key key;
    unsigned count;
};

struct meter_job {
    struct write write;
    struct meter *meter;
    int64_t now;
    int64_t last_no[3]; /* the newest endpoint, app, project */
    int kind;           /* of the row being folded */
    int64_t after;
    int64_t day;
    bool is_out, more;
};

struct meter {
    struct meter_options options;
    struct map tuples; /* key -> tuple, still folding */
    struct list going; /* tuples on their way to the store */
    struct loop_timer flush, job_timer;
    struct map seen;
    int64_t seen_hour;
    struct map apps, types;
    struct meter_stats stats;
    struct meter_job job;
    struct loop_timer depth_timer;
    struct read depth_read;
    int64_t depth;
    unsigned bites_out;
    bool is_stopped;
    bool is_slow;    /* the flush was put off */
    bool has_folded; /* days, since the start */
};

void meter_forget_seen(struct meter *m);

/* meter_store.c */
void meter_timers_start(struct meter *m);
void meter_flush_later(struct meter *m);

#endif
