/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading threads. One queue, first in, first out; each thread has a read-only connection of
 * its own. A lost connection is opened again before the next read.
 */
#include "store/reader.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "db/db.h"

struct reader {
    struct readers *all;
    pthread_t thread;
    struct db *db; /* NULL: connect before the next read */
};

struct readers {
    struct db_options options;
    size_t queue_max;
    int event_fd;
    unsigned count; /* threads that run */
    struct reader *threads;

    /* Under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct list queue;
    struct list done;
    bool stopping;
};

static struct read *read_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct read, node);
}

static int reader_connect(struct reader *r, struct err *err)
{
    int rc = db_open(&r->all->options, &r->db, err);

    if (rc < 0) {
        r->db = NULL;
        return rc;
    }
    rc = db_prepare(r->db, err);
    if (rc < 0) {
        db_close(r->db);
        r->db = NULL;
    }
    return rc;
}

/*
 * One read in a transaction of its own, so that a page is of one moment and holds no old
 * snapshot.
 */
static int reader_run(struct reader *r, struct read *read)
{
    int rc;

    if (r->db == NULL) {
        struct err err;

        if (reader_connect(r, &err) < 0) {
            LOG_W("The database cannot be reached for reading.", "error=\"%s\"", err.text);
            return -E_UNAVAILABLE;
        }
    }
    rc = db_begin(r->db);
    if (rc == 0) {
        rc = read->run(read, r->db);
    }
    if (rc == 0) {
        rc = db_commit(r->db);
    }
    if (rc < 0) {
        db_rollback(r->db);
    }
    if (!db_alive(r->db)) {
        db_close(r->db);
        r->db = NULL;
    }
    /* Nothing was to be stored, so a lost connection is no unknown outcome. */
    return rc == -E_UNKNOWN ? -E_UNAVAILABLE : rc;
}

/* With the mutex held. */
static void readers_post(struct readers *rs, struct read *read, int result)
{
    const uint64_t one = 1;
    bool wake = list_empty(&rs->done);

    read->result = result;
    list_push_back(&rs->done, &read->node);
    if (wake && write(rs->event_fd, &one, sizeof(one)) < 0) {
        ASSERT(errno == EAGAIN);
    }
}

static void *reader_main(void *arg)
{
    struct reader *r = arg;
    struct readers *rs = r->all;

    (void)pthread_mutex_lock(&rs->mutex);
    for (;;) {
        struct list_node *node = rs->stopping ? NULL : list_pop_front(&rs->queue);
        int rc;

        if (rs->stopping) {
            break;
        }
        if (node == NULL) {
            (void)pthread_cond_wait(&rs->wake, &rs->mutex);
            continue;
        }
        (void)pthread_mutex_unlock(&rs->mutex);
        rc = reader_run(r, read_of(node));
        (void)pthread_mutex_lock(&rs->mutex);
        readers_post(rs, read_of(node), rc);
    }
    (void)pthread_mutex_unlock(&rs->mutex);
    return NULL;
}

static int reader_start(struct reader *r, struct err *err)
{
    sigset_t all;
    sigset_t before;
    int rc = reader_connect(r, err);

    if (rc < 0) {
        return rc;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&r->thread, NULL, reader_main, r);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        db_close(r->db);
        r->db = NULL;
        return err_set(err, -E_INTERNAL, "Cannot start a reading thread");
    }
    return 0;
}

int readers_start(const struct db_options *db, unsigned threads, size_t queue_max,
                  struct readers **ret_readers, struct err *err)
{
    struct readers *rs = xalloc(sizeof(*rs));

    ASSERT(threads > 0);
    rs->options = *db;
    rs->options.writer = false;
    rs->queue_max = queue_max;
    rs->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(rs->event_fd >= 0);
    rs->threads = xcalloc(threads, sizeof(struct reader));
    (void)pthread_mutex_init(&rs->mutex, NULL);
    (void)pthread_cond_init(&rs->wake, NULL);
    list_init(&rs->queue);
    list_init(&rs->done);
    for (unsigned i = 0; i < threads; i++) {
        struct reader *r = &rs->threads[i];
        int rc;

        r->all = rs;
        rc = reader_start(r, err);
        if (rc < 0) {
            readers_stop(rs);
            return rc;
        }
        rs->count++;
    }
    *ret_readers = rs;
    return 0;
}

int readers_submit(struct readers *rs, struct read *read)
{
    int rc = 0;

    ASSERT(!list_linked(&read->node));
    (void)pthread_mutex_lock(&rs->mutex);
    if (rs->stopping || rs->queue.count >= rs->queue_max) {
        rc = -E_BUSY;
    } else {
        list_push_back(&rs->queue, &read->node);
        (void)pthread_cond_signal(&rs->wake);
    }
    (void)pthread_mutex_unlock(&rs->mutex);
    return rc;
}

int readers_fd(const struct readers *rs)
{
    return rs->event_fd;
}

void readers_dispatch(struct readers *rs)
{
    struct list done;
    struct list_node *node;
    uint64_t count;

    if (read(rs->event_fd, &count, sizeof(count)) < 0) {
        ASSERT(errno == EAGAIN || errno == EINTR);
    }
    list_init(&done);
    (void)pthread_mutex_lock(&rs->mutex);
    list_splice(&done, &rs->done);
    (void)pthread_mutex_unlock(&rs->mutex);
    while ((node = list_pop_front(&done)) != NULL) {
        struct read *read = read_of(node);

        read->on_done(read, read->result);
    }
}

void readers_stop(struct readers *rs)
{
    struct list_node *node;

    if (rs == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&rs->mutex);
    rs->stopping = true;
    (void)pthread_cond_broadcast(&rs->wake);
    (void)pthread_mutex_unlock(&rs->mutex);
    for (unsigned i = 0; i < rs->count; i++) {
        (void)pthread_join(rs->threads[i].thread, NULL);
        db_close(rs->threads[i].db);
    }
    while ((node = list_pop_front(&rs->queue)) != NULL) {
        readers_post(rs, read_of(node), -E_UNAVAILABLE);
    }
    readers_dispatch(rs);
    (void)pthread_cond_destroy(&rs->wake);
    (void)pthread_mutex_destroy(&rs->mutex);
    (void)close(rs->event_fd);
    free(rs->threads);
    free(rs);
}

int reader_once(const struct db_options *options,
                int (*run)(void *ctx, struct db *db, struct err *err), void *ctx,
                struct err *err)
{
    struct db_options reading = *options;
    struct err detail = { .text = "" };
    struct db *db;
    int rc;

    reading.writer = false;
    rc = db_open(&reading, &db, err);
    if (rc < 0) {
        return rc;
    }
    rc = db_prepare(db, err);
    if (rc == 0) {
        rc = run(ctx, db, &detail);
        if (rc < 0) {
            (void)err_set(err, rc, "%s", detail.text[0] != '\0' ? detail.text : db_error(db));
        }
    }
    db_close(db);
    return rc;
}
