/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.h - regular expressions as JSON Schema writes them (ECMA-262 with the u flag), run by PCRE2
 * with limits.
 *
 * What ECMA-262 does not know (inline flags, recursion, atomic groups, \A, POSIX classes, verbs) is
 * refused; \d \w \b are ASCII, \s and \p{...} Unicode. Look-behind must have a fixed length. A match
 * costs steps of a budget, so no pattern takes more than its share, whatever the text.
 */
#ifndef JSON_PATTERN_H
#define JSON_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    PATTERN_SIZE_MAX = 1024,     /* bytes as written */
    PATTERN_COMPILED_MAX = 65536 /* bytes as compiled: what large repeats grow to */
};

struct pattern; /* immutable */
struct pattern_run;

/* -E_INVALID with the sentence; -E_TOO_LARGE over a limit. Free with pattern_free. */
NODISCARD int pattern_compile(struct str text, struct pattern **ret, struct err *err);
void pattern_free(struct pattern *p); /* NULL allowed */
size_t pattern_bytes(const struct pattern *p);

/* Memory for matching, used by one thread at a time. */
struct pattern_run *pattern_run_new(void);
void pattern_run_free(struct pattern_run *run); /* NULL allowed */
/*
 * Is there a match anywhere in the text (UTF-8)? Takes the steps from *budget; -E_TOO_LARGE when
 * they do not suffice to tell, or its memory (1 MiB).
 */
NODISCARD int pattern_match(const struct pattern *p, struct pattern_run *run, struct str text,
                            int64_t *budget, bool *ret_found);

/* The text for PCRE2; -E_INVALID with the sentence. (For pattern_compile and its test.) */
struct buf;
NODISCARD int pattern_translate(struct str text, struct buf *out, struct err *err);

#endif
