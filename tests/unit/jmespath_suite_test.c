/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The official JMESPath compliance tests, all files of $POSTERN_CONFORMANCE/jmespath (default: ../shared/conformance
 * beside the repository). Without the data the whole program is SKIPPED (77).
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "json/jmespath.h"
#include "json/json.h"
#include "json/number.h"

enum { SKIPPED = 77, FILE_MAX = 4 * 1024 * 1024, CASES_LEAST = 900, FILES_LEAST = 16 };

static char folder[2048];
static unsigned cases;
static unsigned bad;

static bool same(const struct json *a, const struct json *b)
{
    struct json_iter it;
    const struct json *item;
    struct str name = STR_NONE;
    size_t at = 0;

    if (json_type(a) != json_type(b)) {
        return false;
    }
    switch (json_type(a)) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return json_bool(a) == json_bool(b);
    case JSON_NUMBER:
        return json_number_cmp(json_number(a), json_number(b)) == 0;
    case JSON_STRING:
        return str_eq(json_string(a), json_string(b));
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    if (json_count(a) != json_count(b)) {
        return false;
    }
    it = json_iter(a);
    while ((item = json_next(&it, &name)) != NULL) {
        const struct json *other =
            json_type(a) == JSON_ARRAY ? json_item(b, at++) : json_get(b, name);

        if (other == NULL || !same(item, other)) {
            return false;
        }
    }
    return true;
}

static void complain(const char *file, struct str expression, const char *what, struct str got)
{
    bad++;
    print_error("%s: %.*s: %s: %.*s\n", file, STR_ARG(expression), what, STR_ARG(got));
}

static void check_result(const char *file, const struct json *test, struct str expression,
                         struct str text)
{
    const struct json *wanted = json_member(test, "result");
    struct json_doc *doc = NULL;

    if (wanted == NULL && json_member(test, "bench") != NULL) {
        return;
    }
    if (wanted == NULL) {
        complain(file, expression, "an error was due, not", text);
    } else if (json_parse(text, JSON_DEPTH_MAX, &doc, NULL) != 0 ||
               !same(json_root(doc), wanted)) {
        complain(file, expression, "another result", text);
    }
    json_doc_free(doc);
}

static void run_case(const char *file, const struct json *given, const struct json *test)
{
    struct str expression = json_string(json_member(test, "expression"));
    struct str wanted = STR_NONE;
    uint64_t steps = JMESPATH_STEPS_MAX;
    const struct jmespath *compiled = NULL;
    struct jmespath_fault fault;
    struct arena arena;
    struct buf out;
    int rc;

    cases++;
    arena_init(&arena);
    buf_init(&out, JMESPATH_OUTPUT_MAX);
    rc = jmespath_compile(expression, &arena, &compiled, &fault);
    if (rc == 0) {
        rc = jmespath_run(compiled, given, &steps, &out, &fault);
    }
    if (rc == 0) {
        check_result(file, test, expression, buf_str(&out));
    } else {
        if (json_member(test, "error") != NULL) {
            wanted = json_string(json_member(test, "error"));
        }
        if (!str_eq_c(wanted, jmespath_error_name(fault.error)) || fault.text[0] == '\0') {
            complain(file, expression, jmespath_error_name(fault.error), str_from(fault.text));
        }
    }
    buf_done(&out);
    arena_done(&arena);
}

static void run_file(const char *name)
{
    static char text[FILE_MAX];
    char path[4096];
    struct json_doc *doc = NULL;
    struct json_iter groups;
    const struct json *group;
    size_t size;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rbe");
    assert_non_null(file);
    size = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    assert_int_equal(json_parse((struct str){ text, size }, JSON_DEPTH_MAX, &doc, NULL), 0);
    groups = json_iter(json_root(doc));
    while ((group = json_next(&groups, NULL)) != NULL) {
        struct json_iter tests = json_iter(json_member(group, "cases"));
        const struct json *test;

        while ((test = json_next(&tests, NULL)) != NULL) {
            run_case(name, json_member(group, "given"), test);
        }
    }
    json_doc_free(doc);
}

static void test_suite(void **state)
{
    const struct dirent *entry;
    unsigned files = 0;
    DIR *dir = opendir(folder);

    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (str_ends(str_from(entry->d_name), STR(".json"))) {
            run_file(entry->d_name);
            files++;
        }
    }
    (void)closedir(dir);
    print_message("%u cases of %u files\n", cases, files);
    assert_int_equal(bad, 0);
    assert_true(files >= FILES_LEAST && cases >= CASES_LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_suite) };
    const char *conformance = getenv("POSTERN_CONFORMANCE");
    const char *root = getenv("SOURCE_ROOT");
    DIR *dir;

    if (conformance != NULL && conformance[0] != '\0') {
        (void)snprintf(folder, sizeof(folder), "%s/jmespath", conformance);
    } else {
        (void)snprintf(folder, sizeof(folder), "%s/../shared/conformance/jmespath",
                       root == NULL ? "." : root);
    }
    dir = opendir(folder);
    if (dir == NULL) {
        (void)printf("SKIPPED: the JMESPath compliance tests are not at %s\n", folder);
        return SKIPPED;
    }
    (void)closedir(dir);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
