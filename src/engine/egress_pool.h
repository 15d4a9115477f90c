/* SPDX-License-Identifier: Apache-2.0 */
/*
 * egress_pool.h - the sending processes as one thing to send with: starts them through the keeper, spreads
 * requests, restarts what dies, and says exactly once what became of each request; never from inside
 * egress_pool_send. Main thread.
 */
#ifndef ENGINE_EGRESS_POOL_H
#define ENGINE_EGRESS_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/frame.h"

struct egress_pool;
struct loop;

enum { EGRESS_SIDE_MAX = 16 };

struct egress_options {
    unsigned processes;
    uint32_t transfers_max; /* each */
    struct frame_policy policy;
    /* A connected stream socket to a fresh `postern egress`, CLOEXEC, non-blocking; < 0: could not start one. */
    int (*spawn)(void *ctx);
    void *spawn_ctx;
};

/* `done` is NULL when the process died with the request in flight. */
typedef void egress_on_done(void *ctx, uint64_t handle, const struct frame_done *done);
typedef void egress_on_capacity(void *ctx,
                                uint32_t slots); /* how many requests the pool takes in all */

NODISCARD int egress_pool_new(struct loop *loop, const struct egress_options *options,
                              egress_on_done *on_done, egress_on_capacity *on_capacity,
                              void *ctx, struct egress_pool **ret_pool);
void egress_pool_start(struct egress_pool *p);
/* Handles are unique among requests in flight. `alone`: in a process of its own, started for it. */
NODISCARD int egress_pool_send(struct egress_pool *p, const struct frame_send *send,
                               bool alone);
/*
 * Beside the attempts: a mail, or a request that is none of a delivery's. At most EGRESS_SIDE_MAX at once (-E_BUSY);
 * on_done as above with the handle given here, also NULL; never after egress_pool_free. They take no slot of the
 * engine's.
 */
NODISCARD int egress_pool_side_mail(struct egress_pool *p, struct frame_mail *mail,
                                    egress_on_done *on_done, void *ctx, uint64_t *ret_handle);
NODISCARD int egress_pool_side_send(struct egress_pool *p, struct frame_send *send,
                                    egress_on_done *on_done, void *ctx, uint64_t *ret_handle);
/* Write what was taken since: once a turn, so that many requests are one system call. May call on_done. */
void egress_pool_flush(struct egress_pool *p);
uint64_t egress_pool_restarts(const struct egress_pool *p);
void egress_pool_free(struct egress_pool *p); /* closes the sockets: the processes end */

#endif
