/* SPDX-License-Identifier: Apache-2.0 */
/* projects.c - /api/v1/projects. A key sees its own project and no other, also in lists. */
#include <string.h>

#include "api/audit.h"
#include "api/etag.h"
#include "api/handlers.h"
#include "api/keys.h"
#include "api/object.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/redact.h"
#include "api/rules_form.h"
#include "api/setup.h"
#include "base/assert.h"
#include "crypto/api_key.h"
#include "json/pointer.h"

enum { PROJECT_CONFIG_MAX = 16 * 1024 };

struct project_draft {
    struct str name;
    bool auto_register;
    bool encrypt_payloads;
    struct health_rules health_rules;
    struct str pointers[PAYLOAD_FIELDS];
    enum schema_enforcement enforcement;
    const struct json *redact; /* NULL: no rules */
};

static void put_facets(struct json_out *o, const struct str pointers[PAYLOAD_FIELDS])
{
    json_out_name(o, "facets");
    json_out_object(o);
    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        json_put_str(o, payload_field_name((enum payload_field)i), pointers[i]);
    }
    json_out_object_end(o);
}

static void members(struct call *call, struct json_out *o, const struct object *object,
                    const struct json *config)
{
    const struct project *project = (const struct project *)(const void *)object;

    ASSERT(object->kind == CONFIG_PROJECT);
    (void)call;
    call_put_id(o, "id", ID_PROJECT, &object->id);
    json_put_str(o, "name", project->name);
    json_put_bool(o, "auto_register", project->auto_register);
    json_put_bool(o, "encrypt_payloads", project->encrypt_payloads);
    rules_health_write(o, &project->health_rules);
    put_facets(o, project->pointers);
    json_put_c(o, "enforce_schema", project->enforcement == ENFORCE_REJECT ? "reject" : "off");
    redact_write(o, config == NULL ? NULL : json_member(config, "redact"));
}

static void write_row(struct call *call, struct json_out *o, const struct object *object)
{
    object_write(call, o, object, members);
}

static void read_flag(struct form *f, const char *name, bool *ret)
{
    bool is_null;

    if (!object_field(f, name, &is_null)) {
        return;
    }
    if (is_null) {
        *ret = false;
        return;
    }
    (void)form_bool(f, name, false, ret);
}

static void default_facets(struct str pointers[PAYLOAD_FIELDS])
{
    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        pointers[i] = str_from(payload_field_pointer((enum payload_field)i));
    }
}

/* Where in data the simple fields of filters are; what is absent in the object stays. */
static void read_facets(struct form *f, struct str pointers[PAYLOAD_FIELDS])
{
    const struct json *object;
    struct form part;
    bool is_null;

    if (!object_field(f, "facets", &is_null)) {
        return;
    }
    if (is_null) {
        default_facets(pointers);
        return;
    }
    if (!form_object(f, "facets", false, &object)) {
        return;
    }
    form_begin(&part, object, form_pointer(f, "facets"), f->faults);
    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        const char *name = payload_field_name((enum payload_field)i);

        if (form_string(&part, name, false, 1, PAYLOAD_NAME_MAX, &pointers[i]) &&
            !json_pointer_valid(pointers[i])) {
            form_fault(f->faults, form_pointer(&part, name), "pattern",
                       "This is a JSON pointer into data, such as /contact/tags.");
        }
    }
    form_end(&part);
}

static void read_enforcement(struct form *f, enum schema_enforcement *ret)
{
    struct str text;
    bool is_null;

    if (!object_field(f, "enforce_schema", &is_null)) {
        return;
    }
    if (is_null) {
        *ret = ENFORCE_OFF;
    } else if (form_string(f, "enforce_schema", false, 1, API_NAME_MAX, &text)) {
        if (!str_eq_c(text, "off") && !str_eq_c(text, "reject")) {
            form_fault(f->faults, form_pointer(f, "enforce_schema"), "pattern",
                       "One of: off, reject.");
        }
        *ret = str_eq_c(text, "reject") ? ENFORCE_REJECT : ENFORCE_OFF;
    }
}

/* False: answered. */
static bool read_draft(struct call *call, bool is_new, struct project_draft *draft)
{
    struct form f;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    object_field_name(&f, is_new, &draft->name);
    read_flag(&f, "auto_register", &draft->auto_register);
    read_flag(&f, "encrypt_payloads", &draft->encrypt_payloads);
    rules_health_read(&f, &draft->health_rules);
    read_facets(&f, draft->pointers);
    read_enforcement(&f, &draft->enforcement);
    redact_read(&f, &draft->redact);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    return true;
}

/* The stored document, in call->bytes. False: answered. */
static bool write_config(struct call *call, const struct project_draft *draft)
{
    struct json_out o;
    int rc;

    buf_done(&call->bytes);
    buf_init(&call->bytes, PROJECT_CONFIG_MAX);
    json_out_begin(&o, &call->bytes);
    json_out_object(&o);
    json_put_str(&o, "name", draft->name);
    json_put_bool(&o, "auto_register", draft->auto_register);
    json_put_bool(&o, "encrypt_payloads", draft->encrypt_payloads);
    rules_health_write(&o, &draft->health_rules);
    put_facets(&o, draft->pointers);
    json_put_c(&o, "enforce_schema", draft->enforcement == ENFORCE_REJECT ? "reject" : "off");
    redact_write(&o, draft->redact);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    if (rc != 0) {
        problem_reply(call, rc);
    }
    return rc == 0;
}

void projects_list(struct call *call)
{
    struct object *own = &call->project->object;
    struct page page;

    if (page_read(call, PAGE_PROJECTS, &page) == 0) {
        page_objects(call, &page, &own, 1, write_row);
    }
}

void projects_get(struct call *call)
{
    object_get(call, &call->project->object, members);
}

/* --- creating: the answer holds the first key, once */
struct creation {
    struct setup setup;
    char key[API_KEY_TEXT_SIZE];
};

static void on_created(struct setup *s, int result)
{
    struct creation *c = (struct creation *)(void *)s;
    struct call *call = s->ctx;
    struct json_out *o;

    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    ASSERT(s->project != NULL && s->key != NULL);
    etag_header(call, &s->project->object);
    o = call_json(call);
    json_out_object(o);
    members(call, o, &s->project->object, object_config(call, &s->project->object));
    json_put_time(o, "created_at", s->project->object.created_at);
    json_put_time(o, "updated_at", s->project->object.updated_at);
    json_out_name(o, "key");
    key_write(o, call->api->options.registry, s->key, str_from(c->key));
    json_out_object_end(o);
    explicit_bzero(c->key, sizeof(c->key));
    call_reply(call, 201);
}

static size_t projects_living(const struct registry *registry)
{
    const struct object *o;
    size_t living = 0;

    for (size_t i = 0; (o = registry_at(registry, CONFIG_PROJECT, i)) != NULL; i++) {
        living += o->deleted_at == 0 ? 1 : 0;
    }
    return living;
}

void projects_create(struct call *call)
{
    struct creation *c = arena_alloc(call->arena, sizeof(*c));
    struct project_draft draft = { .health_rules = health_rules_none };
    int rc;

    default_facets(draft.pointers);
    if (!read_draft(call, true, &draft) || !write_config(call, &draft)) {
        return;
    }
    if (projects_living(call->api->options.registry) >= API_PROJECTS_MAX) {
        problem_detail(call, -E_LIMIT, "This server has all the projects it takes (%d).",
                       (int)API_PROJECTS_MAX);
        return;
    }
    api_key_make(c->key);
    c->setup = (struct setup){ .api = call->api,
                               .config = buf_str(&call->bytes),
                               .key_text = str_from(c->key),
                               .now = call->now,
                               .by = *audit_of(call, "", STR_NONE),
                               .on_done = on_created,
                               .ctx = call };
    rc = setup_start(&c->setup);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

static void on_patched(struct call *call, struct object *object)
{
    object_reply(call, 200, object, members);
}

void projects_patch(struct call *call)
{
    const struct project *project = call->project;
    struct project_draft draft = { .name = project->name,
                                   .auto_register = project->auto_register,
                                   .encrypt_payloads = project->encrypt_payloads,
                                   .health_rules = project->health_rules,
                                   .enforcement = project->enforcement };
    const struct json *config = object_config(call, &project->object);
    struct config_row row;

    if (config == NULL) {
        return;
    }
    draft.redact = json_member(config, "redact");

    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        draft.pointers[i] = project->pointers[i];
    }
    if (etag_check(call, &project->object) != 0 || !read_draft(call, false, &draft) ||
        !write_config(call, &draft)) {
        return;
    }
    row = object_row_next(call, &project->object);
    row.config = buf_str(&call->bytes);
    object_save(call, CONFIG_PROJECT, &row, on_patched);
}

void projects_delete(struct call *call)
{
    if (call->project == registry_default_project(call->api->options.registry)) {
        problem_detail(call, -E_STATE, "The default project cannot be deleted.");
        return;
    }
    object_delete(call, &call->project->object);
}
