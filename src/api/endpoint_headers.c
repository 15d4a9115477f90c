/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint_headers.c - headers that customers add to their deliveries. They are sent as they
 * stand, so nothing may change the framing of the request, pose as ours, or speak to a metadata
 * service.
 */
#include "api/api_internal.h"
#include "api/endpoint_form.h"
#include "api/names.h"
#include "api/object.h"

static const char *const reserved[] = {
    "accept-encoding", "alt-used",   "connection", "content-encoding", "content-length",
    "content-type",    "date",       "expect",     "forwarded",        "host",
    "http2-settings",  "keep-alive", "te",         "trailer",          "transfer-encoding",
    "upgrade",         "user-agent", "via",        "x-real-ip",
};

/* A trailing part is free. */
static const char *const reserved_prefixes[] = {
    "metadata",          "proxy-",      "webhook-", "x-aws-", "x-forwarded-",
    "x-google-metadata", "x-metadata-",
};

static bool starts_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq_nocase(str_sub(s, 0, prefix.len), prefix);
}

/* "<Prefix>-..." and "X-<Prefix>-..." are ours. */
static bool is_ours(struct str name, struct str prefix)
{
    if (starts_nocase(name, STR("x-")) && starts_nocase(str_sub(name, 2, name.len), prefix)) {
        name = str_sub(name, 2, name.len);
    }
    return starts_nocase(name, prefix) && name.len > prefix.len && name.p[prefix.len] == '-';
}

bool endpoint_header_allowed(struct str name, struct str prefix)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (str_eq_nocase(name, str_from(reserved[i]))) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(reserved_prefixes) / sizeof(reserved_prefixes[0]); i++) {
        if (starts_nocase(name, str_from(reserved_prefixes[i]))) {
            return false;
        }
    }
    return !is_ours(name, prefix);
}

/* Visible characters, blanks and tabs inside; bytes above ASCII are opaque (RFC 9110 5.5). */
bool endpoint_header_value(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return str_trim(value).len == value.len;
}

static void check_one(struct call *call, struct str pointer, struct str name, struct str value)
{
    if (!name_is_token(name)) {
        form_fault(&call->faults, pointer, "pattern", "This is not a header name.");
    } else if (!endpoint_header_allowed(name, call->api->options.header_prefix)) {
        form_fault(&call->faults, pointer, "reserved",
                   "This header is set by the sender alone.");
    } else if (!endpoint_header_value(value)) {
        form_fault(&call->faults, pointer, "pattern",
                   "A value has no control characters, and no blank at its ends.");
    }
}

/* Names differ in more than their case. */
static bool is_twice(const struct json *map, const struct json *until, struct str name)
{
    struct json_iter it = json_iter(map);
    const struct json *v;
    struct str other;

    while ((v = json_next(&it, &other)) != NULL && v != until) {
        if (str_eq_nocase(name, other)) {
            return true;
        }
    }
    return false;
}

static void check_headers(struct call *call, struct form *f, const struct json *map)
{
    struct json_iter it = json_iter(map);
    const struct json *v;
    struct form part;
    struct str name;
    size_t bytes = 0;

    form_begin(&part, map, form_pointer(f, "headers"), &call->faults);
    while ((v = json_next(&it, &name)) != NULL) {
        struct str pointer = form_pointer(&part, arena_c(call->arena, name));

        bytes += name.len + json_string(v).len + 4;
        check_one(call, pointer, name, json_string(v));
        if (is_twice(map, v, name)) {
            form_fault(&call->faults, pointer, "duplicate", "This header stands there twice.");
        }
    }
    if (bytes > ENDPOINT_HEADER_VALUE_MAX) {
        form_fault(&call->faults, form_pointer(f, "headers"), "too_long",
                   "All headers together have at most %d bytes.",
                   (int)ENDPOINT_HEADER_VALUE_MAX);
    }
}

void endpoint_headers_read(struct call *call, struct form *f, struct endpoint_draft *draft)
{
    const struct json *map = NULL;
    bool is_null;

    if (!object_field(f, "headers", &is_null)) {
        return;
    }
    draft->has_headers = true;
    draft->headers = NULL;
    if (!is_null &&
        form_string_map(f, "headers", ENDPOINT_HEADERS_MAX, ENDPOINT_HEADER_NAME_MAX,
                        ENDPOINT_HEADER_VALUE_MAX, &map)) {
        check_headers(call, f, map);
        draft->headers = map;
    }
}
