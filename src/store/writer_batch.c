/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch that ran partly (its time was over) is committed as it is, and the rest follows as
 * the next transaction.
 */
#include "base/clock.h"
#include "base/log.h"
#include "store/lane.h"
#include "store/rollup.h"
#include "store/writer_internal.h"

enum {
    WRITER_BUSY_TRIES = 3,
    WRITER_BUSY_MS = 5, /* before the first of them; doubles */
};

/*
 * --- One transaction
 * ------------------------------------------------------------------------------
 */

static int batch_run(struct writer *w, struct write **writes, size_t count,
                     struct write_seqs *seqs, size_t *ret_ran)
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

/*
 * --- What becomes of a batch
 * ----------------------------------------------------------------------
 */

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

/*
 * The transaction over [at, ran) had an error that is not one write's fault. The new state is
 * set first, so that whoever is told of a failure can know why.
 */
static void batch_give_up(struct writer *w, size_t at, size_t ran, size_t count, int code)
{
    LOG_W("A batch was not stored.", "code=%s writes=%zu error=\"%s\"", err_token(code),
          count - at, db_error(w->db));
    if (code == -E_FENCED || (code == -E_UNKNOWN && w->db_options.kind == DB_SQLITE)) {
        batch_fail(w, at, count, code);
        writer_set_fatal(w, code);
    } else if (code == -E_FULL) {
        writer_set_state(w, WRITER_FULL);
        batch_fail(w, at, count, code);
    } else if (code == -E_BUSY) {
        batch_fail(w, at, count, code);
    } else {
        writer_set_state(w, WRITER_UNAVAILABLE);
        batch_fail(w, ran, count, -E_UNAVAILABLE); /* these were not even sent */
        batch_fail(w, at, ran, code);
        writer_fail_queued(w, false, -E_UNAVAILABLE); /* nobody can be answered but so */
        w->connect_ms = 0;
    }
}

static bool code_is_one_writes(int code)
{
    return code != -E_FENCED && code != -E_UNKNOWN && code != -E_UNAVAILABLE &&
           code != -E_FULL && code != -E_BUSY;
}

/*
 * Run the batch to its end. After a statement error the transaction over [at, bad_end) is
 * known to hold a culprit: its first half is tried; when that commits, the culprit is in the
 * rest.
 */
void batch_process(struct writer *w, size_t count)
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
            LOG_W("A write was refused.", "code=%s error=\"%s\"", err_token(rc),
                  db_error(w->db));
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

void batch_probe(struct writer *w)
{
    size_t ran;
    int rc = batch_attempt(w, NULL, 0, &ran);

    if (rc == 0) {
        writer_set_state(w, WRITER_OK);
    } else {
        batch_give_up(w, 0, 0, 0, rc);
    }
}
