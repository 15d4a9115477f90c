/* SPDX-License-Identifier: Apache-2.0 */
#include "store/look.h"

#include "base/assert.h"
#include "store/sql.h"

const struct db_stmt look_stmts[LOOK_STMTS] = {
    [LOOK_FRESH] = { "look_fresh",
                     "SELECT COUNT(*) FROM (SELECT 1 FROM due WHERE endpoint = $1"
                     " AND next_at = 0 LIMIT $2) q",
                     NULL, "ii" },
    [LOOK_RETRIES] = { "look_retries",
                       "SELECT COUNT(*) FROM (SELECT 1 FROM due WHERE endpoint = $1"
                       " AND next_at > 0 LIMIT $2) q",
                       NULL, "ii" },
    [LOOK_ENDED] = { "look_ended",
                     "SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 3 THEN 1 ELSE 0 END), 0)"
                     " FROM (SELECT state FROM (SELECT seq, state FROM delivery"
                     " WHERE endpoint = $1 ORDER BY seq DESC LIMIT $2) newest"
                     " WHERE state IN (3, 4) ORDER BY seq DESC LIMIT $3) ended",
                     NULL, "iii" },
    [LOOK_DEPTH] = { "look_depth", "SELECT COUNT(*) FROM (SELECT 1 FROM due LIMIT $1) q", NULL,
                     "i" },
};

static int look_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    int64_t *values = ctx;

    for (size_t i = 0; i < count; i++) {
        values[i] = columns[i].i;
    }
    return 0;
}

int look_queue(struct db *db, int64_t endpoint, struct look_queue *queue)
{
    int64_t left = LOOK_QUEUE_MAX - queue->fresh - queue->retries;
    struct db_value params[] = { db_int(endpoint), db_int(left) };
    int64_t fresh = 0;
    int64_t retries = 0;
    int rc;

    if (left <= 0) {
        return 0;
    }
    rc = sql_read(db, SQL_LOOK + LOOK_FRESH, params, SQL_COUNT(params), look_on_row, &fresh);
    params[1] = db_int(left - fresh);
    if (rc == 0 && left > fresh) {
        rc = sql_read(db, SQL_LOOK + LOOK_RETRIES, params, SQL_COUNT(params), look_on_row,
                      &retries);
    }
    queue->fresh += fresh;
    queue->retries += retries;
    return rc;
}

int look_last(struct db *db, int64_t endpoint, int64_t *ret_n, int64_t *ret_ok)
{
    const struct db_value params[] = { db_int(endpoint), db_int(LOOK_LAST_SCAN),
                                       db_int(LOOK_LAST) };
    int64_t values[2] = { 0, 0 };
    int rc =
        sql_read(db, SQL_LOOK + LOOK_ENDED, params, SQL_COUNT(params), look_on_row, values);

    if (rc == 0) {
        *ret_n = values[0];
        *ret_ok = values[1];
    }
    return rc;
}

int look_depth(struct db *db, int64_t max, int64_t *ret_depth)
{
    const struct db_value param = db_int(max + 1);

    return sql_read(db, SQL_LOOK + LOOK_DEPTH, &param, 1, look_on_row, ret_depth);
}
