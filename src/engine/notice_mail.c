/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/notice_mail.h"

#include "base/buf.h"
#include "base/log.h"
#include "engine/mail_message.h"
#include "engine/notice.h"
#include "engine/outbox.h"
#include "json/json.h"

enum { POST_MAX = 8 * 1024 };

struct letter {
    const char *name; /* of its texts */
    const struct notice_fact *facts;
    size_t fact_count;
    struct str to, subject, text, footer, unsubscribe, id;
    int64_t at;
};

static int letter_plan(const struct notice_mailer *m, const struct notice_texts *texts,
                       const struct letter *l, struct arena *arena, struct outbox_row *ret_row)
{
    struct mail_message message = { .from = outbox_from(m->outbox),
                                    .to = l->to,
                                    .subject = l->subject,
                                    .id = l->id,
                                    .unsubscribe = l->unsubscribe,
                                    .at = l->at };
    struct buf html;
    struct buf bytes;
    int rc;

    buf_init(&html, 8 * NOTICE_FILE_MAX);
    buf_init(&bytes, MAIL_MESSAGE_MAX);
    message.text = l->footer.len == 0 ? l->text
                                      : arena_printf(arena, "%.*s\n-- \n%.*s\n",
                                                     STR_ARG(l->text), STR_ARG(l->footer));
    rc = notice_texts_html(texts, l->name, l->facts, l->fact_count, l->subject, l->text,
                           l->footer, &html);
    message.html = buf_str(&html);
    rc = rc == 0 ? mail_message_write(&message, &bytes) : rc;
    rc = rc == 0 ? outbox_plan(m->outbox, OUTBOX_MAIL, l->to, buf_str(&bytes), l->at, arena,
                               ret_row)
                 : rc;
    buf_done(&html);
    buf_done(&bytes);
    if (rc != 0) {
        LOG_W("a mail was not planned", "texts=%s error=%s", l->name, err_token(rc));
    }
    return rc;
}

static struct str notice_id(const struct notice_row *row, size_t at, struct arena *arena)
{
    char text[ID_TEXT_SIZE];

    id_format(ID_NOTICE, &row->id, text);
    return arena_printf(arena, "%s.%zu", text, at);
}

static size_t mails_to_app(const struct notice_mailer *m, const struct notice_texts *texts,
                           const struct notice_row *row, struct letter *l, struct arena *arena,
                           struct outbox_row *ret_rows)
{
    const struct recipient_list *list = recipients_of(m->recipients, row->app);
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct recipient *r = &list->rows[i];
        struct str token;

        if (r->status != RECIPIENT_CONFIRMED || (list->kinds >> row->kind & 1) == 0) {
            continue;
        }
        token = recipients_token(m->recipients, RECIPIENT_UNSUBSCRIBE, row->app, r->email, 0,
                                 arena);
        l->to = r->email;
        l->unsubscribe = arena_printf(arena, "%.*s/notifications/unsubscribe/%.*s",
                                      STR_ARG(m->own_url), STR_ARG(token));
        l->footer =
            arena_printf(arena, "To get no more of these: %.*s", STR_ARG(l->unsubscribe));
        l->id = notice_id(row, i, arena);
        if (letter_plan(m, texts, l, arena, &ret_rows[count]) == 0) {
            count++;
        }
    }
    return count;
}

static size_t mails_to_operators(const struct notice_mailer *m,
                                 const struct notice_texts *texts, const struct notice_row *row,
                                 struct letter *l, struct arena *arena,
                                 struct outbox_row *ret_rows)
{
    struct str left = m->operators;
    struct str one;
    size_t count = 0;

    while (left.len > 0 && str_split(&left, ',', &one) && count < RECIPIENTS_MAX) {
        one = str_trim(one);
        if (!mail_address_is_fit(one)) {
            continue;
        }
        l->to = one;
        l->id = notice_id(row, RECIPIENTS_MAX + count, arena);
        if (letter_plan(m, texts, l, arena, &ret_rows[count]) == 0) {
            count++;
        }
    }
    return count;
}

/* --- alerts to a URL */
static int write_alert(const struct notice_row *row, const struct json *facts, struct buf *out)
{
    struct json_out o;
    char id[ID_TEXT_SIZE];

    id_format(ID_NOTICE, &row->id, id);
    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_c(&o, "id", id);
    json_put_str(&o, "alert", row->topic);
    json_put_c(&o, "state", row->kind == NOTICE_ALERT_FIRING ? "firing" : "resolved");
    json_put_str(&o, "severity", json_string(json_member(facts, "severity")));
    json_put_str(&o, "summary", json_string(json_member(facts, "detail")));
    json_put_time(&o, "at", row->created_at);
    json_out_object_end(&o);
    return json_out_end(&o);
}

static int write_page(const struct notice_mailer *m, const struct notice_row *row,
                      const struct json *facts, struct buf *out)
{
    struct json_out o;

    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_str(&o, "routing_key", m->pager_key);
    json_put_c(&o, "event_action", row->kind == NOTICE_ALERT_FIRING ? "trigger" : "resolve");
    json_put_str(&o, "dedup_key", row->topic);
    json_put_c(&o, "client", "Postern");
    json_out_name(&o, "payload");
    json_out_object(&o);
    json_put_str(&o, "summary", json_string(json_member(facts, "detail")));
    json_put_str(&o, "source", m->own_url);
    json_put_c(&o, "severity", "critical");
    json_put_str(&o, "component", row->topic);
    json_put_time(&o, "timestamp", row->created_at);
    json_out_object_end(&o);
    json_out_object_end(&o);
    return json_out_end(&o);
}

static bool plan_post(const struct notice_mailer *m, struct str url, const struct buf *body,
                      const struct notice_row *row, struct arena *arena,
                      struct outbox_row *ret_row)
{
    return outbox_plan(m->outbox, OUTBOX_URL, url, buf_str(body), row->created_at, arena,
                       ret_row) == 0;
}

static size_t posts_of(const struct notice_mailer *m, const struct notice_row *row,
                       struct arena *arena, struct outbox_row *ret_rows)
{
    struct json_doc *doc = NULL;
    const struct json *facts;
    struct buf body;
    size_t count = 0;

    if (json_parse(row->facts, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return 0;
    }
    facts = json_root(doc);
    buf_init(&body, POST_MAX);
    if (m->alert_url.len > 0 && write_alert(row, facts, &body) == 0 &&
        plan_post(m, m->alert_url, &body, row, arena, &ret_rows[count])) {
        count++;
    }
    buf_clear(&body);
    if (m->pager_url.len > 0 && str_eq_c(json_string(json_member(facts, "severity")), "page") &&
        write_page(m, row, facts, &body) == 0 &&
        plan_post(m, m->pager_url, &body, row, arena, &ret_rows[count])) {
        count++;
    }
    buf_done(&body);
    json_doc_free(doc);
    return count;
}

size_t notice_mails(const struct notice_mailer *m, const struct notice_texts *texts,
                    const struct notice_row *row, const struct notice_fact *facts,
                    size_t fact_count, struct arena *arena, struct outbox_row *ret_rows)
{
    struct letter l = { .name = notice_kind_name(row->kind),
                        .facts = facts,
                        .fact_count = fact_count,
                        .subject = row->title,
                        .text = row->text,
                        .at = row->created_at };

    size_t count = 0;

    if (m->outbox == NULL) {
        return 0;
    }
    if (row->kind == NOTICE_ALERT_FIRING || row->kind == NOTICE_ALERT_RESOLVED) {
        count = posts_of(m, row, arena, ret_rows);
    }
    if (!outbox_has_mail(m->outbox)) {
        return count;
    }
    if (notice_is_operators(row->kind)) {
        return count + mails_to_operators(m, texts, row, &l, arena, ret_rows + count);
    }
    return row->app == 0 ? 0 : mails_to_app(m, texts, row, &l, arena, ret_rows);
}

int notice_mail_confirm(const struct notice_mailer *m, const struct notice_texts *texts,
                        int64_t app, struct str app_name, struct str email, int64_t now,
                        struct arena *arena, struct outbox_row *ret_row)
{
    struct str token = recipients_token(m->recipients, RECIPIENT_CONFIRM, app, email,
                                        now + RECIPIENTS_LINK_MS, arena);
    struct str link = arena_printf(arena, "%.*s/notifications/confirm/%.*s",
                                   STR_ARG(m->own_url), STR_ARG(token));
    const struct notice_fact facts[] = { { "app_name", app_name }, { "link", link } };
    struct letter l = {
        .name = "confirm-email", .facts = facts, .fact_count = 2, .to = email, .at = now
    };
    struct buf subject;
    struct buf text;
    int rc;

    if (m->outbox == NULL || !outbox_has_mail(m->outbox)) {
        return -E_CONFIG;
    }
    buf_init(&subject, NOTICE_TEXT_MAX);
    buf_init(&text, NOTICE_TEXT_MAX);
    rc = notice_texts_plain(texts, l.name, facts, 2, &subject, &text);
    l.subject = buf_str(&subject);
    l.text = buf_str(&text);
    l.id = arena_printf(arena, "confirm.%lld.%lld.%.8s", (long long)app, (long long)now,
                        token.p + 34);
    rc = rc == 0 ? letter_plan(m, texts, &l, arena, ret_row) : rc;
    buf_done(&subject);
    buf_done(&text);
    return rc;
}
