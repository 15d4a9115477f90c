/* SPDX-License-Identifier: Apache-2.0 */
/* endpoints.c - /api/v1/apps/{app}/endpoints: making, showing, editing, pausing. */
#include <string.h>

#include "api/audit.h"
#include "api/endpoint_form.h"
#include "api/endpoint_health.h"
#include "api/etag.h"
#include "api/event_types.h"
#include "api/handlers.h"
#include "api/names.h"
#include "api/object.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/rules_form.h"
#include "base/assert.h"
#include "base/random.h"
#include "crypto/keyring.h"
#include "crypto/sign.h"

static const char hidden_value[] = "********";

/* --- showing */
/* Values may be credentials of the customer: only an admin key sees them. */
static void put_headers(struct call *call, struct json_out *o, const struct endpoint *endpoint)
{
    bool shows_values = (call->access.scopes & SCOPE_MANAGE) != 0;
    struct json_doc *doc = NULL;
    const struct json *headers = NULL;
    struct buf plain;
    struct json_iter it;
    const struct json *v;
    struct str name;

    buf_init(&plain, ENDPOINT_SEALED_MAX);
    if (registry_unseal(call->api->options.registry, &endpoint->object, &plain) == 0 &&
        json_parse(buf_str(&plain), JSON_DEPTH_MAX, &doc, NULL) == 0) {
        headers = json_member(json_root(doc), "headers");
    }
    json_out_name(o, "headers");
    json_out_object(o);
    it = json_iter(headers);
    while (headers != NULL && (v = json_next(&it, &name)) != NULL) {
        json_put_str(o, arena_c(call->arena, name),
                     shows_values ? json_string(v) : str_from(hidden_value));
    }
    json_out_object_end(o);
    json_doc_free(doc);
    explicit_bzero(plain.p, plain.len);
    buf_done(&plain);
}

static void put_member(struct json_out *o, const char *name, const struct json *config)
{
    const struct json *v = config == NULL ? NULL : json_member(config, name);

    json_out_name(o, name);
    if (v == NULL) {
        json_out_null(o);
    } else {
        json_out_value(o, v);
    }
}

void endpoint_members(struct call *call, struct json_out *o, const struct object *object,
                      const struct json *config)
{
    const struct endpoint *endpoint = (const struct endpoint *)(const void *)object;

    ASSERT(object->kind == CONFIG_ENDPOINT);
    call_put_id(o, "id", ID_ENDPOINT, &object->id);
    call_put_id(o, "app_id", ID_APP, &endpoint->app->object.id);
    json_put_str(o, "name", endpoint->name);
    json_put_str(o, "description", object_text(config, "description"));
    json_put_str(o, "url", endpoint->url);
    put_member(o, "event_types", config);
    json_put_c(o, "status", endpoint_status_name(endpoint->status));
    call_put_text(o, "status_reason", object_text(config, "status_reason"));
    put_headers(call, o, endpoint);
    object_put_map(o, "event_versions",
                   config == NULL ? NULL : json_member(config, "event_versions"));
    object_put_map(o, "metadata", config == NULL ? NULL : json_member(config, "metadata"));
    json_put_int(o, "timeout_ms", endpoint->timeout_ms);
    json_out_name(o, "retry");
    endpoint_retry_write(o, &endpoint->retry);
    rules_health_write(o, &endpoint->rules.health);
    rules_rate_write(o, &endpoint->rules.rate);
    rules_order_write(o, endpoint->rules.ordered);
    put_member(o, "signature_profiles", config);
    endpoint_secret_members(call, o, endpoint);
    endpoint_payload_members(o, config);
    call_put_text(o, "created_by", object_text(config, "created_by"));
    put_member(o, "origin", config);
    json_put_time(o, "orphaned_at",
                  registry_orphaned_at(call->api->options.registry, endpoint));
    json_put_time(o, "last_success_at", endpoint->last_success_at);
    endpoint_health_members(call, o, endpoint);
}

/* No 304: last_success_at changes without a new version. */
void endpoints_get(struct call *call)
{
    object_reply(call, 200, &call->endpoint->object, endpoint_members);
}

/* --- what every edit checks behind the form. False: answered, or on its way (an event type
 * registers itself). */
static bool types_known(struct call *call, const struct json *list)
{
    struct json_iter it;
    const struct json *v;
    size_t at = 0;

    /* Only what is given now: a type that was deleted since does not hinder another edit. */
    if (list == NULL || json_member(call->body, "event_types") == NULL) {
        return true;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        struct str name = json_string(v);

        if (!name_is_event_pattern(name) && registry_event_type(call->project, name) == NULL) {
            if (event_types_register_themselves(call)) {
                event_types_register(call, name);
                return false;
            }
            form_fault(&call->faults, arena_printf(call->arena, "/event_types/%zu", at),
                       "unknown_event_type", "This event type is not registered.");
        }
        at++;
    }
    if (call->faults.count > 0) {
        problem_reply(call, -E_UNKNOWN_EVENT_TYPE);
        return false;
    }
    return true;
}

static bool read_draft(struct call *call, enum endpoint_form form, struct endpoint_draft *draft)
{
    bool url_refused = false;

    endpoint_form_read(call, form, draft, &url_refused);
    if (url_refused && call->faults.count == 1) {
        problem_detail(call, -E_URL_REFUSED, "%.*s", STR_ARG(call->faults.rows[0].detail));
        return false;
    }
    if (call->faults.count > 0) {
        problem_faults(call);
        return false;
    }
    return true;
}

static bool write_config(struct call *call, const struct endpoint_draft *draft)
{
    int rc;

    buf_done(&call->bytes);
    buf_init(&call->bytes, ENDPOINT_CONFIG_MAX);
    rc = endpoint_config_write(draft, &call->bytes);
    if (rc != 0) {
        problem_reply(call, rc);
    }
    return rc == 0;
}

/* --- making */
static bool has_room(struct call *call)
{
    const struct api *api = call->api;
    int64_t app_max = call->app->max_endpoints != 0 ? call->app->max_endpoints
                                                    : api->options.app_endpoints_max;
    size_t app_has = call->app->endpoint_living + api_creating(api, CONFIG_ENDPOINT, call->app);
    size_t all = registry_living(api->options.registry, CONFIG_ENDPOINT) +
                 api_creating(api, CONFIG_ENDPOINT, NULL);

    if (app_has >= (size_t)app_max) {
        problem_detail(call, -E_LIMIT, "This app has all the endpoints it may have (%lld).",
                       (long long)app_max);
        return false;
    }
    if (all >= (size_t)api->options.endpoints_max) {
        problem_detail(call, -E_LIMIT, "This server has all the endpoints it takes (%lld).",
                       (long long)api->options.endpoints_max);
        return false;
    }
    return true;
}

static void fill_origin(struct call *call, struct endpoint_draft *draft)
{
    char id[ID_TEXT_SIZE];

    access_actor(&call->access, id, &draft->origin_kind, &draft->origin_name);
    draft->created_by = arena_str(call->arena, str_from(id));
    draft->origin_id = draft->created_by;
}

static void fill_made(struct call *call, struct endpoint_draft *draft)
{
    char words[WORDS_SIZE];

    if (draft->name.p == NULL) {
        words_make(random_u64(), words);
        draft->name = arena_str(call->arena, str_from(words));
    }
}

/* The one answer that holds the secret. */
static void on_created(struct call *call, struct object *object)
{
    char app[ID_TEXT_SIZE];
    char id[ID_TEXT_SIZE];

    id_format(ID_APP, &call->app->object.id, app);
    id_format(ID_ENDPOINT, &object->id, id);
    call_header(call, "Location", "/api/v1/apps/%s/endpoints/%s", app, id);
    object_reply(call, 201, object, endpoint_members);
}

void endpoints_create(struct call *call)
{
    struct endpoint_draft draft;
    struct config_row row;
    struct buf sealed;
    int rc;

    endpoint_defaults(call, &draft);
    if (!read_draft(call, ENDPOINT_CREATE, &draft)) {
        return;
    }
    if (draft.secret.p != NULL &&
        registry_secret_used(call->api->options.registry, call->project, draft.secret)) {
        problem_reply(call, -E_SECRET_REUSED);
        return;
    }
    if (!has_room(call) || !types_known(call, draft.event_types) ||
        !endpoint_payload_check(call, &draft)) {
        return;
    }
    fill_origin(call, &draft);
    fill_made(call, &draft);
    if (!write_config(call, &draft)) {
        return;
    }
    row = object_row_new(call, CONFIG_ENDPOINT, call->app->object.no);
    row.config = buf_str(&call->bytes);
    buf_init(&sealed, ENDPOINT_SEALED_MAX + BOX_OVERHEAD);
    rc = endpoint_secret_new(call, row.no, &draft, &sealed);
    if (rc != 0) {
        buf_done(&sealed);
        problem_reply(call, rc);
        return;
    }
    row.sealed = buf_str(&sealed);
    object_save(call, CONFIG_ENDPOINT, &row, on_created);
    buf_done(&sealed);
}

/* --- editing */
static void draft_of(const struct endpoint *endpoint, const struct json *config,
                     struct endpoint_draft *draft)
{
    const struct json *origin = json_member(config, "origin");

    *draft = (struct endpoint_draft){ .name = endpoint->name,
                                      .description = object_text(config, "description"),
                                      .url = endpoint->url,
                                      .event_types = json_member(config, "event_types"),
                                      .versions = json_member(config, "event_versions"),
                                      .metadata = json_member(config, "metadata"),
                                      .timeout_ms = endpoint->timeout_ms,
                                      .retry = endpoint->retry,
                                      .rules = endpoint->rules,
                                      .profiles = endpoint->profiles,
                                      .uses_app_secret = endpoint->uses_app_secret,
                                      .status = endpoint->status,
                                      .status_reason = object_text(config, "status_reason"),
                                      .created_by = object_text(config, "created_by"),
                                      .origin_kind = object_text(origin, "kind"),
                                      .origin_id = object_text(origin, "id"),
                                      .origin_name = object_text(origin, "name") };
    endpoint_payload_of(config, &draft->payload);
}

static void on_edited(struct call *call, struct object *object)
{
    object_reply(call, 200, object, endpoint_members);
}

static void edit_save(struct call *call, struct endpoint_draft *draft)
{
    struct config_row row = object_row_next(call, &call->endpoint->object);
    struct buf sealed;
    int rc;

    ASSERT(draft->url.len > 0 && draft->name.len > 0);
    buf_init(&sealed, ENDPOINT_SEALED_MAX + BOX_OVERHEAD);
    row.config = buf_str(&call->bytes);
    rc = endpoint_secret_edit(call, draft, &sealed);
    if (sealed.len > 0) {
        row.sealed = buf_str(&sealed);
    }
    if (rc != 0) {
        problem_reply(call, rc);
    } else {
        object_save(call, CONFIG_ENDPOINT, &row, on_edited);
    }
    buf_done(&sealed);
}

static void edit(struct call *call, enum endpoint_form form)
{
    const struct object *object = &call->endpoint->object;
    const struct json *config;
    struct endpoint_draft draft;

    if (etag_check(call, object) != 0) {
        return;
    }
    config = object_config(call, object);
    if (config == NULL) {
        return;
    }
    draft_of(call->endpoint, config, &draft);
    if (read_draft(call, form, &draft) && types_known(call, draft.event_types) &&
        endpoint_payload_check(call, &draft) && write_config(call, &draft)) {
        edit_save(call, &draft);
    }
}

void endpoints_put(struct call *call)
{
    edit(call, ENDPOINT_REPLACE);
}

void endpoints_patch(struct call *call)
{
    edit(call, ENDPOINT_MERGE);
}

void endpoints_delete(struct call *call)
{
    object_delete(call, &call->endpoint->object);
}

/* --- pause and resume: of whatever the endpoint is now; nothing else of it changes */
static void on_status(void *ctx, int result, struct object *object)
{
    struct call *call = ctx;

    if (result != 0) {
        problem_reply(call, call->endpoint->object.deleted_at != 0 ? -E_NOT_FOUND : result);
        return;
    }
    object_reply(call, 200, object, endpoint_members);
}

static void set_status(struct call *call, enum endpoint_status status)
{
    struct status_change change;
    int rc;

    if (etag_check(call, &call->endpoint->object) != 0) {
        return;
    }
    if (call->endpoint->status == status) {
        object_reply(call, 200, &call->endpoint->object, endpoint_members);
        return;
    }
    change = (struct status_change){
        .status = status,
        .reason = STR(""),
        .audit = audit_of_id(call, endpoint_status_action(status), ID_ENDPOINT,
                             &call->endpoint->object.id),
    };
    rc = registry_change_status(call->api->options.registry, call->endpoint, &change, on_status,
                                call);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

void endpoints_pause(struct call *call)
{
    set_status(call, ENDPOINT_PAUSED);
}

void endpoints_resume(struct call *call)
{
    set_status(call, ENDPOINT_ACTIVE);
}
