/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_payload.c - what an endpoint wants beyond its event types: filters, channels, style, envelope, transform. */
#include "api/endpoint_form.h"
#include "api/names.h"
#include "api/object.h"
#include "api/problem.h"
#include "base/assert.h"
#include "engine/payload.h"

enum { TRANSFORM_LANGUAGE_MAX = 32 };

/* --- out of the stored document */
static const struct json *member_or_none(const struct json *config, const char *name)
{
    const struct json *v = json_member(config, name);

    return v == NULL || json_type(v) == JSON_NULL ? NULL : v;
}

static enum payload_style style_of(const struct json *v)
{
    enum payload_style style = PAYLOAD_SNAPSHOT;

    return v != NULL && payload_style_parse(json_string(v), &style) != 0 ? PAYLOAD_SNAPSHOT
                                                                         : style;
}

static enum payload_envelope envelope_of(const struct json *v)
{
    enum payload_envelope envelope = PAYLOAD_NATIVE;

    return v != NULL && payload_envelope_parse(json_string(v), &envelope) != 0 ? PAYLOAD_NATIVE
                                                                               : envelope;
}

void endpoint_payload_of(const struct json *config, struct endpoint_payload *ret_payload)
{
    struct endpoint_payload payload = {
        .channels = member_or_none(config, "channels"),
        .filter = member_or_none(config, "filter"),
        .transform = member_or_none(config, "transform"),
        .style = style_of(member_or_none(config, "payload_style")),
        .envelope = envelope_of(member_or_none(config, "envelope")),
    };

    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        payload.fields[i] = member_or_none(config, payload_field_name((enum payload_field)i));
    }
    *ret_payload = payload;
}

/* --- the form */
static bool is_name(struct str s, bool is_channel)
{
    return is_channel ? name_is_channel(s)
                      : s.len > 0 && s.len <= PAYLOAD_NAME_MAX && str_find(s, '\0') == s.len;
}

/* An array of names; null and an empty one ask for nothing. */
static void read_names(struct form *f, const char *name, bool is_channel,
                       const struct json **ret)
{
    const struct json *list;
    struct json_iter it;
    const struct json *v;
    bool is_null;
    size_t at = 0;

    if (!object_field(f, name, &is_null)) {
        return;
    }
    *ret = NULL;
    if (is_null || !form_array(f, name, false, PAYLOAD_NAMES_MAX, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        if (!is_name(json_string(v), is_channel)) {
            form_fault(
                f->faults,
                arena_printf(f->faults->arena, "%.*s/%zu", STR_ARG(form_pointer(f, name)), at),
                "pattern", "%s",
                is_channel ? "A channel is 1 to 64 of A-Z, a-z, 0-9, _, . and -."
                           : "This is a string of 1 to 256 bytes.");
        }
        at++;
    }
    *ret = json_count(list) == 0 ? NULL : list;
}

void endpoint_filter_read(struct form *f, const struct json **ret)
{
    const struct filter *filter;
    bool is_null;

    if (!object_field(f, "filter", &is_null)) {
        return;
    }
    *ret = NULL;
    if (!is_null && filter_compile(form_value(f, "filter"), form_pointer(f, "filter"),
                                   f->faults->arena, f->faults, &filter) == 0) {
        *ret = form_value(f, "filter");
    }
}

static void check_expression(struct form *part, struct str text)
{
    const struct jmespath *compiled;
    struct jmespath_fault fault;

    if (jmespath_compile(text, part->faults->arena, &compiled, &fault) != 0) {
        form_fault(part->faults, form_pointer(part, "expression"), "expression", "%s: %s",
                   jmespath_error_name(fault.error), fault.text);
    }
}

void endpoint_transform_read(struct form *f, const struct json **ret)
{
    const struct json *object;
    struct str language;
    struct str text;
    struct form part;
    bool is_null;

    if (!object_field(f, "transform", &is_null)) {
        return;
    }
    *ret = NULL;
    if (is_null || !form_object(f, "transform", false, &object)) {
        return;
    }
    form_begin(&part, object, form_pointer(f, "transform"), f->faults);
    if (form_string(&part, "language", false, 1, TRANSFORM_LANGUAGE_MAX, &language) &&
        !str_eq_c(language, "jmespath")) {
        form_fault(f->faults, form_pointer(&part, "language"), "pattern", "This is jmespath.");
    }
    if (form_string(&part, "expression", true, 1, JMESPATH_TEXT_MAX, &text)) {
        check_expression(&part, text);
    }
    form_end(&part);
    *ret = object;
}

void endpoint_shape_read(struct form *f, enum payload_style *ret_style,
                         enum payload_envelope *ret_envelope)
{
    struct str text;
    bool is_null;

    if (object_field(f, "payload_style", &is_null)) {
        *ret_style = PAYLOAD_SNAPSHOT;
        if (form_string(f, "payload_style", false, 1, API_NAME_MAX, &text) &&
            payload_style_parse(text, ret_style) != 0) {
            form_fault(f->faults, form_pointer(f, "payload_style"), "pattern",
                       "This is snapshot or thin.");
        }
    }
    if (object_field(f, "envelope", &is_null)) {
        *ret_envelope = PAYLOAD_NATIVE;
        if (form_string(f, "envelope", false, 1, API_NAME_MAX, &text) &&
            payload_envelope_parse(text, ret_envelope) != 0) {
            form_fault(f->faults, form_pointer(f, "envelope"), "pattern",
                       "This is native or standard.");
        }
    }
}

void endpoint_payload_read(struct form *f, enum endpoint_form form,
                           struct endpoint_payload *payload)
{
    if (form == ENDPOINT_REPLACE) {
        *payload = (struct endpoint_payload){ .style = PAYLOAD_SNAPSHOT };
    }
    read_names(f, "channels", true, &payload->channels);
    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        read_names(f, payload_field_name((enum payload_field)i), false, &payload->fields[i]);
    }
    endpoint_filter_read(f, &payload->filter);
    endpoint_transform_read(f, &payload->transform);
    endpoint_shape_read(f, &payload->style, &payload->envelope);
}

/* --- written: the same for the document and for people */
static void put_or(struct json_out *o, const char *name, const struct json *v, bool is_list)
{
    json_out_name(o, name);
    if (v != NULL) {
        json_out_value(o, v);
    } else if (is_list) {
        json_out_array(o);
        json_out_array_end(o);
    } else {
        json_out_null(o);
    }
}

static void put_transform(struct json_out *o, const struct json *transform)
{
    json_out_name(o, "transform");
    if (transform == NULL) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    json_put_c(o, "language", "jmespath");
    json_put_str(o, "expression", json_string(json_member(transform, "expression")));
    json_out_object_end(o);
}

void endpoint_payload_write(struct json_out *o, const struct endpoint_payload *payload)
{
    put_or(o, "channels", payload->channels, true);
    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        put_or(o, payload_field_name((enum payload_field)i), payload->fields[i], true);
    }
    put_or(o, "filter", payload->filter, false);
    json_put_c(o, "payload_style", payload_style_name(payload->style));
    json_put_c(o, "envelope", payload_envelope_name(payload->envelope));
    put_transform(o, payload->transform);
}

void endpoint_payload_members(struct json_out *o, const struct json *config)
{
    struct endpoint_payload payload;

    endpoint_payload_of(config, &payload);
    endpoint_payload_write(o, &payload);
}

/* --- thin needs a resource */
static bool wants(const struct json *list, struct str name)
{
    struct json_iter it;
    const struct json *v;

    if (list == NULL || json_count(list) == 0) {
        return true;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        struct str s = json_string(v);

        if (str_eq(s, name) || str_eq_c(s, "*") ||
            (str_ends(s, STR(".*")) && str_starts(name, str_sub(s, 0, s.len - 1)))) {
            return true;
        }
    }
    return false;
}

bool endpoint_payload_check(struct call *call, const struct endpoint_draft *draft)
{
    const struct project *project = call->project;

    /* Only what is given now: a type that lost its resource since does not hinder another edit. */
    if (draft->payload.style != PAYLOAD_THIN ||
        (json_member(call->body, "payload_style") == NULL &&
         json_member(call->body, "event_types") == NULL)) {
        return true;
    }
    for (size_t i = 0; i < project->type_count; i++) {
        const struct event_type *type =
            (const struct event_type *)(const void *)project->type_list[i];

        ASSERT(type->object.kind == CONFIG_EVENT_TYPE);
        if (type->object.deleted_at == 0 && !type->archived && type->resource.type.p == NULL &&
            wants(draft->event_types, type->object.slug)) {
            form_fault(&call->faults, STR("/payload_style"), "no_resource",
                       "thin needs to know the resource of each event: %.*s has no `resource`.",
                       STR_ARG(type->object.slug));
        }
    }
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    return true;
}
