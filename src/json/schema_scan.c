/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_scan.c - first look at a document: where schemas stand, which URIs and anchors name them.
 * Only places that keywords make schemas are looked at, so an $id inside an `enum` names nothing.
 * Documents are at most JSON_DEPTH_MAX deep, so it may call itself.
 */
#include "json/pointer.h"
#include "json/schema_internal.h"
#include "json/uri.h"

static const char draft_2020[] = "https://json-schema.org/draft/2020-12/schema";
static const char draft_07[] = "http://json-schema.org/draft-07/schema";
static const char vocabulary_prefix[] = "https://json-schema.org/draft/2020-12/vocab/";

/* --- dialects */
static bool known_dialect(struct str uri, struct dialect *ret)
{
    uri = str_sub(uri, 0, str_find(uri, '#'));
    if (str_eq_c(uri, draft_2020)) {
        *ret = (struct dialect){ SCHEMA_2020_12, VOCABULARY_ALL };
        return true;
    }
    if (str_eq_c(uri, draft_07)) {
        *ret = (struct dialect){ SCHEMA_DRAFT_07, VOCABULARY_ALL & ~VOCABULARY_UNEVALUATED };
        return true;
    }
    return false;
}

/* 0: one that the words of the drafts do without (metadata, format, content). */
static bool vocabulary_bit(struct str uri, unsigned *ret)
{
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = { { "core", VOCABULARY_CORE },
                  { "applicator", VOCABULARY_APPLICATOR },
                  { "validation", VOCABULARY_VALIDATION },
                  { "unevaluated", VOCABULARY_UNEVALUATED },
                  { "meta-data", 0 },
                  { "format-annotation", 0 },
                  { "content", 0 } };

    if (!str_starts(uri, str_from(vocabulary_prefix))) {
        return false;
    }
    uri = str_sub(uri, sizeof(vocabulary_prefix) - 1, uri.len);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (str_eq_c(uri, known[i].name)) {
            *ret = known[i].bit;
            return true;
        }
    }
    return false;
}

/* A metaschema that the caller handed over: what its $vocabulary says. */
static bool read_vocabularies(const struct json *metaschema, struct dialect *ret)
{
    const struct json *list = json_member(metaschema, "$vocabulary");
    const struct json *base = json_member(metaschema, "$schema");
    struct json_iter it = json_iter(list);
    const struct json *needed;
    struct str uri;

    if (base == NULL || !known_dialect(json_string(base), ret)) {
        return false;
    }
    if (list == NULL || ret->draft != SCHEMA_2020_12) {
        return true;
    }
    ret->vocabularies = VOCABULARY_CORE;
    while ((needed = json_next(&it, &uri)) != NULL) {
        unsigned bit = 0;

        if (vocabulary_bit(uri, &bit)) {
            ret->vocabularies |= bit;
        } else if (json_bool(needed)) {
            return false;
        }
    }
    return true;
}

bool schema_dialect(struct compiler *c, struct str uri, struct dialect *ret)
{
    struct json_doc *doc = NULL;
    bool is_known = false;

    if (known_dialect(uri, ret)) {
        return true;
    }
    for (size_t i = 0; i < c->options->document_count; i++) {
        if (str_eq(c->options->documents[i].uri, uri) &&
            json_parse(c->options->documents[i].text, JSON_DEPTH_MAX, &doc, NULL) == 0) {
            is_known = read_vocabularies(json_root(doc), ret);
            json_doc_free(doc);
            break;
        }
    }
    return is_known;
}

/* --- sites */
struct site *schema_site(struct compiler *c, const struct json *at)
{
    return map_get(&c->schema->sites, (struct str){ (const char *)&at, sizeof(at) });
}

static struct site *add_site(struct compiler *c, const struct json *at,
                             struct resource *resource, const struct site *up, struct str token)
{
    struct site *site = arena_alloc(&c->schema->arena, sizeof(*site));

    *site = (struct site){ .at = at, .resource = resource, .up = up, .token = token };
    (void)map_put(&c->schema->sites, (struct str){ (const char *)&site->at, sizeof(site->at) },
                  site);
    if (++c->site_count > SCHEMA_NODES_MAX) {
        schema_limit(c, "The schema has more than %d subschemas.", (int)SCHEMA_NODES_MAX);
    }
    return site;
}

/* --- names: $schema, $id, anchors */
static struct str text_member(const struct site *site, const char *name)
{
    const struct json *v = json_member(site->at, name);

    return v == NULL ? STR_NONE : json_string(v);
}

static void add_anchor(struct compiler *c, struct site *site, struct str name, bool dynamic)
{
    struct anchor *anchor = arena_alloc(&c->schema->arena, sizeof(*anchor));

    *anchor = (struct anchor){ name, site, dynamic, site->resource->anchors };
    site->resource->anchors = anchor;
    if (dynamic) {
        (void)schema_node(c, site); /* a $dynamicRef may end here without being told */
    }
}

static void register_resource(struct compiler *c, struct resource *resource)
{
    struct resource *other = map_get(&c->schema->resources, resource->uri);

    if (other != NULL && other != resource) {
        schema_fault(c, resource->root, "$id", "Another schema has this $id.");
        return;
    }
    (void)map_put(&c->schema->resources, resource->uri, resource);
}

/* A schema with an $id is a resource of its own; a document's root is one already. */
static void begin_resource(struct compiler *c, struct site *site, struct str uri,
                           struct dialect dialect)
{
    if (site->up != NULL) {
        struct resource *resource = arena_alloc(&c->schema->arena, sizeof(*resource));

        resource->dialect = dialect;
        resource->root = site;
        site->resource = resource;
    }
    site->resource->uri = uri;
    register_resource(c, site->resource);
}

static void read_id(struct compiler *c, struct site *site, struct dialect dialect)
{
    bool is_07 = dialect.draft == SCHEMA_DRAFT_07;
    struct str id = text_member(site, "$id");
    struct str fragment;
    struct str uri;

    if (id.p == NULL || (is_07 && json_member(site->at, "$ref") != NULL)) {
        return;
    }
    uri = uri_resolve(&c->schema->arena, site->resource->uri, id, &fragment);
    if (!is_07 && fragment.len > 0) {
        schema_fault(c, site, "$id", "An $id has no fragment; use $anchor.");
        return;
    }
    if (id.len > 0 && id.p[0] != '#') {
        begin_resource(c, site, uri, dialect);
    }
    if (fragment.len > 0) {
        add_anchor(c, site, fragment, false);
    }
}

/* $schema decides how $id is read, and belongs to the resource that $id begins. */
static void read_names(struct compiler *c, struct site *site)
{
    struct dialect dialect = site->resource->dialect;
    struct str uri = text_member(site, "$schema");
    struct str name;

    if (uri.p != NULL && (site->up == NULL || text_member(site, "$id").p != NULL) &&
        !schema_dialect(c, uri, &dialect)) {
        schema_fault(
            c, site, "$schema",
            "Only drafts 2020-12 and draft-07 are known here, with their vocabularies.");
        return;
    }
    if (site->up == NULL) {
        site->resource->dialect = dialect;
    }
    read_id(c, site, dialect);
    if (site->resource->dialect.draft != SCHEMA_2020_12) {
        return;
    }
    name = text_member(site, "$anchor");
    if (name.p != NULL) {
        add_anchor(c, site, name, false);
    }
    name = text_member(site, "$dynamicAnchor");
    if (name.p != NULL) {
        add_anchor(c, site, name, true);
    }
}

/* --- children */
static void scan_many(struct compiler *c, struct site *site, struct str prefix,
                      const struct json *container)
{
    bool is_object = json_type(container) == JSON_OBJECT;
    struct json_iter it = json_iter(container);
    const struct json *v;
    struct str name;
    size_t at = 0;

    while (c->rc == 0 && (v = json_next(&it, &name)) != NULL) {
        struct arena *arena = &c->schema->arena;
        enum json_type type = json_type(v);

        if (type == JSON_OBJECT || type == JSON_BOOL) {
            struct str token = is_object ? json_pointer_add(arena, prefix, name)
                                         : arena_printf(arena, "%.*s/%zu", STR_ARG(prefix), at);

            (void)schema_scan(c, v, site->resource, site, token);
        }
        at++;
    }
}

static void scan_children(struct compiler *c, struct site *site)
{
    struct json_iter it = json_iter(site->at);
    const struct json *v;
    struct str name;

    while (c->rc == 0 && (v = json_next(&it, &name)) != NULL) {
        enum keyword_shape shape = schema_keyword_shape(name, &site->resource->dialect);
        enum json_type type = json_type(v);
        struct str token;

        if (shape == SHAPE_NONE) {
            continue;
        }
        token = json_pointer_add(&c->schema->arena, STR_NONE, name);
        if ((shape == SHAPE_SCHEMA || shape == SHAPE_ITEMS) &&
            (type == JSON_OBJECT || type == JSON_BOOL)) {
            (void)schema_scan(c, v, site->resource, site, token);
        } else if (((shape == SHAPE_LIST || shape == SHAPE_ITEMS) && type == JSON_ARRAY) ||
                   ((shape == SHAPE_MAP || shape == SHAPE_DEPENDS) && type == JSON_OBJECT)) {
            scan_many(c, site, token, v);
        }
    }
}

struct site *schema_scan(struct compiler *c, const struct json *at, struct resource *resource,
                         const struct site *up, struct str token)
{
    struct site *site = schema_site(c, at);

    if (site != NULL) {
        return site;
    }
    site = add_site(c, at, resource, up, token);
    if (up == NULL) {
        resource->root = site;
    }
    if (c->schema->documents->next == NULL) {
        (void)schema_node(c, site); /* of the schema itself all is compiled, used or not */
    }
    if (json_type(at) == JSON_OBJECT && c->rc == 0) {
        read_names(c, site);
        scan_children(c, site);
    }
    return site;
}

/* --- documents */
struct site *schema_add_document(struct compiler *c, struct str text, struct str uri)
{
    struct schema *s = c->schema;
    struct document *document = arena_alloc(&s->arena, sizeof(*document));
    struct resource *resource = arena_alloc(&s->arena, sizeof(*resource));
    struct err err;

    if (json_parse(text, JSON_DEPTH_MAX, &document->doc, &err) != 0) {
        schema_fault(c, NULL, NULL, "%s", err.text);
        return NULL;
    }
    document->uri = arena_str(&s->arena, uri);
    document->next = s->documents;
    s->documents = document;
    resource->uri = document->uri;
    resource->dialect.draft = c->options->draft;
    resource->dialect.vocabularies =
        VOCABULARY_ALL & ~(c->options->draft == SCHEMA_DRAFT_07 ? VOCABULARY_UNEVALUATED : 0u);
    (void)map_put(&s->resources, resource->uri, resource);
    return schema_scan(c, json_root(document->doc), resource, NULL, document->uri);
}

struct resource *schema_resource(struct compiler *c, struct str uri)
{
    struct resource *resource = map_get(&c->schema->resources, uri);
    struct str text = STR_NONE;

    if (resource != NULL) {
        return resource;
    }
    text = schema_metaschema(uri);
    for (size_t i = 0; i < c->options->document_count && text.p == NULL; i++) {
        if (str_eq(c->options->documents[i].uri, uri)) {
            text = c->options->documents[i].text;
        }
    }
    if (text.p != NULL && schema_add_document(c, text, uri) != NULL) {
        resource = map_get(&c->schema->resources, uri);
    }
    return resource;
}
