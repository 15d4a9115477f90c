/* SPDX-License-Identifier: Apache-2.0 */
/* The presets send when they say they do; what is retried; jitter stays in its bounds. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "core/retry.h"

static struct retry_policy preset(const char *name)
{
    struct retry_policy policy;

    assert_int_equal(retry_preset(str_from(name), &policy), 0);
    return policy;
}

static int64_t send_at_s(const struct retry_policy *policy, uint32_t send)
{
    int64_t at_ms = 0;

    for (uint32_t made = 1; made < send; made++) {
        at_ms += retry_delay_ms(policy, made);
    }
    return at_ms / 1000;
}

static void presets_are_as_listed(void **state)
{
    static const struct {
        const char *name;
        enum retry_preset preset;
        uint32_t sends;
        uint32_t send;
        int64_t at_s;
    } rows[] = {
        { "default", RETRY_DEFAULT, 24, 2, 300 },
        { "default", RETRY_DEFAULT, 24, 3, 300 + 1800 },
        { "default", RETRY_DEFAULT, 24, 7, 41 * 3600 + 35 * 60 },
        { "default", RETRY_DEFAULT, 24, 8, 41 * 3600 + 35 * 60 + 6441 },
        { "default", RETRY_DEFAULT, 24, 23, 41 * 3600 + 35 * 60 + 16 * 6441 },
        { "default", RETRY_DEFAULT, 24, 24, 72 * 3600 },
        { "platform", RETRY_PLATFORM, 5, 2, 60 },
        { "platform", RETRY_PLATFORM, 5, 5, 60 + 300 + 900 + 3600 },
        { "standard-webhooks", RETRY_STANDARD_WEBHOOKS, 10, 2, 5 },
        { "standard-webhooks", RETRY_STANDARD_WEBHOOKS, 10, 10, 75 * 3600 + 35 * 60 + 5 },
        { "none", RETRY_NONE, 1, 1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct retry_policy policy = preset(rows[i].name);

        assert_true(policy.enabled);
        assert_int_equal(policy.preset, rows[i].preset);
        assert_string_equal(retry_preset_name(policy.preset), rows[i].name);
        assert_int_equal(policy.max_attempts, rows[i].sends);
        assert_int_equal(policy.on, RETRY_ON_STRICT);
        assert_int_equal(send_at_s(&policy, rows[i].send), rows[i].at_s);
    }
}

static void other_names_are_refused(void **state)
{
    struct retry_policy policy = { .max_attempts = 7 };
    enum retry_on on = RETRY_ON_LENIENT;

    (void)state;
    assert_int_equal(retry_preset(STR("custom"), &policy), -E_INVALID);
    assert_int_equal(retry_preset(STR("Default"), &policy), -E_INVALID);
    assert_int_equal(retry_preset(STR(""), &policy), -E_INVALID);
    assert_int_equal(policy.max_attempts, 7);
    assert_int_equal(retry_on_parse(STR("loose"), &on), -E_INVALID);
    assert_int_equal(on, RETRY_ON_LENIENT);
}

static void the_last_delay_repeats(void **state)
{
    struct retry_policy policy = preset("platform");
    struct retry_policy bare = preset("none");

    (void)state;
    assert_int_equal(retry_delay_ms(&policy, 0), 0);
    assert_int_equal(retry_delay_ms(&policy, 5), 86400 * INT64_C(1000));
    assert_int_equal(retry_delay_ms(&policy, 49), 86400 * INT64_C(1000));
    assert_int_equal(retry_delay_ms(&bare, 1), 0);
}

static void jitter_stays_in_bounds(void **state)
{
    static const struct {
        int64_t delay_ms;
        uint8_t percent;
        uint32_t random;
        int64_t expected;
    } rows[] = {
        { 1000, 0, 0, 1000 },
        { 1000, 0, UINT32_MAX, 1000 },
        { 1000, 10, 0, 900 },
        { 1000, 10, UINT32_MAX, 1100 },
        { 1000, 10, UINT32_C(1) << 31, 1000 },
        { 0, 50, UINT32_MAX, 0 },
        { RETRY_DELAY_MAX_S * INT64_C(1000), 50, 0, RETRY_DELAY_MAX_S * INT64_C(500) },
        { RETRY_DELAY_MAX_S * INT64_C(1000), 50, UINT32_MAX,
          RETRY_DELAY_MAX_S * INT64_C(1500) },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(retry_jitter_ms(rows[i].delay_ms, rows[i].percent, rows[i].random),
                         rows[i].expected);
    }
}

static void every_status_has_its_answer(void **state)
{
    (void)state;
    for (int32_t code = 100; code <= 999; code++) {
        bool is_2xx = code >= 200 && code <= 299;
        bool is_5xx = code >= 500 && code <= 599;

        assert_int_equal(retry_wanted(RETRY_ON_STRICT, code),
                         is_5xx || code == 408 || code == 425 || code == 429);
        assert_int_equal(retry_wanted(RETRY_ON_SEED003, code), is_5xx || code == 429);
        assert_int_equal(retry_wanted(RETRY_ON_LENIENT, code), !is_2xx && code != 410);
    }
    for (int on = RETRY_ON_STRICT; on <= RETRY_ON_LENIENT; on++) {
        enum retry_on parsed;

        assert_true(retry_wanted((enum retry_on)on, 0));
        assert_int_equal(retry_on_parse(str_from(retry_on_name((enum retry_on)on)), &parsed),
                         0);
        assert_int_equal(parsed, on);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_as_listed),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(the_last_delay_repeats),
        cmocka_unit_test(jitter_stays_in_bounds),
        cmocka_unit_test(every_status_has_its_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
