/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - events and their fan-out: one transaction holds both (promise 1).
 *
 * `seq` is given by the writer in commit order; deliveries of one publish have consecutive
 * seqs, so an event's fan-out is a range and needs no index. The hot tables begin with seq.
 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "store/delivery.h"
#include "store/write.h"

struct db;

enum event_flag {
    EVENT_SEALED = 1, /* body is sealed (encrypt_payloads) */
    EVENT_ERASED = 2, /* the retention of bodies took it: body is empty */
    EVENT_TEST = 4    /* of a test send: in no list of events, never sent again */
};

/* Above the flags stands the version of the event type that it was published as; 0 of older rows
 * means 1. */
enum { EVENT_VERSION_SHIFT = 16 };

struct event_row {
    int64_t seq; /* given by the writer */
    struct id id;
    int64_t app; /* numbers, not ids */
    int64_t type;
    struct str external_id; /* the publisher's own id, NULL p when none */
    int64_t occurred_at;    /* what `created_at` of the body says */
    int64_t accepted_at;
    struct str body; /* the exact bytes that are sent (or sealed) */
    /* Per endpoint that did not match: 8 bytes number (big endian) and a reason byte. */
    struct str unmatched;
    int32_t flags;
    int64_t first_delivery; /* seq of the first delivery row; 0 when none */
    int32_t delivery_count; /* rows, also filtered ones */
    int32_t sent_count;     /* answered as `deliveries` */
    struct id corrects;     /* the event that a replay made it of, zeros when none */
    struct str channels; /* JSON array of the names that the publisher gave, NULL p when none */
};

static inline int32_t event_version(const struct event_row *e)
{
    int32_t version = e->flags >> EVENT_VERSION_SHIFT;

    return version == 0 ? 1 : version;
}

/*
 * Idempotency keys are rows of one table, unique per app: the header of a single publish or of one event of a
 * batch, the publisher's own id, the header of a whole batch. Numbers are stored: never change one.
 */
enum idem_kind { IDEM_HEADER = 1, IDEM_EXTERNAL_ID = 2, IDEM_BATCH = 3 };

struct idem_key {
    enum idem_kind kind;
    struct str key;
};

enum { EVENT_KEYS_MAX = 2, EVENT_HASH_SIZE = 32 };

/* The header of a batch: its events are stored only if the whole batch is new under that key. */
struct event_batch {
    struct str key;
    int64_t app;
    struct id first; /* of its first event */
    int64_t accepted_at;
    unsigned char hash[EVENT_HASH_SIZE]; /* SHA-256 of the raw request */
    /* out: known already; and with another request. Then nothing of it was stored. */
    bool is_repeat, is_conflict;
};

/* One event of a publish. Filled by the caller but for what is marked `out`. */
struct event_publish {
    struct event_row event;
    struct delivery_row
        *deliveries; /* event.delivery_count rows; seqs are given by the writer (out) */
    struct idem_key keys[EVENT_KEYS_MAX];
    uint32_t key_count;
    const struct event_batch *batch; /* whose header key is keys[0]; NULL: none */
    /* SHA-256 of the raw request (or of the event's own JSON in a batch). */
    unsigned char body_hash[EVENT_HASH_SIZE];
    /* out: a key was known already: nothing was stored, these are of the first event */
    bool is_repeat;
    bool is_conflict; /* known with another hash */
    struct id first_id;
    int64_t first_type;
    int32_t first_sent_count;
};

/*
 * Inside run: one event with its keys, row and fan-out; without a branch (engineering.md B2).
 */
NODISCARD int event_insert(struct db *db, struct event_publish *p, struct write_seqs *seqs);
/* Inside run: a test send that has ended: event, its one delivery, its one attempt (whose delivery is set here).
 * No keys, no open work, no roll-up. */
NODISCARD int event_insert_test(struct db *db, struct event_publish *p,
                                struct attempt_row *attempt, struct write_seqs *seqs);
/* Inside run, before the events of a batch with a key. */
NODISCARD int event_batch_begin(struct db *db, struct event_batch *batch);

/* Reader side; strings are copied into the arena. -E_NOT_FOUND. */
NODISCARD int event_get(struct db *db, const struct id *id, struct arena *arena,
                        struct event_row *ret_event);
NODISCARD int event_get_seq(struct db *db, int64_t seq, struct arena *arena,
                            struct event_row *ret_event);

struct event_query {
    int64_t app;
    int64_t type;         /* 0 = any */
    int64_t since, until; /* accepted_at, wall ms; 0 = open; [since, until) */
    int64_t after_seq;    /* exclusive bound in the direction of travel; 0 = from the end */
    bool ascending;
    bool with_tests; /* also those of test sends */
    uint32_t limit;
};
/* At most limit rows, in order; body is not read. */
NODISCARD int event_list(struct db *db, const struct event_query *q, struct arena *arena,
                         struct event_row **ret_rows, size_t *ret_count);

/* Free pages go back to the file system, some at a time (SQLite). */
NODISCARD int expire_free_pages(struct db *db);
/* Idempotency keys older than before_ms. */
NODISCARD int idem_expire(struct db *db, int64_t before_ms, uint32_t rows_max, bool *ret_more);

#endif
