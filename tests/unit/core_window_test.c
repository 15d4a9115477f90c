/* SPDX-License-Identifier: Apache-2.0 */
/* What is in memory, what stays in the table, and that each load asks for exactly what is missing. */
#include "core_rig.h"

enum { ROWS_MAX = 512 };

static const struct retry_policy half_minute = { .enabled = true,
                                                 .preset = RETRY_CUSTOM,
                                                 .max_attempts = 50,
                                                 .delay_count = 1,
                                                 .delays_s = { 30 } };

static struct rig *rig_one(uint16_t concurrency)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint endpoint = rig_config(0, concurrency);

    endpoint.retry = half_minute;
    rig_endpoint(rig, 0, &endpoint);
    return rig;
}

static void set_status(struct rig *rig, enum core_endpoint_status status)
{
    struct core_endpoint endpoint = rig_config(0, 2);

    endpoint.status = status;
    endpoint.retry = half_minute;
    rig_endpoint(rig, 0, &endpoint);
}

static void backlog(struct rig *rig, bool has_fresh, int64_t retry_due)
{
    struct core_input input = { .kind = CORE_IN_ENDPOINT_BACKLOG,
                                .has_fresh = has_fresh,
                                .retry_due = retry_due };

    rig_step(rig, &input);
}

/* Rows first..last as an answer; due 0 = fresh. */
static void answer(struct rig *rig, int64_t first, int64_t last, int64_t due, bool end)
{
    struct core_delivery rows[ROWS_MAX];
    struct core_loaded loaded = { .kind = due == 0 ? CORE_LOAD_FRESH : CORE_LOAD_RETRIES,
                                  .rows = rows,
                                  .upto = last,
                                  .end = end };

    for (int64_t seq = first; seq <= last; seq++) {
        assert_true(loaded.count < ROWS_MAX);
        rows[loaded.count++] =
            (struct core_delivery){ .seq = seq, .due = due, .attempts = due != 0 };
    }
    rig_loaded(rig, &loaded);
}

static struct core_health health(const struct rig *rig)
{
    struct core_health health;

    core_health(rig->core, 0, &health);
    return health;
}

/* Ends the attempt in that slot and stores its outcome; what starts then is in rig->actions. */
static void finish(struct rig *rig, uint32_t slot, int32_t status_code)
{
    rig_done(rig, slot, status_code);
    rig_stored(rig, slot);
}

static void direct_until_the_window_is_full(void **state)
{
    struct rig *rig = rig_one(2); /* window 12 */
    uint32_t slot = 0;

    (void)state;
    rig_committed(rig, 0, 1);
    slot = rig_action(rig, CORE_ACT_START).slot;
    for (int64_t seq = 2; seq <= 13; seq++) {
        rig_committed(rig, 0, seq);
        assert_int_equal(rig->count, 0);
        assert_int_equal(core_find(rig->core, seq), CORE_WAITING);
    }
    assert_false(health(rig).paged);
    rig_committed(rig, 0, 14);
    assert_true(health(rig).paged);
    assert_int_equal(core_find(rig->core, 14), CORE_NOWHERE);
    assert_true(core_covers(rig->core, 0, 14, 0));

    /* below half of the window it asks for what follows the last one that it took */
    for (int n = 0; n < 7; n++) {
        assert_int_equal(rig_count(rig, CORE_ACT_LOAD), 0);
        rig_done(rig, slot, 404);
        rig_stored(rig, slot);
        slot = rig_action(rig, CORE_ACT_START).slot;
    }
    assert_int_equal(rig_count(rig, CORE_ACT_LOAD), 1);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).load, CORE_LOAD_FRESH);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).after_seq, 13);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).limit, 12 - 5);

    /* committed meanwhile: the load has it, so it must not be taken twice */
    rig_committed(rig, 0, 15);
    assert_int_equal(rig->count, 0);
    answer(rig, 14, 15, 0, true);
    assert_false(health(rig).paged);
    assert_int_equal(core_find(rig->core, 15), CORE_WAITING);
    rig_committed(rig, 0, 16);
    assert_int_equal(core_find(rig->core, 16), CORE_WAITING);
    rig_free(rig);
}

static void committed_that_the_load_has_is_ignored(void **state)
{
    struct rig *rig = rig_one(2);

    (void)state;
    backlog(rig, true, 0);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).after_seq, 0);
    answer(rig, 1, 3, 0, true);
    finish(rig, rig_action(rig, CORE_ACT_START).slot, 200);
    rig_committed(rig, 0, 1); /* announced late: it is delivered already */
    assert_int_equal(core_find(rig->core, 1), CORE_NOWHERE);
    rig_free(rig);
}

static void committed_beyond_the_load_asks_again(void **state)
{
    struct rig *rig = rig_one(2);

    (void)state;
    backlog(rig, true, 0);
    rig_committed(rig, 0, 9); /* told before the answer of a load that could not see it */
    answer(rig, 1, 2, 0, true);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).after_seq, 2);
    answer(rig, 9, 9, 0, true);
    assert_int_equal(core_find(rig->core, 9), CORE_WAITING);
    assert_false(health(rig).paged);
    rig_free(rig);
}

/* Actions that were not dealt with yet: each step replaces those in the rig. */
struct todo {
    struct core_action actions[64];
    uint32_t count;
};

static void note(struct todo *todo, const struct rig *rig)
{
    for (uint32_t i = 0; i < rig->count; i++) {
        if (rig->actions[i].kind != CORE_ACT_OUTCOME) {
            assert_true(todo->count < 64);
            todo->actions[todo->count++] = rig->actions[i];
        }
    }
}

static struct core_action take(struct todo *todo)
{
    struct core_action action = todo->actions[0];

    assert_true(todo->count > 0);
    memmove(todo->actions, todo->actions + 1, --todo->count * sizeof(action));
    return action;
}

static void pages_follow_each_other(void **state)
{
    struct rig *rig = rig_one(2);
    struct todo todo = { .count = 0 };
    int64_t loaded = 0;
    int64_t started = 0;

    (void)state;
    backlog(rig, true, 0);
    note(&todo, rig);
    while (started < 200) {
        struct core_action action = take(&todo);

        if (action.kind == CORE_ACT_LOAD) {
            assert_int_equal(action.after_seq, loaded);
            loaded += action.limit;
            answer(rig, action.after_seq + 1, loaded, 0, false);
            note(&todo, rig);
            continue;
        }
        assert_int_equal(action.delivery.seq, ++started);
        rig->now += 400;
        rig_done(rig, action.slot, 200);
        note(&todo, rig);
        rig_stored(rig, action.slot);
        note(&todo, rig);
        assert_true(health(rig).in_memory <= 2 + 12);
    }
    rig_free(rig);
}

static void far_retries_stay_in_the_table(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint endpoint = rig_config(0, 2);
    struct core_action outcome;
    struct core_action load;

    (void)state;
    rig_endpoint(rig, 0, &endpoint);
    rig_committed(rig, 0, 1);
    rig_done(rig, rig_action(rig, CORE_ACT_START).slot, 500);
    outcome = rig_action(rig, CORE_ACT_OUTCOME);
    rig_stored(rig, outcome.slot);
    assert_int_equal(core_find(rig->core, 1), CORE_NOWHERE);
    assert_true(health(rig).retries_in_table);
    assert_true(core_covers(rig->core, 0, 1, outcome.due));
    assert_false(core_covers(rig->core, 0, 1, outcome.due - 1000));

    /* one look-ahead before its time it is loaded, and starts on time */
    assert_int_equal(core_next_wake(rig->core), outcome.due - RIG_MINUTE);
    rig_tick(rig, core_next_wake(rig->core));
    load = rig_action(rig, CORE_ACT_LOAD);
    assert_int_equal(load.load, CORE_LOAD_RETRIES);
    assert_true(load.after_due < outcome.due);
    answer(rig, 1, 1, outcome.due, true);
    assert_int_equal(core_find(rig->core, 1), CORE_WAITING);
    assert_false(health(rig).retries_in_table);
    assert_int_equal(core_next_wake(rig->core), outcome.due);
    rig_tick(rig, outcome.due);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.due, outcome.due);
    rig_free(rig);
}

static void many_retries_at_one_time_are_paged_through(void **state)
{
    struct rig *rig = rig_one(2);
    struct todo todo = { .count = 0 };
    int64_t due = RIG_START - RIG_HOUR;
    bool done[61] = { false };
    uint32_t left = 60;
    uint32_t loads = 0;

    (void)state;
    backlog(rig, false, due);
    note(&todo, rig);
    while (left > 0) {
        struct core_action action = take(&todo);
        struct core_delivery rows[ROWS_MAX];
        struct core_loaded loaded = { .kind = CORE_LOAD_RETRIES, .rows = rows };

        if (action.kind == CORE_ACT_START) {
            assert_false(done[action.delivery.seq]);
            rig_done(rig, action.slot, 404);
            note(&todo, rig);
            done[action.delivery.seq] = true;
            left--;
            rig_stored(rig, action.slot);
            note(&todo, rig);
            assert_true(health(rig).in_memory <= 12 + 2);
            continue;
        }
        loads++;
        /* what is in memory has its row still, and comes again */
        for (int64_t seq = 1; seq <= 60 && loaded.count < action.limit; seq++) {
            if (!done[seq]) {
                rows[loaded.count++] =
                    (struct core_delivery){ .seq = seq, .due = due, .attempts = 1 };
            }
        }
        loaded.end = loaded.count < action.limit;
        rig_loaded(rig, &loaded);
        note(&todo, rig);
    }
    assert_false(health(rig).retries_in_table);
    assert_true(loads <= 60 / 6 + 1); /* each brings at least half a window of new ones */
    rig_free(rig);
}

static void earlier_retries_push_out_later_ones(void **state)
{
    struct core_limits limits = rig_limits;
    struct rig *rig;
    struct core_endpoint endpoint = rig_config(0, 1);
    struct core_result result = { .failure = CORE_GOT_RESPONSE,
                                  .status_code = 503,
                                  .retry_after_ms = 5000 };
    struct retry_policy policy = half_minute;

    (void)state;
    limits.window_max = 3;
    rig = rig_new(&limits);
    endpoint.retry = policy;
    rig_endpoint(rig, 0, &endpoint);
    for (int64_t seq = 1; seq <= 3; seq++) {
        rig_committed(rig, 0, seq);
        finish(rig, rig_action(rig, CORE_ACT_START).slot, 503);
        rig->now += 10;
    }
    assert_int_equal(health(rig).in_memory, 3);
    policy.delays_s[0] = 5;
    endpoint.retry = policy;
    rig_endpoint(rig, 0, &endpoint);
    rig_committed(rig, 0, 4);
    {
        uint32_t slot = rig_action(rig, CORE_ACT_START).slot;

        rig_done_result(rig, slot, result);
        rig_stored(rig, slot);
    }
    assert_int_equal(health(rig).in_memory, 3);
    assert_int_equal(core_find(rig->core, 3), CORE_NOWHERE);
    assert_int_equal(core_find(rig->core, 4), CORE_WAITING);
    assert_true(core_covers(rig->core, 0, 3, RIG_START + 20 + 30 * RIG_SECOND));
    rig_free(rig);
}

static void retries_stay_while_a_load_is_under_way(void **state)
{
    struct rig *rig = rig_one(2);
    struct core_action outcome;

    (void)state;
    rig_committed(rig, 0, 50);
    rig_done(rig, rig_action(rig, CORE_ACT_START).slot, 500);
    outcome = rig_action(rig, CORE_ACT_OUTCOME);
    backlog(rig, false, rig->now + RIG_SECOND);
    assert_int_equal(rig_count(rig, CORE_ACT_LOAD), 1);
    rig_stored(rig, outcome.slot);
    assert_int_equal(core_find(rig->core, 50), CORE_WAITING);
    /* The answer did not see it. Its bound lies before it: to the table, from where it comes in time. */
    answer(rig, 1, 5, rig->now + RIG_SECOND, false);
    assert_int_equal(core_find(rig->core, 50), CORE_NOWHERE);
    assert_true(core_covers(rig->core, 0, 50, outcome.due));
    assert_true(health(rig).retries_in_table);
    rig_free(rig);
}

static void pausing_frees_memory(void **state)
{
    struct rig *rig = rig_one(2);
    uint32_t slot = 0;

    (void)state;
    for (int64_t seq = 1; seq <= 5; seq++) {
        rig_committed(rig, 0, seq);
        if (seq == 1) {
            slot = rig_action(rig, CORE_ACT_START).slot;
        }
    }
    set_status(rig, CORE_PAUSED);
    assert_int_equal(health(rig).in_memory, 1);
    rig_committed(rig, 0, 6);
    rig_done(rig, slot, 500);
    rig_stored(rig, slot);
    assert_int_equal(rig->count, 0);
    assert_int_equal(health(rig).in_memory, 0);
    assert_int_equal(core_next_wake(rig->core), INT64_MAX);
    for (int64_t seq = 2; seq <= 6; seq++) {
        assert_true(core_covers(rig->core, 0, seq, 0));
    }
    assert_true(core_covers(rig->core, 0, 1, rig->now + 30 * RIG_SECOND));

    set_status(rig, CORE_ACTIVE);
    assert_int_equal(rig_count(rig, CORE_ACT_LOAD), 2); /* fresh and retries */
    answer(rig, 2, 6, 0, true);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 2);
    rig_free(rig);
}

static void a_load_from_before_the_pause_counts_for_nothing(void **state)
{
    struct rig *rig = rig_one(2);

    (void)state;
    backlog(rig, true, 0);
    set_status(rig, CORE_PAUSED);
    set_status(rig, CORE_ACTIVE);
    assert_int_equal(rig->count, 0); /* one load at a time */
    answer(rig, 1, 5, 0, true);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).after_seq, 0);
    rig_free(rig);
}

static void a_load_from_before_a_backlog_counts_for_nothing(void **state)
{
    struct rig *rig = rig_one(2);

    (void)state;
    rig_committed(rig, 0, 5);
    backlog(rig, true, rig->now + RIG_SECOND);
    answer(rig, 6, 5, 0, true); /* no rows */
    backlog(rig, true, rig->now - RIG_SECOND);
    assert_int_equal(rig_count(rig, CORE_ACT_LOAD), 1); /* fresh again; retries are under way */
    answer(rig, 20, 22, rig->now + RIG_SECOND, true);
    assert_int_equal(core_find(rig->core, 20), CORE_NOWHERE);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).load, CORE_LOAD_RETRIES);
    assert_true(rig_action(rig, CORE_ACT_LOAD).after_due < rig->now - RIG_SECOND);
    backlog(rig, true, 0);
    assert_int_equal(rig->count, 0);
    answer(rig, 3, 9, 0, true);
    assert_int_equal(core_find(rig->core, 3), CORE_NOWHERE);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).after_seq, 0);
    rig_free(rig);
}

static void a_failed_load_is_asked_again_later(void **state)
{
    struct rig *rig = rig_one(2);
    struct core_loaded loaded = { .kind = CORE_LOAD_FRESH, .failed = true };

    (void)state;
    backlog(rig, true, 0);
    rig_loaded(rig, &loaded);
    assert_int_equal(rig->count, 0);
    assert_int_equal(core_next_wake(rig->core), rig->now + 500);
    rig_tick(rig, rig->now + 500);
    assert_int_equal(rig_count(rig, CORE_ACT_LOAD), 1);
    rig_free(rig);
}

static void full_memory_pages_and_goes_on(void **state)
{
    struct core_limits limits = rig_limits;
    struct core_endpoint endpoint = rig_config(0, 1);
    struct rig *rig;
    struct core_stats stats;
    uint32_t slots[2];
    uint32_t loads = 0;

    (void)state;
    limits.deliveries_max = 10;
    rig = rig_new(&limits);
    rig_endpoint(rig, 0, &endpoint);
    rig_endpoint(rig, 1, &endpoint);
    for (int64_t seq = 1; seq <= 12; seq++) {
        rig_committed(rig, seq % 2 == 0, seq);
        if (seq <= 2) {
            slots[seq - 1] = rig_action(rig, CORE_ACT_START).slot;
        }
    }
    core_stats(rig->core, &stats);
    assert_int_equal(stats.deliveries, 10);
    assert_true(health(rig).paged);
    for (int n = 0; n < 4; n++) {
        rig_done(rig, slots[0], 404);
        rig_stored(rig, slots[0]);
        slots[0] = rig_action(rig, CORE_ACT_START).slot;
        loads += rig_count(rig, CORE_ACT_LOAD);
        core_stats(rig->core, &stats);
        assert_true(stats.deliveries <= 10);
    }
    assert_true(loads >= 1);
    rig_free(rig);
}

static void a_deleted_endpoint_leaves_nothing(void **state)
{
    struct rig *rig = rig_one(2);
    struct core_input gone = { .kind = CORE_IN_ENDPOINT_GONE };
    struct core_endpoint other = rig_config(3, 2);
    uint32_t slot = 0;

    (void)state;
    rig_committed(rig, 0, 1);
    slot = rig_action(rig, CORE_ACT_START).slot;
    rig_committed(rig, 0, 2);
    backlog(rig, true, 0);
    rig_step(rig, &gone);
    assert_int_equal(core_find(rig->core, 2), CORE_NOWHERE);
    assert_int_equal(core_find(rig->core, 1), CORE_SENDING);
    assert_true(core_covers(rig->core, 0, 2, 0));

    /* another endpoint gets the number while the old attempt and the old load are under way */
    rig_endpoint(rig, 0, &other);
    rig_committed(rig, 0, 10);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 10);
    answer(rig, 2, 4, 0, true);
    assert_int_equal(rig->count, 0);
    assert_int_equal(health(rig).in_memory, 1);
    rig_done(rig, slot, 500);
    assert_true(rig_action(rig, CORE_ACT_OUTCOME).keep_schedule);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).old_due, 0);
    rig_stored(rig, slot);
    assert_int_equal(core_find(rig->core, 1), CORE_NOWHERE);
    assert_int_equal(health(rig).consecutive_failures, 0);
    rig_free(rig);
}

static void the_sweep_is_told_what_is_lost(void **state)
{
    struct rig *rig = rig_one(2);

    (void)state;
    rig_committed(rig, 0, 5);
    assert_true(core_covers(rig->core, 0, 5, 0));
    assert_false(core_covers(rig->core, 0, 3, 0));
    assert_false(core_covers(rig->core, 0, 4, RIG_START));
    backlog(rig, true, RIG_START + 10);
    assert_true(core_covers(rig->core, 0, 3, 0));
    assert_true(core_covers(rig->core, 0, 4, RIG_START + 10));
    assert_false(core_covers(rig->core, 0, 4, RIG_START - 10));
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(direct_until_the_window_is_full),
        cmocka_unit_test(committed_that_the_load_has_is_ignored),
        cmocka_unit_test(committed_beyond_the_load_asks_again),
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(far_retries_stay_in_the_table),
        cmocka_unit_test(many_retries_at_one_time_are_paged_through),
        cmocka_unit_test(earlier_retries_push_out_later_ones),
        cmocka_unit_test(retries_stay_while_a_load_is_under_way),
        cmocka_unit_test(pausing_frees_memory),
        cmocka_unit_test(a_load_from_before_the_pause_counts_for_nothing),
        cmocka_unit_test(a_load_from_before_a_backlog_counts_for_nothing),
        cmocka_unit_test(a_failed_load_is_asked_again_later),
        cmocka_unit_test(full_memory_pages_and_goes_on),
        cmocka_unit_test(a_deleted_endpoint_leaves_nothing),
        cmocka_unit_test(the_sweep_is_told_what_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
