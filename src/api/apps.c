/* SPDX-License-Identifier: Apache-2.0 */
/* apps.c - /api/v1/apps: the customers whose endpoints receive events. */
#include "api/etag.h"
#include "api/handlers.h"
#include "api/names.h"
#include "api/object.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/redact.h"
#include "api/rules_form.h"
#include "api/secret_seal.h"
#include "base/assert.h"
#include "base/random.h"
#include "crypto/keyring.h"
#include "crypto/sign.h"

enum { APP_CONFIG_MAX = 256 * 1024 };

struct app_draft {
    struct str name, slug, description;
    const struct json *metadata;
    int64_t max_endpoints; /* 0 = the server's default */
    int64_t retention_days;
    struct core_rate rate;
    int64_t events_per_second, events_per_month; /* 0 = no quota */
    struct str secret;                           /* NULL p: none */
    const struct json *redact;                   /* NULL: no rules */
};

static void put_quota(struct json_out *o, const char *name, int64_t quota)
{
    if (quota == 0) {
        json_put_c(o, name, NULL);
    } else {
        json_put_int(o, name, quota);
    }
}

void app_members(struct call *call, struct json_out *o, const struct object *object,
                 const struct json *config)
{
    const struct app *app = (const struct app *)(const void *)object;

    ASSERT(object->kind == CONFIG_APP);
    call_put_id(o, "id", ID_APP, &object->id);
    json_put_str(o, "slug", object->slug);
    json_put_str(o, "name", app->name);
    json_put_str(o, "description", object_text(config, "description"));
    object_put_map(o, "metadata", config == NULL ? NULL : json_member(config, "metadata"));
    json_put_int(o, "max_endpoints",
                 app->max_endpoints != 0 ? app->max_endpoints
                                         : call->api->options.app_endpoints_max);
    json_put_int(o, "retention_days",
                 app->retention_days != 0 ? app->retention_days
                                          : call->api->options.retention_days);
    rules_rate_write(o, &app->rate);
    put_quota(o, "events_per_second", app->quota.per_second);
    put_quota(o, "events_per_month", app->quota.per_month);
    redact_write(o, config == NULL ? NULL : json_member(config, "redact"));
    json_put_c(o, "secret_hint", app->secret.is_set ? app->secret.hint : NULL);
    secret_put_window(call, o, &app->secret);
    if (call->state != NULL) {
        json_put_str(o, "secret", *(const struct str *)call->state);
    }
}

static void write_row(struct call *call, struct json_out *o, const struct object *object)
{
    object_write(call, o, object, app_members);
}

/* --- the form */
static void read_slug(struct form *f, struct str *ret_slug)
{
    struct str slug;
    struct id id;

    if (!form_string(f, "slug", false, 1, SLUG_MAX, &slug)) {
        return;
    }
    if (!name_is_slug(slug) || id_parse(ID_APP, slug, &id) == 0) {
        form_fault(
            f->faults, form_pointer(f, "slug"), "pattern",
            "A slug is 1 to 64 of a-z, 0-9, _ and -, and begins with a letter or digit.");
        return;
    }
    *ret_slug = slug;
}

/* 0, which null sets, is the default. */
static void read_number(struct form *f, const char *name, int64_t max, int64_t *ret)
{
    bool is_null;

    if (!object_field(f, name, &is_null)) {
        return;
    }
    if (is_null) {
        *ret = 0;
        return;
    }
    (void)form_int(f, name, false, 1, max, ret);
}

/* "generate", or the customer's own. */
static void read_secret(struct call *call, struct form *f, bool is_new, struct str *ret)
{
    struct str secret;
    struct err err;

    if (!is_new) {
        if (form_value(f, "secret") != NULL) {
            form_fault(f->faults, form_pointer(f, "secret"), "read_only",
                       "The secret is set when the app is made; roll it for another.");
        }
        return;
    }
    if (!form_string(f, "secret", false, 1, SECRET_MAX, &secret)) {
        return;
    }
    if (str_eq_c(secret, "generate")) {
        *ret = secret_fresh(call);
    } else if (secret_check(secret, &err) != 0) {
        form_fault(f->faults, form_pointer(f, "secret"), "pattern", "%s", err.text);
    } else {
        *ret = secret;
    }
}

static bool read_draft(struct call *call, bool is_new, struct app_draft *draft)
{
    struct form f;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    object_field_name(&f, is_new, &draft->name);
    read_slug(&f, &draft->slug);
    object_field_text(&f, "description", API_TEXT_MAX, &draft->description);
    object_field_metadata(&f, &draft->metadata);
    read_number(&f, "max_endpoints", API_MAX_ENDPOINTS_MAX, &draft->max_endpoints);
    read_number(&f, "retention_days", API_RETENTION_DAYS_MAX, &draft->retention_days);
    rules_rate_read(&f, &draft->rate);
    read_number(&f, "events_per_second", QUOTA_SECOND_MAX, &draft->events_per_second);
    read_number(&f, "events_per_month", QUOTA_MONTH_MAX, &draft->events_per_month);
    read_secret(call, &f, is_new, &draft->secret);
    redact_read(&f, &draft->redact);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    return true;
}

static bool write_config(struct call *call, const struct app_draft *draft)
{
    struct json_out o;
    int rc;

    buf_done(&call->bytes);
    buf_init(&call->bytes, APP_CONFIG_MAX);
    json_out_begin(&o, &call->bytes);
    json_out_object(&o);
    json_put_str(&o, "name", draft->name);
    json_put_str(&o, "description", draft->description);
    object_put_map(&o, "metadata", draft->metadata);
    if (draft->max_endpoints != 0) {
        json_put_int(&o, "max_endpoints", draft->max_endpoints);
    }
    if (draft->retention_days != 0) {
        json_put_int(&o, "retention_days", draft->retention_days);
    }
    rules_rate_write(&o, &draft->rate);
    put_quota(&o, "events_per_second", draft->events_per_second);
    put_quota(&o, "events_per_month", draft->events_per_month);
    redact_write(&o, draft->redact);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    if (rc != 0) {
        problem_reply(call, rc);
    }
    return rc == 0;
}

/* A slug out of the name, with digits behind it while it is taken. */
static struct str free_slug(struct call *call, struct str name)
{
    char slug[SLUG_MAX + 1];
    struct id id;

    slug_make(name, slug);
    ASSERT(name_is_slug(str_from(slug)));
    while (registry_app(call->project, str_from(slug)) != NULL ||
           id_parse(ID_APP, str_from(slug), &id) == 0) {
        slug_vary(slug, random_u64());
    }
    return arena_str(call->arena, str_from(slug));
}

/* --- handlers */
void apps_list(struct call *call)
{
    struct page page;

    if (page_read(call, PAGE_APPS, &page) == 0) {
        page_objects(call, &page, call->project->app_list, call->project->app_count, write_row);
    }
}

void apps_get(struct call *call)
{
    object_get(call, &call->app->object, app_members);
}

static void on_created(struct call *call, struct object *object)
{
    char id[ID_TEXT_SIZE];

    id_format(ID_APP, &object->id, id);
    call_header(call, "Location", "/api/v1/apps/%s", id);
    object_reply(call, 201, object, app_members);
}

/* With its secret, if it has one: this is the one answer that shows it. */
static void create_save(struct call *call, struct config_row *row, struct str secret)
{
    struct secret_list list = { .count = 0 };
    struct buf sealed;
    int rc = 0;

    buf_init(&sealed, SEALED_PLAIN_MAX + BOX_OVERHEAD);
    call->state = NULL;
    if (secret.p != NULL) {
        struct str *shown = arena_alloc(call->arena, sizeof(*shown));

        *shown = arena_str(call->arena, secret);
        list.items[list.count++] = (struct secret_item){ .secret = *shown };
        call->state = shown;
        rc = secret_seal(call, CONFIG_APP, row->no, &list, NULL, &sealed);
        row->sealed = buf_str(&sealed);
    }
    if (rc != 0) {
        problem_reply(call, rc);
    } else {
        object_save(call, CONFIG_APP, row, on_created);
    }
    buf_done(&sealed);
}

void apps_create(struct call *call)
{
    struct registry *registry = call->api->options.registry;
    struct app_draft draft = { .slug = STR_NONE };
    struct config_row row;

    if (!read_draft(call, true, &draft)) {
        return;
    }
    if (draft.slug.p == NULL) {
        draft.slug = free_slug(call, draft.name);
    } else if (registry_app(call->project, draft.slug) != NULL) {
        problem_reply(call, -E_SLUG_TAKEN);
        return;
    }
    if (draft.secret.p != NULL && registry_secret_used(registry, call->project, draft.secret)) {
        problem_reply(call, -E_SECRET_REUSED);
        return;
    }
    /* Apps take slots of the core as endpoints do. */
    if (registry_living(registry, CONFIG_APP) + api_creating(call->api, CONFIG_APP, NULL) >=
        (size_t)call->api->options.endpoints_max) {
        problem_detail(call, -E_LIMIT, "This server has all the apps it takes (%lld).",
                       (long long)call->api->options.endpoints_max);
        return;
    }
    if (!write_config(call, &draft)) {
        return;
    }
    row = object_row_new(call, CONFIG_APP, call->project->object.no);
    row.slug = draft.slug;
    row.config = buf_str(&call->bytes);
    create_save(call, &row, draft.secret);
}

static void on_patched(struct call *call, struct object *object)
{
    object_reply(call, 200, object, app_members);
}

/* A secret that has ended leaves the store with this edit. */
static void patch_save(struct call *call, struct config_row *row)
{
    const struct json *plain;
    struct secret_list list;
    struct buf sealed;
    int rc = 0;

    buf_init(&sealed, SEALED_PLAIN_MAX + BOX_OVERHEAD);
    if (secret_is_stale(call, &call->app->secret)) {
        rc = secret_unseal(call, &call->app->object, &plain);
        if (rc == 0) {
            secret_list_read(plain, call->now, &list);
            rc = secret_seal(call, CONFIG_APP, row->no, &list, NULL, &sealed);
            row->sealed = buf_str(&sealed);
        }
    }
    if (rc != 0) {
        problem_reply(call, rc);
    } else {
        object_save(call, CONFIG_APP, row, on_patched);
    }
    buf_done(&sealed);
}

void apps_patch(struct call *call)
{
    const struct object *object = &call->app->object;
    const struct json *config;
    const struct app *other;
    struct app_draft draft;
    struct config_row row;

    if (etag_check(call, object) != 0) {
        return;
    }
    config = object_config(call, object);
    if (config == NULL) {
        return;
    }
    draft = (struct app_draft){ .name = call->app->name,
                                .slug = object->slug,
                                .description = object_text(config, "description"),
                                .metadata = json_member(config, "metadata"),
                                .redact = json_member(config, "redact"),
                                .max_endpoints = call->app->max_endpoints,
                                .retention_days = call->app->retention_days,
                                .rate = call->app->rate,
                                .events_per_second = call->app->quota.per_second,
                                .events_per_month = call->app->quota.per_month };
    if (!read_draft(call, false, &draft)) {
        return;
    }
    other = registry_app(call->project, draft.slug);
    if (other != NULL && other != call->app) {
        problem_reply(call, -E_SLUG_TAKEN);
        return;
    }
    if (!write_config(call, &draft)) {
        return;
    }
    row = object_row_next(call, object);
    row.slug = draft.slug;
    row.config = buf_str(&call->bytes);
    patch_save(call, &row);
}

void apps_delete(struct call *call)
{
    object_delete(call, &call->app->object);
}
