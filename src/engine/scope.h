/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope.h - what a key, a member or a session may do: bits, their names, and what each role holds. Pure.
 *
 * One bit opens a route (src/api/routes.c); who holds it may call it, be it a key with that scope or a member
 * whose role holds it. `self` is held by everybody who is known at all.
 */
#ifndef ENGINE_SCOPE_H
#define ENGINE_SCOPE_H

#include "base/str.h"

enum key_scope {
    SCOPE_ADMIN =
        1, /* keys, members, projects, audit, settings; a key with it holds all others */
    SCOPE_PUBLISH = 2, /* send events in */
    SCOPE_READ = 4,
    SCOPE_MANAGE = 8,   /* apps, endpoints, event types, and what becomes of deliveries */
    SCOPE_TICKETS = 16, /* let a customer into the portal */
    SCOPE_SELF = 32,    /* who am I, sign out */
    SCOPE_ALL =
        SCOPE_ADMIN | SCOPE_PUBLISH | SCOPE_READ | SCOPE_MANAGE | SCOPE_TICKETS | SCOPE_SELF
};

/* Of a member, in order of might. */
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_DEVELOPER, ROLE_ADMIN, ROLE_OWNER };

enum { SCOPE_NAMES = 5 };
/* "admin", "publish", "read", "manage", "tickets"; NULL past them. */
const char *scope_name(unsigned index, unsigned *ret_bit);
/* What a key holds that has this scope: admin holds all, manage also reads. 0: no such scope. */
unsigned scope_of_name(struct str name);

/* What a member with this role holds. */
unsigned role_scopes(enum role role);
const char *role_name(enum role role);   /* "owner" ... */
enum role role_of_name(struct str name); /* ROLE_NONE: no such role */

#endif
