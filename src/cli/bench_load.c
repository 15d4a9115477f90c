/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_load.c - the generator: one thread, epoll, a fixed number of kept-alive connections with one request
 * each under way. With a rate each event has its time; when no connection is free then, it goes out late, and
 * its latency counts from the time that it should have gone out. Without a rate its time is when it is sent.
 *
 *     idle --send--> busy --answer--> idle          busy --lost--> (connect again) idle
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "cli/bench.h"

enum {
    TURN_EVENTS = 256,
    HEAD_MAX = 1024,
    ANSWER_MAX = 64 * 1024,
    SECOND_US = 1000000,
    LOST_IN_A_ROW_MAX = 1000, /* then the server is gone */
    STALL_US = 30 * SECOND_US /* no answer to anything for so long: give up */
};

struct connection {
    struct list_node node; /* on the list of idle ones while it is idle */
    int fd;                /* -1: not connected */
    bool is_busy;
    int64_t number; /* of the event under way */
    char *out;
    size_t out_len;
    size_t out_done;
    struct buf in;
};

struct load {
    struct bench_shared *shared;
    const struct bench_plan *plan;
    int epoll;
    int timer;
    struct connection *connections;
    struct list idle;
    int64_t busy;
    int64_t next; /* number of the next event */
    int64_t lost_in_a_row;
    int64_t last_answer_us;
    struct buf body;
    size_t number_at;
};

static int connect_one(struct load *l, struct connection *c)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET,
                              .sin_port = htons(l->plan->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port = htons(l->plan->port),
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    bool is_v6 = l->plan->is_v6;
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
    int on = 1;

    c->fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        return -E_IO;
    }
    /* On loopback connecting blocks for no time; the socket is made non-blocking by the flags of each call. */
    if (connect(c->fd, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
                is_v6 ? sizeof(v6) : sizeof(v4)) != 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        (void)close(c->fd);
        c->fd = -1;
        return -E_CONNECT;
    }
    buf_clear(&c->in);
    return 0;
}

/* The event that was under way has an unknown outcome; the connection is free for the next one. */
static void lose(struct load *l, struct connection *c)
{
    (void)close(c->fd);
    c->fd = -1;
    l->lost_in_a_row++;
    if (c->is_busy) {
        c->is_busy = false;
        l->busy--;
        (void)atomic_fetch_add(&l->shared->broken, 1);
        list_push_back(&l->idle, &c->node);
    }
}

static void push(struct load *l, struct connection *c)
{
    while (c->out_done < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            lose(l, c);
            return;
        }
        c->out_done += (size_t)n;
    }
}

static void start(struct load *l, struct connection *c, int64_t due_us)
{
    char slug[BENCH_SLUG_MAX];
    int len;

    bench_slug(l->plan, l->next % l->plan->apps, slug);
    len = snprintf(c->out, HEAD_MAX,
                   "POST /api/v1/apps/%s/events HTTP/1.1\r\n"
                   "Host: %s\r\n"
                   "Authorization: Bearer %s\r\n"
                   "Content-Type: application/json\r\n"
                   "Idempotency-Key: %s-%lld\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   slug, l->plan->host, l->plan->key, l->plan->run, (long long)l->next,
                   l->body.len);
    memcpy(c->out + len, l->body.p, l->body.len);
    bench_number_write(c->out + len + l->number_at, l->next);
    c->out_len = (size_t)len + l->body.len;
    c->out_done = 0;
    c->number = l->next;
    c->is_busy = true;
    l->busy++;
    l->shared->events[l->next].due_us = due_us;
    l->next++;
    (void)atomic_fetch_add(&l->shared->sent, 1);
    push(l, c);
}

static void finish(struct load *l, struct connection *c, const struct bench_head *head)
{
    l->last_answer_us = bench_now_us();
    l->lost_in_a_row = 0;
    if (head->status == 202) {
        l->shared->events[c->number].accepted_us = l->last_answer_us;
        (void)atomic_fetch_add(&l->shared->accepted, 1);
    } else {
        atomic_store(&l->shared->last_status, head->status);
        (void)atomic_fetch_add(&l->shared->refused, 1);
    }
    c->is_busy = false;
    l->busy--;
    list_push_back(&l->idle, &c->node);
    if (head->closes) {
        (void)close(c->fd);
        c->fd = -1;
    }
}

static void pull(struct load *l, struct connection *c)
{
    struct bench_head head = { 0 };

    while (c->fd >= 0) {
        ssize_t n = buf_reserve(&c->in, 4096) != 0
                        ? 0
                        : recv(c->fd, c->in.p + c->in.len, 4096, MSG_DONTWAIT);
        int whole;

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            lose(l, c);
            return;
        }
        c->in.len += (size_t)n;
        whole = bench_head_parse(buf_str(&c->in), &head);
        if (whole < 0 || !c->is_busy) {
            lose(l, c);
            return;
        }
        if (whole == 1 && c->in.len >= head.head_len + head.body_len) {
            buf_clear(&c->in);
            finish(l, c, &head);
        }
    }
}

static bool is_over(const struct load *l, int64_t now)
{
    return l->next >= l->plan->events ||
           (l->plan->seconds > 0 &&
            now - l->shared->started_us >= l->plan->seconds * SECOND_US);
}

/* When event number n is due at the rate. */
static int64_t due_of(const struct load *l, int64_t n)
{
    return l->shared->started_us + n / l->plan->rate * SECOND_US +
           n % l->plan->rate * SECOND_US / l->plan->rate;
}

static void set_timer(struct load *l, int64_t at_us)
{
    struct itimerspec at = { .it_value = { .tv_sec = at_us / SECOND_US,
                                           .tv_nsec = at_us % SECOND_US * 1000 } };

    (void)timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Sends what is due on the connections that are idle. */
static int feed(struct load *l)
{
    struct list_node *first = list_first(&l->idle);

    while (first != NULL) {
        struct connection *c = CONTAINER_OF(first, struct connection, node);
        int64_t now = bench_now_us();
        int64_t due = l->plan->rate > 0 ? due_of(l, l->next) : now;

        if (is_over(l, now)) {
            return 0;
        }
        if (due > now) {
            set_timer(l, due);
            return 0;
        }
        if (c->fd < 0 && connect_one(l, c) != 0) {
            return -E_CONNECT;
        }
        list_remove(&l->idle, first);
        start(l, c, due);
        first = list_first(&l->idle);
    }
    return 0;
}

static int run(struct load *l)
{
    struct epoll_event events[TURN_EVENTS];
    int rc = feed(l);

    while (rc == 0 && (l->busy > 0 || !is_over(l, bench_now_us()))) {
        int n = epoll_wait(l->epoll, events, TURN_EVENTS, 100);

        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            uint64_t ticks;

            if (c == NULL) {
                (void)!read(l->timer, &ticks, sizeof(ticks));
                continue;
            }
            if (c->fd >= 0 && c->is_busy) {
                push(l, c);
            }
            if (c->fd >= 0) {
                pull(l, c);
            }
        }
        if (l->lost_in_a_row > LOST_IN_A_ROW_MAX ||
            (l->busy > 0 && bench_now_us() - l->last_answer_us > STALL_US)) {
            return -E_CONNECT;
        }
        rc = feed(l);
    }
    return rc;
}

static int prepare(struct load *l)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->epoll < 0 || l->timer < 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->timer, &event) != 0) {
        return -E_IO;
    }
    buf_init(&l->body, (size_t)BENCH_SIZE_MAX * 2);
    if (bench_body(l->plan->size, &l->body, &l->number_at) != 0) {
        return -E_TOO_LARGE;
    }
    l->connections = xcalloc((size_t)l->plan->connections, sizeof(l->connections[0]));
    for (int64_t i = 0; i < l->plan->connections; i++) {
        struct connection *c = &l->connections[i];

        c->fd = -1;
        c->out = xalloc(HEAD_MAX + l->body.len);
        buf_init(&c->in, ANSWER_MAX);
        list_push_back(&l->idle, &c->node);
    }
    return 0;
}

static void clean_up(struct load *l)
{
    for (int64_t i = 0; l->connections != NULL && i < l->plan->connections; i++) {
        struct connection *c = &l->connections[i];

        if (c->fd >= 0) {
            (void)close(c->fd);
        }
        free(c->out);
        buf_done(&c->in);
    }
    free(l->connections);
    buf_done(&l->body);
    (void)close(l->timer);
    (void)close(l->epoll);
}

int bench_load(struct bench_shared *shared)
{
    struct load l = { .shared = shared, .plan = &shared->plan };
    int rc;

    list_init(&l.idle);
    rc = prepare(&l);
    if (rc == 0) {
        shared->started_us = bench_now_us();
        l.last_answer_us = shared->started_us;
        rc = run(&l);
        shared->ended_us = bench_now_us();
    }
    clean_up(&l);
    return (int)exit_of_error(rc);
}
