/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_internal.h - shared by http*.c only: http.c (the daemon and its turns), http_conn.c
 * (sockets and their deadlines), http_request.c (a request's life), http_check.c (is it sane),
 * http_proxy.c (who is the client), http_linger.c (closing so that the client reads its
 * answer), http_stream.c (replies in pieces).
 */
#ifndef NET_HTTP_INTERNAL_H
#define NET_HTTP_INTERNAL_H

#include <microhttpd.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "net/http.h"
#include "net/loop.h"

enum {
    HTTP_CIDRS_MAX = 64,
    HTTP_BODY_GRACE_MS = 5000, /* when options.body_grace_ms is 0 */
    /* A refused body is read on so far beyond body_max, to be able to say so. */
    HTTP_OVERRUN_MAX = 16 * 1024 * 1024,
    /* Of a connection's memory, beside the target and three times the header block (many short lines cost as
     * much again in bookkeeping): it is zeroed for each request. */
    HTTP_POOL_EXTRA = 8 * 1024,
    HTTP_LINGERS_MAX = 64,
    /* Descriptors that accepting leaves to the store, egress, the log and lingering sockets. */
    HTTP_FD_RESERVE = 64 + HTTP_LINGERS_MAX,
    HTTP_OLD_MAX = 4, /* daemons of earlier certificates that still have connections */
    HTTP_ID_SIZE = 17
};

/* A range of addresses. */
struct http_cidr {
    struct ip ip;
    unsigned bits;
};

/* Connections of one client address (IPv6: of one /64). */
struct http_address {
    struct ip ip;
    unsigned count;
};

/* One accepted socket. */
struct conn {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct http_address *address; /* NULL: not counted */
    int fd;
    bool is_cut;         /* a deadline passed: no politeness */
    bool must_linger;    /* its client may still be sending what was refused */
    int64_t deadline_at; /* boot ms, INT64_MAX: none */
    int64_t armed_at;    /* when the timer fires: not after the deadline */
    struct loop_timer timer;
};

enum request_state {
    REQUEST_HEAD,    /* request line seen, headers not yet */
    REQUEST_BODY,    /* reading the body */
    REQUEST_WAITING, /* the handler has it; the connection sleeps once the handler is back */
    REQUEST_REPLIED, /* the response is made, not yet queued */
    REQUEST_QUEUED   /* libmicrohttpd sends it */
};

struct request {
    struct http_request public;
    struct list_node node; /* server->resumes */
    struct http_server *server;
    struct MHD_Connection *connection;
    struct conn *conn;
    enum request_state state;
    struct MHD_Response *response;
    unsigned status;
    size_t reply_size;
    bool is_in_handler; /* its reply is queued when the handler returns */
    int refused;        /* code found while reading the body */
    struct str target;  /* as on the request line */
    struct buf body;
    size_t body_seen;
    size_t body_memory;
    char id[HTTP_ID_SIZE];

    /* A reply in pieces. */
    struct list_node stream_node; /* server->streams */
    struct http_stream stream;    /* on_read NULL: none */
    struct buf piece;
    size_t piece_at;
    enum http_more more;
    bool is_asleep;
};

struct http_server {
    struct loop *loop;
    struct http_options options;
    http_handler *on_request;
    http_refused *on_refused;
    void *ctx;
    struct MHD_Daemon *daemon; /* the one that accepts */
    /* Those of earlier certificates: their connections go on, and with the last of them they end. */
    struct http_old {
        struct MHD_Daemon *daemon; /* NULL: free */
        struct loop_watch watch;
    } old[HTTP_OLD_MAX];
    unsigned connections_max; /* of all daemons together */
    int listen_fd;            /* -1: no longer ours to watch */
    uint16_t port;
    bool speaks_tls;
    bool is_stopping;
    struct loop_watch watch;
    struct loop_timer timer;
    struct loop_after after;
    bool must_run;
    unsigned idle_runs; /* in a row in which nothing came of it */
    bool is_napping;    /* the descriptor is not watched until the timer fires */
    uint64_t id_seed, id_count;
    uint64_t progress; /* counts what came of runs */
    struct list resumes;
    struct list streams;
    bool is_over;  /* streams break */
    size_t queued; /* replies that libmicrohttpd has not sent yet */
    struct map addresses;
    struct list lingers;
    struct http_cidr proxies[HTTP_CIDRS_MAX];
    size_t proxy_count;
    struct http_stats stats;
};

/* --- http_conn.c: callbacks of libmicrohttpd, and the one deadline that a connection has at a time. */
enum MHD_Result http_conn_admit(void *cls, const struct sockaddr *addr, socklen_t addr_len);
void http_conn_notify(void *cls, struct MHD_Connection *connection, void **socket_context,
                      enum MHD_ConnectionNotificationCode code);
struct conn *http_conn_of(struct MHD_Connection *connection);
void http_conn_deadline(struct conn *c, int64_t delay_ms);
void http_conn_no_deadline(struct conn *c);

/* --- http_linger.c */
/* Keep a copy of the socket until its client has read what was said and closed, or a short
 * time is over. */
void http_linger_start(struct http_server *s, int fd);
void http_linger_stop_all(struct http_server *s);

/* --- http_request.c: callbacks of libmicrohttpd. */
void *http_request_target(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_request_access(void *cls, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *data, size_t *size, void **con_cls);
void http_request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                            enum MHD_RequestTerminationCode code);

/* Begin the reply that r->response holds: its headers; queued when the handler returns, or by a
 * resume. */
void http_request_reply(struct request *r, const struct http_reply *reply, size_t size);

/* --- http_stream.c */
/* The request is over. */
void http_stream_done(struct request *r);
/* The listener is closed: endless ones end. At the stop all break. */
void http_streams_end(struct http_server *s);

/* --- http_tls.c: daemons of earlier certificates */
/* A daemon on that listener with s->options; NULL when it does not start. */
struct MHD_Daemon *http_daemon_start(struct http_server *s, int listen_fd);
int64_t http_daemon_timeout(struct MHD_Daemon *daemon);
/* Run all of them and end those without connections; does any of them want to run again (0), in so many
 * milliseconds, or not by itself (-1)? */
int64_t http_old_run(struct http_server *s);
void http_old_stop(struct http_server *s);

/* --- http_check.c: is the head of this request sane? 0 or the code to refuse it with. */
int http_check_head(const struct request *r, const char *version);
/* Splits the target into path and query; absolute-form must agree with Host. */
int http_check_target(struct request *r);

/* --- http_proxy.c */
NODISCARD int http_proxy_read(struct http_server *s, struct err *err);
bool http_proxy_trusts(const struct http_server *s, const struct ip *ip);
/* The address of a socket; an IPv4-mapped one as IPv4. -E_INVALID: neither IPv4 nor IPv6. */
NODISCARD int http_proxy_address(const struct sockaddr *addr, struct ip *ret_ip);
/* The client behind trusted proxies, and whether it came by TLS. */
void http_proxy_find(struct request *r);

#endif
