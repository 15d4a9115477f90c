/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_stream.c - replies in pieces. libmicrohttpd asks for bytes when the last ones are out. One
 * that has none is suspended inside that very call: answering 0 alone would be asked again at
 * once, for ever. A sleeping connection has no deadline: it is we who are slow.
 */
#include <string.h>

#include "base/assert.h"
#include "net/http_internal.h"

enum { HTTP_STREAM_BLOCK = 4096 };

/* Without a piece to send: get one. */
static void stream_fill(struct request *r)
{
    struct http_server *s = r->server;

    buf_clear(&r->piece);
    r->piece_at = 0;
    if (r->more == HTTP_END || r->more == HTTP_BROKEN) {
        return;
    }
    if (s->is_over) {
        r->more = r->stream.is_endless ? HTTP_END : HTTP_BROKEN;
    } else if (s->is_stopping && r->stream.is_endless) {
        r->more = HTTP_END;
    } else {
        r->more = r->stream.on_read(r->stream.ctx, &r->piece);
    }
}

static ssize_t stream_read(void *cls, uint64_t pos, char *bytes, size_t max)
{
    struct request *r = cls;
    struct http_server *s = r->server;
    int64_t reading_ms = s->options.idle_timeout_ms;
    size_t left;

    (void)pos;
    s->progress++;
    if (r->piece_at == r->piece.len) {
        stream_fill(r);
    }
    left = r->piece.len - r->piece_at;
    if (r->more == HTTP_BROKEN) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (left == 0 && r->more == HTTP_END) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (left == 0) {
        ASSERT(r->more == HTTP_WAIT);
        http_conn_no_deadline(r->conn);
        r->is_asleep = true;
        MHD_suspend_connection(r->connection);
        return 0;
    }
    left = left < max ? left : max;
    if (s->options.body_rate_min > 0) {
        reading_ms += (int64_t)(left * 1000 / s->options.body_rate_min);
    }
    http_conn_deadline(r->conn, reading_ms);
    memcpy(bytes, r->piece.p + r->piece_at, left);
    r->piece_at += left;
    return (ssize_t)left;
}

void http_reply_stream(struct http_request *req, const struct http_stream *stream)
{
    struct request *r = CONTAINER_OF(req, struct request, public);
    const struct http_reply reply = { .status = stream->status,
                                      .content_type = stream->content_type,
                                      .headers = stream->headers };

    ASSERT(r->state == REQUEST_WAITING && stream->on_read != NULL && stream->on_closed != NULL);
    r->stream = *stream;
    r->more = HTTP_WAIT;
    buf_init(&r->piece, HTTP_PIECE_MAX);
    list_push_back(&r->server->streams, &r->stream_node);
    r->server->stats.streams++;
    /* libmicrohttpd ends the answer to a HEAD with an empty chunk, which nobody expects. */
    r->response = str_eq_c(req->method, "HEAD")
                      ? MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT)
                      : MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_STREAM_BLOCK,
                                                          stream_read, r, NULL);
    http_request_reply(r, &reply, 0);
}

static void stream_wake(struct request *r)
{
    if (r->is_asleep) {
        r->is_asleep = false;
        list_push_back(&r->server->resumes, &r->node);
        loop_wake(r->server->loop);
    }
}

void http_stream_wake(struct http_request *req)
{
    stream_wake(CONTAINER_OF(req, struct request, public));
}

void http_stream_done(struct request *r)
{
    if (r->stream.on_read == NULL) {
        return;
    }
    list_remove(&r->server->streams, &r->stream_node);
    r->server->stats.streams--;
    buf_done(&r->piece);
    r->stream.on_closed(r->stream.ctx);
}

void http_streams_end(struct http_server *s)
{
    struct list_node *n = list_first(&s->streams);

    for (; n != NULL; n = list_next(&s->streams, n)) {
        struct request *r = CONTAINER_OF(n, struct request, stream_node);

        if (s->is_over || r->stream.is_endless) {
            stream_wake(r);
        }
    }
}
