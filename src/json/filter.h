/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - JSON filters: does an event's data match?
 *
 *   {"contact.tags": ["vip", "premium"], "campaign.type": "promotional", "email.opened_count": {"$gte": 3}}
 *
 * A filter is an object of rules that all must hold. A name is a path of names with dots between (`\.` is a
 * dot inside a name); a digit-only name also is a place in an array. Its value is what the field must equal,
 * an array (any of them), or an object of operators: $eq $ne $gt $gte $lt $lte $in $nin $contains $exists
 * $startsWith $endsWith $not. $and and $or take an array of filters, $not takes one.
 *
 * Where a path meets an array, each of its items is looked at. A rule holds when one of the values found
 * does it; $ne and $nin hold when none of them equals. A field that is missing fails every operator but
 * `$exists: false`. Numbers are compared exactly, strings byte by byte; a number never equals a string.
 */
#ifndef JSON_FILTER_H
#define JSON_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/form.h"
#include "json/json.h"

enum {
    FILTER_SIZE_MAX = 4096,  /* bytes as compact JSON */
    FILTER_DEPTH_MAX = 8,    /* $and, $or and $not inside each other */
    FILTER_TERMS_MAX = 200,  /* rules and operators in all */
    FILTER_PATH_MAX = 256,   /* bytes of a path */
    FILTER_NAMES_MAX = 16,   /* names of a path */
    FILTER_STEPS_MAX = 20000 /* values visited and compared in one evaluation */
};

struct filter; /* compiled; lives in the arena that it was made in, never changes */

/*
 * `pointer` is where the filter stands in what people sent (such as "/filter"). Every fault is added with its
 * pointer; then -E_FIELD and *ret_filter is untouched. Codes: type, too_long, too_deep, unknown_operator,
 * pattern.
 */
NODISCARD int filter_compile(const struct json *v, struct str pointer, struct arena *arena,
                             struct form_faults *faults, const struct filter **ret_filter);

struct filter_result {
    bool matches;
    struct str
        rule; /* when not: the pointer of the first rule that did not hold; borrowed from the filter */
};
/*
 * *steps is what the caller allows, at most FILTER_STEPS_MAX are used; what was used is taken off. -E_TOO_LARGE:
 * they did not do, and nothing is known.
 */
NODISCARD int filter_match(const struct filter *filter, const struct json *data,
                           uint64_t *steps, struct filter_result *ret_result);

#endif
