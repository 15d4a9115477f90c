/* SPDX-License-Identifier: Apache-2.0 */
/* event_types.c - /api/v1/event-types: the catalogue of what may be published. A name never
 * changes. */
#include "api/event_types.h"

#include "api/etag.h"
#include "api/event_type_resource.h"
#include "api/handlers.h"
#include "api/names.h"
#include "api/object.h"
#include "api/page.h"
#include "api/problem.h"
#include "base/assert.h"

enum { TYPE_JSON_MAX = 64 * 1024, TYPE_CONFIG_MAX = 256 * 1024, TYPE_WORDS_MAX = 200 };

struct type_draft {
    struct str name, description, group, frequency;
    const struct json *schema, *example, *resource; /* NULL: null */
    bool archived;
};

static const char name_rule[] =
    "A name is 2 to 5 words of a-z, 0-9 and _ with dots between, such as user.created.";

static void put_json(struct json_out *o, const char *name, const struct json *value)
{
    json_out_name(o, name);
    if (value == NULL) {
        json_out_null(o);
    } else {
        json_out_value(o, value);
    }
}

static void members(struct call *call, struct json_out *o, const struct object *object,
                    const struct json *config)
{
    const struct event_type *type = (const struct event_type *)(const void *)object;

    ASSERT(object->kind == CONFIG_EVENT_TYPE);
    (void)call;
    json_put_str(o, "name", object->slug);
    json_put_str(o, "description", object_text(config, "description"));
    json_put_str(o, "group", object_text(config, "group"));
    put_json(o, "schema", config == NULL ? NULL : json_member(config, "schema"));
    put_json(o, "example", config == NULL ? NULL : json_member(config, "example"));
    json_put_str(o, "frequency", object_text(config, "frequency"));
    put_json(o, "resource", config == NULL ? NULL : json_member(config, "resource"));
    json_put_bool(o, "archived", type->archived);
}

static void write_row(struct call *call, struct json_out *o, const struct object *object)
{
    object_write(call, o, object, members);
}

/* --- the form */
/* Any JSON value up to 64 KiB as text. */
static void read_json(struct form *f, const char *name, const struct json **ret)
{
    const struct json *v = form_value(f, name);
    struct buf text;

    if (v == NULL) {
        return;
    }
    buf_init(&text, TYPE_JSON_MAX);
    if (json_write(v, &text) != 0) {
        form_fault(f->faults, form_pointer(f, name), "too_long", "It is over %d bytes.",
                   (int)TYPE_JSON_MAX);
    } else {
        *ret = json_type(v) == JSON_NULL ? NULL : v;
    }
    buf_done(&text);
}

static void read_schema(struct form *f, const struct json **ret)
{
    const struct json *v = form_value(f, "schema");

    if (v != NULL && json_type(v) != JSON_OBJECT && json_type(v) != JSON_BOOL &&
        json_type(v) != JSON_NULL) {
        form_fault(f->faults, form_pointer(f, "schema"), "type",
                   "A JSON Schema is an object, true or false.");
        return;
    }
    read_json(f, "schema", ret);
}

static void read_archived(struct form *f, bool *ret)
{
    bool is_null;

    if (!object_field(f, "archived", &is_null)) {
        return;
    }
    if (is_null) {
        *ret = false;
        return;
    }
    (void)form_bool(f, "archived", false, ret);
}

static bool read_draft(struct call *call, bool is_new, struct type_draft *draft)
{
    struct form f;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    if (is_new) {
        if (form_string(&f, "name", true, 1, EVENT_TYPE_NAME_MAX, &draft->name) &&
            !name_is_event_type(draft->name)) {
            form_fault(&call->faults, form_pointer(&f, "name"), "pattern", "%s", name_rule);
        }
    } else if (form_has(&f, "name")) {
        (void)form_value(&f, "name");
        form_fault(&call->faults, form_pointer(&f, "name"), "read_only",
                   "A name never changes.");
    }
    object_field_text(&f, "description", API_TEXT_MAX, &draft->description);
    object_field_text(&f, "group", TYPE_WORDS_MAX, &draft->group);
    object_field_text(&f, "frequency", TYPE_WORDS_MAX, &draft->frequency);
    read_schema(&f, &draft->schema);
    read_json(&f, "example", &draft->example);
    event_type_resource_read(&f, &draft->resource);
    read_archived(&f, &draft->archived);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    return true;
}

static bool write_config(struct call *call, const struct type_draft *draft)
{
    struct json_out o;
    int rc;

    buf_done(&call->bytes);
    buf_init(&call->bytes, TYPE_CONFIG_MAX);
    json_out_begin(&o, &call->bytes);
    json_out_object(&o);
    json_put_str(&o, "description", draft->description);
    json_put_str(&o, "group", draft->group);
    put_json(&o, "schema", draft->schema);
    put_json(&o, "example", draft->example);
    json_put_str(&o, "frequency", draft->frequency);
    put_json(&o, "resource", draft->resource);
    json_put_bool(&o, "archived", draft->archived);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    if (rc != 0) {
        problem_reply(call, rc);
    }
    return rc == 0;
}

/* False: answered. */
static bool has_room(struct call *call)
{
    if (call->project->event_types.count >= API_EVENT_TYPES_MAX) {
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
    object_get(call, &call->type->object, members);
}

static void on_created(struct call *call, struct object *object)
{
    call_header(call, "Location", "/api/v1/event-types/%.*s", STR_ARG(object->slug));
    object_reply(call, 201, object, members);
}

void event_types_create(struct call *call)
{
    struct type_draft draft = { .archived = false };
    struct config_row row;

    if (!read_draft(call, true, &draft)) {
        return;
    }
    if (registry_event_type(call->project, draft.name) != NULL) {
        problem_reply(call, -E_SLUG_TAKEN);
        return;
    }
    if (!has_room(call) || !write_config(call, &draft)) {
        return;
    }
    row = object_row_new(call, CONFIG_EVENT_TYPE, call->project->object.no);
    row.slug = draft.name;
    row.config = buf_str(&call->bytes);
    object_save(call, CONFIG_EVENT_TYPE, &row, on_created);
}

static void on_patched(struct call *call, struct object *object)
{
    object_reply(call, 200, object, members);
}

static const struct json *member_or_null(const struct json *config, const char *name)
{
    const struct json *v = json_member(config, name);

    return v == NULL || json_type(v) == JSON_NULL ? NULL : v;
}

void event_types_patch(struct call *call)
{
    const struct object *object = &call->type->object;
    const struct json *config;
    struct type_draft draft;
    struct config_row row;

    if (etag_check(call, object) != 0) {
        return;
    }
    config = object_config(call, object);
    if (config == NULL) {
        return;
    }
    draft = (struct type_draft){ .name = object->slug,
                                 .description = object_text(config, "description"),
                                 .group = object_text(config, "group"),
                                 .frequency = object_text(config, "frequency"),
                                 .schema = member_or_null(config, "schema"),
                                 .example = member_or_null(config, "example"),
                                 .resource = member_or_null(config, "resource"),
                                 .archived = call->type->archived };
    if (!read_draft(call, false, &draft) || !write_config(call, &draft)) {
        return;
    }
    row = object_row_next(call, object);
    row.config = buf_str(&call->bytes);
    object_save(call, CONFIG_EVENT_TYPE, &row, on_patched);
}

void event_types_delete(struct call *call)
{
    object_delete(call, &call->type->object);
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
    struct type_draft draft = { .archived = false };
    struct config_row row;

    ASSERT(name_is_event_type(name) && registry_event_type(call->project, name) == NULL);
    if (!has_room(call) || !write_config(call, &draft)) {
        return;
    }
    row = object_row_new(call, CONFIG_EVENT_TYPE, call->project->object.no);
    row.slug = name;
    row.config = buf_str(&call->bytes);
    object_save(call, CONFIG_EVENT_TYPE, &row, on_registered);
}
