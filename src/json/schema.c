/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.c - from the text of a schema to its compiled form: scan the document, then compile what
 * the root reaches, one site at a time. And the list of errors.
 */
#include "json/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "json/pointer.h"
#include "json/schema_internal.h"

/* --- errors */
void schema_errors_init(struct schema_errors *errors, struct arena *arena)
{
    *errors = (struct schema_errors){ .arena = arena };
}

static struct str cut(struct arena *arena, struct str pointer)
{
    if (pointer.len <= SCHEMA_POINTER_MAX) {
        return arena_str(arena, pointer);
    }
    pointer.len = SCHEMA_POINTER_MAX - 3;
    while (pointer.len > 0 && ((unsigned char)pointer.p[pointer.len] & 0xc0) == 0x80) {
        pointer.len--; /* not inside a character */
    }
    return arena_printf(arena, "%.*s...", STR_ARG(pointer));
}

void schema_error_add(struct schema_errors *errors, struct str instance, struct str schema,
                      const char *keyword, struct str text)
{
    struct arena *arena = errors->arena;

    if (errors->count == SCHEMA_ERRORS_MAX) {
        errors->more = true;
        return;
    }
    errors->rows[errors->count++] =
        (struct schema_error){ .instance = instance.p == NULL ? STR_NONE : cut(arena, instance),
                               .schema = cut(arena, schema),
                               .keyword = arena_str(arena, str_from(keyword)),
                               .text = cut(arena, text) };
}

/* Sites form a chain to the root; the text is written from its end. */
struct str schema_site_pointer(struct arena *arena, const struct site *site,
                               const char *keyword)
{
    struct str last =
        keyword == NULL ? STR("") : json_pointer_add(arena, STR_NONE, str_from(keyword));
    struct str text = last;

    for (; site != NULL && text.len <= SCHEMA_POINTER_MAX; site = site->up) {
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(site->token),
                            site->up == NULL ? "#" : "", STR_ARG(text));
    }
    return text.len == 0 ? STR("#") : text;
}

void schema_fault(struct compiler *c, const struct site *site, const char *keyword,
                  const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    schema_error_add(c->errors, STR_NONE, schema_site_pointer(c->errors->arena, site, keyword),
                     keyword == NULL ? "" : keyword, str_from(text));
}

void schema_limit(struct compiler *c, const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;

    if (c->rc != 0) {
        return;
    }
    c->rc = -E_TOO_LARGE;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    schema_error_add(c->errors, STR_NONE, STR("#"), "limit", str_from(text));
}

/* --- compiling */
static void compile_all(struct compiler *c, struct str text)
{
    struct site *root;

    if (text.len > SCHEMA_SIZE_MAX) {
        schema_limit(c, "A schema has at most %d bytes.", (int)SCHEMA_SIZE_MAX);
        return;
    }
    root = schema_add_document(c, text, STR(""));
    if (root == NULL || c->rc != 0) {
        return;
    }
    c->schema->root = schema_node(c, root);
    while (c->work_count > 0 && c->rc == 0 && !c->errors->more) {
        schema_compile_site(c, c->work[--c->work_count]);
    }
}

int schema_compile(struct str text, const struct schema_options *options, struct schema **ret,
                   struct schema_errors *errors)
{
    static const struct schema_options none = { .draft = SCHEMA_2020_12 };
    struct compiler c = { .options = options == NULL ? &none : options, .errors = errors };

    ASSERT(errors != NULL && errors->count == 0 && errors->arena != NULL);
    c.schema = xalloc(sizeof(*c.schema));
    arena_init(&c.schema->arena);
    map_init(&c.schema->sites);
    map_init(&c.schema->resources);
    compile_all(&c, text);
    free(c.work);
    map_done(&c.schema->sites);
    map_done(&c.schema->resources);
    if (c.rc != 0 || errors->count > 0) {
        schema_free(c.schema);
        return c.rc != 0 ? c.rc : -E_INVALID;
    }
    *ret = c.schema;
    return 0;
}

void schema_free(struct schema *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->pattern_count; i++) {
        pattern_free(s->patterns[i]);
    }
    free(s->patterns);
    for (struct document *d = s->documents; d != NULL; d = d->next) {
        json_doc_free(d->doc);
    }
    arena_done(&s->arena);
    free(s);
}

size_t schema_bytes(const struct schema *s)
{
    return sizeof(*s) + s->arena.total + s->pattern_bytes +
           (s->patterns == NULL ? 0 : SCHEMA_PATTERNS_MAX * sizeof(struct pattern *));
}
