/* SPDX-License-Identifier: Apache-2.0 */
/*
 * egress.c - the channel to serve, and the wiring of the process.
 *
 * Frames are read as they come, at most EGRESS_READS_PER_TURN pieces a turn; outcomes of a turn are written
 * together at its end. When serve does not take them, no more requests are read.
 */
#include "egress/egress.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <ares.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/log.h"
#include "egress/resolver.h"
#include "egress/sandbox.h"
#include "egress/sender.h"
#include "egress/trust.h"
#include "net/frame.h"
#include "net/ipguard.h"
#include "net/loop.h"

enum {
    EGRESS_READ_SIZE = 64 * 1024,
    EGRESS_READS_PER_TURN = 16,
    EGRESS_OUT_HIGH = 8 * 1024 * 1024, /* beyond: read no more requests */
    EGRESS_OUT_MAX =
        128 * 1024 * 1024, /* never reached: OUT_HIGH and an outcome for each transfer */
    EGRESS_TRANSFERS_MAX = 4096,
    EGRESS_REFRESH_MS = 60 * 1000 /* this host's own addresses */
};

struct egress {
    struct loop *loop;
    struct loop_watch channel;
    struct loop_after flush;
    struct loop_timer refresh;
    struct buf in;
    struct buf out;
    size_t out_at; /* what of out is written */
    bool is_failed;
    char *ports;
    char *user_agent;
    struct ipguard *guard;
    struct trust *trust;
    struct resolver *resolver;
    struct sender *sender; /* not NULL once the policy has come */
};

static void egress_fail(struct egress *e, const char *why)
{
    LOG_E("egress ends", "reason=\"%s\"", why);
    e->is_failed = true;
    loop_stop(e->loop);
}

/* --- Outcomes out ----------------------------------------------------------------------------- */

static void egress_rewatch(struct egress *e)
{
    size_t left = e->out.len - e->out_at;
    unsigned events = (left > 0 ? LOOP_WRITE : 0U) | (left < EGRESS_OUT_HIGH ? LOOP_READ : 0U);

    if (loop_watch_change(e->loop, &e->channel, events) != 0) {
        egress_fail(e, "the channel cannot be watched");
    }
}

static void egress_flush(struct egress *e)
{
    ASSERT(e->out_at <= e->out.len);
    while (e->out_at < e->out.len) {
        ssize_t n =
            send(e->channel.fd, e->out.p + e->out_at, e->out.len - e->out_at, MSG_NOSIGNAL);

        if (n > 0) {
            e->out_at += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            break;
        } else {
            loop_stop(e->loop); /* serve is gone */
            return;
        }
    }
    if (e->out_at == e->out.len) {
        buf_clear(&e->out);
        e->out_at = 0;
    } else if (e->out_at > EGRESS_READ_SIZE && e->out_at > e->out.len / 2) {
        buf_consume(&e->out, e->out_at);
        e->out_at = 0;
    }
    egress_rewatch(e);
}

static void on_turn(struct loop_after *a)
{
    struct egress *e = a->ctx;

    if (e->out_at < e->out.len) {
        egress_flush(e);
    }
}

static void on_done(void *ctx, const struct frame_done *done)
{
    struct egress *e = ctx;

    if (frame_put_done(&e->out, done) != 0) {
        egress_fail(e, "an outcome has no room");
    }
}

/* --- The policy ------------------------------------------------------------------------------- */

static void on_refresh(struct loop_timer *t)
{
    struct egress *e = t->ctx;

    ipguard_refresh(e->guard);
    loop_timer_set(e->loop, t, loop_now(e->loop) + EGRESS_REFRESH_MS);
}

/* Descriptors: as many as the system lets this process have. */
static void egress_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int egress_start_sender(struct egress *e, const struct frame_policy *policy,
                               struct err *err)
{
    struct sender_options options = {
        .loop = e->loop,
        .resolver = e->resolver,
        .guard = e->guard,
        .trust = e->trust,
        .allow_http = policy->allow_http != 0,
        .allow_loopback = policy->allow_loopback != 0,
        .ports = e->ports,
        .user_agent = e->user_agent,
        .connect_timeout_ms = policy->connect_timeout_ms,
        .transfers_max = policy->transfers_max,
        .bytes_max = policy->bytes_max,
        .on_done = on_done,
        .ctx = e,
    };

    if (options.transfers_max == 0 || options.transfers_max > EGRESS_TRANSFERS_MAX) {
        options.transfers_max = EGRESS_TRANSFERS_MAX;
    }
    return sender_new(&options, &e->sender, err);
}

/* Everything that reads files comes before the sandbox. */
static int egress_take_policy(struct egress *e, struct str body, struct err *err)
{
    struct ipguard_options guard = { 0 };
    struct resolver_options resolver = { 0 };
    struct frame_policy policy;
    int rc;

    ASSERT(e->sender == NULL);
    if (frame_get_policy(body, &policy) != 0) {
        return err_set(err, -E_INVALID, "The first frame is not a policy.");
    }
    guard.allow_loopback = policy.allow_loopback != 0;
    guard.allow_targets = policy.allow_targets;
    guard.refuse_targets = policy.refuse_targets;
    guard.own_addresses = true;
    resolver.dns_server = policy.dns_server;
    resolver.allow_loopback = policy.allow_loopback != 0;
    e->ports = xstrndup(policy.ports);
    e->user_agent = xstrndup(policy.user_agent);
    egress_raise_limit();
    rc = ipguard_new(&guard, &e->guard, err);
    if (rc != 0) {
        return rc;
    }
    e->trust = trust_new();
    rc = resolver_new(e->loop, &resolver, &e->resolver, err);
    if (rc != 0) {
        return rc;
    }
    rc = egress_start_sender(e, &policy, err);
    if (rc != 0) {
        return rc;
    }
    loop_timer_set(e->loop, &e->refresh, loop_now(e->loop) + EGRESS_REFRESH_MS);
    return sandbox_enter(err);
}

/* --- Frames in -------------------------------------------------------------------------------- */

static int egress_take_frame(struct egress *e, enum frame_type type, struct str body)
{
    struct err err = { 0 };
    struct frame_send send;
    struct frame_mail mail;
    uint64_t handle;

    if (e->sender == NULL || type == FRAME_POLICY) {
        if (e->sender != NULL || type != FRAME_POLICY) {
            return -E_INVALID;
        }
        if (egress_take_policy(e, body, &err) != 0) {
            LOG_E("egress cannot start", "reason=\"%s\"", err.text);
            return -E_INVALID;
        }
        return 0;
    }
    if (type == FRAME_SEND) {
        return frame_get_send(body, &send) == 0 ? sender_send(e->sender, &send) : -E_INVALID;
    }
    if (type == FRAME_MAIL) {
        return frame_get_mail(body, &mail) == 0 ? sender_mail(e->sender, &mail) : -E_INVALID;
    }
    if (type == FRAME_ABORT && frame_get_abort(body, &handle) == 0) {
        sender_abort(e->sender, handle);
        return 0;
    }
    return -E_INVALID;
}

static void egress_take_frames(struct egress *e)
{
    struct str left = buf_str(&e->in);
    enum frame_type type;
    struct str body;
    size_t size;
    int rc;

    for (;;) {
        rc = frame_next(left, &type, &body, &size);
        if (rc == 0) {
            rc = egress_take_frame(e, type, body);
        }
        if (rc == -E_NOT_FOUND) {
            break;
        }
        if (rc != 0) {
            egress_fail(e, "a frame is not valid");
            return;
        }
        left = str_sub(left, size, left.len);
    }
    buf_consume(&e->in, e->in.len - left.len);
}

static void on_channel_ready(struct loop_watch *w, unsigned events)
{
    struct egress *e = w->ctx;
    int i;

    if ((events & LOOP_WRITE) != 0) {
        egress_flush(e);
    }
    if ((events & LOOP_READ) == 0) {
        return;
    }
    for (i = 0; i < EGRESS_READS_PER_TURN && !e->is_failed; i++) {
        ssize_t n;

        if (buf_reserve(&e->in, EGRESS_READ_SIZE) != 0) {
            egress_fail(e, "a frame is over the limit");
            return;
        }
        n = recv(w->fd, e->in.p + e->in.len, EGRESS_READ_SIZE, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            loop_stop(e->loop); /* serve is gone */
            return;
        }
        if (n < 0) {
            return;
        }
        e->in.len += (size_t)n;
        e->in.p[e->in.len] = '\0';
        egress_take_frames(e);
    }
}

/* --- The process ------------------------------------------------------------------------------ */

static int egress_open(struct egress *e, int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return -E_IO;
    }
    e->channel.fd = fd;
    e->channel.on_ready = on_channel_ready;
    e->channel.ctx = e;
    e->flush.on_turn = on_turn;
    e->flush.ctx = e;
    e->refresh.on_due = on_refresh;
    e->refresh.ctx = e;
    buf_init(&e->in, FRAME_SIZE_MAX + 4 + EGRESS_READ_SIZE);
    buf_init(&e->out, EGRESS_OUT_MAX);
    loop_after_add(e->loop, &e->flush);
    return loop_watch(e->loop, &e->channel, LOOP_READ);
}

static void egress_close(struct egress *e)
{
    sender_free(e->sender);
    resolver_free(e->resolver);
    trust_free(e->trust);
    ipguard_free(e->guard);
    free(e->ports);
    free(e->user_agent);
    loop_timer_cancel(e->loop, &e->refresh);
    loop_after_remove(e->loop, &e->flush);
    loop_unwatch(e->loop, &e->channel);
    buf_done(&e->in);
    buf_done(&e->out);
}

int egress_main(int fd)
{
    struct egress e = { 0 };
    int exit_code = 1;

    ASSERT(fd >= 0);
    (void)signal(SIGPIPE, SIG_IGN);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        LOG_E("egress cannot start", "reason=\"%s\"", "libcurl");
        return exit_code;
    }
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        LOG_E("egress cannot start", "reason=\"%s\"", "c-ares");
        goto fail_curl;
    }
    if (loop_new(&e.loop) != 0) {
        LOG_E("egress cannot start", "reason=\"%s\"", "epoll");
        goto fail_ares;
    }
    if (egress_open(&e, fd) == 0 && loop_run(e.loop) == 0 && !e.is_failed) {
        exit_code = 0;
    }
    egress_close(&e);
    loop_free(e.loop);
fail_ares:
    ares_library_cleanup();
fail_curl:
    curl_global_cleanup();
    (void)close(fd);
    return exit_code;
}
