/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a stream of frames: what can be read is written as the same bytes again. */
#include "net/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "fuzz.h"

static int rewrite(struct buf *out, enum frame_type type, struct str body)
{
    struct frame_policy policy;
    struct frame_send send;
    struct frame_done done;
    struct frame_mail mail;
    uint64_t handle;

    if (type == FRAME_POLICY && frame_get_policy(body, &policy) == 0) {
        return frame_put_policy(out, &policy);
    }
    if (type == FRAME_SEND && frame_get_send(body, &send) == 0) {
        return frame_put_send(out, &send);
    }
    if (type == FRAME_DONE && frame_get_done(body, &done) == 0) {
        return frame_put_done(out, &done);
    }
    if (type == FRAME_ABORT && frame_get_abort(body, &handle) == 0) {
        return frame_put_abort(out, handle);
    }
    if (type == FRAME_MAIL && frame_get_mail(body, &mail) == 0) {
        return frame_put_mail(out, &mail);
    }
    return -E_INVALID;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str left = { (const char *)data, size };
    enum frame_type type;
    struct str body;
    size_t used;

    while (frame_next(left, &type, &body, &used) == 0) {
        struct buf out;

        ASSERT(used <= left.len && body.p + body.len == left.p + used);
        buf_init(&out, FRAME_SIZE_MAX + 4);
        if (rewrite(&out, type, body) == 0) {
            ASSERT(out.len == used && memcmp(out.p, left.p, used) == 0);
        }
        buf_done(&out);
        left = str_sub(left, used, left.len);
    }
    return 0;
}
