/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - the HTTP/1.1 server around libmicrohttpd in external epoll mode, on the main loop.
 *
 * The handler is called once a request is whole and sane (proof.md 2.5: smuggling checks,
 * limits, deadlines are done here). It answers by http_reply, at once or later from any
 * callback of the main thread: exactly once. Resumes are batched, once a turn. A client that
 * left: the reply is dropped, the request is freed after http_reply all the same; so a handler
 * never needs to know.
 *
 * HEAD comes to the handler as HEAD and is answered like GET; the body is left out here. A
 * connection ends when: its head is not there in time, it is idle, its body or its reading of
 * the reply is too slow, or a request was refused. Faults that libmicrohttpd finds by itself (a
 * head that is no HTTP, a bad chunk, a head beyond its memory) are answered by it, in HTML and
 * without Postern-Request-Id.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/ipguard.h"

struct buf;
struct http_server;
struct loop;

struct http_options {
    const char *listen;                     /* "ADDR:PORT", "[ADDR]:PORT"; port 0 = any */
    const char *tls_cert_pem, *tls_key_pem; /* contents, NULL = plain */
    size_t body_max;                        /* 1 MiB */
    size_t header_max;                      /* 16 KiB */
    size_t uri_max;                         /* 8 KiB */
    size_t bodies_memory_max;               /* 256 MiB in all */
    uint32_t connections_max; /* 4,096; at most the descriptors of the process but a reserve */
    uint32_t
        connections_per_address_max; /* 0 = no limit; IPv6 by /64; trusted proxies have none */
    uint32_t header_deadline_ms;     /* 10 s */
    uint32_t idle_timeout_ms;        /* 60 s */
    uint32_t body_rate_min; /* 1,000 bytes/s, for bodies and for reading replies; 0 = any */
    uint32_t body_grace_ms; /* the rate counts after that; 0 = 5 s */
    const char
        *behind_proxy; /* CIDR list whose X-Forwarded-For and -Proto are trusted, or NULL */
};

struct http_request {
    struct arena arena; /* lives until the reply is out */
    struct str method;
    struct str path;  /* raw, without query; still percent-encoded */
    struct str query; /* raw, without "?" */
    struct str body;
    struct ip peer;     /* the client, after X-Forwarded-For of a trusted proxy */
    bool is_tls;        /* or said so by the trusted proxy */
    struct str id;      /* request id: "req" for logs and problems */
    int64_t started_us; /* boot */
    void *user;         /* the handler's */
};

typedef void http_handler(void *ctx, struct http_request *req);
/* A body or header that was refused before the handler: code is an err.h code; must reply at
 * once. */
typedef void http_refused(void *ctx, struct http_request *req, int code);

struct http_reply {
    int status;
    struct str body;          /* copied */
    const char *content_type; /* NULL: none */
    const char *headers;      /* further "Name: value\r\n" lines or NULL; copied */
    bool close;
};

NODISCARD int http_start(struct loop *loop, const struct http_options *options,
                         http_handler *on_request, http_refused *on_refused, void *ctx,
                         struct http_server **ret_server, struct err *err);
uint16_t http_port(const struct http_server *server);
/* Value of a request header (first one), STR_NONE when absent. Borrowed until http_reply. */
struct str http_header(const struct http_request *req, const char *name);
/* Decoded value of a query parameter in the arena; STR_NONE p when absent. -E_INVALID: bad
 * encoding or twice. */
NODISCARD int http_query(struct http_request *req, const char *name, struct str *ret_value);
/* Walk all query parameters: for "unknown parameter" errors. on_param returns 0 to go on. */
NODISCARD int http_query_each(struct http_request *req,
                              int (*on_param)(void *ctx, struct str name, struct str value),
                              void *ctx);
void http_reply(struct http_request *req, const struct http_reply *reply);

/*
 * A reply in pieces, as the client takes them, instead of http_reply: live streams and exports.
 * on_read is asked for more whenever what it gave is out; so a slow client holds one piece, not
 * the whole. A client that left is only noticed when it is written to. When a piece is not read
 * within the idle time (longer by body_rate_min for a long one), the connection ends.
 */
enum http_more {
    HTTP_MORE,  /* at least one byte: ask again once they are out */
    HTTP_WAIT,  /* the same; without bytes: sleep until http_stream_wake */
    HTTP_END,   /* these bytes were the last */
    HTTP_BROKEN /* cut the connection, so that the client sees that something is missing */
};
enum { HTTP_PIECE_MAX = 1024 * 1024 };
struct http_stream {
    int status;
    const char *content_type;
    const char *headers; /* as in http_reply */
    bool is_endless; /* ends when the server stops accepting; others may finish till the stop */
    /* Add the next bytes to out, which is empty and takes HTTP_PIECE_MAX. */
    enum http_more (*on_read)(void *ctx, struct buf *out);
    /* Once: the end is sent, or the client is gone. The request goes when this returns. */
    void (*on_closed)(void *ctx);
    void *ctx;
};
void http_reply_stream(struct http_request *req, const struct http_stream *stream);
/* There is something to read; also when it is not asleep. Not after on_closed. */
void http_stream_wake(struct http_request *req);

struct http_stats {
    uint64_t requests, refused;
    uint32_t connections, waiting, streams;
    size_t bodies_memory;
};
void http_stats(const struct http_server *server, struct http_stats *ret_stats);
/* Close the listener, keep what is open; each further reply closes its connection; endless
 * streams end. */
/*
 * Another certificate and key for connections from now on; those that are open keep theirs and go on until they
 * end. -E_CONFIG with a sentence: they do not fit, or the server speaks plain HTTP; then all stays as it was.
 * -E_BUSY: connections of HTTP_OLD_MAX earlier certificates are still open.
 */
NODISCARD int http_reload_tls(struct http_server *server, const char *cert_pem,
                              const char *key_pem, struct err *err);
/* Close the listener, keep what is open; each further reply closes its connection. */
void http_stop_accepting(struct http_server *server);
/* Every waiting request must have been replied to. Waits up to a second for clients to read
 * their replies; streams that are not at their end break. */
void http_stop(struct http_server *server);

#endif
