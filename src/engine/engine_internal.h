/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_internal.h - shared by engine*.c only.
 *
 * An attempt in flight is one struct attempt, found by the core's slot. Its life, in file order:
 *   engine_send.c: START -> (read body) -> sign -> frame or inbox
 *   engine_outcome.c: done -> ATTEMPT_DONE -> OUTCOME -> write -> OUTCOME_STORED
 */
#ifndef ENGINE_ENGINE_INTERNAL_H
#define ENGINE_ENGINE_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "engine/egress_pool.h"
#include "engine/engine.h"
#include "engine/inbox.h"
#include "engine/registry.h"
#include "net/loop.h"
#include "store/delivery.h"
#include "store/reader.h"

enum {
    ENGINE_STARTS_MAX = 64,              /* attempts begun in one turn of the loop */
    ENGINE_SIGN_BYTES_MAX = 1024 * 1024, /* bytes signed in one turn */
    ENGINE_SIGNERS_MAX = 10000,          /* endpoints whose keyed contexts are kept */
    ENGINE_HEADERS_MAX = 192 * 1024,
    ENGINE_LOAD_MAX = 1000,
    ENGINE_SWEEP_ROWS = 1000,
    ENGINE_SWEEP_FIRST_MS = 5000, /* the first sweep after a start */
    ENGINE_EXPIRE_MAX = 200,      /* held deliveries ended in one write */
    ENGINE_READ_AGAIN_MS = 1000,
    ENGINE_CLOCK_JUMP_MS = 1000,
    ENGINE_HEALTH_MS = 60 * 1000 /* an endpoint's health is stored about so often */
};

/* The bytes of an event whose first attempts are not all out yet. */
struct body {
    struct list_node node; /* oldest first */
    int64_t event;
    struct id id;
    int64_t type;
    struct str bytes;
    struct str *own; /* beside deliveries, NULL p where it sends `bytes`; NULL when all do */
    size_t held;     /* bytes of memory in all */
    int64_t first_delivery;
    uint32_t count, left;
    struct id deliveries[];
};

struct json;

/* What the shell keeps per endpoint slot. */
struct sender {
    struct list_node node; /* least recently used first */
    struct signer *signer;
    int64_t version; /* of the endpoint that it was made from */
    int64_t app_version;
    int64_t expires_at; /* wall ms when a secret ends, INT64_MAX = none */
    struct str headers; /* the endpoint's own lines */
    struct str secret;  /* for the inbox's verdict */
};

enum attempt_place {
    ATTEMPT_FREE,
    ATTEMPT_STARTING,
    ATTEMPT_READING,
    ATTEMPT_SENT,
    ATTEMPT_DONE,
    ATTEMPT_STORING
};

struct attempt {
    struct list_node node; /* e->starting or e->local_done */
    struct engine *engine;
    struct core_action start;
    enum attempt_place place;
    int64_t endpoint; /* number */
    struct read read;
    struct loop_timer again;
    struct id delivery, event;
    int64_t type;
    int32_t flags; /* enum delivery_flag; what replays made is always read from its row */
    int64_t started_wall, started_boot_us;
    struct arena arena; /* strings of this attempt until its outcome is stored */
    struct str body;    /* read from the store: owned by the arena */
    bool body_failed;
    struct outcome outcome;
    struct write write;
    int inbox_status; /* what the test inbox answers when its time has come, 0 = nothing */
    struct frame_done local; /* an answer made here, not by egress */
};

/* What a delivery was before a person's retry, kept until its outcome. */
struct manual {
    int64_t seq;
    enum delivery_state state;
    enum delivery_reason reason;
    int64_t next_at, ended_at;
};

struct engine {
    struct engine_options options;
    struct core *core;
    void *core_memory;
    size_t core_bytes;
    struct egress_pool *pool;
    struct id_maker ids;
    struct attempt *attempts; /* slots_max */
    struct sender *senders;   /* endpoints_max */
    struct list signers;
    struct list starting;
    struct list local_done;
    struct map bodies; /* 8 bytes event seq */
    struct list body_order;
    size_t body_bytes;
    struct list tests;       /* engine_test.c: all on their way */
    struct list tests_local; /* those that were answered without egress */
    uint64_t test_handle;
    int64_t test_id;    /* milliseconds of the last one */
    struct map manuals; /* 8 bytes seq -> struct manual */
    struct map cancels; /* 8 bytes seq -> struct cancel, until no load can bring it back */
    uint32_t loads;
    struct loop_after after;
    struct loop_timer tick, sweep;
    int64_t clock_offset; /* wall - boot */
    bool is_feeding, is_draining, is_ready, is_scanning, scan_again;
    void (*on_idle)(void *ctx);
    void *idle_ctx;
    struct engine_stats stats;
    int64_t sweep_endpoint, sweep_at, sweep_seq;
    int64_t stale_looked_at; /* wall ms, 0 = not yet */
};

static inline struct str key64(const int64_t *key)
{
    return (struct str){ (const char *)key, sizeof(*key) };
}

/* Give one input to the core and carry out what it answers. */
void engine_feed(struct engine *e, const struct core_input *input);
int64_t engine_wall(const struct engine *e, int64_t boot_ms);
/* Never 0, which says "none" or "never sent" to the core. */
int64_t engine_boot(const struct engine *e, int64_t wall_ms);

/* engine_send.c */
void engine_begin(struct engine *e, const struct core_action *action);
void engine_starts(struct engine *e); /* a turn's share of what was begun */
void engine_local_done(struct engine *e, struct attempt *a, int32_t token, int32_t status_code,
                       const char *detail);
/* Through signature check and into the box; fills the verdict. Answers the status. */
int engine_to_inbox(struct engine *e, struct str token, unsigned profiles, struct str secret,
                    struct inbox_request *request);
struct sign_input;
void engine_request_headers(struct engine *e, struct sender *s, const struct sign_input *in,
                            struct buf *out);
/* engine_test.c */
#define ENGINE_TEST_HANDLES ((uint64_t)1 << 62) /* above every slot of the core */
void engine_test_done(struct engine *e, uint64_t handle, const struct frame_done *done);
void engine_tests_local(struct engine *e);
void engine_tests_stop(struct engine *e);
/* engine_sender.c */
struct sender *sender_get(struct engine *e, const struct endpoint *endpoint); /* NULL: cannot */
void sender_drop(struct engine *e, uint32_t slot);
/* One that stands for itself; end it with sender_done. */
NODISCARD int sender_make(struct engine *e, unsigned profiles,
                          const struct secret_list *secrets, const struct json *headers,
                          struct sender *ret_sender);
void sender_done(struct sender *s);
/* engine_outcome.c */
void engine_done_frame(void *ctx, uint64_t handle, const struct frame_done *done);
void engine_store_outcome(struct engine *e, const struct core_action *action);
void engine_locals(struct engine *e);
void engine_attempt_fill(struct attempt_row *row, struct arena *arena,
                         const struct frame_done *done);
void engine_attempt_seal(const struct keyring *keyring, struct arena *arena,
                         struct attempt_row *row);
/* engine_held.c */
void engine_expire_held(struct engine *e, const struct due_row *rows, uint32_t count);
void engine_look_stale(struct engine *e);
/* engine_health.c */
void engine_set_rate(struct engine *e, const struct app *app);
/* What this outcome says of its endpoint, and whether the store is told. */
void engine_outcome_health(struct engine *e, struct attempt *a, struct endpoint *endpoint,
                           const struct core_action *action);
void engine_disable(struct engine *e, uint32_t slot, enum core_disable why);
/* engine_notice.c */
void engine_notice_failed(struct engine *e, const struct attempt *a,
                          const struct endpoint *endpoint);
void engine_notice_disabled(struct engine *e, const struct endpoint *endpoint,
                            enum core_disable why);
/* engine_publish.c */
struct body *body_get(struct engine *e, int64_t event);
struct str body_of(const struct body *b,
                   int64_t at); /* what its delivery at that place sends */
void body_started(struct engine *e, struct body *b);
void bodies_free(struct engine *e);
/* engine_load.c */
void engine_load(struct engine *e, const struct core_action *action);
void engine_scan(struct engine *e);
void engine_sweep_start(struct engine *e);
/* engine_stream.c: for the live stream, after the commit */
void stream_accepted(struct engine *e, const struct event_publish *p);
void stream_outcome(struct engine *e, const struct outcome *o, const struct id *event);
/* event NULL: not known here */
void stream_delivery(struct engine *e, const char *name, const struct delivery_row *d,
                     const struct id *event);
void stream_endpoint(struct engine *e, const struct endpoint *endpoint);
/* engine_manual.c */
void manual_forget(struct engine *e, int64_t seq);
bool engine_is_cancelled(const struct engine *e, int64_t seq);
void engine_cancels_clean(struct engine *e);

#endif
