/* SPDX-License-Identifier: Apache-2.0 */
/*
 * equal.h - are two JSON values the same? Numbers by value (1, 1.0 and 10e-1 are equal), objects
 * without regard to order, strings byte by byte.
 */
#ifndef JSON_EQUAL_H
#define JSON_EQUAL_H

#include <stdbool.h>
#include <stdint.h>

#include "json/json.h"

/*
 * *budget counts down by one a value and by its bytes / 64; at 0 the answer is false and the
 * budget stays 0, so that a caller can tell.
 */
bool json_equal(const struct json *a, const struct json *b, int64_t *budget);
/* Equal values have equal hashes. The same budget; at 0 the hash means nothing. */
uint64_t json_hash(const struct json *v, int64_t *budget);

#endif
