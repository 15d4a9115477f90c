/* SPDX-License-Identifier: Apache-2.0 */
/* hasher.c - the thread that hashes passwords: a queue in, a queue out, one eventfd. */
#include "engine/hasher.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/loop.h"

struct hasher {
    struct loop *loop;
    struct loop_watch watch;
    int event_fd;
    pthread_t thread;

    /* Under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct list queue;
    struct list done;
    bool stopping;
};

static struct hash_job *job_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct hash_job, node);
}

static void job_run(struct hash_job *job)
{
    struct str password = { job->password, job->password_len };

    if (job->make) {
        job->result = password_hash(password, job->hash);
    } else {
        job->fits = password_fits(password, job->hash);
        job->result = 0;
    }
    explicit_bzero(job->password, sizeof(job->password));
}

/* With the mutex held. */
static void hasher_post(struct hasher *h, struct hash_job *job)
{
    const uint64_t one = 1;

    list_push_back(&h->done, &job->node);
    if (write(h->event_fd, &one, sizeof(one)) < 0) {
        ASSERT(errno == EAGAIN);
    }
}

static void *hasher_main(void *arg)
{
    struct hasher *h = arg;

    (void)pthread_mutex_lock(&h->mutex);
    while (!h->stopping) {
        struct list_node *node = list_pop_front(&h->queue);

        if (node == NULL) {
            (void)pthread_cond_wait(&h->wake, &h->mutex);
            continue;
        }
        (void)pthread_mutex_unlock(&h->mutex);
        job_run(job_of(node));
        (void)pthread_mutex_lock(&h->mutex);
        hasher_post(h, job_of(node));
    }
    (void)pthread_mutex_unlock(&h->mutex);
    return NULL;
}

static void hasher_dispatch(struct hasher *h)
{
    struct list done;
    struct list_node *node;
    uint64_t count;

    if (read(h->event_fd, &count, sizeof(count)) < 0) {
        ASSERT(errno == EAGAIN || errno == EINTR);
    }
    list_init(&done);
    (void)pthread_mutex_lock(&h->mutex);
    list_splice(&done, &h->done);
    (void)pthread_mutex_unlock(&h->mutex);
    while ((node = list_pop_front(&done)) != NULL) {
        job_of(node)->on_done(job_of(node));
    }
}

static void on_ready(struct loop_watch *w, unsigned events)
{
    (void)events;
    hasher_dispatch(w->ctx);
}

int hasher_start(struct loop *loop, struct hasher **ret_hasher)
{
    struct hasher *h = xalloc(sizeof(*h));
    sigset_t all;
    sigset_t before;
    int rc;

    h->loop = loop;
    h->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(h->event_fd >= 0);
    (void)pthread_mutex_init(&h->mutex, NULL);
    (void)pthread_cond_init(&h->wake, NULL);
    list_init(&h->queue);
    list_init(&h->done);
    h->watch = (struct loop_watch){ .fd = h->event_fd, .on_ready = on_ready, .ctx = h };
    rc = loop_watch(loop, &h->watch, LOOP_READ);
    if (rc != 0) {
        goto fail_watch;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&h->thread, NULL, hasher_main, h) == 0 ? 0 : -E_INTERNAL;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        goto fail_thread;
    }
    *ret_hasher = h;
    return 0;

fail_thread:
    loop_unwatch(loop, &h->watch);
fail_watch:
    (void)close(h->event_fd);
    free(h);
    return rc;
}

int hasher_submit(struct hasher *h, struct hash_job *job)
{
    int rc = 0;

    ASSERT(job->on_done != NULL && job->password_len <= PASSWORD_MAX);
    (void)pthread_mutex_lock(&h->mutex);
    if (h->stopping || h->queue.count >= HASHER_QUEUE_MAX) {
        rc = -E_BUSY;
        explicit_bzero(job->password, sizeof(job->password));
    } else {
        list_push_back(&h->queue, &job->node);
        (void)pthread_cond_signal(&h->wake);
    }
    (void)pthread_mutex_unlock(&h->mutex);
    return rc;
}

void hasher_stop(struct hasher *h)
{
    struct list_node *node;

    if (h == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&h->mutex);
    h->stopping = true;
    (void)pthread_cond_broadcast(&h->wake);
    (void)pthread_mutex_unlock(&h->mutex);
    (void)pthread_join(h->thread, NULL);
    while ((node = list_pop_front(&h->queue)) != NULL) {
        explicit_bzero(job_of(node)->password, sizeof(job_of(node)->password));
        job_of(node)->result = -E_UNAVAILABLE;
        list_push_back(&h->done, node);
    }
    hasher_dispatch(h);
    loop_unwatch(h->loop, &h->watch);
    (void)close(h->event_fd);
    (void)pthread_cond_destroy(&h->wake);
    (void)pthread_mutex_destroy(&h->mutex);
    free(h);
}
