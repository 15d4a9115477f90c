/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit of the HTTP server reached: sizes, memory for bodies, connections in all and of one
 * address, descriptors of the process.
 */
#include <sys/resource.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_rig.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limits_together),
        cmocka_unit_test(test_refused_while_sending),
        cmocka_unit_test(test_bodies_memory),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_connections_per_address),
        cmocka_unit_test(test_descriptors_reserved),
        cmocka_unit_test(test_descriptors_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
