/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_form.c - an endpoint as people describe it. */
#include "api/endpoint_form.h"

#include "api/names.h"
#include "api/object.h"
#include "api/rules_form.h"
#include "base/assert.h"
#include "crypto/sign.h"
#include "engine/inbox.h"
#include "net/url.h"

static const enum sign_profile profiles[] = { SIGN_STANDARD, SIGN_TIMESTAMPED, SIGN_PLATFORM };

enum { PROFILES = sizeof(profiles) / sizeof(profiles[0]) };

static void set_defaults(struct call *call, struct endpoint_draft *draft)
{
    int rc = retry_preset(STR("default"), &draft->retry);

    ASSERT(rc == 0);
    draft->description = STR("");
    draft->event_types = NULL;
    draft->versions = NULL;
    draft->metadata = NULL;
    draft->headers = NULL;
    draft->timeout_ms = call->api->options.endpoint_timeout_ms;
    draft->rules = (struct endpoint_rules){ .health = health_rules_none };
    draft->profiles = SIGN_STANDARD | SIGN_TIMESTAMPED;
}

void endpoint_defaults(struct call *call, struct endpoint_draft *draft)
{
    *draft = (struct endpoint_draft){ .status = ENDPOINT_ACTIVE };
    set_defaults(call, draft);
}

/* --- url */
/* This server's own test inbox is reached without the network: the rules for URLs do not
 * concern it. */
struct str endpoint_inbox(struct call *call, struct str url)
{
    struct str own =
        arena_printf(call->arena, "%.*s/catch/", STR_ARG(call->api->options.own_url));
    struct str token = str_starts(url, own) ? str_sub(url, own.len, url.len) : STR("");

    return inbox_token_valid(token) ? token : STR("");
}

struct url_policy endpoint_url_policy(const struct call *call)
{
    const struct api_options *options = &call->api->options;

    return (struct url_policy){ .allow_http = options->dev || options->allow_http,
                                .allow_loopback = options->dev,
                                .ports = options->endpoint_ports,
                                .guard = options->guard };
}

static void read_url(struct call *call, struct form *f, bool required, struct str *ret_url,
                     bool *ret_refused)
{
    struct url_policy policy = endpoint_url_policy(call);
    struct str text;
    struct url url;
    struct err err;
    bool is_null;

    if (object_field(f, "url", &is_null) && is_null) {
        required = true; /* it cannot be taken away */
    }
    if (!form_string(f, "url", required, 1, URL_SIZE_MAX, &text)) {
        return;
    }
    if (endpoint_inbox(call, text).len > 0) {
        *ret_url = text;
        return;
    }
    if (url_parse(text, &policy, call->arena, &url, &err) != 0) {
        form_fault(&call->faults, form_pointer(f, "url"), "url_refused", "%s", err.text);
        *ret_refused = true;
        return;
    }
    *ret_url = url.text;
}

/* --- event_types */
static void read_event_types(struct call *call, struct form *f, const struct json **ret)
{
    const struct json *list;
    struct json_iter it;
    const struct json *v;
    struct str *names;
    size_t count = 0;
    bool is_null;

    if (!object_field(f, "event_types", &is_null)) {
        return;
    }
    *ret = NULL;
    if (is_null || !form_array(f, "event_types", false, ENDPOINT_TYPES_MAX, &list)) {
        return;
    }
    names = arena_alloc(call->arena, (json_count(list) + 1) * sizeof(*names));
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        struct str pointer = arena_printf(call->arena, "%.*s/%zu",
                                          STR_ARG(form_pointer(f, "event_types")), count);
        struct str name = json_string(v);

        if (!name_is_event_type(name) && !name_is_event_pattern(name)) {
            form_fault(
                &call->faults, pointer, "pattern",
                "This is an event type such as user.created, or a pattern such as user.*");
        }
        for (size_t i = 0; i < count; i++) {
            if (str_eq(names[i], name)) {
                form_fault(&call->faults, pointer, "duplicate",
                           "This type stands there twice.");
            }
        }
        names[count++] = name;
    }
    *ret = list;
}

/* --- small ones */
static void read_profiles(struct call *call, struct form *f, unsigned *ret)
{
    const struct json *list;
    struct json_iter it;
    const struct json *v;
    unsigned bits = 0;
    bool is_null;

    if (!object_field(f, "signature_profiles", &is_null)) {
        return;
    }
    if (is_null) {
        *ret = SIGN_STANDARD | SIGN_TIMESTAMPED;
        return;
    }
    if (!form_array(f, "signature_profiles", false, PROFILES, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        enum sign_profile profile;

        if (sign_profile_parse(json_string(v), &profile) != 0) {
            form_fault(&call->faults, form_pointer(f, "signature_profiles"), "pattern",
                       "A profile is standard, timestamped or platform.");
            return;
        }
        bits |= profile;
    }
    if (bits == 0) {
        form_fault(&call->faults, form_pointer(f, "signature_profiles"), "too_short",
                   "One profile is needed at least.");
        return;
    }
    *ret = bits;
}

static void read_timeout(struct call *call, struct form *f, int64_t *ret)
{
    bool is_null;

    if (!object_field(f, "timeout_ms", &is_null)) {
        return;
    }
    if (is_null) {
        *ret = call->api->options.endpoint_timeout_ms;
        return;
    }
    (void)form_int(f, "timeout_ms", false, ENDPOINT_TIMEOUT_MIN_MS, ENDPOINT_TIMEOUT_MAX_MS,
                   ret);
}

static void read_status(struct form *f, struct endpoint_draft *draft)
{
    struct str status;

    if (!form_string(f, "status", false, 1, API_NAME_MAX, &status)) {
        return;
    }
    if (str_eq_c(status, endpoint_status_name(ENDPOINT_ACTIVE))) {
        draft->status = ENDPOINT_ACTIVE;
        draft->status_reason = STR_NONE;
    } else if (str_eq_c(status, endpoint_status_name(ENDPOINT_PAUSED))) {
        draft->status = ENDPOINT_PAUSED;
        draft->status_reason = STR_NONE;
    } else {
        form_fault(f->faults, form_pointer(f, "status"), "pattern",
                   "A person sets active or paused; disabled is set by the sender alone.");
    }
}

void endpoint_form_read(struct call *call, enum endpoint_form form,
                        struct endpoint_draft *draft, bool *ret_url_refused)
{
    struct form f;
    bool is_null;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    if (form == ENDPOINT_REPLACE) {
        set_defaults(call, draft);
        draft->has_headers = true;
    }
    if (object_field(&f, "name", &is_null)) {
        (void)form_string(&f, "name", form != ENDPOINT_CREATE, 1, API_NAME_MAX, &draft->name);
    }
    object_field_text(&f, "description", API_TEXT_MAX, &draft->description);
    read_url(call, &f, form != ENDPOINT_MERGE, &draft->url, ret_url_refused);
    read_event_types(call, &f, &draft->event_types);
    endpoint_versions_read(call, &f, draft);
    object_field_metadata(&f, &draft->metadata);
    endpoint_headers_read(call, &f, draft);
    read_timeout(call, &f, &draft->timeout_ms);
    endpoint_retry_read(&f, &draft->retry);
    rules_health_read(&f, &draft->rules.health);
    rules_rate_read(&f, &draft->rules.rate);
    rules_order_read(&f, &draft->rules.ordered);
    read_profiles(call, &f, &draft->profiles);
    read_status(&f, draft);
    endpoint_secret_read(call, &f, form, draft);
    endpoint_payload_read(&f, form, &draft->payload);
    form_end(&f);
}

void endpoint_form_target(struct call *call, struct form *f, struct endpoint_draft *draft,
                          bool *ret_url_refused)
{
    read_url(call, f, true, &draft->url, ret_url_refused);
    endpoint_headers_read(call, f, draft);
    read_timeout(call, f, &draft->timeout_ms);
    read_profiles(call, f, &draft->profiles);
    endpoint_secret_read(call, f, ENDPOINT_CREATE, draft);
}

/* --- the stored document */
static void put_types(struct json_out *o, const struct json *list)
{
    json_out_name(o, "event_types");
    if (list == NULL) {
        json_out_array(o);
        json_out_array_end(o);
    } else {
        json_out_value(o, list);
    }
}

static void put_profiles(struct json_out *o, unsigned bits)
{
    json_out_name(o, "signature_profiles");
    json_out_array(o);
    for (size_t i = 0; i < PROFILES; i++) {
        if ((bits & profiles[i]) != 0) {
            json_out_c(o, sign_profile_name(profiles[i]));
        }
    }
    json_out_array_end(o);
}

int endpoint_config_write(const struct endpoint_draft *draft, struct buf *out)
{
    struct json_out o;

    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_str(&o, "name", draft->name);
    json_put_str(&o, "description", draft->description);
    json_put_str(&o, "url", draft->url);
    put_types(&o, draft->event_types);
    object_put_map(&o, "event_versions", draft->versions);
    object_put_map(&o, "metadata", draft->metadata);
    json_put_int(&o, "timeout_ms", draft->timeout_ms);
    json_out_name(&o, "retry");
    endpoint_retry_write(&o, &draft->retry);
    rules_health_write(&o, &draft->rules.health);
    rules_rate_write(&o, &draft->rules.rate);
    rules_order_write(&o, draft->rules.ordered);
    put_profiles(&o, draft->profiles);
    endpoint_secret_write(&o, draft);
    endpoint_payload_write(&o, &draft->payload);
    json_put_c(&o, "status", endpoint_status_name(draft->status));
    if (draft->status_reason.len > 0) {
        json_put_str(&o, "status_reason", draft->status_reason);
    }
    json_put_str(&o, "created_by", draft->created_by);
    json_out_name(&o, "origin");
    json_out_object(&o);
    json_put_str(&o, "kind", draft->origin_kind);
    json_put_str(&o, "id", draft->origin_id);
    json_put_str(&o, "name", draft->origin_name);
    json_out_object_end(&o);
    json_out_object_end(&o);
    return json_out_end(&o);
}
