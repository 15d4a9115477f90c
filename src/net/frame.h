/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - what serve and egress say to each other over a stream socketpair: length-prefixed frames.
 *
 * A frame is u32 length of what follows, u8 type, fields in fixed order; integers little endian; a string is
 * u32 length and bytes. Both sides check every length against the limits: a bad frame ends the connection.
 */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { FRAME_SIZE_MAX = 4 * 1024 * 1024, FRAME_PHASES = 5 };

enum frame_type {
    FRAME_POLICY = 1,
    FRAME_SEND = 2,
    FRAME_DONE = 3,
    FRAME_ABORT = 4,
    FRAME_MAIL = 5
};

/* serve -> egress, first frame: the guard's policy and the limits. Text lists are comma-separated. */
struct frame_policy {
    uint8_t allow_http;        /* --dev or by setting */
    uint8_t allow_loopback;    /* --dev */
    struct str allow_targets;  /* "CIDR:PORT,CIDR:PORT" exceptions, port 0 = any */
    struct str refuse_targets; /* operator CIDRs */
    struct str ports;          /* "443,80,..." or "any" */
    struct str dns_server;     /* "ADDR:PORT" or empty = system */
    struct str user_agent;
    uint32_t connect_timeout_ms;
    uint32_t transfers_max;
    uint64_t bytes_max;
};

enum frame_send_flag {
    FRAME_SEND_FRESH_CONNECTION = 1,
    /* Resolve and judge, send nothing. The answer has no status; its response_body is a line "ADDRESS allowed" or
     * "ADDRESS refused" for each address. */
    FRAME_SEND_JUDGE = 2
};

/* serve -> egress: one ready-made request. Borrowed strings. */
struct frame_send {
    uint64_t handle;
    uint32_t timeout_ms;
    uint32_t flags;
    struct str url;
    struct str headers; /* "Name: value\r\n" lines, ready to send */
    struct str body;
};

enum frame_mail_tls {
    FRAME_MAIL_PLAIN = 0,    /* no TLS: a relay of the operator's own network */
    FRAME_MAIL_STARTTLS = 1, /* TLS before anything else is said, or nothing is sent */
    FRAME_MAIL_TLS = 2       /* from the first byte */
};

/*
 * serve -> egress: one message to one recipient, by the operator's mail server. That server may be of a private
 * network; what the operator refuses, link-local and multicast addresses are refused for it too. Borrowed
 * strings; the password is wiped with the transfer.
 */
struct frame_mail {
    uint64_t handle;
    uint32_t timeout_ms;
    uint32_t port;
    uint8_t tls;     /* enum frame_mail_tls */
    struct str host; /* a name or an address, no brackets */
    struct str helo; /* a domain */
    struct str from; /* an address, without <> */
    struct str to;
    struct str user; /* empty: no login */
    struct str password;
    struct str body; /* the message, RFC 5322, lines end with CR LF */
};

/* egress -> serve: the outcome, exactly one per SEND or MAIL (unless the process dies). */
struct frame_done {
    uint64_t handle;
    int32_t
        token; /* enum token; NONE when a response came whole (or enough of it, or the mail was taken) */
    int32_t status_code; /* 0 = none; of a mail: the last reply code of SMTP */
    uint8_t conn_reused;
    uint8_t body_cut;
    int32_t phase_us[FRAME_PHASES]; /* dns, connect, tls, wait, read; -1 = not reached */
    int64_t total_us;
    struct str ip;
    struct str detail;
    struct str response_headers; /* "Name: value\r\n", cut to 8 KiB */
    struct str response_body;    /* cut to 4 KiB */
};

NODISCARD int frame_put_policy(struct buf *out, const struct frame_policy *f);
NODISCARD int frame_put_send(struct buf *out, const struct frame_send *f);
NODISCARD int frame_put_mail(struct buf *out, const struct frame_mail *f);
NODISCARD int frame_put_done(struct buf *out, const struct frame_done *f);
NODISCARD int frame_put_abort(struct buf *out,
                              uint64_t handle); /* serve -> egress: forget it, no answer */

/* Look for a whole frame at the start of in. 0: *ret_type and *ret_body (borrowed from in) are set and
 * *ret_size bytes are to be consumed afterwards; -E_NOT_FOUND: more bytes are needed; -E_INVALID: bad. */
NODISCARD int frame_next(struct str in, enum frame_type *ret_type, struct str *ret_body,
                         size_t *ret_size);
NODISCARD int frame_get_policy(struct str body, struct frame_policy *ret);
NODISCARD int frame_get_send(struct str body, struct frame_send *ret);
NODISCARD int frame_get_mail(struct str body, struct frame_mail *ret);
NODISCARD int frame_get_done(struct str body, struct frame_done *ret);
NODISCARD int frame_get_abort(struct str body, uint64_t *ret_handle);

#endif
