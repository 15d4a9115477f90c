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
/* 410: as if the shell had disabled it already. */
void endpoint_disable(struct core *core, uint32_t e);
bool endpoint_is_active(const struct endpoint *ep);
const struct retry_policy *endpoint_policy(const struct core *core, uint32_t e);
/* One attempt ended: health and earned slots. */
void endpoint_judge(struct core *core, uint32_t e, bool is_success, int64_t duration_ms);
/* The item to start next, without a look at the limits of the app and of all; 0 = none. */
uint32_t endpoint_choose(const struct core *core, uint32_t e);
/* Something changed: class, readiness, wish for a load, next wake. */
void endpoint_refresh(struct core *core, uint32_t e);

#endif
