/* SPDX-License-Identifier: Apache-2.0 */
#include "server/mail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "engine/alert.h"
#include "engine/engine.h"
#include "engine/mail_message.h"
#include "engine/notice.h"
#include "engine/notice_mail.h"
#include "engine/outbox.h"
#include "engine/recipients.h"
#include "server/config.h"

enum { MAIL_CREDENTIALS_MAX = 1024 };

/* User and password, wiped when the outbox has its copies. */
struct mail_credentials {
    char text[MAIL_CREDENTIALS_MAX];
};

/* The first `count` lines of a small file; they borrow from the text. */
static int read_lines(const char *path, const char *setting, struct mail_credentials *file,
                      struct str *ret_lines, size_t count, struct err *err)
{
    struct str left;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return err_set(err, -E_CONFIG, "%s cannot be read (errno %d).", setting, errno);
    }
    n = read(fd, file->text, sizeof(file->text) - 1);
    (void)close(fd);
    if (n <= 0 || memchr(file->text, '\0', (size_t)n) != NULL) {
        return err_set(err, -E_CONFIG, "%s is empty or not text.", setting);
    }
    left = (struct str){ file->text, (size_t)n };
    for (size_t i = 0; i < count; i++) {
        struct str line = STR_NONE;

        (void)str_split(&left, '\n', &line);
        if (line.len > 0 && line.p[line.len - 1] == '\r') {
            line.len--;
        }
        ret_lines[i] = line;
    }
    return ret_lines[0].len > 0
               ? 0
               : err_set(err, -E_CONFIG, "%s has an empty first line.", setting);
}

static int check_addresses(struct str left, struct err *err)
{
    struct str one;

    while (left.len > 0 && str_split(&left, ',', &one)) {
        if (!mail_address_is_fit(str_trim(one))) {
            return err_set(err, -E_CONFIG, "notice_emails has something that is no address.");
        }
    }
    return 0;
}

/* What the outbox must know; strings borrow from the config and the credentials. */
static int mail_settings(const struct config *c, struct mail_credentials *credentials,
                         struct outbox_options *options, struct err *err)
{
    struct str lines[2] = { STR_NONE, STR_NONE };
    int rc = check_addresses(str_from(c->notice_emails), err);

    if (rc != 0 || c->smtp_url[0] == '\0') {
        return rc;
    }
    rc = outbox_parse_url(str_from(c->smtp_url), c->smtp_plain, &options->host, &options->port,
                          &options->tls, err);
    if (rc != 0) {
        return rc;
    }
    options->from = str_from(c->smtp_from);
    if (mail_address_of(options->from).len == 0) {
        return err_set(err, -E_CONFIG,
                       "With smtp_url, smtp_from is needed: an address, or: Name <address>.");
    }
    if (c->smtp_credentials_file[0] != '\0') {
        rc = read_lines(c->smtp_credentials_file, "smtp_credentials_file", credentials, lines,
                        2, err);
        options->user = lines[0];
        options->password = lines[1];
    }
    return rc;
}

static int pager_key(const struct config *c, char ret_key[MAIL_PAGER_KEY_MAX], struct err *err)
{
    struct mail_credentials file = { .text = "" };
    struct str line = STR_NONE;
    int rc;

    if (c->alert_pager_url[0] == '\0') {
        return 0;
    }
    rc = read_lines(c->alert_pager_key_file, "alert_pager_key_file", &file, &line, 1, err);
    if (rc == 0 && line.len >= MAIL_PAGER_KEY_MAX) {
        rc = err_set(err, -E_CONFIG, "The key of alert_pager_key_file is too long.");
    }
    if (rc == 0) {
        memcpy(ret_key, line.p, line.len);
        ret_key[line.len] = '\0';
    }
    explicit_bzero(&file, sizeof(file));
    return rc;
}

static struct alerts *start_alerts(const struct mail_parts *parts, struct outbox *outbox)
{
    const struct config *c = parts->config;

    return alerts_start(
        &(struct alerts_options){ .loop = parts->loop,
                                  .registry = parts->registry,
                                  .engine = parts->engine,
                                  .readers = parts->readers,
                                  .writer = parts->writer,
                                  .notices = parts->notices,
                                  .outbox = outbox,
                                  .every_ms = c->alert_every_ms,
                                  .window_ms = c->alert_window_ms,
                                  .pending_max = c->alert_pending_max,
                                  .failure_percent = c->alert_failure_percent,
                                  .app_failure_percent = c->alert_app_failure_percent,
                                  .attempts_min = c->alert_attempts_min,
                                  .down_ms = c->alert_down_ms });
}

int mail_start(const struct mail_parts *parts, struct mail_made *made, struct err *err)
{
    const struct config *c = parts->config;
    struct mail_credentials credentials = { .text = "" };
    struct outbox_options options = { .loop = parts->loop,
                                      .writer = parts->writer,
                                      .readers = parts->readers,
                                      .pool = engine_egress(parts->engine),
                                      .keyring = parts->keyring,
                                      .retry_ms = c->outbox_retry_ms };
    int rc = mail_settings(c, &credentials, &options, err);

    rc = rc == 0 ? pager_key(c, made->pager_key, err) : rc;
    if (rc == 0) {
        rc = recipients_new(parts->writer, parts->keyring, parts->db, &made->recipients, err);
    }
    if (rc == 0) {
        rc = outbox_new(&options, parts->db, &made->outbox, err);
    }
    explicit_bzero(&credentials, sizeof(credentials));
    if (rc != 0) {
        return rc;
    }
    notices_set_mailer(parts->notices, &(struct notice_mailer){
                                           .outbox = made->outbox,
                                           .recipients = made->recipients,
                                           .operators = str_from(c->notice_emails),
                                           .alert_url = str_from(c->alert_url),
                                           .pager_url = str_from(c->alert_pager_url),
                                           .pager_key = str_from(made->pager_key),
                                       });
    made->alerts = start_alerts(parts, made->outbox);
    return 0;
}

void mail_stop(struct mail_made *made)
{
    alerts_stop(made->alerts);
    outbox_stop(made->outbox);
}

void mail_free(struct mail_made *made)
{
    alerts_free(made->alerts);
    outbox_free(made->outbox);
    recipients_free(made->recipients);
    explicit_bzero(made->pager_key, sizeof(made->pager_key));
}
