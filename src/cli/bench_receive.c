/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_receive.c - the receiver: one thread, epoll, answers 200 to whatever is whole and notes when each
 * event came first. With is_hung it reads and stays silent.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "cli/bench.h"

enum {
    TURN_EVENTS = 256,
    TURN_MS = 50,
    REQUEST_MAX = 1024 * 1024,
    PIECE = 64 * 1024,
    BACKLOG = 4096
};

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

struct peer {
    struct list_node node;
    int fd;
    struct buf in;
};

struct receiver {
    struct bench_shared *shared;
    int epoll;
    int listener;
    struct list peers;
    char path[64]; /* "POST /bench/<run>" */
};

static int listen_here(struct receiver *r)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (r->listener < 0 || bind(r->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(r->listener, BACKLOG) != 0 ||
        getsockname(r->listener, (struct sockaddr *)&at, &len) != 0 ||
        epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->listener, &event) != 0) {
        return -E_IO;
    }
    atomic_store(&r->shared->receiver_port, ntohs(at.sin_port));
    return 0;
}

static void drop_peer(struct receiver *r, struct peer *peer)
{
    list_remove(&r->peers, &peer->node);
    (void)close(peer->fd);
    buf_done(&peer->in);
    free(peer);
}

static void take_peers(struct receiver *r)
{
    for (;;) {
        int fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct epoll_event event = { .events = EPOLLIN };
        struct peer *peer;
        int on = 1;

        if (fd < 0) {
            return;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        peer = xalloc(sizeof(*peer));
        peer->fd = fd;
        buf_init(&peer->in, REQUEST_MAX);
        list_push_back(&r->peers, &peer->node);
        event.data.ptr = peer;
        if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
            drop_peer(r, peer);
        }
    }
}

static void note(struct receiver *r, struct str head, struct str body)
{
    struct bench_shared *shared = r->shared;
    int64_t number = bench_number_read(body);
    int64_t never = 0;

    if (!str_starts(head, str_from(r->path)) || number < 0 || number >= shared->plan.events) {
        (void)atomic_fetch_add(&shared->strange, 1);
        return;
    }
    if (atomic_compare_exchange_strong(&shared->events[number].arrived_us, &never,
                                       bench_now_us())) {
        (void)atomic_fetch_add(&shared->arrived, 1);
    } else {
        (void)atomic_fetch_add(&shared->again, 1);
    }
}

/* Every whole request in the buffer. False when the connection is to end. */
static bool serve_peer(struct receiver *r, struct peer *peer)
{
    size_t at = 0;
    struct bench_head head;

    for (;;) {
        struct str left = str_sub(buf_str(&peer->in), at, peer->in.len);
        int whole = bench_head_parse(left, &head);

        if (whole < 0 || head.body_len > REQUEST_MAX / 2) {
            return false;
        }
        if (whole == 0 || left.len < head.head_len + head.body_len) {
            break;
        }
        note(r, str_sub(left, 0, head.head_len), str_sub(left, head.head_len, head.body_len));
        at += head.head_len + head.body_len;
        /* The answer is tiny: a full socket buffer means that nobody reads. */
        if (!r->shared->plan.is_hung && send(peer->fd, answer, sizeof(answer) - 1,
                                             MSG_NOSIGNAL) != (ssize_t)sizeof(answer) - 1) {
            return false;
        }
    }
    buf_consume(&peer->in, at);
    return true;
}

static void read_peer(struct receiver *r, struct peer *peer)
{
    for (;;) {
        ssize_t n;

        if (buf_reserve(&peer->in, PIECE) != 0) {
            drop_peer(r, peer);
            return;
        }
        n = recv(peer->fd, peer->in.p + peer->in.len, PIECE, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            drop_peer(r, peer);
            return;
        }
        peer->in.len += (size_t)n;
        peer->in.p[peer->in.len] = '\0';
        if (!serve_peer(r, peer)) {
            drop_peer(r, peer);
            return;
        }
        if (n < PIECE) {
            return;
        }
    }
}

int bench_receive(struct bench_shared *shared)
{
    struct receiver r = { .shared = shared, .listener = -1 };
    struct epoll_event events[TURN_EVENTS];
    int rc;

    list_init(&r.peers);
    memcpy(r.path, "POST /bench/", 13);
    memcpy(r.path + 12, shared->plan.run, sizeof(shared->plan.run));
    r.epoll = epoll_create1(EPOLL_CLOEXEC);
    rc = r.epoll < 0 ? -E_IO : listen_here(&r);
    while (rc == 0 && !atomic_load(&shared->stop)) {
        int n = epoll_wait(r.epoll, events, TURN_EVENTS, TURN_MS);

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                take_peers(&r);
            } else {
                read_peer(&r, events[i].data.ptr);
            }
        }
    }
    for (struct list_node *n = list_first(&r.peers); n != NULL; n = list_first(&r.peers)) {
        drop_peer(&r, CONTAINER_OF(n, struct peer, node));
    }
    if (r.listener >= 0) {
        (void)close(r.listener);
    }
    if (r.epoll >= 0) {
        (void)close(r.epoll);
    }
    return rc == 0 ? EXIT_OK : EXIT_ERROR;
}
