/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there, how they answer, and what people and faults do. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* --- building -------------------------------------------------------------------------------------------- */

static uint32_t one_of(uint64_t *random, const uint32_t *choices, uint32_t count)
{
    return choices[sim_below(random, count)];
}

#define ONE_OF(random, ...)                                                                    \
    one_of(random, (const uint32_t[]){ __VA_ARGS__ },                                          \
           sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static struct retry_policy some_policy(uint64_t *random)
{
    static const char *const names[] = { "default", "platform", "standard-webhooks", "none" };
    struct retry_policy policy;

    if (retry_preset(str_from(names[sim_below(random, 4)]), &policy) != 0) {
        abort();
    }
    if (sim_chance(random, 600)) {
        policy.preset = RETRY_CUSTOM;
        policy.max_attempts = (uint8_t)(1 + sim_below(random, 8));
        policy.delay_count = (uint8_t)(1 + sim_below(random, 4));
        for (uint32_t i = 0; i < policy.delay_count; i++) {
            policy.delays_s[i] = ONE_OF(random, 0, 1, 5, 30, 59, 60, 61, 600, 7200);
        }
        policy.jitter_percent = (uint8_t)ONE_OF(random, 0, 0, 10, 50);
        policy.max_age_s = ONE_OF(random, 0, 0, 0, 60, 3600);
    }
    policy.on = (enum retry_on)sim_below(random, 3);
    policy.enabled = !sim_chance(random, 50);
    return policy;
}

static struct core_rate some_rate(uint64_t *random)
{
    struct core_rate rate = { .requests = ONE_OF(random, 1, 2, 5, 20) };

    rate.period_ms = ONE_OF(random, 100, 1000, 10000, 60000);
    rate.burst = 1 + sim_below(random, rate.requests);
    return sim_chance(random, 250) ? rate : (struct core_rate){ .requests = 0 };
}

static void some_rules(uint64_t *random, struct core_endpoint *config)
{
    config->rate = some_rate(random);
    config->breaker = (struct core_breaker){
        .window = (uint8_t)ONE_OF(random, 0, 0, 4, 10, 100),
        .threshold_percent = (uint8_t)ONE_OF(random, 50, 50, 20, 90),
        .open_ms = ONE_OF(random, 1000, 10000, 300000),
    };
    config->rules = (struct core_rules){
        .pause_after = ONE_OF(random, 0, 0, 5, 20, 100),
        .exhausted = ONE_OF(random, 0, 0, 1, 3, 10),
        .exhausted_ms = (int64_t)ONE_OF(random, 60000, 3600000, 86400000),
    };
}

static void configure(struct world *world, struct logical *logical)
{
    uint64_t *random = &world->random;
    enum core_ordered before = logical->config.ordered;

    logical->config.concurrency = (uint16_t)ONE_OF(random, 1, 2, 3, 5, 10);
    logical->config.retry = some_policy(random);
    logical->config.ordered =
        (enum core_ordered)ONE_OF(random, CORE_UNORDERED, CORE_UNORDERED, CORE_UNORDERED,
                                  CORE_ORDER_SKIP, CORE_ORDER_BLOCK);
    some_rules(random, &logical->config);
    if (before == CORE_UNORDERED && logical->config.ordered != CORE_UNORDERED) {
        logical->is_order_new = true;
    }
    if (logical->config.retry.max_attempts > logical->max_attempts_ever) {
        logical->max_attempts_ever = logical->config.retry.max_attempts;
    }
}

static void receive(struct world *world, struct logical *logical)
{
    uint64_t *random = &world->random;

    logical->personality = (enum personality)sim_below(random, PERSON_COUNT);
    if (logical->personality == PERSON_GONE && sim_chance(random, 700)) {
        logical->personality = PERSON_OK;
    }
    logical->latency_ms = ONE_OF(random, 1, 10, 50, 300, 2000);
}

static uint32_t add_endpoint(struct world *world, uint32_t ep)
{
    uint32_t number = world->logical_count++;
    struct logical *logical = &world->logicals[number];

    *logical =
        (struct logical){ .ep = ep,
                          .config = { .app = sim_below(&world->random, world->limits.apps_max),
                                      .status = CORE_ACTIVE } };
    configure(world, logical);
    receive(world, logical);
    world->by_ep[ep] = number;
    return number;
}

void people_build(struct world *world)
{
    uint64_t *random = &world->random;
    bool is_big = sim_chance(random, 15);

    world->ep_count = is_big ? 290 : ONE_OF(random, 1, 2, 4, 8, 12);
    world->limits = (struct core_limits){
        .endpoints_max = world->ep_count,
        .apps_max = is_big ? 20 : ONE_OF(random, 1, 2, 4),
        .deliveries_max = is_big ? 2000 : ONE_OF(random, 30, 64, 100, 300, 2000),
        .window_max = ONE_OF(random, 1, 3, 10, 30, 100),
        .app_concurrency = is_big ? 50 : ONE_OF(random, 1, 2, 5, 12, 50),
        .slots_max = is_big ? SLOTS_MAX : ONE_OF(random, 1, 2, 4, 10, 40, 100),
        .uncommitted_max = is_big ? 4096 : ONE_OF(random, 1, 3, 10, 100, 4096),
        .slow_ms = 5000,
    };
    world->memory_size = core_size(&world->limits);
    world->memory = malloc(world->memory_size);
    world->logicals = calloc(LOGICALS_MAX, sizeof(*world->logicals));
    world->rows = calloc(ROWS_MAX + 1, sizeof(*world->rows));
    if (world->memory == NULL || world->logicals == NULL || world->rows == NULL) {
        abort();
    }
    for (uint32_t ep = 0; ep < world->ep_count; ep++) {
        (void)add_endpoint(world, ep);
    }
    for (uint32_t app = 0; app < world->limits.apps_max; app++) {
        world->app_rates[app] = some_rate(random);
    }
    world->slots_now = world->limits.slots_max;
    if (is_big) {
        world->slots_now = 0;
        world->publish_first = 200;
        world_at(world, 11 * SECOND, EVENT_SLOTS, 0, 0);
    }
    world->people_left = is_big ? 420 : 20 + sim_below(random, 300);
    world->gap_ms = is_big ? 50 : ONE_OF(random, 2, 50, 1000, 30 * SECOND, 10 * MINUTE);
    /* a week */
    if (!is_big && sim_chance(random, 50)) {
        world->people_left = 7 * 24 * 6;
        world->gap_ms = 10 * MINUTE;
    }
    world->check_every_step = !is_big && sim_chance(random, 100);
}

/* --- answers ------------------------------------------------------------------------------------------------ */

static void answer_status(struct attempt *attempt, int32_t status_code)
{
    attempt->result.failure = CORE_GOT_RESPONSE;
    attempt->result.status_code = status_code;
    attempt->is_2xx = status_code >= 200 && status_code <= 299;
}

static void answer_by_personality(struct world *world, struct attempt *attempt,
                                  const struct logical *logical)
{
    uint64_t *random = &world->random;
    struct core_result *result = &attempt->result;
    int64_t took_ms = 1 + (int64_t)sim_below(random, 2 * logical->latency_ms);

    switch (logical->personality) {
    case PERSON_SLOW:
        took_ms += 6 * SECOND;
        answer_status(attempt, 200);
        break;
    case PERSON_REFUSES:
        result->failure = sim_chance(random, 800) ? CORE_NETWORK : CORE_PROHIBITED;
        break;
    case PERSON_HANGS:
        took_ms = 15 * SECOND;
        result->failure = CORE_TIMED_OUT;
        break;
    case PERSON_FLAPS:
        answer_status(attempt, world->now / (5 * SECOND) % 2 == 0 ? 200 : 500);
        break;
    case PERSON_LIMITS:
        answer_status(attempt, sim_chance(random, 500) ? 429 : 202);
        result->retry_after_ms = (int64_t)ONE_OF(random, 0, 2, 30, 90, 4000, 100000) * SECOND;
        break;
    case PERSON_RESETS:
        result->failure = CORE_NETWORK;
        break;
    case PERSON_GONE:
        answer_status(attempt, 410);
        break;
    case PERSON_DIES:
        if (sim_chance(random, attempt->action.fresh_connection ? 50 : 500)) {
            result->failure = CORE_CONN_DIED_REUSED;
            cover_reach(COVER_CONN_DIED);
            break;
        }
        answer_status(attempt, 200);
        break;
    case PERSON_MIXED:
        answer_status(attempt,
                      (int32_t)ONE_OF(random, 200, 201, 301, 400, 404, 408, 429, 500, 503));
        break;
    case PERSON_OK:
    case PERSON_COUNT:
        answer_status(attempt, 200);
        break;
    }
    result->duration_ms = took_ms;
}

void people_answer(struct world *world, const struct core_action *start,
                   struct attempt *ret_attempt, int64_t *ret_took_ms)
{
    const struct logical *logical = &world->logicals[ret_attempt->logical];

    ret_attempt->result =
        (struct core_result){ .retry_after_ms = -1, .random = sim_random(&world->random) };
    if (world->is_healing) {
        answer_status(ret_attempt, 200);
        ret_attempt->result.duration_ms = 20;
    } else {
        answer_by_personality(world, ret_attempt, logical);
        ret_attempt->kills = world->rows[start->delivery.seq].is_poison;
    }
    *ret_took_ms = ret_attempt->result.duration_ms;
    ret_attempt->received_at = world->now + sim_between(&world->random, 0, *ret_took_ms);
}

/* --- what people and faults do --------------------------------------------------------------------------------- */

/* A living endpoint; NOBODY when there is none. */
static uint32_t some_endpoint(struct world *world)
{
    return world->by_ep[sim_below(&world->random, world->ep_count)];
}

static void publish(struct world *world)
{
    uint32_t events = sim_chance(&world->random, 100) ? 1 + sim_below(&world->random, 40) : 1;

    for (uint32_t n = 0; n < events; n++) {
        struct write write = { .kind = WRITE_PUBLISH };
        uint32_t wanted = 1 + sim_below(&world->random, TARGETS_MAX);
        uint32_t first = sim_below(&world->random, world->ep_count);

        for (uint32_t i = 0; i < wanted && i < world->ep_count; i++) {
            uint32_t logical = world->by_ep[(first + i) % world->ep_count];

            if (logical != NOBODY) {
                write.targets[write.target_count++] = logical;
            }
        }
        if (world->is_up && write.target_count > 0 && world->row_count < ROWS_MAX / 2) {
            table_submit(world, &write);
        }
    }
}

static uint32_t in_flight_of(const struct world *world, uint32_t logical)
{
    uint32_t count = 0;

    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        count += world->attempts[slot].is_taken && world->attempts[slot].logical == logical;
    }
    return count;
}

static void set_status(struct world *world, uint32_t logical, enum core_endpoint_status status)
{
    struct core_health health;

    if (logical == NOBODY) {
        return;
    }
    if (status != CORE_ACTIVE && in_flight_of(world, logical) > 0) {
        cover_reach(COVER_PAUSE_IN_FLIGHT);
    }
    if (world->is_up) {
        core_health(world->core, world->logicals[logical].ep, &health);
        if (status == CORE_ACTIVE && world->logicals[logical].config.status != CORE_ACTIVE &&
            (health.paged || health.retries_in_table)) {
            cover_reach(COVER_RESUME);
        }
        if (health.paged) {
            cover_reach(COVER_PAGED);
        }
        if (health.slots_earned > 1 &&
            health.slots_earned == world->logicals[logical].config.concurrency) {
            cover_reach(COVER_EARNED_ALL);
        }
    }
    world->logicals[logical].config.status = status;
    world_set_endpoint(world, logical);
}

static void delete_endpoint(struct world *world, uint32_t logical)
{
    struct core_input input = { .kind = CORE_IN_ENDPOINT_GONE };

    if (logical == NOBODY) {
        return;
    }
    if (in_flight_of(world, logical) > 0) {
        cover_reach(COVER_DELETED_IN_FLIGHT);
    }
    input.ep = world->logicals[logical].ep;
    world->logicals[logical].is_deleted = true;
    world->by_ep[input.ep] = NOBODY;
    if (world->is_up) {
        world_step(world, &input);
    }
}

static void create_endpoint(struct world *world)
{
    for (uint32_t ep = 0; ep < world->ep_count; ep++) {
        if (world->by_ep[ep] != NOBODY || world->logical_count == LOGICALS_MAX) {
            continue;
        }
        for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
            if (world->attempts[slot].is_taken && world->attempts[slot].action.ep == ep) {
                cover_reach(COVER_NUMBER_REUSED);
            }
        }
        world_set_endpoint(world, add_endpoint(world, ep));
        return;
    }
}

/* One of all, one of the latest, or one that is being sent. */
static int64_t some_delivery(struct world *world)
{
    uint64_t *random = &world->random;
    int64_t latest = world->row_count;
    uint32_t which = sim_below(random, 3);
    uint32_t first = sim_below(random, SLOTS_MAX);

    for (uint32_t i = 0; which == 0 && i < SLOTS_MAX; i++) {
        const struct attempt *attempt = &world->attempts[(first + i) % SLOTS_MAX];

        if (attempt->is_taken) {
            return attempt->action.delivery.seq;
        }
    }
    return sim_between(random, which == 1 && latest > 10 ? latest - 10 : 1, latest);
}

static void touch_delivery(struct world *world, enum write_kind kind)
{
    struct write write = { .kind = kind };

    if (!world->is_up || world->row_count == 0) {
        return;
    }
    write.seq = some_delivery(world);
    if (!world->logicals[world->rows[write.seq].logical].is_deleted) {
        table_submit(world, &write);
    }
}

static void break_store(struct world *world)
{
    struct writer *writer = &world->writer;

    if (sim_chance(&world->random, 400)) {
        writer->stall_until = world->now + sim_between(&world->random, SECOND, 2 * MINUTE);
        return;
    }
    writer->fault = sim_chance(&world->random, 300) ? FAULT_FULL : FAULT_UNKNOWN;
    writer->fault_until = world->now + sim_between(&world->random, 100, MINUTE);
}

static void lose_egress(struct world *world)
{
    cover_reach(COVER_SLOTS_NONE);
    world_set_slots(world, sim_below(&world->random, 2) * world->limits.slots_max / 2);
    world_at(world, world->now + sim_between(&world->random, 10, 10 * world->gap_ms + SECOND),
             EVENT_SLOTS, 0, 0);
}

static void kill_egress(struct world *world)
{
    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        if (world->attempts[slot].is_under_way) {
            world->attempts[slot].kills = true;
            world_at(world, world->now, EVENT_END, slot, world->attempts[slot].serial);
            return;
        }
    }
}

enum deed {
    DEED_PUBLISH,
    DEED_PAUSE,
    DEED_RESUME,
    DEED_DISABLE,
    DEED_RETRY_NOW,
    DEED_CANCEL,
    DEED_CHANGE_RECEIVER,
    DEED_CONFIGURE,
    DEED_CRASH,
    DEED_KILL_EGRESS,
    DEED_LOSE_EGRESS,
    DEED_BREAK_STORE,
    DEED_DELETE,
    DEED_CREATE,
    DEED_COUNT
};

static enum deed some_deed(uint64_t *random)
{
    static const uint32_t weights[DEED_COUNT] = {
        [DEED_PUBLISH] = 550,        [DEED_PAUSE] = 40,       [DEED_RESUME] = 70,
        [DEED_DISABLE] = 10,         [DEED_RETRY_NOW] = 70,   [DEED_CANCEL] = 50,
        [DEED_CHANGE_RECEIVER] = 60, [DEED_CONFIGURE] = 20,   [DEED_CRASH] = 20,
        [DEED_KILL_EGRESS] = 20,     [DEED_LOSE_EGRESS] = 20, [DEED_BREAK_STORE] = 30,
        [DEED_DELETE] = 15,          [DEED_CREATE] = 25,
    };
    uint32_t pick = sim_below(random, 1000);
    uint32_t deed = 0;

    while (deed < DEED_COUNT - 1 && pick >= weights[deed]) {
        pick -= weights[deed++];
    }
    return (enum deed)deed;
}

void people_act(struct world *world)
{
    uint32_t logical = some_endpoint(world);

    if (world->publish_first > 0 && world->people_left > world->publish_first) {
        publish(world);
        return;
    }
    switch (some_deed(&world->random)) {
    case DEED_PUBLISH:
        publish(world);
        break;
    case DEED_PAUSE:
        set_status(world, logical, CORE_PAUSED);
        break;
    case DEED_RESUME:
        set_status(world, logical, CORE_ACTIVE);
        break;
    case DEED_DISABLE:
        set_status(world, logical, CORE_DISABLED);
        break;
    case DEED_RETRY_NOW:
        touch_delivery(world, WRITE_RETRY_NOW);
        break;
    case DEED_CANCEL:
        touch_delivery(world, WRITE_CANCEL);
        break;
    case DEED_CHANGE_RECEIVER:
        if (logical != NOBODY) {
            receive(world, &world->logicals[logical]);
        }
        break;
    case DEED_CONFIGURE:
        if (logical != NOBODY) {
            configure(world, &world->logicals[logical]);
            if (sim_chance(&world->random, 100)) {
                world->logicals[logical].config.app =
                    sim_below(&world->random, world->limits.apps_max);
            }
            if (sim_chance(&world->random, 100)) {
                uint32_t app = sim_below(&world->random, world->limits.apps_max);

                world->app_rates[app] = some_rate(&world->random);
                world_set_app(world, app);
            }
            world_set_endpoint(world, logical);
        }
        break;
    case DEED_CRASH:
        if (world->is_up) {
            world_crash(world);
        }
        break;
    case DEED_KILL_EGRESS:
        kill_egress(world);
        break;
    case DEED_LOSE_EGRESS:
        lose_egress(world);
        break;
    case DEED_BREAK_STORE:
        break_store(world);
        break;
    case DEED_DELETE:
        delete_endpoint(world, logical);
        break;
    case DEED_CREATE:
    case DEED_COUNT:
        create_endpoint(world);
        break;
    }
}

/* A limit stays one, but lets through what has gathered. */
static void relax(struct core_rate *rate)
{
    if (rate->requests > 0) {
        *rate = (struct core_rate){ .requests = 20, .burst = 2, .period_ms = SECOND };
    }
}

/* No more faults, every receiver answers, every endpoint is active. */
void people_heal(struct world *world)
{
    world->is_healing = true;
    world->healed_at = world->now;
    world->writer.fault_until = 0;
    world->writer.stall_until = 0;
    for (uint32_t app = 0; app < world->limits.apps_max; app++) {
        relax(&world->app_rates[app]);
        world_set_app(world, app);
    }
    for (uint32_t i = 0; i < world->logical_count; i++) {
        relax(&world->logicals[i].config.rate);
        if (!world->logicals[i].is_deleted) {
            set_status(world, i, CORE_ACTIVE);
        }
    }
    world_set_slots(world, world->limits.slots_max);
}
