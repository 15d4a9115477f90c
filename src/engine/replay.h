/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - replay jobs at work. Main thread.
 *
 * Each running job has one step on its way at most: a read of what one of its endpoints has next (a reader
 * thread), then a bite of it (the writer's background queue), whose deliveries go to the core after the
 * commit. An endpoint gets at most `rate` of them a second. What is in memory is a copy of the rows: a start,
 * a lost bite or an unknown commit reads them again.
 */
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "store/replay.h"

struct audit_entry;
struct buf;
struct endpoint;
struct engine;
struct hub;
struct jmespath;
struct json;
struct json_doc;
struct keyring;
struct loop;
struct notices;
struct readers;
struct registry;
struct replays;
struct writer;

enum {
    REPLAY_BITE_MAX = 100,  /* deliveries of one bite */
    REPLAY_LOOK_MAX = 1000, /* rows that one read looks at */
    REPLAY_JOBS_MAX = 1000, /* that have not ended, in all */
    REPLAY_TRIES_MAX = 5,   /* refusals of the store in a row that fail a job */
    REPLAY_AGAIN_MS = 1000,
    REPLAY_SPEC_MAX = 256 * 1024,
    REPLAY_SINGLE_MS = 5000 /* between two single replays of an endpoint, for customers */
};

/* What the API allows; from the configuration. */
struct replay_limits {
    int64_t rate;           /* deliveries a second and endpoint, unless it is asked for */
    int64_t total_max;      /* deliveries of one replay */
    int64_t app_max;        /* jobs of an app at once */
    int64_t customer_hours; /* the longest window for who is bound to an app */
};

struct replays_options {
    struct loop *loop;
    struct engine *engine;
    struct registry *registry;
    struct writer *writer;
    struct readers *readers;
    const struct keyring *keyring;
    struct notices *notices; /* NULL: nobody is told */
    struct hub *hub;         /* NULL: nobody watches */
    int64_t event_data_max;  /* of corrected data */
};

struct replays *replays_new(const struct replays_options *options);
/* Reads the jobs that have not ended and goes on with them. */
void replays_start(struct replays *r);
void replays_stop(struct replays *r); /* no further step; NULL allowed */
void replays_free(struct replays *r); /* after writer and readers have stopped; NULL allowed */
size_t replays_running(const struct replays *r);

const char *replay_state_name(enum replay_state state);

/* --- what a job repeats: the document in replay_row.spec (written by replay_spec_write) */
struct replay_spec {
    const int64_t *types; /* numbers, ascending; count 0 = any */
    size_t type_count;
    int32_t state, code, error;
    int64_t since, until;
    struct str reason;
    /* The correction: neither, or one of the two. */
    const struct json *merge_patch;
    struct str jmespath;
    const struct jmespath *expression; /* of jmespath, by replay_spec_read */
    bool new_id;                       /* a corrected event gets an id of its own */
    const struct json *filter;         /* as it was asked, for people; NULL: by ids */
    struct str by;                     /* who: a JSON object */
};
NODISCARD int replay_spec_write(const struct replay_spec *spec, struct buf *out);
/* Pointers go into the document and the arena. */
NODISCARD int replay_spec_read(const struct json *root, struct arena *arena,
                               struct replay_spec *ret_spec);
/* A look of one endpoint; the types an endpoint wants today go into the arena (event modes). */
struct replay_look replay_spec_look(const struct replay_spec *spec, enum replay_mode mode,
                                    const struct endpoint *endpoint, struct arena *arena);
/* May it be sent to now, or later when it is resumed? */
bool replay_reaches(const struct endpoint *endpoint);

/* --- changed data, in any thread. The bytes of an event with other data, and with `id` if it is not NULL.
 * -E_TOO_LARGE, -E_JSON. */
NODISCARD int replay_correct(struct str body, const struct replay_spec *spec,
                             const struct id *id, size_t data_max, struct buf *out);
static inline bool replay_corrects(const struct replay_spec *spec)
{
    return spec->merge_patch != NULL || spec->expression != NULL;
}

/* The event that a delivery sends, in the clear. */
struct replay_source {
    struct id event;
    struct str body;     /* the native bytes; NULL p: not read */
    struct str channels; /* as stored */
    bool is_sealed;      /* its bytes are to be stored sealed */
};
/*
 * The bytes of its own that the endpoint gets today, into d->body (in the arena, sealed where the event is); none
 * where it takes the event as it is. -E_STATE: its filters do not want the event. -E_INVALID: they cannot be made.
 */
NODISCARD int replay_shape(const struct replays *r, const struct endpoint *endpoint,
                           const struct replay_source *source, struct arena *arena,
                           struct delivery_row *d);

/* --- what people do. on_done: main thread, once, never before the call returned. */
struct replay_make {
    struct replay_new made; /* everything borrowed until on_done */
    void (*on_done)(struct replay_make *m, int result);
    void *ctx;
    struct write write; /* the runner's */
    struct replays *replays;
};
/* Stores the job and begins. -E_BUSY: not taken. made.is_* say what became of it. */
NODISCARD int replays_make(struct replays *r, struct replay_make *m);

enum replay_order { REPLAY_PAUSE, REPLAY_RESUME, REPLAY_CANCEL };
typedef void replays_done(void *ctx, int result);
struct replay_ask {
    enum replay_order order;
    const struct audit_entry *audit; /* copied; written with the change */
};
/* -E_NOT_FOUND; -E_STATE: it has ended, or is in that state. */
NODISCARD int replays_order(struct replays *r, const struct id *id, int64_t app_no,
                            const struct replay_ask *ask, replays_done *on_done, void *ctx);

/*
 * One delivery once more, whatever became of it: a new delivery, sent at once. The row is what a reader just
 * found; it must not be open. on_done gets the new id. -E_STATE: its endpoint is gone or disabled.
 * -E_RATE_LIMITED: `limited`, and the endpoint had one less than REPLAY_SINGLE_MS ago.
 */
typedef void replays_single_done(void *ctx, int result, const struct id *made);
struct replay_single {
    const struct delivery_row *row;
    const struct replay_source *source;
    bool limited;
    const struct audit_entry *audit; /* copied */
};
NODISCARD int replays_single(struct replays *r, const struct replay_single *single,
                             replays_single_done *on_done, void *ctx);

#endif
