/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - libmicrohttpd in external epoll mode: its epoll descriptor is one watch of the main loop, and it runs
 * once a turn, after the replies of that turn were resumed together.
 *
 * A request in time order: on_target (request line) -> on_access, first call (head: checks) -> on_access with
 * data -> on_access at the end: handler -> reply at once, or the connection sleeps until http_reply -> resumed,
 * on_access once more: the response is queued -> on_completed: freed.
 */
#include "net/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

enum { HTTP_BACKLOG = 1024 };

/* --- deadlines of a connection: whole heads, not idle too long, bodies fast enough */
static void on_deadline(struct loop_timer *t)
{
    struct conn *c = t->ctx;

    (void)shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees the end and closes it */
}

static void conn_deadline(struct conn *c, int64_t ms)
{
    loop_timer_set(c->server->loop, &c->deadline, clock_boot_ms() + ms);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = cls;
    struct conn *c = *socket_context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

        c = xalloc(sizeof(*c));
        c->server = s;
        c->fd = info->connect_fd;
        c->deadline = (struct loop_timer){ .on_due = on_deadline, .ctx = c };
        list_push_back(&s->conns, &c->node);
        conn_deadline(c, s->options.header_deadline_ms);
        s->stats.connections++;
        *socket_context = c;
        return;
    }
    loop_timer_cancel(s->loop, &c->deadline);
    list_remove(&s->conns, &c->node);
    s->stats.connections--;
    free(c);
    *socket_context = NULL;
}

/* --- a request */
static void *on_target(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *s = cls;
    struct request *r = xalloc(sizeof(*r));

    r->server = s;
    r->connection = connection;
    arena_init(&r->public.arena);
    r->target = arena_str(&r->public.arena, str_from(uri));
    buf_init(&r->body, s->options.body_max);
    (void)snprintf(r->id, sizeof(r->id), "%016llx", (unsigned long long)random_u64());
    r->public.id = str_from(r->id);
    r->public.started_us = clock_boot_us();
    return r;
}

static void request_free(struct request *r)
{
    if (r->response != NULL) {
        MHD_destroy_response(r->response);
    }
    r->server->stats.bodies_memory -= r->body_memory;
    buf_done(&r->body);
    arena_done(&r->public.arena);
    free(r);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    struct http_server *s = cls;
    struct request *r = *con_cls;

    (void)connection;
    (void)code;
    if (r == NULL) {
        return;
    }
    *con_cls = NULL;
    ASSERT(r->state != REQUEST_WAITING); /* a sleeping connection is never completed */
    if (r->conn != NULL) {
        conn_deadline(r->conn, s->options.idle_timeout_ms);
    }
    request_free(r);
}

static enum MHD_Result request_queue(struct request *r)
{
    enum MHD_Result rc = MHD_queue_response(r->connection, r->status, r->response);

    MHD_destroy_response(r->response);
    r->response = NULL;
    return rc;
}

/* Let the api say no: it replies at once. */
static enum MHD_Result request_refuse(struct request *r, int code)
{
    r->server->stats.refused++;
    r->is_in_handler = true;
    r->was_handed = true;
    r->server->on_refused(r->server->ctx, &r->public, code);
    r->is_in_handler = false;
    ASSERT(r->state == REQUEST_REPLIED);
    (void)MHD_add_response_header(r->response, MHD_HTTP_HEADER_CONNECTION, "close");
    return request_queue(r);
}

static enum MHD_Result request_head(struct request *r, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    int rc;

    r->conn = info->socket_context;
    r->public.method = arena_str(&r->public.arena, str_from(method));
    r->state = REQUEST_BODY;
    r->server->stats.requests++;
    r->public.path = STR("/");
    http_find_peer(r);
    rc = http_check_head(r, version);
    if (rc == 0) {
        rc = http_check_target(r);
    }
    if (rc != 0) {
        return request_refuse(r, rc);
    }
    conn_deadline(r->conn, HTTP_RATE_GRACE_MS);
    return MHD_YES;
}

static enum MHD_Result request_data(struct request *r, const char *data, size_t *size)
{
    struct http_server *s = r->server;

    r->body_seen += *size;
    if (r->refused == 0 && s->stats.bodies_memory + *size > s->options.bodies_memory_max) {
        r->refused = -E_BUSY;
    }
    if (r->refused == 0) {
        r->refused = buf_add(&r->body, data, *size);
    }
    if (r->refused == 0) {
        r->body_memory += *size;
        s->stats.bodies_memory += *size;
    } else if (r->body_seen > s->options.body_max * HTTP_OVERRUN_FACTOR) {
        return MHD_NO; /* a chunked body without end: cut off */
    }
    *size = 0;
    if (s->options.body_rate_min > 0) {
        loop_timer_set(s->loop, &r->conn->deadline,
                       r->public.started_us / 1000 + HTTP_RATE_GRACE_MS +
                           (int64_t)(r->body_seen * 1000 / s->options.body_rate_min));
    }
    return MHD_YES;
}

static enum MHD_Result request_whole(struct request *r)
{
    struct http_server *s = r->server;

    if (r->refused != 0) {
        return request_refuse(r, r->refused);
    }
    loop_timer_cancel(s->loop, &r->conn->deadline);
    r->public.body = buf_str(&r->body);
    r->state = REQUEST_WAITING;
    r->is_in_handler = true;
    r->was_handed = true;
    s->stats.waiting++;
    s->on_request(s->ctx, &r->public);
    r->is_in_handler = false;
    if (r->state == REQUEST_REPLIED) {
        return request_queue(r);
    }
    MHD_suspend_connection(r->connection);
    r->is_suspended = true;
    return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *data, size_t *size, void **con_cls)
{
    struct request *r = *con_cls;

    (void)cls;
    (void)connection;
    (void)url;
    switch (r->state) {
    case REQUEST_HEAD:
        return request_head(r, method, version);
    case REQUEST_BODY:
        return *size > 0 ? request_data(r, data, size) : request_whole(r);
    case REQUEST_WAITING:
        return MHD_YES;
    case REQUEST_REPLIED:
        return r->response == NULL ? MHD_YES : request_queue(r);
    }
    return MHD_NO;
}

/* --- replies */
static void reply_headers(struct MHD_Response *response, struct str lines)
{
    struct str line;

    while (str_split(&lines, '\n', &line)) {
        size_t colon = str_find(line, ':');
        char name[128];
        char value[4096];

        if (colon == line.len || colon >= sizeof(name)) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "%.*s", (int)colon, line.p);
        line = str_sub(line, colon + 1, line.len);
        if (line.len > 0 && line.p[line.len - 1] == '\r') {
            line.len--;
        }
        line = str_trim(line);
        (void)snprintf(value, sizeof(value), "%.*s", STR_ARG(line));
        if (MHD_add_response_header(response, name, value) != MHD_YES) {
            LOG_W("a response header was refused", "name=%s", name);
        }
    }
}

void http_reply(struct http_request *req, const struct http_reply *reply)
{
    struct request *r = CONTAINER_OF(req, struct request, public);
    struct MHD_Response *response;

    ASSERT(r->was_handed && r->state != REQUEST_REPLIED);
    response = MHD_create_response_from_buffer(reply->body.len, (void *)(uintptr_t)reply->body.p,
                                               MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        base_assert_fail("out of memory", __FILE__, __LINE__);
    }
    if (reply->content_type != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    }
    (void)MHD_add_response_header(response, "Postern-Request-Id", r->id);
    if (req->is_tls) {
        (void)MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
    }
    if (reply->headers != NULL) {
        reply_headers(response, str_from(reply->headers));
    }
    if (reply->close) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    if (r->state == REQUEST_WAITING) {
        r->server->stats.waiting--;
    }
    r->response = response;
    r->status = (unsigned)reply->status;
    r->state = REQUEST_REPLIED;
    if (!r->is_in_handler) {
        list_push_back(&r->server->resumes, &r->node);
        loop_wake(r->server->loop);
    }
}

/* --- a turn */
static void on_ready(struct loop_watch *w, unsigned events)
{
    (void)events;
    ((struct http_server *)w->ctx)->must_run = true;
}

static void on_timer(struct loop_timer *t)
{
    ((struct http_server *)t->ctx)->must_run = true;
}

static void server_run(struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    struct list_node *n;

    while ((n = list_pop_front(&s->resumes)) != NULL) {
        struct request *r = CONTAINER_OF(n, struct request, node);

        r->is_suspended = false;
        MHD_resume_connection(r->connection);
        s->must_run = true;
    }
    if (!s->must_run) {
        return;
    }
    s->must_run = false;
    if (MHD_run(s->daemon) != MHD_YES) {
        LOG_E("the HTTP server did not run", "errno=%d", errno);
    }
    if (MHD_get_timeout(s->daemon, &wait_ms) == MHD_YES) {
        if (wait_ms == 0) {
            s->must_run = true;
            loop_wake(s->loop);
        } else {
            loop_timer_set(s->loop, &s->timer, clock_boot_ms() + (int64_t)wait_ms);
        }
    }
}

static void on_turn(struct loop_after *a)
{
    server_run(a->ctx);
}

/* --- starting and stopping */
static void on_log(void *cls, const char *fmt, va_list args)
{
    char text[256];

    (void)cls;
    (void)vsnprintf(text, sizeof(text), fmt, args);
    text[strcspn(text, "\r\n")] = '\0';
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '"' ? '\'' : *p;
    }
    LOG_D("libmicrohttpd", "detail=\"%s\"", text);
}

static int listen_open(const char *text, int *ret_fd, uint16_t *ret_port, struct err *err)
{
    const char *colon = strrchr(text, ':');
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    struct sockaddr_storage bound;
    socklen_t bound_len = sizeof(bound);
    char host[256];
    struct ip ip;
    int on = 1;
    int fd;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host)) {
        return err_set(err, -E_CONFIG, "listen must be ADDR:PORT, such as 127.0.0.1:8080.");
    }
    (void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    if (host[0] == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        memmove(host, host + 1, strlen(host));
    }
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        return err_set(err, -E_CONFIG, "The address to listen on is not known: %s.", text);
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, HTTP_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &bound_len) != 0 ||
        ip_from_sockaddr((struct sockaddr *)&bound, &ip, ret_port) != 0) {
        int saved = errno;

        freeaddrinfo(found);
        if (fd >= 0) {
            (void)close(fd);
        }
        return err_set(err, -E_CONFIG, "Cannot listen on %s: %s.", text, strerror(saved));
    }
    freeaddrinfo(found);
    *ret_fd = fd;
    return 0;
}

static struct MHD_Daemon *daemon_start(struct http_server *s)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem options[16];
    size_t n = 0;

    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_LISTEN_SOCKET, s->listen_fd, NULL };
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_POOL_SIZE, NULL };
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_CONNECTION_LIMIT, s->options.connections_max, NULL };
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                            s->options.connections_per_address_max, NULL };
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, s };
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, s };
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, s };
#if MHD_VERSION >= 0x00097701
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_CLIENT_DISCIPLINE_LVL, 3, NULL };
#else
    options[n++] = (struct MHD_OptionItem){ MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL };
#endif
    if (s->options.tls_cert_pem != NULL) {
        flags |= MHD_USE_TLS;
        options[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)s->options.tls_cert_pem };
        options[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)s->options.tls_key_pem };
        options[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0,
                                                (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" };
    }
    options[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    return MHD_start_daemon(flags, 0, NULL, NULL, on_access, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, s,
                            MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

int http_start(struct loop *loop, const struct http_options *options, http_handler *on_request,
               http_refused *on_refused, void *ctx, struct http_server **ret_server, struct err *err)
{
    struct http_server *s = xalloc(sizeof(*s));
    int rc;

    *s = (struct http_server){
        .loop = loop, .options = *options, .on_request = on_request, .on_refused = on_refused, .ctx = ctx
    };
    list_init(&s->resumes);
    list_init(&s->conns);
    rc = http_read_cidrs(s, err);
    if (rc == 0) {
        rc = listen_open(options->listen, &s->listen_fd, &s->port, err);
    }
    if (rc != 0) {
        free(s);
        return rc;
    }
    s->daemon = daemon_start(s);
    if (s->daemon == NULL) {
        (void)close(s->listen_fd);
        free(s);
        return err_set(err, -E_CONFIG, "The HTTP server did not start; with TLS: check certificate and key.");
    }
    s->watch = (struct loop_watch){ .fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
                                    .on_ready = on_ready,
                                    .ctx = s };
    rc = loop_watch(loop, &s->watch, LOOP_READ);
    if (rc != 0) {
        MHD_stop_daemon(s->daemon);
        free(s);
        return rc;
    }
    s->timer = (struct loop_timer){ .on_due = on_timer, .ctx = s };
    s->after = (struct loop_after){ .on_turn = on_turn, .ctx = s };
    loop_after_add(loop, &s->after);
    *ret_server = s;
    return 0;
}

uint16_t http_port(const struct http_server *server)
{
    return server->port;
}

void http_stats(const struct http_server *server, struct http_stats *ret_stats)
{
    *ret_stats = server->stats;
}

void http_stop_accepting(struct http_server *s)
{
    int fd = MHD_quiesce_daemon(s->daemon);

    if (fd >= 0) {
        (void)close(fd);
    }
}

void http_stop(struct http_server *s)
{
    ASSERT(s->stats.waiting == 0);
    s->must_run = true;
    server_run(s); /* replies of the last turn go out */
    loop_after_remove(s->loop, &s->after);
    loop_timer_cancel(s->loop, &s->timer);
    loop_unwatch(s->loop, &s->watch);
    MHD_stop_daemon(s->daemon);
    ASSERT(list_empty(&s->conns));
    free(s);
}

/* --- what handlers read */
struct str http_header(const struct http_request *req, const char *name)
{
    const struct request *r = CONTAINER_OF((struct http_request *)(uintptr_t)req, struct request, public);

    return str_from(MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* application/x-www-form-urlencoded: "+" is a blank. */
static int query_decode(struct arena *arena, struct str s, struct str *ret)
{
    char *text = arena_c(arena, s);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '%') {
            int high = i + 2 < s.len ? hex_digit(s.p[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_digit(s.p[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return -E_INVALID;
            }
            text[len++] = (char)(high * 16 + low);
            i += 2;
        } else {
            text[len++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    text[len] = '\0';
    *ret = (struct str){ text, len };
    return str_is_utf8(*ret) && str_find(*ret, '\0') == len ? 0 : -E_INVALID;
}

int http_query_each(struct http_request *req, int (*on_param)(void *ctx, struct str name, struct str value), void *ctx)
{
    struct str rest = req->query;
    struct str pair;

    while (str_split(&rest, '&', &pair)) {
        size_t eq = str_find(pair, '=');
        struct str name;
        struct str value;
        int rc;

        if (pair.len == 0) {
            continue;
        }
        rc = query_decode(&req->arena, str_sub(pair, 0, eq), &name);
        if (rc == 0) {
            rc = query_decode(&req->arena, str_sub(pair, eq + 1, pair.len), &value);
        }
        if (rc == 0) {
            rc = on_param(ctx, name, value);
        }
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

struct query_find {
    const char *name;
    struct str value;
    bool is_found;
};

static int on_query_param(void *ctx, struct str name, struct str value)
{
    struct query_find *find = ctx;

    if (!str_eq_c(name, find->name)) {
        return 0;
    }
    if (find->is_found) {
        return -E_INVALID;
    }
    find->is_found = true;
    find->value = value;
    return 0;
}

int http_query(struct http_request *req, const char *name, struct str *ret_value)
{
    struct query_find find = { .name = name };
    int rc = http_query_each(req, on_query_param, &find);

    if (rc == 0) {
        *ret_value = find.is_found ? find.value : STR_NONE;
    }
    return rc;
}
