/* SPDX-License-Identifier: Apache-2.0 */
/* Counts per minute, hour and day: adding, reading, folding, expiring. */
#include <string.h>

#include "harness.h"
#include "store/tally.h"
#include "suites.h"

#define DAY ((int64_t)1767225600000) /* 2026-01-01T00:00:00Z */

struct rows {
    struct rollup rows[16];
    size_t count;
    struct tally_count counts[16];
    size_t count_count;
};

static int on_row(void *ctx, const struct rollup *row)
{
    struct rows *rows = ctx;

    assert_true(rows->count < 16);
    rows->rows[rows->count++] = *row;
    return 0;
}

static int on_count(void *ctx, const struct tally_count *count)
{
    struct rows *rows = ctx;

    assert_true(rows->count_count < 16);
    rows->counts[rows->count_count++] = *count;
    return 0;
}

static void in_transaction(struct db *db, int rc)
{
    assert_int_equal(rc, 0);
    assert_int_equal(db_commit(db), 0);
    assert_int_equal(db_begin(db), 0);
}

static void add(struct db *db, enum tally_span span, int64_t bucket, enum tally_kind kind,
                int64_t subject, int64_t ms)
{
    const struct tally_key key = { span, bucket, kind, subject };
    struct rollup r = { 0 };

    rollup_count(&r, &(struct rollup_one){ .ms = ms, .ok = ms < 100, .dead = ms >= 1000 });
    in_transaction(db, tally_add(db, &key, &r));
}

static void test_adds_and_reads(void **state)
{
    struct harness *h = *state;
    const struct tally_key key = { TALLY_MINUTE, DAY, TALLY_APP, 5 };
    struct rows rows = { .count = 0 };
    struct db *db;

    harness_start(h);
    db = harness_connect(h, true);
    assert_int_equal(db_begin(db), 0);
    add(db, TALLY_MINUTE, DAY, TALLY_APP, 5, 20);
    add(db, TALLY_MINUTE, DAY, TALLY_APP, 5, 10);
    add(db, TALLY_MINUTE, DAY, TALLY_APP, 5, 2000);
    add(db, TALLY_MINUTE, DAY + 3 * TALLY_MINUTE_MS, TALLY_APP, 5, 30);
    add(db, TALLY_MINUTE, DAY, TALLY_APP, 6, 40);
    add(db, TALLY_MINUTE, DAY, TALLY_PROJECT, 5, 40);
    add(db, TALLY_HOUR, DAY, TALLY_APP, 5, 40);
    assert_int_equal(tally_read(db, &key, DAY + TALLY_HOUR_MS, on_row, &rows), 0);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.rows[0].bucket, DAY);
    assert_int_equal(rows.rows[0].ok, 2);
    assert_int_equal(rows.rows[0].failed, 1);
    assert_int_equal(rows.rows[0].dead, 1);
    assert_int_equal(rows.rows[0].ms_min, 10);
    assert_int_equal(rows.rows[0].ms_max, 2000);
    assert_int_equal(rows.rows[1].bucket, DAY + 3 * TALLY_MINUTE_MS);
    rows.count = 0;
    assert_int_equal(tally_read(db, &key, DAY + 3 * TALLY_MINUTE_MS, on_row, &rows), 0);
    assert_int_equal(rows.count, 1);
    assert_int_equal(tally_read(db, &key, DAY, on_row, &rows), 0);
    assert_int_equal(rows.count, 1);
    db_close(db);
}

static void test_counts(void **state)
{
    static const struct {
        int64_t bucket;
        struct tally_count count;
    } adds[] = {
        { DAY, { TALLY_REASON, 19503, 2, 0 } },
        { DAY, { TALLY_REASON, 19500, 1, 0 } },
        { DAY + TALLY_HOUR_MS, { TALLY_REASON, 19500, 4, 0 } },
        { DAY, { TALLY_EVENTS, 7, 1, 100 } },
        { DAY + TALLY_HOUR_MS, { TALLY_EVENTS, 7, 1, 50 } },
        { DAY + 2 * TALLY_HOUR_MS, { TALLY_EVENTS, 7, 1, 50 } },
    };
    struct harness *h = *state;
    const struct tally_key key = { TALLY_HOUR, DAY, TALLY_APP, 5 };
    struct rows rows = { .count = 0 };
    struct db *db;

    harness_start(h);
    db = harness_connect(h, true);
    assert_int_equal(db_begin(db), 0);
    for (size_t i = 0; i < sizeof(adds) / sizeof(adds[0]); i++) {
        struct tally_key at = key;

        at.bucket = adds[i].bucket;
        in_transaction(db, tally_add_count(db, &at, &adds[i].count));
        at.subject = 6;
        in_transaction(db, tally_add_count(db, &at, &adds[i].count));
    }
    assert_int_equal(tally_read_counts(db, &key, DAY + 2 * TALLY_HOUR_MS, on_count, &rows), 0);
    assert_int_equal(rows.count_count, 3);
    assert_int_equal(rows.counts[0].key, 19500); /* the most frequent first */
    assert_int_equal(rows.counts[0].n, 5);
    assert_int_equal(rows.counts[1].key, 19503);
    assert_int_equal(rows.counts[1].n, 2);
    assert_int_equal(rows.counts[2].what, TALLY_EVENTS);
    assert_int_equal(rows.counts[2].n, 2);
    assert_int_equal(rows.counts[2].bytes, 150);
    db_close(db);
}

/* Folding a day twice is folding it once; endpoints' days are made of the exact hours. */
static void test_days_are_folded(void **state)
{
    struct harness *h = *state;
    struct tally_key key = { TALLY_DAY, DAY, TALLY_APP, 0 };
    struct rows rows = { .count = 0 };
    struct db *db;

    harness_start(h);
    db = harness_connect(h, true);
    assert_int_equal(db_begin(db), 0);
    for (int64_t hour = 0; hour < 25; hour++) {
        add(db, TALLY_HOUR, DAY + hour * TALLY_HOUR_MS, TALLY_APP, 5, 10 + hour);
        add(db, TALLY_HOUR, DAY + hour * TALLY_HOUR_MS, TALLY_APP, 6, 500);
        add(db, TALLY_HOUR, DAY + hour * TALLY_HOUR_MS, TALLY_PROJECT, 5, 500);
    }
    for (int i = 0; i < 2; i++) {
        in_transaction(db, tally_fold_day(db, DAY, TALLY_APP, 0, 5));
        in_transaction(db, tally_fold_day(db, DAY, TALLY_APP, 5, 1000));
        in_transaction(db, tally_fold_day(db, DAY, TALLY_ENDPOINT, 0, 1000));
    }
    assert_int_equal(tally_read_all(db, &key, DAY + TALLY_DAY_MS, 10, on_row, &rows), 0);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.rows[0].endpoint, 5);
    assert_int_equal(rows.rows[0].ok, 24);
    assert_int_equal(rows.rows[0].ms_min, 10);
    assert_int_equal(rows.rows[0].ms_max, 33);
    assert_int_equal(rows.rows[1].endpoint, 6);
    assert_int_equal(rows.rows[1].failed, 24);
    rows.count = 0;
    key.subject = 5;
    assert_int_equal(tally_read_all(db, &key, DAY + TALLY_DAY_MS, 10, on_row, &rows), 0);
    assert_int_equal(rows.count, 1);
    db_close(db);
}

static void test_expires(void **state)
{
    struct harness *h = *state;
    const struct tally_count count = { TALLY_EVENTS, 1, 1, 1 };
    const int64_t before[3] = { DAY + 2 * TALLY_DAY_MS, DAY + TALLY_DAY_MS, DAY };
    bool more = false;
    struct db *db;

    harness_start(h);
    db = harness_connect(h, true);
    assert_int_equal(db_begin(db), 0);
    for (int64_t day = 0; day < 3; day++) {
        for (int span = TALLY_MINUTE; span <= TALLY_DAY; span++) {
            const struct tally_key key = { (enum tally_span)span, DAY + day * TALLY_DAY_MS,
                                           TALLY_APP, 5 };

            add(db, key.span, key.bucket, key.kind, key.subject, 5);
            in_transaction(db, tally_add_count(db, &key, &count));
        }
    }
    in_transaction(db, tally_expire(db, before, 1, &more));
    assert_true(more);
    in_transaction(db, tally_expire(db, before, 100, &more));
    assert_false(more);
    assert_int_equal(db_commit(db), 0);
    db_close(db);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM tally WHERE span = 0"), 1);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM tally WHERE span = 1"), 2);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM tally WHERE span = 2"), 3);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM tally_count"), 6);
}

/* About right, whatever lies in the bars; never outside of what was seen. */
static void test_percentiles(void **state)
{
    struct rollup r = { 0 };

    (void)state;
    assert_int_equal(rollup_percentile(&r, 95), 0);
    rollup_count(&r, &(struct rollup_one){ .ms = 145 });
    assert_int_equal(rollup_percentile(&r, 50), 145);
    assert_int_equal(rollup_percentile(&r, 99), 145);
    r = (struct rollup){ 0 };
    for (int64_t ms = 1; ms <= 1000; ms++) {
        rollup_count(&r, &(struct rollup_one){ .ms = ms, .ok = true });
    }
    assert_in_range(rollup_percentile(&r, 50), 490, 510);
    assert_in_range(rollup_percentile(&r, 95), 940, 960);
    assert_in_range(rollup_percentile(&r, 99), 980, 1000);
    assert_int_equal(rollup_percentile(&r, 100), 1000);
    rollup_count(&r, &(struct rollup_one){ .ms = 90000 });
    assert_int_equal(rollup_percentile(&r, 100), 90000);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_adds_and_reads),  STORE_TEST(test_counts),
    STORE_TEST(test_days_are_folded), STORE_TEST(test_expires),
    STORE_TEST(test_percentiles),
};

const struct suite tally_suite = SUITE("tally", tests);
