/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing JSON, and forms: what is taken, what is refused, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "json/form.h"
#include "json/json.h"

#define TEXT(s) { s, sizeof(s) - 1 }

/* RFC 8259, the corners where parsers differ. */
static const struct str accepted[] = {
    TEXT("{}"), TEXT("[]"), TEXT("null"), TEXT("true"), TEXT("\"\""), TEXT("0"), TEXT("-0"), TEXT("1e2"),
    TEXT("1E+2"), TEXT("-1.5e-10"), TEXT("123456789012345678901234567890"), TEXT("1e400"), TEXT(" [ 1 , 2 ] "),
    TEXT("\t\n\r{}"), TEXT("[[[[]]]]"), TEXT("{\"\":1}"), TEXT("\"\\u0000\""), TEXT("\"\\ud83d\\ude00\""),
    TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\xc3\xa9\""), TEXT("\"\xf0\x9f\x98\x80\""), TEXT("\"\x7f\""),
    TEXT("{\"a\":{\"a\":1},\"b\":1}"), TEXT("[1,[2,[3]]]"), TEXT("0.1"), TEXT("[false]"), TEXT("\"\\u00e9\""),
};

static const struct str refused[] = {
    TEXT(""), TEXT(" "), TEXT("{"), TEXT("["), TEXT("]"), TEXT("}"), TEXT("[1,]"), TEXT("[,1]"), TEXT("[1 2]"),
    TEXT("{\"a\":1,}"), TEXT("{\"a\"}"), TEXT("{\"a\":}"), TEXT("{a:1}"), TEXT("{'a':1}"), TEXT("{1:1}"),
    TEXT("01"), TEXT("-01"), TEXT("+1"), TEXT("1."), TEXT(".1"), TEXT("1e"), TEXT("1e+"), TEXT("-"), TEXT("0x1"),
    TEXT("NaN"), TEXT("Infinity"), TEXT("-Infinity"), TEXT("nul"), TEXT("True"), TEXT("\"a"), TEXT("\"\\x\""),
    TEXT("\"\\u12\""), TEXT("\"\\ud800\""), TEXT("\"\\udc00\""), TEXT("\"\\ud800\\u0041\""), TEXT("\"\n\""),
    TEXT("\"\t\""), TEXT("\"\0\""), TEXT("\"\x80\""), TEXT("\"\xc0\xaf\""), TEXT("\"\xed\xa0\x80\""),
    TEXT("\"\xf4\x90\x80\x80\""), TEXT("\xef\xbb\xbf{}"), TEXT("{} {}"), TEXT("1 2"), TEXT("[1]x"), TEXT("/**/1"),
    TEXT("{\"a\":1,\"a\":2}"), TEXT("[{\"x\":1,\"y\":2,\"x\":3}]"), TEXT("{\"a\":1,\"\\u0061\":2}"), TEXT("[\"\\\"]"),
};

static void test_accept_and_refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        struct json_doc *doc = NULL;
        struct err err = { .text = "" };
        int rc = json_parse(accepted[i], JSON_DEPTH_MAX, &doc, &err);

        if (rc != 0) {
            fail_msg("refused: %s: %s", accepted[i].p, err.text);
        }
        json_doc_free(doc);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct json_doc *doc = NULL;
        struct err err = { .text = "" };

        if (json_parse(refused[i], JSON_DEPTH_MAX, &doc, &err) != -E_JSON) {
            fail_msg("accepted: %s", refused[i].p);
        }
        assert_true(strlen(err.text) > 10);
    }
}

static void test_every_prefix(void **state)
{
    static const char text[] = "{\"a\":[1,-2.5e3,\"x\\u00e9\\n\",{\"b\":null}],\"c\":true}";

    (void)state;
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        struct json_doc *doc = NULL;

        assert_int_equal(json_parse((struct str){ text, len }, JSON_DEPTH_MAX, &doc, NULL), -E_JSON);
    }
}

static void test_depth(void **state)
{
    (void)state;
    for (size_t depth = 60; depth < 70; depth++) {
        char text[256];
        struct json_doc *doc = NULL;
        int rc;

        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        rc = json_parse((struct str){ text, depth * 2 }, JSON_DEPTH_MAX, &doc, NULL);
        assert_int_equal(rc, depth <= JSON_DEPTH_MAX ? 0 : -E_JSON);
        json_doc_free(doc);
    }
}

static void test_large_object_twice(void **state)
{
    struct buf text;
    struct json_doc *doc = NULL;

    (void)state;
    buf_init(&text, 1 << 20);
    assert_int_equal(buf_add_c(&text, "{\"k5\":0"), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf_printf(&text, ",\"k%d\":1", i + 6), 0);
    }
    assert_int_equal(buf_add_c(&text, "}"), 0);
    assert_int_equal(json_parse(buf_str(&text), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_int_equal(json_count(json_root(doc)), 1001);
    json_doc_free(doc);
    text.len--;
    assert_int_equal(buf_add_c(&text, ",\"k77\":2}"), 0);
    assert_int_equal(json_parse(buf_str(&text), JSON_DEPTH_MAX, &doc, NULL), -E_JSON);
    buf_done(&text);
}

/* Numbers beyond 2^53 and odd spellings stay as written; so do names and their order. */
static void test_round_trip(void **state)
{
    static const char text[] = "{\"big\":123456789012345678901234567890,\"neg\":-0.10,\"exp\":1E+2,\"z\":[],\"a\":{}}";
    struct json_doc *doc = NULL;
    struct json_iter it;
    struct str name;
    struct buf out;
    size_t count = 0;

    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(json_parse(str_from(text), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_int_equal(json_write(json_root(doc), &out), 0);
    assert_string_equal(out.p, text);
    it = json_iter(json_root(doc));
    while (json_next(&it, &name) != NULL) {
        count++;
    }
    assert_int_equal(count, 5);
    assert_true(str_eq_c(name, "a"));
    json_doc_free(doc);
    buf_done(&out);
}

static void test_iterate_nested(void **state)
{
    struct json_doc *doc = NULL;
    struct json_iter it;
    const struct json *v;
    int64_t sum = 0;

    (void)state;
    assert_int_equal(json_parse(STR("[[1,[2]],{\"x\":[9,9]},3,{\"y\":1},4]"), JSON_DEPTH_MAX, &doc, NULL), 0);
    it = json_iter(json_root(doc));
    while ((v = json_next(&it, NULL)) != NULL) {
        int64_t i = 0;

        if (json_int(v, 0, 100, &i) == 0) {
            sum += i;
        }
    }
    assert_int_equal(sum, 7);
    json_doc_free(doc);
}

static void test_out(void **state)
{
    struct json_out o;
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    json_out_begin(&o, &out);
    json_out_object(&o);
    json_put_str(&o, "s", (struct str)TEXT("q\"\\\n\x01\0\x7f\xc3\xa9\xff\xe2\x82"));
    json_put_int(&o, "i", -5);
    json_put_bool(&o, "b", true);
    json_put_time(&o, "t", 0);
    json_out_name(&o, "a");
    json_out_array(&o);
    json_out_int(&o, 1);
    json_out_object(&o);
    json_out_object_end(&o);
    json_out_null(&o);
    json_out_array_end(&o);
    json_put_raw(&o, "r", STR_NONE);
    json_out_object_end(&o);
    assert_int_equal(json_out_end(&o), 0);
    assert_string_equal(out.p, "{\"s\":\"q\\\"\\\\\\n\\u0001\\u0000\\u007f\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
                               "\"i\":-5,\"b\":true,\"t\":null,\"a\":[1,{},null],\"r\":null}");
    buf_done(&out);
    buf_init(&out, 4);
    json_out_begin(&o, &out);
    json_out_c(&o, "too long");
    assert_int_equal(json_out_end(&o), -E_TOO_LARGE);
    buf_done(&out);
}

static const struct form_fault *fault_at(const struct form_faults *faults, const char *pointer)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (str_eq_c(faults->rows[i].pointer, pointer)) {
            return &faults->rows[i];
        }
    }
    return NULL;
}

static void test_form(void **state)
{
    static const char text[] = "{\"name\":\"\",\"n\":1.5,\"b\":\"x\",\"t\":\"today\",\"zero\":\"a\\u0000b\",\"m\":{\"k/~\":1},"
                               "\"list\":[1,2,3],\"odd/field\":1,\"gone\":null}";
    struct json_doc *doc = NULL;
    struct form_faults faults;
    struct arena arena;
    struct form f;
    struct str s;
    int64_t i;
    bool b;
    const struct json *v;

    (void)state;
    arena_init(&arena);
    assert_int_equal(json_parse(str_from(text), JSON_DEPTH_MAX, &doc, NULL), 0);
    form_faults_init(&faults, &arena);
    form_begin(&f, json_root(doc), STR_NONE, &faults);
    assert_false(form_string(&f, "name", true, 1, 10, &s));
    assert_false(form_int(&f, "n", false, 0, 10, &i));
    assert_false(form_bool(&f, "b", false, &b));
    assert_false(form_time(&f, "t", false, &i));
    assert_false(form_string(&f, "zero", false, 0, 10, &s));
    assert_false(form_string_map(&f, "m", 5, 10, 10, &v));
    assert_false(form_array(&f, "list", false, 2, &v));
    assert_false(form_string(&f, "gone", true, 0, 10, &s));
    assert_false(form_string(&f, "missing", false, 0, 10, &s));
    form_end(&f);
    assert_string_equal(fault_at(&faults, "/name")->code, "too_short");
    assert_string_equal(fault_at(&faults, "/n")->code, "range");
    assert_string_equal(fault_at(&faults, "/b")->code, "type");
    assert_string_equal(fault_at(&faults, "/t")->code, "pattern");
    assert_string_equal(fault_at(&faults, "/zero")->code, "nul");
    assert_string_equal(fault_at(&faults, "/m/k~1~0")->code, "type");
    assert_string_equal(fault_at(&faults, "/list")->code, "too_long");
    assert_string_equal(fault_at(&faults, "/gone")->code, "required");
    assert_string_equal(fault_at(&faults, "/odd~1field")->code, "unknown");
    assert_int_equal(faults.count, 9);
    json_doc_free(doc);
    arena_done(&arena);
}

static void test_form_fault_limit(void **state)
{
    struct form_faults faults;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    form_faults_init(&faults, &arena);
    for (int i = 0; i < 100; i++) {
        form_fault(&faults, STR("/x"), "type", "%d", i);
    }
    assert_int_equal(faults.count, FORM_FAULTS_MAX);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept_and_refuse), cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_depth),             cmocka_unit_test(test_large_object_twice),
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_iterate_nested),
        cmocka_unit_test(test_out),               cmocka_unit_test(test_form),
        cmocka_unit_test(test_form_fault_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
