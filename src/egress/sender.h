/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sender.h - requests out, outcomes back: libcurl multi on the loop.
 *
 * Exactly one on_done for each accepted sender_send that is not aborted, possibly before that call returns. A
 * request is never sent twice: once anything of it may be on its way, a failure is an outcome. Before that,
 * the next address of the name is tried. Beyond transfers_max at once, or bytes_max of requests held, the
 * outcome is SENDER_OVERLOAD at once: nothing is queued here. One thread.
 */
#ifndef EGRESS_SENDER_H
#define EGRESS_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/frame.h"

struct ipguard;
struct loop;
struct resolver;
struct sender;
struct trust;

struct sender_options { /* borrowed for the sender's life */
    struct loop *loop;
    struct resolver *resolver;
    const struct ipguard *guard;
    const struct trust *trust;
    bool allow_http;
    bool allow_loopback;
    const char *ports;
    const char *user_agent; /* "" = none */
    uint32_t connect_timeout_ms;
    uint32_t transfers_max;
    uint64_t bytes_max;
    void (*on_done)(void *ctx,
                    const struct frame_done *done); /* strings are borrowed for the call */
    void *ctx;
};

NODISCARD int sender_new(const struct sender_options *options, struct sender **ret_sender,
                         struct err *err);
void sender_free(struct sender *s); /* what is under way is dropped without an outcome */
/* -E_INVALID: there is a request with this handle already. The frame's strings are copied. */
NODISCARD int sender_send(struct sender *s, const struct frame_send *frame);
NODISCARD int sender_mail(struct sender *s,
                          const struct frame_mail *frame); /* the same for mail */
/* Drop it without an outcome; no-op when it is not known (any more). */
void sender_abort(struct sender *s, uint64_t handle);

#endif
