/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inboxes.c - /catch/{token}: what a built-in test inbox received, newest first, with the
 * verdict on each signature; and how it answers. No key is asked for: who knows the token may
 * read and change it, so it should not be guessable. A browser gets the page of it.
 */
#include "api/api_internal.h"
#include "api/delivery_view.h"
#include "api/handlers.h"
#include "api/pages.h"
#include "api/problem.h"
#include "engine/inbox.h"

static void put_request(struct json_out *o, const struct inbox_request *request)
{
    json_out_object(o);
    json_put_time(o, "received_at", request->received_at);
    json_put_str(o, "event_type", request->event_type);
    json_put_str(o, "delivery_id", request->delivery_id);
    json_put_int(o, "attempt", request->attempt);
    json_put_bool(o, "valid", request->is_valid);
    json_put_c(o, "verdict", request->verdict);
    headers_write(o, "headers", request->headers);
    bytes_write(o, "body", request->body);
    json_out_object_end(o);
}

/* False: answered. */
static bool token_check(struct call *call)
{
    if (inbox_token_valid(call->token)) {
        return true;
    }
    problem_detail(call, -E_NOT_FOUND, "A token is %d to %d of A-Z, a-z, 0-9, _ and -.",
                   (int)INBOX_TOKEN_MIN, (int)INBOX_TOKEN_MAX);
    return false;
}

static void put_behaviour(struct json_out *o, const struct inbox_behaviour *behaviour)
{
    json_out_name(o, "behaviour");
    json_out_object(o);
    json_put_int(o, "status", behaviour->status);
    json_put_int(o, "delay_ms", behaviour->delay_ms);
    json_put_int(o, "failure_percent", behaviour->failure_percent);
    json_out_object_end(o);
}

static void reply(struct call *call)
{
    const struct inbox *inbox = call->api->options.inbox;
    struct inbox_behaviour behaviour = inbox_behaviour(inbox, call->token);
    const struct inbox_request *request;
    struct json_out *o = call_json(call);

    json_out_object(o);
    put_behaviour(o, &behaviour);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; (request = inbox_at(inbox, call->token, i)) != NULL; i++) {
        put_request(o, request);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}

void inboxes_get(struct call *call)
{
    if (!pages_shell(call) && token_check(call)) {
        reply(call);
    }
}

void inboxes_put(struct call *call)
{
    int64_t status = 200;
    int64_t delay_ms = 0;
    int64_t failure_percent = 0;
    struct form f;

    if (!token_check(call)) {
        return;
    }
    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_int(&f, "status", false, 200, 599, &status);
    (void)form_int(&f, "delay_ms", false, 0, INBOX_DELAY_MS_MAX, &delay_ms);
    (void)form_int(&f, "failure_percent", false, 0, 100, &failure_percent);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_reply(call, -E_FIELD);
        return;
    }
    inbox_set_behaviour(
        call->api->options.inbox, call->token,
        &(struct inbox_behaviour){ .status = (int)status,
                                   .delay_ms = (uint32_t)delay_ms,
                                   .failure_percent = (unsigned)failure_percent });
    reply(call);
}

void inboxes_delete(struct call *call)
{
    if (token_check(call)) {
        inbox_clear(call->api->options.inbox, call->token);
        call_reply_bytes(call, 204, NULL, STR_NONE);
    }
}
