/* SPDX-License-Identifier: Apache-2.0 */
/* event_type_resource.c - `resource` of an event type: what thin payloads name. */
#include "api/event_type_resource.h"

#include "api/object.h"
#include "api/publish_payload.h"
#include "engine/payload.h"
#include "json/pointer.h"

void event_type_resource_read(struct form *f, const struct json **ret)
{
    const struct json *object;
    struct str text;
    struct form part;
    bool is_null;

    if (!object_field(f, "resource", &is_null)) {
        return;
    }
    *ret = NULL;
    if (is_null || !form_object(f, "resource", false, &object)) {
        return;
    }
    form_begin(&part, object, form_pointer(f, "resource"), f->faults);
    (void)form_string(&part, "type", true, 1, RESOURCE_TYPE_MAX, &text);
    if (form_string(&part, "id_pointer", false, 1, PAYLOAD_NAME_MAX, &text) &&
        !json_pointer_valid(text)) {
        form_fault(f->faults, form_pointer(&part, "id_pointer"), "pattern",
                   "This is a JSON pointer into data, such as /contact/id.");
    }
    (void)form_string(&part, "url", false, 1, PAYLOAD_URL_MAX / 4, &text);
    form_end(&part);
    *ret = object;
}
