/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - replay jobs: what they are to repeat, how far they are, and the bites they take.
 *
 * A job has a part for each endpoint. A part walks the deliveries of its endpoint, or the
 * events of the app, from `place` to the `upto` of the job, in order of seq. A bite stores new
 * deliveries, moves the place of its part and counts for the job in one transaction, and only
 * if the place is still where the bite began and the job still runs: so nothing is made twice
 * and nothing is left out, whatever dies when.
 */
#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "store/delivery.h"
#include "store/write.h"

struct audit_entry;
struct db;

/* Numbers are stored: never change one. */
enum replay_state {
    REPLAY_QUEUED = 1,
    REPLAY_RUNNING = 2,
    REPLAY_PAUSED = 3,
    REPLAY_COMPLETED = 4,
    REPLAY_CANCELLED = 5,
    REPLAY_FAILED = 6
};

enum replay_mode {
    REPLAY_MODE_FAILED = 1,   /* ended as failed */
    REPLAY_MODE_MISSING = 2,  /* skipped while the endpoint was disabled, or never matched */
    REPLAY_MODE_BACKFILL = 3, /* every event that the endpoint wants today and has not got */
    REPLAY_MODE_ALL = 4,      /* everything that has ended */
    REPLAY_MODE_IDS = 5,      /* named deliveries */
    /* Other work on many deliveries at once, of the same shape: */
    REPLAY_MODE_CANCEL = 6, /* what is open is cancelled */
    REPLAY_MODE_ARCHIVE = 7 /* what has ended is put away */
};

enum { REPLAY_HASH_SIZE = 32, REPLAY_IDS_MAX = 500 };

struct replay_row {
    int64_t no; /* given inside the write */
    struct id id;
    int64_t project; /* given when it is made, not read back */
    int64_t app;
    enum replay_state state;
    enum replay_mode mode;
    int64_t total; /* counted when it was made */
    int64_t processed, replayed, skipped, failed;
    int64_t rate;                      /* deliveries a second and endpoint */
    int64_t upto_delivery, upto_event; /* newest ones that it may look at */
    int64_t last_delivery;             /* seq of the newest that it made, 0 = none */
    struct str spec;                   /* JSON document of the api floor */
    int64_t created_at;
    int64_t started_at, ended_at;
};

struct replay_part {
    int64_t replay;
    int64_t endpoint;
    int64_t place; /* seq looked at last */
    int64_t total;
    int64_t done;
    struct str list; /* REPLAY_MODE_IDS: seqs, 8 bytes each, big endian, ascending */
};

static inline bool replay_is_active(enum replay_state state)
{
    return state == REPLAY_QUEUED || state == REPLAY_RUNNING || state == REPLAY_PAUSED;
}
static inline bool replay_makes(enum replay_mode mode)
{
    return mode != REPLAY_MODE_CANCEL && mode != REPLAY_MODE_ARCHIVE;
}
static inline bool replay_walks_events(enum replay_mode mode)
{
    return mode == REPLAY_MODE_MISSING || mode == REPLAY_MODE_BACKFILL;
}

/* --- making one, inside a write's run */
struct replay_new {
    struct replay_row row;
    struct replay_part *parts;
    size_t part_count;
    struct str key;    /* Idempotency-Key, NULL p when none */
    int64_t key_since; /* a key of before that is forgotten */
    unsigned char hash[REPLAY_HASH_SIZE];
    uint32_t active_max;             /* jobs of the app that have not ended */
    const struct audit_entry *audit; /* written with it; NULL: none */
    /* out */
    bool is_repeat;   /* the key is known: row.id is the first one's */
    bool is_conflict; /* known with another hash */
    bool is_over;     /* active_max is reached: nothing was stored */
};
NODISCARD int replay_insert(struct db *db, struct replay_new *n);
/* The first half of it, also for readers: is_repeat, is_conflict and the first one's id. */
NODISCARD int replay_find_key(struct db *db, struct replay_new *n);

/* From one of the states (bits 1 << state) to another; *ret_changes 0: it was in none. */
NODISCARD int replay_set_state(struct db *db, int64_t no, unsigned from,
                               enum replay_state state, int64_t now, int64_t *ret_changes);

/* --- reading; strings go into the arena. -E_NOT_FOUND. */
NODISCARD int replay_get(struct db *db, const struct id *id, struct arena *arena,
                         struct replay_row *ret_row);
NODISCARD int replay_get_no(struct db *db, int64_t no, struct arena *arena,
                            struct replay_row *ret_row);
struct replay_query {
    int64_t project;
    int64_t app;      /* 0 = any */
    int32_t state;    /* 0 = any */
    int64_t after_no; /* exclusive bound in the direction of travel; 0 = from the end */
    bool ascending;
    uint32_t limit;
};
NODISCARD int replay_list(struct db *db, const struct replay_query *q, struct arena *arena,
                          struct replay_row **ret_rows, size_t *ret_count);
/* Jobs that have not ended, in order of no. */
NODISCARD int replay_active(struct db *db, struct arena *arena, uint32_t max,
                            struct replay_row **ret_rows, size_t *ret_count);
NODISCARD int replay_parts(struct db *db, int64_t no, struct arena *arena,
                           struct replay_part **ret_parts, size_t *ret_count);

/* --- what a part has before it */
struct replay_look {
    enum replay_mode mode;
    int64_t app, endpoint;
    /* Types by number, ascending; delivery modes: 0 = any. Event modes: those it wants. */
    const int64_t *types;
    size_t type_count;
    int32_t state, code, error; /* 0 = any */
    int64_t since, until;       /* wall ms, 0 = open; of the delivery, or of the event */
    int64_t place, upto;
    struct str list;   /* REPLAY_MODE_IDS */
    uint32_t look_max; /* rows looked at, at most */
    uint32_t item_max;
};

/* One thing to repeat. */
struct replay_item {
    int64_t old;   /* seq of the delivery, 0 = there is none */
    struct id id;  /* its id */
    int64_t event; /* seq */
    int64_t type;
    bool has_event; /* its event, with its body, is still there */
};

struct replay_page {
    struct replay_item *items;
    size_t count;
    int64_t place;          /* of the last row that was looked at */
    int64_t oldest, newest; /* created_at of the items */
    bool end;               /* there is nothing behind it */
};

/* The place before which nothing is as young as `since` (0 = from the first). */
NODISCARD int replay_first_place(struct db *db, const struct replay_look *look,
                                 int64_t *ret_place);
NODISCARD int replay_look(struct db *db, const struct replay_look *look, struct arena *arena,
                          struct replay_page *ret_page);

/* --- a bite, inside a write's run */
struct replay_delivery {
    struct delivery_row
        row;           /* id .. created_at, flags, replay, replay_of, body are given; seq out */
    int64_t old_event; /* with a new event: seq of the one that it corrects, else 0 */
    uint32_t
        same_as; /* 1 + the place in the bite whose new event is this one's too; 0 = none */
    /* A corrected event that is not stored yet (`event_is_new`): */
    bool event_is_new;
    struct id event_id, corrects;
    int64_t occurred_at;
    struct str event_body;
    int32_t event_flags;
    /* out: it was stored; 0 when its event had gone meanwhile */
    int64_t changes;
};

struct replay_bite {
    int64_t replay; /* 0: no job, a single delivery by a person */
    int64_t endpoint;
    int64_t from, to; /* the place */
    int64_t now;
    struct replay_delivery *deliveries;
    uint32_t count;
    const struct replay_item *archive; /* these are put away */
    uint32_t archive_count;
    uint32_t done;            /* moved before, by other writes */
    uint32_t skipped, failed; /* looked at and not made */
    bool is_last;             /* the job ends with it */
    /* out */
    bool is_lost; /* the job was moved by someone else: nothing was stored */
    uint32_t replayed;
};
NODISCARD int replay_bite_store(struct db *db, struct replay_bite *bite,
                                struct write_seqs *seqs);
/* The event that this job made of an old one, 0 = none yet. Reader side. */
NODISCARD int replay_known_event(struct db *db, int64_t replay, int64_t old_event,
                                 int64_t *ret_event);

#endif
