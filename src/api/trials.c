/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trials.c - filters and transforms tried on a sample or on an event that was published: what would be sent, and
 * which rule would say no. Nothing is stored and nothing is sent.
 *
 * A fault of the filter or the transform is an answer (200 with `errors`); one of the rest of the form is a 422.
 */
#include "api/api_internal.h"
#include "api/endpoint_form.h"
#include "api/events_read.h"
#include "api/handlers.h"
#include "api/names.h"
#include "api/object.h"
#include "api/problem.h"
#include "api/publish_payload.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "store/event.h"

enum { TRIAL_BODY_MAX = 2 * 1024 * 1024 };

struct trial {
    bool is_transform;
    struct payload_plan plan;
    bool has_plan;             /* there is something to try */
    struct form_faults faults; /* of the filter and the transform */
    /* the event: a sample, or one of the store */
    const struct json *sample, *resource, *channels;
    struct str type_name;
    const struct event_type *type; /* NULL: not known here */
    bool by_event;
    struct id event_id;
    struct event_row event;
    struct str body;
};

/* --- the form */
static void read_channels(struct form *f, struct trial *t)
{
    publish_channels_read(f, &t->channels);
    publish_resource_read(f, &t->resource);
}

static void read_event(struct call *call, struct form *f, struct trial *t)
{
    struct str text;

    t->sample = form_value(f, "sample");
    if (form_string(f, "event", false, 1, API_NAME_MAX, &text)) {
        t->by_event = true;
        if (id_parse(ID_EVENT, text, &t->event_id) != 0) {
            form_fault(&call->faults, form_pointer(f, "event"), "pattern",
                       "This is no id of an event.");
        }
        if (t->sample != NULL) {
            form_fault(&call->faults, form_pointer(f, "sample"), "conflict",
                       "Either a sample or an event, not both.");
        }
    }
    if (form_string(f, "type", false, 1, EVENT_TYPE_NAME_MAX, &t->type_name)) {
        t->type = registry_event_type(call->project, t->type_name);
        if (!name_is_event_type(t->type_name)) {
            form_fault(&call->faults, form_pointer(f, "type"), "pattern",
                       "This is no name of an event type.");
        }
    } else {
        t->type_name = STR("test.sample");
    }
}

/* Read a field into the trial's own faults, so that they are an answer. */
static struct form own_form(struct call *call, struct trial *t)
{
    struct form f;

    form_begin(&f, call->body, STR_NONE, &t->faults);
    return f;
}

static void read_filter(struct call *call, struct trial *t)
{
    struct form f = own_form(call, t);
    const struct json *given = NULL;

    endpoint_filter_read(&f, &given);
    if (form_has(&f, "filter")) {
        t->plan = (struct payload_plan){ .filter = NULL };
        t->has_plan = true;
    }
    if (given != NULL &&
        filter_compile(given, STR("/filter"), call->arena, &t->faults, &t->plan.filter) != 0) {
        t->plan.filter = NULL;
    }
}

static void read_transform(struct call *call, struct trial *t)
{
    struct form f = own_form(call, t);
    struct jmespath_fault fault;
    const struct json *given = NULL;
    const struct json *text;

    endpoint_shape_read(&f, &t->plan.style, &t->plan.envelope);
    endpoint_transform_read(&f, &given);
    if (!form_has(&f, "transform")) {
        return;
    }
    t->plan.transform = NULL;
    text = given == NULL ? NULL : json_member(given, "expression");
    if (text != NULL && t->faults.count == 0 &&
        jmespath_compile(json_string(text), call->arena, &t->plan.transform, &fault) != 0) {
        t->plan.transform = NULL;
    }
}

/* Only the shape of an endpoint is tried by a preview, and only its choice by a test. */
static void take_plan(struct call *call, struct trial *t)
{
    const struct payload_plan *plan = call->endpoint == NULL ? NULL : call->endpoint->plan;

    if (plan == NULL) {
        t->has_plan = call->endpoint != NULL;
        return;
    }
    t->has_plan = true;
    t->plan = *plan;
    if (t->is_transform) {
        t->plan = (struct payload_plan){ .style = plan->style,
                                         .envelope = plan->envelope,
                                         .transform = plan->transform,
                                         .is_broken = plan->is_broken };
    }
}

static struct trial *read_trial(struct call *call, bool is_transform)
{
    struct trial *t = arena_alloc(call->arena, sizeof(*t));
    struct form f;

    t->is_transform = is_transform;
    form_faults_init(&t->faults, call->arena);
    take_plan(call, t);
    form_begin(&f, call->body, STR_NONE, &call->faults);
    read_event(call, &f, t);
    read_channels(&f, t);
    if (is_transform) {
        (void)form_value(&f, "transform");
        (void)form_value(&f, "payload_style");
        (void)form_value(&f, "envelope");
        read_transform(call, t);
    } else {
        (void)form_value(&f, "filter");
        read_filter(call, t);
    }
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return NULL;
    }
    call->state = t;
    return t;
}

/* --- the event */
/* The body as a publish of the sample would make it. */
static int write_sample(struct call *call, struct trial *t)
{
    char created_at[CLOCK_TEXT_SIZE];
    struct json_out o;
    int rc;

    clock_format(call->now, created_at);
    buf_done(&call->bytes);
    buf_init(&call->bytes, TRIAL_BODY_MAX);
    json_out_begin(&o, &call->bytes);
    json_out_object(&o);
    json_out_name(&o, "id");
    json_out_str(&o, arena_printf(call->arena, "evt_test_%lld", (long long)call->now));
    json_put_str(&o, "type", t->type_name);
    json_put_c(&o, "created_at", created_at);
    if (t->resource != NULL) {
        json_out_name(&o, "resource");
        json_out_value(&o, t->resource);
    }
    json_out_name(&o, "data");
    json_out_value(&o, t->sample);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    t->body = buf_str(&call->bytes);
    return rc;
}

static int event_run(struct call *call, struct db *db)
{
    struct trial *t = call->state;
    int rc = event_get(db, &t->event_id, call->arena, &t->event);

    return rc != 0 ? rc
                   : event_body(call->api->options.keyring, &t->event, call->arena, &t->body);
}

/* --- the answer */
static void put_fault(struct json_out *o, struct str pointer, const char *code,
                      struct str detail)
{
    json_out_object(o);
    json_put_str(o, "pointer", pointer);
    json_put_c(o, "code", code);
    json_put_str(o, "detail", detail);
    json_out_object_end(o);
}

static void put_errors(struct json_out *o, const struct trial *t, const struct payload *made)
{
    json_out_name(o, "errors");
    json_out_array(o);
    for (size_t i = 0; i < t->faults.count; i++) {
        put_fault(o, t->faults.rows[i].pointer, t->faults.rows[i].code,
                  t->faults.rows[i].detail);
    }
    if (made->verdict == PAYLOAD_FAILED) {
        put_fault(o,
                  !t->is_transform            ? STR("/filter")
                  : t->plan.transform == NULL ? STR("/payload_style")
                                              : STR("/transform/expression"),
                  "transform_error", made->detail);
    }
    json_out_array_end(o);
}

static void reply(struct call *call, const struct trial *t, const struct payload *made,
                  bool was_tried)
{
    bool is_filtered = was_tried && made->verdict == PAYLOAD_FILTERED;
    bool is_sent = was_tried && made->verdict == PAYLOAD_SEND;
    struct json_out *o = call_json(call);

    json_out_object(o);
    if (t->is_transform) {
        struct str body = made->body.p == NULL ? t->body : made->body;

        call_put_text(o, "body", is_sent ? body : STR_NONE);
        json_put_int(o, "bytes", is_sent ? (int64_t)body.len : 0);
    } else {
        json_out_name(o, "matches");
        if (is_sent || is_filtered) {
            json_out_bool(o, is_sent);
        } else {
            json_out_null(o);
        }
        call_put_text(o, "failed_rule", is_filtered ? made->detail : STR_NONE);
    }
    put_errors(o, t, made);
    json_out_object_end(o);
    call_reply(call, 200);
}

static void try_it(struct call *call)
{
    struct trial *t = call->state;
    struct publish_budget budget;
    struct payload_event event = { .arena = call->arena,
                                   .pointers = call->project->pointers,
                                   .resource = t->type == NULL ? NULL : &t->type->resource,
                                   .body = t->body,
                                   .steps = &budget.steps,
                                   .bytes = &budget.bytes };
    struct payload made = { .verdict = PAYLOAD_SEND };
    struct buf channels;
    int rc = 0;

    publish_budget_init(&budget);
    event.channels = t->by_event ? t->event.channels : STR_NONE;
    if (t->channels != NULL) {
        buf_init(&channels, TRIAL_BODY_MAX);
        rc = json_write(t->channels, &channels);
        event.channels = arena_str(call->arena, buf_str(&channels));
        buf_done(&channels);
    }
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    if (t->is_transform) {
        payload_make(&t->plan, &event, &made);
    } else {
        payload_choose(&t->plan, &event, &made);
    }
    payload_event_done(&event);
    reply(call, t, &made, true);
}

/* A foreign event is none. */
static void on_event(struct call *call)
{
    struct trial *t = call->state;
    const struct app *app = registry_app_no(call->api->options.registry, t->event.app);

    if (app == NULL || app->project != call->project ||
        (call->app != NULL && call->app != app) ||
        (call->access.app != NULL && call->access.app != app)) {
        problem_reply(call, -E_NOT_FOUND);
        return;
    }
    if (t->type == NULL) {
        t->type = registry_type_no(call->api->options.registry, t->event.type);
    }
    try_it(call);
}

static void trial(struct call *call, bool is_transform)
{
    const struct payload made = { .verdict = PAYLOAD_SEND };
    struct trial *t = read_trial(call, is_transform);
    int rc;

    if (t == NULL) {
        return;
    }
    if (t->faults.count > 0 || (t->sample == NULL && !t->by_event)) {
        reply(call, t, &made, false);
        return;
    }
    if (t->by_event) {
        call_read(call, event_run, on_event);
        return;
    }
    rc = write_sample(call, t);
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    try_it(call);
}

void filters_test(struct call *call)
{
    trial(call, false);
}

void transforms_preview(struct call *call)
{
    trial(call, true);
}
