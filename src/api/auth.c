/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - who asks, and may that key do this? The look-up is in memory: keys are known by
 * their keyed hash. */
#include "api/auth.h"

#include "api/api_internal.h"
#include "api/problem.h"
#include "base/assert.h"
#include "crypto/api_key.h"

struct str auth_bearer(struct str header)
{
    size_t blank = str_find(header, ' ');
    struct str key;

    if (blank == header.len || !str_eq_nocase(str_sub(header, 0, blank), STR("bearer"))) {
        return STR_NONE;
    }
    key = str_trim(str_sub(header, blank, header.len - blank));
    return key.len == 0 || str_find(key, ' ') < key.len ? STR_NONE : key;
}

static int refuse(struct call *call, const char *challenge, int code)
{
    call_header(call, "WWW-Authenticate", "%s", challenge);
    problem_reply(call, code);
    return code;
}

int auth_check(struct call *call, unsigned scope)
{
    struct str header = http_header(call->req, "Authorization");
    struct str text = auth_bearer(header);
    struct api_key *key;

    if (scope == 0) {
        return 0;
    }
    if (header.p == NULL) {
        return refuse(call, "Bearer realm=\"postern\"", -E_UNAUTHORIZED);
    }
    key = text.p != NULL && api_key_valid(text)
              ? registry_key(call->api->options.registry, text, call->now)
              : NULL;
    if (key == NULL) {
        return refuse(call, "Bearer realm=\"postern\", error=\"invalid_token\"",
                      -E_UNAUTHORIZED);
    }
    ASSERT(key->project != NULL);
    key->last_used_at = call->now;
    call->key = key;
    call->project = key->project;
    if ((key->scopes & scope) == 0) {
        return refuse(call, "Bearer realm=\"postern\", error=\"insufficient_scope\"",
                      -E_FORBIDDEN);
    }
    return 0;
}
