/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "suites.h"

struct expire {
    int64_t before;
    uint32_t rows;
    bool more;
    int bites;
};

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
    STORE_TEST(test_keys_expire),
};
const struct suite expire_suite = SUITE("expire", tests);
