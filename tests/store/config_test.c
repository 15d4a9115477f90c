/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/config_rows.h"
#include "suites.h"

struct edit {
    struct job job;
    enum config_kind kind;
    struct config_row row;
    int64_t changes;
};

static int edit_insert(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct edit *edit = ctx;

    (void)seqs;
    return config_insert(db, edit->kind, &edit->row);
}

static int edit_update(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct edit *edit = ctx;

    (void)seqs;
    return config_update(db, edit->kind, &edit->row, &edit->changes);
}

static struct edit make_edit(struct harness *h, enum config_kind kind, int64_t no,
                             const char *slug)
{
    return (struct edit){
        .kind = kind,
        .row = {
            .no = no,
            .id = id_make(&h->ids, h->now),
            .parent = 1,
            .slug = str_from(slug),
            .config = STR("{\"name\":\"\xc3\xa9\"}"),
            .sealed = STR("\x00\xff"),
            .version = 1,
            .created_at = h->now,
            .updated_at = h->now,
        },
    };
}

static int submit(struct harness *h, struct edit *edit,
                  int (*run)(void *ctx, struct db *db, struct write_seqs *seqs))
{
    edit->job = (struct job){ .run = run, .ctx = edit };
    job_submit(h, &edit->job, WRITE_PUBLISH);
    harness_wait(h, &edit->job.done);
    return edit->job.result;
}

struct loaded {
    struct config_row rows[8];
    char slugs[8][32];
    size_t count;
    struct str sealed;
};

static int on_row(void *ctx, const struct config_row *row)
{
    struct loaded *all = ctx;

    assert_true(all->count < 8);
    assert_true(row->slug.len < 32);
    if (row->slug.p != NULL) {
        memcpy(all->slugs[all->count], row->slug.p, row->slug.len);
    }
    assert_true(str_eq(row->config, STR("{\"name\":\"\xc3\xa9\"}")));
    assert_true(str_eq(row->sealed, STR("\x00\xff")));
    all->rows[all->count++] = *row;
    return 0;
}

static void test_rows_come_back(void **state)
{
    struct harness *h = *state;

    harness_start(h);
    for (int kind = 0; kind < CONFIG_KINDS; kind++) {
        struct loaded all = { .count = 0 };
        struct edit second = make_edit(h, (enum config_kind)kind, 2, NULL);
        struct edit first = make_edit(h, (enum config_kind)kind, 1, "one");

        assert_int_equal(submit(h, &second, edit_insert), 0);
        assert_int_equal(submit(h, &first, edit_insert), 0);

        struct db *db = harness_connect(h, false);

        assert_int_equal(config_load(db, (enum config_kind)kind, on_row, &all), 0);
        db_close(db);
        assert_int_equal(all.count, 2);
        assert_int_equal(all.rows[0].no, 1);
        assert_string_equal(all.slugs[0], "one");
        assert_null(all.rows[1].slug.p);
        assert_true(id_eq(&all.rows[1].id, &second.row.id));
        assert_int_equal(all.rows[1].created_at, h->now);
    }
}

static void test_slugs_are_unique_among_the_living(void **state)
{
    struct harness *h = *state;
    struct edit a = make_edit(h, CONFIG_APP, 1, "acme");
    struct edit b = make_edit(h, CONFIG_APP, 2, "acme");
    struct edit c = make_edit(h, CONFIG_APP, 3, "acme");
    struct edit none = make_edit(h, CONFIG_APP, 4, NULL);
    struct edit none_too = make_edit(h, CONFIG_APP, 5, NULL);

    harness_start(h);
    c.row.parent = 2;
    assert_int_equal(submit(h, &a, edit_insert), 0);
    assert_int_equal(submit(h, &b, edit_insert), -E_CONFLICT);
    assert_int_equal(submit(h, &c, edit_insert), 0);
    assert_int_equal(submit(h, &none, edit_insert), 0);
    assert_int_equal(submit(h, &none_too, edit_insert), 0);
    a.row.version = 2;
    a.row.deleted_at = h->now;
    assert_int_equal(submit(h, &a, edit_update), 0);
    assert_int_equal(a.changes, 1);
    assert_int_equal(submit(h, &b, edit_insert), 0);
    /* A number never comes back. */
    c = make_edit(h, CONFIG_APP, 1, "other");
    assert_int_equal(submit(h, &c, edit_insert), -E_CONFLICT);
}

/* Two edits of the same version: exactly one wins, whatever batch they land in. */
static void test_one_edit_wins(void **state)
{
    struct harness *h = *state;
    struct edit row = make_edit(h, CONFIG_ENDPOINT, 1, NULL);

    harness_start(h);
    assert_int_equal(submit(h, &row, edit_insert), 0);
    for (int64_t version = 2; version < 22; version++) {
        struct edit racers[2] = { row, row };

        for (int i = 0; i < 2; i++) {
            racers[i].row.version = version;
            racers[i].row.updated_at = h->now + i;
            racers[i].job = (struct job){ .run = edit_update, .ctx = &racers[i] };
            job_submit(h, &racers[i].job, WRITE_PUBLISH);
        }
        harness_wait(h, &racers[0].job.done);
        harness_wait(h, &racers[1].job.done);
        assert_int_equal(racers[0].job.result, 0);
        assert_int_equal(racers[1].job.result, 0);
        assert_int_equal(racers[0].changes + racers[1].changes, 1);
        assert_int_equal(racers[0].changes, 1);
    }
    assert_int_equal(harness_int(h, "SELECT version FROM endpoint"), 21);
    assert_int_equal(harness_int(h, "SELECT updated_at FROM endpoint"), h->now);
}

/* What one database would refuse as text is refused on both. */
static void test_bad_text_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int result;
    } texts[] = {
        { "plain", 5, 0 },           { "\xc3\xa9", 2, 0 },    { "\xff", 1, -E_STORE },
        { "a\0b", 3, -E_STORE },     { "\xc3", 1, -E_STORE }, { "\xed\xa0\x80", 3, -E_STORE },
        { "\xc0\x80", 2, -E_STORE },
    };
    struct harness *h = *state;

    harness_start(h);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct edit edit = make_edit(h, CONFIG_EVENT_TYPE, (int64_t)i + 1, NULL);

        edit.row.slug = (struct str){ texts[i].bytes, texts[i].len };
        assert_int_equal(submit(h, &edit, edit_insert), texts[i].result);
    }
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_rows_come_back),
    STORE_TEST(test_slugs_are_unique_among_the_living),
    STORE_TEST(test_one_edit_wins),
    STORE_TEST(test_bad_text_is_refused),
};
const struct suite config_suite = SUITE("config", tests);
