/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confirm.h - what a dry run hands out and the real call must carry: for ten minutes, bound to what was asked,
 * to how many it touches, and to how far the log went then. Nothing is kept: it is a keyed hash.
 */
#ifndef API_CONFIRM_H
#define API_CONFIRM_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct call;
struct json;
struct json_out;

enum { CONFIRM_TTL_MS = 10 * 60 * 1000, CONFIRM_TEXT_SIZE = 160 };

struct confirm {
    int64_t expires_at;
    int64_t upto_delivery, upto_event; /* seqs; newer ones are not touched */
    int64_t count;
};

/* `what` tells the operations apart, `bound` is everything that was asked. */
void confirm_write(const struct call *call, const char *what, struct str bound,
                   const struct confirm *c, char ret_text[CONFIRM_TEXT_SIZE]);
/* -E_CONFIRM_STALE: not one of ours, of something else, or too old. */
NODISCARD int confirm_read(const struct call *call, const char *what, struct str bound,
                           struct str text, struct confirm *ret_confirm);

#endif
