/* SPDX-License-Identifier: Apache-2.0 */
/* engine_replay.c - deliveries that a replay stored: to the core, and their mark into the request. */
#include "base/clock.h"
#include "engine/engine_internal.h"

void engine_replayed(struct engine *e, const struct delivery_row *d)
{
    const struct endpoint *endpoint = registry_endpoint_no(e->options.registry, d->endpoint);

    stream_delivery(e, "delivery.created", d, NULL);
    if (endpoint == NULL || endpoint->slot == REGISTRY_NO_SLOT) {
        return;
    }
    engine_feed(e, &(struct core_input){ .kind = CORE_IN_COMMITTED,
                                         .ep = endpoint->slot,
                                         .delivery = { .seq = d->seq,
                                                       .event = d->event,
                                                       .accepted = clock_boot_ms(),
                                                       .ep = endpoint->slot } });
}

const char *engine_replay_mark(int32_t flags)
{
    if ((flags & FLAG_CORRECTED) != 0) {
        return "corrected";
    }
    if ((flags & FLAG_BACKFILL) != 0) {
        return "backfill";
    }
    return (flags & FLAG_REPLAY) != 0 ? "replay" : NULL;
}
