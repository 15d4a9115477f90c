/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake.h - when to look at which endpoint or app again: a binary heap by time. An id is the number of an
 * endpoint, or endpoints_max + the number of an app.
 */
#ifndef CORE_WAKE_H
#define CORE_WAKE_H

#include "core/state.h"

/* Look at it at that time; INT64_MAX = not at all. */
void wake_set(struct core *core, uint32_t id, int64_t when);
/* Whose time is nearest; 0 = none. */
uint32_t wake_first(const struct core *core);
int64_t wake_at(const struct core *core, uint32_t id);

#endif
