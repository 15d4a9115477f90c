/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/arena.h"
#include "store/rollup.h"
#include "suites.h"

/*
 * --- What is due
 * ---------------------------------------------------------------------------------
 */

enum { SEEN_MAX = 64 };

struct seen {
    struct due_row rows[SEEN_MAX];
    size_t count;
    int64_t endpoints[SEEN_MAX];
};

static int on_due(void *ctx, const struct due_row *row)
{
    struct seen *seen = ctx;

    assert_true(seen->count < SEEN_MAX);
    seen->rows[seen->count++] = *row;
    return 0;
}

static int on_endpoint(void *ctx, int64_t endpoint)
{
    struct seen *seen = ctx;

    assert_true(seen->count < SEEN_MAX);
    seen->endpoints[seen->count++] = endpoint;
    return 0;
}

static void test_an_outcome_moves_the_delivery(void **state)
{
    struct harness *h = *state;
    struct publish pub;
    struct outcome_job oj;
    struct arena arena;
    struct delivery_row row;
    struct attempt_row *attempts;
    struct attempt_row *second;
    size_t count;
    int64_t at = h->now + 60000;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    outcome_init(h, &oj, &pub.deliveries[0], 1, DELIVERY_RETRYING, true, at);
    oj.o.attempt.error = 19;
    oj.o.delivery.last_error = 19;
    assert_int_equal(outcome_run(h, &oj), 0);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due"), 1);
    assert_int_equal(harness_int(h, "SELECT next_at FROM due"), at);

    struct db *db = harness_connect(h, false);

    arena_init(&arena);
    assert_int_equal(delivery_get(db, &pub.deliveries[0].id, &arena, &row), 0);
    assert_int_equal(row.state, DELIVERY_RETRYING);
    assert_int_equal(row.next_at, at);
    assert_int_equal(row.attempt_count, 1);
    assert_int_equal(row.last_code, 503);
    assert_int_equal(row.last_error, 19);
    assert_int_equal(row.ended_at, 0);

    outcome_init(h, &oj, &row, 2, DELIVERY_DELIVERED, true, 0);
    assert_int_equal(outcome_run(h, &oj), 0);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due"), 0);
    assert_int_equal(delivery_get(db, &pub.deliveries[0].id, &arena, &row), 0);
    assert_int_equal(row.state, DELIVERY_DELIVERED);
    assert_int_equal(row.ended_at, h->now);

    assert_int_equal(attempt_list(db, row.seq, &arena, &attempts, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(attempts[0].number, 1);
    assert_int_equal(attempts[0].status_code, 503);
    assert_int_equal(attempts[0].planned_next_at, at);
    second = &attempts[1];
    assert_int_equal(second->number, 2);
    assert_int_equal(second->phase_us[2], -1);
    assert_int_equal(second->phase_us[4], 4);
    assert_int_equal(second->duration_us, 12345);
    assert_true(str_eq(second->response_headers, STR("X: \xff\xfe\r\n")));
    assert_true(str_eq(second->response_body, STR("a\0b")));
    assert_true(str_eq(second->ip, STR("192.0.2.1")));
    arena_done(&arena);
    db_close(db);
}

/* The same outcome stored twice, as after an unknown commit, is one attempt and one count. */
static void test_an_outcome_may_come_twice(void **state)
{
    struct harness *h = *state;
    struct publish pub;
    struct outcome_job oj;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    outcome_init(h, &oj, &pub.deliveries[0], 1, DELIVERY_RETRYING, true, h->now + 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outcome_run(h, &oj), 0);
    }
    assert_int_equal(harness_int(h, "SELECT count(*) FROM attempt"), 1);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due"), 1);
    assert_int_equal(harness_int(h, "SELECT failed FROM rollup"), 1);
    outcome_init(h, &oj, &pub.deliveries[0], 2, DELIVERY_DELIVERED, true, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(outcome_run(h, &oj), 0);
    }
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due"), 0);
    assert_int_equal(harness_int(h, "SELECT ok FROM rollup"), 1);
}

/* Moves of the row of due: (it had, it stays open with) -> rows afterwards. */
static void test_due_moves(void **state)
{
    static const struct {
        bool was_open;
        bool is_open;
        int64_t next_at;
        int64_t number;    /* 0: no attempt */
        int64_t due_after; /* -1: no row */
    } steps[] = {
        { true, true, 500, 1, 500 }, /* first attempt failed: retry */
        { true, true, 900, 2, 900 }, /* again */
        { true, true, 900, 3, 900 }, /* a manual retry failed: the schedule stays */
        { true, false, 0, 0, -1 },   /* cancelled */
        { false, false, 0, 4, -1 },  /* a person's retry of it failed */
        { false, true, 0, 0, 0 },    /* opened again as fresh */
        { true, true, 0, 0, 0 },     /* nothing changes */
        { true, false, 0, 5, -1 },   /* delivered */
    };
    struct harness *h = *state;
    struct publish pub;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct outcome_job oj;

        outcome_init(h, &oj, &pub.deliveries[0], (int32_t)steps[i].number,
                     steps[i].is_open ? DELIVERY_RETRYING : DELIVERY_FAILED, steps[i].was_open,
                     steps[i].next_at);
        assert_int_equal(outcome_run(h, &oj), 0);
        assert_int_equal(harness_int(h, "SELECT COALESCE(MAX(next_at), -1) FROM due"),
                         steps[i].due_after);
        assert_true(harness_int(h, "SELECT count(*) FROM due") <= 1);
    }
    assert_int_equal(harness_int(h, "SELECT count(*) FROM attempt"), 5);
}

/* Loads read what is due between the given bounds, and no more than asked for. */
struct load {
    struct seen seen;
    int64_t endpoint;
    int64_t after_at;
    int64_t after_seq;
    uint32_t limit;
    bool fresh;
    int64_t retry_at;
};

static int load_fresh(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct load *l = ctx;

    (void)seqs;
    l->seen.count = 0;
    return due_fresh(db, l->endpoint, l->after_seq, l->limit, on_due, &l->seen);
}

static int load_retries(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct load *l = ctx;

    (void)seqs;
    l->seen.count = 0;
    return due_retries(db, l->endpoint, l->after_at, l->after_seq, l->limit, on_due, &l->seen);
}

static int load_first(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct load *l = ctx;

    (void)seqs;
    return due_first(db, l->endpoint, &l->fresh, &l->retry_at);
}

static int load_endpoints(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct load *l = ctx;

    (void)seqs;
    l->seen.count = 0;
    return due_endpoints(db, on_endpoint, &l->seen);
}

static int load_scan(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct load *l = ctx;

    (void)seqs;
    l->seen.count = 0;
    return due_scan(db, l->endpoint, l->after_at, l->after_seq, l->limit, on_due, &l->seen);
}

/* Endpoint 100: six fresh; 102: retries at 10, 20, 20, 30 (two of the same time). */
static void make_due(struct harness *h, int64_t ret_fresh[6], int64_t ret_retries[4])
{
    static const int64_t times[4] = { 30, 20, 10, 20 };

    for (int i = 0; i < 6; i++) {
        struct publish pub;

        publish_init(h, &pub, 1, 100, 1, 1);
        assert_int_equal(publish_run(h, &pub), 0);
        ret_fresh[i] = pub.deliveries[0].seq;
    }
    for (int i = 0; i < 4; i++) {
        struct publish pub;
        struct outcome_job oj;

        publish_init(h, &pub, 1, 102, 1, 1);
        assert_int_equal(publish_run(h, &pub), 0);
        ret_retries[i] = pub.deliveries[0].seq;
        outcome_init(h, &oj, &pub.deliveries[0], 1, DELIVERY_RETRYING, true, times[i]);
        assert_int_equal(outcome_run(h, &oj), 0);
    }
}

static void test_loads_keep_their_bounds(void **state)
{
    struct harness *h = *state;
    int64_t fresh[6];
    int64_t retries[4];
    struct load l = { .endpoint = 100 };

    harness_start(h);
    make_due(h, fresh, retries);

    l.limit = 4;
    assert_int_equal(job_run(h, load_fresh, &l), 0);
    assert_int_equal(l.seen.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(l.seen.rows[i].seq, fresh[i]);
        assert_int_equal(l.seen.rows[i].next_at, 0);
        assert_int_equal(l.seen.rows[i].endpoint, 100);
        assert_int_equal(l.seen.rows[i].created_at, h->now);
        assert_true(l.seen.rows[i].event > 0);
    }
    l.after_seq = fresh[3];
    assert_int_equal(job_run(h, load_fresh, &l), 0);
    assert_int_equal(l.seen.count, 2);
    assert_int_equal(l.seen.rows[1].seq, fresh[5]);
    l.endpoint = 102;
    l.after_seq = 0;
    assert_int_equal(job_run(h, load_fresh, &l), 0);
    assert_int_equal(l.seen.count, 0);

    /* In order of (time, seq): 10, 20, 20, 30. */
    assert_int_equal(job_run(h, load_retries, &l), 0);
    assert_int_equal(l.seen.count, 4);
    assert_int_equal(l.seen.rows[0].seq, retries[2]);
    assert_int_equal(l.seen.rows[1].seq, retries[1]);
    assert_int_equal(l.seen.rows[2].seq, retries[3]);
    assert_int_equal(l.seen.rows[3].seq, retries[0]);
    assert_int_equal(l.seen.rows[0].attempt_count, 1);
    l.after_at = 20;
    l.after_seq = retries[1];
    l.limit = 1;
    assert_int_equal(job_run(h, load_retries, &l), 0);
    assert_int_equal(l.seen.count, 1);
    assert_int_equal(l.seen.rows[0].seq, retries[3]);
}

static void test_looks_at_due(void **state)
{
    struct harness *h = *state;
    int64_t fresh[6];
    int64_t retries[4];
    struct load l = { .endpoint = 100 };
    size_t total = 0;

    harness_start(h);
    assert_int_equal(job_run(h, load_endpoints, &l), 0);
    assert_int_equal(l.seen.count, 0);
    make_due(h, fresh, retries);

    assert_int_equal(job_run(h, load_first, &l), 0);
    assert_true(l.fresh);
    assert_int_equal(l.retry_at, 0);
    l.endpoint = 102;
    assert_int_equal(job_run(h, load_first, &l), 0);
    assert_false(l.fresh);
    assert_int_equal(l.retry_at, 10);
    l.endpoint = 101;
    assert_int_equal(job_run(h, load_first, &l), 0);
    assert_false(l.fresh);
    assert_int_equal(l.retry_at, 0);

    assert_int_equal(job_run(h, load_endpoints, &l), 0);
    assert_int_equal(l.seen.count, 2);
    assert_int_equal(l.seen.endpoints[0], 100);
    assert_int_equal(l.seen.endpoints[1], 102);

    /* The scan walks everything once, in pieces of three. */
    l.endpoint = 0;
    l.after_at = 0;
    l.after_seq = 0;
    l.limit = 3;
    do {
        assert_int_equal(job_run(h, load_scan, &l), 0);
        total += l.seen.count;
        if (l.seen.count > 0) {
            const struct due_row *last = &l.seen.rows[l.seen.count - 1];

            l.endpoint = last->endpoint;
            l.after_at = last->next_at;
            l.after_seq = last->seq;
        }
    } while (l.seen.count == 3);
    assert_int_equal(total, 10);
}

/* A load behind an outcome sees it, since both pass through the writer in order. */
static void test_a_load_is_a_barrier(void **state)
{
    struct harness *h = *state;
    struct publish pub;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    for (int i = 1; i <= 50; i++) {
        struct outcome_job oj;
        struct load l = { .endpoint = 100, .limit = 10 };
        struct job load = { .run = load_retries, .ctx = &l };

        outcome_init(h, &oj, &pub.deliveries[0], i, DELIVERY_RETRYING, true, i);
        outcome_submit(h, &oj);
        job_submit(h, &load, WRITE_OUTCOME);
        harness_wait(h, &load.done);
        assert_true(oj.job.done);
        assert_true(oj.job.order < load.order);
        assert_int_equal(l.seen.count, 1);
        assert_int_equal(l.seen.rows[0].next_at, i);
        assert_int_equal(l.seen.rows[0].attempt_count, i);
    }
}

/*
 * --- Roll-ups
 * -------------------------------------------------------------------------------------
 */

struct rollups {
    struct rollup rows[8];
    size_t count;
};

static int on_rollup(void *ctx, const struct rollup *row)
{
    struct rollups *all = ctx;

    assert_true(all->count < 8);
    all->rows[all->count++] = *row;
    return 0;
}

static void test_rollups_count(void **state)
{
    struct harness *h = *state;
    struct publish pub;
    struct outcome_job ojs[6];
    struct rollups all = { .count = 0 };
    const int64_t hour = ROLLUP_BUCKET_MS;
    int64_t bucket = h->now - h->now % hour;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 6, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    for (int i = 0; i < 6; i++) {
        struct outcome *o = &ojs[i].o;

        pub.deliveries[i].endpoint = i < 5 ? 100 : 101;
        outcome_init(h, &ojs[i], &pub.deliveries[i], i == 1 ? 2 : 1,
                     i == 2 ? DELIVERY_RETRYING : DELIVERY_DELIVERED, true, i == 2 ? 5 : 0);
        o->attempt.duration_us = (i + 1) * 9000; /* 9, 18, 27, 36, 45, 54 ms */
        o->attempt.started_at = bucket + (i == 3 ? hour : i);
        o->attempt.flags = i == 4 ? ATTEMPT_TEST : 0;
        outcome_submit(h, &ojs[i]);
    }
    harness_wait(h, &ojs[5].job.done);

    struct db *db = harness_connect(h, false);

    assert_int_equal(rollup_read(db, 100, bucket + 5, bucket + 3 * hour, on_rollup, &all), 0);
    assert_int_equal(all.count, 2);
    assert_int_equal(all.rows[0].bucket, bucket);
    assert_int_equal(all.rows[0].ok, 2);
    assert_int_equal(all.rows[0].failed, 1);
    assert_int_equal(all.rows[0].first_ok, 1);
    assert_int_equal(all.rows[0].ms_min, 9);
    assert_int_equal(all.rows[0].ms_max, 27);
    assert_int_equal(all.rows[0].ms_sum, 9 + 18 + 27);
    assert_int_equal(all.rows[0].bars[0], 1);
    assert_int_equal(all.rows[0].bars[1], 1);
    assert_int_equal(all.rows[0].bars[2], 1);
    assert_int_equal(all.rows[1].bucket, bucket + hour);
    assert_int_equal(all.rows[1].ok, 1);

    /* The next batch is added to the row that is there. */
    outcome_init(h, &ojs[0], &pub.deliveries[0], 9, DELIVERY_DELIVERED, false, 0);
    ojs[0].o.attempt.started_at = bucket + 1;
    ojs[0].o.attempt.duration_us = 30000000;
    assert_int_equal(outcome_run(h, &ojs[0]), 0);
    all.count = 0;
    assert_int_equal(rollup_read(db, 100, bucket, bucket + hour, on_rollup, &all), 0);
    assert_int_equal(all.count, 1);
    assert_int_equal(all.rows[0].ok, 3);
    assert_int_equal(all.rows[0].ms_min, 9);
    assert_int_equal(all.rows[0].ms_max, 30000);
    assert_int_equal(all.rows[0].bars[ROLLUP_BARS - 1], 1);
    db_close(db);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_an_outcome_moves_the_delivery),
    STORE_TEST(test_an_outcome_may_come_twice),
    STORE_TEST(test_due_moves),
    STORE_TEST(test_loads_keep_their_bounds),
    STORE_TEST(test_looks_at_due),
    STORE_TEST(test_a_load_is_a_barrier),
    STORE_TEST(test_rollups_count),
};
const struct suite delivery_suite = SUITE("delivery", tests);
