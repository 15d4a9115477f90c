/* SPDX-License-Identifier: Apache-2.0 */
/* A schema and a value, split at the first newline: whatever they are, compiling and checking end
 * within their limits, and the quick answer is the same as the one with errors. */
#include "json/schema.h"

#include <string.h>

#include "base/assert.h"
#include "fuzz.h"

static void check(const struct schema *schema, struct str text)
{
    struct json_doc *doc = NULL;
    struct schema_errors errors;
    struct arena arena;
    bool quick = false;
    bool valid = false;
    int rc;

    if (json_parse(text, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return;
    }
    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    rc = schema_check(schema, json_root(doc), &valid, &errors);
    ASSERT(rc == 0 || rc == -E_TOO_LARGE);
    ASSERT(errors.count <= SCHEMA_ERRORS_MAX);
    ASSERT(rc != 0 || (errors.count == 0) == valid);
    for (size_t i = 0; i < errors.count; i++) {
        ASSERT(errors.rows[i].text.len > 0 && errors.rows[i].schema.len > 0);
        ASSERT(errors.rows[i].instance.len <= SCHEMA_POINTER_MAX);
    }
    if (schema_check(schema, json_root(doc), &quick, NULL) == 0 && rc == 0) {
        ASSERT(quick == valid);
    }
    arena_done(&arena);
    json_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    size_t split = str_find(input, '\n');
    struct schema_errors errors;
    struct schema *schema = NULL;
    struct arena arena;
    int rc;

    arena_init(&arena);
    schema_errors_init(&errors, &arena);
    rc = schema_compile(str_sub(input, 0, split), NULL, &schema, &errors);
    ASSERT(rc == 0 || rc == -E_INVALID || rc == -E_TOO_LARGE);
    ASSERT((rc == 0) == (errors.count == 0) && (rc == 0) == (schema != NULL));
    if (rc == 0) {
        check(schema, str_sub(input, split + 1, size));
        schema_free(schema);
    }
    arena_done(&arena);
    return 0;
}
