/* SPDX-License-Identifier: Apache-2.0 */
/* payload_apply.c - what an endpoint's plan makes of a delivery row, sealed as its event is. */
#include "base/buf.h"
#include "crypto/keyring.h"
#include "egress/token.h"
#include "engine/payload.h"
#include "store/delivery.h"

static int seal_body(const struct payload_apply *apply, struct delivery_row *d)
{
    char ad[PAYLOAD_AD_SIZE];
    struct buf sealed;
    int rc;

    if (!apply->seals || d->body.p == NULL) {
        return 0;
    }
    buf_init(&sealed, d->body.len + BOX_OVERHEAD);
    rc = box_seal(apply->keyring, payload_ad(&apply->event_id, d->endpoint, ad), d->body,
                  &sealed);
    if (rc == 0) {
        d->body = arena_str(apply->event->arena, buf_str(&sealed));
    }
    buf_done(&sealed);
    return rc;
}

int payload_apply(const struct payload_plan *plan, const struct payload_apply *apply,
                  struct delivery_row *d)
{
    bool is_skipped = d->state == DELIVERY_SKIPPED;
    struct payload made;

    if (is_skipped) {
        payload_choose(plan, apply->event, &made);
    } else {
        payload_make(plan, apply->event, &made);
    }
    if (made.verdict == PAYLOAD_FILTERED) {
        d->state = DELIVERY_FILTERED;
        d->reason = REASON_FILTER;
        d->detail = made.detail;
        d->ended_at = d->created_at;
        return 0;
    }
    if (is_skipped) {
        return 0;
    }
    if (made.verdict == PAYLOAD_FAILED) {
        d->state = DELIVERY_FAILED;
        d->reason = REASON_TRANSFORM;
        d->last_error = TOKEN_TRANSFORM_ERROR;
        d->detail = made.detail;
        d->ended_at = d->created_at;
        return 0;
    }
    d->body = made.body;
    return seal_body(apply, d);
}
