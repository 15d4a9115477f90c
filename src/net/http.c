/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - libmicrohttpd in external epoll mode: its epoll descriptor is one watch of the main
 * loop, and it runs once a turn, after the replies of that turn were resumed together.
 *
 * A run can leave work behind without waiting for a descriptor (pipelined requests, TLS records
 * already read): then the next turn runs it again at once. A connection whose buffer is full
 * says that for ever, as does a listener without free descriptors: when nothing came of many
 * runs in a row, it naps between runs.
 */
#include "net/http.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "net/http_internal.h"

enum {
    HTTP_BACKLOG = 1024,
    HTTP_CONNECTIONS_MIN = 8,
    HTTP_IDLE_RUNS_MAX = 64,
    HTTP_NAP_MS = 5,
    HTTP_FLUSH_MS = 1000, /* http_stop waits so long for clients to read */
    HTTP_OPTIONS_MAX = 16
};

#define HTTP_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* --- A turn ------------------------------------------------------------------------------- */

static void on_ready(struct loop_watch *w, unsigned events)
{
    struct http_server *s = w->ctx;

    (void)events;
    s->must_run = true;
}

/* All daemons' descriptors: looked at, or not. */
static int watch_all(struct http_server *s, unsigned events)
{
    int rc = loop_watch_change(s->loop, &s->watch, events);

    for (size_t i = 0; i < HTTP_OLD_MAX && rc == 0; i++) {
        if (s->old[i].daemon != NULL) {
            rc = loop_watch_change(s->loop, &s->old[i].watch, events);
        }
    }
    return rc;
}

static void server_wake(struct http_server *s)
{
    if (!s->is_napping) {
        return;
    }
    s->is_napping = false;
    if (watch_all(s, LOOP_READ) != 0) {
        LOG_E("the HTTP server is not watched", "errno=%d", errno);
        s->is_napping = true;
        loop_timer_set(s->loop, &s->timer, clock_boot_ms() + HTTP_NAP_MS);
    }
}

static void on_timer(struct loop_timer *t)
{
    struct http_server *s = t->ctx;

    s->must_run = true;
    server_wake(s);
}

/* Milliseconds until libmicrohttpd wants to run even if no descriptor is ready; -1: never. */
int64_t http_daemon_timeout(struct MHD_Daemon *daemon)
{
#if MHD_VERSION >= 0x00097701
    return MHD_get_timeout64s(daemon);
#else
    MHD_UNSIGNED_LONG_LONG wait_ms;

    return MHD_get_timeout(daemon, &wait_ms) == MHD_YES ? (int64_t)wait_ms : -1;
#endif
}

static void server_resume(struct http_server *s)
{
    struct list_node *n;

    while ((n = list_pop_front(&s->resumes)) != NULL) {
        MHD_resume_connection(CONTAINER_OF(n, struct request, node)->connection);
        s->must_run = true;
    }
}

static void server_nap(struct http_server *s)
{
    s->must_run = false;
    s->is_napping = true;
    if (watch_all(s, 0) != 0) {
        LOG_E("the HTTP server is still watched", "errno=%d", errno);
    }
    loop_timer_set(s->loop, &s->timer, clock_boot_ms() + HTTP_NAP_MS);
}

static void server_run(struct http_server *s)
{
    uint64_t progress = s->progress;
    int64_t wait_ms;
    int64_t old_ms;

    s->must_run = false;
    server_wake(s); /* a reply may come while it naps: the timer below is another one then */
    if (MHD_run(s->daemon) != MHD_YES) {
        LOG_E("the HTTP server did not run", "errno=%d", errno);
    }
    s->idle_runs = s->progress != progress ? 0 : s->idle_runs + 1;
    wait_ms = http_daemon_timeout(s->daemon);
    old_ms = http_old_run(s);
    wait_ms = wait_ms < 0 || (old_ms >= 0 && old_ms < wait_ms) ? old_ms : wait_ms;
    s->must_run = s->must_run || wait_ms == 0;
    if (s->idle_runs > HTTP_IDLE_RUNS_MAX) {
        server_nap(s);
    } else if (s->must_run) {
        loop_wake(s->loop);
    } else if (wait_ms > 0) {
        loop_timer_set(s->loop, &s->timer, clock_boot_ms() + wait_ms);
    } else {
        loop_timer_cancel(s->loop, &s->timer);
    }
}

static void on_turn(struct loop_after *a)
{
    struct http_server *s = a->ctx;

    server_resume(s);
    if (s->must_run) {
        server_run(s);
    }
}

/* --- Starting ----------------------------------------------------------------------------- */

static void PRINTF_LIKE(2, 0) on_log(void *cls, const char *fmt, va_list args)
{
    char text[256];

    (void)cls;
    (void)vsnprintf(text, sizeof(text), fmt, args);
    text[strcspn(text, "\r\n")] = '\0';
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '"' || *p == '\\' ? '\'' : *p;
    }
    LOG_D("libmicrohttpd", "detail=\"%s\"", text);
}

/* "ADDR:PORT" or "[ADDR]:PORT" */
static int listen_find(const char *text, struct addrinfo **ret_found, struct err *err)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    char host[256];
    int64_t port;

    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    if (len == 0 || len >= sizeof(host) ||
        str_to_int(str_from(colon + 1), 0, UINT16_MAX, &port) != 0) {
        return err_set(err, -E_CONFIG, "listen must be ADDR:PORT, such as 127.0.0.1:8080.");
    }
    if (text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    (void)snprintf(host, sizeof(host), "%.*s", (int)len, text);
    if (getaddrinfo(host, colon + 1, &hints, ret_found) != 0) {
        return err_set(err, -E_CONFIG, "The address to listen on is not known: %s.", host);
    }
    return 0;
}

static int listen_open(const char *text, int *ret_fd, uint16_t *ret_port, struct err *err)
{
    struct addrinfo *found = NULL;
    struct sockaddr_storage bound;
    socklen_t bound_len = sizeof(bound);
    struct ip ip;
    int on = 1;
    int rc = listen_find(text, &found, err);
    int fd;

    if (rc != 0) {
        return rc;
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, HTTP_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &bound_len) != 0 ||
        ip_from_sockaddr((struct sockaddr *)&bound, &ip, ret_port) != 0) {
        rc = err_set(err, -E_CONFIG, "Cannot listen on %s: %s.", text, strerrordesc_np(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
    } else {
        *ret_fd = fd;
    }
    freeaddrinfo(found);
    return rc;
}

/* Accepting must never take the last descriptors: delivering goes on while clients wait in
 * the backlog. */
static unsigned connections_max(const struct http_options *options)
{
    struct rlimit limit;
    rlim_t most;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return options->connections_max;
    }
    most = limit.rlim_cur > HTTP_FD_RESERVE + HTTP_CONNECTIONS_MIN
               ? limit.rlim_cur - HTTP_FD_RESERVE
               : HTTP_CONNECTIONS_MIN;
    if (options->connections_max <= most) {
        return options->connections_max;
    }
    LOG_W("fewer connections than configured: too few file descriptors",
          "connections=%u wanted=%u", (unsigned)most, options->connections_max);
    return (unsigned)most;
}

static struct MHD_OptionItem option_value(enum MHD_OPTION option, size_t value)
{
    return (struct MHD_OptionItem){ option, (intptr_t)value, NULL };
}

static struct MHD_OptionItem option_pointer(enum MHD_OPTION option, const char *p)
{
    return (struct MHD_OptionItem){ option, 0, (void *)(uintptr_t)p };
}

struct MHD_Daemon *http_daemon_start(struct http_server *s, int listen_fd)
{
    const struct http_options *o = &s->options;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem options[HTTP_OPTIONS_MAX];
    size_t n = 0;

    options[n++] = option_value(MHD_OPTION_LISTEN_SOCKET, (size_t)listen_fd);
    options[n++] = option_value(MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                3 * o->header_max + o->uri_max + HTTP_POOL_EXTRA);
    options[n++] = option_value(MHD_OPTION_CONNECTION_LIMIT, s->connections_max);
    /* Functions travel as integers: libmicrohttpd documents that. */
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_URI_LOG_CALLBACK,
                                            (intptr_t)http_request_target, s };
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_NOTIFY_COMPLETED,
                                            (intptr_t)http_request_completed, s };
    options[n++] =
        (struct MHD_OptionItem){ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_conn_notify, s };
#if MHD_VERSION >= 0x00097701
    options[n++] = option_value(MHD_OPTION_CLIENT_DISCIPLINE_LVL, 3);
#else
    options[n++] = option_value(MHD_OPTION_STRICT_FOR_CLIENT, 1);
#endif
    if (o->tls_cert_pem != NULL) {
        flags |= MHD_USE_TLS;
        options[n++] = option_pointer(MHD_OPTION_HTTPS_MEM_CERT, o->tls_cert_pem);
        options[n++] = option_pointer(MHD_OPTION_HTTPS_MEM_KEY, o->tls_key_pem);
        options[n++] = option_pointer(MHD_OPTION_HTTPS_PRIORITIES, HTTP_TLS_PRIORITIES);
    }
    options[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    return MHD_start_daemon(flags, 0, http_conn_admit, s, http_request_access, s,
                            MHD_OPTION_EXTERNAL_LOGGER, on_log, s, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_END);
}

static int server_open(struct http_server *s, struct err *err)
{
    int rc = http_proxy_read(s, err);

    if (rc == 0) {
        rc = listen_open(s->options.listen, &s->listen_fd, &s->port, err);
    }
    if (rc != 0) {
        return rc;
    }
    s->daemon = http_daemon_start(s, s->listen_fd);
    if (s->daemon == NULL) {
        (void)close(s->listen_fd);
        return err_set(err, -E_CONFIG,
                       "The HTTP server did not start; with TLS: check certificate and key.");
    }
    s->watch.fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    rc = loop_watch(s->loop, &s->watch, LOOP_READ);
    if (rc != 0) {
        MHD_stop_daemon(s->daemon);
        return err_set(err, rc, "The HTTP server cannot be watched.");
    }
    return 0;
}

int http_start(struct loop *loop, const struct http_options *options, http_handler *on_request,
               http_refused *on_refused, void *ctx, struct http_server **ret_server,
               struct err *err)
{
    struct http_server *s = xalloc(sizeof(*s));
    int rc;

    s->loop = loop;
    s->options = *options;
    s->on_request = on_request;
    s->on_refused = on_refused;
    s->ctx = ctx;
    if (s->options.body_grace_ms == 0) {
        s->options.body_grace_ms = HTTP_BODY_GRACE_MS;
    }
    s->id_seed = random_u64();
    s->connections_max = connections_max(options);
    list_init(&s->resumes);
    list_init(&s->lingers);
    list_init(&s->streams);
    map_init(&s->addresses);
    s->watch = (struct loop_watch){ .on_ready = on_ready, .ctx = s };
    s->timer = (struct loop_timer){ .on_due = on_timer, .ctx = s };
    s->after = (struct loop_after){ .on_turn = on_turn, .ctx = s };
    rc = server_open(s, err);
    if (rc != 0) {
        map_done(&s->addresses);
        free(s);
        return rc;
    }
    /* What options point at may go after the start. */
    s->options.listen = NULL;
    s->options.behind_proxy = NULL;
    s->speaks_tls = s->options.tls_cert_pem != NULL;
    s->options.tls_cert_pem = NULL;
    s->options.tls_key_pem = NULL;
    loop_after_add(loop, &s->after);
    *ret_server = s;
    return 0;
}

uint16_t http_port(const struct http_server *server)
{
    return server->port;
}

void http_stats(const struct http_server *server, struct http_stats *ret_stats)
{
    *ret_stats = server->stats;
}

/* --- Stopping ----------------------------------------------------------------------------- */

void http_stop_accepting(struct http_server *s)
{
    int fd = MHD_quiesce_daemon(s->daemon);

    s->is_stopping = true;
    if (fd >= 0) {
        (void)close(fd);
    }
    http_streams_end(s);
}

/* What was replied goes out, as far as clients read it. */
static void server_flush(struct http_server *s)
{
    int64_t end = clock_boot_ms() + HTTP_FLUSH_MS;

    do {
        struct pollfd p = { .fd = s->watch.fd, .events = POLLIN };

        server_resume(s);
        if (MHD_run(s->daemon) != MHD_YES) {
            return;
        }
        (void)http_old_run(s);
        if (s->queued == 0) {
            return;
        }
        if (http_daemon_timeout(s->daemon) != 0) {
            (void)poll(&p, 1, HTTP_NAP_MS);
        }
    } while (clock_boot_ms() < end);
}

void http_stop(struct http_server *s)
{
    ASSERT(s->stats.waiting == 0);
    s->is_over = true;
    http_streams_end(s);
    server_flush(s);
    loop_after_remove(s->loop, &s->after);
    loop_timer_cancel(s->loop, &s->timer);
    loop_unwatch(s->loop, &s->watch);
    MHD_stop_daemon(s->daemon);
    http_old_stop(s);
    http_linger_stop_all(s);
    ASSERT(s->stats.connections == 0 && s->addresses.count == 0);
    map_done(&s->addresses);
    free(s);
}
