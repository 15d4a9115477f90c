/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_test.c - a test send in time order: begun, signed, sent or handed to the inbox, answered, put into the
 * log. Its handles lie above those of the core's slots, so egress' answers tell the two apart.
 */
#include "engine/engine_test.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/keyring.h"
#include "crypto/sign.h"
#include "egress/token.h"
#include "engine/engine_internal.h"
#include "store/writer.h"

struct str engine_test_id(struct engine *e, char text[TEST_ID_SIZE])
{
    int64_t now = clock_wall_ms();
    int n;

    e->test_id = now > e->test_id ? now : e->test_id + 1;
    n = snprintf(text, TEST_ID_SIZE, "evt_test_%lld", (long long)e->test_id);
    return (struct str){ text, (size_t)n };
}

/* --- begun and signed */
static int test_check(struct engine *e, const struct engine_test *t)
{
    if (e->is_draining || e->tests.count >= ENGINE_TESTS_MAX) {
        return -E_BUSY;
    }
    for (struct list_node *n = list_first(&e->tests); n != NULL && t->endpoint != NULL;
         n = list_next(&e->tests, n)) {
        if (CONTAINER_OF(n, struct engine_test, node)->endpoint == t->endpoint) {
            return -E_LIMIT;
        }
    }
    return 0;
}

/* With what it is signed: the stored endpoint's, or one made for this test alone. */
static int test_sign(struct engine *e, struct engine_test *t, struct str *ret_secret)
{
    struct sender own = { 0 };
    struct sender *s = &own;
    char delivery[ID_TEXT_SIZE];
    struct buf headers;
    int rc = 0;

    if (t->endpoint != NULL) {
        s = sender_get(e, t->endpoint);
        rc = s == NULL ? -E_STORE : 0;
    } else {
        rc = sender_make(e, t->profiles, t->secrets, t->headers, &own);
    }
    if (rc != 0) {
        return rc;
    }
    t->delivery = engine_make_id(e);
    id_format(ID_DELIVERY, &t->delivery, delivery);
    buf_init(&headers, ENGINE_HEADERS_MAX);
    engine_request_headers(e, s,
                           &(struct sign_input){ .event_id = t->event_id,
                                                 .delivery_id = str_from(delivery),
                                                 .event_type = t->event_type,
                                                 .unix_s = t->attempt.started_at / 1000,
                                                 .attempt = 1,
                                                 .body = t->body },
                           &headers);
    t->attempt.request_headers = arena_str(t->arena, buf_str(&headers));
    *ret_secret = arena_str(t->arena, s->secret);
    buf_done(&headers);
    sender_done(&own);
    return 0;
}

static void test_local(struct engine_test *t, int32_t token, int32_t status_code,
                       const char *detail)
{
    t->answer = (struct frame_done){ .handle = t->handle,
                                     .token = token,
                                     .status_code = status_code,
                                     .detail = str_from(detail),
                                     .total_us = clock_boot_us() - t->started_boot_us,
                                     .phase_us = { -1, -1, -1, -1, -1 } };
    list_push_back(&t->engine->tests_local, &t->local);
    loop_wake(t->engine->options.loop);
}

static void on_inbox_due(struct loop_timer *timer)
{
    struct engine_test *t = timer->ctx;

    test_local(t, t->answer.status_code == 0 ? TOKEN_HTTP_RESPONSE_TIMEOUT : TOKEN_NONE,
               t->answer.status_code, "");
}

/* An inbox may be told to answer late; beyond the timeout it has not answered. */
static void inbox_answer(struct engine_test *t, int status)
{
    int64_t delay = inbox_behaviour(t->engine->options.inbox, t->inbox).delay_ms;

    t->answer.status_code = delay < t->timeout_ms ? status : 0;
    t->late = (struct loop_timer){ .on_due = on_inbox_due, .ctx = t };
    if (delay == 0) {
        on_inbox_due(&t->late);
        return;
    }
    loop_timer_set(t->engine->options.loop, &t->late,
                   clock_boot_ms() + 1 + (delay < t->timeout_ms ? delay : t->timeout_ms));
}

static void test_to_inbox(struct engine_test *t, struct str secret)
{
    char delivery[ID_TEXT_SIZE];
    int status;

    id_format(ID_DELIVERY, &t->delivery, delivery);
    status = engine_to_inbox(t->engine, t->inbox, t->profiles, secret,
                             &(struct inbox_request){ .headers = t->attempt.request_headers,
                                                      .body = t->body,
                                                      .event_type = t->event_type,
                                                      .delivery_id = str_from(delivery),
                                                      .attempt = 1 });
    inbox_answer(t, status);
}

static int test_send(struct engine *e, struct engine_test *t)
{
    struct frame_send frame = { .handle = t->handle,
                                .timeout_ms = (uint32_t)t->timeout_ms,
                                .flags = t->judges_only ? FRAME_SEND_JUDGE
                                                        : FRAME_SEND_FRESH_CONNECTION,
                                .url = t->url,
                                .headers = t->attempt.request_headers,
                                .body = t->body };

    loop_wake(e->options.loop); /* the frame leaves at the end of this turn */
    return egress_pool_send(e->pool, &frame, false);
}

int engine_test(struct engine *e, struct engine_test *t)
{
    struct str secret = STR_NONE;
    int rc = test_check(e, t);

    ASSERT(t->arena != NULL && t->on_done != NULL);
    if (rc != 0) {
        return rc;
    }
    if (t->endpoint != NULL) {
        t->url = arena_str(t->arena, t->endpoint->url);
        t->inbox = arena_str(t->arena, t->endpoint->inbox);
        t->profiles = t->endpoint->profiles;
        t->timeout_ms = t->endpoint->timeout_ms;
    }
    t->engine = e;
    t->handle = ENGINE_TEST_HANDLES + ++e->test_handle;
    t->started_boot_us = clock_boot_us();
    t->attempt = (struct attempt_row){
        .number = 1, .started_at = clock_wall_ms(), .flags = ATTEMPT_TEST, .url = t->url
    };
    rc = t->judges_only ? 0 : test_sign(e, t, &secret);
    if (rc != 0) {
        return rc;
    }
    if (t->inbox.len > 0 && !t->judges_only) {
        test_to_inbox(t, secret);
    } else {
        rc = test_send(e, t);
    }
    if (rc == 0) {
        list_push_back(&e->tests, &t->node);
    }
    return rc;
}

/* --- answered */
static void test_end(struct engine_test *t, int result)
{
    struct engine *e = t->engine;

    list_remove(&e->tests, &t->node);
    loop_timer_cancel(e->options.loop, &t->late);
    loop_wake(e->options.loop); /* a drain may wait for it */
    t->on_done(t, result);
}

static int test_store_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct engine_test *t = CONTAINER_OF(w, struct engine_test, write);

    t->stored = t->attempt;
    if (t->is_sealed) {
        t->stored.delivery =
            seqs->delivery + 1; /* the one that it is about to get; seals are bound to it */
        engine_attempt_seal(t->engine->options.keyring, t->arena, &t->stored);
    }
    return event_insert_test(db, &t->event, &t->stored, seqs);
}

static void test_stored(struct write *w, int result)
{
    struct engine_test *t = CONTAINER_OF(w, struct engine_test, write);

    t->is_stored = result == 0;
    if (result != 0) {
        LOG_E("a test send could not be put into the log", "error=%s", err_token(result));
    }
    test_end(t, 0);
}

static int test_seal_event(struct engine *e, struct engine_test *t)
{
    struct event_row *event = &t->event.event;
    char ad[ENGINE_AD_SIZE];
    struct buf sealed;
    int rc;

    buf_init(&sealed, t->body.len + BOX_OVERHEAD);
    rc = box_seal(e->options.keyring, engine_event_ad(&event->id, ad), t->body, &sealed);
    if (rc == 0) {
        event->body = arena_str(t->arena, buf_str(&sealed));
        event->flags |= EVENT_SEALED;
    }
    buf_done(&sealed);
    return rc;
}

static void test_rows(struct engine_test *t)
{
    struct engine *e = t->engine;
    int64_t now = clock_wall_ms();

    t->event.event = (struct event_row){ .id = engine_make_id(e),
                                         .app = t->app->object.no,
                                         .type = t->type_no,
                                         .external_id = t->event_id,
                                         .occurred_at = t->attempt.started_at,
                                         .accepted_at = now,
                                         .body = t->body,
                                         .unmatched = STR(""),
                                         .flags = EVENT_TEST,
                                         .delivery_count = 1 };
    t->event.deliveries = &t->row;
    t->row = (struct delivery_row){ .id = t->delivery,
                                    .app = t->app->object.no,
                                    .endpoint = t->endpoint->object.no,
                                    .type = t->type_no,
                                    .state = t->attempt.error == TOKEN_NONE ? DELIVERY_DELIVERED
                                                                            : DELIVERY_FAILED,
                                    .reason = REASON_TEST,
                                    .attempt_count = 1,
                                    .created_at = t->attempt.started_at,
                                    .ended_at = now,
                                    .last_code = t->attempt.status_code,
                                    .last_error = t->attempt.error,
                                    .last_ms = (int32_t)(t->attempt.duration_us / 1000) };
}

/* Into the log; without it the answer goes out all the same. */
static void test_store(struct engine_test *t)
{
    struct engine *e = t->engine;
    int rc = 0;

    test_rows(t);
    t->is_sealed = t->app->project->encrypt_payloads;
    if (t->is_sealed) {
        rc = test_seal_event(e, t);
    }
    t->write = (struct write){ .class = WRITE_PUBLISH,
                               .app = (uint32_t)t->app->object.no,
                               .rows = 3,
                               .bytes = 1024 + t->body.len + t->attempt.response_body.len,
                               .run = test_store_run,
                               .on_done = test_stored };
    if (rc == 0) {
        rc = writer_submit(e->options.writer, &t->write);
    }
    if (rc != 0) {
        test_stored(&t->write, rc);
    }
}

static void test_answered(struct engine_test *t, const struct frame_done *done)
{
    engine_attempt_fill(&t->attempt, t->arena, done);
    if (t->judges_only) {
        t->attempt.error = done->token;
    }
    if (t->endpoint != NULL && !t->judges_only) {
        test_store(t);
    } else {
        test_end(t, 0);
    }
}

void engine_test_done(struct engine *e, uint64_t handle, const struct frame_done *done)
{
    struct frame_done crashed = { .handle = handle,
                                  .token = TOKEN_SENDER_CRASH,
                                  .phase_us = { -1, -1, -1, -1, -1 } };

    for (struct list_node *n = list_first(&e->tests); n != NULL; n = list_next(&e->tests, n)) {
        struct engine_test *t = CONTAINER_OF(n, struct engine_test, node);

        if (t->handle == handle) {
            crashed.total_us = clock_boot_us() - t->started_boot_us;
            test_answered(t, done == NULL ? &crashed : done);
            return;
        }
    }
    ASSERT(false); /* an answer to nothing that was asked */
}

void engine_tests_local(struct engine *e)
{
    struct list done;
    struct list_node *n;

    list_init(&done);
    list_splice(&done, &e->tests_local);
    while ((n = list_pop_front(&done)) != NULL) {
        struct engine_test *t = CONTAINER_OF(n, struct engine_test, local);

        test_answered(t, &t->answer);
    }
}

void engine_tests_stop(struct engine *e)
{
    struct list_node *n;

    while ((n = list_first(&e->tests)) != NULL) {
        test_end(CONTAINER_OF(n, struct engine_test, node), -E_BUSY);
    }
}
