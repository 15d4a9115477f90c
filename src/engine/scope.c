/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c - the names of scopes and roles, and what they hold. */
#include "engine/scope.h"

#include <stddef.h>

static const struct {
    const char *name;
    unsigned bit;
    unsigned holds;
} scopes[SCOPE_NAMES] = {
    { "admin", SCOPE_ADMIN, SCOPE_ALL },
    { "publish", SCOPE_PUBLISH, SCOPE_PUBLISH | SCOPE_SELF },
    { "read", SCOPE_READ, SCOPE_READ | SCOPE_SELF },
    { "manage", SCOPE_MANAGE, SCOPE_MANAGE | SCOPE_READ | SCOPE_SELF },
    { "tickets", SCOPE_TICKETS, SCOPE_TICKETS | SCOPE_SELF },
};

static const struct {
    const char *name;
    unsigned holds;
} roles[] = {
    [ROLE_NONE] = { "", 0 },
    [ROLE_VIEWER] = { "viewer", SCOPE_READ | SCOPE_SELF },
    [ROLE_DEVELOPER] = { "developer", SCOPE_PUBLISH | SCOPE_READ | SCOPE_MANAGE |
                                          SCOPE_TICKETS | SCOPE_SELF },
    [ROLE_ADMIN] = { "admin", SCOPE_ALL },
    [ROLE_OWNER] = { "owner", SCOPE_ALL },
};

const char *scope_name(unsigned index, unsigned *ret_bit)
{
    if (index >= SCOPE_NAMES) {
        return NULL;
    }
    *ret_bit = scopes[index].bit;
    return scopes[index].name;
}

unsigned scope_of_name(struct str name)
{
    for (size_t i = 0; i < SCOPE_NAMES; i++) {
        if (str_eq_c(name, scopes[i].name)) {
            return scopes[i].holds;
        }
    }
    return 0;
}

unsigned role_scopes(enum role role)
{
    return roles[role].holds;
}

const char *role_name(enum role role)
{
    return roles[role].name;
}

enum role role_of_name(struct str name)
{
    for (enum role role = ROLE_VIEWER; role <= ROLE_OWNER; role++) {
        if (str_eq_c(name, roles[role].name)) {
            return role;
        }
    }
    return ROLE_NONE;
}
