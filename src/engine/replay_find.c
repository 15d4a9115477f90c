/* SPDX-License-Identifier: Apache-2.0 */
/* replay_find.c - the bytes of what a replay sends: read, corrected, and in the endpoint's shape of today. */
#include "base/assert.h"
#include "base/buf.h"
#include "crypto/keyring.h"
#include "engine/engine.h"
#include "engine/registry.h"
#include "engine/replay_internal.h"
#include "store/event.h"

enum { FIND_BODY_OVERHEAD = 4096 };

static int find_plain(const struct job *j, const struct event_row *event, struct buf *plain,
                      struct str *ret_body)
{
    char ad[ENGINE_AD_SIZE];
    int rc = 0;

    *ret_body = event->body;
    if ((event->flags & EVENT_SEALED) != 0) {
        rc = box_open(j->replays->options.keyring, engine_event_ad(&event->id, ad), event->body,
                      plain);
        *ret_body = buf_str(plain);
    }
    return rc;
}

/* Changed data; with new_id as a new event, also as it is to be stored. */
static int find_corrected(struct job *j, const struct event_row *event, struct str plain,
                          struct job_found *f)
{
    size_t data_max = (size_t)j->replays->options.event_data_max;
    char ad[ENGINE_AD_SIZE];
    struct buf made;
    struct buf sealed;
    int rc;

    buf_init(&made, data_max + FIND_BODY_OVERHEAD);
    buf_init(&sealed, data_max + FIND_BODY_OVERHEAD + BOX_OVERHEAD);
    rc =
        replay_correct(plain, &j->spec, j->spec.new_id ? &f->new_event : NULL, data_max, &made);
    if (rc == 0) {
        f->source.body = arena_str(&j->step, buf_str(&made));
        f->stored = f->source.body;
    }
    if (rc == 0 && j->spec.new_id) {
        f->old_event = event->id;
        f->source.event = f->new_event;
        f->source.is_sealed = j->seals;
        f->occurred_at = event->occurred_at;
    }
    if (rc == 0 && j->spec.new_id && j->seals) {
        rc = box_seal(j->replays->options.keyring, engine_event_ad(&f->new_event, ad),
                      f->source.body, &sealed);
        f->stored = arena_str(&j->step, buf_str(&sealed));
    }
    buf_done(&sealed);
    buf_done(&made);
    return rc;
}

static int find_source(struct job *j, const struct event_row *event, struct job_found *f)
{
    struct str body;
    struct buf plain;
    int rc;

    buf_init(&plain, event->body.len + 1);
    rc = find_plain(j, event, &plain, &body);
    if (rc == 0) {
        f->source =
            (struct replay_source){ .event = event->id,
                                    .channels = event->channels.p == NULL
                                                    ? STR_NONE
                                                    : arena_str(&j->step, event->channels),
                                    .is_sealed = (event->flags & EVENT_SEALED) != 0 };
        if (replay_corrects(&j->spec) && f->known == 0) {
            rc = find_corrected(j, event, body, f);
        } else {
            f->source.body = arena_str(&j->step, body);
        }
    }
    buf_done(&plain);
    return rc;
}

int job_find_event(struct job *j, struct db *db, const struct replay_item *item,
                   struct job_found *f)
{
    struct event_row event;
    struct arena arena;
    int rc = 0;

    if (replay_corrects(&j->spec) && j->spec.new_id) {
        rc = replay_known_event(db, j->row.no, item->event, &f->known);
    }
    if (rc != 0) {
        return rc;
    }
    arena_init(&arena);
    rc = event_get_seq(db, f->known != 0 ? f->known : item->event, &arena, &event);
    if (rc == 0) {
        f->failed = find_source(j, &event, f) != 0;
    } else if (rc == -E_NOT_FOUND) {
        f->failed = true;
        rc = 0;
    }
    arena_done(&arena);
    return rc;
}

/* --- the endpoint's shape */
int replay_seal(const struct replays *r, const struct endpoint *endpoint,
                const struct replay_source *source, struct str bytes, struct arena *arena,
                struct delivery_row *d)
{
    char ad[PAYLOAD_AD_SIZE];
    struct buf sealed;
    int rc = 0;

    d->body = bytes;
    if (!source->is_sealed) {
        return 0;
    }
    buf_init(&sealed, bytes.len + BOX_OVERHEAD);
    rc = box_seal(r->options.keyring, payload_ad(&source->event, endpoint->object.no, ad),
                  bytes, &sealed);
    if (rc == 0) {
        d->body = arena_str(arena, buf_str(&sealed));
    }
    buf_done(&sealed);
    return rc;
}

int replay_shape(const struct replays *r, const struct endpoint *endpoint,
                 const struct replay_source *source, struct arena *arena,
                 struct delivery_row *d)
{
    const struct event_type *type = registry_type_no(r->options.registry, d->type);
    uint64_t steps = JMESPATH_STEPS_MAX + FILTER_STEPS_MAX;
    size_t bytes = PAYLOAD_BYTES_MAX;
    struct payload_event event = { .arena = arena,
                                   .pointers = endpoint->app->project->pointers,
                                   .resource = type == NULL ? NULL : &type->resource,
                                   .body = source->body,
                                   .channels = source->channels,
                                   .steps = &steps,
                                   .bytes = &bytes };
    const struct payload_apply apply = { .event = &event,
                                         .keyring = r->options.keyring,
                                         .event_id = source->event,
                                         .seals = source->is_sealed };
    int rc;

    if (endpoint->plan == NULL) {
        return 0;
    }
    ASSERT(source->body.p != NULL && d->state == DELIVERY_PENDING);
    rc = payload_apply(endpoint->plan, &apply, d);
    payload_event_done(&event);
    if (rc == 0 && d->state != DELIVERY_PENDING) {
        rc = d->state == DELIVERY_FILTERED ? -E_STATE : -E_INVALID;
    }
    return rc;
}
