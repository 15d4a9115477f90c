/* SPDX-License-Identifier: Apache-2.0 */
/* engine_outcome.c - the way back: what came of an attempt, what the core makes of it, into the log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "crypto/keyring.h"
#include "egress/token.h"
#include "engine/engine_internal.h"
#include "engine/meter.h"
#include "net/retry_after.h"
#include "store/writer.h"

/* --- an answer made here: it waits for the end of the turn, so no answer comes before its request returned */
void engine_local_done(struct engine *e, struct attempt *a, int32_t token, int32_t status_code,
                       const char *detail)
{
    a->local = (struct frame_done){ .handle = a->start.slot,
                                    .token = token,
                                    .status_code = status_code,
                                    .detail = str_from(detail),
                                    .total_us = clock_boot_us() - a->started_boot_us,
                                    .phase_us = { -1, -1, -1, -1, -1 } };
    list_push_back(&e->local_done, &a->node);
    loop_wake(e->options.loop);
}

void engine_locals(struct engine *e)
{
    struct list done;
    struct list_node *n;

    list_init(&done);
    list_splice(&done, &e->local_done);
    while ((n = list_pop_front(&done)) != NULL) {
        struct attempt *a = CONTAINER_OF(n, struct attempt, node);

        engine_done_frame(e, a->start.slot, &a->local);
    }
    engine_tests_local(e);
}

/* --- what the core must know of it */
static enum core_failure failure_of(const struct frame_done *done)
{
    if (done->token == TOKEN_NONE) {
        return CORE_GOT_RESPONSE;
    }
    if (done->token == TOKEN_DNS_TIMEOUT || done->token == TOKEN_CONNECTION_TIMEOUT ||
        done->token == TOKEN_HTTP_RESPONSE_TIMEOUT) {
        return CORE_TIMED_OUT;
    }
    if (done->token == TOKEN_DESTINATION_IP_PROHIBITED || done->token == TOKEN_URL_REFUSED) {
        return CORE_PROHIBITED;
    }
    if (done->token == TOKEN_SENDER_CRASH) {
        return CORE_SENDER_CRASHED;
    }
    if (done->token == TOKEN_CONNECTION_TERMINATED && done->conn_reused &&
        done->status_code == 0) {
        return CORE_CONN_DIED_REUSED;
    }
    return CORE_NETWORK;
}

static int64_t retry_after_of(struct str lines)
{
    struct str line;
    int64_t delay;

    while (str_split(&lines, '\n', &line)) {
        size_t colon = str_find(line, ':');

        if (colon < line.len && str_eq_nocase(str_sub(line, 0, colon), STR("retry-after"))) {
            struct str value = str_sub(line, colon + 1, line.len);

            if (value.len > 0 && value.p[value.len - 1] == '\r') {
                value = str_sub(value, 0, value.len - 1);
            }
            return retry_after_parse(str_trim(value), clock_wall_ms(), &delay) == 0 ? delay
                                                                                    : -1;
        }
    }
    return -1;
}

void engine_attempt_fill(struct attempt_row *row, struct arena *arena,
                         const struct frame_done *done)
{
    row->duration_us = done->total_us;
    row->status_code = done->status_code;
    row->error =
        done->token != TOKEN_NONE ? done->token : (int32_t)token_of_status(done->status_code);
    memcpy(row->phase_us, done->phase_us, sizeof(row->phase_us));
    row->flags |=
        (done->body_cut ? ATTEMPT_BODY_CUT : 0) | (done->conn_reused ? ATTEMPT_CONN_REUSED : 0);
    row->detail = arena_str(arena, done->detail);
    row->ip = arena_str(arena, done->ip);
    row->response_headers = arena_str(arena, done->response_headers);
    row->response_body = arena_str(arena, done->response_body);
}

void engine_done_frame(void *ctx, uint64_t handle, const struct frame_done *done)
{
    struct engine *e = ctx;
    struct frame_done crashed = { .handle = handle,
                                  .token = TOKEN_SENDER_CRASH,
                                  .phase_us = { -1, -1, -1, -1, -1 } };
    struct attempt *a;
    struct core_result result;

    if (handle >= ENGINE_TEST_HANDLES) {
        engine_test_done(e, handle, done);
        return;
    }
    ASSERT(handle < e->options.limits.slots_max);
    a = &e->attempts[handle];
    ASSERT(a->place == ATTEMPT_SENT);
    if (done == NULL) {
        crashed.total_us = clock_boot_us() - a->started_boot_us;
        done = &crashed;
    }
    a->place = ATTEMPT_DONE;
    a->outcome.attempt.delivery = a->start.delivery.seq;
    engine_attempt_fill(&a->outcome.attempt, &a->arena, done);
    result = (struct core_result){ .failure = failure_of(done),
                                   .status_code = done->status_code,
                                   .retry_after_ms = retry_after_of(done->response_headers),
                                   .duration_ms = done->total_us / 1000,
                                   .random = (uint32_t)random_u64() };
    engine_feed(e, &(struct core_input){ .kind = CORE_IN_ATTEMPT_DONE,
                                         .slot = (uint32_t)handle,
                                         .result = &result });
}

/* --- into the log */
static enum delivery_reason reason_of(enum core_why why)
{
    switch (why) {
    case CORE_WHY_NONE:
        return REASON_NONE;
    case CORE_WHY_ATTEMPTS:
        return REASON_ATTEMPTS_USED;
    case CORE_WHY_AGE:
        return REASON_AGE;
    case CORE_WHY_PERMANENT:
        return REASON_PERMANENT;
    case CORE_WHY_RETRY_OFF:
        return REASON_RETRY_DISABLED;
    case CORE_WHY_SENDER_CRASH:
        return REASON_SENDER_CRASH;
    }
    return REASON_NONE;
}

/*
 * The new values of the delivery row. A person's retry that failed leaves state and schedule as they were; what they
 * were is kept until an outcome counts, for another attempt may follow at once.
 */
static void outcome_verdict(struct engine *e, struct attempt *a,
                            const struct core_action *action)
{
    struct delivery_row *d = &a->outcome.delivery;
    int64_t seq = action->delivery.seq;
    const struct manual *manual = map_get(&e->manuals, key64(&seq));
    int64_t wall = clock_wall_ms();

    if (action->keep_schedule) {
        a->outcome.keeps_row =
            manual == NULL; /* deleted or cancelled while it was being sent */
        if (manual != NULL) {
            d->state = manual->state;
            d->reason = manual->reason;
            d->next_at = manual->next_at;
            d->ended_at = manual->ended_at;
            a->outcome.is_open = d->state == DELIVERY_PENDING || d->state == DELIVERY_RETRYING;
        }
        a->outcome.attempt.planned_next_at = d->next_at;
        return;
    }
    manual_forget(e, seq);
    if (action->verdict == CORE_RETRY) {
        d->state = DELIVERY_RETRYING;
        d->reason = action->why == CORE_WHY_NONE ? REASON_NONE : REASON_ORDER_BLOCKED;
        d->next_at = engine_wall(e, action->due);
        a->outcome.is_open = true;
        e->stats.retried++;
    } else {
        d->state = action->verdict == CORE_DELIVERED ? DELIVERY_DELIVERED : DELIVERY_FAILED;
        d->reason = reason_of(action->why);
        d->ended_at = wall;
    }
    a->outcome.attempt.planned_next_at = a->outcome.is_open ? d->next_at : 0;
}

struct str engine_attempt_ad(int64_t delivery_seq, int32_t number, char text[ENGINE_AD_SIZE])
{
    int n =
        snprintf(text, ENGINE_AD_SIZE, "attempt:%lld:%d", (long long)delivery_seq, (int)number);

    return (struct str){ text, (size_t)n };
}

static void seal_one(const struct keyring *keyring, struct str ad, struct arena *arena,
                     struct str *field)
{
    struct buf sealed;

    if (field->len == 0) {
        return;
    }
    buf_init(&sealed, field->len + BOX_OVERHEAD);
    if (box_seal(keyring, ad, *field, &sealed) == 0) {
        *field = arena_str(arena, buf_str(&sealed));
    }
    buf_done(&sealed);
}

void engine_attempt_seal(const struct keyring *keyring, struct arena *arena,
                         struct attempt_row *row)
{
    char text[ENGINE_AD_SIZE];
    struct str ad = engine_attempt_ad(row->delivery, row->number, text);

    seal_one(keyring, ad, arena, &row->request_headers);
    seal_one(keyring, ad, arena, &row->response_headers);
    seal_one(keyring, ad, arena, &row->response_body);
    row->flags |= ATTEMPT_SEALED;
}

static int outcome_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct attempt *a = CONTAINER_OF(w, struct attempt, write);

    (void)seqs;
    return outcome_store(db, &a->outcome);
}

static void outcome_done(struct write *w, int result)
{
    struct attempt *a = CONTAINER_OF(w, struct attempt, write);
    struct engine *e = a->engine;
    uint32_t slot = a->start.slot;
    int64_t seq = a->start.delivery.seq;

    if (result != 0) {
        LOG_E("an outcome could not be stored", "delivery_seq=%lld error=%s",
              (long long)a->outcome.delivery.seq, err_token(result));
    } else {
        stream_outcome(e, &a->outcome, &a->event);
        meter_outcome(e->options.meter, &a->outcome);
    }
    arena_done(&a->arena);
    *a = (struct attempt){ 0 };
    engine_feed(e, &(struct core_input){ .kind = CORE_IN_OUTCOME_STORED, .slot = slot });
    if (core_find(e->core, seq) == CORE_NOWHERE) {
        manual_forget(e, seq);
    }
}

static void outcome_count(struct engine *e, struct attempt *a, struct endpoint *endpoint)
{
    if (a->outcome.attempt.error != TOKEN_NONE) {
        e->stats.failed_attempts++;
    }
    if (a->outcome.delivery.state == DELIVERY_DELIVERED) {
        e->stats.delivered++;
    } else if (a->outcome.delivery.state == DELIVERY_FAILED) {
        e->stats.failed++;
        if (endpoint != NULL) {
            engine_notice_failed(e, a, endpoint);
        }
    }
}

void engine_store_outcome(struct engine *e, const struct core_action *action)
{
    struct attempt *a = &e->attempts[action->slot];
    struct endpoint *endpoint = registry_endpoint_no(e->options.registry, a->endpoint);
    struct delivery_row *d = &a->outcome.delivery;
    struct attempt_row *row = &a->outcome.attempt;
    int rc;

    ASSERT(a->place == ATTEMPT_DONE);
    a->place = ATTEMPT_STORING;
    d->seq = action->delivery.seq;
    d->id = a->delivery;
    d->event = action->delivery.event;
    d->endpoint = a->endpoint;
    d->app = endpoint == NULL ? 0 : endpoint->app->object.no;
    d->type = a->type;
    d->attempt_count = action->delivery.attempts;
    d->last_code = row->status_code;
    d->last_error = row->error;
    d->last_ms = (int32_t)(row->duration_us / 1000);
    a->outcome.was_open = action->old_due >= 0;
    a->outcome.is_first = action->delivery.attempts == 1;
    outcome_verdict(e, a, action);
    outcome_count(e, a, endpoint);
    if (endpoint != NULL) {
        engine_outcome_health(e, a, endpoint, action);
    }
    if (endpoint != NULL && endpoint->app->project->encrypt_payloads) {
        engine_attempt_seal(e->options.keyring, &a->arena, row);
    }
    a->write = (struct write){ .class = WRITE_OUTCOME,
                               .rows = 3,
                               .bytes = 256 + row->request_headers.len +
                                        row->response_headers.len + row->response_body.len,
                               .run = outcome_run,
                               .on_done = outcome_done };
    rc = writer_submit(e->options.writer, &a->write);
    ASSERT(rc == 0); /* outcomes are always taken */
}
