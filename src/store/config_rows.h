/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_rows.h - what people configure: projects, apps, endpoints, event types, keys, members.
 *
 * All of it lives in memory too (engine/registry.h). A row holds in columns what SQL needs,
 * and in `config` the JSON document that is edited and read whole; what is secret is in
 * `sealed` (crypto/box.h). `no` is the short number used in hot tables; it is given by the
 * main thread (registry) and never used again. Strings are borrowed: by a write until
 * on_done, by a load during its callback.
 */
#ifndef STORE_CONFIG_ROWS_H
#define STORE_CONFIG_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

struct audit_entry;
struct db;

enum config_kind {
    CONFIG_PROJECT,
    CONFIG_APP,        /* parent: project */
    CONFIG_ENDPOINT,   /* parent: app */
    CONFIG_EVENT_TYPE, /* parent: project */
    CONFIG_KEY,        /* parent: project */
    CONFIG_MEMBER,     /* parent: project */
    CONFIG_KINDS
};

struct config_row {
    int64_t no;
    struct id id;
    int64_t parent; /* no of the parent; 0 for projects */
    /* Unique among the parent's living rows: app slug, event type name, lookup id of a key, address of a
     * member; else
     * NULL p. */
    struct str slug;
    struct str config;  /* JSON document, UTF-8 */
    struct str sealed;  /* bytes, may be empty: endpoint secrets and headers, key hash */
    int64_t version;    /* 1 at creation, +1 a change: the ETag */
    int64_t created_at; /* wall ms */
    int64_t updated_at;
    int64_t deleted_at; /* 0 = lives; deleted rows stay for the log */
    /* For registry_save: written in the same transaction (store/audit.h). NULL: none. */
    const struct audit_entry *audit;
};

/* Inside a write's run. Insert: -E_CONFLICT at db level when slug or no is taken. */
NODISCARD int config_insert(struct db *db, enum config_kind kind, const struct config_row *row);
/*
 * Guarded by version: sets everything where version = row->version - 1. *ret_changes 0: lost
 * the race.
 */
NODISCARD int config_update(struct db *db, enum config_kind kind, const struct config_row *row,
                            int64_t *ret_changes);
/* All rows, also deleted ones (their numbers must not come back), in order of no. */
NODISCARD int config_load(struct db *db, enum config_kind kind,
                          int (*on_row)(void *ctx, const struct config_row *row), void *ctx);

#endif
