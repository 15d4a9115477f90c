/* SPDX-License-Identifier: Apache-2.0 */
/* alias_wacht_log.c - the words of /webhooks/apps: sending, the log, replay; and of
 * /session/tickets. */
#include "api/alias.h"
#include "api/call.h"
#include "base/clock.h"

enum { TICKET_MIN_S = 60, TICKET_MAX_S = 180 };

static const struct alias_pointer send_pointers[] = {
    { "/event_type", "/event_name" },
    { "/type", "/event_name" },
    { "/data", "/payload" },
    { NULL, NULL },
};

static const struct alias_pointer replay_pointers[] = {
    { "/ids", "/delivery_ids" },
    { NULL, NULL },
};

static const struct alias_pointer ticket_pointers[] = {
    { "/ttl", "/expires_in" },
    { NULL, NULL },
};

/* --- one event: to one endpoint as a test, or to all that subscribe */
static void put_event_type(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    json_out_name(o, "event_type");
    json_out_value(o, value);
}

static void put_type(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    json_out_name(o, "type");
    json_out_value(o, value);
}

static void put_data(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    json_out_name(o, "data");
    json_out_value(o, value);
}

/* Filters here look at the payload itself: a context beside it would not be asked, so it is
 * refused as an unknown field. */
static void put_context(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    if (json_type(value) != JSON_NULL && json_count(value) > 0) {
        json_out_name(o, "filter_context");
        json_out_value(o, value);
    }
}

static void test_body(struct call *call, struct json_out *o)
{
    static const struct alias_in rows[] = {
        { "event_name", put_event_type },
        { "payload", put_data },
        { NULL, NULL },
    };

    alias_members(call, o, rows);
}

static void trigger_body(struct call *call, struct json_out *o)
{
    static const struct alias_in rows[] = {
        { "app_slug", NULL },    { "event_name", put_type },
        { "payload", put_data }, { "filter_context", put_context },
        { NULL, NULL },
    };

    alias_members(call, o, rows);
}

static void out_number(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    if (json_type(value) == JSON_NUMBER) {
        json_out_value(o, value);
    } else {
        json_out_int(o, 0);
    }
}

static void out_test(struct call *call, struct json_out *o, const struct json *test)
{
    static const struct alias_out rows[] = {
        { "success", "ok", NULL, false },
        { "status_code", "attempt/status_code", out_number, false },
        { "response_time_ms", "attempt/duration_ms", NULL, false },
        { "response_body", "attempt/response/body", NULL, false },
        { "error", "failure", NULL, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, test, rows);
}

static void out_null(struct call *call, struct json_out *o, const struct json *ours)
{
    (void)call;
    (void)ours;
    json_out_null(o);
}

static void out_triggered(struct call *call, struct json_out *o, const struct json *event)
{
    static const struct alias_out rows[] = {
        { "event_id", "id", NULL, false },
        { "delivery_ids", NULL, alias_out_empty, false },
        { "delivered_count", "deliveries", NULL, false },
        { "filtered_count", NULL, out_null, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, event, rows);
}

/* --- the log */
static struct str status_ours(struct str theirs)
{
    if (str_eq_c(theirs, "success")) {
        return STR("delivered");
    }
    return str_eq_c(theirs, "permanently_failed") ? STR("failed") : theirs;
}

static void log_query(struct call *call)
{
    alias_window_query(call);
    alias_query_put(call, "endpoint", call_query(call, "endpoint_id"));
    alias_query_put(call, "type", call_query(call, "event_name"));
    alias_query_put(call, "status", status_ours(call_query(call, "status")));
    alias_query_put(call, "since", call_query(call, "since"));
    alias_query_put(call, "until", call_query(call, "until"));
}

/* One delivery is one delivery, whatever its status. */
static void no_query(struct call *call)
{
    call->alias_query = STR("");
}

static void out_status(struct call *call, struct json_out *o, const struct json *status)
{
    (void)call;
    if (str_eq_c(json_string(status), "delivered")) {
        json_out_c(o, "success");
    } else {
        json_out_value(o, status);
    }
}

static const struct json *last_attempt(const struct json *delivery)
{
    const struct json *attempts = json_member(delivery, "attempts");
    size_t count = attempts == NULL ? 0 : json_count(attempts);

    return count == 0 ? NULL : json_item(attempts, count - 1);
}

/* The body as JSON where it is. */
static void out_payload(struct call *call, struct json_out *o, const struct json *delivery)
{
    const struct json *body = alias_at(last_attempt(delivery), "request/body");
    struct json_doc *doc;

    (void)call;
    if (body == NULL || json_type(body) != JSON_STRING) {
        json_out_null(o);
    } else if (json_parse(json_string(body), JSON_DEPTH_MAX, &doc, NULL) == 0) {
        json_out_value(o, json_root(doc));
        json_doc_free(doc);
    } else {
        json_out_value(o, body);
    }
}

static void out_response_body(struct call *call, struct json_out *o,
                              const struct json *delivery)
{
    const struct json *body = alias_at(last_attempt(delivery), "response/body");

    (void)call;
    if (body == NULL) {
        json_out_null(o);
    } else {
        json_out_value(o, body);
    }
}

static void out_response_headers(struct call *call, struct json_out *o,
                                 const struct json *delivery)
{
    const struct json *headers = alias_at(last_attempt(delivery), "response/headers");
    struct json_iter it = json_iter(headers);
    const struct json *v;

    if (headers == NULL) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    while ((v = json_next(&it, NULL)) != NULL) {
        json_put_str(o, arena_c(call->arena, json_string(json_member(v, "name"))),
                     json_string(json_member(v, "value")));
    }
    json_out_object_end(o);
}

#define LOG_ROWS                                                                               \
    { "delivery_id", "id", NULL, false }, { "deployment_id", NULL, alias_out_project, false }, \
        { "app_slug", NULL, alias_out_app_slug, false },                                       \
        { "endpoint_id", "endpoint_id", NULL, false },                                         \
        { "event_name", "event_type", NULL, false },                                           \
        { "status", "status", out_status, false },                                             \
        { "http_status_code", "status_code", NULL, false },                                    \
        { "response_time_ms", "latency_ms", NULL, false },                                     \
        { "attempt_number", "attempt_count", NULL, false },                                    \
        { "max_attempts", "max_attempts", NULL, false },                                       \
    {                                                                                          \
        "timestamp", "created_at", NULL, false                                                 \
    }

static void out_delivery(struct call *call, struct json_out *o, const struct json *delivery)
{
    static const struct alias_out rows[] = { LOG_ROWS, { NULL, NULL, NULL, false } };

    alias_object(call, o, delivery, rows);
}

static void out_details(struct call *call, struct json_out *o, const struct json *delivery)
{
    static const struct alias_out rows[] = {
        LOG_ROWS,
        { "payload", NULL, out_payload, false },
        { "response_body", NULL, out_response_body, false },
        { "response_headers", NULL, out_response_headers, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, delivery, rows);
}

static void out_deliveries(struct call *call, struct json_out *o, const struct json *list)
{
    alias_window_out(call, o, list, out_delivery);
}

/* --- replay */
static void put_ids(struct call *call, struct json_out *o, const struct json *value)
{
    (void)call;
    json_out_name(o, "ids");
    json_out_value(o, value);
}

static void keep_key(struct call *call, struct json_out *o, const struct json *value)
{
    (void)o;
    if (json_type(value) == JSON_STRING) {
        call->alias_key = arena_str(call->arena, json_string(value));
    } else if (json_type(value) != JSON_NULL) {
        form_fault(&call->faults, STR("/idempotency_key"), "type", "This is a string.");
    }
}

static void refuse_range(struct call *call, struct json_out *o, const struct json *value)
{
    (void)o;
    (void)value;
    form_fault(&call->faults, STR("/start_date"), "pattern",
               "A replay of a range is counted and confirmed first: POST "
               "/api/v1/apps/{app}/replays. Here it is delivery_ids.");
}

static void replay_body(struct call *call, struct json_out *o)
{
    static const struct alias_in rows[] = {
        { "delivery_ids", put_ids },
        { "idempotency_key", keep_key },
        { "start_date", refuse_range },
        { NULL, NULL },
    };

    alias_members(call, o, rows);
    if (json_member(call->body, "reason") == NULL) {
        json_put_c(o, "reason", "Asked for by POST /webhooks/apps/{app}/deliveries/replay");
    }
}

static void out_replay(struct call *call, struct json_out *o, const struct json *replay)
{
    static const struct alias_out rows[] = {
        { "task_id", "id", NULL, false },
        { "app_slug", NULL, alias_out_app_slug, false },
        { "status", "state", NULL, false },
        { "created_at", "created_at", NULL, false },
        { "started_at", "started_at", NULL, false },
        { "completed_at", "ended_at", NULL, false },
        { "total_count", "total", NULL, false },
        { "processed", "processed", NULL, false },
        { "replayed_count", "replayed", NULL, false },
        { "failed_count", "failed", NULL, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, replay, rows);
}

static void out_replays(struct call *call, struct json_out *o, const struct json *list)
{
    alias_window_out(call, o, list, out_replay);
}

static void out_asked(struct json_out *o, const struct json *replay, const char *message)
{
    json_out_object(o);
    json_out_name(o, "status");
    json_out_value(o, json_member(replay, "state"));
    json_put_c(o, "message", message);
    json_out_name(o, "task_id");
    json_out_value(o, json_member(replay, "id"));
    json_out_object_end(o);
}

static void out_replay_made(struct call *call, struct json_out *o, const struct json *replay)
{
    (void)call;
    out_asked(o, replay, "The replay is queued.");
}

static void out_replay_cancelled(struct call *call, struct json_out *o,
                                 const struct json *replay)
{
    (void)call;
    out_asked(o, replay, "The replay is cancelled.");
}

/* --- tickets */
static void ticket_app(struct call *call, struct json_out *o, const struct json *value)
{
    (void)o;
    call->app = registry_app(call->project, json_string(value));
    if (call->app == NULL) {
        form_fault(&call->faults, STR("/webhook_app_slug"), "not_found",
                   "There is no app of that slug.");
    }
}

static void ticket_type(struct call *call, struct json_out *o, const struct json *value)
{
    (void)o;
    if (!str_eq_c(json_string(value), "webhook_app_access")) {
        form_fault(&call->faults, STR("/ticket_type"), "pattern",
                   "The tickets of this server are webhook_app_access.");
    }
}

/* Theirs live 12 hours where nobody says how long; ours between one minute and three. */
static void ticket_ttl(struct call *call, struct json_out *o, const struct json *value)
{
    int64_t ttl;

    (void)call;
    json_out_name(o, "ttl");
    if (json_int(value, 0, INT64_MAX, &ttl) == 0) {
        json_out_int(o, ttl < TICKET_MIN_S   ? TICKET_MIN_S
                        : ttl > TICKET_MAX_S ? TICKET_MAX_S
                                             : ttl);
    } else {
        json_out_value(o, value);
    }
}

static void ticket_body(struct call *call, struct json_out *o)
{
    static const struct alias_in rows[] = {
        { "ticket_type", ticket_type },
        { "webhook_app_slug", ticket_app },
        { "expires_in", ticket_ttl },
        { NULL, NULL },
    };

    alias_members(call, o, rows);
    if (json_member(call->body, "ticket_type") == NULL) {
        form_fault(&call->faults, STR("/ticket_type"), "required", "This field is needed.");
    }
    if (json_member(call->body, "webhook_app_slug") == NULL) {
        form_fault(&call->faults, STR("/webhook_app_slug"), "required",
                   "This field is needed.");
    }
}

/* Their client has a number there: seconds since 1970. */
static void out_expiry(struct call *call, struct json_out *o, const struct json *time)
{
    int64_t wall_ms = 0;

    (void)call;
    (void)!clock_parse(json_string(time), &wall_ms);
    json_out_int(o, wall_ms / 1000);
}

static void out_ticket(struct call *call, struct json_out *o, const struct json *ticket)
{
    static const struct alias_out rows[] = {
        { "ticket", "ticket", NULL, false },
        { "url", "url", NULL, false },
        { "expires_at", "expires_at", out_expiry, false },
        { NULL, NULL, NULL, false },
    };

    alias_object(call, o, ticket, rows);
}

const struct alias wacht_test = { .body = test_body,
                                  .answer = out_test,
                                  .pointers = send_pointers };
const struct alias wacht_trigger = { .body = trigger_body,
                                     .answer = out_triggered,
                                     .pointers = send_pointers };
const struct alias wacht_deliveries = { .query = log_query, .answer = out_deliveries };
const struct alias wacht_delivery = { .query = no_query, .answer = out_details };
const struct alias wacht_replay_create = { .body = replay_body,
                                           .answer = out_replay_made,
                                           .pointers = replay_pointers };
const struct alias wacht_replays = { .query = alias_window_query, .answer = out_replays };
const struct alias wacht_replay = { .answer = out_replay };
const struct alias wacht_replay_cancel = { .answer = out_replay_cancelled };
const struct alias wacht_ticket = { .body = ticket_body,
                                    .answer = out_ticket,
                                    .pointers = ticket_pointers };
