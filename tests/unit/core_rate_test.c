/* SPDX-License-Identifier: Apache-2.0 */
/* Rates of endpoints and apps: what starts when, to the millisecond, and what the core wakes up for. */
#include "core/rate.h"
#include "core_rig.h"

static struct core_rate rate_of(uint32_t requests, uint32_t burst, int64_t period_ms)
{
    return (struct core_rate){ .requests = requests, .burst = burst, .period_ms = period_ms };
}

/* Starts of the last step; each is answered 200 and stored at once. */
static uint32_t settle(struct rig *rig)
{
    uint32_t slots[64];
    uint32_t count = 0;
    uint32_t total = 0;

    do {
        count = 0;
        for (uint32_t i = 0; i < rig->count; i++) {
            if (rig->actions[i].kind == CORE_ACT_START) {
                slots[count++] = rig->actions[i].slot;
            }
        }
        total += count;
        for (uint32_t i = 0; i < count; i++) {
            rig_done(rig, slots[i], 200);
            rig_stored(rig, slots[i]);
            /* What starts now is found by the next round: the actions of the last step only. */
            if (rig_count(rig, CORE_ACT_START) > 0) {
                assert_int_equal(i, count - 1);
            }
        }
    } while (count > 0);
    return total;
}

static void the_interval_is_rounded_up(void **state)
{
    struct rate rate = { 0 };
    struct core_rate limit = rate_of(3, 1, 1000);

    (void)state;
    rate_set(&rate, &limit);
    assert_true(rate_allows(&rate, 5000));
    rate_take(&rate, 5000);
    assert_int_equal(rate_ready_at(&rate), 5334);
    assert_false(rate_allows(&rate, 5333));
    rate_take(&rate, 5334);
    assert_int_equal(rate_ready_at(&rate), 5668);
    /* The same limit again takes nothing back, another one begins anew. */
    rate_set(&rate, &limit);
    assert_false(rate_allows(&rate, 5400));
    limit.burst = 2;
    rate_set(&rate, &limit);
    assert_true(rate_allows(&rate, 5400));
}

static void a_burst_comes_after_a_rest(void **state)
{
    static const struct {
        int64_t at;
        uint32_t starts;
    } rows[] = { { 0, 3 }, { 99, 0 }, { 100, 1 }, { 150, 0 }, { 350, 2 }, { 10000, 3 } };
    struct rate rate = { 0 };
    struct core_rate limit = rate_of(10, 3, 1000);

    (void)state;
    rate_set(&rate, &limit);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t now = RIG_START + rows[i].at;
        uint32_t starts = 0;

        for (; rate_allows(&rate, now); starts++) {
            rate_take(&rate, now);
        }
        assert_int_equal(starts, rows[i].starts);
    }
}

static void no_period_holds_more_than_requests_and_burst(void **state)
{
    static const struct core_rate limits[] = {
        { 1, 1, 1 },         { 7, 1, 1000 },    { 7, 7, 1000 },
        { 1000, 100, 1000 }, { 5000, 1, 1000 }, { CORE_RATE_MAX, 1, CORE_RATE_PERIOD_MAX_MS },
    };
    static int64_t at[20000];

    (void)state;
    for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
        uint32_t most = limits[l].requests + limits[l].burst - 1;
        struct rate rate = { 0 };
        uint32_t count = 0;

        rate_set(&rate, &limits[l]);
        for (int64_t now = RIG_START; now < RIG_START + 3000 && count < 20000; now++) {
            for (; rate_allows(&rate, now) && count < 20000; count++) {
                rate_take(&rate, now);
                at[count] = now;
                if (count >= most) {
                    assert_true(now - at[count - most] >= limits[l].period_ms - 1);
                }
            }
        }
        assert_true(count > 0);
    }
}

static void an_endpoint_is_held_and_woken_in_time(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = rig_config(0, 10);
    struct core_health health;

    (void)state;
    config.rate = rate_of(2, 1, 1000);
    rig_endpoint(rig, 0, &config);
    rig_committed(rig, 0, 1);
    assert_int_equal(settle(rig), 1);
    for (int64_t seq = 2; seq <= 4; seq++) {
        rig_committed(rig, 0, seq);
        assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    }
    core_health(rig->core, 0, &health);
    assert_int_equal(health.rate_at, RIG_START + 500);
    for (int64_t seq = 2; seq <= 4; seq++) {
        int64_t due = RIG_START + (seq - 1) * 500;

        assert_int_equal(core_next_wake(rig->core), due);
        rig_tick(rig, due - 1);
        assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
        rig_tick(rig, due);
        assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, seq);
        assert_int_equal(settle(rig), 1);
    }
    /* Nothing waits: the core sleeps, also while the rate would hold it. */
    assert_true(core_next_wake(rig->core) == INT64_MAX);
    core_health(rig->core, 0, &health);
    assert_int_equal(health.rate_at, RIG_START + 2000);
    rig_free(rig);
}

static void a_persons_retry_is_held_too(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = rig_config(0, 10);
    struct core_input input = { .kind = CORE_IN_RETRY_NOW,
                                .delivery = { .seq = 9, .event = 90, .ep = 0, .attempts = 1 } };

    (void)state;
    config.rate = rate_of(1, 1, 60000);
    rig_endpoint(rig, 0, &config);
    rig_committed(rig, 0, 1);
    assert_int_equal(settle(rig), 1);
    rig_step(rig, &input);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    rig_tick(rig, RIG_START + 60000);
    assert_true(rig_action(rig, CORE_ACT_START).manual);
    rig_free(rig);
}

static void an_app_is_held_and_its_endpoints_take_turns(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = rig_config(3, 10);
    struct core_endpoint other = rig_config(4, 10);
    struct core_input input = { .kind = CORE_IN_APP_SET,
                                .app = 3,
                                .rate = rate_of(4, 1, 1000) };

    (void)state;
    rig_step(rig, &input);
    rig_endpoint(rig, 0, &config);
    rig_endpoint(rig, 1, &config);
    rig_endpoint(rig, 2, &other);
    rig_committed(rig, 0, 1);
    assert_int_equal(settle(rig), 1);
    rig_committed(rig, 0, 2);
    rig_committed(rig, 0, 3);
    rig_committed(rig, 1, 4);
    rig_committed(rig, 1, 5);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    /* Another app is not held. */
    rig_committed(rig, 2, 6);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 6);
    assert_int_equal(settle(rig), 1);
    assert_int_equal(core_next_wake(rig->core), RIG_START + 250);
    for (uint32_t n = 0; n < 4; n++) {
        static const int64_t turns[] = { 2, 4, 3, 5 };

        rig_tick(rig, core_next_wake(rig->core));
        assert_int_equal(rig->now, RIG_START + 250 * (n + 1));
        assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, turns[n]);
        assert_int_equal(settle(rig), 1);
    }
    /* Without its limit it is free at once. */
    rig_committed(rig, 0, 7);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    input.rate = (struct core_rate){ .requests = 0 };
    rig_step(rig, &input);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 7);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_is_rounded_up),
        cmocka_unit_test(a_burst_comes_after_a_rest),
        cmocka_unit_test(no_period_holds_more_than_requests_and_burst),
        cmocka_unit_test(an_endpoint_is_held_and_woken_in_time),
        cmocka_unit_test(a_persons_retry_is_held_too),
        cmocka_unit_test(an_app_is_held_and_its_endpoints_take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
