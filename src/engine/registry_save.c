/* SPDX-License-Identifier: Apache-2.0 */
/* registry_save.c - a change on its way: store it, then take it over, then tell who asked. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/registry_internal.h"
#include "json/json.h"
#include "store/audit.h"
#include "store/writer.h"

struct registry_save {
    struct write write;
    struct registry *r;
    enum config_kind kind;
    struct config_row row;     /* strings are copies */
    struct audit_entry *audit; /* of its own, or NULL */
    int64_t changes;
    registry_saved *on_saved;
    void *ctx;
};

static int save_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct registry_save *s = CONTAINER_OF(w, struct registry_save, write);

    int rc;

    (void)seqs;
    if (s->row.version == 1) {
        s->changes = 1;
        rc = config_insert(db, s->kind, &s->row);
    } else {
        rc = config_update(db, s->kind, &s->row, &s->changes);
    }
    return rc == 0 && s->audit != NULL ? audit_append_if(db, &s->changes, s->audit) : rc;
}

static void save_free(struct registry_save *s)
{
    free((void *)(uintptr_t)s->row.slug.p);
    free((void *)(uintptr_t)s->row.config.p);
    free((void *)(uintptr_t)s->row.sealed.p);
    free(s->audit);
    free(s);
}

static void save_done(struct write *w, int result)
{
    struct registry_save *s = CONTAINER_OF(w, struct registry_save, write);
    struct object *object = NULL;
    struct err err;

    if (result == 0 && s->changes == 0) {
        result = -E_CONFLICT;
    }
    if (result == 0) {
        result = registry_apply(s->r, s->kind, &s->row, &object, &err);
        if (result != 0) {
            LOG_E("a stored change could not be taken over", "detail=\"%s\"", err.text);
        }
    }
    s->on_saved(s->ctx, result, object);
    save_free(s);
}

int registry_save(struct registry *r, enum config_kind kind, const struct config_row *row,
                  registry_saved *on_saved, void *ctx)
{
    struct registry_save *s = xalloc(sizeof(*s));
    int rc;

    s->r = r;
    s->kind = kind;
    s->row = *row;
    s->row.slug = row->slug.p == NULL ? STR_NONE : xstr(row->slug);
    s->row.config = xstr(row->config);
    s->row.sealed = xstr(row->sealed);
    s->audit = row->audit == NULL ? NULL : audit_copy(row->audit);
    s->row.audit = NULL;
    s->on_saved = on_saved;
    s->ctx = ctx;
    s->write = (struct write){ .class = WRITE_PUBLISH,
                               .rows = s->audit == NULL ? 1 : 2,
                               .bytes = 256 + row->config.len + row->sealed.len,
                               .run = save_run,
                               .on_done = save_done };
    rc = writer_submit(r->writer, &s->write);
    if (rc != 0) {
        save_free(s);
    }
    return rc;
}

/* --- status alone */
struct set_status {
    struct registry *r;
    struct endpoint *endpoint;
    enum endpoint_status status;
    char *reason;
    struct audit_entry *audit;
    unsigned tries;
    registry_saved *on_saved;
    void *ctx;
};

enum { SET_STATUS_TRIES = 5 };

const char *endpoint_status_name(enum endpoint_status status)
{
    switch (status) {
    case ENDPOINT_ACTIVE:
        return "active";
    case ENDPOINT_PAUSED:
        return "paused";
    case ENDPOINT_DISABLED:
        return "disabled";
    }
    return "";
}

static int set_status_try(struct set_status *set);

static void set_status_end(struct set_status *set, int result, struct object *object)
{
    set->on_saved(set->ctx, result, object);
    free(set->audit);
    free(set->reason);
    free(set);
}

static void on_status_saved(void *ctx, int result, struct object *object)
{
    struct set_status *set = ctx;

    if (result == -E_CONFLICT && set->endpoint->object.deleted_at == 0 &&
        ++set->tries < SET_STATUS_TRIES) {
        result = set_status_try(set);
        if (result == 0) {
            return;
        }
    }
    set_status_end(set, result, object);
}

/* The document as it is now, with two members replaced. */
static int set_status_document(const struct set_status *set, struct buf *out)
{
    struct json_doc *doc = NULL;
    struct json_out o;
    struct json_iter it;
    const struct json *v;
    struct str name;
    int rc = json_parse(set->endpoint->object.config, JSON_DEPTH_MAX, &doc, NULL);

    if (rc != 0) {
        return rc;
    }
    json_out_begin(&o, out);
    json_out_object(&o);
    it = json_iter(json_root(doc));
    while ((v = json_next(&it, &name)) != NULL) {
        char text[64];

        if (name.len < sizeof(text) && !str_eq_c(name, "status") &&
            !str_eq_c(name, "status_reason")) {
            memcpy(text, name.p, name.len);
            text[name.len] = '\0';
            json_out_name(&o, text);
            json_out_value(&o, v);
        }
    }
    json_put_c(&o, "status", endpoint_status_name(set->status));
    if (set->reason[0] != '\0') {
        json_put_c(&o, "status_reason", set->reason);
    }
    json_out_object_end(&o);
    json_doc_free(doc);
    return json_out_end(&o);
}

static int set_status_try(struct set_status *set)
{
    const struct object *o = &set->endpoint->object;
    struct config_row row = { .no = o->no,
                              .id = o->id,
                              .parent = set->endpoint->app->object.no,
                              .sealed = o->sealed,
                              .version = o->version + 1,
                              .created_at = o->created_at,
                              .updated_at = clock_wall_ms(),
                              .audit = set->audit };
    struct buf document;
    int rc;

    buf_init(&document, o->config.len + 256);
    rc = set_status_document(set, &document);
    if (rc == 0) {
        row.config = buf_str(&document);
        rc = registry_save(set->r, CONFIG_ENDPOINT, &row, on_status_saved, set);
    }
    buf_done(&document);
    return rc;
}

int registry_change_status(struct registry *r, struct endpoint *endpoint,
                           const struct status_change *change, registry_saved *on_saved,
                           void *ctx)
{
    struct set_status *set = xalloc(sizeof(*set));
    int rc;

    *set = (struct set_status){ .r = r,
                                .endpoint = endpoint,
                                .status = change->status,
                                .reason = xstrndup(change->reason),
                                .audit = audit_copy(change->audit),
                                .on_saved = on_saved,
                                .ctx = ctx };
    rc = set_status_try(set);
    if (rc != 0) {
        free(set->audit);
        free(set->reason);
        free(set);
    }
    return rc;
}

const char *endpoint_status_action(enum endpoint_status status)
{
    switch (status) {
    case ENDPOINT_ACTIVE:
        return "endpoint.resumed";
    case ENDPOINT_PAUSED:
        return "endpoint.paused";
    case ENDPOINT_DISABLED:
        return "endpoint.disabled";
    }
    return "";
}

int registry_set_status(struct registry *r, struct endpoint *endpoint,
                        enum endpoint_status status, struct str reason,
                        registry_saved *on_saved, void *ctx)
{
    char target[ID_TEXT_SIZE];
    struct audit_entry audit = { .keyring = r->options.keyring,
                                 .at = clock_wall_ms(),
                                 .project = endpoint->app->project->object.no,
                                 .app = endpoint->app->object.no,
                                 .actor_kind = STR("system"),
                                 .action = str_from(endpoint_status_action(status)),
                                 .reason = reason };
    struct status_change change = { .status = status, .reason = reason, .audit = &audit };

    id_format(ID_ENDPOINT, &endpoint->object.id, target);
    audit.target = str_from(target);
    return registry_change_status(r, endpoint, &change, on_saved, ctx);
}
