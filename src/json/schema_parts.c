/* SPDX-License-Identifier: Apache-2.0 */
/* schema_parts.c - keywords that work together, compiled as one: those of objects, of arrays, of
 * contains, if/then/else, unevaluated. */
#include <stdlib.h>

#include "base/assert.h"
#include "json/schema_internal.h"

/* --- objects */
static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct property *)a)->name, ((const struct property *)b)->name);
}

/* Every name that a keyword speaks of, sorted, once. */
static void collect(struct object_part *part, const struct json *list, bool is_array)
{
    struct json_iter it = json_iter(list);
    const struct json *v;
    struct str name;

    while (list != NULL && (v = json_next(&it, &name)) != NULL) {
        part->properties[part->count++].name = is_array ? json_string(v) : name;
    }
}

static void sort_names(struct object_part *part)
{
    size_t kept = 0;

    qsort(part->properties, part->count, sizeof(struct property), by_name);
    for (size_t i = 0; i < part->count; i++) {
        if (kept == 0 || !str_eq(part->properties[kept - 1].name, part->properties[i].name)) {
            part->properties[kept++] = part->properties[i];
        }
    }
    part->count = kept;
}

static struct property *property(struct object_part *part, struct str name)
{
    struct property key = { .name = name };
    struct property *found =
        bsearch(&key, part->properties, part->count, sizeof(struct property), by_name);

    ASSERT(found != NULL);
    return found;
}

static bool is_names(const struct json *list)
{
    struct json_iter it = json_iter(list);
    const struct json *v;

    if (json_type(list) != JSON_ARRAY) {
        return false;
    }
    while ((v = json_next(&it, NULL)) != NULL) {
        if (json_type(v) != JSON_STRING) {
            return false;
        }
    }
    return true;
}

/* The member as an object; NULL when absent, or wrong with a fault. */
static const struct json *object_keyword(struct compiler *c, struct site *site,
                                         const char *keyword)
{
    const struct json *v = schema_keyword(site, keyword);

    if (v != NULL && json_type(v) != JSON_OBJECT) {
        schema_fault(c, site, keyword, "It needs an object.");
        return NULL;
    }
    return v;
}

static const struct json *names_keyword(struct compiler *c, struct site *site,
                                        const char *keyword)
{
    const struct json *v = schema_keyword(site, keyword);

    if (v != NULL && !is_names(v)) {
        schema_fault(c, site, keyword, "It needs an array of names.");
        return NULL;
    }
    return v;
}

static struct node *one_keyword(struct compiler *c, struct site *site, const char *keyword)
{
    const struct json *v = schema_keyword(site, keyword);

    return v == NULL ? NULL : schema_child(c, site, keyword, v);
}

static void put_properties(struct compiler *c, struct site *site, struct object_part *part,
                           const struct json *list)
{
    struct json_iter it = json_iter(list);
    const struct json *v;
    struct str name;

    while (list != NULL && (v = json_next(&it, &name)) != NULL) {
        property(part, name)->node = schema_child(c, site, "properties", v);
    }
}

static void put_required(struct object_part *part, const struct json *list)
{
    struct json_iter it = json_iter(list);
    const struct json *v;

    while (list != NULL && (v = json_next(&it, NULL)) != NULL) {
        property(part, json_string(v))->required = true;
        part->has_required = true;
    }
}

/* dependentSchemas, dependentRequired, and `dependencies` which is both. */
static void put_dependents(struct compiler *c, struct site *site, struct object_part *part,
                           const char *keyword, const struct json *list)
{
    bool names_allowed = str_eq_c(STR("dependentSchemas"), keyword) ? false : true;
    bool schemas_allowed = str_eq_c(STR("dependentRequired"), keyword) ? false : true;
    struct json_iter it = json_iter(list);
    const struct json *v;
    struct str name;

    while (list != NULL && (v = json_next(&it, &name)) != NULL) {
        if (names_allowed && is_names(v)) {
            property(part, name)->needs = v;
            part->needs_keyword = keyword;
        } else if (schemas_allowed) {
            property(part, name)->dependent = schema_child(c, site, keyword, v);
            part->dependent_keyword = keyword;
        } else {
            schema_fault(c, site, keyword, "It needs arrays of names.");
        }
    }
}

static void put_patterns(struct compiler *c, struct site *site, struct object_part *part,
                         const struct json *list)
{
    size_t count = list == NULL ? 0 : json_count(list);
    struct json_iter it = json_iter(list);
    const struct json *v;
    struct str name;

    part->patterns = arena_alloc(&c->schema->arena, (count + 1) * sizeof(struct pattern *));
    part->pattern_nodes = arena_alloc(&c->schema->arena, (count + 1) * sizeof(struct node *));
    while (list != NULL && c->rc == 0 && (v = json_next(&it, &name)) != NULL) {
        part->patterns[part->pattern_count] =
            schema_pattern(c, site, "patternProperties", name);
        part->pattern_nodes[part->pattern_count] =
            schema_child(c, site, "patternProperties", v);
        part->pattern_count++;
    }
}

static size_t count_of(const struct json *v)
{
    return v == NULL ? 0 : json_count(v);
}

static void compile_object(struct compiler *c, struct site *site, struct node *node)
{
    const struct json *properties = object_keyword(c, site, "properties");
    const struct json *patterns = object_keyword(c, site, "patternProperties");
    const struct json *required = names_keyword(c, site, "required");
    const struct json *schemas = object_keyword(c, site, "dependentSchemas");
    const struct json *needs = object_keyword(c, site, "dependentRequired");
    const struct json *both = object_keyword(c, site, "dependencies");
    struct node *additional = one_keyword(c, site, "additionalProperties");
    struct node *property_names = one_keyword(c, site, "propertyNames");
    size_t names = count_of(properties) + count_of(required) + count_of(schemas) +
                   count_of(needs) + count_of(both);
    struct object_part *part;

    if (names == 0 && patterns == NULL && additional == NULL && property_names == NULL) {
        return;
    }
    part = arena_alloc(&c->schema->arena, sizeof(*part));
    part->additional = additional;
    part->names = property_names;
    part->properties = arena_alloc(&c->schema->arena, (names + 1) * sizeof(struct property));
    collect(part, properties, false);
    collect(part, required, true);
    collect(part, schemas, false);
    collect(part, needs, false);
    collect(part, both, false);
    sort_names(part);
    put_properties(c, site, part, properties);
    put_required(part, required);
    put_dependents(c, site, part, "dependentSchemas", schemas);
    put_dependents(c, site, part, "dependentRequired", needs);
    put_dependents(c, site, part, "dependencies", both);
    put_patterns(c, site, part, patterns);
    node->object = part;
}

/* --- arrays */
static void compile_array(struct compiler *c, struct site *site, struct node *node)
{
    const struct json *prefix = schema_keyword(site, "prefixItems");
    const struct json *items = schema_keyword(site, "items");
    struct array_part *part;

    if (prefix == NULL && items == NULL) {
        return;
    }
    part = arena_alloc(&c->schema->arena, sizeof(*part));
    part->prefix_keyword = "prefixItems";
    part->rest_keyword = "items";
    if (site->resource->dialect.draft == SCHEMA_DRAFT_07) {
        part->prefix_keyword = "items";
        if (items != NULL && json_type(items) == JSON_ARRAY) {
            prefix = json_count(items) > 0 ? items : NULL;
            items = schema_keyword(site, "additionalItems");
            part->rest_keyword = "additionalItems";
        }
    }
    if (prefix != NULL) {
        part->prefix =
            schema_children(c, site, part->prefix_keyword, prefix, &part->prefix_count);
    }
    if (items != NULL) {
        part->rest = schema_child(c, site, part->rest_keyword, items);
    }
    if (part->prefix != NULL || part->rest != NULL) {
        node->array = part;
    }
}

static void compile_contains(struct compiler *c, struct site *site, struct node *node)
{
    const struct json *v = schema_keyword(site, "contains");
    const struct json *min = schema_keyword(site, "minContains");
    const struct json *max = schema_keyword(site, "maxContains");
    struct contains_part *part;

    if (v == NULL) {
        return;
    }
    part = arena_alloc(&c->schema->arena, sizeof(*part));
    part->min = 1;
    part->max = INT64_MAX;
    part->marks = site->resource->dialect.draft == SCHEMA_2020_12;
    if (min != NULL) {
        (void)schema_count(c, site, "minContains", min, &part->min);
    }
    if (max != NULL) {
        (void)schema_count(c, site, "maxContains", max, &part->max);
    }
    part->node = schema_child(c, site, "contains", v);
    node->contains = part;
}

void schema_compile_parts(struct compiler *c, struct site *site, struct node *node)
{
    ASSERT(node->kind == NODE_RULES);
    compile_object(c, site, node);
    compile_array(c, site, node);
    compile_contains(c, site, node);
    node->condition = one_keyword(c, site, "if");
    node->then = one_keyword(c, site, "then");
    node->otherwise = one_keyword(c, site, "else");
    node->unevaluated_items = one_keyword(c, site, "unevaluatedItems");
    node->unevaluated_properties = one_keyword(c, site, "unevaluatedProperties");
}
