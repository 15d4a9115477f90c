/* SPDX-License-Identifier: Apache-2.0 */
/* engine_publish.c - from a publish to deliveries on their way; the bodies that wait for their first attempt. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/engine_internal.h"
#include "engine/meter.h"
#include "store/writer.h"

static void body_drop(struct engine *e, struct body *b)
{
    e->body_bytes -= b->held;
    list_remove(&e->body_order, &b->node);
    (void)map_remove(&e->bodies, key64(&b->event));
    for (uint32_t i = 0; b->own != NULL && i < b->count; i++) {
        free((void *)(uintptr_t)b->own[i].p);
    }
    free(b->own);
    free((void *)(uintptr_t)b->bytes.p);
    free(b);
}

/* The bytes of deliveries that have their own. */
static void body_keep_own(const struct event_publish *p, struct body *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (p->deliveries[i].body.p == NULL) {
            continue;
        }
        if (b->own == NULL) {
            b->own = xcalloc(b->count, sizeof(*b->own));
            b->held += b->count * sizeof(*b->own);
        }
        b->own[i] = xstr(p->deliveries[i].body);
        b->held += b->own[i].len;
    }
}

/* Keep the bytes for the first attempts; over the budget the oldest go and are read again when needed. */
static void body_keep(struct engine *e, const struct event_publish *p)
{
    uint32_t count = (uint32_t)p->event.delivery_count;
    struct body *b;

    if (p->event.sent_count == 0 || (p->event.flags & EVENT_SEALED) != 0) {
        return;
    }
    b = xalloc(sizeof(*b) + count * sizeof(struct id));
    b->event = p->event.seq;
    b->id = p->event.id;
    b->type = p->event.type;
    b->bytes = xstr(p->event.body);
    b->first_delivery = p->event.first_delivery;
    b->count = count;
    b->left = (uint32_t)p->event.sent_count;
    for (uint32_t i = 0; i < count; i++) {
        b->deliveries[i] = p->deliveries[i].id;
    }
    b->held = sizeof(*b) + b->bytes.len;
    body_keep_own(p, b);
    list_push_back(&e->body_order, &b->node);
    (void)map_put(&e->bodies, key64(&b->event), b);
    e->body_bytes += b->held;
    while (e->body_bytes > e->options.body_memory_max) {
        body_drop(e, CONTAINER_OF(list_first(&e->body_order), struct body, node));
    }
}

struct body *body_get(struct engine *e, int64_t event)
{
    return map_get(&e->bodies, key64(&event));
}

void body_started(struct engine *e, struct body *b)
{
    if (--b->left == 0) {
        body_drop(e, b);
    }
}

void bodies_free(struct engine *e)
{
    struct list_node *n;

    while ((n = list_first(&e->body_order)) != NULL) {
        body_drop(e, CONTAINER_OF(n, struct body, node));
    }
}

struct str body_of(const struct body *b, int64_t at)
{
    return b->own != NULL && b->own[at].p != NULL ? b->own[at] : b->bytes;
}

static int publish_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct publish *p = CONTAINER_OF(w, struct publish, write);
    int rc = p->batch == NULL ? 0 : event_batch_begin(db, p->batch);

    for (uint32_t i = 0; rc == 0 && i < p->count; i++) {
        rc = event_insert(db, &p->events[i], seqs);
    }
    return rc;
}

static void publish_committed(struct engine *e, struct event_publish *p)
{
    int64_t now = clock_boot_ms();

    e->stats.accepted++;
    body_keep(e, p);
    stream_accepted(e, p);
    meter_publish(e->options.meter, p);
    for (int32_t i = 0; i < p->event.delivery_count; i++) {
        const struct delivery_row *d = &p->deliveries[i];
        const struct endpoint *endpoint =
            registry_endpoint_no(e->options.registry, d->endpoint);

        if (d->state != DELIVERY_PENDING || endpoint == NULL ||
            endpoint->slot == REGISTRY_NO_SLOT) {
            continue;
        }
        engine_feed(e, &(struct core_input){ .kind = CORE_IN_COMMITTED,
                                             .ep = endpoint->slot,
                                             .delivery = { .seq = d->seq,
                                                           .event = p->event.seq,
                                                           .accepted = now,
                                                           .ep = endpoint->slot } });
    }
}

/*
 * Of a batch that is known nothing was stored: each of its events must be found under its own keys. One that
 * is not was forgotten already (its key expired a moment before that of the batch).
 */
static int batch_verdict(const struct publish *p)
{
    if (p->batch == NULL || !p->batch->is_repeat) {
        return 0;
    }
    for (uint32_t i = 0; i < p->count; i++) {
        if (!p->events[i].is_repeat) {
            return -E_IDEMPOTENCY;
        }
    }
    return p->batch->is_conflict ? -E_IDEMPOTENCY : 0;
}

static void publish_done(struct write *w, int result)
{
    struct publish *p = CONTAINER_OF(w, struct publish, write);

    if (result == 0) {
        result = batch_verdict(p);
    }
    for (uint32_t i = 0; result == 0 && i < p->count; i++) {
        if (!p->events[i].is_repeat && !p->events[i].is_conflict) {
            publish_committed(p->engine, &p->events[i]);
        }
    }
    p->on_done(p, result);
}

int engine_publish(struct engine *e, struct publish *p)
{
    size_t bytes = 0;
    uint32_t rows = 0;

    if (e->is_draining) {
        return -E_BUSY;
    }
    for (uint32_t i = 0; i < p->count; i++) {
        bytes += 256 + p->events[i].event.body.len + p->events[i].event.unmatched.len;
        for (int32_t k = 0; k < p->events[i].event.delivery_count; k++) {
            bytes += p->events[i].deliveries[k].body.len;
        }
        rows += 2 + 2 * (uint32_t)p->events[i].event.delivery_count;
    }
    p->engine = e;
    p->write = (struct write){ .class = WRITE_PUBLISH,
                               .app = p->app_no,
                               .rows = rows,
                               .bytes = bytes,
                               .run = publish_run,
                               .on_done = publish_done };
    return writer_submit(e->options.writer, &p->write);
}
