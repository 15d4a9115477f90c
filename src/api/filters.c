/* SPDX-License-Identifier: Apache-2.0 */
/* filters.c - query parameters that narrow the logs. */
#include "api/filters.h"

#include "api/call.h"
#include "api/delivery_view.h"
#include "api/names.h"
#include "base/clock.h"
#include "egress/token.h"

enum { FILTER_VALUES_MAX = 50 };

int64_t filter_time(struct call *call, const char *name)
{
    struct str text = call_query(call, name);
    int64_t wall_ms = 0;

    if (text.p != NULL && clock_parse(text, &wall_ms) != 0) {
        call_query_fault(call, name, "pattern",
                         "This is an RFC 3339 time such as 2026-01-31T12:00:00Z.");
    }
    return wall_ms;
}

/* Its number, also of a deleted one; -1 when there is none. */
static int64_t find_type(const struct call *call, struct str name)
{
    const struct event_type *type = registry_event_type(call->project, name);

    if (type != NULL) {
        return type->object.no;
    }
    for (size_t i = call->project->type_count; i > 0; i--) {
        if (str_eq(call->project->type_list[i - 1]->slug, name)) {
            return call->project->type_list[i - 1]->no;
        }
    }
    return -1;
}

int64_t filter_type(struct call *call)
{
    struct str name = call_query(call, "type");

    if (name.p == NULL) {
        return 0;
    }
    if (!name_is_event_type(name)) {
        call_query_fault(call, "type", "pattern", "This is no name of an event type.");
        return 0;
    }
    return find_type(call, name);
}

bool filter_types(struct call *call, int64_t **ret_types, size_t *ret_count)
{
    struct str list = call_query(call, "type");
    bool is_given = list.p != NULL;
    int64_t *types = arena_alloc(call->arena, FILTER_VALUES_MAX * sizeof(*types));
    size_t count = 0;
    size_t given = 0;
    struct str name;

    while (list.p != NULL && str_split(&list, ',', &name)) {
        int64_t no;

        if (!name_is_event_type(name) || ++given > FILTER_VALUES_MAX) {
            call_query_fault(call, "type", "pattern",
                             "These are at most 50 names of event types, with commas between.");
            break;
        }
        no = find_type(call, name);
        if (no > 0) {
            types[count++] = no;
        }
    }
    *ret_types = types;
    *ret_count = count;
    return !is_given || count > 0;
}

uint32_t filter_states(struct call *call)
{
    struct str list = call_query(call, "status");
    uint32_t states = 0;
    struct str name;

    while (list.p != NULL && str_split(&list, ',', &name)) {
        int32_t state = delivery_state_parse(name);

        if (state <= 0) {
            call_query_fault(call, "status", "pattern",
                             "These are pending, retrying, delivered, failed, cancelled, "
                             "filtered and skipped, with commas between.");
            break;
        }
        states |= 1u << state;
    }
    return states;
}

bool filter_app(struct call *call, struct app **ret_app)
{
    struct str text = call_query(call, "app");

    struct app *bound = call->access.app;

    *ret_app = text.p == NULL ? bound : registry_app(call->project, text);
    return (text.p == NULL || *ret_app != NULL) && (bound == NULL || *ret_app == bound);
}

static const struct endpoint *find_endpoint(const struct app *app, const struct id *id)
{
    for (size_t i = 0; i < app->endpoint_count; i++) {
        if (id_eq(&app->endpoints[i]->id, id)) {
            return (const struct endpoint *)(const void *)app->endpoints[i];
        }
    }
    return NULL;
}

bool filter_endpoint(struct call *call, const struct endpoint **ret_endpoint)
{
    struct str text = call_query(call, "endpoint");
    const struct endpoint *endpoint = NULL;
    struct id id;

    if (text.p != NULL && id_parse(ID_ENDPOINT, text, &id) != 0) {
        call_query_fault(call, "endpoint", "pattern", "This is no id of an endpoint.");
        return false;
    }
    if (text.p != NULL && call->app != NULL) {
        endpoint = find_endpoint(call->app, &id);
    }
    for (size_t i = 0; text.p != NULL && call->app == NULL && endpoint == NULL &&
                       i < call->project->app_count;
         i++) {
        endpoint = find_endpoint((struct app *)(void *)call->project->app_list[i], &id);
    }
    *ret_endpoint = endpoint;
    return text.p == NULL || endpoint != NULL;
}

int32_t filter_state(struct call *call)
{
    struct str text = call_query(call, "status");
    int32_t state = text.p == NULL ? 0 : delivery_state_parse(text);

    if (state < 0) {
        call_query_fault(
            call, "status", "pattern",
            "This is pending, retrying, delivered, failed, cancelled, filtered or skipped.");
        return 0;
    }
    return state;
}

int32_t filter_code(struct call *call)
{
    struct str text = call_query(call, "code");
    int64_t code = 0;

    if (text.p != NULL && str_to_int(text, 100, 599, &code) != 0) {
        call_query_fault(call, "code", "range", "This is an HTTP status from 100 to 599.");
    }
    return (int32_t)code;
}

int32_t filter_error(struct call *call)
{
    struct str text = call_query(call, "error");
    int32_t token = text.p == NULL ? 0 : token_parse(text);

    if (text.p != NULL && token <= 0) {
        call_query_fault(call, "error", "pattern",
                         "There is no such error token; see docs/errors.md.");
        return 0;
    }
    return token;
}

int32_t filter_archived(struct call *call)
{
    static const char *const names[] = { "false", "true", "all" };
    struct str text = call_query(call, "archived");

    for (int32_t i = 0; i < 3; i++) {
        if (text.p == NULL || str_eq_c(text, names[i])) {
            return i;
        }
    }
    call_query_fault(call, "archived", "pattern", "This is false, true or all.");
    return 0;
}
