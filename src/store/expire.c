/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are forgotten, and pages that are given back. */
#include "store/event.h"
#include "store/sql.h"

/* After a round so many free pages go back to the file system; the rest in the next rounds. */
#define EXPIRE_VACUUM "PRAGMA incremental_vacuum(256)"

const struct db_stmt expire_stmts[EXPIRE_STMTS] = {
    [EXPIRE_KEYS] = { "expire_keys",
                      "DELETE FROM idempotency WHERE (app, kind, key) IN (SELECT app, kind, key"
                      " FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
                      NULL, "ii" },
    [EXPIRE_FREE_PAGES] = { "expire_free_pages", EXPIRE_VACUUM, "SELECT 1", "" },
};

int expire_free_pages(struct db *db)
{
    return db_query(db, SQL_EXPIRE + EXPIRE_FREE_PAGES, NULL, 0, NULL, NULL);
}

int idem_expire(struct db *db, int64_t before_ms, uint32_t rows_max, bool *ret_more)
{
    const struct db_value params[] = { db_int(before_ms), db_int(rows_max) };
    int64_t changes = 0;
    int rc = db_exec_changes(db, SQL_EXPIRE + EXPIRE_KEYS, params, SQL_COUNT(params), &changes);

    if (rc == 0) {
        rc = db_flush(db);
    }
    if (rc == 0) {
        *ret_more = changes == rows_max;
    }
    return rc;
}
