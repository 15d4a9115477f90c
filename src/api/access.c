/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - the one decision: this route, for who asks. */
#include "api/access.h"

#include "api/routes.h"
#include "base/assert.h"
#include "engine/sessions.h"

struct access access_of_key(struct api_key *key, struct app *app)
{
    return (struct access){ .kind = ACCESS_KEY, .scopes = key->scopes, .app = app, .key = key };
}

struct access access_of_session(const struct session *session)
{
    if (session->member != NULL) {
        return (struct access){ .kind = ACCESS_MEMBER,
                                .scopes = role_scopes(session->member->role),
                                .member = session->member,
                                .session = session };
    }
    ASSERT(session->app != NULL);
    return (struct access){ .kind = ACCESS_TICKET,
                            .scopes = session->row.role == SESSION_MANAGE
                                          ? SCOPE_READ | SCOPE_MANAGE | SCOPE_SELF
                                          : SCOPE_READ | SCOPE_SELF,
                            .app = session->app,
                            .session = session };
}

int access_decide(const struct access *access, const struct route *route)
{
    if (route->scope == 0) {
        return 0;
    }
    if ((access->scopes & route->scope) == 0) {
        return -E_FORBIDDEN;
    }
    if ((route->flags & ROUTE_PAYLOAD) != 0 && access_hides_payloads(access)) {
        return -E_FORBIDDEN;
    }
    if (access->app != NULL && route->scope != SCOPE_SELF &&
        ((route->flags & ROUTE_OPERATOR) != 0 ||
         ((route->flags & ROUTE_SHARED) == 0 && !route_is_of_app(route)))) {
        return -E_FORBIDDEN;
    }
    return 0;
}

bool access_lives(const struct access *access, const struct sessions *sessions, int64_t now)
{
    const struct api_key *key = access->key;

    if (access->kind == ACCESS_KEY) {
        return key->object.deleted_at == 0 && (key->expires_at == 0 || key->expires_at > now);
    }
    return access->session != NULL && sessions_live(sessions, access->session, now);
}

bool access_hides_payloads(const struct access *access)
{
    return access->kind == ACCESS_MEMBER && access->member->role == ROLE_VIEWER;
}

bool access_redacts(const struct access *access)
{
    return (access->scopes & SCOPE_ADMIN) == 0;
}

bool access_is_proven(const struct access *access, int64_t now)
{
    return access->kind == ACCESS_MEMBER && access->session->proven_at != 0 &&
           now - access->session->proven_at < SESSION_PROOF_MS;
}

void access_actor(const struct access *access, char ret_id[ID_TEXT_SIZE], struct str *ret_kind,
                  struct str *ret_name)
{
    switch (access->kind) {
    case ACCESS_KEY:
        id_format(ID_KEY, &access->key->object.id, ret_id);
        *ret_kind = STR("key");
        *ret_name = access->key->name;
        return;
    case ACCESS_MEMBER:
        id_format(ID_MEMBER, &access->member->object.id, ret_id);
        *ret_kind = STR("member");
        *ret_name = access->member->name;
        return;
    case ACCESS_TICKET:
        id_format(ID_TICKET, &access->session->row.ticket, ret_id);
        *ret_kind = STR("ticket");
        *ret_name = access->session->app->name;
        return;
    case ACCESS_NONE:
        break;
    }
    ASSERT(false); /* a route without a scope asks for no actor */
}
