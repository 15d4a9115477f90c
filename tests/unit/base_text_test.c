/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, buffers, arena, base62, ids, times: tables of input and expectation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/base62.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"

static void test_str_to_int(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max, value;
        int rc;
    } rows[] = {
        { "0", 0, 10, 0, 0 },
        { "10", 0, 10, 10, 0 },
        { "11", 0, 10, 0, -E_INVALID },
        { "-1", 0, 10, 0, -E_INVALID },
        { "-1", -5, 10, -1, 0 },
        { "", 0, 10, 0, -E_INVALID },
        { "+1", 0, 10, 0, -E_INVALID },
        { " 1", 0, 10, 0, -E_INVALID },
        { "1 ", 0, 10, 0, -E_INVALID },
        { "0x1", 0, 10, 0, -E_INVALID },
        { "9223372036854775807", 0, INT64_MAX, INT64_MAX, 0 },
        { "9223372036854775808", 0, INT64_MAX, 0, -E_INVALID },
        { "99999999999999999999", 0, INT64_MAX, 0, -E_INVALID },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = 77;

        assert_int_equal(str_to_int(str_from(rows[i].text), rows[i].min, rows[i].max, &value),
                         rows[i].rc);
        assert_int_equal(value, rows[i].rc == 0 ? rows[i].value : 77);
    }
}

static void test_str_utf8(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
    } rows[] = {
        { "plain", 5, true },
        { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, true },
        { "\0", 1, true },
        { "\x80", 1, false },
        { "\xc0\xaf", 2, false },
        { "\xe0\x80\xaf", 3, false },
        { "\xed\xa0\x80", 3, false },
        { "\xf4\x90\x80\x80", 4, false },
        { "\xf5\x80\x80\x80", 4, false },
        { "\xe2\x82", 2, false },
        { "\xff", 1, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(str_is_utf8((struct str){ rows[i].bytes, rows[i].len }), rows[i].good);
    }
}

static void test_str_split(void **state)
{
    struct str rest = STR("a,,b");
    struct str head;

    (void)state;
    assert_true(str_split(&rest, ',', &head) && str_eq_c(head, "a"));
    assert_true(str_split(&rest, ',', &head) && head.len == 0);
    assert_true(str_split(&rest, ',', &head) && str_eq_c(head, "b"));
    assert_false(str_split(&rest, ',', &head));
}

static void test_buf_limit(void **state)
{
    struct buf b;
    size_t len;
    char *taken;

    (void)state;
    buf_init(&b, 8);
    assert_string_equal(b.p, "");
    assert_int_equal(buf_add_c(&b, "12345678"), 0);
    assert_int_equal(buf_add_char(&b, '9'), -E_TOO_LARGE);
    assert_string_equal(b.p, "12345678");
    buf_consume(&b, 3);
    assert_string_equal(b.p, "45678");
    assert_int_equal(buf_printf(&b, "%d", 123), 0);
    assert_int_equal(buf_printf(&b, "%d", 1), -E_TOO_LARGE);
    taken = buf_take(&b, &len);
    assert_int_equal(len, 8);
    assert_string_equal(taken, "45678123");
    assert_int_equal(b.len, 0);
    free(taken);
    buf_done(&b);
}

static void test_arena(void **state)
{
    struct arena a;
    char *first;

    (void)state;
    arena_init(&a);
    first = arena_alloc(&a, 3);
    for (size_t i = 0; i < 1000; i++) {
        char *p = arena_alloc(&a, i * 37 % 5000);

        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, 0xa5, i * 37 % 5000);
    }
    assert_int_equal(first[0], 0);
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 7).p, "x-7");
    arena_done(&a);
    assert_null(a.head);
}

static void test_base62(void **state)
{
    uint8_t bytes[16];
    uint8_t back[16];
    char text[23] = "";

    (void)state;
    memset(bytes, 0xff, sizeof(bytes));
    base62_encode(bytes, 16, text, 22);
    assert_string_equal(text, "7n42DGM5Tflk9n8mt7Fhc7");
    assert_int_equal(base62_decode(str_from(text), back, 16), 0);
    assert_memory_equal(bytes, back, 16);
    text[0] = '8';
    assert_int_equal(base62_decode(str_from(text), back, 16), -E_INVALID);
    text[0] = '_';
    assert_int_equal(base62_decode(str_from(text), back, 16), -E_INVALID);
}

static void test_id_order(void **state)
{
    struct id_maker m;
    struct id last;
    char last_text[ID_TEXT_SIZE];
    int64_t now = 1700000000000;

    (void)state;
    id_maker_init(&m, NULL);
    last = id_make(&m, now);
    id_format(ID_EVENT, &last, last_text);
    for (int i = 0; i < 10000; i++) {
        /* the clock stands, goes back, and goes on */
        struct id id = id_make(&m, i % 3 == 0 ? now + i / 100 : now - 5000);
        char text[ID_TEXT_SIZE];
        struct id back;

        id_format(ID_EVENT, &id, text);
        assert_true(id_cmp(&id, &last) > 0);
        assert_true(strcmp(text, last_text) > 0);
        assert_int_equal(id_parse(ID_EVENT, str_from(text), &back), 0);
        assert_true(id_eq(&id, &back));
        assert_int_equal(id.bytes[6] >> 4, 7);
        assert_int_equal(id.bytes[8] >> 6, 2);
        last = id;
        memcpy(last_text, text, sizeof(text));
    }
}

static void test_id_after_restart(void **state)
{
    struct id_maker m;
    struct id last;
    struct id next;

    (void)state;
    id_maker_init(&m, NULL);
    last = id_make(&m, 1700000000000);
    id_maker_init(&m, &last);
    next = id_make(&m, 1600000000000);
    assert_true(id_cmp(&next, &last) > 0);
}

static void test_id_parse(void **state)
{
    static const struct {
        enum id_kind kind;
        const char *text;
        int rc;
    } rows[] = {
        { ID_ENDPOINT, "ep_0000000000000000000001", 0 },
        { ID_ENDPOINT, "wh_0000000000000000000001", 0 },
        { ID_DELIVERY, "dlv_0000000000000000000001", 0 },
        { ID_DELIVERY, "del_0000000000000000000001", 0 },
        { ID_EVENT, "del_0000000000000000000001", -E_INVALID },
        { ID_EVENT, "evt_000000000000000000000", -E_INVALID },
        { ID_EVENT, "evt_00000000000000000000011", -E_INVALID },
        { ID_EVENT, "evt_zzzzzzzzzzzzzzzzzzzzzz", -E_INVALID },
        { ID_EVENT, "evt_", -E_INVALID },
        { ID_EVENT, "", -E_INVALID },
        { ID_EVENT, "evt", -E_INVALID },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct id id;

        assert_int_equal(id_parse(rows[i].kind, str_from(rows[i].text), &id), rows[i].rc);
    }
}

static void test_clock_text(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t ms;
        const char *canonical;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0, 0, "1970-01-01T00:00:00.000Z" },
        { "2026-11-22T05:06:07.089Z", 0, 1795323967089, "2026-11-22T05:06:07.089Z" },
        { "2026-11-22T05:06:07.08951Z", 0, 1795323967089, "2026-11-22T05:06:07.089Z" },
        { "2026-11-22T07:06:07+02:00", 0, 1795323967000, "2026-11-22T05:06:07.000Z" },
        { "2024-02-29t23:59:59z", 0, 1709251199000, "2024-02-29T23:59:59.000Z" },
        { "1969-12-31T23:59:59.999Z", 0, -1, "1969-12-31T23:59:59.999Z" },
        { "2023-02-29T00:00:00Z", -E_INVALID, 0, NULL },
        { "2026-13-01T00:00:00Z", -E_INVALID, 0, NULL },
        { "2026-11-22T24:00:00Z", -E_INVALID, 0, NULL },
        { "2026-11-22T05:06:07", -E_INVALID, 0, NULL },
        { "2026-11-22T05:06:07.Z", -E_INVALID, 0, NULL },
        { "2026-11-22 05:06:07Z", -E_INVALID, 0, NULL },
        { "2026-11-22T05:06:07+2:00", -E_INVALID, 0, NULL },
        { "", -E_INVALID, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = 0;
        char text[CLOCK_TEXT_SIZE];

        assert_int_equal(clock_parse(str_from(rows[i].text), &ms), rows[i].rc);
        if (rows[i].rc == 0) {
            assert_int_equal(ms, rows[i].ms);
            clock_format(ms, text);
            assert_string_equal(text, rows[i].canonical);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_to_int), cmocka_unit_test(test_str_utf8),
        cmocka_unit_test(test_str_split),  cmocka_unit_test(test_buf_limit),
        cmocka_unit_test(test_arena),      cmocka_unit_test(test_base62),
        cmocka_unit_test(test_id_order),   cmocka_unit_test(test_id_after_restart),
        cmocka_unit_test(test_id_parse),   cmocka_unit_test(test_clock_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
