/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread.
 *
 *   main thread                         writer thread
 *   writer_submit -> queue  ---------->  take a batch
 *                                        batch_attempt: fence, run each, roll-ups, COMMIT
 *                                          ok          -> done list, one eventfd write
 *                                          known error -> again in halves; the culprit fails alone
 *                                          full        -> publishes fail, outcomes go back; try again
 *                                          unknown     -> SQLite: fatal; PostgreSQL: connect anew
 *   writer_dispatch <- done list <-----
 *
 * One mutex guards the queue, the done list and the state; the database is only ever touched by the thread.
 * A batch that ran partly (10 ms were over) is committed as it is, and the rest follows as the next one.
 */
#include "store/writer.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "db/db.h"
#include "store/lane.h"
#include "store/migrations.h"
#include "store/rollup.h"
#include "store/writer_queue.h"

enum {
    WRITER_BUSY_TRIES = 3,
    WRITER_BUSY_MS = 5,       /* before the first of them; doubles */
    WRITER_FULL_RETRY_MS = 250,
    WRITER_CONNECT_MS = 100,  /* before the second try to connect; doubles, with jitter */
    WRITER_CONNECT_MS_MAX = 1000,
    WRITER_SENTENCE_SIZE = 256,
};

struct writer {
    struct writer_options options;
    struct db_options db_options;
    int event_fd;
    pthread_t thread;

    /* The thread's own (and writer_start's, before it begins). */
    struct db *db;
    struct rollup_fold *fold;
    struct write_seqs seqs;
    int64_t epoch;
    struct write **batch; /* room for the running batch */
    size_t batch_cap;
    int64_t connect_ms; /* the next pause before connecting */
    bool last_try;      /* stopping with a full disk: it was tried once more */

    /* Under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct writer_queue queue;
    struct list done;
    struct writer_stats stats;
    enum writer_state state;
    bool was_full;        /* since the last dispatch */
    bool was_unavailable; /* since the last dispatch */
    bool idle;            /* the thread waits for work */
    bool stopping;
    int fatal; /* why the thread has ended, or 0 */
    char sentence[WRITER_SENTENCE_SIZE];

    /* The main thread's own. */
    enum writer_state reported;
    bool fatal_reported;
};

static struct write *write_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct write, node);
}

static bool write_is_outcome(const struct write *write)
{
    return write->class == WRITE_OUTCOME;
}

/* --- Handing back to the main thread -------------------------------------------------------------- */

static void writer_wake_main(struct writer *w)
{
    const uint64_t one = 1;

    if (write(w->event_fd, &one, sizeof(one)) < 0) {
        ASSERT(errno == EAGAIN); /* the counter is full: it is readable anyway */
    }
}

/* With the mutex held. */
static void writer_post_locked(struct writer *w, struct list *finished)
{
    bool wake = list_empty(&w->done) && !list_empty(finished);

    list_splice(&w->done, finished);
    if (wake) {
        writer_wake_main(w);
    }
}

static void writer_set_state(struct writer *w, enum writer_state state)
{
    static const char *const names[] = { "ok", "full", "unavailable" };

    (void)pthread_mutex_lock(&w->mutex);
    if (w->state != state) {
        w->state = state;
        w->was_full = w->was_full || state == WRITER_FULL;
        w->was_unavailable = w->was_unavailable || state == WRITER_UNAVAILABLE;
        writer_wake_main(w);
        LOG_W("The store changed its state.", "state=%s", names[state]);
    }
    (void)pthread_mutex_unlock(&w->mutex);
}

static void writer_set_fatal(struct writer *w, int code)
{
    (void)pthread_mutex_lock(&w->mutex);
    w->fatal = code;
    (void)snprintf(w->sentence, sizeof(w->sentence), "%s (%s)",
                   code == -E_FENCED ? "Another process took over this database"
                                     : "The store did not confirm a write",
                   db_error(w->db));
    writer_wake_main(w);
    (void)pthread_mutex_unlock(&w->mutex);
}

/* --- One transaction ------------------------------------------------------------------------------ */

static int batch_run(struct writer *w, struct write **writes, size_t count, struct write_seqs *seqs,
                     size_t *ret_ran)
{
    int64_t until = clock_boot_us() + (int64_t)w->options.batch_ms_max * 1000;
    size_t ran = 0;
    int rc = 0;

    while (ran < count && rc == 0) {
        rc = writes[ran]->run(writes[ran], w->db, seqs);
        ran++;
        if (clock_boot_us() >= until) {
            break;
        }
    }
    *ret_ran = ran;
    return rc;
}

static int batch_commit(struct writer *w)
{
    int64_t before = clock_boot_us();
    int rc = db_commit(w->db);

    if (rc == 0) {
        uint64_t took = (uint64_t)(clock_boot_us() - before);

        (void)pthread_mutex_lock(&w->mutex);
        w->stats.batches++;
        w->stats.commit_us_sum += took;
        w->stats.commit_us_max = took > w->stats.commit_us_max ? took : w->stats.commit_us_max;
        (void)pthread_mutex_unlock(&w->mutex);
    }
    return rc;
}

/* *ret_ran: how many were run, the failing one included; set also on failure. */
static int batch_attempt(struct writer *w, struct write **writes, size_t count, size_t *ret_ran)
{
    struct write_seqs seqs = w->seqs;
    int rc = db_begin(w->db);

    *ret_ran = count;
    rollup_fold_reset(w->fold);
    if (rc == 0) {
        rc = lane_fence(w->db, w->epoch);
    }
    if (rc == 0) {
        rc = batch_run(w, writes, count, &seqs, ret_ran);
    }
    if (rc == 0) {
        rc = rollup_fold_store(w->fold, w->db);
    }
    if (rc == 0) {
        rc = batch_commit(w);
    }
    if (rc < 0) {
        db_rollback(w->db);
        return rc;
    }
    w->seqs = seqs;
    return 0;
}

/* --- What becomes of a batch ---------------------------------------------------------------------- */

/* Writes [at, end) of the running batch have this result. */
static void batch_finish(struct writer *w, size_t at, size_t end, int result)
{
    struct list finished;
    uint64_t rows = 0;

    list_init(&finished);
    for (size_t i = at; i < end; i++) {
        w->batch[i]->result = result;
        rows += w->batch[i]->rows;
        list_push_back(&finished, &w->batch[i]->node);
    }
    (void)pthread_mutex_lock(&w->mutex);
    if (result == 0) {
        w->stats.writes += end - at;
        w->stats.rows += rows;
    } else {
        w->stats.failed += end - at;
    }
    writer_post_locked(w, &finished);
    (void)pthread_mutex_unlock(&w->mutex);
}

/* Publishes of [at, end) fail; outcomes are kept and run again. */
static void batch_fail(struct writer *w, size_t at, size_t end, int result)
{
    struct list again;

    list_init(&again);
    for (size_t i = at; i < end; i++) {
        if (write_is_outcome(w->batch[i])) {
            list_push_back(&again, &w->batch[i]->node);
        } else {
            batch_finish(w, i, i + 1, result);
        }
    }
    (void)pthread_mutex_lock(&w->mutex);
    writer_queue_return(&w->queue, &again);
    (void)pthread_mutex_unlock(&w->mutex);
}

static void writer_pause(int64_t ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)nanosleep(&left, NULL);
}

/* Nobody can be answered but with "not now": fail what waits, and from now on what is submitted. */
static void writer_lose_connection(struct writer *w)
{
    struct list waiting;

    writer_set_state(w, WRITER_UNAVAILABLE);
    list_init(&waiting);
    (void)pthread_mutex_lock(&w->mutex);
    writer_queue_drain(&w->queue, false, &waiting);
    for (struct list_node *n = list_first(&waiting); n != NULL; n = list_next(&waiting, n)) {
        write_of(n)->result = -E_UNAVAILABLE;
    }
    w->stats.failed += waiting.count;
    writer_post_locked(w, &waiting);
    (void)pthread_mutex_unlock(&w->mutex);
    w->connect_ms = 0;
}

/* The transaction over [at, ran) had an error that is not one write's fault. */
static void batch_give_up(struct writer *w, size_t at, size_t ran, size_t count, int code)
{
    LOG_W("A batch was not stored.", "code=%s writes=%zu error=\"%s\"", err_token(code), count - at,
          db_error(w->db));
    if (code == -E_FENCED || (code == -E_UNKNOWN && w->db_options.kind == DB_SQLITE)) {
        batch_fail(w, at, count, code);
        writer_set_fatal(w, code);
    } else if (code == -E_FULL) {
        batch_fail(w, at, count, code);
        writer_set_state(w, WRITER_FULL);
    } else if (code == -E_BUSY) {
        batch_fail(w, at, count, code);
    } else {
        batch_fail(w, ran, count, -E_UNAVAILABLE); /* these were not even sent */
        batch_fail(w, at, ran, code);
        writer_lose_connection(w);
    }
}

static bool code_is_one_writes(int code)
{
    return code != -E_FENCED && code != -E_UNKNOWN && code != -E_UNAVAILABLE && code != -E_FULL &&
           code != -E_BUSY;
}

/*
 * Run the batch to its end. After a statement error the transaction over [at, bad_end) is known to hold a
 * culprit: its first half is tried; when that commits, the culprit is in the rest.
 */
static void batch_process(struct writer *w, size_t count)
{
    size_t at = 0;
    size_t bad_end = 0;
    int busy = 0;

    while (at < count) {
        size_t len = bad_end > at ? (bad_end - at + 1) / 2 : count - at;
        size_t ran;
        int rc;

        rc = batch_attempt(w, &w->batch[at], len, &ran);
        if (rc == 0) {
            writer_set_state(w, WRITER_OK);
            batch_finish(w, at, at + ran, 0);
            at += ran;
            busy = 0;
        } else if (rc == -E_BUSY && busy < WRITER_BUSY_TRIES) {
            writer_pause(WRITER_BUSY_MS << busy++);
        } else if (!code_is_one_writes(rc)) {
            batch_give_up(w, at, at + ran, count, rc);
            return;
        } else if (ran == 1) {
            LOG_W("A write was refused.", "code=%s error=\"%s\"", err_token(rc), db_error(w->db));
            batch_finish(w, at, at + 1, rc);
            at++;
            bad_end = 0;
        } else {
            bad_end = at + ran;
            (void)pthread_mutex_lock(&w->mutex);
            w->stats.halved++;
            (void)pthread_mutex_unlock(&w->mutex);
        }
    }
}

/* While nothing commits and nothing waits, an empty transaction finds out whether it does again. */
static void writer_probe(struct writer *w)
{
    size_t ran;
    int rc = batch_attempt(w, NULL, 0, &ran);

    if (rc == 0) {
        writer_set_state(w, WRITER_OK);
    } else {
        batch_give_up(w, 0, 0, 0, rc);
    }
}

/* --- Connecting ----------------------------------------------------------------------------------- */

/* The epoch is raised before anything is read: what an old connection still commits is then either seen
 * here, or refused by the fence. */
static int writer_connect(struct writer *w, struct err *err)
{
    int rc = db_open(&w->db_options, &w->db, err);

    if (rc < 0) {
        return rc;
    }
    rc = db_prepare(w->db, err);
    if (rc < 0) {
        goto fail_prepare;
    }
    rc = lane_raise(w->db, &w->epoch);
    if (rc == 0) {
        rc = lane_seqs(w->db, &w->seqs);
    }
    if (rc < 0) {
        (void)err_set(err, rc, "The database refused: %s", db_error(w->db));
        goto fail_prepare;
    }
    db_set_context(w->db, w->fold);
    return 0;

fail_prepare:
    db_close(w->db);
    w->db = NULL;
    return rc;
}

static void writer_reconnect(struct writer *w)
{
    struct err err;
    int64_t pause = w->connect_ms;

    db_close(w->db);
    w->db = NULL;
    if (pause > 0) {
        writer_pause(pause / 2 + (int64_t)(random_u64() % (uint64_t)pause));
    }
    w->connect_ms = pause == 0                           ? WRITER_CONNECT_MS
                    : pause * 2 < WRITER_CONNECT_MS_MAX ? pause * 2
                                                        : WRITER_CONNECT_MS_MAX;
    if (writer_connect(w, &err) < 0) {
        LOG_W("The database cannot be reached.", "error=\"%s\"", err.text);
        return;
    }
    writer_set_state(w, WRITER_OK);
}

/* --- The thread ----------------------------------------------------------------------------------- */

enum writer_job { WRITER_BATCH, WRITER_PROBE, WRITER_RECONNECT, WRITER_END };

static void writer_wait_until(struct writer *w, int64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!w->stopping && pthread_cond_timedwait(&w->wake, &w->mutex, &until) == 0) {
    }
}

/* What to do next; waits for it. A batch is moved to ret_batch. */
static enum writer_job writer_next(struct writer *w, struct list *ret_batch)
{
    const struct writer_limits limits = { w->options.batch_rows_max, w->options.batch_bytes_max };
    enum writer_job job = WRITER_BATCH;

    (void)pthread_mutex_lock(&w->mutex);
    if (w->state == WRITER_FULL) {
        writer_wait_until(w, WRITER_FULL_RETRY_MS);
    }
    while (w->state == WRITER_OK && w->queue.count == 0 && !w->stopping && w->fatal == 0) {
        w->idle = true;
        (void)pthread_cond_wait(&w->wake, &w->mutex);
        w->idle = false;
    }
    if (w->fatal != 0 || (w->stopping && (w->queue.count == 0 || w->state == WRITER_UNAVAILABLE ||
                                          w->last_try))) {
        job = WRITER_END;
    } else if (w->state == WRITER_UNAVAILABLE) {
        job = WRITER_RECONNECT;
    } else if (w->queue.count == 0) {
        job = WRITER_PROBE;
    } else {
        writer_queue_take(&w->queue, &limits, ret_batch);
        w->last_try = w->stopping && w->state == WRITER_FULL;
    }
    (void)pthread_mutex_unlock(&w->mutex);
    return job;
}

static size_t writer_lay_out(struct writer *w, struct list *batch)
{
    size_t count = batch->count;

    if (count > w->batch_cap) {
        w->batch_cap = count;
        w->batch = xrealloc(w->batch, count * sizeof(struct write *));
    }
    for (size_t i = 0; i < count; i++) {
        w->batch[i] = write_of(list_pop_front(batch));
    }
    return count;
}

static void writer_tidy_up(struct writer *w)
{
    int rc;

    if (w->state != WRITER_OK || w->fatal != 0) {
        return;
    }
    rc = db_checkpoint(w->db, false);
    if (rc == -E_UNKNOWN) {
        writer_set_fatal(w, rc);
    } else if (rc < 0) {
        LOG_W("A checkpoint failed.", "error=\"%s\"", db_error(w->db));
    }
}

/* Everything that is still queued can only be told why it was not stored. */
static void writer_fail_rest(struct writer *w, int code)
{
    struct list rest;

    list_init(&rest);
    (void)pthread_mutex_lock(&w->mutex);
    writer_queue_drain(&w->queue, true, &rest);
    for (struct list_node *n = list_first(&rest); n != NULL; n = list_next(&rest, n)) {
        write_of(n)->result = code;
    }
    w->stats.failed += rest.count;
    writer_post_locked(w, &rest);
    (void)pthread_mutex_unlock(&w->mutex);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    struct list batch;

    list_init(&batch);
    for (;;) {
        enum writer_job job = writer_next(w, &batch);

        if (job == WRITER_END) {
            break;
        }
        if (job == WRITER_RECONNECT) {
            writer_reconnect(w);
        } else if (job == WRITER_PROBE) {
            writer_probe(w);
        } else {
            batch_process(w, writer_lay_out(w, &batch));
            writer_tidy_up(w);
        }
    }
    return NULL;
}

static int writer_start_thread(struct writer *w)
{
    sigset_t all;
    sigset_t before;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&w->thread, NULL, writer_main, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0 : -E_INTERNAL;
}

/* --- The main thread's side ----------------------------------------------------------------------- */

static void writer_free(struct writer *w)
{
    db_close(w->db);
    rollup_fold_free(w->fold);
    writer_queue_done(&w->queue);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_mutex_destroy(&w->mutex);
    (void)close(w->event_fd);
    free(w->batch);
    free(w);
}

static struct writer *writer_new(const struct writer_options *options)
{
    struct writer *w = xalloc(sizeof(*w));
    pthread_condattr_t attr;

    w->options = *options;
    w->db_options = *options->db;
    w->db_options.writer = true;
    w->fold = rollup_fold_new();
    w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(w->event_fd >= 0);
    writer_queue_init(&w->queue);
    list_init(&w->done);
    (void)pthread_mutex_init(&w->mutex, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    return w;
}

int writer_start(const struct writer_options *options, struct writer **ret_writer, struct err *err)
{
    struct writer *w;
    int rc = migrations_run(options->db, err);

    if (rc < 0) {
        return rc;
    }
    w = writer_new(options);
    rc = writer_connect(w, err);
    if (rc == 0) {
        rc = writer_start_thread(w);
        if (rc < 0) {
            (void)err_set(err, rc, "Cannot start the writer thread");
        }
    }
    if (rc < 0) {
        writer_free(w);
        return rc;
    }
    *ret_writer = w;
    return 0;
}

/* Why a write cannot even be queued, or 0. With the mutex held. */
static int writer_refusal(const struct writer *w, const struct write *write)
{
    if (w->fatal != 0 || w->state == WRITER_UNAVAILABLE || w->stopping) {
        return write_is_outcome(write) && !w->stopping ? 0 : -E_UNAVAILABLE;
    }
    return 0;
}

int writer_submit(struct writer *w, struct write *write)
{
    int rc = 0;
    int refusal;

    ASSERT(!list_linked(&write->node));
    (void)pthread_mutex_lock(&w->mutex);
    refusal = writer_refusal(w, write);
    if (refusal < 0) {
        struct list refused;

        list_init(&refused);
        list_push_back(&refused, &write->node);
        write->result = refusal;
        writer_post_locked(w, &refused);
    } else if (!write_is_outcome(write) && w->queue.bytes > 0 &&
               w->queue.bytes + write->bytes > w->options.queue_bytes_max) {
        rc = -E_BUSY;
    } else {
        writer_queue_push(&w->queue, write);
        if (w->idle) {
            (void)pthread_cond_signal(&w->wake);
        }
    }
    (void)pthread_mutex_unlock(&w->mutex);
    return rc;
}

int writer_fd(const struct writer *w)
{
    return w->event_fd;
}

static void writer_report(struct writer *w, enum writer_state state)
{
    if (w->reported != state) {
        w->reported = state;
        if (w->options.on_state != NULL) {
            w->options.on_state(w->options.ctx, state);
        }
    }
}

void writer_dispatch(struct writer *w)
{
    struct list done;
    struct list_node *node;
    enum writer_state state;
    bool was_full;
    bool was_unavailable;
    bool fatal;
    uint64_t count;

    if (read(w->event_fd, &count, sizeof(count)) < 0) {
        ASSERT(errno == EAGAIN || errno == EINTR); /* nothing new, or asked again */
    }
    list_init(&done);
    (void)pthread_mutex_lock(&w->mutex);
    list_splice(&done, &w->done);
    state = w->state;
    was_full = w->was_full;
    was_unavailable = w->was_unavailable;
    w->was_full = false;
    w->was_unavailable = false;
    fatal = w->fatal != 0 && !w->fatal_reported;
    (void)pthread_mutex_unlock(&w->mutex);

    /* A fall between two dispatches is reported even if it is over: what was loaded before it is stale. */
    if (was_unavailable) {
        writer_report(w, WRITER_UNAVAILABLE);
    } else if (was_full) {
        writer_report(w, WRITER_FULL);
    }
    while ((node = list_pop_front(&done)) != NULL) {
        struct write *write = write_of(node);

        write->on_done(write, write->result);
    }
    writer_report(w, state);
    if (fatal) {
        w->fatal_reported = true;
        if (w->options.on_fatal != NULL) {
            w->options.on_fatal(w->options.ctx, w->sentence);
        }
    }
}

void writer_stats(struct writer *w, struct writer_stats *ret_stats)
{
    (void)pthread_mutex_lock(&w->mutex);
    *ret_stats = w->stats;
    ret_stats->queued = w->queue.count;
    ret_stats->queued_bytes = w->queue.bytes;
    (void)pthread_mutex_unlock(&w->mutex);
}

void writer_stop(struct writer *w)
{
    bool more;

    if (w == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&w->mutex);
    w->stopping = true;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->mutex);
    (void)pthread_join(w->thread, NULL);
    writer_fail_rest(w, w->fatal != 0                       ? w->fatal
                        : w->state == WRITER_FULL ? -E_FULL
                                                  : -E_UNAVAILABLE);
    /* on_done may submit once more; that is answered here as well. */
    do {
        writer_dispatch(w);
        more = !list_empty(&w->done);
    } while (more);
    if (w->db != NULL && w->fatal == 0 && db_checkpoint(w->db, true) < 0) {
        LOG_W("The last checkpoint is left to the next start.", "error=\"%s\"", db_error(w->db));
    }
    writer_free(w);
}
