/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facets.c - GET /api/v1/apps/{app}/facets: the values that the simple fields of filters had lately, for drop-downs.
 *
 * Counted anew at each call from the app's newest events, in a reader thread: publishing costs nothing for it, memory
 * is that of one request, and a restart changes nothing.
 */
#include <stdlib.h>

#include "api/api_internal.h"
#include "api/events_read.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "base/map.h"
#include "engine/payload.h"
#include "json/pointer.h"
#include "store/event.h"

enum {
    FACET_EVENTS_MAX = 1000,            /* newest events looked at */
    FACET_BYTES_MAX = 16 * 1024 * 1024, /* of their bodies */
    FACET_VALUES_MAX = 500,             /* values answered */
    FACET_PAGE = 250
};

struct facet_value {
    struct str text;
    int64_t count;
    size_t place; /* of its first sight: newest first */
};

struct facets {
    int64_t app;
    enum payload_field field;
    struct str pointer;
    struct facet_value *values;
    size_t value_count;
    struct map known; /* text -> struct facet_value */
    size_t events, bytes;
    bool is_cut;
};

static void add_text(struct facets *f, struct arena *arena, struct str text)
{
    struct facet_value *value;

    if (text.len == 0 || text.len > PAYLOAD_NAME_MAX) {
        return;
    }
    value = map_get(&f->known, text);
    if (value != NULL) {
        value->count++;
        return;
    }
    if (f->value_count == FACET_VALUES_MAX) {
        f->is_cut = true;
        return;
    }
    value = &f->values[f->value_count];
    *value = (struct facet_value){ .text = arena_str(arena, text),
                                   .count = 1,
                                   .place = f->value_count };
    f->value_count++;
    (void)map_put(&f->known, value->text, value);
}

static void add_value(struct facets *f, struct arena *arena, const struct json *v)
{
    if (json_type(v) == JSON_STRING) {
        add_text(f, arena, json_string(v));
    } else if (json_type(v) == JSON_NUMBER) {
        add_text(f, arena, json_number(v));
    }
}

static void add_event(struct facets *f, struct arena *arena, struct str body)
{
    struct json_doc *doc = NULL;
    const struct json *data;
    const struct json *v;
    struct json_iter it;

    if (json_parse(body, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return;
    }
    data = json_member(json_root(doc), "data");
    v = data == NULL ? NULL : json_pointer_get(data, f->pointer);
    if (v != NULL && json_type(v) == JSON_ARRAY) {
        it = json_iter(v);
        while ((v = json_next(&it, NULL)) != NULL) {
            add_value(f, arena, v);
        }
    } else if (v != NULL) {
        add_value(f, arena, v);
    }
    json_doc_free(doc);
}

/* One body at a time: its arena goes before the next one is read. */
static int look_at(struct call *call, struct db *db, struct facets *f, int64_t seq)
{
    struct event_row event;
    struct str body = STR_NONE;
    struct arena arena;
    int rc;

    arena_init(&arena);
    rc = event_get_seq(db, seq, &arena, &event);
    if (rc == 0) {
        rc = event_body(call->api->options.keyring, &event, &arena, &body);
    }
    if (rc == 0) {
        f->events++;
        f->bytes += body.len;
        add_event(f, call->arena, body);
    }
    arena_done(&arena);
    return rc == -E_NOT_FOUND ? 0 : rc;
}

static int by_count(const void *a, const void *b)
{
    const struct facet_value *one = a;
    const struct facet_value *two = b;

    if (one->count != two->count) {
        return one->count > two->count ? -1 : 1;
    }
    return one->place < two->place ? -1 : 1;
}

static int facets_run(struct call *call, struct db *db)
{
    struct facets *f = call->state;
    struct event_query q = { .app = f->app, .limit = FACET_PAGE };
    size_t count = FACET_PAGE;
    int rc = 0;

    map_init(&f->known);
    while (rc == 0 && count == FACET_PAGE && f->events < FACET_EVENTS_MAX) {
        struct event_row *rows;
        struct arena arena;

        arena_init(&arena);
        rc = event_list(db, &q, &arena, &rows, &count);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            q.after_seq = rows[i].seq;
            if (f->bytes >= FACET_BYTES_MAX) {
                count = 0;
                break;
            }
            rc = look_at(call, db, f, rows[i].seq);
        }
        arena_done(&arena);
    }
    map_done(&f->known);
    if (rc == 0 && f->value_count > 0) {
        qsort(f->values, f->value_count, sizeof(*f->values), by_count);
    }
    return rc;
}

static void facets_done(struct call *call)
{
    const struct facets *f = call->state;
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_put_c(o, "field", payload_field_name(f->field));
    json_put_str(o, "pointer", f->pointer);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < f->value_count; i++) {
        json_out_object(o);
        json_put_str(o, "value", f->values[i].text);
        json_put_int(o, "count", f->values[i].count);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    json_put_int(o, "events", (int64_t)f->events);
    json_put_bool(o, "truncated", f->is_cut);
    json_out_object_end(o);
    call_reply(call, 200);
}

static bool find_field(struct call *call, enum payload_field *ret_field)
{
    struct str name = call_query(call, "field");

    for (int i = 0; name.p != NULL && i < PAYLOAD_FIELDS; i++) {
        if (str_eq_c(name, payload_field_name((enum payload_field)i))) {
            *ret_field = (enum payload_field)i;
            return true;
        }
    }
    call_query_fault(call, "field", "pattern",
                     "This is workspaces, campaigns or contact_tags.");
    return false;
}

void facets_list(struct call *call)
{
    struct facets *f = arena_alloc(call->arena, sizeof(*f));

    if (!find_field(call, &f->field)) {
        problem_reply(call, -E_INVALID);
        return;
    }
    f->app = call->app->object.no;
    f->pointer = arena_str(call->arena, call->project->pointers[f->field]);
    f->values = arena_alloc(call->arena, FACET_VALUES_MAX * sizeof(*f->values));
    call->state = f;
    call_read(call, facets_run, facets_done);
}
