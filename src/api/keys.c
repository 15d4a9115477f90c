/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - API keys: /api/v1/keys. Only the keyed hash is stored; the text is answered once. */
#include "api/keys.h"

#include <stdio.h>
#include <string.h>

#include "api/audit.h"
#include "api/etag.h"
#include "api/handlers.h"
#include "api/object.h"
#include "api/page.h"
#include "api/problem.h"
#include "base/assert.h"
#include "crypto/api_key.h"
#include "crypto/keyring.h"
#include "engine/engine.h"

enum { KEY_CONFIG_MAX = 4096, KEY_LOOKUP_BYTES = 8, KEY_SCOPES = 3 };

static const struct {
    const char *name;
    unsigned bit;
} scopes[KEY_SCOPES] = { { "admin", SCOPE_ADMIN },
                         { "publish", SCOPE_PUBLISH },
                         { "read", SCOPE_READ } };

static void put_scopes(struct json_out *o, unsigned bits)
{
    json_out_name(o, "scopes");
    json_out_array(o);
    for (size_t i = 0; i < KEY_SCOPES; i++) {
        if ((bits & scopes[i].bit) != 0) {
            json_out_c(o, scopes[i].name);
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
static void write_key_members(struct json_out *o, const struct api_key *key, struct str text)
{
    struct json_doc *doc = NULL;
    const struct json *config =
        json_parse(key->object.config, JSON_DEPTH_MAX, &doc, NULL) == 0 ? json_root(doc) : NULL;

    call_put_id(o, "id", ID_KEY, &key->object.id);
    json_put_str(o, "name", key->name);
    put_scopes(o, key->scopes);
    call_put_text(o, "hint", object_text(config, "hint"));
    if (text.p != NULL) {
        json_put_str(o, "key", text);
    }
    json_put_time(o, "expires_at", key->expires_at);
    json_put_time(o, "last_used_at", key->last_used_at);
    json_put_time(o, "created_at", key->object.created_at);
    json_doc_free(doc);
}

void key_write(struct json_out *o, const struct api_key *key, struct str text)
{
    json_out_object(o);
    write_key_members(o, key, text);
    json_out_object_end(o);
}

static void write_row(struct call *call, struct json_out *o, const struct object *object)
{
    (void)call;
    ASSERT(object->kind == CONFIG_KEY);
    key_write(o, (const struct api_key *)(const void *)object, STR_NONE);
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
    key_write(call_json(call), call->named_key, STR_NONE);
    call_reply(call, 200);
}

/* --- creating */
static void read_scopes(struct form *f, unsigned *ret_scopes)
{
    const struct json *list;
    struct json_iter it;
    const struct json *v;

    if (!form_array(f, "scopes", true, KEY_SCOPES, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        unsigned bit = 0;

        for (size_t i = 0; i < KEY_SCOPES; i++) {
            bit |= str_eq_c(json_string(v), scopes[i].name) ? scopes[i].bit : 0;
        }
        if (bit == 0) {
            form_fault(f->faults, form_pointer(f, "scopes"), "pattern",
                       "A scope is admin, publish or read.");
        }
        *ret_scopes |= bit;
    }
    if (*ret_scopes == 0) {
        form_fault(f->faults, form_pointer(f, "scopes"), "too_short",
                   "Name one scope at least.");
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
    key_write(call_json(call), (const struct api_key *)(const void *)object, draft->text);
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

void keys_delete(struct call *call)
{
    if (is_last_admin(call)) {
        problem_detail(call, -E_STATE,
                       "This is the last admin key of the project; make another first.");
        return;
    }
    object_delete(call, &call->named_key->object);
}
