/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - what the core remembers; for the files of src/core only.
 *
 * All of it lies in the one memory given to core_init: arrays, and indices instead of pointers. Index 0 of
 * each array means "none" and is never used, so zeroed memory is an empty core and only what is used is
 * touched. Inside, an endpoint, app or slot has its outer number + 1.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "core/core.h"
#include "core/rate.h"

enum {
    LOOKAHEAD_MS = 60 * 1000, /* retries due later than that stay in the table */
    SLACK_MS = 5,        /* a load reads again that much, for a shell whose clocks jitter */
    LOADS_MAX = 256,     /* loads under way in all */
    LOAD_AGAIN_MS = 500, /* after a failed load */
    WINDOW_EXTRA = 10,   /* a window is at least concurrency + this */
    UNPROVEN_AFTER = 10, /* failures in a row after which a success no longer counts */
    CRASHES_MAX = 3,     /* sender crashes of one delivery until it fails */
    RESERVE_SHARE = 64,  /* one part in that many of the memory is kept for people's retries */
    DURATIONS = 8,       /* the median is taken over that many attempts */
    ORDER_AGE_MS =
        259200000 /* so long a failed one blocks an order whose policy has no max_age */
};

/*
 * Where a delivery in memory is:
 *
 *   free -> fresh  -+
 *        -> retry  -+-> sending -> storing -> free | fresh | retry | urgent
 *        -> urgent -+
 *
 * fresh, retry and urgent wait (each may go to urgent, or free when dropped to the table or cancelled).
 */
enum item_state { ITEM_FREE, ITEM_FRESH, ITEM_RETRY, ITEM_URGENT, ITEM_SENDING, ITEM_STORING };

/* Items in order of (key, seq): a treap of indices. */
struct order {
    uint32_t root;
    uint32_t count;
};

struct item {
    int64_t seq;
    int64_t event;
    int64_t accepted;
    int64_t row_due; /* key of its row in `due`: 0 fresh, > 0 retry, -1 it has none */
    int64_t key;     /* its place in the order */
    uint32_t ep;     /* 0 = its endpoint went away while it was being sent */
    uint32_t left, right, parent; /* in the order; left also chains the free ones */
    uint32_t chain;               /* next of the same hash */
    uint16_t attempts;
    uint8_t state;
    uint8_t crashes;
    bool manual;
    bool fresh_connection; /* the next attempt must not reuse a connection */
    bool cancelled;        /* while it was being sent */
};

struct slot {
    int64_t started;
    int64_t due; /* of the outcome, CORE_RETRY */
    uint32_t item;
    uint32_t ep;
    uint32_t app;
    uint32_t next,
        prev; /* slots of the endpoint in order of start; next also chains the free ones */
    uint8_t verdict;
    bool used;
    bool is_retry; /* counts against the retries' half */
    bool keep_schedule;
    bool at_once;  /* the next attempt follows at once */
    bool is_probe; /* its result moves a circuit that is not closed */
};

/* Endpoints that answered well lately; that have not; that hang or are slow. */
enum endpoint_class { CLASS_PROVEN, CLASS_UNPROVEN, CLASS_SLOW, CLASS_COUNT };

enum { LOAD_KINDS = 2 };

/* When to look again; in the heap of wakes. */
struct wake {
    int64_t at;
    uint32_t place; /* in the heap, 0 = not in it */
};

/* The last attempts that the breaker judges, as bits: 1 = bad. */
struct window_bits {
    uint64_t bits[CORE_BREAKER_WINDOW_MAX / 64];
    uint8_t count, at, bad;
};

/* When deliveries were exhausted; a row of its own, for most endpoints never touch it. */
struct exhausts {
    int64_t at[CORE_EXHAUSTED_MAX];
    uint8_t next;
};

struct endpoint {
    int64_t upto;    /* fresh rows with seq <= upto are in memory or done */
    int64_t seen;    /* highest seq that came as committed */
    int64_t horizon; /* retries due at or before it are in memory */
    int64_t
        table_due; /* no retry outside memory is due before it; INT64_MAX = all are in memory */
    int64_t
        load_after[LOAD_KINDS]; /* no load before, after one that failed or brought nothing */
    struct wake wake;           /* when to look at it again */
    int64_t circuit_until;      /* CORE_CIRCUIT_OPEN */
    int64_t exhausted_ms;
    struct rate rate;
    struct order fresh;
    struct order retry;
    struct order urgent; /* a person's retries and those that follow at once */
    uint32_t app;
    uint32_t held; /* items that belong to it, wherever they are */
    uint32_t slots_first, slots_last;
    uint32_t ring_next, ring_prev;     /* ready endpoints of the app */
    uint32_t hungry_next, hungry_prev; /* endpoints that want a load */
    uint32_t consecutive_failures;
    uint32_t pause_after;
    uint32_t open_ms;
    struct window_bits judged;
    uint32_t rate_second, rate_now,
        rate_before;               /* deliveries of this second and the one before */
    uint32_t promised[LOAD_KINDS]; /* rows that a load under way may bring */
    uint32_t durations[DURATIONS];
    uint32_t median_ms;
    uint16_t concurrency;
    uint16_t earned;
    uint16_t in_flight;
    uint16_t retries_in_flight;
    uint8_t status;
    uint8_t class;      /* as counted in class_slots */
    uint8_t ring_class; /* of the ring that it is in */
    uint8_t policy;     /* a preset, or RETRY_CUSTOM: its own row */
    uint8_t duration_count, duration_at;
    uint8_t breaker_window, breaker_percent;
    uint8_t circuit;
    uint16_t ramp,
        ramp_left; /* slots of the ramp; good attempts until there are twice as many */
    uint8_t exhausted_max;
    uint8_t exhausted; /* stamps in its row of exhausts */
    uint8_t ordered;
    bool known;
    bool proven;
    bool paged;
    bool ready;  /* in a ring */
    bool hungry; /* in the list of those that want a load */
    bool retry_turn;
    bool loading[LOAD_KINDS];
    bool discard[LOAD_KINDS]; /* what the load under way brings is out of date */
};

struct app {
    struct wake wake;
    struct rate rate;
    uint32_t in_flight;
    struct {
        uint32_t first; /* the endpoint whose turn is next */
        uint32_t next, prev;
        bool linked;
    } ring[CLASS_COUNT];
};

struct core {
    struct core_limits limits;
    int64_t now;
    struct item *items;
    uint32_t *buckets;
    struct slot *slots;
    struct endpoint *endpoints;
    struct retry_policy *policies; /* own rows, by endpoint */
    struct exhausts *exhausted;    /* by endpoint */
    struct app *apps;
    uint32_t *wakes; /* endpoints, and behind endpoints_max apps */
    struct retry_policy presets[RETRY_CUSTOM];
    uint32_t bucket_mask;
    uint32_t items_used, items_free, items_count; /* ever used, chain of free ones, in memory */
    uint32_t slots_used, slots_free, in_flight, uncommitted;
    uint32_t slots_now;                /* how many egress takes */
    uint32_t class_slots[CLASS_COUNT]; /* slots held by endpoints of that class */
    uint32_t class_ring[CLASS_COUNT];  /* the app whose turn is next */
    uint32_t class_turn;
    uint32_t wake_count;
    uint32_t hungry_first, hungry_last;
    uint32_t loads, promised;
    uint32_t open_circuits;
    bool store_ok;
    bool draining;
    struct core_action *actions; /* of the step under way */
    uint32_t action_count;
    struct core_stats stats;
};

#endif
