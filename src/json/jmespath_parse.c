/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jmespath_parse.c - words to nodes, by operator precedence.
 *
 * A word binds the expression before it with the strength of strength(). A projection takes what
 * follows it as its right side as long as that binds stronger than PROJECTION_ENDS: so `a[*].b` is
 * applied to each item, and `a[*] | b` to the whole.
 */
#include "json/jmespath_internal.h"

enum {
    STRENGTH_NONE = 0,
    STRENGTH_PIPE = 1,
    STRENGTH_OR = 2,
    STRENGTH_AND = 3,
    STRENGTH_COMPARE = 5,
    STRENGTH_FLATTEN = 9,
    PROJECTION_ENDS = 10,
    STRENGTH_STAR = 20,
    STRENGTH_FILTER = 21,
    STRENGTH_DOT = 40,
    STRENGTH_NOT = 45,
    STRENGTH_BRACE = 50,
    STRENGTH_BRACKET = 55,
    STRENGTH_PAREN = 60
};

struct parser {
    struct lexer lexer;
    struct word word, after; /* the one to be read next, and the one behind it */
    struct arena *arena;
    struct jmespath_fault *fault;
    uint32_t depth;
};

static int parse(struct parser *p, int strength, struct node **ret_node);

static int refuse(struct parser *p, const char *what)
{
    (void)fault_set(p->fault, JMESPATH_SYNTAX, p->word.at, "%s at byte %zu.", what, p->word.at);
    return -E_INVALID;
}

static int advance(struct parser *p)
{
    p->word = p->after;
    return lex_next(&p->lexer, &p->after);
}

static int expect(struct parser *p, enum word_kind kind, const char *what)
{
    return p->word.kind == kind ? advance(p) : refuse(p, what);
}

static int strength(enum word_kind kind)
{
    switch (kind) {
    case WORD_PIPE:
        return STRENGTH_PIPE;
    case WORD_OR:
        return STRENGTH_OR;
    case WORD_AND:
        return STRENGTH_AND;
    case WORD_COMPARE:
        return STRENGTH_COMPARE;
    case WORD_FLATTEN:
        return STRENGTH_FLATTEN;
    case WORD_STAR:
        return STRENGTH_STAR;
    case WORD_FILTER:
        return STRENGTH_FILTER;
    case WORD_DOT:
        return STRENGTH_DOT;
    case WORD_NOT:
        return STRENGTH_NOT;
    case WORD_LBRACE:
        return STRENGTH_BRACE;
    case WORD_LBRACKET:
        return STRENGTH_BRACKET;
    case WORD_LPAREN:
        return STRENGTH_PAREN;
    case WORD_END:
    case WORD_NAME:
    case WORD_QUOTED:
    case WORD_NUMBER:
    case WORD_LITERAL:
    case WORD_RBRACKET:
    case WORD_RBRACE:
    case WORD_RPAREN:
    case WORD_COMMA:
    case WORD_COLON:
    case WORD_REFERENCE:
    case WORD_CURRENT:
        break;
    }
    return STRENGTH_NONE;
}

/* --- nodes */
static int node_check(struct parser *p, const struct node *node)
{
    if (node->depth <= JMESPATH_DEPTH_MAX) {
        return 0;
    }
    (void)fault_set(p->fault, JMESPATH_LIMIT, p->word.at,
                    "The expression has more than %d levels.", (int)JMESPATH_DEPTH_MAX);
    return -E_INVALID;
}

/* --- what stands in brackets and braces */
/* [number], [start:stop:step]; the opening bracket is read. */
static int parse_index(struct parser *p, struct node **ret_node)
{
    struct node *node = node_new(p->arena, NODE_INDEX, NULL, NULL);
    size_t part = 0;
    int rc = 0;

    while (rc == 0 && p->word.kind != WORD_RBRACKET) {
        if (p->word.kind == WORD_COLON) {
            node->kind = NODE_SLICE;
            if (++part > 2) {
                return refuse(p, "A slice has three parts at most");
            }
        } else if (p->word.kind == WORD_NUMBER && !node->has[part]) {
            node->slice[part] = p->word.number;
            node->has[part] = true;
        } else {
            return refuse(p, "A number or ] was expected");
        }
        rc = advance(p);
    }
    if (rc == 0 && node->kind == NODE_SLICE && node->has[2] && node->slice[2] == 0) {
        (void)fault_set(p->fault, JMESPATH_INVALID_VALUE, p->word.at,
                        "The step of a slice is not 0.");
        return -E_INVALID;
    }
    *ret_node = node;
    return rc == 0 ? advance(p) : rc;
}

/* expression, expression ...]; the opening bracket is read. */
static int parse_list(struct parser *p, struct node **ret_node)
{
    struct node *node = node_new(p->arena, NODE_LIST, NULL, NULL);

    for (;;) {
        struct node *child = NULL;
        int rc = parse(p, STRENGTH_NONE, &child);

        if (rc != 0) {
            return rc;
        }
        node_add(p->arena, node, child, STR_NONE);
        if (p->word.kind != WORD_COMMA) {
            break;
        }
        rc = advance(p);
        if (rc != 0) {
            return rc;
        }
    }
    *ret_node = node;
    return expect(p, WORD_RBRACKET, "A comma or ] was expected");
}

/* name: expression, ...}; the opening brace is read. */
static int parse_hash(struct parser *p, struct node **ret_node)
{
    struct node *node = node_new(p->arena, NODE_HASH, NULL, NULL);

    for (;;) {
        struct node *child = NULL;
        struct str name = p->word.text;
        int rc;

        if (p->word.kind != WORD_NAME && p->word.kind != WORD_QUOTED) {
            return refuse(p, "A name was expected");
        }
        rc = advance(p);
        if (rc == 0) {
            rc = expect(p, WORD_COLON, "A colon was expected");
        }
        if (rc == 0) {
            rc = parse(p, STRENGTH_NONE, &child);
        }
        if (rc != 0) {
            return rc;
        }
        node_add(p->arena, node, child, name);
        if (p->word.kind != WORD_COMMA) {
            break;
        }
        rc = advance(p);
        if (rc != 0) {
            return rc;
        }
    }
    *ret_node = node;
    return expect(p, WORD_RBRACE, "A comma or } was expected");
}

/* --- projections */
/* Behind a dot. */
static int parse_member(struct parser *p, int strength_min, struct node **ret_node)
{
    int rc;

    switch ((int)p->word.kind) {
    case WORD_NAME:
    case WORD_QUOTED:
    case WORD_STAR:
        return parse(p, strength_min, ret_node);
    case WORD_LBRACKET:
        rc = advance(p);
        return rc == 0 ? parse_list(p, ret_node) : rc;
    case WORD_LBRACE:
        rc = advance(p);
        return rc == 0 ? parse_hash(p, ret_node) : rc;
    default:
        return refuse(p, "A name, *, [ or { was expected behind the dot");
    }
}

/* What a projection is applied to each item with. */
static int parse_right(struct parser *p, int strength_min, struct node **ret_node)
{
    int rc;

    if (strength(p->word.kind) < PROJECTION_ENDS) {
        *ret_node = node_new(p->arena, NODE_IDENTITY, NULL, NULL);
        return 0;
    }
    switch ((int)p->word.kind) {
    case WORD_LBRACKET:
    case WORD_FILTER:
        return parse(p, strength_min, ret_node);
    case WORD_DOT:
        rc = advance(p);
        return rc == 0 ? parse_member(p, strength_min, ret_node) : rc;
    default:
        return refuse(p, "This cannot follow here:");
    }
}

static int project(struct parser *p, enum node_kind kind, struct node *left, int strength_min,
                   struct node **ret_node)
{
    struct node *right = NULL;
    int rc = parse_right(p, strength_min, &right);

    if (rc == 0) {
        *ret_node = node_new(p->arena, kind, left, right);
    }
    return rc;
}

/* [?condition]; `[?` is read. */
static int parse_filter(struct parser *p, struct node *left, struct node **ret_node)
{
    struct node *condition = NULL;
    struct node *node = NULL;
    int rc = parse(p, STRENGTH_NONE, &condition);

    if (rc == 0) {
        rc = expect(p, WORD_RBRACKET, "] was expected behind the condition");
    }
    if (rc == 0 && p->word.kind == WORD_FLATTEN) {
        node = node_new(p->arena, NODE_FILTER, left,
                        node_new(p->arena, NODE_IDENTITY, NULL, NULL));
    } else if (rc == 0) {
        rc = project(p, NODE_FILTER, left, STRENGTH_FILTER, &node);
    }
    if (rc != 0) {
        return rc;
    }
    node->condition = condition;
    node->depth = condition->depth >= node->depth ? condition->depth + 1 : node->depth;
    *ret_node = node;
    return 0;
}

/* [..] behind `left` (the value itself when it begins an expression); the bracket is read. */
static int parse_bracket(struct parser *p, struct node *left, struct node **ret_node)
{
    struct node *index = NULL;
    int rc;

    if (p->word.kind == WORD_STAR && p->after.kind == WORD_RBRACKET) {
        rc = advance(p);
        if (rc == 0) {
            rc = advance(p);
        }
        return rc == 0 ? project(p, NODE_PROJECTION, left, STRENGTH_STAR, ret_node) : rc;
    }
    if (p->word.kind != WORD_NUMBER && p->word.kind != WORD_COLON) {
        return refuse(p, "A number, a slice or * was expected");
    }
    rc = parse_index(p, &index);
    if (rc != 0) {
        return rc;
    }
    *ret_node = node_new(p->arena, NODE_SUB, left, index);
    return index->kind == NODE_SLICE
               ? project(p, NODE_PROJECTION, *ret_node, STRENGTH_STAR, ret_node)
               : 0;
}

/* --- functions */
static int check_call(struct parser *p, struct str name, size_t at, struct node *node)
{
    const struct function *function = function_find(name);

    if (function == NULL) {
        (void)fault_set(p->fault, JMESPATH_UNKNOWN_FUNCTION, at, "There is no function %.*s.",
                        (int)(name.len < 64 ? name.len : 64), name.p);
        return -E_INVALID;
    }
    if ((int)node->count < function->args_min ||
        (function->args_max != FUNCTION_ANY_ARGS && (int)node->count > function->args_max)) {
        (void)fault_set(p->fault, JMESPATH_INVALID_ARITY, at,
                        "%s takes %d%s arguments, not %u.", function->name, function->args_min,
                        function->args_max == FUNCTION_ANY_ARGS ? " or more" : "",
                        (unsigned)node->count);
        return -E_INVALID;
    }
    node->function = function;
    return 0;
}

/* name(argument, ...); the opening parenthesis is read. */
static int parse_call(struct parser *p, const struct node *name, struct node **ret_node)
{
    struct node *node = node_new(p->arena, NODE_FUNCTION, NULL, NULL);
    size_t at = p->word.at;
    int rc = 0;

    while (p->word.kind != WORD_RPAREN) {
        struct node *child = NULL;

        rc = parse(p, STRENGTH_NONE, &child);
        if (rc != 0) {
            return rc;
        }
        node_add(p->arena, node, child, STR_NONE);
        if (p->word.kind == WORD_RPAREN) {
            break;
        }
        rc = expect(p, WORD_COMMA, "A comma or ) was expected");
        if (rc == 0 && p->word.kind == WORD_RPAREN) {
            rc = refuse(p, "An argument was expected");
        }
        if (rc != 0) {
            return rc;
        }
    }
    rc = advance(p);
    if (rc == 0) {
        rc = check_call(p, name->text, at, node);
    }
    *ret_node = node;
    return rc;
}

/* --- the beginning of an expression; its first word is read */
static int parse_field(struct parser *p, const struct word *word, struct node **ret_node)
{
    struct node *node = node_new(p->arena, NODE_FIELD, NULL, NULL);

    node->text = word->text;
    *ret_node = node;
    if (p->word.kind != WORD_LPAREN) {
        return 0;
    }
    if (word->kind == WORD_QUOTED) {
        return refuse(p, "A function's name has no quotes:");
    }
    return advance(p) != 0 ? -E_INVALID : parse_call(p, node, ret_node);
}

static int parse_literal(struct parser *p, const struct word *word, struct node **ret_node)
{
    *ret_node = node_new(p->arena, NODE_LITERAL, NULL, NULL);
    (*ret_node)->literal = word->literal;
    return 0;
}

static int parse_star(struct parser *p, struct node **ret_node)
{
    struct node *left = node_new(p->arena, NODE_IDENTITY, NULL, NULL);

    if (p->word.kind == WORD_RBRACKET) {
        *ret_node = node_new(p->arena, NODE_VALUES_PROJECTION, left,
                             node_new(p->arena, NODE_IDENTITY, NULL, NULL));
        return 0;
    }
    return project(p, NODE_VALUES_PROJECTION, left, STRENGTH_STAR, ret_node);
}

static int parse_inner(struct parser *p, struct node **ret_node)
{
    int rc = parse(p, STRENGTH_NONE, ret_node);

    return rc == 0 ? expect(p, WORD_RPAREN, ") was expected") : rc;
}

static int parse_prefix(struct parser *p, enum node_kind kind, int strength_min,
                        struct node **ret_node)
{
    struct node *left = NULL;
    int rc = parse(p, strength_min, &left);

    if (rc == 0) {
        *ret_node = node_new(p->arena, kind, left, NULL);
    }
    return rc;
}

static int parse_first(struct parser *p, const struct word *word, struct node **ret_node)
{
    struct node *here = node_new(p->arena, NODE_IDENTITY, NULL, NULL);

    switch ((int)word->kind) {
    case WORD_NAME:
    case WORD_QUOTED:
        return parse_field(p, word, ret_node);
    case WORD_LITERAL:
        return parse_literal(p, word, ret_node);
    case WORD_STAR:
        return parse_star(p, ret_node);
    case WORD_FILTER:
        return parse_filter(p, here, ret_node);
    case WORD_LBRACE:
        return parse_hash(p, ret_node);
    case WORD_LPAREN:
        return parse_inner(p, ret_node);
    case WORD_FLATTEN:
        return project(p, NODE_PROJECTION, node_new(p->arena, NODE_FLATTEN, here, NULL),
                       STRENGTH_FLATTEN, ret_node);
    case WORD_NOT:
        return parse_prefix(p, NODE_NOT, STRENGTH_NOT, ret_node);
    case WORD_REFERENCE:
        return parse_prefix(p, NODE_EXPRESSION, STRENGTH_NONE, ret_node);
    case WORD_CURRENT:
        *ret_node = here;
        return 0;
    case WORD_LBRACKET:
        return p->word.kind == WORD_NUMBER || p->word.kind == WORD_COLON ||
                       (p->word.kind == WORD_STAR && p->after.kind == WORD_RBRACKET)
                   ? parse_bracket(p, here, ret_node)
                   : parse_list(p, ret_node);
    default:
        (void)fault_set(p->fault, JMESPATH_SYNTAX, word->at,
                        "An expression was expected at byte %zu.", word->at);
        return -E_INVALID;
    }
}

/* --- what follows `left`; its first word is read */
static int parse_two(struct parser *p, enum node_kind kind, int strength_min, struct node *left,
                     struct node **ret_node)
{
    struct node *right = NULL;
    int rc = parse(p, strength_min, &right);

    if (rc == 0) {
        *ret_node = node_new(p->arena, kind, left, right);
    }
    return rc;
}

static int parse_dot(struct parser *p, struct node *left, struct node **ret_node)
{
    struct node *right = NULL;
    int rc;

    if (p->word.kind == WORD_STAR) {
        rc = advance(p);
        return rc == 0 ? project(p, NODE_VALUES_PROJECTION, left, STRENGTH_STAR, ret_node) : rc;
    }
    rc = parse_member(p, STRENGTH_DOT, &right);
    if (rc == 0) {
        *ret_node = node_new(p->arena, NODE_SUB, left, right);
    }
    return rc;
}

static int parse_next(struct parser *p, const struct word *word, struct node *left,
                      struct node **ret_node)
{
    int rc;

    switch ((int)word->kind) {
    case WORD_DOT:
        return parse_dot(p, left, ret_node);
    case WORD_PIPE:
        return parse_two(p, NODE_SUB, STRENGTH_PIPE, left, ret_node);
    case WORD_OR:
        return parse_two(p, NODE_OR, STRENGTH_OR, left, ret_node);
    case WORD_AND:
        return parse_two(p, NODE_AND, STRENGTH_AND, left, ret_node);
    case WORD_COMPARE:
        rc = parse_two(p, NODE_COMPARE, STRENGTH_COMPARE, left, ret_node);
        if (rc == 0) {
            (*ret_node)->op = word->op;
        }
        return rc;
    case WORD_FLATTEN:
        return project(p, NODE_PROJECTION, node_new(p->arena, NODE_FLATTEN, left, NULL),
                       STRENGTH_FLATTEN, ret_node);
    case WORD_FILTER:
        return parse_filter(p, left, ret_node);
    case WORD_LBRACKET:
        return parse_bracket(p, left, ret_node);
    default:
        (void)fault_set(p->fault, JMESPATH_SYNTAX, word->at,
                        "This cannot follow here, at byte %zu.", word->at);
        return -E_INVALID;
    }
}

static int parse(struct parser *p, int strength_min, struct node **ret_node)
{
    struct word word = p->word;
    struct node *left = NULL;
    int rc;

    if (p->depth == JMESPATH_DEPTH_MAX) {
        (void)fault_set(p->fault, JMESPATH_LIMIT, word.at,
                        "The expression has more than %d levels.", (int)JMESPATH_DEPTH_MAX);
        return -E_INVALID;
    }
    p->depth++;
    rc = advance(p);
    if (rc == 0) {
        rc = parse_first(p, &word, &left);
    }
    while (rc == 0 && strength(p->word.kind) > strength_min) {
        word = p->word;
        rc = advance(p);
        if (rc == 0) {
            rc = parse_next(p, &word, left, &left);
        }
        if (rc == 0) {
            rc = node_check(p, left);
        }
    }
    p->depth--;
    if (rc == 0) {
        rc = node_check(p, left);
        *ret_node = left;
    }
    return rc;
}

int jmespath_compile(struct str text, struct arena *arena,
                     const struct jmespath **ret_expression, struct jmespath_fault *fault)
{
    struct run run = { .arena = arena,
                       .fault = fault,
                       .steps = JMESPATH_STEPS_MAX,
                       .values = JMESPATH_VALUES_MAX,
                       .bytes = JMESPATH_OUTPUT_MAX };
    struct parser p = { .lexer = { .text = text, .run = &run },
                        .arena = arena,
                        .fault = fault };
    struct jmespath *expression = arena_alloc(arena, sizeof(*expression));
    struct node *root = NULL;
    int rc;

    *fault = (struct jmespath_fault){ .error = JMESPATH_OK };
    if (text.len > JMESPATH_TEXT_MAX) {
        (void)fault_set(fault, JMESPATH_LIMIT, JMESPATH_TEXT_MAX,
                        "An expression has at most %d bytes.", (int)JMESPATH_TEXT_MAX);
        return -E_INVALID;
    }
    if (!str_is_utf8(text)) {
        (void)fault_set(fault, JMESPATH_SYNTAX, 0, "The expression is not UTF-8.");
        return -E_INVALID;
    }
    rc = lex_next(&p.lexer, &p.after);
    if (rc == 0) {
        rc = advance(&p);
    }
    if (rc == 0) {
        rc = parse(&p, STRENGTH_NONE, &root);
    }
    if (rc == 0 && p.word.kind != WORD_END) {
        rc = refuse(&p, "The end was expected");
    }
    if (rc == 0) {
        expression->root = root;
        *ret_expression = expression;
    }
    return rc;
}
