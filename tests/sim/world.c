/* SPDX-License-Identifier: Apache-2.0 */
/* The clock and the shell. What comes next is the earliest of the events and of the core's wake. */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_EACH = 16 };
#define HEAL_MAX_MS (120 * HOUR)

/* --- randomness ----------------------------------------------------------------------------------------- */

uint32_t sim_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

uint32_t sim_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(((uint64_t)sim_random(state) * n) >> 32);
}

int64_t sim_between(uint64_t *state, int64_t low, int64_t high)
{
    uint64_t wide = ((uint64_t)sim_random(state) << 31) ^ sim_random(state);

    return low + (int64_t)(wide % (uint64_t)(high - low + 1));
}

bool sim_chance(uint64_t *state, uint32_t permille)
{
    return sim_below(state, 1000) < permille;
}

/* --- clock and events ------------------------------------------------------------------------------------- */

int64_t world_core_now(const struct world *world)
{
    return world->now + world->base;
}

int64_t world_wall(const struct world *world)
{
    return WALL_START + world->now + world->wall_skew;
}

int64_t world_to_core(const struct world *world, int64_t wall)
{
    return wall - world->offset;
}

int64_t world_to_wall(const struct world *world, int64_t core_time)
{
    return core_time + world->offset;
}

void world_fail(const struct world *world, const char *fmt, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "sim: seed %" PRIu64 " at %" PRId64 " ms, step %" PRIu64 ": ", world->seed,
            world->now, world->steps);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nsim: again with: sim --seeds 1 --seed %" PRIu64 " --verbose\n",
            world->seed);
    exit(1);
}

static bool is_earlier(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void world_at(struct world *world, int64_t at, enum event_kind kind, uint32_t number,
              uint32_t serial)
{
    struct event event = { .at = at,
                           .order = world->event_order++,
                           .kind = kind,
                           .number = number,
                           .serial = serial };
    uint32_t i = world->event_count++;

    if (world->event_count > world->event_cap) {
        world->event_cap = world->event_cap == 0 ? 256 : world->event_cap * 2;
        world->events = realloc(world->events, world->event_cap * sizeof(event));
        if (world->events == NULL) {
            abort();
        }
    }
    for (; i > 0 && is_earlier(&event, &world->events[(i - 1) / 2]); i = (i - 1) / 2) {
        world->events[i] = world->events[(i - 1) / 2];
    }
    world->events[i] = event;
}

static struct event take_event(struct world *world)
{
    struct event first = world->events[0];
    struct event last = world->events[--world->event_count];
    uint32_t i = 0;

    for (uint32_t child = 1; child < world->event_count; child = 2 * i + 1) {
        if (child + 1 < world->event_count &&
            is_earlier(&world->events[child + 1], &world->events[child])) {
            child++;
        }
        if (!is_earlier(&world->events[child], &last)) {
            break;
        }
        world->events[i] = world->events[child];
        i = child;
    }
    world->events[i] = last;
    return first;
}

/* --- carrying out actions ----------------------------------------------------------------------------------- */

static void hash(struct world *world, int64_t value)
{
    world->trace = (world->trace ^ (uint64_t)value) * 0x100000001b3u;
    world->trace ^= world->trace >> 32;
}

static void trace(struct world *world, const struct core_action *action)
{
    static const char *const names[] = { "start", "outcome", "load", "disable" };

    hash(world, world->now);
    hash(world, (int64_t)action->kind);
    hash(world, action->ep);
    hash(world, action->kind == CORE_ACT_LOAD ? action->after_seq + action->after_due
                                              : action->delivery.seq);
    hash(world, action->kind == CORE_ACT_OUTCOME ? (int64_t)action->verdict : action->limit);
    if (world->is_verbose) {
        printf("%" PRId64 " %s ep %u slot %u seq %" PRId64 " attempts %u row %" PRId64
               " verdict %d why %d due %" PRId64 "%s%s load %d after %" PRId64 "/%" PRId64
               " limit %u\n",
               world_core_now(world), names[action->kind], action->ep, action->slot,
               action->delivery.seq, action->delivery.attempts, action->old_due,
               (int)action->verdict, (int)action->why, action->due,
               action->manual ? " manual" : "", action->keep_schedule ? " keep" : "",
               (int)action->load, action->after_due, action->after_seq, action->limit);
    }
}

static void start(struct world *world, const struct core_action *action)
{
    struct attempt *attempt = &world->attempts[action->slot];
    int64_t took_ms = 0;
    bool is_probe;

    oracle_start(world, action);
    is_probe = rules_start(world, action);
    *attempt = (struct attempt){ .action = *action,
                                 .serial = ++world->serial,
                                 .logical = world->by_ep[action->ep],
                                 .is_taken = true,
                                 .is_under_way = true,
                                 .is_probe = is_probe };
    attempt->app = world->logicals[attempt->logical].config.app;
    world->in_flight++;
    world->rows[action->delivery.seq].is_sending = true;
    people_answer(world, action, attempt, &took_ms);
    world_at(world, world->now + took_ms, EVENT_END, action->slot, attempt->serial);
}

static void carry_out(struct world *world, const struct core_action *action)
{
    struct write write = { .action = *action };

    trace(world, action);
    switch (action->kind) {
    case CORE_ACT_START:
        start(world, action);
        break;
    case CORE_ACT_OUTCOME:
        oracle_outcome(world, action);
        rules_outcome(world, action);
        write.kind = WRITE_OUTCOME;
        table_submit(world, &write);
        break;
    case CORE_ACT_LOAD:
        write.kind = WRITE_LOAD;
        write.logical = world->by_ep[action->ep];
        table_submit(world, &write);
        break;
    case CORE_ACT_DISABLE:
        rules_disable(world, action);
        world_at(world, world->now + sim_between(&world->random, 0, 50), EVENT_DISABLE,
                 world->by_ep[action->ep], world->life);
        break;
    }
}

static void look_at_rates(struct world *world)
{
    struct core_health health;

    for (uint32_t ep = 0; ep < world->ep_count; ep++) {
        const struct logical *logical;

        if (world->by_ep[ep] == NOBODY) {
            continue;
        }
        logical = &world->logicals[world->by_ep[ep]];
        core_health(world->core, ep, &health);
        if (health.rate_at != 0 && health.in_memory > health.sending) {
            cover_reach(logical->config.rate.requests > 0 ? COVER_RATE_ENDPOINT
                                                          : COVER_RATE_APP);
        }
        if (health.paged && logical->config.ordered != CORE_UNORDERED) {
            cover_reach(COVER_ORDER_PAGED);
        }
    }
}

static void look(struct world *world)
{
    struct core_stats stats;

    look_at_rates(world);
    core_stats(world->core, &stats);
    if (stats.uncommitted == world->limits.uncommitted_max) {
        cover_reach(COVER_UNCOMMITTED_MAX);
    }
    if (stats.sending == world->slots_now && stats.sending > 0) {
        cover_reach(COVER_SLOTS_MAX);
    }
    if (stats.deliveries >= world->limits.deliveries_max - world->limits.deliveries_max / 64) {
        cover_reach(COVER_MEMORY_FULL);
    }
    if (stats.slow_slots > 0) {
        cover_reach(COVER_SLOW);
    }
    if (stats.dropped_to_table > 0) {
        cover_reach(COVER_DROPPED);
    }
    if (stats.sending != world->in_flight) {
        world_fail(world, "the core holds %u slots, the shell %u", stats.sending,
                   world->in_flight);
    }
}

void world_step(struct world *world, const struct core_input *input)
{
    struct core_action actions[CORE_ACTIONS_MAX];
    struct core_input tick = { .kind = CORE_IN_TICK };
    bool more = true;

    while (more) {
        uint32_t count = core_step(world->core, world_core_now(world), input, actions, &more);

        world->steps++;
        for (uint32_t i = 0; i < count; i++) {
            carry_out(world, &actions[i]);
        }
        if (more) {
            cover_reach(COVER_MORE);
        }
        input = &tick;
    }
    if (core_next_wake(world->core) <= world_core_now(world)) {
        world_fail(world, "the next wake is not in the future");
    }
    if (world->check_every_step || world->steps % CHECK_EACH == 0) {
        core_check(world->core);
        look(world);
    }
}

/* --- the process ------------------------------------------------------------------------------------------------ */

void world_set_endpoint(struct world *world, uint32_t logical)
{
    const struct logical *l = &world->logicals[logical];
    struct core_input input = { .kind = CORE_IN_ENDPOINT_SET,
                                .ep = l->ep,
                                .endpoint = &l->config };

    if (world->is_up && !l->is_deleted) {
        rules_told(world, logical);
        world_step(world, &input);
    }
}

void world_set_app(struct world *world, uint32_t app)
{
    struct core_input input = { .kind = CORE_IN_APP_SET,
                                .app = app,
                                .rate = world->app_rates[app] };

    world->app_starts[app].count = 0;
    if (world->is_up) {
        world_step(world, &input);
    }
}

void world_set_slots(struct world *world, uint32_t slots)
{
    struct core_input input = { .kind = CORE_IN_SLOTS, .slots = slots };

    world->slots_now = slots;
    if (world->is_up) {
        world_step(world, &input);
    }
}

static void start_process(struct world *world)
{
    struct core_input input;

    memset(world->memory, 0, world->memory_size);
    world->core = core_init(world->memory, &world->limits);
    /* a machine that has been up for long, or was just started */
    world->base = sim_chance(&world->random, 500)
                      ? sim_between(&world->random, 1, SECOND) - world->now
                      : world_wall(world) - world->now;
    world->offset = world_wall(world) - world_core_now(world);
    world->writer.store_ok = true;
    world->writer.is_backlog_owed = false;
    world->is_up = true;
    for (uint32_t app = 0; app < world->limits.apps_max; app++) {
        world_set_app(world, app);
    }
    for (uint32_t i = 0; i < world->logical_count; i++) {
        world->logicals[i].last_first = 0;
        rules_restart(world, i);
        world_set_endpoint(world, i);
    }
    world_set_slots(world, world->slots_now);
    for (uint32_t ep = 0; ep < world->ep_count; ep++) {
        if (world->by_ep[ep] != NOBODY) {
            table_backlog(world, ep, &input);
            if (input.has_fresh || input.retry_due != 0) {
                world_step(world, &input);
            }
        }
    }
}

void world_crash(struct world *world)
{
    int64_t skew = world->wall_skew;

    cover_reach(COVER_CRASH);
    if (world->in_flight > 0) {
        cover_reach(COVER_CRASH_IN_FLIGHT);
    }
    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        struct attempt *attempt = &world->attempts[slot];
        int64_t seq = attempt->action.delivery.seq;

        if (!attempt->is_taken) {
            continue;
        }
        world->rows[seq].excused++;
        if (attempt->is_under_way && attempt->is_2xx && attempt->received_at <= world->now) {
            oracle_received(world, seq);
        }
        world->rows[seq].is_sending = false;
        attempt->is_taken = false;
        attempt->is_under_way = false;
        attempt->serial = 0;
    }
    table_crash(world);
    world->in_flight = 0;
    world->is_up = false;
    world->life++;
    if (sim_chance(&world->random, 200)) {
        world->wall_skew += sim_between(&world->random, -2 * HOUR, 2 * HOUR);
        cover_reach(world->wall_skew < skew ? COVER_CLOCK_BACK : COVER_CLOCK_FORWARD);
    }
    world_at(world, world->now + sim_between(&world->random, 100, 10 * SECOND), EVENT_START, 0,
             world->life);
}

/* --- what happens --------------------------------------------------------------------------------------------------- */

void world_end_attempt(struct world *world, uint32_t slot, const struct core_result *result)
{
    struct core_input input = { .kind = CORE_IN_ATTEMPT_DONE, .slot = slot, .result = result };

    world->attempts[slot].is_under_way = false;
    world->attempts[slot].result = *result;
    world_step(world, &input);
}

/* The sender dies with all that it sends: the slots of the same parity, or only the one sent alone. */
static void kill_sender(struct world *world, uint32_t killer)
{
    uint32_t victims[SLOTS_MAX];
    uint32_t count = 0;

    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        const struct attempt *attempt = &world->attempts[slot];

        if (attempt->is_under_way &&
            (slot == killer || (!world->attempts[killer].action.alone &&
                                !attempt->action.alone && slot % 2 == killer % 2))) {
            victims[count++] = slot;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        struct attempt *attempt = &world->attempts[victims[i]];
        struct core_result result = { .failure = CORE_SENDER_CRASHED, .retry_after_ms = -1 };
        struct row *row = &world->rows[attempt->action.delivery.seq];

        cover_reach(COVER_SENDER_CRASH);
        row->excused++;
        row->crashes++;
        if (attempt->is_2xx && attempt->received_at <= world->now) {
            oracle_received(world, attempt->action.delivery.seq);
        }
        world_end_attempt(world, victims[i], &result);
    }
}

static void end(struct world *world, uint32_t slot)
{
    struct attempt *attempt = &world->attempts[slot];
    struct core_result result = attempt->result;

    if (attempt->kills) {
        kill_sender(world, slot);
        return;
    }
    if (attempt->is_2xx) {
        oracle_received(world, attempt->action.delivery.seq);
    }
    world_end_attempt(world, slot, &result);
}

static void sweep(struct world *world)
{
    struct write write = { .kind = WRITE_SWEEP };
    int64_t in_ms = world->gap_ms * 20;

    if (world->is_up) {
        table_submit(world, &write);
    }
    in_ms = in_ms < 10 * SECOND ? 10 * SECOND : in_ms > HOUR ? HOUR : in_ms;
    world_at(world, world->now + in_ms, EVENT_SWEEP, 0, 0);
}

static void happen(struct world *world, const struct event *event)
{
    switch (event->kind) {
    case EVENT_PERSON:
        if (world->people_left-- == 0) {
            people_heal(world);
            return;
        }
        people_act(world);
        world_at(world, world->now + sim_between(&world->random, 0, 2 * world->gap_ms),
                 EVENT_PERSON, 0, 0);
        break;
    case EVENT_END:
        if (world->attempts[event->number].serial == event->serial &&
            world->attempts[event->number].is_under_way) {
            end(world, event->number);
        }
        break;
    case EVENT_COMMIT:
        if (event->serial == world->life) {
            table_commit(world);
        }
        break;
    case EVENT_START:
        start_process(world);
        break;
    case EVENT_SLOTS:
        world_set_slots(world, world->limits.slots_max);
        break;
    case EVENT_DISABLE:
        /* what the store keeps outlives the process */
        if (!world->is_healing) {
            world->logicals[event->number].config.status = CORE_DISABLED;
        }
        world_set_endpoint(world, event->number);
        break;
    case EVENT_BACKLOG:
        if (event->serial == world->life) {
            table_submit(world, &(struct write){ .kind = WRITE_BACKLOG });
        }
        break;
    case EVENT_SWEEP:
        sweep(world);
        break;
    }
}

static bool is_over(const struct world *world)
{
    if (!world->is_healing || !world->is_up || world->in_flight > 0 || !table_is_idle(world) ||
        world->writer.is_backlog_owed) {
        return false;
    }
    for (int64_t seq = 1; seq <= world->row_count; seq++) {
        const struct row *row = &world->rows[seq];

        if (table_is_open(row) && !world->logicals[row->logical].is_deleted) {
            return false;
        }
    }
    return true;
}

void world_run(struct world *world, uint64_t seed)
{
    world->seed = seed;
    world->random = seed * 0x9e3779b97f4a7c15u + 1;
    people_build(world);
    start_process(world);
    world_at(world, 1, EVENT_PERSON, 0, 0);
    world_at(world, 10 * SECOND, EVENT_SWEEP, 0, 0);
    while (!is_over(world)) {
        int64_t event_at = world->events[0].at;
        int64_t wake_at = INT64_MAX;

        if (world->is_up && core_next_wake(world->core) != INT64_MAX) {
            wake_at = core_next_wake(world->core) - world->base;
        }
        if (wake_at < event_at) {
            struct core_input tick = { .kind = CORE_IN_TICK };

            world->now = wake_at;
            world_step(world, &tick);
        } else {
            struct event event = take_event(world);

            world->now = event_at;
            happen(world, &event);
        }
        if (world->is_healing && world->now > world->healed_at + HEAL_MAX_MS) {
            world_fail(world, "not all is sent so long after all was healed");
        }
    }
    core_check(world->core);
    oracle_end(world);
}

void world_free(struct world *world)
{
    table_free(world);
    free(world->memory);
    free(world->logicals);
    free(world->rows);
    free(world->events);
    memset(world, 0, sizeof(*world));
}
