/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema: where errors point, what does not compile, and each limit. (What keywords mean is
 * shown by the official suite, schema_suite_test.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "json/decimal.h"
#include "json/pattern.h"
#include "json/schema.h"
#include "json/uri.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { TEXT_MAX = 1024 * 1024 };

static struct schema *compile(const char *text)
{
    struct schema_errors errors;
    struct schema *schema = NULL;
    struct arena arena;

    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    if (schema_compile(str_from(text), NULL, &schema, &errors) != 0) {
        fail_msg("%s: %.*s", text, STR_ARG(errors.rows[0].text));
    }
    arena_done(&arena);
    return schema;
}

static int check(const struct schema *schema, struct str value, bool *ret_valid,
                 struct schema_errors *errors)
{
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    int rc;

    if (json_parse(value, JSON_DEPTH_MAX, &doc, &err) != 0) {
        fail_msg("%.*s: %s", STR_ARG(value), err.text);
    }
    rc = schema_check(schema, json_root(doc), ret_valid, errors);
    json_doc_free(doc);
    return rc;
}

static struct str text(struct str s)
{
    return s.p == NULL ? STR("") : s;
}

/* --- where an error points */
static void test_pointers(void **state)
{
    static const struct {
        const char *schema, *value, *instance, *place, *keyword;
    } rows[] = {
        { "{\"type\":\"object\"}", "1", "", "#/type", "type" },
        { "{\"properties\":{\"a/b\":{\"minLength\":2}}}", "{\"a/b\":\"x\"}", "/a~1b",
          "#/properties/a~1b/minLength", "minLength" },
        { "{\"items\":{\"$ref\":\"#/$defs/n\"},\"$defs\":{\"n\":{\"type\":\"integer\"}}}",
          "[1,1.0,\"x\"]", "/2", "#/$defs/n/type", "type" },
        { "{\"required\":[\"a\"]}", "{}", "", "#/required", "required" },
        { "{\"additionalProperties\":false}", "{\"k\":1}", "/k", "#/additionalProperties",
          "additionalProperties" },
        { "{\"prefixItems\":[true,false]}", "[1,2]", "/1", "#/prefixItems/1", "false" },
        { "{\"anyOf\":[{\"type\":\"null\"},{\"const\":1}]}", "2", "", "#/anyOf", "anyOf" },
        { "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", "", "#/dependentRequired",
          "dependentRequired" },
        { "{\"unevaluatedProperties\":false,\"properties\":{\"a\":true}}", "{\"a\":1,\"b\":2}",
          "/b", "#/unevaluatedProperties", "false" },
        { "{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}", "", "#/propertyNames",
          "propertyNames" },
        { "{\"maximum\":10000000000000000000000000000001}", "10000000000000000000000000000002",
          "", "#/maximum", "maximum" },
        { "{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}", "{\"type\":7}",
          "/type",
          "https://json-schema.org/draft/2020-12/meta/validation#/properties/type/anyOf",
          "anyOf" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct schema *schema = compile(rows[i].schema);
        struct schema_errors errors;
        struct arena arena;
        bool valid = true;

        arena_init(&arena);
        schema_errors_init(&errors, &arena);
        assert_int_equal(check(schema, str_from(rows[i].value), &valid, &errors), 0);
        assert_false(valid);
        assert_int_equal(errors.count, 1);
        assert_string_equal(text(errors.rows[0].instance).p, rows[i].instance);
        assert_string_equal(text(errors.rows[0].schema).p, rows[i].place);
        assert_string_equal(text(errors.rows[0].keyword).p, rows[i].keyword);
        assert_true(errors.rows[0].text.len > 0);
        arena_done(&arena);
        schema_free(schema);
    }
}

static void test_draft_07_by_schema_member(void **state)
{
    struct schema *schema =
        compile("{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
                "\"items\":[{\"type\":\"null\"}],\"additionalItems\":false}");
    bool valid = true;

    (void)state;
    assert_int_equal(check(schema, STR("[null]"), &valid, NULL), 0);
    assert_true(valid);
    assert_int_equal(check(schema, STR("[null,1]"), &valid, NULL), 0);
    assert_false(valid);
    schema_free(schema);
}

/* --- what does not compile */
static void test_faults(void **state)
{
    static const struct {
        const char *schema, *place;
    } rows[] = {
        { "[]", "#" },
        { "{\"type\":\"text\"}", "#/type" },
        { "{\"type\":[\"null\",\"null\"]}", "#/type" },
        { "{\"properties\":{\"a\":{\"minLength\":-1}}}", "#/properties/a/minLength" },
        { "{\"properties\":{\"a\":5}}", "#/properties" },
        { "{\"$defs\":{\"unused\":{\"maxItems\":\"2\"}}}", "#/$defs/unused/maxItems" },
        { "{\"multipleOf\":0}", "#/multipleOf" },
        { "{\"multipleOf\":1.2345678901234567891}", "#/multipleOf" },
        { "{\"required\":[1]}", "#/required" },
        { "{\"allOf\":[]}", "#/allOf" },
        { "{\"enum\":{}}", "#/enum" },
        { "{\"pattern\":\"(\"}", "#/pattern" },
        { "{\"pattern\":\"(?i)a\"}", "#/pattern" },
        { "{\"patternProperties\":{\"a{2}{3}\":true}}", "#/patternProperties" },
        { "{\"$ref\":\"https://example.com/other.json\"}", "#/$ref" },
        { "{\"$ref\":\"#/$defs/none\"}", "#/$ref" },
        { "{\"$ref\":\"#none\"}", "#/$ref" },
        { "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\"}", "#/$schema" },
        { "{\"$defs\":{\"a\":{\"$id\":\"x\"},\"b\":{\"$id\":\"x\"}}}", "#/$defs/b/$id" },
        { "{\"if\":1}", "#/if" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct schema_errors errors;
        struct schema *schema = NULL;
        struct arena arena;

        arena_init(&arena);
        schema_errors_init(&errors, &arena);
        if (schema_compile(str_from(rows[i].schema), NULL, &schema, &errors) != -E_INVALID) {
            fail_msg("compiles: %s", rows[i].schema);
        }
        assert_null(schema);
        assert_true(errors.count > 0);
        assert_string_equal(errors.rows[0].schema.p, rows[i].place);
        arena_done(&arena);
    }
}

static void test_broken_json_is_a_fault(void **state)
{
    struct schema_errors errors;
    struct schema *schema = NULL;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    assert_int_equal(schema_compile(STR("{\"type\":"), NULL, &schema, &errors), -E_INVALID);
    assert_int_equal(errors.count, 1);
    arena_done(&arena);
}

/* --- limits */
static void repeat(struct buf *out, const char *head, const char *body, size_t times,
                   const char *tail)
{
    buf_init(out, TEXT_MAX);
    assert_int_equal(buf_add_c(out, head), 0);
    for (size_t i = 0; i < times; i++) {
        assert_int_equal(buf_printf(out, "%s%s", i > 0 ? "," : "", body), 0);
    }
    assert_int_equal(buf_add_c(out, tail), 0);
}

static void refuse_large(const struct buf *schema_text, const char *word)
{
    struct schema_errors errors;
    struct schema *schema = NULL;
    struct arena arena;

    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    assert_int_equal(schema_compile(buf_str(schema_text), NULL, &schema, &errors),
                     -E_TOO_LARGE);
    assert_string_equal(errors.rows[errors.count - 1].keyword.p, "limit");
    assert_non_null(strstr(errors.rows[errors.count - 1].text.p, word));
    arena_done(&arena);
}

static void test_limit_of_bytes(void **state)
{
    struct buf schema;

    (void)state;
    repeat(&schema, "{\"$comment\":\"", "0123456789", SCHEMA_SIZE_MAX / 11, "\"}");
    refuse_large(&schema, "bytes");
    buf_done(&schema);
}

static void test_limit_of_nodes(void **state)
{
    struct buf schema;

    (void)state;
    repeat(&schema, "{\"allOf\":[", "{}", SCHEMA_NODES_MAX, "]}");
    refuse_large(&schema, "subschemas");
    buf_done(&schema);
}

static void test_limit_of_patterns(void **state)
{
    struct buf schema;

    (void)state;
    repeat(&schema, "{\"allOf\":[", "{\"pattern\":\"a\"}", SCHEMA_PATTERNS_MAX + 1, "]}");
    refuse_large(&schema, "patterns");
    buf_done(&schema);
    repeat(&schema, "{\"allOf\":[", "{\"pattern\":\"(?:(?:ab){50}c){20}\"}", 40, "]}");
    refuse_large(&schema, "patterns");
    buf_done(&schema);
}

static void test_limit_of_errors(void **state)
{
    struct schema *schema = compile("{\"items\":{\"type\":\"string\"}}");
    struct schema_errors errors;
    struct arena arena;
    struct buf value;
    bool valid = true;

    (void)state;
    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    repeat(&value, "[", "1", SCHEMA_ERRORS_MAX + 1, "]");
    assert_int_equal(check(schema, buf_str(&value), &valid, &errors), 0);
    assert_false(valid);
    assert_int_equal(errors.count, SCHEMA_ERRORS_MAX);
    assert_true(errors.more);
    buf_done(&value);
    arena_done(&arena);
    schema_free(schema);
}

static void test_long_pointers_are_cut(void **state)
{
    struct schema *schema = compile("{\"additionalProperties\":{\"type\":\"null\"}}");
    struct schema_errors errors;
    struct arena arena;
    struct buf value;
    bool valid = true;

    (void)state;
    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    repeat(&value, "{\"", "\xc3\xa4\xc3\xb6", SCHEMA_POINTER_MAX, "\":1}");
    assert_int_equal(check(schema, buf_str(&value), &valid, &errors), 0);
    assert_true(errors.rows[0].instance.len <= SCHEMA_POINTER_MAX);
    assert_true(str_is_utf8(errors.rows[0].instance));
    buf_done(&value);
    arena_done(&arena);
    schema_free(schema);
}

/* The limit is an entry, and the answer says that it is not known. */
static void stops(const char *schema_text, struct str value, const char *word)
{
    struct schema *schema = compile(schema_text);
    struct schema_errors errors;
    struct arena arena;
    bool valid = true;

    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    assert_int_equal(check(schema, value, &valid, &errors), -E_TOO_LARGE);
    assert_true(errors.count > 0);
    assert_string_equal(errors.rows[errors.count - 1].keyword.p, "limit");
    assert_non_null(strstr(errors.rows[errors.count - 1].text.p, word));
    assert_int_equal(check(schema, value, &valid, NULL), -E_TOO_LARGE);
    arena_done(&arena);
    schema_free(schema);
}

static void test_limit_of_steps(void **state)
{
    struct buf value;

    (void)state;
    repeat(&value, "[", "1", 50000, "]");
    stops("{\"allOf\":[{\"items\":{\"type\":\"integer\"}},{\"items\":{\"minimum\":0}},"
          "{\"items\":{\"maximum\":2}},{\"items\":{\"multipleOf\":1}},{\"items\":{\"not\":"
          "false}}]}",
          buf_str(&value), "steps");
    buf_done(&value);
    /* Equal values by the thousand: the comparing is counted too. */
    repeat(&value, "[", "[[1,2,3,4,5,6,7,8,9]]", 30000, "]");
    stops("{\"uniqueItems\":true}", buf_str(&value), "steps");
    stops("{\"not\":{\"uniqueItems\":true}}", buf_str(&value), "steps");
    buf_done(&value);
}

static void test_limit_of_depth(void **state)
{
    (void)state;
    stops("{\"$ref\":\"#\"}", STR("1"), "without end");
    stops("{\"not\":{\"$ref\":\"#\"}}", STR("1"), "without end");
    stops("{\"$dynamicAnchor\":\"a\",\"anyOf\":[{\"$dynamicRef\":\"#a\"}]}", STR("1"),
          "without end");
}

static void test_limit_of_pattern_steps(void **state)
{
    (void)state;
    stops("{\"pattern\":\"^(a+)+$\"}", STR("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\""),
          "pattern");
    stops("{\"pattern\":\"(x+x+)+[yz]\"}", STR("\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""),
          "pattern");
    stops("{\"patternProperties\":{\"^(a|aa)+$\":true}}",
          STR("{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\":1}"),
          "pattern");
}

/* --- patterns */
static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        int found; /* -1: does not compile */
    } rows[] = {
        { "^abc$", "abc\n", 0 },
        { "a.c", "a\nc", 0 },
        { "^\\d+$", "\xe0\xa7\xaa", 0 },
        { "^\\s$", "\xef\xbb\xbf", 1 },
        { "^[^\\S]$", "\xc2\xa0", 1 },
        { "^\\S$", "\xe2\x80\x93", 1 },
        { "^\\p{Letter}+$", "\xcf\x80", 1 },
        { "^\\p{gc=Decimal_Number}$", "7", 1 },
        { "^\\p{Script=Greek}$", "\xcf\x80", 1 },
        { "^\\u00e4\\xe4\\u{e4}$", "\xc3\xa4\xc3\xa4\xc3\xa4", 1 },
        { "^\\ud83d\\udc32$", "\xf0\x9f\x90\xb2", 1 },
        { "^\\ud83d$", "", -1 },
        { "^\\cC$", "\x03", 1 },
        { "^[[:alpha:]]$", "a]", 1 }, /* a class of [, :, a, l, p, h, then ] */
        { "^[\\b]$", "\b", 1 },
        { "[]", "a", 0 },
        { "[^]", "\n", 1 },
        { "^(?<x>a)\\k<x>\\1$", "aaa", 1 },
        { "x{,2}", "x{,2}", 1 },
        { "a|b", "cb", 1 },
        { "b", "aaab", 1 },
        { "(?=b)b", "ab", 1 },
        { "(?<=a)b", "ab", 1 },
        { "a++", "", -1 },
        { "*a", "", -1 },
        { "(?i)a", "", -1 },
        { "(?>a)", "", -1 },
        { "(?R)", "", -1 },
        { "(*FAIL)", "", -1 },
        { "\\Aa", "", -1 },
        { "\\Z", "", -1 },
        { "\\Q.\\E", "", -1 },
        { "[a", "", -1 },
        { "\\", "", -1 },
        { "a{99999}", "", -1 },
        { "(((((((((((((((((((((((((((((((((((((((a)))))))))))))))))))))))))))))))))))))))", "",
          -1 },
    };
    struct pattern_run *run = pattern_run_new();

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pattern *p = NULL;
        struct err err = { 0 };
        int64_t budget = 100000;
        bool found = false;

        if (pattern_compile(str_from(rows[i].pattern), &p, &err) != 0) {
            if (rows[i].found >= 0) {
                fail_msg("%s: %s", rows[i].pattern, err.text);
            }
            assert_true(err.text[0] != '\0');
            continue;
        }
        assert_int_equal(pattern_match(p, run, str_from(rows[i].text), &budget, &found), 0);
        if (rows[i].found != (found ? 1 : 0)) {
            fail_msg("%s on %s", rows[i].pattern, rows[i].text);
        }
        pattern_free(p);
    }
    pattern_run_free(run);
}

static void test_limits_of_one_pattern(void **state)
{
    struct pattern *p = NULL;
    struct err err;
    struct buf long_one;

    (void)state;
    repeat(&long_one, "", "aaaaaaaaa", PATTERN_SIZE_MAX / 10 + 1, "");
    assert_int_equal(pattern_compile(buf_str(&long_one), &p, &err), -E_TOO_LARGE);
    buf_done(&long_one);
    assert_int_not_equal(pattern_compile(STR("((?:ab){1000}){1000}"), &p, &err), 0);
    assert_null(p);
}

/* --- numbers */
static void test_numbers(void **state)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {
        { "1", "1.0", 0 },
        { "10", "1e1", 0 },
        { "0.10", "1E-1", 0 },
        { "-0", "0.000e99999999999999999999", 0 },
        { "-1", "1", -1 },
        { "-2", "-10", 1 },
        { "0.3", "0.29999999999999999999999999999999999", 1 },
        { "9007199254740993", "9007199254740992", 1 },
        { "1e400", "9e399", 1 },
        { "1e-400", "0", 1 },
        { "123456", "123457", -1 },
        { "12", "1.2", 1 },
    };
    static const struct {
        const char *number, *divisor;
        bool multiple;
    } divisions[] = {
        { "0", "7", true },
        { "12391239123", "1e-8", true },
        { "1e308", "0.123456789", false },
        { "0.0075", "0.0001", true },
        { "0.00751", "0.0001", false },
        { "999999999999999999999999999999", "3", true },
        { "999999999999999999999999999998", "3", false },
        { "1e100", "1024", true },
        { "1e3", "1024", false },
        { "-4.5", "1.5", true },
        { "1e999999999999", "999999999999999999", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct decimal a;
        struct decimal b;

        assert_int_equal(decimal_parse(str_from(rows[i].a), &a), 0);
        assert_int_equal(decimal_parse(str_from(rows[i].b), &b), 0);
        assert_int_equal(decimal_compare(&a, &b), rows[i].order);
        assert_int_equal(decimal_compare(&b, &a), -rows[i].order);
        if (rows[i].order == 0) {
            assert_true(decimal_hash(&a) == decimal_hash(&b));
        }
    }
    for (size_t i = 0; i < COUNT(divisions); i++) {
        struct decimal n;
        struct decimal by;

        assert_int_equal(decimal_parse(str_from(divisions[i].number), &n), 0);
        assert_int_equal(decimal_parse(str_from(divisions[i].divisor), &by), 0);
        assert_true(decimal_is_divisor(&by));
        if (decimal_is_multiple(&n, &by) != divisions[i].multiple) {
            fail_msg("%s by %s", divisions[i].number, divisions[i].divisor);
        }
    }
}

/* --- names: the examples of RFC 3986, 5.4 */
static void test_uris(void **state)
{
    static const struct {
        const char *reference, *resolved;
    } rows[] = {
        { "g:h", "g:h" },
        { "g", "http://a/b/c/g" },
        { "./g", "http://a/b/c/g" },
        { "g/", "http://a/b/c/g/" },
        { "/g", "http://a/g" },
        { "//g", "http://g" },
        { "?y", "http://a/b/c/d;p?y" },
        { "g?y", "http://a/b/c/g?y" },
        { "#s", "http://a/b/c/d;p?q" },
        { "", "http://a/b/c/d;p?q" },
        { ".", "http://a/b/c/" },
        { "..", "http://a/b/" },
        { "../g", "http://a/b/g" },
        { "../../g", "http://a/g" },
        { "../../../g", "http://a/g" },
        { "/./g", "http://a/g" },
        { "g..", "http://a/b/c/g.." },
        { "./g/.", "http://a/b/c/g/" },
        { "g/../h", "http://a/b/c/h" },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str fragment;
        struct str got = uri_resolve(&arena, STR("http://a/b/c/d;p?q"),
                                     str_from(rows[i].reference), &fragment);

        if (!str_eq_c(got, rows[i].resolved)) {
            fail_msg("%s: %.*s", rows[i].reference, STR_ARG(got));
        }
    }
    arena_done(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_draft_07_by_schema_member),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_broken_json_is_a_fault),
        cmocka_unit_test(test_limit_of_bytes),
        cmocka_unit_test(test_limit_of_nodes),
        cmocka_unit_test(test_limit_of_patterns),
        cmocka_unit_test(test_limit_of_errors),
        cmocka_unit_test(test_long_pointers_are_cut),
        cmocka_unit_test(test_limit_of_steps),
        cmocka_unit_test(test_limit_of_depth),
        cmocka_unit_test(test_limit_of_pattern_steps),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_limits_of_one_pattern),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_uris),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
