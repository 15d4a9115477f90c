/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_step.c - one step of a job: read what a part has next, make deliveries of it, store them with the
 * place, hand them to the core.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/registry.h"
#include "engine/replay_internal.h"
#include "store/event.h"
#include "store/writer.h"

enum { STEP_BITES_A_SECOND = 4, STEP_SHAPES_MAX = 10 };

/* --- reading, in a reader thread */
static int step_run(struct read *read, struct db *db)
{
    struct job *j = CONTAINER_OF(read, struct job, read);
    int rc = 0;

    if (j->part->looked == 0 && j->row.mode != REPLAY_MODE_IDS) {
        rc = replay_first_place(db, &j->look, &j->part->looked);
        j->look.place = j->part->looked;
    }
    if (rc == 0) {
        rc = replay_look(db, &j->look, &j->step, &j->page);
    }
    for (size_t i = 0; rc == 0 && i < j->page.count; i++) {
        if ((j->shapes || replay_corrects(&j->spec)) && j->page.items[i].has_event) {
            rc = job_find_event(j, db, &j->page.items[i], &j->found[i]);
        }
    }
    return rc;
}

/* --- the deliveries of a bite */
static int32_t mark_of(const struct job *j, const struct replay_item *item)
{
    int32_t mark =
        item->old == 0 || replay_walks_events(j->row.mode) ? FLAG_BACKFILL : FLAG_REPLAY;

    return !replay_corrects(&j->spec) ? mark : FLAG_CORRECTED;
}

static uint32_t same_event(const struct job *j, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        const struct replay_delivery *d = &j->bite.deliveries[i];

        if (d->old_event == j->bite.deliveries[at].old_event && d->event_is_new) {
            return (uint32_t)i + 1;
        }
    }
    return 0;
}

static void put_correction(struct job *j, const struct replay_item *item,
                           const struct job_found *f, size_t at)
{
    struct replay_delivery *d = &j->bite.deliveries[at];

    d->old_event = item->event;
    d->row.event = f->known;
    if (f->known != 0) {
        return;
    }
    d->same_as = same_event(j, at);
    if (d->same_as == 0) {
        d->event_is_new = true;
        d->event_id = f->source.event;
        d->corrects = f->old_event;
        d->occurred_at = f->occurred_at;
        d->event_body = f->stored;
        d->event_flags = f->source.is_sealed ? EVENT_SEALED : 0;
    }
}

static void put_delivery(struct job *j, const struct replay_item *item,
                         const struct job_found *f, int64_t now)
{
    const struct endpoint *endpoint =
        registry_endpoint_no(j->replays->options.registry, j->part->row.endpoint);
    uint32_t at = j->bite.count;
    struct replay_delivery *d = &j->bite.deliveries[at];
    int rc;

    *d = (struct replay_delivery){ .row = { .id = engine_make_id(j->replays->options.engine),
                                            .event = item->event,
                                            .app = j->row.app,
                                            .endpoint = j->part->row.endpoint,
                                            .type = item->type,
                                            .state = DELIVERY_PENDING,
                                            .created_at = now,
                                            .flags = mark_of(j, item),
                                            .replay = j->row.no,
                                            .replay_of = item->old } };
    rc = f->source.body.p == NULL
             ? 0
             : replay_shape(j->replays, endpoint, &f->source, &j->step, &d->row);
    if (rc == 0 && replay_corrects(&j->spec) && !j->spec.new_id && d->row.body.p == NULL) {
        rc = replay_seal(j->replays, endpoint, &f->source, f->source.body, &j->step, &d->row);
    }
    if (rc != 0) {
        j->bite.skipped += rc == -E_STATE;
        j->bite.failed += rc != -E_STATE;
        return;
    }
    if (replay_corrects(&j->spec) && j->spec.new_id) {
        put_correction(j, item, f, at);
    }
    j->bite.count++;
}

static bool others_are_over(const struct job *j)
{
    for (size_t i = 0; i < j->part_count; i++) {
        if (&j->parts[i] != j->part && !j->parts[i].is_over) {
            return false;
        }
    }
    return true;
}

static int64_t looked_at(const struct replay_bite *b)
{
    return (int64_t)b->count + b->archive_count + b->done + b->skipped + b->failed;
}

static int bite_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct job *j = CONTAINER_OF(w, struct job, write);

    return replay_bite_store(db, &j->bite, seqs);
}

/* --- after the bite */
static void step_again(struct job *j, bool stale, int64_t wait_ms)
{
    j->is_stale = j->is_stale || stale;
    job_wait(j, clock_boot_ms() + wait_ms);
}

static void fail_done(struct write *w, int result)
{
    struct job *j = CONTAINER_OF(w, struct job, write);

    j->is_out = false;
    LOG_E("a replay failed", "replay_no=%lld error=%s", (long long)j->row.no,
          err_token(result));
    step_again(j, true, REPLAY_AGAIN_MS);
}

static int fail_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct job *j = CONTAINER_OF(w, struct job, write);

    (void)seqs;
    return replay_set_state(db, j->row.no,
                            1U << REPLAY_QUEUED | 1U << REPLAY_RUNNING | 1U << REPLAY_PAUSED,
                            REPLAY_FAILED, clock_wall_ms(), &j->changed);
}

/* The store says no to what we write, again and again: a person must look. */
static void job_fail(struct job *j)
{
    j->write = (struct write){
        .class = WRITE_PUBLISH, .rows = 1, .bytes = 64, .run = fail_run, .on_done = fail_done
    };
    j->is_out = writer_submit(j->replays->options.writer, &j->write) == 0;
    if (!j->is_out) {
        step_again(j, true, REPLAY_AGAIN_MS);
    }
}

static void bite_refused(struct job *j, int result)
{
    LOG_W("a bite of a replay was not stored", "replay_no=%lld error=%s", (long long)j->row.no,
          err_token(result));
    if (result != -E_STORE && result != -E_CONFLICT) {
        step_again(j, true, REPLAY_AGAIN_MS);
        return;
    }
    if (++j->refused >= REPLAY_TRIES_MAX) {
        job_fail(j);
    } else {
        step_again(j, true, REPLAY_AGAIN_MS);
    }
}

/* The next one of this endpoint is due when this bite's share of the second is over. */
static void part_pace(struct job *j)
{
    int64_t now = clock_boot_ms();
    int64_t from = j->part->next_at > now ? j->part->next_at : now;

    if (j->bite.count > 0) {
        j->part->next_at = from + (int64_t)j->bite.count * 1000 / j->row.rate;
    }
}

static void bite_stored(struct job *j)
{
    struct replay_bite *b = &j->bite;
    const struct replays_options *o = &j->replays->options;

    for (uint32_t i = 0; i < b->count; i++) {
        if (b->deliveries[i].changes > 0) {
            engine_replayed(o->engine, &b->deliveries[i].row);
        }
    }
    j->refused = 0;
    j->part->row.place = b->to;
    j->part->row.done += looked_at(b);
    j->row.processed += looked_at(b);
    j->row.replayed += b->replayed;
    j->row.skipped += b->skipped;
    j->row.failed += looked_at(b) - b->skipped - b->replayed;
    if (j->row.state == REPLAY_QUEUED) {
        j->row.state = REPLAY_RUNNING;
        j->row.started_at = b->now;
    }
    part_pace(j);
    if (b->is_last) {
        j->row.state = REPLAY_COMPLETED;
        j->row.ended_at = b->now;
    }
    job_tell(j, "replay.updated");
}

static void bite_done(struct write *w, int result)
{
    struct job *j = CONTAINER_OF(w, struct job, write);

    j->is_out = false;
    if (result != 0) {
        bite_refused(j, result);
    } else if (j->bite.is_lost) {
        step_again(j, true, 1);
    } else {
        bite_stored(j);
        if (j->bite.is_last) {
            job_done_notice(j);
            job_free(j);
            return;
        }
        job_step(j);
    }
}

static void bite_submit(struct job *j)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < j->bite.count; i++) {
        bytes += 256 + j->bite.deliveries[i].event_body.len;
    }
    j->write = (struct write){ .class = WRITE_BACKGROUND,
                               .rows = 2 + 4 * j->bite.count + j->bite.archive_count,
                               .bytes = bytes + 128,
                               .run = bite_run,
                               .on_done = bite_done };
    j->is_out = writer_submit(j->replays->options.writer, &j->write) == 0;
    if (!j->is_out) {
        step_again(j, true, REPLAY_AGAIN_MS);
    }
}

/* What is left to the end of the count: somebody was faster, or it left the filter. */
static uint32_t rest_of(const struct job *j)
{
    int64_t now = j->row.processed + looked_at(&j->bite);

    return j->bite.is_last && now < j->row.total ? (uint32_t)(j->row.total - now) : 0;
}

static void bite_begin(struct job *j, bool is_over, uint32_t skipped)
{
    int64_t now = clock_wall_ms();

    j->bite = (struct replay_bite){ .replay = j->row.no,
                                    .endpoint = j->part->row.endpoint,
                                    .from = j->part->row.place,
                                    .to = is_over ? INT64_MAX : j->page.place,
                                    .now = now,
                                    .done = j->cancelled,
                                    .skipped = skipped };
    j->bite.deliveries =
        arena_alloc(&j->step, (j->page.count + 1) * sizeof(*j->bite.deliveries));
    if (j->row.mode == REPLAY_MODE_ARCHIVE) {
        j->bite.archive = j->page.items;
        j->bite.archive_count = (uint32_t)j->page.count;
    }
    for (size_t i = 0; i < j->page.count && replay_makes(j->row.mode); i++) {
        if (!j->page.items[i].has_event || j->found[i].failed) {
            j->bite.failed++;
        } else {
            put_delivery(j, &j->page.items[i], &j->found[i], now);
        }
    }
    j->part->is_over = is_over;
    j->bite.is_last = is_over && others_are_over(j);
    j->bite.skipped += rest_of(j);
    bite_submit(j);
}

/* --- cancelling: one by one, by the road of a single cancel; what is being sent this moment is skipped */
static void on_cancelled(void *ctx, int result)
{
    struct job *j = ctx;

    if (result == 0) {
        j->cancelled++;
    }
    if (--j->cancelling == 0) {
        j->is_out = false;
        bite_begin(j, j->page.end, (uint32_t)j->page.count - j->cancelled);
    }
}

static void cancel_begin(struct job *j)
{
    uint32_t taken = 0;

    j->is_out = true;
    for (size_t i = 0; i < j->page.count; i++) {
        taken += engine_cancel(j->replays->options.engine, &j->page.items[i].id, j->row.app,
                               NULL, on_cancelled, j) == 0;
    }
    j->cancelling = taken; /* none comes back before this */
    if (taken == 0) {
        j->is_out = false;
        step_again(j, true, REPLAY_AGAIN_MS);
    }
}

/* Does the endpoint want bytes of its own, now? */
static bool wants_shapes(const struct job *j)
{
    const struct endpoint *endpoint =
        registry_endpoint_no(j->replays->options.registry, j->part->row.endpoint);

    return endpoint != NULL && endpoint->plan != NULL && replay_makes(j->row.mode);
}

static void step_done(struct read *read, int result)
{
    struct job *j = CONTAINER_OF(read, struct job, read);

    j->is_out = false;
    if (result != 0) {
        LOG_W("a replay could not read", "replay_no=%lld error=%s", (long long)j->row.no,
              err_token(result));
        step_again(j, false, REPLAY_AGAIN_MS);
        return;
    }
    j->part->looked = j->page.place;
    /* A filter or transform that was set meanwhile needs bytes that were not read. */
    if (j->is_stale || j->row.state == REPLAY_PAUSED || wants_shapes(j) != j->shapes) {
        j->part->looked = j->part->row.place;
        job_step(j);
    } else if (j->page.count == 0 && !j->page.end) {
        job_step(j); /* nothing wanted here: further on */
    } else if (j->row.mode == REPLAY_MODE_CANCEL && j->page.count > 0) {
        cancel_begin(j);
    } else {
        bite_begin(j, j->page.end, 0);
    }
}

/* The endpoint went away: what it has left is skipped. */
static void part_skip(struct job *j)
{
    int64_t left = j->part->row.total - j->part->row.done;
    bool is_read = j->part->row.place == INT64_MAX; /* a load found it at its end */

    j->page = (struct replay_page){ .place = j->part->row.place, .end = true };
    bite_begin(j, true, is_read || left < 0 ? 0 : (uint32_t)left);
}

void job_read(struct job *j)
{
    struct replays *r = j->replays;
    const struct endpoint *endpoint =
        registry_endpoint_no(r->options.registry, j->part->row.endpoint);
    int64_t room = j->row.rate / STEP_BITES_A_SECOND;

    room = !replay_makes(j->row.mode) ? REPLAY_BITE_MAX : room;
    room = room < 1 ? 1 : room > REPLAY_BITE_MAX ? REPLAY_BITE_MAX : room;
    arena_done(&j->step);
    j->cancelled = 0;
    if (j->part->row.place == INT64_MAX || endpoint == NULL ||
        (replay_makes(j->row.mode) && !replay_reaches(endpoint))) {
        part_skip(j);
        return;
    }
    j->look = replay_spec_look(&j->spec, j->row.mode, endpoint, &j->step);
    j->look.place = j->part->looked;
    j->look.upto = replay_walks_events(j->row.mode) ? j->row.upto_event : j->row.upto_delivery;
    j->look.list = j->part->row.list;
    j->look.item_max = (uint32_t)room;
    j->seals = endpoint->app->project->encrypt_payloads;
    j->shapes = wants_shapes(j);
    if (j->shapes) {
        /* Filters and transforms are run here, on the main thread: a few at a time. */
        room = room < STEP_SHAPES_MAX ? room : STEP_SHAPES_MAX;
        j->look.item_max = (uint32_t)room;
    }
    j->found = arena_alloc(&j->step, (size_t)room * sizeof(*j->found));
    for (int64_t i = 0; i < room && replay_corrects(&j->spec); i++) {
        j->found[i].new_event = engine_make_id(r->options.engine);
    }
    j->read = (struct read){ .run = step_run, .on_done = step_done };
    j->is_out = readers_submit(r->options.readers, &j->read) == 0;
    if (!j->is_out) {
        step_again(j, false, REPLAY_AGAIN_MS);
    }
}
