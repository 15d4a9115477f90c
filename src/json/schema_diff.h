/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_diff.h - may one schema follow another under the same version? Pure.
 *
 * Seen from who receives: whatever the new schema allows, the old one must have allowed, and no property
 * that it named may be gone. So a change may add properties and promise more (required, narrower
 * types, tighter bounds), and may not take back a promise. What cannot be judged counts as
 * breaking. The rules stand in docs/schemas.md.
 */
#ifndef JSON_SCHEMA_DIFF_H
#define JSON_SCHEMA_DIFF_H

#include "json/json.h"
#include "json/schema.h"

enum {
    SCHEMA_DIFF_PAIRS_MAX = 5000,  /* subschemas compared */
    SCHEMA_DIFF_STEPS_MAX = 200000 /* values compared, of enum and the like */
};

/*
 * True when `after` breaks what `before` promised; then errors has an entry each: `schema` points into
 * after (or at the place where it would be), text says what and what to do. Both are roots of
 * schemas that compile; NULL: no schema, which promises nothing.
 */
bool schema_breaks(const struct json *before, const struct json *after,
                   struct schema_errors *errors);

#endif
