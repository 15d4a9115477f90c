/* SPDX-License-Identifier: Apache-2.0 */
/* registry_find.c - looking things up, by id, slug, number or key. */
#include "crypto/keyring.h"
#include "engine/registry.h"
#include "engine/registry_internal.h"

struct project *registry_project(const struct registry *r, const struct id *id)
{
    struct object *o = map_get(&r->ids, (struct str){ (const char *)id->bytes, ID_SIZE });

    return o == NULL || o->kind != CONFIG_PROJECT || o->deleted_at != 0
               ? NULL
               : (struct project *)(void *)o;
}

struct project *registry_default_project(const struct registry *r)
{
    return map_get(&r->slugs, STR("default"));
}

struct app *registry_app(const struct project *p, struct str id_or_slug)
{
    struct app *a = map_get(&p->apps, id_or_slug);
    struct id id;

    if (a != NULL) {
        return a;
    }
    if (id_parse(ID_APP, id_or_slug, &id) != 0) {
        return NULL;
    }
    a = map_get(&p->app_ids, (struct str){ (const char *)id.bytes, ID_SIZE });
    return a == NULL || a->object.deleted_at != 0 ? NULL : a;
}

struct endpoint *registry_endpoint(const struct app *app, struct str text)
{
    struct id id;

    if (id_parse(ID_ENDPOINT, text, &id) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < app->endpoint_count; i++) {
        struct object *o = app->endpoints[i];

        if (id_eq(&o->id, &id)) {
            return o->deleted_at == 0 ? (struct endpoint *)(void *)o : NULL;
        }
    }
    return NULL;
}

struct event_type *registry_event_type(const struct project *p, struct str name)
{
    return map_get(&p->event_types, name);
}

struct member *registry_member(const struct registry *r, const struct project *p, struct str id)
{
    const struct table *t = &r->tables[CONFIG_MEMBER];
    struct id wanted;

    if (id_parse(ID_MEMBER, id, &wanted) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < t->count; i++) {
        struct member *m = (struct member *)(void *)t->rows[i];

        if (m->project == p && m->object.deleted_at == 0 && id_eq(&m->object.id, &wanted)) {
            return m;
        }
    }
    return NULL;
}

struct member *registry_member_of(const struct registry *r, const struct project *p,
                                  struct str email)
{
    const struct table *t = &r->tables[CONFIG_MEMBER];

    for (size_t i = 0; i < t->count; i++) {
        struct member *m = (struct member *)(void *)t->rows[i];

        if (m->project == p && m->object.deleted_at == 0 &&
            str_eq_nocase(m->object.slug, email)) {
            return m;
        }
    }
    return NULL;
}

struct api_key *registry_key(const struct registry *r, struct str text, int64_t wall_now)
{
    unsigned char hash[KEYRING_HASH_SIZE];
    struct api_key *k;

    keyring_hash(r->options.keyring, STR("api-key"), text, hash);
    k = map_get(&r->keys, (struct str){ (const char *)hash, sizeof(hash) });
    if (k == NULL || k->object.sealed.len != sizeof(hash) ||
        !crypto_equal(k->object.sealed.p, hash, sizeof(hash)) || k->object.deleted_at != 0 ||
        k->project->object.deleted_at != 0 ||
        (k->expires_at != 0 && k->expires_at <= wall_now)) {
        return NULL;
    }
    return k;
}

struct api_key *registry_key_of(const struct registry *r, const struct project *p,
                                const struct id *id)
{
    struct object *o = map_get(&r->ids, (struct str){ (const char *)id->bytes, ID_SIZE });
    struct api_key *key = (struct api_key *)(void *)o;

    return o != NULL && o->kind == CONFIG_KEY && key->project == p ? key : NULL;
}

int64_t registry_orphaned_at(const struct registry *r, const struct endpoint *e)
{
    const struct api_key *key =
        e->has_origin_key ? registry_key_of(r, e->app->project, &e->origin_key) : NULL;

    return key == NULL ? 0 : key->object.deleted_at;
}

bool registry_has_admin_key(const struct registry *r, const struct project *p)
{
    const struct table *t = &r->tables[CONFIG_KEY];

    for (size_t i = 0; i < t->count; i++) {
        const struct api_key *k = (const struct api_key *)(const void *)t->rows[i];

        if (k->project == p && k->object.deleted_at == 0 && (k->scopes & SCOPE_ADMIN) != 0) {
            return true;
        }
    }
    return false;
}

struct endpoint *registry_endpoint_no(const struct registry *r, int64_t no)
{
    return (struct endpoint *)(void *)table_no(&r->tables[CONFIG_ENDPOINT], no);
}

struct app *registry_app_no(const struct registry *r, int64_t no)
{
    return (struct app *)(void *)table_no(&r->tables[CONFIG_APP], no);
}

struct event_type *registry_type_no(const struct registry *r, int64_t no)
{
    return (struct event_type *)(void *)table_no(&r->tables[CONFIG_EVENT_TYPE], no);
}

struct object *registry_object_no(const struct registry *r, enum config_kind kind, int64_t no)
{
    return table_no(&r->tables[kind], no);
}

struct endpoint *registry_endpoint_slot(const struct registry *r, uint32_t slot)
{
    return slot >= r->options.endpoints_max ? NULL : r->by_slot[slot];
}

struct object *registry_at(const struct registry *r, enum config_kind kind, size_t index)
{
    return index >= r->tables[kind].count ? NULL : r->tables[kind].rows[index];
}

size_t registry_living(const struct registry *r, enum config_kind kind)
{
    return r->tables[kind].living;
}

int64_t registry_last_no(const struct registry *r, enum config_kind kind)
{
    return r->tables[kind].last_no;
}

int64_t registry_next_no(struct registry *r, enum config_kind kind)
{
    return ++r->tables[kind].last_no;
}

bool registry_wants(const struct endpoint *e, const struct event_type *type)
{
    size_t low = 0;
    size_t high = e->name_count;

    if (e->all_types) {
        return true;
    }
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = str_cmp(type->object.slug, e->names[mid]);

        if (order == 0) {
            return true;
        }
        if (order < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    for (size_t i = 0; i < e->prefix_count; i++) {
        if (str_starts(type->object.slug, e->prefixes[i])) {
            return true;
        }
    }
    return false;
}
