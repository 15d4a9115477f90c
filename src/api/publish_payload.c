/* SPDX-License-Identifier: Apache-2.0 */
/* publish_payload.c - what a publish says for filters and thin payloads, and what they make of it. */
#include "api/publish_payload.h"

#include "api/api_internal.h"
#include "api/names.h"

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
