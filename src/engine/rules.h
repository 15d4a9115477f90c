/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - how an endpoint may be sent to, and when it counts as ill: read from the JSON of `config` columns
 * (endpoint_rules.c of the api floor writes them), with defaults from the project and then from the server.
 *
 * endpoint: "breaker"?, "health_rules"?, "rate_limit"?, "ordered"?, "on_failure"?
 * project:  "breaker"?, "health_rules"?      app: "rate_limit"?
 */
#ifndef ENGINE_RULES_H
#define ENGINE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"

struct json;

/* What is below 0 is inherited. */
struct health_rules {
    /* "breaker" {enabled, threshold_percent, window, open_s} */
    int32_t breaker_enabled, threshold_percent, window, open_s;
    /* "health_rules" {failing_after, pause_after, exhausted, exhausted_period_s, stale_days}; 0 = off */
    int32_t failing_after, pause_after, exhausted, exhausted_period_s, stale_days;
};

enum {
    RULES_WINDOW_MIN = 2,
    RULES_WINDOW_MAX = CORE_BREAKER_WINDOW_MAX,
    RULES_OPEN_MAX_S = 24 * 3600,
    RULES_FAILURES_MAX = 100000,
    RULES_EXHAUSTED_MAX = CORE_EXHAUSTED_MAX,
    RULES_EXHAUSTED_PERIOD_MAX_S = 30 * 24 * 3600,
    RULES_STALE_DAYS_MAX = 3650,
    RULES_RATE_MAX = CORE_RATE_MAX,
    RULES_RATE_PERIOD_MAX_MS = CORE_RATE_PERIOD_MAX_MS,
    RULES_BURST_PART = 10 /* a limit without a burst has one tenth of its requests */
};

struct endpoint_rules {
    struct health_rules health;
    struct core_rate rate;
    enum core_ordered ordered;
};

extern const struct health_rules health_rules_none; /* inherits everything */

/* --- from a stored document; what is damaged counts as absent */
void health_rules_read(const struct json *config, struct health_rules *ret_rules);
void rate_limit_read(const struct json *config, struct core_rate *ret_rate);
void endpoint_rules_read(const struct json *config, struct endpoint_rules *ret_rules);

/* The burst of a limit that names none. */
uint32_t rate_burst_default(uint32_t requests);

/* Endpoint before project before server; nothing is inherited any more. */
void health_rules_resolve(const struct health_rules *endpoint,
                          const struct health_rules *project, const struct health_rules *server,
                          struct health_rules *ret_rules);
/* Into what the core asks for. `rules` is resolved. */
void health_rules_for_core(const struct health_rules *rules, struct core_endpoint *endpoint);

#endif
