/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_manual.c - what people do with a delivery: retry now, cancel.
 *
 * The row is read through the writer as a barrier: when its answer is handled, every outcome that was stored
 * before is in the row, and any later one still holds its slot in the core. So `nowhere in memory` means that
 * the row tells the truth.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "engine/engine_internal.h"
#include "store/audit.h"
#include "store/writer.h"

struct manual_ask {
    struct write write;
    struct engine *engine;
    struct id id;
    int64_t app;
    bool is_cancel;
    struct audit_entry *audit;
    struct delivery_row row;
    bool is_found;
    struct outcome outcome;
    engine_done *on_done;
    void *ctx;
};

struct cancel {
    int64_t seq;
    bool is_stored;
};

void manual_forget(struct engine *e, int64_t seq)
{
    free(map_remove(&e->manuals, key64(&seq)));
}

bool engine_is_cancelled(const struct engine *e, int64_t seq)
{
    return map_get(&e->cancels, key64(&seq)) != NULL;
}

/* A load that was on its way may still hold a cancelled row: forget cancels only when none is. */
void engine_cancels_clean(struct engine *e)
{
    struct cancel *c;
    size_t at = 0;

    if (e->loads > 0 || e->cancels.count == 0) {
        return;
    }
    while ((c = map_next(&e->cancels, &at)) != NULL) {
        if (c->is_stored) {
            (void)map_remove(&e->cancels, key64(&c->seq));
            free(c);
        }
    }
}

static void ask_end(struct manual_ask *ask, int result)
{
    ask->on_done(ask->ctx, result);
    free(ask->audit);
    free(ask);
}

static int cancel_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct manual_ask *ask = CONTAINER_OF(w, struct manual_ask, write);

    int rc = outcome_store(db, &ask->outcome);

    (void)seqs;
    return rc == 0 && ask->audit != NULL ? audit_append(db, ask->audit) : rc;
}

static void cancel_done(struct write *w, int result)
{
    struct manual_ask *ask = CONTAINER_OF(w, struct manual_ask, write);
    struct engine *e = ask->engine;
    struct cancel *c = map_get(&e->cancels, key64(&ask->row.seq));

    if (c != NULL) {
        c->is_stored = true;
    }
    engine_cancels_clean(e);
    if (result == 0) {
        stream_delivery(e, "delivery.updated", &ask->outcome.delivery, NULL);
    }
    ask_end(ask, result);
}

static void ask_cancel(struct manual_ask *ask)
{
    struct engine *e = ask->engine;
    const struct endpoint *endpoint =
        registry_endpoint_no(e->options.registry, ask->row.endpoint);
    struct cancel *c;
    int rc;

    if ((ask->row.state != DELIVERY_PENDING && ask->row.state != DELIVERY_RETRYING) ||
        core_find(e->core, ask->row.seq) == CORE_SENDING ||
        engine_is_cancelled(e, ask->row.seq)) {
        ask_end(ask, -E_STATE);
        return;
    }
    if (endpoint != NULL && endpoint->slot != REGISTRY_NO_SLOT) {
        engine_feed(e, &(struct core_input){
                           .kind = CORE_IN_CANCEL, .ep = endpoint->slot, .seq = ask->row.seq });
    }
    c = xalloc(sizeof(*c));
    c->seq = ask->row.seq;
    (void)map_put(&e->cancels, key64(&c->seq), c);
    ask->outcome = (struct outcome){ .delivery = ask->row, .was_open = true };
    ask->outcome.delivery.state = DELIVERY_CANCELLED;
    ask->outcome.delivery.reason = REASON_BY_PERSON;
    ask->outcome.delivery.next_at = 0;
    ask->outcome.delivery.ended_at = clock_wall_ms();
    ask->write = (struct write){ .class = WRITE_OUTCOME,
                                 .rows = 3,
                                 .bytes = 512,
                                 .run = cancel_run,
                                 .on_done = cancel_done };
    rc = writer_submit(e->options.writer, &ask->write);
    ASSERT(rc == 0);
}

static int retried_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct manual_ask *ask = CONTAINER_OF(w, struct manual_ask, write);

    (void)seqs;
    return audit_append(db, ask->audit);
}

static void retried_done(struct write *w, int result)
{
    ask_end(CONTAINER_OF(w, struct manual_ask, write), result);
}

static int retry_check(struct engine *e, const struct manual_ask *ask,
                       const struct endpoint *endpoint)
{
    if (ask->row.state == DELIVERY_DELIVERED) {
        return -E_ALREADY_DELIVERED;
    }
    if (ask->row.state == DELIVERY_FILTERED || ask->row.state == DELIVERY_SKIPPED ||
        ask->row.reason == REASON_TEST ||
        ask->row.reason == REASON_TRANSFORM || /* there is nothing that could be sent */
        endpoint == NULL || endpoint->slot == REGISTRY_NO_SLOT ||
        endpoint->status == ENDPOINT_DISABLED || e->is_draining) {
        return -E_STATE;
    }
    return 0;
}

static void ask_retry(struct manual_ask *ask)
{
    struct engine *e = ask->engine;
    const struct delivery_row *row = &ask->row;
    const struct endpoint *endpoint = registry_endpoint_no(e->options.registry, row->endpoint);
    bool is_open = row->state == DELIVERY_PENDING || row->state == DELIVERY_RETRYING;
    int rc = retry_check(e, ask, endpoint);
    struct manual *m;

    if (rc != 0 || core_find(e->core, row->seq) == CORE_SENDING) {
        ask_end(ask, rc);
        return;
    }
    m = xalloc(sizeof(*m));
    *m = (struct manual){ .seq = row->seq,
                          .state = row->state,
                          .reason = row->reason,
                          .next_at = row->next_at,
                          .ended_at = row->ended_at };
    free(map_put(&e->manuals, key64(&m->seq), m));
    engine_feed(e,
                &(struct core_input){
                    .kind = CORE_IN_RETRY_NOW,
                    .ep = endpoint->slot,
                    .is_open = is_open,
                    .delivery = { .seq = row->seq,
                                  .event = row->event,
                                  .due = row->next_at == 0 ? 0 : engine_boot(e, row->next_at),
                                  .accepted = engine_boot(e, row->created_at),
                                  .ep = endpoint->slot,
                                  .attempts = (uint16_t)row->attempt_count } });
    ask->write = (struct write){ .class = WRITE_OUTCOME,
                                 .rows = 1,
                                 .bytes = 512,
                                 .run = retried_run,
                                 .on_done = retried_done };
    rc = writer_submit(e->options.writer, &ask->write);
    ASSERT(rc == 0); /* outcomes are always taken */
}

static void ask_row(void *ctx, const struct delivery_row *row)
{
    struct manual_ask *ask = ctx;

    ask->row = *row;
    ask->is_found = true;
}

static int ask_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct manual_ask *ask = CONTAINER_OF(w, struct manual_ask, write);

    (void)seqs;
    ask->is_found = false;
    return delivery_find(db, &ask->id, ask_row, ask);
}

static void ask_done(struct write *w, int result)
{
    struct manual_ask *ask = CONTAINER_OF(w, struct manual_ask, write);

    if (result == 0 && (!ask->is_found || ask->row.app != ask->app)) {
        result = -E_NOT_FOUND;
    }
    if (result != 0) {
        ask_end(ask, result);
    } else if (ask->is_cancel) {
        ask_cancel(ask);
    } else {
        ask_retry(ask);
    }
}

static int ask_submit(struct engine *e, const struct manual_ask *what,
                      const struct audit_entry *audit)
{
    struct manual_ask *ask = xalloc(sizeof(*ask));
    int rc;

    *ask = *what;
    ask->engine = e;
    ask->audit = audit == NULL ? NULL : audit_copy(audit);
    ask->write = (struct write){
        .class = WRITE_OUTCOME, .rows = 1, .bytes = 64, .run = ask_run, .on_done = ask_done
    };
    rc = writer_submit(e->options.writer, &ask->write);
    if (rc != 0) {
        free(ask->audit);
        free(ask);
    }
    return rc;
}

int engine_retry(struct engine *e, const struct id *delivery, int64_t app_no,
                 const struct audit_entry *audit, engine_done *on_done, void *ctx)
{
    struct manual_ask ask = { .id = *delivery, .app = app_no, .on_done = on_done, .ctx = ctx };

    return ask_submit(e, &ask, audit);
}

int engine_cancel(struct engine *e, const struct id *delivery, int64_t app_no,
                  const struct audit_entry *audit, engine_done *on_done, void *ctx)
{
    struct manual_ask ask = {
        .id = *delivery, .app = app_no, .is_cancel = true, .on_done = on_done, .ctx = ctx
    };

    return ask_submit(e, &ask, audit);
}
