/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "store/reader.h"
#include "suites.h"

struct lookup {
    struct read read;
    struct id id;
    struct event_row row;
    struct arena arena;
    bool done;
    int result;
};

static int lookup_run(struct read *read, struct db *db)
{
    struct lookup *l = CONTAINER_OF(read, struct lookup, read);

    return event_get(db, &l->id, &l->arena, &l->row);
}

static void lookup_done(struct read *read, int result)
{
    struct lookup *l = CONTAINER_OF(read, struct lookup, read);

    assert_false(l->done);
    l->done = true;
    l->result = result;
}

static void lookup_init(struct lookup *l, const struct id *id)
{
    *l = (struct lookup){ .read = { .run = lookup_run, .on_done = lookup_done }, .id = *id };
    arena_init(&l->arena);
}

static void wait_for(struct readers *readers, const bool *flag)
{
    int64_t deadline = clock_boot_ms() + HARNESS_WAIT_MS;

    while (!*flag) {
        struct pollfd fd = { .fd = readers_fd(readers), .events = POLLIN };

        assert_true(clock_boot_ms() < deadline);
        (void)poll(&fd, 1, (int)(deadline - clock_boot_ms()));
        readers_dispatch(readers);
    }
}

static void test_a_read_comes_back(void **state)
{
    struct harness *h = *state;
    struct readers *readers;
    struct err err = { 0 };
    struct publish pub;
    struct lookup hit;
    struct lookup miss;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    assert_int_equal(readers_start(&h->options, 2, 10, &readers, &err), 0);
    lookup_init(&hit, &pub.p.event.id);
    lookup_init(&miss, &pub.deliveries[0].id);
    assert_int_equal(readers_submit(readers, &hit.read), 0);
    assert_int_equal(readers_submit(readers, &miss.read), 0);
    wait_for(readers, &hit.done);
    wait_for(readers, &miss.done);
    assert_int_equal(hit.result, 0);
    assert_true(str_eq(hit.row.body, pub.p.event.body));
    assert_int_equal(miss.result, -E_NOT_FOUND);
    /* A connection goes on after a read that failed. */
    arena_done(&hit.arena);
    lookup_init(&hit, &pub.p.event.id);
    assert_int_equal(readers_submit(readers, &hit.read), 0);
    wait_for(readers, &hit.done);
    assert_int_equal(hit.result, 0);
    readers_stop(readers);
    arena_done(&hit.arena);
    arena_done(&miss.arena);
}

struct blocked {
    struct read read;
    _Atomic bool entered;
    _Atomic bool release;
    bool done;
};

static int blocked_run(struct read *read, struct db *db)
{
    struct blocked *b = CONTAINER_OF(read, struct blocked, read);

    (void)db;
    atomic_store(&b->entered, true);
    while (!atomic_load(&b->release)) {
        (void)poll(NULL, 0, 1);
    }
    return 0;
}

static void blocked_done(struct read *read, int result)
{
    struct blocked *b = CONTAINER_OF(read, struct blocked, read);

    assert_int_equal(result, 0);
    b->done = true;
}

static void test_the_queue_has_a_limit_and_stop_answers_all(void **state)
{
    struct harness *h = *state;
    struct readers *readers;
    struct err err = { 0 };
    struct blocked blocked = { .read = { .run = blocked_run, .on_done = blocked_done } };
    struct lookup lookups[4];
    const struct id id = { { 1 } };

    harness_start(h);
    assert_int_equal(readers_start(&h->options, 1, 3, &readers, &err), 0);
    assert_int_equal(readers_submit(readers, &blocked.read), 0);
    while (!atomic_load(&blocked.entered)) {
        (void)poll(NULL, 0, 1);
    }
    for (int i = 0; i < 4; i++) {
        lookup_init(&lookups[i], &id);
        assert_int_equal(readers_submit(readers, &lookups[i].read), i < 3 ? 0 : -E_BUSY);
    }
    atomic_store(&blocked.release, true);
    readers_stop(readers);
    assert_true(blocked.done);
    for (int i = 0; i < 3; i++) {
        assert_true(lookups[i].done);
        assert_true(lookups[i].result == -E_UNAVAILABLE || lookups[i].result == -E_NOT_FOUND);
        arena_done(&lookups[i].arena);
    }
    assert_false(lookups[3].done);
    arena_done(&lookups[3].arena);
}

/*
 * After the server dropped its connections a reader connects again; the reads between say
 * "not now".
 */
static void test_a_lost_connection_is_opened_again(void **state)
{
    struct harness *h = *state;
    struct readers *readers;
    struct err err = { 0 };
    struct publish pub;
    int failures = 0;
    int result = -1;

    if (h->kind != DB_POSTGRES) {
        skip();
    }
    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    assert_int_equal(readers_start(&h->options, 1, 10, &readers, &err), 0);
    harness_kick(h);
    for (int i = 0; i < 3 && result != 0; i++) {
        struct lookup l;

        lookup_init(&l, &pub.p.event.id);
        assert_int_equal(readers_submit(readers, &l.read), 0);
        wait_for(readers, &l.done);
        result = l.result;
        failures += result == -E_UNAVAILABLE;
        arena_done(&l.arena);
    }
    assert_int_equal(result, 0);
    assert_in_range(failures, 0, 1);
    readers_stop(readers);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_a_read_comes_back),
    STORE_TEST(test_the_queue_has_a_limit_and_stop_answers_all),
    STORE_TEST(test_a_lost_connection_is_opened_again),
};
const struct suite reader_suite = SUITE("reader", tests);
