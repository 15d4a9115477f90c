/* SPDX-License-Identifier: Apache-2.0 */
#include "server/mail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
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

static int read_credentials(const char *path, struct mail_credentials *credentials,
                            struct str *ret_user, struct str *ret_password, struct err *err)
{
    struct str left;
    struct str line;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return err_set(err, -E_CONFIG, "smtp_credentials_file cannot be read (errno %d).",
                       errno);
    }
    n = read(fd, credentials->text, sizeof(credentials->text) - 1);
    (void)close(fd);
    if (n < 0 || memchr(credentials->text, '\0', (size_t)n) != NULL) {
        return err_set(err, -E_CONFIG, "smtp_credentials_file is not text.");
    }
    left = (struct str){ credentials->text, (size_t)n };
    if (!str_split(&left, '\n', &line) || line.len == 0) {
        return err_set(err, -E_CONFIG, "smtp_credentials_file has no user in its first line.");
    }
    *ret_user = line.p[line.len - 1] == '\r' ? str_sub(line, 0, line.len - 1) : line;
    line = STR_NONE;
    (void)str_split(&left, '\n', &line);
    *ret_password =
        line.len > 0 && line.p[line.len - 1] == '\r' ? str_sub(line, 0, line.len - 1) : line;
    return 0;
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
    return c->smtp_credentials_file[0] == '\0'
               ? 0
               : read_credentials(c->smtp_credentials_file, credentials, &options->user,
                                  &options->password, err);
}

int mail_start(const struct mail_parts *parts, struct outbox **ret_outbox,
               struct recipients **ret_recipients, struct err *err)
{
    struct mail_credentials credentials = { .text = "" };
    struct outbox_options options = { .loop = parts->loop,
                                      .writer = parts->writer,
                                      .readers = parts->readers,
                                      .pool = engine_egress(parts->engine),
                                      .keyring = parts->keyring,
                                      .retry_ms = parts->config->outbox_retry_ms };
    int rc = mail_settings(parts->config, &credentials, &options, err);

    if (rc == 0) {
        rc = recipients_new(parts->writer, parts->keyring, parts->db, ret_recipients, err);
    }
    if (rc == 0) {
        rc = outbox_new(&options, parts->db, ret_outbox, err);
    }
    explicit_bzero(&credentials, sizeof(credentials));
    if (rc == 0) {
        notices_set_mailer(parts->notices,
                           &(struct notice_mailer){
                               .outbox = *ret_outbox,
                               .recipients = *ret_recipients,
                               .operators = str_from(parts->config->notice_emails),
                           });
    }
    return rc;
}
