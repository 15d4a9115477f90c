/* SPDX-License-Identifier: Apache-2.0 */
/* Lists against an oracle: the same rows in an array, filtered and sorted the obvious way. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "suites.h"

enum { EVENTS = 120, ENDPOINTS = 5, ROWS_MAX = EVENTS * ENDPOINTS };

struct log {
    struct delivery_row rows[ROWS_MAX]; /* in order of seq */
    size_t count;
    struct event_row events[EVENTS];
    uint64_t seed;
};

static void fill_log(struct harness *h, struct log *log)
{
    static struct publish pubs[EVENTS];

    for (int i = 0; i < EVENTS; i++) {
        int fan = (int)(harness_random(&log->seed) % (ENDPOINTS + 1));

        h->now += harness_random(&log->seed) % 50;
        publish_init(h, &pubs[i], 1 + i % 2, 0, fan, 1);
        pubs[i].p.event.type = 7 + harness_random(&log->seed) % 3;
        for (int d = 0; d < fan; d++) {
            struct delivery_row *row = &pubs[i].deliveries[d];

            row->endpoint = 100 + (int64_t)(harness_random(&log->seed) % ENDPOINTS);
            row->type = pubs[i].p.event.type;
            row->state = (enum delivery_state)(1 + harness_random(&log->seed) % 7);
            row->last_code = harness_random(&log->seed) % 2 == 0 ? 200 : 500;
            row->last_error = (int32_t)(harness_random(&log->seed) % 3);
            row->created_at = h->now;
        }
        publish_submit(h, &pubs[i]);
    }
    for (int i = 0; i < EVENTS; i++) {
        harness_wait(h, &pubs[i].job.done);
        assert_int_equal(pubs[i].job.result, 0);
    }
    /* The writer is fair by app, so the order of seq is not that of submission. */
    for (int64_t seq = 1; seq <= EVENTS; seq++) {
        for (int i = 0; i < EVENTS; i++) {
            if (pubs[i].p.event.seq == seq) {
                log->events[seq - 1] = pubs[i].p.event;
                for (int d = 0; d < pubs[i].p.event.delivery_count; d++) {
                    log->rows[log->count++] = pubs[i].deliveries[d];
                }
            }
        }
    }
    for (size_t i = 0; i < log->count; i++) {
        assert_int_equal(log->rows[i].seq, (int64_t)i + 1);
    }
}

static bool wanted(const struct delivery_query *q, const struct delivery_row *row)
{
    bool of_endpoint = false;

    for (size_t i = 0; i < q->endpoint_count; i++) {
        of_endpoint = of_endpoint || q->endpoints[i] == row->endpoint;
    }
    return of_endpoint && (q->event == 0 || q->event == row->event) &&
           (q->type == 0 || q->type == row->type) &&
           (q->state == 0 || q->state == (int)row->state) &&
           (q->code == 0 || q->code == row->last_code) &&
           (q->error == 0 || q->error == row->last_error) && row->created_at >= q->since &&
           (q->until == 0 || row->created_at < q->until);
}

/* Walk all pages; each row must be the oracle's next. */
static void walk(struct db *db, const struct log *log, struct delivery_query q)
{
    size_t at = 0;

    for (;;) {
        struct delivery_row *rows;
        struct arena arena;
        size_t count;

        arena_init(&arena);
        assert_int_equal(delivery_list(db, &q, &arena, &rows, &count), 0);
        assert_true(count <= q.limit);
        for (size_t i = 0; i < count; i++) {
            const struct delivery_row *expected;

            do {
                assert_true(at < log->count);
                expected = &log->rows[q.ascending ? at : log->count - 1 - at];
                at++;
            } while (!wanted(&q, expected));
            assert_int_equal(rows[i].seq, expected->seq);
            assert_true(id_eq(&rows[i].id, &expected->id));
            assert_int_equal(rows[i].last_code, expected->last_code);
        }
        if (count > 0) {
            q.after_seq = rows[count - 1].seq;
        }
        arena_done(&arena);
        if (count < q.limit) {
            break;
        }
    }
    for (; at < log->count; at++) {
        assert_false(wanted(&q, &log->rows[q.ascending ? at : log->count - 1 - at]));
    }
}

static void test_delivery_lists(void **state)
{
    struct harness *h = *state;
    static struct log log;
    int64_t first = h->now;

    log = (struct log){ .seed = 42 };
    harness_start(h);
    fill_log(h, &log);

    struct db *db = harness_connect(h, false);

    for (int round = 0; round < 150; round++) {
        int64_t endpoints[ENDPOINTS];
        struct delivery_query q = { .endpoints = endpoints, .limit = 1 };

        for (int64_t e = 0; e < ENDPOINTS; e++) {
            if (harness_random(&log.seed) % 2 == 0) {
                endpoints[q.endpoint_count++] = 100 + e;
            }
        }
        q.limit = 1 + harness_random(&log.seed) % 40;
        q.ascending = harness_random(&log.seed) % 2 == 0;
        q.type = harness_random(&log.seed) % 3 == 0 ? 7 + harness_random(&log.seed) % 3 : 0;
        q.state =
            harness_random(&log.seed) % 3 == 0 ? (int)(1 + harness_random(&log.seed) % 7) : 0;
        q.code = harness_random(&log.seed) % 4 == 0 ? 200 : 0;
        q.error = harness_random(&log.seed) % 4 == 0 ? 2 : 0;
        q.since =
            harness_random(&log.seed) % 3 == 0 ? first + harness_random(&log.seed) % 3000 : 0;
        q.until =
            harness_random(&log.seed) % 3 == 0 ? first + harness_random(&log.seed) % 3000 : 0;
        q.event =
            harness_random(&log.seed) % 3 == 0 ? 1 + harness_random(&log.seed) % EVENTS : 0;
        walk(db, &log, q);
    }
    db_close(db);
}

static void test_event_lists(void **state)
{
    struct harness *h = *state;
    static struct log log;
    int64_t first = h->now;

    log = (struct log){ .seed = 43 };
    harness_start(h);
    fill_log(h, &log);

    struct db *db = harness_connect(h, false);

    for (int round = 0; round < 60; round++) {
        struct event_query q = { .app = 1 + round % 3,
                                 .limit = 1 + harness_random(&log.seed) % 30 };
        size_t at = 0;
        size_t count;

        q.ascending = harness_random(&log.seed) % 2 == 0;
        q.type = harness_random(&log.seed) % 2 == 0 ? 8 : 0;
        q.since =
            harness_random(&log.seed) % 2 == 0 ? first + harness_random(&log.seed) % 3000 : 0;
        q.until =
            harness_random(&log.seed) % 2 == 0 ? first + harness_random(&log.seed) % 3000 : 0;
        do {
            struct event_row *rows;
            struct arena arena;

            arena_init(&arena);
            assert_int_equal(event_list(db, &q, &arena, &rows, &count), 0);
            for (size_t i = 0; i <= count; i++) {
                const struct event_row *e = NULL;

                /* The oracle's next; behind the last page there must be none. */
                while (e == NULL && at < EVENTS && !(i == count && count == q.limit)) {
                    const struct event_row *candidate =
                        &log.events[q.ascending ? at : EVENTS - 1 - at];

                    at++;
                    if (candidate->app == q.app && (q.type == 0 || candidate->type == q.type) &&
                        candidate->accepted_at >= q.since &&
                        (q.until == 0 || candidate->accepted_at < q.until)) {
                        e = candidate;
                    }
                }
                if (i == count) {
                    assert_null(e);
                } else {
                    assert_non_null(e);
                    assert_int_equal(rows[i].seq, e->seq);
                    assert_null(rows[i].body.p);
                    q.after_seq = rows[i].seq;
                }
            }
            arena_done(&arena);
        } while (count == q.limit);
    }
    db_close(db);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_delivery_lists),
    STORE_TEST(test_event_lists),
};
const struct suite list_suite = SUITE("list", tests);
