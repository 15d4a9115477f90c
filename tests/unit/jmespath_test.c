/* SPDX-License-Identifier: Apache-2.0 */
/* JMESPath beyond the compliance tests: numbers stay text, every limit, faults; numbers and pointers beneath it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "json/jmespath.h"
#include "json/json.h"
#include "json/number.h"
#include "json/pointer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { INPUT_MAX = 4 * 1024 * 1024 };

struct result {
    struct buf out;
    struct jmespath_fault fault;
    uint64_t steps; /* used */
};

/* 0, or -E_INVALID; r->out is to be freed either way. */
static int run(struct str expression, struct str input, struct result *r)
{
    uint64_t steps = JMESPATH_STEPS_MAX;
    const struct jmespath *compiled = NULL;
    struct json_doc *doc = NULL;
    struct arena arena;
    int rc;

    arena_init(&arena);
    buf_init(&r->out, JMESPATH_OUTPUT_MAX);
    assert_int_equal(json_parse(input, JSON_DEPTH_MAX, &doc, NULL), 0);
    rc = jmespath_compile(expression, &arena, &compiled, &r->fault);
    if (rc == 0) {
        rc = jmespath_run(compiled, json_root(doc), &steps, &r->out, &r->fault);
    }
    r->steps = JMESPATH_STEPS_MAX - steps;
    json_doc_free(doc);
    arena_done(&arena);
    return rc;
}

static void gives(const char *expression, const char *input, const char *output)
{
    struct result r;

    if (run(str_from(expression), str_from(input), &r) != 0) {
        fail_msg("%s: %s", expression, r.fault.text);
    }
    assert_string_equal(r.out.p, output);
    buf_done(&r.out);
}

static void refuses(struct str expression, struct str input, enum jmespath_error error)
{
    struct result r;

    assert_int_equal(run(expression, input, &r), -E_INVALID);
    if (r.fault.error != error) {
        fail_msg("%.*s: %s", STR_ARG(str_sub(expression, 0, 80)), r.fault.text);
    }
    assert_true(r.fault.text[0] != '\0');
    assert_int_equal(r.out.len, 0);
    buf_done(&r.out);
}

static void test_numbers_stay_text(void **state)
{
    (void)state;
    gives("a", "{\"a\":9007199254740993}", "9007199254740993");
    gives("a", "{\"a\":1.10}", "1.10");
    gives("{x: a.b}", "{\"a\":{\"b\":123456789012345678901234567890}}",
          "{\"x\":123456789012345678901234567890}");
    gives("a == b", "{\"a\":9007199254740993,\"b\":9007199254740992}", "false");
    gives("a == b", "{\"a\":1,\"b\":1.0}", "true");
    gives("max([a, b])", "{\"a\":9007199254740993,\"b\":9007199254740992}", "9007199254740993");
    gives("sort(@)", "[3e0,1.0,2]", "[1.0,2,3e0]");
    gives("sum(@)", "[9007199254740993,1]", "9007199254740994");
    gives("sum(@)", "[0.5,1]", "1.5");
    gives("avg(@)", "[1,2]", "1.5");
    gives("abs(@)", "-9007199254740993", "9007199254740993");
    gives("ceil(@)", "1.2", "2");
    gives("floor(@)", "-1.2", "-2");
    gives("to_number('12.50')", "null", "12.50");
}

static void test_transforms(void **state)
{
    (void)state;
    gives("{text: join(' ', [data.name, 'did', type])}",
          "{\"type\":\"user.created\",\"data\":{\"name\":\"Ann\"}}",
          "{\"text\":\"Ann did user.created\"}");
    gives("data.items[?price > `10`].{id: id, price: price} | sort_by(@, &price)",
          "{\"data\":{\"items\":[{\"id\":1,\"price\":30},{\"id\":2,\"price\":5},{\"id\":3,"
          "\"price\":20}]}}",
          "[{\"id\":3,\"price\":20},{\"id\":1,\"price\":30}]");
    gives("{a: `1`, a: `2`}", "{}", "{\"a\":2}");
    gives("reverse('a\xc3\xa9\xf0\x9d\x84\x9e')", "null", "\"\xf0\x9d\x84\x9e\xc3\xa9\x61\"");
    gives("length('a\xc3\xa9')", "null", "2");
    gives("to_string({a: [@]})", "\"x\"", "\"{\\\"a\\\":[\\\"x\\\"]}\"");
}

static void test_faults(void **state)
{
    static const struct {
        const char *text;
        enum jmespath_error error;
        size_t at;
    } rows[] = {
        { "", JMESPATH_SYNTAX, 0 },
        { "a.", JMESPATH_SYNTAX, 2 },
        { "a b", JMESPATH_SYNTAX, 2 },
        { "a | 'b", JMESPATH_SYNTAX, 4 },
        { "`{`", JMESPATH_SYNTAX, 0 },
        { "a.#", JMESPATH_SYNTAX, 2 },
        { "\xff", JMESPATH_SYNTAX, 0 },
        { "nope(a)", JMESPATH_UNKNOWN_FUNCTION, 5 },
        { "abs(a, b)", JMESPATH_INVALID_ARITY, 4 },
        { "a[::0]", JMESPATH_INVALID_VALUE, 5 },
        { "a[99999999999]", JMESPATH_SYNTAX, 2 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct result r;

        assert_int_equal(run(str_from(rows[i].text), STR("{}"), &r), -E_INVALID);
        if (r.fault.error != rows[i].error || r.fault.at != rows[i].at) {
            fail_msg("%s: %d at %zu: %s", rows[i].text, (int)r.fault.error, r.fault.at,
                     r.fault.text);
        }
        buf_done(&r.out);
    }
    refuses(STR("abs(a)"), STR("{\"a\":\"secret\"}"), JMESPATH_INVALID_TYPE);
    refuses(STR("&a"), STR("{}"), JMESPATH_INVALID_TYPE);
    refuses(STR("sum(@)"), STR("[1e308,1e308]"), JMESPATH_INVALID_VALUE);
}

/* `text` so many times, with `between`. */
static void repeat(struct buf *b, const char *text, const char *between, size_t times)
{
    int rc = 0;

    for (size_t i = 0; i < times && rc == 0; i++) {
        if (i > 0) {
            rc = buf_add_c(b, between);
        }
        rc = rc == 0 ? buf_add_c(b, text) : rc;
    }
    assert_int_equal(rc, 0);
}

static void test_text_and_depth(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, INPUT_MAX);
    repeat(&b, "a", "", JMESPATH_TEXT_MAX);
    gives(b.p, "{}", "null");
    repeat(&b, "a", "", 1);
    refuses(buf_str(&b), STR("{}"), JMESPATH_LIMIT);

    buf_clear(&b);
    repeat(&b, "a", ".", JMESPATH_DEPTH_MAX);
    gives(b.p, "{}", "null");
    repeat(&b, ".a", "", 1);
    refuses(buf_str(&b), STR("{}"), JMESPATH_LIMIT);

    buf_clear(&b);
    repeat(&b, "(", "", JMESPATH_DEPTH_MAX + 1);
    refuses(buf_str(&b), STR("{}"), JMESPATH_LIMIT);
    buf_clear(&b);
    repeat(&b, "!", "", JMESPATH_DEPTH_MAX + 1);
    refuses(buf_str(&b), STR("{}"), JMESPATH_LIMIT);
    buf_done(&b);
}

/* 240 bytes that would give 2^40 leaves. */
static void test_doubling(void **state)
{
    struct result r;
    struct buf b;

    (void)state;
    buf_init(&b, INPUT_MAX);
    repeat(&b, "[@,@]", "|", 40);
    assert_true(b.len < 256);
    refuses(buf_str(&b), STR("1"), JMESPATH_LIMIT);

    buf_clear(&b);
    repeat(&b, "[@,@]", "|", 10);
    assert_int_equal(run(buf_str(&b), STR("1"), &r), 0);
    assert_int_equal(r.out.len, 1024 + 1023 + 2 * 1023);
    buf_done(&r.out);

    /* A comparison of what has doubled, and a flattening of it, visit all of it. */
    buf_clear(&b);
    repeat(&b, "[@,@]", "|", 40);
    repeat(&b, "|@==@", "", 1);
    refuses(buf_str(&b), STR("1"), JMESPATH_LIMIT);
    buf_clear(&b);
    repeat(&b, "[@,@][]", "|", 40);
    repeat(&b, "|length(@)", "", 1);
    refuses(buf_str(&b), STR("1"), JMESPATH_LIMIT);
    buf_done(&b);
}

static void many(struct buf *b, const char *item, size_t times)
{
    buf_clear(b);
    repeat(b, "[", "", 1);
    repeat(b, item, ",", times);
    repeat(b, "]", "", 1);
}

static void test_limits_of_a_run(void **state)
{
    struct result r;
    struct buf b;

    (void)state;
    buf_init(&b, INPUT_MAX);

    /* values: each item becomes one more */
    many(&b, "1", JMESPATH_VALUES_MAX + 1);
    refuses(STR("[*]"), buf_str(&b), JMESPATH_LIMIT);
    /* what is only moved is not looked into */
    assert_int_equal(run(STR("{all: @}"), buf_str(&b), &r), 0);
    assert_true(r.steps < 10);
    buf_done(&r.out);

    /* steps: fewer values than the limit, but many looks at each */
    many(&b, "1", JMESPATH_VALUES_MAX / 2);
    refuses(STR("[?@==`2` || @==`3` || @==`4`]"), buf_str(&b), JMESPATH_LIMIT);

    /* bytes made on the way */
    many(&b, "\"0123456789abcdef\"", JMESPATH_OUTPUT_MAX / 16);
    assert_int_equal(run(STR("length(join('', @))"), buf_str(&b), &r), 0);
    buf_done(&r.out);
    refuses(STR("length(join('.', @))"), buf_str(&b), JMESPATH_LIMIT);

    /* bytes of the result */
    many(&b, "\"0123456789abcdef\"", JMESPATH_OUTPUT_MAX / 19);
    assert_int_equal(run(STR("@"), buf_str(&b), &r), 0);
    buf_done(&r.out);
    refuses(STR("[@, @]"), buf_str(&b), JMESPATH_LIMIT);

    /* levels of the result */
    buf_clear(&b);
    repeat(&b, "[@]", "|", JMESPATH_NESTING_MAX);
    assert_int_equal(run(buf_str(&b), STR("1"), &r), 0);
    buf_done(&r.out);
    repeat(&b, "|[@]", "", 1);
    refuses(buf_str(&b), STR("1"), JMESPATH_LIMIT);
    buf_done(&b);
}

/* What several runs may use together. */
static void test_steps_are_shared(void **state)
{
    uint64_t steps = 30;
    const struct jmespath *compiled = NULL;
    struct jmespath_fault fault;
    struct json_doc *doc = NULL;
    struct arena arena;
    unsigned runs = 0;
    struct buf out;

    (void)state;
    arena_init(&arena);
    buf_init(&out, JMESPATH_OUTPUT_MAX);
    assert_int_equal(json_parse(STR("{\"a\":1}"), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_int_equal(jmespath_compile(STR("a"), &arena, &compiled, &fault), 0);
    while (jmespath_run(compiled, json_root(doc), &steps, &out, &fault) == 0) {
        runs++;
    }
    assert_int_equal(fault.error, JMESPATH_LIMIT);
    assert_in_range(runs, 2, 15);
    assert_int_equal(steps, 0);
    assert_int_equal(out.len, runs);
    json_doc_free(doc);
    buf_done(&out);
    arena_done(&arena);
}

static void test_number_cmp(void **state)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {
        { "0", "-0", 0 },
        { "0", "0.000e99", 0 },
        { "1", "1.0", 0 },
        { "1", "10e-1", 0 },
        { "1", "0.1e1", 0 },
        { "1200", "1.2e3", 0 },
        { "0.001", "1e-3", 0 },
        { "1", "2", -1 },
        { "-1", "1", -1 },
        { "-2", "-1", -1 },
        { "9", "10", -1 },
        { "9007199254740992", "9007199254740993", -1 },
        { "0.1", "0.10000000000000001", -1 },
        { "1e999999999999999999999999", "1e9", 1 },
        { "1e-999999999999999999999999", "0", 1 },
        { "-1e9", "-1e10", 1 },
        { "12.5", "12.49", 1 },
        { "100.01", "100.010", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str a = str_from(rows[i].a);
        struct str b = str_from(rows[i].b);

        if (json_number_cmp(a, b) != rows[i].order || json_number_cmp(b, a) != -rows[i].order) {
            fail_msg("%s and %s", rows[i].a, rows[i].b);
        }
    }
}

static void test_pointers(void **state)
{
    static const struct {
        const char *pointer, *value; /* NULL: there is nothing */
    } rows[] = {
        { "", "{\"a\":{\"b\":[10,20]},\"\":1,\"x/y\":2,\"m~n\":3}" },
        { "/a/b/1", "20" },
        { "/", "1" },
        { "/x~1y", "2" },
        { "/m~0n", "3" },
        { "/a/b/2", NULL },
        { "/a/b/01", NULL },
        { "/a/b/-1", NULL },
        { "/a/b/", NULL },
        { "/a/c", NULL },
        { "/a/b/1/c", NULL },
    };
    struct json_doc *doc = NULL;
    struct arena arena;

    (void)state;
    assert_int_equal(json_parse(str_from(rows[0].value), JSON_DEPTH_MAX, &doc, NULL), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct json *v = json_pointer_get(json_root(doc), str_from(rows[i].pointer));
        struct buf out;

        assert_true(json_pointer_valid(str_from(rows[i].pointer)));
        assert_int_equal(v == NULL, rows[i].value == NULL);
        buf_init(&out, INPUT_MAX);
        if (v != NULL) {
            assert_int_equal(json_write(v, &out), 0);
            assert_string_equal(out.p, rows[i].value);
        }
        buf_done(&out);
    }
    json_doc_free(doc);
    assert_false(json_pointer_valid(STR("a")));
    assert_false(json_pointer_valid(STR("/a~")));
    assert_false(json_pointer_valid(STR("/a~2")));
    assert_false(json_pointer_valid(STR("/\xff")));
    arena_init(&arena);
    assert_true(str_eq_c(json_pointer_add(&arena, STR("/f"), STR("a/b~c")), "/f/a~1b~0c"));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_stay_text),
        cmocka_unit_test(test_transforms),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_text_and_depth),
        cmocka_unit_test(test_doubling),
        cmocka_unit_test(test_limits_of_a_run),
        cmocka_unit_test(test_steps_are_shared),
        cmocka_unit_test(test_number_cmp),
        cmocka_unit_test(test_pointers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
