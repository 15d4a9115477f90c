/* SPDX-License-Identifier: Apache-2.0 */
/* events_read.c - GET /api/v1/apps/{app}/events and .../{event}: what was published, and
 * where it went. */
#include "api/events_read.h"

#include "api/api_internal.h"
#include "api/delivery_view.h"
#include "api/filters.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/redact.h"
#include "crypto/keyring.h"
#include "engine/engine.h"
#include "store/event.h"

enum { UNMATCHED_SIZE = 9 };

int event_brief(struct db *db, int64_t app, int64_t seq, struct arena *arena,
                struct event_row *ret_event)
{
    struct event_query q = {
        .app = app, .after_seq = seq - 1, .ascending = true, .with_tests = true, .limit = 1
    };
    struct event_row *rows;
    size_t count;
    int rc = event_list(db, &q, arena, &rows, &count);

    if (rc != 0) {
        return rc;
    }
    if (count != 1 || rows[0].seq != seq) {
        return -E_NOT_FOUND;
    }
    *ret_event = rows[0];
    return 0;
}

int event_body(const struct keyring *keyring, const struct event_row *event,
               struct arena *arena, struct str *ret_body)
{
    char ad[ENGINE_AD_SIZE];
    struct buf plain;
    int rc;

    if ((event->flags & EVENT_ERASED) != 0) {
        *ret_body = STR_NONE;
        return 0;
    }
    if ((event->flags & EVENT_SEALED) == 0) {
        *ret_body = event->body;
        return 0;
    }
    buf_init(&plain, event->body.len + 1);
    rc = box_open(keyring, engine_event_ad(&event->id, ad), event->body, &plain);
    if (rc == 0) {
        *ret_body = arena_str(arena, buf_str(&plain));
    }
    buf_done(&plain);
    return rc;
}

static void put_corrects(struct json_out *o, const struct event_row *event)
{
    static const struct id none = { { 0 } };

    if (id_eq(&event->corrects, &none)) {
        json_put_c(o, "corrects", NULL);
    } else {
        call_put_id(o, "corrects", ID_EVENT, &event->corrects);
    }
}

void event_members(struct call *call, struct json_out *o, const struct event_row *event)
{
    const struct event_type *type = registry_type_no(call->api->options.registry, event->type);

    call_put_id(o, "id", ID_EVENT, &event->id);
    call_put_text(o, "type", type == NULL ? STR_NONE : type->object.slug);
    json_put_int(o, "version", event_version(event));
    call_put_text(o, "external_id", event->external_id);
    json_put_time(o, "created_at", event->occurred_at);
    json_put_time(o, "accepted_at", event->accepted_at);
    json_put_int(o, "delivery_count", event->sent_count);
    put_corrects(o, event);
}

/* --- the list */
struct list_state {
    struct page page;
    struct event_query query;
    struct event_row *rows;
    size_t count;
};

static int list_run(struct call *call, struct db *db)
{
    struct list_state *s = call->state;

    return event_list(db, &s->query, call->arena, &s->rows, &s->count);
}

static void write_row(struct call *call, struct json_out *o, const void *row)
{
    json_out_object(o);
    event_members(call, o, row);
    json_out_object_end(o);
}

static void list_done(struct call *call)
{
    const struct list_state *s = call->state;

    page_reply(call, &s->page,
               &(struct page_rows){ .rows = s->rows,
                                    .count = s->count,
                                    .size = sizeof(*s->rows),
                                    .seq_at = offsetof(struct event_row, seq),
                                    .write = write_row });
}

void events_list(struct call *call)
{
    struct list_state *s = arena_alloc(call->arena, sizeof(*s));

    s->query = (struct event_query){ .app = call->app->object.no,
                                     .type = filter_type(call),
                                     .since = filter_time(call, "since"),
                                     .until = filter_time(call, "until") };
    if (page_read(call, PAGE_EVENTS, &s->page) != 0) {
        return;
    }
    s->query.after_seq = s->page.seq;
    s->query.ascending = page_reads_ascending(&s->page);
    s->query.limit = page_fetch(&s->page);
    call->state = s;
    if (s->query.type < 0) {
        list_done(call);
        return;
    }
    call_read(call, list_run, list_done);
}

/* --- one event with its fan-out */
struct get_state {
    int64_t app;
    struct event_row event;
    struct str body;
    struct delivery_row *rows;
    size_t count;
};

static int get_run(struct call *call, struct db *db)
{
    struct get_state *s = call->state;
    int rc = event_get(db, &call->id, call->arena, &s->event);

    if (rc == 0 && s->event.app != s->app) {
        rc = -E_NOT_FOUND;
    }
    if (rc == 0) {
        rc = event_body(call->api->options.keyring, &s->event, call->arena, &s->body);
    }
    if (rc == 0 && s->event.delivery_count > 0) {
        rc = delivery_range(db, s->event.first_delivery, (uint32_t)s->event.delivery_count,
                            call->arena, &s->rows, &s->count);
    }
    return rc;
}

static void put_or_null(struct json_out *o, const char *name, const struct json *v)
{
    json_out_name(o, name);
    if (v == NULL) {
        json_out_null(o);
    } else {
        json_out_value(o, v);
    }
}

/* `resource` and `data` out of the body that we wrote: {"id","type","created_at","resource"?,"data"}. */
static void put_data(struct call *call, struct json_out *o, struct str body)
{
    struct json_doc *doc = NULL;
    const struct json *root = NULL;

    if (json_parse(body, JSON_DEPTH_MAX, &doc, NULL) == 0) {
        call_keep(call, doc);
        root = json_root(doc);
    }
    put_or_null(o, "resource", root == NULL ? NULL : json_member(root, "resource"));
    put_or_null(o, "data", root == NULL ? NULL : json_member(root, "data"));
}

static void put_channels(struct json_out *o, const struct event_row *event)
{
    json_out_name(o, "channels");
    if (event->channels.p != NULL) {
        json_out_raw(o, event->channels);
    } else {
        json_out_array(o);
        json_out_array_end(o);
    }
}

static void put_sent(struct call *call, struct json_out *o, const struct delivery_row *row)
{
    struct delivery_view view;

    delivery_look(call, row, &view);
    json_out_object(o);
    if (view.endpoint == NULL) {
        json_put_c(o, "endpoint_id", NULL);
    } else {
        call_put_id(o, "endpoint_id", ID_ENDPOINT, &view.endpoint->object.id);
    }
    call_put_id(o, "id", ID_DELIVERY, &row->id);
    json_put_c(o, "status", view.status);
    json_put_c(o, "reason", view.reason);
    call_put_text(o, "reason_detail", row->detail);
    json_out_object_end(o);
}

static void put_unmatched(struct call *call, struct json_out *o, const char *bytes)
{
    const struct endpoint *endpoint;
    uint64_t no = 0;

    for (size_t i = 0; i < 8; i++) {
        no = no << 8 | (uint8_t)bytes[i];
    }
    endpoint = registry_endpoint_no(call->api->options.registry, (int64_t)no);
    json_out_object(o);
    if (endpoint == NULL) {
        json_put_c(o, "endpoint_id", NULL);
    } else {
        call_put_id(o, "endpoint_id", ID_ENDPOINT, &endpoint->object.id);
    }
    json_put_c(o, "id", NULL);
    json_put_c(o, "status", "not_matched");
    json_put_c(o, "reason", delivery_reason_name((uint8_t)bytes[8]));
    json_put_c(o, "reason_detail", NULL);
    json_out_object_end(o);
}

static void get_done(struct call *call)
{
    const struct get_state *s = call->state;
    struct json_out *o = call_json(call);
    struct redact redact;

    redact_begin(call, call->app, &redact);
    json_out_object(o);
    redact_put(call, o);
    event_members(call, o, &s->event);
    put_channels(o, &s->event);
    put_data(call, o, redact_body(call, &redact, s->body));
    json_out_name(o, "deliveries");
    json_out_array(o);
    for (size_t i = 0; i < s->count; i++) {
        put_sent(call, o, &s->rows[i]);
    }
    for (size_t at = 0; at + UNMATCHED_SIZE <= s->event.unmatched.len; at += UNMATCHED_SIZE) {
        put_unmatched(call, o, s->event.unmatched.p + at);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}

void events_get(struct call *call)
{
    struct get_state *s = arena_alloc(call->arena, sizeof(*s));

    s->app = call->app->object.no;
    call->state = s;
    call_read(call, get_run, get_done);
}
