/* SPDX-License-Identifier: Apache-2.0 */
/* What each result of an attempt leads to: schedules to the millisecond, Retry-After, age, statuses, resets,
 * sender crashes, a person's retry, 410. */
#include "core_rig.h"

static struct rig *rig_with(const struct retry_policy *policy)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint endpoint = rig_config(0, 10);

    endpoint.retry = *policy;
    rig_endpoint(rig, 0, &endpoint);
    return rig;
}

/* Steps through time until the next attempt starts, answering loads from the one row there can be. */
static struct core_action next_start(struct rig *rig, const struct core_delivery *row)
{
    for (int n = 0; n < 100; n++) {
        if (rig_count(rig, CORE_ACT_START) > 0) {
            return rig_action(rig, CORE_ACT_START);
        }
        if (rig_count(rig, CORE_ACT_LOAD) > 0) {
            struct core_loaded loaded = {
                .kind = CORE_LOAD_RETRIES, .rows = row, .count = 1, .end = true
            };

            assert_int_equal(rig_action(rig, CORE_ACT_LOAD).load, CORE_LOAD_RETRIES);
            rig_loaded(rig, &loaded);
            continue;
        }
        assert_true(core_next_wake(rig->core) < INT64_MAX);
        rig_tick(rig, core_next_wake(rig->core));
    }
    fail_msg("nothing starts");
    return rig->actions[0];
}

/* Fails every send of a preset and notes when each was. */
static uint32_t run_schedule(const char *name, int64_t *ret_sends, enum core_why *ret_why)
{
    struct retry_policy policy = rig_policy(name);
    struct rig *rig = rig_with(&policy);
    struct core_delivery row;
    struct core_action action;
    uint32_t sends = 0;

    rig_committed(rig, 0, 1);
    action = rig_action(rig, CORE_ACT_START);
    for (;;) {
        assert_int_equal(action.delivery.attempts, sends);
        ret_sends[sends++] = rig->now - RIG_START;
        rig_done(rig, action.slot, 503);
        action = rig_action(rig, CORE_ACT_OUTCOME);
        assert_int_equal(action.delivery.attempts, sends);
        row = action.delivery;
        row.due = action.due;
        rig_stored(rig, action.slot);
        if (action.verdict == CORE_FAILED) {
            break;
        }
        assert_int_equal(action.verdict, CORE_RETRY);
        action = next_start(rig, &row);
    }
    *ret_why = action.why;
    assert_int_equal(core_find(rig->core, 1), CORE_NOWHERE);
    rig_free(rig);
    return sends;
}

static void schedules_run_to_their_end(void **state)
{
    static const struct {
        const char *name;
        uint32_t sends;
        uint32_t send;
        int64_t at_ms;
    } rows[] = {
        { "default", 24, 1, 0 },
        { "default", 24, 2, 5 * RIG_MINUTE },
        { "default", 24, 4, 155 * RIG_MINUTE },
        { "default", 24, 7, 41 * RIG_HOUR + 35 * RIG_MINUTE },
        { "default", 24, 24, INT64_C(72) * RIG_HOUR },
        { "platform", 5, 5, 81 * RIG_MINUTE },
        { "standard-webhooks", 10, 2, 5 * RIG_SECOND },
        { "standard-webhooks", 10, 10, INT64_C(75) * RIG_HOUR + 35 * RIG_MINUTE + 5000 },
        { "none", 1, 1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t sends[RETRY_ATTEMPTS_MAX + 1];
        enum core_why why;

        assert_int_equal(run_schedule(rows[i].name, sends, &why), rows[i].sends);
        assert_int_equal(why, CORE_WHY_ATTEMPTS);
        assert_int_equal(sends[rows[i].send - 1], rows[i].at_ms);
    }
}

static void each_status_gets_its_verdict(void **state)
{
    static const struct {
        int32_t status_code;
        enum core_verdict verdict;
        enum core_why why;
    } rows[] = {
        { 200, CORE_DELIVERED, CORE_WHY_NONE },   { 204, CORE_DELIVERED, CORE_WHY_NONE },
        { 299, CORE_DELIVERED, CORE_WHY_NONE },   { 100, CORE_FAILED, CORE_WHY_PERMANENT },
        { 301, CORE_FAILED, CORE_WHY_PERMANENT }, { 308, CORE_FAILED, CORE_WHY_PERMANENT },
        { 400, CORE_FAILED, CORE_WHY_PERMANENT }, { 404, CORE_FAILED, CORE_WHY_PERMANENT },
        { 408, CORE_RETRY, CORE_WHY_NONE },       { 425, CORE_RETRY, CORE_WHY_NONE },
        { 429, CORE_RETRY, CORE_WHY_NONE },       { 500, CORE_RETRY, CORE_WHY_NONE },
        { 503, CORE_RETRY, CORE_WHY_NONE },       { 599, CORE_RETRY, CORE_WHY_NONE },
        { 600, CORE_FAILED, CORE_WHY_PERMANENT }, { 999, CORE_FAILED, CORE_WHY_PERMANENT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct retry_policy policy = rig_policy("default");
        struct rig *rig = rig_with(&policy);
        struct core_action action;

        rig_committed(rig, 0, 1);
        rig_done(rig, rig_action(rig, CORE_ACT_START).slot, rows[i].status_code);
        action = rig_action(rig, CORE_ACT_OUTCOME);
        assert_int_equal(action.verdict, rows[i].verdict);
        assert_int_equal(action.why, rows[i].why);
        assert_int_equal(action.old_due, 0);
        assert_int_equal(rig_count(rig, CORE_ACT_DISABLE), 0);
        rig_free(rig);
    }
}

static void each_failure_is_retried(void **state)
{
    static const enum core_failure failures[] = { CORE_NETWORK, CORE_TIMED_OUT,
                                                  CORE_PROHIBITED };

    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct retry_policy policy = rig_policy("default");
        struct rig *rig = rig_with(&policy);
        struct core_result result = { .failure = failures[i], .retry_after_ms = -1 };
        struct core_action action;

        rig_committed(rig, 0, 1);
        rig->now += 15 * RIG_SECOND;
        rig_done_result(rig, rig_action(rig, CORE_ACT_START).slot, result);
        action = rig_action(rig, CORE_ACT_OUTCOME);
        assert_int_equal(action.verdict, CORE_RETRY);
        /* the delay counts from the end of the attempt */
        assert_int_equal(action.due, RIG_START + 15 * RIG_SECOND + 5 * RIG_MINUTE);
        rig_free(rig);
    }
}

static void retry_after_is_honoured_and_clamped(void **state)
{
    static const struct {
        uint32_t max_age_s;
        int32_t status_code;
        int64_t asked_ms;
        int64_t due_ms; /* after the end of the attempt; -1 = failed: age */
    } rows[] = {
        { 0, 429, -1, 5 * RIG_MINUTE },
        { 0, 429, 0, 5 * RIG_MINUTE }, /* the later of schedule and Retry-After */
        { 0, 429, 7 * RIG_MINUTE, 7 * RIG_MINUTE },
        { 0, 503, 7 * RIG_MINUTE, 7 * RIG_MINUTE },
        { 0, 503, INT64_C(48) * RIG_HOUR, 24 * RIG_HOUR },
        { 3600, 503, 2 * RIG_HOUR, 1 * RIG_HOUR },
        { 3600, 503, -1, 5 * RIG_MINUTE },
        { 300, 503, -1, 5 * RIG_MINUTE },
        { 299, 503, -1, -1 },
        { 299, 503, 1000, -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct retry_policy policy = rig_policy("default");
        struct core_result result = { .failure = CORE_GOT_RESPONSE,
                                      .status_code = rows[i].status_code,
                                      .retry_after_ms = rows[i].asked_ms };
        struct core_action action;
        struct rig *rig;

        policy.max_age_s = rows[i].max_age_s;
        rig = rig_with(&policy);
        rig_committed(rig, 0, 1);
        rig_done_result(rig, rig_action(rig, CORE_ACT_START).slot, result);
        action = rig_action(rig, CORE_ACT_OUTCOME);
        if (rows[i].due_ms < 0) {
            assert_int_equal(action.verdict, CORE_FAILED);
            assert_int_equal(action.why, CORE_WHY_AGE);
        } else {
            assert_int_equal(action.verdict, CORE_RETRY);
            assert_int_equal(action.due, RIG_START + rows[i].due_ms);
        }
        rig_free(rig);
    }
}

static void short_retry_after_counts_where_the_schedule_is_shorter(void **state)
{
    struct retry_policy policy = { .enabled = true,
                                   .preset = RETRY_CUSTOM,
                                   .max_attempts = 3,
                                   .delay_count = 1,
                                   .delays_s = { 0 } };
    struct core_result result = { .failure = CORE_GOT_RESPONSE,
                                  .status_code = 429,
                                  .retry_after_ms = 0 };
    struct rig *rig = rig_with(&policy);

    (void)state;
    rig_committed(rig, 0, 1);
    rig_done_result(rig, rig_action(rig, CORE_ACT_START).slot, result);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).due, RIG_START + 1000);
    rig_free(rig);
}

static void disabled_retry_fails_at_once(void **state)
{
    struct retry_policy policy = rig_policy("default");
    struct rig *rig;

    (void)state;
    policy.enabled = false;
    rig = rig_with(&policy);
    rig_committed(rig, 0, 1);
    rig_done(rig, rig_action(rig, CORE_ACT_START).slot, 500);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).verdict, CORE_FAILED);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).why, CORE_WHY_RETRY_OFF);
    rig_free(rig);
}

static void dead_reused_connection_is_followed_once(void **state)
{
    struct retry_policy policy = rig_policy("default");
    struct core_result died = { .failure = CORE_CONN_DIED_REUSED, .retry_after_ms = -1 };
    struct rig *rig = rig_with(&policy);
    struct core_action action;

    (void)state;
    rig_committed(rig, 0, 1);
    action = rig_action(rig, CORE_ACT_START);
    assert_false(action.fresh_connection);
    rig_done_result(rig, action.slot, died);
    action = rig_action(rig, CORE_ACT_OUTCOME);
    assert_int_equal(action.verdict, CORE_RETRY);
    assert_int_equal(action.due, rig->now);
    rig_stored(rig, action.slot);
    action = rig_action(rig, CORE_ACT_START);
    assert_true(action.fresh_connection);
    assert_int_equal(action.delivery.attempts, 1);

    /* and a second time it is a network failure like any other */
    rig_done_result(rig, action.slot, died);
    action = rig_action(rig, CORE_ACT_OUTCOME);
    assert_int_equal(action.old_due, RIG_START);
    assert_int_equal(action.due, rig->now + 30 * RIG_MINUTE);
    rig_free(rig);

    policy = rig_policy("none");
    rig = rig_with(&policy);
    rig_committed(rig, 0, 1);
    rig_done_result(rig, rig_action(rig, CORE_ACT_START).slot, died);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).why, CORE_WHY_ATTEMPTS);
    rig_free(rig);
}

static void crashing_sender_is_tried_alone_then_failed(void **state)
{
    struct retry_policy policy = rig_policy("none");
    struct core_result crash = { .failure = CORE_SENDER_CRASHED, .retry_after_ms = -1 };
    struct rig *rig = rig_with(&policy);
    struct core_action action;

    (void)state;
    rig_committed(rig, 0, 1);
    for (uint16_t n = 0; n < 3; n++) {
        action = rig_action(rig, CORE_ACT_START);
        assert_int_equal(action.delivery.attempts, n);
        assert_int_equal(action.alone, n == 2);
        rig_done_result(rig, action.slot, crash);
        action = rig_action(rig, CORE_ACT_OUTCOME);
        assert_int_equal(action.verdict, n == 2 ? CORE_FAILED : CORE_RETRY);
        rig_stored(rig, action.slot);
    }
    assert_int_equal(action.why, CORE_WHY_SENDER_CRASH);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    rig_free(rig);
}

static void any_result_clears_the_suspicion_of_crash(void **state)
{
    struct retry_policy policy = { .enabled = true,
                                   .preset = RETRY_CUSTOM,
                                   .max_attempts = 9,
                                   .delay_count = 1,
                                   .delays_s = { 0 } };
    struct core_result crash = { .failure = CORE_SENDER_CRASHED, .retry_after_ms = -1 };
    struct rig *rig = rig_with(&policy);

    (void)state;
    rig_committed(rig, 0, 1);
    for (int n = 0; n < 5; n++) {
        struct core_action action = rig_action(rig, CORE_ACT_START);

        if (n == 2) {
            rig_done(rig, action.slot, 500);
        } else {
            rig_done_result(rig, action.slot, crash);
        }
        assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).verdict, CORE_RETRY);
        rig_stored(rig, action.slot);
    }
    rig_free(rig);
}

static void gone_disables_and_holds_the_rest(void **state)
{
    struct retry_policy policy = rig_policy("default");
    struct rig *rig = rig_with(&policy);
    struct core_endpoint endpoint = rig_config(0, 10);
    struct core_loaded loaded = { .kind = CORE_LOAD_FRESH, .end = true, .upto = 3 };
    struct core_delivery row = { .seq = 2 };
    struct core_health health;
    uint32_t slot;

    (void)state;
    rig_committed(rig, 0, 1);
    slot = rig_action(rig, CORE_ACT_START).slot;
    rig_committed(rig, 0, 2);
    rig_done(rig, slot, 410);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).verdict, CORE_FAILED);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).why, CORE_WHY_PERMANENT);
    assert_int_equal(rig_action(rig, CORE_ACT_DISABLE).ep, 0);
    rig_stored(rig, slot);
    assert_int_equal(rig->count, 0);
    core_health(rig->core, 0, &health);
    assert_int_equal(health.in_memory, 0);
    assert_true(core_covers(rig->core, 0, 2, 0));
    assert_false(core_covers(rig->core, 0, 1, 0));

    /* enabled again, it catches up from the table */
    rig_endpoint(rig, 0, &endpoint);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).after_seq, 1);
    loaded.rows = &row;
    loaded.count = 1;
    rig_loaded(rig, &loaded);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 2);
    rig_free(rig);
}

static void retry_now(struct rig *rig, struct core_delivery delivery, bool is_open)
{
    struct core_input input = { .kind = CORE_IN_RETRY_NOW,
                                .delivery = delivery,
                                .is_open = is_open };

    rig_step(rig, &input);
}

static void a_persons_retry_only_improves(void **state)
{
    struct retry_policy policy = rig_policy("default");
    struct rig *rig = rig_with(&policy);
    struct core_delivery failed = { .seq = 7, .event = 70, .attempts = 24 };
    struct core_action action;

    (void)state;
    /* failed before: stays failed, or is delivered */
    retry_now(rig, failed, false);
    action = rig_action(rig, CORE_ACT_START);
    assert_true(action.manual);
    assert_int_equal(action.delivery.attempts, 24);
    retry_now(rig, failed, false);
    assert_int_equal(rig->count, 0); /* while it is being sent */
    rig_done(rig, action.slot, 500);
    action = rig_action(rig, CORE_ACT_OUTCOME);
    assert_int_equal(action.verdict, CORE_FAILED);
    assert_true(action.keep_schedule && action.manual);
    assert_int_equal(action.old_due, -1);
    assert_int_equal(action.delivery.attempts, 25);
    rig_stored(rig, action.slot);
    assert_int_equal(core_find(rig->core, 7), CORE_NOWHERE);

    failed.attempts = 25;
    retry_now(rig, failed, false);
    rig_done(rig, rig_action(rig, CORE_ACT_START).slot, 200);
    action = rig_action(rig, CORE_ACT_OUTCOME);
    assert_int_equal(action.verdict, CORE_DELIVERED);
    assert_false(action.keep_schedule);
    rig_free(rig);
}

static void a_persons_retry_keeps_the_schedule(void **state)
{
    struct retry_policy policy = {
        .enabled = true,
        .preset = RETRY_CUSTOM,
        .max_attempts = 5,
        .delay_count = 1,
        .delays_s = { 30 },
    };
    struct rig *rig = rig_with(&policy);
    struct core_delivery any = { .seq = 1 };
    struct core_action action;
    int64_t due;

    (void)state;
    rig_committed(rig, 0, 1);
    action = rig_action(rig, CORE_ACT_START);
    rig_done(rig, action.slot, 500);
    due = rig_action(rig, CORE_ACT_OUTCOME).due;
    rig_stored(rig, action.slot);
    rig->now += 10 * RIG_SECOND;
    retry_now(rig, any, true);
    action = rig_action(rig, CORE_ACT_START);
    assert_true(action.manual);
    rig_done(rig, action.slot, 404);
    action = rig_action(rig, CORE_ACT_OUTCOME);
    assert_true(action.keep_schedule);
    assert_int_equal(action.verdict, CORE_RETRY);
    assert_int_equal(action.old_due, due);
    rig_stored(rig, action.slot);
    rig_tick(rig, due - 1);
    assert_int_equal(rig->count, 0);
    rig_tick(rig, due);
    action = rig_action(rig, CORE_ACT_START);
    assert_false(action.manual);
    assert_int_equal(action.delivery.attempts, 2);
    rig_free(rig);
}

static void a_persons_retry_of_a_waiting_one_goes_first(void **state)
{
    struct retry_policy policy = rig_policy("default");
    struct rig *rig = rig_with(&policy);
    struct core_delivery any = { .seq = 3 };
    struct core_action action;
    uint32_t slot;

    (void)state;
    rig_committed(rig, 0, 1);
    slot = rig_action(rig, CORE_ACT_START).slot;
    rig_committed(rig, 0, 2);
    rig_committed(rig, 0, 3);
    retry_now(rig, any, true);
    assert_int_equal(rig->count, 0); /* the slot is taken */
    rig_done(rig, slot, 404);
    rig_stored(rig, slot);
    action = rig_action(rig, CORE_ACT_START);
    assert_int_equal(action.delivery.seq, 3);
    assert_true(action.manual);
    rig_done(rig, action.slot, 500);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).old_due, 0);
    rig_stored(rig, action.slot);
    /* it failed, and waits in its place again */
    assert_int_equal(core_find(rig->core, 3), CORE_WAITING);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 2);
    rig_free(rig);
}

static void a_persons_retry_goes_out_though_paused(void **state)
{
    struct retry_policy policy = rig_policy("default");
    struct rig *rig = rig_with(&policy);
    struct core_endpoint endpoint = rig_config(0, 10);
    struct core_delivery held = { .seq = 5 };
    struct core_action action;

    (void)state;
    endpoint.status = CORE_PAUSED;
    rig_endpoint(rig, 0, &endpoint);
    rig_committed(rig, 0, 5);
    assert_int_equal(rig->count, 0);
    retry_now(rig, held, true);
    action = rig_action(rig, CORE_ACT_START);
    rig_done(rig, action.slot, 500);
    assert_true(rig_action(rig, CORE_ACT_OUTCOME).keep_schedule);
    rig_stored(rig, action.slot);
    assert_int_equal(core_find(rig->core, 5), CORE_NOWHERE);
    assert_true(core_covers(rig->core, 0, 5, 0));
    rig_free(rig);
}

static void cancel_forgets(void **state)
{
    struct retry_policy policy = rig_policy("default");
    struct rig *rig = rig_with(&policy);
    struct core_input cancel = { .kind = CORE_IN_CANCEL, .ep = 0, .seq = 2 };
    struct core_action action;
    uint32_t slot;

    (void)state;
    rig_committed(rig, 0, 1);
    slot = rig_action(rig, CORE_ACT_START).slot;
    rig_committed(rig, 0, 2);
    assert_int_equal(core_find(rig->core, 2), CORE_WAITING);
    rig_step(rig, &cancel);
    assert_int_equal(core_find(rig->core, 2), CORE_NOWHERE);

    cancel.seq = 1;
    assert_int_equal(core_find(rig->core, 1), CORE_SENDING);
    rig_step(rig, &cancel);
    rig_done(rig, slot, 500);
    action = rig_action(rig, CORE_ACT_OUTCOME);
    assert_true(action.keep_schedule);
    assert_int_equal(action.old_due, -1);
    rig_stored(rig, slot);
    assert_int_equal(core_find(rig->core, 1), CORE_NOWHERE);
    cancel.seq = 99;
    rig_step(rig, &cancel);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_run_to_their_end),
        cmocka_unit_test(each_status_gets_its_verdict),
        cmocka_unit_test(each_failure_is_retried),
        cmocka_unit_test(retry_after_is_honoured_and_clamped),
        cmocka_unit_test(short_retry_after_counts_where_the_schedule_is_shorter),
        cmocka_unit_test(disabled_retry_fails_at_once),
        cmocka_unit_test(dead_reused_connection_is_followed_once),
        cmocka_unit_test(crashing_sender_is_tried_alone_then_failed),
        cmocka_unit_test(any_result_clears_the_suspicion_of_crash),
        cmocka_unit_test(gone_disables_and_holds_the_rest),
        cmocka_unit_test(a_persons_retry_only_improves),
        cmocka_unit_test(a_persons_retry_keeps_the_schedule),
        cmocka_unit_test(a_persons_retry_of_a_waiting_one_goes_first),
        cmocka_unit_test(a_persons_retry_goes_out_though_paused),
        cmocka_unit_test(cancel_forgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
