/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c - a transfer as options of an easy handle, and the callbacks that judge and count.
 *
 * Everything that libcurl would do by itself is switched off: proxies of the environment, redirects, other
 * protocols, HTTP/2, decoding, Expect, cookies, and sending a request a second time.
 */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "egress/transfer.h"
#include "egress/trust.h"

enum { CONNECTION_IDLE_MAX_S = 15, CONNECTION_LIFE_MAX_S = 300 };
enum { REQUEST_HEADERS_MAX = 100, REQUEST_UPLOAD_BUFFER = 16 * 1024 };

/* --- Callbacks -------------------------------------------------------------------------------- */

static size_t on_header_line(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    return caps_line(&t->caps, (struct str){ p, size * n }) ? size * n : 0;
}

static size_t on_body_piece(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    return caps_body(&t->caps, (struct str){ p, size * n }) ? size * n : 0;
}

static bool is_pinned(const struct transfer *t, const struct ip *ip)
{
    const struct ip *pinned = &t->addresses[t->at];

    return pinned->is_v6 == ip->is_v6 &&
           memcmp(pinned->bytes, ip->bytes, ip->is_v6 != 0 ? 16 : 4) == 0;
}

bool request_allows(const struct transfer *t, const struct ip *ip)
{
    const struct ipguard *guard = t->options->guard;

    return t->mail != NULL ? ipguard_allows_operator(guard, ip, t->url.port)
                           : ipguard_allows(guard, ip, t->url.port);
}

/* The last authority: no socket for an address that is not the judged one, and judged once more. */
static curl_socket_t on_socket_wanted(void *ctx, curlsocktype purpose,
                                      struct curl_sockaddr *address)
{
    struct transfer *t = ctx;
    int size = CAPS_SOCKET_BUFFER;
    struct ip ip;
    uint16_t port;
    int fd;

    (void)purpose;
    /* A second connection after the request was begun would be a second sending. */
    if (t->prereqs > 0) {
        return CURL_SOCKET_BAD;
    }
    if (ip_from_sockaddr(&address->addr, &ip, &port) != 0 || !is_pinned(t, &ip) ||
        port != t->url.port || !request_allows(t, &ip)) {
        t->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                address->protocol);
    if (fd < 0) {
        t->open_errno = errno;
        return CURL_SOCKET_BAD;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    t->opens++;
    return fd;
}

/* Right before the request is written. libcurl comes here again when it would repeat it by itself. */
static int on_request_ready(void *ctx, char *remote_ip, char *local_ip, int remote_port,
                            int local_port)
{
    struct transfer *t = ctx;
    struct ip ip;

    (void)local_ip;
    (void)local_port;
    t->prereqs++;
    if (t->prereqs > 1) {
        return CURL_PREREQFUNC_ABORT;
    }
    t->sent_us = clock_boot_us();
    t->is_reused = t->opens == 0;
    if (ip_parse(str_from(remote_ip), &ip) != 0 || !is_pinned(t, &ip) ||
        remote_port != t->url.port || !request_allows(t, &ip)) {
        t->is_refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *trust)
{
    (void)easy;
    trust_apply(trust, ssl_ctx);
    return CURLE_OK;
}

/* --- Options ---------------------------------------------------------------------------------- */

/* Sets an option and remembers the first failure in rc. */
#define SETOPT(easy, rc, option, value)                                                        \
    ((rc) = (rc) == CURLE_OK ? curl_easy_setopt((easy), (option), (value)) : (rc))

int request_easy_new(const struct sender_options *options, CURL **ret_easy)
{
    CURL *easy = curl_easy_init();
    CURLcode rc = CURLE_OK;

    ASSERT(options->user_agent != NULL && options->trust != NULL);
    if (easy == NULL) {
        return -E_IO;
    }
    SETOPT(easy, rc, CURLOPT_NOSIGNAL, 1L);
    SETOPT(easy, rc, CURLOPT_NOPROGRESS, 1L);
    SETOPT(easy, rc, CURLOPT_PROTOCOLS_STR, "https,http");
    SETOPT(easy, rc, CURLOPT_PROXY, "");
    SETOPT(easy, rc, CURLOPT_NOPROXY, "*");
    SETOPT(easy, rc, CURLOPT_FOLLOWLOCATION, 0L);
    SETOPT(easy, rc, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SETOPT(easy, rc, CURLOPT_HTTP09_ALLOWED, 0L);
    SETOPT(easy, rc, CURLOPT_PATH_AS_IS, 1L);
    SETOPT(easy, rc, CURLOPT_TCP_NODELAY, 1L);
    SETOPT(easy, rc, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_MAX_S);
    SETOPT(easy, rc, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_MAX_S);
    SETOPT(easy, rc, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
    SETOPT(easy, rc, CURLOPT_UPLOAD_BUFFERSIZE, (long)REQUEST_UPLOAD_BUFFER);
    SETOPT(easy, rc, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SETOPT(easy, rc, CURLOPT_SSL_VERIFYPEER, 1L);
    SETOPT(easy, rc, CURLOPT_SSL_VERIFYHOST, 2L);
    SETOPT(easy, rc, CURLOPT_CAINFO, NULL);
    SETOPT(easy, rc, CURLOPT_CAPATH, NULL);
    SETOPT(easy, rc, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    SETOPT(easy, rc, CURLOPT_SSL_CTX_DATA, options->trust);
    SETOPT(easy, rc, CURLOPT_HEADERFUNCTION, on_header_line);
    SETOPT(easy, rc, CURLOPT_WRITEFUNCTION, on_body_piece);
    SETOPT(easy, rc, CURLOPT_OPENSOCKETFUNCTION, on_socket_wanted);
    SETOPT(easy, rc, CURLOPT_PREREQFUNCTION, on_request_ready);
    if (options->user_agent[0] != '\0') {
        SETOPT(easy, rc, CURLOPT_USERAGENT, options->user_agent);
    }
    SETOPT(easy, rc, CURLOPT_POST, 1L);
    if (rc != CURLE_OK) {
        curl_easy_cleanup(easy);
        return -E_IO;
    }
    *ret_easy = easy;
    return 0;
}

/* --- Headers ---------------------------------------------------------------------------------- */

/* What frames the message is ours alone, whatever the caller checked before. */
static bool header_is_reserved(struct str name)
{
    static const char *const names[] = { "host",       "content-length", "transfer-encoding",
                                         "connection", "upgrade",        "expect",
                                         "te",         "trailer",        "keep-alive" };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_eq_nocase(name, str_from(names[i]))) {
            return true;
        }
    }
    return str_starts(name, STR("Proxy-")) || str_starts(name, STR("proxy-"));
}

static bool header_is_fit(struct str name, struct str value)
{
    size_t i;

    for (i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.p[i];

        if (c <= 0x20 || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c) != NULL) {
            return false;
        }
    }
    for (i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return name.len > 0 && !header_is_reserved(name);
}

static int header_add(struct transfer *t, const char *line)
{
    struct curl_slist *list = curl_slist_append(t->header_list, line);

    if (list == NULL) {
        return -E_IO;
    }
    t->header_list = list;
    return 0;
}

static int header_take(struct transfer *t, struct str line)
{
    size_t colon = str_find(line, ':');
    struct str name = str_sub(line, 0, colon);
    struct str value = str_trim(str_sub(line, colon + 1, line.len));
    struct str text;

    if (colon == line.len || !header_is_fit(name, value)) {
        return -E_INVALID;
    }
    /* libcurl's spelling of a header without a value has a semicolon. */
    if (value.len == 0) {
        text = arena_printf(&t->arena, "%.*s;", STR_ARG(name));
    } else {
        text = arena_printf(&t->arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(value));
    }
    return header_add(t, text.p);
}

/* Is a header of this name in the list? `name` ends with a colon. */
static bool header_is_there(const struct transfer *t, struct str name)
{
    const struct curl_slist *one;

    for (one = t->header_list; one != NULL; one = one->next) {
        if (str_eq_nocase(str_sub(str_from(one->data), 0, name.len), name)) {
            return true;
        }
    }
    return false;
}

int request_take_headers(struct transfer *t)
{
    static const struct str defaults[] = { { "Accept:", 7 }, { "Content-Type:", 13 } };
    struct str left = t->headers;
    unsigned count = 0;
    size_t i;

    while (left.len > 0) {
        size_t end = str_find(left, '\n');

        count++;
        if (end == left.len || end == 0 || left.p[end - 1] != '\r' ||
            count > REQUEST_HEADERS_MAX || header_take(t, str_sub(left, 0, end - 1)) != 0) {
            return -E_INVALID;
        }
        left = str_sub(left, end + 1, left.len);
    }
    /* A bare "Name:" keeps libcurl from sending its own. */
    for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (!header_is_there(t, defaults[i]) && header_add(t, defaults[i].p) != 0) {
            return -E_INVALID;
        }
    }
    return header_add(t, "Expect:") == 0 ? 0 : -E_INVALID;
}

/* --- One transfer ----------------------------------------------------------------------------- */

/* "::ADDRESS:PORT": any host and port of the URL go to this address. */
static int request_pin(struct transfer *t)
{
    const struct ip *ip = &t->addresses[t->at];
    char text[IP_TEXT_SIZE];
    struct str pin;

    ip_format(ip, text);
    pin = arena_printf(&t->arena, ip->is_v6 != 0 ? "::[%s]:%u" : "::%s:%u", text,
                       (unsigned)t->url.port);
    curl_slist_free_all(t->connect_to);
    t->connect_to = curl_slist_append(NULL, pin.p);
    return t->connect_to != NULL ? 0 : -E_IO;
}

int request_prepare(struct transfer *t)
{
    CURL *easy = t->easy;
    CURLcode rc = CURLE_OK;
    bool is_fresh = (t->flags & FRAME_SEND_FRESH_CONNECTION) != 0;

    ASSERT(t->at < t->count && easy != NULL);
    if (request_pin(t) != 0) {
        return -E_IO;
    }
    SETOPT(easy, rc, CURLOPT_URL, t->url.text.p);
    SETOPT(easy, rc, CURLOPT_HTTPHEADER, t->header_list);
    SETOPT(easy, rc, CURLOPT_CONNECT_TO, t->connect_to);
    SETOPT(easy, rc, CURLOPT_POSTFIELDS, t->body.len > 0 ? t->body.p : "");
    SETOPT(easy, rc, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
    SETOPT(easy, rc, CURLOPT_FRESH_CONNECT, is_fresh ? 1L : 0L);
    SETOPT(easy, rc, CURLOPT_ERRORBUFFER, t->error);
    SETOPT(easy, rc, CURLOPT_PRIVATE, t);
    SETOPT(easy, rc, CURLOPT_HEADERDATA, t);
    SETOPT(easy, rc, CURLOPT_WRITEDATA, t);
    SETOPT(easy, rc, CURLOPT_OPENSOCKETDATA, t);
    SETOPT(easy, rc, CURLOPT_PREREQDATA, t);
    if (rc == CURLE_OK && t->mail != NULL) {
        return mail_prepare(t);
    }
    return rc == CURLE_OK ? 0 : -E_IO;
}
