/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - storing a key and showing it; also for the first key of a project. */
#ifndef API_KEYS_H
#define API_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api_internal.h"

struct audit_entry;

struct key_draft {
    struct str text; /* the key itself */
    struct str name;
    unsigned scopes;              /* enum key_scope */
    const struct app *app;        /* the only one it is for, or NULL */
    int64_t expires_at;           /* wall ms, 0 = never */
    const struct audit_entry *by; /* who, when; the rest is filled in */
};

/* -E_CONFLICT: this key exists already (in whatever project). Else as registry_save. */
NODISCARD int key_save(struct api *api, struct project *project, const struct key_draft *draft,
                       int64_t now, registry_saved *on_saved, void *ctx);
/* Write the key object; with `text` (not NULL p) as its member `key`, which is shown this
 * once. */
void key_write(struct json_out *o, const struct registry *registry, const struct api_key *key,
               struct str text);

#endif
