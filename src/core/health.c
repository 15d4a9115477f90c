/* SPDX-License-Identifier: Apache-2.0 */
/* The stamps of exhausted deliveries are a ring of exhausted_max places: full and young enough is enough. */
#include "core/health.h"

#include "base/assert.h"

static void stamp(struct core *core, uint32_t e, int64_t when)
{
    struct endpoint *ep = &core->endpoints[e];
    struct exhausts *row = &core->exhausted[e];

    row->at[row->next] = when;
    row->next = (uint8_t)((row->next + 1U) % ep->exhausted_max);
    if (ep->exhausted < ep->exhausted_max) {
        ep->exhausted++;
    }
}

static void forget_stamps(struct core *core, uint32_t e)
{
    if (core->endpoints[e].exhausted > 0) {
        core->endpoints[e].exhausted = 0;
        core->exhausted[e].next = 0;
    }
}

void health_set(struct core *core, uint32_t e, const struct core_rules *rules)
{
    struct endpoint *ep = &core->endpoints[e];

    ASSERT(rules->exhausted <= CORE_EXHAUSTED_MAX);
    if (ep->exhausted_max != rules->exhausted) {
        forget_stamps(core, e);
    }
    ep->pause_after = rules->pause_after;
    ep->exhausted_max = (uint8_t)rules->exhausted;
    ep->exhausted_ms = rules->exhausted_ms;
}

void health_restore(struct core *core, uint32_t e, const struct core_endpoint *endpoint)
{
    struct endpoint *ep = &core->endpoints[e];

    ASSERT(endpoint->exhausted_count <= CORE_EXHAUSTED_MAX);
    if (ep->pause_after == 0 || endpoint->failures < ep->pause_after) {
        ep->consecutive_failures = endpoint->failures;
    }
    if (endpoint->exhausted_count < ep->exhausted_max) {
        for (uint32_t i = 0; i < endpoint->exhausted_count; i++) {
            stamp(core, e, endpoint->exhausted_at[i]);
        }
    }
}

void health_reset(struct core *core, uint32_t e)
{
    core->endpoints[e].consecutive_failures = 0;
    forget_stamps(core, e);
}

bool health_is_exhausted(const struct verdict *verdict)
{
    return verdict->what == CORE_FAILED &&
           (verdict->why == CORE_WHY_ATTEMPTS || verdict->why == CORE_WHY_AGE);
}

uint32_t health_exhausted(const struct core *core, uint32_t e)
{
    const struct endpoint *ep = &core->endpoints[e];
    uint32_t count = 0;

    for (uint32_t i = 0; i < ep->exhausted; i++) {
        count += core->now - core->exhausted[e].at[i] <= ep->exhausted_ms;
    }
    return count;
}

bool health_judge(struct core *core, uint32_t e, const struct verdict *verdict,
                  enum core_disable *ret_why)
{
    struct endpoint *ep = &core->endpoints[e];

    if (health_is_exhausted(verdict) && ep->exhausted_max > 0) {
        stamp(core, e, core->now);
    }
    if (verdict->is_gone) {
        *ret_why = CORE_DISABLE_GONE;
        return ep->status != CORE_DISABLED;
    }
    if (ep->status != CORE_ACTIVE) {
        return false;
    }
    if (ep->pause_after > 0 && ep->consecutive_failures >= ep->pause_after) {
        *ret_why = CORE_DISABLE_FAILURES;
        return true;
    }
    if (health_is_exhausted(verdict) && ep->exhausted_max > 0 &&
        health_exhausted(core, e) >= ep->exhausted_max) {
        *ret_why = CORE_DISABLE_EXHAUSTED;
        return true;
    }
    return false;
}
