/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.c - GET /api/v1/deliveries and /api/v1/events: the log over all apps of the project, for
 * operators; with several values in a filter, a search by id, and counts.
 */
#include "api/ledger.h"

#include "api/api_internal.h"
#include "api/delivery_view.h"
#include "api/events_read.h"
#include "api/filters.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "api/routes.h"
#include "base/assert.h"

/* --- what is asked */
static int compare_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* Apps of the project in order of number, also deleted ones: the log keeps them. */
static void pick_apps(struct call *call, const struct app *only, struct ledger_query *q)
{
    int64_t *apps = arena_alloc(call->arena, (call->project->app_count + 1) * sizeof(*apps));
    size_t count = 0;

    for (size_t i = 0; i < call->project->app_count; i++) {
        int64_t no = call->project->app_list[i]->no;

        if (only == NULL || only->object.no == no) {
            ASSERT(count == 0 || compare_numbers(apps[count - 1], no) < 0);
            apps[count++] = no;
        }
    }
    q->apps = apps;
    q->app_count = count;
}

static void pick_endpoints(struct call *call, const struct app *app,
                           const struct endpoint *endpoint, struct ledger_query *q)
{
    size_t count = app == NULL ? 1 : app->endpoint_count;
    int64_t *numbers = arena_alloc(call->arena, (count + 1) * sizeof(*numbers));

    q->endpoints = numbers;
    if (endpoint != NULL) {
        numbers[q->endpoint_count++] = endpoint->object.no;
        return;
    }
    for (size_t i = 0; app != NULL && i < app->endpoint_count; i++) {
        numbers[q->endpoint_count++] = app->endpoints[i]->no;
    }
}

static void read_search(struct call *call, struct ledger_ask *ask, bool events)
{
    struct str text = route_has_query(call->route, STR("q")) ? call_query(call, "q") : STR_NONE;

    if (text.p == NULL) {
        return;
    }
    ask->searches = true;
    if (id_parse(ID_EVENT, text, &ask->id) == 0) {
        return;
    }
    ask->by_delivery = true;
    if (events || id_parse(ID_DELIVERY, text, &ask->id) != 0) {
        call_query_fault(call, "q", "pattern",
                         events ? "This is the id of an event."
                                : "This is the id of an event or of a delivery.");
    }
}

bool ledger_read(struct call *call, bool events, struct ledger_ask *ask)
{
    struct ledger_query *q = &ask->query;
    const struct endpoint *endpoint = NULL;
    struct app *app = call->app;
    int64_t *types;
    bool has_all = app != NULL || filter_app(call, &app);
    struct str count =
        route_has_query(call->route, STR("count")) ? call_query(call, "count") : STR_NONE;

    call->app = app;
    if (!events) {
        has_all = filter_endpoint(call, &endpoint) && has_all;
        q->states = filter_states(call);
        q->code = filter_code(call);
        q->error = filter_error(call);
    }
    has_all = filter_types(call, &types, &q->type_count) && has_all;
    q->types = types;
    q->since = filter_time(call, "since");
    q->until = filter_time(call, "until");
    read_search(call, ask, events);
    ask->counts = str_eq_c(count, "true");
    if (count.p != NULL && !ask->counts && !str_eq_c(count, "false")) {
        call_query_fault(call, "count", "pattern", "This is true or false.");
    }
    pick_apps(call, app, q);
    if (!events) {
        pick_endpoints(call, app, endpoint, q);
        has_all = has_all && (app == NULL || q->endpoint_count > 0);
    }
    ask->is_empty = !has_all || q->app_count == 0;
    return call->faults.count == 0;
}

/* --- reading, in a reader thread */
bool ledger_has_app(const struct ledger_query *q, int64_t app)
{
    for (size_t i = 0; i < q->app_count; i++) {
        if (q->apps[i] == app) {
            return true;
        }
    }
    return false;
}

/* By id: what there is, without the other filters but the app. */
static int search_deliveries(struct db *db, const struct ledger_ask *ask, struct arena *arena,
                             struct ledger_page *page)
{
    struct event_row event;
    struct delivery_row *row = arena_alloc(arena, sizeof(*row));
    int rc;

    page->count = 0;
    if (ask->by_delivery) {
        rc = delivery_get(db, &ask->id, arena, row);
        page->deliveries = row;
        page->count = rc == 0 && ledger_has_app(&ask->query, row->app) ? 1 : 0;
        return rc == -E_NOT_FOUND ? 0 : rc;
    }
    rc = event_get(db, &ask->id, arena, &event);
    if (rc == -E_NOT_FOUND || (rc == 0 && !ledger_has_app(&ask->query, event.app))) {
        return 0;
    }
    return rc != 0 || event.delivery_count == 0
               ? rc
               : delivery_range(db, event.first_delivery, (uint32_t)event.delivery_count, arena,
                                &page->deliveries, &page->count);
}

int ledger_read_events_of(struct db *db, const struct ledger_page *page, struct arena *arena,
                          struct ledger_event **ret_events)
{
    struct ledger_event *events = arena_alloc(arena, (page->count + 1) * sizeof(*events));

    for (size_t i = 0; i < page->count; i++) {
        const struct delivery_row *row = &page->deliveries[i];
        struct event_row event;
        int rc;

        if (i > 0 && row->event == page->deliveries[i - 1].event) {
            events[i] = events[i - 1];
            continue;
        }
        rc = event_brief(db, row->app, row->event, arena, &event);
        if (rc != 0 && rc != -E_NOT_FOUND) {
            return rc;
        }
        events[i].is_there = rc == 0;
        if (rc == 0) {
            events[i].id = event.id;
        }
    }
    *ret_events = events;
    return 0;
}

static int deliveries_run(struct call *call, struct db *db)
{
    struct ledger_ask *ask = call->state;
    int rc = ask->searches ? search_deliveries(db, ask, call->arena, &ask->rows)
                           : ledger_deliveries(db, &ask->query, call->arena, &ask->rows);

    if (rc == 0 && ask->counts && !ask->searches) {
        rc = ledger_count_deliveries(db, &ask->query, &ask->count, &ask->is_exact);
    }
    return rc != 0 ? rc : ledger_read_events_of(db, &ask->rows, call->arena, &ask->events);
}

static int events_run(struct call *call, struct db *db)
{
    struct ledger_ask *ask = call->state;
    int rc;

    if (ask->searches) {
        ask->rows.events = arena_alloc(call->arena, sizeof(*ask->rows.events));
        rc = event_get(db, &ask->id, call->arena, ask->rows.events);
        ask->rows.count = rc == 0 && ledger_has_app(&ask->query, ask->rows.events->app) ? 1 : 0;
        return rc == -E_NOT_FOUND ? 0 : rc;
    }
    rc = ledger_events(db, &ask->query, call->arena, &ask->rows);
    return rc == 0 && ask->counts
               ? ledger_count_events(db, &ask->query, &ask->count, &ask->is_exact)
               : rc;
}

/* --- writing */
void ledger_put_app(struct call *call, struct json_out *o, int64_t no)
{
    const struct app *app = registry_app_no(call->api->options.registry, no);

    if (app == NULL) {
        json_put_c(o, "app_id", NULL);
    } else {
        call_put_id(o, "app_id", ID_APP, &app->object.id);
    }
}

static int64_t seq_of(const struct ledger_ask *ask, bool events, size_t at)
{
    return events ? ask->rows.events[at].seq : ask->rows.deliveries[at].seq;
}

static void put_end(struct json_out *o, const struct ledger_ask *ask, bool events, size_t shown)
{
    size_t fetched = ask->rows.count;

    json_out_array_end(o);
    if (ask->searches) {
        json_put_c(o, "next_cursor", NULL);
        json_put_c(o, "prev_cursor", NULL);
    } else {
        page_end_at(o, &ask->page, fetched,
                    shown == 0 ? 0 : seq_of(ask, events, page_at(&ask->page, fetched, 0)),
                    shown == 0 ? 0
                               : seq_of(ask, events, page_at(&ask->page, fetched, shown - 1)),
                    ask->rows.looked_to);
    }
    if (ask->counts) {
        json_put_int(o, "count", ask->searches ? (int64_t)shown : ask->count);
        json_put_bool(o, "count_exact", ask->searches || ask->is_empty || ask->is_exact);
    }
    json_out_object_end(o);
}

static size_t place_of(const struct ledger_ask *ask, size_t i)
{
    return ask->searches ? i : page_at(&ask->page, ask->rows.count, i);
}

static void deliveries_done(struct call *call)
{
    const struct ledger_ask *ask = call->state;
    size_t shown = ask->searches ? ask->rows.count : page_shown(&ask->page, ask->rows.count);
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < shown; i++) {
        size_t at = place_of(ask, i);

        json_out_object(o);
        ledger_put_app(call, o, ask->rows.deliveries[at].app);
        delivery_members(call, o, &ask->rows.deliveries[at],
                         ask->events[at].is_there ? &ask->events[at].id : NULL);
        json_out_object_end(o);
    }
    put_end(o, ask, false, shown);
    call_reply(call, 200);
}

static void events_done(struct call *call)
{
    const struct ledger_ask *ask = call->state;
    size_t shown = ask->searches ? ask->rows.count : page_shown(&ask->page, ask->rows.count);
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < shown; i++) {
        const struct event_row *event = &ask->rows.events[place_of(ask, i)];

        json_out_object(o);
        ledger_put_app(call, o, event->app);
        event_members(call, o, event);
        json_out_object_end(o);
    }
    put_end(o, ask, true, shown);
    call_reply(call, 200);
}

static void list(struct call *call, bool events, enum page_list kind)
{
    struct ledger_ask *ask = arena_alloc(call->arena, sizeof(*ask));

    (void)ledger_read(call, events, ask);
    if (page_read(call, kind, &ask->page) != 0) {
        return;
    }
    ask->query.after_seq = ask->page.seq;
    ask->query.ascending = page_reads_ascending(&ask->page);
    ask->query.limit = page_fetch(&ask->page);
    call->state = ask;
    if (ask->is_empty) {
        (events ? events_done : deliveries_done)(call);
        return;
    }
    call_read(call, events ? events_run : deliveries_run,
              events ? events_done : deliveries_done);
}

void deliveries_all(struct call *call)
{
    list(call, false, PAGE_ALL_DELIVERIES);
}

void events_all(struct call *call)
{
    list(call, true, PAGE_ALL_EVENTS);
}
