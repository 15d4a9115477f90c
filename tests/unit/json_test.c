/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader and writer: what RFC 8259 allows and what it does not, limits, text that survives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/random.h"
#include "json/json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES(literal)                                                                         \
    {                                                                                          \
        "" literal, sizeof(literal) - 1                                                        \
    }

enum { TEXT_MAX = 1 << 20 };

/* Parse a copy of exactly these bytes, so that a read beyond them is seen by the sanitizer. */
static int parse(struct str text, size_t depth_max, struct json_doc **ret_doc, struct err *err)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);
    int rc;

    assert_non_null(copy);
    memcpy(copy, text.p, text.len);
    rc = json_parse((struct str){ copy, text.len }, depth_max, ret_doc, err);
    free(copy);
    return rc;
}

static struct json_doc *parsed(const char *text)
{
    struct json_doc *doc = NULL;
    struct err err = { 0 };

    if (parse(str_from(text), JSON_DEPTH_MAX, &doc, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return doc;
}

static void written_is(const struct json *v, const char *expected)
{
    struct buf out;

    buf_init(&out, TEXT_MAX);
    assert_int_equal(json_write(v, &out), 0);
    assert_string_equal(out.p, expected);
    buf_done(&out);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void test_accepted(void **state)
{
    /* What was read is written again: the second column, or the first when it is NULL. */
    static const struct {
        const char *text;
        const char *written;
    } rows[] = {
        { "null", NULL },
        { "true", NULL },
        { "false", NULL },
        { "0", NULL },
        { "-0", NULL },
        { "-0.0", NULL },
        { "1", NULL },
        { "-1", NULL },
        { "10", NULL },
        { "0.5", NULL },
        { "0e0", NULL },
        { "0e+1", NULL },
        { "1e5", NULL },
        { "1E5", NULL },
        { "1e+05", NULL },
        { "1E-005", NULL },
        { "1.25e-7", NULL },
        { "1e400", NULL },
        { "-1e-400", NULL },
        { "9007199254740993", NULL },
        { "18446744073709551617", NULL },
        { "-9223372036854775809", NULL },
        { "123456789012345678901234567890.123456789012345678901234567890", NULL },
        { "0.10", NULL },
        { "1.0", NULL },
        { "\"\"", NULL },
        { "\"a\"", NULL },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
        { "\"\\u0041\"", "\"A\"" },
        { "\"\\u00e9\\u00E9\"", "\"\xc3\xa9\xc3\xa9\"" },
        { "\"\\u20ac\"", "\"\xe2\x82\xac\"" },
        { "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
        { "\"\\uD800\\uDC00\"", "\"\xf0\x90\x80\x80\"" },
        { "\"\\udbff\\udfff\"", "\"\xf4\x8f\xbf\xbf\"" },
        { "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", NULL },
        { "\"\xef\xbf\xbe\xef\xbf\xbf\"", NULL },
        { "\"\xe2\x80\xa8\xe2\x80\xa9\"", NULL },
        { "\"\\u0000\"", "\"\\u0000\"" },
        { "\"\\u001f\"", "\"\\u001F\"" },
        { "\"\x7f\"", NULL },
        { "\"/\"", NULL },
        { "[]", NULL },
        { "{}", NULL },
        { "[[]]", NULL },
        { "[{}]", NULL },
        { "[null,true,false,0,\"\",[],{}]", NULL },
        { "{\"\":0}", NULL },
        { "{\"a\":{\"a\":{\"a\":1}}}", NULL },
        { "{\"a\":1,\"A\":2}", NULL },
        { "{\"a\":null,\"b\":[1,2]}", NULL },
        { "{\"\\u0061b\":1,\"a\":2}", "{\"ab\":1,\"a\":2}" },
        { " \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n", "[1,2]" },
        { " { \"a\" : 1 , \"b\" : 2 } ", "{\"a\":1,\"b\":2}" },
        { "\n\"x\"\n", "\"x\"" },
        { " 7 ", "7" },
        { "\"[{}],:\"", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json_doc *doc = parsed(rows[i].text);

        written_is(json_root(doc), rows[i].written != NULL ? rows[i].written : rows[i].text);
        json_doc_free(doc);
    }
}

static const struct str refused[] = {
    /* nothing, or more than one thing */
    BYTES(""),
    BYTES(" "),
    BYTES("\n\t"),
    BYTES("\0"),
    BYTES("1 2"),
    BYTES("[] []"),
    BYTES("{}x"),
    BYTES("{},"),
    BYTES("\"a\"\"b\""),
    BYTES("1,"),
    BYTES("null\0"),
    BYTES("[]\0"),
    BYTES("\xef\xbb\xbf[]"),
    BYTES("[]#"),
    /* words */
    BYTES("nul"),
    BYTES("nulll"),
    BYTES("Null"),
    BYTES("TRUE"),
    BYTES("tru"),
    BYTES("undefined"),
    BYTES("NaN"),
    BYTES("nan"),
    BYTES("Infinity"),
    BYTES("-Infinity"),
    BYTES("inf"),
    BYTES("[NaN]"),
    BYTES("a"),
    /* numbers */
    BYTES("01"),
    BYTES("-01"),
    BYTES("00"),
    BYTES("-"),
    BYTES("+1"),
    BYTES(".5"),
    BYTES("1."),
    BYTES("-.5"),
    BYTES("1.e1"),
    BYTES("1e"),
    BYTES("1e+"),
    BYTES("1e-"),
    BYTES("0x10"),
    BYTES("1_000"),
    BYTES("1.5.2"),
    BYTES("1e5.5"),
    BYTES("--1"),
    BYTES("- 1"),
    BYTES("1 e5"),
    BYTES("1a"),
    BYTES("[1.]"),
    BYTES("[-]"),
    BYTES("\xef\xbc\x91"),
    BYTES("[01]"),
    BYTES("{\"a\":01}"),
    BYTES("1e\0"),
    BYTES("1E1e1"),
    /* strings */
    BYTES("\""),
    BYTES("\"a"),
    BYTES("'a'"),
    BYTES("\"\\\""),
    BYTES("\"\\a\""),
    BYTES("\"\\x41\""),
    BYTES("\"\\u12\""),
    BYTES("\"\\u123g\""),
    BYTES("\"\\U0041\""),
    BYTES("\"\n\""),
    BYTES("\"\t\""),
    BYTES("\"\x1f\""),
    BYTES("\"a\0b\""),
    BYTES("\"\\\n\""),
    BYTES("\"\\u00\""),
    BYTES("\"\\0\""),
    /* surrogates */
    BYTES("\"\\ud800\""),
    BYTES("\"\\udc00\""),
    BYTES("\"\\ud800x\""),
    BYTES("\"\\ud800\\u0041\""),
    BYTES("\"\\ud800\\ud800\""),
    BYTES("\"\\udc00\\ud800\""),
    BYTES("\"\\ud800\\n\""),
    BYTES("\"\\ud83d\\\""),
    BYTES("{\"\\ud800\":1}"),
    /* bytes that are not UTF-8 */
    BYTES("\"\x80\""),
    BYTES("\"\xc3\""),
    BYTES("\"\xc3\x28\""),
    BYTES("\"\xc0\xaf\""),
    BYTES("\"\xc1\xbf\""),
    BYTES("\"\xe0\x80\xaf\""),
    BYTES("\"\xe0\x9f\xbf\""),
    BYTES("\"\xf0\x80\x80\xaf\""),
    BYTES("\"\xed\xa0\x80\""),
    BYTES("\"\xed\xbf\xbf\""),
    BYTES("\"\xf4\x90\x80\x80\""),
    BYTES("\"\xf5\x80\x80\x80\""),
    BYTES("\"\xf8\x88\x80\x80\x80\""),
    BYTES("\"\xff\""),
    BYTES("\"\xfe\""),
    BYTES("\"\xe2\x82\""),
    BYTES("{\"\xff\":1}"),
    BYTES("[\xff]"),
    /* arrays */
    BYTES("["),
    BYTES("]"),
    BYTES("[1"),
    BYTES("[1,"),
    BYTES("[1,]"),
    BYTES("[,1]"),
    BYTES("[,]"),
    BYTES("[1,,2]"),
    BYTES("[1 2]"),
    BYTES("[1;2]"),
    BYTES("[1}"),
    BYTES("[\"a\":1]"),
    BYTES("[1]]"),
    BYTES("[\v1]"),
    BYTES("[\f]"),
    BYTES("[\xc2\xa0]"),
    BYTES("[1\0]"),
    /* objects */
    BYTES("{"),
    BYTES("}"),
    BYTES("{a:1}"),
    BYTES("{'a':1}"),
    BYTES("{1:1}"),
    BYTES("{null:1}"),
    BYTES("{\"a\"}"),
    BYTES("{\"a\":}"),
    BYTES("{\"a\":1"),
    BYTES("{\"a\":1,}"),
    BYTES("{,\"a\":1}"),
    BYTES("{\"a\":1,,\"b\":2}"),
    BYTES("{\"a\" 1}"),
    BYTES("{\"a\":1 \"b\":2}"),
    BYTES("{\"a\"::1}"),
    BYTES("{\"a\":1]"),
    BYTES("{:1}"),
    BYTES("{\"a\",\"b\"}"),
    BYTES("{\"a\":1}}"),
    /* comments */
    BYTES("/**/1"),
    BYTES("[1//x\n]"),
    BYTES("# x\n1"),
    BYTES("{\"a\":/*x*/1}"),
    /* the same name twice: also spelled in two ways, also deep inside */
    BYTES("{\"a\":1,\"a\":1}"),
    BYTES("{\"a\":1,\"\\u0061\":2}"),
    BYTES("{\"\":1,\"\":2}"),
    BYTES("[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]"),
    BYTES("{\"a\\u0000b\":1,\"a\\u0000b\":1}"),
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct json_doc *doc = NULL;
        struct err err = { 0 };
        int rc = parse(refused[i], JSON_DEPTH_MAX, &doc, &err);

        if (rc != -E_JSON) {
            fail_msg("row %zu: %.*s gives %d", i, STR_ARG(refused[i]), rc);
        }
        assert_null(doc);
        assert_int_equal(err.code, -E_JSON);
        assert_true(strlen(err.text) > 10);
    }
}

static void fill_nested(struct buf *b, size_t depth, const char *open, const char *middle,
                        const char *close)
{
    buf_clear(b);
    for (size_t i = 0; i < depth; i++) {
        assert_int_equal(buf_add_c(b, open), 0);
    }
    assert_int_equal(buf_add_c(b, middle), 0);
    for (size_t i = 0; i < depth; i++) {
        assert_int_equal(buf_add_c(b, close), 0);
    }
}

static void test_depth(void **state)
{
    static const struct {
        size_t depth, depth_max;
        int rc;
    } rows[] = {
        { 0, 0, 0 },
        { 1, 0, -E_JSON },
        { 1, 1, 0 },
        { 2, 1, -E_JSON },
        { 64, 64, 0 },
        { 65, 64, -E_JSON },
        { 100000, 64, -E_JSON },
    };
    struct buf b;

    (void)state;
    buf_init(&b, TEXT_MAX);
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int kind = 0; kind < 2; kind++) {
            struct json_doc *doc = NULL;
            struct err err = { 0 };

            fill_nested(&b, rows[i].depth, kind == 0 ? "[" : "{\"a\":", "1",
                        kind == 0 ? "]" : "}");
            assert_int_equal(parse(buf_str(&b), rows[i].depth_max, &doc, &err), rows[i].rc);
            json_doc_free(doc);
        }
    }
    /* Siblings add no depth. */
    buf_clear(&b);
    assert_int_equal(buf_add_c(&b, "[[]"), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf_add_c(&b, ",[],{}"), 0);
    }
    assert_int_equal(buf_add_c(&b, "]"), 0);
    json_doc_free(parsed(b.p));
    buf_done(&b);
}

/* Objects on both sides of the switch from comparing pairs to sorting, with and without one name twice. */
static void test_names_twice(void **state)
{
    static const size_t counts[] = { 2, 3, 15, 16, 17, 18, 100, 5000 };
    struct buf b;

    (void)state;
    buf_init(&b, TEXT_MAX);
    for (size_t c = 0; c < COUNT(counts); c++) {
        size_t n = counts[c];

        for (size_t twice = 0; twice <= n; twice += twice < 4 || n < 20 ? 1 : n / 4) {
            struct json_doc *doc = NULL;
            int rc;

            /* The last name is that of member `twice`; twice == n: all differ. */
            buf_clear(&b);
            for (size_t i = 0; i < n; i++) {
                size_t name = i + 1 == n && twice + 1 < n ? twice : i;

                assert_int_equal(buf_printf(&b, "%s\"n%zu\":%zu", i == 0 ? "{" : ",",
                                            name * 7919 % 100003, i),
                                 0);
            }
            assert_int_equal(buf_add_c(&b, "}"), 0);
            rc = parse(buf_str(&b), JSON_DEPTH_MAX, &doc, NULL);
            assert_int_equal(rc, twice + 1 < n ? -E_JSON : 0);
            json_doc_free(doc);
        }
    }
    buf_done(&b);
}

/* No prefix of an object is an object, and none is read beyond its end. */
static void test_every_prefix(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2.5e+10,true,false,null,\"x\\u00e9\\ud83d\\ude00\\n\xc3\xa9\"],"
        "\"b\":{\"c\":{},\"d\":[[],[0]]},\"\":12345678901234567890}";
    size_t len = sizeof(text) - 1;

    (void)state;
    for (size_t n = 0; n < len; n++) {
        struct json_doc *doc = NULL;

        assert_int_equal(parse((struct str){ text, n }, JSON_DEPTH_MAX, &doc, NULL), -E_JSON);
    }
    json_doc_free(parsed(text));
}

static void test_values(void **state)
{
    struct json_doc *doc = parsed(
        "{\"n\":null,\"t\":true,\"f\":false,\"i\":-12,\"big\":9007199254740993,\"d\":1.50,"
        "\"e\":1e3,\"s\":\"a\\u0000b\",\"arr\":[10,[20],{\"x\":30}],\"obj\":{\"k\":\"v\"}}");
    const struct json *root = json_root(doc);
    int64_t i = 7;

    (void)state;
    assert_int_equal(json_type(root), JSON_OBJECT);
    assert_int_equal(json_count(root), 10);
    assert_int_equal(json_type(json_member(root, "n")), JSON_NULL);
    assert_int_equal(json_type(json_member(root, "t")), JSON_BOOL);
    assert_true(json_bool(json_member(root, "t")));
    assert_false(json_bool(json_member(root, "f")));
    assert_false(json_bool(json_member(root, "i")));
    assert_null(json_member(root, "none"));
    assert_null(json_member(root, "N"));
    assert_null(json_member(json_member(root, "arr"), "x"));
    assert_null(json_member(NULL, "x"));

    assert_true(str_eq_c(json_number(json_member(root, "d")), "1.50"));
    assert_true(str_eq_c(json_number(json_member(root, "big")), "9007199254740993"));
    assert_null(json_number(json_member(root, "s")).p);
    assert_true(str_eq(json_string(json_member(root, "s")), STR("a\0b")));
    assert_null(json_string(json_member(root, "i")).p);

    assert_int_equal(json_int(json_member(root, "i"), -12, 0, &i), 0);
    assert_int_equal(i, -12);
    assert_int_equal(json_int(json_member(root, "big"), 0, INT64_MAX, &i), 0);
    assert_true(i == 9007199254740993);
    i = 7;
    assert_int_equal(json_int(json_member(root, "i"), -11, 0, &i), -E_INVALID);
    assert_int_equal(json_int(json_member(root, "d"), 0, 10, &i), -E_INVALID);
    assert_int_equal(json_int(json_member(root, "e"), 0, 10000, &i), -E_INVALID);
    assert_int_equal(json_int(json_member(root, "s"), 0, 10, &i), -E_INVALID);
    assert_int_equal(i, 7);

    assert_int_equal(json_int(json_item(json_member(root, "arr"), 0), 0, 99, &i), 0);
    assert_int_equal(i, 10);
    assert_int_equal(json_type(json_item(json_member(root, "arr"), 2)), JSON_OBJECT);
    assert_null(json_item(json_member(root, "arr"), 3));
    json_doc_free(doc);
    json_doc_free(NULL);
}

static void test_walk(void **state)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    static const char *const values[] = { "[1,[2,3]]", "{\"x\":{}}", "\"s\"", "[]" };
    struct json_doc *doc = parsed("{\"a\":[1,[2,3]],\"b\":{\"x\":{}},\"c\":\"s\",\"d\":[]}");
    struct json_iter it = json_iter(json_root(doc));
    const struct json *v;
    struct str name;
    size_t n = 0;

    (void)state;
    while ((v = json_next(&it, &name)) != NULL) {
        assert_true(n < COUNT(names));
        assert_true(str_eq_c(name, names[n]));
        written_is(v, values[n]);
        n++;
    }
    assert_int_equal(n, COUNT(names));
    assert_null(json_next(&it, NULL));

    /* An array, and things that hold nothing. */
    it = json_iter(json_member(json_root(doc), "a"));
    written_is(json_next(&it, NULL), "1");
    written_is(json_next(&it, NULL), "[2,3]");
    assert_null(json_next(&it, NULL));
    it = json_iter(json_member(json_root(doc), "c"));
    assert_null(json_next(&it, NULL));
    it = json_iter(NULL);
    assert_null(json_next(&it, NULL));
    json_doc_free(doc);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void test_write_commas(void **state)
{
    struct json_doc *doc = parsed("{\"n\":[1.10,18446744073709551617]}");
    struct json_out o;
    struct buf b;

    (void)state;
    buf_init(&b, TEXT_MAX);
    json_out_begin(&o, &b);
    json_out_object(&o);
    json_put_str(&o, "s", STR("x"));
    json_put_c(&o, "c", NULL);
    json_put_int(&o, "min", INT64_MIN);
    json_put_bool(&o, "t", true);
    json_put_time(&o, "none", 0);
    json_put_time(&o, "at", 1);
    json_put_raw(&o, "raw", STR("{\"a\":1}"));
    json_put_raw(&o, "no", STR_NONE);
    json_out_name(&o, "list");
    json_out_array(&o);
    json_out_array(&o);
    json_out_array_end(&o);
    json_out_object(&o);
    json_out_object_end(&o);
    json_out_null(&o);
    json_out_bool(&o, false);
    json_out_value(&o, json_root(doc));
    json_out_array_end(&o);
    json_out_name(&o, "\"quoted\"");
    json_out_int(&o, 5);
    json_out_object_end(&o);
    assert_int_equal(json_out_end(&o), 0);
    assert_string_equal(
        b.p, "{\"s\":\"x\",\"c\":null,\"min\":-9223372036854775808,\"t\":true,\"none\":null,"
             "\"at\":\"1970-01-01T00:00:00.001Z\",\"raw\":{\"a\":1},\"no\":null,"
             "\"list\":[[],{},null,false,{\"n\":[1.10,18446744073709551617]}],"
             "\"\\\"quoted\\\"\":5}");
    json_doc_free(doc);
    doc = parsed(b.p);
    json_doc_free(doc);
    buf_done(&b);
}

static void test_write_strings(void **state)
{
    static const struct {
        struct str bytes;
        const char *written;
    } rows[] = {
        { BYTES(""), "\"\"" },
        { BYTES("plain /"), "\"plain /\"" },
        { BYTES("\"\\\b\t\n\f\r"), "\"\\\"\\\\\\b\\t\\n\\f\\r\"" },
        { BYTES("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\\u007f\"" },
        { BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
          "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
        { BYTES("\x80"), "\"\xef\xbf\xbd\"" },
        { BYTES("a\xff"
                "b"),
          "\"a\xef\xbf\xbd"
          "b\"" },
        { BYTES("\xc3"), "\"\xef\xbf\xbd\"" },
        { BYTES("\xc3\xa9\xc3"), "\"\xc3\xa9\xef\xbf\xbd\"" },
        { BYTES("\xff\xc3\xa9\n"), "\"\xef\xbf\xbd\xc3\xa9\\n\"" },
        { BYTES("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
        { BYTES("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    };
    struct buf b;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct json_out o;
        struct json_doc *doc;

        buf_init(&b, TEXT_MAX);
        json_out_begin(&o, &b);
        json_out_str(&o, rows[i].bytes);
        assert_int_equal(json_out_end(&o), 0);
        assert_string_equal(b.p, rows[i].written);
        doc = parsed(b.p);
        if (str_is_utf8(rows[i].bytes)) {
            assert_true(str_eq(json_string(json_root(doc)), rows[i].bytes));
        }
        json_doc_free(doc);
        buf_done(&b);
    }
}

/* Any bytes become a string that our own reader takes. */
static void test_write_random(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        unsigned char bytes[64];
        struct json_out o;
        struct json_doc *doc = NULL;
        struct buf b;

        random_bytes(bytes, sizeof(bytes));
        buf_init(&b, TEXT_MAX);
        json_out_begin(&o, &b);
        json_out_str(&o, (struct str){ (const char *)bytes, bytes[0] % sizeof(bytes) });
        assert_int_equal(json_out_end(&o), 0);
        assert_int_equal(parse(buf_str(&b), JSON_DEPTH_MAX, &doc, NULL), 0);
        json_doc_free(doc);
        buf_done(&b);
    }
}

static void test_write_limit(void **state)
{
    struct json_out o;
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    json_out_begin(&o, &b);
    json_out_object(&o);
    json_put_c(&o, "name", "a value that does not fit");
    json_put_int(&o, "n", 1);
    json_out_object_end(&o);
    assert_int_equal(json_out_end(&o), -E_TOO_LARGE);
    assert_true(b.len <= 10);
    buf_done(&b);
}

static void test_write_value_limit(void **state)
{
    struct json_doc *doc = parsed("[1,2,3,4,5,6]");
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    assert_int_equal(json_write(json_root(doc), &b), -E_TOO_LARGE);
    assert_int_equal(b.len, 0);
    json_doc_free(doc);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),         cmocka_unit_test(test_names_twice),
        cmocka_unit_test(test_every_prefix),  cmocka_unit_test(test_values),
        cmocka_unit_test(test_walk),          cmocka_unit_test(test_write_commas),
        cmocka_unit_test(test_write_strings), cmocka_unit_test(test_write_random),
        cmocka_unit_test(test_write_limit),   cmocka_unit_test(test_write_value_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
