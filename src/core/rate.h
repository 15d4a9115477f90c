/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate.h - a rate limit as the generic cell rate algorithm (ITU-T I.371): one number, the theoretical arrival
 * time of the next start, moves on by one interval with each start. Microseconds, for a millisecond is too
 * coarse for an interval; the interval is rounded up, so the limit is never passed.
 *
 *   100 per minute, burst 10: one each 600 ms, and up to 10 at once after a rest of 6 s.
 */
#ifndef CORE_RATE_H
#define CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct core_rate;

struct rate {
    int64_t interval_us; /* 0 = no limit */
    int64_t slack_us;    /* how far the arrival time may lie ahead: (burst - 1) intervals */
    int64_t arrival_us;
};

/* A new limit; what was used up under an equal one stays used up. */
void rate_set(struct rate *rate, const struct core_rate *limit);
/* The first millisecond in which one may start; in the past or now: at once. */
int64_t rate_ready_at(const struct rate *rate);
bool rate_allows(const struct rate *rate, int64_t now_ms);
/* One starts. */
void rate_take(struct rate *rate, int64_t now_ms);

#endif
