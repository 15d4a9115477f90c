/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_versions.c - event_versions of an endpoint: which version of a type it gets. */
#include "api/endpoint_form.h"
#include "api/object.h"
#include "json/pointer.h"

void endpoint_versions_read(struct call *call, struct form *f, struct endpoint_draft *draft)
{
    struct str pointer = form_pointer(f, "event_versions");
    const struct json *map;
    struct json_iter it;
    const struct json *v;
    struct str name;
    bool is_null;

    if (!object_field(f, "event_versions", &is_null)) {
        return;
    }
    draft->versions = NULL;
    if (is_null || !form_object(f, "event_versions", false, &map)) {
        return;
    }
    if (json_count(map) > ENDPOINT_TYPES_MAX) {
        form_fault(&call->faults, pointer, "too_long", "At most %d types can be pinned.",
                   (int)ENDPOINT_TYPES_MAX);
        return;
    }
    it = json_iter(map);
    while ((v = json_next(&it, &name)) != NULL) {
        const struct event_type *type = registry_event_type(call->project, name);
        int64_t version;

        if (type == NULL || json_int(v, 1, type->latest, &version) != 0) {
            form_fault(&call->faults, json_pointer_add(call->arena, pointer, name),
                       "unknown_version",
                       "A pin names a registered event type and one of its versions.");
        }
    }
    draft->versions = map;
}
