/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - the writer thread: the only connection that writes, group commit.
 *
 * A batch ends at 1,000 rows, 4 MiB or 10 ms; a larger single write is a batch of its own.
 * Outcomes first, then publishes (fair by app), then background (a fifth). A statement error:
 * roll back, run the batch in halves, the culprit fails alone. -E_FULL: the batch answers
 * 507, the writer stays up and `stalled` is reported until a commit succeeds; outcomes are
 * kept and tried again, never failed. -E_UNKNOWN: publishes answer it; SQLite ends the
 * process (exit 70) after a failed sync; PostgreSQL reconnects, raises the epoch and runs the
 * waiting outcomes again. -E_FENCED: on_fatal. Completions are posted to the main thread with
 * one eventfd wake-up a batch.
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "store/write.h"

struct db_options;
struct writer;

enum writer_state { WRITER_OK, WRITER_FULL, WRITER_UNAVAILABLE };

struct writer_options {
    const struct db_options *db; /* borrowed for the writer's life */
    size_t queue_bytes_max;      /* 64 MiB */
    uint32_t batch_rows_max;     /* 1,000 */
    size_t batch_bytes_max;      /* 4 MiB */
    uint32_t batch_ms_max;       /* 10 */
    /* Main thread, from writer_dispatch: the store fell into or left a state in which nothing
     * commits. On leaving UNAVAILABLE the epoch was raised, so what was loaded before must be
     * loaded again. */
    void (*on_state)(void *ctx, enum writer_state state);
    void (*on_fatal)(void *ctx,
                     const char *sentence); /* fenced, failed sync: end the process */
    void *ctx;
};

struct writer_stats {
    uint64_t batches, writes, rows, failed, halved;
    size_t queued, queued_bytes;
    uint64_t commit_us_sum, commit_us_max;
};

/* Opens, fences (raises the epoch), migrates unless done, loads the seqs, starts the thread. */
NODISCARD int writer_start(const struct writer_options *options, struct writer **ret_writer,
                           struct err *err);
/* -E_BUSY: over the queue limit, the write was not taken and on_done will not be called.
 * Outcomes are always taken: their number is bounded by the engine. */
NODISCARD int writer_submit(struct writer *w, struct write *write);
/* The newest id of an event or delivery when it started, all zero when there was none. */
struct id writer_last_id(const struct writer *w);
/* Readable when writer_dispatch has something to do. */
int writer_fd(const struct writer *w);
void writer_dispatch(struct writer *w); /* main thread: calls on_done */
void writer_stats(struct writer *w, struct writer_stats *ret_stats);
/* Run what is queued, checkpoint, join, close. on_done of all has been called. NULL allowed. */
void writer_stop(struct writer *w);

#endif
