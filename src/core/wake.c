/* SPDX-License-Identifier: Apache-2.0 */
/* A heap of endpoint numbers in core->wakes[1..wake_count]; equal times go by number. */
#include "core/wake.h"

#include "base/assert.h"

static bool is_before(const struct core *core, uint32_t a, uint32_t b)
{
    int64_t wake_a = core->endpoints[a].wake;
    int64_t wake_b = core->endpoints[b].wake;

    return wake_a != wake_b ? wake_a < wake_b : a < b;
}

static void put(struct core *core, uint32_t at, uint32_t e)
{
    core->wakes[at] = e;
    core->endpoints[e].wake_at = at;
}

static void sift(struct core *core, uint32_t at, uint32_t e)
{
    while (at > 1 && is_before(core, e, core->wakes[at / 2])) {
        put(core, at, core->wakes[at / 2]);
        at /= 2;
    }
    for (uint32_t child = at * 2; child <= core->wake_count; child = at * 2) {
        if (child < core->wake_count &&
            is_before(core, core->wakes[child + 1], core->wakes[child])) {
            child++;
        }
        if (!is_before(core, core->wakes[child], e)) {
            break;
        }
        put(core, at, core->wakes[child]);
        at = child;
    }
    put(core, at, e);
}

void wake_set(struct core *core, uint32_t e, int64_t when)
{
    struct endpoint *ep = &core->endpoints[e];
    uint32_t at = ep->wake_at;

    if (at != 0 && ep->wake == when) {
        return;
    }
    ep->wake = when;
    if (when != INT64_MAX) {
        sift(core, at != 0 ? at : ++core->wake_count, e);
        return;
    }
    if (at != 0) {
        uint32_t last = core->wakes[core->wake_count--];

        ep->wake_at = 0;
        if (last != e) {
            sift(core, at, last);
        }
    }
}

uint32_t wake_first(const struct core *core)
{
    ASSERT(core->wake_count <= core->limits.endpoints_max);
    return core->wake_count > 0 ? core->wakes[1] : 0;
}
