/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decimal.h - JSON numbers as they are written, compared exactly: no rounding, any number of digits.
 *
 * A number is its text (json_number); struct decimal is a view of it: 0.d1d2...dn x 10^scale, without
 * zeros at either end; no digits: zero. Exponents beyond +-10^15 count as +-10^15.
 */
#ifndef JSON_DECIMAL_H
#define JSON_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { DECIMAL_DIVISOR_DIGITS = 18 };

struct decimal {
    bool negative;     /* never with zero */
    struct str digits; /* from the first to the last that is not 0; may hold the point */
    size_t count;      /* digits among them */
    int64_t scale;
};

/* -E_INVALID when the text is not a JSON number. Borrows the text. */
NODISCARD int decimal_parse(struct str text, struct decimal *ret);
/* -1, 0, 1 */
int decimal_compare(const struct decimal *a, const struct decimal *b);
bool decimal_is_integer(const struct decimal *n); /* also 1.0 and 1e3 */
/* An integer in [0, INT64_MAX]; what is larger becomes INT64_MAX. -E_INVALID for others. */
NODISCARD int decimal_count(const struct decimal *n, int64_t *ret);
/* May it stand in multipleOf: above 0, at most DECIMAL_DIVISOR_DIGITS digits? */
bool decimal_is_divisor(const struct decimal *n);
/* Is n a whole multiple? divisor must be one (decimal_is_divisor). */
bool decimal_is_multiple(const struct decimal *n, const struct decimal *divisor);
/* Equal numbers have equal hashes, however they are written. */
uint64_t decimal_hash(const struct decimal *n);

#endif
