/* SPDX-License-Identifier: Apache-2.0 */
/* secret_seal.h - opening and sealing what an endpoint or an app keeps sealed, for the files that edit it. */
#ifndef API_SECRET_SEAL_H
#define API_SECRET_SEAL_H

#include <stdbool.h>

#include "api/call.h"
#include "engine/secrets.h"

enum { SEALED_PLAIN_MAX = 64 * 1024 };

/* The plain document, kept by the call; its bytes are wiped with the call. One at a time. */
NODISCARD int secret_unseal(struct call *call, const struct object *object,
                            const struct json **ret_plain);
/* {"secrets":[...],"headers":{...}}; an app has no headers. */
NODISCARD int secret_seal(struct call *call, enum config_kind kind, int64_t no,
                          const struct secret_list *secrets, const struct json *headers,
                          struct buf *ret_sealed);
/* A fresh secret in the arena. */
struct str secret_fresh(struct call *call);
/* Can these profiles sign with it? Else a fault at `name`, and false. */
bool secret_fits(struct call *call, struct str secret, unsigned profiles, const char *name);
/* Has one of them ended, so that what is sealed should be sealed anew? */
bool secret_is_stale(const struct call *call, const struct secret_brief *brief);
/* previous_secret_expires_at while the window is open, else null. */
void secret_put_window(const struct call *call, struct json_out *o,
                       const struct secret_brief *brief);

#endif
