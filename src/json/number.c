/* SPDX-License-Identifier: Apache-2.0 */
/* number.c - a number is its sign, its digits from the first that is not 0, and where the point stands. */
#include "json/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { DOUBLE_TEXT_MAX = 512 };

static const int64_t exponent_max = INT64_C(1000000000000000);

struct digits {
    bool is_negative;
    bool is_zero;
    int64_t point;   /* the first digit that counts has the value 10^(point - 1) */
    struct str text; /* from that digit to the end of the digits; may hold a point */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Beyond any number that fits in memory, but far from overflow. */
static int64_t read_exponent(struct str text)
{
    bool is_negative = text.len > 0 && text.p[0] == '-';
    int64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (is_digit(text.p[i]) && value < exponent_max) {
            value = value * 10 + (text.p[i] - '0');
        }
    }
    return is_negative ? -value : value;
}

static struct digits read_digits(struct str text)
{
    struct digits d = { .is_zero = true };
    size_t end = 0;
    bool behind_point = false;

    if (text.len > 0 && text.p[0] == '-') {
        d.is_negative = true;
        text = str_sub(text, 1, text.len);
    }
    while (end < text.len && text.p[end] != 'e' && text.p[end] != 'E') {
        end++;
    }
    if (end < text.len) {
        d.point = read_exponent(str_sub(text, end + 1, text.len));
    }
    for (size_t i = 0; i < end; i++) {
        if (text.p[i] == '.') {
            behind_point = true;
        } else if (d.is_zero && text.p[i] == '0') {
            d.point -= behind_point ? 1 : 0;
        } else {
            if (d.is_zero) {
                d.is_zero = false;
                d.text = str_sub(text, i, end - i);
            }
            d.point += behind_point ? 0 : 1;
        }
    }
    return d;
}

/* The next digit, 0 behind the last one. */
static char next_digit(const struct digits *d, size_t *at)
{
    if (*at < d->text.len && d->text.p[*at] == '.') {
        (*at)++;
    }
    return *at < d->text.len ? d->text.p[(*at)++] : '0';
}

static int cmp_size(const struct digits *a, const struct digits *b)
{
    size_t at_a = 0;
    size_t at_b = 0;

    if (a->point != b->point) {
        return a->point < b->point ? -1 : 1;
    }
    while (at_a < a->text.len || at_b < b->text.len) {
        char one = next_digit(a, &at_a);
        char two = next_digit(b, &at_b);

        if (one != two) {
            return one < two ? -1 : 1;
        }
    }
    return 0;
}

int json_number_cmp(struct str a, struct str b)
{
    struct digits one = read_digits(a);
    struct digits two = read_digits(b);
    int sign_one = one.is_zero ? 0 : one.is_negative ? -1 : 1;
    int sign_two = two.is_zero ? 0 : two.is_negative ? -1 : 1;
    int size;

    if (sign_one != sign_two) {
        return sign_one < sign_two ? -1 : 1;
    }
    if (sign_one == 0) {
        return 0;
    }
    size = cmp_size(&one, &two);
    return sign_one < 0 ? -size : size;
}

double json_number_double(struct str text)
{
    char few[DOUBLE_TEXT_MAX];
    char *copy = few;
    double value;

    if (text.len >= sizeof(few)) {
        copy = xstrndup(text);
    } else {
        memcpy(few, text.p, text.len);
        few[text.len] = '\0';
    }
    value = strtod(copy, NULL);
    if (copy != few) {
        free(copy);
    }
    return value;
}

bool json_number_int64(struct str text, int64_t *ret)
{
    return str_to_int(text, INT64_MIN + 1, INT64_MAX, ret) == 0;
}

int json_number_write(double number, char ret_text[JSON_NUMBER_TEXT_SIZE])
{
    enum { DIGITS_FEW = 15, DIGITS_ALL = 17 };
    char text[JSON_NUMBER_TEXT_SIZE];

    if (!isfinite(number)) {
        return -E_INVALID;
    }
    for (int digits = DIGITS_FEW; digits <= DIGITS_ALL; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    memcpy(ret_text, text, sizeof(text));
    return 0;
}
