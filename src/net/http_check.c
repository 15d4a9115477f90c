/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_check.c - what libmicrohttpd lets through and must not pass: anything that two parsers
 * could read in two ways (RFC 9112 3.2, 6.1, 6.3, 11.2). What is refused here is answered 400
 * and the connection is closed, so no second request is ever parsed behind it.
 *
 * libmicrohttpd 0.9.75 shows folded lines unfolded and values up to a NUL, takes a bare LF for
 * CRLF and drops a field without a name: that cannot be seen here. 1.0 refuses it by its
 * discipline level.
 */
#include <string.h>

#include "net/http_internal.h"

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

/* uri-host [":" port] of RFC 9110 7.2, by its characters; no comma, though: it would read as
 * a list. */
static bool is_host(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= ' ' || c >= 0x7f || strchr("\"#,/<>?@\\^`{|}", c) != NULL) {
            return false;
        }
    }
    return s.len > 0;
}

static bool is_field_value(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    struct head *h = ctx;
    struct str n = { name, name_len };
    struct str v = { value, value == NULL ? 0 : value_len };

    (void)kind;
    h->size += n.len + v.len + 4; /* ": " and CRLF */
    if (!is_token(n) || !is_field_value(v)) {
        h->is_bad = true;
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

/* Where the body ends must be said in exactly one way, or in none. */
static bool is_framing_sane(const struct head *h, bool is_11)
{
    if (h->content_lengths + h->transfer_encodings > 1) {
        return false;
    }
    if (h->transfer_encodings == 1) {
        return is_11 && str_eq_nocase(h->transfer_encoding, STR("chunked"));
    }
    return true;
}

int http_check_head(const struct request *r, const char *version)
{
    const struct http_server *s = r->server;
    bool is_11 = strcmp(version, "HTTP/1.1") == 0;
    struct head h = { 0 };
    int64_t length = 0;

    (void)MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, on_header, &h);
    if (h.size > s->options.header_max) {
        return -E_HEADERS_TOO_LARGE;
    }
    if (r->target.len > s->options.uri_max) {
        return -E_URI_TOO_LONG;
    }
    if (h.is_bad || !is_token(r->public.method) ||
        (!is_11 && strcmp(version, "HTTP/1.0") != 0) || h.hosts > 1 ||
        (h.hosts == 1 && !is_host(h.host)) || (is_11 && h.hosts == 0) ||
        !is_framing_sane(&h, is_11)) {
        return -E_INVALID;
    }
    if (h.content_lengths == 0) {
        return 0;
    }
    if (str_to_int(h.content_length, 0, INT64_MAX, &length) != 0) {
        return -E_INVALID;
    }
    if ((uint64_t)length > s->options.body_max) {
        return -E_TOO_LARGE;
    }
    return (size_t)length + s->stats.bodies_memory > s->options.bodies_memory_max ? -E_BUSY : 0;
}

/* absolute-form: the authority must be the one that Host names. */
static int strip_authority(const struct request *r, struct str *target)
{
    size_t scheme = 0;
    struct str rest;
    size_t end;

    if (str_eq_nocase(str_sub(*target, 0, 7), STR("http://"))) {
        scheme = 7;
    } else if (str_eq_nocase(str_sub(*target, 0, 8), STR("https://"))) {
        scheme = 8;
    } else {
        return 0;
    }
    rest = str_sub(*target, scheme, target->len);
    for (end = 0; end < rest.len && rest.p[end] != '/' && rest.p[end] != '?'; end++) {
    }
    if (!is_host(str_sub(rest, 0, end)) ||
        !str_eq_nocase(str_sub(rest, 0, end), http_header(&r->public, MHD_HTTP_HEADER_HOST)) ||
        (end < rest.len && rest.p[end] == '?')) {
        return -E_INVALID;
    }
    *target = end == rest.len ? STR("/") : str_sub(rest, end, rest.len);
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
    if (str_eq_c(r->public.method, MHD_HTTP_METHOD_CONNECT)) {
        return -E_NOT_IMPLEMENTED; /* its target is no path */
    }
    if (strip_authority(r, &target) != 0) {
        return -E_INVALID;
    }
    if (!str_starts(target, STR("/")) &&
        !(str_eq_c(target, "*") && str_eq_c(r->public.method, MHD_HTTP_METHOD_OPTIONS))) {
        return -E_INVALID;
    }
    question = str_find(target, '?');
    r->public.path = str_sub(target, 0, question);
    r->public.query =
        question == target.len ? STR_NONE : str_sub(target, question + 1, target.len);
    return 0;
}
