/* SPDX-License-Identifier: Apache-2.0 */
/* replay_form.c - modes, ids or a filter, a correction; each fault with its pointer. */
#include "api/replay_form.h"

#include <stdlib.h>

#include "api/api_internal.h"
#include "api/delivery_view.h"
#include "api/problem.h"
#include "base/assert.h"
#include "egress/token.h"
#include "json/jmespath.h"
#include "json/patch.h"

enum { BOUND_MAX = 512 * 1024, HOUR_MS = 3600 * 1000 };

static const struct {
    const char *name;
    enum replay_mode mode;
} modes[] = {
    { "failed", REPLAY_MODE_FAILED },     { "missing", REPLAY_MODE_MISSING },
    { "backfill", REPLAY_MODE_BACKFILL }, { "all", REPLAY_MODE_ALL },
    { "ids", REPLAY_MODE_IDS },           { "cancel_pending", REPLAY_MODE_CANCEL },
    { "archive", REPLAY_MODE_ARCHIVE },
};

const char *replay_mode_name(enum replay_mode mode)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (modes[i].mode == mode) {
            return modes[i].name;
        }
    }
    return NULL;
}

/* --- one name or a list of them */
static void each_name(struct form *f, const char *one, const char *many,
                      void (*take)(struct form *f, const char *field, struct str name,
                                   void *ctx),
                      void *ctx)
{
    const struct json *list;
    const struct json *v;
    struct json_iter it;
    struct str name;

    if (form_string(f, one, false, 1, ID_TEXT_SIZE * 8, &name)) {
        take(f, one, name, ctx);
    }
    if (!form_array(f, many, false, REPLAY_NAMES_MAX, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        name = json_string(v);
        if (name.p == NULL) {
            form_fault(f->faults, form_pointer(f, many), "type", "These are strings.");
            return;
        }
        take(f, many, name, ctx);
    }
}

struct taking {
    struct call *call;
    struct replay_draft *draft;
    int64_t *types;
};

static void take_endpoint(struct form *f, const char *field, struct str name, void *ctx)
{
    struct taking *t = ctx;
    const struct endpoint *endpoint = registry_endpoint(t->call->app, name);
    bool any = !replay_makes(t->draft->mode);

    if (endpoint == NULL) {
        form_fault(f->faults, form_pointer(f, field), "not_found",
                   "The app has no such endpoint.");
    } else if (t->draft->endpoint_count < t->call->app->endpoint_count &&
               (any || replay_reaches(endpoint))) {
        for (size_t i = 0; i < t->draft->endpoint_count; i++) {
            if (t->draft->endpoints[i] == endpoint) {
                return;
            }
        }
        t->draft->endpoints[t->draft->endpoint_count++] = endpoint;
    }
}

static void read_endpoints(struct call *call, struct form *f, struct replay_draft *draft)
{
    struct taking t = { .call = call, .draft = draft };
    const struct app *app = call->app;

    draft->endpoints =
        arena_alloc(call->arena, (app->endpoint_count + 1) * sizeof(*draft->endpoints));
    each_name(f, "endpoint", "endpoints", take_endpoint, &t);
    if (form_has(f, "endpoint") || form_has(f, "endpoints")) {
        return;
    }
    for (size_t i = 0; i < app->endpoint_count; i++) {
        const struct endpoint *endpoint =
            (const struct endpoint *)(const void *)app->endpoints[i];

        /* What is put away may be of an endpoint that was deleted. */
        if (!replay_makes(draft->mode) || replay_reaches(endpoint)) {
            draft->endpoints[draft->endpoint_count++] = endpoint;
        }
    }
}

static void take_type(struct form *f, const char *field, struct str name, void *ctx)
{
    struct taking *t = ctx;
    const struct event_type *type = registry_event_type(t->call->project, name);

    if (type == NULL) {
        form_fault(f->faults, form_pointer(f, field), "unknown_event_type",
                   "This event type is not registered.");
    } else {
        t->types[t->draft->spec.type_count++] = type->object.no;
    }
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void read_window(struct form *f, struct replay_spec *spec)
{
    (void)form_time(f, "since", false, &spec->since);
    (void)form_time(f, "until", false, &spec->until);
    if (spec->until != 0 && spec->until < spec->since) {
        form_fault(f->faults, form_pointer(f, "until"), "range", "It ends before it begins.");
    }
}

static void read_narrow(struct call *call, struct form *f, struct replay_draft *draft)
{
    struct taking t = { .call = call, .draft = draft };
    struct replay_spec *spec = &draft->spec;
    struct str text;
    int64_t code = 0;

    t.types = arena_alloc(call->arena, (REPLAY_NAMES_MAX + 1) * sizeof(*t.types));
    each_name(f, "type", "types", take_type, &t);
    qsort(t.types, spec->type_count, sizeof(*t.types), compare_numbers);
    spec->types = t.types;
    if (form_string(f, "status", false, 1, ID_TEXT_SIZE, &text)) {
        spec->state = delivery_state_parse(text);
        if (spec->state < DELIVERY_DELIVERED) {
            form_fault(f->faults, form_pointer(f, "status"), "pattern",
                       "This is delivered, failed, cancelled, filtered or skipped; what is on "
                       "its way is not repeated.");
        }
    }
    if (form_int(f, "code", false, 100, 599, &code)) {
        spec->code = (int32_t)code;
    }
    if (form_string(f, "error", false, 1, ID_TEXT_SIZE * 4, &text)) {
        spec->error = token_parse(text);
        if (spec->error <= 0) {
            form_fault(f->faults, form_pointer(f, "error"), "pattern",
                       "There is no such error token; see docs/errors.md.");
        }
    }
    read_window(f, spec);
}

static void read_why(struct form *f, struct replay_draft *draft)
{
    (void)form_bool(f, "dry_run", false, &draft->dry_run);
    (void)form_string(f, "confirm", false, 1, 200, &draft->confirm);
    (void)form_string(f, "reason", !draft->dry_run, 1, REPLAY_REASON_MAX, &draft->spec.reason);
}

/* --- mode */
static void read_mode(struct form *f, struct replay_draft *draft)
{
    bool is_given = form_has(f, "mode");
    struct str text = STR_NONE;

    draft->mode = draft->ids != NULL ? REPLAY_MODE_IDS : REPLAY_MODE_FAILED;
    if (!is_given || !form_string(f, "mode", false, 1, ID_TEXT_SIZE, &text)) {
        if (draft->ids == NULL && draft->spec.state != 0) {
            draft->mode = REPLAY_MODE_ALL;
        }
        return;
    }
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (str_eq_c(text, modes[i].name) && replay_makes(modes[i].mode) &&
            (modes[i].mode == REPLAY_MODE_IDS) == (draft->ids != NULL)) {
            draft->mode = modes[i].mode;
            return;
        }
    }
    form_fault(f->faults, form_pointer(f, "mode"), "pattern",
               "By filter this is failed, missing, backfill or all; with ids it is left out.");
}

/* status, code and error speak of a delivery; missing and backfill of events that have none. */
static void check_mode(struct form *f, const struct replay_draft *draft)
{
    const struct replay_spec *spec = &draft->spec;
    bool events = replay_walks_events(draft->mode);

    if (events && (spec->state != 0 || spec->code != 0 || spec->error != 0)) {
        form_fault(f->faults, form_pointer(f, "filter"), "pattern",
                   "status, code and error do not go with this mode.");
    }
    if (draft->mode == REPLAY_MODE_FAILED && spec->state != 0 &&
        spec->state != DELIVERY_FAILED) {
        form_fault(f->faults, form_pointer(f, "filter"), "pattern",
                   "Mode failed repeats failed deliveries; take mode all.");
    }
}

/* --- correction: {"merge_patch": {...}} or {"jmespath": "..."}, over the event's data */
static void read_correction(struct call *call, struct form *outer, struct replay_draft *draft)
{
    const struct json *v;
    struct replay_spec *spec = &draft->spec;
    struct jmespath_fault fault;
    struct form f;

    spec->new_id = true;
    if (!form_object(outer, "correction", false, &v)) {
        return;
    }
    form_begin(&f, v, form_pointer(outer, "correction"), outer->faults);
    if (form_object(&f, "merge_patch", false, &spec->merge_patch) &&
        patch_check(spec->merge_patch) != 0) {
        form_fault(f.faults, form_pointer(&f, "merge_patch"), "too_deep",
                   "A patch has at most %d objects inside one another.", PATCH_DEPTH_MAX);
    }
    if (form_string(&f, "jmespath", false, 1, JMESPATH_TEXT_MAX, &spec->jmespath) &&
        jmespath_compile(spec->jmespath, call->arena, &spec->expression, &fault) != 0) {
        form_fault(f.faults, form_pointer(&f, "jmespath"), "pattern", "%s", fault.text);
    }
    if ((spec->merge_patch != NULL) == (spec->jmespath.len > 0)) {
        form_fault(f.faults, f.pointer, "required", "This is one of merge_patch and jmespath.");
    }
    form_end(&f);
}

/* --- limits of customers */
static bool is_customer(const struct call *call)
{
    return call->access.app != NULL;
}

static int check_window(const struct call *call, const struct replay_spec *spec)
{
    int64_t max_ms = call->api->options.replay.customer_hours * HOUR_MS;
    int64_t until = spec->until == 0 ? call->now : spec->until;

    return is_customer(call) && until - spec->since > max_ms ? -E_REPLAY_WINDOW : 0;
}

/* Everything that changes what the call does, but for the reason. */
static int bound_of(struct call *call, struct replay_draft *draft)
{
    struct json_out o;
    struct buf text;
    int rc;

    buf_init(&text, BOUND_MAX);
    json_out_begin(&o, &text);
    json_out_object(&o);
    json_put_int(&o, "mode", draft->mode);
    json_put_int(&o, "rate", draft->rate);
    json_put_bool(&o, "new_id", draft->spec.new_id);
    if (call->endpoint != NULL) {
        call_put_id(&o, "endpoint", ID_ENDPOINT, &call->endpoint->object.id);
    }
    json_out_name(&o, "filter");
    if (draft->spec.filter == NULL) {
        json_out_null(&o);
    } else {
        json_out_value(&o, draft->spec.filter);
    }
    if (draft->spec.merge_patch != NULL) {
        json_out_name(&o, "patch");
        json_out_value(&o, draft->spec.merge_patch);
    }
    json_put_str(&o, "jmespath", draft->spec.jmespath);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    draft->bound = arena_str(call->arena, buf_str(&text));
    buf_done(&text);
    return rc;
}

static void read_filter(struct call *call, struct form *f, struct replay_draft *draft)
{
    struct form inner;

    if (!form_object(f, "filter", false, &draft->spec.filter)) {
        form_fault(f->faults, form_pointer(f, "filter"), "required",
                   "Name `ids`, or a `filter`; an empty one means everything.");
        return;
    }
    form_begin(&inner, draft->spec.filter, form_pointer(f, "filter"), f->faults);
    read_endpoints(call, &inner, draft);
    read_narrow(call, &inner, draft);
    form_end(&inner);
}

bool replay_form_read_bulk(struct call *call, enum replay_mode mode, struct replay_draft *draft)
{
    struct form f;
    int rc;

    *draft = (struct replay_draft){ .mode = mode, .rate = REPLAY_RATE_MAX };
    form_begin(&f, call->body, STR_NONE, &call->faults);
    if (mode == REPLAY_MODE_ARCHIVE) {
        read_filter(call, &f, draft);
        draft->spec.state = draft->spec.state == 0 ? DELIVERY_FAILED : draft->spec.state;
    } else {
        ASSERT(call->endpoint != NULL);
        draft->endpoints = arena_alloc(call->arena, sizeof(*draft->endpoints));
        draft->endpoints[0] = call->endpoint;
        draft->endpoint_count = 1;
    }
    read_why(&f, draft);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    rc = bound_of(call, draft);
    if (rc != 0) {
        problem_reply(call, rc);
    }
    return rc == 0;
}

bool replay_form_read(struct call *call, struct replay_draft *draft)
{
    struct form f;
    int rc = 0;

    *draft = (struct replay_draft){ .rate = call->api->options.replay.rate };
    form_begin(&f, call->body, STR_NONE, &call->faults);
    if (form_array(&f, "ids", false, SIZE_MAX, &draft->ids)) {
        rc = json_count(draft->ids) > REPLAY_IDS_MAX ? -E_REPLAY_IDS : 0;
    } else {
        read_filter(call, &f, draft);
    }
    read_mode(&f, draft);
    check_mode(&f, draft);
    (void)form_int(&f, "rate", false, 1, REPLAY_RATE_MAX, &draft->rate);
    read_why(&f, draft);
    read_correction(call, &f, draft);
    (void)form_bool(&f, "new_id", false, &draft->spec.new_id);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    if (rc == 0 && draft->ids == NULL) {
        rc = check_window(call, &draft->spec);
    }
    /* What an event says is the publisher's to change. */
    if (rc == 0 && is_customer(call) && replay_corrects(&draft->spec)) {
        rc = -E_FORBIDDEN;
    }
    if (rc == 0) {
        rc = bound_of(call, draft);
    }
    if (rc != 0) {
        problem_reply(call, rc);
    }
    return rc == 0;
}
