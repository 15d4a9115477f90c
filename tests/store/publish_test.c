/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/arena.h"
#include "suites.h"

static void test_fan_out_is_one_range(void **state)
{
    struct harness *h = *state;
    struct publish pub;
    struct publish second;
    struct arena arena;
    struct event_row event;
    struct delivery_row *rows;
    struct str body;
    size_t count;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 4, 1);
    pub.deliveries[1].state = DELIVERY_FILTERED;
    pub.deliveries[1].reason = REASON_FILTER;
    pub.deliveries[1].ended_at = h->now;
    pub.deliveries[1].detail = STR("/filter/a");
    pub.deliveries[2].body = STR("own \xff bytes");
    pub.p.event.channels = STR("[\"x\"]");
    pub.p.event.sent_count = 3;
    assert_int_equal(publish_run(h, &pub), 0);
    publish_init(h, &second, 1, 100, 0, 1);
    assert_int_equal(publish_run(h, &second), 0);
    assert_int_equal(second.p.event.seq, pub.p.event.seq + 1);
    assert_int_equal(second.p.event.first_delivery, 0);

    struct db *db = harness_connect(h, false);

    arena_init(&arena);
    assert_int_equal(event_get(db, &pub.p.event.id, &arena, &event), 0);
    assert_int_equal(event.seq, pub.p.event.seq);
    assert_int_equal(event.delivery_count, 4);
    assert_int_equal(event.sent_count, 3);
    assert_int_equal(event.occurred_at, h->now - 5);
    assert_true(str_eq(event.body, pub.p.event.body));
    assert_true(str_eq(event.unmatched, pub.p.event.unmatched));
    assert_null(event.external_id.p);
    assert_true(str_eq_c(event.channels, "[\"x\"]"));
    assert_int_equal(delivery_range(db, event.first_delivery, 4, &arena, &rows, &count), 0);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows[i].seq, event.first_delivery + (int64_t)i);
        assert_int_equal(rows[i].event, event.seq);
        assert_int_equal(rows[i].endpoint, 100 + (int64_t)i);
        assert_int_equal(rows[i].state, i == 1 ? DELIVERY_FILTERED : DELIVERY_PENDING);
        assert_true(id_eq(&rows[i].id, &pub.deliveries[i].id));
        assert_int_equal(rows[i].has_body, i == 2);
        assert_int_equal(delivery_body(db, rows[i].seq, &arena, &body), 0);
        assert_true(i == 2 ? str_eq(body, pub.deliveries[2].body) : body.p == NULL);
        assert_true(i == 1 ? str_eq_c(rows[i].detail, "/filter/a") : rows[i].detail.p == NULL);
    }
    assert_int_equal(delivery_body(db, 999999, &arena, &body), 0);
    assert_null(body.p);
    /* Only what is open is due. */
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due"), 3);
    assert_int_equal(event_get(db, &pub.deliveries[0].id, &arena, &event), -E_NOT_FOUND);
    arena_done(&arena);
    db_close(db);
}

static void test_key_is_taken_once(void **state)
{
    struct harness *h = *state;
    struct publish first;
    struct publish same;
    struct publish other;
    struct publish elsewhere;

    harness_start(h);
    publish_init(h, &first, 1, 100, 2, 1);
    publish_key(&first, IDEM_HEADER, "key-a");
    assert_int_equal(publish_run(h, &first), 0);
    assert_false(first.p.is_repeat);

    publish_init(h, &same, 1, 100, 2, 1);
    publish_key(&same, IDEM_HEADER, "key-a");
    assert_int_equal(publish_run(h, &same), 0);
    assert_true(same.p.is_repeat);
    assert_false(same.p.is_conflict);
    assert_true(id_eq(&same.p.first_id, &first.p.event.id));
    assert_int_equal(same.p.first_type, 7);
    assert_int_equal(same.p.first_sent_count, 2);

    publish_init(h, &other, 1, 100, 2, 2);
    publish_key(&other, IDEM_HEADER, "key-a");
    assert_int_equal(publish_run(h, &other), 0);
    assert_true(other.p.is_repeat);
    assert_true(other.p.is_conflict);

    /* Another app's key, and the same text as external id, are other keys. */
    publish_init(h, &elsewhere, 2, 100, 1, 1);
    publish_key(&elsewhere, IDEM_HEADER, "key-a");
    assert_int_equal(publish_run(h, &elsewhere), 0);
    assert_false(elsewhere.p.is_repeat);
    publish_init(h, &elsewhere, 1, 100, 1, 1);
    publish_key(&elsewhere, IDEM_EXTERNAL_ID, "key-a");
    assert_int_equal(publish_run(h, &elsewhere), 0);
    assert_false(elsewhere.p.is_repeat);

    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 3);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM delivery"), 4);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due"), 4);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM idempotency"), 3);
}

static void test_same_key_in_one_batch(void **state)
{
    struct harness *h = *state;
    struct gate gate;
    struct publish pubs[20];
    struct writer_stats stats;
    unsigned stored = 0;

    harness_start(h);
    gate_close(h, &gate);
    for (int i = 0; i < 20; i++) {
        publish_init(h, &pubs[i], 1, 100, 1, (unsigned char)(i == 19 ? 2 : 1));
        publish_key(&pubs[i], IDEM_HEADER, "storm");
        publish_submit(h, &pubs[i]);
    }
    gate_open(&gate);
    harness_wait(h, &pubs[19].job.done);
    writer_stats(h->writer, &stats);
    assert_int_equal(stats.batches, 2); /* the gate's and theirs */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(pubs[i].job.result, 0);
        stored += !pubs[i].p.is_repeat;
        assert_int_equal(pubs[i].p.is_conflict, i == 19);
        if (pubs[i].p.is_repeat) {
            assert_true(id_eq(&pubs[i].p.first_id, &pubs[0].p.event.id));
        }
    }
    assert_int_equal(stored, 1);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 1);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM delivery"), 1);
}

/* Which of (header key, external id) are known already, and what must come of it. */
static void test_two_keys(void **state)
{
    static const struct {
        const char *header;
        const char *external;
        bool repeat;
        int64_t keys; /* rows of idempotency afterwards */
    } steps[] = {
        { "h1", "x1", false, 2 }, { "h1", "x1", true, 2 },
        { "h2", "x1", true, 2 }, /* must not leave h2 behind */
        { "h1", "x2", true, 2 },  { "h2", "x2", false, 4 },
        { "h1", "x2", true, 4 }, /* of two first events the header's answers */
    };
    struct harness *h = *state;
    struct id first = { { 0 } };

    harness_start(h);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct publish pub;

        publish_init(h, &pub, 1, 100, 1, 1);
        publish_key(&pub, IDEM_HEADER, steps[i].header);
        publish_key(&pub, IDEM_EXTERNAL_ID, steps[i].external);
        pub.p.event.external_id = str_from(steps[i].external);
        assert_int_equal(publish_run(h, &pub), 0);
        assert_int_equal(pub.p.is_repeat, steps[i].repeat);
        assert_false(pub.p.is_conflict);
        assert_int_equal(harness_int(h, "SELECT count(*) FROM idempotency"), steps[i].keys);
        if (i == 0) {
            first = pub.p.event.id;
        } else if (steps[i].repeat) {
            assert_true(id_eq(&pub.p.first_id, &first));
        }
    }
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 2);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event WHERE external_id = 'x2'"), 1);
}

/* Whatever the bytes of a key or a body are, they are bytes. */
static void test_bytes_are_kept(void **state)
{
    struct harness *h = *state;
    struct publish pub;
    struct arena arena;
    struct event_row event;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    pub.p.keys[0] = (struct idem_key){ IDEM_HEADER, STR("\xff\x00\xfe") };
    pub.p.key_count = 1;
    pub.p.event.body = STR("\xff\x00\x80 body");
    assert_int_equal(publish_run(h, &pub), 0);

    struct db *db = harness_connect(h, false);

    arena_init(&arena);
    assert_int_equal(event_get_seq(db, pub.p.event.seq, &arena, &event), 0);
    assert_true(str_eq(event.body, pub.p.event.body));
    arena_done(&arena);
    db_close(db);
}

static void test_seqs_go_on_after_a_restart(void **state)
{
    struct harness *h = *state;
    struct publish pub;
    int64_t event;
    int64_t delivery;

    harness_start(h);
    publish_init(h, &pub, 1, 100, 3, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    event = pub.p.event.seq;
    delivery = pub.deliveries[2].seq;
    harness_stop(h);
    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    assert_true(pub.p.event.seq > event);
    assert_true(pub.deliveries[0].seq > delivery);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_fan_out_is_one_range),  STORE_TEST(test_key_is_taken_once),
    STORE_TEST(test_same_key_in_one_batch), STORE_TEST(test_two_keys),
    STORE_TEST(test_bytes_are_kept),        STORE_TEST(test_seqs_go_on_after_a_restart),
};
const struct suite publish_suite = SUITE("publish", tests);
