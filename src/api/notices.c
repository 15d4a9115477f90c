/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices.c - /api/v1/notices and /api/v1/apps/{app}/notices: what people were told, and that they have read it.
 * An app sees its own; a key of the project sees all of it, with those of the operator.
 */
#include "api/api_internal.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/problem.h"
#include "base/assert.h"
#include "engine/notice.h"
#include "store/notice.h"

struct notices_state {
    struct page page;
    struct notice_query query;
    struct notice_row *rows;
    size_t count;
    /* marking */
    int64_t now, changes;
};

/* --- one */
static void write_row(struct call *call, struct json_out *o, const void *shown)
{
    const struct notice_row *row = shown;
    const struct registry *registry = call->api->options.registry;
    const struct app *app = registry_app_no(registry, row->app);
    const struct endpoint *endpoint = registry_endpoint_no(registry, row->endpoint);

    json_out_object(o);
    call_put_id(o, "id", ID_NOTICE, &row->id);
    json_put_c(o, "kind", notice_kind_name(row->kind));
    if (app == NULL) {
        json_put_c(o, "app_id", NULL);
    } else {
        call_put_id(o, "app_id", ID_APP, &app->object.id);
    }
    if (endpoint == NULL) {
        json_put_c(o, "endpoint_id", NULL);
    } else {
        call_put_id(o, "endpoint_id", ID_ENDPOINT, &endpoint->object.id);
    }
    json_put_str(o, "title", row->title);
    json_put_str(o, "text", row->text);
    json_put_raw(o, "facts", row->facts);
    json_put_int(o, "count", row->count);
    json_put_time(o, "created_at", row->created_at);
    json_put_time(o, "updated_at", row->updated_at);
    json_put_time(o, "read_at", row->read_at);
    json_out_object_end(o);
}

/* --- list */
static int list_run(struct call *call, struct db *db)
{
    struct notices_state *s = call->state;

    return notice_list(db, &s->query, call->arena, &s->rows, &s->count);
}

static void list_done(struct call *call)
{
    const struct notices_state *s = call->state;

    page_reply(call, &s->page,
               &(struct page_rows){ .rows = s->rows,
                                    .count = s->count,
                                    .size = sizeof(*s->rows),
                                    .seq_at = offsetof(struct notice_row, seq),
                                    .write = write_row });
}

static void read_filters(struct call *call, struct notice_query *q)
{
    struct str kind = call_query(call, "kind");
    struct str unread = call_query(call, "unread");
    int32_t number = kind.p == NULL ? 0 : notice_kind_parse(kind);

    if (number < 0) {
        call_query_fault(call, "kind", "pattern",
                         "There is no such kind; see docs/notices.md.");
    }
    q->kind = number;
    q->unread = str_eq_c(unread, "true");
    if (unread.p != NULL && !q->unread && !str_eq_c(unread, "false")) {
        call_query_fault(call, "unread", "pattern", "unread is true or false.");
    }
}

void notices_list(struct call *call)
{
    struct notices_state *s = arena_alloc(call->arena, sizeof(*s));
    struct str app = call->app != NULL ? STR_NONE : call_query(call, "app");
    const struct app *of = call->app;

    read_filters(call, &s->query);
    if (page_read(call, PAGE_NOTICES, &s->page) != 0) {
        return;
    }
    if (app.p != NULL) {
        of = registry_app(call->project, app);
        if (of == NULL) {
            problem_reply(call, -E_NOT_FOUND);
            return;
        }
    }
    s->query.project = call->project->object.no;
    s->query.app = of == NULL ? 0 : of->object.no;
    s->query.after_seq = s->page.seq;
    s->query.ascending = page_reads_ascending(&s->page);
    s->query.limit = page_fetch(&s->page);
    call->state = s;
    call_read(call, list_run, list_done);
}

/* --- reading marks */
static int mark_run(struct call *call, struct db *db)
{
    struct notices_state *s = call->state;

    return notice_mark_read(db, &call->id, s->query.project, s->query.app, s->now, &s->changes);
}

static int mark_all_run(struct call *call, struct db *db)
{
    struct notices_state *s = call->state;

    return notice_mark_all(db, s->query.project, s->query.app, s->now, &s->changes);
}

static struct notices_state *marking(struct call *call)
{
    struct notices_state *s = arena_alloc(call->arena, sizeof(*s));

    s->query.project = call->project->object.no;
    s->query.app = call->app == NULL ? 0 : call->app->object.no;
    s->now = call->now;
    call->state = s;
    return s;
}

static int get_run(struct call *call, struct db *db)
{
    struct notices_state *s = call->state;

    s->rows = arena_alloc(call->arena, sizeof(*s->rows));
    return notice_get(db, &call->id, call->arena, s->rows);
}

/* One of another project, or of another app, is not there. */
static void get_done(struct call *call)
{
    const struct notices_state *s = call->state;

    if (s->rows->project != s->query.project ||
        (s->query.app != 0 && s->rows->app != s->query.app)) {
        problem_reply(call, -E_NOT_FOUND);
        return;
    }
    write_row(call, call_json(call), s->rows);
    call_reply(call, 200);
}

static void mark_done(struct call *call)
{
    call_read(call, get_run, get_done);
}

void notices_read(struct call *call)
{
    (void)marking(call);
    call_write(call, 1, mark_run, mark_done);
}

static void mark_all_done(struct call *call)
{
    const struct notices_state *s = call->state;
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_put_int(o, "read", s->changes);
    json_out_object_end(o);
    call_reply(call, 200);
}

void notices_read_all(struct call *call)
{
    (void)marking(call);
    call_write(call, 1, mark_all_run, mark_all_done);
}
