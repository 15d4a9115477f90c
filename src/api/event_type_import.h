/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_type_import.h - many event types at once, from a preset or from an OpenAPI document: each is
 * created, updated, left as it is, or refused with its reasons; the others are not hindered.
 *
 * Types are taken one after another. What costs time (reading, compiling schemas, comparing) runs in
 * a reader thread, so the main loop never waits; each is a write of its own. So an import that
 * was cut off is simply run again: what is there already is unchanged.
 */
#ifndef API_EVENT_TYPE_IMPORT_H
#define API_EVENT_TYPE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "api/call.h"

enum { TYPE_IMPORT_MAX = 500, TYPE_IMPORT_BYTES_MAX = 4 * 1024 * 1024 };

enum type_fate { FATE_PROBLEM, FATE_CREATED, FATE_UPDATED, FATE_UNCHANGED };

/* One type as somebody wants it: the body of a POST. With faults it is a problem already. */
struct type_wish {
    struct str name;
    const struct json *body;
    struct form_faults faults;
    enum type_fate fate;
};

struct type_import {
    struct type_wish *wishes;
    size_t count;
    bool dry_run; /* say what would be done */
    bool
        new_versions; /* a schema that would break becomes a new version instead of a problem */
};

/* Do it and answer the call; in the call's arena. */
void type_import_run(struct call *call, struct type_import *import);

/* --- event_type_openapi.c; pure, for a reader thread */
/* The wishes of a document's `webhooks`, in the arena; *ret_doc holds their bodies and is freed by
 * the caller. Faults of the document itself go to `faults`, then there are no wishes. */
void type_openapi_read(const struct json *document, struct str pointer, struct arena *arena,
                       struct form_faults *faults, struct type_import *import,
                       struct json_doc **ret_doc);

#endif
