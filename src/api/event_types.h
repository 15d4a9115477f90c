/* SPDX-License-Identifier: Apache-2.0 */
/* event_types.h - types that register themselves where that is allowed. */
#ifndef API_EVENT_TYPES_H
#define API_EVENT_TYPES_H

#include <stdbool.h>

#include "base/str.h"

struct call;

/* May unknown types be registered by using them? */
bool event_types_register_themselves(const struct call *call);
/* Store the type, then run the call again; failures are answered here. The name is valid and
 * unknown. */
void event_types_register(struct call *call, struct str name);

#endif
