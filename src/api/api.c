/* SPDX-License-Identifier: Apache-2.0 */
/* api.c - the API as one handler: what holds for every request, then the route's own. */
#include "api/api.h"

#include <stdlib.h>

#include "api/api_internal.h"
#include "api/auth.h"
#include "api/event_type_check.h"
#include "api/pages.h"
#include "api/problem.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"

int api_new(const struct api_options *options, struct api **ret_api)
{
    struct api *api = xalloc(sizeof(*api));

    ASSERT(options->registry != NULL && options->engine != NULL && options->writer != NULL);
    ASSERT(options->readers != NULL && options->inbox != NULL && options->keyring != NULL);

    api->options = *options;
    api->options.header_prefix = xstr(options->header_prefix);
    api->options.own_url = xstr(options->own_url);
    api->started_at = clock_wall_ms();
    api->schemas = type_schemas_new();
    throttle_init(&api->accounts, options->sign_in_tries, options->sign_in_period_ms);
    throttle_init(&api->addresses, options->sign_in_tries * API_ADDRESS_FACTOR,
                  options->sign_in_period_ms);
    list_init(&api->creating);
    *ret_api = api;
    return 0;
}

void api_free(struct api *api)
{
    if (api == NULL) {
        return;
    }
    ASSERT(list_empty(&api->creating));
    type_schemas_free(api->schemas);
    throttle_done(&api->accounts);
    throttle_done(&api->addresses);
    free((void *)(uintptr_t)api->options.header_prefix.p);
    free((void *)(uintptr_t)api->options.own_url.p);
    free(api);
}

void api_set_http(struct api *api, struct http_server *server)
{
    api->http = server;
}

void api_drain(struct api *api)
{
    api->is_draining = true;
}

size_t api_creating(const struct api *api, enum config_kind kind, const struct app *app)
{
    const struct list_node *end = &api->creating.head;
    size_t count = 0;

    for (const struct list_node *n = end->next; n != end; n = n->next) {
        const struct call *call =
            (const struct call *)(const void *)((const char *)n -
                                                offsetof(struct call, creating));

        if (call->creating_kind == kind && (app == NULL || call->app == app)) {
            count++;
        }
    }
    return count;
}

/* What holds before a route is known. False: answered. */
static bool admit(struct api *api, struct http_request *req, const struct route *route)
{
    bool is_health = route != NULL && (route->flags & ROUTE_HEALTH) != 0;

    if (api->options.require_tls && !req->is_tls && !is_health) {
        problem_refuse(req, -E_INSECURE, NULL, true);
        return false;
    }
    if (api->is_draining && !is_health) {
        problem_refuse(req, -E_BUSY, "Retry-After: 1\r\n", true);
        return false;
    }
    if (!routes_know_method(req->method)) {
        problem_refuse(req, -E_NOT_IMPLEMENTED, NULL, false);
        return false;
    }
    return true;
}

static void refuse_method(struct call *call, struct str allow)
{
    call_header(call, "Allow", "%.*s", STR_ARG(allow));
    if (str_eq_c(call->req->method, "OPTIONS")) {
        call_reply_bytes(call, 204, NULL, STR_NONE);
        return;
    }
    problem_reply(call, -E_METHOD);
}

void api_handle(void *ctx, struct http_request *req)
{
    struct api *api = ctx;
    const struct route *route = NULL;
    struct str params[PATH_PARAMS_MAX];
    struct str allow = STR_NONE;
    struct call *call;
    int rc = routes_find(req->method, req->path, &req->arena, &route, params, &allow);

    if (!admit(api, req, route)) {
        return;
    }
    call = call_new(api, req);
    if (rc == -E_METHOD) {
        refuse_method(call, allow);
        return;
    }
    if (rc != 0) {
        if (pages_reply(call)) {
            return;
        }
        problem_detail(call, rc, "There is no such path; see /openapi.json.");
        return;
    }
    ASSERT(route != NULL);
    call->route = route;
    for (size_t i = 0; i < PATH_PARAMS_MAX; i++) {
        call->params[i] = params[i];
    }
    if (auth_check(call) == 0) {
        call_run(call);
    }
}

void api_refused(void *ctx, struct http_request *req, int code)
{
    (void)ctx;
    problem_refuse(req, code, err_status(code) == 503 ? "Retry-After: 1\r\n" : NULL, true);
}
