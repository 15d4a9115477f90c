/* SPDX-License-Identifier: Apache-2.0 */
/* schema_ref.c - what a $ref means: a document, then an anchor or a JSON pointer in it. */
#include "json/schema_internal.h"
#include "json/uri.h"

/* The metaschemas of both drafts, made into bytes by scripts/embed. */
#include <json/metaschemas.inc>

struct str schema_metaschema(struct str uri)
{
    for (size_t i = 0; i < sizeof(metaschemas) / sizeof(metaschemas[0]); i++) {
        if (str_eq_c(uri, metaschemas[i].name)) {
            return (struct str){ (const char *)metaschemas[i].bytes, metaschemas[i].len };
        }
    }
    return STR_NONE;
}

/* --- JSON pointers */
static struct str unescape(struct arena *arena, struct str token)
{
    char *out = arena_alloc(arena, token.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < token.len; i++) {
        char c = token.p[i];

        if (c == '~' && i + 1 < token.len && (token.p[i + 1] == '0' || token.p[i + 1] == '1')) {
            i++;
            c = token.p[i] == '0' ? '~' : '/';
        }
        out[len++] = c;
    }
    return (struct str){ out, len };
}

static const struct json *step(struct arena *arena, const struct json *v, struct str token)
{
    int64_t index = 0;

    if (json_type(v) == JSON_OBJECT) {
        return json_get(v, unescape(arena, token));
    }
    if (json_type(v) == JSON_ARRAY && str_to_int(token, 0, INT32_MAX, &index) == 0) {
        return json_item(v, (size_t)index);
    }
    return NULL;
}

/* On the way the last schema passed is kept: its resource is the base of what is inside. */
static struct site *follow(struct compiler *c, struct site *site, struct str pointer)
{
    struct arena *arena = &c->schema->arena;
    const struct json *v = site->at;
    size_t from = 0; /* of what lies behind `site` in the pointer */
    size_t at = 0;

    while (at < pointer.len) {
        size_t end = at + 1;
        struct site *here;

        while (end < pointer.len && pointer.p[end] != '/') {
            end++;
        }
        v = step(arena, v, str_sub(pointer, at + 1, end - at - 1));
        if (v == NULL) {
            return NULL;
        }
        here = schema_site(c, v);
        if (here != NULL) {
            site = here;
            from = end;
        }
        at = end;
    }
    if (site->at == v) {
        return site;
    }
    return schema_scan(c, v, site->resource, site, str_sub(pointer, from, pointer.len));
}

/* --- references */
static struct site *find_anchor(const struct resource *resource, struct str name,
                                struct str *ret_dynamic)
{
    struct site *found = NULL;

    for (const struct anchor *a = resource->anchors; a != NULL; a = a->next) {
        if (str_eq(a->name, name)) {
            found = a->site;
            if (a->dynamic) {
                *ret_dynamic = a->name;
            }
        }
    }
    return found;
}

struct site *schema_resolve(struct compiler *c, const struct site *from, const char *keyword,
                            struct str reference, struct str *ret_dynamic)
{
    struct arena *arena = &c->schema->arena;
    struct str fragment;
    struct str uri = uri_resolve(arena, from->resource->uri, reference, &fragment);
    struct resource *resource = schema_resource(c, uri);
    struct site *site;

    *ret_dynamic = STR_NONE;
    if (resource == NULL) {
        schema_fault(c, from, keyword,
                     "It refers to another document; only the schema itself and the "
                     "metaschemas can be referred to.");
        return NULL;
    }
    fragment = uri_decode(arena, fragment);
    if (fragment.len == 0) {
        site = resource->root;
    } else if (fragment.p[0] == '/') {
        site = follow(c, resource->root, fragment);
    } else {
        site = find_anchor(resource, fragment, ret_dynamic);
    }
    if (site == NULL) {
        schema_fault(c, from, keyword, "There is nothing where it points to.");
    }
    return site;
}
