/* SPDX-License-Identifier: Apache-2.0 */
#include "store/usage.h"

#include "base/assert.h"
#include "store/ddl.h"
#include "store/sql.h"

const char ddl_usage_sqlite[] =
    "CREATE TABLE app_usage ("
    " app INTEGER PRIMARY KEY, month INTEGER NOT NULL, events INTEGER NOT NULL) STRICT;";
const char ddl_usage_postgres[] = "CREATE TABLE app_usage ("
                                  " app BIGINT PRIMARY KEY, month BIGINT NOT NULL,"
                                  " events BIGINT NOT NULL);";

const struct db_stmt usage_stmts[USAGE_STMTS] = {
    [USAGE_SET] = { "usage_set",
                    "INSERT INTO app_usage (app, month, events) VALUES ($1, $2, $3)"
                    " ON CONFLICT (app) DO UPDATE SET month = excluded.month,"
                    " events = excluded.events",
                    NULL, "iii" },
    [USAGE_LOAD] = { "usage_load", "SELECT app, month, events FROM app_usage ORDER BY app",
                     NULL, "" },
};

int usage_set(struct db *db, const struct usage_row *row)
{
    const struct db_value params[] = { db_int(row->app), db_int(row->month),
                                       db_int(row->events) };

    return db_exec(db, SQL_USAGE + USAGE_SET, params, SQL_COUNT(params));
}

struct usage_loading {
    int (*on_row)(void *ctx, const struct usage_row *row);
    void *ctx;
};

static int usage_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    const struct usage_loading *loading = ctx;
    const struct usage_row row = { columns[0].i, columns[1].i, columns[2].i };

    ASSERT(count == 3);
    return loading->on_row(loading->ctx, &row);
}

int usage_load(struct db *db, int (*on_row)(void *ctx, const struct usage_row *row), void *ctx)
{
    struct usage_loading loading = { on_row, ctx };

    return sql_read(db, SQL_USAGE + USAGE_LOAD, NULL, 0, usage_on_row, &loading);
}
