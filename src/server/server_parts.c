/* SPDX-License-Identifier: Apache-2.0 */
/* server_parts.c - what each part of the server is made from: settings in, options out, and the callbacks that
 * only pass on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "crypto/keyring.h"
#include "engine/egress_pool.h"
#include "engine/engine.h"
#include "engine/notice.h"
#include "engine/registry.h"
#include "engine/replay.h"
#include "net/http.h"
#include "net/loop.h"
#include "server/config.h"
#include "server/keeper.h"
#include "server/limits.h"
#include "server/listen.h"
#include "server/server_internal.h"
#include "store/reader.h"
#include "store/store.h"
#include "store/writer.h"

enum {
    EXIT_STORE = 70,
    SWEEP_MS = 60000,
    SLOW_MS = 5000,
    READ_QUEUE_MAX = 4096,
    STATEMENT_TIMEOUT_MS = 30000
};

/* --- callbacks that pass on */
static void on_writer_ready(struct loop_watch *w, unsigned events)
{
    (void)events;
    writer_dispatch(((struct server *)w->ctx)->writer);
}

static void on_readers_ready(struct loop_watch *w, unsigned events)
{
    (void)events;
    readers_dispatch(((struct server *)w->ctx)->readers);
}

static void on_store_state(void *ctx, enum writer_state state)
{
    struct server *s = ctx;

    s->store_state = state;
    if (state == WRITER_OK) {
        LOG_I("the store commits again", "%s", "");
    } else {
        LOG_E("the store takes nothing", "state=%s",
              state == WRITER_FULL ? "full" : "unavailable");
    }
    if (s->engine != NULL) {
        engine_on_store(s->engine, state);
    }
}

/* Nothing may be written after this: what was not acknowledged is found again at the next start. */
static void on_store_fatal(void *ctx, const char *sentence)
{
    (void)ctx;
    log_write(LOG_FATAL, "the store failed beyond repair; ending", "detail=\"%s\"", sentence);
    _exit(EXIT_STORE);
}

static void on_endpoint(void *ctx, struct endpoint *endpoint, bool is_new)
{
    struct server *s = ctx;

    if (s->engine != NULL) {
        engine_on_endpoint(s->engine, endpoint, is_new);
    }
}

static void on_app(void *ctx, struct app *app)
{
    struct server *s = ctx;

    if (s->engine != NULL) {
        engine_on_app(s->engine, app);
    }
}

static void on_request(void *ctx, struct http_request *req)
{
    api_handle(((struct server *)ctx)->api, req);
}

static void on_refused(void *ctx, struct http_request *req, int code)
{
    api_refused(((struct server *)ctx)->api, req, code);
}

/* --- the parts */
static int server_open_key(struct server *s, struct err *err)
{
    unsigned char check[KEYRING_CHECK_SIZE];
    char path[4200];
    bool is_new = false;
    int rc;

    if (s->config->key_file[0] != '\0') {
        (void)snprintf(path, sizeof(path), "%s", s->config->key_file);
    } else {
        (void)snprintf(path, sizeof(path), "%s/postern.key", s->config->data);
    }
    rc = store_is_new(&s->db, &is_new, err);
    if (rc == 0) {
        rc = keyring_open(path, is_new, &s->keyring, err);
    }
    if (rc != 0) {
        return rc;
    }
    keyring_check(s->keyring, check);
    return store_check_key(&s->db, check, err);
}

int server_open_store(struct server *s, struct err *err)
{
    int rc;

    s->store =
        (struct store_open){ .database =
                                 s->config->database[0] == '\0' ? NULL : s->config->database,
                             .data_dir = s->config->data,
                             .vfs = getenv("POSTERN_TEST_VFS") };
    rc = store_open(&s->store, &s->db, err);
    if (rc != 0) {
        return rc;
    }
    s->db.statement_timeout_ms = STATEMENT_TIMEOUT_MS;
    return server_open_key(s, err);
}

int server_listen(struct server *s, struct err *err)
{
    int rc = listen_start(s->config, s->loop, on_request, on_refused, s, &s->http, err);

    if (rc != 0) {
        return rc;
    }
    listen_url(s->config, http_port(s->http), s->own_url, sizeof(s->own_url));
    return 0;
}

int server_start_store(struct server *s, struct err *err)
{
    const struct config *c = s->config;
    struct writer_options writer = { .db = &s->db,
                                     .queue_bytes_max = (size_t)c->write_queue_max,
                                     .batch_rows_max = (uint32_t)c->batch_rows_max,
                                     .batch_bytes_max = (size_t)c->batch_bytes_max,
                                     .batch_ms_max = (uint32_t)c->batch_ms_max,
                                     .on_state = on_store_state,
                                     .on_fatal = on_store_fatal,
                                     .ctx = s };
    struct registry_options registry = { .keyring = s->keyring,
                                         .own_url = str_from(s->own_url),
                                         .endpoints_max = (uint32_t)c->endpoints_max,
                                         .on_endpoint = on_endpoint,
                                         .on_app = on_app,
                                         .ctx = s };
    int rc = writer_start(&writer, &s->writer, err);

    if (rc == 0) {
        rc = registry_new(&registry, &s->registry);
    }
    if (rc == 0) {
        rc = registry_load(s->registry, &s->db, err);
    }
    if (rc == 0) {
        registry_set_writer(s->registry, s->writer);
        rc = readers_start(&s->db, (unsigned)c->reader_threads, READ_QUEUE_MAX, &s->readers,
                           err);
    }
    if (rc == 0) {
        s->writer_watch = (struct loop_watch){ .fd = writer_fd(s->writer),
                                               .on_ready = on_writer_ready,
                                               .ctx = s };
        rc = loop_watch(s->loop, &s->writer_watch, LOOP_READ);
    }
    if (rc == 0) {
        s->readers_watch = (struct loop_watch){ .fd = readers_fd(s->readers),
                                                .on_ready = on_readers_ready,
                                                .ctx = s };
        rc = loop_watch(s->loop, &s->readers_watch, LOOP_READ);
    }
    return rc;
}

int server_start_notices(struct server *s, struct err *err)
{
    const struct config *c = s->config;
    struct notices_options options = { .loop = s->loop,
                                       .registry = s->registry,
                                       .writer = s->writer,
                                       .hub = s->hub,
                                       .cooldown_ms = c->notice_cooldown_ms,
                                       .app_hour_max = c->notice_app_hour_max,
                                       .keep_ms = c->notice_days * (int64_t)SERVER_DAY_MS,
                                       .own_url = str_from(s->own_url),
                                       .templates_dir = str_from(c->notice_templates) };

    return notices_new(&options, &s->db, &s->notices, err);
}

int server_start_engine(struct server *s)
{
    const struct config *c = s->config;
    struct egress_options egress = {
        .processes = limits_processes(c),
        .transfers_max = (uint32_t)c->egress_transfers_max,
        .policy = { .allow_http = c->dev || c->allow_http,
                    .allow_loopback = c->dev,
                    .allow_targets = str_from(c->allow_target),
                    .refuse_targets = str_from(c->refuse_target),
                    .ports = str_from(c->dev ? "any" : c->endpoint_ports),
                    .dns_server = str_from(c->dns_server),
                    .user_agent = str_from(s->user_agent),
                    .connect_timeout_ms = (uint32_t)c->connect_timeout_ms,
                    .transfers_max = (uint32_t)c->egress_transfers_max,
                    .bytes_max = (uint64_t)c->egress_bytes_max },
        .spawn = keeper_spawn,
        .spawn_ctx = s->keeper,
    };
    struct engine_options options = {
        .loop = s->loop,
        .registry = s->registry,
        .writer = s->writer,
        .readers = s->readers,
        .keyring = s->keyring,
        .limits = { .endpoints_max = (uint32_t)c->endpoints_max,
                    .apps_max = (uint32_t)c->endpoints_max,
                    .deliveries_max = (uint32_t)c->deliveries_memory_max,
                    .window_max = (uint32_t)c->endpoint_memory_max,
                    .app_concurrency = (uint32_t)c->app_concurrency,
                    .slots_max = egress.processes * egress.transfers_max,
                    .uncommitted_max = (uint32_t)c->uncommitted_max,
                    .slow_ms = SLOW_MS },
        .header_prefix = str_from(c->header_prefix),
        .user_agent = str_from(s->user_agent),
        .body_memory_max = (size_t)c->body_memory_max,
        .endpoint_concurrency = (uint32_t)c->endpoint_concurrency,
        .held_ms = c->retention_days * SERVER_DAY_MS,
        .health_rules = limits_health(c),
        .egress = &egress,
        .inbox = s->inbox,
        .notices = s->notices,
        .hub = s->hub,
        .meter = s->meter,
        .sweep_ms = SWEEP_MS,
        .on_ready = server_on_scanned,
        .ctx = s,
    };

    return engine_new(&options, &s->engine);
}

void server_make_replays(struct server *s)
{
    s->replays =
        replays_new(&(struct replays_options){ .loop = s->loop,
                                               .engine = s->engine,
                                               .registry = s->registry,
                                               .writer = s->writer,
                                               .readers = s->readers,
                                               .keyring = s->keyring,
                                               .notices = s->notices,
                                               .hub = s->hub,
                                               .event_data_max = s->config->event_data_max });
}

int server_start_api(struct server *s)
{
    const struct config *c = s->config;
    struct api_options options = { .registry = s->registry,
                                   .engine = s->engine,
                                   .writer = s->writer,
                                   .readers = s->readers,
                                   .inbox = s->inbox,
                                   .notices = s->notices,
                                   .outbox = s->mail.outbox,
                                   .alerts = s->mail.alerts,
                                   .recipients = s->mail.recipients,
                                   .loop = s->loop,
                                   .hub = s->hub,
                                   .meter = s->meter,
                                   .quotas = s->quotas,
                                   .keyring = s->keyring,
                                   .sessions = s->sessions,
                                   .hasher = s->hasher,
                                   .sign_in_tries = c->sign_in_tries,
                                   .sign_in_period_ms = c->sign_in_period_ms,
                                   .guard = s->guard,
                                   .endpoint_ports = c->dev ? "any" : c->endpoint_ports,
                                   .dev = c->dev,
                                   .allow_http = c->dev || c->allow_http,
                                   .require_tls =
                                       c->behind_proxy[0] != '\0' && !listen_is_loopback(c),
                                   .header_prefix = str_from(c->header_prefix),
                                   .own_url = str_from(s->own_url),
                                   .reveals_secrets = strcmp(c->secret_reveal, "reauth") == 0,
                                   .tests_per_minute = c->tests_per_minute,
                                   .url_checks_per_minute = c->url_checks_per_minute,
                                   .source_ips = str_from(c->source_ips),
                                   .endpoint_timeout_ms = c->endpoint_timeout_ms,
                                   .app_endpoints_max = c->app_endpoints_max,
                                   .endpoints_max = c->endpoints_max,
                                   .event_data_max = c->event_data_max,
                                   .batch_events_max = c->batch_events_max,
                                   .replays = s->replays,
                                   .replay = limits_replay(c),
                                   .retention_days = c->retention_days,
                                   .streams_max = c->streams_max,
                                   .stream_heartbeat_ms = c->stream_heartbeat_ms,
                                   .is_ready = server_is_ready,
                                   .ctx = s };
    int rc = api_new(&options, &s->api);

    if (rc == 0) {
        api_set_http(s->api, s->http);
    }
    return rc;
}
