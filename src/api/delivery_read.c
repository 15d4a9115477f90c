/* SPDX-License-Identifier: Apache-2.0 */
/* delivery_read.c - one delivery with its attempts; in a reader thread. */
#include "api/delivery_read.h"

#include "api/api_internal.h"
#include "api/events_read.h"
#include "crypto/keyring.h"
#include "engine/engine.h"
#include "engine/payload.h"

static int unseal_field(struct call *call, struct str ad, struct str *field)
{
    struct buf plain;
    int rc;

    if (field->len == 0) {
        return 0;
    }
    buf_init(&plain, field->len + 1);
    rc = box_open(call->api->options.keyring, ad, *field, &plain);
    if (rc == 0) {
        *field = arena_str(call->arena, buf_str(&plain));
    }
    buf_done(&plain);
    return rc;
}

static int unseal_attempts(struct call *call, struct delivery_read *s)
{
    char text[ENGINE_AD_SIZE];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->attempt_count; i++) {
        struct attempt_row *a = &s->attempts[i];
        struct str ad = engine_attempt_ad(s->delivery.seq, a->number, text);

        if ((a->flags & ATTEMPT_SEALED) == 0) {
            continue;
        }
        rc = unseal_field(call, ad, &a->request_headers);
        if (rc == 0) {
            rc = unseal_field(call, ad, &a->response_headers);
        }
        if (rc == 0) {
            rc = unseal_field(call, ad, &a->response_body);
        }
    }
    return rc;
}

/* What is sent: the bytes of its own, or those of its event. */
static int read_body(struct call *call, struct db *db, struct delivery_read *s)
{
    char text[PAYLOAD_AD_SIZE];
    int rc;

    if (!s->delivery.has_body) {
        return event_body(call->api->options.keyring, &s->event, call->arena, &s->body);
    }
    rc = delivery_body(db, s->delivery.seq, call->arena, &s->body);
    if (rc == 0 && (s->event.flags & EVENT_SEALED) != 0) {
        rc = unseal_field(call, payload_ad(&s->event.id, s->delivery.endpoint, text), &s->body);
    }
    return rc;
}

int delivery_read_run(struct call *call, struct db *db)
{
    struct delivery_read *s = call->state;
    int rc = delivery_get(db, &call->id, call->arena, &s->delivery);

    if (rc == 0 && s->delivery.app != s->app) {
        rc = -E_NOT_FOUND;
    }
    if (rc == 0) {
        rc = attempt_list(db, s->delivery.seq, call->arena, &s->attempts, &s->attempt_count);
    }
    if (rc == 0) {
        rc = unseal_attempts(call, s);
    }
    if (rc != 0) {
        return rc;
    }
    rc = event_get_seq(db, s->delivery.event, call->arena, &s->event);
    if (rc == -E_NOT_FOUND) {
        return 0; /* the event went with the retention; the log of the delivery stays */
    }
    s->has_event = rc == 0;
    return rc != 0 ? rc : read_body(call, db, s);
}
