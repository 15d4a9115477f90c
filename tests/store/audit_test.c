/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: its chain, what breaks it, lists and retention. */
#include <stdio.h>
#include <string.h>

#include "crypto/keyring.h"
#include "store/audit.h"
#include "suites.h"

enum { PROJECT = 7, OTHER = 8 };

static struct keyring *make_keyring(const struct harness *h, const char *name)
{
    char path[HARNESS_TEXT + 16];
    struct keyring *keyring;

    (void)snprintf(path, sizeof(path), "%s/%s", h->dir, name);
    assert_int_equal(keyring_open(path, true, &keyring, NULL), 0);
    return keyring;
}

struct append {
    struct audit_entry entries[8];
    size_t count;
    int64_t changes;
    bool by_changes;
};

static int append_run(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct append *a = ctx;
    int rc = 0;

    (void)seqs;
    for (size_t i = 0; i < a->count && rc == 0; i++) {
        rc = a->by_changes ? audit_append_if(db, &a->changes, &a->entries[i])
                           : audit_append(db, &a->entries[i]);
    }
    return rc;
}

static struct audit_entry make_entry(const struct keyring *keyring, int64_t project, int64_t at,
                                     const char *action)
{
    return (struct audit_entry){ .keyring = keyring,
                                 .at = at,
                                 .project = project,
                                 .app = at % 2,
                                 .actor_kind = STR("key"),
                                 .actor_id = STR("key_1"),
                                 .actor_name = STR("\xc3\xa9"),
                                 .action = str_from(action),
                                 .target = STR("ep_1"),
                                 .reason = STR("because"),
                                 .details = STR("{\"version\":1}") };
}

/* Rows 1..count at times 1..count, each in a transaction of its own. */
static void fill(struct harness *h, const struct keyring *keyring, int64_t project, int count)
{
    for (int i = 1; i <= count; i++) {
        struct append a = { .count = 1 };

        a.entries[0] = make_entry(keyring, project, i, "endpoint.updated");
        assert_int_equal(job_run(h, append_run, &a), 0);
    }
}

static struct audit_check check(struct harness *h, const struct keyring *keyring,
                                int64_t project)
{
    struct audit_check c = { .project = project };
    struct db *db = harness_connect(h, false);

    while (!c.at_end) {
        assert_int_equal(audit_scan(db, keyring, &c), 0);
    }
    db_close(db);
    return c;
}

static void change(struct harness *h, const char *sql)
{
    struct db *db = harness_connect(h, true);

    assert_int_equal(db_script(db, sql, NULL), 0);
    db_close(db);
}

static void test_rows_are_chained_by_project(void **state)
{
    struct harness *h = *state;
    struct keyring *keyring = make_keyring(h, "key");
    struct append both = { .count = 4 };
    struct audit_check c;

    harness_start(h);
    fill(h, keyring, PROJECT, 3);
    for (int i = 0; i < 4; i++) {
        both.entries[i] = make_entry(keyring, i % 2 == 0 ? PROJECT : OTHER, 10 + i, "a.b");
    }
    assert_int_equal(job_run(h, append_run, &both), 0);
    c = check(h, keyring, PROJECT);
    assert_int_equal(c.broken, 0);
    assert_int_equal(c.rows, 5);
    assert_int_equal(c.first, 1);
    assert_int_equal(c.number, 5);
    assert_int_equal(check(h, keyring, OTHER).rows, 2);
    assert_int_equal(check(h, keyring, 99).rows, 0);
    keyring_free(keyring);
}

static void test_the_first_broken_row_is_named(void **state)
{
    static const struct {
        const char *sql;
        int64_t broken;
        const char *fault;
    } cases[] = {
        { "UPDATE audit SET reason = 'x' WHERE number = 4", 4, "changed" },
        { "UPDATE audit SET at = at + 1 WHERE number = 2", 2, "changed" },
        { "UPDATE audit SET actor_id = 'key_', actor_name = '1' WHERE number = 5", 5,
          "changed" },
        { "DELETE FROM audit WHERE number = 3", 3, "missing" },
        { "DELETE FROM audit WHERE number = 1", 1, "missing" },
        { "UPDATE audit SET hash = (SELECT hash FROM audit WHERE number = 1) WHERE number = 6",
          6, "changed" },
        { "UPDATE audit SET seal = (SELECT seal FROM audit WHERE number = 1) WHERE number = 2",
          2, "unsealed" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct harness *h = *state;
        struct keyring *keyring = make_keyring(h, "key");
        struct audit_check c;

        harness_start(h);
        fill(h, keyring, (int64_t)i + 1, 6);
        c = check(h, keyring, (int64_t)i + 1);
        assert_int_equal(c.broken, 0);
        change(h, cases[i].sql);
        c = check(h, keyring, (int64_t)i + 1);
        assert_int_equal(c.broken, cases[i].broken);
        assert_string_equal(c.fault, cases[i].fault);
        assert_int_equal(c.rows, cases[i].broken - 1);
        change(h, "DELETE FROM audit");
        keyring_free(keyring);
    }
}

/* Who has the database but not the key file cannot make a chain. */
static void test_another_key_does_not_seal(void **state)
{
    struct harness *h = *state;
    struct keyring *keyring = make_keyring(h, "key");
    struct keyring *foreign = make_keyring(h, "foreign");
    struct audit_check c;

    harness_start(h);
    fill(h, foreign, PROJECT, 2);
    c = check(h, keyring, PROJECT);
    assert_int_equal(c.broken, 1);
    assert_string_equal(c.fault, "unsealed");
    keyring_free(foreign);
    keyring_free(keyring);
}

static void test_a_lost_race_leaves_no_row(void **state)
{
    struct harness *h = *state;
    struct keyring *keyring = make_keyring(h, "key");
    struct append a = { .count = 1, .by_changes = true };

    harness_start(h);
    a.entries[0] = make_entry(keyring, PROJECT, 1, "app.updated");
    assert_int_equal(job_run(h, append_run, &a), 0);
    assert_int_equal(check(h, keyring, PROJECT).rows, 0);
    a.changes = 1;
    assert_int_equal(job_run(h, append_run, &a), 0);
    assert_int_equal(check(h, keyring, PROJECT).rows, 1);
    keyring_free(keyring);
}

/* Long texts are cut at a character; details of more than the limit are refused. */
static void test_texts_have_limits(void **state)
{
    struct harness *h = *state;
    struct keyring *keyring = make_keyring(h, "key");
    struct append a = { .count = 1 };
    char reason[AUDIT_REASON_MAX + 2];
    static char details[AUDIT_DETAILS_MAX + 1];

    harness_start(h);
    memset(reason, 'a', sizeof(reason));
    memcpy(reason + AUDIT_REASON_MAX - 1, "\xc3\xa9", 2);
    a.entries[0] = make_entry(keyring, PROJECT, 1, "app.updated");
    a.entries[0].reason = (struct str){ reason, sizeof(reason) };
    assert_int_equal(job_run(h, append_run, &a), 0);
    assert_int_equal(harness_int(h, "SELECT length(reason) FROM audit"), AUDIT_REASON_MAX - 1);
    assert_int_equal(check(h, keyring, PROJECT).broken, 0);
    memset(details, ' ', sizeof(details));
    a.entries[0].details = (struct str){ details, sizeof(details) };
    assert_int_equal(job_run(h, append_run, &a), -E_TOO_LARGE);
    assert_int_equal(check(h, keyring, PROJECT).rows, 1);
    keyring_free(keyring);
}

static size_t list(struct harness *h, struct audit_query q, int64_t *ret_first)
{
    struct db *db = harness_connect(h, false);
    struct audit_row *rows;
    struct arena arena;
    size_t count;

    arena_init(&arena);
    q.project = PROJECT;
    q.limit = q.limit == 0 ? 100 : q.limit;
    assert_int_equal(audit_list(db, &q, &arena, &rows, &count), 0);
    *ret_first = count == 0 ? 0 : rows[0].number;
    arena_done(&arena);
    db_close(db);
    return count;
}

static void test_lists_narrow(void **state)
{
    static const struct {
        struct audit_query q;
        size_t count;
        int64_t first;
    } cases[] = {
        { { .ascending = false }, 6, 6 },
        { { .ascending = true }, 6, 1 },
        { { .ascending = true, .after = 2, .limit = 3 }, 3, 3 },
        { { .after = 4 }, 3, 3 },
        { { .app = 1 }, 3, 5 },
        { { .since = 3, .until = 5 }, 2, 4 },
        { { .action = { "endpoint.", 9 } }, 6, 6 },
        { { .action = { "endpoint", 8 } }, 0, 0 },
        { { .action = { "endpoint.updated", 16 } }, 6, 6 },
        { { .actor = { "key_1", 5 }, .target = { "ep_1", 4 } }, 6, 6 },
        { { .target = { "ep_2", 4 } }, 0, 0 },
    };
    struct harness *h = *state;
    struct keyring *keyring = make_keyring(h, "key");
    int64_t first;

    harness_start(h);
    fill(h, keyring, PROJECT, 6);
    fill(h, keyring, OTHER, 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(list(h, cases[i].q, &first), cases[i].count);
        assert_int_equal(first, cases[i].first);
    }
    keyring_free(keyring);
}

struct expire {
    int64_t before;
    uint32_t max;
    bool more;
};

static int expire_run(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct expire *e = ctx;

    (void)seqs;
    return audit_expire(db, e->before, e->max, &e->more);
}

/* What is left is still a chain, and grows; the newest row stays however old it is. */
static void test_retention_keeps_the_chain(void **state)
{
    struct harness *h = *state;
    struct keyring *keyring = make_keyring(h, "key");
    struct expire e = { .before = 5, .max = 3 };
    struct audit_check c;

    harness_start(h);
    fill(h, keyring, PROJECT, 6);
    fill(h, keyring, OTHER, 1);
    assert_int_equal(job_run(h, expire_run, &e), 0);
    assert_true(e.more);
    assert_int_equal(job_run(h, expire_run, &e), 0);
    assert_false(e.more);
    c = check(h, keyring, PROJECT);
    assert_int_equal(c.broken, 0);
    assert_int_equal(c.first, 5);
    assert_int_equal(c.rows, 2);
    assert_int_equal(check(h, keyring, OTHER).rows, 1);
    e = (struct expire){ .before = 1000, .max = 100 };
    assert_int_equal(job_run(h, expire_run, &e), 0);
    assert_int_equal(check(h, keyring, PROJECT).first, 6);
    fill(h, keyring, PROJECT, 1);
    c = check(h, keyring, PROJECT);
    assert_int_equal(c.broken, 0);
    assert_int_equal(c.number, 7);
    change(h, "DELETE FROM audit WHERE number = 6");
    assert_int_equal(check(h, keyring, PROJECT).broken, 6);
    keyring_free(keyring);
}

struct ends {
    int64_t after;
    struct audit_end rows[AUDIT_ENDS_MAX];
    size_t count;
};

static int ends_run(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct ends *e = ctx;

    (void)seqs;
    return audit_ends(db, e->after, e->rows, &e->count);
}

static void test_the_ends_that_grew_are_told(void **state)
{
    struct harness *h = *state;
    struct keyring *keyring = make_keyring(h, "key");
    struct ends e = { .after = 2 };
    struct audit_check c;

    harness_start(h);
    fill(h, keyring, PROJECT, 4);
    fill(h, keyring, OTHER, 2);
    assert_int_equal(job_run(h, ends_run, &e), 0);
    assert_int_equal(e.count, 1);
    assert_int_equal(e.rows[0].project, PROJECT);
    assert_int_equal(e.rows[0].number, 4);
    c = check(h, keyring, PROJECT);
    assert_memory_equal(e.rows[0].hash, c.hash, AUDIT_HASH_SIZE);
    e.after = 1;
    assert_int_equal(job_run(h, ends_run, &e), 0);
    assert_int_equal(e.count, 2);
    e.after = 4;
    assert_int_equal(job_run(h, ends_run, &e), 0);
    assert_int_equal(e.count, 0);
    keyring_free(keyring);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_rows_are_chained_by_project),
    STORE_TEST(test_the_first_broken_row_is_named),
    STORE_TEST(test_another_key_does_not_seal),
    STORE_TEST(test_a_lost_race_leaves_no_row),
    STORE_TEST(test_texts_have_limits),
    STORE_TEST(test_lists_narrow),
    STORE_TEST(test_retention_keeps_the_chain),
    STORE_TEST(test_the_ends_that_grew_are_told),
};
const struct suite audit_suite = SUITE("audit", tests);
