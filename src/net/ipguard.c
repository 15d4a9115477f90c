/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipguard.c - the one judge of addresses.
 *
 * Order: port 0 and what the operator refuses; then what the operator allows (CIDR and port); then loopback
 * where allowed; then this host's own addresses; then the tables. IPv4 is refused by the rows of its table,
 * IPv6 is allowed only inside 2000::/3 and outside the rows of its table, so that every form which embeds an
 * IPv4 address in another prefix is refused by construction.
 */
#include "net/ipguard.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <assert.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

/*
 * IANA IPv4 Special-Purpose Address Registry, multicast and class E, and the one
 * public address that is a cloud's metadata and wire server.
 */
static const struct ipguard_row rows_v4[] = {
    { 0, 8, { 0 } },                 /* "this network" */
    { 0, 8, { 10 } },                /* private */
    { 0, 10, { 100, 64 } },          /* shared (carrier NAT); a cloud's metadata lies in it */
    { 0, 8, { 127 } },               /* loopback */
    { 0, 16, { 169, 254 } },         /* link-local: instance metadata */
    { 0, 12, { 172, 16 } },          /* private */
    { 0, 24, { 192, 0, 0 } },        /* IETF protocol assignments */
    { 0, 24, { 192, 0, 2 } },        /* documentation */
    { 0, 24, { 192, 31, 196 } },     /* AS112 */
    { 0, 24, { 192, 52, 193 } },     /* AMT */
    { 0, 24, { 192, 88, 99 } },      /* 6to4 relay anycast */
    { 0, 16, { 192, 168 } },         /* private */
    { 0, 24, { 192, 175, 48 } },     /* AS112 */
    { 0, 15, { 198, 18 } },          /* benchmarks */
    { 0, 24, { 198, 51, 100 } },     /* documentation */
    { 0, 24, { 203, 0, 113 } },      /* documentation */
    { 0, 4, { 224 } },               /* multicast */
    { 0, 4, { 240 } },               /* reserved, and broadcast */
    { 0, 32, { 168, 63, 129, 16 } }, /* a cloud's wire server */
};

/* What is refused inside 2000::/3. IANA IPv6 Special-Purpose Address Registry. */
static const struct ipguard_row rows_v6[] = {
    { 1, 23, { 0x20, 0x01 } },             /* IETF: Teredo, AMT, ORCHID, benchmarks */
    { 1, 32, { 0x20, 0x01, 0x0d, 0xb8 } }, /* documentation */
    { 1, 16, { 0x20, 0x02 } },             /* 6to4 */
    { 1, 48, { 0x26, 0x20, 0x00, 0x4f, 0x80, 0x00 } }, /* AS112 */
    { 1, 16, { 0x3f, 0xfe } },                         /* the 6bone, given back */
    { 1, 20, { 0x3f, 0xff } },                         /* documentation */
};

static const struct ipguard_row row_global_v6 = { 1, 3, { 0x20 } };
static const struct ipguard_row row_nat64 = { 1, 96, { 0x00, 0x64, 0xff, 0x9b } };
static const struct ipguard_row row_loopback_v4 = { 0, 8, { 127 } };
static const struct ipguard_row row_loopback_v6 = { 1, 128, { [15] = 1 } };

struct target {
    struct ipguard_row row;
    uint16_t port; /* 0 = any */
};

struct target_list {
    struct target *items;
    size_t count;
};

struct ipguard {
    bool allow_loopback;
    bool own_addresses;
    struct target_list allow;
    struct target_list refuse;
    struct ip *own;
    size_t own_count;
};

/* --- Addresses as text ------------------------------------------------------------------------ */

int ip_parse(struct str s, struct ip *ret_ip)
{
    struct ip ip = { 0 };
    char text[IP_TEXT_SIZE];
    char canonical[IP_TEXT_SIZE];

    if (s.len == 0 || s.len >= sizeof(text) || memchr(s.p, '\0', s.len) != NULL) {
        return -E_INVALID;
    }
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    ip.is_v6 = memchr(s.p, ':', s.len) != NULL;
    if (inet_pton(ip.is_v6 != 0 ? AF_INET6 : AF_INET, text, ip.bytes) != 1) {
        return -E_INVALID;
    }
    /* One spelling for each address: what does not come back the same is refused. */
    ip_format(&ip, canonical);
    if (strcmp(text, canonical) != 0) {
        return -E_INVALID;
    }
    *ret_ip = ip;
    return 0;
}

void ip_format(const struct ip *ip, char ret_text[IP_TEXT_SIZE])
{
    static_assert(IP_TEXT_SIZE >= INET6_ADDRSTRLEN, "room for every address");

    if (inet_ntop(ip->is_v6 != 0 ? AF_INET6 : AF_INET, ip->bytes, ret_text, IP_TEXT_SIZE) ==
        NULL) {
        ret_text[0] = '\0';
    }
}

int ip_from_sockaddr(const struct sockaddr *sa, struct ip *ret_ip, uint16_t *ret_port)
{
    struct ip ip = { 0 };

    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof(in));
        memcpy(ip.bytes, &in.sin_addr, 4);
        *ret_port = ntohs(in.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof(in6));
        ip.is_v6 = 1;
        memcpy(ip.bytes, &in6.sin6_addr, 16);
        *ret_port = ntohs(in6.sin6_port);
    } else {
        return -E_INVALID;
    }
    *ret_ip = ip;
    return 0;
}

/* --- Ranges ----------------------------------------------------------------------------------- */

static bool row_holds(const struct ipguard_row *row, const struct ip *ip)
{
    unsigned whole = row->bits / 8U;
    unsigned rest = row->bits % 8U;
    unsigned mask = 0xff00U >> rest & 0xffU;

    if (row->is_v6 != ip->is_v6 || memcmp(row->bytes, ip->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || ((row->bytes[whole] ^ ip->bytes[whole]) & mask) == 0;
}

static bool rows_hold(const struct ipguard_row *rows, size_t count, const struct ip *ip)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (row_holds(&rows[i], ip)) {
            return true;
        }
    }
    return false;
}

size_t ipguard_rows(bool v6, const struct ipguard_row **ret_rows)
{
    *ret_rows = v6 ? rows_v6 : rows_v4;
    return v6 ? sizeof(rows_v6) / sizeof(rows_v6[0]) : sizeof(rows_v4) / sizeof(rows_v4[0]);
}

static bool targets_hold(const struct target_list *list, const struct ip *ip, uint16_t port)
{
    size_t i;

    for (i = 0; i < list->count; i++) {
        const struct target *t = &list->items[i];

        if ((t->port == 0 || t->port == port) && row_holds(&t->row, ip)) {
            return true;
        }
    }
    return false;
}

/* "ADDR/BITS" or "ADDR"; bits behind the prefix must be zero, so that a slip is seen. */
static int cidr_parse(struct str s, struct ipguard_row *ret_row)
{
    struct ipguard_row row = { 0 };
    size_t slash = str_find(s, '/');
    struct ip ip;
    int64_t bits;
    unsigned i;

    if (ip_parse(str_sub(s, 0, slash), &ip) != 0) {
        return -E_INVALID;
    }
    bits = ip.is_v6 != 0 ? 128 : 32;
    if (slash < s.len && str_to_int(str_sub(s, slash + 1, s.len), 0, bits, &bits) != 0) {
        return -E_INVALID;
    }
    row.is_v6 = ip.is_v6;
    row.bits = (uint8_t)bits;
    memcpy(row.bytes, ip.bytes, sizeof(row.bytes));
    for (i = row.bits; i < 128; i++) {
        if ((row.bytes[i / 8] & (0x80U >> i % 8)) != 0) {
            return -E_INVALID;
        }
    }
    *ret_row = row;
    return 0;
}

/* "CIDR:PORT" or "[CIDR]:PORT". */
static int target_parse(struct str s, struct target *ret_target)
{
    struct str cidr;
    struct str port;
    int64_t number;
    size_t colon = s.len;

    while (colon > 0 && s.p[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0) {
        return -E_INVALID;
    }
    cidr = str_sub(s, 0, colon - 1);
    port = str_sub(s, colon, s.len - colon);
    if (cidr.len > 0 && cidr.p[0] == '[') {
        if (cidr.len < 3 || cidr.p[cidr.len - 1] != ']') {
            return -E_INVALID;
        }
        cidr = str_sub(cidr, 1, cidr.len - 2);
    } else if (memchr(cidr.p, ':', cidr.len) != NULL) {
        return -E_INVALID; /* an IPv6 CIDR needs its brackets: the port would be a part of it */
    }
    if (cidr.len == 0 || cidr_parse(cidr, &ret_target->row) != 0 ||
        str_to_int(port, 0, 65535, &number) != 0) {
        return -E_INVALID;
    }
    ret_target->port = (uint16_t)number;
    return 0;
}

static int targets_parse(struct str text, bool with_port, struct target_list *list,
                         struct err *err)
{
    struct str item;

    if (text.len == 0) {
        return 0;
    }
    while (str_split(&text, ',', &item)) {
        struct target target = { 0 };
        int rc;

        item = str_trim(item);
        if (list->count == IPGUARD_TARGETS_MAX) {
            return err_set(err, -E_CONFIG, "More than %d targets are listed.",
                           IPGUARD_TARGETS_MAX);
        }
        if (item.len == 0) {
            rc = -E_INVALID;
        } else {
            rc = with_port ? target_parse(item, &target) : cidr_parse(item, &target.row);
        }
        if (rc != 0) {
            return err_set(err, -E_CONFIG, "`%.*s` is not %s.",
                           (int)(item.len < 80 ? item.len : 80), item.p != NULL ? item.p : "",
                           with_port ? "CIDR:PORT (IPv6: [CIDR]:PORT), such as 10.1.2.0/24:443"
                                     : "a CIDR, such as 10.1.2.0/24");
        }
        list->items = xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
        list->items[list->count] = target;
        list->count++;
    }
    return 0;
}

/* --- The guard -------------------------------------------------------------------------------- */

void ipguard_refresh(struct ipguard *guard)
{
    struct ifaddrs *all;
    const struct ifaddrs *one;
    struct ip *own = NULL;
    size_t count = 0;

    if (!guard->own_addresses) {
        return;
    }
    /* On failure the addresses of before stay refused. */
    if (getifaddrs(&all) != 0) {
        LOG_W("the addresses of this host cannot be read", "known=%zu", guard->own_count);
        return;
    }
    for (one = all; one != NULL; one = one->ifa_next) {
        struct ip ip;
        uint16_t port;

        if (one->ifa_addr != NULL && ip_from_sockaddr(one->ifa_addr, &ip, &port) == 0) {
            own = xrealloc(own, (count + 1) * sizeof(*own));
            own[count] = ip;
            count++;
        }
    }
    freeifaddrs(all);
    free(guard->own);
    guard->own = own;
    guard->own_count = count;
}

int ipguard_new(const struct ipguard_options *options, struct ipguard **ret_guard,
                struct err *err)
{
    struct ipguard *guard = xalloc(sizeof(*guard));
    int rc;

    guard->allow_loopback = options->allow_loopback;
    guard->own_addresses = options->own_addresses;
    rc = targets_parse(options->allow_targets, true, &guard->allow, err);
    if (rc != 0) {
        goto fail_guard;
    }
    rc = targets_parse(options->refuse_targets, false, &guard->refuse, err);
    if (rc != 0) {
        goto fail_guard;
    }
    ipguard_refresh(guard);
    *ret_guard = guard;
    return 0;
fail_guard:
    ipguard_free(guard);
    return rc;
}

void ipguard_free(struct ipguard *guard)
{
    if (guard == NULL) {
        return;
    }
    free(guard->allow.items);
    free(guard->refuse.items);
    free(guard->own);
    free(guard);
}

static bool ip_is_own(const struct ipguard *guard, const struct ip *ip)
{
    size_t i;

    for (i = 0; i < guard->own_count; i++) {
        if (guard->own[i].is_v6 == ip->is_v6 &&
            memcmp(guard->own[i].bytes, ip->bytes, ip->is_v6 != 0 ? 16 : 4) == 0) {
            return true;
        }
    }
    return false;
}

/* An ISATAP interface id, ::0:5efe:a.b.c.d or ::200:5efe:a.b.c.d, tunnels to the IPv4 address in it. */
static bool ip_is_isatap(const struct ip *ip)
{
    return (ip->bytes[8] & 0xfdU) == 0 && ip->bytes[9] == 0 && ip->bytes[10] == 0x5e &&
           ip->bytes[11] == 0xfe;
}

static bool ip_is_public(const struct ip *ip)
{
    const struct ipguard_row *rows;
    size_t count = ipguard_rows(ip->is_v6 != 0, &rows);

    if (ip->is_v6 != 0 && (!row_holds(&row_global_v6, ip) || ip_is_isatap(ip))) {
        return false;
    }
    return !rows_hold(rows, count, ip);
}

bool ipguard_excepts(const struct ipguard *guard, const struct ip *ip, uint16_t port)
{
    struct ip inner = { 0 };

    if (port == 0 || targets_hold(&guard->refuse, ip, port) ||
        !targets_hold(&guard->allow, ip, port)) {
        return false;
    }
    /* A site with NAT64 allows the prefix; the IPv4 address inside is judged on its own. */
    if (row_holds(&row_nat64, ip)) {
        memcpy(inner.bytes, ip->bytes + 12, 4);
        return ipguard_allows(guard, &inner, port);
    }
    return true;
}

bool ipguard_allows(const struct ipguard *guard, const struct ip *ip, uint16_t port)
{
    ASSERT(guard != NULL && ip != NULL);
    if (port == 0 || targets_hold(&guard->refuse, ip, port)) {
        return false;
    }
    if (ipguard_excepts(guard, ip, port)) {
        return true;
    }
    if (guard->allow_loopback &&
        (row_holds(&row_loopback_v4, ip) || row_holds(&row_loopback_v6, ip))) {
        return true;
    }
    return !ip_is_own(guard, ip) && ip_is_public(ip);
}

static bool ip_is_never(const struct ip *ip)
{
    const uint8_t *b = ip->bytes;
    static const uint8_t zero[16];

    if (ip->is_v6 == 0) {
        return b[0] == 0 || b[0] >= 224 || (b[0] == 169 && b[1] == 254);
    }
    return memcmp(b, zero, 16) == 0 || b[0] == 0xff ||
           (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) ||
           (memcmp(b, zero, 10) == 0 && b[10] == 0xff && b[11] == 0xff) ||
           row_holds(&row_nat64, ip);
}

bool ipguard_allows_operator(const struct ipguard *guard, const struct ip *ip, uint16_t port)
{
    ASSERT(guard != NULL && ip != NULL);
    return port != 0 && !targets_hold(&guard->refuse, ip, port) && !ip_is_never(ip);
}
