/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signals.h"

#include <sys/signalfd.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/loop.h"

struct signals {
    struct loop *loop;
    struct loop_watch watch;
    void (*on_signal)(void *ctx, int number);
    void *ctx;
};

static void signals_set(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
}

int signals_block(void)
{
    sigset_t set;

    signals_set(&set);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return -E_IO;
    }
    return 0;
}

static void on_ready(struct loop_watch *w, unsigned events)
{
    struct signals *s = w->ctx;
    struct signalfd_siginfo info;

    (void)events;
    while (read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        s->on_signal(s->ctx, (int)info.ssi_signo);
    }
}

int signals_start(struct loop *loop, void (*on_signal)(void *ctx, int number), void *ctx,
                  struct signals **ret_signals)
{
    struct signals *s = xalloc(sizeof(*s));
    sigset_t set;
    int rc;

    signals_set(&set);
    *s = (struct signals){ .loop = loop, .on_signal = on_signal, .ctx = ctx };
    s->watch = (struct loop_watch){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
                                    .on_ready = on_ready,
                                    .ctx = s };
    if (s->watch.fd < 0) {
        free(s);
        return -E_IO;
    }
    rc = loop_watch(loop, &s->watch, LOOP_READ);
    if (rc != 0) {
        (void)close(s->watch.fd);
        free(s);
        return rc;
    }
    *ret_signals = s;
    return 0;
}

void signals_stop(struct signals *s)
{
    if (s == NULL) {
        return;
    }
    loop_unwatch(s->loop, &s->watch);
    (void)close(s->watch.fd);
    free(s);
}
