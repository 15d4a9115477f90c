/* SPDX-License-Identifier: Apache-2.0 */
/*
 * breaker.h - the circuit of one endpoint. Derived, never stored: after a restart it is closed and its window
 * is empty.
 *
 *             window full, too many bad             open_ms later
 *   closed ------------------------------> open ------------------> half open (1 slot)
 *     ^                                     ^                        |      |
 *     |  as many slots as concurrency       +------ bad, 1 slot -----+      | good
 *     +------------ ramp (2, 4, 8 ... slots; bad: half of them) <-----------+
 *
 * While it is open nothing waits in memory and nothing starts but a person's retry. Only attempts that began
 * after it opened, and no person's, move it further: what was under way says nothing new.
 */
#ifndef CORE_BREAKER_H
#define CORE_BREAKER_H

#include "core/state.h"

void breaker_set(struct core *core, uint32_t e, const struct core_breaker *breaker);
/* Closed, with an empty window. */
void breaker_reset(struct core *core, uint32_t e);
/* The attempt in slot s ended; bad = 5xx or network. May open the circuit and drop what waits. */
void breaker_judge(struct core *core, uint32_t e, uint32_t s, bool is_bad);
/* Open becomes half open when its time has come. */
void breaker_look(struct core *core, uint32_t e);
/* How many slots it leaves. */
uint32_t breaker_slots(const struct endpoint *ep);

#endif
