/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "suites.h"

static void open_store(struct harness *h)
{
    struct err err = { 0 };

    if (store_open(&h->open, &h->options, &err) < 0) {
        fail_msg("%s", err.text);
    }
    h->is_open = true;
}

static void test_files_are_private(void **state)
{
    struct harness *h = *state;
    struct stat st;
    char dir[HARNESS_TEXT * 2];

    (void)snprintf(dir, sizeof(dir), "%s/made", h->dir);
    h->open.data_dir = dir;
    harness_start(h);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    if (h->kind == DB_SQLITE) {
        assert_int_equal(stat(h->options.target, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    harness_stop(h);

    static const char *const names[] = { "postern.db", "postern.db-wal", "postern.db-shm",
                                         "postern.lock" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[HARNESS_TEXT * 3];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

/*
 * The second one waits a little, then is refused with a sentence; when the first has gone it
 * may.
 */
static void test_one_process_owns_the_directory(void **state)
{
    struct harness *h = *state;
    struct db_options options;
    struct err err = { 0 };
    int64_t before = clock_boot_ms();

    open_store(h);
    assert_int_equal(store_open(&h->open, &options, &err), -E_CONFLICT);
    assert_non_null(strstr(err.text, "Another Postern"));
    assert_true(clock_boot_ms() - before >= 5000);
    harness_stop(h);
    open_store(h);
}

static void test_one_process_owns_the_database(void **state)
{
    struct harness *h = *state;
    struct store_open second = h->open;
    struct db_options options;
    struct err err = { 0 };
    char dir[HARNESS_TEXT * 2];
    int64_t before;

    if (h->kind != DB_POSTGRES) {
        skip();
    }
    (void)snprintf(dir, sizeof(dir), "%s/other", h->dir);
    second.data_dir = dir;
    open_store(h);
    before = clock_boot_ms();
    assert_int_equal(store_open(&second, &options, &err), -E_CONFLICT);
    assert_non_null(strstr(err.text, "Another Postern"));
    assert_true(clock_boot_ms() - before >= 5000); /* a killed one may still be seen */
    harness_stop(h);
    assert_int_equal(store_open(&second, &options, &err), 0);
    store_close(&options);
    (void)snprintf(dir, sizeof(dir), "%s/other/postern.lock", h->dir);
    (void)unlink(dir);
    (void)snprintf(dir, sizeof(dir), "%s/other", h->dir);
    (void)rmdir(dir);
}

static void test_the_key_belongs_to_the_database(void **state)
{
    const unsigned char right[STORE_KEY_CHECK_SIZE] = { 1, 0, 255 };
    const unsigned char wrong[STORE_KEY_CHECK_SIZE] = { 1, 0, 254 };
    struct harness *h = *state;
    struct err err = { 0 };
    bool is_new = false;

    open_store(h);
    assert_int_equal(store_is_new(&h->options, &is_new, &err), 0);
    assert_true(is_new);
    assert_int_equal(store_check_key(&h->options, right, &err), 0);
    assert_int_equal(store_is_new(&h->options, &is_new, &err), 0);
    assert_false(is_new);
    harness_stop(h);
    open_store(h);
    assert_int_equal(store_check_key(&h->options, wrong, &err), -E_CONFLICT);
    assert_non_null(strstr(err.text, "key file"));
    assert_int_equal(store_check_key(&h->options, right, &err), 0);
}

static void test_a_newer_schema_is_refused(void **state)
{
    struct harness *h = *state;
    struct db_options options;
    struct err err = { 0 };
    struct db *db;

    open_store(h);
    db = harness_connect(h, true);
    assert_int_equal(db_script(db, "UPDATE meta SET schema_version = 99", &err), 0);
    harness_stop(h);
    assert_int_equal(store_open(&h->open, &options, &err), 0); /* newer, but it allows us */
    store_close(&options);
    assert_int_equal(db_script(db, "UPDATE meta SET min_version = 99", &err), 0);
    db_close(db);
    assert_int_equal(store_open(&h->open, &options, &err), -E_CONFLICT);
    assert_non_null(strstr(err.text, "newer Postern"));
}

static void test_secrets_of_a_url_stay_out(void **state)
{
    static const char *const urls[] = {
        "postgresql://user:hunter2@127.0.0.1:1/none",
        "postgres://user:hunter2@[::1/none",
        "postgresql://user:hunter2@/x?nonsense=hunter2",
        "mysql://user:hunter2@host/x",
        "postgresql://user:hunter2@127.0.0.1:1/none?sslmode=hunter2",
    };
    struct harness *h = *state;

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct db_options options;
        struct err err = { 0 };

        h->open.database = urls[i];
        assert_true(store_open(&h->open, &options, &err) < 0);
        assert_true(strlen(err.text) > 0);
        assert_null(strstr(err.text, "user:hunter2"));
    }
}

/*
 * --- Statements
 * ------------------------------------------------------------------------------------
 */

/* Parameters are numbered by first use, or SQLite would swap them without a word. */
static void test_parameter_order_is_asserted(void **state)
{
    static const struct {
        struct db_stmt stmt;
        int result;
    } cases[] = {
        { { "good", "SELECT seq FROM due WHERE endpoint = $1 AND seq > $2 AND next_at = $1",
            NULL, "ii" },
          0 },
        { { "swapped", "SELECT seq FROM due WHERE endpoint = $2 AND seq > $1", NULL, "ii" },
          -E_INTERNAL },
        { { "hole", "SELECT seq FROM due WHERE endpoint = $1 AND seq > $3", NULL, "iii" },
          -E_INTERNAL },
        { { "undeclared", "SELECT seq FROM due WHERE endpoint = $1 AND seq > $2", NULL, "i" },
          -E_INTERNAL },
        { { "unused", "SELECT seq FROM due WHERE endpoint = $1", NULL, "ii" }, -E_INTERNAL },
        { { "letter", "SELECT seq FROM due WHERE endpoint = $1", NULL, "x" }, -E_INTERNAL },
        { { "column", "SELECT nonsense FROM due WHERE endpoint = $1", NULL, "i" }, -E_STORE },
    };
    struct harness *h = *state;

    open_store(h);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct db_options options = h->options;
        struct err err = { 0 };
        struct db *db;

        options.stmts = &cases[i].stmt;
        options.stmt_count = 1;
        assert_int_equal(db_open(&options, &db, &err), 0);
        assert_int_equal(db_prepare(db, &err), cases[i].result);
        if (cases[i].result < 0) {
            assert_non_null(strstr(err.text, cases[i].stmt.name));
        }
        db_close(db);
    }
}

static int on_text(void *ctx, const struct db_value *columns, size_t count)
{
    assert_int_equal(count, 1);
    if (columns[0].type == DB_INT) {
        (void)snprintf(ctx, 64, "%d", (int)columns[0].i);
    } else {
        (void)snprintf(ctx, 64, "%.*s", STR_ARG(columns[0].s));
    }
    return 0;
}

static void setting_is(struct harness *h, bool writer, const char *sqlite, const char *postgres,
                       const char *expected)
{
    const struct db_stmt stmt = { "setting", sqlite, postgres, "" };
    struct db_options options = h->options;
    struct err err = { 0 };
    char value[64] = "";
    struct db *db;

    options.stmts = &stmt;
    options.stmt_count = 1;
    options.writer = writer;
    assert_int_equal(db_open(&options, &db, &err), 0);
    assert_int_equal(db_prepare(db, &err), 0);
    assert_int_equal(db_query(db, 0, NULL, 0, on_text, value), 0);
    assert_int_equal(db_flush(db), 0);
    assert_string_equal(value, expected);
    db_close(db);
}

static void test_settings_of_a_connection(void **state)
{
    struct harness *h = *state;

    open_store(h);
    if (h->kind == DB_SQLITE) {
        setting_is(h, true, "PRAGMA page_size", NULL, "8192");
        setting_is(h, true, "PRAGMA auto_vacuum", NULL, "2");
        setting_is(h, true, "PRAGMA journal_mode", NULL, "wal");
        setting_is(h, true, "PRAGMA synchronous", NULL, "2");
        setting_is(h, true, "PRAGMA wal_autocheckpoint", NULL, "0");
        setting_is(h, true, "PRAGMA journal_size_limit", NULL, "67108864");
        setting_is(h, false, "PRAGMA wal_autocheckpoint", NULL, "0");
        setting_is(h, false, "PRAGMA query_only", NULL, "1");
    } else {
        char sql[HARNESS_TEXT];
        char name[32];

        /* Whatever the database's default is, an acknowledged event is on its disk. */
        harness_name(h, name);
        (void)snprintf(sql, sizeof(sql), "ALTER DATABASE %s SET synchronous_commit = off",
                       name);
        harness_admin(sql);
        setting_is(h, true, "", "SELECT current_setting('synchronous_commit')", "on");
        setting_is(h, true, "", "SELECT current_setting('statement_timeout')", "10s");
        setting_is(h, false, "", "SELECT current_setting('transaction_read_only')", "on");
    }
}

/* A reading connection cannot write. */
static void test_readers_do_not_write(void **state)
{
    struct harness *h = *state;
    struct err err = { 0 };
    struct db *db;

    open_store(h);
    db = harness_connect(h, false);
    assert_true(
        db_script(db, "INSERT INTO due (endpoint, next_at, seq) VALUES (1, 2, 3)", &err) < 0);
    db_close(db);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due"), 0);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_files_are_private),
    STORE_TEST(test_one_process_owns_the_directory),
    STORE_TEST(test_one_process_owns_the_database),
    STORE_TEST(test_the_key_belongs_to_the_database),
    STORE_TEST(test_a_newer_schema_is_refused),
    STORE_TEST(test_secrets_of_a_url_stay_out),
    STORE_TEST(test_parameter_order_is_asserted),
    STORE_TEST(test_settings_of_a_connection),
    STORE_TEST(test_readers_do_not_write),
};
const struct suite open_suite = SUITE("open", tests);
