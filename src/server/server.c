/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - start and stop order; nothing else knows the whole.
 *
 * Start: keeper (before anything it must not inherit), signals, store (lock, schema, key file), loop, HTTP
 * listener, writer (raises the epoch), registry, readers, engine, api; then the first start's project and key,
 * and the scan for open work: then it is ready. Stop is the reverse, one function for every end.
 */
#include "server/server.h"

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/keyring.h"
#include "engine/egress_pool.h"
#include "engine/engine.h"
#include "engine/hub.h"
#include "engine/inbox.h"
#include "engine/jobs.h"
#include "engine/meter.h"
#include "engine/notice.h"
#include "engine/quota.h"
#include "engine/registry.h"
#include "engine/replay.h"
#include "net/http.h"
#include "net/ipguard.h"
#include "net/loop.h"
#include "server/config.h"
#include "server/keeper.h"
#include "server/limits.h"
#include "server/listen.h"
#include "server/mail.h"
#include "server/people.h"
#include "server/signals.h"
#include "server/welcome.h"
#include "store/reader.h"
#include "store/store.h"
#include "store/writer.h"

enum {
    EXIT_STORE = 70,
    SWEEP_MS = 60000,
    SLOW_MS = 5000,
    READ_QUEUE_MAX = 4096,
    STATEMENT_TIMEOUT_MS = 30000,
    DAY_MS = 24 * 3600 * 1000,
    HOUR_MS = 3600 * 1000
};

struct server {
    const struct config *config;
    const char *config_path;
    int argc;
    char **argv;
    struct keeper *keeper;
    struct signals *signals;
    struct store_open store;
    struct db_options db;
    struct keyring *keyring;
    struct ipguard *guard;
    struct loop *loop;
    struct http_server *http;
    struct writer *writer;
    struct readers *readers;
    struct loop_watch writer_watch, readers_watch;
    struct registry *registry;
    struct inbox *inbox;
    struct notices *notices;
    struct mail_made mail;
    struct hub *hub;
    struct meter *meter;
    struct quotas *quotas;
    struct sessions *sessions;
    struct hasher *hasher;
    struct engine *engine;
    struct jobs *jobs;
    struct replays *replays;
    struct api *api;
    struct loop_timer drain_timer;
    char own_url[1100];
    char admin_key[WELCOME_KEY_SIZE];
    bool key_is_made, is_installed, is_scanned, is_draining, is_first_start;
    enum writer_state store_state;
    char user_agent[64];
    int exit_code;
};

/* --- callbacks of the parts */
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

static void server_tell_ready(struct server *s)
{
    if (!s->is_installed || !s->is_scanned) {
        return;
    }
    LOG_I("ready", "store=%s endpoints=%zu", s->db.kind == DB_SQLITE ? "sqlite" : "postgres",
          registry_living(s->registry, CONFIG_ENDPOINT));
    if (s->is_first_start && s->key_is_made) {
        welcome_print_key(s->admin_key);
    }
    if (s->config->dev) {
        LOG_W("development mode: http and loopback endpoints are allowed; never use it in "
              "production",
              "%s", "");
        welcome_print_dev(s->config, str_from(s->own_url));
    }
}

static void on_scanned(void *ctx)
{
    struct server *s = ctx;

    s->is_scanned = true;
    server_tell_ready(s);
}

static bool is_ready(void *ctx, const char **ret_reason)
{
    const struct server *s = ctx;

    *ret_reason = s->is_draining                         ? "draining"
                  : !s->is_installed || !s->is_scanned   ? "starting"
                  : s->store_state == WRITER_FULL        ? "the disk is full"
                  : s->store_state == WRITER_UNAVAILABLE ? "the store is unavailable"
                                                         : NULL;
    return *ret_reason == NULL;
}

static void on_request(void *ctx, struct http_request *req)
{
    api_handle(((struct server *)ctx)->api, req);
}

static void on_refused(void *ctx, struct http_request *req, int code)
{
    api_refused(((struct server *)ctx)->api, req, code);
}

/* --- ending */
static void on_drained(void *ctx)
{
    struct server *s = ctx;

    LOG_I("drained", "%s", "");
    loop_stop(s->loop);
}

static void on_drain_due(struct loop_timer *t)
{
    struct server *s = t->ctx;

    LOG_W("the drain time is over; attempts in flight are made again at the next start", "%s",
          "");
    loop_stop(s->loop);
}

static void server_drain(struct server *s)
{
    s->is_draining = true;
    LOG_I("draining", "limit_ms=%lld", (long long)s->config->drain_ms);
    http_stop_accepting(s->http);
    api_drain(s->api);
    jobs_stop(s->jobs);
    replays_stop(s->replays);
    mail_stop(&s->mail);
    s->drain_timer = (struct loop_timer){ .on_due = on_drain_due, .ctx = s };
    loop_timer_set(s->loop, &s->drain_timer, clock_boot_ms() + s->config->drain_ms);
    engine_drain(s->engine, on_drained, s);
}

static void server_log_setup(const struct config *c)
{
    enum log_level level = LOG_INFO;

    if (log_level_parse(str_from(c->log_level), &level) == 0) {
        log_setup(level, strcmp(c->log_format, "json") == 0);
    }
}

static void server_reload(struct server *s)
{
    struct config fresh;
    struct jobs_periods periods;
    struct err err;

    if (config_read(&fresh, s->config_path, s->argc, s->argv, &err) != 0) {
        LOG_E("the configuration was not reloaded", "detail=\"%s\"", err.text);
        return;
    }
    server_log_setup(&fresh);
    engine_set_held(s->engine, fresh.retention_days * DAY_MS);
    periods = limits_retention(&fresh);
    jobs_set_periods(s->jobs, &periods);
    config_done(&fresh);
    LOG_I("configuration reloaded", "%s", "");
    listen_reload(s->config, s->http);
}

static void on_signal(void *ctx, int number)
{
    struct server *s = ctx;

    if (number == SIGHUP) {
        server_reload(s);
    } else if (s->is_draining) {
        LOG_W("second signal: ending at once", "%s", "");
        loop_stop(s->loop);
    } else {
        server_drain(s);
    }
}

/* --- starting */
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

static int server_open_store(struct server *s, struct err *err)
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

static int server_listen(struct server *s, struct err *err)
{
    int rc = listen_start(s->config, s->loop, on_request, on_refused, s, &s->http, err);

    if (rc != 0) {
        return rc;
    }
    listen_url(s->config, http_port(s->http), s->own_url, sizeof(s->own_url));
    return 0;
}

static int server_start_store(struct server *s, struct err *err)
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

static int server_start_notices(struct server *s, struct err *err)
{
    const struct config *c = s->config;
    struct notices_options options = { .loop = s->loop,
                                       .registry = s->registry,
                                       .writer = s->writer,
                                       .hub = s->hub,
                                       .cooldown_ms = c->notice_cooldown_ms,
                                       .app_hour_max = c->notice_app_hour_max,
                                       .keep_ms = c->notice_days * (int64_t)DAY_MS,
                                       .own_url = str_from(s->own_url),
                                       .templates_dir = str_from(c->notice_templates) };

    return notices_new(&options, &s->db, &s->notices, err);
}

static int server_start_engine(struct server *s)
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
        .held_ms = c->retention_days * DAY_MS,
        .health_rules = limits_health(c),
        .egress = &egress,
        .inbox = s->inbox,
        .notices = s->notices,
        .hub = s->hub,
        .meter = s->meter,
        .sweep_ms = SWEEP_MS,
        .on_ready = on_scanned,
        .ctx = s,
    };

    return engine_new(&options, &s->engine);
}

static void server_make_replays(struct server *s)
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

static int server_start_api(struct server *s)
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
                                   .is_ready = is_ready,
                                   .ctx = s };
    int rc = api_new(&options, &s->api);

    if (rc == 0) {
        api_set_http(s->api, s->http);
    }
    return rc;
}

static void on_installed(void *ctx, int result)
{
    struct server *s = ctx;
    struct err err;

    if (result != 0) {
        LOG_E("the first admin key could not be stored", "error=%s", err_token(result));
        s->exit_code = 1;
        loop_stop(s->loop);
        return;
    }
    if (s->config->dev && welcome_keep(s->config, s->admin_key, &err) != 0) {
        LOG_W("the development key was not kept", "detail=\"%s\"", err.text);
    }
    s->is_installed = true;
    server_tell_ready(s);
}

/* A first start, or one that was cut short before its key was stored. */
static int server_install(struct server *s, struct err *err)
{
    struct project *p = registry_default_project(s->registry);
    int rc;

    if (p != NULL && registry_app(p, STR("default")) != NULL &&
        registry_has_admin_key(s->registry, p)) {
        s->is_installed = true;
        return 0;
    }
    s->is_first_start = true;
    rc = welcome_key(s->config, s->admin_key, &s->key_is_made, err);
    return rc != 0 ? rc
                   : api_install_admin_key(s->api, str_from(s->admin_key), on_installed, s);
}

static int server_start(struct server *s, struct err *err)
{
    struct ipguard_options guard = { .allow_loopback = s->config->dev,
                                     .allow_targets = str_from(s->config->allow_target),
                                     .refuse_targets = str_from(s->config->refuse_target),
                                     .own_addresses = true };
    int rc = listen_check(s->config, err);

    (void)snprintf(s->user_agent, sizeof(s->user_agent), "Postern/%s", POSTERN_VERSION);
    if (rc == 0) {
        rc = ipguard_new(&guard, &s->guard, err);
    }
    if (rc == 0) {
        rc = server_open_store(s, err);
    }
    if (rc == 0) {
        rc = loop_new(&s->loop);
    }
    if (rc == 0) {
        rc = hub_new(s->loop, &s->hub);
    }
    if (rc == 0) {
        rc = signals_start(s->loop, on_signal, s, &s->signals);
    }
    if (rc == 0) {
        rc = server_listen(s, err);
    }
    if (rc == 0) {
        rc = server_start_store(s, err);
    }
    if (rc == 0) {
        rc = server_start_notices(s, err);
    }
    if (rc == 0) {
        s->inbox = inbox_new();
        s->meter = meter_new(&(struct meter_options){ .loop = s->loop,
                                                      .writer = s->writer,
                                                      .registry = s->registry,
                                                      .readers = s->readers,
                                                      .days = s->config->rollup_days });
        s->quotas = quotas_new(s->loop, s->writer);
        rc = server_start_engine(s);
    }
    if (rc == 0) {
        rc = mail_start(&(struct mail_parts){ .config = s->config,
                                              .loop = s->loop,
                                              .writer = s->writer,
                                              .readers = s->readers,
                                              .engine = s->engine,
                                              .keyring = s->keyring,
                                              .db = &s->db,
                                              .registry = s->registry,
                                              .notices = s->notices },
                        &s->mail, err);
    }
    if (rc == 0) {
        rc = people_start(s->config,
                          &(struct people_parts){ .loop = s->loop,
                                                  .registry = s->registry,
                                                  .writer = s->writer,
                                                  .keyring = s->keyring,
                                                  .db = &s->db },
                          &s->sessions, &s->hasher, err);
    }
    if (rc == 0) {
        server_make_replays(s);
        rc = server_start_api(s);
    }
    if (rc == 0) {
        s->jobs = jobs_start(&(struct jobs_options){ .loop = s->loop,
                                                     .writer = s->writer,
                                                     .registry = s->registry,
                                                     .periods = limits_retention(s->config) });
        rc = engine_start(s->engine);
    }
    if (rc == 0) {
        replays_start(s->replays);
    }
    if (rc == 0) {
        rc = server_install(s, err);
    }
    return rc;
}

/* The one way down, whatever stands. */
static void server_stop(struct server *s)
{
    if (s->loop != NULL) {
        loop_timer_cancel(s->loop, &s->drain_timer);
    }
    jobs_stop(s->jobs);
    replays_stop(s->replays);
    notices_stop(s->notices);
    mail_stop(&s->mail);
    hasher_stop(s->hasher);
    if (s->readers != NULL) {
        loop_unwatch(s->loop, &s->readers_watch);
        readers_stop(s->readers);
    }
    meter_stop(s->meter);
    quotas_stop(s->quotas);
    if (s->writer != NULL) {
        loop_unwatch(s->loop, &s->writer_watch);
        writer_stop(s->writer);
    }
    engine_free(s->engine);
    s->engine = NULL;
    jobs_free(s->jobs);
    replays_free(s->replays);
    meter_free(s->meter);
    quotas_free(s->quotas);
    sessions_free(s->sessions);
    notices_free(s->notices);
    mail_free(&s->mail);
    if (s->http != NULL) {
        http_stop(s->http);
    }
    api_free(s->api);
    registry_free(s->registry);
    inbox_free(s->inbox);
    hub_free(s->hub);
    signals_stop(s->signals);
    loop_free(s->loop);
    ipguard_free(s->guard);
    keyring_free(s->keyring);
    keeper_stop(s->keeper);
}

int server_run(const struct config *config, const char *config_path, int argc, char **argv)
{
    struct server s = {
        .config = config, .config_path = config_path, .argc = argc, .argv = argv
    };
    struct err err = { .text = "" };
    int rc;

    server_log_setup(config);
    limits_raise_files();
    if (config->ca_file[0] != '\0') {
        (void)setenv("SSL_CERT_FILE", config->ca_file,
                     1); /* read by the sending processes, started below */
    }
    rc = keeper_start(&s.keeper);
    if (rc == 0) {
        rc = signals_block();
    }
    if (rc == 0) {
        rc = server_start(&s, &err);
    }
    if (rc == 0) {
        LOG_I("listening", "url=%s version=%s", s.own_url, POSTERN_VERSION);
        rc = loop_run(s.loop);
    }
    if (rc != 0) {
        log_write(LOG_FATAL, "could not start", "detail=\"%s\"",
                  err.text[0] != '\0' ? err.text : err_text(rc));
        s.exit_code = 1;
    }
    server_stop(&s);
    return s.exit_code;
}
