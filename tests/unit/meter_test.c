/* SPDX-License-Identifier: Apache-2.0 */
/* The meter's folding and its counters for metrics; storing has tests with a server. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "engine/meter.h"
#include "net/loop.h"
#include "store/event.h"

enum { APPS = 8 };

struct rig {
    struct loop *loop;
    struct meter *meter;
};

static void rig_init(struct rig *rig)
{
    assert_int_equal(loop_new(&rig->loop), 0);
    rig->meter = meter_new(&(struct meter_options){ .loop = rig->loop, .days = 400 });
}

static void outcome(struct rig *rig, int64_t app, int64_t type, int32_t code, int32_t flags)
{
    struct outcome o = { .was_open = true, .is_first = true };

    o.attempt = (struct attempt_row){ .number = 1,
                                      .started_at = 1767225600000,
                                      .duration_us = 5000,
                                      .error = code == 200 ? 0 : 19,
                                      .status_code = code,
                                      .flags = flags };
    o.delivery =
        (struct delivery_row){ .endpoint = app * 10,
                               .app = app,
                               .type = type,
                               .state = code == 200 ? DELIVERY_DELIVERED : DELIVERY_RETRYING };
    meter_outcome(rig->meter, &o);
}

/* What waits goes with the meter: nothing is stored here. */
static void rig_done(struct rig *rig)
{
    meter_discard(rig->meter);
    meter_free(rig->meter);
    loop_free(rig->loop);
}

static void test_equal_things_are_one(void **state)
{
    struct rig rig;
    struct meter_stats stats;

    (void)state;
    rig_init(&rig);
    for (int i = 0; i < 1000; i++) {
        outcome(&rig, 1, 7, i % 2 == 0 ? 200 : 503, 0);
    }
    outcome(&rig, 1, 7, 200, ATTEMPT_TEST);
    meter_stats(rig.meter, &stats);
    assert_int_equal(stats.waiting, 2);
    assert_int_equal(stats.all.ok, 500);
    assert_int_equal(stats.all.failed, 500);
    assert_int_equal(stats.all.bars[0], 1000);
    rig_done(&rig);
}

static void test_keys_are_bounded(void **state)
{
    struct rig rig;
    struct meter_stats stats;

    (void)state;
    rig_init(&rig);
    for (int64_t type = 1; type <= 3 * METER_KEYS_MAX; type++) {
        outcome(&rig, 1, type, 200, 0);
    }
    meter_stats(rig.meter, &stats);
    assert_int_equal(stats.waiting, METER_KEYS_MAX + 1); /* and the others */
    for (int32_t code = 300; code < 300 + 2 * METER_KEYS_MAX; code++) {
        outcome(&rig, 2, 1, code, 0);
    }
    meter_stats(rig.meter, &stats);
    assert_int_equal(stats.waiting, 2 * (METER_KEYS_MAX + 1));
    assert_int_equal(stats.lost, 0);
    rig_done(&rig);
}

static void test_top(void **state)
{
    struct meter_app top[3];
    struct meter_type types[2];
    struct rig rig;

    (void)state;
    rig_init(&rig);
    for (int64_t app = 1; app <= APPS; app++) {
        for (int64_t i = 0; i < (app * 5) % 8 + 1; i++) {
            struct event_publish p = { .event = {
                                           .app = app, .type = app % 3, .accepted_at = 1 } };

            outcome(&rig, app, 1, i == 0 ? 500 : 200, 0);
            meter_publish(rig.meter, &p);
        }
    }
    assert_int_equal(meter_top_apps(rig.meter, top, 3), 3);
    assert_int_equal(top[0].app, 3); /* 8 of them */
    assert_int_equal(top[0].ok, 7);
    assert_int_equal(top[0].failed, 1);
    assert_int_equal(top[0].events, 8);
    assert_int_equal(top[1].app, 6);
    assert_int_equal(top[2].app, 1);
    assert_int_equal(meter_top_types(rig.meter, types, 2), 2);
    assert_true(types[0].events >= types[1].events);
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_things_are_one),
        cmocka_unit_test(test_keys_are_bounded),
        cmocka_unit_test(test_top),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
