/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tickets.c - POST /api/v1/apps/{app}/tickets: one customer into the portal of one app.
 *
 * The ticket stands in the fragment of the URL, so it comes into no log and no Referer on its way;
 * it opens one session, once (session.c).
 */
#include <stdio.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/audit.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "engine/engine.h"
#include "engine/sessions.h"

enum { TICKET_TTL_MIN_S = 60, TICKET_TTL_MAX_S = 180, TICKET_TTL_S = 120 };

/* scheme://host[:port] and nothing behind it. */
static bool is_origin(const struct call *call, struct str s)
{
    size_t at = str_starts(s, STR("https://"))                            ? 8
                : str_starts(s, STR("http://")) && call->api->options.dev ? 7
                                                                          : 0;

    if (at == 0 || at == s.len) {
        return false;
    }
    for (size_t i = at; i < s.len; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == ':' || c == '[' || c == ']')) {
            return false;
        }
    }
    return true;
}

/* A path of the portal: never another host, never a control character. */
static bool is_next(struct str s)
{
    if (!str_starts(s, STR("/portal")) || (s.len > 7 && s.p[7] != '/' && s.p[7] != '?')) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '\\' || s.p[i] == '"') {
            return false;
        }
    }
    return true;
}

static void read_text(struct form *f, const char *name, size_t max, bool is_good(struct str),
                      char *ret)
{
    struct str text;

    if (!form_string(f, name, false, 1, max, &text)) {
        return;
    }
    if (is_good != NULL && !is_good(text)) {
        form_fault(f->faults, form_pointer(f, name), "pattern",
                   "This is a path of the portal, such as /portal/endpoints.");
        return;
    }
    memcpy(ret, text.p, text.len);
    ret[text.len] = '\0';
}

static bool read_ticket(struct call *call, struct ticket *ticket)
{
    struct str role = STR("view");
    int64_t ttl_s = TICKET_TTL_S;
    struct form f;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    if (form_string(&f, "role", false, 1, API_NAME_MAX, &role) && !str_eq_c(role, "view") &&
        !str_eq_c(role, "manage")) {
        form_fault(&call->faults, form_pointer(&f, "role"), "pattern",
                   "A ticket's role is view or manage.");
    }
    (void)form_int(&f, "ttl", false, TICKET_TTL_MIN_S, TICKET_TTL_MAX_S, &ttl_s);
    read_text(&f, "origin", SESSION_ORIGIN_MAX, NULL, ticket->origin);
    if (ticket->origin[0] != '\0' && !is_origin(call, str_from(ticket->origin))) {
        form_fault(&call->faults, form_pointer(&f, "origin"), "pattern",
                   "An origin is https://host, with a port where it is not 443.");
    }
    read_text(&f, "next", SESSION_NEXT_MAX, is_next, ticket->next);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    ticket->role = str_eq_c(role, "manage") ? SESSION_MANAGE : SESSION_VIEW;
    ticket->expires_at = call->now + ttl_s * 1000;
    return true;
}

/* The audit row stands: now the ticket may be. */
static void on_audited(struct call *call)
{
    struct ticket *ticket = call->state;
    char token[SESSION_TOKEN_SIZE];
    struct json_out *o;
    int rc = sessions_ticket(call->api->options.sessions, ticket, call->now, token);

    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    o = call_json(call);
    json_out_object(o);
    call_put_id(o, "id", ID_TICKET, &ticket->id);
    json_put_c(o, "ticket", token);
    json_put_str(o, "url",
                 arena_printf(call->arena, "%.*s/portal/enter#t=%s",
                              STR_ARG(call->api->options.own_url), token));
    json_put_c(o, "role", ticket->role == SESSION_MANAGE ? "manage" : "view");
    json_put_time(o, "expires_at", ticket->expires_at);
    json_out_object_end(o);
    explicit_bzero(token, sizeof(token));
    call_reply(call, 201);
}

static struct str write_details(struct call *call, const struct ticket *ticket)
{
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_put_c(o, "role", ticket->role == SESSION_MANAGE ? "manage" : "view");
    json_put_int(o, "ttl", (ticket->expires_at - call->now) / 1000);
    json_out_object_end(o);
    return json_out_end(o) == 0 ? arena_str(call->arena, buf_str(&call->out)) : STR_NONE;
}

void tickets_create(struct call *call)
{
    struct ticket *ticket = arena_alloc(call->arena, sizeof(*ticket));
    struct audit_entry *entry;

    if (!read_ticket(call, ticket)) {
        return;
    }
    ticket->id = engine_make_id(call->api->options.engine);
    ticket->project = call->project;
    ticket->app = call->app;
    call->state = ticket;
    entry = audit_of_id(call, "ticket.issued", ID_TICKET, &ticket->id);
    entry->details = write_details(call, ticket);
    audit_first(call, entry, on_audited);
}
