/* SPDX-License-Identifier: Apache-2.0 */
/* secret_seal.c - opening and sealing what an endpoint or an app keeps sealed. */
#include "api/secret_seal.h"

#include <string.h>

#include "api/api_internal.h"
#include "api/object.h"
#include "base/assert.h"
#include "crypto/sign.h"

int secret_unseal(struct call *call, const struct object *object, const struct json **ret_plain)
{
    struct json_doc *doc;
    int rc;

    explicit_bzero(call->secret.p, call->secret.len);
    buf_done(&call->secret);
    buf_init(&call->secret, SEALED_PLAIN_MAX);
    rc = registry_unseal(call->api->options.registry, object, &call->secret);
    if (rc == 0) {
        rc = json_parse(buf_str(&call->secret), JSON_DEPTH_MAX, &doc, NULL);
    }
    if (rc == 0) {
        call_keep(call, doc);
        *ret_plain = json_root(doc);
    }
    return rc;
}

int secret_seal(struct call *call, enum config_kind kind, int64_t no,
                const struct secret_list *secrets, const struct json *headers,
                struct buf *ret_sealed)
{
    struct buf plain;
    struct json_out o;
    int rc;

    buf_init(&plain, SEALED_PLAIN_MAX);
    json_out_begin(&o, &plain);
    json_out_object(&o);
    json_out_name(&o, "secrets");
    secret_list_write(&o, secrets);
    if (kind == CONFIG_ENDPOINT) {
        object_put_map(&o, "headers", headers);
    }
    json_out_object_end(&o);
    rc = json_out_end(&o);
    if (rc == 0) {
        rc = registry_seal(call->api->options.registry, kind, no, buf_str(&plain), ret_sealed);
    }
    explicit_bzero(plain.p, plain.len);
    buf_done(&plain);
    return rc;
}

struct str secret_fresh(struct call *call)
{
    char text[SECRET_TEXT_SIZE];
    struct str secret;

    secret_make(text);
    secret = arena_str(call->arena, str_from(text));
    explicit_bzero(text, sizeof(text));
    return secret;
}

bool secret_fits(struct call *call, struct str secret, unsigned profiles, const char *name)
{
    struct signer *signer;
    struct err err;
    int rc;

    ASSERT(profiles != 0);
    rc = signer_new(profiles, &secret, 1, call->api->options.header_prefix, &signer, &err);
    if (rc == 0) {
        signer_free(signer);
        return true;
    }
    form_fault(&call->faults, arena_printf(call->arena, "/%s", name), "pattern", "%s",
               err.text);
    return false;
}

bool secret_is_stale(const struct call *call, const struct secret_brief *brief)
{
    return brief->has_ended ||
           (brief->previous_expires_at != 0 && brief->previous_expires_at <= call->now);
}

void secret_put_window(const struct call *call, struct json_out *o,
                       const struct secret_brief *brief)
{
    json_put_time(o, "previous_secret_expires_at",
                  brief->previous_expires_at > call->now ? brief->previous_expires_at : 0);
}
