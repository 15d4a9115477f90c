/* SPDX-License-Identifier: Apache-2.0 */
/* Output for people and programs: alignment, cutting, hostile text, records of JSON. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/record.h"
#include "cli/table.h"
#include "json/json.h"

static void text_is_cleaned(void **state)
{
    static const struct {
        const char *text;
        const char *clean;
    } rows[] = {
        { "plain text", "plain text" },
        { "Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80",
          "Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80" },
        { "a\x1b[31mred\x1b[0m", "a?[31mred?[0m" },
        { "two\nlines\r\tand\x7f", "two?lines??and?" },
        { "c1 \xc2\x9b"
          "31m",
          "c1 ?31m" },
        { "no utf-8 \xff\xc3", "no utf-8 ??" },
        { "overlong \xc0\xaf", "overlong ??" },
        { "\xc2\xa0", "\xc2\xa0" },
        { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;

        buf_init(&out, 1000);
        assert_int_equal(text_clean(str_from(rows[i].text), &out), 0);
        assert_string_equal(out.p, rows[i].clean);
        buf_done(&out);
    }
}

static void tables_are_aligned(void **state)
{
    static const char *const heads[] = { "ID", "NAME", "END" };
    static const char *const cells[] = { "1", "Zo\xc3\xab", "x", "100", "a\nb", "" };
    struct table t;
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    table_init(&t, heads, 3);
    for (size_t i = 0; i < 6; i++) {
        table_add(&t, str_from(cells[i]));
    }
    assert_int_equal(table_write(&t, false, &out), 0);
    assert_string_equal(out.p, "ID   NAME  END\n"
                               "1    Zo\xc3\xab   x\n"
                               "100  a?b   \n");
    buf_clear(&out);
    assert_int_equal(table_write_compact(&t, &out), 0);
    assert_string_equal(out.p, "1\tZo\xc3\xab\tx\n100\ta?b\t\n");
    buf_clear(&out);
    assert_int_equal(table_write(&t, true, &out), 0);
    assert_memory_equal(out.p, "\x1b[1mID ", 7);
    table_done(&t);
    buf_done(&out);
}

static void long_cells_are_cut_for_people_alone(void **state)
{
    static const char *const heads[] = { "A", "B" };
    char text[200];
    struct table t;
    struct buf out;

    (void)state;
    memset(text, 'x', sizeof(text));
    buf_init(&out, 10000);
    table_init(&t, heads, 2);
    table_add(&t, (struct str){ text, TABLE_CELL_MAX });
    table_add(&t, (struct str){ text, TABLE_CELL_MAX + 1 });
    assert_int_equal(table_write(&t, false, &out), 0);
    /* heads, then 60 x, two blanks, 59 x and the ellipsis */
    assert_int_equal(strspn(strchr(out.p, '\n') + 1, "x"), TABLE_CELL_MAX);
    assert_non_null(strstr(out.p, "x\xe2\x80\xa6\n"));
    buf_clear(&out);
    assert_int_equal(table_write_compact(&t, &out), 0);
    assert_int_equal(out.len, 2 * TABLE_CELL_MAX + 3);
    table_done(&t);
    buf_done(&out);
}

static void empty_tables_have_heads(void **state)
{
    static const char *const heads[] = { "A", "B" };
    struct table t;
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    table_init(&t, heads, 2);
    assert_int_equal(table_write(&t, false, &out), 0);
    assert_string_equal(out.p, "A  B\n");
    buf_clear(&out);
    assert_int_equal(table_write_compact(&t, &out), 0);
    assert_string_equal(out.p, "");
    table_done(&t);
    buf_done(&out);
}

static const char delivery[] =
    "{\"id\":\"dlv_1\",\"created_at\":\"2026-01-02T03:04:05.000Z\",\"n\":12345678901234567890,"
    "\"no\":null,\"yes\":true,\"list\":[1,2],\"evil\":\"\\u001b[2J\","
    "\"attempts\":[{\"number\":1,\"error\":\"dns_error\",\"inner\":{\"a\":1}},"
    "{\"number\":2,\"error\":null,\"inner\":{}}]}";

static struct json_doc *parse(const char *text)
{
    struct json_doc *doc = NULL;
    struct err err = { 0 };

    assert_int_equal(json_parse(str_from(text), JSON_DEPTH_MAX, &doc, &err), 0);
    return doc;
}

static void records_are_lines_and_inner_tables(void **state)
{
    struct cli cli = { .output = OUTPUT_TABLE };
    struct json_doc *doc = parse(delivery);
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    assert_int_equal(record_write(&cli, json_root(doc), &out), 0);
    assert_string_equal(out.p, "id                   dlv_1\n"
                               "created_at           2026-01-02 03:04:05 +0000\n"
                               "n                    12345678901234567890\n"
                               "no                   \n"
                               "yes                  true\n"
                               "list                 [1,2]\n"
                               "evil                 ?[2J\n"
                               "\n"
                               "attempts\n"
                               "NUMBER  ERROR\n"
                               "1       dns_error\n"
                               "2       \n");
    buf_clear(&out);
    cli.output = OUTPUT_COMPACT;
    assert_int_equal(record_write(&cli, json_root(doc), &out), 0);
    assert_memory_equal(out.p, "id\tdlv_1\n", 9);
    json_doc_free(doc);
    buf_done(&out);
}

static void rows_reach_into_members(void **state)
{
    static const char *const columns[] = { "id", "attempt.error_code", "missing" };
    struct cli cli = { .output = OUTPUT_TABLE };
    struct json_doc *doc =
        parse("[{\"id\":\"a\",\"attempt\":{\"error_code\":404}},{\"id\":\"b\"}]");
    struct buf out;

    (void)state;
    buf_init(&out, 10000);
    assert_int_equal(record_rows(&cli, json_root(doc), columns, 3, &out), 0);
    assert_string_equal(out.p, "ID  ATTEMPT ERROR CODE  MISSING\n"
                               "a   404                 \n"
                               "b                       \n");
    json_doc_free(doc);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cleaned),
        cmocka_unit_test(tables_are_aligned),
        cmocka_unit_test(long_cells_are_cut_for_people_alone),
        cmocka_unit_test(empty_tables_have_heads),
        cmocka_unit_test(records_are_lines_and_inner_tables),
        cmocka_unit_test(rows_reach_into_members),
    };

    /* Times for people are local. */
    (void)setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
