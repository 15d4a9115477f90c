/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "store/replay.h"
#include "store/retention.h"
#include "suites.h"

enum { FAN = 2, SECOND_MS = 1000 };

struct world {
    struct harness *h;
    struct retention r;
    struct retention_bite bite;
};

static int run_bite(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct world *w = ctx;

    (void)seqs;
    return retention_bite(db, &w->r, &w->bite);
}

/* All bites of a walk; how many rows went. */
static unsigned walk(struct world *w, enum retention_walk kind, uint32_t rows_max)
{
    unsigned removed = 0;
    int bites = 0;

    w->r.now = w->h->now;
    do {
        w->bite = (struct retention_bite){ .walk = kind, .rows_max = rows_max };
        assert_int_equal(job_run(w->h, run_bite, w), 0);
        assert_true(w->bite.looked <= rows_max);
        removed += w->bite.removed;
        assert_true(++bites < 1000);
    } while (w->bite.more);
    assert_true(rows_max > 10 || bites > 1);
    return removed;
}

static void begin(struct world *w, struct harness *h)
{
    *w = (struct world){ .h = h,
                         .r = { .events_ms = 30 * SECOND_MS,
                                .deliveries_ms = 30 * SECOND_MS,
                                .gone_ms = 30 * SECOND_MS } };
    harness_start(h);
}

/* One event a second, to endpoints `first` and `first` + 1, delivered at once; or one of them open. */
static void happen(struct world *w, struct publish *pub, int64_t app, int64_t first, bool open)
{
    w->h->now += SECOND_MS;
    publish_init(w->h, pub, app, first, FAN, 1);
    assert_int_equal(publish_run(w->h, pub), 0);
    for (int d = 0; d < FAN; d++) {
        struct outcome_job oj;
        bool stays = open && d == 1;

        outcome_init(w->h, &oj, &pub->deliveries[d], 1,
                     stays ? DELIVERY_RETRYING : DELIVERY_DELIVERED, true,
                     stays ? w->h->now : 0);
        oj.o.delivery.ended_at = stays ? 0 : w->h->now;
        oj.o.attempt.response_body = STR("answer");
        assert_int_equal(outcome_run(w->h, &oj), 0);
    }
}

static int64_t count(struct world *w, const char *table)
{
    char sql[128];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    return harness_int(w->h, sql);
}

static void test_open_events_stay(void **state)
{
    struct publish pubs[60];
    struct world w;

    begin(&w, *state);
    for (int i = 0; i < 60; i++) {
        happen(&w, &pubs[i], 1, 50, i % 3 == 0);
    }
    /* The older half goes, but for every third event and its open delivery. */
    assert_int_equal(walk(&w, RETENTION_DELIVERIES, 10), 2 * 29 - 10);
    assert_int_equal(walk(&w, RETENTION_EVENTS, 10), 29 - 10);
    assert_int_equal(count(&w, "event"), 60 - 19);
    assert_int_equal(count(&w, "delivery"), 120 - 48);
    assert_int_equal(count(&w, "attempt"), 120 - 48);
    assert_int_equal(count(&w, "due"), 20);

    /* What was open is taken in a later round, when it has ended, by the time of its end. */
    for (int i = 0; i < 60; i += 3) {
        struct outcome_job oj;

        outcome_init(w.h, &oj, &pubs[i].deliveries[1], 2, DELIVERY_FAILED, true, 0);
        oj.o.delivery.ended_at = w.h->now;
        assert_int_equal(outcome_run(w.h, &oj), 0);
    }
    assert_int_equal(walk(&w, RETENTION_EVENTS, 10), 10);
    assert_int_equal(walk(&w, RETENTION_DELIVERIES, 10), 0);

    /* The newest stay whatever their age, so that the seqs go on from them. */
    w.h->now += 1000 * SECOND_MS;
    (void)walk(&w, RETENTION_EVENTS, 10);
    (void)walk(&w, RETENTION_DELIVERIES, 10);
    assert_int_equal(count(&w, "event"), 1);
    assert_int_equal(count(&w, "delivery"), 1);
    assert_int_equal(count(&w, "attempt"), 1);
    harness_stop(w.h);
    harness_start(w.h);
    publish_init(w.h, &pubs[0], 1, 100, 1, 1);
    assert_int_equal(publish_run(w.h, &pubs[0]), 0);
    assert_int_equal(pubs[0].p.event.seq, 61);
    assert_int_equal(pubs[0].deliveries[0].seq, 121);
}

static void test_apps_with_periods_of_their_own(void **state)
{
    const struct retention_app apps[] = { { 2, 5 * SECOND_MS }, { 3, 90 * SECOND_MS } };
    struct publish pub;
    struct world w;

    begin(&w, *state);
    w.r.apps = apps;
    w.r.app_count = 2;
    for (int i = 0; i < 60; i++) {
        happen(&w, &pub, 1 + i % 3, 50 + 10 * (i % 3), false);
    }
    (void)walk(&w, RETENTION_DELIVERIES, 20);
    (void)walk(&w, RETENTION_EVENTS, 7);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM event WHERE app = 1"), 10);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM event WHERE app = 2"), 2);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM event WHERE app = 3"), 20);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM delivery WHERE app = 1"), 20);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM delivery WHERE app = 2"), 4);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM delivery WHERE app = 3"), 40);
}

static int run_replay(void *ctx, struct db *db, struct write_seqs *seqs)
{
    return replay_bite_store(db, ctx, seqs);
}

static void test_replays_have_their_own_age(void **state)
{
    struct publish pub;
    struct publish later;
    struct world w;

    begin(&w, *state);
    happen(&w, &pub, 1, 50, false);
    w.h->now += 29 * SECOND_MS;

    /* A replay of the event, on its way when the event is old. */
    struct replay_delivery made = { .row = { .id = id_make(&w.h->ids, w.h->now),
                                             .event = 1,
                                             .app = 1,
                                             .endpoint = 50,
                                             .type = 7,
                                             .state = DELIVERY_PENDING,
                                             .created_at = w.h->now,
                                             .replay_of = 1,
                                             .flags = FLAG_REPLAY } };
    struct replay_bite bite = { .deliveries = &made, .count = 1 };

    assert_int_equal(job_run(w.h, run_replay, &bite), 0);
    happen(&w, &later, 1, 60, false);
    w.h->now += 10 * SECOND_MS;
    assert_int_equal(walk(&w, RETENTION_DELIVERIES, 20), 2);
    assert_int_equal(walk(&w, RETENTION_EVENTS, 20), 0);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM event WHERE seq = 1"), 1);

    struct outcome_job oj;

    outcome_init(w.h, &oj, &made.row, 1, DELIVERY_DELIVERED, true, 0);
    oj.o.delivery.ended_at = w.h->now;
    assert_int_equal(outcome_run(w.h, &oj), 0);
    assert_int_equal(walk(&w, RETENTION_EVENTS, 20), 1);
    assert_int_equal(count(&w, "replay_delivery"), 1);
    assert_int_equal(walk(&w, RETENTION_DELIVERIES, 20), 0);
    w.h->now += 31 * SECOND_MS;
    (void)walk(&w, RETENTION_DELIVERIES, 20);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM delivery WHERE event = 1"), 0);
    assert_int_equal(count(&w, "replay_delivery"), 0);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM attempt WHERE delivery = 3"), 0);
}

static void test_bytes_go_before_their_rows(void **state)
{
    struct publish pub;
    struct world w;

    begin(&w, *state);
    w.r.bodies_ms = 10 * SECOND_MS;
    w.r.responses_ms = 5 * SECOND_MS;
    for (int i = 0; i < 20; i++) {
        happen(&w, &pub, 1, 50, i == 0);
    }
    assert_int_equal(walk(&w, RETENTION_BODIES, 4), 8);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM event WHERE length(body) = 0"
                                      " AND flags = 2"),
                     8);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM event WHERE seq = 1"
                                      " AND length(body) > 0"),
                     1); /* open: it is still to be sent */
    (void)walk(&w, RETENTION_RESPONSES, 4);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM attempt"
                                      " WHERE length(response_body) = 0 AND (flags & 4) = 4"),
                     2 * 14);
    assert_int_equal(count(&w, "event"), 20);
    assert_int_equal(count(&w, "attempt"), 40);
    assert_int_equal(walk(&w, RETENTION_BODIES, 4), 0);
}

static void test_deleted_endpoints(void **state)
{
    struct retention_gone gone[] = { { 50, 0 }, { 51, 0 }, { 70, 0 } };
    struct publish pub;
    struct world w;

    begin(&w, *state);
    w.r.deliveries_ms = 1000 * SECOND_MS;
    w.r.events_ms = 1000 * SECOND_MS;
    for (int i = 0; i < 20; i++) {
        happen(&w, &pub, 1, 50, i == 5);
    }
    happen(&w, &pub, 1, 60, false);
    gone[0].deleted_at = w.h->now;
    gone[1].deleted_at = w.h->now - 40 * SECOND_MS;
    w.r.gone = gone;
    w.r.gone_count = 3;
    assert_int_equal(walk(&w, RETENTION_GONE, 7), 20);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM delivery WHERE endpoint = 51"), 0);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM delivery WHERE endpoint = 50"), 20);
    assert_int_equal(count(&w, "due"), 0); /* what waited for it waits no more */
    w.h->now += 31 * SECOND_MS;
    assert_int_equal(walk(&w, RETENTION_GONE, 7), 20);
    assert_int_equal(count(&w, "delivery"), 2);
    assert_int_equal(count(&w, "event"), 21);
}

static int run_insert(void *ctx, struct db *db, struct write_seqs *seqs)
{
    (void)seqs;
    return replay_insert(db, ctx);
}

static int run_expire(void *ctx, struct db *db, struct write_seqs *seqs)
{
    bool more = true;

    (void)seqs;
    return replay_expire(db, *(int64_t *)ctx, &more);
}

static void test_ended_replays_go(void **state)
{
    struct replay_part part = { .endpoint = 50, .list = STR("") };
    struct world w;
    int64_t changes;
    int64_t before;

    begin(&w, *state);
    for (int i = 0; i < 4; i++) {
        struct replay_new n = { .row = { .id = id_make(&w.h->ids, w.h->now),
                                         .app = 1,
                                         .state = REPLAY_QUEUED,
                                         .mode = REPLAY_MODE_ALL,
                                         .spec = STR("{}") },
                                .parts = &part,
                                .part_count = 1,
                                .active_max = 10 };

        assert_int_equal(job_run(w.h, run_insert, &n), 0);
    }

    struct db *db = harness_connect(w.h, true);

    for (int64_t no = 2; no <= 4; no++) {
        assert_int_equal(
            replay_set_state(db, no, 1U << REPLAY_QUEUED, REPLAY_CANCELLED, w.h->now, &changes),
            0);
    }
    assert_int_equal(db_flush(db), 0);
    db_close(db);
    before = w.h->now + 1;
    assert_int_equal(job_run(w.h, run_expire, &before), 0);
    /* One runs, and the newest keeps the numbers going. */
    assert_int_equal(harness_int(w.h, "SELECT SUM(no) FROM replay"), 1 + 4);
    assert_int_equal(count(&w, "replay_part"), 2);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_open_events_stay),
    STORE_TEST(test_apps_with_periods_of_their_own),
    STORE_TEST(test_replays_have_their_own_age),
    STORE_TEST(test_bytes_go_before_their_rows),
    STORE_TEST(test_deleted_endpoints),
    STORE_TEST(test_ended_replays_go),
};
const struct suite retention_suite = SUITE("retention", tests);
