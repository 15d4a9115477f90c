/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of connections to the HTTP server: late replies, clients that leave, every deadline, no
 * busy loop, the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_rig.h"

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
    options.header_deadline_ms = 60 * 1000; /* the deadline comes nearer */
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
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_header_drip),
        cmocka_unit_test(test_header_drip_later),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_body_slow),
        cmocka_unit_test(test_body_pause),
        cmocka_unit_test(test_reader_slow),
        cmocka_unit_test(test_held_has_none),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_stop_accepting),
        cmocka_unit_test(test_stop_flushes),
        cmocka_unit_test(test_stop_leaves_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
