/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's queue alone: order, fairness, limits. No database. */
#include <string.h>

#include "store/writer_queue.h"
#include "suites.h"

enum { WRITES = 400 };

static struct write writes[WRITES];

static struct write *make(size_t i, enum write_class class, uint32_t app, uint32_t rows,
                          size_t bytes)
{
    writes[i] = (struct write){ .class = class, .app = app, .rows = rows, .bytes = bytes };
    return &writes[i];
}

static size_t index_of(struct list_node *node)
{
    return (size_t)(CONTAINER_OF(node, struct write, node) - writes);
}

static size_t take(struct writer_queue *q, uint32_t rows_max, size_t bytes_max,
                   size_t *ret_indexes)
{
    const struct writer_limits limits = { rows_max, bytes_max };
    struct list batch;
    struct list_node *node;
    size_t n = 0;

    list_init(&batch);
    writer_queue_take(q, &limits, &batch);
    while ((node = list_pop_front(&batch)) != NULL) {
        ret_indexes[n++] = index_of(node);
    }
    return n;
}

static void test_outcomes_first_in_order(void **state)
{
    struct writer_queue q;
    size_t got[WRITES];
    size_t n;

    (void)state;
    writer_queue_init(&q);
    for (size_t i = 0; i < 30; i++) {
        writer_queue_push(&q, make(i, i % 2 == 0 ? WRITE_PUBLISH : WRITE_OUTCOME, 1, 1, 10));
    }
    n = take(&q, 20, 1000, got);
    assert_int_equal(n, 20);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(got[i], i < 15 ? 2 * i + 1 : 2 * (i - 15));
    }
    assert_int_equal(take(&q, 20, 1000, got), 10);
    assert_int_equal(q.count, 0);
    assert_int_equal(q.bytes, 0);
    writer_queue_done(&q);
}

/*
 * A noisy app has 300 publishes waiting, two quiet ones two each: those are in the first six.
 */
static void test_publishes_are_fair_by_app(void **state)
{
    struct writer_queue q;
    size_t got[WRITES];
    size_t quiet = 0;

    (void)state;
    writer_queue_init(&q);
    for (size_t i = 0; i < 300; i++) {
        writer_queue_push(&q, make(i, WRITE_PUBLISH, 1, 1, 1));
    }
    for (size_t i = 300; i < 304; i++) {
        writer_queue_push(&q, make(i, WRITE_PUBLISH, (uint32_t)(2 + i % 2), 1, 1));
    }
    assert_int_equal(take(&q, 6, 1000, got), 6);
    for (size_t i = 0; i < 6; i++) {
        quiet += got[i] >= 300;
    }
    assert_int_equal(quiet, 4);
    /* Each app's own stay in order. */
    for (size_t expected = 2; q.count > 0; expected++) {
        assert_int_equal(take(&q, 1, 1000, got), 1);
        assert_int_equal(got[0], expected);
    }
    writer_queue_done(&q);
}

static void test_a_batch_has_limits(void **state)
{
    static const struct {
        uint32_t rows;
        size_t bytes;
        size_t taken; /* of writes of that size, limits 100 rows and 1,000 bytes */
    } cases[] = {
        { 1, 1, 100 }, { 10, 1, 10 }, { 1, 100, 10 },
        { 33, 1, 3 },  { 101, 1, 1 }, { 1, 1001, 1 },
    };

    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        struct writer_queue q;
        size_t got[WRITES];
        size_t total = 0;

        writer_queue_init(&q);
        for (size_t i = 0; i < 150; i++) {
            writer_queue_push(&q, make(i, WRITE_PUBLISH, 1, cases[c].rows, cases[c].bytes));
        }
        assert_int_equal(q.bytes, 150 * cases[c].bytes);
        assert_int_equal(take(&q, 100, 1000, got), cases[c].taken);
        for (size_t n = cases[c].taken; n > 0; n = take(&q, 100, 1000, got)) {
            total += n;
        }
        assert_int_equal(total, 150);
        writer_queue_done(&q);
    }
}

/*
 * Beside full batches of publishes background work gets a fifth of the rows, alone all it
 * wants.
 */
static void test_background_gets_a_fifth(void **state)
{
    struct writer_queue q;
    size_t got[WRITES];
    size_t background = 0;
    size_t others = 0;

    (void)state;
    writer_queue_init(&q);
    for (size_t i = 0; i < 200; i++) {
        writer_queue_push(&q, make(i, WRITE_PUBLISH, 1, 10, 1));
    }
    for (size_t i = 200; i < 400; i++) {
        writer_queue_push(&q, make(i, WRITE_BACKGROUND, 0, 10, 1));
    }
    for (int round = 0; round < 10; round++) {
        size_t n = take(&q, 100, 100000, got);

        for (size_t i = 0; i < n; i++) {
            background += got[i] >= 200;
            others += got[i] < 200;
        }
    }
    assert_int_equal(others, 100);
    assert_in_range(background, 20, 25);
    while (take(&q, 100, 100000, got) > 0) {
    }
    assert_int_equal(q.count, 0);
    writer_queue_done(&q);
}

/* One background write larger than its share still gets its turn beside endless publishes. */
static void test_large_background_is_not_starved(void **state)
{
    struct writer_queue q;
    size_t got[WRITES];
    size_t rounds = 0;
    bool seen = false;

    (void)state;
    writer_queue_init(&q);
    writer_queue_push(&q, make(399, WRITE_BACKGROUND, 0, 5000, 5000));
    for (size_t next = 0; !seen; rounds++) {
        assert_true(rounds < 20);
        for (size_t i = 0; i < 10; i++, next++) {
            writer_queue_push(&q, make(next, WRITE_PUBLISH, 1, 10, 100));
        }
        size_t n = take(&q, 100, 1000, got);

        for (size_t i = 0; i < n; i++) {
            seen = seen || got[i] == 399;
        }
    }
    assert_in_range(rounds, 3, 6);
    writer_queue_done(&q);
}

static void test_returned_outcomes_keep_their_order(void **state)
{
    struct writer_queue q;
    struct list again;
    size_t got[WRITES];

    (void)state;
    writer_queue_init(&q);
    list_init(&again);
    writer_queue_push(&q, make(3, WRITE_OUTCOME, 0, 1, 1));
    for (size_t i = 0; i < 3; i++) {
        list_push_back(&again, &make(i, WRITE_OUTCOME, 0, 1, 1)->node);
    }
    writer_queue_return(&q, &again);
    assert_int_equal(q.count, 4);
    assert_int_equal(take(&q, 10, 100, got), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(got[i], i);
    }
    writer_queue_done(&q);
}

static void test_drain_leaves_outcomes(void **state)
{
    struct writer_queue q;
    struct list drained;

    (void)state;
    writer_queue_init(&q);
    list_init(&drained);
    for (size_t i = 0; i < 30; i++) {
        writer_queue_push(&q, make(i, (enum write_class)(i % 3), (uint32_t)(i % 4), 1, 5));
    }
    writer_queue_drain(&q, false, &drained);
    assert_int_equal(drained.count, 20);
    assert_int_equal(q.count, 10);
    assert_int_equal(q.bytes, 0);
    writer_queue_drain(&q, true, &drained);
    assert_int_equal(drained.count, 30);
    assert_int_equal(q.count, 0);
    writer_queue_done(&q);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_outcomes_first_in_order),
    cmocka_unit_test(test_publishes_are_fair_by_app),
    cmocka_unit_test(test_a_batch_has_limits),
    cmocka_unit_test(test_background_gets_a_fifth),
    cmocka_unit_test(test_large_background_is_not_starved),
    cmocka_unit_test(test_returned_outcomes_keep_their_order),
    cmocka_unit_test(test_drain_leaves_outcomes),
};
const struct suite queue_suite = SUITE("queue", tests);
