/* SPDX-License-Identifier: Apache-2.0 */
/* filter_internal.h - shared by filter*.c only. */
#ifndef JSON_FILTER_INTERNAL_H
#define JSON_FILTER_INTERNAL_H

#include "json/filter.h"

enum filter_op {
    FILTER_ALL, /* children */
    FILTER_ANY, /* children */
    FILTER_NOT, /* one child */
    FILTER_EQ,  /* one of the operands */
    FILTER_NE,  /* none of the operands */
    FILTER_GT,
    FILTER_GTE,
    FILTER_LT,
    FILTER_LTE,
    FILTER_CONTAINS,
    FILTER_STARTS,
    FILTER_ENDS,
    FILTER_EXISTS,
    FILTER_MISSING
};

struct filter_operand {
    enum json_type type; /* null, bool, number or string */
    bool truth;
    struct str text;
};

struct filter_term {
    enum filter_op op;
    struct str pointer; /* where it stands in what people sent */
    const struct str *path;
    size_t path_count;
    struct filter_operand *operands;
    size_t operand_count;
    struct filter_term *children; /* in their order */
    struct filter_term *next;
};

struct filter {
    struct filter_term root; /* FILTER_ALL */
};

#endif
