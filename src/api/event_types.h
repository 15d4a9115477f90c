/* SPDX-License-Identifier: Apache-2.0 */
/* event_types.h - the catalogue, for the rest of this floor. */
#ifndef API_EVENT_TYPES_H
#define API_EVENT_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct call;
struct json;
struct json_out;
struct object;

/* May unknown types be registered by using them? */
bool event_types_register_themselves(const struct call *call);
/* object_members of an event type. */
void event_type_members(struct call *call, struct json_out *o, const struct object *object,
                        const struct json *config);
/* May so many more be registered in the project? */
bool event_types_have_room(const struct call *call, size_t more);
/* Store the type, then run the call again; failures are answered here. The name is valid and
 * unknown. */
void event_types_register(struct call *call, struct str name);

#endif
