/* SPDX-License-Identifier: Apache-2.0 */
/* event_type_check.c - schemas of event types: checked when saved, kept compiled for publishing. */
#include "api/event_type_check.h"

#include <stdlib.h>

#include "api/event_type_form.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "json/equal.h"
#include "json/schema_diff.h"

enum { SAME_STEPS = 100000 };

/* --- faults: of a schema, at the place in it; of a value, at the place in that */
static void put_errors(const struct schema_errors *errors, const char *code, struct str pointer,
                       struct form_faults *faults)
{
    for (size_t i = 0; i < errors->count; i++) {
        const struct schema_error *e = &errors->rows[i];
        struct str at = e->instance.p == NULL && str_starts(e->schema, STR("#"))
                            ? str_sub(e->schema, 1, e->schema.len)
                            : e->instance;

        form_fault_schema(
            faults, arena_printf(faults->arena, "%.*s%.*s", STR_ARG(pointer), STR_ARG(at)),
            code, e);
    }
}

static struct schema *compile(const struct json *v, struct schema_errors *errors)
{
    struct schema *schema = NULL;
    struct buf text;

    buf_init(&text, TYPE_JSON_MAX);
    if (json_write(v, &text) != 0) {
        schema = NULL; /* it was within its limit when it was read */
    } else if (schema_compile(buf_str(&text), NULL, &schema, errors) != 0) {
        schema = NULL;
    }
    buf_done(&text);
    return schema;
}

void type_check(const struct json *schema_value, const struct json *example, struct str pointer,
                struct form_faults *faults)
{
    struct schema_errors errors;
    struct schema *schema;
    bool valid = true;

    if (schema_value == NULL) {
        return;
    }
    schema_errors_init(&errors, faults->arena);
    schema = compile(schema_value, &errors);
    if (schema == NULL) {
        put_errors(&errors, "schema",
                   arena_printf(faults->arena, "%.*s/schema", STR_ARG(pointer)), faults);
        return;
    }
    /* Errors tell what is wrong, also which limit was reached. */
    if (example != NULL && schema_check(schema, example, &valid, &errors) != 0) {
        valid = false;
    }
    if (!valid) {
        put_errors(&errors, "schema",
                   arena_printf(faults->arena, "%.*s/example", STR_ARG(pointer)), faults);
    }
    schema_free(schema);
}

bool type_check_breaks(const struct json *before, const struct json *after, struct str pointer,
                       struct form_faults *faults)
{
    struct schema_errors errors;
    int64_t steps = SAME_STEPS;

    if (before == NULL || (after != NULL && json_equal(before, after, &steps))) {
        return false;
    }
    schema_errors_init(&errors, faults->arena);
    if (!schema_breaks(before, after, &errors)) {
        return false;
    }
    put_errors(&errors, "breaking",
               arena_printf(faults->arena, "%.*s/schema", STR_ARG(pointer)), faults);
    return true;
}

/* --- compiled schemas: a map and the order of use */
struct kept_key {
    int64_t type, row_version;
    int32_t version, zero;
};

struct kept {
    struct kept_key key;
    struct schema *schema; /* NULL: that version has none */
    size_t bytes;
    struct list_node used;
};

struct type_schemas {
    struct map by_key;
    struct list used; /* latest first */
    size_t count, bytes;
};

struct type_schemas *type_schemas_new(void)
{
    struct type_schemas *s = xalloc(sizeof(*s));

    map_init(&s->by_key);
    list_init(&s->used);
    return s;
}

static struct str key_of(const struct kept_key *key)
{
    return (struct str){ (const char *)key, sizeof(*key) };
}

static void drop_oldest(struct type_schemas *s)
{
    struct kept *kept = CONTAINER_OF(s->used.head.prev, struct kept, used);

    list_remove(&s->used, &kept->used);
    (void)map_remove(&s->by_key, key_of(&kept->key));
    ASSERT(s->count > 0 && s->bytes >= kept->bytes);
    s->count--;
    s->bytes -= kept->bytes;
    schema_free(kept->schema);
    free(kept);
}

void type_schemas_free(struct type_schemas *s)
{
    if (s == NULL) {
        return;
    }
    while (s->count > 0) {
        drop_oldest(s);
    }
    map_done(&s->by_key);
    free(s);
}

size_t type_schemas_count(const struct type_schemas *s)
{
    return s->count;
}

size_t type_schemas_bytes(const struct type_schemas *s)
{
    return s->bytes;
}

/* The stored document is read anew: it is not kept parsed. */
static struct schema *compile_stored(const struct event_type *type, int32_t version)
{
    struct json_doc *doc = NULL;
    struct schema *schema = NULL;
    struct schema_errors errors;
    const struct json *v = NULL;
    struct arena arena;

    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    if (json_parse(type->object.config, JSON_DEPTH_MAX, &doc, NULL) == 0) {
        v = type_member(type_version(json_root(doc), version), "schema");
        schema = v == NULL ? NULL : compile(v, &errors);
    }
    if (v != NULL && schema == NULL) {
        LOG_E("a stored schema does not compile", "type=%lld version=%d",
              (long long)type->object.no, (int)version);
    }
    json_doc_free(doc);
    arena_done(&arena);
    return schema;
}

const struct schema *type_schemas_get(struct type_schemas *s, const struct event_type *type,
                                      int32_t version)
{
    struct kept_key key = { type->object.no, type->object.version, version, 0 };
    struct kept *kept = map_get(&s->by_key, key_of(&key));

    if (kept != NULL) {
        list_remove(&s->used, &kept->used);
        list_push_front(&s->used, &kept->used);
        return kept->schema;
    }
    kept = xalloc(sizeof(*kept));
    kept->key = key;
    kept->schema = compile_stored(type, version);
    kept->bytes = sizeof(*kept) + (kept->schema == NULL ? 0 : schema_bytes(kept->schema));
    (void)map_put(&s->by_key, key_of(&kept->key), kept);
    list_push_front(&s->used, &kept->used);
    s->count++;
    s->bytes += kept->bytes;
    while (s->count > 1 && (s->count > TYPE_SCHEMAS_MAX || s->bytes > TYPE_SCHEMA_BYTES_MAX)) {
        drop_oldest(s);
    }
    return kept->schema;
}

bool type_schemas_check(struct type_schemas *s, const struct event_type *type, int32_t version,
                        const struct json *data, struct str pointer, struct form_faults *faults)
{
    const struct schema *schema = type_schemas_get(s, type, version);
    struct schema_errors errors;
    bool valid = true;

    if (schema == NULL || (schema_check(schema, data, &valid, NULL) == 0 && valid)) {
        return true;
    }
    schema_errors_init(&errors, faults->arena);
    if (schema_check(schema, data, &valid, &errors) != 0) {
        ASSERT(errors.count > 0);
    }
    put_errors(&errors, "schema", pointer, faults);
    return false;
}
