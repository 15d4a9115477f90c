/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.h - our own strict parser for endpoint URLs (proof.md 3.2): what it does not know it refuses.
 */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/ipguard.h"

enum { URL_SIZE_MAX = 2048 };

struct url_policy {
    bool allow_http;
    bool allow_loopback;         /* --dev: localhost and loopback addresses pass */
    const char *ports;           /* "443,80,8443,8080,8000,3000,5000,9443" or "any"; never 0 */
    const struct ipguard *guard; /* judges IP literals; NULL: any address passes here */
};

struct url {
    struct str
        text; /* canonical: lower-case scheme and host, A-labels, no default port, path at least "/" */
    struct str scheme; /* "https" or "http" */
    struct str host;   /* A-label name without trailing dot, or address text without brackets */
    struct str target; /* path and query, no fragment */
    uint16_t port;
    bool is_ip;
    struct ip ip; /* when is_ip */
};

/* -E_URL_REFUSED with a sentence that says which rule and what to do. Strings live in the arena. */
NODISCARD int url_parse(struct str s, const struct url_policy *policy, struct arena *arena,
                        struct url *ret_url, struct err *err);

#endif
