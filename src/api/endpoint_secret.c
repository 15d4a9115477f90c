/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint_secret.c - which secret an endpoint signs with: its own, made here or brought along, or that of
 * its app. Rolling it is secrets.c.
 */
#include "api/api_internal.h"
#include "api/endpoint_form.h"
#include "api/object.h"
#include "api/secret_seal.h"
#include "base/assert.h"
#include "crypto/sign.h"

static const char scope_endpoint[] = "endpoint";
static const char scope_app[] = "app";

/* --- the form */
static void read_secret(struct form *f, enum endpoint_form form, struct str *ret)
{
    struct str secret;
    struct err err;

    if (form != ENDPOINT_CREATE) {
        if (form_value(f, "secret") != NULL) {
            form_fault(f->faults, form_pointer(f, "secret"), "read_only",
                       "The secret is set when the endpoint is made; roll it for another.");
        }
        return;
    }
    if (!form_string(f, "secret", false, SECRET_MIN, SECRET_MAX, &secret)) {
        return;
    }
    if (secret_check(secret, &err) != 0) {
        form_fault(f->faults, form_pointer(f, "secret"), "pattern", "%s", err.text);
        return;
    }
    *ret = secret;
}

static void read_scope(struct call *call, struct form *f, struct endpoint_draft *draft)
{
    struct str scope;

    if (!form_string(f, "secret_scope", false, 1, API_NAME_MAX, &scope)) {
        return;
    }
    if (!str_eq_c(scope, scope_endpoint) && !str_eq_c(scope, scope_app)) {
        form_fault(f->faults, form_pointer(f, "secret_scope"), "pattern",
                   "A scope is endpoint or app.");
        return;
    }
    draft->uses_app_secret = str_eq_c(scope, scope_app);
    if (draft->uses_app_secret && !call->app->secret.is_set) {
        form_fault(f->faults, form_pointer(f, "secret_scope"), "no_secret",
                   "This app has no secret yet; make one with POST .../roll_secret.");
    }
}

/* The secret that is there must suit what the edit makes of the profiles. */
static void check_present(struct call *call, const struct endpoint_draft *draft)
{
    const struct object *owner =
        draft->uses_app_secret ? &call->app->object : &call->endpoint->object;
    const struct json *plain;
    struct secret_list list;

    if (owner->sealed.len == 0 || secret_unseal(call, owner, &plain) != 0) {
        return;
    }
    secret_list_read(plain, call->now, &list);
    if (list.count > 0) {
        (void)secret_fits(call, list.items[0].secret, draft->profiles, "signature_profiles");
    }
}

void endpoint_secret_read(struct call *call, struct form *f, enum endpoint_form form,
                          struct endpoint_draft *draft)
{
    read_secret(f, form, &draft->secret);
    read_scope(call, f, draft);
    if (draft->secret.p == NULL) {
        bool is_same = form != ENDPOINT_CREATE && draft->profiles == call->endpoint->profiles &&
                       draft->uses_app_secret == call->endpoint->uses_app_secret;

        if (!is_same && (form != ENDPOINT_CREATE || draft->uses_app_secret)) {
            check_present(call, draft);
        }
        return;
    }
    if (draft->uses_app_secret) {
        form_fault(f->faults, form_pointer(f, "secret"), "conflict",
                   "With secret_scope app there is no secret of its own.");
    } else {
        (void)secret_fits(call, draft->secret, draft->profiles, "secret");
    }
}

void endpoint_secret_write(struct json_out *o, const struct endpoint_draft *draft)
{
    if (draft->uses_app_secret) {
        json_put_c(o, "secret_scope", scope_app);
    }
}

/* --- showing */
void endpoint_secret_members(struct call *call, struct json_out *o,
                             const struct endpoint *endpoint)
{
    const struct secret_brief *brief = registry_secret(endpoint);

    json_put_c(o, "secret_scope", endpoint->uses_app_secret ? scope_app : scope_endpoint);
    json_put_c(o, "secret_hint", brief->is_set ? brief->hint : NULL);
    secret_put_window(call, o, brief);
    if (call->state != NULL) {
        json_put_str(o, "secret", *(const struct str *)call->state);
    }
}

/* --- sealing */
static void show_once(struct call *call, struct str secret)
{
    struct str *shown = arena_alloc(call->arena, sizeof(*shown));

    *shown = secret;
    call->state = shown;
}

int endpoint_secret_new(struct call *call, int64_t no, struct endpoint_draft *draft,
                        struct buf *ret_sealed)
{
    struct secret_list list = { .count = 0 };

    call->state = NULL;
    if (!draft->uses_app_secret) {
        struct str secret = draft->secret.p == NULL ? secret_fresh(call)
                                                    : arena_str(call->arena, draft->secret);

        list.items[list.count++] = (struct secret_item){ .secret = secret };
        show_once(call, secret);
    }
    return secret_seal(call, CONFIG_ENDPOINT, no, &list, draft->headers, ret_sealed);
}

int endpoint_secret_edit(struct call *call, struct endpoint_draft *draft,
                         struct buf *ret_sealed)
{
    const struct endpoint *endpoint = call->endpoint;
    const struct json *plain;
    struct secret_list list;
    int rc;

    call->state = NULL;
    if (!draft->has_headers && draft->uses_app_secret == endpoint->uses_app_secret &&
        !secret_is_stale(call, &endpoint->secret)) {
        return 0;
    }
    rc = secret_unseal(call, &endpoint->object, &plain);
    if (rc != 0) {
        return rc;
    }
    secret_list_read(plain, call->now, &list);
    if (draft->uses_app_secret) {
        list.count = 0;
    } else if (list.count == 0) {
        list.items[list.count++] = (struct secret_item){ .secret = secret_fresh(call) };
        show_once(call, list.items[0].secret);
    }
    return secret_seal(call, CONFIG_ENDPOINT, endpoint->object.no, &list,
                       draft->has_headers ? draft->headers : json_member(plain, "headers"),
                       ret_sealed);
}
