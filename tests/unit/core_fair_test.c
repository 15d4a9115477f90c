/* SPDX-License-Identifier: Apache-2.0 */
/* Who may start, and in which order: limits of endpoint, app, egress and store; turns of apps; the slow; the
 * unproven; retries beside fresh ones. */
#include "core_rig.h"

static const struct retry_policy at_once = { .enabled = true,
                                             .preset = RETRY_CUSTOM,
                                             .max_attempts = 50,
                                             .delay_count = 1,
                                             .delays_s = { 0 } };

static struct rig *rig_of(const struct core_limits *limits, uint32_t endpoints,
                          uint32_t endpoints_per_app)
{
    struct rig *rig = rig_new(limits);

    for (uint32_t ep = 0; ep < endpoints; ep++) {
        struct core_endpoint endpoint = rig_config(ep / endpoints_per_app, 10);

        rig_endpoint(rig, ep, &endpoint);
    }
    return rig;
}

static void set_slots(struct rig *rig, uint32_t slots)
{
    struct core_input input = { .kind = CORE_IN_SLOTS, .slots = slots };

    rig_step(rig, &input);
}

static void set_store(struct rig *rig, bool is_ok)
{
    struct core_input input = { .kind = CORE_IN_STORE, .store_ok = is_ok };

    rig_step(rig, &input);
}

static uint32_t sending(const struct rig *rig)
{
    struct core_stats stats;

    core_stats(rig->core, &stats);
    return stats.sending;
}

/* Ends the attempt that the last step started, after `took_ms`, with 200, and stores its outcome. */
static void serve(struct rig *rig, int64_t took_ms)
{
    struct core_result result = { .failure = CORE_GOT_RESPONSE,
                                  .status_code = 200,
                                  .retry_after_ms = -1,
                                  .duration_ms = took_ms };
    uint32_t slot = rig_action(rig, CORE_ACT_START).slot;

    rig->now += took_ms;
    rig_done_result(rig, slot, result);
    rig_stored(rig, slot);
}

static uint32_t earned(const struct rig *rig, uint32_t ep)
{
    struct core_health health;

    core_health(rig->core, ep, &health);
    return health.slots_earned;
}

static void slots_are_earned_and_lost(void **state)
{
    static const uint32_t after_failure[] = { 5, 2, 1, 1 };
    struct rig *rig = rig_of(&rig_limits, 1, 1);
    uint32_t slot;

    (void)state;
    for (int64_t seq = 1; seq <= 12; seq++) {
        assert_int_equal(earned(rig, 0), seq < 10 ? seq : 10);
        rig_committed(rig, 0, seq);
        slot = rig_action(rig, CORE_ACT_START).slot;
        rig_done(rig, slot, 200);
        rig_stored(rig, slot);
    }
    for (size_t i = 0; i < 4; i++) {
        rig_committed(rig, 0, 100 + (int64_t)i);
        slot = rig_action(rig, CORE_ACT_START).slot;
        rig_done(rig, slot, 500);
        rig_stored(rig, slot);
        assert_int_equal(earned(rig, 0), after_failure[i]);
    }
    rig_free(rig);
}

static void one_slot_at_first_in_order_of_seq(void **state)
{
    struct rig *rig = rig_of(&rig_limits, 1, 1);
    uint32_t slots[2] = { 0 };

    (void)state;
    rig_committed(rig, 0, 1);
    slots[0] = rig_action(rig, CORE_ACT_START).slot;
    for (int64_t seq = 2; seq <= 6; seq++) {
        rig_committed(rig, 0, seq);
        assert_int_equal(rig->count, 0);
    }
    rig_done(rig, slots[0], 200);
    assert_int_equal(rig_count(rig, CORE_ACT_START),
                     1); /* two slots now, one not yet committed */
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 2);
    rig_stored(rig, slots[0]);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 3);
    assert_int_equal(sending(rig), 2);
    rig_free(rig);
}

static void an_app_has_its_share(void **state)
{
    struct core_limits limits = rig_limits;
    struct rig *rig;

    (void)state;
    limits.app_concurrency = 3;
    rig = rig_of(&limits, 10, 5);
    for (uint32_t ep = 0; ep < 10; ep++) {
        rig_committed(rig, ep, (int64_t)ep + 1);
    }
    assert_int_equal(sending(rig), 6);
    rig_free(rig);
}

static void apps_take_turns(void **state)
{
    struct rig *rig = rig_of(&rig_limits, 12, 10); /* app 0 has ten endpoints, app 1 two */
    uint32_t by_app[2] = { 0 };

    (void)state;
    set_slots(rig, 0);
    for (int64_t seq = 1; seq <= 12; seq++) {
        rig_committed(rig, (uint32_t)seq - 1, seq);
    }
    set_slots(rig, 4);
    for (uint32_t i = 0; i < rig->count; i++) {
        by_app[rig->actions[i].ep / 10]++;
    }
    /* of new ones at most three quarters start, and the noisy app gets no more than the quiet one and one */
    assert_int_equal(by_app[0] + by_app[1], 3);
    assert_true(by_app[1] >= 1 && by_app[0] <= 2);
    rig_free(rig);
}

static void store_and_egress_hold_everything(void **state)
{
    struct rig *rig = rig_of(&rig_limits, 2, 1);
    uint32_t slot;

    (void)state;
    set_store(rig, false);
    rig_committed(rig, 0, 1);
    assert_int_equal(rig->count, 0);
    set_store(rig, true);
    slot = rig_action(rig, CORE_ACT_START).slot;
    set_slots(rig, 0);
    rig_committed(rig, 1, 2);
    assert_int_equal(rig->count, 0);
    rig_done(rig, slot, 200);
    assert_int_equal(rig_count(rig, CORE_ACT_OUTCOME), 1);
    rig_stored(rig, slot);
    assert_int_equal(rig->count, 0);
    set_slots(rig, 4);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 1);
    rig_free(rig);
}

static void uncommitted_outcomes_hold_everything(void **state)
{
    struct core_limits limits = rig_limits;
    struct core_stats stats;
    struct rig *rig;
    uint32_t slots[2] = { 0 };

    (void)state;
    limits.uncommitted_max = 2;
    rig = rig_of(&limits, 4, 1);
    for (uint32_t ep = 0; ep < 4; ep++) {
        rig_committed(rig, ep, (int64_t)ep + 1);
        if (ep < 2) {
            slots[ep] = rig_action(rig, CORE_ACT_START).slot;
        } else {
            assert_int_equal(rig->count, 0);
        }
    }
    rig_done(rig, slots[0], 200);
    rig_done(rig, slots[1], 200);
    core_stats(rig->core, &stats);
    assert_int_equal(stats.uncommitted, 2);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    rig_stored(rig, slots[1]);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 1);
    rig_free(rig);
}

static void drain_starts_nothing(void **state)
{
    struct rig *rig = rig_of(&rig_limits, 1, 1);
    struct core_input drain = { .kind = CORE_IN_DRAIN };

    (void)state;
    rig_step(rig, &drain);
    rig_committed(rig, 0, 1);
    assert_int_equal(rig->count, 0);
    assert_int_equal(core_find(rig->core, 1), CORE_WAITING);
    rig_free(rig);
}

static void many_starts_come_in_several_arrays(void **state)
{
    struct core_limits limits = rig_limits;
    struct rig *rig;
    struct core_input slots = { .kind = CORE_IN_SLOTS, .slots = 400 };
    bool more = false;

    (void)state;
    limits.endpoints_max = 300;
    limits.apps_max = 300;
    rig = rig_of(&limits, 300, 1);
    set_slots(rig, 0);
    for (uint32_t ep = 0; ep < 300; ep++) {
        rig_committed(rig, ep, (int64_t)ep + 1);
    }
    assert_int_equal(core_step(rig->core, rig->now, &slots, rig->actions, &more),
                     CORE_ACTIONS_MAX);
    assert_true(more);
    rig_tick(rig, rig->now);
    assert_int_equal(rig->count, 300 - CORE_ACTIONS_MAX);
    rig_free(rig);
}

static void retries_take_half_of_the_slots(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint endpoint = rig_config(0, 8);
    struct core_input backlog = { .kind = CORE_IN_ENDPOINT_BACKLOG,
                                  .has_fresh = true,
                                  .retry_due = RIG_START - 100 };
    struct core_delivery fresh[18];
    struct core_delivery late[18];
    struct core_loaded loaded = {
        .kind = CORE_LOAD_FRESH, .rows = fresh, .count = 18, .end = true
    };
    uint32_t retries = 0;
    uint32_t starts = 0;

    (void)state;
    endpoint.retry = at_once;
    rig_endpoint(rig, 0, &endpoint);
    for (int64_t seq = 1; seq <= 7; seq++) { /* earns eight slots */
        uint32_t slot;

        rig_committed(rig, 0, seq);
        slot = rig_action(rig, CORE_ACT_START).slot;
        rig_done(rig, slot, 200);
        rig_stored(rig, slot);
    }
    set_slots(rig, 0);
    rig_step(rig, &backlog);
    for (int i = 0; i < 18; i++) {
        fresh[i] = (struct core_delivery){ .seq = 100 + i };
        late[i] =
            (struct core_delivery){ .seq = 200 + i, .due = RIG_START - 100, .attempts = 1 };
    }
    rig_loaded(rig, &loaded);
    loaded.kind = CORE_LOAD_RETRIES;
    loaded.rows = late;
    rig_loaded(rig, &loaded);
    set_slots(rig, 100);
    for (uint32_t i = 0; i < rig->count; i++) {
        if (rig->actions[i].kind == CORE_ACT_START) {
            starts++;
            retries += rig->actions[i].delivery.attempts > 0;
        }
    }
    assert_int_equal(starts, 8);
    assert_int_equal(retries, 4);
    rig_free(rig);
}

static void retries_alone_take_no_more(void **state)
{
    struct rig *rig = rig_of(&rig_limits, 1, 1);
    struct core_input backlog = { .kind = CORE_IN_ENDPOINT_BACKLOG,
                                  .retry_due = RIG_START - 100 };
    struct core_delivery late[12];
    struct core_loaded loaded = {
        .kind = CORE_LOAD_RETRIES, .rows = late, .count = 12, .end = true
    };

    (void)state;
    for (int64_t seq = 1; seq <= 9; seq++) { /* earns ten slots */
        rig_committed(rig, 0, seq);
        serve(rig, 10);
    }
    rig_step(rig, &backlog);
    for (int i = 0; i < 12; i++) {
        late[i] =
            (struct core_delivery){ .seq = 200 + i, .due = RIG_START - 100, .attempts = 1 };
    }
    rig_loaded(rig, &loaded);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 5);
    rig_free(rig);
}

static void one_slot_is_shared_in_turns(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint endpoint = rig_config(0, 1);
    uint32_t retries = 0;
    uint32_t slot = 0;

    (void)state;
    endpoint.retry = at_once;
    rig_endpoint(rig, 0, &endpoint);
    for (int64_t seq = 1; seq <= 10; seq++) {
        rig_committed(rig, 0, seq);
        if (seq == 1) { /* the attempt stays open until all are in */
            slot = rig_action(rig, CORE_ACT_START).slot;
        }
    }
    /* every attempt fails and is due again at once: fresh and retries take turns */
    for (int n = 0; n < 12; n++) {
        rig_done(rig, slot, 500);
        rig_stored(rig, slot);
        slot = rig_action(rig, CORE_ACT_START).slot;
        retries += rig_action(rig, CORE_ACT_START).delivery.attempts > 0;
    }
    assert_int_equal(retries, 6);
    rig_free(rig);
}

static void slow_ones_hold_at_most_half(void **state)
{
    struct core_limits limits = rig_limits;
    struct core_stats stats;
    struct rig *rig;

    (void)state;
    rig = rig_of(&limits, 20, 2);
    /* every endpoint answers, but takes six seconds: slow from then on */
    for (uint32_t ep = 0; ep < 20; ep++) {
        rig_committed(rig, ep, (int64_t)ep + 1);
        serve(rig, 6000);
    }
    set_slots(rig, 0);
    for (uint32_t ep = 0; ep < 20; ep++) {
        rig_committed(rig, ep, (int64_t)ep + 101);
    }
    set_slots(rig, 16);
    core_stats(rig->core, &stats);
    assert_int_equal(stats.sending, 8);
    assert_int_equal(stats.slow_slots, 8);
    rig_free(rig);
}

static void hanging_ones_leave_room_for_the_proven(void **state)
{
    struct core_limits limits = rig_limits;
    struct core_health health;
    struct rig *rig;

    (void)state;
    rig = rig_of(&limits, 30, 3);
    set_slots(rig, 16);
    rig_committed(rig, 29, 1);
    serve(rig, 10); /* endpoint 29 is proven */
    for (uint32_t ep = 0; ep < 29; ep++) {
        rig_committed(rig, ep, (int64_t)ep + 2);
    }
    assert_int_equal(sending(rig), 12); /* of those not proven three quarters */
    rig_committed(rig, 29, 100);
    assert_int_equal(rig_action(rig, CORE_ACT_START).ep, 29);

    /* after five seconds without an answer they count as slow */
    core_health(rig->core, 0, &health);
    assert_false(health.slow);
    rig_tick(rig, rig->now + 5000);
    core_health(rig->core, 0, &health);
    assert_true(health.slow);
    assert_int_equal(rig->count, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_earned_and_lost),
        cmocka_unit_test(one_slot_at_first_in_order_of_seq),
        cmocka_unit_test(an_app_has_its_share),
        cmocka_unit_test(apps_take_turns),
        cmocka_unit_test(store_and_egress_hold_everything),
        cmocka_unit_test(uncommitted_outcomes_hold_everything),
        cmocka_unit_test(drain_starts_nothing),
        cmocka_unit_test(many_starts_come_in_several_arrays),
        cmocka_unit_test(retries_take_half_of_the_slots),
        cmocka_unit_test(retries_alone_take_no_more),
        cmocka_unit_test(one_slot_is_shared_in_turns),
        cmocka_unit_test(slow_ones_hold_at_most_half),
        cmocka_unit_test(hanging_ones_leave_room_for_the_proven),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
