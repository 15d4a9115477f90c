/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_rig.h - an HTTP server on its own loop in a thread, and a blocking raw client. Every read has
 * a deadline; rig_call runs a function on the server's thread and waits for it.
 *
 * Paths: /late is answered at the end of the turn, /hold when the test says so, /echo with the body,
 * /stream is given to on_stream, /query with the parameter q, /big with BIG_SIZE bytes, /headers with a long header; any other with
 * method, path, is_tls and the client's address.
 */
#ifndef TESTS_HTTP_RIG_H
#define TESTS_HTTP_RIG_H

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "net/http.h"
#include "net/loop.h"

enum {
    READ_DEADLINE_S = 20,
    HEAR_MAX = 32 * 1024 * 1024,
    HELD_MAX = 256,
    BIG_SIZE = 8 * 1024 * 1024
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HOST     "Host: x\r\n"
#define CLOSE    "Connection: close\r\n"
#define POST     "POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED  "Transfer-Encoding: chunked\r\n"
#define GET(p)   "GET " p " HTTP/1.1\r\n" HOST "\r\n"
#define LAST(p)  "GET " p " HTTP/1.1\r\n" HOST CLOSE "\r\n"

struct rig {
    struct loop *loop;
    struct http_server *server;
    pthread_t thread;
    struct loop_watch commands;
    struct loop_after after;
    sem_t is_done;
    void (*call)(struct rig *rig);
    uint16_t port;
    atomic_uint handled, refused, turns;
    struct http_request *late[HELD_MAX];
    struct http_request *held[HELD_MAX];
    unsigned late_count, held_count;
    struct http_stats stats;
    char *big;
    void (*on_stream)(struct rig *rig, struct http_request *req);
};

static inline void rig_text(struct http_request *req, int status, struct str text)
{
    http_reply(req, &(struct http_reply){
                        .status = status, .body = text, .content_type = "text/plain" });
}

static inline void rig_query(struct http_request *req)
{
    struct str value = STR_NONE;
    int rc = http_query(req, "q", &value);

    rig_text(req, rc == 0 ? 200 : 400, value);
}

static inline void rig_on_request(void *ctx, struct http_request *req)
{
    struct rig *rig = ctx;
    char peer[IP_TEXT_SIZE];

    atomic_fetch_add(&rig->handled, 1);
    if (str_eq_c(req->path, "/late")) {
        rig->late[rig->late_count++] = req;
        loop_wake(rig->loop);
    } else if (str_eq_c(req->path, "/stream")) {
        rig->on_stream(rig, req);
    } else if (str_eq_c(req->path, "/hold")) {
        rig->held[rig->held_count++] = req;
    } else if (str_eq_c(req->path, "/echo")) {
        rig_text(req, 200, req->body);
    } else if (str_eq_c(req->path, "/query")) {
        rig_query(req);
    } else if (str_eq_c(req->path, "/big")) {
        rig_text(req, 200, (struct str){ rig->big, BIG_SIZE });
    } else if (str_eq_c(req->path, "/headers")) {
        http_reply(req, &(struct http_reply){ .status = 204,
                                              .headers = "X-One: 1\r\nX-Two:  a: b \r\n" });
    } else {
        ip_format(&req->peer, peer);
        rig_text(req, 200,
                 arena_printf(&req->arena, "%.*s %.*s %d %s", STR_ARG(req->method),
                              STR_ARG(req->path), req->is_tls, peer));
    }
}

static inline void rig_on_refused(void *ctx, struct http_request *req, int code)
{
    struct rig *rig = ctx;

    atomic_fetch_add(&rig->refused, 1);
    rig_text(req, err_status(code), str_from(err_token(code)));
}

static inline void rig_on_turn(struct loop_after *a)
{
    struct rig *rig = a->ctx;

    atomic_fetch_add(&rig->turns, 1);
    for (unsigned i = 0; i < rig->late_count; i++) {
        rig_text(rig->late[i], 200, STR("late"));
    }
    rig->late_count = 0;
}

static inline void rig_on_command(struct loop_watch *w, unsigned events)
{
    struct rig *rig = w->ctx;
    uint64_t n;

    (void)events;
    if (read(w->fd, &n, sizeof(n)) == (ssize_t)sizeof(n)) {
        rig->call(rig);
        (void)sem_post(&rig->is_done);
    }
}

static inline void *rig_run(void *arg)
{
    struct rig *rig = arg;

    if (loop_run(rig->loop) != 0) {
        abort();
    }
    return NULL;
}

static inline struct http_options rig_options(void)
{
    return (struct http_options){ .listen = "127.0.0.1:0",
                                  .body_max = 10000,
                                  .header_max = 4096,
                                  .uri_max = 1000,
                                  .bodies_memory_max = 1 << 20,
                                  .connections_max = 100,
                                  .header_deadline_ms = 10000,
                                  .idle_timeout_ms = 60000,
                                  .body_rate_min = 1000 };
}

static inline void rig_start(struct rig *rig, const struct http_options *options)
{
    struct err err = { 0 };

    memset(rig, 0, sizeof(*rig));
    rig->big = xcalloc(1, BIG_SIZE);
    memset(rig->big, 'b', BIG_SIZE);
    assert_int_equal(sem_init(&rig->is_done, 0, 0), 0);
    assert_int_equal(loop_new(&rig->loop), 0);
    if (http_start(rig->loop, options, rig_on_request, rig_on_refused, rig, &rig->server,
                   &err) != 0) {
        fail_msg("%s", err.text);
    }
    rig->port = http_port(rig->server);
    rig->commands.fd = eventfd(0, EFD_CLOEXEC);
    rig->commands.on_ready = rig_on_command;
    rig->commands.ctx = rig;
    rig->after.on_turn = rig_on_turn;
    rig->after.ctx = rig;
    assert_int_equal(loop_watch(rig->loop, &rig->commands, LOOP_READ), 0);
    loop_after_add(rig->loop, &rig->after);
    assert_int_equal(pthread_create(&rig->thread, NULL, rig_run, rig), 0);
}

static inline void rig_call(struct rig *rig, void (*call)(struct rig *rig))
{
    uint64_t one = 1;

    rig->call = call;
    assert_int_equal(write(rig->commands.fd, &one, sizeof(one)), sizeof(one));
    assert_int_equal(sem_wait(&rig->is_done), 0);
}

static inline void rig_read_stats(struct rig *rig)
{
    http_stats(rig->server, &rig->stats);
}

static inline void rig_release(struct rig *rig)
{
    for (unsigned i = 0; i < rig->held_count; i++) {
        rig_text(rig->held[i], 200, STR("held"));
    }
    rig->held_count = 0;
}

static inline void rig_loop_stop(struct rig *rig)
{
    rig_read_stats(rig);
    loop_stop(rig->loop);
}

/* What is left when the server has stopped. */
static inline void rig_free(struct rig *rig)
{
    loop_unwatch(rig->loop, &rig->commands);
    loop_after_remove(rig->loop, &rig->after);
    loop_free(rig->loop);
    (void)close(rig->commands.fd);
    (void)sem_destroy(&rig->is_done);
    free(rig->big);
}

static inline void rig_stop(struct rig *rig)
{
    rig_call(rig, rig_loop_stop);
    assert_int_equal(pthread_join(rig->thread, NULL), 0);
    http_stop(rig->server);
    rig_free(rig);
}

/* Wait until a figure of the server has a value. */
static inline void rig_wait(struct rig *rig, bool (*is_so)(const struct rig *rig, unsigned n),
                            unsigned n)
{
    int64_t end = clock_boot_ms() + READ_DEADLINE_S * 1000;

    for (;;) {
        rig_call(rig, rig_read_stats);
        if (is_so(rig, n)) {
            return;
        }
        if (clock_boot_ms() > end) {
            fail_msg("not reached: connections %u, waiting %u, bodies %zu",
                     rig->stats.connections, rig->stats.waiting, rig->stats.bodies_memory);
        }
        (void)poll(NULL, 0, 1);
    }
}

static inline bool rig_has_connections(const struct rig *rig, unsigned n)
{
    return rig->stats.connections == n;
}

static inline bool rig_has_waiting(const struct rig *rig, unsigned n)
{
    return rig->stats.waiting == n;
}

static inline bool rig_has_bodies(const struct rig *rig, unsigned n)
{
    return rig->stats.bodies_memory == n;
}

/* --- The client ------------------------------------------------------------------------------- */

static inline int dial(const struct rig *rig)
{
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(rig->port) };
    struct timeval deadline = { .tv_sec = READ_DEADLINE_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
    return fd;
}

/* False: the server closed; what it answered is read next. */
static inline bool say(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.p, bytes.len, MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        bytes = str_sub(bytes, (size_t)n, bytes.len);
    }
    return true;
}

/* Everything until the server closes; a silence of READ_DEADLINE_S is a failure. */
static inline char *hear(int fd)
{
    struct buf b;

    buf_init(&b, HEAR_MAX);
    for (;;) {
        ssize_t n;

        assert_int_equal(buf_reserve(&b, 65536), 0);
        n = recv(fd, b.p + b.len, 65536, 0);
        if (n < 0 && (errno == EAGAIN)) {
            fail_msg("the server neither answers nor closes; so far: %.*s", (int)b.len, b.p);
        }
        if (n <= 0) {
            break;
        }
        b.len += (size_t)n;
        b.p[b.len] = '\0';
    }
    (void)close(fd);
    return buf_take(&b, NULL);
}

/* Until this text has come. */
static inline void hear_until(int fd, const char *text)
{
    char heard[65536];
    size_t len = 0;

    do {
        ssize_t n = recv(fd, heard + len, sizeof(heard) - 1 - len, 0);

        if (n <= 0) {
            fail_msg("no \"%s\" but: %.*s", text, (int)len, heard);
        }
        len += (size_t)n;
        heard[len] = '\0';
    } while (strstr(heard, text) == NULL);
}

static inline char *ask(const struct rig *rig, const char *text)
{
    int fd = dial(rig);

    (void)say(fd, str_from(text));
    return hear(fd);
}

/* The status of an answer, 0 when it is none. */
static inline int64_t status_of(const char *heard)
{
    int64_t status = 0;

    if (strncmp(heard, "HTTP/1.1 ", 9) != 0 ||
        str_to_int(str_sub(str_from(heard), 9, 3), 100, 599, &status) != 0) {
        return 0;
    }
    return status;
}

static inline unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;

    for (const char *p = strstr(text, what); p != NULL; p = strstr(p + 1, what)) {
        count++;
    }
    return count;
}

/* The answer has this status, and this text anywhere (NULL: any). */
static inline void answer_is(const struct rig *rig, const char *question, int status,
                             const char *text)
{
    char *heard = ask(rig, question);

    if (status_of(heard) != status || (text != NULL && strstr(heard, text) == NULL)) {
        fail_msg("%s\ngot, not %d:\n%s", question, status, heard);
    }
    free(heard);
}

/* A run of one byte. */
static inline struct buf bytes_of(size_t n, char c)
{
    struct buf b;

    buf_init(&b, n + 1);
    assert_int_equal(buf_reserve(&b, n), 0);
    memset(b.p, c, n);
    b.len = n;
    b.p[n] = '\0';
    return b;
}

static inline bool say_many(int fd, size_t n, char c)
{
    struct buf b = bytes_of(n, c);
    bool is_said = say(fd, buf_str(&b));

    buf_done(&b);
    return is_said;
}

static inline void heard_is(int fd, int status, const char *text)
{
    char *heard = hear(fd);

    if (status_of(heard) != status || (text != NULL && strstr(heard, text) == NULL)) {
        fail_msg("not %d %s but: %.500s", status, text == NULL ? "" : text, heard);
    }
    free(heard);
}

static inline void heard_nothing(int fd)
{
    char *heard = hear(fd);

    if (heard[0] != '\0') {
        fail_msg("heard: %.500s", heard);
    }
    free(heard);
}

#endif
