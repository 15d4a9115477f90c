/* SPDX-License-Identifier: Apache-2.0 */
/* stats_lists.c - two series for every endpoint of an app in one answer, and apps by rank. */
#include <stdlib.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/stats.h"
#include "base/alloc.h"

enum { RANK_PAGE = 1000, SPARK_POINTS = 42 };

/* --- sparklines */
struct spark {
    const struct endpoint *endpoint;
    int64_t no;
    struct rollup sum;
    int64_t *total, *failed;
};

struct spark_state {
    struct stats_span span;
    size_t point_count;
    struct spark *sparks;
    size_t spark_count;
    struct spark *at;
};

static int on_spark(void *ctx, const struct rollup *row)
{
    struct spark_state *s = ctx;
    size_t point = stats_point(&s->span, row->bucket);

    if (point < s->point_count) {
        rollup_merge(&s->at->sum, row);
        s->at->total[point] += row->ok + row->failed;
        s->at->failed[point] += row->failed;
    }
    return 0;
}

static int spark_run(struct call *call, struct db *db)
{
    struct spark_state *s = call->state;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->spark_count; i++) {
        const struct tally_key key = { s->span.source, s->span.from, TALLY_ENDPOINT,
                                       s->sparks[i].no };

        s->at = &s->sparks[i];
        rc = tally_read(db, &key, s->span.until, on_spark, s);
    }
    return rc;
}

static void put_points(struct json_out *o, const char *name, const int64_t *points,
                       size_t count)
{
    json_out_name(o, name);
    json_out_array(o);
    for (size_t i = 0; i < count; i++) {
        json_out_int(o, points[i]);
    }
    json_out_array_end(o);
}

static void spark_done(struct call *call)
{
    const struct spark_state *s = call->state;
    struct json_out *o = call_json(call);

    json_out_object(o);
    stats_put_span(o, &s->span);
    json_put_int(o, "interval_s", s->span.interval_ms / 1000);
    json_put_time(o, "first_at", stats_point_at(&s->span, 0));
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < s->spark_count; i++) {
        const struct spark *spark = &s->sparks[i];
        const struct rollup *r = &spark->sum;

        json_out_object(o);
        call_put_id(o, "endpoint_id", ID_ENDPOINT, &spark->endpoint->object.id);
        json_put_int(o, "attempts", r->ok + r->failed);
        json_put_int(o, "failed_attempts", r->failed);
        json_put_int(o, "delivered", r->ok);
        json_put_int(o, "failed", r->dead);
        stats_put_rate(o, "success_rate", r->ok, r->ok + r->failed);
        stats_put_latency(o, "latency_ms", r);
        put_points(o, "total", spark->total, s->point_count);
        put_points(o, "failures", spark->failed, s->point_count);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call->cache = "private, max-age=60";
    call_reply(call, 200);
}

/* A line of at most SPARK_POINTS: 24 hours by the hour, 7 days by 4 hours, 30 days by the day. */
static void spark_span(struct stats_span *span)
{
    switch (span->window) {
    case WINDOW_1H:
        span->interval_ms = 2 * TALLY_MINUTE_MS;
        break;
    case WINDOW_24H:
    case WINDOW_TODAY:
        span->source = TALLY_HOUR;
        span->from -= span->from % TALLY_HOUR_MS;
        break;
    case WINDOW_7D:
        span->interval_ms = 7 * TALLY_DAY_MS / SPARK_POINTS;
        break;
    case WINDOW_30D:
        span->source = TALLY_DAY;
        span->from -= span->from % TALLY_DAY_MS;
        span->offset_ms = 0; /* days are of UTC */
        break;
    }
}

void stats_sparklines(struct call *call)
{
    struct spark_state *s = arena_alloc(call->arena, sizeof(*s));
    const struct app *app = call->app;

    stats_span_read(call, &s->span);
    if (call->faults.count > 0) {
        problem_reply(call, -E_INVALID);
        return;
    }
    spark_span(&s->span);
    s->point_count = stats_points(&s->span);
    s->sparks = arena_alloc(call->arena, (app->endpoint_count + 1) * sizeof(*s->sparks));
    for (size_t i = 0; i < app->endpoint_count; i++) {
        struct spark *spark = &s->sparks[s->spark_count];

        if (app->endpoints[i]->deleted_at != 0) {
            continue;
        }
        s->spark_count++;
        spark->endpoint = (const struct endpoint *)(const void *)app->endpoints[i];
        spark->no = app->endpoints[i]->no;
        spark->total = arena_alloc(call->arena, s->point_count * sizeof(int64_t));
        spark->failed = arena_alloc(call->arena, s->point_count * sizeof(int64_t));
    }
    call->state = s;
    call_read(call, spark_run, spark_done);
}

/* --- ranking */
enum rank_sort { RANK_VOLUME, RANK_FAILED, RANK_P95 };

struct rank_state {
    struct stats_span span;
    enum rank_sort sort;
    uint32_t limit;
    int64_t *apps; /* numbers of the project's, ascending */
    size_t app_count;
    struct rollup *rows; /* beside apps; endpoint holds the app's number */
    size_t page_rows;
    int64_t page_last;
};

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int on_app(void *ctx, const struct rollup *row)
{
    struct rank_state *s = ctx;
    const int64_t *at =
        bsearch(&row->endpoint, s->apps, s->app_count, sizeof(*s->apps), compare_numbers);

    s->page_rows++;
    s->page_last = row->endpoint;
    if (at != NULL) {
        rollup_merge(&s->rows[at - s->apps], row);
    }
    return 0;
}

static int rank_read(struct rank_state *s, struct db *db, enum tally_span span, int64_t from,
                     int64_t until)
{
    struct tally_key key = { span, from, TALLY_APP, 0 };
    int rc;

    do {
        s->page_rows = 0;
        rc = tally_read_all(db, &key, until, RANK_PAGE, on_app, s);
        key.subject = s->page_last;
    } while (rc == 0 && s->page_rows == RANK_PAGE);
    return rc;
}

/* Whole days that are over are read as such. */
static int rank_run(struct call *call, struct db *db)
{
    struct rank_state *s = call->state;
    int64_t from = s->span.from;
    int64_t today = s->span.until - s->span.until % TALLY_DAY_MS;
    int64_t first_day =
        from - from % TALLY_DAY_MS + (from % TALLY_DAY_MS > 0 ? TALLY_DAY_MS : 0);
    int rc;

    if (s->span.window != WINDOW_30D) {
        return rank_read(s, db, s->span.source, from, s->span.until);
    }
    rc = rank_read(s, db, TALLY_HOUR, from, first_day);
    if (rc == 0) {
        rc = rank_read(s, db, TALLY_DAY, first_day, today);
    }
    return rc == 0 ? rank_read(s, db, TALLY_HOUR, today, s->span.until) : rc;
}

static int64_t rank_value(enum rank_sort sort, const struct rollup *r)
{
    switch (sort) {
    case RANK_VOLUME:
        return r->ok + r->failed;
    case RANK_FAILED:
        return r->failed;
    case RANK_P95:
        return rollup_percentile(r, 95);
    }
    return 0;
}

/* The rank's value is put where the bucket was. */
static int compare_ranks(const void *a, const void *b)
{
    const struct rollup *x = a;
    const struct rollup *y = b;

    return x->bucket != y->bucket ? (x->bucket > y->bucket ? -1 : 1)
                                  : compare_numbers(&x->endpoint, &y->endpoint);
}

static void rank_done(struct call *call)
{
    const struct rank_state *s = call->state;
    struct json_out *o = call_json(call);
    size_t shown = 0;

    for (size_t i = 0; i < s->app_count; i++) {
        s->rows[i].bucket = rank_value(s->sort, &s->rows[i]);
        s->rows[i].endpoint = s->apps[i];
    }
    qsort(s->rows, s->app_count, sizeof(*s->rows), compare_ranks);
    json_out_object(o);
    stats_put_span(o, &s->span);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < s->app_count && shown < s->limit; i++) {
        const struct rollup *r = &s->rows[i];
        const struct app *app = registry_app_no(call->api->options.registry, r->endpoint);

        if (r->ok + r->failed == 0 || app == NULL) {
            continue;
        }
        shown++;
        json_out_object(o);
        call_put_id(o, "app_id", ID_APP, &app->object.id);
        json_put_str(o, "slug", app->object.slug);
        json_put_str(o, "name", app->name);
        json_put_int(o, "attempts", r->ok + r->failed);
        json_put_int(o, "failed_attempts", r->failed);
        json_put_int(o, "delivered", r->ok);
        json_put_int(o, "failed", r->dead);
        stats_put_rate(o, "success_rate", r->ok, r->ok + r->failed);
        stats_put_latency(o, "latency_ms", r);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call->cache = "private, max-age=60";
    call_reply(call, 200);
}

static void read_sort(struct call *call, struct rank_state *s)
{
    static const char *const names[] = { "volume", "failed", "p95" };
    struct str text = call_query(call, "sort");
    struct str limit = call_query(call, "limit");
    int64_t n = PAGE_LIMIT;

    if (limit.p != NULL && str_to_int(limit, 1, PAGE_LIMIT_MAX, &n) != 0) {
        call_query_fault(call, "limit", "range", "This is a number from 1 to 250.");
    }
    s->limit = (uint32_t)n;
    for (size_t i = 0; text.p != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_eq_c(text, names[i])) {
            s->sort = (enum rank_sort)i;
            return;
        }
    }
    if (text.p != NULL) {
        call_query_fault(call, "sort", "pattern", "This is volume, failed or p95.");
    }
}

void stats_apps(struct call *call)
{
    struct rank_state *s = arena_alloc(call->arena, sizeof(*s));
    const struct project *p = call->project;

    stats_span_read(call, &s->span);
    read_sort(call, s);
    if (call->faults.count > 0) {
        problem_reply(call, -E_INVALID);
        return;
    }
    s->apps = arena_alloc(call->arena, (p->app_count + 1) * sizeof(*s->apps));
    s->rows = arena_alloc(call->arena, (p->app_count + 1) * sizeof(*s->rows));
    for (size_t i = 0; i < p->app_count; i++) {
        if (p->app_list[i]->deleted_at == 0) {
            s->apps[s->app_count++] = p->app_list[i]->no;
        }
    }
    qsort(s->apps, s->app_count, sizeof(*s->apps), compare_numbers);
    call->state = s;
    call_read(call, rank_run, rank_done);
}
