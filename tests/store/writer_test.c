/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "store/config_rows.h"
#include "store/lane.h"
#include "store/reader.h"
#include "suites.h"

/*
 * --- One bad write among many
 * ------------------------------------------------------------------------
 */

enum { POISON_WRITES = 200 };

struct poison {
    struct publish pub;
    struct config_row row; /* what makes it bad */
    int kind;
};

/*
 * Ways to be bad: text that no database takes, a key that is taken, a write that refuses by
 * itself.
 */
enum { BAD_BYTES = 1, BAD_NUL, BAD_TAKEN, BAD_SELF };

static int poison_run(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct poison *p = ctx;
    int rc = event_insert(db, &p->pub.p, seqs);

    if (rc < 0 || p->kind == 0) {
        return rc;
    }
    return p->kind == BAD_SELF ? -E_LIMIT : config_insert(db, CONFIG_EVENT_TYPE, &p->row);
}

static int poison_result(int kind)
{
    return kind == 0           ? 0
           : kind == BAD_TAKEN ? -E_CONFLICT
           : kind == BAD_SELF  ? -E_LIMIT
                               : -E_STORE;
}

static void poison_submit(struct harness *h, struct poison *all, size_t i, int kind)
{
    struct poison *p = &all[i];

    publish_init(h, &p->pub, 1 + (int64_t)i % 5, 100, 1, 1);
    p->pub.job.run = poison_run;
    p->pub.job.ctx = p;
    p->kind = kind;
    p->row = (struct config_row){
        .no = kind == BAD_TAKEN ? 1 : 1000 + (int64_t)i,
        .id = id_make(&h->ids, h->now),
        .slug = kind == BAD_BYTES ? STR("\xff")
                : kind == BAD_NUL ? STR("a\0b")
                                  : STR("fine"),
        .config = STR("{}"),
        .version = 1,
    };
    if (kind == BAD_TAKEN) {
        p->row.slug = STR("other");
    }
    publish_submit(h, &p->pub);
}

static void test_a_bad_write_fails_alone(void **state)
{
    static const size_t places[][2] = {
        { 0, 0 }, { 199, 199 }, { 77, 77 }, { 5, 140 }, { 99, 100 }
    };
    static struct poison all[POISON_WRITES];
    struct harness *h = *state;
    int64_t stored = 0;
    struct poison first;

    harness_start(h);
    first.kind = BAD_TAKEN; /* the first of that number is good */
    poison_submit(h, &first, 0, BAD_TAKEN);
    harness_wait(h, &first.pub.job.done);
    assert_int_equal(first.pub.job.result, 0);
    stored++;
    for (size_t round = 0; round < sizeof(places) / sizeof(places[0]); round++) {
        for (int kind = BAD_BYTES; kind <= BAD_SELF; kind++) {
            struct gate gate;

            gate_close(h, &gate);
            for (size_t i = 0; i < POISON_WRITES; i++) {
                bool bad = i == places[round][0] || i == places[round][1];

                poison_submit(h, all, i, bad ? kind : 0);
            }
            gate_open(&gate);
            for (size_t i = 0; i < POISON_WRITES; i++) {
                harness_wait(h, &all[i].pub.job.done);
                assert_int_equal(all[i].pub.job.result, poison_result(all[i].kind));
                stored += all[i].kind == 0;
            }
        }
    }
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), stored);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM delivery"), stored);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event_type"), 1);
    assert_false(h->fatal);
    assert_int_equal(h->state, WRITER_OK);
}

/*
 * --- Order, limits
 * ------------------------------------------------------------------------------------
 */

static void test_completions_come_in_commit_order(void **state)
{
    static struct publish pubs[300];
    struct harness *h = *state;
    struct gate gate;

    harness_start(h);
    gate_close(h, &gate);
    for (size_t i = 0; i < 300; i++) {
        publish_init(h, &pubs[i], (int64_t)i % 7, 100, 1, 1);
        publish_submit(h, &pubs[i]);
    }
    gate_open(&gate);
    for (size_t i = 0; i < 300; i++) {
        harness_wait(h, &pubs[i].job.done);
        assert_int_equal(pubs[i].job.result, 0);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t j = 0; j < 300; j++) {
            assert_int_equal(pubs[i].p.event.seq < pubs[j].p.event.seq,
                             pubs[i].job.order < pubs[j].job.order);
        }
    }
}

static void test_the_queue_has_a_limit(void **state)
{
    static struct publish pubs[80];
    struct harness *h = *state;
    struct gate gate;
    struct writer_stats stats;
    size_t taken = 0;
    struct outcome_job oj;

    harness_start(h);
    gate_close(h, &gate);
    for (size_t i = 0; i < 80; i++) {
        publish_init(h, &pubs[i], 1, 100, 1, 1);
        pubs[i].job.write.bytes = 1 << 20;
        pubs[i].job.write.class = WRITE_PUBLISH;
        if (taken < 64) {
            publish_submit(h, &pubs[i]);
            taken++;
        } else {
            assert_int_equal(writer_submit(h->writer, &pubs[i].job.write), -E_BUSY);
        }
    }
    writer_stats(h->writer, &stats);
    assert_int_equal(stats.queued, 64);
    assert_int_equal(stats.queued_bytes, 64 << 20);
    /* Outcomes are always taken. */
    outcome_init(h, &oj, &pubs[0].deliveries[0], 0, DELIVERY_CANCELLED, false, 0);
    oj.job.write.bytes = 1 << 20;
    outcome_submit(h, &oj);
    gate_open(&gate);
    harness_wait(h, &oj.job.done);
    for (size_t i = 0; i < taken; i++) {
        harness_wait(h, &pubs[i].job.done);
        assert_int_equal(pubs[i].job.result, 0);
    }
    writer_stats(h->writer, &stats);
    assert_int_equal(stats.queued_bytes, 0);
}

/* Everything that was queued before writer_stop is stored and answered by it. */
static void test_stop_runs_what_is_queued(void **state)
{
    static struct publish pubs[100];
    struct harness *h = *state;
    struct gate gate;

    harness_start(h);
    gate_close(h, &gate);
    for (size_t i = 0; i < 100; i++) {
        publish_init(h, &pubs[i], 1, 100, 1, 1);
        publish_submit(h, &pubs[i]);
    }
    gate_open(&gate);
    writer_stop(h->writer);
    h->writer = NULL;
    for (size_t i = 0; i < 100; i++) {
        assert_true(pubs[i].job.done);
        assert_int_equal(pubs[i].job.result, 0);
    }
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 100);
}

/*
 * --- The fence
 * -----------------------------------------------------------------------------------------
 */

static void test_another_epoch_fences(void **state)
{
    struct harness *h = *state;
    struct publish pub;
    struct outcome_job oj;
    struct db *other;
    int64_t epoch;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    outcome_init(h, &oj, &pub.deliveries[0], 1, DELIVERY_DELIVERED, true, 0);

    other = harness_connect(h, true);
    assert_int_equal(lane_raise(other, &epoch), 0);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), -E_FENCED);
    harness_wait(h, &h->fatal);
    assert_non_null(strstr(h->sentence, "took over"));
    /* Nothing more is run; what is submitted is answered at the latest when it stops. */
    outcome_submit(h, &oj);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), -E_UNAVAILABLE);
    writer_stop(h->writer);
    h->writer = NULL;
    assert_int_equal(oj.job.result, -E_FENCED);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 1);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM attempt"), 0);
    db_close(other);
}

struct raising {
    struct db *db;
    int64_t epoch;
    int rc;
    _Atomic bool over;
};

static void *raise_main(void *arg)
{
    struct raising *r = arg;

    r->rc = lane_raise(r->db, &r->epoch);
    atomic_store(&r->over, true);
    return NULL;
}

/*
 * A killed process's COMMIT may land late. The raise waits for a transaction that is under
 * way, and then sees what it wrote; one that begins later with the old epoch is refused, also
 * its pipelined COMMIT.
 */
static void test_a_late_commit_is_seen_or_refused(void **state)
{
    struct harness *h = *state;
    struct err err = { 0 };
    struct raising r = { 0 };
    struct db *old;
    pthread_t thread;
    int64_t old_epoch;

    harness_start(h);
    writer_stop(h->writer);
    h->writer = NULL;
    old = harness_connect(h, true);
    r.db = harness_connect(h, true);
    assert_int_equal(lane_raise(old, &old_epoch), 0);

    assert_int_equal(db_begin(old), 0);
    assert_int_equal(lane_fence(old, old_epoch), 0);
    assert_int_equal(
        db_script(old, "INSERT INTO due (endpoint, next_at, seq) VALUES (1, 2, 3)", &err), 0);
    assert_int_equal(pthread_create(&thread, NULL, raise_main, &r), 0);
    /*
     * It cannot get past the open transaction: there is no instant at which it may be over
     * before.
     */
    for (int i = 0; i < 1000; i++) {
        assert_false(atomic_load(&r.over));
        (void)sched_yield();
    }
    assert_int_equal(db_commit(old), 0);
    (void)pthread_join(thread, NULL);
    assert_int_equal(r.rc, 0);
    assert_true(r.epoch > old_epoch);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due"), 1);

    assert_int_equal(db_begin(old), 0);
    int rc = lane_fence(old, old_epoch);

    if (rc == 0) {
        rc = db_commit(old); /* pipelined: the answer of the fence comes with the commit's */
    }
    assert_int_equal(rc, -E_FENCED);
    db_rollback(old);
    db_close(old);
    db_close(r.db);
}

/*
 * --- Writer and readers together (for TSan)
 * --------------------------------------------------------------
 */

struct page {
    struct read read;
    struct arena arena;
    struct event_row *rows;
    size_t count;
    bool done;
};

static int page_run(struct read *read, struct db *db)
{
    struct page *page = CONTAINER_OF(read, struct page, read);
    const struct event_query q = { .app = 1, .limit = 50 };

    return event_list(db, &q, &page->arena, &page->rows, &page->count);
}

static void page_done(struct read *read, int result)
{
    struct page *page = CONTAINER_OF(read, struct page, read);

    assert_true(result == 0 || result == -E_UNAVAILABLE);
    page->done = true;
}

static void test_reads_beside_writes(void **state)
{
    static struct publish pubs[400];
    static struct page pages[100];
    struct harness *h = *state;
    struct readers *readers;
    struct err err = { 0 };
    size_t last = 0;

    harness_start(h);
    assert_int_equal(readers_start(&h->options, 3, 1000, &readers, &err), 0);
    for (size_t i = 0; i < 400; i++) {
        publish_init(h, &pubs[i], 1, 100, 1, 1);
        publish_submit(h, &pubs[i]);
        if (i % 4 == 0) {
            struct page *page = &pages[i / 4];

            *page = (struct page){ .read = { .run = page_run, .on_done = page_done } };
            arena_init(&page->arena);
            assert_int_equal(readers_submit(readers, &page->read), 0);
        }
        if (i % 16 == 0) {
            harness_wait(h, &pubs[i].job.done);
            readers_dispatch(readers);
        }
    }
    for (size_t i = 0; i < 400; i++) {
        harness_wait(h, &pubs[i].job.done);
    }
    readers_stop(readers); /* answers the rest: some were never run */
    for (size_t i = 0; i < 100; i++) {
        last = pages[i].count > last ? pages[i].count : last;
        arena_done(&pages[i].arena);
    }
    assert_true(last > 0);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_a_bad_write_fails_alone), STORE_TEST(test_completions_come_in_commit_order),
    STORE_TEST(test_the_queue_has_a_limit),   STORE_TEST(test_stop_runs_what_is_queued),
    STORE_TEST(test_another_epoch_fences),    STORE_TEST(test_a_late_commit_is_seen_or_refused),
    STORE_TEST(test_reads_beside_writes),
};
const struct suite writer_suite = SUITE("writer", tests);
