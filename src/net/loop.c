/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - the main loop over epoll (level-triggered).
 *
 * A turn takes its ready descriptors in one array. A watch that is removed meanwhile is struck out of what
 * is left of that array, so its owner may free it at once.
 */
#include "net/loop.h"

#include <sys/epoll.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"

enum { LOOP_READY_MAX = 256 }; /* descriptors taken in one turn; the rest come in the next */

struct loop {
    int epoll_fd;
    bool is_stopped;
    bool is_awake; /* do not wait in the coming turn */
    int64_t now;   /* boot ms, taken after the wait */
    uint64_t turn;
    uint64_t timer_seq;
    struct heap timers;
    struct list watches;
    struct list afters;
    struct epoll_event ready[LOOP_READY_MAX];
    int ready_count;
    int ready_at; /* the one whose callback runs */
};

int loop_new(struct loop **ret_loop)
{
    struct loop *loop;
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0) {
        return -E_IO;
    }
    loop = xalloc(sizeof(*loop));
    loop->epoll_fd = fd;
    loop->now = clock_boot_ms();
    heap_init(&loop->timers);
    list_init(&loop->watches);
    list_init(&loop->afters);
    *ret_loop = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    heap_done(&loop->timers);
    (void)close(loop->epoll_fd);
    free(loop);
}

/* --- Descriptors ------------------------------------------------------------------------------ */

static int loop_ctl(struct loop *loop, int op, struct loop_watch *w, unsigned events)
{
    struct epoll_event ev = { .data.ptr = w };

    ev.events = ((events & LOOP_READ) != 0 ? (uint32_t)EPOLLIN : 0U) |
                ((events & LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0U);
    return epoll_ctl(loop->epoll_fd, op, w->fd, &ev) == 0 ? 0 : -E_IO;
}

int loop_watch(struct loop *loop, struct loop_watch *w, unsigned events)
{
    ASSERT(w->on_ready != NULL && w->fd >= 0 && !list_linked(&w->node));

    /* With nothing to wait for it stays out of epoll, which would report a hang-up for ever. */
    if (events != 0 && loop_ctl(loop, EPOLL_CTL_ADD, w, events) != 0) {
        return -E_IO;
    }
    w->events = events;
    list_push_back(&loop->watches, &w->node);
    return 0;
}

int loop_watch_change(struct loop *loop, struct loop_watch *w, unsigned events)
{
    int op = EPOLL_CTL_MOD;

    ASSERT(list_linked(&w->node));
    if (events == w->events) {
        return 0;
    }
    if (w->events == 0) {
        op = EPOLL_CTL_ADD;
    } else if (events == 0) {
        op = EPOLL_CTL_DEL;
    }
    if (loop_ctl(loop, op, w, events) != 0) {
        return -E_IO;
    }
    w->events = events;
    return 0;
}

void loop_unwatch(struct loop *loop, struct loop_watch *w)
{
    int i;

    if (!list_linked(&w->node)) {
        return;
    }
    /* It fails when the owner closed the descriptor first: then the kernel has forgotten it already. */
    if (w->events != 0) {
        (void)loop_ctl(loop, EPOLL_CTL_DEL, w, 0);
    }
    w->events = 0;
    list_remove(&loop->watches, &w->node);
    for (i = loop->ready_at + 1; i < loop->ready_count; i++) {
        if (loop->ready[i].data.ptr == w) {
            loop->ready[i].data.ptr = NULL;
        }
    }
}

static void loop_run_ready(struct loop *loop)
{
    for (loop->ready_at = 0; loop->ready_at < loop->ready_count; loop->ready_at++) {
        const struct epoll_event *ev = &loop->ready[loop->ready_at];
        struct loop_watch *w = ev->data.ptr;
        unsigned events = 0;

        if (w == NULL) {
            continue;
        }
        /* An error or hang-up shows by reading or writing, whichever the owner waits for. */
        if ((ev->events & (uint32_t)(EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
            events |= LOOP_READ;
        }
        if ((ev->events & (uint32_t)(EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
            events |= LOOP_WRITE;
        }
        events &= w->events;
        if (events != 0) {
            w->on_ready(w, events);
        }
    }
    loop->ready_count = 0;
}

/* --- Timers ----------------------------------------------------------------------------------- */

void loop_timer_set(struct loop *loop, struct loop_timer *t, int64_t boot_ms)
{
    ASSERT(t->on_due != NULL);
    /* The past counts as now: so a timer that always sets itself anew cannot pass the others. */
    heap_remove(&loop->timers, &t->heap);
    heap_push(&loop->timers, &t->heap, boot_ms > loop->now ? boot_ms : loop->now,
              loop->timer_seq++);
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *t)
{
    heap_remove(&loop->timers, &t->heap);
}

static void loop_run_timers(struct loop *loop)
{
    uint64_t seq_end = loop->timer_seq; /* those set from here on wait for the next turn */

    for (;;) {
        struct heap_node *first = heap_first(&loop->timers);
        struct loop_timer *t;

        if (first == NULL || first->key > loop->now || first->seq >= seq_end) {
            return;
        }
        t = CONTAINER_OF(first, struct loop_timer, heap);
        heap_remove(&loop->timers, first);
        t->on_due(t);
    }
}

/* --- After each turn -------------------------------------------------------------------------- */

void loop_after_add(struct loop *loop, struct loop_after *a)
{
    ASSERT(a->on_turn != NULL && !list_linked(&a->node));
    a->turn = loop->turn; /* added by an after callback: first called in the next turn */
    list_push_back(&loop->afters, &a->node);
}

void loop_after_remove(struct loop *loop, struct loop_after *a)
{
    list_remove(&loop->afters, &a->node);
}

/* Each goes to the end of the list before its call: the list stays whole whatever the callback removes. */
static void loop_run_afters(struct loop *loop)
{
    loop->turn++;
    for (;;) {
        struct list_node *first = list_first(&loop->afters);
        struct loop_after *a;

        if (first == NULL) {
            return;
        }
        a = CONTAINER_OF(first, struct loop_after, node);
        if (a->turn == loop->turn) {
            return;
        }
        a->turn = loop->turn;
        list_remove(&loop->afters, first);
        list_push_back(&loop->afters, first);
        a->on_turn(a);
    }
}

/* --- The turn --------------------------------------------------------------------------------- */

static int loop_wait_ms(const struct loop *loop)
{
    const struct heap_node *first = heap_first(&loop->timers);
    int64_t wait;

    if (loop->is_awake) {
        return 0;
    }
    if (first == NULL) {
        return -1;
    }
    wait = first->key - clock_boot_ms();
    if (wait <= 0) {
        return 0;
    }
    return wait < INT_MAX ? (int)wait : INT_MAX;
}

int loop_run(struct loop *loop)
{
    while (!loop->is_stopped) {
        int wait = loop_wait_ms(loop);
        int n;

        loop->is_awake = false;
        n = epoll_wait(loop->epoll_fd, loop->ready, LOOP_READY_MAX, wait);
        if (n < 0 && errno != EINTR) {
            return -E_IO;
        }
        loop->ready_count = n > 0 ? n : 0;
        loop->now = clock_boot_ms();
        loop_run_ready(loop);
        loop_run_timers(loop);
        loop_run_afters(loop);
    }
    loop->is_stopped = false;
    return 0;
}

void loop_wake(struct loop *loop)
{
    loop->is_awake = true;
}

int64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}
