/* SPDX-License-Identifier: Apache-2.0 */
/* Start, end, stored, in the order of an attempt's life. */
#include "core/attempt.h"

#include "base/assert.h"
#include "core/breaker.h"
#include "core/endpoint.h"
#include "core/fair.h"
#include "core/health.h"
#include "core/item.h"
#include "core/verdict.h"
#include "core/window.h"

enum { STATUS_SERVER = 500, STATUS_SERVER_END = 600 };

static struct core_action *push(struct core *core, enum core_action_kind kind, uint32_t s)
{
    struct core_action *action = &core->actions[core->action_count++];
    const struct slot *slot = &core->slots[s];
    const struct item *item = &core->items[slot->item];

    ASSERT(core->action_count <= CORE_ACTIONS_MAX);
    *action = (struct core_action){
        .kind = kind,
        .ep = slot->ep - 1,
        .slot = s - 1,
        .delivery = { .seq = item->seq,
                      .event = item->event,
                      .due = item->row_due < 0 ? 0 : item->row_due,
                      .accepted = item->accepted,
                      .ep = slot->ep - 1,
                      .attempts = item->attempts },
        .manual = item->manual,
        .old_due = item->row_due,
    };
    return action;
}

static uint32_t slot_take(struct core *core, uint32_t e, uint32_t i)
{
    struct endpoint *ep = &core->endpoints[e];
    uint32_t s = core->slots_free;

    if (s != 0) {
        core->slots_free = core->slots[s].next;
    } else {
        s = ++core->slots_used;
    }
    ASSERT(s <= core->limits.slots_max);
    core->slots[s] = (struct slot){
        .started = core->now,
        .item = i,
        .ep = e,
        .app = ep->app,
        .prev = ep->slots_last,
        .used = true,
        .is_retry = core->items[i].state == ITEM_RETRY,
        .is_probe = breaker_slots(ep) != UINT32_MAX && !core->items[i].manual,
    };
    if (ep->slots_last != 0) {
        core->slots[ep->slots_last].next = s;
    } else {
        ep->slots_first = s;
    }
    ep->slots_last = s;
    ep->in_flight++;
    ep->retries_in_flight = (uint16_t)(ep->retries_in_flight + core->slots[s].is_retry);
    core->class_slots[ep->class]++;
    core->in_flight++;
    rate_take(&ep->rate, core->now);
    fair_app_took(core, ep->app, 1);
    return s;
}

static void slot_free(struct core *core, uint32_t s)
{
    struct slot *slot = &core->slots[s];
    uint32_t e = core->items[slot->item].ep;
    struct endpoint *ep = &core->endpoints[e];

    if (e != 0) {
        if (slot->prev != 0) {
            core->slots[slot->prev].next = slot->next;
        } else {
            ep->slots_first = slot->next;
        }
        if (slot->next != 0) {
            core->slots[slot->next].prev = slot->prev;
        } else {
            ep->slots_last = slot->prev;
        }
        ep->in_flight--;
        ep->retries_in_flight = (uint16_t)(ep->retries_in_flight - slot->is_retry);
        core->class_slots[ep->class]--;
    }
    core->in_flight--;
    fair_app_took(core, slot->app, -1);
    slot->used = false;
    slot->next = core->slots_free;
    core->slots_free = s;
}

static void start(struct core *core, uint32_t e)
{
    uint32_t i = endpoint_choose(core, e);
    struct item *item = &core->items[i];
    struct core_action *action;
    uint32_t s;

    ASSERT(i != 0);
    s = slot_take(core, e, i);
    if (item->state != ITEM_URGENT) {
        core->endpoints[e].retry_turn = item->state == ITEM_FRESH;
    }
    item_move(core, i, ITEM_SENDING, 0);
    action = push(core, CORE_ACT_START, s);
    action->fresh_connection = item->fresh_connection;
    action->alone = item->crashes == CRASHES_MAX - 1;
    core->stats.started++;
    endpoint_refresh(core, e);
}

void attempt_start_all(struct core *core)
{
    /* What is in flight is what may be repeated after a crash, and what may wait to be committed. */
    uint32_t max = core->slots_now < core->limits.uncommitted_max
                       ? core->slots_now
                       : core->limits.uncommitted_max;

    while (core->in_flight < max && core->action_count < CORE_ACTIONS_MAX) {
        uint32_t e = fair_next(core);

        if (e == 0) {
            return;
        }
        start(core, e);
    }
}

/* 5xx, or no response at all. */
static bool is_bad(const struct core_result *result)
{
    return result->failure != CORE_GOT_RESPONSE ||
           (result->status_code >= STATUS_SERVER && result->status_code < STATUS_SERVER_END);
}

/* What the answer says of the endpoint. The rules that disable come before the breaker, which would make a
 * hundred failures in a row last for hours. */
static void judge(struct core *core, uint32_t s, const struct verdict *verdict,
                  const struct core_result *result)
{
    uint32_t e = core->slots[s].ep;
    enum core_disable why;

    /* A crash of our own sender says nothing about the receiver, nor does a connection that died at rest. */
    if (result->failure == CORE_SENDER_CRASHED || verdict->fresh_connection) {
        return;
    }
    endpoint_judge(core, e, verdict_is_success(result), result->duration_ms);
    if (health_judge(core, e, verdict, &why)) {
        push(core, CORE_ACT_DISABLE, s)->disable = why;
        endpoint_disable(core, e);
    } else {
        breaker_judge(core, e, s, is_bad(result));
    }
}

void attempt_done(struct core *core, uint32_t s, const struct core_result *result)
{
    struct slot *slot = &core->slots[s];
    struct item *item = &core->items[slot->item];
    uint32_t e = item->ep;
    struct core_action *action;
    struct verdict verdict;

    ASSERT(slot->used && item->state == ITEM_SENDING);
    item->attempts++;
    verdict = verdict_reach(item, e != 0 ? endpoint_policy(core, e) : NULL,
                            (enum core_ordered)core->endpoints[e].ordered, result, core->now);
    item_move(core, slot->item, ITEM_STORING, 0);
    core->uncommitted++;

    action = push(core, CORE_ACT_OUTCOME, s);
    action->verdict = verdict.what;
    action->why = verdict.why;
    action->due = verdict.due;
    action->keep_schedule = verdict.keep_schedule;
    action->is_exhausted = health_is_exhausted(&verdict);

    slot->verdict = (uint8_t)verdict.what;
    slot->at_once = verdict.at_once;
    item->crashes = verdict.crashes;
    item->fresh_connection = verdict.fresh_connection;
    if (verdict.what == CORE_RETRY && !verdict.keep_schedule) {
        item->row_due = verdict.due;
    }
    if (e == 0) {
        return;
    }
    judge(core, s, &verdict, result);
    action->failures = core->endpoints[e].consecutive_failures;
    endpoint_refresh(core, e);
}

void attempt_stored(struct core *core, uint32_t s)
{
    struct slot *slot = &core->slots[s];
    uint32_t i = slot->item;
    struct item *item = &core->items[i];
    uint32_t e = item->ep;
    bool is_open = slot->verdict == CORE_RETRY && item->row_due >= 0;

    ASSERT(slot->used && item->state == ITEM_STORING);
    ASSERT(core->uncommitted > 0);
    core->uncommitted--;
    slot_free(core, s);
    if (e == 0 || item->cancelled || (!is_open && !slot->at_once)) {
        item_move(core, i, ITEM_FREE, 0);
        if (e != 0) {
            window_row_ended(core, e);
        }
    } else if (slot->at_once && (item->manual || endpoint_is_active(&core->endpoints[e]))) {
        item_move(core, i, ITEM_URGENT, core->now);
    } else {
        window_put_back(core, i);
    }
    if (e != 0) {
        endpoint_refresh(core, e);
    }
}
