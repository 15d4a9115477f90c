/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_conn.c - accepted sockets: how many an address may have, and one deadline that always
 * runs while the client is expected to do something: send a head, send a body, read a reply,
 * send the next request.
 *
 * libmicrohttpd's own timeout restarts with every byte, so a drip of bytes holds a connection
 * for ever.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/http_internal.h"

enum { HTTP_CUT_TIMEOUT_S = 1, HTTP_V6_PREFIX_BYTES = 8 };

#define HTTP_DELAY_MAX (INT64_MAX / 2)

/* --- How many of one address -------------------------------------------------------------- */

static struct ip address_key(const struct ip *ip)
{
    struct ip key = *ip;

    if (key.is_v6) {
        memset(key.bytes + HTTP_V6_PREFIX_BYTES, 0, sizeof(key.bytes) - HTTP_V6_PREFIX_BYTES);
    } else {
        memset(key.bytes + 4, 0, sizeof(key.bytes) - 4);
    }
    return key;
}

static struct str key_str(const struct ip *key)
{
    return (struct str){ (const char *)key, sizeof(*key) };
}

/* Is this address counted, and as what? */
static bool address_counts(const struct http_server *s, const struct sockaddr *addr,
                           struct ip *ret_key)
{
    struct ip ip;

    if (s->options.connections_per_address_max == 0 || addr == NULL ||
        http_proxy_address(addr, &ip) != 0 || http_proxy_trusts(s, &ip)) {
        return false;
    }
    *ret_key = address_key(&ip);
    return true;
}

enum MHD_Result http_conn_admit(void *cls, const struct sockaddr *addr, socklen_t addr_len)
{
    struct http_server *s = cls;
    const struct http_address *a;
    struct ip key;

    (void)addr_len;
    s->progress++;
    /* Each daemon counts its own; together they keep to the limit. */
    if (s->stats.connections >= s->connections_max) {
        return MHD_NO;
    }
    if (!address_counts(s, addr, &key)) {
        return MHD_YES;
    }
    a = map_get(&s->addresses, key_str(&key));
    return a == NULL || a->count < s->options.connections_per_address_max ? MHD_YES : MHD_NO;
}

static struct http_address *address_enter(struct http_server *s, const struct sockaddr *addr)
{
    struct http_address *a;
    struct ip key;

    if (!address_counts(s, addr, &key)) {
        return NULL;
    }
    a = map_get(&s->addresses, key_str(&key));
    if (a == NULL) {
        a = xalloc(sizeof(*a));
        a->ip = key;
        (void)map_put(&s->addresses, key_str(&a->ip), a);
    }
    a->count++;
    return a;
}

static void address_leave(struct http_server *s, struct http_address *a)
{
    if (a == NULL) {
        return;
    }
    ASSERT(a->count > 0);
    a->count--;
    if (a->count == 0) {
        (void)map_remove(&s->addresses, key_str(&a->ip));
        free(a);
    }
}

/* --- Deadlines ---------------------------------------------------------------------------- */

/* The timer may be armed for an earlier time than the deadline: moving a deadline back, as each
 * request does several times, then costs nothing. */
static void on_timer(struct loop_timer *t)
{
    struct conn *c = t->ctx;

    c->armed_at = INT64_MAX;
    if (c->deadline_at > loop_now(c->server->loop)) {
        http_conn_deadline(c, c->deadline_at - loop_now(c->server->loop));
        return;
    }
    /* libmicrohttpd sees the end and closes it. A connection whose buffer is full does not read any
     * more and so sees no end: for that one its own timeout is set, too. */
    c->is_cut = true;
    (void)shutdown(c->fd, SHUT_RDWR);
    (void)MHD_set_connection_option(c->connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                    (unsigned)HTTP_CUT_TIMEOUT_S);
    c->server->must_run = true;
    loop_wake(c->server->loop);
}

void http_conn_deadline(struct conn *c, int64_t delay_ms)
{
    if (c->is_cut) {
        return;
    }
    c->deadline_at =
        delay_ms < HTTP_DELAY_MAX ? loop_now(c->server->loop) + delay_ms : INT64_MAX;
    if (c->deadline_at < c->armed_at) {
        c->armed_at = c->deadline_at;
        loop_timer_set(c->server->loop, &c->timer, c->armed_at);
    }
}

void http_conn_no_deadline(struct conn *c)
{
    c->deadline_at = INT64_MAX;
}

struct conn *http_conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    ASSERT(info != NULL && info->socket_context != NULL);
    return info->socket_context;
}

/* --- From accept to close ----------------------------------------------------------------- */

static struct conn *conn_start(struct http_server *s, struct MHD_Connection *connection)
{
    struct conn *c = xalloc(sizeof(*c));

    c->server = s;
    c->connection = connection;
    c->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    c->address = address_enter(
        s,
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    c->timer = (struct loop_timer){ .on_due = on_timer, .ctx = c };
    c->armed_at = INT64_MAX;
    s->stats.connections++;
    http_conn_deadline(c, s->options.header_deadline_ms);
    return c;
}

static void conn_end(struct conn *c)
{
    struct http_server *s = c->server;
    int unread = 0;

    /* Closing a socket with unread bytes resets it, and the client loses the answer that it
     * has not read. */
    if (!c->is_cut &&
        (c->must_linger || (ioctl(c->fd, FIONREAD, &unread) == 0 && unread > 0))) {
        http_linger_start(s, c->fd);
    }
    loop_timer_cancel(s->loop, &c->timer);
    address_leave(s, c->address);
    s->stats.connections--;
    free(c);
    /* At the limit the listener was not watched: only a further run looks at it again. */
    s->must_run = true;
}

void http_conn_notify(void *cls, struct MHD_Connection *connection, void **socket_context,
                      enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = cls;

    s->progress++;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = conn_start(s, connection);
    } else {
        conn_end(*socket_context);
        *socket_context = NULL;
    }
}
