/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold. It knows the table (the truth), what receivers got and what is in flight, and nothing of
 * how the core works.
 */
#include <inttypes.h>

#include "world.h"

enum { JITTER_MS = 1 };
/* In a healed world: how late a retry or a first attempt may be. With one slot each takes about 60 ms. */
#define LATE_MAX_MS (2 * MINUTE)
#define EACH_MAX_MS 200

/* --- limits ------------------------------------------------------------------------------------------------ */

static void check_limits(struct world *world, uint32_t logical)
{
    uint32_t of_endpoint = 1;
    uint32_t of_app = 1;
    const struct logical *l = &world->logicals[logical];

    for (uint32_t slot = 0; slot < world->limits.slots_max; slot++) {
        const struct attempt *attempt = &world->attempts[slot];

        of_endpoint += attempt->is_taken && attempt->logical == logical;
        of_app += attempt->is_taken && attempt->app == l->config.app;
    }
    if (of_endpoint > l->config.concurrency) {
        world_fail(world, "endpoint %u holds %u slots of %u", logical, of_endpoint,
                   l->config.concurrency);
    }
    if (of_app > world->limits.app_concurrency) {
        world_fail(world, "app %u holds %u slots of %u", l->config.app, of_app,
                   world->limits.app_concurrency);
    }
    if (of_app == world->limits.app_concurrency) {
        cover_reach(COVER_APP_MAX);
    }
    if (world->in_flight >= world->slots_now ||
        world->in_flight >= world->limits.uncommitted_max) {
        world_fail(world, "a start beside %u in flight", world->in_flight);
    }
    if (!world->writer.store_ok) {
        world_fail(world, "a start while the store takes nothing");
    }
}

/* --- starts ---------------------------------------------------------------------------------------------------- */

/* Only what is open in the table is sent, in its time, in its order. */
static void check_scheduled(struct world *world, const struct core_action *action,
                            struct row *row, struct logical *logical)
{
    int64_t seq = action->delivery.seq;
    int64_t now = world_to_wall(world, world_core_now(world));
    int64_t since = world_to_wall(world, world->healed_at + world->base);
    int64_t late_max_ms =
        LATE_MAX_MS + world->row_count * EACH_MAX_MS + 2 * logical->config.breaker.open_ms;

    if (logical->config.status != CORE_ACTIVE) {
        world_fail(world, "%" PRId64 " is sent to an endpoint that is not active", seq);
    }
    if (!table_is_open(row)) {
        if (row->state != ROW_CANCELLED || row->is_cancel_told) {
            world_fail(world, "%" PRId64 " is sent but not open (state %d)", seq, row->state);
        }
        return;
    }
    if (row->next_at > now + JITTER_MS) {
        world_fail(world, "%" PRId64 " is sent before its time", seq);
    }
    /* One whose commit was unknown is found late. */
    if (row->next_at == 0 && row->attempts == 0 && row->is_acked) {
        if (seq <= logical->last_first) {
            world_fail(world, "first attempt of %" PRId64 " after that of %" PRId64, seq,
                       logical->last_first);
        }
        logical->last_first = seq;
    }
    /* In order one waits for those before it, however long: is_over sees to it. */
    if (!world->is_healing || logical->config.ordered != CORE_UNORDERED) {
        return;
    }
    since = row->next_at > since ? row->next_at : since;
    if (now > since + late_max_ms) {
        world_fail(world, "%" PRId64 " is %" PRId64 " ms late", seq, now - since);
    }
}

void oracle_start(struct world *world, const struct core_action *action)
{
    int64_t seq = action->delivery.seq;
    struct row *row = &world->rows[seq];
    uint32_t number = world->by_ep[action->ep];
    uint32_t allowed;

    if (seq < 1 || seq > world->row_count || number == NOBODY || row->logical != number) {
        world_fail(world, "%" PRId64 " is sent to endpoint %u, which it is not for", seq,
                   action->ep);
    }
    if (row->is_sending) {
        world_fail(world, "%" PRId64 " is sent while it is being sent", seq);
    }
    if (row->state == ROW_DELIVERED) {
        world_fail(world, "%" PRId64 " is sent though it is delivered", seq);
    }
    if (action->delivery.attempts != row->attempts || action->delivery.event != seq * 7 ||
        action->delivery.accepted != world_to_core(world, row->created_at)) {
        world_fail(world, "%" PRId64 " is sent with other numbers than stored", seq);
    }
    check_limits(world, number);
    if (action->manual) {
        row->manual_starts++;
    } else {
        check_scheduled(world, action, row, &world->logicals[number]);
    }
    if (action->alone) {
        cover_reach(COVER_ALONE);
    }
    row->followed += action->fresh_connection;
    row->starts++;
    /* Each crash costs one that was not counted, or one beyond the schedule. */
    allowed = world->logicals[number].max_attempts_ever + row->manual_starts + row->excused +
              row->blocked;
    if (row->starts > allowed) {
        world_fail(world, "%" PRId64 " is sent %u times, allowed are %u", seq, row->starts,
                   allowed);
    }
}

/* --- outcomes --------------------------------------------------------------------------------------------------- */

static bool is_2xx(const struct core_result *result)
{
    return result->failure == CORE_GOT_RESPONSE && result->status_code / 100 == 2;
}

static void check_why(struct world *world, const struct core_action *action,
                      const struct core_result *result)
{
    int64_t seq = action->delivery.seq;
    const struct row *row = &world->rows[seq];
    const struct logical *logical = &world->logicals[row->logical];
    const struct retry_policy *policy = &logical->config.retry;
    bool is_right = false;

    switch (action->why) {
    case CORE_WHY_ATTEMPTS:
        cover_reach(COVER_FAILED_ATTEMPTS);
        is_right = action->delivery.attempts >= policy->max_attempts;
        break;
    case CORE_WHY_AGE:
        cover_reach(COVER_FAILED_AGE);
        is_right = policy->max_age_s > 0;
        break;
    case CORE_WHY_PERMANENT:
        cover_reach(COVER_FAILED_PERMANENT);
        is_right = result->failure == CORE_GOT_RESPONSE && result->status_code / 100 != 5 &&
                   result->status_code != 429;
        break;
    case CORE_WHY_RETRY_OFF:
        cover_reach(COVER_FAILED_RETRY_OFF);
        is_right = !policy->enabled;
        break;
    case CORE_WHY_SENDER_CRASH:
        cover_reach(COVER_SENDER_CRASH_FAILED);
        is_right = row->crashes >= 3;
        break;
    case CORE_WHY_NONE:
        break;
    }
    if (!is_right) {
        world_fail(world, "%" PRId64 " failed for a wrong reason (%d)", seq, (int)action->why);
    }
}

void oracle_outcome(struct world *world, const struct core_action *action)
{
    int64_t seq = action->delivery.seq;
    const struct row *row = &world->rows[seq];
    const struct attempt *attempt = &world->attempts[action->slot];
    const struct core_result *result = &attempt->result;
    int64_t now = world_core_now(world);

    if (attempt->action.delivery.seq != seq || !attempt->is_taken ||
        action->delivery.attempts != row->attempts + 1) {
        world_fail(world, "an outcome of %" PRId64 " that is none of its attempt", seq);
    }
    if ((action->verdict == CORE_DELIVERED) != is_2xx(result)) {
        world_fail(world, "%" PRId64 ": verdict %d for status %d", seq, (int)action->verdict,
                   result->status_code);
    }
    if (row->state != ROW_CANCELLED) {
        int64_t key = row->next_at;

        if (key > 0) {
            key = world_to_core(world, key);
            key = key < 1 ? 1 : key;
        }

        if (action->old_due > key + JITTER_MS || action->old_due < key - JITTER_MS ||
            (action->old_due == 0) != (key == 0)) {
            world_fail(world, "%" PRId64 ": row at %" PRId64 ", told %" PRId64, seq, key,
                       action->old_due);
        }
    }
    if (action->keep_schedule) {
        if (action->verdict == CORE_DELIVERED) {
            world_fail(world, "%" PRId64 " is delivered and keeps its schedule", seq);
        }
        cover_reach(COVER_MANUAL_KEPT);
    } else if (action->verdict == CORE_FAILED) {
        check_why(world, action, result);
    } else if (action->verdict == CORE_RETRY) {
        if (action->due < now) {
            world_fail(world, "%" PRId64 " gets a retry in the past", seq);
        }
        if (result->retry_after_ms > 0 && action->due == now + result->retry_after_ms) {
            cover_reach(COVER_RETRY_AFTER);
        }
    }
}

void oracle_received(struct world *world, int64_t seq)
{
    struct row *row = &world->rows[seq];

    row->received++;
    if (row->received > 1) {
        cover_reach(COVER_DUPLICATE);
    }
    if (row->received > 1 + row->excused) {
        world_fail(world, "%" PRId64 " was received %u times, %u of them beside a crash", seq,
                   row->received, row->excused);
    }
}

/* --- sweep and end -------------------------------------------------------------------------------------------------- */

void oracle_sweep(struct world *world)
{
    if (world->writer.is_backlog_owed) {
        return;
    }
    for (int64_t seq = 1; seq <= world->row_count; seq++) {
        const struct row *row = &world->rows[seq];

        if (table_is_open(row) && !world->logicals[row->logical].is_deleted &&
            !core_covers(world->core, world->logicals[row->logical].ep, seq,
                         table_due(world, row))) {
            world_fail(world, "the sweep finds %" PRId64 " (next at %" PRId64 ")", seq,
                       row->next_at);
        }
    }
}

void oracle_end(struct world *world)
{
    oracle_sweep(world);
    rules_sweep(world);
    for (int64_t seq = 1; seq <= world->row_count; seq++) {
        const struct row *row = &world->rows[seq];

        if (world->logicals[row->logical].is_deleted) {
            continue;
        }
        if (row->state == ROW_DELIVERED && row->received == 0) {
            world_fail(world, "%" PRId64 " counts as delivered, but nobody received it", seq);
        }
        if (table_is_open(row)) {
            world_fail(world, "%" PRId64 " is still open", seq);
        }
        if (core_find(world->core, seq) != CORE_NOWHERE) {
            world_fail(world, "%" PRId64 " is over, but still in memory", seq);
        }
    }
}
