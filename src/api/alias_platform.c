/* SPDX-License-Identifier: Apache-2.0 */
/* alias_platform.c - the words of /api/v1/platform/webhooks. */
#include "api/alias.h"
#include "api/call.h"

enum { PLATFORM_TIMEOUT_S = 5 };

static const struct alias_pointer pointers[] = {
    { "/timeout_ms", "/timeout_seconds" },
    { "/retry/max_attempts", "/max_retry_attempts" },
    { "/retry/enabled", "/retry_enabled" },
    { "/workspaces", "/filters/workspaces" },
    { "/campaigns", "/filters/campaigns" },
    { "/contact_tags", "/filters/contact.tags" },
    { "/filter", "/filters" },
    { "/data", "/payload" },
    { NULL, NULL },
};

/* What their filters object names beside the conditions: fields of their own with us. */
static const struct {
    const char *theirs, *ours;
} filter_fields[] = {
    { "workspaces", "workspaces" },
    { "campaigns", "campaigns" },
    { "contact.tags", "contact_tags" },
};

enum { FILTER_FIELDS = sizeof(filter_fields) / sizeof(filter_fields[0]) };

/* --- in */
static void put_timeout(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    alias_put_ms(o, "timeout_ms", value);
}

static void put_is_active(struct call *call, struct json_out *o, const struct json *value)
{
    if (json_member(call->body, "status") != NULL) {
        return;
    }
    json_out_name(o, "status");
    if (json_type(value) == JSON_BOOL) {
        json_out_c(o, json_bool(value) ? "active" : "paused");
    } else {
        json_out_value(o, value);
    }
}

static void put_status(struct call *call, struct json_out *o, const struct json *value)
{
    struct str word = json_string(value);

    (void)call;
    json_out_name(o, "status");
    if (str_eq_c(word, "Active")) {
        json_out_c(o, "active");
    } else if (str_eq_c(word, "Paused")) {
        json_out_c(o, "paused");
    } else {
        json_out_value(o, value);
    }
}

static const char *filter_field(struct str name)
{
    for (size_t i = 0; i < FILTER_FIELDS; i++) {
        if (str_eq_c(name, filter_fields[i].theirs)) {
            return filter_fields[i].ours;
        }
    }
    return NULL;
}

static void put_filters(struct call *call, struct json_out *o, const struct json *value)
{
    struct json_iter it;
    const struct json *v;
    struct str name;
    size_t conditions = 0;

    if (json_type(value) != JSON_OBJECT) {
        json_put_raw(o, "filter", STR_NONE);
        if (json_type(value) != JSON_NULL) {
            form_fault(&call->faults, STR("/filters"), "type", "This is an object.");
        }
        return;
    }
    it = json_iter(value);
    while ((v = json_next(&it, &name)) != NULL) {
        const char *ours = filter_field(name);

        conditions += ours == NULL ? 1 : 0;
        if (ours != NULL) {
            json_out_name(o, ours);
            json_out_value(o, v);
        }
    }
    if (conditions == 0) {
        return;
    }
    json_out_name(o, "filter");
    json_out_object(o);
    it = json_iter(value);
    while ((v = json_next(&it, &name)) != NULL) {
        if (filter_field(name) == NULL) {
            json_out_name(o, arena_c(call->arena, name));
            json_out_value(o, v);
        }
    }
    json_out_object_end(o);
}

/* What is absent gets the defaults of that page, not ours. */
static void put_absent(struct call *call, struct json_out *o)
{
    const struct json *enabled = json_member(call->body, "retry_enabled");
    const struct json *attempts = json_member(call->body, "max_retry_attempts");

    if (json_member(call->body, "timeout_seconds") == NULL) {
        json_put_int(o, "timeout_ms", (int64_t)PLATFORM_TIMEOUT_S * 1000);
    }
    if (json_member(call->body, "signature_profiles") == NULL) {
        json_out_name(o, "signature_profiles");
        json_out_array(o);
        json_out_c(o, "platform");
        json_out_array_end(o);
    }
    json_out_name(o, "retry");
    json_out_object(o);
    json_put_c(o, "schedule", "platform");
    if (enabled != NULL) {
        json_out_name(o, "enabled");
        json_out_value(o, enabled);
    }
    if (attempts != NULL) {
        json_out_name(o, "max_attempts");
        json_out_value(o, attempts);
    }
    json_out_object_end(o);
}

static void edit_body(struct call *call, struct json_out *o)
{
    static const struct alias_in rows[] = {
        { "timeout_seconds", put_timeout },
        { "is_active", put_is_active },
        { "status", put_status },
        { "filters", put_filters },
        { "retry_enabled", NULL },
        { "max_retry_attempts", NULL },
        { NULL, NULL },
    };

    alias_members(call, o, rows);
    put_absent(call, o);
}

static void put_data(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    json_out_name(o, "data");
    json_out_value(o, value);
}

static void test_body(struct call *call, struct json_out *o)
{
    static const struct alias_in rows[] = { { "payload", put_data }, { NULL, NULL } };

    alias_members(call, o, rows);
}

static struct str log_status(struct str theirs)
{
    if (str_eq_c(theirs, "success")) {
        return STR("delivered");
    }
    return str_eq_c(theirs, "pending_retry") ? STR("retrying") : theirs;
}

static void log_query(struct call *call)
{
    static const char *const same[] = { "limit", "cursor", "order", "since", "until" };
    char id[ID_TEXT_SIZE];

    id_format(ID_ENDPOINT, &call->endpoint->object.id, id);
    alias_query_put(call, "endpoint", str_from(id));
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        alias_query_put(call, same[i], call_query(call, same[i]));
    }
    alias_query_put(call, "type", call_query(call, "event_type"));
    alias_query_put(call, "status", log_status(call_query(call, "status")));
}

/* --- out */
static void out_webhook_id(struct call *call, struct json_out *o, const struct json *id)
{
    json_out_str(o, alias_id(call, json_string(id), "wh"));
}

static void out_delivery_id(struct call *call, struct json_out *o, const struct json *id)
{
    if (json_type(id) == JSON_NULL) {
        json_out_null(o);
    } else {
        json_out_str(o, alias_id(call, json_string(id), "del"));
    }
}

static void out_status(struct call *call, struct json_out *o, const struct json *webhook)
{
    struct str status = json_string(json_member(webhook, "status"));

    (void)call;
    if (str_eq_c(status, "paused")) {
        json_out_c(o, "Paused");
    } else if (str_eq_c(status, "disabled")) {
        json_out_c(o, "Inactive");
    } else {
        json_out_c(o, json_bool(alias_at(webhook, "health/failing")) ? "Failing" : "Active");
    }
}

static void out_is_active(struct call *call, struct json_out *o, const struct json *status)
{
    (void)call;
    json_out_bool(o, str_eq_c(json_string(status), "active"));
}

static void out_filters(struct call *call, struct json_out *o, const struct json *webhook)
{
    const struct json *filter = json_member(webhook, "filter");
    struct json_iter it = json_iter(filter);
    const struct json *v;
    struct str name;

    json_out_object(o);
    for (size_t i = 0; i < FILTER_FIELDS; i++) {
        v = json_member(webhook, filter_fields[i].ours);
        if (v != NULL && json_count(v) > 0) {
            json_out_name(o, filter_fields[i].theirs);
            json_out_value(o, v);
        }
    }
    while (filter != NULL && json_type(filter) == JSON_OBJECT &&
           (v = json_next(&it, &name)) != NULL) {
        json_out_name(o, arena_c(call->arena, name));
        json_out_value(o, v);
    }
    json_out_object_end(o);
}

static void out_webhook(struct call *call, struct json_out *o, const struct json *webhook)
{
    static const struct alias_out rows[] = {
        { "id", "id", out_webhook_id, false },
        { "name", "name", NULL, false },
        { "description", "description", NULL, false },
        { "url", "url", NULL, false },
        { "event_types", "event_types", NULL, false },
        { "filters", NULL, out_filters, false },
        { "status", NULL, out_status, false },
        { "status_detail", "status_detail", NULL, false },
        { "is_active", "status", out_is_active, false },
        { "is_failing", "health/failing", NULL, false },
        { "consecutive_failures", "health/consecutive_failures", NULL, false },
        { "last_success_at", "last_success_at", NULL, false },
        { "last_failure_at", "health/last_failure_at", NULL, false },
        { "headers", "headers", NULL, false },
        { "metadata", "metadata", NULL, false },
        { "timeout_seconds", "timeout_ms", alias_out_seconds, false },
        { "retry_enabled", "retry/enabled", NULL, false },
        { "max_retry_attempts", "retry/max_attempts", NULL, false },
        { "signature_profiles", "signature_profiles", NULL, false },
        { "secret", "secret", NULL, true },
        { "secret_hint", "secret_hint", NULL, false },
        { "previous_secret_expires_at", "previous_secret_expires_at", NULL, false },
        { "created_by", "created_by", NULL, false },
        { "created_at", "created_at", NULL, false },
        { "updated_at", "updated_at", NULL, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, webhook, rows);
}

static void out_log_status(struct call *call, struct json_out *o, const struct json *status)
{
    struct str ours = json_string(status);

    (void)call;
    if (str_eq_c(ours, "delivered")) {
        json_out_c(o, "success");
    } else if (str_eq_c(ours, "retrying")) {
        json_out_c(o, "pending_retry");
    } else {
        json_out_str(o, ours);
    }
}

static void out_delivery(struct call *call, struct json_out *o, const struct json *delivery)
{
    static const struct alias_out rows[] = {
        { "id", "id", out_delivery_id, false },
        { "webhook_id", "endpoint_id", out_webhook_id, false },
        { "event_id", "event_id", NULL, false },
        { "event_type", "event_type", NULL, false },
        { "status", "status", out_log_status, false },
        { "status_code", "status_code", NULL, false },
        { "duration_ms", "latency_ms", NULL, false },
        { "attempt_number", "attempt_count", NULL, false },
        { "max_attempts", "max_attempts", NULL, false },
        { "next_retry_at", "next_attempt_at", NULL, false },
        { "error", "error", NULL, false },
        { "created_at", "created_at", NULL, false },
        { "ended_at", "ended_at", NULL, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, delivery, rows);
}

static void out_list(struct call *call, struct json_out *o, const struct json *list,
                     void (*row)(struct call *call, struct json_out *o,
                                 const struct json *ours))
{
    struct json_iter it = json_iter(json_member(list, "data"));
    const struct json *v;

    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    while ((v = json_next(&it, NULL)) != NULL) {
        row(call, o, v);
    }
    json_out_array_end(o);
    json_out_name(o, "next_cursor");
    json_out_value(o, json_member(list, "next_cursor"));
    json_out_name(o, "prev_cursor");
    json_out_value(o, json_member(list, "prev_cursor"));
    json_out_object_end(o);
}

static void out_webhooks(struct call *call, struct json_out *o, const struct json *list)
{
    out_list(call, o, list, out_webhook);
}

static void out_deliveries(struct call *call, struct json_out *o, const struct json *list)
{
    out_list(call, o, list, out_delivery);
}

static void out_test(struct call *call, struct json_out *o, const struct json *test)
{
    static const struct alias_out rows[] = {
        { "success", "ok", NULL, false },
        { "message", "message", NULL, false },
        { "error", "failure", NULL, false },
        { "possible_causes", "causes", NULL, false },
        { "status_code", "attempt/status_code", NULL, false },
        { "response_time_ms", "attempt/duration_ms", NULL, false },
        { "response_body", "attempt/response/body", NULL, false },
        { "event_id", "event_id", NULL, false },
        { "event_type", "event_type", NULL, false },
        { "delivery_id", "delivery_id", out_delivery_id, false },
        { "request_line", "request_line", NULL, false },
        { "attempt", "attempt", NULL, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, test, rows);
}

static void out_moved(struct call *call, struct json_out *o, const struct json *moved)
{
    static const struct alias_out rows[] = {
        { "id", "id", out_delivery_id, false },
        { "status", "status", NULL, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, moved, rows);
}

static const char url_refused[] = "Endpoint must be a valid HTTPS URL.";

const struct alias platform_list = { .answer = out_webhooks };
const struct alias platform_edit = {
    .body = edit_body, .answer = out_webhook, .pointers = pointers, .url_refused = url_refused
};
const struct alias platform_look = { .answer = out_webhook };
const struct alias platform_log = { .query = log_query, .answer = out_deliveries };
const struct alias platform_test = { .body = test_body,
                                     .answer = out_test,
                                     .pointers = pointers };
const struct alias platform_moved = { .answer = out_moved };
