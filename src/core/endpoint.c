/* SPDX-License-Identifier: Apache-2.0 */
/* What one endpoint may do now, and what its answers earn it. */
#include "core/endpoint.h"

#include "base/assert.h"
#include "core/breaker.h"
#include "core/fair.h"
#include "core/health.h"
#include "core/item.h"
#include "core/order.h"
#include "core/wake.h"
#include "core/window.h"

enum { MS_PER_S = 1000 };

bool endpoint_is_active(const struct endpoint *ep)
{
    return ep->known && ep->status == CORE_ACTIVE && ep->circuit != CORE_CIRCUIT_OPEN;
}

static bool is_same_policy(const struct retry_policy *a, const struct retry_policy *b)
{
    if (a->enabled != b->enabled || a->preset != b->preset || a->on != b->on ||
        a->max_attempts != b->max_attempts || a->jitter_percent != b->jitter_percent ||
        a->delay_count != b->delay_count || a->max_age_s != b->max_age_s) {
        return false;
    }
    for (uint32_t i = 0; i < a->delay_count; i++) {
        if (a->delays_s[i] != b->delays_s[i]) {
            return false;
        }
    }
    return true;
}

/* Most endpoints have a preset as it is: then their own row is never touched. */
static void set_policy(struct core *core, uint32_t e, const struct retry_policy *policy)
{
    ASSERT(policy->delay_count <= RETRY_DELAYS_MAX);
    ASSERT(policy->max_attempts >= 1 && policy->max_attempts <= RETRY_ATTEMPTS_MAX);
    for (uint32_t i = 0; i < RETRY_CUSTOM; i++) {
        if (is_same_policy(policy, &core->presets[i])) {
            core->endpoints[e].policy = (uint8_t)i;
            return;
        }
    }
    core->endpoints[e].policy = RETRY_CUSTOM;
    core->policies[e] = *policy;
}

const struct retry_policy *endpoint_policy(const struct core *core, uint32_t e)
{
    uint32_t policy = core->endpoints[e].policy;

    return policy < RETRY_CUSTOM ? &core->presets[policy] : &core->policies[e];
}

/* Order begins with an empty memory: what it holds may have gaps that only the table knows. */
static void set_order(struct core *core, uint32_t e, enum core_ordered ordered)
{
    struct endpoint *ep = &core->endpoints[e];
    bool was_ordered = ep->ordered != CORE_UNORDERED;

    ep->ordered = (uint8_t)ordered;
    if (ordered != CORE_UNORDERED && !was_ordered) {
        window_drop(core, e);
    }
    window_row_ended(core, e);
}

void endpoint_set(struct core *core, uint32_t e, const struct core_endpoint *endpoint)
{
    struct endpoint *ep = &core->endpoints[e];
    bool was_active = endpoint_is_active(ep);
    bool was_disabled = ep->known && ep->status == CORE_DISABLED;
    bool is_new = !ep->known;

    ASSERT(endpoint->app < core->limits.apps_max);
    ASSERT(endpoint->concurrency >= 1);
    if (is_new) {
        ep->known = true;
        ep->earned = 1;
        ep->class = CLASS_UNPROVEN;
        ep->horizon = INT64_MAX;
        ep->table_due = INT64_MAX;
        ep->app = endpoint->app + 1;
    }
    if (ep->app != endpoint->app + 1) {
        fair_place(core, e, false, (enum endpoint_class)ep->class);
        ep->app = endpoint->app + 1;
    }
    ep->status = (uint8_t)endpoint->status;
    ep->concurrency = endpoint->concurrency;
    set_policy(core, e, &endpoint->retry);
    health_set(core, e, &endpoint->rules);
    breaker_set(core, e, &endpoint->breaker);
    rate_set(&ep->rate, &endpoint->rate);
    if (is_new) {
        health_restore(core, e, endpoint);
    } else if (was_disabled && endpoint->status == CORE_ACTIVE) {
        health_reset(core, e);
        breaker_reset(core, e);
    }
    set_order(core, e, endpoint->ordered);
    if (was_active && !endpoint_is_active(ep)) {
        window_drop(core, e);
    }
    endpoint_refresh(core, e);
}

void endpoint_disable(struct core *core, uint32_t e)
{
    bool was_active = endpoint_is_active(&core->endpoints[e]);

    core->endpoints[e].status = CORE_DISABLED;
    if (was_active) {
        window_drop(core, e);
    }
}

static void forget_all(struct core *core, const struct order *order)
{
    while (order->count > 0) {
        item_move(core, order_first(core->items, order), ITEM_FREE, 0);
    }
}

void endpoint_gone(struct core *core, uint32_t e)
{
    struct endpoint *ep = &core->endpoints[e];

    if (!ep->known) {
        return;
    }
    forget_all(core, &ep->fresh);
    forget_all(core, &ep->retry);
    forget_all(core, &ep->urgent);
    /* What is being sent goes on without an endpoint: its number may get a new one at once. */
    for (uint32_t s = ep->slots_first; s != 0; s = core->slots[s].next) {
        core->items[core->slots[s].item].ep = 0;
    }
    core->class_slots[ep->class] -= ep->in_flight;
    ep->in_flight = 0;
    ep->known = false;
    fair_place(core, e, false, (enum endpoint_class)ep->class);
    window_feel(core, e);
    wake_set(core, e, INT64_MAX);
    window_forget_loads(core, e);
    health_reset(core, e);
    breaker_reset(core, e);
    *ep = (struct endpoint){ .known = false };
}

static uint32_t median(const struct endpoint *ep)
{
    uint32_t sorted[DURATIONS];
    uint32_t n = 0;

    for (; n < ep->duration_count; n++) {
        uint32_t at = n;

        for (; at > 0 && sorted[at - 1] > ep->durations[n]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = ep->durations[n];
    }
    return n > 0 ? sorted[(n - 1) / 2] : 0;
}

static void count_rate(struct core *core, struct endpoint *ep)
{
    uint32_t second = (uint32_t)(core->now / MS_PER_S);

    if (second != ep->rate_second) {
        ep->rate_before = second == ep->rate_second + 1 ? ep->rate_now : 0;
        ep->rate_now = 0;
        ep->rate_second = second;
    }
    ep->rate_now++;
}

void endpoint_judge(struct core *core, uint32_t e, bool is_success, int64_t duration_ms)
{
    struct endpoint *ep = &core->endpoints[e];

    ep->durations[ep->duration_at] = duration_ms < 0           ? 0
                                     : duration_ms > INT32_MAX ? INT32_MAX
                                                               : (uint32_t)duration_ms;
    ep->duration_at = (uint8_t)((ep->duration_at + 1) % DURATIONS);
    if (ep->duration_count < DURATIONS) {
        ep->duration_count++;
    }
    ep->median_ms = median(ep);
    if (is_success) {
        ep->consecutive_failures = 0;
        ep->proven = true;
        if (ep->earned < ep->concurrency) {
            ep->earned++;
        }
        count_rate(core, ep);
        return;
    }
    ep->consecutive_failures++;
    ep->earned = ep->earned > 1 ? ep->earned / 2 : 1;
    if (ep->consecutive_failures >= UNPROVEN_AFTER) {
        ep->proven = false;
    }
}

static uint32_t slots_allowed(const struct endpoint *ep)
{
    uint32_t allowed = ep->earned < ep->concurrency ? ep->earned : ep->concurrency;
    uint32_t circuit = breaker_slots(ep);

    if (ep->ordered != CORE_UNORDERED) {
        return 1;
    }
    return allowed < circuit ? allowed : circuit;
}

/* One that waits for its retry, also in the table, comes before all that were never sent. */
static uint32_t next_in_order(const struct core *core, const struct endpoint *ep)
{
    uint32_t retry = order_first(core->items, &ep->retry);

    if (retry != 0) {
        return core->items[retry].key <= core->now ? retry : 0;
    }
    return ep->table_due == INT64_MAX ? order_first(core->items, &ep->fresh) : 0;
}

/* The item to start next, without a look at the rate. */
static uint32_t candidate(const struct core *core, uint32_t e)
{
    const struct endpoint *ep = &core->endpoints[e];
    uint32_t allowed = slots_allowed(ep);
    uint32_t retry = 0;
    uint32_t fresh = 0;

    if (!ep->known || ep->in_flight >= allowed) {
        return 0;
    }
    if (ep->urgent.count > 0) {
        return order_first(core->items, &ep->urgent);
    }
    /* Nothing but urgent ones waits at an endpoint that is not active. */
    ASSERT(endpoint_is_active(ep) || (ep->fresh.count == 0 && ep->retry.count == 0));
    if (ep->ordered != CORE_UNORDERED) {
        return next_in_order(core, ep);
    }
    if (ep->retries_in_flight < (allowed > 1 ? allowed / 2 : 1)) {
        retry = order_first(core->items, &ep->retry);
        if (retry != 0 && core->items[retry].key > core->now) {
            retry = 0;
        }
    }
    fresh = order_first(core->items, &ep->fresh);
    if (retry != 0 && fresh != 0) {
        return ep->retry_turn ? retry : fresh;
    }
    return retry != 0 ? retry : fresh;
}

uint32_t endpoint_choose(const struct core *core, uint32_t e)
{
    return rate_allows(&core->endpoints[e].rate, core->now) ? candidate(core, e) : 0;
}

int64_t endpoint_rate_at(const struct core *core, uint32_t e)
{
    const struct endpoint *ep = &core->endpoints[e];
    const struct rate *rates[] = { &ep->rate, &core->apps[ep->app].rate };
    int64_t at = 0;

    for (uint32_t i = 0; ep->known && i < 2; i++) {
        if (!rate_allows(rates[i], core->now)) {
            int64_t ready_at = rate_ready_at(rates[i]);

            at = at > ready_at ? at : ready_at;
        }
    }
    return at;
}

/* When the oldest attempt under way becomes one that hangs. */
static int64_t hangs_at(const struct core *core, const struct endpoint *ep)
{
    for (uint32_t s = ep->slots_first; s != 0; s = core->slots[s].next) {
        if (core->items[core->slots[s].item].state == ITEM_SENDING) {
            return core->slots[s].started + core->limits.slow_ms;
        }
    }
    return INT64_MAX;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_wake(const struct core *core, uint32_t e, int64_t hangs)
{
    const struct endpoint *ep = &core->endpoints[e];
    int64_t wake = INT64_MAX;
    uint32_t retry = order_first(core->items, &ep->retry);

    if (ep->class != CLASS_SLOW && hangs > core->now) {
        wake = hangs;
    }
    if (ep->circuit == CORE_CIRCUIT_OPEN) {
        wake = earlier(wake, ep->circuit_until);
    }
    if (!rate_allows(&ep->rate, core->now) && candidate(core, e) != 0) {
        wake = earlier(wake, rate_ready_at(&ep->rate));
    }
    if (!endpoint_is_active(ep)) {
        return wake;
    }
    if (retry != 0 && core->items[retry].key > core->now) {
        wake = earlier(wake, core->items[retry].key);
    }
    if (ep->table_due != INT64_MAX && ep->table_due - LOOKAHEAD_MS > core->now) {
        wake = earlier(wake, ep->table_due - LOOKAHEAD_MS);
    }
    for (uint32_t kind = 0; kind < LOAD_KINDS; kind++) {
        if (ep->load_after[kind] > core->now) {
            wake = earlier(wake, ep->load_after[kind]);
        }
    }
    return wake;
}

void endpoint_refresh(struct core *core, uint32_t e)
{
    struct endpoint *ep = &core->endpoints[e];
    int64_t hangs = hangs_at(core, ep);
    enum endpoint_class class = CLASS_UNPROVEN;

    if (!ep->known) {
        return;
    }
    breaker_look(core, e);
    if (ep->median_ms > core->limits.slow_ms || hangs <= core->now) {
        class = CLASS_SLOW;
    } else if (ep->proven) {
        class = CLASS_PROVEN;
    }
    fair_place(core, e, endpoint_choose(core, e) != 0, class);
    window_feel(core, e);
    wake_set(core, e, next_wake(core, e, hangs));
}
