/* SPDX-License-Identifier: Apache-2.0 */
#include "store/watch.h"

#include "base/assert.h"
#include "store/sql.h"

const struct db_stmt watch_stmts[WATCH_STMTS] = {
    [WATCH_OPEN] = { "watch_open",
                     "SELECT count(*) FROM (SELECT seq FROM due LIMIT $1) AS first_rows", NULL,
                     "i" },
};

static int on_count(void *ctx, const struct db_value *columns, size_t count)
{
    int64_t *n = ctx;

    ASSERT(count == 1);
    *n = columns[0].i;
    return 0;
}

int watch_open(struct db *db, int64_t max, int64_t *ret_count)
{
    const struct db_value params[] = { db_int(max) };

    return sql_read(db, SQL_WATCH + WATCH_OPEN, params, SQL_COUNT(params), on_count, ret_count);
}
