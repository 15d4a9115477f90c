/* SPDX-License-Identifier: Apache-2.0 */
/* publish_payload.c - what a publish says for filters and thin payloads, and what they make of it. */
#include "api/publish_payload.h"

#include "api/api_internal.h"
#include "api/names.h"
#include "crypto/keyring.h"
#include "egress/token.h"
#include "engine/engine.h"

static bool is_given(const struct json *v)
{
    return v != NULL && json_type(v) != JSON_NULL;
}

void publish_resource_read(struct form *f, const struct json **ret_resource)
{
    const struct json *v = form_value(f, "resource");
    struct str text;
    struct form part;

    if (!is_given(v)) {
        return;
    }
    form_begin(&part, v, form_pointer(f, "resource"), f->faults);
    (void)form_string(&part, "type", true, 1, RESOURCE_TYPE_MAX, &text);
    (void)form_string(&part, "id", true, 1, RESOURCE_ID_MAX, &text);
    (void)form_string(&part, "url", false, 1, PAYLOAD_URL_MAX, &text);
    form_end(&part);
    *ret_resource = v;
}

void publish_channels_read(struct form *f, const struct json **ret_channels)
{
    const struct json *list;
    struct json_iter it;
    const struct json *v;
    size_t at = 0;

    if (!form_array(f, "channels", false, PAYLOAD_CHANNELS_MAX, &list) ||
        json_count(list) == 0) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        if (!name_is_channel(json_string(v))) {
            form_fault(f->faults,
                       arena_printf(f->faults->arena, "%.*s/%zu",
                                    STR_ARG(form_pointer(f, "channels")), at),
                       "pattern", "A channel is 1 to 64 of A-Z, a-z, 0-9, _, . and -.");
        }
        at++;
    }
    *ret_channels = list;
}

void publish_budget_init(struct publish_budget *budget)
{
    *budget = (struct publish_budget){ .steps = PAYLOAD_STEPS_MAX, .bytes = PAYLOAD_BYTES_MAX };
}

struct payload_event *publish_payload_event(struct call *call, const struct event_type *type,
                                            const struct json *data, struct str body,
                                            struct publish_budget *budget)
{
    struct payload_event *event = arena_alloc(call->arena, sizeof(*event));

    event->arena = call->arena;
    event->pointers = call->project->pointers;
    event->resource = &type->resource;
    event->body = body;
    event->data = data;
    event->steps = &budget->steps;
    event->bytes = &budget->bytes;
    return event;
}

static int seal_body(struct call *call, const struct event_row *event, struct delivery_row *d)
{
    char ad[PAYLOAD_AD_SIZE];
    struct buf sealed;
    int rc;

    if ((event->flags & EVENT_SEALED) == 0 || d->body.p == NULL) {
        return 0;
    }
    buf_init(&sealed, d->body.len + BOX_OVERHEAD);
    rc = box_seal(call->api->options.keyring, payload_ad(&event->id, d->endpoint, ad), d->body,
                  &sealed);
    if (rc == 0) {
        d->body = arena_str(call->arena, buf_str(&sealed));
    }
    buf_done(&sealed);
    return rc;
}

int publish_payload_apply(struct call *call, const struct endpoint *endpoint,
                          const struct event_row *event, struct payload_event *payload,
                          struct delivery_row *d)
{
    bool is_skipped = d->state == DELIVERY_SKIPPED;
    struct payload made;

    if (is_skipped) {
        payload_choose(endpoint->plan, payload, &made);
    } else {
        payload_make(endpoint->plan, payload, &made);
    }
    if (made.verdict == PAYLOAD_FILTERED) {
        d->state = DELIVERY_FILTERED;
        d->reason = REASON_FILTER;
        d->detail = made.detail;
        d->ended_at = call->now;
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
        d->ended_at = call->now;
        return 0;
    }
    d->body = made.body;
    return seal_body(call, event, d);
}
