/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipguard.h - may this address be connected to? One function, a positive list, failing closed (proof.md 3.1).
 * The tables are data and carry the date of the IANA registries.
 */
#ifndef NET_IPGUARD_H
#define NET_IPGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct sockaddr;

struct ip {
    uint8_t is_v6;
    uint8_t bytes[16]; /* IPv4 in the first four */
};

enum { IP_TEXT_SIZE = 46, IPGUARD_TARGETS_MAX = 256 };

/* A range of addresses: the first `bits` bits of `bytes`. */
struct ipguard_row {
    uint8_t is_v6;
    uint8_t bits;
    uint8_t bytes[16];
};

struct ipguard;

struct ipguard_options {
    bool allow_loopback;       /* --dev */
    struct str allow_targets;  /* "CIDR:PORT,..." (IPv6 "[CIDR]:PORT"), port 0 = any */
    struct str refuse_targets; /* "CIDR,..." of the operator */
    bool own_addresses;        /* refuse this host's addresses (getifaddrs) */
};

NODISCARD int ipguard_new(const struct ipguard_options *options, struct ipguard **ret_guard,
                          struct err *err);
void ipguard_free(struct ipguard *guard);
void ipguard_refresh(struct ipguard *guard); /* this host's addresses again */
bool ipguard_allows(const struct ipguard *guard, const struct ip *ip, uint16_t port);

/*
 * For what the operator himself names (his mail server): private, loopback and own addresses pass; what he refuses
 * does not, nor link-local (cloud metadata), multicast and unspecified addresses.
 */
bool ipguard_allows_operator(const struct ipguard *guard, const struct ip *ip, uint16_t port);

/* Is it allowed by a line of allow_targets? (Such a port need not stand in the list of ports.) */
bool ipguard_excepts(const struct ipguard *guard, const struct ip *ip, uint16_t port);
/* The tables of refused ranges, for the tests that walk their edges. */
size_t ipguard_rows(bool v6, const struct ipguard_row **ret_rows);

/* Canonical dotted quad or RFC 5952 text only (no zone, no brackets). */
NODISCARD int ip_parse(struct str s, struct ip *ret_ip);
void ip_format(const struct ip *ip, char ret_text[IP_TEXT_SIZE]);
/* An IPv4-mapped IPv6 address stays IPv6 (and is refused by the guard). -E_INVALID: neither IPv4 nor IPv6. */
NODISCARD int ip_from_sockaddr(const struct sockaddr *sa, struct ip *ret_ip,
                               uint16_t *ret_port);

#endif
