/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_message.h - a message as the bytes that SMTP carries (RFC 5322, MIME): plain text and HTML of it, base64,
 * lines that end with CR LF. Pure.
 */
#ifndef ENGINE_MAIL_MESSAGE_H
#define ENGINE_MAIL_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { MAIL_MESSAGE_MAX = 512 * 1024, MAIL_ADDRESS_MAX = 254 };

struct mail_message {
    struct str from; /* an address, or: Name <address> */
    struct str to;   /* an address */
    struct str subject, text, html;
    struct str id;          /* unique left side of the Message-ID */
    struct str unsubscribe; /* https URL that takes a POST; empty: none */
    int64_t at;             /* wall ms */
};

/* Appends. */
NODISCARD int mail_message_write(const struct mail_message *m, struct buf *out);
/* What SMTP can carry without extensions: local@domain, ASCII, no quotes. */
bool mail_address_is_fit(struct str address);
/* The address inside "Name <address>", or the whole; STR_NONE when it is not fit. */
struct str mail_address_of(struct str from);
struct str mail_domain_of(struct str address); /* behind the @ */

#endif
