/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/notice.h"
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

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_list_and_read),
    STORE_TEST(test_expire_in_bites),
};
const struct suite notice_suite = SUITE("notice", tests);
