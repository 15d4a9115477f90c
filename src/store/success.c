/* SPDX-License-Identifier: Apache-2.0 */
#include "store/success.h"

#include "base/assert.h"
#include "store/ddl.h"
#include "store/sql.h"

const char ddl_health_sqlite[] =
    "ALTER TABLE endpoint_success ADD COLUMN failed_at INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE endpoint_success ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE endpoint_exhausted ("
    " seq INTEGER PRIMARY KEY, endpoint INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;";
const char ddl_health_postgres[] =
    "ALTER TABLE endpoint_success ADD COLUMN failed_at BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE endpoint_success ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;"
    "CREATE TABLE endpoint_exhausted ("
    " seq BIGINT PRIMARY KEY, endpoint BIGINT NOT NULL, at BIGINT NOT NULL);";

const struct db_stmt success_stmts[SUCCESS_STMTS] = {
    [SUCCESS_SET] = { "success_set",
                      "INSERT INTO endpoint_success (endpoint, at, failed_at, failures)"
                      " VALUES ($1, $2, $3, $4)"
                      " ON CONFLICT (endpoint) DO UPDATE SET at = excluded.at,"
                      " failed_at = excluded.failed_at, failures = excluded.failures",
                      NULL, "iiii" },
    [SUCCESS_LOAD] = { "success_load",
                       "SELECT endpoint, at, failed_at, failures FROM endpoint_success"
                       " ORDER BY endpoint",
                       NULL, "" },
    [EXHAUSTED_ADD] = { "exhausted_add",
                        "INSERT INTO endpoint_exhausted (seq, endpoint, at)"
                        " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                        NULL, "iii" },
    [EXHAUSTED_LOAD] = { "exhausted_load",
                         "SELECT endpoint, at FROM endpoint_exhausted ORDER BY seq", NULL, "" },
    [EXHAUSTED_EXPIRE] = { "exhausted_expire",
                           "DELETE FROM endpoint_exhausted WHERE at < $1 AND seq IN"
                           " (SELECT seq FROM endpoint_exhausted ORDER BY seq LIMIT $2)",
                           NULL, "ii" },
};

int success_set(struct db *db, const struct health_mark *mark)
{
    const struct db_value params[] = { db_int(mark->endpoint), db_int(mark->success_at),
                                       db_int(mark->failed_at), db_int(mark->failures) };

    return db_exec(db, SQL_SUCCESS + SUCCESS_SET, params, SQL_COUNT(params));
}

int exhausted_add(struct db *db, int64_t delivery_seq, int64_t endpoint, int64_t wall_ms)
{
    const struct db_value params[] = { db_int(delivery_seq), db_int(endpoint),
                                       db_int(wall_ms) };

    return db_exec(db, SQL_SUCCESS + EXHAUSTED_ADD, params, SQL_COUNT(params));
}

int exhausted_expire(struct db *db, int64_t before_ms, uint32_t rows_max, bool *ret_more)
{
    const struct db_value params[] = { db_int(before_ms), db_int(rows_max) };
    int64_t changes = 0;
    int rc = db_exec_changes(db, SQL_SUCCESS + EXHAUSTED_EXPIRE, params, SQL_COUNT(params),
                             &changes);

    if (rc == 0) {
        rc = db_flush(db);
    }
    if (rc == 0) {
        *ret_more = changes == rows_max;
    }
    return rc;
}

struct success_loading {
    int (*on_mark)(void *ctx, const struct health_mark *mark);
    int (*on_exhausted)(void *ctx, int64_t endpoint, int64_t wall_ms);
    void *ctx;
};

static int success_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    const struct success_loading *loading = ctx;
    const struct health_mark mark = { .endpoint = columns[0].i,
                                      .success_at = columns[1].i,
                                      .failed_at = columns[2].i,
                                      .failures = columns[3].i };

    ASSERT(count == 4);
    return loading->on_mark(loading->ctx, &mark);
}

int success_load(struct db *db, int (*on_row)(void *ctx, const struct health_mark *mark),
                 void *ctx)
{
    struct success_loading loading = { .on_mark = on_row, .ctx = ctx };

    return sql_read(db, SQL_SUCCESS + SUCCESS_LOAD, NULL, 0, success_on_row, &loading);
}

static int exhausted_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    const struct success_loading *loading = ctx;

    ASSERT(count == 2);
    return loading->on_exhausted(loading->ctx, columns[0].i, columns[1].i);
}

int exhausted_load(struct db *db, int (*on_row)(void *ctx, int64_t endpoint, int64_t wall_ms),
                   void *ctx)
{
    struct success_loading loading = { .on_exhausted = on_row, .ctx = ctx };

    return sql_read(db, SQL_SUCCESS + EXHAUSTED_LOAD, NULL, 0, exhausted_on_row, &loading);
}
