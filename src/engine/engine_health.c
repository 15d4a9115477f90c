/* SPDX-License-Identifier: Apache-2.0 */
/* engine_health.c - an endpoint's rules on their way to the core, and its health on the way back. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine_internal.h"
#include "engine/notice.h"

/* --- what the core is told */
void engine_health_rules(const struct engine *e, const struct endpoint *endpoint,
                         struct health_rules *ret_rules)
{
    health_rules_resolve(&endpoint->rules.health, &endpoint->app->project->health_rules,
                         &e->options.health_rules, ret_rules);
}

/* What an earlier process knew, once. */
static void take_past(struct engine *e, struct endpoint *endpoint, struct core_endpoint *core)
{
    core->failures = endpoint->failures;
    core->exhausted_count = endpoint->exhausted_count;
    for (uint32_t i = 0; i < endpoint->exhausted_count; i++) {
        core->exhausted_at[i] = engine_boot(e, endpoint->exhausted[i]);
    }
    free(endpoint->exhausted);
    endpoint->exhausted = NULL;
    endpoint->exhausted_count = 0;
}

static void tell_endpoint(struct engine *e, struct endpoint *endpoint)
{
    struct core_endpoint core = { .app = endpoint->app->slot,
                                  .concurrency = (uint16_t)e->options.endpoint_concurrency,
                                  .retry = endpoint->retry,
                                  .rate = endpoint->rules.rate,
                                  .ordered = endpoint->rules.ordered };
    struct health_rules rules;

    engine_health_rules(e, endpoint, &rules);
    health_rules_for_core(&rules, &core);
    take_past(e, endpoint, &core);
    switch (endpoint->status) {
    case ENDPOINT_ACTIVE:
        core.status = CORE_ACTIVE;
        break;
    case ENDPOINT_PAUSED:
        core.status = CORE_PAUSED;
        break;
    case ENDPOINT_DISABLED:
        core.status = CORE_DISABLED;
        break;
    }
    engine_feed(e, &(struct core_input){
                       .kind = CORE_IN_ENDPOINT_SET, .ep = endpoint->slot, .endpoint = &core });
}

void engine_on_endpoint(struct engine *e, struct endpoint *endpoint, bool is_new)
{
    struct core_health health;

    (void)is_new;
    stream_endpoint(e, endpoint);
    sender_drop(e, endpoint->slot);
    if (endpoint->object.deleted_at != 0) {
        engine_feed(
            e, &(struct core_input){ .kind = CORE_IN_ENDPOINT_GONE, .ep = endpoint->slot });
        return;
    }
    tell_endpoint(e, endpoint);
    /* A resume begins anew. */
    core_health(e->core, endpoint->slot, &health);
    endpoint->failures = health.consecutive_failures;
}

void engine_set_rate(struct engine *e, const struct app *app)
{
    engine_feed(e, &(struct core_input){
                       .kind = CORE_IN_APP_SET, .app = app->slot, .rate = app->rate });
}

void engine_on_app(struct engine *e, const struct app *app)
{
    engine_set_rate(e, app);
    for (size_t i = 0; i < app->endpoint_count; i++) {
        struct endpoint *endpoint = (struct endpoint *)(void *)app->endpoints[i];

        if (endpoint->slot != REGISTRY_NO_SLOT && endpoint->object.deleted_at == 0) {
            tell_endpoint(e, endpoint);
        }
    }
}

/* --- what an outcome says of its endpoint */
static void raise_failing(struct engine *e, const struct endpoint *endpoint)
{
    notice_raise(e->options.notices, &(struct notice){ .kind = NOTICE_ENDPOINT_FAILING,
                                                       .app = endpoint->app,
                                                       .endpoint = endpoint,
                                                       .count = endpoint->failures });
}

static void mark(struct outcome *outcome, struct endpoint *endpoint, int64_t now)
{
    endpoint->health_marked_at = now;
    endpoint->failures_marked = endpoint->failures > 0;
    outcome->marks_health = true;
    outcome->health = (struct health_mark){ .endpoint = endpoint->object.no,
                                            .success_at = endpoint->last_success_at,
                                            .failed_at = endpoint->last_failure_at,
                                            .failures = endpoint->failures };
}

void engine_outcome_health(struct engine *e, struct attempt *a, struct endpoint *endpoint,
                           const struct core_action *action)
{
    int64_t now = clock_wall_ms();
    bool is_ok = action->verdict == CORE_DELIVERED;
    bool is_due = now - endpoint->health_marked_at >= ENGINE_HEALTH_MS ||
                  now < endpoint->health_marked_at;
    struct health_rules rules;

    a->outcome.is_exhausted = action->is_exhausted;
    if (is_ok) {
        endpoint->last_success_at = now;
    } else {
        endpoint->last_failure_at = now;
        engine_health_rules(e, endpoint, &rules);
        if (action->failures > endpoint->failures && rules.failing_after > 0 &&
            action->failures == (uint32_t)rules.failing_after) {
            endpoint->failures = action->failures;
            raise_failing(e, endpoint);
        }
    }
    endpoint->failures = action->failures;
    /* The row is written when the delivery's is: not for one that was deleted or cancelled meanwhile. */
    if (!a->outcome.keeps_row && (is_due || (is_ok && endpoint->failures_marked))) {
        mark(&a->outcome, endpoint, now);
    }
}

/* --- disabled: durably; held deliveries wait for its owner */
static const char *disable_reason(enum core_disable why)
{
    switch (why) {
    case CORE_DISABLE_GONE:
        return "gone";
    case CORE_DISABLE_FAILURES:
        return "consecutive_failures";
    case CORE_DISABLE_EXHAUSTED:
        return "deliveries_exhausted";
    }
    return "";
}

static void disable_failed(int code)
{
    LOG_W("an endpoint could not be disabled", "error=%s", err_token(code));
}

struct disabling {
    struct engine *engine;
    enum core_disable why;
};

static void on_disabled(void *ctx, int result, struct object *object)
{
    struct disabling d = *(struct disabling *)ctx;

    free(ctx);
    if (result != 0) {
        disable_failed(result);
        return;
    }
    LOG_I("an endpoint was disabled", "endpoint_no=%lld reason=%s", (long long)object->no,
          disable_reason(d.why));
    engine_notice_disabled(d.engine, (const struct endpoint *)(const void *)object, d.why);
}

void engine_disable(struct engine *e, uint32_t slot, enum core_disable why)
{
    struct endpoint *endpoint = registry_endpoint_slot(e->options.registry, slot);
    struct disabling *d;
    int rc;

    if (endpoint == NULL || endpoint->status == ENDPOINT_DISABLED) {
        return;
    }
    d = xalloc(sizeof(*d));
    *d = (struct disabling){ e, why };
    rc = registry_set_status(e->options.registry, endpoint, ENDPOINT_DISABLED,
                             str_from(disable_reason(why)), on_disabled, d);
    if (rc != 0) {
        free(d);
        disable_failed(rc);
    }
}

/* --- for display */
void engine_health(const struct engine *e, const struct endpoint *endpoint,
                   struct core_health *ret_health)
{
    if (endpoint->slot == REGISTRY_NO_SLOT) {
        *ret_health = (struct core_health){ 0 };
        return;
    }
    core_health(e->core, endpoint->slot, ret_health);
    if (ret_health->circuit_until != 0) {
        ret_health->circuit_until = engine_wall(e, ret_health->circuit_until);
    }
    if (ret_health->rate_at != 0) {
        ret_health->rate_at = engine_wall(e, ret_health->rate_at);
    }
}
