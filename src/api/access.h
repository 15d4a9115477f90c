/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - who asks, and the one place that decides whether a route is open to them. Pure.
 *
 * A key, a member and a customer's session are brought to one form: the scopes they hold, and the
 * app that they are bound to, if any. Every route names one scope (routes.c). Who is bound to an
 * app reaches the routes below that app, and those that say so; another app is 404 as if it did
 * not exist (call.c).
 */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include <stdbool.h>

#include "base/id.h"
#include "base/str.h"
#include "engine/registry.h"

struct route;
struct session;
struct sessions;

enum access_kind { ACCESS_NONE, ACCESS_KEY, ACCESS_MEMBER, ACCESS_TICKET };

struct access {
    enum access_kind kind;
    unsigned scopes; /* enum key_scope */
    struct app *app; /* bound to it, or NULL */
    struct api_key *key;
    struct member *member;
    const struct session *session; /* of a member or a ticket; in the call's arena */
    struct str token;              /* the session's */
    bool by_cookie;
};

struct access access_of_key(struct api_key *key, struct app *app);
struct access access_of_session(const struct session *session);

/* 0, or -E_FORBIDDEN: it lacks the scope, or the route is not for who is bound to an app. */
NODISCARD int access_decide(const struct access *access, const struct route *route);
/* Does it still hold, long after the request: for streams. */
bool access_lives(const struct access *access, const struct sessions *sessions, int64_t now);
/* Members who only look see no payloads: neither data nor bodies. */
bool access_hides_payloads(const struct access *access);
/* Rules of redaction hold for everybody but owners, admins and admin keys. */
bool access_redacts(const struct access *access);

/* A member who gave the password a moment ago (SESSION_PROOF_MS). */
bool access_is_proven(const struct access *access, int64_t now);

/* "key", "member" or "ticket", the id and the name: for origins and the audit log. The name is
 * borrowed. */
void access_actor(const struct access *access, char ret_id[ID_TEXT_SIZE], struct str *ret_kind,
                  struct str *ret_name);

#endif
