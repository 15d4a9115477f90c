/* SPDX-License-Identifier: Apache-2.0 */
/* http_internal.h - shared by http*.c only. */
#ifndef NET_HTTP_INTERNAL_H
#define NET_HTTP_INTERNAL_H

#include "net/http.h"

#include <microhttpd.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/loop.h"

enum {
    HTTP_CIDRS_MAX = 64,
    HTTP_RATE_GRACE_MS = 5000,  /* the minimum body rate counts after that */
    HTTP_OVERRUN_FACTOR = 2,    /* of body_max: a chunked body is read on so far, then cut off */
    HTTP_POOL_SIZE = 128 * 1024 /* of one connection: headers and buffers */
};

struct http_cidr {
    struct ip ip;
    unsigned bits;
};

/* One accepted socket. */
struct conn {
    struct list_node node;
    struct http_server *server;
    int fd;
    struct loop_timer deadline;
};

enum request_state {
    REQUEST_HEAD,    /* request line seen, headers not yet */
    REQUEST_BODY,    /* reading the body */
    REQUEST_WAITING, /* the handler has it, the connection sleeps */
    REQUEST_REPLIED  /* the response is made, maybe not yet queued */
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
    bool is_in_handler, is_suspended, was_handed;
    int refused; /* code found while reading the body */
    struct str target; /* as on the request line */
    struct buf body;
    size_t body_seen;
    size_t body_memory;
    char id[17];
};

struct http_server {
    struct loop *loop;
    struct http_options options;
    http_handler *on_request;
    http_refused *on_refused;
    void *ctx;
    struct MHD_Daemon *daemon;
    int listen_fd;
    uint16_t port;
    struct loop_watch watch;
    struct loop_timer timer;
    struct loop_after after;
    bool must_run;
    struct list resumes;
    struct list conns;
    struct http_cidr proxies[HTTP_CIDRS_MAX];
    size_t proxy_count;
    struct http_stats stats;
};

/* http_check.c: is the head of this request sane? 0 or the code to refuse it with. */
int http_check_head(const struct request *r, const char *version);
/* Splits the target into path and query; absolute-form must agree with Host. */
int http_check_target(struct request *r);
/* The client behind trusted proxies, and whether it came by TLS. */
void http_find_peer(struct request *r);
NODISCARD int http_read_cidrs(struct http_server *s, struct err *err);

#endif
