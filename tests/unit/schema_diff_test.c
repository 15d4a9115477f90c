/* SPDX-License-Identifier: Apache-2.0 */
/* Which changes of a schema may be made under the same version, and where the others are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "json/schema_diff.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void compare(const char *before, const char *after, const char *place)
{
    struct json_doc *old = NULL;
    struct json_doc *new = NULL;
    struct schema_errors errors;
    struct arena arena;
    bool breaks;

    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    assert_int_equal(json_parse(str_from(before), JSON_DEPTH_MAX, &old, NULL), 0);
    assert_int_equal(json_parse(str_from(after), JSON_DEPTH_MAX, &new, NULL), 0);
    breaks = schema_breaks(json_root(old), json_root(new), &errors);
    if (breaks != (place != NULL) || breaks != (errors.count > 0)) {
        fail_msg("%s -> %s: %s", before, after, breaks ? "breaks" : "does not break");
    }
    if (place != NULL && !str_eq_c(errors.rows[0].schema, place)) {
        fail_msg("%s -> %s: told at %.*s", before, after, STR_ARG(errors.rows[0].schema));
    }
    json_doc_free(old);
    json_doc_free(new);
    arena_done(&arena);
}

static void test_rules(void **state)
{
    static const struct {
        const char *before, *after, *place; /* NULL: it does not break */
    } rows[] = {
        { "{}", "{\"type\":\"object\"}", NULL },
        { "true", "{\"type\":\"object\"}", NULL },
        { "{\"type\":\"object\"}", "{}", "#/type" },
        { "{\"type\":\"object\"}", "false", NULL },
        { "{\"type\":\"number\"}", "{\"type\":\"integer\"}", NULL },
        { "{\"type\":\"integer\"}", "{\"type\":\"number\"}", "#/type" },
        { "{\"type\":[\"string\",\"null\"]}", "{\"type\":\"string\"}", NULL },
        { "{\"type\":\"string\"}", "{\"type\":[\"string\",\"null\"]}", "#/type" },
        { "{\"properties\":{\"a\":true}}", "{\"properties\":{\"a\":true,\"b\":true}}", NULL },
        { "{\"properties\":{\"a\":true,\"b\":true}}", "{\"properties\":{\"a\":true}}",
          "#/properties/b" },
        { "{\"properties\":{\"a\":{\"properties\":{\"x/y\":{\"type\":\"string\"}}}}}",
          "{\"properties\":{\"a\":{\"properties\":{\"x/y\":{\"type\":\"null\"}}}}}",
          "#/properties/a/properties/x~1y/type" },
        { "{\"properties\":{\"a\":true},\"additionalProperties\":false}",
          "{\"properties\":{\"a\":true,\"b\":true},\"additionalProperties\":false}",
          "#/properties/b" },
        { "{\"additionalProperties\":false}", "{}", "#/additionalProperties" },
        { "{}", "{\"additionalProperties\":false}", NULL },
        { "{}", "{\"required\":[\"a\"]}", NULL },
        { "{\"required\":[\"a\"]}", "{\"required\":[\"a\",\"b\"]}", NULL },
        { "{\"required\":[\"a\",\"b\"]}", "{\"required\":[\"a\"]}", "#/required" },
        { "{\"enum\":[1,2]}", "{\"enum\":[2.0]}", NULL },
        { "{\"enum\":[1,2]}", "{\"const\":1}", NULL },
        { "{\"enum\":[1]}", "{\"enum\":[1,2]}", "#/enum" },
        { "{\"const\":1}", "{\"enum\":[1,2]}", "#/const" },
        { "{\"enum\":[1]}", "{}", "#/enum" },
        { "{\"maximum\":9}", "{\"maximum\":8.5}", NULL },
        { "{\"maximum\":9}", "{\"maximum\":10}", "#/maximum" },
        { "{\"minLength\":1}", "{}", "#/minLength" },
        { "{\"minLength\":1}", "{\"minLength\":2}", NULL },
        { "{\"multipleOf\":5}", "{\"multipleOf\":10}", NULL },
        { "{\"multipleOf\":5}", "{\"multipleOf\":7}", "#/multipleOf" },
        { "{}", "{\"pattern\":\"a\"}", NULL },
        { "{\"pattern\":\"a\"}", "{\"pattern\":\"b\"}", "#/pattern" },
        { "{\"format\":\"email\"}", "{}", "#/format" },
        { "{\"items\":{\"type\":\"string\"}}",
          "{\"items\":{\"enum\":[\"a\"],\"type\":\"string\"}}", NULL },
        { "{\"items\":{\"type\":\"string\"}}", "{\"items\":true}", "#/items/type" },
        { "{\"prefixItems\":[true,{\"type\":\"null\"}]}", "{\"prefixItems\":[true]}",
          "#/prefixItems" },
        { "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
          "{\"anyOf\":[{\"type\":\"null\"}]}", NULL },
        { "{\"anyOf\":[{\"type\":\"null\"}]}",
          "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "#/anyOf" },
        { "{\"allOf\":[{\"required\":[\"a\"]}]}",
          "{\"allOf\":[{\"required\":[\"b\"]},{\"required\":[\"a\",\"c\"]}]}", NULL },
        { "{\"allOf\":[{\"required\":[\"a\"]}]}", "{\"allOf\":[{\"required\":[\"b\"]}]}",
          "#/allOf" },
        { "{\"not\":{\"const\":1}}", "{\"not\":{\"const\":1.0}}", NULL },
        { "{\"not\":{\"const\":1}}", "{\"not\":{\"const\":2}}", "#/not" },
        { "{\"title\":\"a\",\"description\":\"b\"}", "{\"title\":\"c\"}", NULL },
        { "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"string\"}}}",
          "{\"$ref\":\"#/$defs/b\",\"$defs\":{\"b\":{\"type\":\"string\",\"maxLength\":3}}}",
          NULL },
        { "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"string\"}}}",
          "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"null\"}}}", "#/type" },
        { "{\"properties\":{\"a\":{\"$ref\":\"#/$defs/"
          "a\"}},\"$defs\":{\"a\":{\"type\":\"string\"}}}",
          "{\"properties\":{\"a\":{\"type\":\"string\"}}}", NULL },
        { "{\"properties\":{\"n\":{\"$ref\":\"#\"},\"v\":{\"type\":\"string\"}}}",
          "{\"properties\":{\"n\":{\"$ref\":\"#\"},\"v\":{\"type\":\"string\"},\"w\":true}}",
          NULL },
        { "{\"not\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":{\"const\":1}}}",
          "{\"not\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":{\"const\":2}}}", "#/not" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        compare(rows[i].before, rows[i].after, rows[i].place);
        compare(rows[i].before, rows[i].before, NULL);
        compare(rows[i].after, rows[i].after, NULL);
    }
}

static void test_a_schema_may_come_and_may_not_go(void **state)
{
    struct json_doc *doc = NULL;
    struct schema_errors errors;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    assert_int_equal(json_parse(STR("{\"type\":\"object\"}"), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_false(schema_breaks(NULL, json_root(doc), &errors));
    assert_true(schema_breaks(json_root(doc), NULL, &errors));
    assert_int_equal(errors.count, 1);
    json_doc_free(doc);
    arena_done(&arena);
}

/* More subschemas than are compared: that cannot be judged, so it breaks. */
static void test_limit_of_pairs(void **state)
{
    struct schema_errors errors;
    struct json_doc *doc = NULL;
    struct arena arena;
    struct buf text;

    (void)state;
    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    buf_init(&text, 1024 * 1024);
    assert_int_equal(buf_add_c(&text, "{\"properties\":{"), 0);
    for (int i = 0; i <= SCHEMA_DIFF_PAIRS_MAX; i++) {
        assert_int_equal(
            buf_printf(&text, "%s\"p%d\":{\"type\":\"null\"}", i > 0 ? "," : "", i), 0);
    }
    assert_int_equal(buf_add_c(&text, "}}"), 0);
    assert_int_equal(json_parse(buf_str(&text), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_true(schema_breaks(json_root(doc), json_root(doc), &errors));
    assert_non_null(strstr(errors.rows[0].text.p, "too large"));
    json_doc_free(doc);
    buf_done(&text);
    arena_done(&arena);
}

/* An enum whose comparing would take forever. */
static void test_limit_of_values(void **state)
{
    struct schema_errors errors;
    struct json_doc *doc = NULL;
    struct arena arena;
    struct buf text;

    (void)state;
    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    buf_init(&text, 1024 * 1024);
    assert_int_equal(buf_add_c(&text, "{\"enum\":[0"), 0);
    for (int i = 1; i < 2000; i++) {
        assert_int_equal(buf_printf(&text, ",%d", i), 0);
    }
    assert_int_equal(buf_add_c(&text, "]}"), 0);
    assert_int_equal(json_parse(buf_str(&text), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_true(schema_breaks(json_root(doc), json_root(doc), &errors));
    json_doc_free(doc);
    buf_done(&text);
    arena_done(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_a_schema_may_come_and_may_not_go),
        cmocka_unit_test(test_limit_of_pairs),
        cmocka_unit_test(test_limit_of_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
