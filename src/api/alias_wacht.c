/* SPDX-License-Identifier: Apache-2.0 */
/* alias_wacht.c - the words of /webhooks/apps: apps, their endpoints, the catalogue. */
#include <string.h>

#include "api/alias.h"
#include "api/call.h"
#include "api/object.h"

enum { WACHT_TIMEOUT_S = 30, WACHT_APP_MAX = 1024 * 1024 };

static const struct alias_pointer app_pointers[] = {
    { "/slug", "/app_slug" },
    { NULL, NULL },
};

static const struct alias_pointer endpoint_pointers[] = {
    { "/timeout_ms", "/timeout_seconds" },
    { "/retry/max_attempts", "/max_retries" },
    { "/event_types", "/subscriptions" },
    { "/filter", "/subscriptions/0/filter_rules" },
    { "/rate_limit/period_ms", "/rate_limit_config/duration_ms" },
    { "/rate_limit/requests", "/rate_limit_config/max_requests" },
    { "/rate_limit", "/rate_limit_config" },
    { "/status", "/is_active" },
    { NULL, NULL },
};

/* Inactive ones are always listed: to leave them out is refused, not forgotten. */
static void list_query(struct call *call)
{
    struct str all = call_query(call, "include_inactive");

    if (all.p != NULL && !str_eq_c(all, "true")) {
        call_query_fault(call, "include_inactive", "pattern",
                         "Inactive ones are always listed; is_active tells them.");
    }
    alias_window_query(call);
}

/* --- apps: in */
static void put_slug(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    json_out_name(o, "slug");
    json_out_value(o, value);
}

/* What an app here cannot say is refused by the handler, as any unknown field is. */
static void put_app_active(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    if (!json_bool(value)) {
        json_out_name(o, "is_active");
        json_out_value(o, value);
    }
}

static void put_emails(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    if (json_type(value) != JSON_ARRAY || json_count(value) > 0) {
        json_out_name(o, "failure_notification_emails");
        json_out_value(o, value);
    }
}

static void put_catalog(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    if (json_type(value) != JSON_NULL && !str_eq_c(json_string(value), "default")) {
        json_out_name(o, "event_catalog_slug");
        json_out_value(o, value);
    }
}

static const struct alias_in app_rows[] = {
    { "app_slug", put_slug },
    { "is_active", put_app_active },
    { "failure_notification_emails", put_emails },
    { "event_catalog_slug", put_catalog },
    { NULL, NULL },
};

static void app_patch_body(struct call *call, struct json_out *o)
{
    alias_members(call, o, app_rows);
}

/* Their apps have one secret, which all endpoints sign with. */
static void app_create_body(struct call *call, struct json_out *o)
{
    alias_members(call, o, app_rows);
    if (json_member(call->body, "secret") == NULL) {
        json_put_c(o, "secret", "generate");
    }
}

/* --- apps: out */
static void out_catalog_slug(struct call *call, struct json_out *o, const struct json *ours)
{
    (void)call;
    (void)ours;
    json_out_c(o, "default");
}

static void out_signing_secret(struct call *call, struct json_out *o, const struct json *app)
{
    const struct json *secret = json_member(app, "secret");

    (void)call;
    if (secret == NULL) {
        secret = json_member(app, "secret_hint");
    }
    if (secret == NULL || json_type(secret) == JSON_NULL) {
        json_out_c(o, "");
    } else {
        json_out_value(o, secret);
    }
}

static const struct alias_out app_out[] = {
    { "deployment_id", NULL, alias_out_project, false },
    { "app_slug", "slug", NULL, false },
    { "name", "name", NULL, false },
    { "description", "description", NULL, false },
    { "signing_secret", NULL, out_signing_secret, false },
    { "failure_notification_emails", NULL, alias_out_empty, false },
    { "event_catalog_slug", NULL, out_catalog_slug, false },
    { "is_active", NULL, alias_out_true, false },
    { "created_at", "created_at", NULL, false },
    { "updated_at", "updated_at", NULL, false },
    { NULL, NULL, NULL, false },
};

static void out_app(struct call *call, struct json_out *o, const struct json *app)
{
    alias_object(call, o, app, app_out);
}

static void out_apps(struct call *call, struct json_out *o, const struct json *list)
{
    alias_window_out(call, o, list, out_app);
}

/* Ours answers the secret alone, theirs the app with it. */
static void out_rotated(struct call *call, struct json_out *o, const struct json *rolled)
{
    static const struct alias_out secret_row = { "signing_secret", "secret", NULL, false };
    struct alias_out rows[sizeof(app_out) / sizeof(app_out[0])];
    struct json_doc *doc = NULL;
    struct json_out own;
    struct buf text;

    call->state = NULL; /* the members show no secret of their own */
    buf_init(&text, WACHT_APP_MAX);
    json_out_begin(&own, &text);
    json_out_object(&own);
    json_out_name(&own, "app");
    object_write(call, &own, &call->app->object, app_members);
    json_out_name(&own, "secret");
    json_out_value(&own, json_member(rolled, "secret"));
    json_out_object_end(&own);
    if (json_out_end(&own) != 0 ||
        json_parse(buf_str(&text), JSON_DEPTH_MAX, &doc, NULL) != 0) {
        json_out_null(o);
        buf_done(&text);
        return;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rows[i] = app_out[i];
        if (rows[i].put == out_signing_secret) {
            rows[i] = secret_row;
        } else if (rows[i].ours != NULL) {
            rows[i].ours =
                arena_c(call->arena, arena_printf(call->arena, "app/%s", app_out[i].ours));
        }
    }
    alias_object(call, o, json_root(doc), rows);
    json_doc_free(doc);
    explicit_bzero(text.p, text.len);
    buf_done(&text);
}

/* --- endpoints: in */
static void put_timeout(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    alias_put_ms(o, "timeout_ms", value);
}

static void put_active(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    json_out_name(o, "status");
    if (json_type(value) == JSON_BOOL) {
        json_out_c(o, json_bool(value) ? "active" : "paused");
    } else {
        json_out_value(o, value);
    }
}

/* Theirs counts the tries after the first. */
static void put_retries(struct call *call, struct json_out *o, const struct json *value)
{
    int64_t retries;

    (void)call;
    json_out_name(o, "retry");
    json_out_object(o);
    json_out_name(o, "max_attempts");
    if (json_int(value, -1, INT32_MAX, &retries) == 0) {
        json_out_int(o, retries + 1);
    } else {
        json_out_value(o, value);
    }
    json_out_object_end(o);
}

static void put_rate(struct call *call, struct json_out *o, const struct json *value)
{
    struct json_iter it = json_iter(value);
    const struct json *v;
    struct str name;

    json_out_name(o, "rate_limit");
    if (json_type(value) != JSON_OBJECT) {
        json_out_value(o, value);
        return;
    }
    json_out_object(o);
    while ((v = json_next(&it, &name)) != NULL) {
        json_out_name(o, str_eq_c(name, "duration_ms")    ? "period_ms"
                         : str_eq_c(name, "max_requests") ? "requests"
                                                          : arena_c(call->arena, name));
        json_out_value(o, v);
    }
    json_out_object_end(o);
}

/* An endpoint here has one filter for all its events. */
static void put_subscriptions(struct call *call, struct json_out *o, const struct json *list)
{
    struct json_iter it = json_iter(list);
    const struct json *filter = NULL;
    const struct json *v;

    if (json_type(list) != JSON_ARRAY || json_count(list) == 0) {
        form_fault(&call->faults, STR("/subscriptions"), "required",
                   "Subscribe to at least one event: [{event_name}].");
        return;
    }
    json_out_name(o, "event_types");
    json_out_array(o);
    while ((v = json_next(&it, NULL)) != NULL) {
        const struct json *name = json_member(v, "event_name");
        const struct json *rules = json_member(v, "filter_rules");

        if (json_type(v) != JSON_OBJECT || name == NULL || json_type(name) != JSON_STRING) {
            form_fault(&call->faults, STR("/subscriptions"), "required",
                       "A subscription names its event: {event_name}.");
            break;
        }
        json_out_value(o, name);
        filter = rules != NULL && json_type(rules) != JSON_NULL ? rules : filter;
    }
    json_out_array_end(o);
    if (filter != NULL && json_count(list) > 1) {
        form_fault(&call->faults, STR("/subscriptions"), "pattern",
                   "An endpoint has one filter for all its events: filter_rules stand with "
                   "one subscription alone.");
    }
    json_out_name(o, "filter");
    if (filter == NULL) {
        json_out_null(o);
    } else {
        json_out_value(o, filter);
    }
}

static void endpoint_body(struct call *call, struct json_out *o)
{
    static const struct alias_in rows[] = {
        { "app_slug", NULL },
        { "timeout_seconds", put_timeout },
        { "is_active", put_active },
        { "max_retries", put_retries },
        { "rate_limit_config", put_rate },
        { "subscriptions", put_subscriptions },
        { NULL, NULL },
    };

    alias_members(call, o, rows);
    if (call->endpoint != NULL) {
        return;
    }
    if (json_member(call->body, "subscriptions") == NULL) {
        form_fault(&call->faults, STR("/subscriptions"), "required",
                   "Subscribe to at least one event: [{event_name}].");
    }
    if (json_member(call->body, "timeout_seconds") == NULL) {
        json_put_int(o, "timeout_ms", (int64_t)WACHT_TIMEOUT_S * 1000);
    }
    if (call->app->secret.is_set && json_member(call->body, "secret_scope") == NULL) {
        json_put_c(o, "secret_scope", "app");
    }
}

/* --- endpoints: out */
static void out_is_active(struct call *call, struct json_out *o, const struct json *status)
{
    (void)call;
    json_out_bool(o, str_eq_c(json_string(status), "active"));
}

static void out_is_disabled(struct call *call, struct json_out *o, const struct json *status)
{
    (void)call;
    json_out_bool(o, str_eq_c(json_string(status), "disabled"));
}

static void out_retries(struct call *call, struct json_out *o, const struct json *retry)
{
    int64_t attempts = 1;

    (void)call;
    if (json_bool(json_member(retry, "enabled"))) {
        (void)!json_int(json_member(retry, "max_attempts"), 1, INT32_MAX, &attempts);
    }
    json_out_int(o, attempts - 1);
}

static void out_rate(struct call *call, struct json_out *o, const struct json *rate)
{
    static const struct alias_out rows[] = {
        { "duration_ms", "period_ms", NULL, false },
        { "max_requests", "requests", NULL, false },
        { NULL, NULL, NULL, false },
    };

    if (json_type(rate) == JSON_NULL) {
        json_out_null(o);
    } else {
        alias_object(call, o, rate, rows);
    }
}

static void out_subscriptions(struct call *call, struct json_out *o,
                              const struct json *endpoint)
{
    const struct json *filter = json_member(endpoint, "filter");
    struct json_iter it = json_iter(json_member(endpoint, "event_types"));
    const struct json *v;

    (void)call;
    json_out_array(o);
    while ((v = json_next(&it, NULL)) != NULL) {
        json_out_object(o);
        json_out_name(o, "event_name");
        json_out_value(o, v);
        json_out_name(o, "filter_rules");
        if (filter == NULL) {
            json_out_null(o);
        } else {
            json_out_value(o, filter);
        }
        json_out_object_end(o);
    }
    json_out_array_end(o);
}

static void out_endpoint(struct call *call, struct json_out *o, const struct json *endpoint)
{
    static const struct alias_out rows[] = {
        { "id", "id", NULL, false },
        { "deployment_id", NULL, alias_out_project, false },
        { "app_slug", NULL, alias_out_app_slug, false },
        { "url", "url", NULL, false },
        { "description", "description", NULL, false },
        { "headers", "headers", NULL, false },
        { "is_active", "status", out_is_active, false },
        { "max_retries", "retry", out_retries, false },
        { "timeout_seconds", "timeout_ms", alias_out_seconds, false },
        { "failure_count", "health/consecutive_failures", NULL, false },
        { "last_failure_at", "health/last_failure_at", NULL, false },
        { "auto_disabled", "status", out_is_disabled, false },
        { "rate_limit_config", "rate_limit", out_rate, false },
        { "secret", "secret", NULL, true },
        { "created_at", "created_at", NULL, false },
        { "updated_at", "updated_at", NULL, false },
        { "subscriptions", NULL, out_subscriptions, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, endpoint, rows);
}

static void out_endpoints(struct call *call, struct json_out *o, const struct json *list)
{
    alias_window_out(call, o, list, out_endpoint);
}

static void out_reactivated(struct call *call, struct json_out *o, const struct json *endpoint)
{
    (void)call;
    (void)endpoint;
    json_out_object(o);
    json_put_bool(o, "success", true);
    json_put_c(o, "message", "The endpoint is active.");
    json_out_object_end(o);
}

/* --- the catalogue: theirs are many, ours is one for the project */
static void whole_query(struct call *call)
{
    alias_query_put(call, "limit", STR("250"));
    alias_query_put(call, "order", STR("asc"));
}

static void out_definition(struct call *call, struct json_out *o, const struct json *type)
{
    static const struct alias_out rows[] = {
        { "name", "name", NULL, false },
        { "description", "description", NULL, false },
        { "group", "group", NULL, false },
        { "schema", "schema", NULL, false },
        { "example_payload", "example", NULL, false },
        { "is_archived", "archived", NULL, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, type, rows);
}

static void out_app_event(struct call *call, struct json_out *o, const struct json *type)
{
    static const struct alias_out rows[] = {
        { "deployment_id", NULL, alias_out_project, false },
        { "app_slug", NULL, alias_out_app_slug, false },
        { "event_name", "name", NULL, false },
        { "description", "description", NULL, false },
        { "schema", "schema", NULL, false },
        { "created_at", "created_at", NULL, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, type, rows);
}

static void out_each(struct call *call, struct json_out *o, const struct json *list,
                     void (*row)(struct call *call, struct json_out *o,
                                 const struct json *ours))
{
    struct json_iter it = json_iter(json_member(list, "data"));
    const struct json *v;

    json_out_name(o, "events");
    json_out_array(o);
    while ((v = json_next(&it, NULL)) != NULL) {
        row(call, o, v);
    }
    json_out_array_end(o);
}

static void out_events(struct call *call, struct json_out *o, const struct json *list)
{
    json_out_object(o);
    out_each(call, o, list, out_app_event);
    json_out_object_end(o);
}

static void out_catalog(struct call *call, struct json_out *o, const struct json *list)
{
    json_out_object(o);
    json_out_name(o, "deployment_id");
    alias_out_project(call, o, NULL);
    json_put_c(o, "slug", "default");
    json_put_str(o, "name", call->project->name);
    out_each(call, o, list, out_definition);
    json_put_time(o, "created_at", call->project->object.created_at);
    json_put_time(o, "updated_at", call->project->object.updated_at);
    json_out_object_end(o);
}

static void out_catalogs(struct call *call, struct json_out *o, const struct json *list)
{
    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    out_catalog(call, o, list);
    json_out_array_end(o);
    json_put_bool(o, "has_more", false);
    json_put_int(o, "limit", 1);
    json_put_int(o, "offset", 0);
    json_out_object_end(o);
}

const struct alias wacht_apps = { .query = list_query, .answer = out_apps };
const struct alias wacht_app_create = { .body = app_create_body,
                                        .answer = out_app,
                                        .pointers = app_pointers };
const struct alias wacht_app_patch = { .body = app_patch_body,
                                       .answer = out_app,
                                       .pointers = app_pointers };
const struct alias wacht_app_look = { .answer = out_app };
const struct alias wacht_app_rotate = { .answer = out_rotated };
const struct alias wacht_endpoints = { .query = list_query, .answer = out_endpoints };
const struct alias wacht_endpoint_edit = { .body = endpoint_body,
                                           .answer = out_endpoint,
                                           .pointers = endpoint_pointers };
const struct alias wacht_reactivate = { .answer = out_reactivated };
const struct alias wacht_events = { .query = whole_query, .answer = out_events };
const struct alias wacht_catalog = { .query = whole_query, .answer = out_catalog };
const struct alias wacht_catalogs = { .query = whole_query, .answer = out_catalogs };
