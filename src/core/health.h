/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.h - when an endpoint is disabled: attempts in a row that failed, deliveries that were exhausted
 * within a time, 410. Independent rules, and none of them is the breaker: that never changes the status.
 */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include "core/state.h"
#include "core/verdict.h"

/* endpoint is new to the core: what an earlier life knew. A count at its limit was followed by a person's
 * resume, which the store does not tell: it begins anew. */
void health_restore(struct core *core, uint32_t e, const struct core_endpoint *endpoint);
void health_set(struct core *core, uint32_t e, const struct core_rules *rules);
/* A person resumed it, or its number is free again. */
void health_reset(struct core *core, uint32_t e);
/* An attempt with this verdict was judged (endpoint_judge). Must the endpoint be disabled, and why? */
bool health_judge(struct core *core, uint32_t e, const struct verdict *verdict,
                  enum core_disable *ret_why);
/* How many deliveries the rule counts now. */
uint32_t health_exhausted(const struct core *core, uint32_t e);
bool health_is_exhausted(const struct verdict *verdict);

#endif
