/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens by number, name and status; and what is kept and counted of a response, up to each limit. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#include "egress/caps.h"
#include "egress/token.h"
#include "egress/trust.h"

/* --- Tokens ----------------------------------------------------------------------------------- */

static void every_token_is_found_again(void **state)
{
    (void)state;
    for (int32_t token = TOKEN_DNS_ERROR; token <= TOKEN_SENDER_OVERLOAD; token++) {
        assert_int_equal(token_parse(str_from(token_name(token))), token);
        assert_true(strlen(token_sentence(token)) > 10);
        assert_true(strlen(token_advice(token)) > 10);
    }
    assert_string_equal(token_name(TOKEN_NONE), "");
    assert_string_equal(token_name(-1), "");
    assert_string_equal(token_name(9999), "");
    assert_int_equal(token_parse(STR("")), -1);
    assert_int_equal(token_parse(STR("dns_errors")), -1);
}

static void tokens_of_statuses(void **state)
{
    static const struct {
        int32_t status;
        enum token token;
    } cases[] = {
        { 199, TOKEN_STATUS_INVALID },
        { 200, TOKEN_NONE },
        { 204, TOKEN_NONE },
        { 299, TOKEN_NONE },
        { 300, TOKEN_REDIRECT },
        { 399, TOKEN_REDIRECT },
        { 400, TOKEN_CLIENT_ERROR },
        { 401, TOKEN_AUTH },
        { 403, TOKEN_AUTH },
        { 404, TOKEN_ENDPOINT_NOT_FOUND },
        { 405, TOKEN_ENDPOINT_NOT_FOUND },
        { 410, TOKEN_GONE },
        { 422, TOKEN_CLIENT_ERROR },
        { 429, TOKEN_RATE_LIMITED },
        { 500, TOKEN_SERVER_ERROR },
        { 599, TOKEN_SERVER_ERROR },
        { 600, TOKEN_STATUS_INVALID },
        { 999, TOKEN_STATUS_INVALID },
        { 0, TOKEN_STATUS_INVALID },
        { -1, TOKEN_STATUS_INVALID },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(token_of_status(cases[i].status), cases[i].token);
    }
    assert_true(token_is_timeout(TOKEN_HTTP_RESPONSE_TIMEOUT));
    assert_true(token_is_timeout(TOKEN_CONNECTION_TIMEOUT));
    assert_true(token_is_timeout(TOKEN_DNS_TIMEOUT));
    assert_false(token_is_timeout(TOKEN_CONNECTION_TERMINATED));
}

static void certificates_have_sentences(void **state)
{
    static const long results[] = { X509_V_OK,
                                    X509_V_ERR_CERT_HAS_EXPIRED,
                                    X509_V_ERR_CERT_NOT_YET_VALID,
                                    X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                                    X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                                    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                                    X509_V_ERR_CERT_REVOKED,
                                    X509_V_ERR_EE_KEY_TOO_SMALL,
                                    9999 };

    (void)state;
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(trust_detail(results[i]), trust_detail(results[k]));
        }
    }
}

/* --- Caps ------------------------------------------------------------------------------------- */

static bool line(struct caps *c, const char *text)
{
    return caps_line(c, str_from(text));
}

static void a_response_is_kept(void **state)
{
    struct caps c;

    (void)state;
    caps_init(&c);
    assert_true(line(&c, "HTTP/1.1 103 Early Hints\r\n"));
    assert_true(line(&c, "Link: </a>\r\n"));
    assert_true(line(&c, "\r\n"));
    assert_false(c.is_head_done);
    assert_true(line(&c, "HTTP/1.1 200\r\n"));
    assert_true(line(&c, "A: b\r\n"));
    assert_true(line(&c, "no colon\r\n"));
    assert_true(line(&c, "C: \xff\n"));
    assert_true(line(&c, "\r\n"));
    assert_true(c.is_head_done);
    assert_int_equal(c.status_code, 200);
    assert_true(caps_body(&c, STR("body")));
    assert_true(line(&c, "Trailer: x\r\n"));
    assert_true(line(&c, "\r\n"));
    assert_string_equal(c.headers.p, "A: b\r\nC: \xff\r\n");
    assert_string_equal(c.body.p, "body");
    assert_int_equal(c.token, TOKEN_NONE);
    caps_clear(&c);
    assert_false(c.is_head_done);
    assert_int_equal(c.headers.len + c.body.len + c.head_lines + c.head_bytes + c.body_bytes,
                     0);
    caps_done(&c);
}

static void the_head_has_at_most_100_lines(void **state)
{
    struct caps c;

    (void)state;
    caps_init(&c);
    assert_true(line(&c, "HTTP/1.1 200 OK\r\n"));
    for (int i = 1; i < CAPS_HEAD_LINES_MAX; i++) {
        assert_true(line(&c, "A: b\r\n"));
    }
    assert_int_equal(c.token, TOKEN_NONE);
    assert_false(line(&c, "A: b\r\n"));
    assert_int_equal(c.token, TOKEN_HTTP_RESPONSE_HEADER_SIZE);
    caps_done(&c);
}

static void the_head_has_at_most_64_kib(void **state)
{
    static char text[CAPS_HEAD_BYTES_MAX];
    struct caps c;

    (void)state;
    memset(text, 'a', sizeof(text));
    caps_init(&c);
    assert_true(line(&c, "HTTP/1.1 200 OK\r\n"));
    assert_true(caps_line(&c, (struct str){ text, CAPS_HEAD_BYTES_MAX - 17 }));
    assert_int_equal(c.token, TOKEN_NONE);
    assert_false(line(&c, "\n"));
    assert_int_equal(c.token, TOKEN_HTTP_RESPONSE_HEADER_SIZE);
    caps_done(&c);
}

/* Whole lines to 8 KiB, and none behind the first that has no room. */
static void headers_kept_are_whole_lines(void **state)
{
    static char text[CAPS_HEADERS_KEPT_MAX];
    struct caps c;

    (void)state;
    memset(text, 'a', sizeof(text));
    text[0] = 'A';
    text[1] = ':';
    caps_init(&c);
    assert_true(line(&c, "HTTP/1.1 200 OK\r\n"));
    assert_true(caps_line(&c, (struct str){ text, CAPS_HEADERS_KEPT_MAX - 2 - 6 }));
    assert_int_equal(c.headers.len, CAPS_HEADERS_KEPT_MAX - 6);
    assert_true(line(&c, "B: cd\r\n")); /* one byte too many */
    assert_true(line(&c, "B: c\r\n"));
    assert_int_equal(c.headers.len, CAPS_HEADERS_KEPT_MAX - 6);
    caps_clear(&c);
    assert_true(line(&c, "HTTP/1.1 200 OK\r\n"));
    assert_true(caps_line(&c, (struct str){ text, CAPS_HEADERS_KEPT_MAX - 2 - 6 }));
    assert_true(line(&c, "B: c\r\n"));
    assert_int_equal(c.headers.len, CAPS_HEADERS_KEPT_MAX);
    caps_done(&c);
}

static void the_body_is_read_to_64_kib_and_kept_to_4(void **state)
{
    static char text[CAPS_BODY_READ_MAX];
    struct caps c;

    (void)state;
    memset(text, 'b', sizeof(text));
    caps_init(&c);
    assert_true(caps_body(&c, (struct str){ text, CAPS_BODY_KEPT_MAX - 1 }));
    assert_int_equal(c.body.len, CAPS_BODY_KEPT_MAX - 1);
    assert_true(caps_body(&c, (struct str){ text, CAPS_BODY_READ_MAX - CAPS_BODY_KEPT_MAX }));
    assert_int_equal(c.body.len, CAPS_BODY_KEPT_MAX);
    assert_false(c.is_enough);
    assert_false(caps_body(&c, (struct str){ text, 1 }));
    assert_true(c.is_enough);
    assert_int_equal(c.token, TOKEN_NONE);
    caps_done(&c);
}

static void wire_bytes_have_a_limit(void **state)
{
    struct caps c;

    (void)state;
    caps_init(&c);
    assert_true(caps_wire(&c, CAPS_WIRE_BYTES_MAX));
    assert_false(caps_wire(&c, CAPS_WIRE_BYTES_MAX + 1));
    assert_int_equal(c.token, TOKEN_HTTP_RESPONSE_HEADER_SIZE);
    caps_clear(&c);
    assert_true(line(&c, "HTTP/1.1 200 OK\r\n"));
    assert_true(line(&c, "\r\n"));
    assert_false(caps_wire(&c, CAPS_WIRE_BYTES_MAX + 1));
    assert_int_equal(c.token, TOKEN_HTTP_RESPONSE_SIZE);
    caps_done(&c);
}

static void odd_status_lines(void **state)
{
    struct caps c;

    (void)state;
    caps_init(&c);
    assert_false(line(&c, "HTTP/1.1 101 Switching Protocols\r\n"));
    assert_int_equal(c.token, TOKEN_HTTP_UPGRADE_FAILED);
    caps_clear(&c);
    assert_false(line(&c, "HTTP/1.1\r\n"));
    assert_int_equal(c.token, TOKEN_HTTP_PROTOCOL_ERROR);
    caps_clear(&c);
    assert_false(line(&c, "HTTP/1.1 2x0 OK\r\n"));
    assert_int_equal(c.token, TOKEN_HTTP_PROTOCOL_ERROR);
    assert_int_equal(caps_received(-1), 0);
    assert_false(caps_is_connected(-1));
    caps_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_token_is_found_again),
        cmocka_unit_test(tokens_of_statuses),
        cmocka_unit_test(certificates_have_sentences),
        cmocka_unit_test(a_response_is_kept),
        cmocka_unit_test(the_head_has_at_most_100_lines),
        cmocka_unit_test(the_head_has_at_most_64_kib),
        cmocka_unit_test(headers_kept_are_whole_lines),
        cmocka_unit_test(the_body_is_read_to_64_kib_and_kept_to_4),
        cmocka_unit_test(wire_bytes_have_a_limit),
        cmocka_unit_test(odd_status_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
