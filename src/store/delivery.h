/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delivery.h - deliveries, their attempts, open work (`due`), and hourly roll-ups.
 *
 * Stored states only: `sending` lives in memory, `held` is derived. Open work lies in
 * due(endpoint, next_at, seq): next_at 0 for a delivery whose first attempt has not been made
 * (order of seq), else the wall time of its next attempt. A delivery row is inserted once and
 * updated by the outcome of an attempt only.
 */
#ifndef STORE_DELIVERY_H
#define STORE_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "store/success.h"
#include "store/write.h"

struct db;

/* Numbers are stored: never change one. */
enum delivery_state {
    DELIVERY_PENDING = 1,
    DELIVERY_RETRYING = 2,
    DELIVERY_DELIVERED = 3,
    DELIVERY_FAILED = 4,
    DELIVERY_CANCELLED = 5,
    DELIVERY_FILTERED = 6,
    DELIVERY_SKIPPED = 7
};

/* "pending" ...; NULL when there is no such state. */
const char *delivery_state_name(enum delivery_state state);

/* Why a delivery was not sent, or ended. */
enum delivery_reason {
    REASON_NONE = 0,
    REASON_NO_MATCH = 1,          /* event types do not match (only in event.unmatched) */
    REASON_ENDPOINT_DISABLED = 2, /* skipped */
    REASON_ENDPOINT_DELETED = 3,  /* cancelled */
    REASON_BY_PERSON = 4,         /* cancelled */
    REASON_ATTEMPTS_USED = 5,     /* failed */
    REASON_AGE = 6,               /* failed: max_age_s passed */
    REASON_PERMANENT = 7,         /* failed: this outcome is not retried */
    REASON_RETRY_DISABLED = 8,    /* failed */
    REASON_SENDER_CRASH = 9,      /* failed */
    REASON_FILTER = 10,           /* filtered */
    REASON_ORDER_BLOCKED = 11,    /* retrying: in order, it holds back the others */
    REASON_HELD_EXPIRED = 12,     /* failed: it was held for as long as events are kept */
    REASON_TRANSFORM = 13,        /* failed: the body for the endpoint could not be made */
    REASON_TEST = 20,     /* delivered or failed: a test send; never sent again, not counted */
    REASON_INTERNAL = 30, /* internal event types go to nobody (only in event.unmatched) */
    REASON_VERSION = 31   /* the endpoint pins another version (only in event.unmatched) */
};

/* delivery_row.flags; stored: never change one. An outcome leaves them as they are. */
enum delivery_flag {
    FLAG_ARCHIVED = 1,  /* put away by a person: lists leave it out unless asked */
    FLAG_REPLAYED = 2,  /* a newer delivery was made of it by a replay */
    FLAG_REPLAY = 4,    /* made by a replay of an earlier delivery */
    FLAG_BACKFILL = 8,  /* made by a replay for an endpoint that never had the event */
    FLAG_CORRECTED = 16 /* made by a replay with changed data */
};

struct delivery_row {
    int64_t seq; /* given by the writer */
    struct id id;
    int64_t event; /* event seq */
    int64_t app;
    int64_t endpoint;
    int64_t type;
    enum delivery_state state;
    enum delivery_reason reason;
    int32_t attempt_count;
    int64_t next_at; /* wall ms, 0 = none planned or at once */
    int64_t created_at;
    int64_t ended_at;       /* 0 while open */
    int32_t last_code;      /* HTTP status of the last attempt, 0 = none */
    int32_t last_error;     /* enum token (egress/token.h), 0 = none */
    int32_t last_ms;        /* duration of the last attempt */
    int32_t flags;          /* enum delivery_flag */
    int64_t replay;         /* number of the replay job that made it, 0 = none */
    int64_t replay_of;      /* seq of the delivery that it repeats, 0 = none; maybe gone */
    struct id replay_of_id; /* its id while it is there, else zeros */
    /* The rule that filtered it, or what went wrong with its body: at most DETAIL_MAX bytes, NULL p
     * when none. Read by delivery_get, _range and _list only. */
    struct str detail;
    /* Given to an insert: bytes of its own, sealed as its event is; NULL p = it sends those of the event. */
    struct str body;
    bool has_body; /* read: it has bytes of its own (delivery_body) */
};

enum { DETAIL_MAX = 512 };

struct attempt_row {
    int64_t delivery; /* seq */
    int32_t number;   /* 1.. */
    int64_t started_at;
    int64_t duration_us;
    int32_t status_code;         /* 0 = no response */
    int32_t error;               /* token, 0 = none */
    int32_t phase_us[5];         /* dns, connect, tls, wait, read; -1 = not reached */
    int32_t flags;               /* ATTEMPT_* */
    struct str detail;           /* short bytes for people: the error's detail, empty if none */
    struct str url;              /* as sent */
    struct str ip;               /* text of the address, empty if none */
    struct str request_headers;  /* "Name: value\r\n" lines as sent */
    struct str response_headers; /* the same as received, at most 8 KiB */
    struct str response_body;    /* first 4 KiB */
    int64_t planned_next_at;     /* wall ms of the next attempt as decided then, 0 = none */
};

enum attempt_flag {
    ATTEMPT_MANUAL = 1,
    ATTEMPT_SEALED = 2,   /* request_headers, response_* are sealed */
    ATTEMPT_BODY_CUT = 4, /* the response was longer than what is kept */
    ATTEMPT_CONN_REUSED = 8,
    ATTEMPT_TEST = 16
};

/* One outcome: attempt row, delivery update, due change, roll-up, in one write. */
struct outcome {
    struct attempt_row attempt; /* number 0: no attempt row (cancel, failure without a send) */
    struct delivery_row delivery; /* the new values; seq, id, endpoint, app name the row */
    bool was_open;                /* it had a row in due */
    bool is_open;                 /* keep a row in due with delivery.next_at */
    bool is_first;                /* its first attempt (for the roll-up) */
    bool keeps_row;    /* only the attempt is stored: the delivery and its row in due stay */
    bool marks_health; /* keep `health` of its endpoint (success.h) */
    bool is_exhausted; /* it counts among the exhausted deliveries of its endpoint */
    struct health_mark health;
};
NODISCARD int outcome_store(struct db *db, const struct outcome *o);

/* --- open work, through the writer (barrier) or at start */
struct due_row {
    int64_t next_at;
    int64_t seq;
    struct id id;
    int64_t event;
    int64_t endpoint;
    int32_t attempt_count;
    int64_t created_at;
};
/* First attempts: next_at = 0, seq > after_seq, in order of seq; at most limit. */
NODISCARD int due_fresh(struct db *db, int64_t endpoint, int64_t after_seq, uint32_t limit,
                        int (*on_row)(void *ctx, const struct due_row *row), void *ctx);
/*
 * Retries: (next_at, seq) > (after_at, after_seq) and next_at > 0, in that order; at most
 * limit.
 */
NODISCARD int due_retries(struct db *db, int64_t endpoint, int64_t after_at, int64_t after_seq,
                          uint32_t limit, int (*on_row)(void *ctx, const struct due_row *row),
                          void *ctx);
/* For one endpoint: has fresh work, and the earliest retry (0 = none). Three seeks. */
NODISCARD int due_first(struct db *db, int64_t endpoint, bool *ret_fresh,
                        int64_t *ret_retry_at);
/* Endpoints that have open work, by skip scan (one seek each). */
NODISCARD int due_endpoints(struct db *db, int (*on_row)(void *ctx, int64_t endpoint),
                            void *ctx);
/*
 * A piece of due in key order from (endpoint, next_at, seq) exclusive, for the sweep and for
 * counts.
 */
NODISCARD int due_scan(struct db *db, int64_t endpoint, int64_t next_at, int64_t seq,
                       uint32_t limit, int (*on_row)(void *ctx, const struct due_row *row),
                       void *ctx);

/* --- reader side; strings go into the arena. -E_NOT_FOUND. */
NODISCARD int delivery_get(struct db *db, const struct id *id, struct arena *arena,
                           struct delivery_row *ret_delivery);
/*
 * The same inside a write's run (a barrier): the row comes by callback before the commit;
 * none is no error.
 */
NODISCARD int delivery_find(struct db *db, const struct id *id,
                            void (*on_row)(void *ctx, const struct delivery_row *row),
                            void *ctx);
NODISCARD int delivery_range(struct db *db, int64_t first_seq, uint32_t count,
                             struct arena *arena, struct delivery_row **ret_rows,
                             size_t *ret_count);
/* The bytes of its own; STR_NONE when it has none, or it is gone. */
NODISCARD int delivery_body(struct db *db, int64_t seq, struct arena *arena,
                            struct str *ret_body);
NODISCARD int attempt_list(struct db *db, int64_t delivery_seq, struct arena *arena,
                           struct attempt_row **ret_rows, size_t *ret_count);

struct delivery_query {
    /* Of the app, or the one asked for: lists merge by seq over them. */
    const int64_t *endpoints;
    size_t endpoint_count;
    int64_t event;        /* event seq, 0 = any (then the range of that event is read) */
    int64_t type;         /* 0 = any */
    int32_t state;        /* 0 = any */
    int32_t code;         /* 0 = any */
    int32_t error;        /* token, 0 = any */
    int64_t since, until; /* created_at, wall ms, 0 = open */
    int32_t archived;     /* 0 = leave archived ones out, 1 = only those, 2 = all */
    int64_t after_seq;    /* exclusive bound in the direction of travel; 0 = from the end */
    bool ascending;
    uint32_t limit;
};
NODISCARD int delivery_list(struct db *db, const struct delivery_query *q, struct arena *arena,
                            struct delivery_row **ret_rows, size_t *ret_count);

#endif
