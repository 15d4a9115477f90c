/* SPDX-License-Identifier: Apache-2.0 */
/* number.c - numbers compared as they are written, and doubles from and to text. */
#include "json/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "json/decimal.h"

enum { DOUBLE_TEXT_MAX = 512 };

int json_number_cmp(struct str a, struct str b)
{
    struct decimal one = { .negative = false };
    struct decimal two = { .negative = false };
    int rc = decimal_parse(a, &one);

    ASSERT(rc == 0);
    rc = decimal_parse(b, &two);
    ASSERT(rc == 0);
    return decimal_compare(&one, &two);
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
