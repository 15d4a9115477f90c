/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_load.c - open work comes from the store: pages that the core asks for, the scan at start and after a
 * reconnect, and the slow sweep that must find nothing.
 *
 * All of them pass through the writer as barriers (class OUTCOME): they see every outcome submitted before.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine_internal.h"
#include "store/writer.h"

struct load {
    struct write write;
    struct engine *engine;
    struct core_action ask;
    int64_t endpoint;
    int64_t after_at;
    int64_t upto;
    struct due_row *rows;
    uint32_t count;
};

static int load_row(void *ctx, const struct due_row *row)
{
    struct load *l = ctx;

    if (l->count == l->ask.limit) {
        return 1;
    }
    l->rows[l->count++] = *row;
    return 0;
}

static int load_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct load *l = CONTAINER_OF(w, struct load, write);

    l->count = 0;
    l->upto = seqs->delivery;
    if (l->ask.load == CORE_LOAD_FRESH) {
        return due_fresh(db, l->endpoint, l->ask.after_seq, l->ask.limit, load_row, l);
    }
    return due_retries(db, l->endpoint, l->after_at, l->ask.after_seq, l->ask.limit, load_row,
                       l);
}

static void load_done(struct write *w, int result)
{
    struct load *l = CONTAINER_OF(w, struct load, write);
    struct engine *e = l->engine;
    const struct endpoint *endpoint = registry_endpoint_no(e->options.registry, l->endpoint);
    struct core_delivery *rows = xcalloc(l->count, sizeof(*rows));
    struct core_loaded loaded = { .ep = l->ask.ep,
                                  .kind = l->ask.load,
                                  .rows = rows,
                                  .failed = result != 0,
                                  .upto = l->upto,
                                  .end = l->count < l->ask.limit };

    for (uint32_t i = 0; result == 0 && i < l->count; i++) {
        const struct due_row *row = &l->rows[i];

        if (engine_is_cancelled(e, row->seq)) {
            continue;
        }
        rows[loaded.count++] =
            (struct core_delivery){ .seq = row->seq,
                                    .event = row->event,
                                    .due = row->next_at == 0 ? 0 : engine_boot(e, row->next_at),
                                    .accepted = engine_boot(e, row->created_at),
                                    .ep = l->ask.ep,
                                    .attempts = (uint16_t)row->attempt_count };
    }
    e->loads--;
    if (endpoint != NULL && endpoint->slot == l->ask.ep) {
        engine_feed(e, &(struct core_input){
                           .kind = CORE_IN_LOADED, .ep = l->ask.ep, .loaded = &loaded });
    }
    engine_cancels_clean(e);
    free(rows);
    free(l->rows);
    free(l);
}

void engine_load(struct engine *e, const struct core_action *action)
{
    const struct endpoint *endpoint = registry_endpoint_slot(e->options.registry, action->ep);
    struct load *l;
    int rc;

    ASSERT(endpoint != NULL && action->limit > 0 && action->limit <= ENGINE_LOAD_MAX);
    l = xalloc(sizeof(*l));
    l->engine = e;
    l->ask = *action;
    l->endpoint = endpoint->object.no;
    l->after_at = action->after_due <= 0 ? 0 : engine_wall(e, action->after_due);
    l->rows = xcalloc(action->limit, sizeof(*l->rows));
    l->write = (struct write){ .class = WRITE_OUTCOME,
                               .rows = action->limit / 10 + 1,
                               .bytes = 64,
                               .run = load_run,
                               .on_done = load_done };
    e->loads++;
    rc = writer_submit(e->options.writer, &l->write);
    ASSERT(rc == 0);
}

/* --- the scan: which endpoints have open work, and from when */
struct backlog {
    int64_t endpoint;
    bool has_fresh;
    int64_t retry_at;
};

struct scan {
    struct write write;
    struct engine *engine;
    struct backlog *rows;
    size_t count, cap;
};

static int scan_endpoint(void *ctx, int64_t endpoint)
{
    struct scan *s = ctx;

    if (s->count == s->cap) {
        s->cap = s->cap == 0 ? 64 : s->cap * 2;
        s->rows = xrealloc(s->rows, s->cap * sizeof(*s->rows));
    }
    s->rows[s->count++] = (struct backlog){ .endpoint = endpoint };
    return 0;
}

static int scan_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct scan *s = CONTAINER_OF(w, struct scan, write);
    int rc;

    (void)seqs;
    s->count = 0;
    rc = due_endpoints(db, scan_endpoint, s);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        rc = due_first(db, s->rows[i].endpoint, &s->rows[i].has_fresh, &s->rows[i].retry_at);
    }
    return rc;
}

static void feed_backlog(struct engine *e, const struct backlog *b)
{
    const struct endpoint *endpoint = registry_endpoint_no(e->options.registry, b->endpoint);

    if (endpoint == NULL || endpoint->slot == REGISTRY_NO_SLOT) {
        return;
    }
    engine_feed(e, &(struct core_input){
                       .kind = CORE_IN_ENDPOINT_BACKLOG,
                       .ep = endpoint->slot,
                       .has_fresh = b->has_fresh,
                       .retry_due = b->retry_at == 0 ? 0 : engine_boot(e, b->retry_at) });
}

static void scan_done(struct write *w, int result)
{
    struct scan *s = CONTAINER_OF(w, struct scan, write);
    struct engine *e = s->engine;
    bool again = e->scan_again || result != 0;

    for (size_t i = 0; result == 0 && i < s->count; i++) {
        feed_backlog(e, &s->rows[i]);
    }
    free(s->rows);
    free(s);
    e->is_scanning = false;
    e->scan_again = false;
    if (again && !e->is_draining) {
        engine_scan(e);
        return;
    }
    if (!e->is_ready) {
        e->is_ready = true;
        if (e->options.on_ready != NULL) {
            e->options.on_ready(e->options.ctx);
        }
    }
}

void engine_scan(struct engine *e)
{
    struct scan *s;
    int rc;

    if (e->is_scanning) {
        e->scan_again = true;
        return;
    }
    s = xalloc(sizeof(*s));
    s->engine = e;
    s->write = (struct write){
        .class = WRITE_OUTCOME, .rows = 1, .bytes = 64, .run = scan_run, .on_done = scan_done
    };
    e->is_scanning = true;
    rc = writer_submit(e->options.writer, &s->write);
    ASSERT(rc == 0);
}

/* --- the sweep: open rows that stand in no list */
struct sweep {
    struct write write;
    struct engine *engine;
    struct due_row rows[ENGINE_SWEEP_ROWS];
    uint32_t count;
};

static int sweep_row(void *ctx, const struct due_row *row)
{
    struct sweep *s = ctx;

    if (s->count == ENGINE_SWEEP_ROWS) {
        return 1;
    }
    s->rows[s->count++] = *row;
    return 0;
}

static int sweep_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct sweep *s = CONTAINER_OF(w, struct sweep, write);
    const struct engine *e = s->engine;

    (void)seqs;
    s->count = 0;
    return due_scan(db, e->sweep_endpoint, e->sweep_at, e->sweep_seq, ENGINE_SWEEP_ROWS,
                    sweep_row, s);
}

/* Is this row where it should be: in memory, or rightly left in the table? */
static bool sweep_explained(struct engine *e, const struct due_row *row)
{
    const struct endpoint *endpoint = registry_endpoint_no(e->options.registry, row->endpoint);

    return endpoint == NULL || endpoint->slot == REGISTRY_NO_SLOT ||
           engine_is_cancelled(e, row->seq) ||
           core_covers(e->core, endpoint->slot, row->seq,
                       row->next_at == 0 ? 0 : engine_boot(e, row->next_at));
}

static void sweep_done(struct write *w, int result)
{
    struct sweep *s = CONTAINER_OF(w, struct sweep, write);
    struct engine *e = s->engine;
    int64_t wait_ms = e->options.sweep_ms;

    for (uint32_t i = 0; result == 0 && i < s->count; i++) {
        const struct due_row *row = &s->rows[i];

        if (!sweep_explained(e, row)) {
            e->stats.sweep_found++;
            LOG_E("the sweep found an open delivery in no list", "delivery_seq=%lld",
                  (long long)row->seq);
            feed_backlog(e, &(struct backlog){ .endpoint = row->endpoint,
                                               .has_fresh = row->next_at == 0,
                                               .retry_at = row->next_at });
        }
    }
    if (result == 0) {
        engine_expire_held(e, s->rows, s->count);
    }
    if (result == 0 && s->count == ENGINE_SWEEP_ROWS) {
        e->sweep_endpoint = s->rows[s->count - 1].endpoint;
        e->sweep_at = s->rows[s->count - 1].next_at;
        e->sweep_seq = s->rows[s->count - 1].seq;
        wait_ms = wait_ms / 10 + 1;
    } else {
        e->sweep_endpoint = 0;
        e->sweep_at = 0;
        e->sweep_seq = 0;
    }
    free(s);
    if (!e->is_draining) {
        loop_timer_set(e->options.loop, &e->sweep, clock_boot_ms() + wait_ms);
    }
}

static void on_sweep(struct loop_timer *t)
{
    struct engine *e = t->ctx;
    struct sweep *s = xalloc(sizeof(*s));
    int rc;

    engine_look_stale(e);
    s->engine = e;
    s->write = (struct write){ .class = WRITE_OUTCOME,
                               .rows = 100,
                               .bytes = 64,
                               .run = sweep_run,
                               .on_done = sweep_done };
    rc = writer_submit(e->options.writer, &s->write);
    ASSERT(rc == 0);
}

void engine_sweep_start(struct engine *e)
{
    if (e->options.sweep_ms > 0) {
        e->sweep = (struct loop_timer){ .on_due = on_sweep, .ctx = e };
        loop_timer_set(e->options.loop, &e->sweep,
                       clock_boot_ms() + (e->options.sweep_ms < ENGINE_SWEEP_FIRST_MS
                                              ? e->options.sweep_ms
                                              : ENGINE_SWEEP_FIRST_MS));
    }
}
