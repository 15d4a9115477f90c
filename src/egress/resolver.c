/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.c - c-ares on the loop, with a cache.
 *
 *   asked --(c-ares calls back)--> settled --(its timer, same turn)--> answered: known, or freed
 *     `----(5 s)-----------------> orphan: its waiters are told; freed when c-ares lets go of it
 *
 * The waiters are only ever called from the name's timer: so never from inside resolver_start or c-ares.
 */
#include "egress/resolver.h"

#include <sys/socket.h>

#include <ares.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/map.h"
#include "net/loop.h"

enum { DNS_TRY_MS = 1500, DNS_TRIES = 2 };

struct resolver {
    struct loop *loop;
    bool allow_loopback;
    ares_channel channel;
    struct loop_timer timer; /* of c-ares */
    struct list watches;     /* of c-ares: struct dns_watch */
    struct map names;        /* host -> struct resolver_name: asked, settled and known ones */
    struct list known;       /* by last use, oldest first */
};

struct dns_watch {
    struct list_node node;
    struct loop_watch watch;
    struct resolver *resolver;
};

struct resolver_name {
    struct resolver *resolver;
    struct str host;        /* owned */
    struct list_node known; /* on resolver->known */
    struct list waiting;    /* struct resolver_query */
    struct loop_timer timer;
    bool is_asked;  /* c-ares will call back */
    bool is_orphan; /* not in the map any more */
    int64_t expires_ms;
    enum token token;
    const char *detail;
    struct ip *addresses; /* owned */
    size_t count;
};

static const struct ip loopback_addresses[] = {
    { 0, { 127, 0, 0, 1 } },
    { 1, { [15] = 1 } },
};

static bool is_localhost(const struct resolver *r, struct str host)
{
    return r->allow_loopback && str_eq_c(host, "localhost");
}

/* --- Names ------------------------------------------------------------------------------------ */

static void name_free(struct resolver_name *name)
{
    ASSERT(list_empty(&name->waiting));
    loop_timer_cancel(name->resolver->loop, &name->timer);
    free(name->addresses);
    free((void *)(uintptr_t)name->host.p);
    free(name);
}

static void name_forget(struct resolver_name *name)
{
    struct resolver *r = name->resolver;

    list_remove(&r->known, &name->known);
    (void)map_remove(&r->names, name->host);
}

static void name_answer(const struct resolver_name *name, struct resolver_answer *ret_answer)
{
    *ret_answer =
        (struct resolver_answer){ name->token, name->detail, name->addresses, name->count };
}

static void name_keep(struct resolver_name *name)
{
    struct resolver *r = name->resolver;

    list_push_back(&r->known, &name->known);
    while (r->known.count > RESOLVER_NAMES_MAX) {
        struct resolver_name *oldest =
            CONTAINER_OF(list_first(&r->known), struct resolver_name, known);

        name_forget(oldest);
        name_free(oldest);
    }
}

/* The name is settled, or its time is over. */
static void on_name_due(struct loop_timer *t)
{
    struct resolver_name *name = t->ctx;
    struct resolver_answer answer;
    struct list_node *n;

    if (name->is_asked) {
        name->token = TOKEN_DNS_TIMEOUT;
        name->detail = "The name servers did not answer within 5 seconds.";
        name->is_orphan = true;
    }
    /* A waiter may ask again at once: a failed name must be out of its way. */
    if (name->token != TOKEN_NONE) {
        name_forget(name);
    }
    name_answer(name, &answer);
    for (n = list_pop_front(&name->waiting); n != NULL; n = list_pop_front(&name->waiting)) {
        struct resolver_query *q = CONTAINER_OF(n, struct resolver_query, node);

        q->name = NULL;
        q->on_resolved(q, &answer);
    }
    if (name->token == TOKEN_NONE) {
        name_keep(name);
    } else if (!name->is_orphan) {
        name_free(name);
    }
}

/* --- Answers of c-ares ------------------------------------------------------------------------ */

static void name_fail(struct resolver_name *name, enum token token, const char *detail)
{
    name->token = token;
    name->detail = detail;
}

static void name_fail_status(struct resolver_name *name, int status)
{
    switch (status) {
    case ARES_ENOTFOUND:
        name_fail(name, TOKEN_DNS_ERROR, "The name does not exist (NXDOMAIN).");
        break;
    case ARES_ENODATA:
        name_fail(name, TOKEN_DNS_ERROR, "The name has neither an A nor an AAAA record.");
        break;
    case ARES_ETIMEOUT:
        name_fail(name, TOKEN_DNS_TIMEOUT, "The name servers did not answer.");
        break;
    /* c-ares goes on to the next server for each of these, and gives the last at the end. */
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ECONNREFUSED:
        name_fail(
            name, TOKEN_DNS_ERROR,
            "The name servers failed (SERVFAIL), refused the question, or cannot be reached.");
        break;
    default:
        name_fail(name, TOKEN_DNS_ERROR, "The answer of the name servers is not valid.");
        break;
    }
}

/* All addresses of one family behind those already there. */
static void name_take_family(struct resolver_name *name, const struct ares_addrinfo_node *nodes,
                             int family)
{
    const struct ares_addrinfo_node *node;
    uint16_t port;

    for (node = nodes; node != NULL; node = node->ai_next) {
        if (node->ai_family == family && name->count < RESOLVER_ADDRESSES_MAX &&
            ip_from_sockaddr(node->ai_addr, &name->addresses[name->count], &port) == 0) {
            name->count++;
        }
    }
}

static void name_take(struct resolver_name *name, const struct ares_addrinfo *info)
{
    const struct ares_addrinfo_node *node;
    const struct ares_addrinfo_cname *cname;
    int64_t ttl = RESOLVER_TTL_MAX_S;
    size_t count = 0;

    for (node = info->nodes; node != NULL; node = node->ai_next) {
        ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
        count++;
    }
    for (cname = info->cnames; cname != NULL; cname = cname->next) {
        ttl = cname->ttl < ttl ? cname->ttl : ttl;
    }
    if (count == 0) {
        name_fail_status(name, ARES_ENODATA);
        return;
    }
    if (count > RESOLVER_ADDRESSES_MAX) {
        name_fail(name, TOKEN_DNS_ERROR, "The name has more than 64 addresses.");
        return;
    }
    name->addresses = xcalloc(count, sizeof(*name->addresses));
    name_take_family(name, info->nodes, AF_INET);
    name_take_family(name, info->nodes, AF_INET6);
    ASSERT(name->count == count);
    ttl = ttl > RESOLVER_TTL_MIN_S ? ttl : RESOLVER_TTL_MIN_S;
    name->expires_ms = loop_now(name->resolver->loop) + ttl * 1000;
}

static void on_ares_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct resolver_name *name = arg;

    ASSERT(name->is_asked);
    (void)timeouts;
    name->is_asked = false;
    if (name->is_orphan) {
        if (info != NULL) {
            ares_freeaddrinfo(info);
        }
        name_free(name);
        return;
    }
    if (status == ARES_SUCCESS && info != NULL) {
        name_take(name, info);
    } else {
        name_fail_status(name, status);
    }
    if (info != NULL) {
        ares_freeaddrinfo(info);
    }
    loop_timer_set(name->resolver->loop, &name->timer, 0);
}

/* --- c-ares on the loop ----------------------------------------------------------------------- */

static void resolver_arm(struct resolver *r)
{
    struct timeval tv;

    if (ares_timeout(r->channel, NULL, &tv) == NULL) {
        loop_timer_cancel(r->loop, &r->timer);
        return;
    }
    loop_timer_set(r->loop, &r->timer,
                   loop_now(r->loop) + (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1);
}

static void on_ares_due(struct loop_timer *t)
{
    struct resolver *r = t->ctx;

    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    resolver_arm(r);
}

static void on_ares_ready(struct loop_watch *w, unsigned events)
{
    struct resolver *r = ((struct dns_watch *)w->ctx)->resolver;
    ares_socket_t fd = w->fd;

    /* The watch may be freed in here. */
    ares_process_fd(r->channel, (events & LOOP_READ) != 0 ? fd : ARES_SOCKET_BAD,
                    (events & LOOP_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
    resolver_arm(r);
}

static struct dns_watch *resolver_find_watch(struct resolver *r, int fd)
{
    struct list_node *n;

    for (n = list_first(&r->watches); n != NULL; n = list_next(&r->watches, n)) {
        struct dns_watch *w = CONTAINER_OF(n, struct dns_watch, node);

        if (w->watch.fd == fd) {
            return w;
        }
    }
    return NULL;
}

/* c-ares says what it waits for. Without a watch its own timeout ends the query. */
static void on_ares_socket(void *ctx, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = ctx;
    struct dns_watch *w = resolver_find_watch(r, fd);
    unsigned events = (readable != 0 ? LOOP_READ : 0U) | (writable != 0 ? LOOP_WRITE : 0U);

    if (w != NULL && events != 0 && loop_watch_change(r->loop, &w->watch, events) == 0) {
        return;
    }
    if (w != NULL) {
        loop_unwatch(r->loop, &w->watch);
        list_remove(&r->watches, &w->node);
        free(w);
        return;
    }
    if (events == 0) {
        return; /* it was never watched */
    }
    w = xalloc(sizeof(*w));
    w->resolver = r;
    w->watch.fd = fd;
    w->watch.on_ready = on_ares_ready;
    w->watch.ctx = w;
    if (loop_watch(r->loop, &w->watch, events) != 0) {
        free(w);
        return;
    }
    list_push_back(&r->watches, &w->node);
}

/* --- Life and use ----------------------------------------------------------------------------- */

int resolver_new(struct loop *loop, const struct resolver_options *options,
                 struct resolver **ret_resolver, struct err *err)
{
    struct resolver *r = xalloc(sizeof(*r));
    struct ares_options ares = { 0 };
    char lookups[] = "b"; /* DNS alone, not the hosts file */
    char *server;
    int status;

    ASSERT(loop != NULL);
    r->loop = loop;
    r->allow_loopback = options->allow_loopback;
    r->timer.on_due = on_ares_due;
    r->timer.ctx = r;
    list_init(&r->watches);
    list_init(&r->known);
    ares.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    ares.timeout = DNS_TRY_MS;
    ares.tries = DNS_TRIES;
    ares.lookups = lookups;
    ares.sock_state_cb = on_ares_socket;
    ares.sock_state_cb_data = r;
    status = ares_init_options(&r->channel, &ares,
                               ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                   ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        free(r);
        return err_set(err, -E_CONFIG, "The resolver cannot start: %s.", ares_strerror(status));
    }
    if (options->dns_server.len > 0) {
        server = xstrndup(options->dns_server);
        status = ares_set_servers_ports_csv(r->channel, server);
        free(server);
        if (status != ARES_SUCCESS) {
            ares_destroy(r->channel);
            free(r);
            return err_set(err, -E_CONFIG, "The DNS server is not ADDR:PORT.");
        }
    }
    map_init(&r->names);
    *ret_resolver = r;
    return 0;
}

void resolver_free(struct resolver *r)
{
    struct resolver_name *name;
    size_t at = 0;

    if (r == NULL) {
        return;
    }
    /* c-ares calls back for what it still asks; then what is settled or known is left. */
    ares_destroy(r->channel);
    for (name = map_next(&r->names, &at); name != NULL; name = map_next(&r->names, &at)) {
        name_free(name);
    }
    map_done(&r->names);
    loop_timer_cancel(r->loop, &r->timer);
    ASSERT(list_empty(&r->watches));
    free(r);
}

bool resolver_get(struct resolver *r, struct str host, struct resolver_answer *ret_answer)
{
    struct resolver_name *name;

    if (is_localhost(r, host)) {
        *ret_answer = (struct resolver_answer){ TOKEN_NONE, NULL, loopback_addresses, 2 };
        return true;
    }
    name = map_get(&r->names, host);
    if (name == NULL || !list_linked(&name->known)) {
        return false;
    }
    list_remove(&r->known, &name->known);
    if (name->expires_ms <= loop_now(r->loop)) {
        name_forget(name);
        name_free(name);
        return false;
    }
    list_push_back(&r->known, &name->known);
    name_answer(name, ret_answer);
    return true;
}

static struct resolver_name *name_ask(struct resolver *r, struct str host)
{
    const struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT,
                                               .ai_family = AF_UNSPEC,
                                               .ai_socktype = SOCK_STREAM };
    struct resolver_name *name = xalloc(sizeof(*name));

    name->resolver = r;
    name->host = xstr(host);
    list_init(&name->waiting);
    name->timer.on_due = on_name_due;
    name->timer.ctx = name;
    name->is_asked = true;
    (void)map_put(&r->names, name->host, name);
    loop_timer_set(r->loop, &name->timer, loop_now(r->loop) + RESOLVER_TIMEOUT_MS);
    ares_getaddrinfo(r->channel, name->host.p, NULL, &hints, on_ares_answer, name);
    resolver_arm(r);
    return name;
}

void resolver_start(struct resolver *r, struct resolver_query *q, struct str host)
{
    struct resolver_name *name = map_get(&r->names, host);

    ASSERT(q->on_resolved != NULL && q->name == NULL);
    if (name == NULL) {
        name = name_ask(r, host);
    }
    ASSERT(!list_linked(&name->known));
    q->name = name;
    list_push_back(&name->waiting, &q->node);
}

void resolver_cancel(struct resolver *r, struct resolver_query *q)
{
    if (q->name == NULL) {
        return;
    }
    ASSERT(q->name->resolver == r);
    list_remove(&q->name->waiting, &q->node);
    q->name = NULL;
}
