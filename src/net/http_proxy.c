/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_proxy.c - who is the client? The peer of the socket, unless that is a proxy of
 * options.behind_proxy: then the rightmost address of all X-Forwarded-For lines that is none of
 * those proxies. What stands left of it was written by somebody whom we do not trust.
 */
#include <sys/socket.h>

#include <string.h>

#include "net/http_internal.h"

int http_proxy_address(const struct sockaddr *addr, struct ip *ret_ip)
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    struct ip ip;
    uint16_t port;
    int rc = ip_from_sockaddr(addr, &ip, &port);

    if (rc != 0) {
        return rc;
    }
    if (ip.is_v6 && memcmp(ip.bytes, mapped, sizeof(mapped)) == 0) {
        struct ip v4 = { 0 };

        memcpy(v4.bytes, ip.bytes + sizeof(mapped), 4);
        ip = v4;
    }
    *ret_ip = ip;
    return 0;
}

int http_proxy_read(struct http_server *s, struct err *err)
{
    struct str list = str_from(s->options.behind_proxy);
    struct str item;

    while (str_split(&list, ',', &item)) {
        struct http_cidr *c = &s->proxies[s->proxy_count];
        struct str text = str_trim(item);
        size_t slash = str_find(text, '/');
        int64_t bits;

        if (s->proxy_count == HTTP_CIDRS_MAX ||
            ip_parse(str_sub(text, 0, slash), &c->ip) != 0) {
            return err_set(
                err, -E_CONFIG,
                "behind_proxy must be a list of at most %d addresses or CIDR ranges.",
                HTTP_CIDRS_MAX);
        }
        bits = c->ip.is_v6 ? 128 : 32;
        if (slash < text.len &&
            str_to_int(str_sub(text, slash + 1, text.len), 0, bits, &bits) != 0) {
            return err_set(err, -E_CONFIG,
                           "behind_proxy has a prefix length that is not valid.");
        }
        c->bits = (unsigned)bits;
        s->proxy_count++;
    }
    return 0;
}

static bool cidr_has(const struct http_cidr *c, const struct ip *ip)
{
    unsigned whole = c->bits / 8;
    uint8_t mask = (uint8_t)(0xff00U >> (c->bits % 8));

    return c->ip.is_v6 == ip->is_v6 && memcmp(c->ip.bytes, ip->bytes, whole) == 0 &&
           (mask == 0 || ((c->ip.bytes[whole] ^ ip->bytes[whole]) & mask) == 0);
}

bool http_proxy_trusts(const struct http_server *s, const struct ip *ip)
{
    for (size_t i = 0; i < s->proxy_count; i++) {
        if (cidr_has(&s->proxies[i], ip)) {
            return true;
        }
    }
    return false;
}

/* All lines of one field as the one list that they are (RFC 9110 5.3). */
struct field {
    const char *name;
    struct arena *arena;
    struct str value;
};

static enum MHD_Result on_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    struct field *f = ctx;

    (void)kind;
    if (value == NULL || !str_eq_nocase(str_from(name), str_from(f->name))) {
        return MHD_YES;
    }
    f->value = f->value.p == NULL ? str_from(value)
                                  : arena_printf(f->arena, "%.*s,%s", STR_ARG(f->value), value);
    return MHD_YES;
}

static struct str field_list(struct request *r, const char *name)
{
    struct field f = { .name = name, .arena = &r->public.arena };

    (void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND, on_field, &f);
    return f.value;
}

/* Cut the last item off a list. */
static struct str list_last(struct str *list)
{
    size_t from = list->len;
    struct str item;

    while (from > 0 && list->p[from - 1] != ',') {
        from--;
    }
    item = str_trim(str_sub(*list, from, list->len));
    *list = str_sub(*list, 0, from == 0 ? 0 : from - 1);
    return item;
}

/* An address as proxies write it: also with a port, IPv6 then in brackets. */
static int forwarded_parse(struct str item, struct ip *ret_ip)
{
    size_t colon = str_find(item, ':');

    if (item.len > 0 && item.p[0] == '[') {
        return ip_parse(str_sub(item, 1, str_find(item, ']') - 1), ret_ip);
    }
    if (str_find(item, '.') < colon && colon < item.len) {
        item = str_sub(item, 0, colon);
    }
    return ip_parse(item, ret_ip);
}

static void find_forwarded(struct request *r)
{
    struct str list = field_list(r, "X-Forwarded-For");

    while (list.len > 0) {
        struct ip ip;

        if (forwarded_parse(list_last(&list), &ip) != 0) {
            return; /* the last proxy that we trust is as far as we know */
        }
        r->public.peer = ip;
        if (!http_proxy_trusts(r->server, &ip)) {
            return;
        }
    }
}

void http_proxy_find(struct request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct str proto;

    r->public.is_tls = r->server->speaks_tls;
    if (info == NULL || info->client_addr == NULL ||
        http_proxy_address(info->client_addr, &r->public.peer) != 0) {
        r->public.peer = (struct ip){ 0 };
        return;
    }
    if (!http_proxy_trusts(r->server, &r->public.peer)) {
        return;
    }
    /* The rightmost word is that of the proxy which speaks to us. */
    proto = field_list(r, "X-Forwarded-Proto");
    if (proto.p != NULL) {
        r->public.is_tls = str_eq_nocase(list_last(&proto), STR("https"));
    }
    find_forwarded(r);
}
