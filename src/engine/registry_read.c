/* SPDX-License-Identifier: Apache-2.0 */
/* registry_read.c - from the stored JSON document to the parsed object. */
#include <stdlib.h>

#include "base/clock.h"
#include "crypto/sign.h"
#include "engine/registry_internal.h"
#include "json/json.h"

static struct str read_string(struct arena *arena, const struct json *doc, const char *name)
{
    const struct json *v = json_member(doc, name);

    if (v == NULL || json_type(v) != JSON_STRING) {
        return STR_NONE;
    }
    return arena_str(arena, json_string(v));
}

static int64_t read_int(const struct json *doc, const char *name, int64_t fallback)
{
    const struct json *v = json_member(doc, name);
    int64_t value;

    if (v == NULL || json_int(v, INT64_MIN + 1, INT64_MAX, &value) != 0) {
        return fallback;
    }
    return value;
}

static bool read_bool(const struct json *doc, const char *name, bool fallback)
{
    const struct json *v = json_member(doc, name);

    return v == NULL || json_type(v) != JSON_BOOL ? fallback : json_bool(v);
}

static int read_project(struct project *p, const struct json *doc)
{
    p->name = read_string(&p->object.arena, doc, "name");
    p->auto_register = read_bool(doc, "auto_register", false);
    health_rules_read(doc, &p->health_rules);
    p->encrypt_payloads = read_bool(doc, "encrypt_payloads", false);
    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        const struct json *facets = json_member(doc, "facets");
        struct str pointer = facets == NULL
                                 ? STR_NONE
                                 : read_string(&p->object.arena, facets,
                                               payload_field_name((enum payload_field)i));

        p->pointers[i] = pointer.p == NULL
                             ? str_from(payload_field_pointer((enum payload_field)i))
                             : pointer;
    }
    registry_read_enforcement(p, doc);
    return 0;
}

static int read_app(struct app *a, const struct json *doc)
{
    a->name = read_string(&a->object.arena, doc, "name");
    a->max_endpoints = read_int(doc, "max_endpoints", 0);
    a->retention_days = read_int(doc, "retention_days", 0);
    rate_limit_read(doc, &a->rate);
    a->quota.per_second = read_int(doc, "events_per_second", 0);
    a->quota.per_month = read_int(doc, "events_per_month", 0);
    return 0;
}

static int read_member(struct member *m, const struct json *doc)
{
    m->name = read_string(&m->object.arena, doc, "name");
    m->role = role_of_name(read_string(&m->object.arena, doc, "role"));
    m->valid_from = read_int(doc, "valid_from", 0);
    return m->role == ROLE_NONE ? -E_STORE : 0;
}

static int read_key(struct api_key *k, const struct json *doc)
{
    const struct json *scopes = json_member(doc, "scopes");
    const struct json *expires = json_member(doc, "expires_at");
    struct json_iter it;
    const struct json *scope;

    k->name = read_string(&k->object.arena, doc, "name");
    k->app = read_int(doc, "app", 0);
    k->scopes = 0;
    k->expires_at = 0;
    if (scopes != NULL) {
        it = json_iter(scopes);
        while ((scope = json_next(&it, NULL)) != NULL) {
            k->scopes |= scope_of_name(json_string(scope));
        }
    }
    if (expires != NULL && json_type(expires) == JSON_STRING) {
        return clock_parse(json_string(expires), &k->expires_at);
    }
    k->expires_at = read_int(doc, "expires_at", 0);
    return 0;
}

/* The document's `retry` object: a preset or a list, and what stands beside it. */
static int read_retry(const struct json *v, struct retry_policy *ret)
{
    const struct json *schedule = v == NULL ? NULL : json_member(v, "schedule");
    struct retry_policy policy;
    bool is_list = schedule != NULL && json_type(schedule) == JSON_ARRAY;
    struct str preset = schedule == NULL || is_list ? STR("default") : json_string(schedule);
    struct str on = v == NULL || json_member(v, "on") == NULL
                        ? STR_NONE
                        : json_string(json_member(v, "on"));

    if (retry_preset(preset, &policy) != 0) {
        return -E_STORE;
    }
    if (is_list) {
        struct json_iter it = json_iter(schedule);
        const struct json *delay;

        policy.preset = RETRY_CUSTOM;
        policy.delay_count = 0;
        while ((delay = json_next(&it, NULL)) != NULL &&
               policy.delay_count < RETRY_DELAYS_MAX) {
            int64_t seconds = 0;

            if (json_int(delay, 0, RETRY_DELAY_MAX_S, &seconds) != 0) {
                return -E_STORE;
            }
            policy.delays_s[policy.delay_count++] = (uint32_t)seconds;
        }
        policy.max_attempts = (uint8_t)(policy.delay_count + 1);
        policy.max_age_s = 0;
    }
    if (v != NULL) {
        policy.enabled = read_bool(v, "enabled", policy.enabled);
        policy.max_attempts = (uint8_t)read_int(v, "max_attempts", policy.max_attempts);
        policy.max_age_s = (uint32_t)read_int(v, "max_age_s", policy.max_age_s);
        policy.jitter_percent = (uint8_t)read_int(v, "jitter_percent", policy.jitter_percent);
    }
    if (on.p != NULL && retry_on_parse(on, &policy.on) != 0) {
        return -E_STORE;
    }
    *ret = policy;
    return 0;
}

static int name_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Exact names are sorted for the look-up; "user.*" becomes the prefix "user.". */
static void read_types(struct endpoint *e, const struct json *list)
{
    size_t count = list == NULL ? 0 : json_count(list);
    struct json_iter it;
    const struct json *v;

    e->names = arena_alloc(&e->object.arena, (count + 1) * sizeof(struct str));
    e->prefixes = arena_alloc(&e->object.arena, (count + 1) * sizeof(struct str));
    e->name_count = 0;
    e->prefix_count = 0;
    e->all_types = count == 0;
    if (list == NULL) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        struct str name = arena_str(&e->object.arena, json_string(v));

        if (str_eq_c(name, "*")) {
            e->all_types = true;
        } else if (str_ends(name, STR(".*"))) {
            e->prefixes[e->prefix_count++] = str_sub(name, 0, name.len - 1);
        } else {
            e->names[e->name_count++] = name;
        }
    }
    qsort(e->names, e->name_count, sizeof(struct str), name_order);
}

static enum endpoint_status read_status(struct str s)
{
    if (str_eq_c(s, "paused")) {
        return ENDPOINT_PAUSED;
    }
    return str_eq_c(s, "disabled") ? ENDPOINT_DISABLED : ENDPOINT_ACTIVE;
}

static void read_origin(struct endpoint *e, const struct json *origin)
{
    const struct json *id = origin == NULL ? NULL : json_member(origin, "id");

    e->has_origin_key = id != NULL && id_parse(ID_KEY, json_string(id), &e->origin_key) == 0;
}

static int read_endpoint(struct registry *r, struct endpoint *e, const struct json *doc)
{
    const struct json *profiles = json_member(doc, "signature_profiles");
    struct str catch_prefix =
        arena_printf(&e->object.arena, "%.*s/catch/", STR_ARG(r->options.own_url));

    e->name = read_string(&e->object.arena, doc, "name");
    e->url = read_string(&e->object.arena, doc, "url");
    e->inbox = STR_NONE;
    if (str_starts(e->url, catch_prefix)) {
        e->inbox = str_sub(e->url, catch_prefix.len, e->url.len);
    }
    e->timeout_ms = read_int(doc, "timeout_ms", 15000);
    e->status = read_status(read_string(&e->object.arena, doc, "status"));
    e->status_reason = read_string(&e->object.arena, doc, "status_reason");
    e->profiles = 0;
    if (profiles != NULL) {
        struct json_iter it = json_iter(profiles);
        const struct json *v;

        while ((v = json_next(&it, NULL)) != NULL) {
            enum sign_profile profile;

            if (sign_profile_parse(json_string(v), &profile) == 0) {
                e->profiles |= profile;
            }
        }
    }
    if (e->profiles == 0) {
        e->profiles = SIGN_STANDARD | SIGN_TIMESTAMPED;
    }
    read_origin(e, json_member(doc, "origin"));
    e->uses_app_secret = str_eq_c(read_string(&e->object.arena, doc, "secret_scope"), "app");
    endpoint_rules_read(doc, &e->rules);
    read_types(e, json_member(doc, "event_types"));
    e->plan = payload_plan_read(doc, &e->object.arena);
    registry_read_pins(e, doc);
    return read_retry(json_member(doc, "retry"), &e->retry);
}

/* The columns, copied into the object's fresh arena. */
static void read_columns(struct object *o, const struct config_row *row)
{
    o->no = row->no;
    o->id = row->id;
    o->version = row->version;
    o->created_at = row->created_at;
    o->updated_at = row->updated_at;
    o->deleted_at = row->deleted_at;
    o->slug = row->slug.p == NULL ? STR_NONE : arena_str(&o->arena, row->slug);
    o->config = arena_str(&o->arena, row->config);
    o->sealed = arena_str(&o->arena, row->sealed);
}

int registry_read(struct registry *r, struct object *object, const struct config_row *row,
                  struct err *err)
{
    struct arena old = object->arena;
    struct json_doc *doc = NULL;
    int rc = json_parse(row->config, JSON_DEPTH_MAX, &doc, NULL);

    if (rc != 0) {
        return err_set(err, -E_STORE,
                       "A configuration document cannot be read (kind %d, no %lld).",
                       (int)object->kind, (long long)row->no);
    }
    arena_init(&object->arena);
    read_columns(object, row);
    switch (object->kind) {
    case CONFIG_PROJECT:
        rc = read_project((struct project *)(void *)object, json_root(doc));
        break;
    case CONFIG_APP:
        rc = read_app((struct app *)(void *)object, json_root(doc));
        break;
    case CONFIG_ENDPOINT:
        rc = read_endpoint(r, (struct endpoint *)(void *)object, json_root(doc));
        break;
    case CONFIG_EVENT_TYPE:
        registry_read_type((struct event_type *)(void *)object, json_root(doc));
        payload_resource_read(json_root(doc), &object->arena,
                              &((struct event_type *)(void *)object)->resource);
        break;
    case CONFIG_KEY:
        rc = read_key((struct api_key *)(void *)object, json_root(doc));
        break;
    case CONFIG_MEMBER:
        rc = read_member((struct member *)(void *)object, json_root(doc));
        break;
    case CONFIG_KINDS:
        break;
    }
    json_doc_free(doc);
    arena_done(&old);
    if (rc != 0) {
        return err_set(err, -E_STORE, "A configuration document is damaged (kind %d, no %lld).",
                       (int)object->kind, (long long)row->no);
    }
    return 0;
}
