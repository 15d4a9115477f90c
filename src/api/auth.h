/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - who asks: `Authorization: Bearer` with a key or a session's token, or a session's
 * cookie; and may they do this?
 *
 * A cookie is sent by the browser whoever made the request, so a change by cookie needs the
 * session's CSRF token in Postern-CSRF and, where the browser says where the request comes from
 * (Sec-Fetch-Site, Origin), this very origin.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct call;

enum auth_cookie { AUTH_MEMBER, AUTH_PORTAL, AUTH_COOKIES };

/* Fill call->access and call->project; who may not is refused. On failure the call is answered
 * (401 with WWW-Authenticate, 403). A route of scope 0: anyone may. */
NODISCARD int auth_check(struct call *call);
/* The key of a Bearer credential, STR_NONE when it is another scheme or malformed. Pure. */
struct str auth_bearer(struct str header);
/* The value of that cookie in a Cookie header; STR_NONE when absent. Pure. */
struct str auth_cookie(struct str header, const char *name);
/* May a page of this origin change something here? `site` is Sec-Fetch-Site, `origin` Origin,
 * either may be STR_NONE. Pure. */
bool auth_same_origin(struct str site, struct str origin, struct str host);

/* Set the session's cookie, or take it away with STR_NONE. With `framed` it is sent in a frame of
 * another site too. */
void auth_set_cookie(struct call *call, enum auth_cookie which, struct str token, bool framed);

#endif
