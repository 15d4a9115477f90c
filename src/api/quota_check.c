/* SPDX-License-Identifier: Apache-2.0 */
#include "api/quota_check.h"

#include "api/api_internal.h"
#include "api/problem.h"
#include "engine/engine.h"
#include "engine/quota.h"

bool quota_check(struct call *call, uint32_t events)
{
    struct quota_state state;
    bool is_taken = quota_take(call->api->options.quotas, call->app, events, call->now, &state);

    if (state.is_limited) {
        call_header(call, "RateLimit-Limit", "%lld", (long long)state.limit);
        call_header(call, "RateLimit-Remaining", "%lld", (long long)state.remaining);
        call_header(call, "RateLimit-Reset", "%lld", (long long)state.reset_s);
    }
    if (!is_taken) {
        call_header(call, "Retry-After", "%lld",
                    (long long)(state.retry_after_s > 0 ? state.retry_after_s : 1));
        problem_reply(call, -E_QUOTA);
    }
    return is_taken;
}

void quota_settle(struct call *call, const struct publish *publish, int result)
{
    int64_t unused = 0;

    for (uint32_t i = 0; i < publish->count; i++) {
        unused += result != 0 || publish->events[i].is_repeat || publish->events[i].is_conflict;
    }
    if (unused > 0) {
        quota_give_back(call->api->options.quotas, call->app, unused);
    }
}
