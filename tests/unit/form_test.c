/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an object field by field: what is taken, and every fault with its pointer and code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "json/form.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
    PRIORITY_MAX = 10,
    TAGS_MAX = 2,
    ENTRIES_MAX = 2,
    NAME_MAX_CHARS = 4,
    VALUE_MAX_CHARS = 5
};

struct fixture {
    struct arena arena;
    struct form_faults faults;
    struct json_doc *doc;
};

static void fixture_open(struct fixture *x, const char *text)
{
    struct err err = { 0 };

    arena_init(&x->arena);
    form_faults_init(&x->faults, &x->arena);
    x->doc = NULL;
    if (json_parse(str_from(text), JSON_DEPTH_MAX, &x->doc, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
}

static void fixture_close(struct fixture *x)
{
    json_doc_free(x->doc);
    arena_done(&x->arena);
}

/* One field of each kind, as a resource would read them. */
struct thing {
    struct str name, note;
    int64_t priority, at;
    bool on;
    const struct json *data, *tags, *labels;
    bool has_name, has_note, has_priority, has_at, has_on, has_data, has_tags, has_labels;
};

static void thing_read(struct fixture *x, struct thing *t)
{
    struct form f;

    memset(t, 0, sizeof(*t));
    t->priority = 77;
    form_begin(&f, json_root(x->doc), STR(""), &x->faults);
    t->has_name = form_string(&f, "name", true, 1, 5, &t->name);
    t->has_note = form_string(&f, "note", false, 0, 3, &t->note);
    t->has_priority = form_int(&f, "priority", false, -1, PRIORITY_MAX, &t->priority);
    t->has_at = form_time(&f, "at", false, &t->at);
    t->has_on = form_bool(&f, "on", false, &t->on);
    t->has_data = form_object(&f, "data", false, &t->data);
    t->has_tags = form_array(&f, "tags", false, TAGS_MAX, &t->tags);
    t->has_labels =
        form_string_map(&f, "labels", ENTRIES_MAX, NAME_MAX_CHARS, VALUE_MAX_CHARS, &t->labels);
    form_end(&f);
}

static void test_taken(void **state)
{
    struct fixture x;
    struct thing t;

    (void)state;
    fixture_open(
        &x,
        "{\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\",\"note\":\"\",\"priority\":-1,"
        "\"at\":\"1970-01-01T00:00:01Z\",\"on\":true,\"data\":{\"a\":1},\"tags\":[1,2],"
        "\"labels\":{\"k\":\"v\",\"four\":\"five!\"}}");
    thing_read(&x, &t);
    assert_int_equal(x.faults.count, 0);
    assert_true(t.has_name && t.has_note && t.has_priority && t.has_at && t.has_on &&
                t.has_data && t.has_tags && t.has_labels);
    assert_int_equal(t.name.len, 10);
    assert_int_equal(t.note.len, 0);
    assert_non_null(t.note.p);
    assert_int_equal(t.priority, -1);
    assert_int_equal(t.at, 1000);
    assert_true(t.on);
    assert_int_equal(json_count(t.data), 1);
    assert_int_equal(json_count(t.tags), 2);
    assert_int_equal(json_count(t.labels), 2);
    fixture_close(&x);

    /* null is as good as absent; what is absent leaves its variable alone. */
    fixture_open(
        &x,
        "{\"name\":\"n\",\"note\":null,\"priority\":null,\"at\":null,\"on\":null,\"data\":null,"
        "\"tags\":null,\"labels\":null}");
    thing_read(&x, &t);
    assert_int_equal(x.faults.count, 0);
    assert_false(t.has_note || t.has_priority || t.has_at || t.has_on || t.has_data ||
                 t.has_tags || t.has_labels);
    assert_int_equal(t.priority, 77);
    fixture_close(&x);
}

static void test_faults(void **state)
{
    /* Each text has exactly one fault. */
    static const struct {
        const char *text, *pointer, *code;
    } rows[] = {
        { "[]", "", "type" },
        { "null", "", "type" },
        { "\"name\"", "", "type" },
        { "{}", "/name", "required" },
        { "{\"name\":null}", "/name", "required" },
        { "{\"name\":1}", "/name", "type" },
        { "{\"name\":[\"a\"]}", "/name", "type" },
        { "{\"name\":\"\"}", "/name", "too_short" },
        { "{\"name\":\"123456\"}", "/name", "too_long" },
        { "{\"name\":\"a\\u0000b\"}", "/name", "nul" },
        { "{\"name\":\"n\",\"note\":\"1234\"}", "/note", "too_long" },
        { "{\"name\":\"n\",\"priority\":\"1\"}", "/priority", "type" },
        { "{\"name\":\"n\",\"priority\":11}", "/priority", "range" },
        { "{\"name\":\"n\",\"priority\":-2}", "/priority", "range" },
        { "{\"name\":\"n\",\"priority\":1.0}", "/priority", "range" },
        { "{\"name\":\"n\",\"priority\":1e1}", "/priority", "range" },
        { "{\"name\":\"n\",\"priority\":99999999999999999999}", "/priority", "range" },
        { "{\"name\":\"n\",\"at\":5}", "/at", "type" },
        { "{\"name\":\"n\",\"at\":\"yesterday\"}", "/at", "pattern" },
        { "{\"name\":\"n\",\"on\":\"true\"}", "/on", "type" },
        { "{\"name\":\"n\",\"on\":1}", "/on", "type" },
        { "{\"name\":\"n\",\"data\":[]}", "/data", "type" },
        { "{\"name\":\"n\",\"tags\":{}}", "/tags", "type" },
        { "{\"name\":\"n\",\"tags\":[1,2,3]}", "/tags", "too_long" },
        { "{\"name\":\"n\",\"labels\":[]}", "/labels", "type" },
        { "{\"name\":\"n\",\"labels\":{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}}", "/labels",
          "too_long" },
        { "{\"name\":\"n\",\"labels\":{\"a\":1}}", "/labels/a", "type" },
        { "{\"name\":\"n\",\"labels\":{\"a\":null}}", "/labels/a", "type" },
        { "{\"name\":\"n\",\"labels\":{\"abcde\":\"1\"}}", "/labels/abcde", "too_long" },
        { "{\"name\":\"n\",\"labels\":{\"\":\"1\"}}", "/labels/", "too_short" },
        { "{\"name\":\"n\",\"labels\":{\"a\":\"123456\"}}", "/labels/a", "too_long" },
        { "{\"name\":\"n\",\"labels\":{\"a\":\"\\u0000\"}}", "/labels/a", "nul" },
        { "{\"name\":\"n\",\"labels\":{\"a/~\":1}}", "/labels/a~1~0", "type" },
        { "{\"name\":\"n\",\"nmae\":1}", "/nmae", "unknown" },
        { "{\"name\":\"n\",\"a/b~c\":null}", "/a~1b~0c", "unknown" },
        { "{\"name\":\"n\",\"\":0}", "/", "unknown" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fixture x;
        struct thing t;

        fixture_open(&x, rows[i].text);
        thing_read(&x, &t);
        if (x.faults.count != 1 || strcmp(x.faults.rows[0].code, rows[i].code) != 0 ||
            !str_eq_c(x.faults.rows[0].pointer, rows[i].pointer)) {
            fail_msg("%s: %zu faults, first %s at %.*s", rows[i].text, x.faults.count,
                     x.faults.rows[0].code, STR_ARG(x.faults.rows[0].pointer));
        }
        assert_true(x.faults.rows[0].detail.len > 10);
        fixture_close(&x);
    }
}

static void test_nested(void **state)
{
    struct fixture x;
    struct form root;
    struct form inner;
    const struct json *data = NULL;
    int64_t n = 0;

    (void)state;
    fixture_open(&x, "{\"a/b\":{\"n\":\"x\",\"extra\":1}}");
    form_begin(&root, json_root(x.doc), STR(""), &x.faults);
    assert_true(form_has(&root, "a/b"));
    assert_false(form_has(&root, "a"));
    assert_true(form_object(&root, "a/b", true, &data));
    form_begin(&inner, data, form_pointer(&root, "a/b"), &x.faults);
    assert_false(form_int(&inner, "n", true, 0, 9, &n));
    assert_false(form_int(&inner, "m", true, 0, 9, &n));
    form_end(&inner);
    form_end(&root);
    assert_int_equal(x.faults.count, 3);
    assert_true(str_eq_c(x.faults.rows[0].pointer, "/a~1b/n"));
    assert_string_equal(x.faults.rows[0].code, "type");
    assert_true(str_eq_c(x.faults.rows[1].pointer, "/a~1b/m"));
    assert_string_equal(x.faults.rows[1].code, "required");
    assert_true(str_eq_c(x.faults.rows[2].pointer, "/a~1b/extra"));
    assert_string_equal(x.faults.rows[2].code, "unknown");
    fixture_close(&x);
}

/* Twenty faults are kept, however many there are; a long name is cut. */
static void test_faults_max(void **state)
{
    struct fixture x;
    struct thing t;
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    assert_int_equal(buf_add_c(&b, "{\"name\":\"n\",\""), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf_add_c(&b, "long"), 0);
    }
    assert_int_equal(buf_add_c(&b, "\":0"), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(buf_printf(&b, ",\"u%d\":0", i), 0);
    }
    assert_int_equal(buf_add_c(&b, "}"), 0);
    fixture_open(&x, b.p);
    thing_read(&x, &t);
    assert_int_equal(x.faults.count, FORM_FAULTS_MAX);
    assert_true(x.faults.rows[0].pointer.len < 200);
    assert_true(str_eq_c(x.faults.rows[FORM_FAULTS_MAX - 1].pointer, "/u18"));
    form_fault(&x.faults, STR("/more"), "type", "One more.");
    assert_int_equal(x.faults.count, FORM_FAULTS_MAX);
    fixture_close(&x);
    buf_done(&b);
}

/* A map with a fault is not handed out, also when the table of faults was full before. */
static void test_map_with_full_table(void **state)
{
    struct fixture x;
    struct form f;
    const struct json *map = NULL;

    (void)state;
    fixture_open(&x, "{\"labels\":{\"a\":1}}");
    for (int i = 0; i < FORM_FAULTS_MAX; i++) {
        form_fault(&x.faults, STR("/x"), "type", "Fault %d.", i);
    }
    form_begin(&f, json_root(x.doc), STR(""), &x.faults);
    assert_false(form_string_map(&f, "labels", 2, 4, 4, &map));
    assert_null(map);
    fixture_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_faults_max),
        cmocka_unit_test(test_map_with_full_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
