/* SPDX-License-Identifier: Apache-2.0 */
/* replays_read.c - replay jobs as people see them: one, the list of an app, the list over all apps. */
#include "api/api_internal.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/replay_form.h"
#include "api/replay_view.h"

/* --- as people see it */
static void put_member(struct json_out *o, const struct json *spec, const char *name)
{
    const struct json *v = json_member(spec, name);

    json_out_name(o, name);
    if (v == NULL) {
        json_out_null(o);
    } else {
        json_out_value(o, v);
    }
}

static void put_correction(struct call *call, struct json_out *o, const struct json *spec)
{
    bool hides = access_hides_payloads(&call->access);
    const struct json *patch = hides ? NULL : json_member(spec, "merge_patch");
    const struct json *expression = hides ? NULL : json_member(spec, "jmespath");

    json_out_name(o, "correction");
    if (patch == NULL && expression == NULL) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    json_out_name(o, patch != NULL ? "merge_patch" : "jmespath");
    json_out_value(o, patch != NULL ? patch : expression);
    json_out_object_end(o);
}

static void put_progress(struct json_out *o, const struct replay_row *row)
{
    json_put_int(o, "total", row->total);
    json_put_int(o, "processed", row->processed);
    json_put_int(o, "replayed", row->replayed);
    json_put_int(o, "skipped", row->skipped);
    json_put_int(o, "failed", row->failed);
    json_put_int(o, "rate", row->rate);
}

static void write_row(struct call *call, struct json_out *o, const void *shown)
{
    const struct replay_row *row = shown;
    const struct app *app = registry_app_no(call->api->options.registry, row->app);
    struct json_doc *doc = NULL;
    const struct json *spec = NULL;

    if (json_parse(row->spec, JSON_DEPTH_MAX, &doc, NULL) == 0) {
        spec = json_root(doc);
    }
    json_out_object(o);
    call_put_id(o, "id", ID_REPLAY, &row->id);
    if (app == NULL) {
        json_put_c(o, "app_id", NULL);
    } else {
        call_put_id(o, "app_id", ID_APP, &app->object.id);
    }
    json_put_c(o, "state", replay_state_name(row->state));
    json_put_c(o, "mode", replay_mode_name(row->mode));
    put_progress(o, row);
    if (spec != NULL) {
        put_member(o, spec, "reason");
        put_member(o, spec, "filter");
        put_correction(call, o, spec);
        put_member(o, spec, "new_id");
        json_out_name(o, "created_by");
        json_out_value(o, json_member(spec, "by"));
    }
    json_put_time(o, "created_at", row->created_at);
    json_put_time(o, "started_at", row->started_at);
    json_put_time(o, "ended_at", row->ended_at);
    json_out_object_end(o);
    json_doc_free(doc);
}

void replay_reply(struct call *call, int status, const struct replay_row *row)
{
    struct json_out *o = call_json(call);

    write_row(call, o, row);
    call_reply(call, status);
}

/* --- reading */
struct list_state {
    struct page page;
    struct replay_query query;
    struct replay_row *rows;
    size_t count;
};

static int list_run(struct call *call, struct db *db)
{
    struct list_state *s = call->state;

    return replay_list(db, &s->query, call->arena, &s->rows, &s->count);
}

static void list_done(struct call *call)
{
    const struct list_state *s = call->state;

    page_reply(call, &s->page,
               &(struct page_rows){ .rows = s->rows,
                                    .count = s->count,
                                    .size = sizeof(*s->rows),
                                    .seq_at = offsetof(struct replay_row, no),
                                    .write = write_row });
}

static int32_t read_state(struct call *call)
{
    struct str text = call_query(call, "state");

    if (text.p == NULL) {
        return 0;
    }
    for (int32_t s = REPLAY_QUEUED; s <= REPLAY_FAILED; s++) {
        if (str_eq_c(text, replay_state_name((enum replay_state)s))) {
            return s;
        }
    }
    call_query_fault(call, "state", "pattern",
                     "This is queued, running, paused, completed, cancelled or failed.");
    return 0;
}

static void list(struct call *call, const struct app *app)
{
    struct list_state *s = arena_alloc(call->arena, sizeof(*s));

    s->query = (struct replay_query){ .project = call->project->object.no,
                                      .app = app == NULL ? 0 : app->object.no,
                                      .state = read_state(call) };
    if (page_read(call, PAGE_REPLAYS, &s->page) != 0) {
        return;
    }
    s->query.after_no = s->page.seq;
    s->query.ascending = page_reads_ascending(&s->page);
    s->query.limit = page_fetch(&s->page);
    call->state = s;
    call_read(call, list_run, list_done);
}

void replays_list(struct call *call)
{
    list(call, call->app);
}

void replays_list_all(struct call *call)
{
    struct str text = call_query(call, "app");
    const struct app *app = text.p == NULL ? NULL : registry_app(call->project, text);

    if (text.p != NULL && app == NULL) {
        call_query_fault(call, "app", "not_found", "There is no such app.");
    }
    list(call, app);
}

struct get_state {
    int64_t app;
    struct replay_row row;
};

static int get_run(struct call *call, struct db *db)
{
    struct get_state *s = call->state;
    int rc = replay_get(db, &call->id, call->arena, &s->row);

    return rc == 0 && s->row.app != s->app ? -E_NOT_FOUND : rc;
}

static void get_done(struct call *call)
{
    const struct get_state *s = call->state;

    replay_reply(call, 200, &s->row);
}

void replays_get(struct call *call)
{
    struct get_state *s = arena_alloc(call->arena, sizeof(*s));

    s->app = call->app->object.no;
    call->state = s;
    call_read(call, get_run, get_done);
}
