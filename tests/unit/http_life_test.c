/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of connections to the HTTP server: late replies, clients that leave, every deadline and
 * every limit reached, few descriptors, the end.
 */
#include <sys/resource.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_rig.h"

#define POST    "POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define GET(p)  "GET " p " HTTP/1.1\r\n" HOST "\r\n"
#define LAST(p) "GET " p " HTTP/1.1\r\n" HOST CLOSE "\r\n"

/* A run of one byte. */
static struct buf bytes_of(size_t n, char c)
{
    struct buf b;

    buf_init(&b, n + 1);
    assert_int_equal(buf_reserve(&b, n), 0);
    memset(b.p, c, n);
    b.len = n;
    b.p[n] = '\0';
    return b;
}

static bool say_many(int fd, size_t n, char c)
{
    struct buf b = bytes_of(n, c);
    bool is_said = say(fd, buf_str(&b));

    buf_done(&b);
    return is_said;
}

static void heard_is(int fd, int status, const char *text)
{
    char *heard = hear(fd);

    if (strncmp(heard, "HTTP/1.1 ", 9) != 0 || atoi(heard + 9) != status ||
        (text != NULL && strstr(heard, text) == NULL)) {
        fail_msg("not %d %s but: %.500s", status, text == NULL ? "" : text, heard);
    }
    free(heard);
}

static void heard_nothing(int fd)
{
    char *heard = hear(fd);

    if (heard[0] != '\0') {
        fail_msg("heard: %.500s", heard);
    }
    free(heard);
}

/* --- Late replies ----------------------------------------------------------------------------- */

/* Held requests of many connections are released in one turn; each gets its answer. */
static void test_late_batch(void **state)
{
    enum { CLIENTS = 64 };
    struct http_options options = rig_options();
    struct rig rig;
    int fds[CLIENTS];

    (void)state;
    rig_start(&rig, &options);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = dial(&rig);
        assert_true(say(fds[i], STR(GET("/hold") LAST("/behind"))));
    }
    rig_wait(&rig, rig_has_waiting, CLIENTS);
    /* What stands behind a held request waits. */
    assert_int_equal(atomic_load(&rig.handled), CLIENTS);
    rig_call(&rig, rig_release);
    for (int i = 0; i < CLIENTS; i++) {
        char *heard = hear(fds[i]);

        assert_int_equal(count_of(heard, "HTTP/1.1 200"), 2);
        assert_non_null(strstr(heard, "\r\n\r\nheld"));
        assert_non_null(strstr(heard, "GET /behind"));
        free(heard);
    }
    rig_stop(&rig);
    assert_int_equal(rig.stats.waiting, 0);
    assert_int_equal(rig.stats.requests, CLIENTS * 2);
}

/* A held request costs nothing: the loop sleeps. */
static void test_late_sleeps(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    unsigned turns;
    int fd;

    (void)state;
    rig_start(&rig, &options);
    fd = dial(&rig);
    assert_true(say(fd, STR(LAST("/hold"))));
    rig_wait(&rig, rig_has_waiting, 1);
    turns = atomic_load(&rig.turns);
    (void)poll(NULL, 0, 100);
    assert_true(atomic_load(&rig.turns) - turns < 10);
    rig_call(&rig, rig_release);
    heard_is(fd, 200, "held");
    rig_stop(&rig);
}

/* A client that leaves while its request waits: the handler does not notice, nothing is left. */
static void test_client_leaves(void **state)
{
    enum { CLIENTS = 50 };
    struct http_options options = rig_options();
    struct linger reset = { .l_onoff = 1 };
    struct rig rig;

    (void)state;
    rig_start(&rig, &options);
    for (int i = 0; i < CLIENTS; i++) {
        int fd = dial(&rig);

        assert_true(say(fd, STR(GET("/hold"))));
        rig_wait(&rig, rig_has_waiting, (unsigned)i + 1);
        if (i % 2 == 0) {
            assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        }
        (void)close(fd);
    }
    rig_call(&rig, rig_release);
    rig_wait(&rig, rig_has_connections, 0);
    rig_wait(&rig, rig_has_waiting, 0);
    answer_is(&rig, LAST("/late"), 200, "late");
    rig_stop(&rig);
}

/* A client that leaves in the middle of its request, wherever that is. */
static void test_client_cut(void **state)
{
    static const char text[] = POST "Content-Length: 5\r\n\r\nhello";
    struct http_options options = rig_options();
    struct rig rig;
    int fds[sizeof(text)];

    (void)state;
    /* libmicrohttpd 0.9.75 misses an end that comes together with bytes: the deadline sees it. */
    options.header_deadline_ms = 150;
    options.body_grace_ms = 150;
    rig_start(&rig, &options);
    for (size_t n = 0; n + 1 < sizeof(text); n++) {
        fds[n] = dial(&rig);
        assert_true(say(fds[n], (struct str){ text, n }));
        (void)shutdown(fds[n], SHUT_WR);
    }
    for (size_t n = 0; n + 1 < sizeof(text); n++) {
        heard_nothing(fds[n]);
    }
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 0);
    assert_int_equal(rig.stats.bodies_memory, 0);
}

/* --- Limits ----------------------------------------------------------------------------------- */

static void ask_with(const struct rig *rig, const char *before, size_t n, const char *behind,
                     int status)
{
    struct buf fill = bytes_of(n, 'a');
    struct buf b;

    buf_init(&b, 1 << 20);
    assert_int_equal(buf_printf(&b, "%s%s%s", before, fill.p, behind), 0);
    answer_is(rig, b.p, status, NULL);
    buf_done(&b);
    buf_done(&fill);
}

static void test_limits(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;

    (void)state;
    rig_start(&rig, &options);
    /* target: 1,000 with its slash; header block: 4,096 with "Host: x" and CRLFs */
    ask_with(&rig, "GET /", 999, " HTTP/1.1\r\n" HOST CLOSE "\r\n", 200);
    ask_with(&rig, "GET /", 1000, " HTTP/1.1\r\n" HOST CLOSE "\r\n", 414);
    ask_with(&rig, "GET /", 60000, " HTTP/1.1\r\n" HOST CLOSE "\r\n", 414);
    ask_with(&rig, "GET / HTTP/1.1\r\n" HOST CLOSE "X: ", 4096 - 9 - 19 - 5, "\r\n\r\n", 200);
    ask_with(&rig, "GET / HTTP/1.1\r\n" HOST CLOSE "X: ", 4096 - 9 - 19 - 4, "\r\n\r\n", 431);
    ask_with(&rig, "GET / HTTP/1.1\r\n" HOST CLOSE "X: ", 60000, "\r\n\r\n", 431);
    /* body: 10,000 */
    ask_with(&rig, POST CLOSE "Content-Length: 10000\r\n\r\n", 10000, "", 200);
    ask_with(&rig, POST "Content-Length: 10001\r\n\r\n", 0, "", 413);
    ask_with(&rig, POST CLOSE CHUNKED "\r\n2710\r\n", 10000, "\r\n0\r\n\r\n", 200);
    ask_with(&rig, POST CHUNKED "\r\n2711\r\n", 10001, "\r\n0\r\n\r\n", 413);
    ask_with(&rig, POST CHUNKED "\r\n2710\r\n", 10000, "\r\n1\r\nx\r\n0\r\n\r\n", 413);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 4);
    assert_int_equal(rig.stats.bodies_memory, 0);
}

/* With everything at its limit there is still room for the answer. */
static void test_limits_together(void **state)
{
    struct http_options options = rig_options();
    struct buf target = bytes_of(999, 't');
    struct buf body = bytes_of(10000, 'b');
    struct rig rig;
    struct buf b;

    (void)state;
    rig_start(&rig, &options);
    buf_init(&b, 1 << 20);
    assert_int_equal(buf_printf(&b,
                                "POST /%s HTTP/1.1\r\n" HOST CLOSE "Content-Length: 10000\r\n",
                                target.p),
                     0);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(buf_printf(&b, "X-Header-%02d: %050d\r\n", i, i), 0);
    }
    assert_int_equal(buf_printf(&b, "\r\n%s", body.p), 0);
    answer_is(&rig, b.p, 200, "POST /ttt");
    buf_done(&b);
    buf_done(&body);
    buf_done(&target);
    rig_stop(&rig);
}

/* Refused while the client is still sending: it reads the answer all the same. */
static void test_refused_while_sending(void **state)
{
    enum { SIZE = 4 * 1024 * 1024 };
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    rig_start(&rig, &options);
    for (int i = 0; i < 4; i++) {
        fd = dial(&rig);
        assert_true(say(fd, STR(POST "Content-Length: 4194304\r\n\r\n")));
        assert_true(say_many(fd, SIZE, 'x')); /* no reset */
        (void)shutdown(fd, SHUT_WR);
        heard_is(fd, 413, "too_large");
    }
    /* By chunks: read to its end, and refused. */
    fd = dial(&rig);
    assert_true(say(fd, STR(POST CHUNKED "\r\n400000\r\n")));
    (void)say_many(fd, SIZE, 'x');
    assert_true(say(fd, STR("\r\n0\r\n\r\n")));
    heard_is(fd, 413, "too_large");
    /* Without end: cut off. */
    fd = dial(&rig);
    assert_true(say(fd, STR(POST CHUNKED "\r\nffffffff\r\n")));
    assert_false(say_many(fd, 10 * SIZE, 'x'));
    heard_nothing(fd);
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 0);
}

static void test_bodies_memory(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int slow;
    int fd;

    (void)state;
    options.bodies_memory_max = 100;
    rig_start(&rig, &options);
    answer_is(&rig, POST "Content-Length: 101\r\n\r\n", 503, "overloaded");
    /* One client has 60 of the 100: a second body does not fit, announced or not. */
    slow = dial(&rig);
    assert_true(say(slow, STR(POST CLOSE "Content-Length: 80\r\n\r\n")));
    (void)say_many(slow, 60, 'x');
    rig_wait(&rig, rig_has_bodies, 60);
    answer_is(&rig, POST "Content-Length: 41\r\n\r\n", 503, "overloaded");
    fd = dial(&rig);
    assert_true(say(fd, STR(POST CHUNKED "\r\n29\r\n")));
    (void)say_many(fd, 41, 'x');
    assert_true(say(fd, STR("\r\n0\r\n\r\n")));
    heard_is(fd, 503, "overloaded");
    answer_is(&rig, POST CLOSE "Content-Length: 5\r\n\r\nhello", 200, "hello");
    (void)say_many(slow, 20, 'x');
    heard_is(slow, 200, NULL);
    rig_wait(&rig, rig_has_bodies, 0);
    rig_stop(&rig);
}

/* Others are served meanwhile, and nobody but them. */
static void still_waits(const struct rig *rig, int other)
{
    enum { ROUNDS = 5 };

    for (unsigned i = 0; i < ROUNDS; i++) {
        assert_true(say(other, STR(GET("/a"))));
        hear_until(other, "GET /a");
    }
    assert_int_equal(atomic_load(&rig->handled), ROUNDS);
}

static void test_connections(void **state)
{
    enum { CLIENTS = 4 };
    struct http_options options = rig_options();
    struct rig rig;
    int fds[CLIENTS];
    int late;

    (void)state;
    options.connections_max = CLIENTS;
    rig_start(&rig, &options);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = dial(&rig);
    }
    rig_wait(&rig, rig_has_connections, CLIENTS);
    /* One more waits in the backlog, and comes in when another leaves. */
    late = dial(&rig);
    assert_true(say(late, STR(LAST("/a"))));
    still_waits(&rig, fds[0]);
    for (int i = 0; i < CLIENTS; i++) {
        (void)close(fds[i]);
    }
    heard_is(late, 200, "GET /a");
    rig_stop(&rig);
}

static void test_connections_per_address(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int one;
    int two;

    (void)state;
    options.connections_per_address_max = 2;
    rig_start(&rig, &options);
    one = dial(&rig);
    two = dial(&rig);
    rig_wait(&rig, rig_has_connections, 2);
    heard_nothing(dial(&rig));
    (void)close(one);
    rig_wait(&rig, rig_has_connections, 1);
    answer_is(&rig, LAST("/a"), 200, "GET /a");
    (void)close(two);
    rig_stop(&rig);

    /* A trusted proxy speaks for many. */
    options.behind_proxy = "127.0.0.1";
    rig_start(&rig, &options);
    one = dial(&rig);
    two = dial(&rig);
    rig_wait(&rig, rig_has_connections, 2);
    answer_is(&rig, LAST("/a"), 200, "GET /a");
    (void)close(one);
    (void)close(two);
    rig_stop(&rig);
}

/* --- Deadlines -------------------------------------------------------------------------------- */

enum { SHORT_MS = 150, RATE_FAST = 1000 * 1000 };

static void test_silent(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;

    (void)state;
    options.header_deadline_ms = SHORT_MS;
    rig_start(&rig, &options);
    heard_nothing(dial(&rig));
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
}

/* A byte now and then does not move the deadline of the head. */
static void test_header_drip(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    options.header_deadline_ms = SHORT_MS;
    rig_start(&rig, &options);
    fd = dial(&rig);
    assert_true(say(fd, STR("GET / HTTP/1.1\r\n" HOST "X-")));
    while (say(fd, STR("a"))) {
        (void)poll(NULL, 0, 5);
    }
    (void)close(fd);
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 0);
}

/* The same for the second request of a connection. */
static void test_header_drip_later(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    options.header_deadline_ms = SHORT_MS;
    rig_start(&rig, &options);
    fd = dial(&rig);
    assert_true(say(fd, STR(GET("/a") "GET / HTTP/1.1\r\nX-")));
    while (say(fd, STR("a"))) {
        (void)poll(NULL, 0, 5);
    }
    (void)close(fd);
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 1);
}

static void test_idle(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    options.idle_timeout_ms = SHORT_MS;
    rig_start(&rig, &options);
    fd = dial(&rig);
    assert_true(say(fd, STR(GET("/a"))));
    heard_is(fd, 200, "GET /a");
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
}

static void test_body_slow(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    options.body_grace_ms = SHORT_MS;
    options.body_rate_min = RATE_FAST;
    rig_start(&rig, &options);
    /* silent, and too slow */
    fd = dial(&rig);
    assert_true(say(fd, STR(POST "Content-Length: 5\r\n\r\n")));
    heard_nothing(fd);
    fd = dial(&rig);
    assert_true(say(fd, STR(POST "Content-Length: 9999\r\n\r\n")));
    while (say(fd, STR("a"))) {
        (void)poll(NULL, 0, 5);
    }
    (void)close(fd);
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 0);
    assert_int_equal(rig.stats.bodies_memory, 0);
}

/* Many bytes at first buy no long silence. */
static void test_body_pause(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    options.body_grace_ms = SHORT_MS;
    options.header_deadline_ms = SHORT_MS;
    options.body_rate_min = 1;
    rig_start(&rig, &options);
    fd = dial(&rig);
    assert_true(say(fd, STR(POST "Content-Length: 9999\r\n\r\n")));
    (void)say_many(fd, 9998, 'x');
    heard_nothing(fd);
    rig_wait(&rig, rig_has_connections, 0);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 0);
}

/* A client that does not read its reply. */
static void test_reader_slow(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    options.idle_timeout_ms = SHORT_MS;
    options.body_rate_min = 1000 * RATE_FAST;
    rig_start(&rig, &options);
    fd = dial(&rig);
    assert_true(say(fd, STR(GET("/big"))));
    rig_wait(&rig, rig_has_connections, 1);
    rig_wait(&rig, rig_has_connections, 0);
    (void)close(fd);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 1);
}

/* A held request has no deadline: it is our turn. */
static void test_held_has_none(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    options.header_deadline_ms = SHORT_MS;
    options.idle_timeout_ms = SHORT_MS;
    options.body_grace_ms = SHORT_MS;
    rig_start(&rig, &options);
    fd = dial(&rig);
    assert_true(say(fd, STR(LAST("/hold"))));
    rig_wait(&rig, rig_has_waiting, 1);
    (void)poll(NULL, 0, 2 * SHORT_MS);
    rig_call(&rig, rig_release);
    heard_is(fd, 200, "held");
    rig_stop(&rig);
}

/* --- No busy loop ----------------------------------------------------------------------------- */

/* What fills a connection's buffer and never ends: the loop does not run hot, and the deadline ends it. */
static void test_floods(void **state)
{
    static const char *const heads[] = {
        POST CHUNKED "\r\n1;",             /* chunk extension */
        POST CHUNKED "\r\n0\r\nTrailer: ", /* trailer */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        struct http_options options = rig_options();
        struct rig rig;
        int fd;

        options.header_deadline_ms = 2 * SHORT_MS;
        options.body_grace_ms = 2 * SHORT_MS;
        rig_start(&rig, &options);
        fd = dial(&rig);
        assert_true(say(fd, str_from(heads[i])));
        (void)say_many(fd, 1024 * 1024, 'a');
        answer_is(&rig, LAST("/a"), 200, "GET /a");
        free(hear(fd));
        rig_wait(&rig, rig_has_connections, 0);
        if (atomic_load(&rig.turns) > 3000) {
            fail_msg("flood %zu: %u turns", i, atomic_load(&rig.turns));
        }
        rig_stop(&rig);
        assert_int_equal(atomic_load(&rig.handled), 1);
    }
}

static void limit_descriptors(rlim_t n)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = n;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Accepting keeps away from the last descriptors. */
static void test_descriptors_reserved(void **state)
{
    struct http_options options = rig_options();
    struct rlimit before;
    struct rig rig;
    int fds[20];
    int late;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit_descriptors(128 + 16);
    rig_start(&rig, &options);
    limit_descriptors(before.rlim_cur);
    for (size_t i = 0; i < 16; i++) {
        fds[i] = dial(&rig);
    }
    rig_wait(&rig, rig_has_connections, 16);
    late = dial(&rig);
    assert_true(say(late, STR(LAST("/a"))));
    still_waits(&rig, fds[0]);
    (void)close(fds[0]);
    heard_is(late, 200, "GET /a");
    for (size_t i = 1; i < 16; i++) {
        (void)close(fds[i]);
    }
    rig_stop(&rig);
}

/* No descriptor at all for the first connection: no hot loop, and it is accepted when there is one. */
static void test_descriptors_gone(void **state)
{
    struct http_options options = rig_options();
    struct sockaddr_in sin = { .sin_family = AF_INET };
    struct rlimit before;
    struct rig rig;
    unsigned turns;
    int fd;

    (void)state;
    rig_start(&rig, &options);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit_descriptors((rlim_t)fd);
    turns = atomic_load(&rig.turns);
    sin.sin_port = htons(rig.port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
    assert_true(say(fd, STR(LAST("/a"))));
    (void)poll(NULL, 0, 200);
    turns = atomic_load(&rig.turns) - turns;
    limit_descriptors(before.rlim_cur);
    assert_true(turns < 1000);
    assert_int_equal(atomic_load(&rig.handled), 0);
    heard_is(fd, 200, "GET /a");
    rig_stop(&rig);
}

/* --- The end ---------------------------------------------------------------------------------- */

static void rig_stop_accepting(struct rig *rig)
{
    http_stop_accepting(rig->server);
}

static void test_stop_accepting(void **state)
{
    struct http_options options = rig_options();
    struct sockaddr_in sin = { .sin_family = AF_INET };
    struct rig rig;
    int idle;
    int held;
    int fd;

    (void)state;
    rig_start(&rig, &options);
    idle = dial(&rig);
    assert_true(say(idle, STR(GET("/a"))));
    hear_until(idle, "GET /a");
    held = dial(&rig);
    assert_true(say(held, STR(GET("/hold"))));
    rig_wait(&rig, rig_has_waiting, 1);
    rig_call(&rig, rig_stop_accepting);

    sin.sin_port = htons(rig.port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), -1);
    (void)close(fd);
    /* What is open is served once more, and told to go. */
    assert_true(say(idle, STR(GET("/b"))));
    heard_is(idle, 200, "Connection: close");
    rig_call(&rig, rig_release);
    heard_is(held, 200, "Connection: close");
    rig_stop(&rig);
}

static void rig_release_big_and_stop(struct rig *rig)
{
    rig_text(rig->held[0], 200, (struct str){ rig->big, BIG_SIZE });
    rig->held_count = 0;
    rig_loop_stop(rig);
}

static void *stop_server(void *arg)
{
    http_stop(((struct rig *)arg)->server);
    return NULL;
}

/* Replies of the last turn go out whole; a request that is not whole is dropped. */
static void test_stop_flushes(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    pthread_t thread;
    char *heard;
    int held;
    int half;

    (void)state;
    rig_start(&rig, &options);
    held = dial(&rig);
    half = dial(&rig);
    assert_true(say(held, STR(LAST("/hold"))));
    assert_true(say(half, STR("GET /")));
    rig_wait(&rig, rig_has_waiting, 1);
    rig_call(&rig, rig_release_big_and_stop);
    assert_int_equal(pthread_join(rig.thread, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, stop_server, &rig), 0);
    heard = hear(held);
    assert_int_equal(strncmp(heard, "HTTP/1.1 200", 12), 0);
    assert_int_equal(strlen(strstr(heard, "\r\n\r\n") + 4), BIG_SIZE);
    free(heard);
    heard_nothing(half);
    assert_int_equal(pthread_join(thread, NULL), 0);
    rig_free(&rig);
}

/* A client that does not read its reply holds up the end for no more than a moment. */
static void test_stop_leaves_behind(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    rig_start(&rig, &options);
    fd = dial(&rig);
    assert_true(say(fd, STR(LAST("/hold"))));
    rig_wait(&rig, rig_has_waiting, 1);
    rig_call(&rig, rig_release_big_and_stop);
    assert_int_equal(pthread_join(rig.thread, NULL), 0);
    http_stop(rig.server);
    (void)close(fd);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_batch),
        cmocka_unit_test(test_late_sleeps),
        cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_client_cut),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limits_together),
        cmocka_unit_test(test_refused_while_sending),
        cmocka_unit_test(test_bodies_memory),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_connections_per_address),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_header_drip),
        cmocka_unit_test(test_header_drip_later),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_body_slow),
        cmocka_unit_test(test_body_pause),
        cmocka_unit_test(test_reader_slow),
        cmocka_unit_test(test_held_has_none),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_descriptors_reserved),
        cmocka_unit_test(test_descriptors_gone),
        cmocka_unit_test(test_stop_accepting),
        cmocka_unit_test(test_stop_flushes),
        cmocka_unit_test(test_stop_leaves_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
