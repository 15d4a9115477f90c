/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_internal.h - what the files of json/schema share: places of schemas in documents, and the
 * compiled form.
 *
 * document   one JSON text
 * resource   a schema with a URI of its own ($id), or the root of a document; holds its anchors
 * site       one place where a schema stands; sites make a chain up to the root of their document
 * node       the compiled form of a site
 */
#ifndef JSON_SCHEMA_INTERNAL_H
#define JSON_SCHEMA_INTERNAL_H

#include "base/map.h"
#include "json/decimal.h"
#include "json/pattern.h"
#include "json/schema.h"

struct node;

/* Bits of the vocabularies of 2020-12; draft-07 has all but unevaluated. */
enum {
    VOCABULARY_CORE = 1,
    VOCABULARY_APPLICATOR = 2,
    VOCABULARY_VALIDATION = 4,
    VOCABULARY_UNEVALUATED = 8,
    VOCABULARY_ALL = 15
};

struct dialect {
    enum schema_draft draft;
    unsigned vocabularies;
};

struct anchor {
    struct str name;
    struct site *site;
    bool dynamic;
    struct anchor *next;
};

struct resource {
    struct str uri; /* without fragment; may be empty */
    struct dialect dialect;
    struct site *root;
    struct anchor *anchors;
};

struct document {
    struct json_doc *doc;
    struct str uri; /* where it was found, "" for the schema itself */
    struct document *next;
};

struct site {
    const struct json *at; /* first: its bytes are the key of the map of sites */
    struct resource *resource;
    const struct site *up;
    struct str token; /* "/properties/name", escaped; of a root: the document's URI */
    struct node *node;
};

/* --- compiled */
enum node_kind { NODE_TRUE, NODE_FALSE, NODE_RULES };

struct check;
struct rule;
struct frame;
typedef bool rule_check(struct check *c, const struct rule *r, const struct frame *f);

struct rule {
    const char *keyword;
    rule_check *check;
    const struct json *value; /* as written in the schema */
    union {
        struct decimal number;
        int64_t count;
        unsigned types; /* bits of enum json_type; TYPE_INTEGER */
        struct pattern *pattern;
        struct {
            struct node **list;
            size_t count;
        } nodes;
        struct {
            struct node *node;
            struct str dynamic; /* $dynamicRef: the name to look for, else NULL p */
        } ref;
    };
};

enum { TYPE_INTEGER = 1u << 8 };

/* A name that properties, required or dependencies speak of; sorted by name. */
struct property {
    struct str name;
    struct node *node; /* properties; NULL: none */
    bool required;
    const struct json *needs; /* dependentRequired: array of names */
    struct node *dependent;   /* dependentSchemas */
};

struct object_part {
    struct property *properties;
    size_t count;
    struct pattern **patterns;
    struct node **pattern_nodes;
    size_t pattern_count;
    struct node *additional, *names;
    const char *needs_keyword, *dependent_keyword;
    bool has_required;
};

struct array_part {
    struct node **prefix;
    size_t prefix_count;
    struct node *rest;
    const char *prefix_keyword, *rest_keyword;
};

struct contains_part {
    struct node *node;
    int64_t min, max;
    bool marks;
};

struct node {
    enum node_kind kind;
    const struct site *site;
    struct rule *rules;
    size_t rule_count;
    struct object_part *object;
    struct array_part *array;
    struct contains_part *contains;
    struct node *condition, *then, *otherwise;
    struct node *unevaluated_items, *unevaluated_properties;
};

struct schema {
    struct arena arena;
    struct document *documents; /* the schema itself is the last */
    struct map sites, resources;
    struct node *root;
    struct pattern **patterns;
    size_t pattern_count, pattern_bytes, node_count;
};

/* --- while compiling */
struct compiler {
    struct schema *schema;
    const struct schema_options *options;
    struct schema_errors *errors;
    struct site **work; /* sites whose node waits to be compiled */
    size_t work_count, work_room;
    size_t site_count;
    int rc; /* of a limit */
};

/* A fault at `site` + "/keyword" (keyword NULL: the schema itself). */
void schema_fault(struct compiler *c, const struct site *site, const char *keyword,
                  const char *fmt, ...) PRINTF_LIKE(4, 5);
void schema_limit(struct compiler *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Adds one, or says that there are more. Pointers are cut at SCHEMA_POINTER_MAX. */
void schema_error_add(struct schema_errors *errors, struct str instance, struct str schema,
                      const char *keyword, struct str text);
/* "#/..." of a site, with the URI of its document in front unless it is the schema itself. */
struct str schema_site_pointer(struct arena *arena, const struct site *site,
                               const char *keyword);

/* --- schema_scan.c: documents, resources, sites */
/* The document's root site; NULL after a fault. */
struct site *schema_add_document(struct compiler *c, struct str text, struct str uri);
/* The site of a value that stands where a schema may stand; scans it when it is new. */
struct site *schema_site(struct compiler *c, const struct json *at);
struct site *schema_scan(struct compiler *c, const struct json *at, struct resource *resource,
                         const struct site *up, struct str token);
/* Vocabularies of a metaschema, by its URI. False: not known here. */
bool schema_dialect(struct compiler *c, struct str uri, struct dialect *ret);
struct resource *schema_resource(struct compiler *c, struct str uri);

/* --- schema_ref.c: what a reference means. NULL after a fault. ret_dynamic: the name of the dynamic
 * anchor that it ended at, else NULL p. */
struct site *schema_resolve(struct compiler *c, const struct site *from, const char *keyword,
                            struct str reference, struct str *ret_dynamic);
/* Text of a metaschema, NULL p when unknown. */
struct str schema_metaschema(struct str uri);

/* --- schema_keywords.c */
enum keyword_shape {
    SHAPE_NONE,
    SHAPE_SCHEMA,
    SHAPE_LIST,   /* array of schemas */
    SHAPE_MAP,    /* object of schemas */
    SHAPE_ITEMS,  /* a schema, or (draft-07) an array of them */
    SHAPE_DEPENDS /* object of schemas or arrays of names */
};
enum keyword_shape schema_keyword_shape(struct str name, const struct dialect *dialect);
/* The member, if the dialect knows that keyword. */
const struct json *schema_keyword(const struct site *site, const char *name);
void schema_compile_site(struct compiler *c, struct site *site);
/* The node of a site, made now or later. */
struct node *schema_node(struct compiler *c, struct site *site);
/* The node of a schema below `site`, under that keyword; NULL after a fault. */
struct node *schema_child(struct compiler *c, const struct site *site, const char *keyword,
                          const struct json *at);
/* All of an array; ret_count is set. NULL after a fault. */
struct node **schema_children(struct compiler *c, const struct site *site, const char *keyword,
                              const struct json *list, size_t *ret_count);
struct pattern *schema_pattern(struct compiler *c, const struct site *site, const char *keyword,
                               struct str text);
/* An integer that is not negative; false after a fault. */
bool schema_count(struct compiler *c, const struct site *site, const char *keyword,
                  const struct json *v, int64_t *ret);

/* --- schema_parts.c: keywords that work together */
void schema_compile_parts(struct compiler *c, struct site *site, struct node *node);

/* --- checking */
struct marks;  /* which members or items were looked at */
struct scope { /* resources entered, innermost first */
    const struct resource *resource;
    const struct scope *outer;
};
struct place { /* way to a value, innermost first */
    const struct place *up;
    struct str name; /* NULL p: an item */
    size_t index;
};

struct frame {
    const struct node *node;
    const struct json *value;
    const struct place *place;
    const struct scope *scope;
    const struct marks *marks; /* NULL: nobody asks */
};

struct marks {
    size_t at;    /* first word in check.words */
    size_t count; /* of words */
};

struct check {
    int64_t steps, pattern_steps;
    unsigned depth;
    unsigned quiet; /* > 0: only the answer counts */
    int rc;         /* of a limit; then every answer is void */
    const char *limit;
    struct schema_errors *errors;
    struct pattern_run *run;
    uint64_t *words; /* a stack of bits */
    size_t word_count, word_room;
};

/* One more step; false when there are none left. */
bool check_spend(struct check *c, int64_t steps);
bool check_stop(struct check *c, const char *limit); /* always false */
/* Apply a node in place: same value, same marks. */
bool check_in_place(struct check *c, const struct node *node, const struct frame *f,
                    const struct marks *marks);
/* Apply a node to a member or an item. */
bool check_below(struct check *c, const struct node *node, const struct frame *f,
                 const struct json *value, struct str name, size_t index);
/* Without errors and marks. */
bool check_silently(struct check *c, const struct node *node, const struct frame *f,
                    const struct json *value);
/* Record a failure of `keyword`; always false. */
bool check_fail(struct check *c, const struct frame *f, const char *keyword, const char *fmt,
                ...) PRINTF_LIKE(4, 5);
bool check_match(struct check *c, const struct pattern *p, struct str text);
/* May the check end here? After a failure that nobody wants more of, or at a limit. */
bool check_over(const struct check *c, bool valid);

void marks_push(struct check *c, size_t bits, struct marks *ret);
void marks_pop(struct check *c, const struct marks *marks);
void marks_set(struct check *c, const struct marks *marks, size_t bit); /* NULL allowed */
void marks_set_all(struct check *c, const struct marks *marks);
bool marks_has(const struct check *c, const struct marks *marks, size_t bit);
void marks_merge(struct check *c, const struct marks *into, const struct marks *from);

/* Rules of one keyword (schema_check_rules.c) and of several (schema_check_parts.c). */
rule_check check_type, check_enum, check_const, check_multiple, check_maximum, check_minimum;
rule_check check_above_minimum, check_below_maximum, check_length_max, check_length_min;
rule_check check_pattern, check_items_max, check_items_min, check_unique, check_properties_max;
rule_check check_properties_min, check_all_of, check_any_of, check_one_of, check_not, check_ref;
bool check_object(struct check *c, const struct frame *f);
bool check_array(struct check *c, const struct frame *f);
bool check_contains(struct check *c, const struct frame *f);
bool check_condition(struct check *c, const struct frame *f);
bool check_unevaluated(struct check *c, const struct frame *f);

#endif
