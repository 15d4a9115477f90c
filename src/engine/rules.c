/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rules.h"

#include "base/str.h"
#include "json/json.h"

enum { MS_PER_S = 1000 };

const struct health_rules health_rules_none = { -1, -1, -1, -1, -1, -1, -1, -1, -1 };

static const struct json *member(const struct json *object, const char *name)
{
    const struct json *v = object == NULL ? NULL : json_member(object, name);

    return v == NULL || json_type(v) == JSON_NULL ? NULL : v;
}

static int64_t number(const struct json *object, const char *name, int64_t max,
                      int64_t fallback)
{
    const struct json *v = member(object, name);
    int64_t value;

    return v == NULL || json_int(v, 0, max, &value) != 0 ? fallback : value;
}

void health_rules_read(const struct json *config, struct health_rules *ret_rules)
{
    const struct json *breaker = member(config, "breaker");
    const struct json *health = member(config, "health_rules");
    const struct json *enabled = member(breaker, "enabled");
    struct health_rules rules = health_rules_none;

    if (enabled != NULL && json_type(enabled) == JSON_BOOL) {
        rules.breaker_enabled = json_bool(enabled);
    }
    rules.threshold_percent = (int32_t)number(breaker, "threshold_percent", 99, -1);
    rules.window = (int32_t)number(breaker, "window", RULES_WINDOW_MAX, -1);
    rules.open_s = (int32_t)number(breaker, "open_s", RULES_OPEN_MAX_S, -1);
    rules.failing_after = (int32_t)number(health, "failing_after", RULES_FAILURES_MAX, -1);
    rules.pause_after = (int32_t)number(health, "pause_after", RULES_FAILURES_MAX, -1);
    rules.exhausted = (int32_t)number(health, "exhausted", RULES_EXHAUSTED_MAX, -1);
    rules.exhausted_period_s =
        (int32_t)number(health, "exhausted_period_s", RULES_EXHAUSTED_PERIOD_MAX_S, -1);
    rules.stale_days = (int32_t)number(health, "stale_days", RULES_STALE_DAYS_MAX, -1);
    *ret_rules = rules;
}

uint32_t rate_burst_default(uint32_t requests)
{
    return requests < 2 * RULES_BURST_PART ? 1 : requests / RULES_BURST_PART;
}

void rate_limit_read(const struct json *config, struct core_rate *ret_rate)
{
    const struct json *limit = member(config, "rate_limit");
    struct core_rate rate = { .requests =
                                  (uint32_t)number(limit, "requests", RULES_RATE_MAX, 0) };

    rate.period_ms = number(limit, "period_ms", RULES_RATE_PERIOD_MAX_MS, 0);
    rate.burst =
        (uint32_t)number(limit, "burst", rate.requests, rate_burst_default(rate.requests));
    if (rate.requests == 0 || rate.period_ms == 0 || rate.burst == 0) {
        rate = (struct core_rate){ .requests = 0 };
    }
    *ret_rate = rate;
}

void endpoint_rules_read(const struct json *config, struct endpoint_rules *ret_rules)
{
    const struct json *ordered = member(config, "ordered");
    const struct json *on_failure = member(config, "on_failure");

    health_rules_read(config, &ret_rules->health);
    rate_limit_read(config, &ret_rules->rate);
    ret_rules->ordered = CORE_UNORDERED;
    if (ordered != NULL && str_eq_c(json_string(ordered), "endpoint")) {
        ret_rules->ordered = on_failure != NULL && str_eq_c(json_string(on_failure), "skip")
                                 ? CORE_ORDER_SKIP
                                 : CORE_ORDER_BLOCK;
    }
}

static int32_t first_of(int32_t endpoint, int32_t project, int32_t server)
{
    if (endpoint >= 0) {
        return endpoint;
    }
    return project >= 0 ? project : server;
}

void health_rules_resolve(const struct health_rules *endpoint,
                          const struct health_rules *project, const struct health_rules *server,
                          struct health_rules *ret_rules)
{
#define RESOLVED(name) .name = first_of(endpoint->name, project->name, server->name)
    *ret_rules = (struct health_rules){
        RESOLVED(breaker_enabled), RESOLVED(threshold_percent),  RESOLVED(window),
        RESOLVED(open_s),          RESOLVED(failing_after),      RESOLVED(pause_after),
        RESOLVED(exhausted),       RESOLVED(exhausted_period_s), RESOLVED(stale_days),
    };
#undef RESOLVED
}

void health_rules_for_core(const struct health_rules *rules, struct core_endpoint *endpoint)
{
    endpoint->breaker = (struct core_breaker){
        .window = (uint8_t)(rules->breaker_enabled != 0 ? rules->window : 0),
        .threshold_percent = (uint8_t)rules->threshold_percent,
        .open_ms = (uint32_t)rules->open_s * MS_PER_S,
    };
    endpoint->rules = (struct core_rules){
        .pause_after = (uint32_t)rules->pause_after,
        .exhausted = (uint32_t)rules->exhausted,
        .exhausted_ms = (int64_t)rules->exhausted_period_s * MS_PER_S,
    };
}
