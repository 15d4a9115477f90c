/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - API keys: /api/v1/keys. Only the keyed hash is stored; the text is answered once. */
#include "api/keys.h"

#include <stdio.h>
#include <string.h>

#include "api/audit.h"
#include "api/etag.h"
#include "api/handlers.h"
#include "api/object.h"
#include "api/orphans.h"
#include "api/page.h"
#include "api/problem.h"
#include "base/assert.h"
#include "crypto/api_key.h"
#include "crypto/keyring.h"
#include "engine/engine.h"

enum { KEY_CONFIG_MAX = 4096, KEY_LOOKUP_BYTES = 8 };

static void put_scopes(struct json_out *o, unsigned bits)
{
    const char *name;
    unsigned bit;

    json_out_name(o, "scopes");
    json_out_array(o);
    for (unsigned i = 0; (name = scope_name(i, &bit)) != NULL; i++) {
        if ((bits & bit) != 0) {
            json_out_c(o, name);
        }
    }
    json_out_array_end(o);
}

static int config_write(struct buf *out, const struct key_draft *draft)
{
    struct json_out o;
    char hint[16];

    api_key_hint(draft->text, hint);
    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_str(&o, "name", draft->name);
    put_scopes(&o, draft->scopes);
    json_put_c(&o, "hint", hint);
    if (draft->app != NULL) {
        json_put_int(&o, "app", draft->app->object.no);
    }
    if (draft->expires_at != 0) {
        json_put_time(&o, "expires_at", draft->expires_at);
    }
    json_out_object_end(&o);
    return json_out_end(&o);
}

int key_save(struct api *api, struct project *project, const struct key_draft *draft,
             int64_t now, registry_saved *on_saved, void *ctx)
{
    struct registry *registry = api->options.registry;
    unsigned char hash[KEYRING_HASH_SIZE];
    char lookup[2 * KEY_LOOKUP_BYTES + 1];
    struct audit_entry entry = *draft->by;
    struct config_row row;
    struct buf config;
    struct arena arena;
    int rc;

    ASSERT(draft->scopes != 0 && api_key_valid(draft->text));
    if (registry_key(registry, draft->text, now) != NULL) {
        return -E_CONFLICT;
    }
    keyring_hash(api->options.keyring, STR("api-key"), draft->text, hash);
    for (size_t i = 0; i < KEY_LOOKUP_BYTES; i++) {
        (void)snprintf(lookup + 2 * i, 3, "%02x", hash[i]);
    }
    buf_init(&config, KEY_CONFIG_MAX);
    rc = config_write(&config, draft);
    if (rc == 0) {
        row = (struct config_row){ .no = registry_next_no(registry, CONFIG_KEY),
                                   .id = engine_make_id(api->options.engine),
                                   .parent = project->object.no,
                                   .slug = str_from(lookup),
                                   .config = buf_str(&config),
                                   .sealed = { (const char *)hash, sizeof(hash) },
                                   .version = 1,
                                   .created_at = now,
                                   .updated_at = now };
        arena_init(&arena);
        audit_object(registry, CONFIG_KEY, &row, &arena, &entry);
        row.audit = &entry;
        rc = registry_save(registry, CONFIG_KEY, &row, on_saved, ctx);
        arena_done(&arena);
    }
    buf_done(&config);
    return rc;
}

/* --- answers */
static void write_key_members(struct json_out *o, const struct registry *registry,
                              const struct api_key *key, struct str text)
{
    const struct app *app = registry_app_no(registry, key->app);
    struct json_doc *doc = NULL;
    const struct json *config =
        json_parse(key->object.config, JSON_DEPTH_MAX, &doc, NULL) == 0 ? json_root(doc) : NULL;

    call_put_id(o, "id", ID_KEY, &key->object.id);
    json_put_str(o, "name", key->name);
    put_scopes(o, key->scopes);
    if (app == NULL) {
        json_put_c(o, "app_id", NULL);
    } else {
        call_put_id(o, "app_id", ID_APP, &app->object.id);
    }
    call_put_text(o, "hint", object_text(config, "hint"));
    if (text.p != NULL) {
        json_put_str(o, "key", text);
    }
    json_put_time(o, "expires_at", key->expires_at);
    json_put_time(o, "last_used_at", key->last_used_at);
    json_put_time(o, "created_at", key->object.created_at);
    json_doc_free(doc);
}

void key_write(struct json_out *o, const struct registry *registry, const struct api_key *key,
               struct str text)
{
    json_out_object(o);
    write_key_members(o, registry, key, text);
    json_out_object_end(o);
}

static void write_row(struct call *call, struct json_out *o, const struct object *object)
{
    ASSERT(object->kind == CONFIG_KEY);
    key_write(o, call->api->options.registry, (const struct api_key *)(const void *)object,
              STR_NONE);
}

/* Keys of one project, in order of no. */
static size_t project_keys(struct call *call, struct object ***ret_keys)
{
    const struct registry *registry = call->api->options.registry;
    struct object *o;
    size_t total = 0;
    size_t count = 0;
    struct object **keys;

    while (registry_at(registry, CONFIG_KEY, total) != NULL) {
        total++;
    }
    keys = arena_alloc(call->arena, (total + 1) * sizeof(*keys));
    for (size_t i = 0; i < total; i++) {
        o = registry_at(registry, CONFIG_KEY, i);
        if (o->deleted_at == 0 && ((struct api_key *)(void *)o)->project == call->project) {
            keys[count++] = o;
        }
    }
    *ret_keys = keys;
    return count;
}

void keys_list(struct call *call)
{
    struct object **keys;
    struct page page;
    size_t count;

    if (page_read(call, PAGE_KEYS, &page) != 0) {
        return;
    }
    count = project_keys(call, &keys);
    page_objects(call, &page, keys, count, write_row);
}

void keys_get(struct call *call)
{
    etag_header(call, &call->named_key->object);
    key_write(call_json(call), call->api->options.registry, call->named_key, STR_NONE);
    call_reply(call, 200);
}

/* --- creating */
/* A key that is only there to send events in needs to name nothing. */
static void read_scopes(struct form *f, unsigned *ret_scopes)
{
    const struct json *list;
    struct json_iter it;
    const struct json *v;

    if (!form_has(f, "scopes")) {
        *ret_scopes = scope_of_name(STR("publish"));
        return;
    }
    if (!form_array(f, "scopes", true, SCOPE_NAMES, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        unsigned holds = scope_of_name(json_string(v));

        if (holds == 0) {
            form_fault(f->faults, form_pointer(f, "scopes"), "pattern",
                       "A scope is admin, publish, read, manage or tickets.");
        }
        *ret_scopes |= holds;
    }
    if (*ret_scopes == 0) {
        form_fault(f->faults, form_pointer(f, "scopes"), "too_short",
                   "Name one scope at least.");
    }
}

/* A key for one app alone holds no scope of the whole project. */
static void read_app(struct call *call, struct form *f, struct key_draft *draft)
{
    struct str text;

    if (!form_string(f, "app", false, 1, API_NAME_MAX, &text)) {
        return;
    }
    draft->app = registry_app(call->project, text);
    if (draft->app == NULL) {
        form_fault(f->faults, form_pointer(f, "app"), "pattern", "There is no such app.");
    } else if ((draft->scopes & (SCOPE_ADMIN | SCOPE_TICKETS)) != 0) {
        form_fault(f->faults, form_pointer(f, "scopes"), "pattern",
                   "A key of one app may publish, read and manage.");
    }
}

static void on_created(void *ctx, int result, struct object *object)
{
    struct call *call = ctx;
    const struct key_draft *draft = call->state;

    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    etag_header(call, object);
    key_write(call_json(call), call->api->options.registry,
              (const struct api_key *)(const void *)object, draft->text);
    call_reply(call, 201);
}

void keys_create(struct call *call)
{
    struct key_draft *draft = arena_alloc(call->arena, sizeof(*draft));
    char text[API_KEY_TEXT_SIZE];
    struct object **keys;
    struct form f;
    int rc;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_string(&f, "name", true, 1, API_NAME_MAX, &draft->name);
    read_scopes(&f, &draft->scopes);
    read_app(call, &f, draft);
    if (form_time(&f, "expires_at", false, &draft->expires_at) &&
        draft->expires_at <= call->now) {
        form_fault(&call->faults, form_pointer(&f, "expires_at"), "range",
                   "This time is past.");
    }
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return;
    }
    if (project_keys(call, &keys) >= API_KEYS_MAX) {
        problem_detail(call, -E_LIMIT, "A project has at most %d keys.", (int)API_KEYS_MAX);
        return;
    }
    api_key_make(text);
    draft->text = arena_str(call->arena, str_from(text));
    explicit_bzero(text, sizeof(text));
    draft->by = audit_of(call, "", STR_NONE);
    call->state = draft;
    rc = key_save(call->api, call->project, draft, call->now, on_created, call);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

/* The last admin key stays: without it nobody could make another. */
static bool is_last_admin(struct call *call)
{
    struct object **keys;
    size_t count = project_keys(call, &keys);
    size_t admins = 0;

    for (size_t i = 0; i < count; i++) {
        const struct api_key *key = (const struct api_key *)(const void *)keys[i];

        if ((key->scopes & SCOPE_ADMIN) != 0 && key->expires_at == 0) {
            admins++;
        }
    }
    return (call->named_key->scopes & SCOPE_ADMIN) != 0 && call->named_key->expires_at == 0 &&
           admins == 1;
}

static void revoke(struct call *call)
{
    object_delete(call, &call->named_key->object);
}

void keys_delete(struct call *call)
{
    struct str endpoints = call_query(call, "endpoints");

    if (endpoints.p != NULL && !str_eq_c(endpoints, "delete") && !str_eq_c(endpoints, "keep")) {
        call_query_fault(call, "endpoints", "pattern", "endpoints is keep or delete.");
    }
    if (call->faults.count > 0) {
        problem_reply(call, -E_INVALID);
        return;
    }
    if (is_last_admin(call)) {
        problem_detail(call, -E_STATE,
                       "This is the last admin key of the project; make another first.");
        return;
    }
    if (str_eq_c(endpoints, "delete")) {
        /* The key goes last: when this is cut short, the same call goes on with it. */
        if (etag_check(call, &call->named_key->object) == 0) {
            orphans_sweep(call, true, revoke);
        }
        return;
    }
    revoke(call);
}
