/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - who asks: `Authorization: Bearer <key>`, and may that key do this? */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "base/err.h"
#include "base/str.h"

struct call;

/* Fill call->key and call->project; a key without one of the scopes is refused. On failure
 * the call is answered (401 with WWW-Authenticate, 403). Scope 0: anyone may. */
NODISCARD int auth_check(struct call *call, unsigned scope);
/* The key of a Bearer credential, STR_NONE when it is another scheme or malformed. Pure. */
struct str auth_bearer(struct str header);

#endif
