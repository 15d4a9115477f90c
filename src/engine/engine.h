/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - the shell around the pure core: publishes, sends, stores outcomes, loads open work. Main thread.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "core/core.h"
#include "engine/rules.h"
#include "store/event.h"
#include "store/write.h"
#include "store/writer.h"

struct audit_entry;
struct egress_options;
struct app;
struct egress_pool;
struct endpoint;
struct engine;
struct hub;
struct meter;
struct inbox;
struct keyring;
struct loop;
struct notices;
struct readers;
struct registry;

struct engine_options {
    struct loop *loop;
    struct registry *registry;
    struct writer *writer;
    struct readers *readers;
    const struct keyring *keyring;
    struct core_limits limits;
    struct str header_prefix;
    struct str user_agent;
    size_t body_memory_max;
    uint32_t endpoint_concurrency;
    int64_t
        held_ms; /* what a paused or disabled endpoint holds for longer is failed; 0 = never */
    struct health_rules
        health_rules; /* of endpoints and projects that have none of their own */
    const struct egress_options *egress; /* engine/egress_pool.h */
    struct inbox *inbox;
    struct notices *notices; /* engine/notice.h; NULL: nobody is told */
    struct hub *hub;         /* the live stream; NULL: none */
    struct meter *meter;     /* statistics; NULL: none */
    int64_t
        sweep_ms; /* between two sweeps for open deliveries that stand in no list; 0 = never */
    void (*on_ready)(void *ctx); /* the open work of the store is known */
    void *ctx;
};

NODISCARD int engine_new(const struct engine_options *options, struct engine **ret_engine);
/* Tell the core of all endpoints, look for their open work in the store, start sending. */
NODISCARD int engine_start(struct engine *e);
void engine_free(struct engine *e); /* nothing may be on its way any more */

/* --- publishing: 1..100 events of one app, one transaction */
struct publish {
    struct write write; /* the engine's */
    struct engine *engine;
    struct event_publish *events;
    uint32_t count;
    struct event_batch *batch; /* NULL: no key for the whole */
    uint32_t app_no;
    /* Main thread, once, after the commit or with the error. Deliveries are already on their way. */
    void (*on_done)(struct publish *p, int result);
    void *ctx;
};
/* Everything in p stays untouched by the caller until on_done. -E_BUSY: not taken. */
NODISCARD int engine_publish(struct engine *e, struct publish *p);
/* Ids of events and deliveries, on this process's one maker. */
struct id engine_make_id(struct engine *e);

enum { ENGINE_AD_SIZE = 64 };
/* What binds a sealed event body, or a sealed field of an attempt, to its row (crypto/keyring.h box_*). */
struct str engine_event_ad(const struct id *id, char text[ENGINE_AD_SIZE]);
struct str engine_attempt_ad(int64_t delivery_seq, int32_t number, char text[ENGINE_AD_SIZE]);

/* --- what people do with a delivery. on_done: main thread, once, never before the call returned. */
typedef void engine_done(void *ctx, int result);
/* `audit` is copied; it is stored with the row of a cancel, and before on_done of a retry. */
/* Retry now: -E_NOT_FOUND, -E_ALREADY_DELIVERED, -E_STATE (filtered, skipped, endpoint deleted or disabled). */
NODISCARD int engine_retry(struct engine *e, const struct id *delivery, int64_t app_no,
                           const struct audit_entry *audit, engine_done *on_done, void *ctx);
/* Cancel (audit NULL: the caller tells of it): -E_STATE when it has ended or is being sent this moment. */
NODISCARD int engine_cancel(struct engine *e, const struct id *delivery, int64_t app_no,
                            const struct audit_entry *audit, engine_done *on_done, void *ctx);

/* For what else leaves by the sending processes (engine/outbox.h). */
struct egress_pool *engine_egress(struct engine *e);
/* A replay's delivery was committed just now (after it, in order of commit): on its way. */
void engine_replayed(struct engine *e, const struct delivery_row *d);
/* What the header says of a delivery with these flags: "replay", "backfill", "corrected", or NULL. */
const char *engine_replay_mark(int32_t flags);

/* --- hooks of the wiring */
void engine_on_endpoint(struct engine *e, struct endpoint *endpoint,
                        bool is_new);                            /* from the registry */
void engine_on_app(struct engine *e, const struct app *app);     /* likewise */
void engine_on_store(struct engine *e, enum writer_state state); /* from the writer */
/* SIGHUP: held_ms from now on. */
void engine_set_held(struct engine *e, int64_t held_ms);
/* Start nothing any more; *on_idle fires when nothing is being sent and every outcome is stored. */
void engine_drain(struct engine *e, void (*on_idle)(void *ctx), void *ctx);

/* Is it being sent this moment / held, for display: one word of docs/states.md derived from memory. */
bool engine_is_sending(const struct engine *e, int64_t delivery_seq);

struct engine_stats {
    struct core_stats core;
    uint64_t accepted, delivered, failed_attempts, failed, retried, sweep_found,
        egress_restarts, held_expired;
    uint64_t bodies, body_bytes;
};
void engine_stats(const struct engine *e, struct engine_stats *ret_stats);
/* Without its own number (deleted) it is idle. Times are wall ms. */
void engine_health(const struct engine *e, const struct endpoint *endpoint,
                   struct core_health *ret_health);
/* The rules that hold for it, nothing inherited any more. */
void engine_health_rules(const struct engine *e, const struct endpoint *endpoint,
                         struct health_rules *ret_rules);

#endif
