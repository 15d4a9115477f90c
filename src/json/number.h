/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number.h - JSON numbers as they are written: compared exactly, whatever their size. Pure.
 *
 * Every `text` is a number by the grammar of RFC 8259 (json_number).
 */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { JSON_NUMBER_TEXT_SIZE = 40 };

/* Below, equal to or above 0 as a < b, a == b, a > b; 1, 1.0 and 10e-1 are equal. O(length). */
int json_number_cmp(struct str a, struct str b);
/* The nearest double; infinite when it is beyond them. */
double json_number_double(struct str text);
/* Written without fraction and exponent, and within 64 bits? */
bool json_number_int64(struct str text, int64_t *ret);
/* The shortest text that reads as this double again. -E_INVALID when it is not finite. */
NODISCARD int json_number_write(double number, char ret_text[JSON_NUMBER_TEXT_SIZE]);

#endif
