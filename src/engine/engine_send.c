/* SPDX-License-Identifier: Apache-2.0 */
/* engine_send.c - the way out of one attempt: body, signature of this moment, frame to egress or the inbox. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/keyring.h"
#include "crypto/sign.h"
#include "egress/token.h"
#include "engine/engine_internal.h"
#include "json/json.h"

void engine_begin(struct engine *e, const struct core_action *action)
{
    struct attempt *a = &e->attempts[action->slot];
    const struct endpoint *endpoint = registry_endpoint_slot(e->options.registry, action->ep);

    ASSERT(a->place == ATTEMPT_FREE);
    *a = (struct attempt){ .engine = e, .start = *action, .place = ATTEMPT_STARTING };
    a->endpoint = endpoint == NULL ? 0 : endpoint->object.no;
    arena_init(&a->arena);
    list_push_back(&e->starting, &a->node);
    loop_wake(e->options.loop);
}

/* --- the test inbox: the same request, handed over in memory */
static struct str header_find(struct str lines, struct str name)
{
    struct str line;

    while (str_split(&lines, '\n', &line)) {
        size_t colon = str_find(line, ':');

        if (colon < line.len && str_eq_nocase(str_sub(line, 0, colon), name)) {
            struct str value = str_trim(str_sub(line, colon + 1, line.len));

            return value.len > 0 && value.p[value.len - 1] == '\r'
                       ? str_sub(value, 0, value.len - 1)
                       : value;
        }
    }
    return STR_NONE;
}

static enum verify_failure inbox_verify(struct engine *e, unsigned profiles, struct str secret,
                                        struct str headers, struct str body)
{
    int64_t now = clock_wall_ms() / 1000;
    char name[128];
    int n;

    if ((profiles & SIGN_STANDARD) != 0) {
        return verify_standard(secret, header_find(headers, STR("webhook-id")),
                               header_find(headers, STR("webhook-timestamp")),
                               header_find(headers, STR("webhook-signature")), body, now, 300);
    }
    if ((profiles & SIGN_TIMESTAMPED) != 0) {
        n = snprintf(name, sizeof(name), "%.*s-Signature", STR_ARG(e->options.header_prefix));
        return verify_timestamped(secret, header_find(headers, (struct str){ name, (size_t)n }),
                                  body, now, 300);
    }
    n = snprintf(name, sizeof(name), "X-%.*s-Signature", STR_ARG(e->options.header_prefix));
    return verify_platform(secret, header_find(headers, (struct str){ name, (size_t)n }), body);
}

int engine_to_inbox(struct engine *e, struct str token, unsigned profiles, struct str secret,
                    struct inbox_request *request)
{
    enum verify_failure verdict =
        inbox_verify(e, profiles, secret, request->headers, request->body);

    request->received_at = clock_wall_ms();
    request->verdict = verdict == VERIFY_OK ? "valid" : verify_sentence(verdict);
    request->is_valid = verdict == VERIFY_OK;
    return inbox_receive(e->options.inbox, token, request);
}

/* Nothing happens but time: it answers later, or not within the attempt's own time. */
static void on_inbox_due(struct loop_timer *t)
{
    struct attempt *a = t->ctx;

    if (a->inbox_status == 0) {
        engine_local_done(a->engine, a, TOKEN_HTTP_RESPONSE_TIMEOUT, 0, "");
    } else {
        engine_local_done(a->engine, a, TOKEN_NONE, a->inbox_status, "");
    }
}

static void inbox_answer(struct attempt *a, const struct endpoint *endpoint, int status)
{
    int64_t delay = inbox_behaviour(a->engine->options.inbox, endpoint->inbox).delay_ms;

    a->inbox_status = delay < endpoint->timeout_ms ? status : 0;
    if (delay == 0) {
        engine_local_done(a->engine, a, TOKEN_NONE, status, "");
        return;
    }
    a->again = (struct loop_timer){ .on_due = on_inbox_due, .ctx = a };
    loop_timer_set(a->engine->options.loop, &a->again,
                   clock_boot_ms() + 1 +
                       (delay < endpoint->timeout_ms ? delay : endpoint->timeout_ms));
}

static void send_to_inbox(struct attempt *a, const struct endpoint *endpoint, struct str secret,
                          struct str body)
{
    const struct event_type *type = registry_type_no(a->engine->options.registry, a->type);
    char delivery[ID_TEXT_SIZE];
    int status;

    id_format(ID_DELIVERY, &a->delivery, delivery);
    status = engine_to_inbox(
        a->engine, endpoint->inbox, endpoint->profiles, secret,
        &(struct inbox_request){ .headers = a->outcome.attempt.request_headers,
                                 .body = body,
                                 .event_type = type == NULL ? STR_NONE : type->object.slug,
                                 .delivery_id = str_from(delivery),
                                 .attempt = a->outcome.attempt.number });
    inbox_answer(a, endpoint, status);
}

/* --- sending */
void engine_request_headers(struct engine *e, struct sender *s, const struct sign_input *in,
                            struct buf *out)
{
    int rc = buf_printf(
        out,
        "Content-Type: application/json\r\nUser-Agent: %.*s\r\nAccept-Encoding: identity\r\n",
        STR_ARG(e->options.user_agent));

    if (rc == 0) {
        rc = signer_headers(s->signer, in, out);
    }
    if (rc == 0) {
        rc = buf_add_str(out, s->headers);
    }
    ASSERT(rc == 0); /* every part is limited when the endpoint is saved */
}

static void attempt_headers(struct attempt *a, const struct event_type *type, struct sender *s,
                            struct str body, struct buf *out)
{
    char event[ID_TEXT_SIZE];
    char delivery[ID_TEXT_SIZE];

    id_format(ID_EVENT, &a->event, event);
    id_format(ID_DELIVERY, &a->delivery, delivery);
    engine_request_headers(
        a->engine, s,
        &(struct sign_input){ .event_id = str_from(event),
                              .delivery_id = str_from(delivery),
                              .event_type = type == NULL ? STR_NONE : type->object.slug,
                              .unix_s = a->started_wall / 1000,
                              .attempt = (uint32_t)a->outcome.attempt.number,
                              .body = body },
        out);
    if (engine_replay_mark(a->flags) != NULL) {
        int rc =
            buf_printf(out, "%.*s-Replay: %s\r\n", STR_ARG(a->engine->options.header_prefix),
                       engine_replay_mark(a->flags));

        ASSERT(rc == 0); /* there is room for everything that an endpoint may have */
    }
}

/* Sign and send now. Event, delivery, type and body are known. */
static void attempt_send(struct attempt *a, struct str body)
{
    struct engine *e = a->engine;
    const struct endpoint *endpoint = registry_endpoint_no(e->options.registry, a->endpoint);
    const struct event_type *type = registry_type_no(e->options.registry, a->type);
    struct sender *s;
    struct buf headers;
    int rc;

    a->place = ATTEMPT_SENT;
    a->started_wall = clock_wall_ms();
    a->started_boot_us = clock_boot_us();
    a->outcome.attempt.number = a->start.delivery.attempts + 1;
    a->outcome.attempt.started_at = a->started_wall;
    a->outcome.attempt.flags = a->start.manual ? ATTEMPT_MANUAL : 0;
    if (endpoint == NULL || endpoint->slot == REGISTRY_NO_SLOT) {
        engine_local_done(e, a, TOKEN_URL_REFUSED, 0, "the endpoint was deleted");
        return;
    }
    s = sender_get(e, endpoint);
    if (s == NULL) {
        engine_local_done(e, a, TOKEN_SENDER_OVERLOAD, 0,
                          "the endpoint's secret cannot be opened");
        return;
    }
    buf_init(&headers, ENGINE_HEADERS_MAX);
    attempt_headers(a, type, s, body, &headers);
    a->outcome.attempt.url = arena_str(&a->arena, endpoint->url);
    a->outcome.attempt.request_headers = arena_str(&a->arena, buf_str(&headers));
    buf_done(&headers);
    if (endpoint->inbox.len > 0) {
        send_to_inbox(a, endpoint, s->secret, body);
        return;
    }
    rc = egress_pool_send(e->pool,
                          &(struct frame_send){ .handle = a->start.slot,
                                                .timeout_ms = (uint32_t)endpoint->timeout_ms,
                                                .flags = a->start.fresh_connection
                                                             ? FRAME_SEND_FRESH_CONNECTION
                                                             : 0,
                                                .url = endpoint->url,
                                                .headers = a->outcome.attempt.request_headers,
                                                .body = body },
                          a->start.alone);
    if (rc != 0) {
        engine_local_done(e, a, TOKEN_SENDER_OVERLOAD, 0, "no sending process has room");
    }
}

struct str engine_event_ad(const struct id *id, char text[ENGINE_AD_SIZE])
{
    char digits[ID_TEXT_SIZE];
    int n;

    id_format(ID_EVENT, id, digits);
    n = snprintf(text, ENGINE_AD_SIZE, "event:%s", digits);
    return (struct str){ text, (size_t)n };
}

/* --- the body and the ids, when they are not in memory */
/* What this delivery sends, as stored: its own bytes, or those of its event. */
static int read_stored(struct db *db, const struct delivery_row *delivery,
                       const struct event_row *event, struct arena *arena, struct str *ret_body)
{
    if ((event->flags & EVENT_ERASED) != 0) {
        return -E_NOT_FOUND; /* an ended delivery that a person tries once more, too late */
    }
    *ret_body = event->body;
    return delivery->has_body ? delivery_body(db, delivery->seq, arena, ret_body) : 0;
}

static int read_plain(struct attempt *a, const struct delivery_row *delivery,
                      const struct event_row *event, struct str stored)
{
    char text[PAYLOAD_AD_SIZE];
    struct str ad = delivery->has_body ? payload_ad(&event->id, delivery->endpoint, text)
                                       : engine_event_ad(&event->id, text);
    struct buf plain;
    int rc = 0;

    if ((event->flags & EVENT_SEALED) == 0) {
        a->body = arena_str(&a->arena, stored);
        return 0;
    }
    buf_init(&plain, FRAME_SIZE_MAX);
    rc = box_open(a->engine->options.keyring, ad, stored, &plain);
    if (rc == 0) {
        a->body = arena_str(&a->arena, buf_str(&plain));
    }
    buf_done(&plain);
    return rc;
}

static int read_run(struct read *r, struct db *db)
{
    struct attempt *a = CONTAINER_OF(r, struct attempt, read);
    struct delivery_row *delivery;
    struct event_row event;
    struct str stored = STR_NONE;
    struct arena arena;
    size_t count = 0;
    int rc;

    arena_init(&arena);
    rc = delivery_range(db, a->start.delivery.seq, 1, &arena, &delivery, &count);
    if (rc == 0 && count != 1) {
        rc = -E_NOT_FOUND;
    }
    if (rc == 0) {
        rc = event_get_seq(db, a->start.delivery.event, &arena, &event);
    }
    if (rc == 0) {
        rc = read_stored(db, &delivery[0], &event, &arena, &stored);
    }
    if (rc == 0) {
        a->delivery = delivery[0].id;
        a->flags = delivery[0].flags;
        a->event = event.id;
        a->type = event.type;
        rc = stored.p == NULL ? -E_NOT_FOUND : read_plain(a, &delivery[0], &event, stored);
    }
    arena_done(&arena);
    return rc;
}

static void read_submit(struct attempt *a);

static void on_read_again(struct loop_timer *t)
{
    read_submit(t->ctx);
}

static void read_done(struct read *r, int result)
{
    struct attempt *a = CONTAINER_OF(r, struct attempt, read);

    if (result == -E_NOT_FOUND || result == -E_SIGNATURE || result == -E_INVALID) {
        a->place = ATTEMPT_SENT;
        a->started_wall = clock_wall_ms();
        a->started_boot_us = clock_boot_us();
        a->outcome.attempt.number = a->start.delivery.attempts + 1;
        a->outcome.attempt.started_at = a->started_wall;
        LOG_E("an event could not be read for sending", "event_seq=%lld error=%s",
              (long long)a->start.delivery.event, err_token(result));
        engine_local_done(a->engine, a, TOKEN_SENDER_OVERLOAD, 0, "the event cannot be read");
        return;
    }
    if (result != 0) {
        a->again = (struct loop_timer){ .on_due = on_read_again, .ctx = a };
        loop_timer_set(a->engine->options.loop, &a->again,
                       clock_boot_ms() + ENGINE_READ_AGAIN_MS);
        return;
    }
    attempt_send(a, a->body);
}

static void read_submit(struct attempt *a)
{
    a->place = ATTEMPT_READING;
    a->read = (struct read){ .run = read_run, .on_done = read_done };
    if (readers_submit(a->engine->options.readers, &a->read) != 0) {
        a->again = (struct loop_timer){ .on_due = on_read_again, .ctx = a };
        loop_timer_set(a->engine->options.loop, &a->again,
                       clock_boot_ms() + ENGINE_READ_AGAIN_MS);
    }
}

static size_t attempt_start(struct attempt *a)
{
    struct body *b = body_get(a->engine, a->start.delivery.event);
    int64_t at = b == NULL ? -1 : a->start.delivery.seq - b->first_delivery;
    size_t bytes;

    if (b == NULL || at < 0 || at >= b->count) {
        read_submit(a);
        return 0;
    }
    a->delivery = b->deliveries[at];
    a->event = b->id;
    a->type = b->type;
    bytes = body_of(b, at).len;
    attempt_send(a, body_of(b, at));
    if (a->start.delivery.attempts == 0) {
        body_started(a->engine, b);
    }
    return bytes;
}

void engine_starts(struct engine *e)
{
    size_t bytes = 0;
    unsigned count = 0;

    while (count < ENGINE_STARTS_MAX && bytes < ENGINE_SIGN_BYTES_MAX) {
        struct list_node *n = list_pop_front(&e->starting);

        if (n == NULL) {
            return;
        }
        bytes += attempt_start(CONTAINER_OF(n, struct attempt, node));
        count++;
    }
    if (!list_empty(&e->starting)) {
        loop_wake(e->options.loop);
    }
}
