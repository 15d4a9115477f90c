/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - what the result of one attempt means for its delivery: a function of its arguments only. */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include "core/state.h"

struct verdict {
    enum core_verdict what;
    enum core_why why;     /* CORE_RETRY: it blocks an ordered endpoint */
    int64_t due;           /* CORE_RETRY */
    bool keep_schedule;    /* a person's retry failed, or nothing is to be changed any more */
    bool at_once;          /* the next attempt follows at once */
    bool fresh_connection; /* and must not reuse a connection */
    bool is_gone;          /* 410: the receiver wants no more */
    uint8_t crashes;       /* sender crashes in a row so far */
};

/* item->attempts counts this attempt already. policy NULL: the endpoint is gone. */
struct verdict verdict_reach(const struct item *item, const struct retry_policy *policy,
                             enum core_ordered ordered, const struct core_result *result,
                             int64_t now);
bool verdict_is_success(const struct core_result *result);

#endif
