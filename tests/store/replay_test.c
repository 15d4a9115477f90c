/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/reader.h"
#include "store/replay.h"
#include "suites.h"

/* A log of two endpoints (50 and 51) of app 1; replays by hand. */
struct world {
    struct harness *h;
    struct arena arena;
    struct db *db; /* a reader of the test's own */
};

static void world_begin(struct world *w, struct harness *h)
{
    *w = (struct world){ .h = h };
    arena_init(&w->arena);
    harness_start(h);
    w->db = harness_connect(h, false);
}

static void world_end(struct world *w)
{
    db_close(w->db);
    arena_done(&w->arena);
    harness_stop(w->h);
}

/* One event to both; the delivery of endpoint 50 ends as told (0 = stays open). */
static void happen(struct world *w, enum delivery_state state, struct publish *pub)
{
    struct outcome_job oj;

    w->h->now += 1000;
    publish_init(w->h, pub, 1, 50, 2, 1);
    assert_int_equal(publish_run(w->h, pub), 0);
    if (state != 0) {
        outcome_init(w->h, &oj, &pub->deliveries[0], 1, state, true, 0);
        assert_int_equal(outcome_run(w->h, &oj), 0);
    }
}

static int run_insert(void *ctx, struct db *db, struct write_seqs *seqs)
{
    (void)seqs;
    return replay_insert(db, ctx);
}

static int run_bite(void *ctx, struct db *db, struct write_seqs *seqs)
{
    return replay_bite_store(db, ctx, seqs);
}

static struct replay_new make(struct world *w, enum replay_mode mode, struct replay_part *part)
{
    struct replay_new n = {
        .row = { .id = id_make(&w->h->ids, w->h->now),
                 .project = 2,
                 .app = 1,
                 .state = REPLAY_QUEUED,
                 .mode = mode,
                 .total = part->total,
                 .rate = 50,
                 .upto_delivery = 1000,
                 .upto_event = 1000,
                 .spec = STR("{}"),
                 .created_at = w->h->now },
        .parts = part,
        .part_count = 1,
        .active_max = 3,
    };

    return n;
}

static struct replay_page look(struct world *w, const struct replay_look *look)
{
    struct replay_page page;

    assert_int_equal(replay_look(w->db, look, &w->arena, &page), 0);
    return page;
}

static struct replay_delivery made_of(struct world *w, const struct replay_item *item,
                                      int64_t replay)
{
    return (struct replay_delivery){ .row = { .id = id_make(&w->h->ids, w->h->now),
                                              .event = item->event,
                                              .app = 1,
                                              .endpoint = 50,
                                              .type = item->type,
                                              .state = DELIVERY_PENDING,
                                              .created_at = w->h->now,
                                              .replay = replay,
                                              .replay_of = item->old,
                                              .flags = FLAG_REPLAY } };
}

static void test_modes_choose(void **state)
{
    static const struct {
        enum replay_mode mode;
        int32_t delivery_state;
        size_t count;
        int64_t first; /* event */
    } rows[] = {
        { REPLAY_MODE_FAILED, 0, 2, 2 },
        { REPLAY_MODE_ALL, 0, 4, 1 },
        { REPLAY_MODE_ALL, DELIVERY_DELIVERED, 1, 1 },
        { REPLAY_MODE_CANCEL, 0, 1, 3 },
        { REPLAY_MODE_ARCHIVE, DELIVERY_FAILED, 2, 2 },
        { REPLAY_MODE_MISSING, 0, 1, 4 },
        { REPLAY_MODE_BACKFILL, 0, 3, 2 },
    };
    const int64_t types[] = { 5, 7, 9 };
    struct world w;
    struct publish pub;

    world_begin(&w, *state);
    happen(&w, DELIVERY_DELIVERED, &pub);
    happen(&w, DELIVERY_FAILED, &pub);
    happen(&w, 0, &pub); /* on its way: no mode takes it */
    w.h->now += 1000;
    publish_init(w.h, &pub, 1, 50, 1, 1);
    pub.deliveries[0].state = DELIVERY_SKIPPED;
    pub.deliveries[0].reason = REASON_ENDPOINT_DISABLED;
    assert_int_equal(publish_run(w.h, &pub), 0);
    happen(&w, DELIVERY_FAILED, &pub);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct replay_page page =
            look(&w, &(struct replay_look){ .mode = rows[i].mode,
                                            .app = 1,
                                            .endpoint = 50,
                                            .types = types,
                                            .type_count = 3,
                                            .state = rows[i].delivery_state,
                                            .upto = 100,
                                            .look_max = 100,
                                            .item_max = 100 });

        assert_int_equal(page.count, rows[i].count);
        assert_int_equal(page.items[0].event, rows[i].first);
        assert_true(page.end);
        assert_true(page.items[0].has_event);
    }
    /* In small pages the same, and nothing beyond `upto` or of other types. */
    struct replay_look small = { .mode = REPLAY_MODE_ALL,
                                 .app = 1,
                                 .endpoint = 50,
                                 .upto = pub.deliveries[0].seq - 1,
                                 .look_max = 2,
                                 .item_max = 2 };
    size_t found = 0;
    struct replay_page page;

    do {
        page = look(&w, &small);
        found += page.count;
        small.place = page.place;
    } while (!page.end);
    assert_int_equal(found, 3);
    small = (struct replay_look){ .mode = REPLAY_MODE_ALL,
                                  .endpoint = 50,
                                  .types = types,
                                  .type_count = 1,
                                  .upto = 100,
                                  .look_max = 50,
                                  .item_max = 50 };
    assert_int_equal(look(&w, &small).count, 0);

    /* The first place is before the first row as young as that, a minute's margin given. */
    int64_t place = -1;

    assert_int_equal(
        replay_first_place(w.db, &(struct replay_look){ .mode = REPLAY_MODE_ALL, .since = 1 },
                           &place),
        0);
    assert_int_equal(place, 0);
    assert_int_equal(replay_first_place(w.db,
                                        &(struct replay_look){ .mode = REPLAY_MODE_MISSING,
                                                               .since = w.h->now + 61 * 1000 },
                                        &place),
                     0);
    assert_true(place == INT64_MAX);
    world_end(&w);
}

static void test_a_bite_is_taken_once(void **state)
{
    struct world w;
    struct publish pub;
    struct replay_part part = { .endpoint = 50, .total = 2, .list = STR("") };
    struct replay_delivery rows[2];

    world_begin(&w, *state);
    happen(&w, DELIVERY_FAILED, &pub);
    happen(&w, DELIVERY_FAILED, &pub);

    struct replay_new n = make(&w, REPLAY_MODE_FAILED, &part);

    assert_int_equal(job_run(w.h, run_insert, &n), 0);
    assert_int_equal(n.row.no, 1);
    struct replay_look all = {
        .mode = REPLAY_MODE_FAILED, .endpoint = 50, .upto = 100, .look_max = 10, .item_max = 10
    };
    struct replay_page page = look(&w, &all);

    assert_int_equal(page.count, 2);
    for (int i = 0; i < 2; i++) {
        rows[i] = made_of(&w, &page.items[i], 1);
    }
    struct replay_bite bite = { .replay = 1,
                                .endpoint = 50,
                                .from = 0,
                                .to = page.place,
                                .now = w.h->now,
                                .deliveries = rows,
                                .count = 2,
                                .is_last = true };

    assert_int_equal(job_run(w.h, run_bite, &bite), 0);
    assert_false(bite.is_lost);
    assert_int_equal(bite.replayed, 2);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM delivery WHERE replay = 1"), 2);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM due WHERE endpoint = 50"), 2);
    assert_int_equal(harness_int(w.h, "SELECT processed * 10 + replayed FROM replay"), 22);
    assert_int_equal(harness_int(w.h, "SELECT state FROM replay"), REPLAY_COMPLETED);

    /* What an unknown commit makes us do again does nothing. */
    assert_int_equal(job_run(w.h, run_bite, &bite), 0);
    assert_true(bite.is_lost);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM delivery"), 4 + 2);

    /* The old ones are replaced: nothing is left for a second job. */
    assert_int_equal(look(&w, &all).count, 0);

    /* They stand in the list of their event, behind its own range, both ways. */
    struct delivery_row *list;
    const int64_t endpoints[] = { 50, 51 };
    size_t count = 0;
    struct delivery_query q = {
        .endpoints = endpoints, .endpoint_count = 2, .event = 1, .limit = 10
    };

    for (int ascending = 0; ascending < 2; ascending++) {
        q.ascending = ascending != 0;
        assert_int_equal(delivery_list(w.db, &q, &w.arena, &list, &count), 0);
        assert_int_equal(count, 3);
        assert_int_equal(list[ascending ? 2 : 0].seq, 5);
        assert_int_equal(list[ascending ? 2 : 0].replay_of, 1);
        assert_int_equal(list[ascending ? 2 : 0].flags, FLAG_REPLAY);
        assert_true(id_eq(&list[ascending ? 2 : 0].replay_of_id, &list[ascending ? 0 : 2].id));
    }
    q.ascending = true;
    q.after_seq = 2;
    assert_int_equal(delivery_list(w.db, &q, &w.arena, &list, &count), 0);
    assert_int_equal(count, 1);
    world_end(&w);
}

static void test_a_corrected_event_is_made_once(void **state)
{
    struct world w;
    struct publish pub;
    struct replay_part part = { .endpoint = 50, .total = 1, .list = STR("") };

    world_begin(&w, *state);
    happen(&w, DELIVERY_FAILED, &pub);

    struct replay_new n = make(&w, REPLAY_MODE_FAILED, &part);
    struct replay_item item = { .old = 1, .event = 1, .type = 7, .has_event = true };

    assert_int_equal(job_run(w.h, run_insert, &n), 0);
    struct replay_delivery rows[2] = { made_of(&w, &item, 1), made_of(&w, &item, 1) };

    rows[0].old_event = 1;
    rows[0].event_is_new = true;
    rows[0].event_id = id_make(&w.h->ids, w.h->now);
    rows[0].corrects = pub.p.event.id;
    rows[0].event_body = STR("{\"corrected\":true}");
    rows[0].row.flags |= FLAG_CORRECTED;
    rows[1].old_event = 1;
    rows[1].same_as = 1;
    rows[1].row.replay_of = 0;
    struct replay_bite bite = {
        .replay = 1, .endpoint = 50, .to = 1, .now = w.h->now, .deliveries = rows, .count = 2
    };
    int64_t known = -1;
    struct event_row event;

    assert_int_equal(replay_known_event(w.db, 1, 1, &known), 0);
    assert_int_equal(known, 0);
    assert_int_equal(job_run(w.h, run_bite, &bite), 0);
    assert_int_equal(bite.replayed, 2);
    assert_int_equal(replay_known_event(w.db, 1, 1, &known), 0);
    assert_int_equal(known, 2);
    assert_int_equal(event_get_seq(w.db, 2, &w.arena, &event), 0);
    assert_true(str_eq(event.body, STR("{\"corrected\":true}")));
    assert_true(id_eq(&event.corrects, &pub.p.event.id));
    assert_int_equal(event.first_delivery, 3);
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM delivery WHERE event = 2"), 2);
    assert_int_equal(harness_int(w.h, "SELECT made FROM replay_delivery WHERE of_event = 2"),
                     4);
    assert_int_equal(harness_int(w.h, "SELECT state FROM replay"), REPLAY_RUNNING);
    world_end(&w);
}

static void test_keys_and_limits(void **state)
{
    struct world w;
    struct replay_part part = { .endpoint = 50, .list = STR("") };
    struct replay_new first;
    int64_t changes = 0;

    world_begin(&w, *state);
    first = make(&w, REPLAY_MODE_ALL, &part);
    first.key = STR("again");
    first.key_since = w.h->now - 1000;
    assert_int_equal(job_run(w.h, run_insert, &first), 0);
    assert_false(first.is_repeat);
    for (int i = 0; i < 4; i++) {
        struct replay_new n = make(&w, REPLAY_MODE_ALL, &part);

        if (i == 0 || i == 3) {
            n.key = STR("again");
            n.key_since = i == 0 ? w.h->now - 1000 : w.h->now;
            n.hash[0] = 1;
        }
        assert_int_equal(job_run(w.h, run_insert, &n), 0);
        if (i == 0) {
            assert_true(n.is_repeat && n.is_conflict);
            assert_true(id_eq(&n.row.id, &first.row.id));
        }
        /* Three run by then; a forgotten key is no repeat. */
        assert_true(n.is_over == (i == 3));
        assert_true(n.is_repeat == (i == 0));
    }
    assert_int_equal(harness_int(w.h, "SELECT count(*) FROM replay"), 3);

    struct {
        int64_t no;
        unsigned from;
        enum replay_state to;
        int64_t changes;
    } moves[] = {
        { 1, 1U << REPLAY_QUEUED | 1U << REPLAY_RUNNING, REPLAY_PAUSED, 1 },
        { 1, 1U << REPLAY_QUEUED | 1U << REPLAY_RUNNING, REPLAY_PAUSED, 0 },
        { 1, 1U << REPLAY_PAUSED, REPLAY_RUNNING, 1 },
        { 1, 1U << REPLAY_RUNNING, REPLAY_CANCELLED, 1 },
        { 1, 1U << REPLAY_PAUSED, REPLAY_RUNNING, 0 },
    };
    struct db *writer = harness_connect(w.h, true);

    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        assert_int_equal(replay_set_state(writer, moves[i].no, moves[i].from, moves[i].to,
                                          w.h->now, &changes),
                         0);
        assert_int_equal(db_flush(writer), 0);
        assert_int_equal(changes, moves[i].changes);
    }
    db_close(writer);

    struct replay_row *rows;
    struct replay_part *parts;
    size_t count = 0;

    assert_int_equal(replay_active(w.db, &w.arena, 10, &rows, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].no, 2);
    assert_int_equal(replay_parts(w.db, 2, &w.arena, &parts, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(parts[0].endpoint, 50);
    assert_int_equal(replay_list(w.db,
                                 &(struct replay_query){ .project = 2, .app = 1, .limit = 2 },
                                 &w.arena, &rows, &count),
                     0);
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].no, 3);
    assert_int_equal(replay_get(w.db, &first.row.id, &w.arena, rows), 0);
    assert_int_equal(rows[0].state, REPLAY_CANCELLED);
    assert_int_equal(rows[0].ended_at, w.h->now);
    world_end(&w);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_modes_choose),
    STORE_TEST(test_a_bite_is_taken_once),
    STORE_TEST(test_a_corrected_event_is_made_once),
    STORE_TEST(test_keys_and_limits),
};
const struct suite replay_suite = SUITE("replay", tests);
