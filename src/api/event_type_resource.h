/* SPDX-License-Identifier: Apache-2.0 */
/* event_type_resource.h - `resource` of an event type: {"type","id_pointer"?,"url"?}. */
#ifndef API_EVENT_TYPE_RESOURCE_H
#define API_EVENT_TYPE_RESOURCE_H

#include "json/form.h"

/* Into *ret, which keeps its value when the field is absent; null takes it away. */
void event_type_resource_read(struct form *f, const struct json **ret);

#endif
