/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sends.c - POST .../endpoints/{endpoint}/test and POST /api/v1/apps/{app}/test: one request now, to a
 * stored endpoint or to a URL that is not stored yet, answered with all that came of it.
 *
 * In time order: the form, the event whose data is asked for (a reader), the body, the send, the answer.
 */
#include <string.h>

#include "api/api_internal.h"
#include "api/budget.h"
#include "api/delivery_view.h"
#include "api/endpoint_form.h"
#include "api/event_type_form.h"
#include "api/events_read.h"
#include "api/handlers.h"
#include "api/names.h"
#include "api/object.h"
#include "api/problem.h"
#include "api/secret_seal.h"
#include "api/test_advice.h"
#include "base/assert.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/engine_test.h"
#include "engine/payload.h"
#include "net/url.h"
#include "store/event.h"

enum { BODY_OVERHEAD = 512 }; /* of {"id","type","created_at","data"} around the data */

static const char ping_type[] = "test.ping";

struct test_send {
    struct engine_test test;
    bool is_stored;              /* a stored endpoint */
    struct endpoint_draft draft; /* else this */
    struct secret_list secrets;
    bool made_secret;
    struct str type_name; /* NULL p: not given */
    const struct json *data;
    bool by_event;
    struct id event;
    struct event_row row;
    struct str event_body;
    char id[TEST_ID_SIZE];
};

/* --- the form */
static void read_payload(struct call *call, struct form *f, struct test_send *s)
{
    struct str event;
    bool sample = true;
    unsigned sources;

    if (form_string(f, "event_type", false, 1, EVENT_TYPE_NAME_MAX, &s->type_name) &&
        !name_is_event_type(s->type_name)) {
        form_fault(f->faults, form_pointer(f, "event_type"), "pattern",
                   "A type is 2 to 5 words of a-z, 0-9 and _ with dots between.");
    }
    s->data = form_value(f, "data");
    if (form_string(f, "event_id", false, 1, API_NAME_MAX, &event)) {
        s->by_event = id_parse(ID_EVENT, event, &s->event) == 0;
        if (!s->by_event) {
            form_fault(f->faults, form_pointer(f, "event_id"), "pattern",
                       "This is no id of an event.");
        }
    }
    sources = (s->data != NULL ? 1U : 0U) + (s->by_event ? 1U : 0U) +
              (form_bool(f, "sample", false, &sample) && sample ? 1U : 0U);
    if (sources > 1) {
        form_fault(f->faults, form_pointer(f, "data"), "conflict",
                   "The payload is data, or that of event_id, or the sample: one of them.");
    }
    (void)call;
}

/* False: answered. */
static bool read_form(struct call *call, struct test_send *s)
{
    bool url_refused = false;
    struct form f;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    if (!s->is_stored) {
        endpoint_defaults(call, &s->draft);
        endpoint_form_target(call, &f, &s->draft, &url_refused);
    }
    read_payload(call, &f, s);
    form_end(&f);
    if (url_refused && call->faults.count == 1) {
        problem_detail(call, -E_URL_REFUSED, "%.*s", STR_ARG(call->faults.rows[0].detail));
    } else if (call->faults.count > 0) {
        problem_faults(call);
    }
    return call->faults.count == 0;
}

/* False: answered. */
static bool take_budget(struct call *call)
{
    int64_t wait =
        budget_take(&call->app->tests_budget, call->now, call->api->options.tests_per_minute);

    if (wait > 0) {
        call_header(call, "Retry-After", "%lld", (long long)(wait / 1000 + 1));
        problem_detail(call, -E_RATE_LIMITED, "An app has %lld test sends a minute.",
                       (long long)call->api->options.tests_per_minute);
    }
    return wait <= 0;
}

/* --- the answer */
static struct str request_line(struct call *call, const struct test_send *s)
{
    struct url_policy any = { .allow_http = true, .allow_loopback = true, .ports = "any" };
    struct url url;

    if (url_parse(s->test.url, &any, call->arena, &url, NULL) != 0) {
        return STR("POST");
    }
    return arena_printf(call->arena, "POST %.*s HTTP/1.1", STR_ARG(url.target));
}

static void on_sent(struct engine_test *t, int result)
{
    struct test_send *s = CONTAINER_OF(t, struct test_send, test);
    struct call *call = t->ctx;
    struct json_out *o;

    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    o = call_json(call);
    json_out_object(o);
    test_advice_write(o, &t->attempt, t->timeout_ms, call->arena);
    json_put_str(o, "event_id", t->event_id);
    json_put_str(o, "event_type", t->event_type);
    if (t->is_stored) {
        call_put_id(o, "delivery_id", ID_DELIVERY, &t->delivery);
    } else {
        json_put_c(o, "delivery_id", NULL);
    }
    if (s->made_secret) {
        json_put_str(o, "secret", s->secrets.items[0].secret);
    }
    json_put_str(o, "request_line", request_line(call, s));
    json_out_name(o, "attempt");
    attempt_write(o, &t->attempt, t->body);
    json_out_object_end(o);
    call_reply(call, 200);
}

/* --- the send */
/* What a URL that is not stored is signed with: what was given, the app's, or a fresh one. */
static int take_secrets(struct call *call, struct test_send *s)
{
    const struct json *plain;
    int rc;

    if (s->draft.uses_app_secret) {
        rc = secret_unseal(call, &call->app->object, &plain);
        if (rc == 0) {
            secret_list_read(plain, call->now, &s->secrets);
        }
        return rc;
    }
    s->made_secret = s->draft.secret.p == NULL;
    s->secrets.count = 1;
    s->secrets.items[0].secret = s->made_secret ? secret_fresh(call) : s->draft.secret;
    return 0;
}

static void send(struct call *call, struct test_send *s)
{
    struct engine_test *t = &s->test;
    int rc = s->is_stored ? 0 : take_secrets(call, s);

    t->app = call->app;
    t->arena = call->arena;
    t->on_done = on_sent;
    t->ctx = call;
    if (s->is_stored) {
        t->endpoint = call->endpoint;
    } else {
        t->url = s->draft.url;
        t->inbox = endpoint_inbox(call, s->draft.url);
        t->profiles = s->draft.profiles;
        t->secrets = &s->secrets;
        t->headers = s->draft.headers;
        t->timeout_ms = s->draft.timeout_ms;
    }
    if (rc == 0) {
        rc = engine_test(call->api->options.engine, t);
    }
    if (rc == -E_LIMIT) {
        call_header(call, "Retry-After", "1");
        problem_detail(call, -E_RATE_LIMITED, "A test of this endpoint is on its way.");
    } else if (rc != 0) {
        problem_reply(call, rc);
    }
}

/* --- the body */
/* As this endpoint gets it: style, envelope, transform. Its filters are not asked. False: answered. */
static bool shape_body(struct call *call, struct test_send *s, const struct event_type *type)
{
    uint64_t steps = PAYLOAD_STEPS_MAX;
    size_t bytes = PAYLOAD_BYTES_MAX;
    struct payload_event event = { .arena = call->arena,
                                   .pointers = call->project->pointers,
                                   .resource = type == NULL ? NULL : &type->resource,
                                   .body = s->test.body,
                                   .steps = &steps,
                                   .bytes = &bytes };
    struct payload_plan plan;
    struct payload made;

    if (!s->is_stored || call->endpoint->plan == NULL) {
        return true;
    }
    plan = *call->endpoint->plan;
    plan.channels.count = 0;
    plan.filter = NULL;
    for (size_t i = 0; i < PAYLOAD_FIELDS; i++) {
        plan.fields[i].count = 0;
    }
    if (type == NULL) {
        plan.style = PAYLOAD_SNAPSHOT; /* test.ping has no resource */
    }
    payload_make(&plan, &event, &made);
    payload_event_done(&event);
    if (made.verdict != PAYLOAD_SEND) {
        form_fault(&call->faults, STR("/data"), "transform_error",
                   "The body for this endpoint could not be made: %.*s", STR_ARG(made.detail));
        problem_faults(call);
        return false;
    }
    if (made.body.p != NULL) {
        s->test.body = made.body;
    }
    return true;
}

static void write_body(struct call *call, struct test_send *s, const struct event_type *type,
                       const struct json *data)
{
    size_t data_max = (size_t)call->api->options.event_data_max;
    char created_at[CLOCK_TEXT_SIZE];
    struct json_out o;
    size_t data_at;
    size_t data_len;
    int rc;

    clock_format(call->now, created_at);
    buf_done(&call->bytes);
    buf_init(&call->bytes, data_max * 2 + BODY_OVERHEAD);
    json_out_begin(&o, &call->bytes);
    json_out_object(&o);
    json_put_str(&o, "id", s->test.event_id);
    json_put_str(&o, "type", s->test.event_type);
    json_put_c(&o, "created_at", created_at);
    json_out_name(&o, "data");
    data_at = call->bytes.len;
    if (data == NULL) {
        json_out_object(&o);
        json_put_c(&o, "message", "This is a test event. Nothing has happened.");
        json_put_bool(&o, "test", true);
        json_out_object_end(&o);
    } else {
        json_out_value(&o, data);
    }
    data_len = call->bytes.len - data_at;
    json_out_object_end(&o);
    rc = json_out_end(&o);
    if (rc == 0 && data_len > data_max) {
        rc = -E_TOO_LARGE;
    }
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    s->test.body = buf_str(&call->bytes);
    if (shape_body(call, s, type)) {
        send(call, s);
    }
}

/* The type's example; NULL with *ret_ok for test.ping. */
static const struct json *sample_of(struct call *call, const struct event_type *type,
                                    bool *ret_ok)
{
    const struct json *config = type == NULL ? NULL : object_config(call, &type->object);
    const struct json *example =
        config == NULL ? NULL
                       : type_member(type_version(config, type_latest(config)), "example");

    *ret_ok = type == NULL;
    if (type == NULL || config == NULL) {
        return NULL; /* test.ping; or answered */
    }
    if (example == NULL || json_type(example) == JSON_NULL) {
        form_fault(&call->faults, STR("/event_type"), "no_example",
                   "This event type has no example: send data along.");
        problem_faults(call);
        return NULL;
    }
    *ret_ok = true;
    return example;
}

static void make_body(struct call *call, struct test_send *s, const struct json *data)
{
    bool is_ping = str_eq_c(s->type_name, ping_type);
    const struct event_type *type = registry_event_type(call->project, s->type_name);
    bool ok = true;

    if (type == NULL && !is_ping) {
        form_fault(&call->faults, STR("/event_type"), "unknown_event_type",
                   "This event type is not registered.");
        problem_reply(call, -E_UNKNOWN_EVENT_TYPE);
        return;
    }
    s->test.event_id = engine_test_id(call->api->options.engine, s->id);
    s->test.event_type = s->type_name;
    s->test.type_no = type == NULL ? 0 : type->object.no;
    if (data == NULL) {
        data = sample_of(call, type, &ok);
    }
    if (ok) {
        write_body(call, s, type, data);
    }
}

/* --- data of a past event */
static int read_event(struct call *call, struct db *db)
{
    struct test_send *s = call->state;
    int rc = event_get(db, &s->event, call->arena, &s->row);

    return rc != 0
               ? rc
               : event_body(call->api->options.keyring, &s->row, call->arena, &s->event_body);
}

static void on_event(struct call *call)
{
    struct test_send *s = call->state;
    const struct event_type *type = registry_type_no(call->api->options.registry, s->row.type);
    const struct json *data = NULL;
    struct json_doc *doc;

    if (s->row.app == call->app->object.no && (s->row.flags & EVENT_ERASED) == 0 &&
        json_parse(s->event_body, JSON_DEPTH_MAX, &doc, NULL) == 0) {
        call_keep(call, doc);
        data = json_member(json_root(doc), "data");
    }
    if (data == NULL) {
        problem_detail(call, -E_NOT_FOUND, "This app has no such event, or its data is gone.");
        return;
    }
    if (s->type_name.p == NULL) {
        s->type_name = type == NULL ? str_from(ping_type) : type->object.slug;
    }
    make_body(call, s, data);
}

static void test(struct call *call, bool is_stored)
{
    struct test_send *s = arena_alloc(call->arena, sizeof(*s));

    s->is_stored = is_stored;
    call->state = s;
    if (!read_form(call, s) || !take_budget(call)) {
        return;
    }
    if (s->by_event) {
        call_read(call, read_event, on_event);
        return;
    }
    if (s->type_name.p == NULL) {
        s->type_name = str_from(ping_type);
    }
    make_body(call, s, s->data);
}

void endpoints_test(struct call *call)
{
    test(call, true);
}

void apps_test(struct call *call)
{
    test(call, false);
}
