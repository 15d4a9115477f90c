/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item.h - the deliveries in memory: a pool, a map by seq, and the one function that moves them between
 * the places of enum item_state.
 */
#ifndef CORE_ITEM_H
#define CORE_ITEM_H

#include "core/state.h"

uint32_t item_find(const struct core *core, int64_t seq); /* 0 = not in memory */
/* How many more fit, without what is kept for people's retries and promised to loads. */
uint32_t item_room(const struct core *core);
/* A new item, free and in the map, that belongs to endpoint e; row_due as in struct item; 0 = memory is full. */
uint32_t item_new(struct core *core, uint32_t e, const struct core_delivery *delivery,
                  int64_t row_due);
/* A due time from outside: what lies before the clock's beginning is due since the beginning. */
int64_t item_due(int64_t due);
/* Move to another place: asserts that the move is legal, takes it out of its order and puts it into the new
 * one at `key`. To ITEM_FREE: it leaves memory. */
void item_move(struct core *core, uint32_t i, enum item_state to, int64_t key);
bool item_move_legal(enum item_state from, enum item_state to);

#endif
