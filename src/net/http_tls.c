/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_tls.c - a new certificate while serving. libmicrohttpd cannot change the one of a daemon, so a second
 * daemon is started on the same listener and the first one stops to accept: its connections go on under the
 * old certificate, and with the last of them it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/http_internal.h"

static void on_old_ready(struct loop_watch *w, unsigned events)
{
    struct http_server *s = w->ctx;

    (void)events;
    s->must_run = true;
}

static unsigned daemon_connections(struct MHD_Daemon *daemon)
{
    return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

static int daemon_fd(struct MHD_Daemon *daemon)
{
    return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static void old_end(struct http_server *s, struct http_old *old)
{
    loop_unwatch(s->loop, &old->watch);
    MHD_stop_daemon(old->daemon);
    old->daemon = NULL;
}

int64_t http_old_run(struct http_server *s)
{
    int64_t soonest = -1;

    for (size_t i = 0; i < HTTP_OLD_MAX; i++) {
        struct http_old *old = &s->old[i];
        int64_t wait_ms;

        if (old->daemon == NULL) {
            continue;
        }
        if (MHD_run(old->daemon) != MHD_YES) {
            LOG_E("an earlier HTTP server did not run", "errno=%d", errno);
        }
        if (daemon_connections(old->daemon) == 0) {
            old_end(s, old);
            continue;
        }
        wait_ms = http_daemon_timeout(old->daemon);
        soonest = wait_ms >= 0 && (soonest < 0 || wait_ms < soonest) ? wait_ms : soonest;
    }
    return soonest;
}

void http_old_stop(struct http_server *s)
{
    for (size_t i = 0; i < HTTP_OLD_MAX; i++) {
        if (s->old[i].daemon != NULL) {
            old_end(s, &s->old[i]);
        }
    }
}

static struct http_old *old_free(struct http_server *s)
{
    for (size_t i = 0; i < HTTP_OLD_MAX; i++) {
        if (s->old[i].daemon == NULL) {
            return &s->old[i];
        }
    }
    return NULL;
}

/* The present daemon becomes an old one. Its watch must follow before the new one's is changed. */
static int replace(struct http_server *s, struct http_old *old, struct MHD_Daemon *fresh,
                   struct err *err)
{
    struct MHD_Daemon *present = s->daemon;
    int rc;

    loop_unwatch(s->loop, &s->watch);
    s->watch.fd = daemon_fd(fresh);
    rc = loop_watch(s->loop, &s->watch, LOOP_READ);
    if (rc == 0) {
        old->watch =
            (struct loop_watch){ .fd = daemon_fd(present), .on_ready = on_old_ready, .ctx = s };
        rc = loop_watch(s->loop, &old->watch, LOOP_READ);
        if (rc != 0) {
            loop_unwatch(s->loop, &s->watch);
        }
    }
    if (rc != 0) {
        s->watch.fd = daemon_fd(present);
        if (loop_watch(s->loop, &s->watch, LOOP_READ) != 0) {
            LOG_E("the HTTP server is not watched", "errno=%d", errno);
        }
        return err_set(err, rc, "The HTTP server with the new certificate cannot be watched.");
    }
    old->daemon = present;
    s->daemon = fresh;
    return 0;
}

int http_reload_tls(struct http_server *s, const char *cert_pem, const char *key_pem,
                    struct err *err)
{
    struct http_old *old = old_free(s);
    struct MHD_Daemon *fresh;
    int rc;
    int fd;

    if (!s->speaks_tls || s->is_stopping) {
        return err_set(err, -E_CONFIG, "This server does not speak TLS, or it is ending.");
    }
    if (old == NULL) {
        return err_set(err, -E_BUSY,
                       "Connections under %d earlier certificates are still open.",
                       HTTP_OLD_MAX);
    }
    fd = fcntl(s->listen_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return err_set(err, -E_IO, "The listener cannot be shared.");
    }
    s->options.tls_cert_pem = cert_pem;
    s->options.tls_key_pem = key_pem;
    fresh = http_daemon_start(s, fd);
    s->options.tls_cert_pem = NULL;
    s->options.tls_key_pem = NULL;
    if (fresh == NULL) {
        (void)close(fd);
        return err_set(err, -E_CONFIG, "The certificate and the key do not fit, or are none.");
    }
    rc = replace(s, old, fresh, err);
    if (rc != 0) {
        MHD_stop_daemon(fresh);
        return rc;
    }
    (void)close(MHD_quiesce_daemon(old->daemon));
    s->listen_fd = fd;
    s->must_run = true;
    loop_wake(s->loop);
    return 0;
}
