/* SPDX-License-Identifier: Apache-2.0 */
/* Circuit, what disables an endpoint, and strict order. */
#include "core_rig.h"

static struct core_endpoint config_of(uint16_t concurrency)
{
    struct core_endpoint config = rig_config(0, concurrency);

    config.retry = rig_policy("none");
    return config;
}

/* Publish seq, which starts at once, and answer it. */
static void attempt(struct rig *rig, int64_t seq, int32_t status_code)
{
    uint32_t slot;

    rig_committed(rig, 0, seq);
    slot = rig_action(rig, CORE_ACT_START).slot;
    rig_done(rig, slot, status_code);
    rig_stored(rig, slot);
}

static struct core_health health_of(const struct rig *rig)
{
    struct core_health health;

    core_health(rig->core, 0, &health);
    return health;
}

static void loaded(struct rig *rig, const struct core_delivery *rows, uint32_t count)
{
    struct core_loaded answer = { .ep = 0,
                                  .kind = CORE_LOAD_FRESH,
                                  .rows = rows,
                                  .count = count,
                                  .upto = 1000,
                                  .end = true };

    rig_loaded(rig, &answer);
}

/* --- circuit */
static void the_circuit_opens_on_a_full_window_only(void **state)
{
    /* of ten: how many bad ones at the end, and does it open? */
    static const struct {
        uint32_t bad;
        bool opens;
    } rows[] = { { 5, false }, { 6, true }, { 10, true } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig *rig = rig_new(&rig_limits);
        struct core_endpoint config = config_of(10);

        config.breaker = (struct core_breaker){ 10, 50, RIG_MINUTE };
        rig_endpoint(rig, 0, &config);
        for (uint32_t n = 1; n <= 10; n++) {
            assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_CLOSED);
            attempt(rig, n, n > 10 - rows[i].bad ? 503 : 200);
        }
        assert_int_equal(health_of(rig).circuit == CORE_CIRCUIT_OPEN, rows[i].opens);
        if (rows[i].opens) {
            assert_int_equal(health_of(rig).circuit_until, RIG_START + RIG_MINUTE);
        }
        rig_free(rig);
    }
}

static void answers_below_500_do_not_open_it(void **state)
{
    static const int32_t codes[] = { 404, 429, 301, 400 };
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = config_of(10);

    (void)state;
    config.breaker = (struct core_breaker){ 4, 50, RIG_MINUTE };
    rig_endpoint(rig, 0, &config);
    for (int64_t seq = 1; seq <= 8; seq++) {
        attempt(rig, seq, codes[seq % 4]);
    }
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_CLOSED);
    assert_int_equal(health_of(rig).consecutive_failures, 8);
    rig_free(rig);
}

/* Opens it with two bad attempts; then seq 11.. wait in the table. */
static struct rig *rig_open(uint16_t concurrency)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = config_of(concurrency);

    config.breaker = (struct core_breaker){ 2, 50, RIG_MINUTE };
    rig_endpoint(rig, 0, &config);
    attempt(rig, 1, 500);
    attempt(rig, 2, 0);
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_OPEN);
    for (int64_t seq = 11; seq <= 40; seq++) {
        rig_committed(rig, 0, seq);
        assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    }
    assert_int_equal(health_of(rig).in_memory, 0);
    assert_true(health_of(rig).paged);
    return rig;
}

static void rows_from(struct core_delivery *rows, int64_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = (struct core_delivery){ .seq = first + i,
                                          .event = (first + i) * 10,
                                          .accepted = RIG_START };
    }
}

/* Time comes, one probe starts; returns its slot. */
static uint32_t probe(struct rig *rig, int64_t first)
{
    struct core_delivery rows[20];

    assert_int_equal(core_next_wake(rig->core), health_of(rig).circuit_until);
    rig_tick(rig, core_next_wake(rig->core));
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_HALF_OPEN);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).load, CORE_LOAD_FRESH);
    rows_from(rows, first, 10);
    loaded(rig, rows, 10);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 1);
    return rig_action(rig, CORE_ACT_START).slot;
}

static void one_probe_and_then_a_ramp(void **state)
{
    struct rig *rig = rig_open(8);
    uint32_t slots[8] = { probe(rig, 11) };
    uint32_t under_way = 1;
    uint32_t most = 1;

    (void)state;
    for (uint32_t good = 0; health_of(rig).circuit != CORE_CIRCUIT_CLOSED; good++) {
        uint32_t slot = slots[--under_way];

        assert_true(good < 20);
        rig_done(rig, slot, 200);
        rig_stored(rig, slot);
        for (uint32_t i = 0; i < rig->count; i++) {
            if (rig->actions[i].kind == CORE_ACT_START) {
                slots[under_way++] = rig->actions[i].slot;
            }
        }
        most = most > under_way ? most : under_way;
        /* 1, then 2 after one good one, 4 after two more */
        assert_true(most <= (good < 1 ? 2 : good < 3 ? 4 : 8));
    }
    rig_free(rig);
}

static void a_bad_probe_opens_it_again(void **state)
{
    struct rig *rig = rig_open(8);
    uint32_t slot = probe(rig, 11);

    (void)state;
    rig->now += 100;
    rig_done(rig, slot, 502);
    rig_stored(rig, slot);
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_OPEN);
    assert_int_equal(health_of(rig).circuit_until, rig->now + RIG_MINUTE);
    assert_int_equal(health_of(rig).in_memory, 0);
    slot = probe(rig, 12);
    rig_done(rig, slot, 404);
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_RAMP);
    rig_free(rig);
}

/* Three start, two open the circuit, the third answers when a probe is due: it is none. */
static void what_was_under_way_is_no_probe(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = config_of(8);

    (void)state;
    config.breaker = (struct core_breaker){ 4, 50, RIG_MINUTE };
    rig_endpoint(rig, 0, &config);
    attempt(rig, 1, 200);
    attempt(rig, 2, 200);
    for (int64_t seq = 3; seq <= 5; seq++) {
        rig_committed(rig, 0, seq);
        assert_int_equal(rig_count(rig, CORE_ACT_START), 1);
    }
    config.breaker.window = 2;
    rig_endpoint(rig, 0, &config);
    rig_done(rig, 0, 500);
    rig_done(rig, 1, 500);
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_OPEN);
    rig_tick(rig, health_of(rig).circuit_until);
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_HALF_OPEN);
    rig_done(rig, 2, 200);
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_HALF_OPEN);
    rig_free(rig);
}

static void a_person_passes_an_open_circuit(void **state)
{
    struct rig *rig = rig_open(8);
    struct core_input input = { .kind = CORE_IN_RETRY_NOW,
                                .delivery = { .seq = 1, .event = 10, .attempts = 1 } };

    (void)state;
    rig_step(rig, &input);
    assert_true(rig_action(rig, CORE_ACT_START).manual);
    rig_done(rig, rig_action(rig, CORE_ACT_START).slot, 200);
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_OPEN);
    rig_free(rig);
}

/* --- disabled */
static void failures_in_a_row_come_before_the_breaker(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = config_of(10);

    (void)state;
    config.breaker = (struct core_breaker){ 100, 50, 5 * RIG_MINUTE };
    config.rules.pause_after = 100;
    rig_endpoint(rig, 0, &config);
    for (int64_t seq = 1; seq < 100; seq++) {
        attempt(rig, seq, 500);
        assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_CLOSED);
    }
    rig_committed(rig, 0, 100);
    rig_done(rig, rig_action(rig, CORE_ACT_START).slot, 500);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).failures, 100);
    assert_int_equal(rig_action(rig, CORE_ACT_DISABLE).disable, CORE_DISABLE_FAILURES);
    assert_int_equal(health_of(rig).circuit, CORE_CIRCUIT_CLOSED);
    rig_free(rig);
}

static void a_success_begins_the_count_anew(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = config_of(10);

    (void)state;
    config.rules.pause_after = 3;
    config.failures = 2;
    rig_endpoint(rig, 0, &config);
    assert_int_equal(health_of(rig).consecutive_failures, 2);
    attempt(rig, 1, 200);
    attempt(rig, 2, 500);
    attempt(rig, 3, 500);
    assert_int_equal(health_of(rig).consecutive_failures, 2);
    rig_free(rig);
}

static void what_was_known_before_counts(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = config_of(10);

    (void)state;
    config.rules.pause_after = 3;
    config.failures = 2;
    rig_endpoint(rig, 0, &config);
    rig_committed(rig, 0, 1);
    rig_done(rig, rig_action(rig, CORE_ACT_START).slot, 500);
    assert_int_equal(rig_action(rig, CORE_ACT_DISABLE).disable, CORE_DISABLE_FAILURES);
    /* Resumed: anew. */
    config.status = CORE_DISABLED;
    rig_endpoint(rig, 0, &config);
    config.status = CORE_ACTIVE;
    rig_endpoint(rig, 0, &config);
    assert_int_equal(health_of(rig).consecutive_failures, 0);
    rig_free(rig);
}

static void exhausted_deliveries_count_within_their_time(void **state)
{
    /* the third one so long after the first: is it one too many? */
    static const struct {
        int64_t after;
        bool disables;
    } rows[] = { { RIG_HOUR, true }, { RIG_HOUR + 1, false } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig *rig = rig_new(&rig_limits);
        struct core_endpoint config = config_of(10);

        config.retry.enabled = true;
        config.retry.max_attempts = 1;
        config.rules = (struct core_rules){ .exhausted = 3, .exhausted_ms = RIG_HOUR };
        rig_endpoint(rig, 0, &config);
        attempt(rig, 1, 500);
        attempt(rig, 2, 500);
        attempt(rig, 3, 200); /* a success does not take them back */
        attempt(rig, 4, 404); /* not retried is not exhausted */
        assert_int_equal(health_of(rig).exhausted, 2);
        rig->now = RIG_START + rows[i].after;
        rig_committed(rig, 0, 5);
        rig_done(rig, rig_action(rig, CORE_ACT_START).slot, 500);
        assert_true(rig_action(rig, CORE_ACT_OUTCOME).is_exhausted);
        assert_int_equal(rig_count(rig, CORE_ACT_DISABLE), rows[i].disables);
        if (rows[i].disables) {
            assert_int_equal(rig_action(rig, CORE_ACT_DISABLE).disable, CORE_DISABLE_EXHAUSTED);
        }
        rig_free(rig);
    }
}

/* --- order */
static struct rig *rig_ordered(enum core_ordered ordered, struct retry_policy retry)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = rig_config(0, 10);

    config.ordered = ordered;
    config.retry = retry;
    rig_endpoint(rig, 0, &config);
    return rig;
}

static void in_order_one_waits_for_the_one_before(void **state)
{
    struct retry_policy retry = rig_policy("default");
    struct rig *rig;
    uint32_t slot;

    (void)state;
    retry.preset = RETRY_CUSTOM;
    retry.delays_s[0] = 5;
    rig = rig_ordered(CORE_ORDER_SKIP, retry);
    rig_committed(rig, 0, 1);
    slot = rig_action(rig, CORE_ACT_START).slot;
    rig_committed(rig, 0, 2);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    rig_done(rig, slot, 500);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    rig_stored(rig, slot);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    assert_int_equal(core_next_wake(rig->core), RIG_START + 5000);
    rig_tick(rig, RIG_START + 5000);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 1);
    slot = rig_action(rig, CORE_ACT_START).slot;
    rig_done(rig, slot, 200);
    assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
    rig_stored(rig, slot);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 2);
    rig_free(rig);
}

static void in_order_a_failed_one_gives_way_or_blocks(void **state)
{
    static const enum core_ordered kinds[] = { CORE_ORDER_SKIP, CORE_ORDER_BLOCK };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = rig_ordered(kinds[i], rig_policy("none"));
        struct core_action outcome;
        uint32_t slot;

        rig_committed(rig, 0, 1);
        rig_committed(rig, 0, 2);
        slot = 0;
        rig_done(rig, slot, 500);
        outcome = rig_action(rig, CORE_ACT_OUTCOME);
        rig_stored(rig, slot);
        if (kinds[i] == CORE_ORDER_SKIP) {
            assert_int_equal(outcome.verdict, CORE_FAILED);
            assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 2);
        } else {
            struct core_input cancel = { .kind = CORE_IN_CANCEL, .ep = 0, .seq = 1 };
            struct core_loaded none = { .kind = CORE_LOAD_RETRIES, .end = true };
            struct core_delivery second = { .seq = 2, .event = 20, .accepted = RIG_START };

            assert_int_equal(outcome.verdict, CORE_RETRY);
            assert_int_not_equal(outcome.why, CORE_WHY_NONE);
            assert_true(outcome.due == RIG_START + INT64_C(72) * RIG_HOUR);
            assert_int_equal(rig_count(rig, CORE_ACT_START), 0);
            assert_int_equal(health_of(rig).in_memory, 0);
            /* A person cancels it, in the table: the core looks again, and goes on. */
            rig_step(rig, &cancel);
            assert_int_equal(rig_action(rig, CORE_ACT_LOAD).load, CORE_LOAD_RETRIES);
            rig_loaded(rig, &none);
            assert_int_equal(rig_action(rig, CORE_ACT_LOAD).load, CORE_LOAD_FRESH);
            loaded(rig, &second, 1);
            assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 2);
        }
        rig_free(rig);
    }
}

static void in_order_a_blocking_one_is_tried_a_last_time(void **state)
{
    struct retry_policy retry = rig_policy("none");
    struct rig *rig;

    (void)state;
    retry.preset = RETRY_CUSTOM;
    retry.max_age_s = 30;
    rig = rig_ordered(CORE_ORDER_BLOCK, retry);
    rig_committed(rig, 0, 1);
    rig_committed(rig, 0, 2);
    rig_done(rig, 0, 400);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).due, RIG_START + 30 * RIG_SECOND);
    rig_stored(rig, 0);
    rig_tick(rig, RIG_START + 30 * RIG_SECOND);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 1);
    rig_done(rig, 0, 400);
    assert_int_equal(rig_action(rig, CORE_ACT_OUTCOME).verdict, CORE_FAILED);
    rig_stored(rig, 0);
    assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, 2);
    rig_free(rig);
}

static void a_paused_endpoint_catches_up_in_order_at_its_rate(void **state)
{
    struct rig *rig = rig_new(&rig_limits);
    struct core_endpoint config = rig_config(0, 10);
    struct core_delivery rows[5];

    (void)state;
    config.status = CORE_PAUSED;
    config.rate = (struct core_rate){ 1, 1, RIG_SECOND };
    rig_endpoint(rig, 0, &config);
    for (int64_t seq = 1; seq <= 5; seq++) {
        rig_committed(rig, 0, seq);
        assert_int_equal(rig->count, 0);
    }
    config.status = CORE_ACTIVE;
    rig_endpoint(rig, 0, &config);
    assert_int_equal(rig_action(rig, CORE_ACT_LOAD).after_seq, 0);
    rows_from(rows, 1, 5);
    loaded(rig, rows, 5);
    for (int64_t seq = 1; seq <= 5; seq++) {
        uint32_t slot = rig_action(rig, CORE_ACT_START).slot;

        assert_int_equal(rig_action(rig, CORE_ACT_START).delivery.seq, seq);
        assert_int_equal(rig->now, RIG_START + (seq - 1) * RIG_SECOND);
        rig_done(rig, slot, 200);
        rig_stored(rig, slot);
        if (seq < 5) {
            rig_tick(rig, core_next_wake(rig->core));
        }
    }
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_circuit_opens_on_a_full_window_only),
        cmocka_unit_test(answers_below_500_do_not_open_it),
        cmocka_unit_test(one_probe_and_then_a_ramp),
        cmocka_unit_test(a_bad_probe_opens_it_again),
        cmocka_unit_test(what_was_under_way_is_no_probe),
        cmocka_unit_test(a_person_passes_an_open_circuit),
        cmocka_unit_test(failures_in_a_row_come_before_the_breaker),
        cmocka_unit_test(a_success_begins_the_count_anew),
        cmocka_unit_test(what_was_known_before_counts),
        cmocka_unit_test(exhausted_deliveries_count_within_their_time),
        cmocka_unit_test(in_order_one_waits_for_the_one_before),
        cmocka_unit_test(in_order_a_failed_one_gives_way_or_blocks),
        cmocka_unit_test(in_order_a_blocking_one_is_tried_a_last_time),
        cmocka_unit_test(a_paused_endpoint_catches_up_in_order_at_its_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
