/* SPDX-License-Identifier: Apache-2.0 */
/* orphans.c - endpoints over all apps by where they came from; adopting and deleting them. */
#include "api/orphans.h"

#include <string.h>

#include "api/access.h"
#include "api/api_internal.h"
#include "api/audit.h"
#include "api/endpoint_form.h"
#include "api/etag.h"
#include "api/handlers.h"
#include "api/object.h"
#include "api/page.h"
#include "api/problem.h"
#include "base/assert.h"

enum { ADOPT_NAME_MAX = 64, ADOPT_EXTRA = 2048, SWEEP_TRIES_MAX = 5 };

/* --- the list */
static void write_row(struct call *call, struct json_out *o, const struct object *object)
{
    object_write(call, o, object, endpoint_members);
}

static bool read_flag(struct call *call, const char *name)
{
    struct str text = call_query(call, name);

    if (text.p != NULL && !str_eq_c(text, "true")) {
        call_query_fault(call, name, "pattern", "Only true may stand here.");
    }
    return text.p != NULL;
}

static bool came_from(const struct endpoint *e, const struct api_key *key)
{
    return e->has_origin_key && id_eq(&e->origin_key, &key->object.id);
}

void orphans_list(struct call *call)
{
    const struct registry *registry = call->api->options.registry;
    bool orphaned = read_flag(call, "orphaned");
    struct str key_text = call_query(call, "key");
    struct str app_text = call_query(call, "app");
    const struct api_key *key = NULL;
    const struct app *app = app_text.p == NULL ? NULL : registry_app(call->project, app_text);
    struct object **rows;
    struct page page;
    struct object *o;
    struct id id;
    size_t count = 0;

    if (key_text.p != NULL && id_parse(ID_KEY, key_text, &id) == 0) {
        key = registry_key_of(registry, call->project, &id);
    }
    if (page_read(call, PAGE_ORPHANS, &page) != 0) {
        return;
    }
    rows = arena_alloc(call->arena, (registry_living(registry, CONFIG_ENDPOINT) + 1) *
                                        sizeof(struct object *));
    for (size_t i = 0; (o = registry_at(registry, CONFIG_ENDPOINT, i)) != NULL; i++) {
        const struct endpoint *e = (const struct endpoint *)(const void *)o;

        if (o->deleted_at == 0 && e->app->project == call->project &&
            (app_text.p == NULL || e->app == app) &&
            (key_text.p == NULL || (key != NULL && came_from(e, key))) &&
            (!orphaned || registry_orphaned_at(registry, e) != 0)) {
            rows[count++] = o;
        }
    }
    page_objects(call, &page, rows, count, write_row);
}

/* --- adopting: the document as it is, with another origin */
static int adopted_config(struct call *call, const struct endpoint *e, struct buf *out)
{
    const struct json *config = object_config(call, &e->object);
    struct json_iter it;
    const struct json *v;
    struct json_out o;
    struct str name;
    struct str kind;
    struct str who;
    char id[ID_TEXT_SIZE];

    if (config == NULL) {
        return -E_INTERNAL; /* answered */
    }
    access_actor(&call->access, id, &kind, &who);
    json_out_begin(&o, out);
    json_out_object(&o);
    it = json_iter(config);
    while ((v = json_next(&it, &name)) != NULL) {
        if (name.len < ADOPT_NAME_MAX && !str_eq_c(name, "origin")) {
            json_out_name(&o, arena_c(call->arena, name));
            json_out_value(&o, v);
        }
    }
    json_out_name(&o, "origin");
    json_out_object(&o);
    json_put_str(&o, "kind", kind);
    json_put_c(&o, "id", id);
    json_put_str(&o, "name", who);
    json_out_object_end(&o);
    json_out_object_end(&o);
    return json_out_end(&o);
}

static void on_adopted(struct call *call, struct object *object)
{
    object_reply(call, 200, object, endpoint_members);
}

void orphans_adopt(struct call *call)
{
    const struct endpoint *e = call->endpoint;
    struct config_row row = object_row_next(call, &e->object);

    if (etag_check(call, &e->object) != 0) {
        return;
    }
    buf_done(&call->bytes);
    buf_init(&call->bytes, e->object.config.len + ADOPT_EXTRA);
    if (adopted_config(call, e, &call->bytes) != 0) {
        return;
    }
    row.config = buf_str(&call->bytes);
    object_save(call, CONFIG_ENDPOINT, &row, on_adopted);
}

/* --- all of one integration */
struct sweep {
    struct call *call;
    bool deletes;
    unsigned tries; /* on the same endpoint */
    int64_t count;
    void (*done)(struct call *call);
};

static void sweep_step(struct sweep *sweep);

static void on_swept(void *ctx, int result, struct object *object)
{
    struct sweep *sweep = ctx;

    (void)object;
    if (result == -E_CONFLICT && ++sweep->tries < SWEEP_TRIES_MAX) {
        sweep_step(sweep); /* somebody else changed it: on its newer version */
        return;
    }
    if (result != 0) {
        problem_reply(sweep->call, result);
        return;
    }
    sweep->tries = 0;
    sweep->count++;
    sweep_step(sweep);
}

static const struct endpoint *sweep_next(const struct sweep *sweep)
{
    const struct registry *registry = sweep->call->api->options.registry;
    const struct api_key *key = sweep->call->named_key;
    struct object *o;

    for (size_t i = 0; (o = registry_at(registry, CONFIG_ENDPOINT, i)) != NULL; i++) {
        const struct endpoint *e = (const struct endpoint *)(const void *)o;

        if (o->deleted_at == 0 && e->app->project == key->project && came_from(e, key)) {
            return e;
        }
    }
    return NULL;
}

static void sweep_step(struct sweep *sweep)
{
    struct call *call = sweep->call;
    struct registry *registry = call->api->options.registry;
    const struct endpoint *e = sweep_next(sweep);
    struct audit_entry *entry;
    struct config_row row;
    int rc;

    if (e == NULL) {
        sweep->done(call);
        return;
    }
    row = object_row_next(call, &e->object);
    if (sweep->deletes) {
        row.deleted_at = call->now;
    } else {
        buf_done(&call->bytes);
        buf_init(&call->bytes, e->object.config.len + ADOPT_EXTRA);
        if (adopted_config(call, e, &call->bytes) != 0) {
            return;
        }
        row.config = buf_str(&call->bytes);
        json_doc_free(call->docs[--call->doc_count]);
    }
    entry = audit_of(call, "", STR_NONE);
    audit_object(registry, CONFIG_ENDPOINT, &row, call->arena, entry);
    row.audit = entry;
    rc = registry_save(registry, CONFIG_ENDPOINT, &row, on_swept, sweep);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

void orphans_sweep(struct call *call, bool deletes, void (*done)(struct call *call))
{
    struct sweep *sweep = arena_alloc(call->arena, sizeof(*sweep));

    ASSERT(call->named_key != NULL);
    *sweep = (struct sweep){ .call = call, .deletes = deletes, .done = done };
    call->state = sweep;
    sweep_step(sweep);
}

static void reply_count(struct call *call)
{
    const struct sweep *sweep = call->state;
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_put_int(o, "count", sweep->count);
    json_out_object_end(o);
    call_reply(call, 200);
}

/* Who adopts their own would go round for ever, and has them already. */
void orphans_adopt_all(struct call *call)
{
    if (call->named_key == call->access.key) {
        problem_detail(call, -E_STATE, "They are this key's own already.");
        return;
    }
    orphans_sweep(call, false, reply_count);
}

void orphans_delete_all(struct call *call)
{
    orphans_sweep(call, true, reply_count);
}
