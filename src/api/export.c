/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.c - the log as CSV, JSON or NDJSON: what a list's filters find, all of it, in pieces. A
 * page is read when the one before is out, each in a transaction of its own, so an export of a
 * million rows holds one page in memory and no snapshot in the store.
 *
 * A client may leave while a page is being read in another thread; so an export lives apart from
 * its call, and goes when both are through with it.
 */
#include <stdlib.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/delivery_view.h"
#include "api/events_read.h"
#include "api/handlers.h"
#include "api/ledger.h"
#include "api/problem.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "egress/token.h"

enum { EXPORT_ROWS = 250, EXPORT_NUMBER = 24 };

enum export_format { EXPORT_CSV, EXPORT_JSON, EXPORT_NDJSON };

struct export
{
    struct call *call; /* NULL: the client has left */
    struct read read;
    struct arena arena; /* the query */
    struct arena pages; /* the page */
    struct ledger_query query;
    struct ledger_page page;
    struct ledger_event *events;
    enum export_format format;
    bool of_events;
    bool is_reading, has_page, is_last, has_failed;
    bool has_begun, has_rows;
};

/* --- CSV */
/* What a spreadsheet would take for a formula gets an apostrophe before it. */
static int put_cell(struct buf *out, struct str s)
{
    static const char formula[] = "=+-@\t\r";
    bool is_formula = s.len > 0 && memchr(formula, s.p[0], sizeof(formula) - 1) != NULL;
    bool is_quoted = is_formula || str_find(s, ',') < s.len || str_find(s, '"') < s.len ||
                     str_find(s, '\n') < s.len || str_find(s, '\r') < s.len;
    int rc = 0;

    if (!is_quoted) {
        return buf_add_str(out, s);
    }
    rc = buf_add_c(out, is_formula ? "\"'" : "\"");
    for (size_t i = 0; i < s.len && rc == 0; i++) {
        rc = s.p[i] == '"' ? buf_add_c(out, "\"\"") : buf_add_char(out, s.p[i]);
    }
    return rc == 0 ? buf_add_char(out, '"') : rc;
}

struct csv {
    struct buf *out;
    int rc;
    bool has_cell;
};

static void csv_str(struct csv *c, struct str s)
{
    if (c->has_cell && c->rc == 0) {
        c->rc = buf_add_char(c->out, ',');
    }
    c->has_cell = true;
    if (c->rc == 0) {
        c->rc = put_cell(c->out, s);
    }
}

static void csv_c(struct csv *c, const char *s)
{
    csv_str(c, str_from(s));
}

static void csv_id(struct csv *c, enum id_kind kind, const struct id *id)
{
    char text[ID_TEXT_SIZE];

    if (id == NULL) {
        csv_c(c, "");
        return;
    }
    id_format(kind, id, text);
    csv_c(c, text);
}

static void csv_time(struct csv *c, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE] = "";

    if (wall_ms != 0) {
        clock_format(wall_ms, text);
    }
    csv_c(c, text);
}

/* Nothing for 0 when `hides_zero`. */
static void csv_int(struct csv *c, int64_t i, bool hides_zero)
{
    struct buf text;

    buf_init(&text, EXPORT_NUMBER);
    if ((i != 0 || !hides_zero) && c->rc == 0) {
        c->rc = buf_printf(&text, "%lld", (long long)i);
    }
    csv_str(c, buf_str(&text));
    buf_done(&text);
}

static void csv_end(struct csv *c)
{
    if (c->rc == 0) {
        c->rc = buf_add_c(c->out, "\r\n");
    }
    c->has_cell = false;
}

static void csv_app(struct csv *c, const struct call *call, int64_t no)
{
    const struct app *app = registry_app_no(call->api->options.registry, no);

    csv_id(c, ID_APP, app == NULL ? NULL : &app->object.id);
}

static void csv_delivery(struct csv *c, struct call *call, const struct delivery_row *d,
                         const struct id *event)
{
    const struct event_type *type = registry_type_no(call->api->options.registry, d->type);
    struct delivery_view view;

    delivery_look(call, d, &view);
    csv_id(c, ID_DELIVERY, &d->id);
    csv_app(c, call, d->app);
    csv_id(c, ID_ENDPOINT, view.endpoint == NULL ? NULL : &view.endpoint->object.id);
    csv_id(c, ID_EVENT, event);
    csv_str(c, type == NULL ? STR_NONE : type->object.slug);
    csv_c(c, view.status);
    csv_c(c, view.reason);
    csv_int(c, d->attempt_count, false);
    csv_int(c, d->last_code, true);
    csv_c(c, d->last_error == TOKEN_NONE ? "" : token_name(d->last_error));
    csv_int(c, d->last_ms, d->attempt_count == 0);
    csv_time(c, d->created_at);
    csv_time(c, d->ended_at);
    csv_time(c, view.is_open ? d->next_at : 0);
    csv_end(c);
}

static void csv_event(struct csv *c, const struct call *call, const struct event_row *e)
{
    const struct event_type *type = registry_type_no(call->api->options.registry, e->type);

    csv_id(c, ID_EVENT, &e->id);
    csv_app(c, call, e->app);
    csv_str(c, type == NULL ? STR_NONE : type->object.slug);
    csv_str(c, e->external_id);
    csv_time(c, e->occurred_at);
    csv_time(c, e->accepted_at);
    csv_int(c, e->sent_count, false);
    csv_end(c);
}

/* --- a page as text */
static int put_begin(struct export *e, struct buf *out)
{
    e->has_begun = true;
    switch (e->format) {
    case EXPORT_CSV:
        return buf_add_c(out, e->of_events
                                  ? "id,app_id,type,external_id,created_at,accepted_at,"
                                    "delivery_count\r\n"
                                  : "id,app_id,endpoint_id,event_id,event_type,status,reason,"
                                    "attempt_count,status_code,error,latency_ms,created_at,"
                                    "ended_at,next_attempt_at\r\n");
    case EXPORT_JSON:
        return buf_add_char(out, '[');
    case EXPORT_NDJSON:
        break;
    }
    return 0;
}

static int put_json(struct export *e, struct buf *out, size_t i)
{
    struct json_out o;
    int rc = 0;

    if (e->format == EXPORT_JSON && e->has_rows) {
        rc = buf_add_c(out, ",\n");
    }
    json_out_begin(&o, out);
    json_out_object(&o);
    if (e->of_events) {
        ledger_put_app(e->call, &o, e->page.events[i].app);
        event_members(e->call, &o, &e->page.events[i]);
    } else {
        ledger_put_app(e->call, &o, e->page.deliveries[i].app);
        delivery_members(e->call, &o, &e->page.deliveries[i],
                         e->events[i].is_there ? &e->events[i].id : NULL);
    }
    json_out_object_end(&o);
    if (rc == 0) {
        rc = json_out_end(&o);
    }
    return rc == 0 && e->format == EXPORT_NDJSON ? buf_add_char(out, '\n') : rc;
}

static int put_page(struct export *e, struct buf *out)
{
    struct csv csv = { .out = out };
    int rc = 0;

    for (size_t i = 0; i < e->page.count && rc == 0 && csv.rc == 0; i++) {
        if (e->format != EXPORT_CSV) {
            rc = put_json(e, out, i);
        } else if (e->of_events) {
            csv_event(&csv, e->call, &e->page.events[i]);
        } else {
            csv_delivery(&csv, e->call, &e->page.deliveries[i],
                         e->events[i].is_there ? &e->events[i].id : NULL);
        }
        e->has_rows = true;
    }
    return rc == 0 ? csv.rc : rc;
}

/* --- reading */
static void export_free(struct export *e)
{
    arena_done(&e->arena);
    arena_done(&e->pages);
    free(e);
}

static int on_run(struct read *r, struct db *db)
{
    struct export *e = CONTAINER_OF(r, struct export, read);
    int rc = e->of_events ? ledger_events(db, &e->query, &e->pages, &e->page)
                          : ledger_deliveries(db, &e->query, &e->pages, &e->page);

    return rc == 0 && !e->of_events ? ledger_read_events_of(db, &e->page, &e->pages, &e->events)
                                    : rc;
}

static void on_read_done(struct read *r, int result)
{
    struct export *e = CONTAINER_OF(r, struct export, read);

    e->is_reading = false;
    if (e->call == NULL) {
        export_free(e);
        return;
    }
    e->has_page = result == 0;
    e->has_failed = result != 0;
    http_stream_wake(e->call->req);
}

/* Where the next page begins; the last one has neither a full page nor a place to go on at. */
static void export_next(struct export *e)
{
    int64_t last = 0;

    if (e->page.count > 0) {
        last = e->of_events ? e->page.events[e->page.count - 1].seq
                            : e->page.deliveries[e->page.count - 1].seq;
    }
    e->is_last = e->page.looked_to == 0 && e->page.count < e->query.limit;
    e->query.after_seq = e->page.looked_to != 0 ? e->page.looked_to : last;
}

static void export_read(struct export *e)
{
    arena_done(&e->pages);
    arena_init(&e->pages);
    e->page = (struct ledger_page){ .count = 0 };
    e->read = (struct read){ .run = on_run, .on_done = on_read_done };
    e->is_reading = readers_submit(e->call->api->options.readers, &e->read) == 0;
    e->has_failed = !e->is_reading;
}

static enum http_more export_piece(struct call *call, struct buf *out)
{
    struct export *e = call->state;
    int rc = 0;

    if (e->is_reading) {
        return HTTP_WAIT;
    }
    if (e->has_failed) {
        return HTTP_BROKEN;
    }
    if (!e->has_begun) {
        rc = put_begin(e, out);
    }
    if (e->has_page) {
        rc = rc == 0 ? put_page(e, out) : rc;
        e->has_page = false;
        export_next(e);
    }
    if (rc != 0) {
        return HTTP_BROKEN;
    }
    if (e->is_last) {
        return e->format == EXPORT_JSON && buf_add_c(out, "]\n") != 0 ? HTTP_BROKEN : HTTP_END;
    }
    export_read(e);
    return e->has_failed ? HTTP_BROKEN : HTTP_WAIT;
}

static void export_closed(struct call *call)
{
    struct export *e = call->state;

    e->call = NULL;
    if (!e->is_reading) {
        export_free(e);
    }
}

/* --- what is asked */
static const int64_t *copy_numbers(struct export *e, const int64_t *numbers, size_t count)
{
    int64_t *copy = arena_alloc(&e->arena, (count + 1) * sizeof(*copy));

    if (count > 0) {
        memcpy(copy, numbers, count * sizeof(*copy));
    }
    return copy;
}

static enum export_format read_format(struct call *call)
{
    static const char *const names[] = { "csv", "json", "ndjson" };
    struct str text = call_query(call, "format");

    for (size_t i = 0; text.p != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_eq_c(text, names[i])) {
            return (enum export_format)i;
        }
    }
    if (text.p != NULL) {
        call_query_fault(call, "format", "pattern", "This is csv, json or ndjson.");
    }
    return EXPORT_CSV;
}

static void export_start(struct call *call, bool of_events)
{
    static const char *const types[] = { "text/csv; charset=utf-8", "application/json",
                                         "application/x-ndjson" };
    static const char *const ends[] = { "csv", "json", "ndjson" };
    struct ledger_ask ask = { .counts = false };
    enum export_format format = read_format(call);
    struct export *e;

    if (!ledger_read(call, of_events, &ask)) {
        problem_reply(call, -E_INVALID);
        return;
    }
    e = xalloc(sizeof(*e));
    e->call = call;
    e->of_events = of_events;
    e->format = format;
    arena_init(&e->arena);
    arena_init(&e->pages);
    e->query = ask.query;
    e->query.apps = copy_numbers(e, ask.query.apps, ask.query.app_count);
    e->query.endpoints = copy_numbers(e, ask.query.endpoints, ask.query.endpoint_count);
    e->query.types = copy_numbers(e, ask.query.types, ask.query.type_count);
    e->query.limit = EXPORT_ROWS;
    e->is_last = ask.is_empty;
    call->state = e;
    call_header(call, "Content-Disposition", "attachment; filename=\"%s.%s\"",
                of_events ? "events" : "deliveries", ends[format]);
    call_stream(call, types[format], false, export_piece, export_closed);
}

void deliveries_export(struct call *call)
{
    export_start(call, false);
}

void events_export(struct call *call)
{
    export_start(call, true);
}
