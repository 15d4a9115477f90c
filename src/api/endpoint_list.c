/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint_list.c - GET /api/v1/apps/{app}/endpoints: filters, and orders that need the counts of
 * the last 24 hours. An app has at most API_MAX_ENDPOINTS_MAX of them, so a sorted list is one
 * answer without cursors.
 */
#include <stdlib.h>

#include "api/api_internal.h"
#include "api/filters.h"
#include "api/handlers.h"
#include "api/names.h"
#include "api/object.h"
#include "api/page.h"
#include "api/problem.h"
#include "engine/engine.h"
#include "engine/rules.h"
#include "store/tally.h"

enum list_sort { SORT_CREATED, SORT_VOLUME, SORT_FAILING };
enum list_health { HEALTH_ANY, HEALTH_FAILING, HEALTH_OK };

struct list_filter {
    struct str status, search, source, type_name;
    enum list_health health;
    enum list_sort sort;
};

struct list_row {
    struct object *object;
    bool is_failing;
    struct rollup sum;
};

struct list_state {
    struct page page;
    struct list_row *rows;
    size_t count;
    enum list_sort sort;
    struct list_row *at;
};

/* --- what is asked */
static int one_of(struct call *call, const char *name, const char *const *names, int count)
{
    struct str text = call_query(call, name);

    for (int i = 0; text.p != NULL && i < count; i++) {
        if (str_eq_c(text, names[i])) {
            return i;
        }
    }
    if (text.p != NULL) {
        call_query_fault(call, name, "pattern", "This is none of the values in the contract.");
    }
    return -1;
}

static void read_filter(struct call *call, struct list_filter *f)
{
    static const char *const statuses[] = { "active", "paused", "disabled" };
    static const char *const healths[] = { "failing", "ok" };
    static const char *const sorts[] = { "created", "volume", "failing" };
    int status = one_of(call, "status", statuses, 3);
    int health = one_of(call, "health", healths, 2);
    int sort = one_of(call, "sort", sorts, 3);

    f->status = status < 0 ? STR_NONE : str_from(statuses[status]);
    f->health = (enum list_health)(health + 1);
    f->sort = sort < 0 ? SORT_CREATED : (enum list_sort)sort;
    f->search = call_query(call, "q");
    f->source = call_query(call, "source");
    f->type_name = call_query(call, "type");
    if (f->type_name.p != NULL && !name_is_event_type(f->type_name)) {
        call_query_fault(call, "type", "pattern", "This is no name of an event type.");
    }
    if (f->sort != SORT_CREATED && call_query(call, "cursor").p != NULL) {
        call_query_fault(call, "cursor", "pattern",
                         "A list by volume or failures has no pages.");
    }
}

/* ASCII letters fold. */
static bool contains(struct str text, struct str part)
{
    for (size_t at = 0; at + part.len <= text.len; at++) {
        if (str_eq_nocase(str_sub(text, at, part.len), part)) {
            return true;
        }
    }
    return false;
}

/* By the id or the name of who made it. */
static bool is_from(const struct object *object, struct str source)
{
    struct json_doc *doc = NULL;
    const struct json *origin;
    bool is_its;

    if (json_parse(object->config, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return false;
    }
    origin = json_member(json_root(doc), "origin");
    is_its = origin != NULL && (str_eq(object_text(origin, "id"), source) ||
                                str_eq(object_text(origin, "name"), source) ||
                                str_eq(object_text(origin, "kind"), source));
    json_doc_free(doc);
    return is_its;
}

static bool is_failing(const struct call *call, const struct endpoint *e)
{
    struct health_rules rules;

    engine_health_rules(call->api->options.engine, e, &rules);
    return rules.failing_after > 0 && e->failures >= (uint32_t)rules.failing_after;
}

static bool matches(struct call *call, const struct list_filter *f, const struct endpoint *e)
{
    const struct event_type *type =
        f->type_name.p == NULL ? NULL : registry_event_type(call->project, f->type_name);

    if (e->object.deleted_at != 0 ||
        (f->status.p != NULL && !str_eq_c(f->status, endpoint_status_name(e->status))) ||
        (f->type_name.p != NULL && (type == NULL || !registry_wants(e, type)))) {
        return false;
    }
    if (f->health != HEALTH_ANY && is_failing(call, e) != (f->health == HEALTH_FAILING)) {
        return false;
    }
    return (f->search.p == NULL || contains(e->name, f->search) ||
            contains(e->url, f->search)) &&
           (f->source.p == NULL || is_from(&e->object, f->source));
}

static void write_row(struct call *call, struct json_out *o, const struct object *object)
{
    object_write(call, o, object, endpoint_members);
}

/* --- sorted by what the counts say */
static int on_row(void *ctx, const struct rollup *row)
{
    struct list_state *s = ctx;

    rollup_merge(&s->at->sum, row);
    return 0;
}

static int sorted_run(struct call *call, struct db *db)
{
    struct list_state *s = call->state;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        const struct tally_key key = { TALLY_HOUR, call->now - TALLY_DAY_MS, TALLY_ENDPOINT,
                                       s->rows[i].object->no };

        s->at = &s->rows[i];
        rc = tally_read(db, &key, call->now, on_row, s);
    }
    return rc;
}

static int compare_ints(int64_t a, int64_t b)
{
    return a > b ? -1 : a < b;
}

static int compare_volume(const void *a, const void *b)
{
    const struct list_row *x = a;
    const struct list_row *y = b;
    int c = compare_ints(x->sum.ok + x->sum.failed, y->sum.ok + y->sum.failed);

    return c != 0 ? c : compare_ints(x->object->no, y->object->no);
}

/* Those that fail now, then those with the most failures, however their last delivery went. */
static int compare_failing(const void *a, const void *b)
{
    const struct list_row *x = a;
    const struct list_row *y = b;
    int c = compare_ints(x->is_failing, y->is_failing);

    c = c != 0 ? c : compare_ints(x->sum.failed, y->sum.failed);
    return c != 0 ? c : compare_volume(a, b);
}

static void sorted_done(struct call *call)
{
    const struct list_state *s = call->state;
    struct json_out *o = call_json(call);

    call->state = NULL; /* members take it for a secret that was just made */
    qsort(s->rows, s->count, sizeof(*s->rows),
          s->sort == SORT_VOLUME ? compare_volume : compare_failing);
    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < s->count; i++) {
        write_row(call, o, s->rows[i].object);
    }
    json_out_array_end(o);
    json_put_c(o, "next_cursor", NULL);
    json_put_c(o, "prev_cursor", NULL);
    json_out_object_end(o);
    call_reply(call, 200);
}

void endpoints_list(struct call *call)
{
    struct list_state *s = arena_alloc(call->arena, sizeof(*s));
    const struct app *app = call->app;
    struct object **found =
        arena_alloc(call->arena, (app->endpoint_count + 1) * sizeof(struct object *));
    struct list_filter f;
    size_t count = 0;

    read_filter(call, &f);
    if (page_read(call, PAGE_ENDPOINTS, &s->page) != 0) {
        return;
    }
    for (size_t i = 0; i < app->endpoint_count; i++) {
        if (matches(call, &f, (const struct endpoint *)(const void *)app->endpoints[i])) {
            found[count++] = app->endpoints[i];
        }
    }
    if (f.sort == SORT_CREATED) {
        page_objects(call, &s->page, found, count, write_row);
        return;
    }
    s->sort = f.sort;
    s->count = count;
    s->rows = arena_alloc(call->arena, (count + 1) * sizeof(*s->rows));
    for (size_t i = 0; i < count; i++) {
        s->rows[i].object = found[i];
        s->rows[i].is_failing =
            is_failing(call, (const struct endpoint *)(const void *)found[i]);
    }
    call->state = s;
    call_read(call, sorted_run, sorted_done);
}
