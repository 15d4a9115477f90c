/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - /api/v1/session: signing in and out, who am I, passwords, and a ticket's exchange.
 *
 * Signing in answers the same, after the same work, whether the account exists or not: an unknown
 * one is compared with the hash of nobody. Tries are counted per account and per address.
 */
#include <stdio.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/audit.h"
#include "api/auth.h"
#include "api/handlers.h"
#include "api/members.h"
#include "api/problem.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/sessions.h"
#include "engine/throttle.h"

/* --- what a session answers */
static void put_scopes(struct json_out *o, unsigned bits)
{
    const char *name;
    unsigned bit;

    json_out_name(o, "scopes");
    json_out_array(o);
    for (unsigned i = 0; (name = scope_name(i, &bit)) != NULL; i++) {
        if ((bits & bit) != 0) {
            json_out_c(o, name);
        }
    }
    json_out_array_end(o);
}

static const char *role_of(const struct access *access)
{
    if (access->kind == ACCESS_MEMBER) {
        return role_name(access->member->role);
    }
    return access->kind != ACCESS_TICKET                 ? NULL
           : access->session->row.role == SESSION_MANAGE ? "manage"
                                                         : "view";
}

/* Members of the object; without its braces. */
static void put_who(struct call *call, struct json_out *o)
{
    const struct access *access = &call->access;
    struct sessions *ss = call->api->options.sessions;
    char id[ID_TEXT_SIZE];
    struct str kind;
    struct str name;

    access_actor(access, id, &kind, &name);
    json_put_str(o, "kind", kind);
    json_put_c(o, "id", id);
    json_put_str(o, "name", name);
    call_put_text(o, "email", access->member == NULL ? STR_NONE : access->member->object.slug);
    json_put_c(o, "role", role_of(access));
    put_scopes(o, access->scopes);
    call_put_id(o, "project_id", ID_PROJECT, &call->project->object.id);
    if (access->app == NULL) {
        json_put_c(o, "app_id", NULL);
    } else {
        call_put_id(o, "app_id", ID_APP, &access->app->object.id);
    }
    call_put_text(o, "origin",
                  access->session == NULL || access->session->row.origin.len == 0
                      ? STR_NONE
                      : access->session->row.origin);
    json_put_time(o, "expires_at",
                  access->session != NULL ? sessions_end(ss, access->session)
                                          : access->key->expires_at);
    json_put_time(o, "ends_at",
                  access->session != NULL ? access->session->row.ends_at
                                          : access->key->expires_at);
}

static void put_csrf(struct call *call, struct json_out *o, struct str token)
{
    char csrf[SESSION_CSRF_SIZE];

    sessions_csrf(call->api->options.sessions, token, csrf);
    json_put_c(o, "csrf_token", csrf);
}

void session_show(struct call *call)
{
    struct json_out *o = call_json(call);

    json_out_object(o);
    put_who(call, o);
    if (call->access.by_cookie) {
        put_csrf(call, o, call->access.token);
    }
    json_out_object_end(o);
    call_reply(call, 200);
}

/* --- opening */
struct opening {
    char token[SESSION_TOKEN_SIZE];
    bool as_bearer;
    const char *next; /* of a ticket */
    struct member *member;
    int64_t version; /* of the member when the password was looked at */
    struct str name; /* of the account, for the throttle */
    struct str password;
    struct ticket ticket;
};

static void on_opened(void *ctx, int result, const struct session *session)
{
    struct call *call = ctx;
    struct opening *s = call->state;
    struct session *copy;
    struct json_out *o;

    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    copy = arena_alloc(call->arena, sizeof(*copy));
    *copy = *session;
    copy->row.origin = str_from(copy->origin);
    call->access = access_of_session(copy);
    call->project = session->project;
    if (!s->as_bearer) {
        auth_set_cookie(call, session->member != NULL ? AUTH_MEMBER : AUTH_PORTAL,
                        str_from(s->token), copy->row.origin.len > 0);
    }
    o = call_json(call);
    json_out_object(o);
    put_who(call, o);
    if (s->as_bearer) {
        json_put_c(o, "token", s->token);
    } else {
        put_csrf(call, o, str_from(s->token));
    }
    if (s->next != NULL) {
        json_put_c(o, "next", s->next[0] == '\0' ? NULL : s->next);
    }
    json_out_object_end(o);
    explicit_bzero(s->token, sizeof(s->token));
    call_reply(call, 200);
}

static void open_session(struct call *call, const struct session_draft *draft)
{
    struct opening *s = call->state;
    int rc = sessions_open(call->api->options.sessions, draft, s->token, on_opened, call);

    if (rc != 0) {
        problem_reply(call, rc);
    }
}

/* By a member: the entry of the log names them, although nobody was known when the call came. */
static struct audit_entry *entry_of_member(struct call *call, const char *action,
                                           const struct member *member)
{
    struct audit_entry *entry = audit_of_id(call, action, ID_MEMBER, &member->object.id);

    entry->project = member->project->object.no;
    entry->actor_kind = STR("member");
    entry->actor_id = entry->target;
    entry->actor_name = arena_str(call->arena, member->name);
    return entry;
}

static void open_member(struct call *call, struct member *member)
{
    struct session_draft draft = { .member = member,
                                   .now = clock_wall_ms(),
                                   .audit = entry_of_member(call, "session.opened", member) };

    open_session(call, &draft);
}

/* --- tries */
static struct str address_name(struct call *call)
{
    const struct ip *ip = &call->req->peer;
    size_t len = ip->is_v6 ? 8 : 4; /* IPv6 by /64 */

    return arena_str(call->arena, (struct str){ (const char *)ip->bytes, len });
}

static struct str account_name(struct call *call, const struct project *project,
                               struct str email)
{
    struct str name =
        arena_printf(call->arena, "%lld:%.*s",
                     project == NULL ? 0LL : (long long)project->object.no, STR_ARG(email));
    char *small = arena_c(call->arena, name);

    for (size_t i = 0; i < name.len; i++) {
        small[i] = small[i] >= 'A' && small[i] <= 'Z' ? (char)(small[i] + 32) : small[i];
    }
    return (struct str){ small, name.len };
}

/* False: answered with 429. `account` may be STR_NONE. */
static bool may_try(struct call *call, struct str account)
{
    struct api *api = call->api;
    int64_t wait_ms = throttle_take(&api->addresses, address_name(call), call->now);

    if (wait_ms == 0 && account.p != NULL) {
        wait_ms = throttle_take(&api->accounts, account, call->now);
    }
    if (wait_ms == 0) {
        return true;
    }
    call_header(call, "Retry-After", "%lld", (long long)(wait_ms + 999) / 1000);
    problem_detail(call, -E_RATE_LIMITED, "Too many tries to sign in; wait for Retry-After.");
    return false;
}

/* --- signing in */
static void on_compared(struct call *call, struct member_hash *hash)
{
    struct opening *s = call->state;

    if (!hash->job.fits || s->member == NULL || s->member->object.deleted_at != 0 ||
        s->member->object.version != s->version) {
        if (s->member != NULL) {
            struct audit_entry *entry = entry_of_member(call, "session.refused", s->member);

            entry->actor_kind = STR("system"); /* whoever it was, it was not proven */
            entry->actor_id = STR("");
            entry->actor_name = STR("");
            audit_note(call->api, entry);
        }
        problem_reply(call, -E_SIGN_IN);
        return;
    }
    throttle_forget(&call->api->accounts, s->name);
    open_member(call, s->member);
}

static struct project *named_project(struct call *call, struct str text)
{
    const struct registry *registry = call->api->options.registry;
    struct object *o;
    struct id id;

    if (text.p == NULL) {
        return registry_default_project(registry);
    }
    if (id_parse(ID_PROJECT, text, &id) == 0) {
        return registry_project(registry, &id);
    }
    for (size_t i = 0; (o = registry_at(registry, CONFIG_PROJECT, i)) != NULL; i++) {
        if (o->deleted_at == 0 && str_eq(o->slug, text)) {
            return (struct project *)(void *)o;
        }
    }
    return NULL;
}

static bool read_sign_in(struct call *call, struct opening *s)
{
    const struct registry *registry = call->api->options.registry;
    struct project *project;
    struct str email = STR_NONE;
    struct str text = STR_NONE;
    struct form f;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_string(&f, "email", true, 1, MEMBER_EMAIL_MAX, &email);
    (void)form_string(&f, "password", true, 1, PASSWORD_MAX, &s->password);
    (void)form_string(&f, "project", false, 1, API_NAME_MAX, &text);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    project = named_project(call, text);
    s->member = project == NULL ? NULL : registry_member_of(registry, project, email);
    s->name = account_name(call, project, email);
    return true;
}

void session_sign_in(struct call *call)
{
    struct opening *s = arena_alloc(call->arena, sizeof(*s));
    struct member_secrets secrets = { .invite_expires_at = 0 };
    int rc = 0;

    call->state = s;
    if (!read_sign_in(call, s) || !may_try(call, s->name)) {
        return;
    }
    if (s->member != NULL) {
        s->version = s->member->object.version;
        rc = member_unseal(call, s->member, &secrets);
    }
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    member_hash(call, s->password, secrets.password, on_compared);
    explicit_bzero(&secrets, sizeof(secrets));
}

/* --- signing out */
static void on_closed(void *ctx, int result)
{
    struct call *call = ctx;

    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    if (call->access.by_cookie) {
        auth_set_cookie(call, call->access.kind == ACCESS_MEMBER ? AUTH_MEMBER : AUTH_PORTAL,
                        STR(""), call->access.session->row.origin.len > 0);
    }
    call_reply_bytes(call, 204, NULL, STR_NONE);
}

void session_sign_out(struct call *call)
{
    int rc;

    if (call->access.session == NULL) {
        problem_detail(call, -E_STATE, "A key has no session; revoke it instead.");
        return;
    }
    rc = sessions_close(call->api->options.sessions, call->access.session,
                        audit_of(call, "session.closed", STR_NONE), on_closed, call);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

/* --- the password again */
static bool is_member(struct call *call)
{
    if (call->access.kind == ACCESS_MEMBER) {
        return true;
    }
    problem_detail(call, -E_FORBIDDEN, "Only a member who is signed in has a password.");
    return false;
}

/* Compare `password` with the caller's own. */
static void prove(struct call *call, struct opening *s,
                  void (*done)(struct call *call, struct member_hash *hash))
{
    struct member_secrets secrets;
    int rc;

    s->member = call->access.member;
    s->name = account_name(call, call->project, s->member->object.slug);
    if (!may_try(call, s->name)) {
        return;
    }
    rc = member_unseal(call, s->member, &secrets);
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    member_hash(call, s->password, secrets.password, done);
    explicit_bzero(&secrets, sizeof(secrets));
}

static void on_proven(struct call *call, struct member_hash *hash)
{
    struct opening *s = call->state;
    struct session *session;

    session = sessions_find(call->api->options.sessions, call->access.token, call->now);
    if (!hash->job.fits || session == NULL) {
        problem_reply(call, -E_SIGN_IN);
        return;
    }
    throttle_forget(&call->api->accounts, s->name);
    session->proven_at = clock_wall_ms();
    call_reply_bytes(call, 204, NULL, STR_NONE);
}

void session_reauth(struct call *call)
{
    struct opening *s = arena_alloc(call->arena, sizeof(*s));
    struct form f;

    call->state = s;
    if (!is_member(call)) {
        return;
    }
    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_string(&f, "password", true, 1, PASSWORD_MAX, &s->password);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    prove(call, s, on_proven);
}

/* --- a new password: every older session ends, a new one begins */
static void on_password_saved(struct call *call, struct object *object)
{
    struct opening *s = call->state;

    ASSERT(object == &s->member->object);
    open_member(call, s->member);
}

static void on_new_hash(struct call *call, struct member_hash *hash)
{
    struct opening *s = call->state;
    struct member_draft draft;
    int rc = s->member->object.deleted_at != 0 ? -E_NOT_FOUND
                                               : member_draft_of(call, s->member, &draft);

    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    draft.valid_from = clock_wall_ms();
    draft.secrets.invite[0] = '\0';
    memcpy(draft.secrets.password, hash->job.hash, sizeof(draft.secrets.password));
    member_save(call, s->member, &draft, on_password_saved);
}

static void on_old_fits(struct call *call, struct member_hash *hash)
{
    struct opening *s = call->state;
    const struct json *v = json_member(call->body, "new_password");

    if (!hash->job.fits) {
        problem_reply(call, -E_SIGN_IN);
        return;
    }
    throttle_forget(&call->api->accounts, s->name);
    member_hash(call, json_string(v), NULL, on_new_hash);
}

void session_password(struct call *call)
{
    struct opening *s = arena_alloc(call->arena, sizeof(*s));
    struct str fresh;
    struct form f;

    call->state = s;
    if (!is_member(call)) {
        return;
    }
    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_string(&f, "password", true, 1, PASSWORD_MAX, &s->password);
    (void)member_password_field(&f, "new_password", &fresh);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    prove(call, s, on_old_fits);
}

/* --- by invitation */
void session_invite(struct call *call)
{
    struct opening *s = arena_alloc(call->arena, sizeof(*s));
    struct str token = STR_NONE;
    struct form f;

    call->state = s;
    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_string(&f, "token", true, 1, API_NAME_MAX, &token);
    (void)member_password_field(&f, "password", &s->password);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    if (!may_try(call, STR_NONE)) {
        return;
    }
    s->member = member_of_invite(call, token);
    if (s->member == NULL) {
        problem_reply(call, -E_TICKET);
        return;
    }
    call->project = s->member->project;
    call->access = (struct access){ .kind = ACCESS_MEMBER, .member = s->member };
    member_hash(call, s->password, NULL, on_new_hash);
}

/* --- a ticket becomes a session */
void session_exchange(struct call *call)
{
    struct opening *s = arena_alloc(call->arena, sizeof(*s));
    struct str token = STR_NONE;
    struct str transport = STR("cookie");
    struct session_draft draft;
    struct audit_entry *entry;
    struct form f;

    call->state = s;
    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_string(&f, "ticket", true, 1, API_NAME_MAX, &token);
    if (form_string(&f, "transport", false, 1, API_NAME_MAX, &transport) &&
        !str_eq_c(transport, "cookie") && !str_eq_c(transport, "bearer")) {
        form_fault(&call->faults, form_pointer(&f, "transport"), "pattern",
                   "transport is cookie or bearer.");
    }
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    if (!sessions_take(call->api->options.sessions, token, call->now, &s->ticket)) {
        LOG_I("a ticket was refused", "req=%.*s", STR_ARG(call->req->id));
        problem_reply(call, -E_TICKET);
        return;
    }
    s->as_bearer = str_eq_c(transport, "bearer");
    s->next = s->ticket.next;
    entry = audit_of_id(call, "ticket.exchanged", ID_TICKET, &s->ticket.id);
    entry->project = s->ticket.project->object.no;
    entry->app = s->ticket.app->object.no;
    entry->actor_kind = STR("ticket");
    entry->actor_id = entry->target;
    draft = (struct session_draft){ .ticket = &s->ticket, .now = call->now, .audit = entry };
    open_session(call, &draft);
}
