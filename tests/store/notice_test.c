/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/notice.h"
#include "store/notification.h"
#include "store/outbox.h"
#include "suites.h"

static struct notice_row row_of(struct harness *h, int64_t seq, int64_t app)
{
    h->now += 1000;
    return (struct notice_row){ .seq = seq,
                                .id = id_make(&h->ids, h->now),
                                .kind = 1 + seq % 2,
                                .project = 1,
                                .app = app,
                                .endpoint = 7,
                                .topic = STR("t"),
                                .created_at = h->now,
                                .updated_at = h->now,
                                .count = 1,
                                .title = STR("title \xff"),
                                .text = STR("text"),
                                .facts = STR("{}") };
}

static int run_insert(void *ctx, struct db *db, struct write_seqs *seqs)
{
    (void)seqs;
    return notice_insert(db, ctx);
}

struct marking {
    struct id id;
    int64_t project, app, changes;
    bool all;
    int64_t now;
};

static int run_mark(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct marking *m = ctx;

    (void)seqs;
    return m->all ? notice_mark_all(db, m->project, m->app, m->now, &m->changes)
                  : notice_mark_read(db, &m->id, m->project, m->app, m->now, &m->changes);
}

static int run_count(void *ctx, struct db *db, struct write_seqs *seqs)
{
    (void)ctx;
    (void)seqs;
    return notice_update_count(db, 3, 12, 99);
}

static int run_expire(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct marking *m = ctx;

    (void)seqs;
    return notice_expire(db, m->now, 3, &m->changes);
}

static size_t list(struct harness *h, struct db *db, struct notice_query q, struct arena *arena,
                   struct notice_row **rows)
{
    size_t count = 0;

    (void)h;
    q.limit = q.limit == 0 ? 10 : q.limit;
    assert_int_equal(notice_list(db, &q, arena, rows, &count), 0);
    return count;
}

static void test_list_and_read(void **state)
{
    struct harness *h = *state;
    struct notice_row rows[6];
    struct notice_row *found;
    struct notice_row one;
    struct marking m;
    struct arena arena;
    struct db *db;

    harness_start(h);
    for (int64_t i = 0; i < 6; i++) {
        rows[i] = row_of(h, i + 1, i < 4 ? 5 : 6);
        assert_int_equal(job_run(h, run_insert, &rows[i]), 0);
    }
    arena_init(&arena);
    db = harness_connect(h, false);
    assert_int_equal(list(h, db, (struct notice_query){ .project = 1 }, &arena, &found), 6);
    assert_int_equal(found[0].seq, 6);
    assert_int_equal(list(h, db,
                          (struct notice_query){ .project = 1, .app = 5, .ascending = true },
                          &arena, &found),
                     4);
    assert_int_equal(found[0].seq, 1);
    assert_true(id_eq(&found[0].id, &rows[0].id));
    assert_true(str_eq_c(found[0].title, "title \xff"));
    assert_int_equal(
        list(h, db, (struct notice_query){ .project = 1, .app = 5, .kind = 2, .after_seq = 4 },
             &arena, &found),
        2);
    assert_int_equal(list(h, db, (struct notice_query){ .project = 2 }, &arena, &found), 0);

    /* One, once, and only by its own project and app. */
    m = (struct marking){ .id = rows[2].id, .project = 1, .app = 6, .now = h->now };
    assert_int_equal(job_run(h, run_mark, &m), 0);
    assert_int_equal(m.changes, 0);
    m.app = 5;
    assert_int_equal(job_run(h, run_mark, &m), 0);
    assert_int_equal(m.changes, 1);
    assert_int_equal(job_run(h, run_mark, &m), 0);
    assert_int_equal(m.changes, 0);
    assert_int_equal(
        list(h, db, (struct notice_query){ .project = 1, .unread = true }, &arena, &found), 5);
    m.all = true;
    assert_int_equal(job_run(h, run_mark, &m), 0);
    assert_int_equal(m.changes, 3);
    m.app = 0;
    assert_int_equal(job_run(h, run_mark, &m), 0);
    assert_int_equal(m.changes, 2);

    assert_int_equal(job_run(h, run_count, NULL), 0);
    assert_int_equal(notice_get(db, &rows[2].id, &arena, &one), 0);
    assert_int_equal(one.count, 12);
    assert_int_equal(one.updated_at, 99);
    rows[2].id.bytes[15] ^= 1;
    assert_int_equal(notice_get(db, &rows[2].id, &arena, &one), -E_NOT_FOUND);
    db_close(db);
    arena_done(&arena);
}

static void test_expire_in_bites(void **state)
{
    struct harness *h = *state;
    struct notice_row row;
    struct marking m = { 0 };

    harness_start(h);
    for (int64_t i = 1; i <= 8; i++) {
        row = row_of(h, i, 5);
        assert_int_equal(job_run(h, run_insert, &row), 0);
        m.now = i == 5 ? row.created_at : m.now;
    }
    assert_int_equal(job_run(h, run_expire, &m), 0);
    assert_int_equal(m.changes, 3);
    assert_int_equal(job_run(h, run_expire, &m), 0);
    assert_int_equal(m.changes, 1);
    assert_int_equal(harness_int(h, "SELECT min(seq) FROM notice"), 5);
}

/* --- the outbox */
static struct outbox_row letters[3];

static int run_outbox(void *ctx, struct db *db, struct write_seqs *seqs)
{
    int rc = 0;

    (void)ctx;
    (void)seqs;
    for (int64_t i = 0; rc == 0 && i < 3; i++) {
        letters[i] = (struct outbox_row){ .seq = 10 + i,
                                          .channel = OUTBOX_MAIL,
                                          .target = STR("a@x.example"),
                                          .body = STR("\xff body"),
                                          .created_at = 5,
                                          .due_at = 6 };
        rc = outbox_insert(db, &letters[i]);
    }
    rc = rc == 0 ? outbox_put_off(db, 11, 2, 99) : rc;
    return rc == 0 ? outbox_delete(db, 10) : rc;
}

static int count_rows(void *ctx, const struct outbox_row *row)
{
    int64_t *sum = ctx;

    *sum += row->seq * 1000 + row->attempts * 100 + row->due_at;
    return 0;
}

static void test_outbox(void **state)
{
    struct harness *h = *state;
    struct outbox_row row;
    struct arena arena;
    struct db *db;
    int64_t sum = 0;

    harness_start(h);
    assert_int_equal(job_run(h, run_outbox, NULL), 0);
    arena_init(&arena);
    db = harness_connect(h, false);
    assert_int_equal(outbox_load(db, 10, count_rows, &sum), 0);
    assert_int_equal(sum, 11000 + 200 + 99 + 12000 + 6);
    assert_int_equal(outbox_get(db, 11, &arena, &row), 0);
    assert_true(str_eq_c(row.body, "\xff body") && str_eq_c(row.target, "a@x.example"));
    assert_int_equal(outbox_get(db, 10, &arena, &row), -E_NOT_FOUND);
    db_close(db);
    arena_done(&arena);
}

/* --- whom an app's notices are mailed to */
struct settings {
    int64_t version, changes;
    const char *config;
};

static int run_settings(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct settings *s = ctx;

    (void)seqs;
    return notification_set(db, 7, s->version, str_from(s->config), &s->changes);
}

static int see_settings(void *ctx, int64_t app, int64_t version, struct str config)
{
    assert_int_equal(app, 7);
    assert_int_equal(version, 2);
    assert_true(str_eq_c(config, "{\"b\":1}"));
    ++*(int *)ctx;
    return 0;
}

static void test_notification_versions(void **state)
{
    static const struct {
        int64_t version;
        const char *config;
        int64_t changes;
    } rows[] = { { 2, "{}", 0 },
                 { 1, "{}", 1 },
                 { 1, "{\"a\":1}", 0 },
                 { 3, "{}", 0 },
                 { 2, "{\"b\":1}", 1 } };
    struct harness *h = *state;
    struct db *db;
    int seen = 0;

    harness_start(h);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings s = { rows[i].version, -1, rows[i].config };

        assert_int_equal(job_run(h, run_settings, &s), 0);
        assert_int_equal(s.changes, rows[i].changes);
    }
    db = harness_connect(h, false);
    assert_int_equal(notification_load(db, see_settings, &seen), 0);
    assert_int_equal(seen, 1);
    db_close(db);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_outbox),
    STORE_TEST(test_notification_versions),
    STORE_TEST(test_list_and_read),
    STORE_TEST(test_expire_in_bites),
};
const struct suite notice_suite = SUITE("notice", tests);
