/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the main loop: epoll, timers, and things to do before each wait. One thread.
 *
 * Order of a turn: (1) wait until a descriptor is ready, a timer is due, or loop_wake; (2) callbacks of ready
 * descriptors; (3) timers that are due, in order of time; (4) every `after` callback once. A callback may
 * add and remove anything, also itself; a removed watch is not called again, even if it was ready.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdint.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"

struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_watch { /* embedded by the owner; zeroed before use */
    struct list_node node;
    int fd;
    void (*on_ready)(struct loop_watch *w, unsigned events);
    void *ctx;
    unsigned events; /* the loop's: what is waited for */
};

struct loop_timer { /* embedded by the owner; zeroed before use */
    struct heap_node heap;
    void (*on_due)(struct loop_timer *t);
    void *ctx;
};

struct loop_after {
    struct list_node node;
    void (*on_turn)(struct loop_after *a);
    void *ctx;
    uint64_t turn; /* the loop's: last turn it was called in */
};

NODISCARD int loop_new(struct loop **ret_loop);
void loop_free(struct loop *loop);
/* An error or hang-up of the descriptor is reported as what is waited for. With events 0 nothing is. Remove
 * the watch before closing its descriptor. */
NODISCARD int loop_watch(struct loop *loop, struct loop_watch *w,
                         unsigned events); /* fd, on_ready are set */
NODISCARD int loop_watch_change(struct loop *loop, struct loop_watch *w, unsigned events);
void loop_unwatch(struct loop *loop, struct loop_watch *w);
/* (Re)arm for a time of clock_boot_ms(). */
void loop_timer_set(struct loop *loop, struct loop_timer *t, int64_t boot_ms);
void loop_timer_cancel(struct loop *loop, struct loop_timer *t);
void loop_after_add(struct loop *loop, struct loop_after *a);
void loop_after_remove(struct loop *loop, struct loop_after *a);
/* Do not wait in the coming turn. */
void loop_wake(struct loop *loop);
int64_t loop_now(const struct loop *loop); /* boot ms at the start of this turn's callbacks */
NODISCARD int loop_run(struct loop *loop); /* until loop_stop */
void loop_stop(struct loop *loop);

#endif
