/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notifications.c - /api/v1/apps/{app}/notifications: who is told by mail, and of what; and the pages behind the
 * links of those mails, /notifications/confirm/{token} and /notifications/unsubscribe/{token}.
 *
 * A link opened shows a button and changes nothing: programs that look at mails open links too. The button posts.
 */
#include "api/api_internal.h"
#include "api/etag.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "base/assert.h"
#include "engine/mail_message.h"
#include "engine/notice.h"
#include "engine/notice_mail.h"
#include "engine/outbox.h"
#include "engine/recipients.h"

enum { PAGE_SIZE_MAX = 8 * 1024, KINDS_MAX = 64 };

struct saving {
    struct recipients_save save; /* first */
    struct call *call;
    const char *done; /* what the page says then; NULL: the settings are answered */
};

/* --- answers */
static void put_settings(struct call *call, struct json_out *o)
{
    const struct recipient_list *list =
        recipients_of(call->api->options.recipients, call->app->object.no);
    uint64_t kinds = list->version == 0 ? recipients_all_kinds() : list->kinds;

    json_out_object(o);
    json_out_name(o, "emails");
    json_out_array(o);
    for (size_t i = 0; i < list->count; i++) {
        const struct recipient *r = &list->rows[i];

        json_out_object(o);
        json_put_str(o, "email", r->email);
        json_put_c(o, "status", recipient_status_name(r->status));
        json_put_time(o, "asked_at", r->asked_at);
        json_put_time(o, "confirmed_at", r->confirmed_at);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    json_out_name(o, "kinds");
    json_out_array(o);
    for (int64_t kind = 1; kind < KINDS_MAX; kind++) {
        if ((kinds >> kind & 1) != 0) {
            json_out_c(o, notice_kind_name(kind));
        }
    }
    json_out_array_end(o);
    json_put_bool(o, "mail",
                  notices_mailer(call->api->options.notices) != NULL &&
                      outbox_has_mail(call->api->options.outbox));
    json_out_object_end(o);
}

static void reply_settings(struct call *call)
{
    put_settings(call, call_json(call));
    call_reply(call, 200);
}

static void reply_page(struct call *call, int status, const char *title, const char *text,
                       const char *button)
{
    struct buf page;
    int rc;

    buf_init(&page, PAGE_SIZE_MAX);
    rc = buf_printf(&page,
                    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" content=\"width=device-width\">"
                    "<title>%s</title></head>\n<body><main><h1>%s</h1>\n<p>%s</p>\n",
                    title, title, text);
    if (rc == 0 && button != NULL) {
        rc = buf_printf(&page, "<form method=\"post\"><button>%s</button></form>\n", button);
    }
    rc = rc == 0 ? buf_add_c(&page, "</main></body></html>\n") : rc;
    ASSERT(rc == 0);
    call_header(call, "Content-Security-Policy",
                "default-src 'none'; form-action 'self'; frame-ancestors 'none'");
    call_header(call, "Referrer-Policy", "no-referrer");
    call_reply_bytes(call, status, "text/html; charset=utf-8", buf_str(&page));
    buf_done(&page);
}

static void on_saved(struct recipients_save *save, int result)
{
    struct saving *s = (struct saving *)(void *)save;
    struct call *call = s->call;

    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    for (size_t i = 0; i < save->mail_count; i++) {
        outbox_take(call->api->options.outbox, &save->mails[i]);
    }
    if (s->done != NULL) {
        reply_page(call, 200, s->done, "You can close this page.", NULL);
    } else {
        reply_settings(call);
    }
}

static void save(struct call *call, struct saving *s)
{
    int rc;

    s->call = call;
    s->save.on_done = on_saved;
    rc = recipients_save(call->api->options.recipients, &s->save, call->arena);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

void notifications_get(struct call *call)
{
    reply_settings(call);
}

/* --- PUT */
static const struct recipient *known(const struct recipient_list *list, struct str email)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->rows[i].email, email)) {
            return &list->rows[i];
        }
    }
    return NULL;
}

static void read_emails(struct call *call, struct form *f, const struct recipient_list *was,
                        struct recipient_list *list)
{
    const struct json *array = NULL;
    struct json_iter it;
    const struct json *v;
    unsigned at = 0;

    if (!form_array(f, "emails", true, RECIPIENTS_MAX, &array)) {
        return;
    }
    it = json_iter(array);
    while ((v = json_next(&it, NULL)) != NULL) {
        struct str email = json_string(v);
        struct str pointer = arena_printf(call->arena, "/emails/%u", at++);
        const struct recipient *old = known(was, email);

        if (json_type(v) != JSON_STRING || !mail_address_is_fit(email)) {
            form_fault(&call->faults, pointer, "pattern",
                       "This is an address such as ops@example.com, in ASCII.");
        } else if (known(list, email) != NULL) {
            form_fault(&call->faults, pointer, "duplicate", "It stands there twice.");
        } else {
            list->rows[list->count++] =
                old != NULL ? *old : (struct recipient){ .email = email };
        }
    }
}

static void read_kinds(struct call *call, struct form *f, uint64_t *kinds)
{
    const struct json *array = NULL;
    struct json_iter it;
    const struct json *v;
    unsigned at = 0;

    if (!form_array(f, "kinds", false, KINDS_MAX, &array)) {
        return;
    }
    *kinds = 0;
    it = json_iter(array);
    while ((v = json_next(&it, NULL)) != NULL) {
        int32_t kind = notice_kind_parse(json_string(v));
        struct str pointer = arena_printf(call->arena, "/kinds/%u", at++);

        if (kind < 0 || notice_is_operators(kind)) {
            form_fault(&call->faults, pointer, "pattern",
                       "This is no kind that an app is told of; see docs/notices.md.");
        } else {
            *kinds |= UINT64_C(1) << kind;
        }
    }
}

/* Ask the addresses that have not said yes, at most so often. */
static void ask(struct call *call, struct saving *s)
{
    const struct notice_mailer *mailer = notices_mailer(call->api->options.notices);

    for (size_t i = 0; i < s->save.list.count; i++) {
        struct recipient *r = &s->save.list.rows[i];

        if (r->status == RECIPIENT_CONFIRMED ||
            (r->asked_at != 0 && call->now - r->asked_at < RECIPIENTS_ASK_MS)) {
            continue;
        }
        r->status = RECIPIENT_PENDING;
        if (mailer != NULL &&
            notice_mail_confirm(mailer, notices_texts(call->api->options.notices),
                                call->app->object.no, call->app->name, r->email, call->now,
                                call->arena, &s->save.mails[s->save.mail_count]) == 0) {
            r->asked_at = call->now;
            s->save.mail_count++;
        }
    }
}

void notifications_put(struct call *call)
{
    const struct recipient_list *was =
        recipients_of(call->api->options.recipients, call->app->object.no);
    struct saving *s = arena_alloc(call->arena, sizeof(*s));
    struct recipient_list *list = &s->save.list;
    struct form f;

    list->app = call->app->object.no;
    list->version = was->version + 1;
    list->kinds = recipients_all_kinds();
    form_begin(&f, call->body, STR_NONE, &call->faults);
    read_emails(call, &f, was, list);
    read_kinds(call, &f, &list->kinds);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    ask(call, s);
    save(call, s);
}

/* --- links */
static struct recipient *link_open(struct call *call, enum recipient_action action,
                                   struct saving *s)
{
    const struct recipients *recipients = call->api->options.recipients;
    struct recipient_list *list = &s->save.list;
    struct str email;
    int64_t app;

    if (recipients_token_read(recipients, action, call->token, call->now, call->arena, &app,
                              &email) == 0) {
        *list = *recipients_of(recipients, app);
        list->version++;
        for (size_t i = 0; i < list->count; i++) {
            if (str_eq(list->rows[i].email, email)) {
                return &list->rows[i];
            }
        }
    }
    reply_page(call, 404, "This link is not valid",
               "It has expired, or this address is not in the list any more.", NULL);
    return NULL;
}

void notifications_confirm_page(struct call *call)
{
    struct saving *s = arena_alloc(call->arena, sizeof(*s));

    if (link_open(call, RECIPIENT_CONFIRM, s) != NULL) {
        reply_page(call, 200, "Confirm your address",
                   "Notices about webhooks are then sent to it. Each has a link to stop them.",
                   "Confirm");
    }
}

void notifications_confirm(struct call *call)
{
    struct saving *s = arena_alloc(call->arena, sizeof(*s));
    struct recipient *r = link_open(call, RECIPIENT_CONFIRM, s);

    if (r == NULL) {
        return;
    }
    s->done = "Your address is confirmed";
    if (r->status == RECIPIENT_CONFIRMED) {
        reply_page(call, 200, s->done, "You can close this page.", NULL);
        return;
    }
    r->status = RECIPIENT_CONFIRMED;
    r->confirmed_at = call->now;
    save(call, s);
}

void notifications_unsubscribe_page(struct call *call)
{
    struct saving *s = arena_alloc(call->arena, sizeof(*s));

    if (link_open(call, RECIPIENT_UNSUBSCRIBE, s) != NULL) {
        reply_page(call, 200, "Get no more notices",
                   "No further notice of this kind is sent to your address.", "Unsubscribe");
    }
}

void notifications_unsubscribe(struct call *call)
{
    struct saving *s = arena_alloc(call->arena, sizeof(*s));
    struct recipient *r = link_open(call, RECIPIENT_UNSUBSCRIBE, s);

    if (r == NULL) {
        return;
    }
    s->done = "You get no more notices";
    if (r->status == RECIPIENT_UNSUBSCRIBED) {
        reply_page(call, 200, s->done, "You can close this page.", NULL);
        return;
    }
    r->status = RECIPIENT_UNSUBSCRIBED;
    save(call, s);
}
