/* SPDX-License-Identifier: Apache-2.0 */
/* members.c - people of a project: /api/v1/members. A new one gets an invitation, or a password
 * from who makes them. */
#include "api/members.h"

#include <stdio.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/etag.h"
#include "api/handlers.h"
#include "api/object.h"
#include "api/page.h"
#include "api/problem.h"
#include "base/assert.h"
#include "engine/engine.h"

struct member_state {
    struct member_draft draft;
    struct str password; /* empty: an invitation */
    char invite[INVITE_TOKEN_SIZE];
};

/* --- answers */
static void put_when(struct json_out *o, const char *name, const struct json *config,
                     const char *member)
{
    const struct json *v = config == NULL ? NULL : json_member(config, member);
    int64_t at = 0;

    json_put_time(o, name, v != NULL && json_int(v, 0, INT64_MAX, &at) == 0 ? at : 0);
}

void member_members(struct call *call, struct json_out *o, const struct object *object,
                    const struct json *config)
{
    const struct member *member = (const struct member *)(const void *)object;
    const struct json *has = config == NULL ? NULL : json_member(config, "has_password");

    (void)call;
    ASSERT(object->kind == CONFIG_MEMBER);
    call_put_id(o, "id", ID_MEMBER, &object->id);
    json_put_str(o, "email", object->slug);
    json_put_str(o, "name", member->name);
    json_put_c(o, "role", role_name(member->role));
    json_put_bool(o, "has_password", has != NULL && json_bool(has));
    put_when(o, "invited_until", config, "invite_expires_at");
}

static void write_row(struct call *call, struct json_out *o, const struct object *object)
{
    object_write(call, o, object, member_members);
}

/* With the invitation, which is shown this once. */
static void created_members(struct call *call, struct json_out *o, const struct object *object,
                            const struct json *config)
{
    const struct member_state *s = call->state;

    member_members(call, o, object, config);
    json_out_name(o, "invite");
    if (s->invite[0] == '\0') {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    json_put_c(o, "token", s->invite);
    json_put_str(o, "url",
                 arena_printf(call->arena, "%.*s/sign-in#invite=%s",
                              STR_ARG(call->api->options.own_url), s->invite));
    json_put_time(o, "expires_at", s->draft.secrets.invite_expires_at);
    json_out_object_end(o);
}

static void on_created(struct call *call, struct object *object)
{
    object_reply(call, call->named_member == NULL ? 201 : 200, object, created_members);
}

static void on_patched(struct call *call, struct object *object)
{
    object_reply(call, 200, object, member_members);
}

/* --- lists */
static size_t project_members(struct call *call, struct object ***ret_members)
{
    const struct registry *registry = call->api->options.registry;
    size_t total = 0;
    size_t count = 0;
    struct object **members;

    while (registry_at(registry, CONFIG_MEMBER, total) != NULL) {
        total++;
    }
    members = arena_alloc(call->arena, (total + 1) * sizeof(*members));
    for (size_t i = 0; i < total; i++) {
        struct object *o = registry_at(registry, CONFIG_MEMBER, i);

        if (o->deleted_at == 0 && ((struct member *)(void *)o)->project == call->project) {
            members[count++] = o;
        }
    }
    *ret_members = members;
    return count;
}

void members_list(struct call *call)
{
    struct object **members;
    struct page page;
    size_t count;

    if (page_read(call, PAGE_MEMBERS, &page) != 0) {
        return;
    }
    count = project_members(call, &members);
    page_objects(call, &page, members, count, write_row);
}

void members_get(struct call *call)
{
    object_get(call, &call->named_member->object, member_members);
}

/* --- who may make whom what */
static bool is_owner(const struct call *call)
{
    return call->access.kind == ACCESS_KEY ||
           (call->access.kind == ACCESS_MEMBER && call->access.member->role == ROLE_OWNER);
}

/* Owners are made, changed and removed by owners. False: answered. */
static bool may(struct call *call, enum role before, enum role after)
{
    if ((before != ROLE_OWNER && after != ROLE_OWNER) || is_owner(call)) {
        return true;
    }
    problem_detail(call, -E_FORBIDDEN, "Only an owner makes, changes or removes an owner.");
    return false;
}

/* False: answered. */
static bool keeps_an_owner(struct call *call, enum role after)
{
    struct object **members;
    size_t count = project_members(call, &members);
    size_t owners = 0;

    if (call->named_member->role != ROLE_OWNER || after == ROLE_OWNER) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        owners += ((const struct member *)(const void *)members[i])->role == ROLE_OWNER ? 1 : 0;
    }
    if (owners > 1) {
        return true;
    }
    problem_detail(call, -E_STATE, "This is the last owner; make another one first.");
    return false;
}

/* --- the form */
static void read_role(struct form *f, bool required, enum role *ret_role)
{
    struct str text;

    if (form_string(f, "role", required, 1, API_NAME_MAX, &text)) {
        enum role role = role_of_name(text);

        if (role == ROLE_NONE) {
            form_fault(f->faults, form_pointer(f, "role"), "pattern",
                       "A role is owner, admin, developer or viewer.");
        } else {
            *ret_role = role;
        }
    }
}

/* One `@` with something on both sides, no blank or control character; small letters. */
static void read_email(struct call *call, struct form *f, struct str *ret_email)
{
    struct str text;
    size_t at;
    bool is_good;
    char *small;

    if (!form_string(f, "email", true, 3, MEMBER_EMAIL_MAX, &text)) {
        return;
    }
    at = str_find(text, '@');
    is_good = at > 0 && at + 1 < text.len &&
              str_find(str_sub(text, at + 1, text.len - at - 1), '@') == text.len - at - 1;
    small = arena_c(call->arena, text);
    for (size_t i = 0; i < text.len; i++) {
        is_good = is_good && (unsigned char)text.p[i] > ' ' && text.p[i] != '\x7f';
        small[i] = small[i] >= 'A' && small[i] <= 'Z' ? (char)(small[i] + 32) : small[i];
    }
    if (!is_good) {
        form_fault(f->faults, form_pointer(f, "email"), "pattern",
                   "This is no e-mail address.");
        return;
    }
    *ret_email = (struct str){ small, text.len };
}

/* --- making */
static void create_save(struct call *call)
{
    struct member_state *s = call->state;

    if (registry_member_of(call->api->options.registry, call->project, s->draft.email) !=
        NULL) {
        problem_detail(call, -E_CONFLICT, "There is a member with this address.");
        return;
    }
    member_save(call, NULL, &s->draft, on_created);
}

static void on_password(struct call *call, struct member_hash *hash)
{
    struct member_state *s = call->state;

    memcpy(s->draft.secrets.password, hash->job.hash, sizeof(s->draft.secrets.password));
    create_save(call);
}

static bool read_create(struct call *call, struct member_state *s)
{
    struct form f;

    s->draft.role = ROLE_DEVELOPER;
    form_begin(&f, call->body, STR_NONE, &call->faults);
    read_email(call, &f, &s->draft.email);
    s->draft.name = s->draft.email;
    (void)form_string(&f, "name", false, 1, API_NAME_MAX, &s->draft.name);
    read_role(&f, true, &s->draft.role);
    if (form_has(&f, "password")) {
        (void)member_password_field(&f, "password", &s->password);
    }
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    return true;
}

void members_create(struct call *call)
{
    struct member_state *s = arena_alloc(call->arena, sizeof(*s));
    struct object **members;

    s->draft.id = engine_make_id(call->api->options.engine);
    call->state = s;
    call->named_member = NULL;
    if (!read_create(call, s) || !may(call, ROLE_NONE, s->draft.role)) {
        return;
    }
    if (project_members(call, &members) >= MEMBERS_MAX) {
        problem_detail(call, -E_LIMIT, "A project has at most %d members.", (int)MEMBERS_MAX);
        return;
    }
    if (s->password.len > 0) {
        member_hash(call, s->password, NULL, on_password);
        return;
    }
    member_invite(call, &s->draft.id, &s->draft.secrets, s->invite);
    create_save(call);
}

/* --- changing */
void members_patch(struct call *call)
{
    struct member_state *s = arena_alloc(call->arena, sizeof(*s));
    const struct member *member = call->named_member;
    enum role role = member->role;
    struct form f;
    int rc;

    call->state = s;
    if (etag_check(call, &member->object) != 0) {
        return;
    }
    rc = member_draft_of(call, member, &s->draft);
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    form_begin(&f, call->body, STR_NONE, &call->faults);
    object_field_name(&f, false, &s->draft.name);
    read_role(&f, false, &role);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    if (!may(call, member->role, role) || !keeps_an_owner(call, role)) {
        return;
    }
    if (role != member->role) {
        s->draft.role = role;
        s->draft.valid_from = call->now; /* a new role begins with a new session */
    }
    member_save(call, member, &s->draft, on_patched);
}

void members_delete(struct call *call)
{
    if (may(call, call->named_member->role, ROLE_NONE) && keeps_an_owner(call, ROLE_NONE)) {
        object_delete(call, &call->named_member->object);
    }
}

/* A new invitation: also for who forgot the password. The old one holds until it is used. */
void members_invite(struct call *call)
{
    struct member_state *s = arena_alloc(call->arena, sizeof(*s));
    const struct member *member = call->named_member;
    int rc;

    call->state = s;
    if (!may(call, member->role, ROLE_NONE)) {
        return;
    }
    rc = member_draft_of(call, member, &s->draft);
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    member_invite(call, &member->object.id, &s->draft.secrets, s->invite);
    member_save(call, member, &s->draft, on_created);
}
