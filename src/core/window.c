/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds between memory and table, per endpoint, and the loads that move them. */
#include "core/window.h"

#include "base/assert.h"
#include "core/endpoint.h"
#include "core/item.h"
#include "core/order.h"

enum { MS_PER_S = 1000 };

uint32_t window_size(const struct core *core, uint32_t e)
{
    const struct endpoint *ep = &core->endpoints[e];
    uint32_t second = (uint32_t)(core->now / MS_PER_S);
    uint32_t rate = 0;
    uint32_t size = (uint32_t)ep->concurrency + WINDOW_EXTRA;

    if (!endpoint_is_active(ep)) {
        return 0;
    }
    if (second == ep->rate_second) {
        rate = ep->rate_now > ep->rate_before ? ep->rate_now : ep->rate_before;
    } else if (second == ep->rate_second + 1) {
        rate = ep->rate_now;
    }
    size = size > 2 * rate ? size : 2 * rate;
    return size < core->limits.window_max ? size : core->limits.window_max;
}

/* --- to the table -------------------------------------------------------------------------------- */

/* The retry at that time is (also) in the table: lower the bounds so that a load will find it. */
static void lower_horizon(struct endpoint *ep, int64_t due)
{
    ep->table_due = ep->table_due < due ? ep->table_due : due;
    ep->horizon = ep->horizon < due - 1 ? ep->horizon : due - 1;
}

static void fresh_to_table(struct core *core, uint32_t i)
{
    struct endpoint *ep = &core->endpoints[core->items[i].ep];

    ASSERT(core->items[i].row_due == 0);
    ep->upto = ep->upto < core->items[i].seq ? ep->upto : core->items[i].seq - 1;
    ep->paged = true;
    item_move(core, i, ITEM_FREE, 0);
    core->stats.dropped_to_table++;
}

/* In order, what waits behind a retry in the table takes no memory from others: that retry would find none. */
static bool is_held_back(const struct endpoint *ep)
{
    return ep->ordered != CORE_UNORDERED && ep->table_due != INT64_MAX;
}

static void yield(struct core *core, struct endpoint *ep)
{
    if (!is_held_back(ep)) {
        return;
    }
    ep->discard[CORE_LOAD_FRESH] = ep->loading[CORE_LOAD_FRESH];
    while (ep->fresh.count > 0) {
        fresh_to_table(core, order_last(core->items, &ep->fresh));
    }
}

static void retry_to_table(struct core *core, uint32_t i)
{
    struct endpoint *ep = &core->endpoints[core->items[i].ep];

    ASSERT(core->items[i].row_due > 0);
    ASSERT(!ep->loading[CORE_LOAD_RETRIES] || ep->discard[CORE_LOAD_RETRIES]);
    lower_horizon(ep, core->items[i].row_due);
    item_move(core, i, ITEM_FREE, 0);
    core->stats.dropped_to_table++;
    yield(core, ep);
}

void window_drop(struct core *core, uint32_t e)
{
    struct endpoint *ep = &core->endpoints[e];
    uint32_t next;

    for (uint32_t kind = 0; kind < LOAD_KINDS; kind++) {
        ep->discard[kind] = ep->loading[kind];
    }
    while (ep->fresh.count > 0) {
        fresh_to_table(core, order_last(core->items, &ep->fresh));
    }
    while (ep->retry.count > 0) {
        retry_to_table(core, order_last(core->items, &ep->retry));
    }
    for (uint32_t i = order_first(core->items, &ep->urgent); i != 0; i = next) {
        next = order_next(core->items, i);
        if (!core->items[i].manual) {
            retry_to_table(core, i);
        }
    }
}

void window_row_ended(struct core *core, uint32_t e)
{
    struct endpoint *ep = &core->endpoints[e];

    if (ep->ordered != CORE_UNORDERED && ep->retry.count == 0 && ep->table_due != INT64_MAX) {
        lower_horizon(ep, core->now);
    }
}

/* The latest ones leave memory: what is due beyond the horizon or the look-ahead, or is too much. */
static void trim_retries(struct core *core, uint32_t e)
{
    struct endpoint *ep = &core->endpoints[e];
    uint32_t size = window_size(core, e);

    while (ep->retry.count > 0) {
        uint32_t last = order_last(core->items, &ep->retry);
        int64_t due = core->items[last].key;

        if (due <= ep->table_due && due <= core->now + LOOKAHEAD_MS &&
            ep->retry.count <= size) {
            break;
        }
        retry_to_table(core, last);
    }
}

/* --- into memory ----------------------------------------------------------------------------------- */

void window_committed(struct core *core, uint32_t e, const struct core_delivery *delivery)
{
    struct endpoint *ep = &core->endpoints[e];

    if (!ep->known) {
        return;
    }
    ep->seen = ep->seen > delivery->seq ? ep->seen : delivery->seq;
    if (ep->paged || delivery->seq <= ep->upto) {
        return;
    }
    if (ep->fresh.count >= window_size(core, e) || item_room(core) == 0 || is_held_back(ep)) {
        ep->paged = true;
        return;
    }
    ep->upto = delivery->seq;
    /* A person's retry of it may have been faster. */
    if (item_find(core, delivery->seq) == 0) {
        item_move(core, item_new(core, e, delivery, 0), ITEM_FRESH, 0);
    }
}

void window_backlog(struct core *core, uint32_t e, bool has_fresh, int64_t retry_due)
{
    struct endpoint *ep = &core->endpoints[e];

    if (!ep->known) {
        return;
    }
    if (has_fresh) {
        while (ep->ordered != CORE_UNORDERED && ep->fresh.count > 0) {
            fresh_to_table(core, order_last(core->items, &ep->fresh));
        }
        ep->upto = 0;
        ep->paged = true;
        ep->discard[CORE_LOAD_FRESH] = ep->loading[CORE_LOAD_FRESH];
    }
    if (retry_due != 0) {
        lower_horizon(ep, item_due(retry_due));
        ep->discard[CORE_LOAD_RETRIES] = ep->loading[CORE_LOAD_RETRIES];
        yield(core, ep);
    }
}

void window_put_back(struct core *core, uint32_t i)
{
    struct item *item = &core->items[i];
    struct endpoint *ep = &core->endpoints[item->ep];
    bool is_kept = ep->loading[CORE_LOAD_RETRIES] && !ep->discard[CORE_LOAD_RETRIES];

    item->manual = false;
    if (item->row_due == 0) {
        if (!endpoint_is_active(ep) || item->seq > ep->upto || is_held_back(ep)) {
            fresh_to_table(core, i);
        } else {
            item_move(core, i, ITEM_FRESH, 0);
        }
        return;
    }
    /* The load under way may not see its row: it stays until the answer is here. */
    if (is_kept) {
        item_move(core, i, ITEM_RETRY, item->row_due);
        return;
    }
    if (!endpoint_is_active(ep) || item->row_due > ep->horizon ||
        item->row_due > core->now + LOOKAHEAD_MS) {
        retry_to_table(core, i);
        return;
    }
    item_move(core, i, ITEM_RETRY, item->row_due);
    trim_retries(core, item->ep);
}

/* --- loads -------------------------------------------------------------------------------------------- */

static bool may_load(const struct core *core, const struct endpoint *ep, uint32_t kind)
{
    return endpoint_is_active(ep) && !ep->loading[kind] && ep->load_after[kind] <= core->now;
}

static bool wants_fresh(const struct core *core, uint32_t e)
{
    const struct endpoint *ep = &core->endpoints[e];

    return ep->paged && !is_held_back(ep) && may_load(core, ep, CORE_LOAD_FRESH) &&
           ep->fresh.count < (window_size(core, e) + 1) / 2;
}

static bool wants_retries(const struct core *core, uint32_t e)
{
    const struct endpoint *ep = &core->endpoints[e];

    return ep->table_due != INT64_MAX && ep->table_due - LOOKAHEAD_MS <= core->now &&
           may_load(core, ep, CORE_LOAD_RETRIES) &&
           ep->retry.count < (window_size(core, e) + 1) / 2;
}

void window_feel(struct core *core, uint32_t e)
{
    struct endpoint *ep = &core->endpoints[e];
    bool wants = wants_fresh(core, e) || wants_retries(core, e);

    if (wants == ep->hungry) {
        return;
    }
    ep->hungry = wants;
    if (wants) {
        ep->hungry_prev = core->hungry_last;
        ep->hungry_next = 0;
        if (core->hungry_last != 0) {
            core->endpoints[core->hungry_last].hungry_next = e;
        } else {
            core->hungry_first = e;
        }
        core->hungry_last = e;
        return;
    }
    if (ep->hungry_prev != 0) {
        core->endpoints[ep->hungry_prev].hungry_next = ep->hungry_next;
    } else {
        core->hungry_first = ep->hungry_next;
    }
    if (ep->hungry_next != 0) {
        core->endpoints[ep->hungry_next].hungry_prev = ep->hungry_prev;
    } else {
        core->hungry_last = ep->hungry_prev;
    }
}

static void ask(struct core *core, uint32_t e, enum core_load_kind kind)
{
    struct endpoint *ep = &core->endpoints[e];
    const struct order *order = kind == CORE_LOAD_FRESH ? &ep->fresh : &ep->retry;
    uint32_t wanted = window_size(core, e) - order->count;
    uint32_t room = item_room(core);
    uint32_t limit_max =
        core->limits.window_max > CORE_LOAD_ROWS ? core->limits.window_max : CORE_LOAD_ROWS;
    struct core_action *action = &core->actions[core->action_count++];

    wanted = wanted < room ? wanted : room;
    ASSERT(wanted > 0);
    *action = (struct core_action){ .kind = CORE_ACT_LOAD, .ep = e - 1, .load = kind };
    if (kind == CORE_LOAD_FRESH) {
        action->after_seq = ep->upto;
        action->limit = wanted;
    } else {
        /* From a little before the bound on. What lies there and is in memory comes again, so the limit
         * is higher by what is in memory: then at least `wanted` rows are new. */
        action->after_due = ep->horizon > SLACK_MS ? ep->horizon - SLACK_MS : 0;
        action->limit = wanted + ep->retry.count + ep->urgent.count + ep->in_flight;
        action->limit = action->limit < limit_max ? action->limit : limit_max;
    }
    ep->loading[kind] = true;
    ep->promised[kind] = wanted;
    core->promised += wanted;
    core->loads++;
    core->stats.loads++;
}

void window_ask(struct core *core)
{
    while (core->hungry_first != 0 && core->loads < LOADS_MAX &&
           core->action_count < CORE_ACTIONS_MAX && item_room(core) > 0) {
        uint32_t e = core->hungry_first;

        /* A window also shrinks with time, so the wish may be gone. */
        if (wants_fresh(core, e)) {
            ask(core, e, CORE_LOAD_FRESH);
        } else if (wants_retries(core, e)) {
            ask(core, e, CORE_LOAD_RETRIES);
        }
        endpoint_refresh(core, e);
    }
}

static void fresh_loaded(struct core *core, uint32_t e, const struct core_loaded *loaded)
{
    struct endpoint *ep = &core->endpoints[e];

    for (uint32_t n = 0; n < loaded->count; n++) {
        const struct core_delivery *row = &loaded->rows[n];

        if (item_find(core, row->seq) == 0) {
            if (item_room(core) == 0) {
                return;
            }
            item_move(core, item_new(core, e, row, 0), ITEM_FRESH, 0);
        }
        ep->upto = row->seq;
    }
    if (loaded->end) {
        ep->upto = ep->upto > loaded->upto ? ep->upto : loaded->upto;
        ep->paged = ep->seen > ep->upto;
    }
}

static void retries_loaded(struct core *core, uint32_t e, const struct core_loaded *loaded)
{
    struct endpoint *ep = &core->endpoints[e];
    uint32_t size = window_size(core, e);
    uint32_t before = ep->retry.count;
    int64_t bound = INT64_MAX; /* rows before it are in memory, later ones only in the table */

    /* More rows may be due at the same time as the last one. */
    if (!loaded->end) {
        bound = item_due(loaded->rows[loaded->count - 1].due);
    }
    for (uint32_t n = 0; n < loaded->count; n++) {
        const struct core_delivery *row = &loaded->rows[n];
        int64_t due = item_due(row->due);

        if (item_find(core, row->seq) != 0) {
            continue;
        }
        if (due > core->now + LOOKAHEAD_MS || ep->retry.count >= size || item_room(core) == 0) {
            bound = bound < due ? bound : due;
            break;
        }
        item_move(core, item_new(core, e, row, due), ITEM_RETRY, due);
    }
    ep->table_due = bound;
    ep->horizon = bound == INT64_MAX ? INT64_MAX : bound - 1;
    /* A page of nothing but what is in memory: it will be another one only when some of that is sent. */
    if (!loaded->end && ep->retry.count == before) {
        ep->load_after[CORE_LOAD_RETRIES] = core->now + LOAD_AGAIN_MS;
    }
}

static void forget_load(struct core *core, struct endpoint *ep, uint32_t kind)
{
    ASSERT(ep->loading[kind]);
    ASSERT(core->loads > 0 && core->promised >= ep->promised[kind]);
    core->loads--;
    core->promised -= ep->promised[kind];
    ep->promised[kind] = 0;
    ep->loading[kind] = false;
    ep->discard[kind] = false;
}

void window_forget_loads(struct core *core, uint32_t e)
{
    for (uint32_t kind = 0; kind < LOAD_KINDS; kind++) {
        if (core->endpoints[e].loading[kind]) {
            forget_load(core, &core->endpoints[e], kind);
        }
    }
}

void window_loaded(struct core *core, const struct core_loaded *loaded)
{
    uint32_t e = loaded->ep + 1;
    struct endpoint *ep = &core->endpoints[e];
    enum core_load_kind kind = loaded->kind;
    bool is_discarded = ep->discard[kind];

    if (!ep->loading[kind]) {
        return;
    }
    forget_load(core, ep, kind);
    if (loaded->failed || (!loaded->end && loaded->count == 0)) {
        ep->load_after[kind] = core->now + LOAD_AGAIN_MS;
    } else if (!is_discarded && kind == CORE_LOAD_FRESH) {
        fresh_loaded(core, e, loaded);
    } else if (!is_discarded) {
        retries_loaded(core, e, loaded);
    }
    if (kind == CORE_LOAD_RETRIES) {
        trim_retries(core, e);
    }
}

/* --- the sweep ------------------------------------------------------------------------------------------ */

bool window_covers(const struct core *core, uint32_t e, int64_t seq, int64_t due)
{
    const struct endpoint *ep = &core->endpoints[e];

    if (!ep->known || item_find(core, seq) != 0) {
        return true;
    }
    if (due == 0) {
        return ep->paged && seq > ep->upto;
    }
    due = item_due(due);
    return ep->table_due <= due + SLACK_MS && due + SLACK_MS > ep->horizon;
}
