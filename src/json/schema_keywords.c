/* SPDX-License-Identifier: Apache-2.0 */
/* schema_keywords.c - the table of keywords, and how each becomes a rule of a node. */
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "json/schema_internal.h"

enum { IN_2020 = 1, IN_07 = 2, IN_BOTH = 3 };

struct keyword;
typedef void keyword_compile(struct compiler *c, struct site *site, struct rule *rule);

struct keyword {
    const char *name;
    unsigned drafts;
    unsigned vocabulary;
    enum keyword_shape shape;
    keyword_compile *compile; /* NULL: schema_parts.c looks at it, or it checks nothing */
    rule_check *check;
};

static keyword_compile read_types, read_any, read_enum, read_divisor, read_number, read_limit;
static keyword_compile read_pattern, read_flag, read_list, read_one, read_ref;

#define CORE        VOCABULARY_CORE
#define APPLICATOR  VOCABULARY_APPLICATOR
#define VALIDATION  VOCABULARY_VALIDATION
#define UNEVALUATED VOCABULARY_UNEVALUATED

/* clang-format off */
static const struct keyword keywords[] = {
    { "type",             IN_BOTH, VALIDATION, SHAPE_NONE, read_types,   check_type },
    { "const",            IN_BOTH, VALIDATION, SHAPE_NONE, read_any,     check_const },
    { "enum",             IN_BOTH, VALIDATION, SHAPE_NONE, read_enum,    check_enum },
    { "multipleOf",       IN_BOTH, VALIDATION, SHAPE_NONE, read_divisor, check_multiple },
    { "maximum",          IN_BOTH, VALIDATION, SHAPE_NONE, read_number,  check_maximum },
    { "exclusiveMaximum", IN_BOTH, VALIDATION, SHAPE_NONE, read_number,  check_below_maximum },
    { "minimum",          IN_BOTH, VALIDATION, SHAPE_NONE, read_number,  check_minimum },
    { "exclusiveMinimum", IN_BOTH, VALIDATION, SHAPE_NONE, read_number,  check_above_minimum },
    { "maxLength",        IN_BOTH, VALIDATION, SHAPE_NONE, read_limit,   check_length_max },
    { "minLength",        IN_BOTH, VALIDATION, SHAPE_NONE, read_limit,   check_length_min },
    { "pattern",          IN_BOTH, VALIDATION, SHAPE_NONE, read_pattern, check_pattern },
    { "maxItems",         IN_BOTH, VALIDATION, SHAPE_NONE, read_limit,   check_items_max },
    { "minItems",         IN_BOTH, VALIDATION, SHAPE_NONE, read_limit,   check_items_min },
    { "uniqueItems",      IN_BOTH, VALIDATION, SHAPE_NONE, read_flag,    check_unique },
    { "maxProperties",    IN_BOTH, VALIDATION, SHAPE_NONE, read_limit,   check_properties_max },
    { "minProperties",    IN_BOTH, VALIDATION, SHAPE_NONE, read_limit,   check_properties_min },
    { "required",         IN_BOTH, VALIDATION, SHAPE_NONE, NULL, NULL },
    { "dependentRequired", IN_2020, VALIDATION, SHAPE_NONE, NULL, NULL },
    { "minContains",      IN_2020, VALIDATION, SHAPE_NONE, NULL, NULL },
    { "maxContains",      IN_2020, VALIDATION, SHAPE_NONE, NULL, NULL },

    { "$ref",             IN_BOTH, CORE, SHAPE_NONE, read_ref, check_ref },
    { "$dynamicRef",      IN_2020, CORE, SHAPE_NONE, read_ref, check_ref },
    { "$defs",            IN_2020, CORE, SHAPE_MAP,  NULL, NULL },
    { "definitions",      IN_BOTH, CORE, SHAPE_MAP,  NULL, NULL },

    { "allOf",            IN_BOTH, APPLICATOR, SHAPE_LIST,   read_list, check_all_of },
    { "anyOf",            IN_BOTH, APPLICATOR, SHAPE_LIST,   read_list, check_any_of },
    { "oneOf",            IN_BOTH, APPLICATOR, SHAPE_LIST,   read_list, check_one_of },
    { "not",              IN_BOTH, APPLICATOR, SHAPE_SCHEMA, read_one,  check_not },
    { "if",               IN_BOTH, APPLICATOR, SHAPE_SCHEMA, NULL, NULL },
    { "then",             IN_BOTH, APPLICATOR, SHAPE_SCHEMA, NULL, NULL },
    { "else",             IN_BOTH, APPLICATOR, SHAPE_SCHEMA, NULL, NULL },
    { "dependentSchemas", IN_2020, APPLICATOR, SHAPE_MAP,    NULL, NULL },
    { "dependencies",     IN_07,   APPLICATOR, SHAPE_DEPENDS, NULL, NULL },
    { "properties",       IN_BOTH, APPLICATOR, SHAPE_MAP,    NULL, NULL },
    { "patternProperties", IN_BOTH, APPLICATOR, SHAPE_MAP,   NULL, NULL },
    { "additionalProperties", IN_BOTH, APPLICATOR, SHAPE_SCHEMA, NULL, NULL },
    { "propertyNames",    IN_BOTH, APPLICATOR, SHAPE_SCHEMA, NULL, NULL },
    { "prefixItems",      IN_2020, APPLICATOR, SHAPE_LIST,   NULL, NULL },
    { "items",            IN_2020, APPLICATOR, SHAPE_SCHEMA, NULL, NULL },
    { "items",            IN_07,   APPLICATOR, SHAPE_ITEMS,  NULL, NULL },
    { "additionalItems",  IN_07,   APPLICATOR, SHAPE_SCHEMA, NULL, NULL },
    { "contains",         IN_BOTH, APPLICATOR, SHAPE_SCHEMA, NULL, NULL },

    { "unevaluatedItems", IN_2020, UNEVALUATED, SHAPE_SCHEMA, NULL, NULL },
    { "unevaluatedProperties", IN_2020, UNEVALUATED, SHAPE_SCHEMA, NULL, NULL },
};
/* clang-format on */

static const struct keyword *find(struct str name, const struct dialect *dialect)
{
    unsigned draft = dialect->draft == SCHEMA_2020_12 ? IN_2020 : IN_07;

    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        const struct keyword *k = &keywords[i];

        if (str_eq_c(name, k->name) && (k->drafts & draft) != 0) {
            return (k->vocabulary & dialect->vocabularies) != 0 ? k : NULL;
        }
    }
    return NULL;
}

enum keyword_shape schema_keyword_shape(struct str name, const struct dialect *dialect)
{
    const struct keyword *k = find(name, dialect);

    return k == NULL ? SHAPE_NONE : k->shape;
}

const struct json *schema_keyword(const struct site *site, const char *name)
{
    const struct json *v = json_member(site->at, name);

    return v == NULL || find(str_from(name), &site->resource->dialect) == NULL ? NULL : v;
}

/* --- nodes */
struct node *schema_node(struct compiler *c, struct site *site)
{
    if (site->node != NULL) {
        return site->node;
    }
    site->node = arena_alloc(&c->schema->arena, sizeof(*site->node));
    site->node->site = site;
    c->schema->node_count++;
    if (c->work_count == c->work_room) {
        c->work_room = c->work_room == 0 ? 64 : c->work_room * 2;
        c->work = xrealloc(c->work, c->work_room * sizeof(*c->work));
    }
    c->work[c->work_count++] = site;
    return site->node;
}

struct node *schema_child(struct compiler *c, const struct site *site, const char *keyword,
                          const struct json *at)
{
    struct site *child = schema_site(c, at);

    if (child == NULL) {
        schema_fault(c, site, keyword, "A schema is an object, true or false.");
        return NULL;
    }
    return schema_node(c, child);
}

struct node **schema_children(struct compiler *c, const struct site *site, const char *keyword,
                              const struct json *list, size_t *ret_count)
{
    struct node **nodes =
        arena_alloc(&c->schema->arena, (json_count(list) + 1) * sizeof(struct node *));
    struct json_iter it = json_iter(list);
    const struct json *v;
    size_t count = 0;

    if (json_type(list) != JSON_ARRAY || json_count(list) == 0) {
        schema_fault(c, site, keyword, "It needs an array with one schema at least.");
        return NULL;
    }
    while ((v = json_next(&it, NULL)) != NULL) {
        nodes[count++] = schema_child(c, site, keyword, v);
    }
    *ret_count = count;
    return nodes;
}

/* --- values of keywords */
static bool type_bit(struct str name, unsigned *types)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = { { "null", 1u << JSON_NULL },     { "boolean", 1u << JSON_BOOL },
                  { "number", 1u << JSON_NUMBER }, { "string", 1u << JSON_STRING },
                  { "array", 1u << JSON_ARRAY },   { "object", 1u << JSON_OBJECT },
                  { "integer", TYPE_INTEGER } };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_eq_c(name, names[i].name)) {
            bool is_new = (*types & names[i].bit) == 0;

            *types |= names[i].bit;
            return is_new;
        }
    }
    return false;
}

static void read_types(struct compiler *c, struct site *site, struct rule *rule)
{
    struct json_iter it = json_iter(rule->value);
    bool is_right = true;
    const struct json *v;

    rule->types = 0;
    if (json_type(rule->value) == JSON_STRING) {
        is_right = type_bit(json_string(rule->value), &rule->types);
    } else {
        is_right = json_type(rule->value) == JSON_ARRAY && json_count(rule->value) > 0;
        while (is_right && (v = json_next(&it, NULL)) != NULL) {
            is_right = type_bit(json_string(v), &rule->types);
        }
    }
    if (!is_right) {
        schema_fault(c, site, rule->keyword,
                     "A type is null, boolean, integer, number, string, array or object, or an "
                     "array of some of them.");
    }
}

static void read_any(struct compiler *c, struct site *site, struct rule *rule)
{
    (void)c;
    (void)site;
    (void)rule;
}

static void read_enum(struct compiler *c, struct site *site, struct rule *rule)
{
    if (json_type(rule->value) != JSON_ARRAY) {
        schema_fault(c, site, rule->keyword, "It needs an array of values.");
    }
}

static void read_number(struct compiler *c, struct site *site, struct rule *rule)
{
    if (decimal_parse(json_number(rule->value), &rule->number) != 0) {
        schema_fault(c, site, rule->keyword, "It needs a number.");
    }
}

static void read_divisor(struct compiler *c, struct site *site, struct rule *rule)
{
    if (decimal_parse(json_number(rule->value), &rule->number) != 0 ||
        !decimal_is_divisor(&rule->number)) {
        schema_fault(c, site, rule->keyword, "It needs a number above 0, of at most %d digits.",
                     (int)DECIMAL_DIVISOR_DIGITS);
    }
}

bool schema_count(struct compiler *c, const struct site *site, const char *keyword,
                  const struct json *v, int64_t *ret)
{
    struct decimal n;

    if (decimal_parse(json_number(v), &n) == 0 && decimal_count(&n, ret) == 0) {
        return true;
    }
    schema_fault(c, site, keyword, "It needs an integer that is not negative.");
    return false;
}

static void read_limit(struct compiler *c, struct site *site, struct rule *rule)
{
    (void)schema_count(c, site, rule->keyword, rule->value, &rule->count);
}

static void read_flag(struct compiler *c, struct site *site, struct rule *rule)
{
    if (json_type(rule->value) != JSON_BOOL) {
        schema_fault(c, site, rule->keyword, "It needs true or false.");
    }
    rule->count = json_bool(rule->value) ? 1 : 0;
}

struct pattern *schema_pattern(struct compiler *c, const struct site *site, const char *keyword,
                               struct str text)
{
    struct schema *s = c->schema;
    struct pattern *pattern = NULL;
    struct err err;

    if (s->pattern_count == SCHEMA_PATTERNS_MAX) {
        schema_limit(c, "The schema has more than %d patterns.", (int)SCHEMA_PATTERNS_MAX);
        return NULL;
    }
    if (pattern_compile(text, &pattern, &err) != 0) {
        schema_fault(c, site, keyword, "%s", err.text);
        return NULL;
    }
    if (s->patterns == NULL) {
        s->patterns = xcalloc(SCHEMA_PATTERNS_MAX, sizeof(struct pattern *));
    }
    s->patterns[s->pattern_count++] = pattern;
    s->pattern_bytes += pattern_bytes(pattern);
    if (s->pattern_bytes > SCHEMA_PATTERN_BYTES_MAX) {
        schema_limit(c, "The patterns of the schema are too large together.");
    }
    return pattern;
}

static void read_pattern(struct compiler *c, struct site *site, struct rule *rule)
{
    if (json_type(rule->value) != JSON_STRING) {
        schema_fault(c, site, rule->keyword, "It needs a string.");
        return;
    }
    rule->pattern = schema_pattern(c, site, rule->keyword, json_string(rule->value));
}

static void read_list(struct compiler *c, struct site *site, struct rule *rule)
{
    rule->nodes.list = schema_children(c, site, rule->keyword, rule->value, &rule->nodes.count);
}

static void read_one(struct compiler *c, struct site *site, struct rule *rule)
{
    rule->ref.node = schema_child(c, site, rule->keyword, rule->value);
}

static void read_ref(struct compiler *c, struct site *site, struct rule *rule)
{
    struct str dynamic = STR_NONE;
    struct site *target;

    if (json_type(rule->value) != JSON_STRING) {
        schema_fault(c, site, rule->keyword, "It needs a string.");
        return;
    }
    target = schema_resolve(c, site, rule->keyword, json_string(rule->value), &dynamic);
    if (target != NULL) {
        rule->ref.node = schema_node(c, target);
        rule->ref.dynamic = strcmp(rule->keyword, "$dynamicRef") == 0 ? dynamic : STR_NONE;
    }
}

/* --- one site */
static void compile_rules(struct compiler *c, struct site *site, struct node *node)
{
    bool only_ref = site->resource->dialect.draft == SCHEMA_DRAFT_07 &&
                    json_member(site->at, "$ref") != NULL;
    struct json_iter it = json_iter(site->at);
    const struct json *v;
    struct str name;

    node->rules =
        arena_alloc(&c->schema->arena, (json_count(site->at) + 1) * sizeof(struct rule));
    while (c->rc == 0 && (v = json_next(&it, &name)) != NULL) {
        const struct keyword *k = find(name, &site->resource->dialect);
        struct rule *rule = &node->rules[node->rule_count];

        if (k == NULL || k->compile == NULL || (only_ref && k->compile != read_ref)) {
            continue;
        }
        *rule = (struct rule){ .keyword = k->name, .check = k->check, .value = v };
        node->rule_count++;
        k->compile(c, site, rule);
    }
    if (!only_ref) {
        schema_compile_parts(c, site, node);
    }
}

void schema_compile_site(struct compiler *c, struct site *site)
{
    struct node *node = site->node;

    ASSERT(node != NULL && node->site == site);
    switch (json_type(site->at)) {
    case JSON_BOOL:
        node->kind = json_bool(site->at) ? NODE_TRUE : NODE_FALSE;
        break;
    case JSON_OBJECT:
        node->kind = NODE_RULES;
        compile_rules(c, site, node);
        break;
    case JSON_NULL:
    case JSON_NUMBER:
    case JSON_STRING:
    case JSON_ARRAY:
        schema_fault(c, site, NULL, "A schema is an object, true or false.");
        break;
    }
}
