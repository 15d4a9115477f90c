/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules per endpoint, worked out a second time and the plain way: lists of times and of results. Each is
 * checked where it can be broken: at a start (rate, circuit, order, disabled) and at an outcome (counts, what
 * must disable, what must block).
 */
#include <inttypes.h>
#include <string.h>

#include "world.h"

enum { PERCENT = 100 };
/* It is looked at seldom, for that walks over all rows. */
#define STILL_EACH_MS HOUR
#define STILL_MAX_MS  (30 * MINUTE)
#define BLOCK_AGE_MS  (72 * HOUR)

/* --- telling ------------------------------------------------------------------------------------------------- */

static void forget_failures(struct rules *rules)
{
    rules->failures = 0;
    rules->exhausted_count = 0;
}

void rules_restart(struct world *world, uint32_t number)
{
    struct logical *l = &world->logicals[number];
    struct rules before = l->rules;

    memset(&l->rules, 0, sizeof(l->rules));
    l->config.failures = 0;
    l->config.exhausted_count = 0;
    if (world->life == 0 || sim_chance(&world->random, 300)) {
        return; /* nothing was known */
    }
    l->config.failures = before.failures;
    l->config.exhausted_count = before.exhausted_count;
    for (uint32_t i = 0; i < before.exhausted_count; i++) {
        l->config.exhausted_at[i] = before.exhausted[i] + world->base;
    }
    /* A count at its limit was followed by a person's resume. */
    if (l->config.rules.pause_after == 0 || before.failures < l->config.rules.pause_after) {
        l->rules.failures = before.failures;
    }
    if (before.exhausted_count < l->config.rules.exhausted) {
        l->rules.exhausted_count = before.exhausted_count;
        memcpy(l->rules.exhausted, before.exhausted, sizeof(before.exhausted));
    }
}

static bool is_same_rate(const struct core_rate *a, const struct core_rate *b)
{
    return a->requests == b->requests && a->burst == b->burst && a->period_ms == b->period_ms;
}

/* What has begun when the order is switched on may end out of order. */
static void exempt(struct world *world, uint32_t number)
{
    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        if (world->attempts[slot].is_taken && world->attempts[slot].logical == number) {
            world->rows[world->attempts[slot].action.delivery.seq].is_exempt = true;
        }
    }
    for (int64_t seq = 1; seq <= world->row_count; seq++) {
        if (world->rows[seq].logical == number && world->rows[seq].state == ROW_RETRYING) {
            world->rows[seq].is_exempt = true;
        }
    }
}

void rules_told(struct world *world, uint32_t number)
{
    struct logical *l = &world->logicals[number];
    struct rules *rules = &l->rules;

    if (!is_same_rate(&rules->told.rate, &l->config.rate)) {
        rules->starts.count = 0;
    }
    if (rules->told.breaker.window != l->config.breaker.window) {
        rules->judged_count = 0;
        rules->circuit = CIRCUIT_CLOSED;
    }
    if (rules->told.concurrency != 0 &&
        rules->told.rules.exhausted != l->config.rules.exhausted) {
        rules->exhausted_count = 0;
    }
    if (rules->told.concurrency != 0 && rules->told.status == CORE_DISABLED &&
        l->config.status == CORE_ACTIVE) {
        if (rules->failures > 0) {
            cover_reach(COVER_RESUMED);
        }
        forget_failures(rules);
        rules->judged_count = 0;
        rules->circuit = CIRCUIT_CLOSED;
    }
    if (l->is_order_new) {
        l->is_order_new = false;
        exempt(world, number);
    }
    rules->told = l->config;
}

/* --- rate ----------------------------------------------------------------------------------------------------- */

/* In microseconds: after `burst` starts each waits for its interval. */
static void check_rate(struct world *world, const struct core_rate *rate, struct starts *starts,
                       const char *whose)
{
    int64_t now = world_core_now(world);
    int64_t interval_us = rate->requests == 0 ? 0 : rate->period_ms * 1000 / rate->requests;

    if (rate->requests == 0) {
        return;
    }
    for (uint32_t back = rate->burst; back < STARTS_KEPT && back <= starts->count; back++) {
        int64_t since = now - starts->at[(starts->count - back) % STARTS_KEPT];

        if (since * 1000 + 1000 < interval_us * (back - rate->burst + 1)) {
            world_fail(world,
                       "%s starts %u within %" PRId64 " ms, the rate is %u in %" PRId64
                       " with burst %u",
                       whose, back + 1, since, rate->requests, rate->period_ms, rate->burst);
        }
    }
    if (rate->burst > 1 && starts->count + 1 >= rate->burst &&
        starts->at[(starts->count + 1 - rate->burst) % STARTS_KEPT] == now) {
        cover_reach(COVER_RATE_BURST);
    }
    starts->at[starts->count++ % STARTS_KEPT] = now;
}

/* --- circuit ---------------------------------------------------------------------------------------------------- */

static uint32_t in_flight_of(const struct world *world, uint32_t number)
{
    uint32_t count = 0;

    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        count += world->attempts[slot].is_taken && world->attempts[slot].logical == number;
    }
    return count;
}

static void open_circuit(struct world *world, uint32_t number)
{
    struct rules *rules = &world->logicals[number].rules;

    rules->circuit = CIRCUIT_OPEN;
    rules->open_until = world->now + rules->told.breaker.open_ms;
    rules->judged_count = 0;
    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        if (world->attempts[slot].logical == number) {
            world->attempts[slot].is_probe = false;
        }
    }
}

/* True: the start is a probe. */
static bool start_circuit(struct world *world, uint32_t number,
                          const struct core_action *action)
{
    struct rules *rules = &world->logicals[number].rules;

    if (rules->circuit == CIRCUIT_OPEN && world->now >= rules->open_until) {
        rules->circuit = CIRCUIT_PROBED;
        rules->level = 1;
        rules->good_left = 1;
    }
    switch (rules->circuit) {
    case CIRCUIT_CLOSED:
        return false;
    case CIRCUIT_OPEN:
        if (!action->manual) {
            world_fail(world, "%" PRId64 " is sent though the circuit of endpoint %u is open",
                       action->delivery.seq, number);
        }
        cover_reach(COVER_CIRCUIT_MANUAL);
        return false;
    case CIRCUIT_PROBED:
        break;
    }
    if (in_flight_of(world, number) >= rules->level) {
        world_fail(world, "%" PRId64 " is sent beside %u, the circuit of endpoint %u lets %u",
                   action->delivery.seq, in_flight_of(world, number), number, rules->level);
    }
    cover_reach(COVER_PROBE);
    return !action->manual;
}

static void probed(struct world *world, uint32_t number, bool is_bad)
{
    struct rules *rules = &world->logicals[number].rules;

    if (is_bad && rules->level == 1) {
        cover_reach(COVER_PROBE_BAD);
        open_circuit(world, number);
        return;
    }
    if (is_bad) {
        cover_reach(COVER_RAMP_BAD);
        rules->level /= 2;
        rules->good_left = rules->level;
    } else if (--rules->good_left == 0) {
        rules->level *= 2;
        rules->good_left = rules->level;
    }
    if (rules->level >= 2 && rules->level >= rules->told.concurrency) {
        cover_reach(COVER_RAMP_CLOSED);
        rules->circuit = CIRCUIT_CLOSED;
    }
}

static void judged(struct world *world, uint32_t number, bool is_probe, bool is_bad)
{
    struct rules *rules = &world->logicals[number].rules;
    uint32_t window = rules->told.breaker.window;
    uint32_t bad = 0;

    if (rules->circuit == CIRCUIT_PROBED && is_probe) {
        probed(world, number, is_bad);
        return;
    }
    if (rules->circuit != CIRCUIT_CLOSED) {
        cover_reach(COVER_CIRCUIT_LATE);
        return;
    }
    if (window == 0) {
        return;
    }
    if (rules->judged_count == window) {
        memmove(rules->judged, rules->judged + 1, (window - 1) * sizeof(rules->judged[0]));
        rules->judged_count--;
    }
    rules->judged[rules->judged_count++] = is_bad;
    for (uint32_t i = 0; i < rules->judged_count; i++) {
        bad += rules->judged[i];
    }
    if (rules->judged_count == window &&
        bad * PERCENT > rules->told.breaker.threshold_percent * window) {
        cover_reach(COVER_CIRCUIT_OPEN);
        open_circuit(world, number);
    }
}

/* --- order --------------------------------------------------------------------------------------------------------- */

static void check_order(struct world *world, uint32_t number, const struct core_action *action)
{
    int64_t mine = action->delivery.seq;
    const struct row *row = &world->rows[mine];

    if (in_flight_of(world, number) > 0) {
        world_fail(world, "%" PRId64 " is sent beside another one, in order", mine);
    }
    if (action->manual || row->is_exempt) {
        return;
    }
    for (int64_t seq = 1; seq < mine; seq++) {
        const struct row *before = &world->rows[seq];

        if (before->logical == number && before->is_acked && table_is_open(before)) {
            world_fail(world,
                       "%" PRId64 " is sent before %" PRId64 ", which is open (state %d)", mine,
                       seq, before->state);
        }
    }
    if (row->state == ROW_RETRYING) {
        cover_reach(row->blocked > 0 ? COVER_ORDER_LAST : COVER_ORDER_RETRY);
    }
}

/* --- start ---------------------------------------------------------------------------------------------------------- */

bool rules_start(struct world *world, const struct core_action *action)
{
    uint32_t number = world->by_ep[action->ep];
    struct rules *rules = &world->logicals[number].rules;

    if (rules->is_disable_owed) {
        world_fail(world, "endpoint %u should have been disabled", number);
    }
    if (!action->manual && rules->told.status != CORE_ACTIVE) {
        world_fail(world, "endpoint %u was disabled and is sent to", number);
    }
    check_rate(world, &rules->told.rate, &rules->starts, "an endpoint");
    check_rate(world, &world->app_rates[rules->told.app], &world->app_starts[rules->told.app],
               "an app");
    if (rules->told.ordered != CORE_UNORDERED) {
        check_order(world, number, action);
    }
    return start_circuit(world, number, action);
}

/* --- outcome -------------------------------------------------------------------------------------------------------- */

/* A connection that died at rest: the attempt follows at once, and nothing is said of the receiver. */
static bool is_followed(const struct attempt *attempt, const struct core_action *action,
                        const struct retry_policy *policy)
{
    return attempt->result.failure == CORE_CONN_DIED_REUSED && !attempt->is_cancelled &&
           !attempt->action.fresh_connection &&
           (action->manual ||
            (policy->enabled && action->delivery.attempts < policy->max_attempts));
}

static void exhausted(struct world *world, struct rules *rules)
{
    if (rules->exhausted_count == CORE_EXHAUSTED_MAX) {
        memmove(rules->exhausted, rules->exhausted + 1,
                (CORE_EXHAUSTED_MAX - 1) * sizeof(rules->exhausted[0]));
        rules->exhausted_count--;
    }
    rules->exhausted[rules->exhausted_count++] = world->now;
}

static void owe(struct rules *rules, enum core_disable why)
{
    if (!rules->is_disable_owed) {
        rules->is_disable_owed = true;
        rules->disable = why;
    }
}

static void count(struct world *world, struct rules *rules, const struct core_action *action,
                  const struct core_result *result, bool is_cancelled)
{
    const struct core_rules *limits = &rules->told.rules;
    bool is_good = result->failure == CORE_GOT_RESPONSE && result->status_code / 100 == 2;
    uint32_t lately = 0;

    rules->failures = is_good ? 0 : rules->failures + 1;
    if (action->failures != rules->failures) {
        world_fail(world, "%u failures in a row are told, %u there were", action->failures,
                   rules->failures);
    }
    if (action->is_exhausted && limits->exhausted > 0) {
        exhausted(world, rules);
    }
    if (result->failure == CORE_GOT_RESPONSE && result->status_code == 410 && !is_cancelled &&
        rules->told.status != CORE_DISABLED) {
        owe(rules, CORE_DISABLE_GONE);
    }
    if (rules->told.status != CORE_ACTIVE) {
        return;
    }
    if (limits->pause_after > 0 && rules->failures >= limits->pause_after) {
        owe(rules, CORE_DISABLE_FAILURES);
    }
    for (uint32_t i = 0; i < rules->exhausted_count; i++) {
        lately += world->now - rules->exhausted[i] <= limits->exhausted_ms;
    }
    if (action->is_exhausted && limits->exhausted > 0 && lately >= limits->exhausted) {
        owe(rules, CORE_DISABLE_EXHAUSTED);
    }
}

/* What failed in order keeps its place while it is young enough. */
static void check_block(struct world *world, struct logical *l,
                        const struct core_action *action)
{
    struct row *row = &world->rows[action->delivery.seq];
    uint32_t age_s = l->rules.told.retry.max_age_s;
    int64_t until = action->delivery.accepted + (age_s > 0 ? age_s * SECOND : BLOCK_AGE_MS);
    bool is_blocking = l->rules.told.ordered == CORE_ORDER_BLOCK && !action->manual;

    if (action->keep_schedule) {
        return;
    }
    if (action->verdict == CORE_RETRY && action->why != CORE_WHY_NONE) {
        if (!is_blocking || action->due != until) {
            world_fail(world, "%" PRId64 " blocks until %" PRId64 ", not %" PRId64,
                       action->delivery.seq, action->due, until);
        }
        row->blocked++;
        cover_reach(COVER_ORDER_BLOCKED);
    }
    if (action->verdict == CORE_FAILED && action->why != CORE_WHY_SENDER_CRASH) {
        if (is_blocking && world_core_now(world) < until) {
            world_fail(world, "%" PRId64 " failed and gives way", action->delivery.seq);
        }
        if (l->rules.told.ordered == CORE_ORDER_SKIP) {
            cover_reach(COVER_ORDER_SKIPPED);
        }
    }
}

void rules_outcome(struct world *world, const struct core_action *action)
{
    const struct attempt *attempt = &world->attempts[action->slot];
    const struct core_result *result = &attempt->result;
    struct logical *l = &world->logicals[attempt->logical];
    bool is_bad = result->failure != CORE_GOT_RESPONSE || result->status_code / 100 == 5;
    bool should_count = (action->why == CORE_WHY_ATTEMPTS || action->why == CORE_WHY_AGE) &&
                        action->verdict == CORE_FAILED;

    if (l->is_deleted) {
        return;
    }
    if (action->is_exhausted != should_count) {
        world_fail(world, "%" PRId64 ": exhausted or not", action->delivery.seq);
    }
    check_block(world, l, action);
    if (result->failure == CORE_SENDER_CRASHED ||
        is_followed(attempt, action, &l->rules.told.retry)) {
        return;
    }
    count(world, &l->rules, action, result, attempt->is_cancelled);
    if (!l->rules.is_disable_owed) {
        judged(world, attempt->logical, attempt->is_probe, is_bad);
    }
}

void rules_disable(struct world *world, const struct core_action *action)
{
    uint32_t number = world->by_ep[action->ep];
    struct rules *rules = &world->logicals[number].rules;
    const struct core_endpoint *told = &rules->told;

    if (!rules->is_disable_owed || rules->disable != action->disable) {
        world_fail(world, "endpoint %u is disabled for no reason (%d)", number,
                   (int)action->disable);
    }
    rules->is_disable_owed = false;
    rules->told.status = CORE_DISABLED;
    switch (action->disable) {
    case CORE_DISABLE_GONE:
        cover_reach(COVER_GONE);
        break;
    case CORE_DISABLE_FAILURES:
        cover_reach(told->failures > 0 ? COVER_AUTO_PAUSED_KEPT : COVER_AUTO_PAUSED);
        break;
    case CORE_DISABLE_EXHAUSTED:
        cover_reach(told->exhausted_count > 0 ? COVER_EXHAUSTED_KEPT : COVER_EXHAUSTED);
        break;
    }
}

/* --- sweep ----------------------------------------------------------------------------------------------------------- */

/* In order: something waits, nothing holds it, and nothing is sent. */
static void check_still(struct world *world, uint32_t number)
{
    struct rules *rules = &world->logicals[number].rules;
    bool is_still = rules->told.ordered != CORE_UNORDERED &&
                    rules->told.status == CORE_ACTIVE && rules->circuit == CIRCUIT_CLOSED &&
                    world->writer.store_ok && world->slots_now > 0 && world->in_flight == 0;
    bool has_fresh = false;

    for (int64_t seq = 1; is_still && seq <= world->row_count; seq++) {
        const struct row *row = &world->rows[seq];

        if (row->logical == number && table_is_open(row)) {
            has_fresh = has_fresh || (row->next_at == 0 && row->is_acked);
            is_still = row->next_at == 0;
        }
    }
    if (!is_still || !has_fresh) {
        rules->still_at = 0;
    } else if (rules->still_at == 0 || rules->still_serial != world->serial) {
        rules->still_at = world->now;
        rules->still_serial = world->serial;
    } else if (world->now > rules->still_at + STILL_MAX_MS) {
        world_fail(world, "endpoint %u stands still since %" PRId64, number, rules->still_at);
    }
}

void rules_sweep(struct world *world)
{
    static const enum circuit circuits[] = {
        [CORE_CIRCUIT_CLOSED] = CIRCUIT_CLOSED,
        [CORE_CIRCUIT_OPEN] = CIRCUIT_OPEN,
        [CORE_CIRCUIT_HALF_OPEN] = CIRCUIT_PROBED,
        [CORE_CIRCUIT_RAMP] = CIRCUIT_PROBED,
    };
    struct core_health health;
    bool looks_still = world->now >= world->still_looked_at + STILL_EACH_MS;

    if (looks_still) {
        world->still_looked_at = world->now;
    }
    for (uint32_t ep = 0; ep < world->ep_count; ep++) {
        uint32_t number = world->by_ep[ep];
        const struct rules *rules;
        enum circuit expected;

        if (number == NOBODY) {
            continue;
        }
        rules = &world->logicals[number].rules;
        /* The probe's time has come: here it is open until the probe. */
        expected = rules->circuit == CIRCUIT_OPEN && world->now >= rules->open_until
                       ? CIRCUIT_PROBED
                       : rules->circuit;
        core_health(world->core, ep, &health);
        if (health.consecutive_failures != rules->failures ||
            circuits[health.circuit] != expected ||
            (expected == CIRCUIT_OPEN &&
             health.circuit_until != rules->open_until + world->base)) {
            world_fail(world, "endpoint %u: circuit %d, %u failures; expected %d, %u", number,
                       (int)health.circuit, health.consecutive_failures, (int)expected,
                       rules->failures);
        }
        if (looks_still) {
            check_still(world, number);
        }
    }
}
