/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inboxes.c - GET /catch/{token}: what a built-in test inbox received, newest first, with the
 * verdict on each signature. No key is asked for: who knows the token may read, so it should
 * not be guessable.
 */
#include "api/api_internal.h"
#include "api/delivery_view.h"
#include "api/handlers.h"
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

void inboxes_get(struct call *call)
{
    const struct inbox *inbox = call->api->options.inbox;
    const struct inbox_request *request;
    struct json_out *o;

    if (!inbox_token_valid(call->token)) {
        problem_detail(call, -E_NOT_FOUND, "A token is %d to %d of A-Z, a-z, 0-9, _ and -.",
                       (int)INBOX_TOKEN_MIN, (int)INBOX_TOKEN_MAX);
        return;
    }
    o = call_json(call);
    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; (request = inbox_at(inbox, call->token, i)) != NULL; i++) {
        put_request(o, request);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}
