/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint.h - one endpoint: its configuration, its health, how many slots it has earned, and which of its
 * deliveries may start now.
 */
#ifndef CORE_ENDPOINT_H
#define CORE_ENDPOINT_H

#include "core/state.h"

void endpoint_set(struct core *core, uint32_t e, const struct core_endpoint *endpoint);
void endpoint_gone(struct core *core, uint32_t e);
/* As if the shell had disabled it already. */
void endpoint_disable(struct core *core, uint32_t e);
/* Its status is active and its circuit not open: work may wait in memory. */
bool endpoint_is_active(const struct endpoint *ep);
/* Its rate, or its app's, holds it back until then; 0 = not now. */
int64_t endpoint_rate_at(const struct core *core, uint32_t e);
const struct retry_policy *endpoint_policy(const struct core *core, uint32_t e);
/* One attempt ended: health and earned slots. */
void endpoint_judge(struct core *core, uint32_t e, bool is_success, int64_t duration_ms);
/* The item to start next, by its own order, slots and rate, without a look at the limits of the app and of all; 0 = none. */
uint32_t endpoint_choose(const struct core *core, uint32_t e);
/* Something changed: class, readiness, wish for a load, next wake. */
void endpoint_refresh(struct core *core, uint32_t e);

#endif
