/* SPDX-License-Identifier: Apache-2.0 */
/* What breaks below the store: the disk, its sync, the connection. */
#include <sys/stat.h>

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "suites.h"

static void start_with_faults(struct harness *h)
{
    fault_vfs_register();
    fault_vfs_reset();
    h->open.vfs = FAULT_VFS;
    harness_start(h);
}

/*
 * --- No answer before the sync of its batch
 * -------------------------------------------------------------
 */

static void test_no_answer_before_the_sync(void **state)
{
    struct harness *h = *state;

    if (h->kind != DB_SQLITE) {
        skip(); /* there COMMIT waits for the sync; open_test looks at the setting */
    }
    start_with_faults(h);
    for (int i = 0; i < 5; i++) {
        struct publish pub;
        struct pollfd fd = { .fd = writer_fd(h->writer), .events = POLLIN };

        writer_dispatch(h->writer);
        publish_init(h, &pub, 1, 100, 1, 1);
        fault_vfs_hold_sync();
        publish_submit(h, &pub);
        assert_true(fault_vfs_wait_held());
        /* The COMMIT is waiting for its sync: nothing may have been posted. */
        assert_int_equal(poll(&fd, 1, 0), 0);
        writer_dispatch(h->writer);
        assert_false(pub.job.done);
        fault_vfs_release_sync();
        harness_wait(h, &pub.job.done);
        assert_int_equal(pub.job.result, 0);
    }
}

/* Under load, too: between the run of a write and its answer there is always one more sync. */
struct synced {
    struct publish pub;
    unsigned syncs_at_run;
};

static int synced_run(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct synced *s = ctx;

    s->syncs_at_run = fault_vfs_syncs();
    return event_insert(db, &s->pub.p, seqs);
}

static void test_every_batch_has_its_sync(void **state)
{
    static struct synced all[500];
    struct harness *h = *state;

    if (h->kind != DB_SQLITE) {
        skip();
    }
    start_with_faults(h);
    for (size_t i = 0; i < 500; i++) {
        publish_init(h, &all[i].pub, 1, 100, 1, 1);
        all[i].pub.job.run = synced_run;
        all[i].pub.job.ctx = &all[i];
        publish_submit(h, &all[i].pub);
    }
    for (size_t i = 0; i < 500; i++) {
        harness_wait(h, &all[i].pub.job.done);
        assert_int_equal(all[i].pub.job.result, 0);
        assert_true(fault_vfs_syncs() > all[i].syncs_at_run);
    }
}

/*
 * --- The disk is full
 * -------------------------------------------------------------------------------------
 */

/* Large enough that no left-over room takes it. */
static void publish_large(struct harness *h, struct publish *pub)
{
    static const char body[60000] = { 'x' };

    publish_init(h, pub, 2, 200, 0, 1);
    pub->p.event.body = (struct str){ body, sizeof(body) };
}

/*
 * Publishes are told, outcomes wait and are stored when there is room again; nothing ends.
 * is_total: not a byte more can be written (a real disk may still take a little here and
 * there).
 */
static void full_then_room(struct harness *h, bool is_total, void (*fill)(struct harness *h),
                           void (*make_room)(struct harness *h))
{
    struct publish before;
    struct publish during;
    struct outcome_job oj;
    int64_t attempts = harness_int(h, "SELECT count(*) FROM attempt");

    publish_init(h, &before, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &before), 0);
    fill(h);
    publish_large(h, &during);
    assert_int_equal(publish_run(h, &during), -E_FULL);
    assert_true(h->full_count > 0);
    outcome_init(h, &oj, &before.deliveries[0], 1, DELIVERY_DELIVERED, true, 0);
    outcome_submit(h, &oj);
    publish_large(h, &during);
    assert_int_equal(publish_run(h, &during), -E_FULL);
    assert_false(is_total && oj.job.done);
    assert_false(is_total && h->state != WRITER_FULL);
    assert_false(h->fatal);
    make_room(h);
    harness_wait(h, &oj.job.done);
    assert_int_equal(oj.job.result, 0);
    publish_init(h, &during, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &during), 0);
    assert_int_equal(h->state, WRITER_OK);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM attempt"), attempts + 1);
}

static void fill_by_fault(struct harness *h)
{
    (void)h;
    fault_vfs_full(true);
}

static void room_by_fault(struct harness *h)
{
    (void)h;
    fault_vfs_full(false);
}

static void fail_writes(struct harness *h)
{
    (void)h;
    fault_vfs_write_error(true);
}

static void mend_writes(struct harness *h)
{
    (void)h;
    fault_vfs_write_error(false);
}

static void test_full_is_known(void **state)
{
    struct harness *h = *state;

    if (h->kind != DB_SQLITE) {
        skip();
    }
    start_with_faults(h);
    full_then_room(h, true, fill_by_fault, room_by_fault);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 2);
    full_then_room(h, true, fail_writes, mend_writes);
}

/* With nobody asking, the writer itself finds out that there is room again. */
static void test_full_ends_by_itself(void **state)
{
    struct harness *h = *state;
    struct publish pub;

    if (h->kind != DB_SQLITE) {
        skip();
    }
    start_with_faults(h);
    fault_vfs_full(true);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), -E_FULL);
    assert_int_equal(h->state, WRITER_FULL);
    fault_vfs_full(false);
    for (int i = 0; i < HARNESS_WAIT_MS / 1000 && h->state != WRITER_OK; i++) {
        struct pollfd fd = { .fd = writer_fd(h->writer), .events = POLLIN };

        (void)poll(&fd, 1, 1000);
        writer_dispatch(h->writer);
    }
    assert_int_equal(h->state, WRITER_OK);
}

static void fill_small(struct harness *h)
{
    static const char block[4096] = { 1 };
    char path[HARNESS_TEXT * 2];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/small/ballast", h->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof(block)) > 0) {
    }
    (void)close(fd);
}

static void empty_small(struct harness *h)
{
    char path[HARNESS_TEXT * 2];

    (void)snprintf(path, sizeof(path), "%s/small/ballast", h->dir);
    assert_int_equal(unlink(path), 0);
}

/* The WAL has room for a few more commits in the page it ended in: publish until it has not. */
static void fill_disk(struct harness *h)
{
    int result = 0;

    fill_small(h);
    for (int i = 0; i < 1000 && result == 0; i++) {
        struct publish pub;

        publish_large(h, &pub);
        result = publish_run(h, &pub);
    }
    assert_int_equal(result, -E_FULL);
}

static void test_a_full_file_system(void **state)
{
    struct harness *h = *state;
    char dir[HARNESS_TEXT * 2];

    if (h->kind != DB_SQLITE || !harness_mount(h, "size=6m")) {
        skip(); /* needs the right to mount */
    }
    (void)snprintf(dir, sizeof(dir), "%s/small", h->dir);
    h->open.data_dir = dir;
    harness_start(h);
    full_then_room(h, false, fill_disk, empty_small);
    harness_stop(h);
}

/* The same on PostgreSQL: the events lie in a tablespace on the small file system. */
static void test_a_full_tablespace(void **state)
{
    struct harness *h = *state;
    const struct passwd *owner = getpwnam("postgres");
    char dir[HARNESS_TEXT * 2];
    char sql[HARNESS_TEXT * 3];
    struct err err = { 0 };
    struct db *db;
    char name[32];

    if (h->kind != DB_POSTGRES || owner == NULL || geteuid() != 0 ||
        !harness_mount(h, "size=3m")) {
        skip();
    }
    (void)snprintf(dir, sizeof(dir), "%s/small", h->dir);
    assert_int_equal(chmod(h->dir, 0755), 0);
    assert_int_equal(chown(dir, owner->pw_uid, owner->pw_gid), 0);
    harness_start(h);
    writer_stop(h->writer);
    h->writer = NULL;
    harness_name(h, name);
    (void)snprintf(sql, sizeof(sql), "CREATE TABLESPACE %s LOCATION '%s'", name, dir);
    harness_admin(sql);
    db = harness_connect(h, true);
    (void)snprintf(sql, sizeof(sql),
                   "ALTER TABLE event SET TABLESPACE %s; ALTER TABLE attempt SET TABLESPACE %s;"
                   "ALTER TABLE event ALTER body SET STORAGE EXTERNAL",
                   name, name);
    assert_int_equal(db_script(db, sql, &err), 0);
    harness_start(h);
    full_then_room(h, false, fill_disk, empty_small);
    db_close(db);
}

/*
 * --- A failed sync
 * ------------------------------------------------------------------------------------------
 */

static void test_a_failed_sync_is_fatal(void **state)
{
    struct harness *h = *state;
    struct publish before;
    struct publish during;
    struct outcome_job oj;

    if (h->kind != DB_SQLITE) {
        skip();
    }
    start_with_faults(h);
    publish_init(h, &before, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &before), 0);
    fault_vfs_sync_error(true);
    outcome_init(h, &oj, &before.deliveries[0], 1, DELIVERY_DELIVERED, true, 0);
    publish_init(h, &during, 1, 100, 1, 1);
    publish_submit(h, &during);
    harness_wait(h, &during.job.done);
    assert_int_equal(during.job.result, -E_UNKNOWN);
    harness_wait(h, &h->fatal);
    outcome_submit(h, &oj);
    fault_vfs_sync_error(false);
    /* Never the sync again: the kernel would call it done. */
    writer_stop(h->writer);
    h->writer = NULL;
    assert_true(oj.job.done);
    assert_int_equal(oj.job.result, -E_UNKNOWN);
}

/*
 * --- A lost connection
 * ----------------------------------------------------------------------------------------
 */

static void allow_connections(struct harness *h, bool allow)
{
    char sql[HARNESS_TEXT];
    char name[32];

    harness_name(h, name);
    (void)snprintf(sql, sizeof(sql), "ALTER DATABASE %s ALLOW_CONNECTIONS %s", name,
                   allow ? "true" : "false");
    harness_admin(sql);
}

static void test_an_unreachable_server(void **state)
{
    struct harness *h = *state;
    struct publish pub;
    struct outcome_job oj;

    if (h->kind != DB_POSTGRES) {
        skip();
    }
    harness_start(h);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    outcome_init(h, &oj, &pub.deliveries[0], 1, DELIVERY_DELIVERED, true, 0);
    allow_connections(h, false);
    harness_kick(h);
    /* The first one finds out; nothing of it can have been committed. */
    publish_init(h, &pub, 1, 100, 1, 1);
    int first = publish_run(h, &pub);

    assert_true(first == -E_UNAVAILABLE || first == -E_UNKNOWN);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), -E_UNAVAILABLE);
    assert_int_equal(h->state, WRITER_UNAVAILABLE);
    outcome_submit(h, &oj);
    allow_connections(h, true);
    harness_wait(h, &oj.job.done);
    assert_int_equal(oj.job.result, 0);
    assert_int_equal(h->state, WRITER_OK);
    publish_init(h, &pub, 1, 100, 1, 1);
    assert_int_equal(publish_run(h, &pub), 0);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM event"), 2);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM attempt"), 1);
}

/*
 * The connection is cut at random moments under load. What was acknowledged is there once;
 * what was not may be there or not; an outcome is stored exactly once and counted exactly once.
 */
enum { CUT_ROUNDS = 25, CUT_WRITES = 60 };

static void test_cut_connections_lose_nothing(void **state)
{
    static struct publish pubs[CUT_WRITES];
    static struct outcome_job ojs[CUT_WRITES];
    struct harness *h = *state;
    uint64_t seed = 7;
    int64_t acked = 0;
    int64_t outcomes = 0;

    if (h->kind != DB_POSTGRES) {
        skip();
    }
    harness_start(h);
    for (int round = 0; round < CUT_ROUNDS; round++) {
        size_t done = 0;
        unsigned cut_after = harness_random(&seed) % 3000;

        for (size_t i = 0; i < CUT_WRITES; i++) {
            publish_init(h, &pubs[i], 1, 100, 1, 1);
            publish_submit(h, &pubs[i]);
        }
        for (size_t i = 0; i < CUT_WRITES; i++) {
            harness_wait(h, &pubs[i].job.done);
            if (pubs[i].job.result == 0) {
                acked++;
                outcome_init(h, &ojs[done], &pubs[i].deliveries[0], 1, DELIVERY_DELIVERED, true,
                             0);
                outcome_submit(h, &ojs[done++]);
            }
        }
        (void)usleep(cut_after);
        harness_kick(h);
        for (size_t i = 0; i < done; i++) {
            harness_wait(h, &ojs[i].job.done);
            assert_int_equal(ojs[i].job.result, 0);
            outcomes++;
        }
    }
    assert_true(h->unavailable_count > 0);
    assert_false(h->fatal);
    assert_true(harness_int(h, "SELECT count(*) FROM event") >= acked);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM attempt"), outcomes);
    assert_int_equal(harness_int(h, "SELECT ok FROM rollup"), outcomes);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM delivery WHERE state = 3"), outcomes);
    assert_int_equal(harness_int(h, "SELECT count(*) FROM due WHERE seq IN"
                                    " (SELECT seq FROM delivery WHERE state = 3)"),
                     0);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(test_no_answer_before_the_sync),
    STORE_TEST(test_every_batch_has_its_sync),
    STORE_TEST(test_full_is_known),
    STORE_TEST(test_full_ends_by_itself),
    STORE_TEST(test_a_full_file_system),
    STORE_TEST(test_a_full_tablespace),
    STORE_TEST(test_a_failed_sync_is_fatal),
    STORE_TEST(test_an_unreachable_server),
    STORE_TEST(test_cut_connections_lose_nothing),
};
const struct suite fault_suite = SUITE("fault", tests);
