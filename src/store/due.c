/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open work. The table is narrow and apart from the deliveries, so that finding what to do
 * never walks over history, and the rows that are joined to it are read by their seq, one
 * seek each. CROSS JOIN keeps SQLite from starting at the other end.
 */
#include <string.h>

#include "base/assert.h"
#include "store/delivery.h"
#include "store/delivery_sql.h"
#include "store/sql.h"

#define DUE_SELECT                                                                             \
    "SELECT due.next_at, due.seq, d.id, d.event, due.endpoint, d.attempt_count, d.created_at"  \
    " FROM due CROSS JOIN delivery d WHERE d.seq = due.seq"

const struct db_stmt due_stmts[DUE_STMTS] = {
    [DUE_INSERT] = { "due_insert",
                     "INSERT INTO due (endpoint, next_at, seq) VALUES ($1, $2, $3)"
                     " ON CONFLICT DO NOTHING",
                     NULL, "iii" },
    [DUE_INSERT_STORED] = { "due_insert_stored",
                            "INSERT INTO due (endpoint, next_at, seq) SELECT $1, $2, $3"
                            " WHERE EXISTS (SELECT 1 FROM delivery WHERE seq = $3)",
                            NULL, "iii" },
    [DUE_DELETE] = { "due_delete",
                     "DELETE FROM due WHERE endpoint = $1 AND seq = $2"
                     " AND next_at = (SELECT next_at FROM delivery WHERE seq = $2)",
                     NULL, "ii" },
    [DUE_FRESH] = { "due_fresh",
                    DUE_SELECT " AND due.endpoint = $1 AND due.next_at = 0 AND due.seq > $2"
                               " ORDER BY due.seq LIMIT $3",
                    NULL, "iii" },
    [DUE_RETRIES] = { "due_retries",
                      DUE_SELECT " AND due.endpoint = $1 AND (due.next_at, due.seq) > ($2, $3)"
                                 " AND due.next_at > 0 ORDER BY due.next_at, due.seq LIMIT $4",
                      NULL, "iiii" },
    [DUE_FIRST_FRESH] = { "due_first_fresh",
                          "SELECT seq FROM due WHERE endpoint = $1 AND next_at = 0"
                          " ORDER BY seq LIMIT 1",
                          NULL, "i" },
    [DUE_FIRST_RETRY] = { "due_first_retry",
                          "SELECT next_at FROM due WHERE endpoint = $1 AND next_at > 0"
                          " ORDER BY next_at LIMIT 1",
                          NULL, "i" },
    [DUE_ENDPOINTS] = { "due_endpoints",
                        "WITH RECURSIVE e (endpoint) AS (SELECT MIN(endpoint) FROM due UNION "
                        "ALL"
                        " SELECT (SELECT MIN(endpoint) FROM due WHERE endpoint > e.endpoint)"
                        " FROM e WHERE e.endpoint IS NOT NULL)"
                        " SELECT endpoint FROM e WHERE endpoint IS NOT NULL",
                        NULL, "" },
    [DUE_SCAN] = { "due_scan",
                   DUE_SELECT " AND (due.endpoint, due.next_at, due.seq) > ($1, $2, $3)"
                              " ORDER BY due.endpoint, due.next_at, due.seq LIMIT $4",
                   NULL, "iiii" },
};

static int due_write(struct db *db, unsigned stmt, int64_t endpoint, int64_t next_at,
                     int64_t seq)
{
    const struct db_value params[] = { db_int(endpoint), db_int(next_at), db_int(seq) };

    return db_exec(db, SQL_DUE + stmt, params, SQL_COUNT(params));
}

int due_insert(struct db *db, const struct delivery_row *d)
{
    return due_write(db, DUE_INSERT, d->endpoint, d->next_at, d->seq);
}

int due_insert_stored(struct db *db, const struct delivery_row *d)
{
    return due_write(db, DUE_INSERT_STORED, d->endpoint, d->next_at, d->seq);
}

int due_delete(struct db *db, int64_t endpoint, int64_t seq)
{
    const struct db_value params[] = { db_int(endpoint), db_int(seq) };

    return db_exec(db, SQL_DUE + DUE_DELETE, params, SQL_COUNT(params));
}

/*
 * --- Loads. Each waits for its rows: what they are read into may live on the caller's stack.
 * -----
 */

struct due_reading {
    int (*on_row)(void *ctx, const struct due_row *row);
    void *ctx;
};

static int due_on_row(void *ctx, const struct db_value *c, size_t count)
{
    const struct due_reading *reading = ctx;
    struct due_row row = {
        .next_at = c[0].i,
        .seq = c[1].i,
        .event = c[3].i,
        .endpoint = c[4].i,
        .attempt_count = (int32_t)c[5].i,
        .created_at = c[6].i,
    };

    ASSERT(count == 7);
    if (c[2].s.len == ID_SIZE) {
        memcpy(row.id.bytes, c[2].s.p, ID_SIZE);
    }
    return reading->on_row(reading->ctx, &row);
}

int due_fresh(struct db *db, int64_t endpoint, int64_t after_seq, uint32_t limit,
              int (*on_row)(void *ctx, const struct due_row *row), void *ctx)
{
    const struct db_value params[] = { db_int(endpoint), db_int(after_seq), db_int(limit) };
    struct due_reading reading = { on_row, ctx };

    return sql_read(db, SQL_DUE + DUE_FRESH, params, SQL_COUNT(params), due_on_row, &reading);
}

int due_retries(struct db *db, int64_t endpoint, int64_t after_at, int64_t after_seq,
                uint32_t limit, int (*on_row)(void *ctx, const struct due_row *row), void *ctx)
{
    const struct db_value params[] = { db_int(endpoint), db_int(after_at), db_int(after_seq),
                                       db_int(limit) };
    struct due_reading reading = { on_row, ctx };

    return sql_read(db, SQL_DUE + DUE_RETRIES, params, SQL_COUNT(params), due_on_row, &reading);
}

static int due_on_int(void *ctx, const struct db_value *columns, size_t count)
{
    int64_t *value = ctx;

    (void)count;
    *value = columns[0].i;
    return 0;
}

int due_first(struct db *db, int64_t endpoint, bool *ret_fresh, int64_t *ret_retry_at)
{
    const struct db_value param = db_int(endpoint);
    int64_t fresh_seq = 0;
    int64_t retry_at = 0;
    int rc = db_query(db, SQL_DUE + DUE_FIRST_FRESH, &param, 1, due_on_int, &fresh_seq);

    if (rc == 0) {
        rc = sql_read(db, SQL_DUE + DUE_FIRST_RETRY, &param, 1, due_on_int, &retry_at);
    }
    if (rc < 0) {
        return rc;
    }
    *ret_fresh = fresh_seq > 0;
    *ret_retry_at = retry_at;
    return 0;
}

struct due_endpoints_reading {
    int (*on_row)(void *ctx, int64_t endpoint);
    void *ctx;
};

static int due_on_endpoint(void *ctx, const struct db_value *columns, size_t count)
{
    const struct due_endpoints_reading *reading = ctx;

    (void)count;
    return reading->on_row(reading->ctx, columns[0].i);
}

int due_endpoints(struct db *db, int (*on_row)(void *ctx, int64_t endpoint), void *ctx)
{
    struct due_endpoints_reading reading = { on_row, ctx };

    return sql_read(db, SQL_DUE + DUE_ENDPOINTS, NULL, 0, due_on_endpoint, &reading);
}

int due_scan(struct db *db, int64_t endpoint, int64_t next_at, int64_t seq, uint32_t limit,
             int (*on_row)(void *ctx, const struct due_row *row), void *ctx)
{
    const struct db_value params[] = { db_int(endpoint), db_int(next_at), db_int(seq),
                                       db_int(limit) };
    struct due_reading reading = { on_row, ctx };

    return sql_read(db, SQL_DUE + DUE_SCAN, params, SQL_COUNT(params), due_on_row, &reading);
}
