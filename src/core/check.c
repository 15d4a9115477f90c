/* SPDX-License-Identifier: Apache-2.0 */
/* core_check: every item in exactly one place, every count and link right, every limit kept. */
#include "base/assert.h"
#include "core/core.h"
#include "core/endpoint.h"
#include "core/item.h"
#include "core/order.h"
#include "core/state.h"
#include "core/wake.h"

/* Walks an order from first to last; returns how many it held. */
static uint32_t check_order(const struct core *core, uint32_t e, const struct order *order,
                            enum item_state state)
{
    const struct item *items = core->items;
    uint32_t count = 0;
    uint32_t before = 0;

    for (uint32_t i = order_first(items, order); i != 0; i = order_next(items, i)) {
        ASSERT(items[i].state == state && items[i].ep == e);
        ASSERT(before == 0 || items[before].key < items[i].key ||
               (items[before].key == items[i].key && items[before].seq < items[i].seq));
        ASSERT(items[i].left == 0 || items[items[i].left].parent == i);
        ASSERT(items[i].right == 0 || items[items[i].right].parent == i);
        before = i;
        count++;
    }
    ASSERT(count == order->count);
    return count;
}

static uint32_t check_slots(const struct core *core, uint32_t e)
{
    const struct endpoint *ep = &core->endpoints[e];
    uint32_t count = 0;
    uint32_t retries = 0;
    uint32_t before = 0;

    for (uint32_t s = ep->slots_first; s != 0; s = core->slots[s].next) {
        ASSERT(core->slots[s].used && core->slots[s].prev == before);
        ASSERT(before == 0 || core->slots[before].started <= core->slots[s].started);
        ASSERT(core->items[core->slots[s].item].ep == e);
        retries += core->slots[s].is_retry;
        before = s;
        count++;
    }
    ASSERT(ep->slots_last == before);
    ASSERT(count == ep->in_flight && retries == ep->retries_in_flight);
    return count;
}

/* The window: items wait where the bounds say, and there are not too many. */
static void check_bounds(const struct core *core, uint32_t e)
{
    const struct endpoint *ep = &core->endpoints[e];
    bool is_loading = ep->loading[CORE_LOAD_RETRIES] && !ep->discard[CORE_LOAD_RETRIES];

    ASSERT(ep->known || ep->held == 0);
    ASSERT(!ep->known || (ep->earned >= 1 && ep->concurrency >= 1));
    ASSERT((ep->horizon == INT64_MAX) == (ep->table_due == INT64_MAX));
    ASSERT(!ep->known || ep->table_due == INT64_MAX || ep->horizon < ep->table_due);
    for (uint32_t i = order_first(core->items, &ep->fresh); i != 0;
         i = order_next(core->items, i)) {
        ASSERT(core->items[i].row_due == 0);
        ASSERT(core->items[i].seq <= ep->upto || ep->paged);
        ASSERT(!core->items[i].manual);
    }
    for (uint32_t i = order_first(core->items, &ep->retry); i != 0;
         i = order_next(core->items, i)) {
        ASSERT(core->items[i].row_due == core->items[i].key && core->items[i].row_due > 0);
        ASSERT(!core->items[i].manual);
    }
    if (!endpoint_is_active(ep)) {
        ASSERT(ep->fresh.count == 0 && ep->retry.count == 0);
        ASSERT(!is_loading);
    }
    ASSERT(ep->loading[CORE_LOAD_RETRIES] || ep->retry.count <= core->limits.window_max);
    if (ep->ordered != CORE_UNORDERED && ep->fresh.count > 0) {
        ASSERT(core->items[order_last(core->items, &ep->fresh)].seq <= ep->upto);
        ASSERT(ep->table_due == INT64_MAX);
    }
}

static void check_circuit(const struct endpoint *ep)
{
    uint32_t bad = 0;

    for (uint32_t i = 0; i < ep->judged.count; i++) {
        bad += (uint32_t)(ep->judged.bits[i / 64] >> (i % 64)) & 1;
    }
    ASSERT(ep->judged.bad == bad && ep->judged.count <= ep->breaker_window);
    ASSERT(ep->judged.count == 0 || ep->circuit == CORE_CIRCUIT_CLOSED);
    ASSERT(ep->known || (ep->circuit == CORE_CIRCUIT_CLOSED && ep->exhausted == 0));
    ASSERT(ep->exhausted <= ep->exhausted_max);
}

static void check_wakes(const struct core *core, uint32_t wakes)
{
    ASSERT(wakes == core->wake_count);
    for (uint32_t at = 1; at <= core->wake_count; at++) {
        uint32_t id = core->wakes[at];
        const struct wake *wake = id <= core->limits.endpoints_max
                                      ? &core->endpoints[id].wake
                                      : &core->apps[id - core->limits.endpoints_max].wake;

        ASSERT(wake->place == at && wake->at > core->now);
        ASSERT(at == 1 || wake_at(core, core->wakes[at / 2]) <= wake->at);
    }
}

/* Links of the rings, of the hungry and of the heap that this endpoint is in. */
static void check_links(const struct core *core, uint32_t e)
{
    const struct endpoint *ep = &core->endpoints[e];

    if (ep->ready) {
        ASSERT(ep->known && ep->ring_class == ep->class);
        ASSERT(endpoint_choose(core, e) != 0);
        ASSERT(core->endpoints[ep->ring_next].ring_prev == e);
        ASSERT(core->endpoints[ep->ring_prev].ring_next == e);
    } else {
        ASSERT(endpoint_choose(core, e) == 0);
    }
    if (ep->hungry) {
        ASSERT(ep->known);
        ASSERT(ep->hungry_prev != 0 ? core->endpoints[ep->hungry_prev].hungry_next == e
                                    : core->hungry_first == e);
        ASSERT(ep->hungry_next != 0 ? core->endpoints[ep->hungry_next].hungry_prev == e
                                    : core->hungry_last == e);
    }
}

static void check_apps(const struct core *core, uint32_t in_slots)
{
    uint32_t in_flight = 0;

    for (uint32_t a = 1; a <= core->limits.apps_max; a++) {
        const struct app *app = &core->apps[a];
        bool may_start =
            app->in_flight < core->limits.app_concurrency && rate_allows(&app->rate, core->now);

        in_flight += app->in_flight;
        ASSERT(app->in_flight <= core->limits.app_concurrency);
        for (uint32_t c = 0; c < CLASS_COUNT; c++) {
            uint32_t first = app->ring[c].first;

            ASSERT(app->ring[c].linked == (first != 0 && may_start));
            ASSERT(first == 0 || may_start || app->in_flight == core->limits.app_concurrency ||
                   app->wake.place != 0);
            ASSERT(first == 0 ||
                   (core->endpoints[first].app == a && core->endpoints[first].ready &&
                    core->endpoints[first].ring_class == c));
            ASSERT(!app->ring[c].linked || core->apps[app->ring[c].next].ring[c].prev == a);
        }
    }
    ASSERT(in_flight == in_slots);
}

static void check_items(const struct core *core, uint32_t waiting, uint32_t sending)
{
    uint32_t used = 0;
    uint32_t active = 0;
    uint32_t free = 0;

    for (uint32_t i = 1; i <= core->items_used; i++) {
        const struct item *item = &core->items[i];

        if (item->state == ITEM_FREE) {
            continue;
        }
        used++;
        active += item->state >= ITEM_SENDING;
        ASSERT(item_find(core, item->seq) == i);
    }
    for (uint32_t i = core->items_free; i != 0; i = core->items[i].left) {
        ASSERT(core->items[i].state == ITEM_FREE);
        free++;
    }
    ASSERT(used == core->items_count && used + free == core->items_used);
    ASSERT(core->items_used <= core->limits.deliveries_max);
    ASSERT(active == sending && used == waiting + sending);
}

void core_check(const struct core *core)
{
    uint32_t in_flight = 0;
    uint32_t storing = 0;
    uint32_t waiting = 0;
    uint32_t loads = 0;
    uint32_t promised = 0;
    uint32_t wakes = 0;
    uint32_t open_circuits = 0;
    uint32_t class_slots[CLASS_COUNT] = { 0 };

    for (uint32_t s = 1; s <= core->slots_used; s++) {
        const struct slot *slot = &core->slots[s];

        if (slot->used) {
            uint8_t state = core->items[slot->item].state;

            ASSERT(state == ITEM_SENDING || state == ITEM_STORING);
            storing += state == ITEM_STORING;
            in_flight++;
        }
    }
    for (uint32_t e = 1; e <= core->limits.endpoints_max; e++) {
        const struct endpoint *ep = &core->endpoints[e];
        uint32_t waits = check_order(core, e, &ep->fresh, ITEM_FRESH) +
                         check_order(core, e, &ep->retry, ITEM_RETRY) +
                         check_order(core, e, &ep->urgent, ITEM_URGENT);
        uint32_t sending = check_slots(core, e);

        ASSERT(ep->held == waits + sending);
        check_bounds(core, e);
        check_links(core, e);
        waiting += waits;
        check_circuit(ep);
        wakes += ep->wake.place != 0;
        open_circuits += ep->circuit != CORE_CIRCUIT_CLOSED;
        class_slots[ep->class] += sending;
        for (uint32_t kind = 0; kind < LOAD_KINDS; kind++) {
            loads += ep->loading[kind];
            promised += ep->promised[kind];
        }
    }
    ASSERT(in_flight == core->in_flight && storing == core->uncommitted);
    ASSERT(in_flight <= core->limits.slots_max && in_flight <= core->limits.uncommitted_max);
    ASSERT(loads == core->loads && loads <= LOADS_MAX && promised == core->promised);
    for (uint32_t a = 1; a <= core->limits.apps_max; a++) {
        wakes += core->apps[a].wake.place != 0;
    }
    check_wakes(core, wakes);
    ASSERT(open_circuits == core->open_circuits);
    for (uint32_t c = 0; c < CLASS_COUNT; c++) {
        ASSERT(class_slots[c] == core->class_slots[c]);
    }
    check_items(core, waiting, in_flight);
    check_apps(core, in_flight);
}
