/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - lists over the whole log: deliveries and events of many apps, with filters that have
 * several values. Reader side.
 *
 * Rows are looked at in order of seq, wanted or not, through an index that exists, at most
 * LEDGER_LOOK_MAX in one call; so no filter makes a call long. When that many were looked at and
 * the page is not full, it ends there and says where to go on. Failed, cancelled, filtered and
 * skipped deliveries stand in a narrow table of their own (delivery_ended, kept by triggers), so
 * that the few among many are found at once.
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/delivery.h"
#include "store/event.h"

struct db;

enum {
    LEDGER_LOOK_MAX = 10000,   /* rows that a page looks at */
    LEDGER_COUNT_MAX = 10000,  /* rows that are counted; beyond: "10000+" */
    LEDGER_COUNT_LOOK = 50000, /* rows that a count looks at */
    LEDGER_CHUNK = 1000
};

struct ledger_query {
    const int64_t *apps; /* numbers, ascending: rows of others are not wanted */
    size_t app_count;
    const int64_t *endpoints; /* with some: only theirs, by their index; events: none */
    size_t endpoint_count;
    const int64_t *types; /* any of them; none: all */
    size_t type_count;
    uint32_t states;      /* bits 1 << state; 0 = any */
    int32_t code;         /* 0 = any */
    int32_t error;        /* 0 = any */
    int64_t since, until; /* created_at, wall ms, 0 = open */
    int64_t after_seq;    /* exclusive, in the direction of travel; 0 = from the end */
    bool ascending;
    uint32_t limit;
};

struct ledger_page {
    struct delivery_row *deliveries; /* ledger_deliveries */
    struct event_row *events;        /* ledger_events; without bodies */
    size_t count;
    int64_t looked_to; /* 0: the page is full, or the log is at its end; else go on behind it */
};

NODISCARD int ledger_deliveries(struct db *db, const struct ledger_query *q,
                                struct arena *arena, struct ledger_page *ret_page);
NODISCARD int ledger_events(struct db *db, const struct ledger_query *q, struct arena *arena,
                            struct ledger_page *ret_page);
/*
 * How many rows the query has, whatever its limit and place; *ret_exact false: at least so many.
 */
NODISCARD int ledger_count_deliveries(struct db *db, const struct ledger_query *q,
                                      int64_t *ret_count, bool *ret_exact);
NODISCARD int ledger_count_events(struct db *db, const struct ledger_query *q,
                                  int64_t *ret_count, bool *ret_exact);

#endif
