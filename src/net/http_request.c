/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_request.c - a request's life, in time order: target (request line) -> access, first call
 * (head: checks) -> access with data -> access at the end: the handler replies at once, or the
 * connection sleeps until http_reply -> resumed by http.c, access once more: the response is
 * queued -> completed: freed.
 *
 *   HEAD -> BODY -> WAITING -> REPLIED -> QUEUED -> (freed)
 *      `-------`------> refused: WAITING -> REPLIED within one call
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/http_internal.h"

/* Reserved of an announced length; the rest grows as it comes. */
enum { HTTP_BODY_RESERVE_MAX = 64 * 1024 };

/* --- The head ----------------------------------------------------------------------------- */

/* A counter under a bijection with a random start (the finisher of SplitMix64): never the same twice
 * in a process, not to be told from random, and no system call. */
static void request_id(struct http_server *s, char ret_text[HTTP_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t n = s->id_seed + s->id_count * UINT64_C(0x9e3779b97f4a7c15);

    s->id_count++;
    n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
    n ^= n >> 31;
    for (size_t i = HTTP_ID_SIZE - 1; i-- > 0; n >>= 4) {
        ret_text[i] = digits[n & 15];
    }
}

void *http_request_target(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *s = cls;
    struct request *r = xalloc(sizeof(*r));

    s->progress++;
    r->server = s;
    r->connection = connection;
    r->conn = http_conn_of(connection);
    arena_init(&r->public.arena);
    r->target = arena_str(&r->public.arena, str_from(uri));
    buf_init(&r->body, s->options.body_max);
    request_id(s, r->id);
    r->public.id = str_from(r->id);
    r->public.path = STR("/");
    r->public.started_us = clock_boot_us();
    http_conn_deadline(r->conn, s->options.header_deadline_ms);
    return r;
}

static enum MHD_Result request_queue(struct request *r)
{
    struct http_server *s = r->server;
    int64_t reading_ms = s->options.idle_timeout_ms;
    enum MHD_Result rc;

    ASSERT(r->state == REQUEST_REPLIED);
    if (s->options.body_rate_min > 0) {
        reading_ms += (int64_t)(r->reply_size * 1000 / s->options.body_rate_min);
    }
    http_conn_deadline(r->conn, reading_ms);
    r->state = REQUEST_QUEUED;
    s->queued++;
    rc = MHD_queue_response(r->connection, r->status, r->response);
    MHD_destroy_response(r->response);
    r->response = NULL;
    return rc;
}

/* Hand it out, and take the reply if it comes at once. */
static bool request_hand(struct request *r, int code)
{
    struct http_server *s = r->server;

    r->state = REQUEST_WAITING;
    s->stats.waiting++;
    r->is_in_handler = true;
    if (code == 0) {
        s->on_request(s->ctx, &r->public);
    } else {
        s->on_refused(s->ctx, &r->public, code);
    }
    r->is_in_handler = false;
    return r->state == REQUEST_REPLIED;
}

/* Whoever sent this is not listened to any longer, whatever else it has sent. */
static enum MHD_Result request_refuse(struct request *r, int code)
{
    bool is_replied;

    r->server->stats.refused++;
    r->refused = code;
    r->conn->must_linger = true;
    is_replied = request_hand(r, code);
    ASSERT(is_replied);
    return request_queue(r);
}

/* The deadline while a body comes: fast enough on the whole, and no pause. */
static void body_deadline(struct request *r)
{
    const struct http_options *o = &r->server->options;
    int64_t pause_ms =
        o->header_deadline_ms > o->body_grace_ms ? o->header_deadline_ms : o->body_grace_ms;
    int64_t delay_ms = pause_ms;

    if (o->body_rate_min > 0) {
        delay_ms = (int64_t)o->body_grace_ms +
                   (int64_t)(r->body_seen * 1000 / o->body_rate_min) -
                   (loop_now(r->server->loop) - r->public.started_us / 1000);
    }
    http_conn_deadline(r->conn, delay_ms < pause_ms ? delay_ms : pause_ms);
}

static enum MHD_Result request_head(struct request *r, const char *method, const char *version)
{
    struct str length;
    int64_t size = 0;
    int rc;

    r->public.method = arena_str(&r->public.arena, str_from(method));
    r->state = REQUEST_BODY;
    r->server->stats.requests++;
    http_proxy_find(r);
    rc = http_check_head(r, version);
    if (rc == 0) {
        rc = http_check_target(r);
    }
    if (rc != 0) {
        return request_refuse(r, rc);
    }
    length = http_header(&r->public, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (str_to_int(length, 1, HTTP_BODY_RESERVE_MAX, &size) == 0 &&
        buf_reserve(&r->body, (size_t)size) != 0) {
        return request_refuse(r, -E_TOO_LARGE);
    }
    body_deadline(r);
    return MHD_YES;
}

/* --- The body ----------------------------------------------------------------------------- */

static int body_add(struct request *r, struct str bytes)
{
    struct http_server *s = r->server;
    int rc;

    if (s->stats.bodies_memory + bytes.len > s->options.bodies_memory_max) {
        return -E_BUSY;
    }
    rc = buf_add_str(&r->body, bytes);
    if (rc == 0) {
        r->body_memory += bytes.len;
        s->stats.bodies_memory += bytes.len;
    }
    return rc;
}

static enum MHD_Result request_data(struct request *r, struct str bytes)
{
    struct http_server *s = r->server;

    r->body_seen += bytes.len;
    if (r->refused == 0) {
        r->refused = body_add(r, bytes);
    }
    /* libmicrohttpd takes no reply in the middle of a body: what is refused is read on, and
     * thrown away. */
    if (r->refused != 0 && r->body_seen > s->options.body_max + HTTP_OVERRUN_MAX) {
        s->stats.refused++;
        r->conn->is_cut = true;
        return MHD_NO;
    }
    body_deadline(r);
    return MHD_YES;
}

static enum MHD_Result request_whole(struct request *r)
{
    if (r->refused != 0) {
        return request_refuse(r, r->refused);
    }
    http_conn_no_deadline(r->conn);
    r->public.body = buf_str(&r->body);
    if (request_hand(r, 0)) {
        return request_queue(r);
    }
    MHD_suspend_connection(r->connection);
    return MHD_YES;
}

enum MHD_Result http_request_access(void *cls, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *data, size_t *size, void **con_cls)
{
    struct http_server *s = cls;
    struct request *r = *con_cls;
    enum MHD_Result rc = MHD_YES;

    (void)connection;
    (void)url;
    s->progress++;
    switch (r->state) {
    case REQUEST_HEAD:
        return request_head(r, method, version);
    case REQUEST_BODY:
        if (*size == 0) {
            return request_whole(r);
        }
        rc = request_data(r, (struct str){ data, *size });
        *size = 0;
        return rc;
    case REQUEST_REPLIED:
        return request_queue(r);
    case REQUEST_WAITING:
    case REQUEST_QUEUED:
        return MHD_YES;
    }
    return MHD_NO;
}

void http_request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                            enum MHD_RequestTerminationCode code)
{
    struct http_server *s = cls;
    struct request *r = *con_cls;

    (void)connection;
    (void)code;
    s->progress++;
    if (r == NULL) {
        return;
    }
    ASSERT(r->state != REQUEST_WAITING); /* a sleeping connection is never completed */
    *con_cls = NULL;
    if (r->state == REQUEST_QUEUED) {
        s->queued--;
    }
    list_remove(&s->resumes, &r->node);
    http_stream_done(r);
    http_conn_deadline(r->conn, s->options.idle_timeout_ms);
    if (r->response != NULL) {
        MHD_destroy_response(r->response);
    }
    s->stats.bodies_memory -= r->body_memory;
    buf_done(&r->body);
    arena_done(&r->public.arena);
    free(r);
}

/* --- The reply ---------------------------------------------------------------------------- */

static void reply_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (MHD_add_response_header(response, name, value) != MHD_YES) {
        LOG_W("a response header was refused", "name=%s", name);
    }
}

static void reply_headers(struct request *r, struct str lines)
{
    struct arena *arena = &r->public.arena;
    struct str line;

    while (str_split(&lines, '\n', &line)) {
        size_t colon = str_find(line, ':');

        if (line.len > 0 && line.p[line.len - 1] == '\r') {
            line.len--;
        }
        if (colon < line.len) {
            reply_header(r->response, arena_c(arena, str_sub(line, 0, colon)),
                         arena_c(arena, str_trim(str_sub(line, colon + 1, line.len))));
        }
    }
}

void http_request_reply(struct request *r, const struct http_reply *reply, size_t size)
{
    struct http_server *s = r->server;

    if (r->response == NULL) {
        base_assert_fail("out of memory", __FILE__, __LINE__);
    }
    if (reply->content_type != NULL) {
        reply_header(r->response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    }
    reply_header(r->response, "Postern-Request-Id", r->id);
    if (r->public.is_tls) {
        reply_header(r->response, MHD_HTTP_HEADER_STRICT_TRANSPORT_SECURITY,
                     "max-age=31536000");
    }
    if (reply->headers != NULL) {
        reply_headers(r, str_from(reply->headers));
    }
    if (reply->close || r->refused != 0 || s->is_stopping) {
        reply_header(r->response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    r->status = (unsigned)reply->status;
    r->reply_size = size;
    r->state = REQUEST_REPLIED;
    s->stats.waiting--;
    if (!r->is_in_handler) {
        list_push_back(&s->resumes, &r->node);
        loop_wake(s->loop);
    }
}

void http_reply(struct http_request *req, const struct http_reply *reply)
{
    struct request *r = CONTAINER_OF(req, struct request, public);

    ASSERT(r->state == REQUEST_WAITING && reply->status >= 200 && reply->status <= 599);
    r->response = MHD_create_response_from_buffer(
        reply->body.len, (void *)(uintptr_t)reply->body.p, MHD_RESPMEM_MUST_COPY);
    http_request_reply(r, reply, reply->body.len);
}
