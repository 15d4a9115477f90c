/* SPDX-License-Identifier: Apache-2.0 */
#include "store/success.h"

#include "base/assert.h"
#include "store/sql.h"

const struct db_stmt success_stmts[SUCCESS_STMTS] = {
    [SUCCESS_SET] = { "success_set",
                      "INSERT INTO endpoint_success (endpoint, at) VALUES ($1, $2)"
                      " ON CONFLICT (endpoint) DO UPDATE SET at = excluded.at",
                      NULL, "ii" },
    [SUCCESS_LOAD] = { "success_load",
                       "SELECT endpoint, at FROM endpoint_success ORDER BY endpoint", NULL,
                       "" },
};

int success_set(struct db *db, int64_t endpoint, int64_t wall_ms)
{
    const struct db_value params[] = { db_int(endpoint), db_int(wall_ms) };

    return db_exec(db, SQL_SUCCESS + SUCCESS_SET, params, SQL_COUNT(params));
}

struct success_loading {
    int (*on_row)(void *ctx, int64_t endpoint, int64_t wall_ms);
    void *ctx;
};

static int success_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    const struct success_loading *loading = ctx;

    ASSERT(count == 2);
    return loading->on_row(loading->ctx, columns[0].i, columns[1].i);
}

int success_load(struct db *db, int (*on_row)(void *ctx, int64_t endpoint, int64_t wall_ms),
                 void *ctx)
{
    struct success_loading loading = { on_row, ctx };

    return sql_read(db, SQL_SUCCESS + SUCCESS_LOAD, NULL, 0, success_on_row, &loading);
}
