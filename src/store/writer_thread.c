/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "store/lane.h"
#include "store/writer_internal.h"

enum {
    WRITER_FULL_RETRY_MS = 250,
    WRITER_CONNECT_MS = 100, /* before the second try to connect; doubles, with jitter */
    WRITER_CONNECT_MS_MAX = 1000,
};

void writer_pause(int64_t ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)nanosleep(&left, NULL);
}

/*
 * --- Connecting
 * -----------------------------------------------------------------------------------
 */

/* The epoch is raised before anything is read: what an old connection still commits is then
 * either seen here, or refused by the fence. */
int writer_connect(struct writer *w, struct err *err)
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
    w->connect_ms = pause == 0                          ? WRITER_CONNECT_MS
                    : pause * 2 < WRITER_CONNECT_MS_MAX ? pause * 2
                                                        : WRITER_CONNECT_MS_MAX;
    if (writer_connect(w, &err) < 0) {
        LOG_W("The database cannot be reached.", "error=\"%s\"", err.text);
        return;
    }
    writer_set_state(w, WRITER_OK);
}

/*
 * --- The thread
 * -----------------------------------------------------------------------------------
 */

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
    const struct writer_limits limits = { w->options.batch_rows_max,
                                          w->options.batch_bytes_max };
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
    if (w->fatal != 0 || (w->stopping && (w->queue.count == 0 ||
                                          w->state == WRITER_UNAVAILABLE || w->last_try))) {
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
    bool idle;
    int rc;

    if (w->state != WRITER_OK || w->fatal != 0) {
        return;
    }
    (void)pthread_mutex_lock(&w->mutex);
    idle = w->queue.count == 0;
    (void)pthread_mutex_unlock(&w->mutex);
    rc = db_checkpoint(w->db, idle ? DB_CHECKPOINT_IDLE : DB_CHECKPOINT_BUSY);
    if (rc == -E_UNKNOWN) {
        writer_set_fatal(w, rc);
    } else if (rc < 0) {
        LOG_W("A checkpoint failed.", "error=\"%s\"", db_error(w->db));
    }
}

void *writer_main(void *arg)
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
            batch_probe(w);
        } else {
            batch_process(w, writer_lay_out(w, &batch));
            writer_tidy_up(w);
        }
    }
    return NULL;
}
