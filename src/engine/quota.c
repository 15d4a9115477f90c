/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/quota.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/registry.h"
#include "net/loop.h"
#include "store/usage.h"
#include "store/write.h"
#include "store/writer.h"

enum { WHOLE = 1000, MS_PER_S = 1000, MONTHS = 12, PER_CENT = 100 };
#define DAY_MS INT64_C(86400000)

struct flush {
    struct write write;
    struct quotas *quotas;
    struct usage_row rows[QUOTA_FLUSH_ROWS];
    struct quota *owners[QUOTA_FLUSH_ROWS];
    uint32_t count;
};

struct quotas {
    struct loop *loop;
    struct writer *writer;
    struct loop_timer timer;
    struct list dirty;
};

/* --- the month */
static int64_t digits(const char *text, size_t count)
{
    int64_t value = 0;

    for (size_t i = 0; i < count; i++) {
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static int64_t month_of(int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format(wall_ms, text);
    return digits(text, 4) * PER_CENT + digits(text + 5, 2);
}

static int64_t month_end(int64_t month)
{
    int64_t year = month / PER_CENT;
    int64_t next = month % PER_CENT + 1;

    return clock_days(next > MONTHS ? year + 1 : year, next > MONTHS ? 1 : next, 1) * DAY_MS;
}

int64_t quota_used(const struct quota *quota, int64_t wall_now)
{
    return quota->month == month_of(wall_now) ? quota->used : 0;
}

/* --- taking */
static int64_t seconds_up(int64_t ms)
{
    return ms <= 0 ? 0 : (ms + MS_PER_S - 1) / MS_PER_S;
}

static void fill(struct quota *quota, int64_t now)
{
    int64_t full = quota->per_second * WHOLE;
    int64_t passed = now - quota->level_at;

    if (quota->level_at == 0 || passed > MS_PER_S || passed < 0 || quota->level > full) {
        /* More than a second fills it whole, unless a large batch has left a debt. */
        quota->level = quota->level < 0 && passed > MS_PER_S && passed < DAY_MS
                           ? quota->level + passed * quota->per_second
                           : full;
    } else {
        quota->level += passed * quota->per_second;
    }
    quota->level = quota->level < full ? quota->level : full;
    quota->level_at = now;
}

/* A batch larger than the bucket is let through when that is full, and leaves a debt. */
static bool second_takes(struct quota *quota, int64_t events, int64_t now,
                         struct quota_state *state)
{
    int64_t needed = (events < quota->per_second ? events : quota->per_second) * WHOLE;
    bool is_enough;

    fill(quota, now);
    is_enough = quota->level >= needed;
    state->is_limited = true;
    state->limit = quota->per_second;
    if (is_enough) {
        quota->level -= events * WHOLE;
    } else {
        state->retry_after_s = seconds_up((needed - quota->level) / quota->per_second);
    }
    state->remaining = quota->level > 0 ? quota->level / WHOLE : 0;
    state->reset_s = seconds_up((quota->per_second * WHOLE - quota->level) / quota->per_second);
    return is_enough;
}

static bool month_takes(struct quota *quota, int64_t events, int64_t now,
                        struct quota_state *state)
{
    int64_t month = month_of(now);
    int64_t left_s = seconds_up(month_end(month) - now);
    int64_t remaining;
    bool is_enough;

    if (quota->month != month) {
        quota->month = month;
        quota->used = 0;
    }
    is_enough = quota->used + events <= quota->per_month;
    remaining = quota->per_month - quota->used - (is_enough ? events : 0);
    remaining = remaining > 0 ? remaining : 0;
    if (!state->is_limited || !is_enough || remaining < state->remaining) {
        *state = (struct quota_state){ .is_limited = true,
                                       .limit = quota->per_month,
                                       .remaining = remaining,
                                       .reset_s = left_s,
                                       .retry_after_s = is_enough ? 0 : left_s };
    }
    return is_enough;
}

static void touch(struct quotas *q, struct quota *quota)
{
    if (!quota->is_dirty) {
        quota->is_dirty = true;
        list_push_back(&q->dirty, &quota->node);
    }
}

bool quota_take(struct quotas *q, struct app *app, int64_t events, int64_t wall_now,
                struct quota_state *ret_state)
{
    struct quota *quota = &app->quota;

    *ret_state = (struct quota_state){ .is_limited = false };
    if (quota->per_second > 0 && !second_takes(quota, events, wall_now, ret_state)) {
        return false;
    }
    if (quota->per_month == 0) {
        return true;
    }
    if (!month_takes(quota, events, wall_now, ret_state)) {
        quota->level += quota->per_second > 0 ? events * WHOLE : 0;
        return false;
    }
    quota->used += events;
    touch(q, quota);
    return true;
}

void quota_give_back(struct quotas *q, struct app *app, int64_t events)
{
    struct quota *quota = &app->quota;

    if (quota->per_second > 0) {
        quota->level += events * WHOLE;
    }
    if (quota->per_month > 0) {
        quota->used -= quota->used < events ? quota->used : events;
        touch(q, quota);
    }
}

/* --- into the store */
static int flush_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    const struct flush *f = CONTAINER_OF(w, struct flush, write);
    int rc = 0;

    (void)seqs;
    for (uint32_t i = 0; rc == 0 && i < f->count; i++) {
        rc = usage_set(db, &f->rows[i]);
    }
    return rc;
}

static void flush_done(struct write *w, int result)
{
    struct flush *f = CONTAINER_OF(w, struct flush, write);

    if (result != 0) {
        LOG_W("counts of the month could not be stored", "apps=%u error=%s", (unsigned)f->count,
              err_token(result));
    }
    free(f);
}

/* False: the writer takes nothing now. */
static bool flush_some(struct quotas *q)
{
    struct flush *f = xalloc(sizeof(*f));
    struct list_node *n;

    f->quotas = q;
    while (f->count < QUOTA_FLUSH_ROWS && (n = list_pop_front(&q->dirty)) != NULL) {
        struct quota *quota = CONTAINER_OF(n, struct quota, node);
        const struct app *app = CONTAINER_OF(quota, struct app, quota);

        quota->is_dirty = false;
        f->owners[f->count] = quota;
        f->rows[f->count++] = (struct usage_row){ app->object.no, quota->month, quota->used };
    }
    f->write = (struct write){ .class = WRITE_BACKGROUND,
                               .rows = f->count,
                               .bytes = f->count * sizeof(f->rows[0]),
                               .run = flush_run,
                               .on_done = flush_done };
    if (f->count > 0 && writer_submit(q->writer, &f->write) == 0) {
        return true;
    }
    for (uint32_t i = 0; i < f->count; i++) {
        touch(q, f->owners[i]);
    }
    free(f);
    return false;
}

static void on_flush(struct loop_timer *t)
{
    struct quotas *q = t->ctx;

    while (list_first(&q->dirty) != NULL && flush_some(q)) {
    }
    loop_timer_set(q->loop, t, clock_boot_ms() + QUOTA_FLUSH_MS);
}

struct quotas *quotas_new(struct loop *loop, struct writer *writer)
{
    struct quotas *q = xalloc(sizeof(*q));

    *q = (struct quotas){ .loop = loop, .writer = writer };
    list_init(&q->dirty);
    q->timer = (struct loop_timer){ .on_due = on_flush, .ctx = q };
    loop_timer_set(loop, &q->timer, clock_boot_ms() + QUOTA_FLUSH_MS);
    return q;
}

void quotas_stop(struct quotas *q)
{
    if (q == NULL) {
        return;
    }
    loop_timer_cancel(q->loop, &q->timer);
    while (list_first(&q->dirty) != NULL && flush_some(q)) {
    }
}

void quotas_free(struct quotas *q)
{
    free(q);
}
