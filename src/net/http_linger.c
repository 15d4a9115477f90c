/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_linger.c - a refused client that is still sending would be answered by a reset: the
 * kernel sends one when a socket with unread bytes is closed, and the client may lose the 413
 * on its way. So a copy of the socket is kept for a moment: what comes is thrown away until the
 * client closes. Bounded in number, time, size.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/http_internal.h"

enum {
    HTTP_LINGER_MS = 2000,
    HTTP_LINGER_SIZE_MAX = 16 * 1024 * 1024,
    HTTP_LINGER_READ = 64 * 1024
};

struct lingering {
    struct list_node node; /* server->lingers */
    struct http_server *server;
    struct loop_watch watch;
    struct loop_timer timer;
    size_t seen;
};

static void linger_end(struct lingering *l)
{
    loop_unwatch(l->server->loop, &l->watch);
    loop_timer_cancel(l->server->loop, &l->timer);
    list_remove(&l->server->lingers, &l->node);
    (void)close(l->watch.fd);
    free(l);
}

static void on_time(struct loop_timer *t)
{
    linger_end(t->ctx);
}

static void on_bytes(struct loop_watch *w, unsigned events)
{
    struct lingering *l = w->ctx;
    char waste[HTTP_LINGER_READ];
    ssize_t n = recv(w->fd, waste, sizeof(waste), MSG_DONTWAIT);

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n > 0) {
        l->seen += (size_t)n;
    }
    if (n <= 0 || l->seen > HTTP_LINGER_SIZE_MAX) {
        linger_end(l);
    }
}

void http_linger_start(struct http_server *s, int fd)
{
    struct lingering *l;
    int copy;

    if (s->lingers.count >= HTTP_LINGERS_MAX) {
        return;
    }
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        return;
    }
    l = xalloc(sizeof(*l));
    l->server = s;
    l->watch = (struct loop_watch){ .fd = copy, .on_ready = on_bytes, .ctx = l };
    l->timer = (struct loop_timer){ .on_due = on_time, .ctx = l };
    list_push_back(&s->lingers, &l->node);
    (void)shutdown(copy, SHUT_WR);
    if (loop_watch(s->loop, &l->watch, LOOP_READ) != 0) {
        linger_end(l);
        return;
    }
    loop_timer_set(s->loop, &l->timer, clock_boot_ms() + HTTP_LINGER_MS);
}

void http_linger_stop_all(struct http_server *s)
{
    struct list_node *n;

    while ((n = list_first(&s->lingers)) != NULL) {
        linger_end(CONTAINER_OF(n, struct lingering, node));
    }
}
