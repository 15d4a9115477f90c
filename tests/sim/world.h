/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - the simulated world around a core: a clock, a store with a writer, receivers, people, faults,
 * and the oracle that watches. Everything follows from the seed.
 *
 *   world.c     the clock and the shell: feeds the core, carries out its actions, starts and crashes it
 *   table.c     the store: rows, the writer's batches, commits that fail or whose outcome is unknown
 *   people.c    receivers with their personalities, and what people and faults do
 *   oracle.c    promises 1 to 3, checked at every start, outcome and sweep, and at the end
 *   rules.c     the oracle of rate, circuit, order and of what disables an endpoint
 *   cover.c     the situations that must have been reached by all seeds together
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/core.h"

enum {
    EPS_MAX = 320,
    APPS_MAX = 20,
    LOGICALS_MAX = 400,
    ROWS_MAX = 8000,
    SLOTS_MAX = 400,
    TARGETS_MAX = 8,
    STARTS_KEPT = 64
};
#define SECOND     INT64_C(1000)
#define MINUTE     (60 * SECOND)
#define HOUR       (60 * MINUTE)
#define WALL_START INT64_C(1700000000000)
#define NOBODY     UINT32_MAX

/* --- randomness of our own, so that a seed is the same everywhere */
uint32_t sim_random(uint64_t *state);
uint32_t sim_below(uint64_t *state, uint32_t n);                 /* 0 <= x < n */
int64_t sim_between(uint64_t *state, int64_t low, int64_t high); /* both included */
bool sim_chance(uint64_t *state, uint32_t permille);

/* --- endpoints: `ep` is the core's number and is used again, a logical endpoint lives once */
enum personality {
    PERSON_OK,
    PERSON_SLOW, /* answers after more than slow_ms */
    PERSON_REFUSES,
    PERSON_HANGS,  /* time-out */
    PERSON_FLAPS,  /* fine for a while, 500 for a while */
    PERSON_LIMITS, /* 429 with Retry-After */
    PERSON_RESETS, /* answers 2xx, but the connection is cut before the end */
    PERSON_GONE,   /* 410 */
    PERSON_DIES,   /* reused connections die */
    PERSON_MIXED,  /* any status */
    PERSON_COUNT
};

/* The starts since a limit was set: the latest STARTS_KEPT of them. */
struct starts {
    int64_t at[STARTS_KEPT];
    uint32_t count;
};

enum circuit { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_PROBED };

/* What the rules say of an endpoint in this life of the process, worked out apart from the core. */
struct rules {
    struct core_endpoint told; /* the core's latest word */
    struct starts starts;
    bool judged[CORE_BREAKER_WINDOW_MAX]; /* bad ones, latest last */
    uint32_t judged_count;
    enum circuit circuit;
    int64_t open_until;
    uint32_t level, good_left;
    uint32_t failures;
    int64_t exhausted[CORE_EXHAUSTED_MAX]; /* latest last */
    uint32_t exhausted_count;
    bool is_disable_owed;
    enum core_disable disable;
    uint32_t still_serial; /* of the latest attempt when it was seen to stand still */
    int64_t still_at;      /* 0 = it did not */
};

struct logical {
    struct core_endpoint config;
    struct rules rules;
    uint32_t ep;
    enum personality personality;
    uint32_t latency_ms;
    uint32_t max_attempts_ever;
    int64_t last_first; /* seq of its latest first attempt in this life of the process */
    bool is_deleted;
    bool is_order_new; /* it was switched on, and the core is not told yet */
};

enum row_state { ROW_PENDING, ROW_RETRYING, ROW_DELIVERED, ROW_FAILED, ROW_CANCELLED };

/* A row of the table, and what the oracle knows of it. Its index is its seq. */
struct row {
    int64_t next_at; /* key in `due`: wall; 0 fresh, -1 not open */
    int64_t created_at;
    uint32_t logical;
    enum row_state state;
    uint16_t attempts;
    bool is_acked;
    /* the oracle's */
    bool is_sending;
    bool is_poison; /* crashes the sender */
    bool is_cancel_told;
    enum core_why why;
    int32_t last_status; /* of the latest stored attempt; 0 = none */
    uint32_t received;   /* answered with 2xx in full */
    uint32_t excused;    /* was in flight at a crash */
    uint32_t starts, manual_starts,
        followed; /* sends; by people; at once after a dead connection */
    uint32_t crashes;
    uint32_t blocked; /* outcomes after which it blocked the others */
    bool is_exempt;   /* from the order: it had begun before the order was switched on */
};

struct attempt {
    struct core_action action;
    struct core_result result;
    int64_t received_at; /* when the receiver had it in full */
    uint32_t serial;     /* to tell a late end from another attempt in this slot */
    uint32_t logical;
    uint32_t app;
    bool is_taken;     /* until its outcome is stored */
    bool is_under_way; /* until it has a result */
    bool is_2xx;       /* answered in full */
    bool is_probe;     /* of a circuit */
    bool is_cancelled; /* while it was being sent */
    bool kills;
};

/* --- the writer's queues */
enum write_kind {
    WRITE_OUTCOME,
    WRITE_PUBLISH,
    WRITE_LOAD,
    WRITE_CANCEL,
    WRITE_RETRY_NOW,
    WRITE_BACKLOG,
    WRITE_SWEEP
};

struct write {
    enum write_kind kind;
    struct core_action action; /* outcome, load */
    int64_t seq;               /* cancel, retry now; publish: the first seq it got */
    uint32_t logical;          /* load */
    uint32_t targets[TARGETS_MAX];
    uint32_t target_count;
    bool is_applied; /* by a commit whose outcome was unknown */
    /* what was read while it ran */
    struct core_delivery *rows;
    uint32_t row_count;
    bool is_end;
    int64_t upto;
    struct row before;
};

struct queue {
    struct write *writes;
    uint32_t count, cap;
};

enum fault { FAULT_NONE, FAULT_FULL, FAULT_UNKNOWN };

struct writer {
    struct queue outcomes, publishes, background, batch;
    bool is_busy;
    enum fault fault; /* of the commits to come */
    int64_t fault_until;
    int64_t stall_until;
    bool store_ok; /* as the core was told */
    bool
        is_backlog_owed; /* a commit was unknown and the core was not told yet what is in the table */
};

enum event_kind {
    EVENT_PERSON,  /* somebody does something */
    EVENT_END,     /* of an attempt: slot, serial */
    EVENT_COMMIT,  /* of the batch: serial */
    EVENT_START,   /* of the process */
    EVENT_SLOTS,   /* egress is back */
    EVENT_DISABLE, /* of a logical endpoint, after 410 */
    EVENT_BACKLOG, /* the table is read again after an unknown commit */
    EVENT_SWEEP
};

struct event {
    int64_t at;
    uint64_t order;
    enum event_kind kind;
    uint32_t number;
    uint32_t serial;
};

struct world {
    uint64_t seed;
    uint64_t random;
    int64_t now;       /* true time */
    int64_t wall_skew; /* what is wrong with the wall clock */
    int64_t base;      /* the core's clock - true time, constant in a life of the process */
    int64_t offset;    /* the process's wall clock - the core's clock, likewise */
    struct core *core;
    void *memory;
    size_t memory_size;
    struct core_limits limits;
    uint32_t slots_now;
    bool is_up;
    bool is_healing;
    int64_t healed_at;
    uint32_t life; /* of the process */

    struct logical *logicals;
    uint32_t logical_count;
    uint32_t by_ep[EPS_MAX]; /* logical, or NOBODY */
    struct core_rate app_rates[APPS_MAX];
    struct starts app_starts[APPS_MAX];
    int64_t still_looked_at;
    uint32_t ep_count;
    struct row *rows;
    int64_t row_count; /* = highest seq */
    struct attempt attempts[SLOTS_MAX];
    uint32_t in_flight;
    struct writer writer;

    struct event *events;
    uint32_t event_count, event_cap;
    uint64_t event_order;
    uint32_t serial;
    uint32_t people_left;   /* how often somebody still does something */
    uint32_t publish_first; /* until so many are left: only publishing */
    int64_t gap_ms;
    uint64_t steps;
    uint64_t trace; /* hash of all actions with their times */
    bool check_every_step;
    bool is_verbose;
};

/* world.c */
void world_run(struct world *world, uint64_t seed); /* zeroed, or used before */
void world_free(struct world *world);
int64_t world_core_now(const struct world *world);
int64_t world_wall(const struct world *world);
int64_t world_to_core(const struct world *world, int64_t wall);
int64_t world_to_wall(const struct world *world, int64_t core_time);
void world_step(struct world *world, const struct core_input *input);
void world_at(struct world *world, int64_t at, enum event_kind kind, uint32_t number,
              uint32_t serial);
void world_crash(struct world *world);
void world_set_endpoint(struct world *world, uint32_t logical);
void world_set_app(struct world *world, uint32_t app);
void world_set_slots(struct world *world, uint32_t slots);
void world_end_attempt(struct world *world, uint32_t slot, const struct core_result *result);
_Noreturn void world_fail(const struct world *world, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* table.c */
void table_submit(struct world *world, const struct write *write);
void table_run(struct world *world); /* begins a batch when there is one and none runs */
void table_commit(struct world *world);
void table_crash(struct world *world); /* what was not committed is lost */
void table_backlog(struct world *world, uint32_t ep, struct core_input *ret_input);
bool table_is_open(const struct row *row);
int64_t table_due(const struct world *world,
                  const struct row *row); /* of an open row, for the core */
bool table_is_idle(const struct world *world);
void table_free(struct world *world);

/* people.c */
void people_build(struct world *world); /* limits, endpoints, from the seed */
void people_act(struct world *world);
void people_heal(struct world *world);
void people_answer(struct world *world, const struct core_action *start,
                   struct attempt *ret_attempt, int64_t *ret_took_ms);

/* oracle.c: each fails the run when a promise is broken */
void oracle_start(struct world *world, const struct core_action *action);
void oracle_outcome(struct world *world, const struct core_action *action);
void oracle_sweep(struct world *world);
void oracle_received(struct world *world, int64_t seq);
void oracle_end(struct world *world);

/* rules.c: likewise */
void rules_restart(struct world *world, uint32_t logical);
/* The core is told of it now. */
void rules_told(struct world *world, uint32_t logical);
/* An attempt starts; true = it is a probe of the circuit. */
bool rules_start(struct world *world, const struct core_action *action);
void rules_outcome(struct world *world, const struct core_action *action);
void rules_disable(struct world *world, const struct core_action *action);
void rules_sweep(struct world *world);

/* cover.c */
#define COVER_TABLE(X)                                                                         \
    X(LOAD_FRESH, "fresh deliveries are loaded")                                               \
    X(LOAD_RETRIES, "retries are loaded")                                                      \
    X(LOAD_PAGE, "a load that is not the last page")                                           \
    X(LOAD_FAILED, "a load fails")                                                             \
    X(LOAD_STALE, "an endpoint stops or goes while a load is under way")                       \
    X(DUE_BEFORE_BOOT, "a retry was due before the clock began")                               \
    X(PAGED, "an endpoint is paged")                                                           \
    X(DROPPED, "deliveries go back to the table")                                              \
    X(MEMORY_FULL, "memory is full")                                                           \
    X(COMMITTED_IGNORED, "a committed delivery waits in the table")                            \
    X(CRASH, "the process crashes")                                                            \
    X(CRASH_IN_FLIGHT, "it crashes with attempts in flight")                                   \
    X(CRASH_COMMITTED, "it crashes, but the batch under way was committed")                    \
    X(CRASH_LOST, "it crashes and the batch under way is lost")                                \
    X(DUPLICATE, "a crash makes a duplicate")                                                  \
    X(CLOCK_BACK, "the wall clock goes back over a restart")                                   \
    X(CLOCK_FORWARD, "the wall clock goes forward over a restart")                             \
    X(UNKNOWN_STORED, "an unknown commit that was stored")                                     \
    X(UNKNOWN_LOST, "an unknown commit that was lost")                                         \
    X(STORE_FULL, "the disk is full")                                                          \
    X(STORE_STALL, "the store stalls")                                                         \
    X(UNCOMMITTED_MAX, "as many uncommitted outcomes as allowed")                              \
    X(SLOTS_MAX, "all slots are taken")                                                        \
    X(APP_MAX, "an app has all that it may have")                                              \
    X(SLOTS_NONE, "egress is away")                                                            \
    X(MORE, "the actions of a step do not fit one array")                                      \
    X(SLOW, "an endpoint is slow")                                                             \
    X(EARNED_ALL, "an endpoint earns all its slots")                                           \
    X(PAUSE_IN_FLIGHT, "an endpoint is paused while it sends")                                 \
    X(RESUME, "an endpoint is resumed with work in the table")                                 \
    X(DELETED_IN_FLIGHT, "an endpoint is deleted while it sends")                              \
    X(NUMBER_REUSED, "its number gets a new endpoint while it sends")                          \
    X(GONE, "a receiver answers 410")                                                          \
    X(CONN_DIED, "a reused connection dies")                                                   \
    X(SENDER_CRASH, "the sender crashes")                                                      \
    X(ALONE, "a suspect is sent alone")                                                        \
    X(SENDER_CRASH_FAILED, "the third crash fails a delivery")                                 \
    X(RETRY_AFTER, "Retry-After moves a retry")                                                \
    X(FAILED_ATTEMPTS, "failed: attempts used")                                                \
    X(FAILED_AGE, "failed: too old")                                                           \
    X(FAILED_PERMANENT, "failed: not retried")                                                 \
    X(FAILED_RETRY_OFF, "failed: retry disabled")                                              \
    X(MANUAL_FRESH, "a person's retry of one that was never sent")                             \
    X(MANUAL_RETRYING, "a person's retry of one that waits for its retry")                     \
    X(MANUAL_FAILED, "a person's retry of a failed one")                                       \
    X(MANUAL_CANCELLED, "a person's retry of a cancelled one")                                 \
    X(MANUAL_PAUSED, "a person's retry for a paused endpoint")                                 \
    X(MANUAL_KEPT, "a person's retry fails and the schedule stays")                            \
    X(CANCEL_WAITING, "a waiting delivery is cancelled")                                       \
    X(CANCEL_SENDING, "a delivery is cancelled while it is being sent")                        \
    X(CANCEL_TABLE, "a delivery in the table is cancelled")                                    \
    X(CIRCUIT_OPEN, "a circuit opens")                                                         \
    X(CIRCUIT_LATE, "a result of before counts no more while it is open")                      \
    X(CIRCUIT_MANUAL, "a person's retry passes an open circuit")                               \
    X(PROBE, "a probe is sent")                                                                \
    X(PROBE_BAD, "a bad probe opens it again")                                                 \
    X(RAMP_BAD, "a bad attempt halves the ramp")                                               \
    X(RAMP_CLOSED, "a ramp ends and the circuit is closed")                                    \
    X(RATE_ENDPOINT, "an endpoint's rate holds its deliveries")                                \
    X(RATE_APP, "an app's rate holds its endpoints")                                           \
    X(RATE_BURST, "a burst is used up")                                                        \
    X(AUTO_PAUSED, "failures in a row disable an endpoint")                                    \
    X(AUTO_PAUSED_KEPT, "failures of before a restart count")                                  \
    X(EXHAUSTED, "exhausted deliveries disable an endpoint")                                   \
    X(EXHAUSTED_KEPT, "exhausted ones of before a restart count")                              \
    X(RESUMED, "a disabled endpoint is resumed and begins anew")                               \
    X(ORDER_RETRY, "in order, a retry goes before what waits behind it")                       \
    X(ORDER_PAGED, "in order, deliveries wait in the table")                                   \
    X(ORDER_SKIPPED, "in order, a failed one gives way")                                       \
    X(ORDER_BLOCKED, "in order, a failed one blocks")                                          \
    X(ORDER_LAST, "a blocking one is tried a last time")                                       \
    X(ORDER_FREED, "a person ends a blocking one that is in the table")

enum cover {
#define COVER_ENUM(name, text) COVER_##name,
    COVER_TABLE(COVER_ENUM)
#undef COVER_ENUM
        COVER_COUNT
};
void cover_reach(enum cover cover);
/* Prints the list; returns how many were never reached. */
uint32_t cover_report(void);

#endif
