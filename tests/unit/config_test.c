/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: precedence, units, every kind of fault with its place, secrets in no output, the example file. */
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

#include "server/config.h"

enum { OUT_MAX = 64 * 1024, FLAGS_MAX = 8, FLAG_SIZE = 128 };

/* A writable argv, as main has. */
struct flags {
    char texts[FLAGS_MAX][FLAG_SIZE];
    char *argv[FLAGS_MAX];
};

static char **make_flags(struct flags *flags, const char *const *texts, size_t count)
{
    assert_true(count <= FLAGS_MAX);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(flags->texts[i], FLAG_SIZE, "%s", texts[i]);
        flags->argv[i] = flags->texts[i];
    }
    return flags->argv;
}

static char path[64];

/* No POSTERN_ variable of the caller may reach a test. */
static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; environ[i] != NULL;) {
        if (strncmp(environ[i], "POSTERN_", 8) == 0) {
            char name[128] = "";
            size_t len = strcspn(environ[i], "=");

            assert_true(len < sizeof(name));
            memcpy(name, environ[i], len);
            assert_int_equal(unsetenv(name), 0);
        } else {
            i++;
        }
    }
    return 0;
}

static int make_file(void **state)
{
    int fd;

    (void)clear_environment(state);
    (void)snprintf(path, sizeof(path), "/tmp/config_test.XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    return close(fd);
}

static int remove_file(void **state)
{
    (void)clear_environment(state);
    return unlink(path);
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void defaults_hold(void **state)
{
    struct config c = { 0 };
    struct err err = { 0 };

    (void)state;
    assert_int_equal(config_read(&c, NULL, 0, NULL, &err), 0);
    assert_string_equal(c.data, "./var");
    assert_string_equal(c.listen, "127.0.0.1:8080");
    assert_false(c.dev);
    assert_int_equal(c.connect_timeout_ms, 5000);
    assert_int_equal(c.body_memory_max, 256 << 20);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        assert_string_equal(c.origin[i], "default");
    }
    config_done(&c);
}

static void flags_win_over_environment_over_file(void **state)
{
    static const char *const texts[] = { "--app-concurrency", "3" };
    struct flags flags;
    struct config c = { 0 };
    struct err err = { 0 };

    (void)state;
    write_file("app_concurrency = 1\nendpoint_concurrency = 1\nreader_threads = 1\n");
    assert_int_equal(setenv("POSTERN_APP_CONCURRENCY", "2", 1), 0);
    assert_int_equal(setenv("POSTERN_ENDPOINT_CONCURRENCY", "2", 1), 0);
    assert_int_equal(setenv("POSTERN_BATCH_EVENTS_MAX", "", 1), 0);
    assert_int_equal(config_read(&c, path, 2, make_flags(&flags, texts, 2), &err), 0);
    assert_int_equal(c.app_concurrency, 3);
    assert_int_equal(c.endpoint_concurrency, 2);
    assert_int_equal(c.reader_threads, 1);
    assert_int_equal(c.batch_events_max, 100); /* an empty variable is none */
    assert_string_equal(c.origin[CONFIG_AT_app_concurrency], "flag");
    assert_string_equal(c.origin[CONFIG_AT_endpoint_concurrency], "environment");
    assert_string_equal(c.origin[CONFIG_AT_reader_threads], "file");
    assert_string_equal(c.origin[CONFIG_AT_batch_events_max], "default");
    config_done(&c);
}

static void lines_are_read(void **state)
{
    struct config c = { 0 };
    struct err err = { 0 };

    (void)state;
    assert_int_equal(
        config_read_text(&c, "x.conf",
                         STR("# a comment\n"
                             "\n"
                             "  data=/srv/postern   # behind it a comment\r\n"
                             "\tdatabase = postgres://u:p#w@h/d\n"
                             "public_url = \"https://hooks.example/ #1\" # quoted\n"
                             "header_prefix = Acme\n"
                             "dev = YES"),
                         &err),
        0);
    assert_string_equal(c.data, "/srv/postern");
    assert_string_equal(c.database, "postgres://u:p#w@h/d");
    assert_string_equal(c.public_url, "https://hooks.example/ #1");
    assert_string_equal(c.header_prefix, "Acme");
    assert_true(c.dev);
    config_done(&c);
}

static void units_are_understood(void **state)
{
    static const struct {
        const char *line;
        int64_t size;
        int64_t time;
    } rows[] = {
        { "body_memory_max = 1048576", 1048576, 0 }, { "body_memory_max = 2048k", 2 << 20, 0 },
        { "body_memory_max = 64M", 64 << 20, 0 },    { "body_memory_max = 1g", 1 << 30, 0 },
        { "request_idle_ms = 1500", 0, 1500 },       { "request_idle_ms = 1500ms", 0, 1500 },
        { "request_idle_ms = 5s", 0, 5000 },         { "request_idle_ms = 2m", 0, 120000 },
        { "request_idle_ms = 1h", 0, 3600000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config c = { 0 };
        struct err err = { 0 };

        assert_int_equal(config_read_text(&c, "x", str_from(rows[i].line), &err), 0);
        if (rows[i].size != 0) {
            assert_int_equal(c.body_memory_max, rows[i].size);
        } else {
            assert_int_equal(c.request_idle_ms, rows[i].time);
        }
        config_done(&c);
    }
}

static void faults_name_file_and_line(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        { "dev = true\n\nlisten_on = x\n", "x.conf:3: unknown key `listen_on`" },
        { "databse = x\n", "x.conf:1: unknown key `databse`; did you mean `database`?" },
        { "zzzzzzzzzz = x\n", "x.conf:1: unknown key `zzzzzzzzzz`" },
        { "[server]\n", "x.conf:1: a line is `key = value`" },
        { "dev = true\ndev = false\n", "x.conf:2: dev stands in this file twice" },
        { "dev = maybe\n", "x.conf:1: dev needs true or false" },
        { "dev =\n", "x.conf:1: dev needs true or false" },
        { "app_concurrency = 0\n", "x.conf:1: app_concurrency must be between 1 and 10000" },
        { "app_concurrency = 10001\n", "between" },
        { "app_concurrency = -1\n", "a whole number" },
        { "app_concurrency = 1k\n", "a whole number" },
        { "app_concurrency =\n", "a whole number" },
        { "body_memory_max = 1t\n", "a size such as" },
        { "body_memory_max = 1.5m\n", "a size such as" },
        { "body_memory_max = k\n", "a size such as" },
        { "body_memory_max = 9223372036854775807g\n", "between" },
        { "drain_ms = 5 s\n", "a time such as" },
        { "drain_ms = 1k\n", "a time such as" },
        { "listen =\n", "x.conf:1: listen needs 1 to 256 characters" },
        { "data = \"open\n", "x.conf:1: the closing quote is missing" },
        { "data = \"a\" b\n", "x.conf:1: there is text behind the closing quote" },
        { "data = a\x01z\n", "x.conf:1: data holds a control character" },
        { "data = a\xffz\n", "x.conf:1: data is not UTF-8" },
        /* of several values together: without a line */
        { "listen = 8080\n", "listen is ADDR:PORT" },
        { "listen = ::1:8080\n", "listen is ADDR:PORT" },
        { "listen = [::1:8080\n", "listen is ADDR:PORT" },
        { "listen = a:65536\n", "listen is ADDR:PORT" },
        { "dns_server = 127.0.0.1:0\n", "dns_server is ADDR:PORT" },
        { "database = mysql://x\n", "database begins with postgres://" },
        { "tls_cert = a.pem\n", "tls_cert and tls_key go together" },
        { "tls_key = a.pem\n", "tls_cert and tls_key go together" },
        { "admin_key = short\n", "admin_key needs 32 to 128" },
        { "admin_key = pst_0123456789ABCDEFGHIJKLMNOPQRSTUV3uavNX\n", "admin_key needs" },
        { "admin_key = 0123456789abcdef0123456789abcdef\nadmin_key_file = x\n", "not both" },
        { "log_level = loud\n", "log_level is debug" },
        { "log_format = xml\n", "log_format is logfmt or json" },
        { "header_prefix = A_B\n", "header_prefix has letters" },
        { "header_prefix = A-\n", "header_prefix has letters" },
        { "endpoint_ports = 443,,80\n", "endpoint_ports is a list" },
        { "endpoint_ports = 0\n", "endpoint_ports is a list" },
        { "endpoint_memory_max = 2000\ndeliveries_memory_max = 1000\n", "must not be above" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config c = { 0 };
        struct err err = { 0 };

        assert_int_equal(config_read_text(&c, "x.conf", str_from(rows[i].text), &err),
                         -E_CONFIG);
        if (strstr(err.text, rows[i].says) == NULL) {
            fail_msg("row %zu says: %s", i, err.text);
        }
        assert_null(c.data); /* untouched */
    }
}

static void flags_have_two_forms(void **state)
{
    static const char *const texts[] = { "--listen=[::1]:9000", "--dev", "--drain-ms", "2s",
                                         "--allow-http=false" };
    struct flags flags;
    struct config c = { 0 };
    struct err err = { 0 };

    (void)state;
    assert_int_equal(config_read(&c, NULL, 5, make_flags(&flags, texts, 5), &err), 0);
    assert_string_equal(c.listen, "[::1]:9000");
    assert_true(c.dev);
    assert_int_equal(c.drain_ms, 2000);
    assert_false(c.allow_http);
    assert_string_equal(c.origin[CONFIG_AT_allow_http], "flag");
    config_done(&c);
}

static void wrong_flags_are_usage(void **state)
{
    static const struct {
        const char *flag;
        const char *says;
    } rows[] = {
        { "--drain_ms=1s", "unknown flag --drain_ms; did you mean --drain-ms?" },
        { "--databse=x", "unknown flag --databse; did you mean --database?" },
        { "--nothing-like-it", "unknown flag --nothing-like-it" },
        { "--listen", "--listen needs a value" },
        { "extra", "unexpected argument `extra`" },
        { "-d", "unexpected argument" },
        { "--", "unexpected argument" },
        { "--drain-ms=soon", "flag --drain-ms: drain_ms needs a time" },
        { "--admin-key=0123456789abcdef0123456789abcdef", "POSTERN_ADMIN_KEY" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct flags flags;
        struct config c = { 0 };
        struct err err = { 0 };

        assert_int_equal(config_read(&c, NULL, 1, make_flags(&flags, &rows[i].flag, 1), &err),
                         -E_USAGE);
        if (strstr(err.text, rows[i].says) == NULL) {
            fail_msg("row %zu says: %s", i, err.text);
        }
        assert_null(strstr(err.text, "0123456789abcdef"));
    }
}

static void environment_faults_name_the_variable(void **state)
{
    struct config c = { 0 };
    struct err err = { 0 };

    (void)state;
    assert_int_equal(setenv("POSTERN_DRAIN_MS", "later", 1), 0);
    assert_int_equal(config_read(&c, NULL, 0, NULL, &err), -E_CONFIG);
    assert_non_null(strstr(err.text, "POSTERN_DRAIN_MS"));
}

static void files_that_cannot_be_read_are_told(void **state)
{
    struct config c = { 0 };
    struct err err = { 0 };
    FILE *f;

    (void)state;
    assert_int_equal(config_read(&c, "/nonexistent.conf", 0, NULL, &err), -E_CONFIG);
    assert_non_null(strstr(err.text, "/nonexistent.conf"));
    assert_int_equal(config_read(&c, "/", 0, NULL, &err), -E_CONFIG);
    f = fopen(path, "we");
    assert_non_null(f);
    for (int i = 0; i <= CONFIG_FILE_MAX; i++) {
        assert_int_equal(fputc('#', f), '#');
    }
    assert_int_equal(fclose(f), 0);
    assert_int_equal(config_read(&c, path, 0, NULL, &err), -E_CONFIG);
    assert_non_null(strstr(err.text, "more than"));
}

static void secrets_are_in_no_output(void **state)
{
    static const struct {
        const char *database;
        const char *shown;
    } rows[] = {
        { "postgres://u:s3cret@h:5432/d?sslmode=require",
          "postgres://u:***@h:5432/d?sslmode=require" },
        { "postgres://u:s3cr@et@h/d", "postgres://u:***@h/d" },
        { "postgres://u@h/d", "postgres://u@h/d" },
        { "postgres:///d?host=/run&user=u&password=s3cret&x=1",
          "postgres:///d?host=/run&user=u&password=***&x=1" },
        { "postgresql://h/d?password=s3cret", "postgresql://h/d?password=***" },
        { "postgres://u:s3cret@h/d?password=s3cret", "postgres://u:***@h/d?password=***" },
    };
    const char *key = "0123456789abcdef0123456789abcdef";

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config c = { 0 };
        struct err err = { 0 };
        struct buf out;

        assert_int_equal(setenv("POSTERN_DATABASE", rows[i].database, 1), 0);
        assert_int_equal(setenv("POSTERN_ADMIN_KEY", key, 1), 0);
        assert_int_equal(config_read(&c, NULL, 0, NULL, &err), 0);
        assert_string_equal(c.admin_key, key);
        buf_init(&out, OUT_MAX);
        assert_int_equal(config_print(&c, &out), 0);
        assert_null(strstr(out.p, "s3cr"));
        assert_null(strstr(out.p, key));
        assert_non_null(strstr(out.p, rows[i].shown));
        assert_non_null(strstr(out.p, "***  # environment\n"));
        buf_done(&out);
        config_done(&c);
    }
}

static void example_file_is_the_packaged_one(void **state)
{
    const char *root = getenv("SOURCE_ROOT");
    char name[512];
    char *packaged = calloc(1, OUT_MAX);
    struct buf out;
    FILE *f;

    (void)state;
    assert_non_null(root);
    (void)snprintf(name, sizeof(name), "%s/packaging/postern.conf", root);
    f = fopen(name, "re");
    assert_non_null(f);
    assert_true(fread(packaged, 1, OUT_MAX - 1, f) > 0);
    assert_int_equal(fclose(f), 0);
    buf_init(&out, OUT_MAX);
    assert_int_equal(config_example(&out), 0);
    /* Differs? Then: postern config example > packaging/postern.conf */
    assert_string_equal(packaged, out.p);
    buf_done(&out);
    free(packaged);
}

/* With every # before a key taken away the example still reads, and every value is its default. */
static void example_file_reads_as_the_defaults(void **state)
{
    struct config c = { 0 };
    struct config defaults = { 0 };
    struct err err = { 0 };
    struct buf example;
    struct buf text;
    struct buf printed[2];

    (void)state;
    buf_init(&example, OUT_MAX);
    buf_init(&text, OUT_MAX);
    buf_init(&printed[0], OUT_MAX);
    buf_init(&printed[1], OUT_MAX);
    assert_int_equal(config_example(&example), 0);
    for (size_t i = 0; i < example.len; i++) {
        bool is_key = example.p[i] == '#' && (i == 0 || example.p[i - 1] == '\n') &&
                      example.p[i + 1] != ' ' && example.p[i + 1] != '\n';

        if (!is_key) {
            assert_int_equal(buf_add_char(&text, example.p[i]), 0);
        }
    }
    assert_int_equal(config_read_text(&c, "example", buf_str(&text), &err), 0);
    assert_int_equal(config_read_text(&defaults, "none", STR_NONE, &err), 0);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        assert_string_equal(c.origin[i], "file");
        c.origin[i] = "default";
    }
    assert_int_equal(config_print(&c, &printed[0]), 0);
    assert_int_equal(config_print(&defaults, &printed[1]), 0);
    assert_string_equal(printed[0].p, printed[1].p);
    config_done(&c);
    config_done(&defaults);
    buf_done(&example);
    buf_done(&text);
    buf_done(&printed[0]);
    buf_done(&printed[1]);
}

static void reload_takes_what_may_change(void **state)
{
    struct config c = { 0 };
    struct config fresh = { 0 };
    struct err err = { 0 };
    struct buf changed;
    struct buf ignored;

    (void)state;
    buf_init(&changed, 1000);
    buf_init(&ignored, 1000);
    assert_int_equal(config_read_text(&c, "a", STR("retention_days = 5\ndev = true\n"), &err),
                     0);
    assert_int_equal(config_read_text(&fresh, "b",
                                      STR("retention_days = 6\nlog_level = debug\n"
                                          "listen = 127.0.0.1:1\n"),
                                      &err),
                     0);
    assert_int_equal(config_reload(&c, &fresh, &changed, &ignored), 0);
    assert_string_equal(changed.p, "log_level retention_days");
    assert_string_equal(ignored.p, "listen dev");
    assert_int_equal(c.retention_days, 6);
    assert_string_equal(c.log_level, "debug");
    assert_string_equal(c.listen, "127.0.0.1:8080");
    assert_true(c.dev);
    assert_int_equal(fresh.retention_days, 5);
    config_done(&c);
    config_done(&fresh);
    buf_done(&changed);
    buf_done(&ignored);
}

static void flags_of_help_are_all_but_the_secret(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, OUT_MAX);
    assert_int_equal(config_flags(&out), 0);
    assert_non_null(strstr(out.p, "  --endpoint-timeout-ms "));
    assert_non_null(strstr(out.p, "[15s]"));
    assert_non_null(strstr(out.p, "  --admin-key-file "));
    assert_null(strstr(out.p, "  --admin-key "));
    buf_done(&out);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)
#define CLEAN(test)     cmocka_unit_test_setup_teardown(test, clear_environment, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAN(defaults_hold),
        WITH_FILE(flags_win_over_environment_over_file),
        CLEAN(lines_are_read),
        CLEAN(units_are_understood),
        CLEAN(faults_name_file_and_line),
        CLEAN(flags_have_two_forms),
        CLEAN(wrong_flags_are_usage),
        CLEAN(environment_faults_name_the_variable),
        WITH_FILE(files_that_cannot_be_read_are_told),
        CLEAN(secrets_are_in_no_output),
        CLEAN(example_file_is_the_packaged_one),
        CLEAN(example_file_reads_as_the_defaults),
        CLEAN(reload_takes_what_may_change),
        CLEAN(flags_of_help_are_all_but_the_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
