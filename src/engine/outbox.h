/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - what leaves for people: mails by the operator's SMTP server, JSON to a URL of his. Main thread.
 *
 * A message is planned (outbox_plan), stored by its owner's write (outbox_store, in the writer's thread) and, after
 * the commit, taken (outbox_take): from then on it is tried until it is taken by the other side, refused for good
 * (SMTP 5xx) or OUTBOX_AGE_MS old. Backs off from retry_ms, doubled, at most OUTBOX_RETRY_MAX_MS. Rows outlive
 * the process. A crash can send one twice, never none.
 */
#ifndef ENGINE_OUTBOX_H
#define ENGINE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/frame.h"
#include "store/outbox.h"

struct db;
struct db_options;
struct egress_pool;
struct keyring;
struct loop;
struct outbox;
struct readers;
struct writer;

enum {
    OUTBOX_MAX = 10000,                /* messages that wait; beyond, new ones are dropped */
    OUTBOX_SENDING_MAX = 4,            /* at once */
    OUTBOX_RETRY_MAX_MS = 3600 * 1000, /* between two tries */
    OUTBOX_AGE_MS = 24 * 3600 * 1000,  /* then given up */
    OUTBOX_TIMEOUT_MS = 30 * 1000      /* of one try */
};

struct outbox_options {
    struct loop *loop;
    struct writer *writer;
    struct readers *readers;
    struct egress_pool *pool;
    const struct keyring *keyring;
    int64_t retry_ms; /* before the second try */
    /* the mail server; host empty: mails are not planned */
    struct str host;
    uint32_t port;
    enum frame_mail_tls tls;
    struct str from; /* an address, or: Name <address> */
    struct str user, password;
};

NODISCARD int outbox_new(const struct outbox_options *options, const struct db_options *db,
                         struct outbox **ret_outbox, struct err *err);
void outbox_stop(struct outbox *ob); /* nothing new leaves; NULL allowed */
void outbox_free(
    struct outbox *ob); /* after the writer, the readers and egress; NULL allowed */

bool outbox_has_mail(const struct outbox *ob); /* is there a mail server? */
struct str outbox_from(const struct outbox *ob);

/* Give the row its number and seal the body; strings are copied into the arena. -E_LIMIT: too many wait. */
NODISCARD int outbox_plan(struct outbox *ob, enum outbox_channel channel, struct str target,
                          struct str body, int64_t now, struct arena *arena,
                          struct outbox_row *ret_row);
/* After the commit of outbox_insert with that row. */
void outbox_take(struct outbox *ob, const struct outbox_row *row);

struct outbox_stats {
    uint64_t sent, retried, failed, dropped;
    uint64_t waiting;
};
void outbox_stats(const struct outbox *ob, struct outbox_stats *ret_stats);

/* "smtp://host:port" (STARTTLS; plain when `plain`) or "smtps://host:port". -E_CONFIG with a sentence. */
NODISCARD int outbox_parse_url(struct str url, bool plain, struct str *ret_host,
                               uint32_t *ret_port, enum frame_mail_tls *ret_tls,
                               struct err *err);

#endif
