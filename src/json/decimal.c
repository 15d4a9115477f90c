/* SPDX-License-Identifier: Apache-2.0 */
/* decimal.c - JSON numbers, exactly. */
#include "json/decimal.h"

#include "base/assert.h"

enum { TEN = 10 };

static const int64_t scale_max = 1000000000000000;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* --- reading */
/* Digits from *at on; how many. */
static size_t skip_digits(struct str text, size_t *at)
{
    size_t from = *at;

    while (*at < text.len && is_digit(text.p[*at])) {
        (*at)++;
    }
    return *at - from;
}

static int read_exponent(struct str text, size_t *at, int64_t *ret)
{
    bool negative = false;
    int64_t value = 0;

    if (*at == text.len || (text.p[*at] != 'e' && text.p[*at] != 'E')) {
        *ret = 0;
        return 0;
    }
    (*at)++;
    if (*at < text.len && (text.p[*at] == '+' || text.p[*at] == '-')) {
        negative = text.p[*at] == '-';
        (*at)++;
    }
    if (*at == text.len || !is_digit(text.p[*at])) {
        return -E_INVALID;
    }
    for (; *at < text.len && is_digit(text.p[*at]); (*at)++) {
        value = value * TEN + (text.p[*at] - '0');
        value = value > scale_max ? scale_max : value;
    }
    *ret = negative ? -value : value;
    return 0;
}

/* The mantissa without zeros at its ends; whole: digits before the point. */
static void strip(struct str mantissa, size_t whole, struct decimal *n)
{
    size_t from = 0;
    size_t to = mantissa.len;
    size_t before = 0; /* digits before `from` */

    while (from < to && !(mantissa.p[from] >= '1' && mantissa.p[from] <= '9')) {
        before += is_digit(mantissa.p[from]) ? 1 : 0;
        from++;
    }
    while (to > from && !(mantissa.p[to - 1] >= '1' && mantissa.p[to - 1] <= '9')) {
        to--;
    }
    n->digits = str_sub(mantissa, from, to - from);
    n->count = 0;
    for (size_t i = 0; i < n->digits.len; i++) {
        n->count += is_digit(n->digits.p[i]) ? 1 : 0;
    }
    n->scale = (int64_t)whole - (int64_t)before;
}

int decimal_parse(struct str text, struct decimal *ret)
{
    struct decimal n = { .negative = text.len > 0 && text.p[0] == '-' };
    size_t from = n.negative ? 1 : 0;
    size_t at = from;
    size_t whole = skip_digits(text, &at);
    int64_t exponent = 0;
    size_t end;

    if (whole == 0) {
        return -E_INVALID;
    }
    if (at < text.len && text.p[at] == '.') {
        at++;
        if (skip_digits(text, &at) == 0) {
            return -E_INVALID;
        }
    }
    end = at;
    if (read_exponent(text, &at, &exponent) != 0 || at != text.len) {
        return -E_INVALID;
    }
    strip(str_sub(text, from, end - from), whole, &n);
    if (n.count == 0) {
        n = (struct decimal){ .negative = false };
    } else {
        n.scale += exponent;
    }
    *ret = n;
    return 0;
}

/* --- walking over digits, past the point */
static int next_digit(struct str *digits)
{
    char c;

    if (digits->len > 0 && digits->p[0] == '.') {
        *digits = str_sub(*digits, 1, digits->len);
    }
    if (digits->len == 0) {
        return -1;
    }
    c = digits->p[0];
    *digits = str_sub(*digits, 1, digits->len);
    return c - '0';
}

/* --- comparing */
static int compare_size(const struct decimal *a, const struct decimal *b)
{
    struct str left = a->digits;
    struct str right = b->digits;

    if (a->count == 0 || b->count == 0) {
        return (a->count > 0 ? 1 : 0) - (b->count > 0 ? 1 : 0);
    }
    if (a->scale != b->scale) {
        return a->scale < b->scale ? -1 : 1;
    }
    for (;;) {
        int x = next_digit(&left);
        int y = next_digit(&right);

        if (x != y) {
            return x < y ? -1 : 1;
        }
        if (x < 0) {
            return 0;
        }
    }
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative) {
        return a->negative ? -1 : 1;
    }
    return a->negative ? compare_size(b, a) : compare_size(a, b);
}

bool decimal_is_integer(const struct decimal *n)
{
    return n->count == 0 || (n->scale > 0 && (uint64_t)n->scale >= n->count);
}

int decimal_count(const struct decimal *n, int64_t *ret)
{
    struct str digits = n->digits;
    int64_t value = 0;

    if (n->negative || !decimal_is_integer(n)) {
        return -E_INVALID;
    }
    if (n->count > 0 && n->scale > DECIMAL_DIVISOR_DIGITS) {
        *ret = INT64_MAX;
        return 0;
    }
    for (int64_t i = 0; i < n->scale; i++) {
        int digit = next_digit(&digits);

        value = value * TEN + (digit < 0 ? 0 : digit);
    }
    *ret = value;
    return 0;
}

/* --- multiples
 * n = A x 10^a and divisor = B x 10^b with integers A and B that do not end in 0. With e = a - b:
 * below 0, A would have to end in 0, so only zero is a multiple; else B must divide A x 10^e. B has
 * less than 60 factors of 2 and of 5, so more zeros than that change nothing. */
enum { ZEROS_ENOUGH = 64 };

bool decimal_is_divisor(const struct decimal *n)
{
    return !n->negative && n->count > 0 && n->count <= DECIMAL_DIVISOR_DIGITS;
}

bool decimal_is_multiple(const struct decimal *n, const struct decimal *divisor)
{
    int64_t zeros = (n->scale - (int64_t)n->count) - (divisor->scale - (int64_t)divisor->count);
    struct str digits = divisor->digits;
    uint64_t by = 0;
    uint64_t rest = 0;
    int digit;

    ASSERT(decimal_is_divisor(divisor));
    if (n->count == 0) {
        return true;
    }
    if (zeros < 0) {
        return false;
    }
    while ((digit = next_digit(&digits)) >= 0) {
        by = by * TEN + (uint64_t)digit;
    }
    digits = n->digits;
    while ((digit = next_digit(&digits)) >= 0) {
        rest = (rest * TEN + (uint64_t)digit) % by;
    }
    for (int64_t i = 0; i < zeros && i < ZEROS_ENOUGH && rest != 0; i++) {
        rest = rest * TEN % by;
    }
    return rest == 0;
}

uint64_t decimal_hash(const struct decimal *n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (n->negative ? 1 : 0);
    struct str digits = n->digits;
    int digit;

    while ((digit = next_digit(&digits)) >= 0) {
        hash = (hash ^ (uint64_t)digit) * UINT64_C(0x100000001b3);
    }
    return (hash ^ (uint64_t)n->scale) * UINT64_C(0x100000001b3);
}
