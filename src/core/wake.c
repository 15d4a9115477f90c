/* SPDX-License-Identifier: Apache-2.0 */
/* A heap of ids in core->wakes[1..wake_count]; equal times go by id. */
#include "core/wake.h"

#include "base/assert.h"

static struct wake *wake_of(struct core *core, uint32_t id)
{
    return id <= core->limits.endpoints_max ? &core->endpoints[id].wake
                                            : &core->apps[id - core->limits.endpoints_max].wake;
}

int64_t wake_at(const struct core *core, uint32_t id)
{
    return id <= core->limits.endpoints_max
               ? core->endpoints[id].wake.at
               : core->apps[id - core->limits.endpoints_max].wake.at;
}

static bool is_before(const struct core *core, uint32_t a, uint32_t b)
{
    int64_t wake_a = wake_at(core, a);
    int64_t wake_b = wake_at(core, b);

    return wake_a != wake_b ? wake_a < wake_b : a < b;
}

static void put(struct core *core, uint32_t at, uint32_t id)
{
    core->wakes[at] = id;
    wake_of(core, id)->place = at;
}

static void sift(struct core *core, uint32_t at, uint32_t id)
{
    while (at > 1 && is_before(core, id, core->wakes[at / 2])) {
        put(core, at, core->wakes[at / 2]);
        at /= 2;
    }
    for (uint32_t child = at * 2; child <= core->wake_count; child = at * 2) {
        if (child < core->wake_count &&
            is_before(core, core->wakes[child + 1], core->wakes[child])) {
            child++;
        }
        if (!is_before(core, core->wakes[child], id)) {
            break;
        }
        put(core, at, core->wakes[child]);
        at = child;
    }
    put(core, at, id);
}

void wake_set(struct core *core, uint32_t id, int64_t when)
{
    struct wake *wake = wake_of(core, id);
    uint32_t at = wake->place;

    if (at != 0 && wake->at == when) {
        return;
    }
    wake->at = when;
    if (when != INT64_MAX) {
        sift(core, at != 0 ? at : ++core->wake_count, id);
        return;
    }
    if (at != 0) {
        uint32_t last = core->wakes[core->wake_count--];

        wake->place = 0;
        if (last != id) {
            sift(core, at, last);
        }
    }
}

uint32_t wake_first(const struct core *core)
{
    ASSERT(core->wake_count <= core->limits.endpoints_max + core->limits.apps_max);
    return core->wake_count > 0 ? core->wakes[1] : 0;
}
