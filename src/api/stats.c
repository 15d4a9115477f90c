/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.c - statistics of an endpoint, an app, the project: from roll-ups, plus two bounded looks
 * at what waits and how the last deliveries ended.
 */
#include "api/stats.h"

#include <stdlib.h>

#include "api/api_internal.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "base/assert.h"
#include "egress/token.h"
#include "store/delivery.h"
#include "store/look.h"

enum { LOOK_DIRECT_MAX = 64, REASON_PARTS = 1000 };

struct stats_state {
    struct stats_span span;
    enum tally_kind kind;
    int64_t subject;
    int64_t *endpoints; /* numbers, ascending: whose queue is counted */
    size_t endpoint_count;

    /* out */
    struct rollup sum;
    struct rollup *points;
    size_t point_count;
    struct tally_count reasons[STATS_REASONS_MAX];
    size_t reason_count;
    struct stats_type {
        int64_t type;
        int64_t events, delivered, failed;
    } types[STATS_TYPES_MAX];
    size_t type_count;
    int64_t events, event_bytes;
    int64_t made, filtered, skipped;
    struct look_queue queue;
    int64_t last_n, last_ok;
};

/* --- reading, in a reader thread */
static int on_row(void *ctx, const struct rollup *row)
{
    struct stats_state *s = ctx;
    size_t point = stats_point(&s->span, row->bucket);

    if (point < s->point_count) {
        rollup_merge(&s->sum, row);
        rollup_merge(&s->points[point], row);
    }
    return 0;
}

static struct stats_type *type_of(struct stats_state *s, int64_t type)
{
    for (size_t i = 0; i < s->type_count; i++) {
        if (s->types[i].type == type) {
            return &s->types[i];
        }
    }
    if (s->type_count == STATS_TYPES_MAX) {
        return &s->types[STATS_TYPES_MAX - 1]; /* it became `others` */
    }
    s->types[s->type_count].type = s->type_count == STATS_TYPES_MAX - 1 ? 0 : type;
    return &s->types[s->type_count++];
}

static void count_made(struct stats_state *s, const struct tally_count *c)
{
    s->made += c->n;
    if (c->key == DELIVERY_FILTERED) {
        s->filtered += c->n;
    } else if (c->key == DELIVERY_SKIPPED) {
        s->skipped += c->n;
    }
}

static int on_count(void *ctx, const struct tally_count *c)
{
    struct stats_state *s = ctx;

    switch (c->what) {
    case TALLY_TYPE_OK:
        type_of(s, c->key)->delivered += c->n;
        break;
    case TALLY_TYPE_FAILED:
        type_of(s, c->key)->failed += c->n;
        break;
    case TALLY_REASON:
        if (s->reason_count < STATS_REASONS_MAX) {
            s->reasons[s->reason_count++] = *c;
        }
        break;
    case TALLY_EVENTS:
        type_of(s, c->key)->events += c->n;
        s->events += c->n;
        s->event_bytes += c->bytes;
        break;
    case TALLY_MADE:
        count_made(s, c);
        break;
    }
    return 0;
}

struct working {
    const struct stats_state *s;
    int64_t *found;
    size_t count;
};

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int on_working(void *ctx, int64_t endpoint)
{
    struct working *w = ctx;

    if (bsearch(&endpoint, w->s->endpoints, w->s->endpoint_count, sizeof(endpoint),
                compare_numbers) != NULL) {
        w->found[w->count++] = endpoint;
    }
    return w->count == LOOK_QUEUE_MAX;
}

/* Of many endpoints few have open work: those are asked for first. */
static int read_queue(struct stats_state *s, struct db *db, struct arena *arena)
{
    struct working w = { .s = s, .found = s->endpoints, .count = s->endpoint_count };
    int rc = 0;

    if (s->endpoint_count > LOOK_DIRECT_MAX) {
        w.count = 0;
        w.found = arena_alloc(arena, (LOOK_QUEUE_MAX + 1) * sizeof(int64_t));
        rc = due_endpoints(db, on_working, &w);
    }
    for (size_t i = 0; rc == 0 && i < w.count; i++) {
        rc = look_queue(db, w.found[i], &s->queue);
    }
    return rc;
}

static int stats_run(struct call *call, struct db *db)
{
    struct stats_state *s = call->state;
    const struct tally_key key = { s->span.source, s->span.from, s->kind, s->subject };
    int rc = tally_read(db, &key, s->span.until, on_row, s);

    if (rc == 0) {
        rc = tally_read_counts(db, &key, s->span.until, on_count, s);
    }
    if (rc == 0) {
        rc = read_queue(s, db, call->arena);
    }
    if (rc == 0 && s->kind == TALLY_ENDPOINT) {
        rc = look_last(db, s->subject, &s->last_n, &s->last_ok);
    }
    return rc;
}

/* --- writing */
static void put_deliveries(struct json_out *o, const struct stats_state *s)
{
    const struct rollup *r = &s->sum;
    int64_t ended = r->ok + r->dead;

    json_out_name(o, "deliveries");
    json_out_object(o);
    json_put_int(o, "created", s->made);
    json_put_int(o, "delivered", r->ok);
    json_put_int(o, "failed", r->dead);
    json_put_int(o, "filtered", s->filtered);
    json_put_int(o, "skipped", s->skipped);
    json_put_int(o, "first_attempt", r->first_ok);
    json_put_int(o, "after_retry", r->ok - r->first_ok);
    stats_put_rate(o, "success_rate", r->ok, ended);
    stats_put_rate(o, "first_attempt_rate", r->first_ok, ended);
    stats_put_rate(o, "after_retry_rate", r->ok - r->first_ok, ended);
    stats_put_rate(o, "failed_rate", r->dead, ended);
    json_out_object_end(o);
}

static void put_attempts(struct json_out *o, const struct rollup *r)
{
    json_out_name(o, "attempts");
    json_out_object(o);
    json_put_int(o, "total", r->ok + r->failed);
    json_put_int(o, "succeeded", r->ok);
    json_put_int(o, "failed", r->failed);
    json_put_int(o, "retries", r->retried);
    stats_put_rate(o, "success_rate", r->ok, r->ok + r->failed);
    stats_put_rate(o, "retry_rate", r->retried, r->ok + r->failed);
    json_out_object_end(o);
}

static void put_reason(struct json_out *o, const struct tally_count *c)
{
    int32_t token = (int32_t)(c->key / REASON_PARTS);
    int64_t code = c->key % REASON_PARTS;

    json_out_object(o);
    json_put_c(o, "token", token == TOKEN_NONE ? NULL : token_name(token));
    json_out_name(o, "code");
    if (code == 0) {
        json_out_null(o);
    } else {
        json_out_int(o, code);
    }
    json_put_int(o, "count", c->n);
    json_out_object_end(o);
}

static void put_reasons(struct json_out *o, const struct stats_state *s)
{
    json_out_name(o, "most_common_error");
    if (s->reason_count == 0) {
        json_out_null(o);
    } else {
        put_reason(o, &s->reasons[0]);
    }
    json_out_name(o, "failure_breakdown");
    json_out_array(o);
    for (size_t i = 0; i < s->reason_count; i++) {
        put_reason(o, &s->reasons[i]);
    }
    json_out_array_end(o);
}

static int compare_types(const void *a, const void *b)
{
    const struct stats_type *x = a;
    const struct stats_type *y = b;
    int64_t p = x->delivered + x->failed + x->events;
    int64_t q = y->delivered + y->failed + y->events;

    return p != q ? (p > q ? -1 : 1) : (x->type < y->type ? -1 : x->type > y->type);
}

static void put_types(struct call *call, struct json_out *o, struct stats_state *s)
{
    qsort(s->types, s->type_count, sizeof(s->types[0]), compare_types);
    json_out_name(o, "by_type");
    json_out_array(o);
    for (size_t i = 0; i < s->type_count; i++) {
        const struct stats_type *t = &s->types[i];
        const struct event_type *type = registry_type_no(call->api->options.registry, t->type);

        json_out_object(o);
        call_put_text(o, "type", type == NULL ? STR_NONE : type->object.slug);
        if (s->kind != TALLY_ENDPOINT) {
            json_put_int(o, "events", t->events);
        }
        json_put_int(o, "delivered", t->delivered);
        json_put_int(o, "failed_attempts", t->failed);
        json_out_object_end(o);
    }
    json_out_array_end(o);
}

static void put_now(struct json_out *o, const struct stats_state *s)
{
    json_put_int(o, "queue_depth", s->queue.fresh + s->queue.retries);
    json_put_bool(o, "queue_depth_exact", s->queue.fresh + s->queue.retries < LOOK_QUEUE_MAX);
    json_put_int(o, "pending_retry", s->queue.retries);
    json_put_int(o, "exhausted", s->sum.dead);
    if (s->kind == TALLY_ENDPOINT) {
        json_out_name(o, "last_100");
        json_out_object(o);
        json_put_int(o, "n", s->last_n);
        json_put_int(o, "ok", s->last_ok);
        json_out_object_end(o);
        return;
    }
    json_out_name(o, "events");
    json_out_object(o);
    json_put_int(o, "total", s->events);
    json_out_name(o, "average_bytes");
    if (s->events == 0) {
        json_out_null(o);
    } else {
        json_out_int(o, s->event_bytes / s->events);
    }
    json_out_object_end(o);
}

static void put_series(struct json_out *o, const struct stats_state *s)
{
    json_put_int(o, "interval_s", s->span.interval_ms / 1000);
    json_out_name(o, "series");
    json_out_array(o);
    for (size_t i = 0; i < s->point_count; i++) {
        const struct rollup *r = &s->points[i];

        json_out_object(o);
        json_put_time(o, "at", stats_point_at(&s->span, i));
        json_put_int(o, "attempts", r->ok + r->failed);
        json_put_int(o, "failed_attempts", r->failed);
        json_put_int(o, "delivered", r->ok);
        json_put_int(o, "failed", r->dead);
        stats_put_rate(o, "success_rate", r->ok, r->ok + r->failed);
        stats_put_latency(o, "latency_ms", r);
        json_out_object_end(o);
    }
    json_out_array_end(o);
}

static void put_endpoints(const struct app *app, int64_t counts[4])
{
    for (size_t i = 0; i < app->endpoint_count; i++) {
        const struct endpoint *e = (const struct endpoint *)(const void *)app->endpoints[i];

        if (e->object.deleted_at == 0) {
            counts[0]++;
            counts[1 + (int)e->status]++;
        }
    }
}

/* How many there are, and in which status. */
static void put_objects(struct call *call, struct json_out *o)
{
    static const char *const names[4] = { "total", "active", "paused", "disabled" };
    int64_t counts[4] = { 0 };
    int64_t apps = 0;

    if (call->app != NULL) {
        put_endpoints(call->app, counts);
    } else {
        for (size_t i = 0; i < call->project->app_count; i++) {
            const struct app *app =
                (const struct app *)(const void *)call->project->app_list[i];

            if (app->object.deleted_at == 0) {
                apps++;
                put_endpoints(app, counts);
            }
        }
        json_put_int(o, "apps", apps);
    }
    json_out_name(o, "endpoints");
    json_out_object(o);
    for (size_t i = 0; i < 4; i++) {
        json_put_int(o, names[i], counts[i]);
    }
    json_out_object_end(o);
}

static void stats_done(struct call *call)
{
    struct stats_state *s = call->state;
    struct json_out *o = call_json(call);

    json_out_object(o);
    stats_put_span(o, &s->span);
    put_deliveries(o, s);
    put_attempts(o, &s->sum);
    stats_put_latency(o, "latency_ms", &s->sum);
    put_now(o, s);
    if (s->kind != TALLY_ENDPOINT) {
        put_objects(call, o);
    }
    put_reasons(o, s);
    put_types(call, o, s);
    put_series(o, s);
    json_out_object_end(o);
    call->cache = "private, max-age=60";
    call_reply(call, 200);
}

/* --- what is asked */
static void add_endpoints(struct stats_state *s, const struct app *app)
{
    for (size_t i = 0; i < app->endpoint_count; i++) {
        if (app->endpoints[i]->deleted_at == 0) {
            s->endpoints[s->endpoint_count++] = app->endpoints[i]->no;
        }
    }
}

static void pick_endpoints(struct call *call, struct stats_state *s)
{
    size_t count = 0;

    for (size_t i = 0; i < call->project->app_count; i++) {
        count += ((const struct app *)(const void *)call->project->app_list[i])->endpoint_count;
    }
    s->endpoints = arena_alloc(call->arena, (count + 1) * sizeof(*s->endpoints));
    if (s->kind == TALLY_ENDPOINT) {
        s->endpoints[s->endpoint_count++] = s->subject;
    } else if (s->kind == TALLY_APP) {
        add_endpoints(s, call->app);
    } else {
        for (size_t i = 0; i < call->project->app_count; i++) {
            const struct object *app = call->project->app_list[i];

            if (app->deleted_at == 0) {
                add_endpoints(s, (const struct app *)(const void *)app);
            }
        }
    }
    qsort(s->endpoints, s->endpoint_count, sizeof(*s->endpoints), compare_numbers);
}

static void stats_of(struct call *call, enum tally_kind kind, int64_t subject)
{
    struct stats_state *s = arena_alloc(call->arena, sizeof(*s));

    s->kind = kind;
    s->subject = subject;
    stats_span_read(call, &s->span);
    if (call->faults.count > 0) {
        problem_reply(call, -E_INVALID);
        return;
    }
    s->point_count = stats_points(&s->span);
    s->points = arena_alloc(call->arena, s->point_count * sizeof(*s->points));
    pick_endpoints(call, s);
    call->state = s;
    call_read(call, stats_run, stats_done);
}

void stats_endpoint(struct call *call)
{
    stats_of(call, TALLY_ENDPOINT, call->endpoint->object.no);
}

void stats_app(struct call *call)
{
    stats_of(call, TALLY_APP, call->app->object.no);
}

void stats_project(struct call *call)
{
    stats_of(call, TALLY_PROJECT, call->project->object.no);
}
