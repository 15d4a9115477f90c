/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "suites.h"

struct expire {
    int64_t before;
    uint32_t rows;
    bool more;
    int bites;
};

static int run_events(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct expire *e = ctx;

    (void)seqs;
    return event_expire(db, e->before, e->rows, &e->more);
}

static int run_keys(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct expire *e = ctx;

    (void)seqs;
    return idem_expire(db, e->before, e->rows, &e->more);
}

static void expire_all(struct harness *h, struct expire *e,
                       int (*run)(void *ctx, struct db *db, struct write_seqs *seqs))
{
    e->bites = 0;
    do {
        struct job job = { .run = run, .ctx = e };

        job_submit(h, &job, WRITE_BACKGROUND);
        harness_wait(h, &job.done);
        assert_int_equal(job.result, 0);
        e->bites++;
        assert_true(e->bites < 1000);
    } while (e->more);
}

static void test_open_events_stay(void **state)
{
    struct harness *h = *state;
    struct expire e = { .rows = 10 };
    struct publish pubs[60];

    harness_start(h);
    /* One a second; every third has an open delivery, the others two attempts behind them. */
    for (int i = 0; i < 60; i++) {
        h->now += 1000;
        publish_init(h, &pubs[i], 1, 100, 2, 1);
        assert_int_equal(publish_run(h, &pubs[i]), 0);
        for (int d = 0; d < 2; d++) {
            struct outcome_job oj;
            bool open = i % 3 == 0 && d == 1;

            outcome_init(h, &oj, &pubs[i].deliveries[d], 1,
                         open ? DELIVERY_RETRYING : DELIVERY_DELIVERED, true,
                         open ? h->now : 0);
            assert_int_equal(outcome_run(h, &oj), 0);
        }
    }
    /* The younger half is not touched. */
    e.before = pubs[30].p.event.accepted_at;
    expire_all(h, &e, run_events);
    assert_true(e.bites > 1);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 30 + 10);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM delivery"), 2 * (30 + 10));
    assert_int_equal(harness_int(h, "SELECT count(*) FROM attempt"), 2 * (30 + 10));
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due"), 20);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event e WHERE NOT EXISTS"
                                    " (SELECT 1 FROM delivery d WHERE d.event = e.seq)"),
                     0);

    /* What was open is taken in a later round, when it has ended. */
    for (int i = 0; i < 60; i += 3) {
        struct outcome_job oj;

        outcome_init(h, &oj, &pubs[i].deliveries[1], 2, DELIVERY_FAILED, true, 0);
        assert_int_equal(outcome_run(h, &oj), 0);
    }
    expire_all(h, &e, run_events);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 30);

    /* The newest stays whatever its age, so that the seqs go on from it. */
    e.before = INT64_MAX;
    expire_all(h, &e, run_events);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 1);
    harness_stop(h);
    harness_start(h);
    publish_init(h, &pubs[0], 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pubs[0]), 0);
    assert_int_equal(pubs[0].p.event.seq, 61);
    assert_int_equal(pubs[0].deliveries[0].seq, 121);
}

static void test_keys_expire(void **state)
{
    struct harness *h = *state;
    struct expire e = { .rows = 4 };

    harness_start(h);
    for (int i = 0; i < 20; i++) {
        struct publish pub;
        char key[16] = "key-a";

        key[4] = (char)('a' + i);
        h->now += 1000;
        publish_init(h, &pub, 1, 100, 0, 1);
        publish_key(&pub, IDEM_HEADER, key);
        assert_int_equal(publish_run(h, &pub), 0);
        if (i == 12) {
            e.before = h->now;
        }
    }
    expire_all(h, &e, run_keys);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM idempotency"), 8);
    assert_int_equal(harness_int(h, "SELECT MIN(created_at) FROM idempotency"), e.before);

    /* An expired key may be used again. */
    struct publish pub;

    publish_init(h, &pub, 1, 100, 0, 9);
    publish_key(&pub, IDEM_HEADER, "key-a");
    assert_int_equal(publish_run(h, &pub), 0);
    assert_false(pub.p.is_repeat);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_open_events_stay),
    STORE_TEST(test_keys_expire),
};
const struct suite expire_suite = SUITE("expire", tests);
