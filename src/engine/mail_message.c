/* SPDX-License-Identifier: Apache-2.0 */
/* mail_message.c - header fields, encoded words, two parts in base64. */
#include "engine/mail_message.h"

#include <string.h>
#include <time.h>

#include "base/assert.h"

enum { LINE_BYTES = 57, WORD_BYTES = 45 }; /* 76 and 60 characters of base64 */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int put_base64(struct buf *out, struct str s)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s.len; i += 3) {
        size_t left = s.len - i;
        uint32_t v = (uint32_t)(unsigned char)s.p[i] << 16;
        char four[4];

        v |= left > 1 ? (uint32_t)(unsigned char)s.p[i + 1] << 8 : 0;
        v |= left > 2 ? (uint32_t)(unsigned char)s.p[i + 2] : 0;
        four[0] = digits[v >> 18 & 63];
        four[1] = digits[v >> 12 & 63];
        four[2] = left > 1 ? digits[v >> 6 & 63] : '=';
        four[3] = left > 2 ? digits[v & 63] : '=';
        rc = buf_add(out, four, sizeof(four));
    }
    return rc;
}

static int put_body(struct buf *out, struct str s)
{
    int rc = 0;

    while (rc == 0 && s.len > 0) {
        rc = put_base64(out, str_sub(s, 0, LINE_BYTES));
        rc = rc == 0 ? buf_add_c(out, "\r\n") : rc;
        s = str_sub(s, s.len < LINE_BYTES ? s.len : LINE_BYTES, s.len);
    }
    return rc;
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e) {
            return false;
        }
    }
    return s.len < LINE_BYTES && memmem(s.p != NULL ? s.p : "", s.len, "=?", 2) == NULL;
}

/* RFC 2047: words of whole characters. */
static int put_words(struct buf *out, struct str s)
{
    int rc = 0;

    if (is_plain(s)) {
        return buf_add_str(out, s);
    }
    while (rc == 0 && s.len > 0) {
        size_t n = s.len < WORD_BYTES ? s.len : WORD_BYTES;

        while (n < s.len && n > 1 && ((unsigned char)s.p[n] & 0xc0) == 0x80) {
            n--;
        }
        rc = buf_add_c(out, "=?UTF-8?B?");
        rc = rc == 0 ? put_base64(out, str_sub(s, 0, n)) : rc;
        rc = rc == 0 ? buf_add_c(out, n < s.len ? "?=\r\n " : "?=") : rc;
        s = str_sub(s, n, s.len);
    }
    return rc;
}

static int put_date(struct buf *out, int64_t at)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t seconds = (time_t)(at / 1000);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL) {
        return -E_INVALID;
    }
    return buf_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday],
                      tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                      tm.tm_sec);
}

/* --- addresses */
bool mail_address_is_fit(struct str s)
{
    size_t at = str_find(s, '@');
    struct str domain = str_sub(s, at + 1, s.len);

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= 0x20 || c >= 0x7f || strchr("<>\"\\(),;:[]", c) != NULL ||
            (c == '@' && i != at)) {
            return false;
        }
    }
    return s.len <= MAIL_ADDRESS_MAX && at > 0 && at <= 64 && domain.len > 0 &&
           domain.p[0] != '.' && domain.p[domain.len - 1] != '.' &&
           memmem(s.p, s.len, "..", 2) == NULL;
}

struct str mail_address_of(struct str from)
{
    size_t open = str_find(from, '<');
    struct str address = from;

    if (open < from.len) {
        address = str_sub(from, open + 1, from.len);
        if (address.len == 0 || address.p[address.len - 1] != '>') {
            return STR_NONE;
        }
        address.len--;
    }
    return mail_address_is_fit(address) ? address : STR_NONE;
}

struct str mail_domain_of(struct str address)
{
    return str_sub(address, str_find(address, '@') + 1, address.len);
}

/* --- the message */
static int put_from(struct buf *out, struct str from)
{
    size_t open = str_find(from, '<');
    struct str name = open < from.len ? str_trim(str_sub(from, 0, open)) : STR_NONE;
    struct str address = mail_address_of(from);
    int rc = buf_add_c(out, "From: ");

    if (rc == 0 && name.len > 0) {
        bool words = !is_plain(name);

        /* A quoted string, unless it must be encoded words anyway. */
        rc = words ? put_words(out, name) : buf_add_char(out, '"');
        for (size_t i = 0; rc == 0 && !words && i < name.len; i++) {
            rc = strchr("\"\\", name.p[i]) != NULL ? buf_add_char(out, '\\') : 0;
            rc = rc == 0 ? buf_add_char(out, name.p[i]) : rc;
        }
        rc = rc == 0 && !words ? buf_add_char(out, '"') : rc;
        rc = rc == 0 ? buf_add_char(out, ' ') : rc;
    }
    return rc == 0 ? buf_printf(out, "<%.*s>\r\n", STR_ARG(address)) : rc;
}

static int put_head(const struct mail_message *m, struct buf *out)
{
    struct str domain = mail_domain_of(mail_address_of(m->from));
    int rc = put_from(out, m->from);

    rc = rc == 0 ? buf_printf(out, "To: <%.*s>\r\nSubject: ", STR_ARG(m->to)) : rc;
    rc = rc == 0 ? put_words(out, m->subject) : rc;
    rc = rc == 0 ? buf_add_c(out, "\r\n") : rc;
    rc = rc == 0 ? put_date(out, m->at) : rc;
    rc = rc == 0 ? buf_printf(out,
                              "Message-ID: <%.*s@%.*s>\r\n"
                              "Auto-Submitted: auto-generated\r\n",
                              STR_ARG(m->id), STR_ARG(domain))
                 : rc;
    if (rc == 0 && m->unsubscribe.len > 0) {
        rc = buf_printf(out,
                        "List-Unsubscribe: <%.*s>\r\n"
                        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
                        STR_ARG(m->unsubscribe));
    }
    return rc;
}

static int put_part(const struct mail_message *m, struct buf *out, const char *type,
                    struct str body)
{
    int rc = buf_printf(out,
                        "--=_%.*s\r\n"
                        "Content-Type: text/%s; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: base64\r\n\r\n",
                        STR_ARG(m->id), type);

    return rc == 0 ? put_body(out, body) : rc;
}

int mail_message_write(const struct mail_message *m, struct buf *out)
{
    int rc;

    ASSERT(mail_address_is_fit(m->to) && mail_address_of(m->from).len > 0 && m->id.len > 0);
    rc = put_head(m, out);
    rc = rc == 0
             ? buf_printf(out,
                          "MIME-Version: 1.0\r\n"
                          "Content-Type: multipart/alternative; boundary=\"=_%.*s\"\r\n\r\n",
                          STR_ARG(m->id))
             : rc;
    rc = rc == 0 ? put_part(m, out, "plain", m->text) : rc;
    rc = rc == 0 ? put_part(m, out, "html", m->html) : rc;
    return rc == 0 ? buf_printf(out, "--=_%.*s--\r\n", STR_ARG(m->id)) : rc;
}
