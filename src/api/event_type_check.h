/* SPDX-License-Identifier: Apache-2.0 */
/* event_type_check.h - schemas of event types: checked when saved, kept compiled for publishing. */
#ifndef API_EVENT_TYPE_CHECK_H
#define API_EVENT_TYPE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/registry.h"
#include "json/form.h"
#include "json/schema.h"

struct type_schemas; /* compiled schemas, the most lately used of them; main thread */

enum {
    TYPE_SCHEMAS_MAX = 1000,
    TYPE_SCHEMA_BYTES_MAX = 64 * 1024 * 1024 /* all of them, about */
};

/* Does the schema compile, and does the example fit? Faults have pointers below `pointer`, the code
 * "schema", and name the place in the schema. NULL: none. */
void type_check(const struct json *schema, const struct json *example, struct str pointer,
                struct form_faults *faults);
/* json/schema_diff.h as faults with the code "breaking". */
bool type_check_breaks(const struct json *before, const struct json *after, struct str pointer,
                       struct form_faults *faults);

struct type_schemas *type_schemas_new(void);
void type_schemas_free(struct type_schemas *schemas); /* NULL allowed */
size_t type_schemas_count(const struct type_schemas *schemas);
size_t type_schemas_bytes(const struct type_schemas *schemas);
/*
 * The compiled schema of that version, NULL when it has none (or the stored one cannot be read,
 * which is logged). Borrowed until the next call.
 */
const struct schema *type_schemas_get(struct type_schemas *schemas,
                                      const struct event_type *type, int32_t version);
/* Does the data fit? Faults have pointers below `pointer` and the code "schema". */
bool type_schemas_check(struct type_schemas *schemas, const struct event_type *type,
                        int32_t version, const struct json *data, struct str pointer,
                        struct form_faults *faults);

#endif
