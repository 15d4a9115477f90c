/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: what is written is read again; every cut, every wrong length and every limit is found. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "net/frame.h"

static const struct frame_policy policy = {
    .allow_http = 1,
    .allow_loopback = 0,
    .allow_targets = { "10.0.0.0/8:443", 14 },
    .refuse_targets = { "1.1.1.1", 7 },
    .ports = { "any", 3 },
    .dns_server = { "127.0.0.1:53", 12 },
    .user_agent = { "Postern/1", 9 },
    .connect_timeout_ms = 5000,
    .transfers_max = 2000,
    .bytes_max = UINT64_C(0x0102030405060708),
};
static const struct frame_send send = {
    .handle = UINT64_C(0xfffefdfcfbfaf9f8),
    .timeout_ms = 15000,
    .flags = FRAME_SEND_FRESH_CONNECTION,
    .url = { "https://example.com/", 20 },
    .headers = { "A: b\r\n", 6 },
    .body = { "a\0b", 3 },
};
static const struct frame_done done = {
    .handle = 7,
    .token = -1,
    .status_code = 204,
    .conn_reused = 1,
    .body_cut = 1,
    .phase_us = { -1, 0, 1, INT32_MAX, INT32_MIN },
    .total_us = INT64_MIN,
    .ip = { "::1", 3 },
    .detail = { "why", 3 },
    .response_headers = { "X: \xff\r\n", 7 },
    .response_body = { NULL, 0 },
};

static const struct frame_mail mail = {
    .handle = 11,
    .timeout_ms = 30000,
    .port = 587,
    .tls = FRAME_MAIL_STARTTLS,
    .host = { "mail.example.com", 16 },
    .helo = { "example.com", 11 },
    .from = { "a@example.com", 13 },
    .to = { "b@example.com", 13 },
    .user = { "u", 1 },
    .password = { "p", 1 },
    .body = { "Subject: x\r\n\r\n\0", 15 },
};

static void put_all(struct buf *out)
{
    buf_init(out, 4096);
    assert_int_equal(frame_put_policy(out, &policy), 0);
    assert_int_equal(frame_put_send(out, &send), 0);
    assert_int_equal(frame_put_done(out, &done), 0);
    assert_int_equal(frame_put_abort(out, 9), 0);
    assert_int_equal(frame_put_mail(out, &mail), 0);
}

static void check_policy(struct str body)
{
    struct frame_policy got;

    assert_int_equal(frame_get_policy(body, &got), 0);
    assert_int_equal(got.allow_http, 1);
    assert_int_equal(got.allow_loopback, 0);
    assert_true(str_eq(got.allow_targets, policy.allow_targets));
    assert_true(str_eq(got.refuse_targets, policy.refuse_targets));
    assert_true(str_eq(got.ports, policy.ports));
    assert_true(str_eq(got.dns_server, policy.dns_server));
    assert_true(str_eq(got.user_agent, policy.user_agent));
    assert_int_equal(got.connect_timeout_ms, 5000);
    assert_int_equal(got.transfers_max, 2000);
    assert_true(got.bytes_max == policy.bytes_max);
}

static void check_send(struct str body)
{
    struct frame_send got;

    assert_int_equal(frame_get_send(body, &got), 0);
    assert_true(got.handle == send.handle);
    assert_int_equal(got.timeout_ms, 15000);
    assert_int_equal(got.flags, FRAME_SEND_FRESH_CONNECTION);
    assert_true(str_eq(got.url, send.url));
    assert_true(str_eq(got.headers, send.headers));
    assert_true(str_eq(got.body, send.body));
}

static void check_done(struct str body)
{
    struct frame_done got;

    assert_int_equal(frame_get_done(body, &got), 0);
    assert_true(got.handle == done.handle);
    assert_int_equal(got.token, -1);
    assert_int_equal(got.status_code, 204);
    assert_int_equal(got.conn_reused, 1);
    assert_int_equal(got.body_cut, 1);
    assert_memory_equal(got.phase_us, done.phase_us, sizeof(done.phase_us));
    assert_true(got.total_us == INT64_MIN);
    assert_true(str_eq(got.ip, done.ip));
    assert_true(str_eq(got.detail, done.detail));
    assert_true(str_eq(got.response_headers, done.response_headers));
    assert_int_equal(got.response_body.len, 0);
}

static void check_mail(struct str body)
{
    struct frame_mail got;

    assert_int_equal(frame_get_mail(body, &got), 0);
    assert_true(got.handle == mail.handle);
    assert_int_equal(got.timeout_ms, 30000);
    assert_int_equal(got.port, 587);
    assert_int_equal(got.tls, FRAME_MAIL_STARTTLS);
    assert_true(str_eq(got.host, mail.host));
    assert_true(str_eq(got.helo, mail.helo));
    assert_true(str_eq(got.from, mail.from));
    assert_true(str_eq(got.to, mail.to));
    assert_true(str_eq(got.user, mail.user));
    assert_true(str_eq(got.password, mail.password));
    assert_true(str_eq(got.body, mail.body));
}

static void what_is_written_is_read(void **state)
{
    struct buf out;
    struct str left;
    enum frame_type type;
    struct str body;
    size_t size;
    uint64_t handle = 0;

    (void)state;
    put_all(&out);
    left = buf_str(&out);
    for (int expected = FRAME_POLICY; expected <= FRAME_MAIL; expected++) {
        assert_int_equal(frame_next(left, &type, &body, &size), 0);
        assert_int_equal(type, expected);
        if (type == FRAME_POLICY) {
            check_policy(body);
        } else if (type == FRAME_SEND) {
            check_send(body);
        } else if (type == FRAME_DONE) {
            check_done(body);
        } else if (type == FRAME_MAIL) {
            check_mail(body);
        } else {
            assert_int_equal(frame_get_abort(body, &handle), 0);
            assert_true(handle == 9);
        }
        left = str_sub(left, size, left.len);
    }
    assert_int_equal(left.len, 0);
    assert_int_equal(frame_next(left, &type, &body, &size), -E_NOT_FOUND);
    buf_done(&out);
}

static int get_any(enum frame_type type, struct str body)
{
    struct frame_policy p;
    struct frame_send s;
    struct frame_done d;
    struct frame_mail m;
    uint64_t handle;

    if (type == FRAME_POLICY) {
        return frame_get_policy(body, &p);
    }
    if (type == FRAME_SEND) {
        return frame_get_send(body, &s);
    }
    if (type == FRAME_MAIL) {
        return frame_get_mail(body, &m);
    }
    return type == FRAME_DONE ? frame_get_done(body, &d) : frame_get_abort(body, &handle);
}

/* Each prefix of the stream asks for more bytes; each prefix of a body, and a body with more, is bad. */
static void every_cut_is_found(void **state)
{
    struct buf out;
    struct str left;

    (void)state;
    put_all(&out);
    left = buf_str(&out);
    while (left.len > 0) {
        enum frame_type type;
        struct str body;
        size_t size;
        char *longer;

        assert_int_equal(frame_next(left, &type, &body, &size), 0);
        for (size_t len = 0; len < size; len++) {
            enum frame_type no_type = FRAME_ABORT;
            struct str no_body = STR_NONE;
            size_t no_size = 0;
            char *copy = test_malloc(len + 1);

            memcpy(copy, left.p, len);
            assert_int_equal(
                frame_next((struct str){ copy, len }, &no_type, &no_body, &no_size),
                -E_NOT_FOUND);
            assert_int_equal(no_size, 0);
            test_free(copy);
        }
        for (size_t len = 0; len < body.len; len++) {
            char *copy = test_malloc(len + 1);

            memcpy(copy, body.p, len);
            assert_int_equal(get_any(type, (struct str){ copy, len }), -E_INVALID);
            test_free(copy);
        }
        longer = test_malloc(body.len + 1);
        memcpy(longer, body.p, body.len);
        longer[body.len] = 0;
        assert_int_equal(get_any(type, (struct str){ longer, body.len + 1 }), -E_INVALID);
        test_free(longer);
        left = str_sub(left, size, left.len);
    }
    buf_done(&out);
}

static void bad_heads(void **state)
{
    static const unsigned char cases[][5] = {
        { 0, 0, 0, 0, 1 },              /* no type */
        { 1, 0, 0x40, 0, 1 },           /* one over the limit */
        { 0xff, 0xff, 0xff, 0xff, 1 },  /* far over */
        { 1, 0, 0, 0, 0 },              /* type 0 */
        { 1, 0, 0, 0, FRAME_MAIL + 1 }, /* type beyond */
        { 9, 0, 0, 0, 0xff },           /* wrong before the rest has come */
    };
    enum frame_type type;
    struct str body;
    size_t size;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            frame_next((struct str){ (const char *)cases[i], 5 }, &type, &body, &size),
            -E_INVALID);
    }
    /* The length alone is enough to refuse. */
    assert_int_equal(frame_next((struct str){ (const char *)cases[1], 4 }, &type, &body, &size),
                     -E_INVALID);
}

/* A string that claims more than there is, also near 2^32. */
static void bad_lengths_inside(void **state)
{
    static const uint32_t claims[] = { 21, 0x7fffffff, 0xffffffff, 0xfffffff0 };
    struct frame_send got;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(frame_put_send(&out, &send), 0);
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        for (unsigned byte = 0; byte < 4; byte++) {
            out.p[5 + 16 + byte] = (char)(unsigned char)(claims[i] >> (8 * byte));
        }
        assert_int_equal(frame_get_send((struct str){ out.p + 5, out.len - 5 }, &got),
                         -E_INVALID);
    }
    buf_done(&out);
}

static void limits(void **state)
{
    const size_t fixed = 1 + 8 + 4 + 4 + 3 * 4;
    char *bytes = calloc(1, FRAME_SIZE_MAX + 1);
    struct frame_send f = { .url = { bytes, FRAME_SIZE_MAX - fixed } };
    struct buf out;
    enum frame_type type;
    struct str body;
    size_t size;

    (void)state;
    assert_non_null(bytes);
    buf_init(&out, 2 * (size_t)FRAME_SIZE_MAX);
    assert_int_equal(frame_put_send(&out, &f), 0);
    assert_int_equal(out.len, FRAME_SIZE_MAX + 4);
    assert_int_equal(frame_next(buf_str(&out), &type, &body, &size), 0);
    assert_int_equal(frame_get_send(body, &f), 0);

    /* One byte more, by one string or by all together: refused, and nothing is written. */
    f = (struct frame_send){ .url = { bytes, FRAME_SIZE_MAX - fixed + 1 } };
    assert_int_equal(frame_put_send(&out, &f), -E_TOO_LARGE);
    f = (struct frame_send){ .url = { bytes, FRAME_SIZE_MAX + 1 } };
    assert_int_equal(frame_put_send(&out, &f), -E_TOO_LARGE);
    f.url.len = f.headers.len = f.body.len = FRAME_SIZE_MAX / 2;
    f.headers.p = f.body.p = bytes;
    assert_int_equal(frame_put_send(&out, &f), -E_TOO_LARGE);
    assert_int_equal(out.len, FRAME_SIZE_MAX + 4);

    /* The buffer's own limit. */
    out.max = out.len + 12;
    assert_int_equal(frame_put_abort(&out, 1), -E_TOO_LARGE);
    assert_int_equal(out.len, FRAME_SIZE_MAX + 4);
    out.max = out.len + 13;
    assert_int_equal(frame_put_abort(&out, 1), 0);
    buf_done(&out);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(bad_heads),
        cmocka_unit_test(bad_lengths_inside),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
