/* SPDX-License-Identifier: Apache-2.0 */
/*
 * egress_pool.c - the sending processes: least loaded first, restart with back-off, exactly one answer.
 *
 * A process is a socket, a write buffer, a read buffer and the list of what it holds. When its socket ends,
 * everything it held is answered with NULL and a fresh one is asked for: at once the first time, then 100 ms
 * doubled up to 5 s while it keeps dying young.
 */
#include "engine/egress_pool.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "net/loop.h"

enum {
    POOL_READ_SIZE = 64 * 1024,
    POOL_BACKOFF_MIN_MS = 100,
    POOL_BACKOFF_MAX_MS = 5000,
    POOL_YOUNG_MS = 10000,
    POOL_OUT_MAX = 512 * 1024 * 1024
};

struct held {
    struct list_node node;
    uint64_t handle;
    struct process *process;
    egress_on_done *on_done;
    void *ctx;
    bool is_side;
};

struct process {
    struct list_node node;
    struct egress_pool *pool;
    struct loop_watch watch;
    struct loop_timer restart;
    struct buf in, out;
    size_t out_at; /* bytes of out already written */
    bool is_up, wants_write, is_alone;
    int64_t started_ms;
    int64_t backoff_ms;
    struct list held;
};

struct egress_pool {
    struct loop *loop;
    struct egress_options options;
    egress_on_done *on_done;
    egress_on_capacity *on_capacity;
    void *ctx;
    struct list processes;
    struct map handles; /* 8 bytes -> struct held */
    uint64_t restarts;
    uint64_t side_next; /* handles of what is no attempt: beyond every slot */
    uint32_t side_count;
    bool stopping;
};

static void process_start(struct process *p);
static void process_free(struct process *p);

static struct str handle_key(const uint64_t *handle)
{
    return (struct str){ (const char *)handle, sizeof(*handle) };
}

static void pool_tell_capacity(struct egress_pool *pool)
{
    uint32_t slots = 0;

    for (struct list_node *n = list_first(&pool->processes); n != NULL;
         n = list_next(&pool->processes, n)) {
        const struct process *p = CONTAINER_OF(n, struct process, node);

        slots += p->is_up && !p->is_alone ? pool->options.transfers_max : 0;
    }
    pool->on_capacity(pool->ctx, slots);
}

static void held_drop(struct egress_pool *pool, struct held *held)
{
    (void)map_remove(&pool->handles, handle_key(&held->handle));
    pool->side_count -= held->is_side ? 1 : 0;
    list_remove(&held->process->held, &held->node);
    free(held);
}

/* The one way down for a process: its requests are answered, its socket is closed, a fresh one is planned. */
static void process_lost(struct process *p, const char *why)
{
    struct egress_pool *pool = p->pool;
    struct list_node *n;

    if (!p->is_up) {
        return;
    }
    p->is_up = false;
    loop_unwatch(pool->loop, &p->watch);
    (void)close(p->watch.fd);
    buf_clear(&p->in);
    buf_clear(&p->out);
    p->out_at = 0;
    p->wants_write = false;
    if (!pool->stopping && !(p->is_alone && list_empty(&p->held))) {
        LOG_W("a sending process ended", "why=\"%s\" in_flight=%zu", why, p->held.count);
        pool->restarts++;
    }
    while ((n = list_first(&p->held)) != NULL) {
        struct held *held = CONTAINER_OF(n, struct held, node);
        struct held was = *held;

        held_drop(pool, held);
        if (!pool->stopping) {
            was.on_done(was.ctx, was.handle, NULL);
        }
    }
    if (pool->stopping) {
        return;
    }
    if (p->is_alone) {
        loop_timer_set(pool->loop, &p->restart,
                       clock_boot_ms()); /* freed there, outside its own callback */
        return;
    }
    pool_tell_capacity(pool);
    p->backoff_ms = clock_boot_ms() - p->started_ms > POOL_YOUNG_MS ? 0
                    : p->backoff_ms == 0                            ? POOL_BACKOFF_MIN_MS
                    : p->backoff_ms * 2 > POOL_BACKOFF_MAX_MS       ? POOL_BACKOFF_MAX_MS
                                                                    : p->backoff_ms * 2;
    loop_timer_set(pool->loop, &p->restart, clock_boot_ms() + p->backoff_ms);
}

static void process_write(struct process *p)
{
    while (p->is_up && p->out_at < p->out.len) {
        ssize_t n =
            send(p->watch.fd, p->out.p + p->out_at, p->out.len - p->out_at, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN)) {
            break;
        }
        if (n <= 0) {
            process_lost(p, "write");
            return;
        }
        p->out_at += (size_t)n;
    }
    if (p->out_at == p->out.len) {
        buf_clear(&p->out);
        p->out_at = 0;
    } else if (p->out_at > POOL_READ_SIZE && p->out_at * 2 > p->out.len) {
        buf_consume(&p->out, p->out_at);
        p->out_at = 0;
    }
    if (p->is_up && p->wants_write != (p->out.len > 0)) {
        p->wants_write = p->out.len > 0;
        if (loop_watch_change(p->pool->loop, &p->watch,
                              LOOP_READ | (p->wants_write ? (unsigned)LOOP_WRITE : 0u)) != 0) {
            process_lost(p, "epoll");
        }
    }
}

static int process_take_frame(struct process *p, enum frame_type type, struct str body)
{
    struct frame_done done;
    struct held *held;
    struct held was;

    if (type != FRAME_DONE || frame_get_done(body, &done) != 0) {
        return -E_INVALID;
    }
    held = map_get(&p->pool->handles, handle_key(&done.handle));
    if (held == NULL || held->process != p) {
        return -E_INVALID;
    }
    was = *held;
    held_drop(p->pool, held);
    was.on_done(was.ctx, done.handle, &done);
    return 0;
}

static void process_take_frames(struct process *p)
{
    size_t used = 0;

    while (p->is_up) {
        enum frame_type type;
        struct str body;
        size_t size;
        int rc =
            frame_next((struct str){ p->in.p + used, p->in.len - used }, &type, &body, &size);

        if (rc == -E_NOT_FOUND) {
            break;
        }
        if (rc != 0 || process_take_frame(p, type, body) != 0) {
            process_lost(p, "bad frame");
            return;
        }
        used += size;
    }
    if (p->is_up) {
        buf_consume(&p->in, used);
        if (p->is_alone && list_empty(&p->held)) {
            process_lost(p, "done");
        }
    }
}

static void process_read(struct process *p)
{
    for (;;) {
        ssize_t n;

        if (buf_reserve(&p->in, POOL_READ_SIZE) != 0) {
            process_lost(p, "frame too large");
            return;
        }
        n = recv(p->watch.fd, p->in.p + p->in.len, POOL_READ_SIZE, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN)) {
            return;
        }
        if (n <= 0) {
            process_lost(p, n == 0 ? "end" : "read");
            return;
        }
        p->in.len += (size_t)n;
        p->in.p[p->in.len] = '\0';
        process_take_frames(p);
        if (!p->is_up || n < POOL_READ_SIZE) {
            return;
        }
    }
}

static void on_process_ready(struct loop_watch *w, unsigned events)
{
    struct process *p = w->ctx;

    if ((events & LOOP_WRITE) != 0) {
        process_write(p);
    }
    if (p->is_up && (events & LOOP_READ) != 0) {
        process_read(p);
    }
}

static void on_process_restart(struct loop_timer *t)
{
    struct process *p = t->ctx;

    if (p->is_alone) {
        process_free(p);
        return;
    }
    process_start(p);
}

static struct process *process_new(struct egress_pool *pool, bool is_alone)
{
    struct process *p = xalloc(sizeof(*p));

    p->pool = pool;
    p->is_alone = is_alone;
    buf_init(&p->in, 2 * FRAME_SIZE_MAX);
    buf_init(&p->out, POOL_OUT_MAX);
    list_init(&p->held);
    p->restart.ctx = p;
    p->restart.on_due = on_process_restart;
    list_push_back(&pool->processes, &p->node);
    return p;
}

static void process_free(struct process *p)
{
    loop_timer_cancel(p->pool->loop, &p->restart);
    list_remove(&p->pool->processes, &p->node);
    buf_done(&p->in);
    buf_done(&p->out);
    free(p);
}

static void process_start(struct process *p)
{
    struct egress_pool *pool = p->pool;
    int fd = pool->options.spawn(pool->options.spawn_ctx);

    p->started_ms = clock_boot_ms();
    if (fd < 0) {
        LOG_E("a sending process could not be started", "retry_ms=%d", POOL_BACKOFF_MAX_MS);
        loop_timer_set(pool->loop, &p->restart, p->started_ms + POOL_BACKOFF_MAX_MS);
        return;
    }
    p->watch = (struct loop_watch){ .fd = fd, .on_ready = on_process_ready, .ctx = p };
    if (loop_watch(pool->loop, &p->watch, LOOP_READ) != 0) {
        (void)close(fd);
        loop_timer_set(pool->loop, &p->restart, p->started_ms + POOL_BACKOFF_MAX_MS);
        return;
    }
    p->is_up = true;
    if (frame_put_policy(&p->out, &pool->options.policy) != 0) {
        process_lost(p, "policy");
        return;
    }
    process_write(p);
    if (!p->is_alone) {
        pool_tell_capacity(pool);
    }
}

int egress_pool_new(struct loop *loop, const struct egress_options *options,
                    egress_on_done *on_done, egress_on_capacity *on_capacity, void *ctx,
                    struct egress_pool **ret_pool)
{
    struct egress_pool *pool = xalloc(sizeof(*pool));

    pool->loop = loop;
    pool->options = *options;
    pool->on_done = on_done;
    pool->on_capacity = on_capacity;
    pool->ctx = ctx;
    pool->side_next = UINT64_C(1) << 63;
    pool->options.policy.transfers_max += EGRESS_SIDE_MAX;
    list_init(&pool->processes);
    map_init(&pool->handles);
    for (unsigned i = 0; i < options->processes; i++) {
        (void)process_new(pool, false);
    }
    *ret_pool = pool;
    return 0;
}

void egress_pool_start(struct egress_pool *pool)
{
    for (struct list_node *n = list_first(&pool->processes); n != NULL;
         n = list_next(&pool->processes, n)) {
        process_start(CONTAINER_OF(n, struct process, node));
    }
}

/* The one with the fewest requests that has room. */
static struct process *pool_pick(struct egress_pool *pool)
{
    struct process *best = NULL;

    for (struct list_node *n = list_first(&pool->processes); n != NULL;
         n = list_next(&pool->processes, n)) {
        struct process *p = CONTAINER_OF(n, struct process, node);

        if (p->is_up && !p->is_alone && p->held.count < pool->options.transfers_max &&
            (best == NULL || p->held.count < best->held.count)) {
            best = p;
        }
    }
    return best;
}

static struct held *held_new(struct process *p, uint64_t handle, egress_on_done *on_done,
                             void *ctx)
{
    struct held *held = xalloc(sizeof(*held));
    const void *before;

    held->handle = handle;
    held->process = p;
    held->on_done = on_done;
    held->ctx = ctx;
    list_push_back(&p->held, &held->node);
    before = map_put(&p->pool->handles, handle_key(&held->handle), held);
    ASSERT(before == NULL);
    return held;
}

int egress_pool_send(struct egress_pool *pool, const struct frame_send *send_frame, bool alone)
{
    struct process *p;
    int rc;

    if (alone) {
        p = process_new(pool, true);
        process_start(p);
        if (!p->is_up) {
            process_free(p);
            return -E_BUSY;
        }
    } else {
        p = pool_pick(pool);
        if (p == NULL) {
            return -E_BUSY;
        }
    }
    rc = frame_put_send(&p->out, send_frame);
    if (rc != 0) {
        return rc;
    }
    (void)held_new(p, send_frame->handle, pool->on_done, pool->ctx);
    return 0;
}

/* The one with the fewest requests, whether it has room for an attempt or not. */
static struct process *pool_pick_side(struct egress_pool *pool)
{
    struct process *best = NULL;

    for (struct list_node *n = list_first(&pool->processes); n != NULL;
         n = list_next(&pool->processes, n)) {
        struct process *p = CONTAINER_OF(n, struct process, node);

        if (p->is_up && !p->is_alone && (best == NULL || p->held.count < best->held.count)) {
            best = p;
        }
    }
    return pool->side_count < EGRESS_SIDE_MAX ? best : NULL;
}

static void side_took(struct egress_pool *pool, struct process *p, uint64_t handle,
                      egress_on_done *on_done, void *ctx)
{
    held_new(p, handle, on_done, ctx)->is_side = true;
    pool->side_count++;
    loop_wake(pool->loop);
}

int egress_pool_side_mail(struct egress_pool *pool, struct frame_mail *mail,
                          egress_on_done *on_done, void *ctx, uint64_t *ret_handle)
{
    struct process *p = pool_pick_side(pool);
    int rc;

    if (p == NULL) {
        return -E_BUSY;
    }
    mail->handle = pool->side_next;
    rc = frame_put_mail(&p->out, mail);
    if (rc == 0) {
        side_took(pool, p, pool->side_next++, on_done, ctx);
        *ret_handle = mail->handle;
    }
    return rc;
}

int egress_pool_side_send(struct egress_pool *pool, struct frame_send *send_frame,
                          egress_on_done *on_done, void *ctx, uint64_t *ret_handle)
{
    struct process *p = pool_pick_side(pool);
    int rc;

    if (p == NULL) {
        return -E_BUSY;
    }
    send_frame->handle = pool->side_next;
    rc = frame_put_send(&p->out, send_frame);
    if (rc == 0) {
        side_took(pool, p, pool->side_next++, on_done, ctx);
        *ret_handle = send_frame->handle;
    }
    return rc;
}

void egress_pool_flush(struct egress_pool *pool)
{
    struct list_node *n = list_first(&pool->processes);

    while (n != NULL) {
        struct process *p = CONTAINER_OF(n, struct process, node);

        n = list_next(&pool->processes, n);
        if (p->is_up && !p->wants_write && p->out.len > p->out_at) {
            process_write(p);
        }
    }
}

uint64_t egress_pool_restarts(const struct egress_pool *pool)
{
    return pool->restarts;
}

void egress_pool_free(struct egress_pool *pool)
{
    struct list_node *n;

    if (pool == NULL) {
        return;
    }
    pool->stopping = true;
    while ((n = list_first(&pool->processes)) != NULL) {
        struct process *p = CONTAINER_OF(n, struct process, node);

        process_lost(p, "stop");
        process_free(p);
    }
    map_done(&pool->handles);
    free(pool);
}
