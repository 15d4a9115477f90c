/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.h - names to addresses, by c-ares on the loop: A and AAAA, no search domains, no hosts file.
 *
 * Lookups of one name at the same time are one query. Answers stay known for their TTL, at least
 * RESOLVER_TTL_MIN_S and at most RESOLVER_TTL_MAX_S, for at most RESOLVER_NAMES_MAX names (the one not asked
 * for longest goes first); failures are not kept. The addresses come unjudged, all of them, IPv4 first: the
 * caller refuses the name when any of them is refused. A name with more than RESOLVER_ADDRESSES_MAX
 * addresses is an error, so that none escapes the judge. One thread.
 */
#ifndef EGRESS_RESOLVER_H
#define EGRESS_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "egress/token.h"
#include "net/ipguard.h"

enum {
    RESOLVER_TIMEOUT_MS = 5000,
    RESOLVER_TTL_MIN_S = 5,
    RESOLVER_TTL_MAX_S = 300,
    RESOLVER_NAMES_MAX = 20000,
    RESOLVER_ADDRESSES_MAX = 64
};

struct loop;
struct resolver;
struct resolver_name;

struct resolver_options {
    struct str dns_server; /* "ADDR:PORT"; empty = the system's (resolv.conf, read once) */
    bool allow_loopback;   /* `localhost` is 127.0.0.1 and ::1 */
};

/* Borrowed: valid inside the callback, or until the next call of the resolver or return to the loop. */
struct resolver_answer {
    enum token token;   /* NONE, DNS_ERROR or DNS_TIMEOUT */
    const char *detail; /* a sentence when there is a token */
    const struct ip *addresses;
    size_t count; /* at least 1 when there is no token */
};

struct resolver_query { /* embedded by the owner; zeroed before use */
    struct list_node node;
    struct resolver_name *name; /* the resolver's: not NULL while it waits */
    void (*on_resolved)(struct resolver_query *q, const struct resolver_answer *answer);
    void *ctx;
};

NODISCARD int resolver_new(struct loop *loop, const struct resolver_options *options,
                           struct resolver **ret_resolver, struct err *err);
/* No query may wait any more. */
void resolver_free(struct resolver *r);
/* What is known now, without asking. False when nothing is. */
bool resolver_get(struct resolver *r, struct str host, struct resolver_answer *ret_answer);
/* Only right after resolver_get said false. on_resolved is called once, after this call has returned, unless cancelled. */
void resolver_start(struct resolver *r, struct resolver_query *q, struct str host);
/* No-op when it does not wait. */
void resolver_cancel(struct resolver *r, struct resolver_query *q);

#endif
