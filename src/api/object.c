/* SPDX-License-Identifier: Apache-2.0 */
/* object.c - what is common to all things that people edit. */
#include "api/object.h"

#include "api/audit.h"
#include "api/etag.h"
#include "api/problem.h"
#include "base/assert.h"
#include "base/log.h"
#include "engine/engine.h"

/* --- answers */
void object_write(struct call *call, struct json_out *o, const struct object *object,
                  object_members *members)
{
    struct json_doc *doc = NULL;

    if (json_parse(object->config, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        LOG_E("a configuration document cannot be read", "kind=%d no=%lld", (int)object->kind,
              (long long)object->no);
    }
    json_out_object(o);
    members(call, o, object, doc == NULL ? NULL : json_root(doc));
    json_put_time(o, "created_at", object->created_at);
    json_put_time(o, "updated_at", object->updated_at);
    json_out_object_end(o);
    json_doc_free(doc);
}

void object_reply(struct call *call, int status, const struct object *object,
                  object_members *members)
{
    etag_header(call, object);
    object_write(call, call_json(call), object, members);
    call_reply(call, status);
}

void object_get(struct call *call, const struct object *object, object_members *members)
{
    if (!etag_unchanged(call, object)) {
        object_reply(call, 200, object, members);
    }
}

const struct json *object_config(struct call *call, const struct object *object)
{
    struct json_doc *doc;

    if (json_parse(object->config, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        problem_reply(call, -E_INTERNAL);
        return NULL;
    }
    call_keep(call, doc);
    return json_root(doc);
}

/* --- rows */
struct config_row object_row_new(struct call *call, enum config_kind kind, int64_t parent)
{
    return (struct config_row){ .no = registry_next_no(call->api->options.registry, kind),
                                .id = engine_make_id(call->api->options.engine),
                                .parent = parent,
                                .version = 1,
                                .created_at = call->now,
                                .updated_at = call->now };
}

static int64_t parent_of(const struct object *object)
{
    ASSERT(object->kind < CONFIG_KINDS);
    switch (object->kind) {
    case CONFIG_APP:
        return ((const struct app *)(const void *)object)->project->object.no;
    case CONFIG_ENDPOINT:
        return ((const struct endpoint *)(const void *)object)->app->object.no;
    case CONFIG_EVENT_TYPE:
        return ((const struct event_type *)(const void *)object)->project->object.no;
    case CONFIG_KEY:
        return ((const struct api_key *)(const void *)object)->project->object.no;
    case CONFIG_MEMBER:
        return ((const struct member *)(const void *)object)->project->object.no;
    case CONFIG_PROJECT:
    case CONFIG_KINDS:
        break;
    }
    return 0;
}

struct config_row object_row_next(struct call *call, const struct object *object)
{
    return (struct config_row){ .no = object->no,
                                .id = object->id,
                                .parent = parent_of(object),
                                .slug = object->slug,
                                .config = object->config,
                                .sealed = object->sealed,
                                .version = object->version + 1,
                                .created_at = object->created_at,
                                .updated_at = call->now };
}

static void on_saved(void *ctx, int result, struct object *object)
{
    struct call *call = ctx;

    if (list_linked(&call->creating)) {
        list_remove(&call->api->creating, &call->creating);
    }
    if (result == -E_CONFLICT && call_may_retry(call)) {
        call_again(call);
    } else if (result == -E_CONFLICT && http_header(call->req, "If-Match").p != NULL) {
        problem_reply(call, -E_PRECONDITION);
    } else if (result != 0) {
        problem_reply(call, result);
    } else {
        call->saved(call, object);
    }
}

void object_save(struct call *call, enum config_kind kind, const struct config_row *row,
                 void (*saved)(struct call *call, struct object *object))
{
    struct registry *registry = call->api->options.registry;
    struct audit_entry *entry = audit_of(call, "", STR_NONE);
    struct config_row audited = *row;
    int rc;

    ASSERT(row->version > 0 && row->audit == NULL);
    ASSERT(saved != NULL && !list_linked(&call->creating));
    audit_object(registry, kind, row, call->arena, entry);
    if (call->audit_action != NULL) {
        entry->action = str_from(call->audit_action);
        call->audit_action = NULL;
    }
    audited.audit = entry;
    call->saved = saved;
    rc = registry_save(registry, kind, &audited, on_saved, call);
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    if (row->version == 1) {
        call->creating_kind = kind;
        list_push_back(&call->api->creating, &call->creating);
    }
}

static void on_deleted(struct call *call, struct object *object)
{
    (void)object;
    call_reply_bytes(call, 204, NULL, STR_NONE);
}

void object_delete(struct call *call, const struct object *object)
{
    struct config_row row;

    ASSERT(object->deleted_at == 0);
    if (etag_check(call, object) != 0) {
        return;
    }
    row = object_row_next(call, object);
    row.deleted_at = call->now;
    object_save(call, object->kind, &row, on_deleted);
}

/* --- fields */
bool object_field(struct form *f, const char *name, bool *ret_null)
{
    const struct json *v = form_value(f, name);

    if (v == NULL) {
        return false;
    }
    *ret_null = json_type(v) == JSON_NULL;
    return true;
}

void object_field_text(struct form *f, const char *name, size_t max, struct str *ret)
{
    bool is_null;

    if (!object_field(f, name, &is_null)) {
        return;
    }
    if (is_null) {
        *ret = STR("");
        return;
    }
    (void)form_string(f, name, false, 0, max, ret);
}

void object_field_metadata(struct form *f, const struct json **ret)
{
    bool is_null;

    if (!object_field(f, "metadata", &is_null)) {
        return;
    }
    if (is_null) {
        *ret = NULL;
        return;
    }
    (void)form_string_map(f, "metadata", API_METADATA_MAX, API_METADATA_NAME_MAX,
                          API_METADATA_VALUE_MAX, ret);
}

void object_field_name(struct form *f, bool required, struct str *ret)
{
    bool is_null = false;

    if (!required && object_field(f, "name", &is_null) && is_null) {
        form_fault(f->faults, form_pointer(f, "name"), "required",
                   "A name cannot be taken away.");
        return;
    }
    (void)form_string(f, "name", required, 1, API_NAME_MAX, ret);
}

struct str object_text(const struct json *config, const char *name)
{
    const struct json *v = config == NULL ? NULL : json_member(config, name);

    return v == NULL ? STR_NONE : json_string(v);
}

void object_put_map(struct json_out *o, const char *name, const struct json *map)
{
    json_out_name(o, name);
    if (map == NULL || json_type(map) != JSON_OBJECT) {
        json_out_object(o);
        json_out_object_end(o);
    } else {
        json_out_value(o, map);
    }
}
