/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_internal.h - the whole, for server.c (order, ends, readiness) and server_parts.c (what each part is
 * made from).
 */
#ifndef SERVER_SERVER_INTERNAL_H
#define SERVER_SERVER_INTERNAL_H

#include <stdbool.h>

#include "base/err.h"
#include "db/db.h"
#include "net/loop.h"
#include "server/config.h"
#include "server/mail.h"
#include "server/welcome.h"
#include "store/store.h"
#include "store/writer.h"

enum { SERVER_DAY_MS = 24 * 3600 * 1000 };

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

/* --- server_parts.c, in the order of the start */
NODISCARD int server_open_store(struct server *s, struct err *err);
NODISCARD int server_listen(struct server *s, struct err *err);
NODISCARD int server_start_store(struct server *s, struct err *err);
NODISCARD int server_start_notices(struct server *s, struct err *err);
NODISCARD int server_start_engine(struct server *s);
void server_make_replays(struct server *s);
NODISCARD int server_start_api(struct server *s);

/* --- server.c: callbacks that the parts are given */
void server_on_scanned(void *ctx); /* the open work of the store is known */
bool server_is_ready(void *ctx, const char **ret_reason);

#endif
