/* SPDX-License-Identifier: Apache-2.0 */
/* payload_plan.c - what an endpoint and an event type ask for, read from their documents. */
#include <stdio.h>

#include "engine/payload.h"

const char *payload_style_name(enum payload_style style)
{
    return style == PAYLOAD_THIN ? "thin" : "snapshot";
}

const char *payload_envelope_name(enum payload_envelope envelope)
{
    return envelope == PAYLOAD_STANDARD ? "standard" : "native";
}

int payload_style_parse(struct str name, enum payload_style *ret_style)
{
    if (!str_eq_c(name, "snapshot") && !str_eq_c(name, "thin")) {
        return -E_INVALID;
    }
    *ret_style = str_eq_c(name, "thin") ? PAYLOAD_THIN : PAYLOAD_SNAPSHOT;
    return 0;
}

int payload_envelope_parse(struct str name, enum payload_envelope *ret_envelope)
{
    if (!str_eq_c(name, "native") && !str_eq_c(name, "standard")) {
        return -E_INVALID;
    }
    *ret_envelope = str_eq_c(name, "standard") ? PAYLOAD_STANDARD : PAYLOAD_NATIVE;
    return 0;
}

static const struct {
    const char *name;
    const char *pointer;
} fields[PAYLOAD_FIELDS] = {
    [PAYLOAD_WORKSPACES] = { "workspaces", "/workspace_id" },
    [PAYLOAD_CAMPAIGNS] = { "campaigns", "/campaign_id" },
    [PAYLOAD_CONTACT_TAGS] = { "contact_tags", "/contact/tags" },
};

const char *payload_field_name(enum payload_field field)
{
    return fields[field].name;
}

const char *payload_field_pointer(enum payload_field field)
{
    return fields[field].pointer;
}

/* --- the plan */
static bool is_there(const struct json *v)
{
    return v != NULL && json_type(v) != JSON_NULL;
}

static bool read_names(const struct json *config, const char *name, struct arena *arena,
                       struct payload_names *ret_names)
{
    const struct json *list = json_member(config, name);
    struct payload_names names = { NULL, 0 };
    struct json_iter it;
    const struct json *v;

    if (!is_there(list) || json_type(list) != JSON_ARRAY || json_count(list) == 0) {
        return false;
    }
    names.list = arena_alloc(arena, json_count(list) * sizeof(*names.list));
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        names.list[names.count++] = arena_str(arena, json_string(v));
    }
    *ret_names = names;
    return true;
}

static bool read_filter(const struct json *config, struct arena *arena,
                        struct payload_plan *plan)
{
    const struct json *v = json_member(config, "filter");
    struct form_faults faults;

    if (!is_there(v)) {
        return false;
    }
    form_faults_init(&faults, arena);
    if (filter_compile(v, STR("/filter"), arena, &faults, &plan->filter) != 0) {
        plan->is_broken = true;
    }
    return true;
}

static bool read_transform(const struct json *config, struct arena *arena,
                           struct payload_plan *plan)
{
    const struct json *v = json_member(config, "transform");
    const struct json *text = is_there(v) ? json_member(v, "expression") : NULL;
    struct jmespath_fault fault;

    if (text == NULL) {
        return false;
    }
    if (jmespath_compile(json_string(text), arena, &plan->transform, &fault) != 0) {
        plan->is_broken = true;
    }
    return true;
}

static bool read_shape(const struct json *config, struct payload_plan *plan)
{
    const struct json *style = json_member(config, "payload_style");
    const struct json *envelope = json_member(config, "envelope");

    if ((is_there(style) && payload_style_parse(json_string(style), &plan->style) != 0) ||
        (is_there(envelope) &&
         payload_envelope_parse(json_string(envelope), &plan->envelope) != 0)) {
        plan->is_broken = true;
    }
    return plan->style != PAYLOAD_SNAPSHOT || plan->envelope != PAYLOAD_NATIVE;
}

const struct payload_plan *payload_plan_read(const struct json *config, struct arena *arena)
{
    struct payload_plan plan = { .is_broken = false };
    struct payload_plan *copy;
    bool asks = read_names(config, "channels", arena, &plan.channels);

    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        asks = read_names(config, fields[i].name, arena, &plan.fields[i]) || asks;
    }
    asks = read_filter(config, arena, &plan) || asks;
    asks = read_shape(config, &plan) || asks;
    asks = read_transform(config, arena, &plan) || asks;
    if (!asks && !plan.is_broken) {
        return NULL;
    }
    copy = arena_alloc(arena, sizeof(*copy));
    *copy = plan;
    return copy;
}

/* --- the resource of a type */
static struct str read_text(const struct json *v, const char *name, struct arena *arena)
{
    const struct json *text = json_member(v, name);

    return is_there(text) && json_type(text) == JSON_STRING
               ? arena_str(arena, json_string(text))
               : STR_NONE;
}

void payload_resource_read(const struct json *config, struct arena *arena,
                           struct payload_resource *ret_resource)
{
    const struct json *v = json_member(config, "resource");
    struct payload_resource resource = { .type = STR_NONE };

    if (is_there(v)) {
        resource.type = read_text(v, "type", arena);
        resource.id_pointer = read_text(v, "id_pointer", arena);
        resource.url = read_text(v, "url", arena);
    }
    *ret_resource = resource;
}

struct str payload_ad(const struct id *event, int64_t endpoint_no, char text[PAYLOAD_AD_SIZE])
{
    char id[ID_TEXT_SIZE];
    int n;

    id_format(ID_EVENT, event, id);
    n = snprintf(text, PAYLOAD_AD_SIZE, "body:%s:%lld", id, (long long)endpoint_no);
    return (struct str){ text, (size_t)n };
}
