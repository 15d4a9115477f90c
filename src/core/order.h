/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.h - an ordered set of items by (key, seq). First, last, insert, remove: O(log n).
 * A treap whose priorities are a hash of seq, so its shape depends on nothing but its content.
 */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "core/state.h"

/* item i has its key and seq and is in no order */
void order_insert(struct item *items, struct order *order, uint32_t i);
void order_remove(struct item *items, struct order *order, uint32_t i);
/* Index of the lowest and the highest; 0 = empty. */
uint32_t order_first(const struct item *items, const struct order *order);
uint32_t order_last(const struct item *items, const struct order *order);
/* The next higher one; 0 = none. */
uint32_t order_next(const struct item *items, uint32_t i);

#endif
