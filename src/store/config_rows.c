/* SPDX-License-Identifier: Apache-2.0 */
#include "store/config_rows.h"

#include <string.h>

#include "base/assert.h"
#include "store/sql.h"

#define CONFIG_TABLE(kind, table)                                                              \
    [(kind)*CONFIG_STMTS_PER_KIND +                                                            \
        CONFIG_INSERT] = { table "_insert",                                                    \
                           "INSERT INTO " table                                                \
                           " (no, id, parent, slug, config, sealed, version, created_at,"      \
                           " updated_at, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, " \
                           "$9, $10)",                                                         \
                           NULL, "ibittbiiii" },                                               \
        [(kind)*CONFIG_STMTS_PER_KIND +                                                        \
            CONFIG_UPDATE] = { table "_update",                                                \
                               "UPDATE " table " SET slug = $1, config = $2, sealed = $3, "    \
                               "version = $4, updated_at = $5,"                                \
                               " deleted_at = $6 WHERE no = $7 AND version = $4 - 1",          \
                               NULL, "ttbiiii" },                                              \
        [(kind)*CONFIG_STMTS_PER_KIND +                                                        \
            CONFIG_LOAD] = { table "_load",                                                    \
                             "SELECT no, id, parent, slug, config, sealed, version, "          \
                             "created_at, updated_at, deleted_at"                              \
                             " FROM " table " ORDER BY no",                                    \
                             NULL, "" }

const struct db_stmt config_stmts[CONFIG_STMTS] = {
    CONFIG_TABLE(CONFIG_PROJECT, "project"),   CONFIG_TABLE(CONFIG_APP, "app"),
    CONFIG_TABLE(CONFIG_ENDPOINT, "endpoint"), CONFIG_TABLE(CONFIG_EVENT_TYPE, "event_type"),
    CONFIG_TABLE(CONFIG_KEY, "api_key"),       CONFIG_TABLE(CONFIG_MEMBER, "member"),
};

static unsigned config_stmt(enum config_kind kind, enum config_stmt which)
{
    ASSERT((int)kind >= 0 && kind < CONFIG_KINDS);
    return (unsigned)SQL_CONFIG + (unsigned)kind * CONFIG_STMTS_PER_KIND + (unsigned)which;
}

static struct db_value config_slug(const struct config_row *row)
{
    return row->slug.p == NULL ? db_null() : db_text(row->slug);
}

int config_insert(struct db *db, enum config_kind kind, const struct config_row *row)
{
    const struct db_value params[] = {
        db_int(row->no),         sql_id(&row->id),        db_int(row->parent),
        config_slug(row),        db_text(row->config),    db_blob(row->sealed),
        db_int(row->version),    db_int(row->created_at), db_int(row->updated_at),
        db_int(row->deleted_at),
    };

    return db_exec(db, config_stmt(kind, CONFIG_INSERT), params, SQL_COUNT(params));
}

int config_update(struct db *db, enum config_kind kind, const struct config_row *row,
                  int64_t *ret_changes)
{
    const struct db_value params[] = {
        config_slug(row),     db_text(row->config),    db_blob(row->sealed),
        db_int(row->version), db_int(row->updated_at), db_int(row->deleted_at),
        db_int(row->no),
    };

    return db_exec_changes(db, config_stmt(kind, CONFIG_UPDATE), params, SQL_COUNT(params),
                           ret_changes);
}

struct config_load {
    int (*on_row)(void *ctx, const struct config_row *row);
    void *ctx;
};

static int config_on_row(void *ctx, const struct db_value *c, size_t count)
{
    const struct config_load *load = ctx;
    struct config_row row = {
        .no = c[0].i,
        .parent = c[2].i,
        .slug = c[3].s,
        .config = c[4].s,
        .sealed = c[5].s,
        .version = c[6].i,
        .created_at = c[7].i,
        .updated_at = c[8].i,
        .deleted_at = c[9].i,
    };

    ASSERT(count == 10);
    if (c[1].s.len == ID_SIZE) {
        memcpy(row.id.bytes, c[1].s.p, ID_SIZE);
    }
    return load->on_row(load->ctx, &row);
}

int config_load(struct db *db, enum config_kind kind,
                int (*on_row)(void *ctx, const struct config_row *row), void *ctx)
{
    struct config_load load = { on_row, ctx };

    return sql_read(db, config_stmt(kind, CONFIG_LOAD), NULL, 0, config_on_row, &load);
}
