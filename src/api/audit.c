/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - entries for the audit log: who asks, and which members of a document changed. */
#include "api/audit.h"

#include <stdlib.h>

#include "api/access.h"
#include "api/api_internal.h"
#include "api/problem.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/ipguard.h"
#include "store/writer.h"

/* --- who */
struct audit_entry audit_of_server(const struct api *api, int64_t now)
{
    return (struct audit_entry){ .keyring = api->options.keyring,
                                 .at = now,
                                 .actor_kind = STR("system"),
                                 .actor_id = STR(""),
                                 .actor_name = STR("") };
}

static void put_actor(struct call *call, struct audit_entry *entry)
{
    char text[ID_TEXT_SIZE];

    if (call->access.kind == ACCESS_NONE) {
        return;
    }
    access_actor(&call->access, text, &entry->actor_kind, &entry->actor_name);
    entry->actor_id = arena_str(call->arena, str_from(text));
    entry->actor_name = arena_str(call->arena, entry->actor_name);
}

struct audit_entry *audit_of(struct call *call, const char *action, struct str target)
{
    struct audit_entry *entry = arena_alloc(call->arena, sizeof(*entry));
    char address[IP_TEXT_SIZE];

    *entry = audit_of_server(call->api, call->now);
    put_actor(call, entry);
    ip_format(&call->req->peer, address);
    entry->address = arena_str(call->arena, str_from(address));
    entry->project = call->project == NULL ? 0 : call->project->object.no;
    entry->app = call->app == NULL ? 0 : call->app->object.no;
    entry->action = str_from(action);
    entry->target = target;
    return entry;
}

struct audit_entry *audit_of_id(struct call *call, const char *action, enum id_kind kind,
                                const struct id *id)
{
    char text[ID_TEXT_SIZE];

    id_format(kind, id, text);
    return audit_of(call, action, arena_str(call->arena, str_from(text)));
}

/* --- what of an object */
static bool same_value(const struct json *a, const struct json *b)
{
    struct buf left;
    struct buf right;
    bool same;

    if (a == NULL || b == NULL) {
        return a == b;
    }
    buf_init(&left, CALL_REPLY_MAX);
    buf_init(&right, CALL_REPLY_MAX);
    same = json_write(a, &left) == 0 && json_write(b, &right) == 0 &&
           str_eq(buf_str(&left), buf_str(&right));
    buf_done(&left);
    buf_done(&right);
    return same;
}

/* Names of the members of `of` that are otherwise, or not at all, in `against`. */
static void put_names(struct json_out *o, const struct json *of, const struct json *against,
                      bool only_absent, struct arena *arena)
{
    struct json_iter it = json_iter(of);
    const struct json *v;
    struct str name;

    while ((v = json_next(&it, &name)) != NULL) {
        const struct json *other =
            against == NULL ? NULL : json_member(against, arena_c(arena, name));

        if (only_absent ? other == NULL : !same_value(v, other)) {
            json_out_str(o, name);
        }
    }
}

static void put_changes(struct json_out *o, const struct object *before,
                        const struct config_row *row, struct arena *arena)
{
    struct json_doc *old = NULL;
    struct json_doc *new = NULL;

    if (json_parse(row->config, JSON_DEPTH_MAX, &new, NULL) != 0 ||
        (before != NULL && json_parse(before->config, JSON_DEPTH_MAX, &old, NULL) != 0)) {
        json_doc_free(new);
        return;
    }
    json_out_name(o, "fields");
    json_out_array(o);
    put_names(o, json_root(new), old == NULL ? NULL : json_root(old), false, arena);
    if (old != NULL) {
        put_names(o, json_root(old), json_root(new), true, arena);
    }
    if (before != NULL && before->slug.p != NULL && !str_eq(before->slug, row->slug)) {
        json_out_c(o, "slug");
    }
    if (before != NULL && !str_eq(before->sealed, row->sealed)) {
        json_out_c(o, "sealed"); /* secrets or headers: which ones is sealed too */
    }
    json_out_array_end(o);
    json_doc_free(old);
    json_doc_free(new);
}

static struct str write_details(const struct object *before, const struct config_row *row,
                                struct arena *arena)
{
    struct json_out o;
    struct buf out;
    struct str details = STR_NONE;

    buf_init(&out, AUDIT_DETAILS_MAX);
    json_out_begin(&o, &out);
    json_out_object(&o);
    json_put_int(&o, "version", row->version);
    if (row->deleted_at == 0) {
        put_changes(&o, before, row, arena);
    }
    json_out_object_end(&o);
    if (json_out_end(&o) == 0) {
        details = arena_str(arena, buf_str(&out));
    }
    buf_done(&out);
    return details;
}

static void put_place(const struct registry *registry, enum config_kind kind,
                      const struct config_row *row, struct audit_entry *entry)
{
    const struct app *app;

    switch (kind) {
    case CONFIG_PROJECT:
        entry->project = row->no;
        return;
    case CONFIG_APP:
        entry->project = row->parent;
        entry->app = row->no;
        return;
    case CONFIG_ENDPOINT:
        app = registry_app_no(registry, row->parent);
        ASSERT(app != NULL);
        entry->project = app->project->object.no;
        entry->app = row->parent;
        return;
    case CONFIG_EVENT_TYPE:
    case CONFIG_KEY:
    case CONFIG_MEMBER:
        entry->project = row->parent;
        entry->app = 0;
        return;
    case CONFIG_KINDS:
        break;
    }
    ASSERT(false);
}

void audit_object(const struct registry *registry, enum config_kind kind,
                  const struct config_row *row, struct arena *arena, struct audit_entry *entry)
{
    static const struct {
        const char *name;
        enum id_kind id;
    } kinds[CONFIG_KINDS] = { [CONFIG_PROJECT] = { "project", ID_PROJECT },
                              [CONFIG_APP] = { "app", ID_APP },
                              [CONFIG_ENDPOINT] = { "endpoint", ID_ENDPOINT },
                              [CONFIG_EVENT_TYPE] = { "event_type", ID_PROJECT },
                              [CONFIG_KEY] = { "key", ID_KEY },
                              [CONFIG_MEMBER] = { "member", ID_MEMBER } };
    const struct object *before =
        row->version == 1 ? NULL : registry_object_no(registry, kind, row->no);
    char text[ID_TEXT_SIZE];

    ASSERT(kind < CONFIG_KINDS);
    put_place(registry, kind, row, entry);
    id_format(kinds[kind].id, &row->id, text);
    entry->target = arena_str(arena, kind == CONFIG_EVENT_TYPE ? row->slug : str_from(text));
    entry->action = arena_printf(arena, "%s.%s", kinds[kind].name,
                                 row->version == 1      ? "created"
                                 : row->deleted_at != 0 ? "deleted"
                                                        : "updated");
    entry->details = write_details(before, row, arena);
}

/* --- a row of its own */
struct note {
    struct write write;
    struct audit_entry *entry;
};

static int note_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct note *note = CONTAINER_OF(w, struct note, write);

    (void)seqs;
    return audit_append(db, note->entry);
}

static void note_end(struct note *note, int result)
{
    if (result != 0) {
        LOG_W("a line for the audit log could not be stored", "action=%.*s error=%s",
              STR_ARG(note->entry->action), err_token(result));
    }
    free(note->entry);
    free(note);
}

static void note_done(struct write *w, int result)
{
    note_end(CONTAINER_OF(w, struct note, write), result);
}

void audit_note(struct api *api, const struct audit_entry *entry)
{
    struct note *note = xalloc(sizeof(*note));
    int rc;

    note->entry = audit_copy(entry);
    note->write = (struct write){ .class = WRITE_PUBLISH,
                                  .rows = 1,
                                  .bytes = 512 + entry->details.len,
                                  .run = note_run,
                                  .on_done = note_done };
    rc = writer_submit(api->options.writer, &note->write);
    if (rc != 0) {
        note_end(note, rc);
    }
}

/* --- a row, then what it tells of */
struct first {
    struct write write;
    const struct audit_entry *entry; /* in the call's arena */
    struct call *call;
    void (*done)(struct call *call);
};

static int first_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct first *first = CONTAINER_OF(w, struct first, write);

    (void)seqs;
    return audit_append(db, first->entry);
}

static void first_done(struct write *w, int result)
{
    struct first *first = CONTAINER_OF(w, struct first, write);

    if (result != 0) {
        problem_reply(first->call, result);
        return;
    }
    first->done(first->call);
}

void audit_first(struct call *call, const struct audit_entry *entry,
                 void (*done)(struct call *call))
{
    struct first *first = arena_alloc(call->arena, sizeof(*first));
    int rc;

    first->entry = entry;
    first->call = call;
    first->done = done;
    first->write = (struct write){ .class = WRITE_PUBLISH,
                                   .rows = 1,
                                   .bytes = 512 + entry->details.len,
                                   .run = first_run,
                                   .on_done = first_done };
    rc = writer_submit(call->api->options.writer, &first->write);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}
