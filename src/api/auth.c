/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - who asks. The look-up is in memory: keys and sessions are known by their keyed
 * hash. */
#include "api/auth.h"

#include <string.h>

#include "api/access.h"
#include "api/api_internal.h"
#include "api/audit.h"
#include "api/problem.h"
#include "api/routes.h"
#include "base/assert.h"
#include "crypto/api_key.h"
#include "engine/sessions.h"

/* The __Host- prefix binds a cookie to this host and to TLS; development has plain HTTP. */
static const char *const cookie_names[AUTH_COOKIES][2] = {
    [AUTH_MEMBER] = { "__Host-postern", "postern_dev" },
    [AUTH_PORTAL] = { "__Host-postern-portal", "postern_portal_dev" },
};

static const char *cookie_name(const struct call *call, enum auth_cookie which)
{
    return cookie_names[which][call->api->options.dev && !call->req->is_tls ? 1 : 0];
}

struct str auth_bearer(struct str header)
{
    size_t blank = str_find(header, ' ');
    struct str key;

    if (blank == header.len || !str_eq_nocase(str_sub(header, 0, blank), STR("bearer"))) {
        return STR_NONE;
    }
    key = str_trim(str_sub(header, blank, header.len - blank));
    return key.len == 0 || str_find(key, ' ') < key.len ? STR_NONE : key;
}

struct str auth_cookie(struct str header, const char *name)
{
    struct str one;

    while (header.len > 0 && str_split(&header, ';', &one)) {
        size_t equals = str_find(one, '=');

        if (equals < one.len && str_eq_c(str_trim(str_sub(one, 0, equals)), name)) {
            return str_trim(str_sub(one, equals + 1, one.len - equals - 1));
        }
    }
    return STR_NONE;
}

bool auth_same_origin(struct str site, struct str origin, struct str host)
{
    size_t slashes;

    if (site.p != NULL && !str_eq_c(site, "same-origin")) {
        return false;
    }
    if (origin.p == NULL) {
        return true;
    }
    slashes = str_find(origin, '/');
    if (slashes + 2 > origin.len || origin.p[slashes + 1] != '/') {
        return false;
    }
    return str_eq_nocase(str_sub(origin, slashes + 2, origin.len - slashes - 2), host);
}

void auth_set_cookie(struct call *call, enum auth_cookie which, struct str token, bool framed)
{
    bool is_secure = !call->api->options.dev || call->req->is_tls;

    call_header(call, "Set-Cookie", "%s=%.*s; Path=/; HttpOnly; SameSite=%s%s%s",
                cookie_name(call, which), STR_ARG(token),
                framed && is_secure ? "None; Partitioned" : "Lax", is_secure ? "; Secure" : "",
                token.len == 0 ? "; Max-Age=0" : "");
}

static int refuse(struct call *call, const char *challenge, int code)
{
    call_header(call, "WWW-Authenticate", "%s", challenge);
    problem_reply(call, code);
    return code;
}

/* --- sessions */
static bool take_session(struct call *call, struct str token, bool by_cookie)
{
    struct session *found = sessions_find(call->api->options.sessions, token, call->now);
    struct session *copy;

    if (found == NULL) {
        return false;
    }
    copy = arena_alloc(call->arena, sizeof(*copy));
    *copy = *found;
    copy->row.origin = str_from(copy->origin);
    call->access = access_of_session(copy);
    call->access.token = arena_str(call->arena, token);
    call->access.by_cookie = by_cookie;
    call->project = copy->project;
    return true;
}

/* A browser may hold both; a page of the portal says that it is one. */
static bool by_cookie(struct call *call)
{
    struct str header = http_header(call->req, "Cookie");
    bool portal_first = str_eq_c(http_header(call->req, "Postern-Session"), "portal");

    for (int i = 0; header.p != NULL && i < AUTH_COOKIES; i++) {
        enum auth_cookie which = (i == 0) != portal_first ? AUTH_MEMBER : AUTH_PORTAL;
        struct str token = auth_cookie(header, cookie_name(call, which));

        if (token.len > 0 && take_session(call, token, true)) {
            return true;
        }
    }
    return false;
}

static bool changes(struct str method)
{
    return !str_eq_c(method, "GET") && !str_eq_c(method, "HEAD");
}

static int csrf_check(struct call *call)
{
    struct str csrf = http_header(call->req, "Postern-CSRF");

    if (!call->access.by_cookie || !changes(call->req->method)) {
        return 0;
    }
    if (csrf.p != NULL &&
        sessions_csrf_fits(call->api->options.sessions, call->access.token, csrf) &&
        auth_same_origin(http_header(call->req, "Sec-Fetch-Site"),
                         http_header(call->req, "Origin"), http_header(call->req, "Host"))) {
        return 0;
    }
    problem_reply(call, -E_CSRF);
    return -E_CSRF;
}

/* --- keys */
static bool by_key(struct call *call, struct str text)
{
    struct api_key *key =
        api_key_valid(text) ? registry_key(call->api->options.registry, text, call->now) : NULL;
    struct app *app = NULL;

    if (key == NULL) {
        return false;
    }
    ASSERT(key->project != NULL);
    if (key->app != 0) {
        app = registry_app_no(call->api->options.registry, key->app);
        if (app == NULL || app->object.deleted_at != 0) {
            return false;
        }
    }
    key->last_used_at = call->now;
    call->access = access_of_key(key, app);
    call->project = key->project;
    return true;
}

int auth_check(struct call *call)
{
    struct str header = http_header(call->req, "Authorization");
    struct str text = auth_bearer(header);
    bool is_known;

    if (call->route->scope == 0) {
        return 0;
    }
    if (header.p != NULL) {
        is_known =
            text.p != NULL && (str_starts(text, STR("pss_")) ? take_session(call, text, false)
                                                             : by_key(call, text));
    } else {
        is_known = by_cookie(call);
    }
    if (!is_known) {
        return refuse(call,
                      header.p == NULL ? "Bearer realm=\"postern\""
                                       : "Bearer realm=\"postern\", error=\"invalid_token\"",
                      -E_UNAUTHORIZED);
    }
    if (access_decide(&call->access, call->route) != 0) {
        if (call->route->scope == SCOPE_TICKETS) {
            audit_note(call->api, audit_of(call, "ticket.refused", STR_NONE));
        }
        return refuse(call, "Bearer realm=\"postern\", error=\"insufficient_scope\"",
                      -E_FORBIDDEN);
    }
    return csrf_check(call);
}
