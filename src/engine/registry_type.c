/* SPDX-License-Identifier: Apache-2.0 */
/* registry_type.c - what publishing needs of an event type, and which versions an endpoint wants. */
#include <stdlib.h>

#include "engine/registry_internal.h"
#include "json/json.h"

/* --- event types */
static enum schema_enforcement read_enforcement(const struct json *doc)
{
    struct str text = json_string(json_member(doc, "enforce_schema"));

    return str_eq_c(text, "off")      ? ENFORCE_OFF
           : str_eq_c(text, "reject") ? ENFORCE_REJECT
                                      : ENFORCE_UNSET;
}

void registry_read_type(struct event_type *type, const struct json *doc)
{
    const struct json *versions = json_member(doc, "versions");
    const struct json *archived = json_member(doc, "archived");

    type->archived = archived != NULL && json_bool(archived);
    type->internal = str_eq_c(json_string(json_member(doc, "visibility")), "internal");
    type->enforcement = read_enforcement(doc);
    /* A document without the list is of a time when there was one version. */
    type->latest = versions == NULL ? 1 : (int32_t)json_count(versions);
}

void registry_read_enforcement(struct project *project, const struct json *doc)
{
    project->enforcement = read_enforcement(doc);
}

bool registry_enforces(const struct event_type *type)
{
    return (type->enforcement == ENFORCE_UNSET ? type->project->enforcement
                                               : type->enforcement) == ENFORCE_REJECT;
}

/* --- endpoints */
static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct version_pin *)a)->name,
                   ((const struct version_pin *)b)->name);
}

void registry_read_pins(struct endpoint *e, const struct json *doc)
{
    const struct json *pins = json_member(doc, "event_versions");
    struct json_iter it = json_iter(pins);
    const struct json *v;
    struct str name;

    e->pin_count = 0;
    e->pins = arena_alloc(&e->object.arena,
                          ((pins == NULL ? 0 : json_count(pins)) + 1) * sizeof(*e->pins));
    while (pins != NULL && (v = json_next(&it, &name)) != NULL) {
        int64_t version;

        if (json_int(v, 1, INT32_MAX, &version) == 0) {
            e->pins[e->pin_count++] =
                (struct version_pin){ .name = arena_str(&e->object.arena, name),
                                      .version = (int32_t)version };
        }
    }
    qsort(e->pins, e->pin_count, sizeof(*e->pins), by_name);
}

static bool wants_version(const struct endpoint *e, const struct event_type *type,
                          int32_t version)
{
    struct version_pin key = { .name = type->object.slug };
    const struct version_pin *pin =
        e->pin_count == 0 ? NULL
                          : bsearch(&key, e->pins, e->pin_count, sizeof(*e->pins), by_name);

    return pin == NULL || pin->version == version;
}

enum delivery_reason registry_unmatched(const struct endpoint *e, const struct event_type *type,
                                        int32_t version)
{
    if (type->internal) {
        return REASON_INTERNAL;
    }
    if (!registry_wants(e, type)) {
        return REASON_NO_MATCH;
    }
    return wants_version(e, type, version) ? REASON_NONE : REASON_VERSION;
}
