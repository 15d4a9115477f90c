/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h - which open deliveries of an endpoint are in memory and which only in the table, and the loads
 * that bring them. Two bounds say it, and each open row is on one side of its bound:
 *
 *  - fresh: seq <= upto is in memory (or done); seq > upto is in the table if `paged`, else there is none.
 *  - retry: due <= horizon is in memory; later ones may be in memory, else they are in the table, and none
 *    of those is due before table_due.
 *
 * An ordered endpoint whose retry is in the table has no fresh ones in memory.
 *
 * A row that a load brings and that is in memory already is passed over, so bounds may be lowered at any
 * time; they are raised by the answer of a load only.
 */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include "core/state.h"

uint32_t window_size(const struct core *core, uint32_t e);
void window_committed(struct core *core, uint32_t e, const struct core_delivery *delivery);
void window_backlog(struct core *core, uint32_t e, bool has_fresh, int64_t retry_due);
/* Ignored when none is under way. */
void window_loaded(struct core *core, const struct core_loaded *loaded);
/* The endpoint goes: no answer will come. */
void window_forget_loads(struct core *core, uint32_t e);
/* An item whose outcome is stored and whose row is open: back to where it waits, or to the table. */
void window_put_back(struct core *core, uint32_t i);
/* All that waits, except for people's retries, goes back to the table. */
void window_drop(struct core *core, uint32_t e);
/* A delivery of it ended, maybe one whose row was only in the table: an ordered endpoint that waits for the
 * retries there looks again. */
void window_row_ended(struct core *core, uint32_t e);
/* Join or leave those that want a load. */
void window_feel(struct core *core, uint32_t e);
/* Ask for loads as long as there is room. */
void window_ask(struct core *core);
bool window_covers(const struct core *core, uint32_t e, int64_t seq, int64_t due);

#endif
