/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_text.c - from ECMA-262 to the syntax of PCRE2: what means the same passes, what means
 * something else there is written out, what ECMA-262 does not know is refused.
 */
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "json/pattern.h"

#define SPACES                                                                                 \
    "\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"       \
    "\\x{205f}\\x{3000}\\x{feff}"
#define NO_SPACES                                                                              \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"           \
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"             \
    "\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

struct reader {
    struct str text;
    size_t at;
    struct buf *out;
    struct err *err;
    bool can_repeat; /* something stands before a quantifier */
};

static const struct {
    const char *name, *short_name;
} categories[] = {
    { "Cased_Letter", "L&" },
    { "Close_Punctuation", "Pe" },
    { "Connector_Punctuation", "Pc" },
    { "Control", "Cc" },
    { "Currency_Symbol", "Sc" },
    { "Dash_Punctuation", "Pd" },
    { "Decimal_Number", "Nd" },
    { "Enclosing_Mark", "Me" },
    { "Final_Punctuation", "Pf" },
    { "Format", "Cf" },
    { "Initial_Punctuation", "Pi" },
    { "Letter", "L" },
    { "Letter_Number", "Nl" },
    { "Line_Separator", "Zl" },
    { "Lowercase_Letter", "Ll" },
    { "Mark", "M" },
    { "Combining_Mark", "M" },
    { "Math_Symbol", "Sm" },
    { "Modifier_Letter", "Lm" },
    { "Modifier_Symbol", "Sk" },
    { "Nonspacing_Mark", "Mn" },
    { "Number", "N" },
    { "Open_Punctuation", "Ps" },
    { "Other", "C" },
    { "Other_Letter", "Lo" },
    { "Other_Number", "No" },
    { "Other_Punctuation", "Po" },
    { "Other_Symbol", "So" },
    { "Paragraph_Separator", "Zp" },
    { "Private_Use", "Co" },
    { "Punctuation", "P" },
    { "Separator", "Z" },
    { "Space_Separator", "Zs" },
    { "Spacing_Mark", "Mc" },
    { "Surrogate", "Cs" },
    { "Symbol", "S" },
    { "Titlecase_Letter", "Lt" },
    { "Unassigned", "Cn" },
    { "Uppercase_Letter", "Lu" },
    { "cntrl", "Cc" },
    { "digit", "Nd" },
    { "punct", "P" },
};

static int refuse(struct reader *r, const char *what)
{
    return err_set(r->err, -E_INVALID, "The pattern is not valid at byte %zu: %s.", r->at,
                   what);
}

static int put(struct reader *r, const char *text)
{
    return buf_add_c(r->out, text);
}

static int put_code(struct reader *r, uint32_t code)
{
    return buf_printf(r->out, "\\x{%x}", (unsigned)code);
}

static char peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.p[r->at + ahead] : '\0';
}

static bool looks_at(const struct reader *r, const char *text)
{
    return str_starts(str_sub(r->text, r->at, r->text.len), str_from(text));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Exactly n hexadecimal digits at `at`. */
static bool read_hex(const struct reader *r, size_t at, size_t n, uint32_t *ret)
{
    uint32_t value = 0;

    for (size_t i = 0; i < n; i++) {
        int digit = at + i < r->text.len ? hex(r->text.p[at + i]) : -1;

        if (digit < 0) {
            return false;
        }
        value = value * 16 + (uint32_t)digit;
    }
    *ret = value;
    return true;
}

/* --- escapes; r->at stands behind the letter */
static int escape_braced(struct reader *r)
{
    size_t end = r->at + 1;
    uint32_t code = 0;

    while (end < r->text.len && r->text.p[end] != '}') {
        end++;
    }
    if (end == r->text.len || end == r->at + 1 || end - r->at > 7 ||
        !read_hex(r, r->at + 1, end - r->at - 1, &code) || code > 0x10ffff ||
        (code >= 0xd800 && code <= 0xdfff)) {
        return refuse(r, "\\u{...} needs a code point");
    }
    r->at = end + 1;
    return put_code(r, code);
}

static int escape_unicode(struct reader *r)
{
    uint32_t code = 0;
    uint32_t low = 0;

    if (peek(r, 0) == '{') {
        return escape_braced(r);
    }
    if (!read_hex(r, r->at, 4, &code)) {
        return refuse(r, "\\u needs four hexadecimal digits");
    }
    r->at += 4;
    if (code >= 0xd800 && code <= 0xdbff && looks_at(r, "\\u") &&
        read_hex(r, r->at + 2, 4, &low) && low >= 0xdc00 && low <= 0xdfff) {
        r->at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code >= 0xd800 && code <= 0xdfff) {
        return refuse(r, "half of a surrogate pair");
    }
    return put_code(r, code);
}

static int escape_hex(struct reader *r)
{
    uint32_t code = 0;

    if (!read_hex(r, r->at, 2, &code)) {
        return refuse(r, "\\x needs two hexadecimal digits");
    }
    r->at += 2;
    return put_code(r, code);
}

static int escape_control(struct reader *r)
{
    char c = peek(r, 0);

    if (!is_word(c) || is_digit(c) || c == '_') {
        return refuse(r, "\\c needs a letter");
    }
    r->at++;
    return put_code(r, (uint32_t)c % 32);
}

static int escape_property(struct reader *r, char letter)
{
    struct str name = str_sub(r->text, r->at + 1, r->text.len);
    size_t end = str_find(name, '}');

    if (peek(r, 0) != '{' || end == name.len || end == 0) {
        return refuse(r, "\\p needs a name in braces");
    }
    name = str_sub(name, 0, end);
    for (size_t i = 0; i < name.len; i++) {
        if (!is_word(name.p[i]) && name.p[i] != '=') {
            return refuse(r, "the name of a property has letters, digits, _ and =");
        }
    }
    r->at += name.len + 2;
    if (str_starts(name, STR("General_Category="))) {
        name = str_sub(name, 17, name.len);
    } else if (str_starts(name, STR("gc="))) {
        name = str_sub(name, 3, name.len);
    }
    for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++) {
        if (str_eq_c(name, categories[i].name)) {
            name = str_from(categories[i].short_name);
        }
    }
    return buf_printf(r->out, "\\%c{%.*s}", letter, STR_ARG(name));
}

static int escape_back(struct reader *r, char digit)
{
    size_t number = (size_t)(digit - '0');

    while (is_digit(peek(r, 0)) && number < 100) {
        number = number * 10 + (size_t)(peek(r, 0) - '0');
        r->at++;
    }
    return buf_printf(r->out, "\\g{%zu}", number);
}

static int escape_name(struct reader *r)
{
    struct str name = str_sub(r->text, r->at + 1, r->text.len);
    size_t end = str_find(name, '>');

    if (peek(r, 0) != '<' || end == name.len || end == 0) {
        return refuse(r, "\\k needs a name in <>");
    }
    for (size_t i = 0; i < end; i++) {
        if (!is_word(name.p[i])) {
            return refuse(r, "the name of a group has letters, digits and _");
        }
    }
    r->at += end + 2;
    return buf_printf(r->out, "\\k<%.*s>", (int)end, name.p);
}

static int escape_space(struct reader *r, bool is_space, bool in_class)
{
    const char *set = is_space ? SPACES : NO_SPACES;

    return in_class ? put(r, set) : buf_printf(r->out, "[%s]", set);
}

/* What means something else inside a class, or nothing there. */
static int escape_outside(struct reader *r, char c)
{
    if (c == 'b' || c == 'B') {
        r->can_repeat = false;
        return put(r, c == 'b' ? "\\b" : "\\B");
    }
    if (c == 'k') {
        return escape_name(r);
    }
    return escape_back(r, c);
}

static int escape(struct reader *r, bool in_class)
{
    char c = peek(r, 1);

    r->at += 2;
    r->can_repeat = true;
    if (r->at > r->text.len) {
        r->at = r->text.len;
        return refuse(r, "nothing stands behind the backslash");
    }
    if (strchr("dDwWtnrf", c) != NULL && c != '\0') {
        return buf_printf(r->out, "\\%c", c);
    }
    if (c == 's' || c == 'S') {
        return escape_space(r, c == 's', in_class);
    }
    if (c == 'u') {
        return escape_unicode(r);
    }
    if (c == 'x') {
        return escape_hex(r);
    }
    if (c == 'c') {
        return escape_control(r);
    }
    if (c == 'p' || c == 'P') {
        return escape_property(r, c);
    }
    if (c == 'v' || (c == 'b' && in_class)) {
        return put_code(r, c == 'v' ? 0x0b : 0x08);
    }
    if (c == '0' && !is_digit(peek(r, 0))) {
        return put_code(r, 0);
    }
    if (!in_class && (c == 'b' || c == 'B' || c == 'k' || (c >= '1' && c <= '9'))) {
        return escape_outside(r, c);
    }
    if (is_word(c) && c != '_') {
        return refuse(r, "ECMA-262 knows no such escape");
    }
    if ((unsigned char)c >= 0x80 || c == '_' || (unsigned char)c < 0x20) {
        return buf_add_char(r->out, c);
    }
    return buf_printf(r->out, "\\%c", c);
}

/* --- classes, groups, quantifiers */
static int class_body(struct reader *r)
{
    int rc = 0;

    while (rc == 0 && r->at < r->text.len && r->text.p[r->at] != ']') {
        char c = r->text.p[r->at];

        if (c == '\\') {
            rc = escape(r, true);
        } else {
            r->at++;
            rc = c == '[' ? put(r, "\\[") : buf_add_char(r->out, c);
        }
    }
    if (rc == 0 && r->at == r->text.len) {
        return refuse(r, "the class has no end");
    }
    return rc;
}

static int class(struct reader *r)
{
    int rc;

    r->can_repeat = true;
    if (looks_at(r, "[]") || looks_at(r, "[^]")) {
        bool all = peek(r, 1) == '^';

        r->at += all ? 3 : 2;
        return put(r, all ? "[\\x{0}-\\x{10ffff}]" : "(?!)");
    }
    r->at++;
    rc = put(r, "[");
    if (rc == 0 && peek(r, 0) == '^') {
        r->at++;
        rc = put(r, "^");
    }
    if (rc == 0) {
        rc = class_body(r);
    }
    r->at++;
    r->can_repeat = true;
    return rc == 0 ? put(r, "]") : rc;
}

static int group(struct reader *r)
{
    static const char *const starts[] = { "(?:", "(?=", "(?!", "(?<=", "(?<!" };

    r->can_repeat = false;
    if (peek(r, 1) == '*') {
        return refuse(r, "nothing to repeat");
    }
    if (peek(r, 1) != '?') {
        r->at++;
        return put(r, "(");
    }
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (looks_at(r, starts[i])) {
            r->at += strlen(starts[i]);
            return put(r, starts[i]);
        }
    }
    if (looks_at(r, "(?<") && is_word(peek(r, 3)) && !is_digit(peek(r, 3))) {
        size_t end = r->at + 3;

        while (end < r->text.len && is_word(r->text.p[end])) {
            end++;
        }
        if (end < r->text.len && r->text.p[end] == '>') {
            struct str whole = str_sub(r->text, r->at, end + 1 - r->at);

            r->at = end + 1;
            return buf_add_str(r->out, whole);
        }
    }
    return refuse(r, "ECMA-262 knows no such group");
}

/* Bytes of {n}, {n,} or {n,m} here, 0: none. */
static size_t braces(const struct reader *r)
{
    size_t n = 1;

    if (!is_digit(peek(r, n))) {
        return 0;
    }
    while (is_digit(peek(r, n))) {
        n++;
    }
    if (peek(r, n) == ',') {
        n++;
        while (is_digit(peek(r, n))) {
            n++;
        }
    }
    return peek(r, n) == '}' ? n + 1 : 0;
}

static int quantifier(struct reader *r, size_t n)
{
    int rc;

    if (!r->can_repeat) {
        return refuse(r, "nothing to repeat");
    }
    r->can_repeat = false;
    n += peek(r, n) == '?' ? 1 : 0;
    rc = buf_add_str(r->out, str_sub(r->text, r->at, n));
    r->at += n;
    return rc;
}

static int one(struct reader *r)
{
    char c = r->text.p[r->at];
    size_t n = c == '*' || c == '+' || c == '?' ? 1 : c == '{' ? braces(r) : 0;

    if (n > 0) {
        return quantifier(r, n);
    }
    if (c == '\\') {
        return escape(r, false);
    }
    if (c == '[') {
        return class(r);
    }
    if (c == '(') {
        return group(r);
    }
    r->at++;
    r->can_repeat = c != '|' && c != '^' && c != '$';
    if (c == '.') {
        return put(r, "[^\\n\\r\\x{2028}\\x{2029}]");
    }
    if (c == '{' || c == '}' || c == ']') {
        return buf_printf(r->out, "\\%c", c);
    }
    return buf_add_char(r->out, c);
}

int pattern_translate(struct str text, struct buf *out, struct err *err)
{
    struct reader r = { .text = text, .out = out, .err = err };
    int rc = 0;

    ASSERT(text.len <= PATTERN_SIZE_MAX);
    while (rc == 0 && r.at < text.len) {
        rc = one(&r);
    }
    return rc;
}
