/* SPDX-License-Identifier: Apache-2.0 */
/* mail.h - the wiring of what people are told by: the settings, the recipients, the outbox, the alerts. */
#ifndef SERVER_MAIL_H
#define SERVER_MAIL_H

#include "base/err.h"

struct alerts;
struct config;
struct db_options;
struct engine;
struct keyring;
struct loop;
struct notices;
struct outbox;
struct readers;
struct recipients;
struct registry;
struct writer;

struct mail_parts {
    const struct config *config;
    struct loop *loop;
    struct writer *writer;
    struct readers *readers;
    struct engine *engine; /* mails leave by its sending processes */
    const struct keyring *keyring;
    const struct db_options *db;
    struct registry *registry;
    struct notices *notices; /* mailed from now on */
};

enum { MAIL_PAGER_KEY_MAX = 256 };

struct mail_made {
    struct outbox *outbox;
    struct recipients *recipients;
    struct alerts *alerts;
    char pager_key[MAIL_PAGER_KEY_MAX];
};

/* -E_CONFIG with a sentence: a setting is not right. What was made is set also on failure. */
NODISCARD int mail_start(const struct mail_parts *parts, struct mail_made *made,
                         struct err *err);
void mail_stop(struct mail_made *made); /* nothing new leaves or is judged */
void mail_free(struct mail_made *made); /* after readers, writer and engine */

#endif
