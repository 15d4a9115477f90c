/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c - the one table of routes. The busiest stand first: the table is searched from
 * the top. */
#include "api/routes.h"

#include <assert.h>
#include <string.h>

#include "api/alias.h"
#include "api/handlers.h"
#include "engine/registry.h"

#define PAGE       "limit cursor order"
#define STATS      "window tz interval"
#define EVENTS     "type since until"
#define DELIVERIES "endpoint type status since until code error"
#define APP        "/api/v1/apps/{app}"
#define ENDPOINT   APP "/endpoints/{endpoint}"
#define DELIVERY   APP "/deliveries/{delivery}"
#define REPLAY     APP "/replays/{replay}"
#define PLATFORM   "/api/v1/platform/webhooks"
#define WEBHOOK    PLATFORM "/{endpoint}"
#define WACHT      "/webhooks/apps/{app}"

/* A row of ours ends with its handler, one of an alias with the translation of its words. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
/* clang-format off */
static const struct route table[] = {
    { "POST",   APP "/events",                   SCOPE_PUBLISH, ROUTE_BODY,   "",        events_publish },
    { "POST",   APP "/events/batch",             SCOPE_PUBLISH, ROUTE_BODY,   "",        events_publish_batch },
    { "GET",    APP "/events",                   SCOPE_READ,    0, PAGE " type since until", events_list },
    { "GET",    APP "/events/export",            SCOPE_READ,    0, EVENTS " format", events_export },
    { "GET",    APP "/events/{event}",           SCOPE_READ,    0,            "",        events_get },
    { "GET",    APP "/deliveries",               SCOPE_READ,    0,
      PAGE " endpoint event type status since until code error archived", deliveries_list },
    { "GET",    APP "/deliveries/export",        SCOPE_READ,    0, DELIVERIES " format", deliveries_export },
    { "POST",   APP "/deliveries/archive",       SCOPE_MANAGE,  ROUTE_BODY,   "",        deliveries_archive },
    { "GET",    DELIVERY,                        SCOPE_READ,    0,            "",        deliveries_get },
    { "POST",   DELIVERY "/retry",               SCOPE_MANAGE,  0,            "",        deliveries_retry },
    { "POST",   DELIVERY "/cancel",              SCOPE_MANAGE,  0,            "",        deliveries_cancel },

    { "POST",   ENDPOINT "/cancel_pending",      SCOPE_MANAGE,  ROUTE_BODY,   "",        endpoints_cancel_pending },
    { "POST",   DELIVERY "/replay",              SCOPE_MANAGE,  0,            "",        deliveries_replay },

    { "POST",   APP "/replays",                  SCOPE_MANAGE,  ROUTE_BODY,   "",        replays_create },
    { "GET",    APP "/replays",                  SCOPE_READ,    0, PAGE " state",          replays_list },
    { "GET",    REPLAY,                          SCOPE_READ,    0,            "",        replays_get },
    { "POST",   REPLAY "/pause",                 SCOPE_MANAGE,  0,            "",        replays_pause },
    { "POST",   REPLAY "/resume",                SCOPE_MANAGE,  0,            "",        replays_resume },
    { "POST",   REPLAY "/cancel",                SCOPE_MANAGE,  0,            "",        replays_cancel },
    { "GET",    "/api/v1/replays",               SCOPE_READ,    0, PAGE " state app",      replays_list_all },

    { "POST",   "/api/v1/apps",                  SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPERATOR,   "",        apps_create },
    { "GET",    "/api/v1/apps",                  SCOPE_READ,    0,            PAGE,      apps_list },
    { "GET",    APP,                             SCOPE_READ,    0,            "",        apps_get },
    { "PATCH",  APP,                             SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPERATOR,   "",        apps_patch },
    { "DELETE", APP,                             SCOPE_MANAGE,  ROUTE_OPERATOR,            "",        apps_delete },

    { "POST",   APP "/endpoints",                SCOPE_MANAGE,  ROUTE_BODY,   "",        endpoints_create },
    { "GET",    APP "/endpoints",                SCOPE_READ,    0,
      PAGE " status health type q source sort", endpoints_list },
    { "GET",    APP "/endpoints/sparklines",     SCOPE_READ,    0, "window tz", stats_sparklines },
    { "GET",    ENDPOINT,                        SCOPE_READ,    0,            "",        endpoints_get },
    { "PUT",    ENDPOINT,                        SCOPE_MANAGE,  ROUTE_BODY,   "",        endpoints_put },
    { "PATCH",  ENDPOINT,                        SCOPE_MANAGE,  ROUTE_BODY,   "",        endpoints_patch },
    { "DELETE", ENDPOINT,                        SCOPE_MANAGE,  0,            "",        endpoints_delete },
    { "POST",   ENDPOINT "/pause",               SCOPE_MANAGE,  0,            "",        endpoints_pause },
    { "POST",   ENDPOINT "/resume",              SCOPE_MANAGE,  0,            "",        endpoints_resume },

    { "POST",   ENDPOINT "/roll_secret",         SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPTIONAL, "", endpoints_roll_secret },
    { "POST",   "/v4/webhooks/{endpoint}/roll_secret", SCOPE_MANAGE, ROUTE_BODY | ROUTE_OPTIONAL | ROUTE_SHARED, "", endpoints_roll_secret },
    { "POST",   ENDPOINT "/revoke_previous_secret", SCOPE_MANAGE, 0,           "",        endpoints_revoke_previous_secret },
    { "GET",    ENDPOINT "/secret",              SCOPE_ADMIN,   0,            "",        endpoints_get_secret },
    { "POST",   ENDPOINT "/test",                SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPTIONAL, "", endpoints_test },
    { "POST",   APP "/test",                     SCOPE_MANAGE,  ROUTE_BODY,   "",        apps_test },
    { "POST",   "/api/v1/url-check",             SCOPE_MANAGE,  ROUTE_BODY | ROUTE_SHARED, "", url_check },
    { "GET",    "/api/v1/source-ips",            SCOPE_READ,    ROUTE_SHARED, "",        source_ips },
    { "GET",    "/api/v1/server",                SCOPE_READ,    ROUTE_SHARED, "",        server_facts },
    { "GET",    DELIVERY "/attempts/{attempt}/curl", SCOPE_READ, ROUTE_PAYLOAD,           "",        attempts_curl },
    { "POST",   APP "/roll_secret",              SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPTIONAL, "", apps_roll_secret },
    { "POST",   APP "/revoke_previous_secret",   SCOPE_MANAGE,  0,            "",        apps_revoke_previous_secret },
    { "GET",    APP "/secret",                   SCOPE_ADMIN,   0,            "",        apps_get_secret },

    { "POST",   ENDPOINT "/filters/test",        SCOPE_READ,    ROUTE_BODY | ROUTE_PAYLOAD,   "",        filters_test },
    { "POST",   ENDPOINT "/transforms/preview",  SCOPE_READ,    ROUTE_BODY | ROUTE_PAYLOAD,   "",        transforms_preview },
    { "POST",   "/api/v1/filters/test",          SCOPE_READ,    ROUTE_BODY | ROUTE_SHARED | ROUTE_PAYLOAD, "", filters_test },
    { "POST",   "/api/v1/transforms/preview",    SCOPE_READ,    ROUTE_BODY | ROUTE_SHARED | ROUTE_PAYLOAD, "", transforms_preview },
    { "GET",    APP "/facets",                   SCOPE_READ,    ROUTE_PAYLOAD,            "field",   facets_list },

    { "POST",   "/api/v1/event-types/import",    SCOPE_MANAGE,  ROUTE_BODY,   "",        event_types_import },
    { "GET",    "/api/v1/event-types/presets",   SCOPE_READ,    ROUTE_SHARED,            "",        event_type_presets_list },
    { "GET",    "/api/v1/event-types/presets/{token}", SCOPE_READ, ROUTE_SHARED,         "",        event_type_presets_get },
    { "POST",   "/api/v1/event-types/presets/{token}", SCOPE_MANAGE, ROUTE_BODY | ROUTE_OPTIONAL, "", event_type_presets_apply },
    { "GET",    "/api/v1/event-types/{type}/versions", SCOPE_READ, ROUTE_SHARED,         "",        event_type_versions_list },
    { "POST",   "/api/v1/event-types/{type}/versions", SCOPE_MANAGE, ROUTE_BODY, "",      event_type_versions_create },
    { "GET",    "/api/v1/event-types/{type}/versions/{token}", SCOPE_READ, ROUTE_SHARED, "",        event_type_versions_get },
    { "POST",   "/api/v1/event-types",           SCOPE_MANAGE,  ROUTE_BODY,   "",        event_types_create },
    { "GET",    "/api/v1/event-types",           SCOPE_READ,    ROUTE_SHARED,            PAGE,      event_types_list },
    { "GET",    "/api/v1/event-types/{type}",    SCOPE_READ,    ROUTE_SHARED,            "",        event_types_get },
    { "PATCH",  "/api/v1/event-types/{type}",    SCOPE_MANAGE,  ROUTE_BODY,   "",        event_types_patch },
    { "DELETE", "/api/v1/event-types/{type}",    SCOPE_MANAGE,  0,            "",        event_types_delete },

    { "POST",   "/api/v1/projects",              SCOPE_ADMIN,   ROUTE_BODY,   "",        projects_create },
    { "GET",    "/api/v1/projects",              SCOPE_READ,    0,            PAGE,      projects_list },
    { "GET",    "/api/v1/projects/{project}",    SCOPE_READ,    0,            "",        projects_get },
    { "PATCH",  "/api/v1/projects/{project}",    SCOPE_ADMIN,   ROUTE_BODY,   "",        projects_patch },
    { "DELETE", "/api/v1/projects/{project}",    SCOPE_ADMIN,   0,            "",        projects_delete },

    { "POST",   "/api/v1/keys",                  SCOPE_ADMIN,   ROUTE_BODY,   "",        keys_create },
    { "GET",    "/api/v1/keys",                  SCOPE_ADMIN,   0,            PAGE,      keys_list },
    { "GET",    "/api/v1/keys/{key}",            SCOPE_ADMIN,   0,            "",        keys_get },
    { "DELETE", "/api/v1/keys/{key}",            SCOPE_ADMIN,   0,            "endpoints", keys_delete },
    { "POST",   "/api/v1/keys/{integration}/endpoints/adopt", SCOPE_ADMIN, 0, "",        orphans_adopt_all },
    { "DELETE", "/api/v1/keys/{integration}/endpoints", SCOPE_ADMIN, 0,       "",        orphans_delete_all },
    { "GET",    "/api/v1/endpoints",             SCOPE_READ,    0, PAGE " orphaned key app", orphans_list },
    { "POST",   ENDPOINT "/adopt",               SCOPE_MANAGE,  ROUTE_OPERATOR, "",      orphans_adopt },

    { "GET",    APP "/notices",                  SCOPE_READ,    0, PAGE " kind unread", notices_list },
    { "GET",    APP "/notifications",            SCOPE_READ,    0,            "",        notifications_get },
    { "PUT",    APP "/notifications",            SCOPE_MANAGE,  ROUTE_BODY,   "",        notifications_put },
    { "GET",    "/notifications/confirm/{token}", 0,            0,            "",        notifications_confirm_page },
    { "POST",   "/notifications/confirm/{token}", 0,           ROUTE_FORM,    "",        notifications_confirm },
    { "GET",    "/notifications/unsubscribe/{token}", 0,        0,            "",        notifications_unsubscribe_page },
    { "POST",   "/notifications/unsubscribe/{token}", 0,       ROUTE_FORM,    "",        notifications_unsubscribe },

    { "GET",    "/api/v1/alerts",                SCOPE_READ,    0,            "",        alerts_list },
    { "POST",   APP "/notices/read",             SCOPE_MANAGE,  0,            "",        notices_read_all },
    { "POST",   APP "/notices/{notice}/read",    SCOPE_MANAGE,  0,            "",        notices_read },
    { "GET",    "/api/v1/notices",               SCOPE_READ,    0, PAGE " app kind unread", notices_list },
    { "POST",   "/api/v1/notices/read",          SCOPE_MANAGE,  0,            "",        notices_read_all },
    { "POST",   "/api/v1/notices/{notice}/read", SCOPE_MANAGE,  0,            "",        notices_read },
    { "POST",   "/api/v1/members",               SCOPE_ADMIN,   ROUTE_BODY,   "",        members_create },
    { "GET",    "/api/v1/members",               SCOPE_ADMIN,   0,            PAGE,      members_list },
    { "GET",    "/api/v1/members/{member}",      SCOPE_ADMIN,   0,            "",        members_get },
    { "PATCH",  "/api/v1/members/{member}",      SCOPE_ADMIN,   ROUTE_BODY,   "",        members_patch },
    { "DELETE", "/api/v1/members/{member}",      SCOPE_ADMIN,   0,            "",        members_delete },
    { "POST",   "/api/v1/members/{member}/invite", SCOPE_ADMIN, 0,            "",        members_invite },

    { "POST",   "/api/v1/session",               0,             ROUTE_BODY,   "",        session_sign_in },
    { "GET",    "/api/v1/session",               SCOPE_SELF,    0,            "",        session_show },
    { "DELETE", "/api/v1/session",               SCOPE_SELF,    0,            "",        session_sign_out },
    { "POST",   "/api/v1/session/reauth",        SCOPE_SELF,    ROUTE_BODY,   "",        session_reauth },
    { "POST",   "/api/v1/session/password",      SCOPE_SELF,    ROUTE_BODY,   "",        session_password },
    { "POST",   "/api/v1/session/invite",        0,             ROUTE_BODY,   "",        session_invite },
    { "POST",   "/api/v1/session/exchange",      0,             ROUTE_BODY,   "",        session_exchange },
    { "POST",   APP "/tickets",                  SCOPE_TICKETS, ROUTE_BODY | ROUTE_OPERATOR, "", tickets_create },

    { "GET",    "/api/v1/audit",                 SCOPE_ADMIN,   0,
      PAGE " app action actor target since until", audit_log_list },
    { "GET",    "/api/v1/audit/verify",          SCOPE_ADMIN,   0,            "",        audit_log_verify },
    { "GET",    "/api/v1/deliveries",            SCOPE_READ,    0,
      PAGE " app q count " DELIVERIES, deliveries_all },
    { "GET",    "/api/v1/deliveries/export",     SCOPE_READ,    0, "app format " DELIVERIES, deliveries_export },
    { "GET",    "/api/v1/events",                SCOPE_READ,    0, PAGE " app q count " EVENTS, events_all },
    { "GET",    "/api/v1/events/export",         SCOPE_READ,    0, "app format " EVENTS, events_export },
    { "GET",    APP "/stats",                    SCOPE_READ,    0, STATS, stats_app },
    { "GET",    ENDPOINT "/stats",               SCOPE_READ,    0, STATS, stats_endpoint },
    { "GET",    "/api/v1/stats",                 SCOPE_READ,    0, STATS, stats_project },
    { "GET",    "/api/v1/stats/apps",            SCOPE_READ,    0, "window tz sort limit", stats_apps },
    { "GET",    "/api/v1/stream",                SCOPE_READ,    ROUTE_SHARED,
      "topics app endpoint after", stream_get },

    { "GET",    PLATFORM,                        SCOPE_MANAGE,  ROUTE_SHARED | ROUTE_APP_DEFAULT, PAGE, endpoints_list, &platform_list },
    { "POST",   PLATFORM,                        SCOPE_MANAGE,  ROUTE_BODY | ROUTE_SHARED | ROUTE_APP_DEFAULT, "", endpoints_create, &platform_edit },
    { "GET",    WEBHOOK,                         SCOPE_MANAGE,  ROUTE_SHARED, "",        endpoints_get, &platform_look },
    { "PUT",    WEBHOOK,                         SCOPE_MANAGE,  ROUTE_BODY | ROUTE_SHARED, "", endpoints_put, &platform_edit },
    { "DELETE", WEBHOOK,                         SCOPE_MANAGE,  ROUTE_SHARED, "",        endpoints_delete },
    { "POST",   WEBHOOK "/pause",                SCOPE_MANAGE,  ROUTE_SHARED, "",        endpoints_pause, &platform_look },
    { "POST",   WEBHOOK "/resume",               SCOPE_MANAGE,  ROUTE_SHARED, "",        endpoints_resume, &platform_look },
    { "POST",   WEBHOOK "/rotate",               SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPTIONAL | ROUTE_SHARED, "", endpoints_roll_secret },
    { "POST",   WEBHOOK "/test",                 SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPTIONAL | ROUTE_SHARED, "", endpoints_test, &platform_test },
    { "GET",    WEBHOOK "/deliveries",           SCOPE_MANAGE,  ROUTE_SHARED, PAGE " event_type status since until", deliveries_list, &platform_log },
    { "POST",   WEBHOOK "/deliveries/{delivery}/retry", SCOPE_MANAGE, ROUTE_SHARED, "",  deliveries_retry, &platform_moved },

    { "GET",    "/webhooks/apps",                SCOPE_READ,    0, "limit offset include_inactive", apps_list, &wacht_apps },
    { "POST",   "/webhooks/apps",                SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPERATOR, "", apps_create, &wacht_app_create },
    { "GET",    WACHT,                           SCOPE_READ,    0,            "",        apps_get, &wacht_app_look },
    { "PATCH",  WACHT,                           SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPERATOR, "", apps_patch, &wacht_app_patch },
    { "DELETE", WACHT,                           SCOPE_MANAGE,  ROUTE_OPERATOR, "",      apps_delete },
    { "POST",   WACHT "/rotate-secret",          SCOPE_MANAGE,  ROUTE_BODY | ROUTE_OPTIONAL, "", apps_roll_secret, &wacht_app_rotate },
    { "POST",   WACHT "/trigger",                SCOPE_PUBLISH, ROUTE_BODY,   "",        events_publish, &wacht_trigger },
    { "GET",    WACHT "/events",                 SCOPE_READ,    0,            "",        event_types_list, &wacht_events },
    { "GET",    WACHT "/catalog",                SCOPE_READ,    0,            "",        event_types_list, &wacht_catalog },
    { "GET",    WACHT "/endpoints",              SCOPE_READ,    0, "limit offset include_inactive", endpoints_list, &wacht_endpoints },
    { "POST",   WACHT "/endpoints",              SCOPE_MANAGE,  ROUTE_BODY,   "",        endpoints_create, &wacht_endpoint_edit },
    { "PATCH",  WACHT "/endpoints/{endpoint}",   SCOPE_MANAGE,  ROUTE_BODY,   "",        endpoints_patch, &wacht_endpoint_edit },
    { "DELETE", WACHT "/endpoints/{endpoint}",   SCOPE_MANAGE,  0,            "",        endpoints_delete },
    { "POST",   WACHT "/endpoints/{endpoint}/test", SCOPE_MANAGE, ROUTE_BODY, "",        endpoints_test, &wacht_test },
    { "POST",   "/webhooks/endpoints/{endpoint}/reactivate", SCOPE_MANAGE, ROUTE_SHARED, "", endpoints_resume, &wacht_reactivate },
    { "GET",    WACHT "/deliveries",             SCOPE_READ,    0, "limit offset endpoint_id event_name status since until", deliveries_list, &wacht_deliveries },
    { "POST",   WACHT "/deliveries/replay",      SCOPE_MANAGE,  ROUTE_BODY,   "",        replays_create, &wacht_replay_create },
    { "GET",    WACHT "/deliveries/replay",      SCOPE_READ,    0, "limit offset", replays_list, &wacht_replays },
    { "GET",    WACHT "/deliveries/replay/{replay}", SCOPE_READ, 0,           "",        replays_get, &wacht_replay },
    { "POST",   WACHT "/deliveries/replay/{replay}/cancel", SCOPE_MANAGE, 0,  "",        replays_cancel, &wacht_replay_cancel },
    { "GET",    WACHT "/deliveries/{delivery}",  SCOPE_READ,    0,            "status",  deliveries_get, &wacht_delivery },
    { "GET",    "/webhooks/event-catalogs",      SCOPE_READ,    0, "limit offset", event_types_list, &wacht_catalogs },
    { "POST",   "/session/tickets",              SCOPE_TICKETS, ROUTE_BODY,   "",        tickets_create, &wacht_ticket },

    { "GET",    "/catch/{token}",                0,             0,            "",        inboxes_get },
    { "PUT",    "/catch/{token}",                0,             ROUTE_BODY,           "",        inboxes_put },
    { "DELETE", "/catch/{token}",                0,             0,            "",        inboxes_delete },
    { "GET",    "/healthz",                      0,             ROUTE_HEALTH, "",        health_live },
    { "GET",    "/readyz",                       0,             ROUTE_HEALTH, "",        health_ready },
    { "GET",    "/metrics",                      0,             0,            "",        metrics_get },
    { "GET",    "/openapi.json",                 0,             0,            "",        openapi_get },
};
/* clang-format on */
#pragma GCC diagnostic pop

static_assert(SCOPE_ADMIN != 0 && SCOPE_PUBLISH != 0 && SCOPE_READ != 0, "scope 0 is open");

enum { ROUTE_COUNT = sizeof(table) / sizeof(table[0]) };

const struct route *routes_at(size_t index)
{
    return index < ROUTE_COUNT ? &table[index] : NULL;
}

bool routes_know_method(struct str method)
{
    static const char *const known[] = { "GET",   "HEAD",   "POST",   "PUT",
                                         "PATCH", "DELETE", "OPTIONS" };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (str_eq_c(method, known[i])) {
            return true;
        }
    }
    return false;
}

static void allow_add(struct str *allow, struct arena *arena, const char *method)
{
    bool is_get = str_eq_c(STR("GET"), method);

    *allow = arena_printf(arena, "%.*s%s%s%s", STR_ARG(*allow), allow->len > 0 ? ", " : "",
                          method, is_get ? ", HEAD" : "");
}

int routes_find(struct str method, struct str path, struct arena *arena,
                const struct route **ret_route, struct str ret_params[PATH_PARAMS_MAX],
                struct str *ret_allow)
{
    struct str allow = STR_NONE;
    struct str params[PATH_PARAMS_MAX];
    const char *pattern = NULL;

    if (str_eq_c(method, "HEAD")) {
        method = STR("GET");
    }
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        /* The first pattern that fits is the path's: "/events/batch" stands before
         * "/events/{event}". */
        if (pattern != NULL ? strcmp(table[i].pattern, pattern) != 0
                            : !path_match(table[i].pattern, path, params)) {
            continue;
        }
        pattern = table[i].pattern;
        if (str_eq_c(method, table[i].method)) {
            for (size_t k = 0; k < PATH_PARAMS_MAX; k++) {
                ret_params[k] = params[k];
            }
            *ret_route = &table[i];
            return 0;
        }
        allow_add(&allow, arena, table[i].method);
    }
    if (allow.len == 0) {
        return -E_NOT_FOUND;
    }
    *ret_allow = arena_printf(arena, "%.*s, OPTIONS", STR_ARG(allow));
    return -E_METHOD;
}

bool route_is_of_app(const struct route *route)
{
    return strncmp(route->pattern, APP, sizeof(APP) - 1) == 0 ||
           strncmp(route->pattern, WACHT, sizeof(WACHT) - 1) == 0;
}

bool route_has_query(const struct route *route, struct str name)
{
    struct str left = str_from(route->query);
    struct str one;

    while (left.len > 0 && str_split(&left, ' ', &one)) {
        if (str_eq(one, name)) {
            return true;
        }
    }
    return false;
}
