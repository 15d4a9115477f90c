/* SPDX-License-Identifier: Apache-2.0 */
/* mail.h - the wiring of mail: the settings, the recipients and the outbox. */
#ifndef SERVER_MAIL_H
#define SERVER_MAIL_H

#include "base/err.h"

struct config;
struct db_options;
struct engine;
struct keyring;
struct loop;
struct notices;
struct outbox;
struct readers;
struct recipients;
struct writer;

struct mail_parts {
    const struct config *config;
    struct loop *loop;
    struct writer *writer;
    struct readers *readers;
    struct engine *engine; /* mails leave by its sending processes */
    const struct keyring *keyring;
    const struct db_options *db;
    struct notices *notices; /* mailed from now on */
};

/* -E_CONFIG with a sentence: a setting is not right. What was made is set also on failure. */
NODISCARD int mail_start(const struct mail_parts *parts, struct outbox **ret_outbox,
                         struct recipients **ret_recipients, struct err *err);

#endif
