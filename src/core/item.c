/* SPDX-License-Identifier: Apache-2.0 */
/* Items are taken from a pool that grows to its limit and from a chain of free ones, and found by a hash
 * table of chains. */
#include "core/item.h"

#include "base/assert.h"
#include "core/order.h"

/* legal[from][to] */
static const bool legal[ITEM_STORING + 1][ITEM_STORING + 1] = {
    [ITEM_FREE] = { [ITEM_FRESH] = true, [ITEM_RETRY] = true, [ITEM_URGENT] = true },
    [ITEM_FRESH] = { [ITEM_FREE] = true, [ITEM_URGENT] = true, [ITEM_SENDING] = true },
    [ITEM_RETRY] = { [ITEM_FREE] = true, [ITEM_URGENT] = true, [ITEM_SENDING] = true },
    [ITEM_URGENT] = { [ITEM_FREE] = true, [ITEM_SENDING] = true },
    [ITEM_SENDING] = { [ITEM_STORING] = true },
    [ITEM_STORING] = { [ITEM_FREE] = true,
                       [ITEM_FRESH] = true,
                       [ITEM_RETRY] = true,
                       [ITEM_URGENT] = true },
};

bool item_move_legal(enum item_state from, enum item_state to)
{
    return legal[from][to];
}

static uint32_t *bucket(const struct core *core, int64_t seq)
{
    uint64_t hash = (uint64_t)seq * 0x9e3779b97f4a7c15u;

    return &core->buckets[(uint32_t)(hash >> 32) & core->bucket_mask];
}

uint32_t item_find(const struct core *core, int64_t seq)
{
    uint32_t i = *bucket(core, seq);

    while (i != 0 && core->items[i].seq != seq) {
        i = core->items[i].chain;
    }
    return i;
}

uint32_t item_room(const struct core *core)
{
    uint32_t max = core->limits.deliveries_max;
    uint32_t taken = max / RESERVE_SHARE + core->items_count + core->promised;

    return taken < max ? max - taken : 0;
}

int64_t item_due(int64_t due)
{
    return due < 1 ? 1 : due;
}

uint32_t item_new(struct core *core, uint32_t e, const struct core_delivery *delivery,
                  int64_t row_due)
{
    uint32_t i = core->items_free;
    uint32_t *head = bucket(core, delivery->seq);

    ASSERT(item_find(core, delivery->seq) == 0);
    if (i != 0) {
        core->items_free = core->items[i].left;
    } else if (core->items_used < core->limits.deliveries_max) {
        i = ++core->items_used;
    } else {
        return 0;
    }
    core->items[i] = (struct item){
        .seq = delivery->seq,
        .event = delivery->event,
        .accepted = delivery->accepted,
        .row_due = row_due,
        .ep = e,
        .chain = *head,
        .attempts = delivery->attempts,
        .state = ITEM_FREE,
    };
    *head = i;
    core->items_count++;
    core->endpoints[e].held++;
    return i;
}

static void release(struct core *core, uint32_t i)
{
    uint32_t *at = bucket(core, core->items[i].seq);

    while (*at != i) {
        ASSERT(*at != 0);
        at = &core->items[*at].chain;
    }
    *at = core->items[i].chain;
    if (core->items[i].ep != 0) {
        core->endpoints[core->items[i].ep].held--;
    }
    core->items[i].seq = 0;
    core->items[i].chain = 0;
    core->items[i].left = core->items_free;
    core->items_free = i;
    core->items_count--;
}

static struct order *order_of(struct endpoint *ep, enum item_state state)
{
    switch (state) {
    case ITEM_FRESH:
        return &ep->fresh;
    case ITEM_RETRY:
        return &ep->retry;
    case ITEM_URGENT:
        return &ep->urgent;
    case ITEM_FREE:
    case ITEM_SENDING:
    case ITEM_STORING:
        break;
    }
    return NULL;
}

void item_move(struct core *core, uint32_t i, enum item_state to, int64_t key)
{
    struct item *item = &core->items[i];
    struct endpoint *ep = &core->endpoints[item->ep];
    struct order *from_order = order_of(ep, (enum item_state)item->state);
    struct order *to_order = order_of(ep, to);

    ASSERT(i != 0 && i <= core->items_used);
    ASSERT(legal[item->state][to]);
    if (from_order != NULL) {
        order_remove(core->items, from_order, i);
    }
    item->state = (uint8_t)to;
    if (to_order != NULL) {
        item->key = key;
        order_insert(core->items, to_order, i);
    }
    if (to == ITEM_FREE) {
        release(core, i);
    }
}
