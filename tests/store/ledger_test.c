/* SPDX-License-Identifier: Apache-2.0 */
/* Lists over the whole log: against the obvious way, their bounds, and their plans. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "harness.h"
#include "store/ledger.h"
#include "store/sql.h"
#include "suites.h"

enum { ROWS = 300, APPS = 3, SQL_MAX = 4096 };

static void script(struct harness *h, const char *sql)
{
    struct db *db = harness_connect(h, true);
    struct err err = { .text = "" };

    if (db_script(db, sql, &err) != 0) {
        fail_msg("%s: %s", sql, err.text);
    }
    db_close(db);
}

/* Rows without attempts or events: app, endpoint, type and state go round. */
static void fill(struct harness *h, int64_t count)
{
    bool lite = h->kind == DB_SQLITE;
    struct buf sql;

    buf_init(&sql, 64 * 1024 * 1024);
    assert_int_equal(buf_add_c(&sql,
                               "INSERT INTO delivery (seq, id, event, app, endpoint, type,"
                               " state, reason, attempt_count, next_at, created_at,"
                               " ended_at, last_code, last_error, last_ms) VALUES "),
                     0);
    for (int64_t i = 1; i <= count; i++) {
        long long at = 1767225600000 + i * 1000;

        assert_int_equal(buf_printf(&sql,
                                    "%s(%lld, %s%012llx%020llx'%s, 0, %d, %d, %d, %d, 0, 0, 0,"
                                    " %lld, 0, %d, %d, 0)",
                                    i == 1 ? "" : ",", (long long)i, lite ? "x'" : "'\\x",
                                    (unsigned long long)at, (unsigned long long)i,
                                    lite ? "" : "::bytea", (int)(1 + i % 3), (int)(10 + i % 7),
                                    (int)(1 + i % 5), (int)(1 + i % 7), at, (int)(200 + i % 2),
                                    (int)(i % 2)),
                         0);
    }
    script(h, sql.p);
    buf_done(&sql);
}

static bool wanted(const struct ledger_query *q, int64_t i)
{
    int64_t created = 1767225600000 + i * 1000;
    bool ok = false;

    for (size_t k = 0; k < q->app_count; k++) {
        ok = ok || q->apps[k] == 1 + i % 3;
    }
    if (q->endpoint_count > 0) {
        bool has = false;

        for (size_t k = 0; k < q->endpoint_count; k++) {
            has = has || q->endpoints[k] == 10 + i % 7;
        }
        ok = ok && has;
    }
    if (q->type_count > 0) {
        bool has = false;

        for (size_t k = 0; k < q->type_count; k++) {
            has = has || q->types[k] == 1 + i % 5;
        }
        ok = ok && has;
    }
    return ok && (q->states == 0 || (q->states & 1u << (1 + i % 7)) != 0) &&
           (q->code == 0 || q->code == 200 + i % 2) && (q->error == 0 || q->error == i % 2) &&
           created >= q->since && (q->until == 0 || created < q->until);
}

/* All pages of the query are what the obvious way finds, in order. */
static void check(struct db *db, struct ledger_query q)
{
    int64_t at = q.ascending ? 1 : ROWS;
    int64_t found = 0;
    int64_t count = -1;
    bool exact = false;

    q.after_seq = 0;
    for (;;) {
        struct ledger_page page;
        struct arena arena;
        int64_t next;

        arena_init(&arena);
        assert_int_equal(ledger_deliveries(db, &q, &arena, &page), 0);
        for (size_t i = 0; i < page.count; i++) {
            while (!wanted(&q, at)) {
                at += q.ascending ? 1 : -1;
                assert_in_range(at, 1, ROWS);
            }
            assert_int_equal(page.deliveries[i].seq, at);
            at += q.ascending ? 1 : -1;
            found++;
        }
        next = page.looked_to != 0    ? page.looked_to
               : page.count < q.limit ? 0
                                      : page.deliveries[page.count - 1].seq;
        arena_done(&arena);
        if (next == 0) {
            break;
        }
        q.after_seq = next;
    }
    for (; at >= 1 && at <= ROWS; at += q.ascending ? 1 : -1) {
        assert_false(wanted(&q, at));
    }
    assert_int_equal(ledger_count_deliveries(db, &q, &count, &exact), 0);
    assert_true(exact);
    assert_int_equal(count, found);
}

static void test_filters(void **state)
{
    static const int64_t apps[] = { 1, 2, 3 };
    static const int64_t endpoints[] = { 10, 13, 16 };
    static const int64_t types[] = { 2, 4 };
    static const uint32_t states[] = { 0, 1 << 4, 1 << 4 | 1 << 7, 1 << 1 | 1 << 4, 1 << 3 };
    struct harness *h = *state;
    uint64_t seed = 7;
    struct db *db;

    harness_start(h);
    fill(h, ROWS);
    db = harness_connect(h, false);
    for (int i = 0; i < 300; i++) {
        struct ledger_query q = { .apps = apps + harness_random(&seed) % 2,
                                  .app_count = 1 + harness_random(&seed) % 2,
                                  .endpoints = endpoints,
                                  .endpoint_count = harness_random(&seed) % 4,
                                  .types = types,
                                  .type_count = harness_random(&seed) % 3,
                                  .states = states[harness_random(&seed) % 5],
                                  .code = harness_random(&seed) % 4 == 0 ? 201 : 0,
                                  .error = harness_random(&seed) % 4 == 0 ? 1 : 0,
                                  .ascending = harness_random(&seed) % 2 == 0,
                                  .limit = 1 + (uint32_t)(harness_random(&seed) % 20) };

        if (harness_random(&seed) % 3 == 0) {
            q.since = 1767225600000 + (int64_t)(harness_random(&seed) % ROWS) * 1000;
        }
        if (harness_random(&seed) % 3 == 0) {
            q.until = 1767225600000 + (int64_t)(harness_random(&seed) % ROWS) * 1000 + 1;
        }
        check(db, q);
    }
    db_close(db);
}

static void test_a_page_looks_at_so_many_rows(void **state)
{
    static const int64_t nobody[] = { 9 };
    static const int64_t apps[] = { 1, 2, 3 };
    struct harness *h = *state;
    struct ledger_query q = { .apps = nobody, .app_count = 1, .limit = 10 };
    struct ledger_page page;
    struct arena arena;
    struct db *db;

    harness_start(h);
    fill(h, LEDGER_LOOK_MAX + 500);
    db = harness_connect(h, false);
    arena_init(&arena);
    assert_int_equal(ledger_deliveries(db, &q, &arena, &page), 0);
    assert_int_equal(page.count, 0);
    assert_int_equal(page.looked_to, 501);
    q.after_seq = page.looked_to;
    assert_int_equal(ledger_deliveries(db, &q, &arena, &page), 0);
    assert_int_equal(page.looked_to, 0);
    /* The last one that is there is far away; its state leads to it. */
    script(h, "UPDATE delivery SET state = 3; UPDATE delivery SET state = 4 WHERE seq = 2");
    q = (struct ledger_query){ .apps = apps, .app_count = 3, .states = 1 << 4, .limit = 10 };
    assert_int_equal(ledger_deliveries(db, &q, &arena, &page), 0);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.deliveries[0].seq, 2);
    assert_int_equal(page.looked_to, 0);
    script(h, "DELETE FROM delivery WHERE seq = 2");
    assert_int_equal(harness_int(h, "SELECT count(*) FROM delivery_ended"), 0);
    arena_done(&arena);
    db_close(db);
}

static void test_counts_are_bounded(void **state)
{
    static const int64_t apps[] = { 1, 2, 3 };
    static const int64_t nobody[] = { 9 };
    struct harness *h = *state;
    struct ledger_query q = { .apps = apps, .app_count = 3 };
    int64_t count;
    bool exact;
    struct db *db;

    harness_start(h);
    fill(h, LEDGER_COUNT_LOOK + 1000);
    db = harness_connect(h, false);
    assert_int_equal(ledger_count_deliveries(db, &q, &count, &exact), 0);
    assert_int_equal(count, LEDGER_COUNT_MAX);
    assert_false(exact);
    q.apps = nobody;
    q.app_count = 1;
    assert_int_equal(ledger_count_deliveries(db, &q, &count, &exact), 0);
    assert_int_equal(count, 0);
    assert_false(exact);
    script(h, "DELETE FROM delivery WHERE seq > 10000");
    q.apps = apps;
    q.app_count = 3;
    assert_int_equal(ledger_count_deliveries(db, &q, &count, &exact), 0);
    assert_int_equal(count, LEDGER_COUNT_MAX);
    assert_true(exact);
    db_close(db);
}

/*
 * --- Plans
 * --------------------------------------------------------------------------------------
 */

/* Parameters as a literal. */
static void literal(const char *sql, const char *quote, char out[SQL_MAX])
{
    size_t n = 0;

    for (const char *p = sql; *p != '\0'; p++) {
        if (*p == '$') {
            n += (size_t)snprintf(out + n, SQL_MAX - n, "%s", quote);
            while (p[1] >= '0' && p[1] <= '9') {
                p++;
            }
        } else {
            out[n++] = *p;
        }
        assert_true(n < SQL_MAX - 8);
    }
    out[n] = '\0';
}

static void sqlite_plan(const struct harness *h, const char *name, const char *sql)
{
    static const char *const tables[] = {
        "SCAN delivery", "SCAN event", "SCAN tally",       "SCAN rollup",        "SCAN due",
        "SCAN attempt",  "SCAN e",     "SCAN tally_count", "SCAN delivery_ended"
    };
    bool is_page = strstr(name, "list") != NULL || strstr(name, "ledger") != NULL;
    char path[HARNESS_TEXT + 16];
    char text[SQL_MAX];
    sqlite3_stmt *stmt;
    sqlite3 *db;

    (void)snprintf(path, sizeof(path), "%s/postern.db", h->dir);
    (void)snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", name, sqlite3_errmsg(db));
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(stmt, 3);

        for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
            size_t len = strlen(tables[i]);

            if (strncmp(step, tables[i], len) == 0 && (step[len] == ' ' || step[len] == '\0')) {
                fail_msg("%s: %s", name, step);
            }
        }
        /* A sort reads everything before it gives the first row. */
        if (is_page && strstr(step, "TEMP B-TREE") != NULL) {
            fail_msg("%s: %s", name, step);
        }
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* With an index that fits, PostgreSQL has a plan without a sequential scan. */
static void postgres_plan(struct harness *h, const char *name, const char *sql)
{
    char text[SQL_MAX * 2];

    (void)snprintf(text, sizeof(text), "SELECT list_scans($list$%s$list$)", sql);
    if (harness_int(h, text) != 0) {
        fail_msg("%s has a sequential scan", name);
    }
}

/* But for LOOK_DEPTH, the last of its table: it counts rows of `due` in any order, and stops at a limit. */
static void test_no_list_scans_a_table(void **state)
{
    static const struct {
        unsigned first, count;
    } lists[] = {
        { SQL_LEDGER, LEDGER_STMTS },       { SQL_DELIVERY + DELIVERY_LIST_DOWN, 4 },
        { SQL_EVENT + EVENT_LIST_DOWN, 2 }, { SQL_LOOK, LOOK_DEPTH },
        { SQL_TALLY + TALLY_READ, 3 },      { SQL_ROLLUP + ROLLUP_READ, 1 },
    };
    struct harness *h = *state;

    harness_start(h);
    fill(h, ROWS);
    if (h->kind == DB_POSTGRES) {
        script(h, "CREATE FUNCTION list_scans(q text) RETURNS bigint LANGUAGE plpgsql AS $f$"
                  " DECLARE line text; n bigint := 0; BEGIN SET LOCAL enable_seqscan = off;"
                  " FOR line IN EXECUTE 'EXPLAIN ' || q LOOP"
                  " IF line LIKE '%Seq Scan%' THEN n := n + 1; END IF; END LOOP;"
                  " RETURN n; END $f$");
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (unsigned k = 0; k < lists[i].count; k++) {
            const struct db_stmt *stmt = &sql_stmts()[lists[i].first + k];
            bool by_id = strcmp(stmt->params, "b") == 0;
            char sql[SQL_MAX];

            if (h->kind == DB_SQLITE) {
                sqlite_plan(h, stmt->name, stmt->sql);
            } else {
                literal(stmt->sql_postgres != NULL ? stmt->sql_postgres : stmt->sql,
                        by_id ? "'x'::bytea" : "5::bigint", sql);
                postgres_plan(h, stmt->name, sql);
            }
        }
    }
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_filters),
    STORE_TEST(test_a_page_looks_at_so_many_rows),
    STORE_TEST(test_counts_are_bounded),
    STORE_TEST(test_no_list_scans_a_table),
};

const struct suite ledger_suite = SUITE("ledger", tests);
