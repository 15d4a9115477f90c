/* SPDX-License-Identifier: Apache-2.0 */
/* routes.h - the one table of routes. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "api/path.h"
#include "base/arena.h"
#include "base/str.h"

struct alias;
struct call;

enum route_flag {
    ROUTE_BODY = 1,      /* takes a JSON object; others take none */
    ROUTE_HEALTH = 2,    /* answered also while draining, and over plain HTTP */
    ROUTE_OPTIONAL = 4,  /* with ROUTE_BODY: no body is an empty object */
    ROUTE_FORM = 8,      /* a form of a page or of a mail program: its body is not looked at */
    ROUTE_OPERATOR = 16, /* never for who is bound to an app, although it is of the app */
    ROUTE_SHARED = 32,   /* also for who is bound to an app, although it is of the project */
    ROUTE_APP_DEFAULT =
        64,             /* of the app that the caller is bound to, else of the app `default` */
    ROUTE_PAYLOAD = 128 /* shows payloads by its nature: not for members who only look */
};

struct route {
    const char *method;
    const char *pattern;
    unsigned scope; /* enum key_scope; 0: open, without a key */
    unsigned flags;
    const char *query; /* names of its parameters, one blank between */
    void (*handler)(struct call *call);
    const struct alias *alias; /* its words are those of another API; NULL: ours */
};

/* -E_NOT_FOUND: no such path. -E_METHOD: the path has others (also OPTIONS); they are in
 * *ret_allow ("GET, HEAD"). HEAD finds the route of GET. */
NODISCARD int routes_find(struct str method, struct str path, struct arena *arena,
                          const struct route **ret_route,
                          struct str ret_params[PATH_PARAMS_MAX], struct str *ret_allow);
/* GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS: another one is 501. */
bool routes_know_method(struct str method);
/* Does its path begin with an app? */
bool route_is_of_app(const struct route *route);
bool route_has_query(const struct route *route, struct str name);
/* By index, NULL past the end; for tests. */
const struct route *routes_at(size_t index);

#endif
