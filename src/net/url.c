/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.c - the strict parser of endpoint URLs.
 *
 * Characters first, then scheme, authority, host, port, and the rest as it stands. A name with letters
 * beyond ASCII is mapped by UTS-46 and then meets every rule again, as what it has become.
 */
#include "net/url.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { HOST_SIZE_MAX = 253, LABEL_SIZE_MAX = 63 };

/* One URL on its way. */
struct url_work {
    const struct url_policy *policy;
    struct arena *arena;
    struct url url;
    struct err *err;
};

#define REFUSE(w, ...) err_set((w)->err, -E_URL_REFUSED, __VA_ARGS__)

/* Names that lead inside, whatever they resolve to. A leading dot: the domain and all below it. */
static const char *const refused_names[] = {
    ".localhost",
    ".local",
    ".internal",
    ".localdomain",
    ".home.arpa",
    ".lan",
    ".onion",
    "metadata.goog",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "metadata.tencentyun.com",
    "metadata.oraclecloud.com",
    "instance-data.ec2.amazonaws.com",
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static struct str lower(struct arena *arena, struct str s)
{
    char *copy = arena_c(arena, s);
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z') {
            copy[i] = (char)(copy[i] + ('a' - 'A'));
        }
    }
    return (struct str){ copy, s.len };
}

/* --- Characters ------------------------------------------------------------------------------- */

static int url_check_text(struct url_work *w, struct str s)
{
    size_t i;

    if (s.len == 0) {
        return REFUSE(w, "The URL is empty; give one such as https://example.com/hooks.");
    }
    if (s.len > URL_SIZE_MAX) {
        return REFUSE(w, "The URL has more than %d bytes; use a shorter one.", URL_SIZE_MAX);
    }
    for (i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= 0x20 || c == 0x7f) {
            return REFUSE(w, "The URL has a blank or control character; remove it.");
        }
        if (c == '\\') {
            return REFUSE(w, "The URL has a backslash; write / or %%5C.");
        }
    }
    return 0;
}

/* Path, query and fragment: the characters of RFC 3986, and [ ] in the query as many forms send them. */
static int url_check_rest(struct url_work *w, struct str s)
{
    bool is_query = false;
    size_t i;

    for (i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (c == '?') {
            is_query = true;
        }
        if (c == '%') {
            if (i + 2 >= s.len || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])) {
                return REFUSE(w,
                              "A %% in the URL is not followed by two hex digits; write %%25.");
            }
            continue;
        }
        if (is_alpha(c) || is_digit(c) || strchr("-._~!$&'()*+,;=:@/?#", c) != NULL) {
            continue;
        }
        if (is_query && (c == '[' || c == ']')) {
            continue;
        }
        return REFUSE(w, "The path or query has a character that must be percent-encoded.");
    }
    return 0;
}

/* --- Scheme and port -------------------------------------------------------------------------- */

static int url_take_scheme(struct url_work *w, struct str *s)
{
    size_t colon = str_find(*s, ':');
    struct str scheme = str_sub(*s, 0, colon);

    if (colon == s->len || !str_starts(str_sub(*s, colon, s->len), STR("://"))) {
        return REFUSE(w, "The URL must begin with https://.");
    }
    if (str_eq_nocase(scheme, STR("https"))) {
        w->url.scheme = STR("https");
    } else if (str_eq_nocase(scheme, STR("http"))) {
        if (!w->policy->allow_http) {
            return REFUSE(w, "Plain http is not allowed here; use https.");
        }
        w->url.scheme = STR("http");
    } else {
        return REFUSE(w, "Only https is sent to; the URL has another scheme.");
    }
    *s = str_sub(*s, colon + 3, s->len);
    return 0;
}

static uint16_t url_default_port(const struct url *url)
{
    return url->scheme.len == 5 ? 443 : 80;
}

static int url_take_port(struct url_work *w, struct str port)
{
    int64_t number;

    if (port.len == 0 || port.p[0] == '0' || str_to_int(port, 1, 65535, &number) != 0) {
        return REFUSE(w, "The port is not a number from 1 to 65535 without leading zeros.");
    }
    w->url.port = (uint16_t)number;
    return 0;
}

static bool port_is_listed(const char *ports, uint16_t port)
{
    struct str list = str_from(ports);
    struct str item;
    int64_t number;

    if (str_eq_c(list, "any")) {
        return true;
    }
    while (str_split(&list, ',', &item)) {
        if (str_to_int(str_trim(item), 1, 65535, &number) == 0 && number == port) {
            return true;
        }
    }
    return false;
}

static int url_check_port(struct url_work *w)
{
    const struct ipguard *guard = w->policy->guard;

    if (port_is_listed(w->policy->ports, w->url.port)) {
        return 0;
    }
    if (w->url.is_ip && guard != NULL && ipguard_excepts(guard, &w->url.ip, w->url.port)) {
        return 0;
    }
    return REFUSE(w, "Port %u is not allowed; the allowed ports are %s.", (unsigned)w->url.port,
                  w->policy->ports);
}

/* --- Host ------------------------------------------------------------------------------------- */

static bool host_is_ascii(struct str host)
{
    size_t i;

    for (i = 0; i < host.len; i++) {
        if ((unsigned char)host.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* UTS-46, non-transitional: full-width, circled and other look-alikes become what they stand for. */
static int url_map_host(struct url_work *w, struct str host, struct str *ret_host)
{
    char *mapped = NULL;
    int rc;

    if (!str_is_utf8(host)) {
        return REFUSE(w, "The host is not valid UTF-8.");
    }
    rc = idn2_to_ascii_8z(arena_c(w->arena, host), &mapped,
                          IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
    if (rc != IDN2_OK) {
        return REFUSE(w, "The host is not a valid international name: %s.", idn2_strerror(rc));
    }
    *ret_host = arena_str(w->arena, str_from(mapped));
    idn2_free(mapped);
    return 0;
}

static int url_check_label(struct url_work *w, struct str label)
{
    size_t i;

    if (label.len == 0 || label.len > LABEL_SIZE_MAX) {
        return REFUSE(w, "A label of the host is empty or has more than %d characters.",
                      LABEL_SIZE_MAX);
    }
    for (i = 0; i < label.len; i++) {
        char c = label.p[i];

        if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_') {
            return REFUSE(w, "The host has a character that a host name cannot have.");
        }
    }
    if (label.p[0] == '-' || label.p[label.len - 1] == '-') {
        return REFUSE(w, "A label of the host begins or ends with a hyphen.");
    }
    return 0;
}

/* What other parsers read as an IPv4 address: the last label is all digits, or begins with 0x. */
static bool label_is_number(struct str label)
{
    size_t i;

    if (str_starts(label, STR("0x"))) {
        return true;
    }
    for (i = 0; i < label.len; i++) {
        if (!is_digit(label.p[i])) {
            return false;
        }
    }
    return true;
}

static int url_check_refused_names(struct url_work *w, struct str host)
{
    size_t i;

    for (i = 0; i < sizeof(refused_names) / sizeof(refused_names[0]); i++) {
        struct str name = str_from(refused_names[i]);

        if (str_eq(host, name) || (name.p[0] == '.' && str_ends(host, name)) ||
            (name.p[0] == '.' && str_eq(host, str_sub(name, 1, name.len)))) {
            return REFUSE(w, "The host `%.*s` is never sent to; use a public name.",
                          (int)(host.len < 100 ? host.len : 100), host.p);
        }
    }
    return 0;
}

/* A host outside brackets, lower-case ASCII by now. */
static int url_check_name(struct url_work *w, struct str host, bool was_mapped)
{
    struct str left;
    struct str label = STR_NONE;
    size_t labels = 0;
    int rc;

    if (host.len > 0 && host.p[host.len - 1] == '.') {
        host.len--;
    }
    if (host.len == 0 || host.len > HOST_SIZE_MAX) {
        return REFUSE(w, "The host is empty or has more than %d characters.", HOST_SIZE_MAX);
    }
    w->url.host = host;
    if (ip_parse(host, &w->url.ip) == 0) {
        w->url.is_ip = true;
        return was_mapped ? REFUSE(w, "Write the address of the host with plain digits.") : 0;
    }
    left = host;
    while (str_split(&left, '.', &label)) {
        rc = url_check_label(w, label);
        if (rc != 0) {
            return rc;
        }
        labels++;
    }
    ASSERT(labels > 0);
    if (label_is_number(label)) {
        return REFUSE(w, "The host is a number; write an address as four decimal numbers.");
    }
    if (w->policy->allow_loopback && str_eq_c(host, "localhost")) {
        return 0;
    }
    if (labels == 1) {
        return REFUSE(w, "The host is a single word; use a full public name.");
    }
    return url_check_refused_names(w, host);
}

static int url_take_host(struct url_work *w, struct str host)
{
    bool was_mapped = false;
    int rc;

    if (memchr(host.p, '%', host.len) != NULL) {
        return REFUSE(w, "The host has a %%; write it without percent-encoding.");
    }
    if (!host_is_ascii(host)) {
        rc = url_map_host(w, host, &host);
        if (rc != 0) {
            return rc;
        }
        was_mapped = true;
    }
    return url_check_name(w, lower(w->arena, host), was_mapped);
}

static int url_take_bracket(struct url_work *w, struct str text)
{
    if (ip_parse(text, &w->url.ip) != 0 || w->url.ip.is_v6 == 0) {
        return REFUSE(w,
                      "The address in brackets is not IPv6 in its shortest lower-case form.");
    }
    w->url.is_ip = true;
    w->url.host = arena_str(w->arena, text);
    return 0;
}

static int url_take_authority(struct url_work *w, struct str authority)
{
    struct str host;
    struct str port = STR_NONE;
    bool has_port;
    size_t end;
    int rc;

    if (memchr(authority.p, '@', authority.len) != NULL) {
        return REFUSE(w, "The URL has a user name or password; remove it.");
    }
    if (authority.len > 0 && authority.p[0] == '[') {
        end = str_find(authority, ']');
        if (end == authority.len) {
            return REFUSE(w, "The bracket of the address is not closed.");
        }
        host = str_sub(authority, 0, end + 1);
    } else {
        host = str_sub(authority, 0, str_find(authority, ':'));
    }
    has_port = host.len < authority.len;
    if (has_port) {
        port = str_sub(authority, host.len, authority.len);
        if (port.p[0] != ':') {
            return REFUSE(w, "Something stands between the host and the path.");
        }
        port = str_sub(port, 1, port.len);
    }
    rc = has_port ? url_take_port(w, port) : 0;
    if (rc != 0) {
        return rc;
    }
    if (host.len > 0 && host.p[0] == '[') {
        return url_take_bracket(w, str_sub(host, 1, host.len - 2));
    }
    return url_take_host(w, host);
}

/* --- The whole -------------------------------------------------------------------------------- */

static int url_check_address(struct url_work *w)
{
    const struct ipguard *guard = w->policy->guard;

    if (!w->url.is_ip || guard == NULL || ipguard_allows(guard, &w->url.ip, w->url.port)) {
        return 0;
    }
    return REFUSE(w, "The address %.*s is private or reserved; use a public one.",
                  STR_ARG(w->url.host));
}

static void url_compose(struct url_work *w, struct str rest)
{
    struct url *url = &w->url;
    const char *open = url->is_ip && url->ip.is_v6 != 0 ? "[" : "";
    const char *close = open[0] != '\0' ? "]" : "";
    struct str head;

    rest = str_sub(rest, 0, str_find(rest, '#'));
    if (url->port == url_default_port(url)) {
        head = arena_printf(w->arena, "%s://%s%.*s%s", url->scheme.p, open, STR_ARG(url->host),
                            close);
    } else {
        head = arena_printf(w->arena, "%s://%s%.*s%s:%u", url->scheme.p, open,
                            STR_ARG(url->host), close, (unsigned)url->port);
    }
    url->text = arena_printf(w->arena, "%.*s%s%.*s", STR_ARG(head),
                             rest.len > 0 && rest.p[0] == '/' ? "" : "/", STR_ARG(rest));
    url->target = str_sub(url->text, head.len, url->text.len);
}

int url_parse(struct str s, const struct url_policy *policy, struct arena *arena,
              struct url *ret_url, struct err *err)
{
    struct url_work w = { .policy = policy, .arena = arena, .err = err };
    struct str authority;
    size_t end = 0;
    int rc;

    ASSERT(policy != NULL && policy->ports != NULL && arena != NULL);
    rc = url_check_text(&w, s);
    if (rc != 0) {
        return rc;
    }
    rc = url_take_scheme(&w, &s);
    if (rc != 0) {
        return rc;
    }
    w.url.port = url_default_port(&w.url);
    while (end < s.len && strchr("/?#", s.p[end]) == NULL) {
        end++;
    }
    authority = str_sub(s, 0, end);
    s = str_sub(s, end, s.len);
    rc = url_take_authority(&w, authority);
    if (rc != 0) {
        return rc;
    }
    rc = url_check_rest(&w, s);
    if (rc != 0) {
        return rc;
    }
    rc = url_check_port(&w);
    if (rc != 0) {
        return rc;
    }
    rc = url_check_address(&w);
    if (rc != 0) {
        return rc;
    }
    url_compose(&w, s);
    if (w.url.text.len > URL_SIZE_MAX) {
        return REFUSE(&w, "The URL has more than %d bytes in ASCII; use a shorter one.",
                      URL_SIZE_MAX);
    }
    *ret_url = w.url;
    return 0;
}
