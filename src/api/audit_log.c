/* SPDX-License-Identifier: Apache-2.0 */
/* audit_log.c - GET /api/v1/audit: who changed what, and whether the log is still whole. */
#include <stdio.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/filters.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/problem.h"
#include "base/assert.h"
#include "store/audit.h"

struct list_state {
    struct page page;
    struct audit_query query;
    struct audit_row *rows;
    size_t count;
};

/* --- the list */
static void put_hex(struct json_out *o, const char *name, struct str bytes)
{
    char text[2 * AUDIT_HASH_SIZE + 1] = "";

    ASSERT(bytes.len <= AUDIT_HASH_SIZE);
    for (size_t i = 0; i < bytes.len; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", (unsigned char)bytes.p[i]);
    }
    json_put_c(o, name, text);
}

static void put_filled(struct json_out *o, const char *name, struct str s)
{
    call_put_text(o, name, s.len == 0 ? STR_NONE : s);
}

static void write_row(struct call *call, struct json_out *o, const void *shown)
{
    const struct audit_row *row = shown;
    const struct audit_entry *e = &row->entry;
    const struct app *app = registry_app_no(call->api->options.registry, e->app);

    json_out_object(o);
    json_put_int(o, "number", row->number);
    json_put_time(o, "at", e->at);
    json_out_name(o, "actor");
    json_out_object(o);
    json_put_str(o, "kind", e->actor_kind);
    put_filled(o, "id", e->actor_id);
    put_filled(o, "name", e->actor_name);
    put_filled(o, "address", e->address);
    json_out_object_end(o);
    json_put_str(o, "action", e->action);
    put_filled(o, "target", e->target);
    if (app == NULL) {
        json_put_c(o, "app_id", NULL);
    } else {
        call_put_id(o, "app_id", ID_APP, &app->object.id);
    }
    put_filled(o, "reason", e->reason);
    json_put_raw(o, "details", e->details.len == 0 ? STR_NONE : e->details);
    put_hex(o, "hash", row->hash);
    json_out_object_end(o);
}

static int list_run(struct call *call, struct db *db)
{
    struct list_state *s = call->state;

    return audit_list(db, &s->query, call->arena, &s->rows, &s->count);
}

static void list_done(struct call *call)
{
    const struct list_state *s = call->state;

    page_reply(call, &s->page,
               &(struct page_rows){ .rows = s->rows,
                                    .count = s->count,
                                    .size = sizeof(*s->rows),
                                    .seq_at = offsetof(struct audit_row, number),
                                    .write = write_row });
}

/* A text that the log may hold: the store refuses others. */
static struct str read_text(struct call *call, const char *name)
{
    struct str text = call_query(call, name);

    if (text.p != NULL && (text.len == 0 || text.len > AUDIT_NAME_MAX || !str_is_utf8(text) ||
                           memchr(text.p, 0, text.len) != NULL)) {
        call_query_fault(call, name, "pattern", "This is no text that the log could hold.");
        return STR_NONE;
    }
    return text;
}

void audit_log_list(struct call *call)
{
    struct list_state *s = arena_alloc(call->arena, sizeof(*s));
    struct str app = call_query(call, "app");
    const struct app *of = app.p == NULL ? NULL : registry_app(call->project, app);

    s->query = (struct audit_query){ .project = call->project->object.no,
                                     .app = of == NULL ? 0 : of->object.no,
                                     .actor = read_text(call, "actor"),
                                     .action = read_text(call, "action"),
                                     .target = read_text(call, "target"),
                                     .since = filter_time(call, "since"),
                                     .until = filter_time(call, "until") };
    if (page_read(call, PAGE_AUDIT, &s->page) != 0) {
        return;
    }
    s->query.after = s->page.seq;
    s->query.ascending = page_reads_ascending(&s->page);
    s->query.limit = page_fetch(&s->page);
    call->state = s;
    if (app.p != NULL && of == NULL) {
        list_done(call);
        return;
    }
    call_read(call, list_run, list_done);
}

/* --- the check: as many reads as it takes, each a transaction of its own */
static int verify_run(struct call *call, struct db *db)
{
    return audit_scan(db, call->api->options.keyring, call->state);
}

static void verify_done(struct call *call)
{
    const struct audit_check *check = call->state;
    struct json_out *o;

    if (!check->at_end) {
        call_read(call, verify_run, verify_done);
        return;
    }
    o = call_json(call);
    json_out_object(o);
    json_put_bool(o, "whole", check->broken == 0);
    json_put_int(o, "rows", check->rows);
    json_put_int(o, "first", check->first);
    json_put_int(o, "last", check->rows == 0 ? 0 : check->number);
    if (check->rows == 0) {
        json_put_c(o, "hash", NULL);
    } else {
        put_hex(o, "hash", (struct str){ (const char *)check->hash, sizeof(check->hash) });
    }
    json_out_name(o, "broken");
    if (check->broken == 0) {
        json_out_null(o);
    } else {
        json_out_object(o);
        json_put_int(o, "number", check->broken);
        json_put_c(o, "fault", check->fault);
        json_out_object_end(o);
    }
    json_out_object_end(o);
    call_reply(call, 200);
}

void audit_log_verify(struct call *call)
{
    struct audit_check *check = arena_alloc(call->arena, sizeof(*check));

    check->project = call->project->object.no;
    call->state = check;
    call_read(call, verify_run, verify_done);
}
