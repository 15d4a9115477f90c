/* SPDX-License-Identifier: Apache-2.0 */
/* setup.c - a project as it must be from the start. File order is time order. */
#include "api/setup.h"

#include <stdlib.h>
#include <string.h>

#include "api/audit.h"
#include "api/keys.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/api_key.h"
#include "engine/engine.h"

enum { SETUP_CONFIG_MAX = 4096 };

static int save_row(struct setup *s, enum config_kind kind, const struct config_row *row,
                    registry_saved *on_saved)
{
    struct config_row with_audit = *row;
    struct registry *registry = s->api->options.registry;
    struct audit_entry entry = s->by;
    struct arena arena;
    int rc;

    arena_init(&arena);
    audit_object(registry, kind, row, &arena, &entry);
    with_audit.audit = &entry;
    rc = registry_save(registry, kind, &with_audit, on_saved, s);
    arena_done(&arena);
    return rc;
}

static int save_new(struct setup *s, enum config_kind kind, struct str slug, struct str config,
                    registry_saved *on_saved)
{
    struct registry *registry = s->api->options.registry;
    struct config_row row = { .no = registry_next_no(registry, kind),
                              .id = engine_make_id(s->api->options.engine),
                              .parent = s->project == NULL ? 0 : s->project->object.no,
                              .slug = slug,
                              .config = config,
                              .version = 1,
                              .created_at = s->now,
                              .updated_at = s->now };
    char text[ID_TEXT_SIZE];

    if (slug.len == 0) {
        id_format(ID_PROJECT, &row.id, text);
        row.slug = str_from(text);
    }
    return save_row(s, kind, &row, on_saved);
}

/* --- the end, also after a failure */
static void on_undone(void *ctx, int result, struct object *object)
{
    struct setup *s = ctx;

    (void)object;
    if (result != 0) {
        LOG_W("a project without a key is left", "project_no=%lld error=%s",
              (long long)s->project->object.no, err_token(result));
    }
    s->on_done(s, s->result);
}

static void fail(struct setup *s, int result)
{
    const struct object *o = s->project == NULL ? NULL : &s->project->object;
    struct config_row row;

    ASSERT(result != 0 && (!s->made_project || o != NULL));
    s->result = result;
    if (!s->made_project) {
        s->on_done(s, result);
        return;
    }
    row = (struct config_row){ .no = o->no,
                               .id = o->id,
                               .slug = o->slug,
                               .config = o->config,
                               .version = o->version + 1,
                               .created_at = o->created_at,
                               .updated_at = s->now,
                               .deleted_at = s->now };
    result = save_row(s, CONFIG_PROJECT, &row, on_undone);
    if (result != 0) {
        on_undone(s, result, NULL);
    }
}

/* --- the key */
static void on_key(void *ctx, int result, struct object *object)
{
    struct setup *s = ctx;

    if (result != 0) {
        fail(s, result);
        return;
    }
    s->key = (struct api_key *)(void *)object;
    s->on_done(s, 0);
}

static int save_key(struct setup *s)
{
    struct key_draft draft = {
        .text = s->key_text, .name = STR("admin"), .scopes = SCOPE_ALL, .by = &s->by
    };

    ASSERT(s->project != NULL);
    return key_save(s->api, s->project, &draft, s->now, on_key, s);
}

/* --- the app `default` */
static void on_app(void *ctx, int result, struct object *object)
{
    struct setup *s = ctx;
    int rc = result;

    (void)object;
    if (rc == 0) {
        rc = save_key(s);
    }
    if (rc != 0) {
        fail(s, rc);
    }
}

static int save_app(struct setup *s)
{
    struct buf config;
    struct json_out o;
    int rc;

    if (registry_app(s->project, STR("default")) != NULL) {
        return save_key(s);
    }
    buf_init(&config, SETUP_CONFIG_MAX);
    json_out_begin(&o, &config);
    json_out_object(&o);
    json_put_c(&o, "name", "default");
    json_out_object_end(&o);
    rc = json_out_end(&o);
    if (rc == 0) {
        rc = save_new(s, CONFIG_APP, STR("default"), buf_str(&config), on_app);
    }
    buf_done(&config);
    return rc;
}

/* --- the project */
static void on_project(void *ctx, int result, struct object *object)
{
    struct setup *s = ctx;
    int rc = result;

    if (rc == 0) {
        s->project = (struct project *)(void *)object;
        s->made_project = true;
        rc = save_app(s);
    }
    if (rc != 0) {
        fail(s, rc);
    }
}

int setup_start(struct setup *s)
{
    ASSERT(s->on_done != NULL && s->key_text.len > 0);
    if (registry_key(s->api->options.registry, s->key_text, s->now) != NULL) {
        return -E_CONFLICT;
    }
    if (s->project != NULL) {
        return save_app(s);
    }
    return save_new(s, CONFIG_PROJECT, s->slug, s->config, on_project);
}

/* --- at first start */
struct install {
    struct setup setup;
    char key[API_KEY_MAX + 1];
    struct buf config;
    void (*on_done)(void *ctx, int result);
    void *ctx;
};

static void install_free(struct install *install)
{
    explicit_bzero(install->key, sizeof(install->key));
    buf_done(&install->config);
    free(install);
}

static void on_installed(struct setup *s, int result)
{
    struct install *install = s->ctx;

    install->on_done(install->ctx, result);
    install_free(install);
}

static int project_config(struct buf *config)
{
    struct json_out o;

    buf_init(config, SETUP_CONFIG_MAX);
    json_out_begin(&o, config);
    json_out_object(&o);
    json_put_c(&o, "name", "default");
    json_out_object_end(&o);
    return json_out_end(&o);
}

int api_install_admin_key(struct api *api, struct str key,
                          void (*on_done)(void *ctx, int result), void *ctx)
{
    int64_t now = clock_wall_ms();
    struct install *install;
    int rc;

    if (!api_key_valid(key)) {
        return -E_INVALID;
    }
    install = xalloc(sizeof(*install));
    memcpy(install->key, key.p, key.len);
    install->on_done = on_done;
    install->ctx = ctx;
    rc = project_config(&install->config);
    install->setup = (struct setup){ .api = api,
                                     .project = registry_default_project(api->options.registry),
                                     .slug = STR("default"),
                                     .config = buf_str(&install->config),
                                     .key_text = { install->key, key.len },
                                     .now = now,
                                     .by = audit_of_server(api, now),
                                     .on_done = on_installed,
                                     .ctx = install };
    if (rc == 0) {
        rc = setup_start(&install->setup);
    }
    if (rc != 0) {
        install_free(install);
    }
    return rc;
}
