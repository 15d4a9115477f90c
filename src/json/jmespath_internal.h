/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jmespath_internal.h - shared by jmespath*.c only.
 *
 *   jmespath_lex.c        text -> words
 *   jmespath_parse.c      words -> nodes
 *   jmespath_node.c       nodes: made and evaluated
 *   jmespath_functions.c  the functions of the language
 *   jmespath_sort.c       those that compare or take an expression
 *   jmespath_value.c      values: made, looked into, compared, written
 *
 * Everything that can fail says so by rc and leaves the sentence in the fault; a NULL value
 * pointer never stands for JSON null.
 */
#ifndef JSON_JMESPATH_INTERNAL_H
#define JSON_JMESPATH_INTERNAL_H

#include <stdbool.h>

#include "json/jmespath.h"

/* --- values */
enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT,
    VALUE_EXPRESSION /* &expression, as an argument */
};

struct node;

/* A container of the input is looked into when that is needed: until then items is NULL and
 * source says what it is. */
struct value {
    enum value_kind kind;
    bool truth;
    uint32_t count;
    struct str text; /* of a number as written, of a string decoded */
    const struct json *source;
    struct value **items;
    struct str *names; /* of an object, beside items */
    const struct node *node;
};

/* What one run may still use, and where it makes its values. */
struct run {
    struct arena *arena;
    struct jmespath_fault *fault;
    uint64_t steps;
    uint32_t values;
    size_t bytes;
};

/* Take from the budget; false: it is used up, and the fault says so. */
bool run_step(struct run *run, size_t steps);
bool run_bytes(struct run *run, size_t bytes);
/* Set the fault; -E_INVALID. */
int fault_set(struct jmespath_fault *fault, enum jmespath_error error, size_t at,
              const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Each gives NULL when the budget is used up. */
struct value *value_new(struct run *run, enum value_kind kind);
struct value *value_bool(struct run *run, bool truth);
struct value *value_int(struct run *run, int64_t number);
struct value *value_text(struct run *run, enum value_kind kind, struct str text); /* borrowed */
struct value *value_of_json(struct run *run, const struct json *json);
/* An array with room for `count` items, an object with names too; its count is 0. */
struct value *value_array(struct run *run, size_t count);
struct value *value_object(struct run *run, size_t count);
void value_push(struct value *array, struct value *item);
/* The value of a name that is there already is replaced. */
void value_put(struct value *object, struct str name, struct value *item);

/* v into *ret_value; -E_INVALID when it is NULL. */
NODISCARD int value_give(struct value *v, struct value **ret_value);

/* Fill items (and names) of a container. False: the budget is used up. */
bool value_open(struct run *run, struct value *v);
/* NULL only when the budget is used up; a name or place that is not there gives null. */
struct value *value_member(struct run *run, const struct value *v, struct str name);
struct value *value_item(struct run *run, struct value *v, int64_t at);
bool value_truth(const struct value *v);
const char *value_kind_name(enum value_kind kind);
NODISCARD int value_equal(struct run *run, struct value *a, struct value *b, bool *ret_equal);
/* Two numbers or two strings, in their order. False: the budget is used up. */
bool value_order(struct run *run, const struct value *a, const struct value *b, int *ret_order);
NODISCARD int value_write(struct run *run, struct value *v, struct buf *out);

/* --- expressions */
enum node_kind {
    NODE_IDENTITY,
    NODE_FIELD,             /* text */
    NODE_INDEX,             /* slice[0] */
    NODE_SLICE,             /* slice, has */
    NODE_SUB,               /* left, right; also a pipe */
    NODE_OR,                /* left, right */
    NODE_AND,               /* left, right */
    NODE_NOT,               /* left */
    NODE_COMPARE,           /* left, right; op */
    NODE_LITERAL,           /* literal */
    NODE_FLATTEN,           /* left */
    NODE_PROJECTION,        /* left, right */
    NODE_VALUES_PROJECTION, /* left, right */
    NODE_FILTER,            /* left, right, condition */
    NODE_LIST,              /* children */
    NODE_HASH,              /* children with names */
    NODE_FUNCTION,          /* children are the arguments; function */
    NODE_EXPRESSION         /* left */
};

enum compare_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

struct function;

struct node {
    enum node_kind kind;
    enum compare_op op;
    uint32_t depth;
    uint32_t count;
    struct node *left, *right, *condition;
    struct node **children;
    struct str *names;
    struct str text;
    struct value *literal;
    const struct function *function;
    int64_t slice[3]; /* start, stop, step */
    bool has[3];
};

struct jmespath {
    const struct node *root;
};

/* left and right may be NULL; depth is kept. */
struct node *node_new(struct arena *arena, enum node_kind kind, struct node *left,
                      struct node *right);
void node_add(struct arena *arena, struct node *node, struct node *child, struct str name);

NODISCARD int node_eval(struct run *run, const struct node *node, struct value *current,
                        struct value **ret_value);

/* --- functions */
enum { FUNCTION_ANY_ARGS = -1 };

struct function {
    const char *name;
    int args_min, args_max; /* FUNCTION_ANY_ARGS: no maximum */
    int (*call)(struct run *run, struct value **args, size_t count, struct value **ret_value);
};

const struct function *function_find(struct str name);

/* -E_INVALID, with the sentence. */
int arg_wrong_type(struct run *run, const char *function, const char *wanted,
                   const struct value *got);
/* False: the fault says why. The second: an array all of whose items are of that kind. */
bool arg_is_kind(struct run *run, const char *function, enum value_kind kind,
                 const struct value *v);
bool arg_is_array_of(struct run *run, const char *function, enum value_kind kind,
                     struct value *v);

/* jmespath_sort.c */
#define JMESPATH_FUNCTION(name)                                                                \
    int jmespath_##name(struct run *run, struct value **args, size_t count,                    \
                        struct value **ret_value)
JMESPATH_FUNCTION(map);
JMESPATH_FUNCTION(sort);
JMESPATH_FUNCTION(sort_by);
JMESPATH_FUNCTION(max);
JMESPATH_FUNCTION(max_by);
JMESPATH_FUNCTION(min);
JMESPATH_FUNCTION(min_by);

/* --- words */
enum word_kind {
    WORD_END,
    WORD_NAME,
    WORD_QUOTED, /* "name" */
    WORD_NUMBER,
    WORD_LITERAL, /* `json` or 'text' */
    WORD_DOT,
    WORD_STAR,
    WORD_FLATTEN, /* [] */
    WORD_FILTER,  /* [? */
    WORD_LBRACKET,
    WORD_RBRACKET,
    WORD_LBRACE,
    WORD_RBRACE,
    WORD_LPAREN,
    WORD_RPAREN,
    WORD_COMMA,
    WORD_COLON,
    WORD_PIPE,
    WORD_OR,
    WORD_AND,
    WORD_REFERENCE, /* & */
    WORD_NOT,
    WORD_CURRENT, /* @ */
    WORD_COMPARE
};

struct word {
    enum word_kind kind;
    size_t at;
    struct str text;       /* of a name, decoded */
    int64_t number;        /* WORD_NUMBER */
    struct value *literal; /* WORD_LITERAL */
    enum compare_op op;    /* WORD_COMPARE */
};

struct lexer {
    struct str text;
    size_t at;
    struct run *run; /* literals are made in its arena */
};

NODISCARD int lex_next(struct lexer *lexer, struct word *ret_word);

#endif
