/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer_internal.h - what the writer's three files share: writer.c (the main thread's side),
 * writer_thread.c (the loop, connecting) and writer_batch.c (one batch and what becomes of it).
 *
 * One mutex guards the queue, the done list and the state; the database is only ever touched
 * by the thread.
 */
#ifndef STORE_WRITER_INTERNAL_H
#define STORE_WRITER_INTERNAL_H

#include <pthread.h>

#include "db/db.h"
#include "store/writer.h"
#include "store/writer_queue.h"

struct rollup_fold;

enum { WRITER_SENTENCE_SIZE = 256 };

struct writer {
    struct writer_options options;
    struct db_options db_options;
    int event_fd;
    pthread_t thread;

    /* The thread's own (and writer_start's, before it begins). */
    struct db *db;
    struct rollup_fold *fold;
    struct write_seqs seqs;
    struct id last_id; /* the newest that was there at the start */
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

static inline struct write *write_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct write, node);
}

static inline bool write_is_outcome(const struct write *write)
{
    return write->class == WRITE_OUTCOME;
}

/* --- writer.c: to the main thread */
void writer_set_state(struct writer *w, enum writer_state state);
void writer_set_fatal(struct writer *w, int code);
/* Hand finished writes over, with one wake-up. With the mutex held. */
void writer_post_locked(struct writer *w, struct list *finished);
/* Give this result to what is queued: publishes and background work, and outcomes if asked. */
void writer_fail_queued(struct writer *w, bool outcomes_too, int result);

/* --- writer_thread.c */
/* Connect, raise the epoch, load the seqs. */
NODISCARD int writer_connect(struct writer *w, struct err *err);
/* The thread's main function. */
void *writer_main(void *arg);
void writer_pause(int64_t ms);

/* --- writer_batch.c */
/* Run w->batch[0, count) to its end. */
void batch_process(struct writer *w, size_t count);
/*
 * While nothing commits and nothing waits, an empty transaction finds out whether it does
 * again.
 */
void batch_probe(struct writer *w);

#endif
