/* SPDX-License-Identifier: Apache-2.0 */
/* caps.c - counting and keeping a response. */
#include "egress/caps.h"

#include <sys/socket.h>

#include <linux/tcp.h>
#include <netinet/in.h>

#include "base/assert.h"

void caps_init(struct caps *c)
{
    *c = (struct caps){ 0 };
    buf_init(&c->headers, CAPS_HEADERS_KEPT_MAX);
    buf_init(&c->body, CAPS_BODY_KEPT_MAX);
}

void caps_done(struct caps *c)
{
    buf_done(&c->headers);
    buf_done(&c->body);
}

void caps_clear(struct caps *c)
{
    struct buf headers = c->headers;
    struct buf body = c->body;

    buf_clear(&headers);
    buf_clear(&body);
    *c = (struct caps){ .headers = headers, .body = body };
}

static bool caps_stop(struct caps *c, enum token token, const char *detail)
{
    ASSERT(token != TOKEN_NONE && detail != NULL);
    c->token = token;
    c->detail = detail;
    return false;
}

/* "HTTP/1.1 200 OK": libcurl has checked its form. */
static bool caps_status_line(struct caps *c, struct str line)
{
    int64_t status = 0;
    size_t blank = str_find(line, ' ');

    if (str_to_int(str_sub(line, blank + 1, 3), 0, 999, &status) != 0) {
        return caps_stop(c, TOKEN_HTTP_PROTOCOL_ERROR, "The status line has no status code.");
    }
    if (status == 101) {
        return caps_stop(c, TOKEN_HTTP_UPGRADE_FAILED, "The endpoint answered 101.");
    }
    c->status_code = (int32_t)status;
    c->is_headers_full = false;
    buf_clear(&c->headers);
    return true;
}

/* Only whole lines, and none behind the first that has no room. */
static bool caps_keep_line(struct caps *c, struct str line)
{
    if (c->is_head_done || c->is_headers_full || str_find(line, ':') == line.len) {
        return true; /* a trailer, over, or no header */
    }
    if (line.len + 2 > CAPS_HEADERS_KEPT_MAX - c->headers.len) {
        c->is_headers_full = true;
        return true;
    }
    if (buf_add_str(&c->headers, line) != 0 || buf_add_c(&c->headers, "\r\n") != 0) {
        return caps_stop(c, TOKEN_HTTP_RESPONSE_HEADER_SIZE,
                         "The response headers have no room.");
    }
    return true;
}

bool caps_line(struct caps *c, struct str line)
{
    c->head_bytes += line.len;
    c->head_lines++;
    if (c->head_bytes > CAPS_HEAD_BYTES_MAX) {
        return caps_stop(c, TOKEN_HTTP_RESPONSE_HEADER_SIZE,
                         "The response headers have more than 64 KiB.");
    }
    if (c->head_lines > CAPS_HEAD_LINES_MAX) {
        return caps_stop(c, TOKEN_HTTP_RESPONSE_HEADER_SIZE,
                         "The response headers have more than 100 lines.");
    }
    while (line.len > 0 && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r')) {
        line.len--;
    }
    if (!c->is_head_done && str_starts(line, STR("HTTP/"))) {
        return caps_status_line(c, line);
    }
    if (line.len == 0) {
        c->is_head_done = c->is_head_done || c->status_code >= 200;
        return true;
    }
    return caps_keep_line(c, line);
}

bool caps_body(struct caps *c, struct str piece)
{
    size_t room = CAPS_BODY_KEPT_MAX - c->body.len;

    ASSERT(c->body.len <= CAPS_BODY_KEPT_MAX);
    c->body_bytes += piece.len;
    if (buf_add_str(&c->body, str_sub(piece, 0, room)) != 0) {
        return caps_stop(c, TOKEN_HTTP_RESPONSE_SIZE, "The response has no room.");
    }
    c->is_enough = c->body_bytes >= CAPS_BODY_READ_MAX;
    return !c->is_enough;
}

bool caps_wire(struct caps *c, int64_t bytes)
{
    if (bytes <= CAPS_WIRE_BYTES_MAX) {
        return true;
    }
    if (!c->is_head_done) {
        return caps_stop(c, TOKEN_HTTP_RESPONSE_HEADER_SIZE,
                         "More than 256 KiB came and the response headers were not whole.");
    }
    return caps_stop(c, TOKEN_HTTP_RESPONSE_SIZE, "More than 256 KiB came for one response.");
}

int64_t caps_received(int fd)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
        return 0;
    }
    return (int64_t)info.tcpi_bytes_received;
}

bool caps_is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);

    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}
