/* SPDX-License-Identifier: Apache-2.0 */
/* alert.c - one round: sample and walk here, read in a reader thread, then judge. */
#include "engine/alert.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/notice.h"
#include "engine/outbox.h"
#include "engine/registry.h"
#include "net/loop.h"
#include "store/reader.h"
#include "store/tally.h"
#include "store/watch.h"
#include "store/writer.h"

enum { NOTICE_DAY_MS = 24 * 3600 * 1000, TEXT_MAX = 256 };

struct sample {
    int64_t at; /* boot ms */
    uint64_t attempts, failed, errors, mail_failed;
};

struct app_sum {
    int64_t app;
    int64_t ok, failed;
};

struct alerts {
    struct alerts_options options;
    struct alert rows[ALERT_KINDS];
    struct loop_timer timer;
    struct sample samples[ALERT_SAMPLES]; /* a ring */
    size_t sample_count, sample_next;
    struct read read;
    bool is_reading, is_stopped, with_apps;
    uint64_t rounds;
    int64_t judged_at;
    /* of this round */
    int64_t open, from, until;
    struct app_sum apps[ALERT_APPS_MAX];
    size_t app_count;
};

static const struct {
    const char *name, *severity, *text;
} table[ALERT_KINDS] = {
#define ALERT_ROW(name, token, severity, text) [ALERT_##name] = { token, severity, text },
    ALERT_TABLE(ALERT_ROW)
#undef ALERT_ROW
};

/* --- changes */
static void alert_tell(struct alerts *a, const struct alert *row)
{
    char text[TEXT_MAX];
    int n = snprintf(text, sizeof(text), "%lld %s; the threshold is %lld.",
                     (long long)row->value, row->text, (long long)row->threshold);

    ASSERT(n > 0 && (size_t)n < sizeof(text));
    LOG_W(row->is_firing ? "an alert fires" : "an alert is resolved",
          "alert=%s severity=%s value=%lld threshold=%lld", row->name, row->severity,
          (long long)row->value, (long long)row->threshold);
    notice_raise(
        a->options.notices,
        &(struct notice){ .kind = row->is_firing ? NOTICE_ALERT_FIRING : NOTICE_ALERT_RESOLVED,
                          .topic = str_from(row->name),
                          .severity = str_from(row->severity),
                          .detail = { text, (size_t)n },
                          .count = row->value,
                          .since = row->since,
                          .always = true });
}

static void alert_judge(struct alerts *a, enum alert_kind kind, int64_t value)
{
    struct alert *row = &a->rows[kind];
    bool fires = value > row->threshold;

    row->value = value;
    if (fires != row->is_firing) {
        row->is_firing = fires;
        row->since = clock_wall_ms();
        alert_tell(a, row);
    }
}

/* --- counters over the window */
static struct sample sample_now(const struct alerts *a)
{
    struct engine_stats engine;
    struct writer_stats writer;
    struct outbox_stats outbox;

    engine_stats(a->options.engine, &engine);
    writer_stats(a->options.writer, &writer);
    outbox_stats(a->options.outbox, &outbox);
    return (struct sample){ .at = clock_boot_ms(),
                            .attempts = engine.delivered + engine.failed_attempts,
                            .failed = engine.failed_attempts,
                            .errors = engine.egress_restarts + writer.failed,
                            .mail_failed = outbox.failed + outbox.dropped };
}

/* The oldest sample within the window; the new one when there is none. */
static struct sample sample_before(const struct alerts *a, const struct sample *now)
{
    struct sample best = *now;

    for (size_t i = 0; i < a->sample_count; i++) {
        const struct sample *s = &a->samples[i];

        if (now->at - s->at <= a->options.window_ms && s->at < best.at) {
            best = *s;
        }
    }
    return best;
}

static void judge_counters(struct alerts *a)
{
    struct sample now = sample_now(a);
    struct sample before = sample_before(a, &now);
    int64_t attempts = (int64_t)(now.attempts - before.attempts);
    int64_t failed = (int64_t)(now.failed - before.failed);

    a->samples[a->sample_next] = now;
    a->sample_next = (a->sample_next + 1) % ALERT_SAMPLES;
    a->sample_count += a->sample_count < ALERT_SAMPLES ? 1 : 0;
    alert_judge(a, ALERT_FAILURE_RATE,
                attempts < a->options.attempts_min || attempts == 0 ? 0
                                                                    : failed * 100 / attempts);
    alert_judge(a, ALERT_WORKER_ERRORS, (int64_t)(now.errors - before.errors));
    alert_judge(a, ALERT_MAIL_FAILING, (int64_t)(now.mail_failed - before.mail_failed));
}

/* --- endpoints that are down: told to their owners once a day */
static bool is_down(const struct alerts *a, const struct endpoint *endpoint, int64_t now)
{
    int64_t up =
        endpoint->last_success_at > 0 ? endpoint->last_success_at : endpoint->object.created_at;

    return endpoint->object.deleted_at == 0 && endpoint->slot != REGISTRY_NO_SLOT &&
           endpoint->status == ENDPOINT_ACTIVE && endpoint->failures > 0 &&
           now - up > a->options.down_ms;
}

static void judge_endpoints(struct alerts *a)
{
    int64_t now = clock_wall_ms();
    int64_t down = 0;
    const struct object *o;

    for (size_t i = 0; (o = registry_at(a->options.registry, CONFIG_ENDPOINT, i)) != NULL;
         i++) {
        const struct endpoint *endpoint = (const struct endpoint *)(const void *)o;

        if (!is_down(a, endpoint, now)) {
            continue;
        }
        down++;
        notice_raise(a->options.notices,
                     &(struct notice){ .kind = NOTICE_ENDPOINT_DOWN,
                                       .app = endpoint->app,
                                       .endpoint = endpoint,
                                       .count = endpoint->failures,
                                       .since = endpoint->last_success_at > 0
                                                    ? endpoint->last_success_at
                                                    : endpoint->object.created_at,
                                       .cooldown_ms = NOTICE_DAY_MS });
    }
    alert_judge(a, ALERT_ENDPOINT_DOWN, down);
}

/* --- apps with a high rate in the last hour */
static void judge_apps(struct alerts *a)
{
    int64_t bad = 0;

    for (size_t i = 0; i < a->app_count; i++) {
        const struct app_sum *sum = &a->apps[i];
        const struct app *app = registry_app_no(a->options.registry, sum->app);
        int64_t attempts = sum->ok + sum->failed;
        int64_t percent = attempts == 0 ? 0 : sum->failed * 100 / attempts;

        if (app == NULL || app->object.deleted_at != 0 || attempts < a->options.attempts_min ||
            percent <= a->options.app_failure_percent) {
            continue;
        }
        bad++;
        notice_raise(a->options.notices, &(struct notice){ .kind = NOTICE_FAILURE_RATE,
                                                           .app = app,
                                                           .count = attempts,
                                                           .percent = percent,
                                                           .cooldown_ms = NOTICE_DAY_MS });
    }
    alert_judge(a, ALERT_CUSTOMER_FAILURE_RATE, bad);
}

/* --- the round */
static int on_app(void *ctx, const struct rollup *row)
{
    struct alerts *a = ctx;

    if (a->app_count < ALERT_APPS_MAX) {
        a->apps[a->app_count++] = (struct app_sum){ row->endpoint, row->ok, row->failed };
    }
    return 0;
}

static int round_read(struct read *r, struct db *db)
{
    struct alerts *a = CONTAINER_OF(r, struct alerts, read);
    int rc = watch_open(db, a->options.pending_max + 1, &a->open);

    a->app_count = 0;
    if (rc == 0 && a->with_apps) {
        rc = tally_read_all(
            db,
            &(struct tally_key){ .span = TALLY_MINUTE, .bucket = a->from, .kind = TALLY_APP },
            a->until, ALERT_APPS_MAX, on_app, a);
    }
    return rc;
}

static void round_again(struct alerts *a)
{
    if (!a->is_stopped) {
        loop_timer_set(a->options.loop, &a->timer, clock_boot_ms() + a->options.every_ms);
    }
}

static void round_done(struct read *r, int result)
{
    struct alerts *a = CONTAINER_OF(r, struct alerts, read);

    a->is_reading = false;
    if (result != 0) {
        LOG_W("alerts could not be judged", "error=%s", err_token(result));
    } else if (!a->is_stopped) {
        alert_judge(a, ALERT_PENDING, a->open);
        if (a->with_apps) {
            judge_apps(a);
        }
        a->judged_at = clock_wall_ms();
    }
    round_again(a);
}

static void on_due(struct loop_timer *t)
{
    struct alerts *a = t->ctx;
    int64_t now = clock_wall_ms();

    ASSERT(!a->is_reading);
    judge_counters(a);
    judge_endpoints(a);
    a->with_apps = a->rounds++ % ALERT_APPS_ROUNDS == 0;
    a->until = now + TALLY_MINUTE_MS;
    a->from = (now - ALERT_HOUR_MS) / TALLY_MINUTE_MS * TALLY_MINUTE_MS;
    a->read = (struct read){ .run = round_read, .on_done = round_done };
    if (readers_submit(a->options.readers, &a->read) != 0) {
        round_again(a);
        return;
    }
    a->is_reading = true;
}

/* --- life */
struct alerts *alerts_start(const struct alerts_options *options)
{
    struct alerts *a = xalloc(sizeof(*a));

    a->options = *options;
    for (size_t i = 0; i < ALERT_KINDS; i++) {
        a->rows[i].name = table[i].name;
        a->rows[i].severity = table[i].severity;
        a->rows[i].text = table[i].text;
    }
    a->rows[ALERT_PENDING].threshold = options->pending_max;
    a->rows[ALERT_FAILURE_RATE].threshold = options->failure_percent;
    a->samples[0] = sample_now(a);
    a->sample_count = 1;
    a->sample_next = 1;
    a->timer = (struct loop_timer){ .on_due = on_due, .ctx = a };
    round_again(a);
    return a;
}

void alerts_stop(struct alerts *a)
{
    if (a != NULL) {
        a->is_stopped = true;
        loop_timer_cancel(a->options.loop, &a->timer);
    }
}

void alerts_free(struct alerts *a)
{
    free(a);
}

const struct alert *alerts_at(const struct alerts *a, size_t index)
{
    return index < ALERT_KINDS ? &a->rows[index] : NULL;
}

int64_t alerts_judged_at(const struct alerts *a)
{
    return a->judged_at;
}
