/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail.c - a transfer that is a mail: SMTP by libcurl, on the life, the guard and the pin of sender.c.
 *
 * One message, one recipient, one connection, an easy handle of its own. The replies of the server come to the
 * header callback; the last one is what people see when the mail was not taken.
 */
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "egress/transfer.h"

enum {
    MAIL_ADDRESS_MAX = 254,
    MAIL_NAME_MAX = 253,
    MAIL_REPLY_KEPT = 200,
    MAIL_REPLIES_MAX = 64 * 1024 /* bytes that the server may say */
};

struct mail {
    uint8_t tls;
    const char *url;
    const char *from;
    const char *user;
    char *password;
    size_t password_len;
    struct curl_slist *recipients;
    struct str left; /* of the message */
    size_t replies;
    char reply[MAIL_REPLY_KEPT + 1];
};

/* --- callbacks */
static size_t on_reply(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    struct mail *m = t->mail;
    size_t len = size * n;
    size_t kept = 0;

    m->replies += len;
    if (m->replies > MAIL_REPLIES_MAX) {
        return 0;
    }
    /* What was refused stands, whatever is said at parting. */
    if (len == 0 || (p[0] != '4' && p[0] != '5')) {
        return len;
    }
    for (size_t i = 0; i < len && kept < MAIL_REPLY_KEPT; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c != '\r' && c != '\n') {
            m->reply[kept++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
        }
    }
    m->reply[kept] = '\0';
    return len;
}

static size_t on_message(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    struct mail *m = t->mail;
    size_t len = size * n < m->left.len ? size * n : m->left.len;

    memcpy(p, m->left.p, len);
    m->left = str_sub(m->left, len, m->left.len);
    return len;
}

/* --- taken */
static bool is_address(struct str s)
{
    size_t at = str_find(s, '@');

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= 0x20 || c >= 0x7f || strchr("<>\"\\(),;:", c) != NULL) {
            return false;
        }
    }
    return s.len <= MAIL_ADDRESS_MAX && at > 0 && at + 1 < s.len;
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
            strchr(".-_", c) == NULL) {
            return false;
        }
    }
    return s.len > 0 && s.len <= MAIL_NAME_MAX;
}

int mail_take(struct transfer *t, const struct frame_mail *f)
{
    const char *scheme = f->tls == FRAME_MAIL_TLS ? "smtps" : "smtp";
    struct mail *m = arena_alloc(&t->arena, sizeof(*m));
    bool is_v6;

    t->mail = m;
    t->url.is_ip = ip_parse(f->host, &t->url.ip) == 0;
    is_v6 = t->url.is_ip && t->url.ip.is_v6 != 0;
    if ((!t->url.is_ip && !is_name(f->host)) || !is_name(f->helo) || !is_address(f->from) ||
        !is_address(f->to)) {
        return -E_INVALID;
    }
    t->url.scheme = str_from(scheme);
    t->url.host = arena_str(&t->arena, f->host);
    t->url.port = (uint16_t)f->port;
    t->url.text =
        arena_printf(&t->arena, "%s://%s%.*s%s:%u/%.*s", scheme, is_v6 ? "[" : "",
                     STR_ARG(f->host), is_v6 ? "]" : "", (unsigned)f->port, STR_ARG(f->helo));
    m->tls = f->tls;
    m->from = arena_printf(&t->arena, "<%.*s>", STR_ARG(f->from)).p;
    m->user = f->user.len > 0 ? arena_c(&t->arena, f->user) : NULL;
    m->password = arena_c(&t->arena, f->password);
    m->password_len = f->password.len;
    m->recipients =
        curl_slist_append(NULL, arena_printf(&t->arena, "<%.*s>", STR_ARG(f->to)).p);
    t->body = arena_str(&t->arena, f->body);
    return m->recipients != NULL ? 0 : -E_INVALID;
}

void mail_drop(struct transfer *t)
{
    if (t->mail == NULL) {
        return;
    }
    if (t->mail->password != NULL) {
        explicit_bzero(t->mail->password, t->mail->password_len);
    }
    curl_slist_free_all(t->mail->recipients);
    t->mail = NULL;
}

/* --- sent */
#define SETOPT(easy, rc, option, value)                                                        \
    ((rc) = (rc) == CURLE_OK ? curl_easy_setopt((easy), (option), (value)) : (rc))

int mail_prepare(struct transfer *t)
{
    struct mail *m = t->mail;
    CURLcode rc = CURLE_OK;

    ASSERT(t->easy != NULL);
    m->left = t->body;
    m->replies = 0;
    m->reply[0] = '\0';
    SETOPT(t->easy, rc, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SETOPT(t->easy, rc, CURLOPT_POST, 0L);
    SETOPT(t->easy, rc, CURLOPT_POSTFIELDS, NULL);
    SETOPT(t->easy, rc, CURLOPT_HTTPHEADER, NULL);
    SETOPT(t->easy, rc, CURLOPT_UPLOAD, 1L);
    SETOPT(t->easy, rc, CURLOPT_READFUNCTION, on_message);
    SETOPT(t->easy, rc, CURLOPT_READDATA, t);
    SETOPT(t->easy, rc, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->body.len);
    SETOPT(t->easy, rc, CURLOPT_HEADERFUNCTION, on_reply);
    SETOPT(t->easy, rc, CURLOPT_USE_SSL,
           m->tls == FRAME_MAIL_PLAIN ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    SETOPT(t->easy, rc, CURLOPT_MAIL_FROM, m->from);
    SETOPT(t->easy, rc, CURLOPT_MAIL_RCPT, m->recipients);
    SETOPT(t->easy, rc, CURLOPT_FRESH_CONNECT, 1L);
    SETOPT(t->easy, rc, CURLOPT_FORBID_REUSE, 1L);
    if (m->user != NULL) {
        SETOPT(t->easy, rc, CURLOPT_USERNAME, m->user);
        SETOPT(t->easy, rc, CURLOPT_PASSWORD, m->password);
    }
    return rc == CURLE_OK ? 0 : -E_IO;
}

bool mail_was_answered(const struct transfer *t)
{
    return t->mail != NULL && t->mail->replies > 0;
}

void mail_outcome(const struct transfer *t, CURLcode code, struct frame_done *done)
{
    long reply = 0;

    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &reply);
    done->status_code = (int32_t)reply;
    if (code == CURLE_USE_SSL_FAILED) {
        done->token = TOKEN_TLS_PROTOCOL_ERROR;
        done->detail = STR("The mail server offers no STARTTLS.");
    } else if (code == CURLE_LOGIN_DENIED) {
        done->token = TOKEN_AUTH;
        done->detail = STR("The mail server refused the login.");
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        done->token = TOKEN_HTTP_RESPONSE_TIMEOUT;
        done->detail = STR("The mail server did not answer in time.");
    } else if (reply >= 400) {
        done->token = TOKEN_STATUS_INVALID;
        done->detail = str_from(t->mail->reply);
    } else {
        done->token = TOKEN_CONNECTION_TERMINATED;
        done->detail = STR("The mail server closed the connection, or is none.");
    }
}
