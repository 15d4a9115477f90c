/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_type_form.h - an event type as people describe it: read field by field into a draft, checked
 * (the schema compiles, the example fits it), written as the document that is stored.
 *
 * The draft speaks of one version, the latest; what is stored of older ones stays as it is. A schema is
 * compiled on the main loop: SCHEMA_SIZE_MAX and its fellows keep that below a few milliseconds.
 */
#ifndef API_EVENT_TYPE_FORM_H
#define API_EVENT_TYPE_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "api/call.h"
#include "base/buf.h"

enum {
    TYPE_JSON_MAX = 64 * 1024,    /* bytes of a schema, of an example */
    TYPE_JSON_DEPTH_MAX = 48,     /* levels of them */
    TYPE_CONFIG_MAX = 512 * 1024, /* bytes of all versions together */
    TYPE_VERSIONS_MAX = 50,
    TYPE_LIST_MAX = 20,  /* use cases, related types */
    TYPE_SEARCH_MAX = 5, /* pointers in `search`: each costs an index entry an event */
    TYPE_POINTER_MAX = 256
};

struct type_draft {
    struct str name; /* NULL p until it is given */
    struct str description, group, category, fires_when, frequency_text, typical_use, notes;
    struct str payload_shape, frequency, criticality, visibility,
        enforcement;                                 /* NULL p: null */
    const struct json *use_cases, *related, *search; /* arrays; NULL: empty */
    const struct json *resource;                     /* object (event_type_resource.h) */
    const struct json *schema, *example;             /* of the latest version; NULL: null */
    bool retry_safe, archived;
    const struct json *config; /* the document before, NULL: a new type */
};

enum type_form {
    TYPE_CREATE,
    TYPE_MERGE,  /* what is absent stays; `name` may not be there */
    TYPE_IMPORT, /* as TYPE_MERGE, with a name */
    TYPE_VERSION /* schema, example and notes alone, none taken over */
};

/* The stored document as a draft of its latest version; config NULL: a new type's defaults. */
void type_draft_init(struct type_draft *draft, const struct json *config);
/* Read `body` over the draft and check it; faults have pointers from `pointer` on. */
void type_draft_read(enum type_form form, const struct json *body, struct str pointer,
                     struct form_faults *faults, struct type_draft *draft);
/* Does its schema break what the latest version promised? Then there are faults. */
bool type_draft_breaks(const struct type_draft *draft, struct str pointer,
                       struct form_faults *faults);
/* The whole document: in place of the latest version, or with a new one behind it. */
NODISCARD int type_draft_write(const struct type_draft *draft, bool new_version, int64_t now,
                               struct buf *out);

/* --- stored documents */
int64_t type_latest(const struct json *config);
/* {"version","schema","example",...}; NULL when there is none. */
const struct json *type_version(const struct json *config, int64_t version);
/* The member, NULL when it is absent or null. */
const struct json *type_member(const struct json *config, const char *name);
/* The fields of the document but name and versions, as members of an answer. */
void type_put_fields(struct json_out *o, const struct json *config);

#endif
