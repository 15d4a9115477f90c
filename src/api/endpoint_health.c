/* SPDX-License-Identifier: Apache-2.0 */
#include "api/endpoint_health.h"

#include "api/api_internal.h"
#include "engine/engine.h"
#include "engine/rules.h"

enum { MS_PER_DAY = 24 * 3600 * 1000, S_PER_HOUR = 3600 };

struct look {
    struct core_health core;
    struct health_rules rules;
    bool is_failing, is_stale;
};

static struct look look_at(struct call *call, const struct endpoint *endpoint)
{
    const struct engine *engine = call->api->options.engine;
    int64_t since = endpoint->last_success_at != 0 ? endpoint->last_success_at
                                                   : endpoint->object.created_at;
    struct look look;

    engine_health(engine, endpoint, &look.core);
    engine_health_rules(engine, endpoint, &look.rules);
    look.is_failing = look.rules.failing_after > 0 &&
                      look.core.consecutive_failures >= (uint32_t)look.rules.failing_after;
    look.is_stale = look.rules.stale_days > 0 &&
                    call->now - since >= (int64_t)look.rules.stale_days * MS_PER_DAY;
    return look;
}

static const char *circuit_name(enum core_circuit circuit)
{
    switch (circuit) {
    case CORE_CIRCUIT_CLOSED:
        return "closed";
    case CORE_CIRCUIT_OPEN:
        return "open";
    case CORE_CIRCUIT_HALF_OPEN:
        return "half_open";
    case CORE_CIRCUIT_RAMP:
        return "ramp";
    }
    return "";
}

/* What a person did comes first, then what stops the sending, then what is only bad. */
static const char *word(const struct endpoint *endpoint, const struct look *look)
{
    if (endpoint->status != ENDPOINT_ACTIVE) {
        return endpoint_status_name(endpoint->status);
    }
    switch (look->core.circuit) {
    case CORE_CIRCUIT_OPEN:
        return "open";
    case CORE_CIRCUIT_HALF_OPEN:
    case CORE_CIRCUIT_RAMP:
        return "half_open";
    case CORE_CIRCUIT_CLOSED:
        break;
    }
    return look->is_failing ? "failing" : "healthy";
}

const char *endpoint_health_word(struct call *call, const struct endpoint *endpoint)
{
    struct look look = look_at(call, endpoint);

    return word(endpoint, &look);
}

static void put_detail(struct call *call, struct json_out *o, const struct endpoint *endpoint,
                       const struct look *look)
{
    struct str reason = endpoint->status_reason;

    json_out_name(o, "status_detail");
    if (endpoint->status != ENDPOINT_DISABLED) {
        json_out_null(o);
    } else if (str_eq_c(reason, "consecutive_failures")) {
        json_out_str(o,
                     arena_printf(call->arena, "Webhook paused after %d consecutive failures.",
                                  (int)look->rules.pause_after));
    } else if (str_eq_c(reason, "deliveries_exhausted")) {
        json_out_str(o, arena_printf(call->arena,
                                     "Webhook disabled after %d exhausted deliveries within "
                                     "%d hours.",
                                     (int)look->rules.exhausted,
                                     (int)((look->rules.exhausted_period_s + S_PER_HOUR - 1) /
                                           S_PER_HOUR)));
    } else {
        json_out_c(o, "Webhook disabled: its receiver answered 410 Gone.");
    }
}

void endpoint_health_members(struct call *call, struct json_out *o,
                             const struct endpoint *endpoint)
{
    struct look look = look_at(call, endpoint);

    put_detail(call, o, endpoint, &look);
    json_out_name(o, "health");
    json_out_object(o);
    json_put_c(o, "state", word(endpoint, &look));
    json_put_bool(o, "failing", look.is_failing);
    json_put_bool(o, "stale", look.is_stale);
    json_put_int(o, "consecutive_failures", look.core.consecutive_failures);
    json_put_int(o, "exhausted", look.core.exhausted);
    json_put_time(o, "last_failure_at", endpoint->last_failure_at);
    json_out_name(o, "circuit");
    json_out_object(o);
    json_put_c(o, "state", circuit_name(look.core.circuit));
    json_put_time(o, "half_open_at", look.core.circuit_until);
    json_out_object_end(o);
    json_put_time(o, "rate_limited_until", look.core.rate_at);
    json_put_int(o, "sending", look.core.sending);
    json_put_int(o, "waiting", look.core.in_memory - look.core.sending);
    json_put_bool(o, "more_in_store", look.core.paged || look.core.retries_in_table);
    json_out_object_end(o);
}

const char *endpoint_held_reason(struct call *call, const struct endpoint *endpoint)
{
    struct core_health health;

    switch (endpoint->status) {
    case ENDPOINT_PAUSED:
        return "endpoint_paused";
    case ENDPOINT_DISABLED:
        return "endpoint_disabled";
    case ENDPOINT_ACTIVE:
        break;
    }
    engine_health(call->api->options.engine, endpoint, &health);
    if (health.circuit == CORE_CIRCUIT_OPEN) {
        return "circuit_open";
    }
    return health.rate_at != 0 ? "rate_limited" : NULL;
}
