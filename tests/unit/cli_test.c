/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the commands: paths, addresses, bodies from flags, times, exit codes, config sources. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/config_source.h"
#include "cli/exit.h"
#include "cli/resource.h"
#include "cli/selftest.h"

enum { ARGV_MAX = 12, WORD_SIZE = 128 };

static char words[ARGV_MAX][WORD_SIZE];
static char *argv[ARGV_MAX];

static int fill(const char *const *texts, int count)
{
    assert_true(count <= ARGV_MAX);
    for (int i = 0; i < count; i++) {
        (void)snprintf(words[i], WORD_SIZE, "%s", texts[i]);
        argv[i] = words[i];
    }
    return count;
}

static void paths_are_escaped(void **state)
{
    static const struct {
        const char *segment;
        const char *path; /* NULL: refused */
    } rows[] = {
        { "acme", "/a/acme" },
        { "a b/../c?d#e%", "/a/a%20b%2F..%2Fc%3Fd%23e%25" },
        { "Zo\xc3\xab", "/a/Zo%C3%AB" },
        { "..", NULL },
        { ".", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf path;
        int rc;

        buf_init(&path, 1000);
        assert_int_equal(buf_add_c(&path, "/a"), 0);
        rc = path_add(&path, str_from(rows[i].segment));
        if (rows[i].path == NULL) {
            assert_int_equal(rc, -E_INVALID);
        } else {
            assert_int_equal(rc, 0);
            assert_string_equal(path.p, rows[i].path);
        }
        buf_done(&path);
    }
}

static void queries_are_joined(void **state)
{
    struct buf path;

    (void)state;
    buf_init(&path, 1000);
    assert_int_equal(buf_add_c(&path, "/a"), 0);
    assert_int_equal(path_query(&path, "x", STR("1&2")), 0);
    assert_int_equal(path_query(&path, "y", STR("")), 0);
    assert_string_equal(path.p, "/a?x=1%262&y=");
    buf_done(&path);
}

static void loopback_is_known(void **state)
{
    static const struct {
        const char *url;
        bool is_loopback;
    } rows[] = {
        { "http://127.0.0.1:8080", true },
        { "http://127.9.9.9", true },
        { "http://localhost:1/x", true },
        { "https://LOCALHOST", true },
        { "http://[::1]:8080", true },
        { "http://127.0.0.1.evil.example", false },
        { "http://127.evil", false },
        { "http://127.0.0", false },
        { "http://127.0.0.256", false },
        { "http://localhost.example", false },
        { "http://[::2]", false },
        { "http://10.0.0.1", false },
        { "http://example.com/127.0.0.1", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(url_is_loopback(rows[i].url) == rows[i].is_loopback);
    }
}

static const struct arg_spec specs[] = {
    { "data", ARG_TEXT, 0, "JSON", "", 0, 0 },
    { "name", ARG_TEXT, 0, "TEXT", "", 0, 0 },
    { "limit", ARG_INT, 0, "N", "", 0, 100 },
    { "on", ARG_SWITCH, 0, NULL, "", 0, 0 },
    { "types", ARG_LIST, 0, "LIST", "", 0, 0 },
    { "meta", ARG_LIST, 0, "N=V", "", 0, 0 },
    { "retry", ARG_TEXT, 0, "JSON", "", 0, 0 },
    { "secret-file", ARG_TEXT, 0, "FILE", "", 0, 0 },
};
static const struct arg_table table = { specs, sizeof(specs) / sizeof(specs[0]) };
static const struct arg_table *const tables[] = { &table };
static const struct field fields[] = {
    { "name", "name", FIELD_TEXT },
    { "limit", "limit", FIELD_INT },
    { "on", "is_on", FIELD_BOOL },
    { "types", "types", FIELD_LIST },
    { "meta", "metadata", FIELD_MAP },
    { "retry", "retry", FIELD_JSON },
    { "secret-file", "secret", FIELD_SECRET },
};
static const struct resource resource = { .singular = "thing",
                                          .path = "things",
                                          .fields = fields,
                                          .field_count = sizeof(fields) / sizeof(fields[0]),
                                          .whole_body = true };

static void bodies_come_from_flags(void **state)
{
    static const struct {
        const char *argv[6];
        int argc;
        const char *body; /* NULL: refused */
    } rows[] = {
        { { "--name", "a\"b" }, 2, "{\"name\":\"a\\\"b\"}" },
        { { "--limit=3", "--on=false" }, 2, "{\"limit\":3,\"is_on\":false}" },
        { { "--types", "a,b", "--types", "c" }, 4, "{\"types\":[\"a\",\"b\",\"c\"]}" },
        { { "--types", "" }, 2, "{\"types\":[]}" },
        { { "--meta", "k=v=w", "--meta", "x=" },
          4,
          "{\"metadata\":{\"k\":\"v=w\",\"x\":\"\"}}" },
        { { "--retry", "{\"a\":[1.50,null]}" }, 2, "{\"retry\":{\"a\":[1.50,null]}}" },
        { { "--data", "{\"x\":1e400,\"name\":\"old\"}", "--name", "new" },
          4,
          "{\"x\":1e400,\"name\":\"new\"}" },
        { { "--data", "{}" }, 2, "{}" },
        { { "--data", "[1]" }, 2, NULL },
        { { "--data", "{" }, 2, NULL },
        { { "--data", "{\"a\\u0000b\":1}" }, 2, NULL },
        { { "--retry", "nonsense" }, 2, NULL },
        { { "--meta", "novalue" }, 2, NULL },
        { { "--meta", "=v" }, 2, NULL },
        { { "--data", "@/nonexistent" }, 2, NULL },
        { { "--secret-file", "/nonexistent" }, 2, NULL },
        { { NULL }, 0, NULL },
    };
    static struct args args;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = { 0 };
        struct buf body;
        int argc = fill(rows[i].argv, rows[i].argc);
        int rc;

        buf_init(&body, 10000);
        assert_int_equal(args_parse(tables, 1, argc, argv, &args, &err), 0);
        rc = resource_body(&resource, &args, &body, &err);
        if (rows[i].body == NULL) {
            assert_int_not_equal(rc, 0);
            assert_true(err.text[0] != '\0');
        } else {
            assert_int_equal(rc, 0);
            assert_string_equal(body.p, rows[i].body);
        }
        buf_done(&body);
    }
}

static void files_are_read_into_bodies(void **state)
{
    char path[] = "/tmp/cli_test.XXXXXX";
    char at_path[64];
    const char *texts[4] = { "--retry", at_path, "--secret-file", path };
    static struct args args;
    struct err err = { 0 };
    struct buf body;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{\"a\":1}\r\nrest\n", 14), 14);
    assert_int_equal(close(fd), 0);
    (void)snprintf(at_path, sizeof(at_path), "@%s", path);
    buf_init(&body, 10000);
    assert_int_equal(args_parse(tables, 1, fill(texts + 2, 2), argv, &args, &err), 0);
    assert_int_equal(resource_body(&resource, &args, &body, &err), 0);
    assert_string_equal(body.p, "{\"secret\":\"{\\\"a\\\":1}\"}"); /* its first line */
    buf_clear(&body);
    assert_int_equal(args_parse(tables, 1, fill(texts, 2), argv, &args, &err), 0);
    assert_int_not_equal(resource_body(&resource, &args, &body, &err),
                         0); /* not JSON as a whole */
    buf_clear(&body);
    assert_int_equal(truncate(path, 7), 0);
    assert_int_equal(resource_body(&resource, &args, &body, &err), 0);
    assert_string_equal(body.p, "{\"retry\":{\"a\":1}}");
    buf_done(&body);
    assert_int_equal(unlink(path), 0);
}

static void times_may_be_relative(void **state)
{
    static const struct {
        const char *text;
        const char *time; /* NULL: refused */
    } rows[] = {
        { "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z" },
        { "90s", "2026-01-01T23:58:30.000Z" },
        { "15m", "2026-01-01T23:45:00.000Z" },
        { "24h", "2026-01-01T00:00:00.000Z" },
        { "7d", "2025-12-26T00:00:00.000Z" },
        { "7", NULL },
        { "d", NULL },
        { "-1d", NULL },
        { "yesterday", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;

        buf_init(&out, 100);
        if (rows[i].time == NULL) {
            assert_int_equal(resource_time(rows[i].text, 1767312000000, &out), -E_INVALID);
        } else {
            assert_int_equal(resource_time(rows[i].text, 1767312000000, &out), 0);
            assert_string_equal(out.p, rows[i].time);
        }
        buf_done(&out);
    }
}

static void exit_codes_are_the_documented_ones(void **state)
{
    static const struct {
        long status;
        enum exit_code code;
    } rows[] = {
        { 200, EXIT_OK },      { 202, EXIT_OK },        { 204, EXIT_OK },
        { 301, EXIT_ERROR },   { 400, EXIT_INVALID },   { 401, EXIT_AUTH },
        { 403, EXIT_AUTH },    { 404, EXIT_NOT_FOUND }, { 409, EXIT_ERROR },
        { 413, EXIT_INVALID }, { 422, EXIT_INVALID },   { 429, EXIT_ERROR },
        { 500, EXIT_ERROR },   { 503, EXIT_ERROR },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(exit_of_status(rows[i].status), rows[i].code);
    }
    assert_int_equal(exit_of_error(-E_USAGE), 2);
    assert_int_equal(exit_of_error(-E_FORBIDDEN), 3);
    assert_int_equal(exit_of_error(-E_NOT_FOUND), 4);
    assert_int_equal(exit_of_error(-E_JSON), 5);
    assert_int_equal(exit_of_error(-E_CONNECT), 6);
    assert_int_equal(exit_of_error(-E_IO), 1);
}

static void config_is_taken_out_of_the_settings(void **state)
{
    static const char *const texts[] = { "--dev", "--config", "a.conf", "--listen", "x:1" };
    struct config_source source;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(setenv("POSTERN_CONFIG", "e.conf", 1), 0);
    assert_int_equal(config_source_take(fill(texts, 5), argv, &source, &err), 0);
    assert_string_equal(source.path, "a.conf");
    assert_int_equal(source.argc, 3);
    assert_string_equal(source.argv[0], "--dev");
    assert_string_equal(source.argv[1], "--listen");
    config_source_done(&source);
    assert_int_equal(config_source_take(1, argv, &source, &err), 0);
    assert_string_equal(source.path, "e.conf");
    config_source_done(&source);
    assert_int_equal(setenv("POSTERN_CONFIG", "", 1), 0);
    assert_int_equal(config_source_take(1, argv, &source, &err), 0);
    assert_null(source.path);
    config_source_done(&source);
    assert_int_equal(config_source_take(2, argv, &source, &err),
                     -E_USAGE); /* no file behind it */
    config_source_done(&source);
    assert_int_equal(unsetenv("POSTERN_CONFIG"), 0);
}

static void selftest_passes(void **state)
{
    struct cli cli = { .output = OUTPUT_JSON };

    (void)state;
    assert_int_equal(selftest_run(&cli), EXIT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_escaped),
        cmocka_unit_test(queries_are_joined),
        cmocka_unit_test(loopback_is_known),
        cmocka_unit_test(bodies_come_from_flags),
        cmocka_unit_test(files_are_read_into_bodies),
        cmocka_unit_test(times_may_be_relative),
        cmocka_unit_test(exit_codes_are_the_documented_ones),
        cmocka_unit_test(config_is_taken_out_of_the_settings),
        cmocka_unit_test(selftest_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
