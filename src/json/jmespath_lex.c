/* SPDX-License-Identifier: Apache-2.0 */
/* jmespath_lex.c - an expression as words. */
#include <string.h>

#include "json/jmespath_internal.h"

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->text.len ? lexer->text.p[lexer->at + ahead] : '\0';
}

static int refuse(struct lexer *lexer, size_t at, const char *what)
{
    (void)fault_set(lexer->run->fault, JMESPATH_SYNTAX, at, "%s at byte %zu.", what, at);
    return -E_INVALID;
}

/* What stands between two quotes, escapes still in it; the lexer is behind the second one. */
static int cut_quoted(struct lexer *lexer, char quote, struct str *ret_text)
{
    size_t from = lexer->at + 1;
    size_t to = from;

    while (to < lexer->text.len && lexer->text.p[to] != quote) {
        to += lexer->text.p[to] == '\\' ? 2 : 1;
    }
    if (to >= lexer->text.len) {
        return refuse(lexer, lexer->at, "A quote is not closed");
    }
    *ret_text = str_sub(lexer->text, from, to - from);
    lexer->at = to + 1;
    return 0;
}

/* `\` before the quote goes, every other one stays. */
static struct str unescape(struct lexer *lexer, struct str text, char quote)
{
    char *plain = arena_alloc(lexer->run->arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '\\' && i + 1 < text.len && text.p[i + 1] == quote) {
            i++;
        }
        plain[len++] = text.p[i];
    }
    return (struct str){ plain, len };
}

/* A value of its own: everything of the document is copied, for it goes. */
static int copy_json(struct lexer *lexer, const struct json *v, struct value **ret_value)
{
    struct run *run = lexer->run;
    struct value *value = value_of_json(run, v);

    if (value == NULL) {
        return -E_INVALID;
    }
    value->text = arena_str(run->arena, value->text);
    if (value->kind == VALUE_ARRAY || value->kind == VALUE_OBJECT) {
        struct json_iter it = json_iter(v);
        const struct json *item;
        struct str name = STR_NONE;

        value->source = NULL;
        value->items = arena_alloc(run->arena, (value->count + 1) * sizeof(struct value *));
        value->names = arena_alloc(run->arena, (value->count + 1) * sizeof(*value->names));
        value->count = 0;
        while ((item = json_next(&it, &name)) != NULL) {
            int rc = copy_json(lexer, item, &value->items[value->count]);

            if (rc != 0) {
                return rc;
            }
            value->names[value->count++] = arena_str(run->arena, name);
        }
    }
    *ret_value = value;
    return 0;
}

static int lex_json(struct lexer *lexer, struct str text, size_t at, struct value **ret_value)
{
    struct json_doc *doc = NULL;
    int rc;

    if (json_parse(text, JMESPATH_NESTING_MAX, &doc, NULL) != 0) {
        return refuse(lexer, at, "This is not JSON:");
    }
    rc = copy_json(lexer, json_root(doc), ret_value);
    json_doc_free(doc);
    return rc;
}

static int lex_literal(struct lexer *lexer, struct word *w)
{
    struct str text = STR_NONE;
    int rc = cut_quoted(lexer, '`', &text);

    w->kind = WORD_LITERAL;
    return rc != 0 ? rc : lex_json(lexer, unescape(lexer, text, '`'), w->at, &w->literal);
}

static int lex_raw(struct lexer *lexer, struct word *w)
{
    struct str text = STR_NONE;
    int rc = cut_quoted(lexer, '\'', &text);

    if (rc != 0) {
        return rc;
    }
    w->kind = WORD_LITERAL;
    w->literal = value_text(lexer->run, VALUE_STRING, unescape(lexer, text, '\''));
    return w->literal == NULL ? -E_INVALID : 0;
}

/* "name" is a JSON string. */
static int lex_quoted(struct lexer *lexer, struct word *w)
{
    struct value *name = NULL;
    struct str text = STR_NONE;
    int rc = cut_quoted(lexer, '"', &text);

    if (rc == 0) {
        rc = lex_json(lexer, (struct str){ text.p - 1, text.len + 2 }, w->at, &name);
    }
    if (rc == 0) {
        w->kind = WORD_QUOTED;
        w->text = name->text;
    }
    return rc;
}

static void lex_name(struct lexer *lexer, struct word *w)
{
    size_t from = lexer->at;

    while (is_name_start(peek(lexer, 0)) || is_digit(peek(lexer, 0))) {
        lexer->at++;
    }
    w->kind = WORD_NAME;
    w->text = arena_str(lexer->run->arena, str_sub(lexer->text, from, lexer->at - from));
}

static int lex_number(struct lexer *lexer, struct word *w)
{
    size_t from = lexer->at++;
    bool is_negative = lexer->text.p[from] == '-';
    int64_t value = 0;

    while (is_digit(peek(lexer, 0))) {
        lexer->at++;
    }
    from += is_negative ? 1 : 0;
    if (str_to_int(str_sub(lexer->text, from, lexer->at - from), 0, INT32_MAX, &value) != 0) {
        return refuse(lexer, w->at, "This is no whole number of 31 bits");
    }
    w->kind = WORD_NUMBER;
    w->number = is_negative ? -value : value;
    return 0;
}

/* Longer ones stand before those that they begin with. */
static const struct {
    const char *text;
    enum word_kind kind;
    enum compare_op op;
} signs[] = {
    { "[]", WORD_FLATTEN, OP_EQ }, { "[?", WORD_FILTER, OP_EQ },
    { "||", WORD_OR, OP_EQ },      { "&&", WORD_AND, OP_EQ },
    { "==", WORD_COMPARE, OP_EQ }, { "!=", WORD_COMPARE, OP_NE },
    { "<=", WORD_COMPARE, OP_LE }, { ">=", WORD_COMPARE, OP_GE },
    { "<", WORD_COMPARE, OP_LT },  { ">", WORD_COMPARE, OP_GT },
    { ".", WORD_DOT, OP_EQ },      { "*", WORD_STAR, OP_EQ },
    { "[", WORD_LBRACKET, OP_EQ }, { "]", WORD_RBRACKET, OP_EQ },
    { "{", WORD_LBRACE, OP_EQ },   { "}", WORD_RBRACE, OP_EQ },
    { "(", WORD_LPAREN, OP_EQ },   { ")", WORD_RPAREN, OP_EQ },
    { ",", WORD_COMMA, OP_EQ },    { ":", WORD_COLON, OP_EQ },
    { "|", WORD_PIPE, OP_EQ },     { "&", WORD_REFERENCE, OP_EQ },
    { "!", WORD_NOT, OP_EQ },      { "@", WORD_CURRENT, OP_EQ },
};

static int lex_sign(struct lexer *lexer, struct word *w)
{
    struct str left = str_sub(lexer->text, lexer->at, lexer->text.len);

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (str_starts(left, str_from(signs[i].text))) {
            w->kind = signs[i].kind;
            w->op = signs[i].op;
            lexer->at += strlen(signs[i].text);
            return 0;
        }
    }
    return refuse(lexer, lexer->at, "This sign means nothing here:");
}

int lex_next(struct lexer *lexer, struct word *ret_word)
{
    struct word w = { .kind = WORD_END };
    int rc = 0;
    char c;

    while (lexer->at < lexer->text.len && is_blank(lexer->text.p[lexer->at])) {
        lexer->at++;
    }
    w.at = lexer->at;
    c = peek(lexer, 0);
    if (lexer->at == lexer->text.len) {
        *ret_word = w;
        return 0;
    }
    if (is_name_start(c)) {
        lex_name(lexer, &w);
    } else if (is_digit(c) || (c == '-' && is_digit(peek(lexer, 1)))) {
        rc = lex_number(lexer, &w);
    } else if (c == '"') {
        rc = lex_quoted(lexer, &w);
    } else if (c == '`') {
        rc = lex_literal(lexer, &w);
    } else if (c == '\'') {
        rc = lex_raw(lexer, &w);
    } else {
        rc = lex_sign(lexer, &w);
    }
    if (rc == 0) {
        *ret_word = w;
    }
    return rc;
}
