/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jmespath.h - JMESPath (jmespath.org): an expression over a JSON value gives a JSON value.
 *
 * No I/O, no clock, no state between runs. Not total in size: `[@,@]|[@,@]|...` doubles with every
 * six bytes. So a run is bounded in what it visits, makes and writes; what is beyond fails. Numbers
 * that are only moved or compared stay the text that they were written as; sum, avg, ceil and floor
 * calculate in doubles where 64-bit integers do not do.
 */
#ifndef JSON_JMESPATH_H
#define JSON_JMESPATH_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"

enum {
    JMESPATH_TEXT_MAX = 4096,    /* bytes of an expression */
    JMESPATH_DEPTH_MAX = 256,    /* levels of an expression */
    JMESPATH_STEPS_MAX = 100000, /* nodes visited, items touched, 64 bytes compared in a run */
    JMESPATH_VALUES_MAX = 50000, /* values made in a run */
    JMESPATH_NESTING_MAX = 64,   /* levels that a run builds or compares */
    JMESPATH_OUTPUT_MAX = 262144 /* bytes of the result, and of all strings made on the way */
};

enum jmespath_error {
    JMESPATH_OK,
    JMESPATH_SYNTAX,
    JMESPATH_UNKNOWN_FUNCTION,
    JMESPATH_INVALID_ARITY,
    JMESPATH_INVALID_TYPE,
    JMESPATH_INVALID_VALUE,
    JMESPATH_LIMIT
};

/* The sentence names functions, types and limits, never a value of the input. */
struct jmespath_fault {
    enum jmespath_error error;
    size_t at; /* byte of the expression; 0 for what a run finds */
    char text[ERR_TEXT_SIZE];
};

/* The spelling of the compliance suite: "syntax", "invalid-type", ...; "limit" for ours. */
const char *jmespath_error_name(enum jmespath_error error);

struct jmespath; /* compiled; lives in the arena that it was made in, never changes */

/* -E_INVALID with the fault (not NULL). Names and arity of functions are checked here. */
NODISCARD int jmespath_compile(struct str text, struct arena *arena,
                               const struct jmespath **ret_expression,
                               struct jmespath_fault *fault);
/*
 * The result as compact JSON, appended to out. *steps is what the caller allows, at most
 * JMESPATH_STEPS_MAX of it are used; what was used is taken off. -E_INVALID with the fault;
 * then out is as it was.
 */
NODISCARD int jmespath_run(const struct jmespath *expression, const struct json *input,
                           uint64_t *steps, struct buf *out, struct jmespath_fault *fault);

#endif
