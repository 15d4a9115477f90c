/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - JSON Schema, drafts 2020-12 and draft-07: compiled once, then checks any number of
 * values.
 *
 * Exact: numbers of any size are compared as they are written. Closed: a $ref reaches the schema
 * itself, the metaschemas of both drafts, and the documents that the caller hands over; nothing is
 * fetched. `format` and `content...` are annotations, as the drafts have it by default. Bounded: every
 * limit below is an error with a sentence, never a stall. A compiled schema is immutable; several
 * threads may check with it.
 */
#ifndef JSON_SCHEMA_H
#define JSON_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"

enum {
    SCHEMA_SIZE_MAX = 64 * 1024,       /* bytes of a schema */
    SCHEMA_NODES_MAX = 5000,           /* subschemas, with those of metaschemas it refers to */
    SCHEMA_PATTERNS_MAX = 100,         /* pattern and patternProperties together */
    SCHEMA_PATTERN_BYTES_MAX = 262144, /* all patterns, compiled */
    SCHEMA_CHECK_STEPS_MAX = 200000, /* subschemas times values, members, 64 bytes of a text */
    SCHEMA_CHECK_PATTERN_STEPS = 100000, /* of regular expressions, in one check */
    SCHEMA_CHECK_DEPTH_MAX = 200,        /* subschemas inside subschemas at work */
    SCHEMA_ERRORS_MAX = 20,              /* told of one check or compilation */
    SCHEMA_POINTER_MAX = 1024            /* bytes of a pointer that is told */
};

enum schema_draft { SCHEMA_2020_12, SCHEMA_DRAFT_07 };

struct schema;

/* One fault. All strings in the arena of the list. */
struct schema_error {
    struct str instance; /* pointer into the value, "" = all of it; NULL p for a compilation */
    struct str schema;   /* pointer into the schema, with '#' in front */
    struct str keyword;
    struct str text; /* sentence; holds nothing of the value but names of members */
};

struct schema_errors {
    struct arena *arena;
    struct schema_error rows[SCHEMA_ERRORS_MAX];
    size_t count;
    bool more; /* there were more than told */
};

/* A document that a $ref may name. Borrowed during schema_compile. */
struct schema_document {
    struct str uri; /* absolute, without fragment */
    struct str text;
};

struct schema_options {
    enum schema_draft draft; /* of a schema without $schema */
    const struct schema_document *documents;
    size_t document_count;
};

void schema_errors_init(struct schema_errors *errors, struct arena *arena);

/*
 * The text is copied. -E_INVALID with `errors` filled (also for JSON that cannot be read), or
 * -E_TOO_LARGE over a limit, also with an entry. options NULL: 2020-12 and no documents. Free with
 * schema_free. No I/O; at its limits it takes less than 10 ms of a core (measured: 8.3).
 */
NODISCARD int schema_compile(struct str text, const struct schema_options *options,
                             struct schema **ret, struct schema_errors *errors);
void schema_free(struct schema *s);          /* NULL allowed */
size_t schema_bytes(const struct schema *s); /* memory held, about */

/*
 * 0 and *ret_valid; -E_TOO_LARGE when a limit was reached before it was known (errors then ends with
 * the limit as an entry). errors NULL: only the answer, which is faster.
 */
NODISCARD int schema_check(const struct schema *s, const struct json *value, bool *ret_valid,
                           struct schema_errors *errors);

#endif
