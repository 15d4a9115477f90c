/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c - from settings and machine to the numbers that parts are started with. */
#include "server/limits.h"

#include <sys/resource.h>

#include <unistd.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

enum { EGRESS_PROCESSES_MAX = 4 };

unsigned limits_processes(const struct config *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (c->egress_processes > 0) {
        return (unsigned)c->egress_processes;
    }
    return cores < 1                      ? 1
           : cores > EGRESS_PROCESSES_MAX ? EGRESS_PROCESSES_MAX
                                          : (unsigned)cores;
}

struct health_rules limits_health(const struct config *c)
{
    return (struct health_rules){
        .breaker_enabled = c->breaker_enabled,
        .threshold_percent = (int32_t)c->breaker_threshold_percent,
        .window = (int32_t)c->breaker_window,
        .open_s = (int32_t)(c->breaker_open_ms / 1000),
        .failing_after = (int32_t)c->failing_after,
        .pause_after = (int32_t)c->pause_after,
        .exhausted = (int32_t)c->exhausted_max,
        .exhausted_period_s = (int32_t)(c->exhausted_period_ms / 1000),
        .stale_days = (int32_t)c->stale_days,
    };
}

void limits_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    limit = (struct rlimit){ 0, 0 };
    (void)setrlimit(RLIMIT_CORE, &limit);
}

struct replay_limits limits_replay(const struct config *c)
{
    return (struct replay_limits){ .rate = c->replay_rate,
                                   .total_max = c->replay_total_max,
                                   .app_max = c->app_replays_max,
                                   .customer_hours = c->replay_customer_hours };
}

struct jobs_periods limits_retention(const struct config *c)
{
    return (struct jobs_periods){ .events = c->retention_days * DAY_MS,
                                  .deliveries = c->retention_deliveries_days * DAY_MS,
                                  .bodies = c->retention_bodies_days * DAY_MS,
                                  .responses = c->retention_responses_days * DAY_MS,
                                  .gone = c->retention_deleted_days * DAY_MS,
                                  .replays = c->replay_days * DAY_MS,
                                  .idempotency = c->idempotency_hours * HOUR_MS,
                                  .audit = c->audit_days * DAY_MS };
}
