/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step: take in one input, look at the endpoints whose time has come, start attempts, ask for loads.
 * Everything else stands in the file of its noun: item, order, endpoint, window, fair, attempt, verdict.
 */
#include "core/core.h"

#include "base/assert.h"
#include "core/attempt.h"
#include "core/endpoint.h"
#include "core/fair.h"
#include "core/health.h"
#include "core/item.h"
#include "core/state.h"
#include "core/wake.h"
#include "core/window.h"

enum { ALIGN = 64 };

/* --- memory ---------------------------------------------------------------------------------------- */

static void *place(char *base, size_t *at, size_t count, size_t size)
{
    char *here = base != NULL ? base + *at : NULL;

    *at += (count * size + ALIGN - 1) / ALIGN * ALIGN;
    return here;
}

static uint32_t bucket_count(const struct core_limits *limits)
{
    uint32_t count = 1;

    while (count < limits->deliveries_max) {
        count *= 2;
    }
    return count;
}

/* The arrays of `core` in the memory at base, one after the other; returns the size of all. */
static size_t lay_out(struct core *core, char *base, const struct core_limits *limits)
{
    size_t at = 0;
    size_t deliveries = (size_t)limits->deliveries_max + 1;
    size_t endpoints = (size_t)limits->endpoints_max + 1;

    (void)place(base, &at, 1, sizeof(struct core));
    core->items = place(base, &at, deliveries, sizeof(struct item));
    core->buckets = place(base, &at, bucket_count(limits), sizeof(uint32_t));
    core->slots = place(base, &at, (size_t)limits->slots_max + 1, sizeof(struct slot));
    core->endpoints = place(base, &at, endpoints, sizeof(struct endpoint));
    core->policies = place(base, &at, endpoints, sizeof(struct retry_policy));
    core->exhausted = place(base, &at, endpoints, sizeof(struct exhausts));
    core->apps = place(base, &at, (size_t)limits->apps_max + 1, sizeof(struct app));
    core->wakes = place(base, &at, endpoints + limits->apps_max, sizeof(uint32_t));
    return at;
}

size_t core_size(const struct core_limits *limits)
{
    struct core core = { 0 };

    return lay_out(&core, NULL, limits);
}

struct core *core_init(void *memory, const struct core_limits *limits)
{
    struct core *core = memory;

    ASSERT(limits->deliveries_max > 0 && limits->deliveries_max < UINT32_MAX / 2);
    ASSERT(limits->window_max > 0 && limits->app_concurrency > 0);
    (void)lay_out(core, memory, limits);
    core->limits = *limits;
    core->bucket_mask = bucket_count(limits) - 1;
    core->store_ok = true;
    for (uint32_t i = 0; i < RETRY_CUSTOM; i++) {
        const char *name = retry_preset_name((enum retry_preset)i);
        int r = retry_preset(str_from(name), &core->presets[i]);

        ASSERT(r == 0);
    }
    return core;
}

/* --- inputs ------------------------------------------------------------------------------------------ */

static void retry_now(struct core *core, uint32_t e, const struct core_input *input)
{
    uint32_t i = item_find(core, input->delivery.seq);
    int64_t row_due = -1;

    if (!core->endpoints[e].known) {
        return;
    }
    if (i == 0) {
        if (input->is_open) {
            row_due = input->delivery.due == 0 ? 0 : item_due(input->delivery.due);
        }
        i = item_new(core, e, &input->delivery, row_due);
        if (i == 0) {
            return;
        }
    } else if (core->items[i].state != ITEM_FRESH && core->items[i].state != ITEM_RETRY) {
        return;
    }
    core->items[i].manual = true;
    item_move(core, i, ITEM_URGENT, core->now);
    endpoint_refresh(core, e);
}

static void cancel(struct core *core, uint32_t e, int64_t seq)
{
    uint32_t i = item_find(core, seq);

    if (i == 0) {
        window_row_ended(core, e);
        endpoint_refresh(core, e);
        return;
    }
    switch ((enum item_state)core->items[i].state) {
    case ITEM_FRESH:
    case ITEM_RETRY:
    case ITEM_URGENT:
        item_move(core, i, ITEM_FREE, 0);
        endpoint_refresh(core, e);
        break;
    case ITEM_SENDING:
        core->items[i].row_due = -1;
        core->items[i].cancelled = true;
        break;
    case ITEM_STORING:
        core->items[i].cancelled = true;
        break;
    case ITEM_FREE:
        ASSERT(!"free items are not in the map");
    }
}

static void take_in(struct core *core, const struct core_input *input)
{
    uint32_t e = input->ep + 1;

    switch (input->kind) {
    case CORE_IN_TICK:
        break;
    case CORE_IN_ENDPOINT_SET:
        endpoint_set(core, e, input->endpoint);
        break;
    case CORE_IN_ENDPOINT_GONE:
        endpoint_gone(core, e);
        break;
    case CORE_IN_APP_SET:
        ASSERT(input->app < core->limits.apps_max);
        fair_app_set(core, input->app + 1, &input->rate);
        break;
    case CORE_IN_ENDPOINT_BACKLOG:
        window_backlog(core, e, input->has_fresh, input->retry_due);
        endpoint_refresh(core, e);
        break;
    case CORE_IN_COMMITTED:
        e = input->delivery.ep + 1;
        window_committed(core, e, &input->delivery);
        endpoint_refresh(core, e);
        break;
    case CORE_IN_LOADED:
        e = input->loaded->ep + 1;
        window_loaded(core, input->loaded);
        endpoint_refresh(core, e);
        break;
    case CORE_IN_ATTEMPT_DONE:
        attempt_done(core, input->slot + 1, input->result);
        break;
    case CORE_IN_OUTCOME_STORED:
        attempt_stored(core, input->slot + 1);
        break;
    case CORE_IN_RETRY_NOW:
        retry_now(core, input->delivery.ep + 1, input);
        break;
    case CORE_IN_CANCEL:
        cancel(core, e, input->seq);
        break;
    case CORE_IN_SLOTS:
        core->slots_now =
            input->slots < core->limits.slots_max ? input->slots : core->limits.slots_max;
        break;
    case CORE_IN_STORE:
        core->store_ok = input->store_ok;
        break;
    case CORE_IN_DRAIN:
        core->draining = true;
        break;
    }
}

uint32_t core_step(struct core *core, int64_t now, const struct core_input *input,
                   struct core_action *ret_actions, bool *ret_more)
{
    ASSERT(now > 0 && now >= core->now);
    ASSERT(input->ep < core->limits.endpoints_max);
    ASSERT(input->delivery.ep < core->limits.endpoints_max);
    core->now = now;
    core->actions = ret_actions;
    core->action_count = 0;
    take_in(core, input);

    for (uint32_t id = wake_first(core); id != 0 && wake_at(core, id) <= now;
         id = wake_first(core)) {
        if (id <= core->limits.endpoints_max) {
            endpoint_refresh(core, id);
        } else {
            fair_app_refresh(core, id - core->limits.endpoints_max);
        }
        ASSERT(wake_at(core, id) > now);
    }
    /* Loads last: what starts may bring an endpoint below half of its window. */
    if (core->store_ok && !core->draining) {
        attempt_start_all(core);
        window_ask(core);
    }
    *ret_more = core->action_count == CORE_ACTIONS_MAX;
    return core->action_count;
}

/* --- questions ---------------------------------------------------------------------------------------- */

int64_t core_next_wake(const struct core *core)
{
    uint32_t id = wake_first(core);

    return id != 0 ? wake_at(core, id) : INT64_MAX;
}

enum core_place core_find(const struct core *core, int64_t seq)
{
    uint32_t i = item_find(core, seq);

    if (i == 0) {
        return CORE_NOWHERE;
    }
    return core->items[i].state >= ITEM_SENDING ? CORE_SENDING : CORE_WAITING;
}

bool core_covers(const struct core *core, uint32_t ep, int64_t seq, int64_t due)
{
    ASSERT(ep < core->limits.endpoints_max);
    return window_covers(core, ep + 1, seq, due);
}

void core_health(const struct core *core, uint32_t ep, struct core_health *ret_health)
{
    const struct endpoint *endpoint = &core->endpoints[ep + 1];

    ASSERT(ep < core->limits.endpoints_max);
    *ret_health = (struct core_health){
        .in_memory = endpoint->held,
        .sending = endpoint->in_flight,
        .consecutive_failures = endpoint->consecutive_failures,
        .exhausted = health_exhausted(core, ep + 1),
        .circuit = (enum core_circuit)endpoint->circuit,
        .circuit_until = endpoint->circuit == CORE_CIRCUIT_OPEN ? endpoint->circuit_until : 0,
        .rate_at = endpoint_rate_at(core, ep + 1),
        .slots_earned = endpoint->earned,
        .slow = endpoint->class == CLASS_SLOW,
        .paged = endpoint->paged,
        .retries_in_table = endpoint->known && endpoint->table_due != INT64_MAX,
        .median_ms = endpoint->median_ms,
    };
}

void core_stats(const struct core *core, struct core_stats *ret_stats)
{
    *ret_stats = core->stats;
    ret_stats->deliveries = core->items_count;
    ret_stats->sending = core->in_flight;
    ret_stats->uncommitted = core->uncommitted;
    ret_stats->open_circuits = core->open_circuits;
    ret_stats->slow_slots = core->class_slots[CLASS_SLOW];
}
