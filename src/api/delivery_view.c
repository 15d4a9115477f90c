/* SPDX-License-Identifier: Apache-2.0 */
/* delivery_view.c - deliveries and attempts as people see them. */
#include "api/delivery_view.h"

#include <assert.h>
#include <stdio.h>

#include "api/api_internal.h"
#include "api/endpoint_health.h"
#include "crypto/sign.h"
#include "egress/token.h"
#include "engine/engine.h"

enum { VIEW_NAME_MAX = 64, PHASES = 5 };

static const char *const reason_names[] = {
    [REASON_NONE] = NULL,
    [REASON_NO_MATCH] = "no_match",
    [REASON_ENDPOINT_DISABLED] = "endpoint_disabled",
    [REASON_ENDPOINT_DELETED] = "endpoint_deleted",
    [REASON_BY_PERSON] = "by_person",
    [REASON_ATTEMPTS_USED] = "attempts_used",
    [REASON_AGE] = "max_age",
    [REASON_PERMANENT] = "permanent",
    [REASON_RETRY_DISABLED] = "retry_disabled",
    [REASON_SENDER_CRASH] = "sender_crash",
    [REASON_FILTER] = "filter",
    [REASON_ORDER_BLOCKED] = "order_blocked",
    [REASON_HELD_EXPIRED] = "held_expired",
    [REASON_TRANSFORM] = "transform_error",
    [REASON_TEST] = "test",
    [REASON_INTERNAL] = "internal_event_type",
    [REASON_VERSION] = "version",
};

enum { REASONS = sizeof(reason_names) / sizeof(reason_names[0]) };

const char *delivery_reason_name(int reason)
{
    return reason >= 0 && reason < REASONS ? reason_names[reason] : NULL;
}

int32_t delivery_state_parse(struct str name)
{
    for (int32_t i = DELIVERY_PENDING; delivery_state_name((enum delivery_state)i) != NULL;
         i++) {
        if (str_eq_c(name, delivery_state_name((enum delivery_state)i))) {
            return i;
        }
    }
    return -1;
}

void delivery_look(struct call *call, const struct delivery_row *row,
                   struct delivery_view *ret_view)
{
    const struct api_options *options = &call->api->options;
    const struct endpoint *endpoint = registry_endpoint_no(options->registry, row->endpoint);
    bool was_open = row->state == DELIVERY_PENDING || row->state == DELIVERY_RETRYING;
    struct delivery_view view = { .endpoint = endpoint };

    view.status = delivery_state_name(row->state);
    view.reason = (size_t)row->reason < REASONS ? reason_names[row->reason] : NULL;
    if (row->state != DELIVERY_DELIVERED && engine_is_sending(options->engine, row->seq)) {
        view.status = "sending";
        view.is_open = true;
    } else if (was_open && (endpoint == NULL || endpoint->object.deleted_at != 0)) {
        /* Never stored: what waits for a deleted endpoint is cancelled. */
        view.status = delivery_state_name(DELIVERY_CANCELLED);
        view.reason = reason_names[REASON_ENDPOINT_DELETED];
    } else if (was_open) {
        view.is_open = true;
        view.held_reason = endpoint_held_reason(call, endpoint);
    }
    *ret_view = view;
}

static void put_code(struct json_out *o, const char *name, int32_t code)
{
    if (code == 0) {
        json_put_c(o, name, NULL);
    } else {
        json_put_int(o, name, code);
    }
}

static void put_token(struct json_out *o, const char *name, int32_t token)
{
    json_put_c(o, name, token == TOKEN_NONE ? NULL : token_name(token));
}

static void put_endpoint(struct json_out *o, const struct endpoint *endpoint)
{
    if (endpoint == NULL) {
        json_put_c(o, "endpoint_id", NULL);
    } else {
        call_put_id(o, "endpoint_id", ID_ENDPOINT, &endpoint->object.id);
    }
}

static void put_progress(struct json_out *o, const struct delivery_row *row,
                         const struct delivery_view *view)
{
    const struct endpoint *endpoint = view->endpoint;

    json_put_int(o, "attempt_count", row->attempt_count);
    json_put_int(o, "max_attempts",
                 endpoint == NULL || !endpoint->retry.enabled ? 1
                                                              : endpoint->retry.max_attempts);
    json_put_time(o, "next_attempt_at", view->is_open ? row->next_at : 0);
    json_put_time(o, "created_at", row->created_at);
    json_put_time(o, "ended_at", row->ended_at);
    if (row->attempt_count == 0) {
        json_put_c(o, "latency_ms", NULL);
    } else {
        json_put_int(o, "latency_ms", row->last_ms);
    }
    put_code(o, "status_code", row->last_code);
    put_token(o, "error", row->last_error);
}

static void put_replay(struct json_out *o, const struct delivery_row *row)
{
    static const struct id none = { { 0 } };

    json_put_c(o, "replay", engine_replay_mark(row->flags));
    if (id_eq(&row->replay_of_id, &none)) {
        json_put_c(o, "replay_of", NULL);
    } else {
        call_put_id(o, "replay_of", ID_DELIVERY, &row->replay_of_id);
    }
    json_put_bool(o, "archived", (row->flags & FLAG_ARCHIVED) != 0);
}

void delivery_members(struct call *call, struct json_out *o, const struct delivery_row *row,
                      const struct id *event_id)
{
    const struct event_type *type = registry_type_no(call->api->options.registry, row->type);
    struct delivery_view view;

    delivery_look(call, row, &view);
    call_put_id(o, "id", ID_DELIVERY, &row->id);
    put_endpoint(o, view.endpoint);
    if (event_id == NULL) {
        json_put_c(o, "event_id", NULL);
    } else {
        call_put_id(o, "event_id", ID_EVENT, event_id);
    }
    call_put_text(o, "event_type",
                  type != NULL                 ? type->object.slug
                  : row->reason == REASON_TEST ? STR("test.ping")
                                               : STR_NONE);
    json_put_bool(o, "test", row->reason == REASON_TEST);
    json_put_c(o, "status", view.status);
    json_put_c(o, "reason", view.reason);
    call_put_text(o, "reason_detail", row->detail);
    json_put_bool(o, "held", view.held_reason != NULL);
    json_put_c(o, "held_reason", view.held_reason);
    put_progress(o, row, &view);
    put_replay(o, row);
}

/* --- attempts */
void bytes_write(struct json_out *o, const char *name, struct str bytes)
{
    char base64_name[VIEW_NAME_MAX];
    struct buf text;

    json_put_str(o, name, bytes);
    if (str_is_utf8(bytes)) {
        return;
    }
    buf_init(&text, bytes.len / 3 * 4 + 4);
    if (base64_encode(bytes, &text) == 0) {
        (void)snprintf(base64_name, sizeof(base64_name), "%s_base64", name);
        json_put_str(o, base64_name, buf_str(&text));
    }
    buf_done(&text);
}

void headers_write(struct json_out *o, const char *name, struct str lines)
{
    struct str line;

    json_out_name(o, name);
    json_out_array(o);
    while (lines.len > 0 && str_split(&lines, '\n', &line)) {
        size_t colon = str_find(line, ':');

        if (str_ends(line, STR("\r"))) {
            line.len--;
        }
        if (colon < line.len) {
            json_out_object(o);
            json_put_str(o, "name", str_sub(line, 0, colon));
            json_put_str(o, "value", str_trim(str_sub(line, colon + 1, line.len)));
            json_out_object_end(o);
        }
    }
    json_out_array_end(o);
}

static void put_error(struct json_out *o, const struct attempt_row *a)
{
    put_token(o, "error", a->error);
    json_out_name(o, "error_info");
    if (a->error == TOKEN_NONE) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    json_put_c(o, "sentence", token_sentence(a->error));
    json_put_c(o, "advice", token_advice(a->error));
    call_put_text(o, "detail", a->detail.len == 0 ? STR_NONE : a->detail);
    json_out_object_end(o);
}

static void put_request(struct json_out *o, const struct attempt_row *a, struct str body)
{
    json_out_name(o, "request");
    json_out_object(o);
    headers_write(o, "headers", a->request_headers);
    if (body.p == NULL) {
        json_put_c(o, "body", NULL);
    } else {
        bytes_write(o, "body", body);
    }
    json_out_object_end(o);
}

static void put_response(struct json_out *o, const struct attempt_row *a)
{
    json_out_name(o, "response");
    if (a->status_code == 0) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    json_put_int(o, "status", a->status_code);
    headers_write(o, "headers", a->response_headers);
    if (a->response_body.p == NULL) {
        json_put_c(o, "body", NULL); /* hidden from who asks */
    } else {
        bytes_write(o, "body", a->response_body);
    }
    json_put_bool(o, "truncated", (a->flags & ATTEMPT_BODY_CUT) != 0);
    json_out_object_end(o);
}

/* Milliseconds with three places; null for a phase that was not reached. */
static_assert(sizeof(((struct attempt_row *)0)->phase_us) / sizeof(int32_t) == PHASES,
              "phases");

static void put_phases(struct json_out *o, const struct attempt_row *a)
{
    static const char *const names[PHASES] = { "dns", "connect", "tls", "wait", "read" };
    char text[VIEW_NAME_MAX];

    json_out_name(o, "phases");
    json_out_object(o);
    for (size_t i = 0; i < PHASES; i++) {
        int32_t us = a->phase_us[i];

        if (us < 0) {
            json_put_c(o, names[i], NULL);
            continue;
        }
        (void)snprintf(text, sizeof(text), "%d.%03d", us / 1000, us % 1000);
        json_put_raw(o, names[i], str_from(text));
    }
    json_out_object_end(o);
}

void attempt_write(struct json_out *o, const struct attempt_row *a, struct str body)
{
    json_out_object(o);
    json_put_int(o, "number", a->number);
    json_put_time(o, "started_at", a->started_at);
    json_put_int(o, "duration_ms", a->duration_us / 1000);
    put_code(o, "status_code", a->status_code);
    put_error(o, a);
    json_put_str(o, "url", a->url);
    call_put_text(o, "ip", a->ip.len == 0 ? STR_NONE : a->ip);
    put_request(o, a, body);
    put_response(o, a);
    put_phases(o, a);
    json_put_time(o, "next_attempt_at", a->planned_next_at);
    json_put_bool(o, "manual", (a->flags & ATTEMPT_MANUAL) != 0);
    json_put_bool(o, "test", (a->flags & ATTEMPT_TEST) != 0);
    json_put_bool(o, "connection_reused", (a->flags & ATTEMPT_CONN_REUSED) != 0);
    json_out_object_end(o);
}
