/* SPDX-License-Identifier: Apache-2.0 */
/* delivery_read.h - one delivery with its attempts and what was sent, read whole and opened. */
#ifndef API_DELIVERY_READ_H
#define API_DELIVERY_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/call.h"
#include "store/delivery.h"
#include "store/event.h"

/* call->state of delivery_read_run; `app` is set before. */
struct delivery_read {
    int64_t app;
    struct delivery_row delivery;
    struct attempt_row *attempts;
    size_t attempt_count;
    struct event_row event;
    bool has_event;
    struct str body;
};

/* For call_read: the delivery call->id of that app. -E_NOT_FOUND. Without its event (has_event false) it went
 * with the retention, and so did the body. */
NODISCARD int delivery_read_run(struct call *call, struct db *db);

#endif
