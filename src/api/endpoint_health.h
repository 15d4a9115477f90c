/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_health.h - an endpoint's health as people see it: derived at every look, never stored. */
#ifndef API_ENDPOINT_HEALTH_H
#define API_ENDPOINT_HEALTH_H

#include "api/call.h"

/* One word of docs/states.md: healthy, failing, open, half_open, paused, disabled. */
const char *endpoint_health_word(struct call *call, const struct endpoint *endpoint);
/* "status_detail" (a sentence or null) and "health" {...}. */
void endpoint_health_members(struct call *call, struct json_out *o,
                             const struct endpoint *endpoint);
/* Why an open delivery of it does not start now; NULL: nothing holds it. */
const char *endpoint_held_reason(struct call *call, const struct endpoint *endpoint);

#endif
