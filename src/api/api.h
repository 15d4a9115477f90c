/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - the HTTP API: one table of routes, one file per resource. Main thread.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/replay.h"

struct api;
struct engine;
struct hub;
struct meter;
struct quotas;
struct http_request;
struct http_server;
struct inbox;
struct alerts;
struct notices;
struct outbox;
struct recipients;
struct keyring;
struct loop;
struct readers;
struct hasher;
struct registry;
struct sessions;
struct writer;
struct ipguard;

/* Borrowed for the life of the api. */
struct api_options {
    struct registry *registry;
    struct engine *engine;
    struct writer *writer;
    struct readers *readers;
    struct inbox *inbox;
    struct alerts *alerts;
    struct notices *notices;
    struct outbox *outbox;
    struct recipients *recipients;
    struct loop *loop;
    struct hub *hub;
    struct meter *meter;
    struct quotas *quotas;
    const struct keyring *keyring;
    struct sessions *sessions;
    struct hasher *hasher;
    int64_t sign_in_tries;     /* per account, and ten times as many per address ... */
    int64_t sign_in_period_ms; /* ... in so long */
    const struct ipguard *guard;
    const char *endpoint_ports;
    bool dev; /* event types register themselves; http and loopback endpoints */
    bool allow_http;
    bool require_tls; /* plain HTTP is refused (non-loopback listener without TLS and proxy) */
    struct str header_prefix;
    struct str own_url;
    bool reveals_secrets;          /* GET .../secret answers who proves again who they are */
    int64_t tests_per_minute;      /* of an app */
    int64_t url_checks_per_minute; /* of a project */
    struct str source_ips;         /* comma-separated, as the operator wrote them */
    int64_t endpoint_timeout_ms;
    int64_t app_endpoints_max;
    int64_t endpoints_max;
    int64_t event_data_max;
    int64_t batch_events_max;
    int64_t retention_days; /* of an app that says nothing else */
    struct replays *replays;
    struct replay_limits replay; /* engine/replay.h */
    int64_t streams_max;
    int64_t stream_heartbeat_ms;
    /* Readiness, by the wiring. */
    bool (*is_ready)(void *ctx, const char **ret_reason);
    void *ctx;
};

NODISCARD int api_new(const struct api_options *options, struct api **ret_api);
void api_free(struct api *api);
void api_set_http(struct api *api, struct http_server *server); /* for /metrics */
/* Handler of net/http.h. */
void api_handle(void *ctx, struct http_request *req);
void api_refused(void *ctx, struct http_request *req, int code);
/* Draining: answer 503 + Retry-After + close to everything but health. */
void api_drain(struct api *api);
/*
 * Install an admin key at first start (ctx of the wiring): makes what is missing of project
 * `default`, its app `default`, and the key. on_done: once, never before this returned. At once
 * -E_CONFLICT: this key is known already; -E_INVALID: it is not well-formed; others of
 * registry_save. Then on_done is not called.
 */
NODISCARD int api_install_admin_key(struct api *api, struct str key,
                                    void (*on_done)(void *ctx, int result), void *ctx);

#endif
