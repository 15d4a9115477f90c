/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two levels of rings of indices: per class a ring of apps, per app and class a ring of endpoints. A ring
 * is named by the member whose turn is next; a new member comes before it, that is, last. Each attempt
 * costs one, so round robin is the deficit round robin.
 */
#include "core/fair.h"

#include "base/assert.h"
#include "core/wake.h"

static void endpoint_link(struct core *core, uint32_t *first, uint32_t e)
{
    struct endpoint *endpoints = core->endpoints;

    if (*first == 0) {
        *first = e;
        endpoints[e].ring_next = e;
        endpoints[e].ring_prev = e;
        return;
    }
    endpoints[e].ring_next = *first;
    endpoints[e].ring_prev = endpoints[*first].ring_prev;
    endpoints[endpoints[e].ring_prev].ring_next = e;
    endpoints[*first].ring_prev = e;
}

static void endpoint_unlink(struct core *core, uint32_t *first, uint32_t e)
{
    struct endpoint *ep = &core->endpoints[e];

    ASSERT(*first != 0);
    if (ep->ring_next == e) {
        *first = 0;
    } else {
        core->endpoints[ep->ring_next].ring_prev = ep->ring_prev;
        core->endpoints[ep->ring_prev].ring_next = ep->ring_next;
        if (*first == e) {
            *first = ep->ring_next;
        }
    }
    ep->ring_next = 0;
    ep->ring_prev = 0;
}

static void app_link(struct core *core, uint32_t a, uint32_t class)
{
    struct app *app = &core->apps[a];
    uint32_t first = core->class_ring[class];

    if (first == 0) {
        core->class_ring[class] = a;
        app->ring[class].next = a;
        app->ring[class].prev = a;
    } else {
        uint32_t last = core->apps[first].ring[class].prev;

        app->ring[class].next = first;
        app->ring[class].prev = last;
        core->apps[last].ring[class].next = a;
        core->apps[first].ring[class].prev = a;
    }
    app->ring[class].linked = true;
}

static void app_unlink(struct core *core, uint32_t a, uint32_t class)
{
    struct app *app = &core->apps[a];
    uint32_t next = app->ring[class].next;

    if (next == a) {
        core->class_ring[class] = 0;
    } else {
        core->apps[next].ring[class].prev = app->ring[class].prev;
        core->apps[app->ring[class].prev].ring[class].next = next;
        if (core->class_ring[class] == a) {
            core->class_ring[class] = next;
        }
    }
    app->ring[class].linked = false;
}

/* An app stands in the ring of a class while it has a ready endpoint there, a slot left, and its rate allows. */
void fair_app_refresh(struct core *core, uint32_t a)
{
    struct app *app = &core->apps[a];
    bool has_slot = app->in_flight < core->limits.app_concurrency;
    bool is_held = has_slot && !rate_allows(&app->rate, core->now);
    bool has_ready = false;

    for (uint32_t c = 0; c < CLASS_COUNT; c++) {
        bool wanted = has_slot && !is_held && app->ring[c].first != 0;

        has_ready = has_ready || app->ring[c].first != 0;

        if (wanted && !app->ring[c].linked) {
            app_link(core, a, c);
        } else if (!wanted && app->ring[c].linked) {
            app_unlink(core, a, c);
        }
    }
    if (app->wake.place != 0 || (is_held && has_ready)) {
        wake_set(core, core->limits.endpoints_max + a,
                 is_held && has_ready ? rate_ready_at(&app->rate) : INT64_MAX);
    }
}

void fair_app_set(struct core *core, uint32_t a, const struct core_rate *rate)
{
    rate_set(&core->apps[a].rate, rate);
    fair_app_refresh(core, a);
}

void fair_place(struct core *core, uint32_t e, bool is_ready, enum endpoint_class class)
{
    struct endpoint *ep = &core->endpoints[e];

    if (ep->class != class) {
        core->class_slots[ep->class] -= ep->in_flight;
        core->class_slots[class] += ep->in_flight;
        ep->class = (uint8_t) class;
    }
    if (ep->ready == is_ready && (!is_ready || ep->ring_class == class)) {
        return;
    }
    if (ep->ready) {
        endpoint_unlink(core, &core->apps[ep->app].ring[ep->ring_class].first, e);
    }
    ep->ready = is_ready;
    if (is_ready) {
        ep->ring_class = (uint8_t) class;
        endpoint_link(core, &core->apps[ep->app].ring[class].first, e);
    }
    fair_app_refresh(core, ep->app);
}

void fair_app_took(struct core *core, uint32_t app, int change)
{
    ASSERT(change == 1 || (change == -1 && core->apps[app].in_flight > 0));
    core->apps[app].in_flight += (uint32_t)change;
    if (change > 0) {
        rate_take(&core->apps[app].rate, core->now);
    }
    fair_app_refresh(core, app);
}

static bool class_may_start(const struct core *core, uint32_t class)
{
    uint32_t slots = core->slots_now;
    uint32_t slow = core->class_slots[CLASS_SLOW];
    uint32_t unproven = core->class_slots[CLASS_UNPROVEN];

    if (class == CLASS_PROVEN) {
        return true;
    }
    if (class == CLASS_SLOW && slow >= (slots > 1 ? slots / 2 : 1)) {
        return false;
    }
    return slow + unproven < slots - slots / 4;
}

uint32_t fair_next(struct core *core)
{
    for (uint32_t n = 0; n < CLASS_COUNT; n++) {
        uint32_t class = (core->class_turn + n) % CLASS_COUNT;
        uint32_t a = core->class_ring[class];

        if (a != 0 && class_may_start(core, class)) {
            uint32_t e = core->apps[a].ring[class].first;

            ASSERT(e != 0 && core->endpoints[e].ready);
            core->apps[a].ring[class].first = core->endpoints[e].ring_next;
            core->class_ring[class] = core->apps[a].ring[class].next;
            core->class_turn = class + 1;
            return e;
        }
    }
    return 0;
}
