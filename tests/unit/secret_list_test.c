/* SPDX-License-Identifier: Apache-2.0 */
/* The list of signing secrets in its sealed document, what is shown of one, and the budget of test sends. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "api/budget.h"
#include "base/buf.h"
#include "engine/secrets.h"
#include "json/json.h"

#define NOW 1700000000000 /* 2023-11-14T22:13:20Z */

static struct json_doc *parse(const char *text)
{
    struct json_doc *doc = NULL;

    assert_int_equal(json_parse(str_from(text), JSON_DEPTH_MAX, &doc, NULL), 0);
    return doc;
}

static void ended_secrets_are_not_read(void **state)
{
    static const struct {
        const char *text;
        uint32_t count, platform;
        int64_t window;
    } rows[] = {
        { "{}", 0, 0, 0 },
        { "{\"secrets\":[]}", 0, 0, 0 },
        { "{\"secrets\":[{\"secret\":\"a\",\"expires_at\":null}]}", 1, 0, 0 },
        { "{\"secrets\":[{\"secret\":\"a\"},{\"secret\":\"b\",\"expires_at\":"
          "\"2023-11-14T22:13:21Z\"}]}",
          2, 0, NOW + 1000 },
        { "{\"secrets\":[{\"secret\":\"a\"},{\"secret\":\"b\",\"platform\":true,"
          "\"expires_at\":\"2023-11-14T22:13:21Z\"}]}",
          2, 1, NOW + 1000 },
        /* it ends at that very moment */
        { "{\"secrets\":[{\"secret\":\"a\"},{\"secret\":\"b\",\"platform\":true,"
          "\"expires_at\":\"2023-11-14T22:13:20Z\"}]}",
          1, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_doc *doc = parse(rows[i].text);
        struct secret_list list;

        secret_list_read(json_root(doc), NOW, &list);
        assert_int_equal(list.count, rows[i].count);
        assert_int_equal(secret_list_platform(&list), rows[i].platform);
        assert_int_equal(secret_list_window(&list), rows[i].window);
        json_doc_free(doc);
    }
}

static void a_list_is_read_as_it_was_written(void **state)
{
    struct secret_list list = {
        .count = 2,
        .items = { { .secret = STR("new \"one\"") },
                   { .secret = STR("old"), .expires_at = NOW + 5, .signs_platform = true } }
    };
    struct secret_list again;
    struct json_doc *doc;
    struct json_out o;
    struct buf text;

    (void)state;
    buf_init(&text, 4096);
    json_out_begin(&o, &text);
    json_out_object(&o);
    json_out_name(&o, "secrets");
    secret_list_write(&o, &list);
    json_out_object_end(&o);
    assert_int_equal(json_out_end(&o), 0);
    doc = parse(text.p);
    secret_list_read(json_root(doc), NOW, &again);
    assert_int_equal(again.count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(str_eq(again.items[i].secret, list.items[i].secret));
        assert_int_equal(again.items[i].expires_at, list.items[i].expires_at);
        assert_int_equal(again.items[i].signs_platform, list.items[i].signs_platform);
    }
    json_doc_free(doc);
    buf_done(&text);
}

static void hints_show_little(void **state)
{
    static const struct {
        const char *secret, *hint;
    } rows[] = {
        { "whsec_AAAAAAAAAAAAAAAAAAAAAAAAxyz=", "whsec_...xyz" },
        { "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAxyz", "whsec_...xyz" },
        { "whsk_AAAAAAAAAAAAAAAAAAAAAAAAAA12==", "whsk_...A12" },
        { "a plain text of theirs", "...irs" },
        { "================", "...===" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char hint[SECRET_HINT_SIZE];

        secret_hint(str_from(rows[i].secret), hint);
        assert_string_equal(hint, rows[i].hint);
    }
}

static void a_budget_spreads_a_minute(void **state)
{
    int64_t budget = 0;
    int64_t wait = 0;
    int taken = 0;

    (void)state;
    /* A quarter of 60 at once, and the one that is due now. */
    while ((wait = budget_take(&budget, NOW, 60)) == 0) {
        taken++;
    }
    assert_int_equal(taken, 16);
    assert_int_equal(wait, 1000);
    assert_int_equal(budget_take(&budget, NOW + 999, 60), 1);
    assert_int_equal(budget_take(&budget, NOW + 1000, 60), 0);
    assert_int_equal(budget_take(&budget, NOW + 1000, 60), 1000);
    /* A clock that was set back an hour locks nobody out. */
    assert_int_equal(budget_take(&budget, NOW - 3600 * 1000, 60), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ended_secrets_are_not_read),
        cmocka_unit_test(a_list_is_read_as_it_was_written),
        cmocka_unit_test(hints_show_little),
        cmocka_unit_test(a_budget_spreads_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
