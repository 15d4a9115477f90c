/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps.h - what is kept of a response, and how much of one is taken before it is cut off.
 *
 * Lines of the head count over status lines, informational (1xx) heads and trailers as well: they all come
 * through caps_line. A response that is over a limit gets a token; one whose body is merely longer than
 * CAPS_BODY_READ_MAX does not: its status is known and counts, only the connection is closed.
 */
#ifndef EGRESS_CAPS_H
#define EGRESS_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "egress/token.h"

enum {
    CAPS_HEAD_BYTES_MAX = 64 * 1024,
    CAPS_HEAD_LINES_MAX = 100,
    CAPS_HEADERS_KEPT_MAX = 8 * 1024,
    CAPS_BODY_KEPT_MAX = 4 * 1024,
    CAPS_BODY_READ_MAX = 64 * 1024,
    CAPS_WIRE_BYTES_MAX = 256 * 1024, /* received bytes of one attempt, whatever they are */
    CAPS_SOCKET_BUFFER = 64 * 1024 /* asked of the kernel, so that it cannot hold much unread */
};

struct caps {
    enum token token;   /* NONE, or what the response broke */
    const char *detail; /* a sentence when there is a token */
    size_t head_bytes;
    size_t head_lines;
    bool is_head_done; /* the head of the final response is whole */
    bool is_headers_full;
    bool is_enough;      /* CAPS_BODY_READ_MAX was reached */
    int32_t status_code; /* of the last status line */
    size_t body_bytes;
    struct buf headers; /* "Name: value\r\n" of the final response, whole lines */
    struct buf body;    /* its beginning */
};

void caps_init(struct caps *c);
void caps_done(struct caps *c);
void caps_clear(struct caps *c); /* for the next try; keeps the memory */
/* One line as it came, status lines and empty lines too. False: stop reading. */
bool caps_line(struct caps *c, struct str line);
/* A piece of the body. False: stop reading. */
bool caps_body(struct caps *c, struct str piece);
/* The bytes that have come since the attempt began to use its connection. False: stop reading. */
bool caps_wire(struct caps *c, int64_t bytes);

/* Bytes that the kernel has received on a TCP socket; 0 when it cannot tell. */
int64_t caps_received(int fd);
/* Has the other side accepted the connection? */
bool caps_is_connected(int fd);

#endif
