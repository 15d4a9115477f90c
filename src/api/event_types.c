/* SPDX-License-Identifier: Apache-2.0 */
/* event_types.c - /api/v1/event-types: the catalogue of what may be published, and the versions of its
 * schemas. A name never changes; versions are 1, 2, 3 and stay. */
#include "api/event_types.h"

#include "api/api_internal.h"
#include "api/etag.h"
#include "api/event_type_check.h"
#include "api/event_type_form.h"
#include "api/handlers.h"
#include "api/names.h"
#include "api/object.h"
#include "api/page.h"
#include "api/problem.h"
#include "base/assert.h"

static void put_json(struct json_out *o, const char *name, const struct json *value)
{
    json_out_name(o, name);
    if (value == NULL) {
        json_out_null(o);
    } else {
        json_out_value(o, value);
    }
}

/* --- answers */
static int64_t version_time(const struct object *object, const struct json *version)
{
    const struct json *v = json_member(version, "created_at");
    int64_t at;

    return v == NULL || json_int(v, 1, INT64_MAX, &at) != 0 ? object->created_at : at;
}

static void put_version(struct json_out *o, const struct object *object,
                        const struct json *version, int64_t number, bool with_schema)
{
    json_out_object(o);
    json_put_int(o, "version", number);
    json_put_str(o, "notes", object_text(version, "notes"));
    if (with_schema) {
        put_json(o, "schema", type_member(version, "schema"));
        put_json(o, "example", type_member(version, "example"));
    }
    json_put_time(o, "created_at", version_time(object, version));
    json_out_object_end(o);
}

/* Schema and example of the latest version; the others are fetched one by one, for they may be
 * large. */
void event_type_members(struct call *call, struct json_out *o, const struct object *object,
                        const struct json *config)
{
    int64_t latest = type_latest(config);
    const struct json *version = type_version(config, latest);

    ASSERT(object->kind == CONFIG_EVENT_TYPE);
    (void)call;
    json_put_str(o, "name", object->slug);
    type_put_fields(o, config);
    json_put_int(o, "version", latest);
    put_json(o, "schema", type_member(version, "schema"));
    put_json(o, "example", type_member(version, "example"));
    json_out_name(o, "versions");
    json_out_array(o);
    for (int64_t number = 1; number <= latest && config != NULL; number++) {
        put_version(o, object, type_version(config, number), number, false);
    }
    json_out_array_end(o);
}

static void write_row(struct call *call, struct json_out *o, const struct object *object)
{
    object_write(call, o, object, event_type_members);
}

/* --- common to the edits. False: answered. */
static bool read_draft(struct call *call, enum type_form form, struct type_draft *draft)
{
    type_draft_read(form, call->body, STR_NONE, &call->faults, draft);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    return true;
}

static bool write_config(struct call *call, const struct type_draft *draft, bool new_version)
{
    int rc;

    buf_done(&call->bytes);
    buf_init(&call->bytes, TYPE_CONFIG_MAX);
    rc = type_draft_write(draft, new_version, call->now, &call->bytes);
    if (rc == -E_TOO_LARGE) {
        problem_detail(call, -E_LIMIT, "All versions of a type together have at most %d bytes.",
                       (int)TYPE_CONFIG_MAX);
    } else if (rc != 0) {
        problem_reply(call, rc);
    }
    return rc == 0;
}

bool event_types_have_room(const struct call *call, size_t more)
{
    return call->project->event_types.count + more <= API_EVENT_TYPES_MAX;
}

static bool has_room(struct call *call)
{
    if (!event_types_have_room(call, 1)) {
        problem_detail(call, -E_LIMIT, "A project has at most %d event types.",
                       (int)API_EVENT_TYPES_MAX);
        return false;
    }
    return true;
}

/* --- handlers */
void event_types_list(struct call *call)
{
    struct page page;

    if (page_read(call, PAGE_EVENT_TYPES, &page) == 0) {
        page_objects(call, &page, call->project->type_list, call->project->type_count,
                     write_row);
    }
}

void event_types_get(struct call *call)
{
    object_get(call, &call->type->object, event_type_members);
}

static void on_created(struct call *call, struct object *object)
{
    call_header(call, "Location", "/api/v1/event-types/%.*s", STR_ARG(object->slug));
    object_reply(call, 201, object, event_type_members);
}

void event_types_create(struct call *call)
{
    struct type_draft draft;
    struct config_row row;

    type_draft_init(&draft, NULL);
    if (!read_draft(call, TYPE_CREATE, &draft)) {
        return;
    }
    if (registry_event_type(call->project, draft.name) != NULL) {
        problem_reply(call, -E_SLUG_TAKEN);
        return;
    }
    if (!has_room(call) || !write_config(call, &draft, false)) {
        return;
    }
    row = object_row_new(call, CONFIG_EVENT_TYPE, call->project->object.no);
    row.slug = draft.name;
    row.config = buf_str(&call->bytes);
    object_save(call, CONFIG_EVENT_TYPE, &row, on_created);
}

static void on_patched(struct call *call, struct object *object)
{
    object_reply(call, 200, object, event_type_members);
}

/* The stored document as a draft; NULL: answered. */
static const struct json *begin_edit(struct call *call, struct type_draft *draft)
{
    const struct object *object = &call->type->object;
    const struct json *config;

    if (etag_check(call, object) != 0) {
        return NULL;
    }
    config = object_config(call, object);
    if (config != NULL) {
        type_draft_init(draft, config);
        draft->name = object->slug;
    }
    return config;
}

void event_types_patch(struct call *call)
{
    struct type_draft draft;
    struct config_row row;

    if (begin_edit(call, &draft) == NULL || !read_draft(call, TYPE_MERGE, &draft)) {
        return;
    }
    if (type_draft_breaks(&draft, STR_NONE, &call->faults)) {
        problem_reply(call, -E_BREAKING);
        return;
    }
    if (!write_config(call, &draft, false)) {
        return;
    }
    row = object_row_next(call, &call->type->object);
    row.config = buf_str(&call->bytes);
    object_save(call, CONFIG_EVENT_TYPE, &row, on_patched);
}

void event_types_delete(struct call *call)
{
    object_delete(call, &call->type->object);
}

/* --- versions */
static void reply_version(struct call *call, int status, const struct object *object,
                          const struct json *config, int64_t number)
{
    struct json_out *o = call_json(call);

    etag_header(call, object);
    put_version(o, object, type_version(config, number), number, true);
    call_reply(call, status);
}

void event_type_versions_list(struct call *call)
{
    const struct object *object = &call->type->object;
    const struct json *config = object_config(call, object);
    struct json_out *o;

    if (config == NULL) {
        return;
    }
    etag_header(call, object);
    o = call_json(call);
    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (int64_t number = 1; number <= type_latest(config); number++) {
        put_version(o, object, type_version(config, number), number, true);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}

void event_type_versions_get(struct call *call)
{
    const struct json *config;
    int64_t number;

    if (str_to_int(call->token, 1, call->type->latest, &number) != 0) {
        problem_reply(call, -E_NOT_FOUND);
        return;
    }
    config = object_config(call, &call->type->object);
    if (config != NULL) {
        reply_version(call, 200, &call->type->object, config, number);
    }
}

static void on_version_made(struct call *call, struct object *object)
{
    const struct json *config = object_config(call, object);

    if (config != NULL) {
        call_header(call, "Location", "/api/v1/event-types/%.*s/versions/%lld",
                    STR_ARG(object->slug), (long long)type_latest(config));
        reply_version(call, 201, object, config, type_latest(config));
    }
}

void event_type_versions_create(struct call *call)
{
    struct type_draft draft;
    struct config_row row;

    if (begin_edit(call, &draft) == NULL || !read_draft(call, TYPE_VERSION, &draft)) {
        return;
    }
    if (call->type->latest >= TYPE_VERSIONS_MAX) {
        problem_detail(call, -E_LIMIT, "An event type has at most %d versions.",
                       (int)TYPE_VERSIONS_MAX);
        return;
    }
    if (!write_config(call, &draft, true)) {
        return;
    }
    row = object_row_next(call, &call->type->object);
    row.config = buf_str(&call->bytes);
    object_save(call, CONFIG_EVENT_TYPE, &row, on_version_made);
}

/* --- registering by use */
bool event_types_register_themselves(const struct call *call)
{
    return call->api->options.dev || call->project->auto_register;
}

static void on_registered(struct call *call, struct object *object)
{
    (void)object;
    call_again(call);
}

void event_types_register(struct call *call, struct str name)
{
    struct type_draft draft;
    struct config_row row;

    ASSERT(name_is_event_type(name) && registry_event_type(call->project, name) == NULL);
    type_draft_init(&draft, NULL);
    if (!has_room(call) || !write_config(call, &draft, false)) {
        return;
    }
    row = object_row_new(call, CONFIG_EVENT_TYPE, call->project->object.no);
    row.slug = name;
    row.config = buf_str(&call->bytes);
    object_save(call, CONFIG_EVENT_TYPE, &row, on_registered);
}
