/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - the tables in memory: loading, looking up, taking over what was committed. */
#include "engine/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "crypto/keyring.h"
#include "engine/registry_internal.h"
#include "store/reader.h"
#include "store/success.h"
#include "store/usage.h"

static const size_t object_sizes[] = {
    [CONFIG_PROJECT] = sizeof(struct project),
    [CONFIG_APP] = sizeof(struct app),
    [CONFIG_ENDPOINT] = sizeof(struct endpoint),
    [CONFIG_EVENT_TYPE] = sizeof(struct event_type),
    [CONFIG_KEY] = sizeof(struct api_key),
    [CONFIG_MEMBER] = sizeof(struct member),
};

/*
 * A list of objects in order of no (commits may come in another order). Its capacity is the next power of
 * two, so it needs no field for it.
 */
static void list_add(struct object ***list, size_t *count, struct object *o)
{
    size_t at = *count;

    if ((at & (at - 1)) == 0) {
        *list = xrealloc(*list, (at == 0 ? 1 : at * 2) * sizeof(**list));
    }
    while (at > 0 && (*list)[at - 1]->no > o->no) {
        (*list)[at] = (*list)[at - 1];
        at--;
    }
    (*list)[at] = o;
    (*count)++;
}

static void table_add(struct table *t, struct object *o)
{
    list_add(&t->rows, &t->count, o);
    if ((size_t)o->no >= t->by_no_cap) {
        size_t cap = t->by_no_cap == 0 ? 64 : t->by_no_cap;

        while (cap <= (size_t)o->no) {
            cap *= 2;
        }
        t->by_no = xrealloc(t->by_no, cap * sizeof(struct object *));
        memset(t->by_no + t->by_no_cap, 0, (cap - t->by_no_cap) * sizeof(struct object *));
        t->by_no_cap = cap;
    }
    t->by_no[o->no] = o;
    if (o->no > t->last_no) {
        t->last_no = o->no;
    }
}

/* --- slots: a freed one rests as long as fresh ones are left, so that what is in flight never meets its heir */
static void slots_init(struct slots *s, uint32_t max)
{
    *s = (struct slots){ .max = max, .freed = xcalloc(max, sizeof(uint32_t)) };
}

static uint32_t slots_take(struct slots *s)
{
    uint32_t slot;

    if (s->next < s->max) {
        return s->next++;
    }
    if (s->freed_count == 0) {
        return REGISTRY_NO_SLOT;
    }
    slot = s->freed[s->freed_at];
    s->freed_at = (s->freed_at + 1) % s->max;
    s->freed_count--;
    return slot;
}

static void slots_give(struct slots *s, uint32_t slot)
{
    s->freed[(s->freed_at + s->freed_count) % s->max] = slot;
    s->freed_count++;
}

int registry_new(const struct registry_options *options, struct registry **ret_registry)
{
    struct registry *r = xalloc(sizeof(*r));

    r->options = *options;
    r->options.own_url = xstr(options->own_url);
    map_init(&r->ids);
    map_init(&r->slugs);
    map_init(&r->keys);
    map_init(&r->prints);
    slots_init(&r->endpoint_slots, options->endpoints_max);
    slots_init(&r->app_slots, options->endpoints_max);
    r->by_slot = xcalloc(options->endpoints_max, sizeof(struct endpoint *));
    *ret_registry = r;
    return 0;
}

static void object_free(struct object *o)
{
    arena_done(&o->arena);
    if (o->kind == CONFIG_PROJECT) {
        struct project *p = (struct project *)(void *)o;

        map_done(&p->apps);
        map_done(&p->app_ids);
        map_done(&p->event_types);
        free(p->app_list);
        free(p->type_list);
    } else if (o->kind == CONFIG_APP) {
        free(((struct app *)(void *)o)->endpoints);
        free(((struct app *)(void *)o)->secret.prints);
    } else if (o->kind == CONFIG_ENDPOINT) {
        free(((struct endpoint *)(void *)o)->secret.prints);
        free(((struct endpoint *)(void *)o)->exhausted);
    }
    free(o);
}

void registry_free(struct registry *r)
{
    if (r == NULL) {
        return;
    }
    for (int kind = 0; kind < CONFIG_KINDS; kind++) {
        for (size_t i = 0; i < r->tables[kind].count; i++) {
            object_free(r->tables[kind].rows[i]);
        }
        free(r->tables[kind].rows);
        free(r->tables[kind].by_no);
    }
    map_done(&r->ids);
    map_done(&r->slugs);
    map_done(&r->keys);
    map_done(&r->prints);
    free(r->endpoint_slots.freed);
    free(r->app_slots.freed);
    free(r->by_slot);
    free((void *)(uintptr_t)r->options.own_url.p);
    free(r);
}

void registry_set_writer(struct registry *r, struct writer *writer)
{
    r->writer = writer;
}

/* --- taking over a row */
static struct str object_key(const struct object *o)
{
    return (struct str){ (const char *)o->id.bytes, ID_SIZE };
}

static int object_link(struct registry *r, struct object *o, int64_t parent)
{
    if (o->kind == CONFIG_PROJECT) {
        struct project *p = (struct project *)(void *)o;

        map_init(&p->apps);
        map_init(&p->app_ids);
        map_init(&p->event_types);
    } else if (o->kind == CONFIG_ENDPOINT) {
        struct endpoint *e = (struct endpoint *)(void *)o;

        e->app = registry_app_no(r, parent);
        e->slot = REGISTRY_NO_SLOT;
        if (e->app == NULL) {
            return -E_STORE;
        }
    } else {
        struct project *p =
            (struct project *)(void *)table_no(&r->tables[CONFIG_PROJECT], parent);

        if (p == NULL) {
            return -E_STORE;
        }
        if (o->kind == CONFIG_APP) {
            ((struct app *)(void *)o)->project = p;
            ((struct app *)(void *)o)->slot = REGISTRY_NO_SLOT;
        } else if (o->kind == CONFIG_EVENT_TYPE) {
            ((struct event_type *)(void *)o)->project = p;
        } else if (o->kind == CONFIG_MEMBER) {
            ((struct member *)(void *)o)->project = p;
        } else {
            ((struct api_key *)(void *)o)->project = p;
        }
    }
    return 0;
}

static void object_join_parent(struct object *o)
{
    if (o->kind == CONFIG_APP) {
        struct project *p = ((struct app *)(void *)o)->project;

        list_add(&p->app_list, &p->app_count, o);
        (void)map_put(&p->app_ids, object_key(o), o);
    } else if (o->kind == CONFIG_EVENT_TYPE) {
        struct project *p = ((struct event_type *)(void *)o)->project;

        list_add(&p->type_list, &p->type_count, o);
    } else if (o->kind == CONFIG_ENDPOINT) {
        struct app *a = ((struct endpoint *)(void *)o)->app;

        list_add(&a->endpoints, &a->endpoint_count, o);
    }
}

static void endpoint_gone(struct registry *r, struct endpoint *e)
{
    registry_brief_drop(r, &e->object);
    if (e->slot == REGISTRY_NO_SLOT) {
        return;
    }
    if (!r->loading && r->options.on_endpoint != NULL) {
        r->options.on_endpoint(r->options.ctx, e, false);
    }
    r->by_slot[e->slot] = NULL;
    slots_give(&r->endpoint_slots, e->slot);
    e->slot = REGISTRY_NO_SLOT;
    e->app->endpoint_living--;
    r->tables[CONFIG_ENDPOINT].living--;
}

static bool app_lives(const struct app *a)
{
    return a->object.deleted_at == 0 && a->project->object.deleted_at == 0;
}

static int endpoint_applied(struct registry *r, struct endpoint *e)
{
    bool is_new = e->slot == REGISTRY_NO_SLOT;
    int rc;

    if (e->object.deleted_at != 0 || !app_lives(e->app)) {
        if (e->object.deleted_at == 0) {
            e->object.deleted_at = e->app->object.deleted_at != 0
                                       ? e->app->object.deleted_at
                                       : e->app->project->object.deleted_at;
        }
        endpoint_gone(r, e);
        return 0;
    }
    rc = registry_brief_make(r, &e->object);
    if (rc != 0) {
        return rc;
    }
    if (is_new) {
        e->slot = slots_take(&r->endpoint_slots);
        if (e->slot == REGISTRY_NO_SLOT) {
            return -E_LIMIT;
        }
        r->by_slot[e->slot] = e;
        e->app->endpoint_living++;
        r->tables[CONFIG_ENDPOINT].living++;
    }
    if (!r->loading && r->options.on_endpoint != NULL) {
        r->options.on_endpoint(r->options.ctx, e, is_new);
    }
    return 0;
}

static void app_gone(struct registry *r, struct app *a, int64_t when)
{
    if (a->slot == REGISTRY_NO_SLOT) {
        return;
    }
    if (map_get(&a->project->apps, a->object.slug) == a) {
        (void)map_remove(&a->project->apps, a->object.slug);
    }
    for (size_t i = 0; i < a->endpoint_count; i++) {
        struct endpoint *e = (struct endpoint *)(void *)a->endpoints[i];

        if (e->object.deleted_at == 0) {
            e->object.deleted_at = when;
            endpoint_gone(r, e);
        }
    }
    a->object.deleted_at = when;
    registry_brief_drop(r, &a->object);
    slots_give(&r->app_slots, a->slot);
    a->slot = REGISTRY_NO_SLOT;
    r->tables[CONFIG_APP].living--;
}

static int app_applied(struct registry *r, struct app *a, struct str old_slug)
{
    int64_t gone_at =
        a->object.deleted_at != 0 ? a->object.deleted_at : a->project->object.deleted_at;
    int rc;

    if (old_slug.p != NULL && map_get(&a->project->apps, old_slug) == a) {
        (void)map_remove(&a->project->apps, old_slug);
    }
    if (gone_at != 0) {
        app_gone(r, a, gone_at);
        a->object.deleted_at = gone_at;
        return 0;
    }
    rc = registry_brief_make(r, &a->object);
    if (rc != 0) {
        return rc;
    }
    (void)map_put(&a->project->apps, a->object.slug, a);
    if (a->slot == REGISTRY_NO_SLOT) {
        a->slot = slots_take(&r->app_slots);
        r->tables[CONFIG_APP].living++;
        if (a->slot == REGISTRY_NO_SLOT) {
            return -E_LIMIT;
        }
    }
    if (!r->loading && r->options.on_app != NULL) {
        r->options.on_app(r->options.ctx, a);
    }
    return 0;
}

static int project_applied(struct registry *r, struct project *p, struct str old_slug)
{
    if (old_slug.p != NULL && map_get(&r->slugs, old_slug) == p) {
        (void)map_remove(&r->slugs, old_slug);
    }
    if (p->object.deleted_at == 0) {
        (void)map_put(&r->slugs, p->object.slug, p);
        for (size_t i = 0; !r->loading && r->options.on_app != NULL && i < p->app_count; i++) {
            if (p->app_list[i]->deleted_at == 0) {
                r->options.on_app(r->options.ctx, (struct app *)(void *)p->app_list[i]);
            }
        }
        return 0;
    }
    for (size_t i = 0; i < p->app_count; i++) {
        app_gone(r, (struct app *)(void *)p->app_list[i], p->object.deleted_at);
    }
    return 0;
}

static int object_applied(struct registry *r, struct object *o, struct str old_slug)
{
    switch (o->kind) {
    case CONFIG_PROJECT:
        return project_applied(r, (struct project *)(void *)o, old_slug);
    case CONFIG_APP:
        return app_applied(r, (struct app *)(void *)o, old_slug);
    case CONFIG_ENDPOINT:
        return endpoint_applied(r, (struct endpoint *)(void *)o);
    case CONFIG_EVENT_TYPE: {
        struct event_type *t = (struct event_type *)(void *)o;

        if (o->deleted_at == 0) {
            (void)map_put(&t->project->event_types, o->slug, t);
        } else if (map_get(&t->project->event_types, o->slug) == t) {
            (void)map_remove(&t->project->event_types, o->slug);
        }
        return 0;
    }
    case CONFIG_KEY:
        if (o->deleted_at == 0) {
            (void)map_put(&r->keys, o->sealed, o);
        } else if (map_get(&r->keys, o->sealed) == o) {
            (void)map_remove(&r->keys, o->sealed);
        }
        return 0;
    case CONFIG_MEMBER:
        return 0;
    case CONFIG_KINDS:
        break;
    }
    return -E_INTERNAL;
}

int registry_apply(struct registry *r, enum config_kind kind, const struct config_row *row,
                   struct object **ret_object, struct err *err)
{
    struct object *o = table_no(&r->tables[kind], row->no);
    bool is_new = o == NULL;
    char old[256] = "";
    struct str old_slug = STR_NONE;
    int rc;

    if (is_new) {
        o = xalloc(object_sizes[kind]);
        o->kind = kind;
        rc = object_link(r, o, row->parent);
        if (rc != 0) {
            free(o);
            return err_set(err, rc, "A configuration row has no parent (kind %d, no %lld).",
                           (int)kind, (long long)row->no);
        }
    } else {
        /* What maps point into goes away with the old arena: the slug is kept to find the old entry. */
        (void)snprintf(old, sizeof(old), "%.*s", STR_ARG(o->slug));
        old_slug = str_from(old);
        if (kind == CONFIG_KEY && map_get(&r->keys, o->sealed) == o) {
            (void)map_remove(&r->keys, o->sealed);
        } else if (kind == CONFIG_EVENT_TYPE) {
            struct project *p = ((struct event_type *)(void *)o)->project;

            if (map_get(&p->event_types, o->slug) == o) {
                (void)map_remove(&p->event_types, o->slug);
            }
        } else if (kind == CONFIG_APP) {
            struct project *p = ((struct app *)(void *)o)->project;

            if (map_get(&p->apps, o->slug) == o) {
                (void)map_remove(&p->apps, o->slug);
            }
        } else if (kind == CONFIG_PROJECT && map_get(&r->slugs, o->slug) == o) {
            (void)map_remove(&r->slugs, o->slug);
        }
    }
    rc = registry_read(r, o, row, err);
    if (rc != 0) {
        if (is_new) {
            object_free(o);
        }
        return rc;
    }
    if (is_new) {
        table_add(&r->tables[kind], o);
        (void)map_put(&r->ids, object_key(o), o);
        object_join_parent(o);
    }
    rc = object_applied(r, o, old_slug);
    if (rc != 0) {
        return err_set(err, rc, "A configuration row cannot be used (kind %d, no %lld): %s",
                       (int)kind, (long long)row->no, err_text(rc));
    }
    *ret_object = o;
    return 0;
}

struct load {
    struct registry *r;
    enum config_kind kind;
    struct err *err;
    int rc;
};

static int load_row(void *ctx, const struct config_row *row)
{
    struct load *l = ctx;
    struct object *o;

    l->rc = registry_apply(l->r, l->kind, row, &o, l->err);
    return l->rc;
}

static int load_mark(void *ctx, const struct health_mark *mark)
{
    struct endpoint *e = registry_endpoint_no(ctx, mark->endpoint);

    if (e != NULL) {
        e->last_success_at = mark->success_at;
        e->last_failure_at = mark->failed_at;
        e->health_marked_at =
            mark->success_at > mark->failed_at ? mark->success_at : mark->failed_at;
        e->failures_marked = mark->failures > 0;
        /* Who changed or resumed it since begins anew. */
        e->failures = mark->failed_at < e->object.updated_at ? 0 : (uint32_t)mark->failures;
    }
    return 0;
}

static int load_exhausted(void *ctx, int64_t endpoint, int64_t wall_ms)
{
    struct endpoint *e = registry_endpoint_no(ctx, endpoint);

    if (e == NULL || wall_ms < e->object.updated_at) {
        return 0;
    }
    if (e->exhausted == NULL) {
        e->exhausted = xcalloc(RULES_EXHAUSTED_MAX, sizeof(*e->exhausted));
    }
    if (e->exhausted_count == RULES_EXHAUSTED_MAX) {
        memmove(e->exhausted, e->exhausted + 1,
                (RULES_EXHAUSTED_MAX - 1) * sizeof(*e->exhausted));
        e->exhausted_count--;
    }
    e->exhausted[e->exhausted_count++] = wall_ms;
    return 0;
}

static int load_usage(void *ctx, const struct usage_row *row)
{
    struct app *a = registry_app_no(ctx, row->app);

    if (a != NULL) {
        a->quota.month = row->month;
        a->quota.used = row->events;
    }
    return 0;
}

/* Types before endpoints, parents before children. */
static int load_all(void *ctx, struct db *db, struct err *err)
{
    static const enum config_kind order[] = { CONFIG_PROJECT,  CONFIG_APP, CONFIG_EVENT_TYPE,
                                              CONFIG_ENDPOINT, CONFIG_KEY, CONFIG_MEMBER };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(order) / sizeof(order[0]); i++) {
        struct load load = { .r = ctx, .kind = order[i], .err = err };

        rc = config_load(db, order[i], load_row, &load);
        rc = load.rc != 0 ? load.rc : rc;
    }
    if (rc == 0) {
        rc = success_load(db, load_mark, ctx);
    }
    if (rc == 0) {
        rc = exhausted_load(db, load_exhausted, ctx);
    }
    return rc == 0 ? usage_load(db, load_usage, ctx) : rc;
}

int registry_load(struct registry *r, const struct db_options *options, struct err *err)
{
    int rc;

    r->loading = true;
    rc = reader_once(options, load_all, r, err);
    r->loading = false;
    return rc;
}
