/* SPDX-License-Identifier: Apache-2.0 */
/* publish_payload.h - `resource` and `channels` of a publish, and what endpoints with a plan make of an event. */
#ifndef API_PUBLISH_PAYLOAD_H
#define API_PUBLISH_PAYLOAD_H

#include "api/call.h"
#include "engine/payload.h"
#include "store/event.h"

enum {
    RESOURCE_TYPE_MAX = 64,
    RESOURCE_ID_MAX = 256,
    RESOURCE_BYTES_MAX = 16 * 1024 /* of it in a body, escapes included */
};

/* Read and check the two fields; both stay NULL when absent or null. */
void publish_resource_read(struct form *f, const struct json **ret_resource);
void publish_channels_read(struct form *f, const struct json **ret_channels);

/* What all events of one publish may use together. */
struct publish_budget {
    uint64_t steps;
    size_t bytes;
};
void publish_budget_init(struct publish_budget *budget);

/* An event for payload_make; its row is filled, its body is plain. */
struct payload_event *publish_payload_event(struct call *call, const struct event_type *type,
                                            const struct json *data, struct str body,
                                            struct publish_budget *budget);

#endif
