/* SPDX-License-Identifier: Apache-2.0 */
/* budget.c - GCRA: the state is the time at which an even flow would have reached this request. */
#include "api/budget.h"

#include "base/assert.h"

enum { MINUTE_MS = 60 * 1000, BURST_PARTS = 4 };

int64_t budget_take(int64_t *state, int64_t now, int64_t per_minute)
{
    int64_t due = *state < now ? now : *state;
    int64_t wait;

    ASSERT(per_minute > 0);
    /* A clock that was set back must not lock anybody out. */
    if (due > now + 2 * MINUTE_MS) {
        due = now;
    }
    wait = due - now - MINUTE_MS / BURST_PARTS;
    if (wait > 0) {
        return wait;
    }
    *state = due + MINUTE_MS / per_minute;
    return 0;
}
