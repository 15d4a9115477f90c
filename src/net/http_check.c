/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_check.c - what libmicrohttpd lets through and must not pass: anything that two parsers could read in two
 * ways (RFC 9112 3.2, 6.1, 6.3, 11.2). What is refused here is answered 400 and the connection is closed, so no
 * second request is ever parsed behind it.
 */
#include "net/http_internal.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct head {
    unsigned content_lengths, transfer_encodings, hosts;
    bool is_bad;
    size_t size;
    struct str transfer_encoding, content_length, host;
};

/* tchar of RFC 9110 5.6.2. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) {
            return false;
        }
    }
    return s.len > 0;
}

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t value_len)
{
    struct head *h = ctx;
    struct str n = { name, name_len };
    struct str v = { value, value == NULL ? 0 : value_len };

    (void)kind;
    h->size += name_len + v.len + 4;
    if (!is_token(n)) {
        h->is_bad = true;
    }
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            h->is_bad = true;
        }
    }
    if (str_eq_nocase(n, STR("content-length"))) {
        h->content_lengths++;
        h->content_length = v;
    } else if (str_eq_nocase(n, STR("transfer-encoding"))) {
        h->transfer_encodings++;
        h->transfer_encoding = v;
    } else if (str_eq_nocase(n, STR("host"))) {
        h->hosts++;
        h->host = v;
    }
    return MHD_YES;
}

int http_check_head(const struct request *r, const char *version)
{
    struct head h = { 0 };
    bool is_11 = strcmp(version, "HTTP/1.1") == 0;
    int64_t length;

    (void)MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, on_header, &h);
    if (h.size > r->server->options.header_max) {
        return -E_HEADERS_TOO_LARGE;
    }
    if (r->target.len > r->server->options.uri_max) {
        return -E_URI_TOO_LONG;
    }
    if (h.is_bad || h.content_lengths > 1 || h.transfer_encodings > 1 || h.hosts > 1 || (is_11 && h.hosts == 0) ||
        (h.content_lengths > 0 && h.transfer_encodings > 0)) {
        return -E_INVALID;
    }
    if (h.transfer_encodings > 0 && (!is_11 || !str_eq_nocase(h.transfer_encoding, STR("chunked")))) {
        return -E_INVALID;
    }
    if (h.content_lengths > 0) {
        if (str_to_int(h.content_length, 0, INT64_MAX, &length) != 0) {
            return -E_INVALID;
        }
        if ((uint64_t)length > r->server->options.body_max) {
            return -E_TOO_LARGE;
        }
        if ((size_t)length + r->server->stats.bodies_memory > r->server->options.bodies_memory_max) {
            return -E_BUSY;
        }
    }
    return 0;
}

int http_check_target(struct request *r)
{
    struct str target = r->target;
    size_t question;

    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.p[i];

        if (c <= ' ' || c >= 0x7f || c == '\\' || c == '#') {
            return -E_INVALID;
        }
    }
    if (str_starts(target, STR("http://")) || str_starts(target, STR("https://"))) {
        struct str rest = str_sub(target, str_starts(target, STR("https://")) ? 8 : 7, target.len);
        size_t slash = str_find(rest, '/');

        if (!str_eq_nocase(str_sub(rest, 0, slash), http_header(&r->public, "Host"))) {
            return -E_INVALID;
        }
        target = slash == rest.len ? STR("/") : str_sub(rest, slash, rest.len);
    }
    if (target.len == 0 || (target.p[0] != '/' && !str_eq_c(target, "*"))) {
        return -E_INVALID;
    }
    question = str_find(target, '?');
    r->public.path = str_sub(target, 0, question);
    r->public.query = question == target.len ? STR_NONE : str_sub(target, question + 1, target.len);
    return 0;
}

/* --- trusted proxies */
int http_read_cidrs(struct http_server *s, struct err *err)
{
    struct str list = str_from(s->options.behind_proxy);
    struct str item;

    while (str_split(&list, ',', &item)) {
        struct http_cidr *c = &s->proxies[s->proxy_count];
        struct str text = str_trim(item);
        size_t slash = str_find(text, '/');
        int64_t bits;

        if (s->proxy_count == HTTP_CIDRS_MAX || ip_parse(str_sub(text, 0, slash), &c->ip) != 0) {
            return err_set(err, -E_CONFIG, "behind_proxy must be a list of at most %d addresses or CIDR ranges.",
                           HTTP_CIDRS_MAX);
        }
        bits = c->ip.is_v6 ? 128 : 32;
        if (slash < text.len && str_to_int(str_sub(text, slash + 1, text.len), 0, bits, &bits) != 0) {
            return err_set(err, -E_CONFIG, "behind_proxy has a prefix length that is not valid.");
        }
        c->bits = (unsigned)bits;
        s->proxy_count++;
    }
    return 0;
}

static bool cidr_has(const struct http_cidr *c, const struct ip *ip)
{
    if (c->ip.is_v6 != ip->is_v6) {
        return false;
    }
    for (unsigned i = 0; i < c->bits; i++) {
        uint8_t mask = (uint8_t)(0x80 >> (i % 8));

        if (((c->ip.bytes[i / 8] ^ ip->bytes[i / 8]) & mask) != 0) {
            return false;
        }
    }
    return true;
}

static bool is_trusted(const struct http_server *s, const struct ip *ip)
{
    for (size_t i = 0; i < s->proxy_count; i++) {
        if (cidr_has(&s->proxies[i], ip)) {
            return true;
        }
    }
    return false;
}

/* The rightmost address that no trusted proxy has. */
static void find_forwarded(struct request *r)
{
    struct str list = http_header(&r->public, "X-Forwarded-For");

    while (list.len > 0) {
        size_t comma = list.len;
        struct ip ip;

        while (comma > 0 && list.p[comma - 1] != ',') {
            comma--;
        }
        if (ip_parse(str_trim(str_sub(list, comma, list.len)), &ip) != 0) {
            return;
        }
        r->public.peer = ip;
        if (!is_trusted(r->server, &ip)) {
            return;
        }
        list = str_sub(list, 0, comma == 0 ? 0 : comma - 1);
    }
}

void http_find_peer(struct request *r)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    uint16_t port;

    r->public.is_tls = r->server->options.tls_cert_pem != NULL;
    if (info == NULL || ip_from_sockaddr(info->client_addr, &r->public.peer, &port) != 0) {
        r->public.peer = (struct ip){ 0 };
        return;
    }
    if (is_trusted(r->server, &r->public.peer)) {
        r->public.is_tls = str_eq_nocase(http_header(&r->public, "X-Forwarded-Proto"), STR("https"));
        find_forwarded(r);
    }
}
