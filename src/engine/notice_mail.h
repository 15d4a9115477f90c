/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice_mail.h - mails of notices: to whom, with which text, as rows of the outbox. Main thread.
 */
#ifndef ENGINE_NOTICE_MAIL_H
#define ENGINE_NOTICE_MAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "engine/notice_text.h"
#include "engine/recipients.h"
#include "store/notice.h"
#include "store/outbox.h"

struct outbox;

enum { NOTICE_URLS_MAX = 2, NOTICE_MAILS_MAX = 2 * RECIPIENTS_MAX + NOTICE_URLS_MAX };

struct notice_mailer {
    struct outbox *outbox; /* NULL: nothing is mailed */
    const struct recipients *recipients;
    struct str own_url;
    struct str operators; /* addresses between commas */
    struct str alert_url; /* gets every alert as JSON; empty: none */
    struct str
        pager_url; /* gets alerts of severity page as events of PagerDuty (Events API v2) */
    struct str pager_key; /* its routing key */
};

/* The mails and posts that this notice makes, at most NOTICE_MAILS_MAX; returns how many. */
size_t notice_mails(const struct notice_mailer *m, const struct notice_texts *texts,
                    const struct notice_row *row, const struct notice_fact *facts,
                    size_t fact_count, struct arena *arena, struct outbox_row *ret_rows);
/* The question to an address whether it wants to be told. */
NODISCARD int notice_mail_confirm(const struct notice_mailer *m,
                                  const struct notice_texts *texts, int64_t app,
                                  struct str app_name, struct str email, int64_t now,
                                  struct arena *arena, struct outbox_row *ret_row);

#endif
