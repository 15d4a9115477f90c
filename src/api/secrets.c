/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.c - rolling, revoking and revealing the signing secret of an endpoint or an app.
 *
 * A roll makes a new secret (or takes the customer's own) and keeps the one of today for a window, in which
 * every delivery carries a signature of both. Two secrets are valid at most: a roll while a window is open
 * ends the older one, so it must be forced.
 */
#include <stdio.h>

#include "api/api_internal.h"
#include "api/audit.h"
#include "api/etag.h"
#include "api/handlers.h"
#include "api/object.h"
#include "api/problem.h"
#include "api/secret_seal.h"
#include "base/assert.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "crypto/sign.h"
#include "engine/notice.h"

enum { OVERLAP_DEFAULT_S = 24 * 3600, OVERLAP_MAX_S = 7 * 24 * 3600 };

/* Whose secret it is. */
struct owner {
    const struct object *object;
    const struct secret_brief *brief;
    unsigned profiles; /* of all that signs with it */
};

struct roll {
    int64_t overlap_s;
    bool force;
    bool platform_previous;
    struct str secret; /* NULL p: make one */
};

/* What the answer says. */
struct rolled {
    struct str secret;
    int64_t previous_expires_at;
    bool warns_platform;
    bool platform_previous;
};

static struct owner owner_of_app(const struct app *app)
{
    struct owner owner = { .object = &app->object, .brief = &app->secret };

    for (size_t i = 0; i < app->endpoint_count; i++) {
        const struct endpoint *e = (const struct endpoint *)(const void *)app->endpoints[i];

        if (e->object.deleted_at == 0 && e->uses_app_secret) {
            owner.profiles |= e->profiles;
        }
    }
    if (owner.profiles == 0) {
        owner.profiles = SIGN_STANDARD;
    }
    return owner;
}

/* False: answered. */
static bool owner_of_endpoint(struct call *call, struct owner *ret_owner)
{
    const struct endpoint *endpoint = call->endpoint;

    if (endpoint->uses_app_secret) {
        problem_detail(call, -E_STATE,
                       "This endpoint signs with the secret of its app: roll that one.");
        return false;
    }
    *ret_owner = (struct owner){ .object = &endpoint->object,
                                 .brief = &endpoint->secret,
                                 .profiles = endpoint->profiles };
    return true;
}

static bool window_is_open(const struct call *call, const struct owner *owner)
{
    return owner->brief->previous_expires_at > call->now;
}

/* --- the form */
static void read_own(struct call *call, struct form *f, const struct owner *owner,
                     struct roll *roll)
{
    struct str secret;
    struct err err;

    if (!form_string(f, "secret", false, SECRET_MIN, SECRET_MAX, &secret)) {
        return;
    }
    if (secret_check(secret, &err) != 0) {
        form_fault(f->faults, form_pointer(f, "secret"), "pattern", "%s", err.text);
    } else if (secret_fits(call, secret, owner->profiles, "secret")) {
        roll->secret = secret;
    }
}

static void read_platform(struct form *f, struct roll *roll)
{
    struct str with;

    if (!form_string(f, "platform_signs_with", false, 1, API_NAME_MAX, &with)) {
        return;
    }
    if (!str_eq_c(with, "new") && !str_eq_c(with, "previous")) {
        form_fault(f->faults, form_pointer(f, "platform_signs_with"), "pattern",
                   "It is new or previous.");
    }
    roll->platform_previous = str_eq_c(with, "previous");
}

/* False: answered. */
static bool read_roll(struct call *call, const struct owner *owner, struct roll *roll)
{
    struct form f;

    *roll = (struct roll){ .overlap_s = OVERLAP_DEFAULT_S, .secret = STR_NONE };
    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_int(&f, "overlap_seconds", false, 0, OVERLAP_MAX_S, &roll->overlap_s);
    (void)form_bool(&f, "force", false, &roll->force);
    read_platform(&f, roll);
    read_own(call, &f, owner, roll);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    if (window_is_open(call, owner) && !roll->force) {
        char until[CLOCK_TEXT_SIZE];

        clock_format(owner->brief->previous_expires_at, until);
        problem_detail(call, -E_SECRET_WINDOW,
                       "The previous secret is valid until %s; with force it ends now.", until);
        return false;
    }
    if (roll->secret.p != NULL &&
        registry_secret_used(call->api->options.registry, call->project, roll->secret)) {
        problem_reply(call, -E_SECRET_REUSED);
        return false;
    }
    return true;
}

/* --- what is stored */
static int read_list(struct call *call, const struct owner *owner, struct secret_list *ret_list,
                     const struct json **ret_headers)
{
    const struct json *plain;
    int rc;

    *ret_headers = NULL;
    if (owner->object->sealed.len == 0) {
        *ret_list = (struct secret_list){ .count = 0 };
        return 0;
    }
    rc = secret_unseal(call, owner->object, &plain);
    if (rc == 0) {
        secret_list_read(plain, call->now, ret_list);
        *ret_headers = json_member(plain, "headers");
    }
    return rc;
}

/* `action` is what the audit log calls it. */
static void save(struct call *call, const struct owner *owner, const struct secret_list *list,
                 const struct json *headers, const char *action,
                 void (*saved)(struct call *call, struct object *object))
{
    struct config_row row = object_row_next(call, owner->object);
    struct buf sealed;
    int rc;

    buf_init(&sealed, SEALED_PLAIN_MAX + BOX_OVERHEAD);
    rc = secret_seal(call, owner->object->kind, owner->object->no, list, headers, &sealed);
    row.sealed = buf_str(&sealed);
    call->audit_action = action;
    if (rc != 0) {
        problem_reply(call, rc);
    } else {
        object_save(call, owner->object->kind, &row, saved);
    }
    buf_done(&sealed);
}

/* --- POST .../roll_secret */
static void put_warning(struct json_out *o, const struct rolled *rolled)
{
    json_out_object(o);
    json_put_c(o, "code", "platform_signs_once");
    json_put_c(o, "detail",
               rolled->platform_previous
                   ? "The profile platform carries one signature: the previous secret signs "
                     "until the window ends, then the new one."
                   : "The profile platform carries one signature: the new secret signs from "
                     "now on, also while the window is open.");
    json_out_object_end(o);
}

static void tell(struct call *call, const struct object *object, const struct rolled *rolled)
{
    char until[CLOCK_TEXT_SIZE];
    struct str detail = STR("The previous one is not valid any more.");

    if (rolled->previous_expires_at != 0) {
        clock_format(rolled->previous_expires_at, until);
        detail = arena_printf(call->arena, "The previous one stays valid until %s.", until);
    }
    notice_raise(
        call->api->options.notices,
        &(struct notice){ .kind = NOTICE_SECRET_ROLLED,
                          .app = call->app,
                          .endpoint = object->kind == CONFIG_APP ? NULL : call->endpoint,
                          .detail = detail,
                          .always = true });
}

static void on_rolled(struct call *call, struct object *object)
{
    const struct rolled *rolled = call->state;
    struct json_out *o;

    tell(call, object, rolled);
    etag_header(call, object);
    o = call_json(call);
    json_out_object(o);
    json_put_str(o, "secret", rolled->secret);
    json_put_time(o, "previous_secret_expires_at", rolled->previous_expires_at);
    json_out_name(o, "warnings");
    json_out_array(o);
    if (rolled->warns_platform) {
        put_warning(o, rolled);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}

/* The new one first; behind it the one of today, while the window is open. */
static struct rolled *make_next(struct call *call, const struct owner *owner,
                                const struct roll *roll, struct secret_list *list)
{
    struct rolled *rolled = arena_alloc(call->arena, sizeof(*rolled));
    struct secret_list next = { .count = 1 };

    rolled->secret =
        roll->secret.p == NULL ? secret_fresh(call) : arena_str(call->arena, roll->secret);
    next.items[0] = (struct secret_item){ .secret = rolled->secret };
    if (list->count > 0 && roll->overlap_s > 0) {
        rolled->previous_expires_at = call->now + roll->overlap_s * 1000;
        rolled->warns_platform = (owner->profiles & SIGN_PLATFORM) != 0;
        rolled->platform_previous = rolled->warns_platform && roll->platform_previous;
        next.items[next.count++] =
            (struct secret_item){ .secret = list->items[0].secret,
                                  .expires_at = rolled->previous_expires_at,
                                  .signs_platform = rolled->platform_previous };
    }
    *list = next;
    return rolled;
}

static void roll(struct call *call, const struct owner *owner)
{
    const struct json *headers;
    struct secret_list list;
    struct roll form;
    int rc;

    if (etag_check(call, owner->object) != 0 || !read_roll(call, owner, &form)) {
        return;
    }
    rc = read_list(call, owner, &list, &headers);
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    call->state = make_next(call, owner, &form, &list);
    save(call, owner, &list, headers, "secret.rolled", on_rolled);
}

void endpoints_roll_secret(struct call *call)
{
    struct owner owner;

    if (owner_of_endpoint(call, &owner)) {
        roll(call, &owner);
    }
}

void apps_roll_secret(struct call *call)
{
    struct owner owner = owner_of_app(call->app);

    roll(call, &owner);
}

/* --- POST .../revoke_previous_secret: the window ends now; without one nothing changes */
static void on_revoked(struct call *call, struct object *object)
{
    call->state = NULL;
    object_reply(call, 200, object,
                 object->kind == CONFIG_APP ? app_members : endpoint_members);
}

static void revoke(struct call *call, const struct owner *owner)
{
    const struct json *headers;
    struct secret_list list;
    int rc;

    if (etag_check(call, owner->object) != 0) {
        return;
    }
    rc = read_list(call, owner, &list, &headers);
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    if (list.count < 2) {
        call->state = NULL;
        object_reply(call, 200, owner->object,
                     owner->object->kind == CONFIG_APP ? app_members : endpoint_members);
        return;
    }
    list.count = 1;
    save(call, owner, &list, headers, "secret.revoked", on_revoked);
}

void endpoints_revoke_previous_secret(struct call *call)
{
    struct owner owner;

    if (owner_of_endpoint(call, &owner)) {
        revoke(call, &owner);
    }
}

void apps_revoke_previous_secret(struct call *call)
{
    struct owner owner = owner_of_app(call->app);

    revoke(call, &owner);
}

/* --- GET .../secret: only where the operator allows it, and only for who proves again who they are */
static bool is_proven(struct call *call)
{
    struct str text = http_header(call->req, "Postern-Reauth");
    const struct api_key *key =
        text.p == NULL ? NULL : registry_key(call->api->options.registry, text, call->now);

    return (key != NULL && key == call->access.key) ||
           access_is_proven(&call->access, call->now);
}

static void reveal(struct call *call, const struct owner *owner)
{
    const struct json *headers;
    struct secret_list list;
    struct json_out *o;
    int rc;

    if (!call->api->options.reveals_secrets) {
        problem_reply(call, -E_SECRET_HIDDEN);
        return;
    }
    if (!is_proven(call)) {
        problem_reply(call, -E_REAUTH);
        return;
    }
    rc = read_list(call, owner, &list, &headers);
    if (rc != 0 || list.count == 0) {
        problem_reply(call, rc != 0 ? rc : -E_NOT_FOUND);
        return;
    }
    audit_note(call->api, audit_of_id(call, "secret.revealed",
                                      owner->object->kind == CONFIG_APP ? ID_APP : ID_ENDPOINT,
                                      &owner->object->id));
    o = call_json(call);
    json_out_object(o);
    json_put_str(o, "secret", list.items[0].secret);
    secret_put_window(call, o, owner->brief);
    json_out_object_end(o);
    call_reply(call, 200);
}

void endpoints_get_secret(struct call *call)
{
    struct owner owner;

    if (owner_of_endpoint(call, &owner)) {
        reveal(call, &owner);
    }
}

void apps_get_secret(struct call *call)
{
    struct owner owner = owner_of_app(call->app);

    reveal(call, &owner);
}
