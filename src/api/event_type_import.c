/* SPDX-License-Identifier: Apache-2.0 */
/* event_type_import.c - POST /api/v1/event-types/import, and how wishes are met one by one. */
#include "api/event_type_import.h"

#include "api/audit.h"
#include "api/event_type_form.h"
#include "api/event_types.h"
#include "api/handlers.h"
#include "api/object.h"
#include "api/problem.h"
#include "base/assert.h"
#include "engine/engine.h"

/* Where an import stands; in the call's arena. */
struct work {
    struct type_import *import;
    size_t at;
    unsigned tries;       /* lost races of this one */
    size_t created;       /* by a dry run */
    struct json_doc *doc; /* of the type as it is */
    struct type_draft draft;
    struct buf config; /* as it would be stored */
    int rc;
};

static void next(struct call *call);

/* --- the answer */
static void put_names(struct json_out *o, const struct type_import *import, const char *name,
                      enum type_fate fate)
{
    json_out_name(o, name);
    json_out_array(o);
    for (size_t i = 0; i < import->count; i++) {
        if (import->wishes[i].fate == fate) {
            json_out_str(o, import->wishes[i].name);
        }
    }
    json_out_array_end(o);
}

static void reply(struct call *call)
{
    const struct work *w = call->state;
    const struct type_import *import = w->import;
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_put_bool(o, "dry_run", import->dry_run);
    put_names(o, import, "created", FATE_CREATED);
    put_names(o, import, "updated", FATE_UPDATED);
    put_names(o, import, "unchanged", FATE_UNCHANGED);
    json_out_name(o, "problems");
    json_out_array(o);
    for (size_t i = 0; i < import->count; i++) {
        const struct type_wish *wish = &import->wishes[i];

        if (wish->fate == FATE_PROBLEM) {
            json_out_object(o);
            json_put_str(o, "name", wish->name);
            problem_put_errors(o, &wish->faults);
            json_out_object_end(o);
        }
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}

/* --- one wish: in a reader thread */
static int judge_run(struct call *call, struct db *db)
{
    struct work *w = call->state;
    struct type_wish *wish = &w->import->wishes[w->at];
    bool breaks = false;

    (void)db;
    type_draft_read(TYPE_IMPORT, wish->body, STR_NONE, &wish->faults, &w->draft);
    if (wish->faults.count == 0) {
        breaks = type_draft_breaks(&w->draft, STR_NONE, &wish->faults);
        if (breaks && w->import->new_versions) {
            form_faults_init(&wish->faults, call->arena);
        }
    }
    if (wish->faults.count == 0) {
        w->rc = type_draft_write(&w->draft, breaks, call->now, &w->config);
    }
    return 0;
}

static void forget(struct work *w)
{
    json_doc_free(w->doc);
    w->doc = NULL;
    buf_done(&w->config);
}

static void settle(struct call *call, enum type_fate fate)
{
    struct work *w = call->state;

    w->import->wishes[w->at].fate = fate;
    forget(w);
    w->at++;
    w->tries = 0;
    next(call);
}

static void refuse(struct call *call, const char *code, const char *text)
{
    struct work *w = call->state;

    form_fault(&w->import->wishes[w->at].faults, STR_NONE, code, "%s", text);
    settle(call, FATE_PROBLEM);
}

/* --- storing */
static void on_stored(void *ctx, int result, struct object *object)
{
    struct call *call = ctx;
    struct work *w = call->state;

    if (result == -E_CONFLICT && ++w->tries < CALL_TRIES_MAX) {
        forget(w);
        next(call);
    } else if (result != 0) {
        refuse(call, err_token(result), err_text(result));
    } else {
        settle(call, object->version == 1 ? FATE_CREATED : FATE_UPDATED);
    }
}

static void store(struct call *call, const struct object *object)
{
    struct registry *registry = call->api->options.registry;
    struct audit_entry *entry = audit_of(call, "", STR_NONE);
    struct work *w = call->state;
    struct config_row row =
        object == NULL ? object_row_new(call, CONFIG_EVENT_TYPE, call->project->object.no)
                       : object_row_next(call, object);
    int rc;

    row.slug = w->draft.name;
    row.config = buf_str(&w->config);
    audit_object(registry, CONFIG_EVENT_TYPE, &row, call->arena, entry);
    row.audit = entry;
    rc = registry_save(registry, CONFIG_EVENT_TYPE, &row, on_stored, call);
    if (rc != 0) {
        refuse(call, err_token(rc), err_text(rc));
    }
}

static void judge_done(struct call *call)
{
    struct work *w = call->state;
    const struct type_wish *wish = &w->import->wishes[w->at];
    const struct event_type *type = registry_event_type(call->project, wish->name);
    const struct object *object = type == NULL ? NULL : &type->object;

    if (wish->faults.count > 0) {
        settle(call, FATE_PROBLEM);
    } else if (w->rc != 0) {
        refuse(call, "too_long", "All versions of the type together are too large.");
    } else if ((object == NULL) != (w->draft.config == NULL)) {
        forget(w); /* it came or went meanwhile: look at it anew */
        next(call);
    } else if (object != NULL && str_eq(object->config, buf_str(&w->config))) {
        settle(call, FATE_UNCHANGED);
    } else if (object == NULL &&
               !event_types_have_room(call, 1 + (w->import->dry_run ? w->created : 0))) {
        refuse(call, err_token(-E_LIMIT), "The project has all the event types it takes.");
    } else if (w->import->dry_run) {
        w->created += object == NULL ? 1 : 0;
        settle(call, object == NULL ? FATE_CREATED : FATE_UPDATED);
    } else {
        store(call, object);
    }
}

/* The wish at hand; those that are problems already are passed by. */
static void next(struct call *call)
{
    struct work *w = call->state;
    const struct event_type *type;

    while (w->at < w->import->count && w->import->wishes[w->at].faults.count > 0) {
        w->at++;
    }
    if (w->at == w->import->count) {
        reply(call);
        return;
    }
    type = registry_event_type(call->project, w->import->wishes[w->at].name);
    if (type != NULL && json_parse(type->object.config, JSON_DEPTH_MAX, &w->doc, NULL) != 0) {
        refuse(call, err_token(-E_INTERNAL), err_text(-E_INTERNAL));
        return;
    }
    type_draft_init(&w->draft, type == NULL ? NULL : json_root(w->doc));
    buf_init(&w->config, TYPE_CONFIG_MAX);
    w->rc = 0;
    call_read(call, judge_run, judge_done);
}

/* A name that stands there twice: the second is a problem. */
static void mark_twins(struct type_import *import)
{
    for (size_t i = 1; i < import->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq(import->wishes[i].name, import->wishes[k].name)) {
                form_fault(&import->wishes[i].faults, STR("/name"), "duplicate",
                           "This type stands there twice.");
                break;
            }
        }
    }
}

void type_import_run(struct call *call, struct type_import *import)
{
    struct work *w = arena_alloc(call->arena, sizeof(*w));

    ASSERT(import->count <= TYPE_IMPORT_MAX);
    w->import = import;
    mark_twins(import);
    call->state = w;
    next(call);
}

/* --- the route */
struct reading {
    struct type_import import;
    struct form_faults faults;
    struct json_doc *doc;
    const struct json *document;
};

static int read_run(struct call *call, struct db *db)
{
    struct reading *r = call->state;

    (void)db;
    type_openapi_read(r->document, STR("/openapi"), call->arena, &r->faults, &r->import,
                      &r->doc);
    return 0;
}

static void read_done(struct call *call)
{
    struct reading *r = call->state;

    call_keep(call, r->doc);
    if (r->faults.count > 0) {
        call->faults = r->faults;
        problem_faults(call);
        return;
    }
    type_import_run(call, &r->import);
}

void event_types_import(struct call *call)
{
    struct reading *r = arena_alloc(call->arena, sizeof(*r));
    struct form f;

    form_faults_init(&r->faults, call->arena);
    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_object(&f, "openapi", true, &r->document);
    (void)form_bool(&f, "dry_run", false, &r->import.dry_run);
    (void)form_bool(&f, "new_versions", false, &r->import.new_versions);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    call->state = r;
    call_read(call, read_run, read_done);
}
