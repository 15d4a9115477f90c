/* SPDX-License-Identifier: Apache-2.0 */
#include "core/rate.h"

#include "base/assert.h"
#include "core/core.h"

enum { US_PER_MS = 1000 };

void rate_set(struct rate *rate, const struct core_rate *limit)
{
    struct rate new = { .interval_us = 0 };

    if (limit->requests > 0) {
        ASSERT(limit->requests <= CORE_RATE_MAX);
        ASSERT(limit->burst >= 1 && limit->burst <= limit->requests);
        ASSERT(limit->period_ms >= 1 && limit->period_ms <= CORE_RATE_PERIOD_MAX_MS);
        new.interval_us =
            (limit->period_ms * US_PER_MS + limit->requests - 1) / (int64_t)limit->requests;
        new.slack_us = new.interval_us *(limit->burst - 1);
    }
    if (new.interval_us != rate->interval_us || new.slack_us != rate->slack_us) {
        *rate = new;
    }
}

int64_t rate_ready_at(const struct rate *rate)
{
    int64_t at_us = rate->arrival_us - rate->slack_us;

    return at_us <= 0 ? 0 : (at_us + US_PER_MS - 1) / US_PER_MS;
}

bool rate_allows(const struct rate *rate, int64_t now_ms)
{
    return rate->interval_us == 0 || rate_ready_at(rate) <= now_ms;
}

void rate_take(struct rate *rate, int64_t now_ms)
{
    int64_t now_us = now_ms * US_PER_MS;

    if (rate->interval_us == 0) {
        return;
    }
    ASSERT(rate_allows(rate, now_ms));
    rate->arrival_us =
        (rate->arrival_us > now_us ? rate->arrival_us : now_us) + rate->interval_us;
}
