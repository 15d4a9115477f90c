/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server with raw sockets: what must never be read as two requests, late replies, limits, deadlines.
 * The server runs on its own loop in a thread; the client blocks with a deadline on every read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "net/http.h"
#include "net/loop.h"

enum { READ_DEADLINE_S = 20, REPLY_MAX = 1 << 20 };

struct rig {
    struct loop *loop;
    struct http_server *server;
    pthread_t thread;
    struct loop_watch stop;
    struct loop_after after;
    uint16_t port;
    atomic_uint handled, refused;
    struct http_request *late[256];
    unsigned late_count;
    struct http_stats last;
};

static void reply_text(struct http_request *req, int status, struct str text)
{
    http_reply(req, &(struct http_reply){ .status = status, .body = text, .content_type = "text/plain" });
}

/* /late waits for the end of the turn; /echo answers the body; anything else its method and path. */
static void on_request(void *ctx, struct http_request *req)
{
    struct rig *rig = ctx;

    atomic_fetch_add(&rig->handled, 1);
    if (str_eq_c(req->path, "/late")) {
        rig->late[rig->late_count++] = req;
        loop_wake(rig->loop);
    } else if (str_eq_c(req->path, "/echo")) {
        reply_text(req, 200, req->body);
    } else if (str_eq_c(req->path, "/query")) {
        struct str value = STR_NONE;
        int rc = http_query(req, "q", &value);

        reply_text(req, rc == 0 ? 200 : 400, value);
    } else {
        reply_text(req, 200, arena_printf(&req->arena, "%.*s %.*s %d", STR_ARG(req->method), STR_ARG(req->path),
                                          req->is_tls));
    }
}

static void on_refused(void *ctx, struct http_request *req, int code)
{
    atomic_fetch_add(&((struct rig *)ctx)->refused, 1);
    http_reply(req, &(struct http_reply){ .status = err_status(code), .body = str_from(err_token(code)), .close = true });
}

static void on_turn(struct loop_after *a)
{
    struct rig *rig = a->ctx;

    for (unsigned i = 0; i < rig->late_count; i++) {
        reply_text(rig->late[i], 200, STR("late"));
    }
    rig->late_count = 0;
}

static void on_stop(struct loop_watch *w, unsigned events)
{
    (void)events;
    loop_stop(((struct rig *)w->ctx)->loop);
}

static void *rig_run(void *arg)
{
    struct rig *rig = arg;

    if (loop_run(rig->loop) != 0) {
        abort();
    }
    http_stats(rig->server, &rig->last);
    http_stop(rig->server);
    loop_unwatch(rig->loop, &rig->stop);
    loop_after_remove(rig->loop, &rig->after);
    loop_free(rig->loop);
    return NULL;
}

static struct http_options default_options(void)
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

static void rig_start(struct rig *rig, const struct http_options *options)
{
    struct err err;

    *rig = (struct rig){ .loop = NULL };
    assert_int_equal(loop_new(&rig->loop), 0);
    assert_int_equal(http_start(rig->loop, options, on_request, on_refused, rig, &rig->server, &err), 0);
    rig->port = http_port(rig->server);
    rig->stop = (struct loop_watch){ .fd = eventfd(0, EFD_CLOEXEC), .on_ready = on_stop, .ctx = rig };
    rig->after = (struct loop_after){ .on_turn = on_turn, .ctx = rig };
    assert_int_equal(loop_watch(rig->loop, &rig->stop, LOOP_READ), 0);
    loop_after_add(rig->loop, &rig->after);
    assert_int_equal(pthread_create(&rig->thread, NULL, rig_run, rig), 0);
}

static void rig_stop(struct rig *rig)
{
    uint64_t one = 1;

    assert_int_equal(write(rig->stop.fd, &one, sizeof(one)), sizeof(one));
    assert_int_equal(pthread_join(rig->thread, NULL), 0);
    (void)close(rig->stop.fd);
}

static int dial(const struct rig *rig)
{
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(rig->port) };
    struct timeval deadline = { .tv_sec = READ_DEADLINE_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
    return fd;
}

static void say(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0) {
            return; /* the server closed: what it answered is read next */
        }
        bytes += n;
        len -= (size_t)n;
    }
}

/* Everything until the server closes. */
static char *hear(int fd)
{
    char *text = xalloc(REPLY_MAX);
    size_t len = 0;
    ssize_t n;

    while (len + 1 < REPLY_MAX && (n = recv(fd, text + len, REPLY_MAX - 1 - len, 0)) > 0) {
        len += (size_t)n;
    }
    (void)close(fd);
    return text;
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;

    for (const char *p = strstr(text, what); p != NULL; p = strstr(p + 1, what)) {
        count++;
    }
    return count;
}

#define HOST "Host: x\r\n"
#define SECOND "GET /second HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"

/* Each is followed by a whole second request: it must never be handled. */
static const struct {
    const char *name;
    const char *bytes;
} smuggling[] = {
    { "CL and TE", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "TE and CL", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" },
    { "two CL", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 5\r\n\r\n" },
    { "two equal CL", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" },
    { "CL list", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n" },
    { "CL plus", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n" },
    { "CL minus", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n" },
    { "CL hex", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x0\r\n\r\n" },
    { "CL blank inside", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0 0\r\n\r\n" },
    { "CL too large", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n" },
    { "two TE", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" },
    { "TE list", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" },
    { "TE identity", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n" },
    { "TE gzip, chunked", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" },
    { "TE xchunked", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
    { "TE on 1.0", "POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "blank before colon", "POST /echo HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\n" },
    { "tab before colon", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" },
    { "two Host", "GET /echo HTTP/1.1\r\n" HOST "Host: y\r\n\r\n" },
    { "no Host", "GET /echo HTTP/1.1\r\nAccept: *\r\n\r\n" },
    { "absolute-form of another host", "GET http://y/echo HTTP/1.1\r\n" HOST "\r\n" },
    { "chunk size overflow",
      "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nx\r\n0\r\n\r\n" },
    { "chunk size 0x", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n" },
    { "chunk size _", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1_0\r\nx\r\n0\r\n\r\n" },
    { "backslash in target", "GET /a\\b HTTP/1.1\r\n" HOST "\r\n" },
    { "fragment in target", "GET /a#b HTTP/1.1\r\n" HOST "\r\n" },
    { "control in a value", "GET /a HTTP/1.1\r\n" HOST "X: a\x01z\r\n\r\n" },
};

static void test_smuggling(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(smuggling) / sizeof(smuggling[0]); i++) {
        struct http_options options = default_options();
        struct rig rig;
        char *heard;
        int fd;

        rig_start(&rig, &options);
        fd = dial(&rig);
        say(fd, smuggling[i].bytes, strlen(smuggling[i].bytes));
        say(fd, SECOND, strlen(SECOND));
        heard = hear(fd);
        rig_stop(&rig);
        if (atomic_load(&rig.handled) > 0 || strstr(heard, "/second") != NULL ||
            (heard[0] != '\0' && strstr(heard, "HTTP/1.1 4") != heard)) {
            fail_msg("%s: handled %u, heard: %s", smuggling[i].name, atomic_load(&rig.handled), heard);
        }
        free(heard);
    }
}

static void test_pipelining(void **state)
{
    struct http_options options = default_options();
    struct rig rig;
    char *heard;
    int fd;

    (void)state;
    rig_start(&rig, &options);
    fd = dial(&rig);
    for (int i = 0; i < 100; i++) {
        const char *path = i % 3 == 0 ? "/late" : "/now";
        char text[256];
        int len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path,
                           i == 99 ? "Connection: close\r\n" : "");

        say(fd, text, (size_t)len);
    }
    heard = hear(fd);
    assert_int_equal(count_of(heard, "HTTP/1.1 200"), 100);
    assert_int_equal(count_of(heard, "\r\n\r\nlate"), 34);
    free(heard);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 100);
}

static char *ask(const struct rig *rig, const char *text)
{
    int fd = dial(rig);

    say(fd, text, strlen(text));
    return hear(fd);
}

static void test_limits(void **state)
{
    struct http_options options = default_options();
    struct rig rig;
    struct buf b;
    char *heard;

    (void)state;
    rig_start(&rig, &options);
    buf_init(&b, 1 << 20);
    /* body: one more than allowed by length, then by chunks */
    heard = ask(&rig, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10001\r\n\r\n");
    assert_ptr_equal(strstr(heard, "HTTP/1.1 413"), heard);
    free(heard);
    assert_int_equal(buf_add_c(&b, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2711\r\n"), 0);
    for (int i = 0; i < 10001; i++) {
        assert_int_equal(buf_add_char(&b, 'x'), 0);
    }
    assert_int_equal(buf_add_c(&b, "\r\n0\r\n\r\n"), 0);
    heard = ask(&rig, b.p);
    assert_ptr_equal(strstr(heard, "HTTP/1.1 413"), heard);
    free(heard);
    /* target */
    buf_clear(&b);
    assert_int_equal(buf_add_c(&b, "GET /"), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf_add_char(&b, 'a'), 0);
    }
    assert_int_equal(buf_add_c(&b, " HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    heard = ask(&rig, b.p);
    assert_ptr_equal(strstr(heard, "HTTP/1.1 414"), heard);
    free(heard);
    /* header block */
    buf_clear(&b);
    assert_int_equal(buf_add_c(&b, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "), 0);
    for (int i = 0; i < 4096; i++) {
        assert_int_equal(buf_add_char(&b, 'a'), 0);
    }
    assert_int_equal(buf_add_c(&b, "\r\n\r\n"), 0);
    heard = ask(&rig, b.p);
    assert_ptr_equal(strstr(heard, "HTTP/1.1 431"), heard);
    free(heard);
    buf_done(&b);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.handled), 0);
    assert_int_equal(atomic_load(&rig.refused), 4);
    assert_int_equal(rig.last.bodies_memory, 0);
}

static void test_bodies_memory(void **state)
{
    struct http_options options = default_options();
    struct rig rig;
    char *heard;

    (void)state;
    options.bodies_memory_max = 100;
    rig_start(&rig, &options);
    heard = ask(&rig, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n");
    assert_ptr_equal(strstr(heard, "HTTP/1.1 503"), heard);
    free(heard);
    rig_stop(&rig);
}

/* A drip of header bytes and a silent connection both end at the deadline. */
static void test_deadlines(void **state)
{
    struct http_options options = default_options();
    struct rig rig;
    char *heard;
    int drip;
    int idle;

    (void)state;
    options.header_deadline_ms = 300;
    options.idle_timeout_ms = 1000;
    rig_start(&rig, &options);
    drip = dial(&rig);
    say(drip, "GET / HTTP/1.1\r\nHost: x\r\nX-", strlen("GET / HTTP/1.1\r\nHost: x\r\nX-"));
    heard = hear(drip);
    assert_null(strstr(heard, "HTTP/1.1 200"));
    free(heard);
    idle = dial(&rig);
    say(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", strlen("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    heard = hear(idle);
    assert_int_equal(count_of(heard, "HTTP/1.1 200"), 1);
    free(heard);
    rig_stop(&rig);
}

/* A client that leaves while its request waits: nothing is lost, nothing is left. */
static void test_client_leaves(void **state)
{
    struct http_options options = default_options();
    struct rig rig;

    (void)state;
    rig_start(&rig, &options);
    for (int i = 0; i < 50; i++) {
        int fd = dial(&rig);

        say(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n", strlen("GET /late HTTP/1.1\r\nHost: x\r\n\r\n"));
        (void)close(fd);
    }
    for (int i = 0; i < 10; i++) {
        char *heard = ask(&rig, "GET /late HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        assert_non_null(strstr(heard, "late"));
        free(heard);
    }
    rig_stop(&rig);
    assert_int_equal(rig.last.waiting, 0);
}

static void test_query(void **state)
{
    static const struct {
        const char *query;
        const char *status;
        const char *value;
    } rows[] = {
        { "q=a%20b", "200", "a b" }, { "q=a+b&x=1", "200", "a b" }, { "x=1", "200", "" },
        { "q=%C3%A9", "200", "\xc3\xa9" }, { "q=%", "400", "" }, { "q=%4", "400", "" }, { "q=%zz", "400", "" },
        { "q=%ff", "400", "" }, { "q=%00", "400", "" }, { "q=1&q=2", "400", "" }, { "&&q=1&", "200", "1" },
    };
    struct http_options options = default_options();
    struct rig rig;

    (void)state;
    rig_start(&rig, &options);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        char *heard;
        char *body;

        (void)snprintf(text, sizeof(text), "GET /query?%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                       rows[i].query);
        heard = ask(&rig, text);
        assert_int_equal(strncmp(heard + 9, rows[i].status, 3), 0);
        body = strstr(heard, "\r\n\r\n");
        assert_non_null(body);
        assert_string_equal(body + 4, rows[i].value);
        free(heard);
    }
    rig_stop(&rig);
}

static void test_proxy(void **state)
{
    struct http_options options = default_options();
    struct rig rig;
    char *heard;

    (void)state;
    options.behind_proxy = "10.0.0.0/8, 127.0.0.1";
    rig_start(&rig, &options);
    heard = ask(&rig, "GET /p HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(heard, "GET /p 1"));
    assert_non_null(strstr(heard, "Strict-Transport-Security"));
    free(heard);
    rig_stop(&rig);
    options.behind_proxy = NULL;
    rig_start(&rig, &options);
    heard = ask(&rig, "GET /p HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(heard, "GET /p 0"));
    free(heard);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smuggling),     cmocka_unit_test(test_pipelining), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_bodies_memory), cmocka_unit_test(test_deadlines),  cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_query),         cmocka_unit_test(test_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
