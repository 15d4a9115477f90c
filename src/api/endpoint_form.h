/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint_form.h - an endpoint as people describe it: read field by field into a draft,
 * checked, and written as the document and the sealed part that the registry reads.
 */
#ifndef API_ENDPOINT_FORM_H
#define API_ENDPOINT_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "api/call.h"
#include "core/retry.h"
#include "engine/payload.h"
#include "engine/rules.h"
#include "net/url.h"

enum {
    ENDPOINT_TYPES_MAX = 100,
    ENDPOINT_HEADERS_MAX = 20,
    ENDPOINT_HEADER_NAME_MAX = 128,
    ENDPOINT_HEADER_VALUE_MAX = 4096, /* all names and values of an endpoint together, too */
    ENDPOINT_TIMEOUT_MIN_MS = 1000,
    ENDPOINT_TIMEOUT_MAX_MS = 30000,
    ENDPOINT_AGE_MAX_S = 30 * 24 * 3600,
    ENDPOINT_CONFIG_MAX = 512 * 1024,
    ENDPOINT_SEALED_MAX = 64 * 1024
};

/* As JSON, NULL = not asked. */
struct endpoint_payload {
    const struct json *channels, *fields[PAYLOAD_FIELDS], *filter, *transform;
    enum payload_style style;
    enum payload_envelope envelope;
};

struct endpoint_draft {
    struct str name, description, url;
    const struct json *event_types; /* array of strings, NULL = all */
    const struct json *metadata;    /* NULL = {} */
    const struct json *versions;    /* event_versions: {type: version}; NULL = {} */
    const struct json *headers;     /* NULL = {}; looked at only with has_headers */
    bool has_headers;               /* given (also as null): the sealed part changes */
    int64_t timeout_ms;
    struct retry_policy retry;
    struct endpoint_rules rules;
    unsigned profiles;
    struct endpoint_payload payload;
    enum endpoint_status status;
    struct str status_reason;
    struct str secret; /* the customer's own; NULL p: none was given */
    bool uses_app_secret;
    /* who made it */
    struct str created_by, origin_kind, origin_id, origin_name;
};

enum endpoint_form {
    ENDPOINT_CREATE,
    ENDPOINT_REPLACE, /* what is absent gets its default, but for name and status */
    ENDPOINT_MERGE    /* what is absent stays */
};

/* Defaults of a new endpoint, without name and URL. */
void endpoint_defaults(struct call *call, struct endpoint_draft *draft);
/* Read the body over the draft; faults are collected in the call. An URL that is refused
 * sets *ret_url_refused. */
void endpoint_form_read(struct call *call, enum endpoint_form form,
                        struct endpoint_draft *draft, bool *ret_url_refused);
/* Of them where to and how alone: url, headers, timeout_ms, signature_profiles, secret, secret_scope. */
void endpoint_form_target(struct call *call, struct form *f, struct endpoint_draft *draft,
                          bool *ret_url_refused);
/* The token of this server's own test inbox when the URL is one, else empty. */
struct str endpoint_inbox(struct call *call, struct str url);
/* The rules for URLs as they are typed. */
struct url_policy endpoint_url_policy(const struct call *call);
/* retry, into the policy (endpoint_retry.c). */
void endpoint_retry_read(struct form *f, struct retry_policy *policy);
void endpoint_retry_write(struct json_out *o, const struct retry_policy *policy);
/* channels, workspaces, campaigns, contact_tags, filter, payload_style, envelope, transform (endpoint_payload.c). */
void endpoint_payload_of(const struct json *config, struct endpoint_payload *ret_payload);
void endpoint_payload_read(struct form *f, enum endpoint_form form,
                           struct endpoint_payload *payload);
/* Some of them alone; each keeps its value when the field is absent. */
void endpoint_filter_read(struct form *f, const struct json **ret);
void endpoint_transform_read(struct form *f, const struct json **ret);
void endpoint_shape_read(struct form *f, enum payload_style *ret_style,
                         enum payload_envelope *ret_envelope);
void endpoint_payload_write(struct json_out *o, const struct endpoint_payload *payload);
void endpoint_payload_members(struct json_out *o, const struct json *config);
/* May it be thin? False: answered. */
bool endpoint_payload_check(struct call *call, const struct endpoint_draft *draft);
/* event_versions (endpoint_versions.c). */
void endpoint_versions_read(struct call *call, struct form *f, struct endpoint_draft *draft);
/* headers (endpoint_headers.c). */
void endpoint_headers_read(struct call *call, struct form *f, struct endpoint_draft *draft);
/* secret, secret_scope (endpoint_secret.c). */
void endpoint_secret_read(struct call *call, struct form *f, enum endpoint_form form,
                          struct endpoint_draft *draft);
void endpoint_secret_write(struct json_out *o, const struct endpoint_draft *draft);
void endpoint_secret_members(struct call *call, struct json_out *o,
                             const struct endpoint *endpoint);
/* Seal the secret (made here when none was given) and the headers of a new endpoint; what is to be shown once
 * is then in call->state. */
NODISCARD int endpoint_secret_new(struct call *call, int64_t no, struct endpoint_draft *draft,
                                  struct buf *ret_sealed);
/* The same for an edit; ret_sealed stays empty when what is sealed stays as it is. */
NODISCARD int endpoint_secret_edit(struct call *call, struct endpoint_draft *draft,
                                   struct buf *ret_sealed);
/* May customers set a header of that name? Pure. */
bool endpoint_header_allowed(struct str name, struct str prefix);
/* May that value be sent as it is? Pure. */
bool endpoint_header_value(struct str value);

NODISCARD int endpoint_config_write(const struct endpoint_draft *draft, struct buf *out);

#endif
