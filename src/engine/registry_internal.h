/* SPDX-License-Identifier: Apache-2.0 */
/* registry_internal.h - shared by registry*.c only. */
#ifndef ENGINE_REGISTRY_INTERNAL_H
#define ENGINE_REGISTRY_INTERNAL_H

#include "engine/registry.h"

struct table {
    struct object **rows; /* in order of no */
    size_t count;
    struct object **by_no;
    size_t by_no_cap;
    int64_t last_no;
    size_t living;
};

struct slots {
    uint32_t next; /* never given yet */
    uint32_t max;
    uint32_t *freed; /* ring, oldest first; used only when `next` has reached max */
    size_t freed_at, freed_count;
};

struct registry {
    struct registry_options options;
    struct writer *writer;
    struct table tables[CONFIG_KINDS];
    struct map ids;    /* kind byte + id bytes -> object, also deleted */
    struct map slugs;  /* of living projects */
    struct map keys;   /* hash -> living api_key */
    struct map prints; /* secret fingerprint -> endpoint or app */
    struct slots endpoint_slots;
    struct slots app_slots;
    struct endpoint **by_slot;
    bool loading;
};

static inline struct object *table_no(const struct table *t, int64_t no)
{
    return no <= 0 || (size_t)no >= t->by_no_cap ? NULL : t->by_no[no];
}

/* Parse `row` into a new or existing object of its kind. -E_STORE when the document is damaged. */
NODISCARD int registry_read(struct registry *r, struct object *object,
                            const struct config_row *row, struct err *err);
/* registry_type.c: their parts of the documents */
struct json;
void registry_read_type(struct event_type *type, const struct json *doc);
void registry_read_enforcement(struct project *project, const struct json *doc);
void registry_read_pins(struct endpoint *e, const struct json *doc);
/* Bring a committed row into memory; *ret_object may be NULL on failure. */
NODISCARD int registry_apply(struct registry *r, enum config_kind kind,
                             const struct config_row *row, struct object **ret_object,
                             struct err *err);
/* registry_secret.c: what is kept in memory of its secrets; of an endpoint or an app */
void registry_brief_drop(struct registry *r, struct object *object);
NODISCARD int registry_brief_make(struct registry *r, struct object *object);

#endif
