/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - decides everything about deliveries and does nothing.
 *
 * The shell (engine/engine.c, or the simulator) hands in what happened, with the time, and carries out the
 * actions that come back, in order. No clock, random, I/O, threads or allocation after core_init; ordered
 * iteration only. `now` is milliseconds of a clock that never goes back (CLOCK_BOOTTIME); due times from the
 * store are translated by the shell: due = now + (wall due - wall now). `now` is above 0; a due time before
 * (an old one, after a reboot) counts as 1; exactly 0 means fresh. The shell translates with one constant
 * offset, for bounds found with one must not be read with another; after a jump of the wall clock it takes a
 * new one and sends ENDPOINT_BACKLOG for every endpoint that has open work. A few milliseconds of jitter do
 * no harm.
 *
 * What it keeps per endpoint is a window of open deliveries; the rest stay in the store's table `due`:
 *  - fresh (never sent): those with seq <= upto are in memory or done; beyond it, if `paged`, in the table.
 *  - retries: those due at or before the endpoint's horizon are in memory; later ones in the table.
 * A load passes through the writer as a barrier, so it sees every outcome submitted before it; and what the
 * writer did comes back (LOADED, OUTCOME_STORED, COMMITTED, RETRY_NOW, CANCEL) in the order in which it did
 * it.
 *
 *  states of a delivery (see docs/states.md)
 *
 *   pending -> sending -> delivered
 *                 |-----> retrying -> sending ...
 *                 `-----> failed  -> sending   (by a person's retry)
 *   cancelled   filtered   skipped               (never sent)
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/retry.h"

struct core;

struct core_limits {
    uint32_t endpoints_max;   /* 100,000 */
    uint32_t apps_max;        /* 100,000 */
    uint32_t deliveries_max;  /* 200,000 in memory in all */
    uint32_t window_max;      /* 1,000 per endpoint */
    uint32_t app_concurrency; /* 50 */
    uint32_t slots_max;       /* egress processes x 2,000 */
    uint32_t uncommitted_max; /* 4,096 outcomes submitted, not committed */
    uint32_t slow_ms; /* 5,000: median above it is the slow class, at most half of all slots */
};

/* Memory of that size, zeroed (mmap, touched on use), given to core_init and owned by the caller. */
size_t core_size(const struct core_limits *limits);
struct core *core_init(void *memory, const struct core_limits *limits);

enum core_endpoint_status { CORE_ACTIVE, CORE_PAUSED, CORE_DISABLED };

/* GCRA: one start per period_ms / requests, and `burst` of them at once after a rest. So any span of period_ms
 * holds at most requests + burst - 1 starts. After a restart the burst is there anew. */
struct core_rate {
    uint32_t requests; /* 0 = no limit; at most CORE_RATE_MAX */
    uint32_t burst;    /* 1..requests */
    int64_t period_ms; /* 1..CORE_RATE_PERIOD_MAX_MS */
};

/* Judged when the last `window` attempts are known: more than threshold_percent of them 5xx or network. */
struct core_breaker {
    uint8_t window; /* 0 = off; at most CORE_BREAKER_WINDOW_MAX */
    uint8_t threshold_percent;
    uint32_t open_ms;
};

/* When an endpoint is disabled; 0 = this rule is off. */
struct core_rules {
    uint32_t pause_after; /* attempts in a row that failed, over all deliveries */
    uint32_t
        exhausted; /* deliveries exhausted (attempts or age used up); at most CORE_EXHAUSTED_MAX */
    int64_t exhausted_ms; /* within this time */
};

/*
 * One delivery at a time, in order of seq; the next one when the one before has ended. What a person retries
 * goes first. Deliveries that waited for a retry when the order was switched on are finished before the others.
 *  - skip: one that failed gives way.
 *  - block: one that failed is tried once more when it is max_age old (ORDER_AGE_MS without one) and holds
 *    back the others until then, or until a person has it delivered or cancels it. `why` of its outcome says
 *    so, with the verdict CORE_RETRY. A sender that crashed thrice over it makes it give way.
 */
enum core_ordered { CORE_UNORDERED, CORE_ORDER_SKIP, CORE_ORDER_BLOCK };

enum {
    CORE_RATE_MAX = 1000000,
    CORE_RATE_PERIOD_MAX_MS = 24 * 3600 * 1000,
    CORE_BREAKER_WINDOW_MAX = 128,
    CORE_EXHAUSTED_MAX = 32
};

/* What the core must know of an endpoint. `ep` is a small dense number that the shell gives (its registry
 * slot, < endpoints_max), `app` likewise. */
struct core_endpoint {
    uint32_t app;
    enum core_endpoint_status status;
    uint16_t concurrency; /* 10 */
    struct retry_policy retry;
    struct core_rate rate;
    struct core_breaker breaker;
    struct core_rules rules;
    enum core_ordered ordered;
    /* What an earlier life of the process knew; looked at when the endpoint is new to the core. */
    uint32_t failures; /* attempts in a row that failed */
    uint32_t exhausted_count;
    int64_t exhausted_at[CORE_EXHAUSTED_MAX]; /* on the core's clock, oldest first */
};

/* A delivery as loaded or as just committed. `due` is on the core's clock; 0 = first attempt, at once. */
struct core_delivery {
    int64_t seq;
    int64_t event; /* opaque, handed back at start */
    int64_t due;
    int64_t accepted; /* when it was created, on the core's clock (may be negative) */
    uint32_t ep;
    uint16_t attempts; /* sends so far */
};

enum core_load_kind { CORE_LOAD_FRESH, CORE_LOAD_RETRIES };

enum core_input_kind {
    CORE_IN_TICK,          /* nothing happened but time */
    CORE_IN_ENDPOINT_SET,  /* ep, endpoint: new or changed */
    CORE_IN_ENDPOINT_GONE, /* ep: its deliveries are dropped from memory */
    CORE_IN_APP_SET,       /* app, rate: of all its endpoints together */
    /* ep, has_fresh, retry_due (0 = none): work in the table: at start, found by the sweep, or when the outcome
     * of a publish was unknown. What is in memory stays; the table is read again from there on. Any time. */
    CORE_IN_ENDPOINT_BACKLOG,
    CORE_IN_COMMITTED, /* delivery: fresh and committed just now; in order of seq per endpoint */
    CORE_IN_LOADED, /* answer to each CORE_ACT_LOAD, except when its endpoint is gone by then */
    CORE_IN_ATTEMPT_DONE,   /* slot, result */
    CORE_IN_OUTCOME_STORED, /* slot: its outcome is committed; the slot is free */
    /* delivery: a person's retry, whatever its state and the endpoint's status; is_open says whether it had a row
     * in due. Ignored while it is being sent; when memory is full core_find still says CORE_NOWHERE. */
    CORE_IN_RETRY_NOW,
    /* ep, seq: forget it (the shell has stored the cancel). Was it being sent (core_find), its outcome comes
     * with old_due -1 and keep_schedule; one submitted just before finds a cancelled row: the store then
     * changes the state for a 2xx only. */
    CORE_IN_CANCEL,
    CORE_IN_SLOTS, /* slots: how many attempts egress takes now (0 = none, as at the beginning) */
    CORE_IN_STORE, /* store_ok: no new attempt and no load starts while false; true at the beginning */
    CORE_IN_DRAIN /* start nothing any more */
};

enum core_failure {
    CORE_GOT_RESPONSE, /* result.status_code is valid */
    CORE_NETWORK,      /* refused, reset, DNS, TLS, ... */
    CORE_TIMED_OUT,
    CORE_PROHIBITED, /* the guard refused the address: as network */
    CORE_CONN_DIED_REUSED, /* a reused connection died before a response: once at once on a fresh one */
    CORE_SENDER_CRASHED /* egress died; the second time it is sent alone, the third is failed */
};

struct core_result {
    enum core_failure failure;
    int32_t status_code;
    int64_t retry_after_ms; /* -1 = none given; else as asked, the core clamps */
    int64_t duration_ms;
    uint32_t random; /* for jitter */
};

struct core_loaded {
    uint32_t ep;
    enum core_load_kind kind;
    const struct core_delivery *rows; /* in the order asked for */
    uint32_t count;
    bool failed; /* nothing was read; ask again */
    /* fresh: every open fresh row with seq <= upto was visible to this load (the writer's counter then);
     * end = fewer rows than the limit. */
    int64_t upto;
    bool end;
};

struct core_input {
    enum core_input_kind kind;
    uint32_t ep;
    const struct core_endpoint *endpoint;
    uint32_t app;
    struct core_rate rate;
    struct core_delivery delivery;
    bool is_open;
    bool has_fresh;
    int64_t retry_due;
    int64_t seq;
    const struct core_loaded *loaded;
    uint32_t slot;
    const struct core_result *result;
    uint32_t slots;
    bool store_ok;
};

enum core_action_kind {
    CORE_ACT_START, /* send attempt `number` of delivery; slot is its handle until OUTCOME_STORED */
    CORE_ACT_OUTCOME, /* store what ATTEMPT_DONE meant: verdict, next due; then OUTCOME_STORED */
    CORE_ACT_LOAD, /* read rows (kind, after_due/after_seq, limit) through the writer; then LOADED */
    /* The core holds this endpoint as disabled from now on (disable says why); the shell stores it and sends
     * ENDPOINT_SET. */
    CORE_ACT_DISABLE
};

enum core_disable { CORE_DISABLE_GONE, CORE_DISABLE_FAILURES, CORE_DISABLE_EXHAUSTED };

enum core_verdict { CORE_DELIVERED, CORE_RETRY, CORE_FAILED };

enum core_why {
    CORE_WHY_NONE,
    CORE_WHY_ATTEMPTS,
    CORE_WHY_AGE,
    CORE_WHY_PERMANENT,
    CORE_WHY_RETRY_OFF,
    CORE_WHY_SENDER_CRASH
};

struct core_action {
    enum core_action_kind kind;
    uint32_t ep;
    uint32_t slot;
    uint32_t limit; /* LOAD: so many rows at most */
    struct core_delivery
        delivery; /* attempts = sends before this one (START), after it (OUTCOME) */
    bool manual;
    bool fresh_connection; /* START: do not reuse a connection */
    bool alone;            /* START: in a fresh egress process of its own (crash suspect) */
    bool
        keep_schedule; /* OUTCOME: a manual retry failed (or the delivery was cancelled or its endpoint deleted
                            * while it was being sent): state and due row stay as they were */
    enum core_verdict verdict; /* OUTCOME */
    enum core_why why;         /* OUTCOME */
    enum core_load_kind load;  /* LOAD */
    int64_t due;               /* OUTCOME, CORE_RETRY: when, on the core's clock */
    uint32_t failures;         /* OUTCOME: attempts in a row that failed, with this one */
    bool is_exhausted;         /* OUTCOME: counts for the rule `exhausted` */
    enum core_disable disable; /* DISABLE */
    int64_t
        old_due; /* OUTCOME: key of its row in due before: 0 fresh, > 0 retry, -1 it had none */
    /* LOAD: fresh rows with seq > after_seq, or retries with due > after_due (0 = from the first) in order of
     * (due, seq). A delivery that is in memory is passed over, so more rows than needed do no harm. */
    int64_t after_due;
    int64_t after_seq;
};

enum {
    CORE_ACTIONS_MAX = 256,
    CORE_LOAD_ROWS = 256 /* a load's limit is at most the larger of this and window_max */
};

/* Feed one input; writes at most CORE_ACTIONS_MAX actions to ret_actions and returns their number. When the
 * array was filled, *ret_more is true: call again with CORE_IN_TICK at the same time. */
uint32_t core_step(struct core *core, int64_t now, const struct core_input *input,
                   struct core_action *ret_actions, bool *ret_more);

/* When the next CORE_IN_TICK is needed at the latest; INT64_MAX = none. */
int64_t core_next_wake(const struct core *core);

enum core_place { CORE_NOWHERE, CORE_WAITING, CORE_SENDING };
/* Where a delivery is in memory, by seq. */
enum core_place core_find(const struct core *core, int64_t seq);

/* For the sweep, which reads the table through the writer: does the core know of this open row (due on its
 * clock, 0 = fresh), in memory or as one that a load will bring? If not: ENDPOINT_BACKLOG. */
bool core_covers(const struct core *core, uint32_t ep, int64_t seq, int64_t due);

/* closed -> open -> half open (one probe) -> ramp (twice the slots after as many good ones) -> closed */
enum core_circuit {
    CORE_CIRCUIT_CLOSED,
    CORE_CIRCUIT_OPEN,
    CORE_CIRCUIT_HALF_OPEN,
    CORE_CIRCUIT_RAMP
};

/* Derived health of an endpoint for display and metrics. */
struct core_health {
    uint32_t in_memory, sending;
    uint32_t consecutive_failures;
    uint32_t exhausted; /* that the rule counts now */
    uint32_t slots_earned;
    enum core_circuit circuit;
    int64_t circuit_until; /* open: when it is half open; else 0 */
    int64_t rate_at;       /* its rate holds it back until then; 0 = not now */
    bool slow, paged, retries_in_table;
    int64_t median_ms;
};
void core_health(const struct core *core, uint32_t ep, struct core_health *ret_health);

struct core_stats {
    uint32_t deliveries, sending, uncommitted, slow_slots, open_circuits;
    uint64_t started, loads, dropped_to_table;
};
void core_stats(const struct core *core, struct core_stats *ret_stats);

/* Walk all invariants (every list, map, count, window, limit); aborts on a breach. For tests and the
 * simulator; O(everything). */
void core_check(const struct core *core);

#endif
