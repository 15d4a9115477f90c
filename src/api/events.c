/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - publishing: POST /api/v1/apps/{app}/events and .../batch. The busiest road of the
 * house.
 *
 * One run reads and checks everything, builds each body once in call->bytes, matches the app's
 * endpoints in memory and hands all of it to the engine as one write. 202 goes out after the
 * commit, and only then. Memory: the request's arena and two buffers, however many endpoints
 * there are.
 */
#include <stdio.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/event_type_check.h"
#include "api/event_type_form.h"
#include "api/event_types.h"
#include "api/handlers.h"
#include "api/names.h"
#include "api/object.h"
#include "api/problem.h"
#include "api/publish_payload.h"
#include "api/quota_check.h"
#include "base/assert.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "engine/engine.h"

enum {
    /* of {"id","type","created_at","resource","data"} around the data */
    BODY_OVERHEAD = 512 + RESOURCE_BYTES_MAX,
    CHANNELS_BYTES_MAX = 1024, /* of ten names as JSON */
    UNMATCHED_SIZE = 9         /* number of the endpoint, reason */
};

/* One event as it was sent to us. */
struct item {
    struct str pointer; /* where it stands in the request */
    struct str type_name, external_id;
    const struct json *object; /* all of it */
    const struct json *data;
    const struct json *resource, *channels; /* NULL: none */
    int64_t occurred_at;
    int64_t version; /* 0: the latest */
    struct event_type *type;
    size_t body_at, body_len; /* in call->bytes */
};

struct publishing {
    struct publish publish; /* first */
    struct call *call;
    bool is_batch;
    struct item *items;
    uint32_t count;
    struct publish_budget budget;
};

/* --- reading */
static void read_item(struct call *call, const struct json *v, struct item *item)
{
    struct form f;

    item->object = v;
    item->occurred_at = call->now;
    form_begin(&f, v, item->pointer, &call->faults);
    if (form_string(&f, "type", true, 1, EVENT_TYPE_NAME_MAX, &item->type_name) &&
        !name_is_event_type(item->type_name)) {
        form_fault(&call->faults, form_pointer(&f, "type"), "pattern",
                   "A type is 2 to 5 words of a-z, 0-9 and _ with dots between.");
    }
    item->data = form_value(&f, "data");
    if (item->data == NULL && f.object != NULL) {
        form_fault(&call->faults, form_pointer(&f, "data"), "required",
                   "This field is required.");
    }
    if (form_string(&f, "id", false, 1, API_NAME_MAX, &item->external_id) &&
        !name_is_external_id(item->external_id)) {
        form_fault(&call->faults, form_pointer(&f, "id"), "pattern",
                   "An id of yours is 1 to 64 of A-Z, a-z, 0-9, _ and -.");
    }
    (void)form_int(&f, "version", false, 1, TYPE_VERSIONS_MAX, &item->version);
    (void)form_time(&f, "occurred_at", false, &item->occurred_at);
    publish_resource_read(&f, &item->resource);
    publish_channels_read(&f, &item->channels);
    form_end(&f);
}

static bool read_single(struct call *call, struct publishing *p)
{
    p->items = arena_alloc(call->arena, sizeof(*p->items));
    p->count = 1;
    read_item(call, call->body, &p->items[0]);
    return true;
}

/* False: answered. */
static bool read_batch(struct call *call, struct publishing *p)
{
    size_t max = (size_t)call->api->options.batch_events_max;
    const struct json *list = NULL;
    struct json_iter it;
    const struct json *v;
    struct form f;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    if (form_array(&f, "events", true, SIZE_MAX, &list) && json_count(list) > max) {
        form_fault(&call->faults, form_pointer(&f, "events"), "too_long",
                   "At most %zu events are allowed.", max);
        problem_detail(call, -E_TOO_LARGE, "A batch has at most %zu events.", max);
        return false;
    }
    if (list != NULL && json_count(list) == 0) {
        form_fault(&call->faults, form_pointer(&f, "events"), "too_short",
                   "A batch has one event at least.");
    }
    form_end(&f);
    if (list == NULL) {
        return true;
    }
    p->items = arena_alloc(call->arena, (json_count(list) + 1) * sizeof(*p->items));
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        p->items[p->count].pointer =
            arena_printf(call->arena, "/events/%u", (unsigned)p->count);
        read_item(call, v, &p->items[p->count]);
        p->count++;
    }
    return true;
}

/* --- types. False: answered, or on its way (a type registers itself, then all begins anew). */
static bool find_types(struct call *call, struct publishing *p)
{
    bool is_unknown = false;

    for (uint32_t i = 0; i < p->count; i++) {
        struct item *item = &p->items[i];
        struct str pointer = arena_printf(call->arena, "%.*s/type", STR_ARG(item->pointer));

        item->type = registry_event_type(call->project, item->type_name);
        if (item->type == NULL && event_types_register_themselves(call)) {
            event_types_register(call, item->type_name);
            return false;
        }
        if (item->type == NULL) {
            is_unknown = true;
            form_fault(&call->faults, pointer, "unknown_event_type",
                       "This event type is not registered.");
        } else if (item->type->archived) {
            form_fault(&call->faults, pointer, "archived", "This event type is archived.");
        } else if (item->version > item->type->latest) {
            form_fault(&call->faults,
                       arena_printf(call->arena, "%.*s/version", STR_ARG(item->pointer)),
                       "unknown_version", "This event type has versions 1 to %d.",
                       (int)item->type->latest);
        } else if (item->version == 0) {
            item->version = item->type->latest;
        }
    }
    if (call->faults.count > 0) {
        problem_reply(call, is_unknown ? -E_UNKNOWN_EVENT_TYPE : -E_FIELD);
        return false;
    }
    return true;
}

/* --- schemas. False: answered. */
static bool check_schemas(struct call *call, const struct publishing *p)
{
    bool all_fit = true;

    for (uint32_t i = 0; i < p->count; i++) {
        const struct item *item = &p->items[i];

        if (registry_enforces(item->type) &&
            !type_schemas_check(call->api->schemas, item->type, (int32_t)item->version,
                                item->data,
                                arena_printf(call->arena, "%.*s/data", STR_ARG(item->pointer)),
                                &call->faults)) {
            all_fit = false;
        }
    }
    if (!all_fit) {
        problem_reply(call, -E_SCHEMA);
    }
    return all_fit;
}

/* --- bodies */
/* {"id","type","created_at","resource"?,"data"} behind what call->bytes holds; data as it was written. */
static int write_body(struct call *call, struct item *item, const struct id *id)
{
    size_t data_max = (size_t)call->api->options.event_data_max;
    char created_at[CLOCK_TEXT_SIZE];
    struct json_out o;
    size_t data_at;
    size_t data_len;

    clock_format(item->occurred_at, created_at);
    item->body_at = call->bytes.len;
    json_out_begin(&o, &call->bytes);
    json_out_object(&o);
    call_put_id(&o, "id", ID_EVENT, id);
    json_put_str(&o, "type", item->type->object.slug);
    json_put_c(&o, "created_at", created_at);
    if (item->resource != NULL) {
        json_out_name(&o, "resource");
        json_out_value(&o, item->resource);
    }
    json_out_name(&o, "data");
    data_at = call->bytes.len;
    json_out_value(&o, item->data);
    data_len = call->bytes.len - data_at;
    json_out_object_end(&o);
    item->body_len = call->bytes.len - item->body_at;
    return data_len > data_max ? -E_TOO_LARGE : json_out_end(&o);
}

/* All bodies one behind the other. False: answered. */
static bool write_bodies(struct call *call, struct publishing *p)
{
    size_t each = (size_t)call->api->options.event_data_max + BODY_OVERHEAD;

    buf_done(&call->bytes);
    buf_init(&call->bytes, each * p->count);
    for (uint32_t i = 0; i < p->count; i++) {
        struct event_row *row = &p->publish.events[i].event;
        int rc;

        row->id = engine_make_id(call->api->options.engine);
        rc = write_body(call, &p->items[i], &row->id);
        if (rc == -E_TOO_LARGE) {
            form_fault(&call->faults,
                       arena_printf(call->arena, "%.*s/data", STR_ARG(p->items[i].pointer)),
                       "too_long", "data has at most %lld bytes as compact JSON.",
                       (long long)call->api->options.event_data_max);
        }
        if (rc != 0) {
            problem_reply(call, rc);
            return false;
        }
    }
    return true;
}

/* The row's body: those bytes, or sealed ones where the project says so. */
static int take_body(struct call *call, const struct item *item, struct event_row *row)
{
    struct str body = { call->bytes.p + item->body_at, item->body_len };
    char ad[ENGINE_AD_SIZE];
    struct buf sealed;
    int rc;

    row->body = body;
    if (!call->project->encrypt_payloads) {
        return 0;
    }
    buf_init(&sealed, body.len + BOX_OVERHEAD);
    rc = box_seal(call->api->options.keyring, engine_event_ad(&row->id, ad), body, &sealed);
    if (rc == 0) {
        row->body = arena_str(call->arena, buf_str(&sealed));
        row->flags |= EVENT_SEALED;
    }
    buf_done(&sealed);
    return rc;
}

static int take_channels(struct call *call, const struct item *item, struct event_row *row)
{
    struct buf text;
    int rc;

    if (item->channels == NULL) {
        return 0;
    }
    buf_init(&text, CHANNELS_BYTES_MAX);
    rc = json_write(item->channels, &text);
    if (rc == 0) {
        row->channels = arena_str(call->arena, buf_str(&text));
    }
    buf_done(&text);
    return rc;
}

/* --- fan-out */
static void put_unmatched(struct str *blob, char *bytes, int64_t endpoint_no,
                          enum delivery_reason reason)
{
    for (size_t i = 0; i < 8; i++) {
        bytes[blob->len + i] = (char)((uint64_t)endpoint_no >> (56 - 8 * i) & 0xff);
    }
    bytes[blob->len + 8] = (char)reason;
    blob->len += UNMATCHED_SIZE;
}

/* A row as it is for an endpoint without a plan. */
static struct delivery_row *put_delivery(struct call *call, struct event_publish *e,
                                         const struct endpoint *endpoint)
{
    struct delivery_row *d = &e->deliveries[e->event.delivery_count++];
    bool is_skipped = endpoint->status == ENDPOINT_DISABLED;

    ASSERT((size_t)e->event.delivery_count <= call->app->endpoint_living);
    d->id = engine_make_id(call->api->options.engine);
    d->app = call->app->object.no;
    d->endpoint = endpoint->object.no;
    d->type = e->event.type;
    d->created_at = call->now;
    d->state = is_skipped ? DELIVERY_SKIPPED : DELIVERY_PENDING;
    d->reason = is_skipped ? REASON_ENDPOINT_DISABLED : REASON_NONE;
    d->ended_at = is_skipped ? call->now : 0;
    return d;
}

/* What endpoints with a plan share of an event is made when the first of them comes. */
static int apply_plan(struct call *call, struct publishing *p, uint32_t at,
                      const struct endpoint *endpoint, struct payload_event **payload)
{
    struct event_publish *e = &p->publish.events[at];
    const struct item *item = &p->items[at];

    if (*payload == NULL) {
        *payload = publish_payload_event(
            call, item->type, item->data,
            (struct str){ call->bytes.p + item->body_at, item->body_len }, &p->budget);
        (*payload)->channels = e->event.channels;
    }
    return payload_apply(
        endpoint->plan,
        &(struct payload_apply){ .event = *payload,
                                 .keyring = call->api->options.keyring,
                                 .event_id = e->event.id,
                                 .seals = (e->event.flags & EVENT_SEALED) != 0 },
        &e->deliveries[e->event.delivery_count - 1]);
}

static int fan_out(struct call *call, struct publishing *p, uint32_t at)
{
    const struct app *app = call->app;
    struct event_publish *e = &p->publish.events[at];
    char *unmatched = arena_alloc(call->arena, app->endpoint_living * UNMATCHED_SIZE + 1);
    struct payload_event *payload = NULL;
    int rc = 0;

    e->deliveries =
        arena_alloc(call->arena, (app->endpoint_living + 1) * sizeof(*e->deliveries));
    e->event.unmatched = (struct str){ unmatched, 0 };
    for (size_t i = 0; i < app->endpoint_count && rc == 0; i++) {
        const struct endpoint *endpoint =
            (const struct endpoint *)(const void *)app->endpoints[i];
        const struct delivery_row *d;
        enum delivery_reason reason;

        /* Without a slot it is not among the living that the arrays are made for. */
        if (endpoint->object.deleted_at != 0 || endpoint->slot == REGISTRY_NO_SLOT) {
            continue;
        }
        reason = registry_unmatched(endpoint, p->items[at].type, event_version(&e->event));
        if (reason != REASON_NONE) {
            put_unmatched(&e->event.unmatched, unmatched, endpoint->object.no, reason);
            continue;
        }
        d = put_delivery(call, e, endpoint);
        if (endpoint->plan != NULL) {
            rc = apply_plan(call, p, at, endpoint, &payload);
        }
        e->event.sent_count += d->state == DELIVERY_PENDING ? 1 : 0;
    }
    if (payload != NULL) {
        payload_event_done(payload);
    }
    return rc;
}

/* --- keys */
/* The header of a batch is one key an event. A blank cannot stand in a key of a client, so
 * they never meet. */
static struct str header_key(struct call *call, const struct publishing *p, struct str key,
                             uint32_t at)
{
    return p->is_batch ? arena_printf(call->arena, "%.*s #%u", STR_ARG(key), (unsigned)at)
                       : key;
}

/*
 * What a repeat must equal: the raw request; or the event's own JSON without blanks where the
 * same event may come again in another request, by its id or in a batch.
 */
static int hash_item(struct call *call, const struct item *item, bool is_batch,
                     unsigned char ret_hash[EVENT_HASH_SIZE])
{
    struct buf text;
    int rc;

    if (!is_batch && item->external_id.p == NULL) {
        sha256(call->req->body, ret_hash);
        return 0;
    }
    buf_init(&text, call->req->body.len * 6 + BODY_OVERHEAD);
    rc = json_write(item->object, &text);
    if (rc == 0) {
        sha256(buf_str(&text), ret_hash);
    }
    buf_done(&text);
    return rc;
}

static int put_keys(struct call *call, const struct publishing *p, uint32_t at, struct str key)
{
    struct event_publish *e = &p->publish.events[at];
    const struct item *item = &p->items[at];

    if (key.p != NULL) {
        e->keys[e->key_count++] =
            (struct idem_key){ .kind = IDEM_HEADER, .key = header_key(call, p, key, at) };
    }
    if (item->external_id.p != NULL) {
        e->keys[e->key_count++] =
            (struct idem_key){ .kind = IDEM_EXTERNAL_ID, .key = item->external_id };
    }
    ASSERT(e->key_count <= EVENT_KEYS_MAX);
    e->batch = key.p == NULL ? NULL : p->publish.batch;
    return e->key_count == 0 ? 0 : hash_item(call, item, p->is_batch, e->body_hash);
}

/* The header of a batch also stands for the whole: with other events, or more of them, it is another. */
static void put_batch_key(struct call *call, struct publishing *p, struct str key)
{
    struct event_batch *batch;

    if (!p->is_batch || key.p == NULL) {
        return;
    }
    batch = arena_alloc(call->arena, sizeof(*batch));
    batch->key = key;
    batch->app = call->app->object.no;
    batch->first = p->publish.events[0].event.id;
    batch->accepted_at = call->now;
    sha256(call->req->body, batch->hash);
    p->publish.batch = batch;
}

/* --- the answer */
static struct str type_name(const struct call *call, int64_t no)
{
    const struct event_type *type = registry_type_no(call->api->options.registry, no);

    return type == NULL ? STR_NONE : type->object.slug;
}

static void put_result(struct call *call, struct json_out *o, const struct event_publish *e)
{
    const struct id *id = e->is_repeat ? &e->first_id : &e->event.id;

    call_put_id(o, "id", ID_EVENT, id);
    call_put_text(o, "type", type_name(call, e->is_repeat ? e->first_type : e->event.type));
    json_put_int(o, "deliveries", e->is_repeat ? e->first_sent_count : e->event.sent_count);
}

static void put_conflict(struct json_out *o)
{
    json_out_name(o, "error");
    json_out_object(o);
    json_put_c(o, "code", err_token(-E_IDEMPOTENCY));
    json_put_c(o, "detail", err_text(-E_IDEMPOTENCY));
    json_out_object_end(o);
}

static void reply_single(struct call *call, const struct event_publish *e)
{
    struct json_out *o;

    if (e->is_conflict) {
        problem_reply(call, -E_IDEMPOTENCY);
        return;
    }
    if (e->is_repeat) {
        call_header(call, "Idempotent-Replayed", "true");
    }
    o = call_json(call);
    json_out_object(o);
    put_result(call, o, e);
    json_out_object_end(o);
    call_reply(call, 202);
}

static void reply_batch(struct call *call, const struct publishing *p)
{
    uint32_t conflicts = 0;
    uint32_t repeats = 0;
    struct json_out *o;

    for (uint32_t i = 0; i < p->count; i++) {
        conflicts += p->publish.events[i].is_conflict ? 1 : 0;
        repeats += p->publish.events[i].is_repeat ? 1 : 0;
    }
    if (conflicts == p->count) {
        problem_reply(call, -E_IDEMPOTENCY);
        return;
    }
    if (repeats == p->count) {
        call_header(call, "Idempotent-Replayed", "true");
    }
    o = call_json(call);
    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (uint32_t i = 0; i < p->count; i++) {
        json_out_object(o);
        if (p->publish.events[i].is_conflict) {
            put_conflict(o);
        } else {
            put_result(call, o, &p->publish.events[i]);
        }
        json_out_object_end(o);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 202);
}

static void on_published(struct publish *publish, int result)
{
    struct publishing *p = (struct publishing *)(void *)publish;
    struct call *call = p->call;

    ASSERT(call->api != NULL && p->count == publish->count);
    quota_settle(call, publish, result);
    if (result != 0) {
        problem_reply(call, result);
    } else if (p->is_batch) {
        reply_batch(call, p);
    } else {
        reply_single(call, &p->publish.events[0]);
    }
}

/* --- all of it */
/* False: answered. */
static bool read_key(struct call *call, struct str *ret_key)
{
    struct str key = http_header(call->req, "Idempotency-Key");

    if (key.p != NULL && !name_is_idempotency_key(key)) {
        problem_detail(call, -E_INVALID,
                       "Idempotency-Key is 1 to 255 visible ASCII characters.");
        return false;
    }
    *ret_key = key;
    return true;
}

static int fill_events(struct call *call, struct publishing *p, struct str key)
{
    for (uint32_t i = 0; i < p->count; i++) {
        struct event_publish *e = &p->publish.events[i];
        int rc;

        e->event.app = call->app->object.no;
        e->event.type = p->items[i].type->object.no;
        e->event.external_id = p->items[i].external_id;
        e->event.occurred_at = p->items[i].occurred_at;
        e->event.accepted_at = call->now;
        e->event.flags = (int32_t)p->items[i].version << EVENT_VERSION_SHIFT;
        rc = take_channels(call, &p->items[i], &e->event);
        if (rc == 0) {
            rc = take_body(call, &p->items[i], &e->event);
        }
        if (rc == 0) {
            rc = put_keys(call, p, i, key);
        }
        if (rc == 0) {
            rc = fan_out(call, p, i);
        }
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static void publish(struct call *call, bool is_batch)
{
    struct publishing *p = arena_alloc(call->arena, sizeof(*p));
    struct str key;
    int rc;

    ASSERT(call->app != NULL && call->project == call->app->project);
    p->call = call;
    p->is_batch = is_batch;
    if (!read_key(call, &key) || !(is_batch ? read_batch(call, p) : read_single(call, p))) {
        return;
    }
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    ASSERT(p->count > 0);
    p->publish.events = arena_alloc(call->arena, p->count * sizeof(*p->publish.events));
    p->publish.count = p->count;
    p->publish.app_no = (uint32_t)call->app->object.no;
    p->publish.on_done = on_published;
    publish_budget_init(&p->budget);
    if (!find_types(call, p) || !check_schemas(call, p) || !write_bodies(call, p)) {
        return;
    }
    put_batch_key(call, p, key);
    rc = fill_events(call, p, key);
    if (rc == 0) {
        if (!quota_check(call, p->count)) {
            return;
        }
        rc = engine_publish(call->api->options.engine, &p->publish);
        if (rc != 0) {
            quota_settle(call, &p->publish, rc);
        }
    }
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

void events_publish(struct call *call)
{
    publish(call, false);
}

void events_publish_batch(struct call *call)
{
    publish(call, true);
}
