/* SPDX-License-Identifier: Apache-2.0 */
/* wake.h - when to look at which endpoint again: a binary heap of endpoints by time. */
#ifndef CORE_WAKE_H
#define CORE_WAKE_H

#include "core/state.h"

/* Look at endpoint e at that time; INT64_MAX = not at all. */
void wake_set(struct core *core, uint32_t e, int64_t when);
/* The endpoint whose time is nearest; 0 = none. */
uint32_t wake_first(const struct core *core);

#endif
