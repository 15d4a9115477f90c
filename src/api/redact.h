/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact.h - what of payloads who asks may see.
 *
 * Members who only look (viewer) see none: bodies and data are null. For everybody else but owners,
 * admins and admin keys, the rules of the project and of the app hold: `redact` {"headers": [names],
 * "paths": [JSON pointers from the root of a body, * for any name or item]}. What they name reads
 * "[redacted]". Headers that carry credentials (REDACT_ALWAYS) are among the rules without being
 * named. A body that is not JSON has no paths: it is shown as it is.
 */
#ifndef API_REDACT_H
#define API_REDACT_H

#include "api/call.h"

struct delivery_read;

enum {
    REDACT_RULES_MAX = 50,    /* headers, and again paths, of a project or an app */
    REDACT_SEGMENTS_MAX = 16, /* names of one path */
    REDACT_TEXT_MAX = 256
};

/* The rules that hold for this call; app may be NULL. */
struct redact {
    bool hides;
    bool is_on;
    struct str headers[2 * REDACT_RULES_MAX];
    size_t header_count;
    struct str paths[2 * REDACT_RULES_MAX];
    size_t path_count;
};
void redact_begin(struct call *call, const struct app *app, struct redact *ret);
/* In the call's arena; NULL p: hidden. */
struct str redact_body(struct call *call, const struct redact *r, struct str body);
struct str redact_headers(struct call *call, const struct redact *r, struct str lines);
/* All of a delivery that was read. */
void redact_delivery(struct call *call, struct delivery_read *delivery);
/* "shown", "redacted" or "hidden": the member `payload` of an answer. */
void redact_put(struct call *call, struct json_out *o);

/* The member `redact` of a project or an app: of a form (null takes it away), of an answer, of a
 * stored document. */
void redact_read(struct form *f, const struct json **ret_rules);
void redact_write(struct json_out *o, const struct json *rules);

#endif
