/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main thread's side of the writer; the thread's is in writer_thread.c and writer_batch.c.
 *
 *   main thread                         writer thread
 *   writer_submit -> queue  ---------->  take a batch
 *                                        batch_attempt: fence, run each, roll-ups, COMMIT
 *                                          ok          -> done list, one eventfd write
 *                                          known error -> again in halves; the culprit fails
 * alone
 *                                          full        -> publishes fail, outcomes go back;
 * try again
 *                                          unknown     -> SQLite: fatal; PostgreSQL: connect
 * anew
 *   writer_dispatch <- done list <-----
 */
#include "store/writer.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "store/lane.h"
#include "store/migrations.h"
#include "store/rollup.h"
#include "store/writer_internal.h"

/*
 * --- Handing back to the main thread
 * --------------------------------------------------------------
 */

static void writer_wake_main(struct writer *w)
{
    const uint64_t one = 1;

    if (write(w->event_fd, &one, sizeof(one)) < 0) {
        ASSERT(errno == EAGAIN); /* the counter is full: it is readable anyway */
    }
}

void writer_post_locked(struct writer *w, struct list *finished)
{
    bool wake = list_empty(&w->done) && !list_empty(finished);

    list_splice(&w->done, finished);
    if (wake) {
        writer_wake_main(w);
    }
}

void writer_set_state(struct writer *w, enum writer_state state)
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

void writer_set_fatal(struct writer *w, int code)
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

void writer_fail_queued(struct writer *w, bool outcomes_too, int result)
{
    struct list failed;

    list_init(&failed);
    (void)pthread_mutex_lock(&w->mutex);
    writer_queue_drain(&w->queue, outcomes_too, &failed);
    for (struct list_node *n = list_first(&failed); n != NULL; n = list_next(&failed, n)) {
        write_of(n)->result = result;
    }
    w->stats.failed += failed.count;
    writer_post_locked(w, &failed);
    (void)pthread_mutex_unlock(&w->mutex);
}

/*
 * --- Starting and stopping
 * ------------------------------------------------------------------------
 */

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

int writer_start(const struct writer_options *options, struct writer **ret_writer,
                 struct err *err)
{
    struct writer *w;
    int rc = migrations_run(options->db, err);

    if (rc < 0) {
        return rc;
    }
    w = writer_new(options);
    rc = writer_connect(w, err);
    if (rc == 0) {
        rc = lane_last_id(w->db, &w->seqs, &w->last_id);
        if (rc < 0) {
            (void)err_set(err, rc, "The database refused: %s", db_error(w->db));
        }
    }
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

struct id writer_last_id(const struct writer *w)
{
    return w->last_id;
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

    /*
     * A fall between two dispatches is reported even if it is over: what was loaded before it
     * is stale.
     */
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
    writer_fail_queued(w, true,
                       w->fatal != 0             ? w->fatal
                       : w->state == WRITER_FULL ? -E_FULL
                                                 : -E_UNAVAILABLE);
    /* on_done may submit once more; that is answered here as well. */
    do {
        writer_dispatch(w);
        more = !list_empty(&w->done);
    } while (more);
    if (w->db != NULL && w->fatal == 0 && db_checkpoint(w->db, DB_CHECKPOINT_TRUNCATE) < 0) {
        LOG_W("The last checkpoint is left to the next start.", "error=\"%s\"",
              db_error(w->db));
    }
    writer_free(w);
}
