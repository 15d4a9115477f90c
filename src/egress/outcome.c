/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome.c - what the end of a try means.
 *
 * The order of the questions matters: what we cut off ourselves first (libcurl sees only a callback that
 * stopped), then how far the try came, then libcurl's code.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/assert.h"
#include "egress/transfer.h"
#include "egress/trust.h"

enum { CURLE_TOO_LARGE_SINCE_8_6 = 100 }; /* older headers do not name it */

static void done_set(struct frame_done *done, enum token token, const char *detail)
{
    ASSERT(token != TOKEN_NONE && detail != NULL);
    done->token = (int32_t)token;
    done->detail = str_from(detail);
}

/* Microseconds that libcurl has measured, 0 = not reached. */
static int64_t easy_time(const struct transfer *t, CURLINFO info)
{
    curl_off_t us = 0;

    if (t->easy == NULL || curl_easy_getinfo(t->easy, info, &us) != CURLE_OK) {
        return 0;
    }
    return us;
}

static long easy_long(const struct transfer *t, CURLINFO info)
{
    long value = 0;

    if (t->easy == NULL || curl_easy_getinfo(t->easy, info, &value) != CURLE_OK) {
        return 0;
    }
    return value;
}

static bool is_connected(const struct transfer *t)
{
    return t->prereqs > 0 || t->connected_us > 0;
}

bool outcome_may_try_next(const struct transfer *t, CURLcode code)
{
    return (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT) &&
           !is_connected(t) && !t->is_refused && t->open_errno == 0 && t->at + 1 < t->count;
}

/* --- Before the request was on its way -------------------------------------------------------- */

static void outcome_of_connect(const struct transfer *t, CURLcode code, struct frame_done *done)
{
    if (t->open_errno != 0) {
        done_set(done, TOKEN_SENDER_OVERLOAD,
                 "The sending process could not open a connection.");
        return;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        done_set(done, TOKEN_CONNECTION_TIMEOUT,
                 is_connected(t) ? "The TLS handshake was not done in time."
                                 : "The endpoint did not accept the connection in time.");
        return;
    }
    switch (easy_long(t, CURLINFO_OS_ERRNO)) {
    case ETIMEDOUT:
        done_set(done, TOKEN_CONNECTION_TIMEOUT, "The endpoint did not accept the connection.");
        break;
    case ENETUNREACH:
    case EHOSTUNREACH:
        done_set(done, TOKEN_CONNECTION_REFUSED, "There is no route to the address.");
        break;
    default:
        done_set(done, TOKEN_CONNECTION_REFUSED, "Nothing accepts connections there.");
        break;
    }
}

static void outcome_of_tls(const struct transfer *t, CURLcode code, struct frame_done *done)
{
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        done_set(done, TOKEN_TLS_CERTIFICATE_ERROR,
                 trust_detail(easy_long(t, CURLINFO_SSL_VERIFYRESULT)));
        return;
    }
    done_set(done, TOKEN_TLS_PROTOCOL_ERROR,
             "The TLS handshake failed; TLS 1.2 or newer with a common cipher is needed.");
}

/* --- After it --------------------------------------------------------------------------------- */

static void outcome_of_response(const struct transfer *t, CURLcode code,
                                struct frame_done *done)
{
    switch ((int)code) {
    case CURLE_OPERATION_TIMEDOUT:
        done_set(done, TOKEN_HTTP_RESPONSE_TIMEOUT, "The response was not whole in time.");
        break;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_TOO_LARGE_SINCE_8_6:
        /* A header line beyond libcurl's own limit of 100 KiB. */
        done_set(done, TOKEN_HTTP_RESPONSE_HEADER_SIZE, "A response header line is too long.");
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        done_set(done, TOKEN_HTTP_PROTOCOL_ERROR, "The answer is not HTTP/1.0 or HTTP/1.1.");
        break;
    case CURLE_RECV_ERROR:
        /* One code for two things: the text tells a bad chunk from a broken connection. */
        if (strstr(t->error, "chunked-encoding") != NULL) {
            done_set(done, TOKEN_HTTP_PROTOCOL_ERROR,
                     "The chunks of the response are not valid.");
            break;
        }
        done_set(done, TOKEN_CONNECTION_TERMINATED,
                 "The connection broke during the response.");
        break;
    case CURLE_GOT_NOTHING:
        done_set(done, TOKEN_CONNECTION_TERMINATED,
                 "The connection was closed without a response.");
        break;
    case CURLE_PARTIAL_FILE:
        done_set(done, TOKEN_CONNECTION_TERMINATED,
                 "The connection was closed before the announced length.");
        break;
    case CURLE_SEND_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_COULDNT_CONNECT:
        done_set(done, TOKEN_CONNECTION_TERMINATED,
                 "The connection was closed before a response came.");
        break;
    default:
        done_set(done, TOKEN_HTTP_PROTOCOL_ERROR, curl_easy_strerror(code));
        break;
    }
}

static bool is_tls_code(CURLcode code)
{
    switch ((int)code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return true;
    default:
        return false;
    }
}

/* --- The whole frame -------------------------------------------------------------------------- */

static void done_init(const struct transfer *t, struct frame_done *done)
{
    size_t i;

    *done = (struct frame_done){ .handle = t->handle };
    for (i = 0; i < FRAME_PHASES; i++) {
        done->phase_us[i] = -1;
    }
    done->conn_reused = t->is_reused ? 1 : 0;
    done->response_headers = buf_str(&t->caps.headers);
    done->response_body = buf_str(&t->caps.body);
    done->body_cut = t->caps.body_bytes > t->caps.body.len ? 1 : 0;
    done->status_code = t->caps.is_head_done ? t->caps.status_code : 0;
}

void outcome_of_token(const struct transfer *t, enum token token, const char *detail,
                      struct frame_done *ret_done)
{
    done_init(t, ret_done);
    done_set(ret_done, token, detail);
}

void outcome_of_timeout(const struct transfer *t, struct frame_done *ret_done)
{
    done_init(t, ret_done);
    if (t->easy == NULL) {
        done_set(ret_done, TOKEN_DNS_TIMEOUT, "The name servers did not answer in time.");
    } else if (t->prereqs == 0) {
        outcome_of_connect(t, CURLE_OPERATION_TIMEDOUT, ret_done);
    } else {
        outcome_of_response(t, CURLE_OPERATION_TIMEDOUT, ret_done);
    }
}

void outcome_of_code(const struct transfer *t, CURLcode code, struct frame_done *ret_done)
{
    done_init(t, ret_done);
    if (t->is_refused) {
        done_set(ret_done, TOKEN_DESTINATION_IP_PROHIBITED,
                 "The address of the endpoint is private or reserved.");
    } else if (t->caps.token != TOKEN_NONE) {
        done_set(ret_done, t->caps.token, t->caps.detail);
    } else if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && t->caps.is_enough)) {
        ret_done->token = TOKEN_NONE;
        ret_done->status_code = t->mail != NULL ? (int32_t)easy_long(t, CURLINFO_RESPONSE_CODE)
                                                : ret_done->status_code;
    } else if (is_tls_code(code)) {
        outcome_of_tls(t, code, ret_done);
    } else if (t->prereqs == 0 && !mail_was_answered(t)) {
        outcome_of_connect(t, code, ret_done);
    } else if (t->mail != NULL) {
        mail_outcome(t, code, ret_done);
    } else {
        outcome_of_response(t, code, ret_done);
    }
}

/* --- Times ------------------------------------------------------------------------------------ */

/* From one moment to the next, or to the end when that never came; -1 when it was not even begun. */
static int32_t phase(int64_t from_us, int64_t to_us, int64_t end_us)
{
    int64_t us = (to_us > 0 ? to_us : end_us) - from_us;

    if (from_us == 0) {
        return -1;
    }
    if (us < 0) {
        return 0;
    }
    return us < INT32_MAX ? (int32_t)us : INT32_MAX;
}

void outcome_add_times(const struct transfer *t, int64_t now_us, char ret_ip[IP_TEXT_SIZE],
                       struct frame_done *done)
{
    bool is_tls = t->url.scheme.len == 5;
    int64_t first_us = t->sent_us > 0 ? easy_time(t, CURLINFO_STARTTRANSFER_TIME_T) : 0;
    int32_t *phases = done->phase_us;

    done->total_us = now_us - t->started_us;
    if (t->url.text.len == 0) {
        return; /* it was refused before anything began */
    }
    phases[0] = phase(t->started_us, t->resolved_us, now_us);
    if (t->easy == NULL) {
        return;
    }
    ip_format(&t->addresses[t->at], ret_ip);
    done->ip = str_from(ret_ip);
    first_us = first_us > 0 ? t->tried_us + first_us : 0;
    if (t->is_reused) {
        phases[1] = 0;
        phases[2] = is_tls ? 0 : -1;
    } else {
        /* The time of addresses that did not accept counts as connecting. */
        phases[1] =
            phase(t->resolved_us, t->connected_us > 0 ? t->connected_us : t->sent_us, now_us);
        phases[2] = is_tls ? phase(t->connected_us, t->sent_us, now_us) : -1;
    }
    phases[3] = phase(t->sent_us, first_us, now_us);
    phases[4] = phase(first_us, now_us, now_us);
}
