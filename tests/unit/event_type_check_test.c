/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled schemas of event types: kept, replaced when the type changes, the longest unused go
 * first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/event_type_check.h"
#include "base/arena.h"

static const char config[] =
    "{\"versions\":[{\"version\":1,\"schema\":{\"type\":\"string\"}},{\"version\":2}]}";

static struct event_type make_type(int64_t no)
{
    return (struct event_type){ .object = { .kind = CONFIG_EVENT_TYPE,
                                            .no = no,
                                            .version = 1,
                                            .config = str_from(config) },
                                .latest = 2 };
}

static void test_each_version_has_its_own(void **state)
{
    struct type_schemas *schemas = type_schemas_new();
    struct event_type type = make_type(1);
    const struct schema *first = type_schemas_get(schemas, &type, 1);

    (void)state;
    assert_non_null(first);
    assert_ptr_equal(type_schemas_get(schemas, &type, 1), first);
    assert_null(type_schemas_get(schemas, &type, 2));
    assert_null(type_schemas_get(schemas, &type, 3));
    assert_int_equal(type_schemas_count(schemas), 3);
    assert_true(type_schemas_bytes(schemas) >= schema_bytes(first));
    type_schemas_free(schemas);
}

static void test_a_changed_type_is_compiled_again(void **state)
{
    struct type_schemas *schemas = type_schemas_new();
    struct event_type type = make_type(1);

    (void)state;
    assert_non_null(type_schemas_get(schemas, &type, 1));
    type.object.version = 2;
    type.object.config = STR("{\"versions\":[{\"version\":1}]}");
    assert_null(type_schemas_get(schemas, &type, 1));
    type_schemas_free(schemas);
}

static void test_the_longest_unused_goes_first(void **state)
{
    struct type_schemas *schemas = type_schemas_new();
    struct event_type first = make_type(1);
    const struct schema *kept = type_schemas_get(schemas, &first, 1);

    (void)state;
    for (int64_t no = 2; no <= TYPE_SCHEMAS_MAX; no++) {
        struct event_type type = make_type(no);

        assert_non_null(type_schemas_get(schemas, &type, 1));
    }
    assert_int_equal(type_schemas_count(schemas), TYPE_SCHEMAS_MAX);
    assert_ptr_equal(type_schemas_get(schemas, &first, 1), kept);
    for (int64_t no = TYPE_SCHEMAS_MAX + 1; no < 2 * TYPE_SCHEMAS_MAX; no++) {
        struct event_type type = make_type(no);

        assert_non_null(type_schemas_get(schemas, &type, 1));
    }
    assert_int_equal(type_schemas_count(schemas), TYPE_SCHEMAS_MAX);
    assert_ptr_equal(type_schemas_get(schemas, &first, 1), kept);
    type_schemas_free(schemas);
}

static void test_data_that_does_not_fit_is_told(void **state)
{
    struct type_schemas *schemas = type_schemas_new();
    struct event_type type = make_type(1);
    struct json_doc *doc = NULL;
    struct form_faults faults;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    form_faults_init(&faults, &arena);
    assert_int_equal(json_parse(STR("7"), JSON_DEPTH_MAX, &doc, NULL), 0);
    assert_false(type_schemas_check(schemas, &type, 1, json_root(doc), STR("/data"), &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.rows[0].pointer.p, "/data");
    assert_string_equal(faults.rows[0].schema.p, "#/type");
    assert_string_equal(faults.rows[0].keyword.p, "type");
    assert_true(type_schemas_check(schemas, &type, 2, json_root(doc), STR("/data"), &faults));
    json_doc_free(doc);
    arena_done(&arena);
    type_schemas_free(schemas);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_version_has_its_own),
        cmocka_unit_test(test_a_changed_type_is_compiled_again),
        cmocka_unit_test(test_the_longest_unused_goes_first),
        cmocka_unit_test(test_data_that_does_not_fit_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
