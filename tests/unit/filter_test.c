/* SPDX-License-Identifier: Apache-2.0 */
/* Filters: what matches, which rule says no, what is refused and where, every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "json/filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { TEXT_MAX = 4 * 1024 * 1024 };

struct bench {
    struct arena arena;
    struct form_faults faults;
    struct json_doc *doc;
    const struct filter *filter;
};

static int bench_open(struct bench *x, struct str text)
{
    struct err err = { 0 };

    arena_init(&x->arena);
    form_faults_init(&x->faults, &x->arena);
    x->doc = NULL;
    if (json_parse(text, JSON_DEPTH_MAX, &x->doc, &err) != 0) {
        fail_msg("%.*s: %s", STR_ARG(text), err.text);
    }
    return filter_compile(json_root(x->doc), STR("/filter"), &x->arena, &x->faults, &x->filter);
}

static void bench_close(struct bench *x)
{
    json_doc_free(x->doc);
    arena_done(&x->arena);
}

/* rule NULL: it matches. */
static void expect(const char *filter, const char *data, const char *rule)
{
    uint64_t steps = FILTER_STEPS_MAX;
    struct filter_result result;
    struct json_doc *doc = NULL;
    struct bench x;

    assert_int_equal(bench_open(&x, str_from(filter)), 0);
    /* The filter does not need what it was made from. */
    json_doc_free(x.doc);
    x.doc = NULL;
    assert_int_equal(json_parse(str_from(data), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_int_equal(filter_match(x.filter, json_root(doc), &steps, &result), 0);
    if (result.matches != (rule == NULL) || (rule != NULL && !str_eq_c(result.rule, rule))) {
        fail_msg("%s of %s: %d %.*s", filter, data, result.matches, STR_ARG(result.rule));
    }
    json_doc_free(doc);
    bench_close(&x);
}

static void test_operators(void **state)
{
    static const struct {
        const char *filter, *data, *rule;
    } rows[] = {
        { "{}", "{}", NULL },
        { "{}", "7", NULL },
        { "{\"a\":1}", "{\"a\":1}", NULL },
        { "{\"a\":1}", "{\"a\":1.0}", NULL },
        { "{\"a\":1}", "{\"a\":\"1\"}", "/filter/a" },
        { "{\"a\":1}", "{}", "/filter/a" },
        { "{\"a\":1}", "7", "/filter/a" },
        { "{\"a\":9007199254740993}", "{\"a\":9007199254740992}", "/filter/a" },
        { "{\"a\":null}", "{\"a\":null}", NULL },
        { "{\"a\":null}", "{}", "/filter/a" },
        { "{\"a\":true}", "{\"a\":true}", NULL },
        { "{\"a\":true}", "{\"a\":false}", "/filter/a" },
        { "{\"a.b\":\"x\"}", "{\"a\":{\"b\":\"x\"}}", NULL },
        { "{\"a.b\":\"x\"}", "{\"a\":\"b\"}", "/filter/a.b" },
        { "{\"a\\\\.b\":\"x\"}", "{\"a.b\":\"x\"}", NULL },
        { "{\"a/b\":\"x\"}", "{\"a/b\":\"y\"}", "/filter/a~1b" },
        { "{\"a\":[\"x\",\"y\"]}", "{\"a\":\"y\"}", NULL },
        { "{\"a\":[\"x\",\"y\"]}", "{\"a\":\"z\"}", "/filter/a" },
        { "{\"a\":[\"x\",\"y\"]}", "{\"a\":[\"w\",\"y\"]}", NULL },
        { "{\"a\":\"x\"}", "{\"a\":[]}", "/filter/a" },
        { "{\"a\":{\"$eq\":2}}", "{\"a\":2}", NULL },
        { "{\"a\":{\"$ne\":2}}", "{\"a\":3}", NULL },
        { "{\"a\":{\"$ne\":2}}", "{\"a\":2}", "/filter/a/$ne" },
        { "{\"a\":{\"$ne\":2}}", "{\"a\":[1,2]}", "/filter/a/$ne" },
        { "{\"a\":{\"$ne\":2}}", "{}", "/filter/a/$ne" },
        { "{\"a\":{\"$gt\":2}}", "{\"a\":2}", "/filter/a/$gt" },
        { "{\"a\":{\"$gt\":2}}", "{\"a\":2.5}", NULL },
        { "{\"a\":{\"$gte\":2}}", "{\"a\":2}", NULL },
        { "{\"a\":{\"$lt\":2}}", "{\"a\":2}", "/filter/a/$lt" },
        { "{\"a\":{\"$lte\":2}}", "{\"a\":2}", NULL },
        { "{\"a\":{\"$gte\":2,\"$lt\":5}}", "{\"a\":4}", NULL },
        { "{\"a\":{\"$gte\":2,\"$lt\":5}}", "{\"a\":5}", "/filter/a/$lt" },
        { "{\"a\":{\"$gt\":2}}", "{\"a\":\"3\"}", "/filter/a/$gt" },
        { "{\"a\":{\"$gt\":\"2026-01\"}}", "{\"a\":\"2026-02-01\"}", NULL },
        { "{\"a\":{\"$in\":[1,\"x\",null]}}", "{\"a\":null}", NULL },
        { "{\"a\":{\"$in\":[1,\"x\"]}}", "{\"a\":2}", "/filter/a/$in" },
        { "{\"a\":{\"$nin\":[1,\"x\"]}}", "{\"a\":2}", NULL },
        { "{\"a\":{\"$nin\":[1,\"x\"]}}", "{\"a\":\"x\"}", "/filter/a/$nin" },
        { "{\"a\":{\"$nin\":[1]}}", "{}", "/filter/a/$nin" },
        { "{\"a\":{\"$contains\":\"ell\"}}", "{\"a\":\"hello\"}", NULL },
        { "{\"a\":{\"$contains\":\"elo\"}}", "{\"a\":\"hello\"}", "/filter/a/$contains" },
        { "{\"a\":{\"$contains\":5}}", "{\"a\":[4,5]}", NULL },
        { "{\"a\":{\"$startsWith\":\"he\"}}", "{\"a\":\"hello\"}", NULL },
        { "{\"a\":{\"$startsWith\":\"lo\"}}", "{\"a\":\"hello\"}", "/filter/a/$startsWith" },
        { "{\"a\":{\"$endsWith\":\"lo\"}}", "{\"a\":\"hello\"}", NULL },
        { "{\"a\":{\"$endsWith\":\"he\"}}", "{\"a\":\"hello\"}", "/filter/a/$endsWith" },
        { "{\"a\":{\"$exists\":true}}", "{\"a\":null}", NULL },
        { "{\"a\":{\"$exists\":true}}", "{\"a\":[]}", NULL },
        { "{\"a\":{\"$exists\":true}}", "{}", "/filter/a/$exists" },
        { "{\"a\":{\"$exists\":false}}", "{}", NULL },
        { "{\"a\":{\"$exists\":false}}", "{\"a\":null}", "/filter/a/$exists" },
        { "{\"a\":{\"$not\":{\"$gte\":3}}}", "{\"a\":2}", NULL },
        { "{\"a\":{\"$not\":{\"$gte\":3}}}", "{\"a\":3}", "/filter/a/$not" },
        { "{\"a\":{\"$not\":{\"$gte\":3,\"$lt\":5}}}", "{\"a\":5}", NULL },
        { "{\"a\":{\"$not\":{\"$gte\":3,\"$lt\":5}}}", "{\"a\":4}", "/filter/a/$not" },
        { "{\"$and\":[{\"a\":1},{\"b\":2}]}", "{\"a\":1,\"b\":2}", NULL },
        { "{\"$and\":[{\"a\":1},{\"b\":2}]}", "{\"a\":1,\"b\":3}", "/filter/$and/1/b" },
        { "{\"$or\":[{\"a\":1},{\"b\":2}]}", "{\"b\":2}", NULL },
        { "{\"$or\":[{\"a\":1},{\"b\":2}]}", "{\"a\":2}", "/filter/$or" },
        { "{\"$not\":{\"a\":1}}", "{\"a\":2}", NULL },
        { "{\"$not\":{\"a\":1,\"b\":1}}", "{\"a\":1,\"b\":2}", NULL },
        { "{\"$not\":{\"a\":1}}", "{\"a\":1}", "/filter/$not" },
        { "{\"x\":1,\"a\":1,\"b\":2}", "{\"x\":1,\"a\":2,\"b\":3}", "/filter/a" },
        { "{\"items.sku\":\"b\"}", "{\"items\":[{\"sku\":\"a\"},{\"sku\":\"b\"}]}", NULL },
        { "{\"items.1.sku\":\"a\"}", "{\"items\":[{\"sku\":\"a\"},{\"sku\":\"b\"}]}",
          "/filter/items.1.sku" },
        { "{\"items.sku\":{\"$ne\":\"b\"}}", "{\"items\":[{\"sku\":\"a\"},{\"sku\":\"b\"}]}",
          "/filter/items.sku/$ne" },
        { "{\"items.sku\":{\"$exists\":false}}", "{\"items\":[{},{}]}", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect(rows[i].filter, rows[i].data, rows[i].rule);
    }
}

/* The filter of the product's own page. */
static void test_campaign_filter(void **state)
{
    static const char filter[] = "{\"contact.tags\":[\"vip\",\"premium\"],\"campaign.type\":"
                                 "\"promotional\",\"email.opened_count\":{\"$gte\":3}}";

    (void)state;
    expect(filter,
           "{\"contact\":{\"tags\":[\"new\",\"vip\"]},\"campaign\":{\"type\":\"promotional\"},"
           "\"email\":{\"opened_count\":3}}",
           NULL);
    expect(filter,
           "{\"contact\":{\"tags\":[\"new\"]},\"campaign\":{\"type\":\"promotional\"},"
           "\"email\":{\"opened_count\":3}}",
           "/filter/contact.tags");
    expect(filter,
           "{\"contact\":{\"tags\":[\"vip\"]},\"campaign\":{\"type\":\"newsletter\"},"
           "\"email\":{\"opened_count\":3}}",
           "/filter/campaign.type");
    expect(filter,
           "{\"contact\":{\"tags\":[\"vip\"]},\"campaign\":{\"type\":\"promotional\"},"
           "\"email\":{\"opened_count\":2}}",
           "/filter/email.opened_count/$gte");
    expect(filter, "{\"contact\":{\"tags\":[\"vip\"]},\"campaign\":{\"type\":\"promotional\"}}",
           "/filter/email.opened_count/$gte");
}

static void test_refused(void **state)
{
    static const struct {
        const char *filter, *pointer, *code;
    } rows[] = {
        { "[]", "/filter", "type" },
        { "\"x\"", "/filter", "type" },
        { "{\"a\":{\"$near\":1}}", "/filter/a/$near", "unknown_operator" },
        { "{\"$nor\":[]}", "/filter/$nor", "unknown_operator" },
        { "{\"a\":{\"b\":1}}", "/filter/a/b", "unknown_operator" },
        { "{\"a\":{}}", "/filter/a", "type" },
        { "{\"a\":[]}", "/filter/a", "type" },
        { "{\"a\":[[1]]}", "/filter/a/0", "type" },
        { "{\"a\":[1,{}]}", "/filter/a/1", "type" },
        { "{\"a\":{\"$eq\":[1]}}", "/filter/a/$eq", "type" },
        { "{\"a\":{\"$in\":1}}", "/filter/a/$in", "type" },
        { "{\"a\":{\"$gt\":true}}", "/filter/a/$gt", "type" },
        { "{\"a\":{\"$exists\":1}}", "/filter/a/$exists", "type" },
        { "{\"a\":{\"$startsWith\":1}}", "/filter/a/$startsWith", "type" },
        { "{\"a\":{\"$not\":1}}", "/filter/a/$not", "type" },
        { "{\"$and\":{}}", "/filter/$and", "type" },
        { "{\"$or\":[]}", "/filter/$or", "type" },
        { "{\"$or\":[{\"a\":{\"$x\":1}}]}", "/filter/$or/0/a/$x", "unknown_operator" },
        { "{\"$not\":[]}", "/filter/$not", "type" },
        { "{\"\":1}", "/filter/", "pattern" },
        { "{\"a..b\":1}", "/filter/a..b", "pattern" },
        { "{\"a.\":1}", "/filter/a.", "pattern" },
        { "{\"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17\":1}",
          "/filter/1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17", "too_long" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bench x;

        assert_int_equal(bench_open(&x, str_from(rows[i].filter)), -E_FIELD);
        if (x.faults.count != 1 || !str_eq_c(x.faults.rows[0].pointer, rows[i].pointer) ||
            strcmp(x.faults.rows[0].code, rows[i].code) != 0) {
            fail_msg("%s: %zu faults, %.*s %s", rows[i].filter, x.faults.count,
                     STR_ARG(x.faults.rows[0].pointer), x.faults.rows[0].code);
        }
        bench_close(&x);
    }
}

static void add(struct buf *b, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        int rc = buf_add_c(b, text);

        assert_int_equal(rc, 0);
    }
}

static void refused(const struct buf *b, const char *code)
{
    struct bench x;

    assert_int_equal(bench_open(&x, buf_str(b)), -E_FIELD);
    assert_true(x.faults.count > 0);
    assert_string_equal(x.faults.rows[0].code, code);
    bench_close(&x);
}

static void accepted(const struct buf *b)
{
    struct bench x;

    if (bench_open(&x, buf_str(b)) != 0) {
        fail_msg("%.*s", STR_ARG(x.faults.rows[0].detail));
    }
    bench_close(&x);
}

/* {"a":"xx...x"} of that many bytes */
static void sized(struct buf *b, size_t bytes)
{
    buf_clear(b);
    add(b, "{\"a\":\"", 1);
    add(b, "x", bytes - 8);
    add(b, "\"}", 1);
    assert_int_equal(b->len, bytes);
}

static void test_limits_of_a_filter(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, TEXT_MAX);
    sized(&b, FILTER_SIZE_MAX);
    accepted(&b);
    sized(&b, FILTER_SIZE_MAX + 1);
    refused(&b, "too_long");

    for (size_t depth = FILTER_DEPTH_MAX; depth <= FILTER_DEPTH_MAX + 1; depth++) {
        buf_clear(&b);
        add(&b, "{\"$not\":", depth);
        add(&b, "{\"a\":1}", 1);
        add(&b, "}", depth);
        if (depth <= FILTER_DEPTH_MAX) {
            accepted(&b);
        } else {
            refused(&b, "too_deep");
        }
    }

    /* One term for $or, two for each branch. */
    for (size_t terms = FILTER_TERMS_MAX - 1; terms <= FILTER_TERMS_MAX + 1; terms += 2) {
        buf_clear(&b);
        add(&b, "{\"$or\":[{\"a\":1}", 1);
        add(&b, ",{\"a\":1}", (terms - 1) / 2 - 1);
        add(&b, "]}", 1);
        if (terms <= FILTER_TERMS_MAX) {
            accepted(&b);
        } else {
            refused(&b, "too_long");
        }
    }

    for (size_t len = FILTER_PATH_MAX; len <= FILTER_PATH_MAX + 1; len++) {
        buf_clear(&b);
        add(&b, "{\"", 1);
        add(&b, "p", len);
        add(&b, "\":1}", 1);
        if (len <= FILTER_PATH_MAX) {
            accepted(&b);
        } else {
            refused(&b, "too_long");
        }
    }
    buf_done(&b);
}

static void test_steps(void **state)
{
    uint64_t steps = UINT64_MAX;
    struct filter_result result = { .matches = true };
    struct json_doc *doc = NULL;
    struct bench x;
    struct buf b;

    (void)state;
    buf_init(&b, TEXT_MAX);
    add(&b, "{\"a\":[0", 1);
    add(&b, ",0", FILTER_STEPS_MAX);
    add(&b, "]}", 1);
    assert_int_equal(bench_open(&x, STR("{\"$not\":{\"a\":1}}")), 0);
    assert_int_equal(json_parse(buf_str(&b), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_int_equal(filter_match(x.filter, json_root(doc), &steps, &result), -E_TOO_LARGE);
    assert_true(steps == UINT64_MAX - FILTER_STEPS_MAX);
    assert_true(result.matches);
    json_doc_free(doc);

    /* Several evaluations share what the caller allows. */
    steps = 7;
    assert_int_equal(json_parse(STR("{\"a\":2}"), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_int_equal(filter_match(x.filter, json_root(doc), &steps, &result), 0);
    assert_int_equal(filter_match(x.filter, json_root(doc), &steps, &result), -E_TOO_LARGE);
    json_doc_free(doc);
    bench_close(&x);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators), cmocka_unit_test(test_campaign_filter),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_limits_of_a_filter),
        cmocka_unit_test(test_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
