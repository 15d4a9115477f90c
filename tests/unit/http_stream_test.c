/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies in pieces: they sleep without cost, go on when woken, hold one piece of a slow client,
 * and end with the server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_rig.h"

enum { STREAMS_MAX = 64, SHORT_MS = 150, PIECE = 100000, PIECES = 200 };

struct stream {
    struct http_request *req; /* NULL: closed */
    const char *text;         /* the next bytes, NULL: none */
    enum http_more more;
    bool is_endless;
    unsigned pieces_left;
};

/* The server's thread only, but for what is atomic. */
static struct stream streams[STREAMS_MAX];
static unsigned stream_count;
static atomic_uint reads, closed;
static bool is_endless_next, is_long_next;

static enum http_more on_read(void *ctx, struct buf *out)
{
    struct stream *s = ctx;
    int rc = 0;

    atomic_fetch_add(&reads, 1);
    if (s->pieces_left > 0) {
        struct buf b = bytes_of(PIECE, 'p');

        rc = buf_add_str(out, buf_str(&b));
        buf_done(&b);
        s->pieces_left--;
        s->more = s->pieces_left == 0 ? HTTP_END : HTTP_MORE;
    } else if (s->text != NULL) {
        rc = buf_add_c(out, s->text);
        s->text = NULL;
    }
    assert_int_equal(rc, 0);
    return s->more;
}

static void on_closed(void *ctx)
{
    struct stream *s = ctx;

    s->req = NULL;
    atomic_fetch_add(&closed, 1);
}

static void on_stream(struct rig *rig, struct http_request *req)
{
    struct stream *s = &streams[stream_count++];

    (void)rig;
    *s = (struct stream){ .req = req,
                          .more = is_long_next ? HTTP_MORE : HTTP_WAIT,
                          .is_endless = is_endless_next,
                          .pieces_left = is_long_next ? PIECES : 0 };
    http_reply_stream(req, &(struct http_stream){ .status = 200,
                                                  .content_type = "text/plain",
                                                  .headers = "X-One: 1\r\n",
                                                  .is_endless = s->is_endless,
                                                  .on_read = on_read,
                                                  .on_closed = on_closed,
                                                  .ctx = s });
}

static void start(struct rig *rig, const struct http_options *options, bool is_endless,
                  bool is_long)
{
    stream_count = 0;
    is_endless_next = is_endless;
    is_long_next = is_long;
    atomic_store(&reads, 0);
    atomic_store(&closed, 0);
    rig_start(rig, options);
    rig->on_stream = on_stream;
}

static bool has_streams(const struct rig *rig, unsigned n)
{
    return rig->stats.streams == n;
}

static void wake_all(const char *text, enum http_more more)
{
    for (unsigned i = 0; i < stream_count; i++) {
        if (streams[i].req != NULL) {
            streams[i].text = text;
            streams[i].more = more;
            http_stream_wake(streams[i].req);
        }
    }
}

static void say_one(struct rig *rig)
{
    (void)rig;
    wake_all("one\n", HTTP_WAIT);
}

static void say_last(struct rig *rig)
{
    (void)rig;
    wake_all("last\n", HTTP_END);
}

static void break_all(struct rig *rig)
{
    (void)rig;
    wake_all(NULL, HTTP_BROKEN);
}

static void stop_accepting(struct rig *rig)
{
    http_stop_accepting(rig->server);
}

static void test_pieces(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    char *heard;
    int fd;

    (void)state;
    start(&rig, &options, false, false);
    fd = dial(&rig);
    assert_true(say(fd, STR(GET("/stream") LAST("/behind"))));
    hear_until(fd, "X-One: 1\r\n");
    rig_wait(&rig, has_streams, 1);
    rig_call(&rig, say_one);
    hear_until(fd, "one\n");
    rig_call(&rig, say_last);
    heard = hear(fd);
    assert_non_null(strstr(heard, "last\n"));
    assert_non_null(strstr(heard, "\r\n0\r\n\r\nHTTP/1.1 200"));
    assert_non_null(strstr(heard, "GET /behind"));
    free(heard);
    rig_wait(&rig, has_streams, 0);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&closed), 1);
}

/* Nobody is asked while there is nothing to say. */
static void test_sleeps(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    unsigned turns;
    int fd;

    (void)state;
    start(&rig, &options, false, false);
    fd = dial(&rig);
    assert_true(say(fd, STR(LAST("/stream"))));
    hear_until(fd, "\r\n\r\n");
    rig_call(&rig, say_one);
    hear_until(fd, "one\n");
    turns = atomic_load(&rig.turns);
    (void)poll(NULL, 0, 100);
    assert_true(atomic_load(&rig.turns) - turns < 10);
    assert_true(atomic_load(&reads) < 5);
    rig_call(&rig, say_last);
    hear_until(fd, "last\n");
    (void)close(fd);
    rig_stop(&rig);
}

/* HEAD has the headers alone; nobody is asked for bytes. */
static void test_head(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;

    (void)state;
    start(&rig, &options, true, false);
    answer_is(&rig, "HEAD /stream HTTP/1.1\r\n" HOST "\r\n" LAST("/behind"), 200,
              "\r\n\r\nHTTP/1.1 200"); /* no last chunk between */
    rig_wait(&rig, has_streams, 0);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&reads), 0);
    assert_int_equal(atomic_load(&closed), 1);
}

/* A client that left is noticed when it is written to. */
static void test_client_leaves(void **state)
{
    struct http_options options = rig_options();
    struct linger reset = { .l_onoff = 1 };
    struct rig rig;

    (void)state;
    start(&rig, &options, true, false);
    for (unsigned i = 0; i < STREAMS_MAX; i++) {
        int fd = dial(&rig);

        assert_true(say(fd, STR(LAST("/stream"))));
        hear_until(fd, "\r\n\r\n");
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        (void)close(fd);
    }
    rig_wait(&rig, has_streams, STREAMS_MAX);
    rig_call(&rig, say_one);
    rig_wait(&rig, has_streams, 0);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&closed), STREAMS_MAX);
}

/* A long reply comes whole, and is made only as fast as it is read. */
static void test_long(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    char *heard;
    int fd;

    (void)state;
    start(&rig, &options, false, true);
    fd = dial(&rig);
    assert_true(say(fd, STR(LAST("/stream"))));
    hear_until(fd, "\r\n\r\n");
    rig_wait(&rig, has_streams, 1);
    assert_true(atomic_load(&reads) < PIECES);
    heard = hear(fd);
    assert_true(strlen(heard) > (size_t)PIECE * (PIECES - 1));
    assert_non_null(strstr(heard, "\r\n0\r\n\r\n"));
    free(heard);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&reads), PIECES);
}

/* One that does not read on is cut, and what it had waiting is freed. */
static void test_slow_reader_is_cut(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    int fd;

    (void)state;
    options.idle_timeout_ms = SHORT_MS;
    options.body_rate_min = 1000 * 1000;
    start(&rig, &options, false, true);
    fd = dial(&rig);
    assert_true(say(fd, STR(LAST("/stream"))));
    hear_until(fd, "\r\n\r\n");
    rig_wait(&rig, has_streams, 0);
    rig_stop(&rig);
    assert_true(atomic_load(&reads) < PIECES);
    assert_int_equal(atomic_load(&closed), 1);
    (void)close(fd);
}

/* What broke does not look like an end. */
static void test_broken(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    char *heard;
    int fd;

    (void)state;
    start(&rig, &options, false, false);
    fd = dial(&rig);
    assert_true(say(fd, STR(GET("/stream"))));
    hear_until(fd, "\r\n\r\n");
    rig_call(&rig, break_all);
    heard = hear(fd);
    assert_null(strstr(heard, "0\r\n\r\n"));
    free(heard);
    rig_stop(&rig);
}

/* The listener closes: endless ones end, others may finish. */
static void test_drain(void **state)
{
    struct http_options options = rig_options();
    struct rig rig;
    char *heard;
    int fds[2];

    (void)state;
    start(&rig, &options, true, false);
    for (int i = 0; i < 2; i++) {
        fds[i] = dial(&rig);
        assert_true(say(fds[i], STR(LAST("/stream"))));
        hear_until(fds[i], "\r\n\r\n");
        is_endless_next = false;
    }
    rig_call(&rig, stop_accepting);
    heard = hear(fds[0]);
    assert_non_null(strstr(heard, "0\r\n\r\n"));
    free(heard);
    rig_call(&rig, say_one);
    hear_until(fds[1], "one\n");
    rig_stop(&rig); /* with one asleep: no abort, and the client sees that it broke */
    heard = hear(fds[1]);
    assert_null(strstr(heard, "0\r\n\r\n"));
    free(heard);
    assert_int_equal(atomic_load(&closed), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces), cmocka_unit_test(test_sleeps),
        cmocka_unit_test(test_head),   cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_long),   cmocka_unit_test(test_slow_reader_is_cut),
        cmocka_unit_test(test_broken), cmocka_unit_test(test_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
