/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_held.c - what time does to endpoints that nothing is sent to: what they hold ends with the retention, and one
 * without a success for long is told of.
 *
 * The sweep walks all open rows anyway: those of a paused or disabled endpoint that are as old as events are kept
 * are failed in the store. The core has none of them in memory; should the endpoint be resumed this moment, a load
 * finds the row or does not.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine_internal.h"
#include "engine/notice.h"
#include "store/writer.h"

#define DAY_MS  INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define WEEK_MS (7 * DAY_MS)

struct expiry {
    struct write write;
    struct engine *engine;
    int64_t now;
    uint32_t count, expired;
    struct delivery_row found;
    struct id ids[ENGINE_EXPIRE_MAX];
};

static void expiry_on_row(void *ctx, const struct delivery_row *row)
{
    struct expiry *x = ctx;

    x->found = *row;
}

static int expire_one(struct expiry *x, struct db *db, const struct id *id)
{
    struct outcome outcome = { .was_open = true };
    int rc;

    x->found = (struct delivery_row){ .seq = 0 };
    rc = delivery_find(db, id, expiry_on_row, x);
    if (rc != 0 || x->found.seq == 0 ||
        (x->found.state != DELIVERY_PENDING && x->found.state != DELIVERY_RETRYING)) {
        return rc;
    }
    outcome.delivery = x->found;
    outcome.delivery.state = DELIVERY_FAILED;
    outcome.delivery.reason = REASON_HELD_EXPIRED;
    outcome.delivery.next_at = 0;
    outcome.delivery.ended_at = x->now;
    x->expired++;
    return outcome_store(db, &outcome);
}

static int expiry_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct expiry *x = CONTAINER_OF(w, struct expiry, write);
    int rc = 0;

    (void)seqs;
    x->expired = 0;
    for (uint32_t i = 0; rc == 0 && i < x->count; i++) {
        rc = expire_one(x, db, &x->ids[i]);
    }
    return rc;
}

static void expiry_done(struct write *w, int result)
{
    struct expiry *x = CONTAINER_OF(w, struct expiry, write);

    if (result != 0) {
        LOG_W("held deliveries could not be ended; they are tried again", "error=%s",
              err_token(result));
    } else if (x->expired > 0) {
        x->engine->stats.held_expired += x->expired;
        LOG_I("held deliveries have expired", "count=%u", (unsigned)x->expired);
    }
    free(x);
}

static bool is_expired(const struct engine *e, const struct due_row *row, int64_t now)
{
    const struct endpoint *endpoint = registry_endpoint_no(e->options.registry, row->endpoint);

    return endpoint != NULL && endpoint->slot != REGISTRY_NO_SLOT &&
           endpoint->status != ENDPOINT_ACTIVE && e->options.held_ms > 0 &&
           row->created_at < now - e->options.held_ms &&
           core_find(e->core, row->seq) == CORE_NOWHERE;
}

void engine_set_held(struct engine *e, int64_t held_ms)
{
    e->options.held_ms = held_ms;
}

void engine_expire_held(struct engine *e, const struct due_row *rows, uint32_t count)
{
    int64_t now = clock_wall_ms();
    struct expiry *x = NULL;

    for (uint32_t i = 0; i < count; i++) {
        if (!is_expired(e, &rows[i], now)) {
            continue;
        }
        if (x == NULL) {
            x = xalloc(sizeof(*x));
            x->engine = e;
            x->now = now;
        }
        x->ids[x->count++] = rows[i].id;
        if (x->count == ENGINE_EXPIRE_MAX) {
            break; /* the others are found by the next round */
        }
    }
    if (x == NULL) {
        return;
    }
    x->write = (struct write){ .class = WRITE_BACKGROUND,
                               .rows = x->count * 2,
                               .bytes = 64,
                               .run = expiry_run,
                               .on_done = expiry_done };
    if (writer_submit(e->options.writer, &x->write) != 0) {
        free(x);
    }
}

/* --- stale: told when it becomes so, and then once a week */
static void look_stale(struct engine *e, const struct endpoint *endpoint, int64_t last,
                       int64_t now)
{
    int64_t since = endpoint->last_success_at != 0 ? endpoint->last_success_at
                                                   : endpoint->object.created_at;
    struct health_rules rules;
    int64_t stale_at;

    engine_health_rules(e, endpoint, &rules);
    stale_at = since + rules.stale_days * DAY_MS;
    if (rules.stale_days == 0 || endpoint->status != ENDPOINT_ACTIVE || stale_at > now) {
        return;
    }
    if (stale_at > last || (now - stale_at) / WEEK_MS != (last - stale_at) / WEEK_MS) {
        notice_raise(e->options.notices, &(struct notice){ .kind = NOTICE_STALE_ENDPOINT,
                                                           .app = endpoint->app,
                                                           .endpoint = endpoint,
                                                           .count = (now - since) / DAY_MS,
                                                           .since = since });
    }
}

void engine_look_stale(struct engine *e)
{
    int64_t now = clock_wall_ms();
    int64_t last = e->stale_looked_at;
    struct object *o;

    if (last != 0 && now - last < HOUR_MS && now >= last) {
        return;
    }
    /* After a start: what became stale while nobody looked, a day at most. */
    last = last == 0 || last > now ? now - DAY_MS : last;
    e->stale_looked_at = now;
    for (size_t i = 0; (o = registry_at(e->options.registry, CONFIG_ENDPOINT, i)) != NULL;
         i++) {
        const struct endpoint *endpoint = (const struct endpoint *)(const void *)o;

        if (endpoint->slot != REGISTRY_NO_SLOT) {
            look_stale(e, endpoint, last, now);
        }
    }
}
