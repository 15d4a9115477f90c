/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter_store.c - what was folded goes to the store in bites, one after the other; days are
 * folded and old counts removed once an hour.
 *
 * A bite is sorted out in the writer's thread: its tuples become rows of minutes and hours, of
 * endpoints, apps and projects; equal rows are merged, so that each is added to once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/meter_internal.h"
#include "engine/registry.h"
#include "store/look.h"
#include "store/writer.h"

enum {
    BITE_SPANS = 5,   /* rows of `tally` that a tuple adds to */
    BITE_COUNTS = 12, /* rows of `tally_count` */
    BITE_RETRY_MS = 1000,
    JOB_FIRST_MS = 60 * 1000,
    JOB_ROWS = 500,     /* rows removed, and subjects folded, in one write */
    JOB_DAYS_BACK = 2,  /* a day is folded again until then: rows come late */
    JOB_DAYS_FIRST = 35 /* the same after a start: it may have been off */
};

struct bite_span {
    struct tally_key key;
    struct rollup sum;
};

struct bite_count {
    struct tally_key key;
    struct tally_count count;
};

struct bite {
    struct write write;
    struct meter *meter;
    struct list tuples;
    struct bite_span *spans;
    size_t span_count;
    struct bite_count *counts;
    size_t count_count;
};

/* --- In the writer's thread --------------------------------------------------------------- */

static void put_span(struct bite *b, const struct meter_tuple *t, enum tally_span span,
                     enum tally_kind kind, int64_t subject)
{
    int64_t minute = t->key.minute;

    b->spans[b->span_count++] =
        (struct bite_span){ { span, minute - minute % tally_span_ms(span), kind, subject },
                            t->sum };
}

/* Of the minute and the hour. */
static void put_count(struct bite *b, const struct meter_tuple *t, enum tally_kind kind,
                      int64_t subject, const struct tally_count *count)
{
    int64_t minute = t->key.minute;

    if (count->n == 0) {
        return;
    }
    b->counts[b->count_count++] =
        (struct bite_count){ { TALLY_MINUTE, minute, kind, subject }, *count };
    b->counts[b->count_count++] =
        (struct bite_count){ { TALLY_HOUR, minute - minute % TALLY_HOUR_MS, kind, subject },
                             *count };
}

static void put_attempts(struct bite *b, const struct meter_tuple *t)
{
    const int64_t subjects[] = { [TALLY_ENDPOINT] = t->key.endpoint,
                                 [TALLY_APP] = t->key.app,
                                 [TALLY_PROJECT] = t->project };

    for (int kind = TALLY_ENDPOINT; kind <= TALLY_PROJECT; kind++) {
        enum tally_kind k = (enum tally_kind)kind;

        put_span(b, t, TALLY_MINUTE, k, subjects[kind]);
        if (k != TALLY_ENDPOINT) { /* its hours are those of rollup.h */
            put_span(b, t, TALLY_HOUR, k, subjects[kind]);
        }
        put_count(b, t, k, subjects[kind],
                  &(struct tally_count){ TALLY_TYPE_OK, t->key.type, t->sum.ok, 0 });
        put_count(b, t, k, subjects[kind],
                  &(struct tally_count){ TALLY_TYPE_FAILED, t->key.type, t->sum.failed, 0 });
        if (t->key.reason != 0) {
            put_count(b, t, k, subjects[kind],
                      &(struct tally_count){ TALLY_REASON, t->key.reason, t->sum.failed, 0 });
        }
    }
}

static void put_tuple(struct bite *b, const struct meter_tuple *t)
{
    const struct tally_count events = { TALLY_EVENTS, t->key.type, t->n, t->bytes };
    const struct tally_count made = { TALLY_MADE, t->key.state, t->n, 0 };

    switch ((enum meter_tuple_kind)t->key.kind) {
    case METER_ATTEMPT:
        put_attempts(b, t);
        break;
    case METER_EVENT:
        put_count(b, t, TALLY_APP, t->key.app, &events);
        put_count(b, t, TALLY_PROJECT, t->project, &events);
        break;
    case METER_MADE:
        put_count(b, t, TALLY_ENDPOINT, t->key.endpoint, &made);
        put_count(b, t, TALLY_APP, t->key.app, &made);
        put_count(b, t, TALLY_PROJECT, t->project, &made);
        break;
    }
}

static int compare_ints(const int64_t *a, const int64_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

static int compare_keys(const struct tally_key *a, const struct tally_key *b)
{
    const int64_t x[] = { (int)a->span, a->bucket, (int)a->kind, a->subject };
    const int64_t y[] = { (int)b->span, b->bucket, (int)b->kind, b->subject };

    return compare_ints(x, y, sizeof(x) / sizeof(x[0]));
}

static int compare_spans(const void *a, const void *b)
{
    return compare_keys(&((const struct bite_span *)a)->key,
                        &((const struct bite_span *)b)->key);
}

static int compare_counts(const void *a, const void *b)
{
    const struct bite_count *x = a;
    const struct bite_count *y = b;
    const int64_t p[] = { (int)x->count.what, x->count.key };
    const int64_t q[] = { (int)y->count.what, y->count.key };
    int c = compare_keys(&x->key, &y->key);

    return c != 0 ? c : compare_ints(p, q, 2);
}

static int store_spans(struct bite *b, struct db *db)
{
    int rc = 0;

    qsort(b->spans, b->span_count, sizeof(*b->spans), compare_spans);
    for (size_t i = 0; i < b->span_count && rc == 0;) {
        struct rollup sum = b->spans[i].sum;
        size_t k = i + 1;

        while (k < b->span_count && compare_spans(&b->spans[i], &b->spans[k]) == 0) {
            rollup_merge(&sum, &b->spans[k++].sum);
        }
        rc = tally_add(db, &b->spans[i].key, &sum);
        i = k;
    }
    return rc;
}

static int store_counts(struct bite *b, struct db *db)
{
    int rc = 0;

    qsort(b->counts, b->count_count, sizeof(*b->counts), compare_counts);
    for (size_t i = 0; i < b->count_count && rc == 0;) {
        struct tally_count sum = b->counts[i].count;
        size_t k = i + 1;

        for (; k < b->count_count && compare_counts(&b->counts[i], &b->counts[k]) == 0; k++) {
            sum.n += b->counts[k].count.n;
            sum.bytes += b->counts[k].count.bytes;
        }
        rc = tally_add_count(db, &b->counts[i].key, &sum);
        i = k;
    }
    return rc;
}

static int bite_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct bite *b = CONTAINER_OF(w, struct bite, write);
    struct list_node *n = list_first(&b->tuples);
    int rc;

    (void)seqs;
    b->span_count = 0; /* it may run again */
    b->count_count = 0;
    for (; n != NULL; n = list_next(&b->tuples, n)) {
        put_tuple(b, CONTAINER_OF(n, struct meter_tuple, node));
    }
    rc = store_spans(b, db);
    return rc == 0 ? store_counts(b, db) : rc;
}

/* --- Bites -------------------------------------------------------------------------------- */

static void bite_free(struct bite *b)
{
    struct list_node *n;

    while ((n = list_pop_front(&b->tuples)) != NULL) {
        free(CONTAINER_OF(n, struct meter_tuple, node));
    }
    free(b->spans);
    free(b->counts);
    free(b);
}

static void meter_bite(struct meter *m);

static void bite_done(struct write *w, int result)
{
    struct bite *b = CONTAINER_OF(w, struct bite, write);
    struct meter *m = b->meter;
    bool again = result == -E_BUSY || result == -E_FULL || result == -E_UNAVAILABLE;

    m->bites_out--;
    if (again) { /* nothing was stored: they go again */
        list_splice(&m->going, &b->tuples);
    } else if (result != 0) { /* stored or not: better too few than twice */
        LOG_W("some statistics were not stored", "error=%s tuples=%zu", err_token(result),
              b->tuples.count);
        m->stats.lost += b->tuples.count;
    }
    bite_free(b);
    if (m->is_stopped) {
        return;
    }
    if (again) {
        loop_timer_set(m->options.loop, &m->flush, clock_boot_ms() + BITE_RETRY_MS);
    } else {
        meter_bite(m);
    }
}

/* The next bite, or the time of the next flush. */
static void meter_bite(struct meter *m)
{
    struct bite *b;

    if (list_empty(&m->going)) {
        meter_flush_later(m);
        return;
    }
    b = xalloc(sizeof(*b));
    b->meter = m;
    list_init(&b->tuples);
    while (b->tuples.count < METER_BITE && !list_empty(&m->going)) {
        list_push_back(&b->tuples, list_pop_front(&m->going));
    }
    b->spans = xcalloc(b->tuples.count * BITE_SPANS, sizeof(*b->spans));
    b->counts = xcalloc(b->tuples.count * BITE_COUNTS, sizeof(*b->counts));
    b->write = (struct write){ .class = WRITE_BACKGROUND,
                               .rows = (uint32_t)b->tuples.count * 4,
                               .bytes = b->tuples.count * 256,
                               .run = bite_run,
                               .on_done = bite_done };
    if (writer_submit(m->options.writer, &b->write) == 0) {
        m->bites_out++;
        return;
    }
    list_splice(&m->going, &b->tuples);
    bite_free(b);
    if (!m->is_stopped) {
        loop_timer_set(m->options.loop, &m->flush, clock_boot_ms() + BITE_RETRY_MS);
    }
}

static void meter_collect(struct meter *m)
{
    struct meter_tuple *t;
    size_t at = 0;

    while ((t = map_next(&m->tuples, &at)) != NULL) {
        const struct app *app = registry_app_no(m->options.registry, t->key.app);

        t->project = app == NULL ? 0 : app->project->object.no;
        list_push_back(&m->going, &t->node);
    }
    map_done(&m->tuples);
    map_init(&m->tuples);
}

static void on_flush(struct loop_timer *timer)
{
    struct meter *m = timer->ctx;

    m->is_slow = false;
    if (m->bites_out == 0) {
        meter_collect(m);
        meter_bite(m);
    }
}

/* While little happens soon, else seldom; a flush that is planned or under way stands. */
void meter_flush_later(struct meter *m)
{
    int64_t now = clock_boot_ms();

    if (m->is_stopped || m->bites_out > 0 || m->tuples.count == 0) {
        return;
    }
    if (m->tuples.count >= METER_QUICK && !m->is_slow) {
        m->is_slow = true;
        loop_timer_set(m->options.loop, &m->flush, now + METER_SLOW_MS);
    } else if (m->flush.heap.at == 0) {
        loop_timer_set(m->options.loop, &m->flush, now + METER_QUICK_MS);
    }
}

/* --- Once an hour ------------------------------------------------------------------------- */

static int job_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct meter_job *j = CONTAINER_OF(w, struct meter_job, write);
    const int64_t before[3] = {
        j->now - METER_MINUTE_DAYS * TALLY_DAY_MS,
        j->now - METER_HOUR_DAYS * TALLY_DAY_MS,
        j->now - j->meter->options.days * TALLY_DAY_MS,
    };

    (void)seqs;
    if (j->kind <= TALLY_PROJECT) {
        return tally_fold_day(db, j->day, (enum tally_kind)j->kind, j->after,
                              j->after + JOB_ROWS);
    }
    return tally_expire(db, before, JOB_ROWS, &j->more);
}

static void job_next(struct meter *m);

static void job_done(struct write *w, int result)
{
    struct meter_job *j = CONTAINER_OF(w, struct meter_job, write);
    struct meter *m = j->meter;

    j->is_out = false;
    if (m->is_stopped) {
        return;
    }
    if (result != 0) {
        LOG_W("folding statistics failed; it is tried again", "error=%s", err_token(result));
        loop_timer_set(m->options.loop, &m->job_timer, clock_boot_ms() + JOB_FIRST_MS);
        return;
    }
    if (j->kind <= TALLY_PROJECT) {
        j->after += JOB_ROWS;
        if (j->after >= j->last_no[j->kind]) {
            j->after = 0;
            j->kind++;
        }
        if (j->kind > TALLY_PROJECT && j->day + TALLY_DAY_MS <= j->now) {
            j->kind = TALLY_ENDPOINT;
            j->day += TALLY_DAY_MS;
        }
    } else if (!j->more) {
        loop_timer_set(m->options.loop, &m->job_timer, clock_boot_ms() + METER_JOB_MS);
        return;
    }
    job_next(m);
}

static void job_next(struct meter *m)
{
    struct meter_job *j = &m->job;

    j->write = (struct write){ .class = WRITE_BACKGROUND,
                               .rows = JOB_ROWS,
                               .bytes = 1024,
                               .run = job_run,
                               .on_done = job_done };
    j->is_out = writer_submit(m->options.writer, &j->write) == 0;
    if (!j->is_out) {
        loop_timer_set(m->options.loop, &m->job_timer, clock_boot_ms() + JOB_FIRST_MS);
    }
}

/* From some days back to today, whose row grows through the day. */
static void on_job(struct loop_timer *timer)
{
    struct meter *m = timer->ctx;
    static const enum config_kind kinds[] = { [TALLY_ENDPOINT] = CONFIG_ENDPOINT,
                                              [TALLY_APP] = CONFIG_APP,
                                              [TALLY_PROJECT] = CONFIG_PROJECT };
    int64_t back = m->has_folded ? JOB_DAYS_BACK : JOB_DAYS_FIRST;
    int64_t now = clock_wall_ms();

    m->job = (struct meter_job){ .meter = m,
                                 .now = now,
                                 .kind = TALLY_ENDPOINT,
                                 .day = now - now % TALLY_DAY_MS - back * TALLY_DAY_MS };
    m->has_folded = true;
    for (int i = TALLY_ENDPOINT; i <= TALLY_PROJECT; i++) {
        m->job.last_no[i] = registry_last_no(m->options.registry, kinds[i]);
    }
    job_next(m);
}

/* --- How much waits ----------------------------------------------------------------------- */

static int depth_run(struct read *r, struct db *db)
{
    struct meter *m = CONTAINER_OF(r, struct meter, depth_read);

    return look_depth(db, METER_DEPTH_MAX, &m->depth);
}

static void depth_done(struct read *r, int result)
{
    struct meter *m = CONTAINER_OF(r, struct meter, depth_read);

    if (result == 0) {
        m->stats.queue_depth = m->depth;
    }
    if (!m->is_stopped) {
        loop_timer_set(m->options.loop, &m->depth_timer, clock_boot_ms() + METER_DEPTH_MS);
    }
}

static void on_depth(struct loop_timer *timer)
{
    struct meter *m = timer->ctx;

    m->depth_read = (struct read){ .run = depth_run, .on_done = depth_done };
    if (readers_submit(m->options.readers, &m->depth_read) != 0) {
        loop_timer_set(m->options.loop, timer, clock_boot_ms() + METER_DEPTH_MS);
    }
}

void meter_timers_start(struct meter *m)
{
    m->depth_timer = (struct loop_timer){ .on_due = on_depth, .ctx = m };
    if (m->options.readers != NULL) {
        loop_timer_set(m->options.loop, &m->depth_timer, clock_boot_ms());
    }
    m->flush = (struct loop_timer){ .on_due = on_flush, .ctx = m };
    m->job_timer = (struct loop_timer){ .on_due = on_job, .ctx = m };
    loop_timer_set(m->options.loop, &m->job_timer, clock_boot_ms() + JOB_FIRST_MS);
}

void meter_discard(struct meter *m)
{
    m->is_stopped = true;
    loop_timer_cancel(m->options.loop, &m->flush);
    loop_timer_cancel(m->options.loop, &m->job_timer);
    loop_timer_cancel(m->options.loop, &m->depth_timer);
}

void meter_stop(struct meter *m)
{
    if (m == NULL || m->is_stopped) {
        return;
    }
    meter_discard(m);
    meter_collect(m);
    while (!list_empty(&m->going)) {
        size_t before = m->going.count;

        meter_bite(m);
        if (m->going.count == before) {
            break; /* the writer takes no more */
        }
    }
}
