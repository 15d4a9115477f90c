/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - start and stop order; nothing else knows the whole.
 *
 * Start: keeper (before anything it must not inherit), signals, store (lock, schema, key file), loop, HTTP
 * listener, writer (raises the epoch), registry, readers, engine, api; then the first start's project and key,
 * and the scan for open work: then it is ready. Stop is the reverse, one function for every end.
 */
#include "server/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/keyring.h"
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
#include "server/server_internal.h"
#include "server/signals.h"
#include "server/welcome.h"
#include "store/reader.h"
#include "store/store.h"
#include "store/writer.h"

/* --- being ready */
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

void server_on_scanned(void *ctx)
{
    struct server *s = ctx;

    s->is_scanned = true;
    server_tell_ready(s);
}

bool server_is_ready(void *ctx, const char **ret_reason)
{
    const struct server *s = ctx;

    *ret_reason = s->is_draining                         ? "draining"
                  : !s->is_installed || !s->is_scanned   ? "starting"
                  : s->store_state == WRITER_FULL        ? "the disk is full"
                  : s->store_state == WRITER_UNAVAILABLE ? "the store is unavailable"
                                                         : NULL;
    return *ret_reason == NULL;
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
    engine_set_held(s->engine, fresh.retention_days * SERVER_DAY_MS);
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
