/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliveries.c - /api/v1/apps/{app}/deliveries: the log, one delivery with its attempts, retry
 * and cancel.
 *
 * What waits for a deleted endpoint is cancelled without a row that says so (delivery_view.c).
 * So a filter by status asks the store more than once: `cancelled` is the stored ones and what
 * is open of deleted endpoints; `pending` and `retrying` leave deleted endpoints out.
 */
#include "api/api_internal.h"
#include "api/audit.h"
#include "api/delivery_read.h"
#include "api/delivery_view.h"
#include "api/events_read.h"
#include "api/filters.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/redact.h"
#include "base/assert.h"
#include "crypto/keyring.h"
#include "engine/engine.h"
#include "store/event.h"

enum {
    LIST_PARTS_MAX = 3,
    REQUEST_BODIES_MAX =
        4 * 1024 * 1024 /* request bodies in one answer; the last attempt always has its own */
};

struct list_state {
    struct page page;
    struct delivery_query parts[LIST_PARTS_MAX];
    size_t part_count;
    int64_t app;
    bool by_event;
    struct id event;
    struct delivery_row *rows; /* in reading order */
    struct id *event_ids;      /* beside them */
    bool *has_event;
    size_t count;
};

/* --- reading, in a reader thread */
/* Rows of all parts in reading order, at most as many as a page fetches. */
static void merge(struct list_state *s, struct delivery_row *const *rows, const size_t *counts,
                  struct arena *arena)
{
    bool ascending = page_reads_ascending(&s->page);
    size_t at[LIST_PARTS_MAX] = { 0 };

    ASSERT(s->count == 0 && s->part_count <= LIST_PARTS_MAX);
    s->rows = arena_alloc(arena, page_fetch(&s->page) * sizeof(*s->rows));
    while (s->count < page_fetch(&s->page)) {
        size_t best = s->part_count;

        for (size_t i = 0; i < s->part_count; i++) {
            if (at[i] < counts[i] &&
                (best == s->part_count ||
                 (rows[i][at[i]].seq < rows[best][at[best]].seq) == ascending)) {
                best = i;
            }
        }
        if (best == s->part_count) {
            return;
        }
        s->rows[s->count++] = rows[best][at[best]++];
    }
}

/* Neighbours in the log are often of one event. */
static int read_event_ids(struct list_state *s, struct db *db, struct arena *arena)
{
    s->event_ids = arena_alloc(arena, (s->count + 1) * sizeof(*s->event_ids));
    s->has_event = arena_alloc(arena, (s->count + 1) * sizeof(*s->has_event));
    for (size_t i = 0; i < s->count; i++) {
        struct event_row event;
        int rc;

        if (i > 0 && s->rows[i].event == s->rows[i - 1].event) {
            s->event_ids[i] = s->event_ids[i - 1];
            s->has_event[i] = s->has_event[i - 1];
            continue;
        }
        rc = event_brief(db, s->app, s->rows[i].event, arena, &event);
        if (rc != 0 && rc != -E_NOT_FOUND) {
            return rc;
        }
        s->has_event[i] = rc == 0;
        if (rc == 0) {
            s->event_ids[i] = event.id;
        }
    }
    return 0;
}

/* The event asked for as a number; -E_NOT_FOUND when the app has none of that id. */
static int resolve_event(struct list_state *s, struct db *db, struct arena *arena)
{
    struct event_row event;
    int rc = event_get(db, &s->event, arena, &event);

    if (rc != 0 || event.app != s->app) {
        return rc != 0 ? rc : -E_NOT_FOUND;
    }
    for (size_t i = 0; i < s->part_count; i++) {
        s->parts[i].event = event.seq;
    }
    return 0;
}

static int list_run(struct call *call, struct db *db)
{
    struct list_state *s = call->state;
    struct delivery_row *rows[LIST_PARTS_MAX] = { NULL };
    size_t counts[LIST_PARTS_MAX] = { 0 };
    int rc = s->by_event ? resolve_event(s, db, call->arena) : 0;

    if (rc == -E_NOT_FOUND) {
        return 0;
    }
    for (size_t i = 0; rc == 0 && i < s->part_count; i++) {
        if (s->parts[i].endpoint_count > 0) {
            rc = delivery_list(db, &s->parts[i], call->arena, &rows[i], &counts[i]);
        }
    }
    if (rc == 0) {
        merge(s, rows, counts, call->arena);
        rc = read_event_ids(s, db, call->arena);
    }
    return rc;
}

static void list_done(struct call *call)
{
    const struct list_state *s = call->state;
    size_t shown = page_shown(&s->page, s->count);
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < shown; i++) {
        size_t at = page_at(&s->page, s->count, i);

        json_out_object(o);
        delivery_members(call, o, &s->rows[at], s->has_event[at] ? &s->event_ids[at] : NULL);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    page_end(o, &s->page, s->count,
             shown == 0 ? 0 : s->rows[page_at(&s->page, s->count, 0)].seq,
             shown == 0 ? 0 : s->rows[page_at(&s->page, s->count, shown - 1)].seq);
    json_out_object_end(o);
    call_reply(call, 200);
}

/* --- what is asked */
enum which { ALL, LIVING, DELETED };

/* Numbers of the app's endpoints, or of the one asked for, that are alive or not. */
static void pick_endpoints(struct call *call, const struct endpoint *only, enum which which,
                           struct delivery_query *q)
{
    int64_t *numbers =
        arena_alloc(call->arena, (call->app->endpoint_count + 1) * sizeof(*numbers));
    size_t count = 0;

    for (size_t i = 0; i < call->app->endpoint_count; i++) {
        const struct object *o = call->app->endpoints[i];
        bool is_deleted = o->deleted_at != 0;

        if ((only == NULL || &only->object == o) &&
            (which == ALL || (which == DELETED) == is_deleted)) {
            numbers[count++] = o->no;
        }
    }
    q->endpoints = numbers;
    q->endpoint_count = count;
}

static void add_part(struct call *call, struct list_state *s, const struct delivery_query *base,
                     const struct endpoint *only, enum which which, int32_t state)
{
    struct delivery_query *q = &s->parts[s->part_count++];

    ASSERT(s->part_count <= LIST_PARTS_MAX);
    *q = *base;
    q->state = state;
    pick_endpoints(call, only, which, q);
}

static void add_parts(struct call *call, struct list_state *s,
                      const struct delivery_query *base, const struct endpoint *only,
                      int32_t state)
{
    if (state == DELIVERY_CANCELLED) {
        add_part(call, s, base, only, ALL, DELIVERY_CANCELLED);
        add_part(call, s, base, only, DELETED, DELIVERY_PENDING);
        add_part(call, s, base, only, DELETED, DELIVERY_RETRYING);
    } else if (state == DELIVERY_PENDING || state == DELIVERY_RETRYING) {
        add_part(call, s, base, only, LIVING, state);
    } else {
        add_part(call, s, base, only, ALL, state);
    }
}

static void read_event(struct call *call, struct list_state *s)
{
    struct str text = call_query(call, "event");

    if (text.p == NULL) {
        return;
    }
    s->by_event = true;
    if (id_parse(ID_EVENT, text, &s->event) != 0) {
        call_query_fault(call, "event", "pattern", "This is no id of an event.");
    }
}

void deliveries_list(struct call *call)
{
    struct list_state *s = arena_alloc(call->arena, sizeof(*s));
    const struct endpoint *only = NULL;
    bool has_endpoint = filter_endpoint(call, &only);
    int32_t state = filter_state(call);
    struct delivery_query base = { .type = filter_type(call),
                                   .code = filter_code(call),
                                   .error = filter_error(call),
                                   .since = filter_time(call, "since"),
                                   .until = filter_time(call, "until"),
                                   .archived = filter_archived(call) };

    s->app = call->app->object.no;
    read_event(call, s);
    if (page_read(call, PAGE_DELIVERIES, &s->page) != 0) {
        return;
    }
    call->state = s;
    if (!has_endpoint || base.type < 0) {
        list_done(call);
        return;
    }
    base.after_seq = s->page.seq;
    base.ascending = page_reads_ascending(&s->page);
    base.limit = page_fetch(&s->page);
    add_parts(call, s, &base, only, state);
    call_read(call, list_run, list_done);
}

/* --- one delivery */
static void get_done(struct call *call)
{
    struct delivery_read *s = call->state;
    struct json_out *o = call_json(call);
    size_t bodies = 0;

    redact_delivery(call, s);
    json_out_object(o);
    redact_put(call, o);
    delivery_members(call, o, &s->delivery, s->has_event ? &s->event.id : NULL);
    json_out_name(o, "attempts");
    json_out_array(o);
    for (size_t i = 0; i < s->attempt_count; i++) {
        bool fits = bodies + s->body.len <= REQUEST_BODIES_MAX || i + 1 == s->attempt_count;

        attempt_write(o, &s->attempts[i], fits ? s->body : STR_NONE);
        bodies += s->body.len;
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}

void deliveries_get(struct call *call)
{
    struct delivery_read *s = arena_alloc(call->arena, sizeof(*s));

    s->app = call->app->object.no;
    call->state = s;
    call_read(call, delivery_read_run, get_done);
}

/* --- retry and cancel: the retry is only on its way when it is answered, the cancel is
 * stored */
static void reply_moved(struct call *call, int result, int http_status, const char *status)
{
    struct json_out *o;

    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    o = call_json(call);
    json_out_object(o);
    call_put_id(o, "id", ID_DELIVERY, &call->id);
    json_put_c(o, "status", status);
    json_out_object_end(o);
    call_reply(call, http_status);
}

static void on_retried(void *ctx, int result)
{
    reply_moved(ctx, result, 202, "pending");
}

static void on_cancelled(void *ctx, int result)
{
    reply_moved(ctx, result, 200, "cancelled");
}

void deliveries_retry(struct call *call)
{
    int rc = engine_retry(call->api->options.engine, &call->id, call->app->object.no,
                          audit_of_id(call, "delivery.retried", ID_DELIVERY, &call->id),
                          on_retried, call);

    if (rc != 0) {
        problem_reply(call, rc);
    }
}

void deliveries_cancel(struct call *call)
{
    int rc = engine_cancel(call->api->options.engine, &call->id, call->app->object.no,
                           audit_of_id(call, "delivery.cancelled", ID_DELIVERY, &call->id),
                           on_cancelled, call);

    if (rc != 0) {
        problem_reply(call, rc);
    }
}
