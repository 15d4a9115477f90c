/* SPDX-License-Identifier: Apache-2.0 */
#include "store/outbox.h"

#include "base/assert.h"
#include "store/ddl.h"
#include "store/sql.h"

const char ddl_outbox_sqlite[] =
    "CREATE TABLE outbox ("
    " seq INTEGER PRIMARY KEY, channel INTEGER NOT NULL, target BLOB NOT NULL,"
    " created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " body BLOB NOT NULL) STRICT;"
    "CREATE TABLE notification ("
    " app INTEGER PRIMARY KEY, version INTEGER NOT NULL, config BLOB NOT NULL) STRICT;";
const char ddl_outbox_postgres[] =
    "CREATE TABLE outbox ("
    " seq BIGINT PRIMARY KEY, channel BIGINT NOT NULL, target BYTEA NOT NULL,"
    " created_at BIGINT NOT NULL, due_at BIGINT NOT NULL, attempts BIGINT NOT NULL,"
    " body BYTEA NOT NULL);"
    "CREATE TABLE notification ("
    " app BIGINT PRIMARY KEY, version BIGINT NOT NULL, config BYTEA NOT NULL);";

const struct db_stmt outbox_stmts[OUTBOX_STMTS] = {
    [OUTBOX_INSERT] = { "outbox_insert",
                        "INSERT INTO outbox (seq, channel, target, created_at, due_at, "
                        "attempts,"
                        " body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                        NULL, "iibiiib" },
    [OUTBOX_PUT_OFF] = { "outbox_put_off",
                         "UPDATE outbox SET attempts = $1, due_at = $2 WHERE seq = $3", NULL,
                         "iii" },
    [OUTBOX_DELETE] = { "outbox_delete", "DELETE FROM outbox WHERE seq = $1", NULL, "i" },
    [OUTBOX_LOAD] = { "outbox_load",
                      "SELECT seq, channel, target, created_at, due_at, attempts FROM outbox"
                      " ORDER BY seq LIMIT $1",
                      NULL, "i" },
    [OUTBOX_GET] = { "outbox_get",
                     "SELECT seq, channel, target, created_at, due_at, attempts, body"
                     " FROM outbox WHERE seq = $1",
                     NULL, "i" },
};

int outbox_insert(struct db *db, const struct outbox_row *row)
{
    const struct db_value params[] = {
        db_int(row->seq),        db_int((int64_t)row->channel), db_blob(row->target),
        db_int(row->created_at), db_int(row->due_at),           db_int(row->attempts),
        db_blob(row->body),
    };

    return db_exec(db, SQL_OUTBOX + OUTBOX_INSERT, params, SQL_COUNT(params));
}

int outbox_put_off(struct db *db, int64_t seq, int64_t attempts, int64_t due_at)
{
    const struct db_value params[] = { db_int(attempts), db_int(due_at), db_int(seq) };

    return db_exec(db, SQL_OUTBOX + OUTBOX_PUT_OFF, params, SQL_COUNT(params));
}

int outbox_delete(struct db *db, int64_t seq)
{
    const struct db_value params[] = { db_int(seq) };

    return db_exec(db, SQL_OUTBOX + OUTBOX_DELETE, params, SQL_COUNT(params));
}

struct outbox_loading {
    int (*on_row)(void *ctx, const struct outbox_row *row);
    void *ctx;
};

static struct outbox_row outbox_columns(const struct db_value *c)
{
    return (struct outbox_row){ .seq = c[0].i,
                                .channel = (enum outbox_channel)c[1].i,
                                .target = c[2].s,
                                .created_at = c[3].i,
                                .due_at = c[4].i,
                                .attempts = c[5].i };
}

static int outbox_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    const struct outbox_loading *loading = ctx;
    struct outbox_row row = outbox_columns(columns);

    ASSERT(count == 6);
    return loading->on_row(loading->ctx, &row);
}

int outbox_load(struct db *db, uint32_t limit,
                int (*on_row)(void *ctx, const struct outbox_row *row), void *ctx)
{
    const struct db_value params[] = { db_int(limit) };
    struct outbox_loading loading = { on_row, ctx };

    return sql_read(db, SQL_OUTBOX + OUTBOX_LOAD, params, SQL_COUNT(params), outbox_on_row,
                    &loading);
}

struct outbox_getting {
    struct arena *arena;
    struct outbox_row row;
    bool is_found;
};

static int outbox_on_get(void *ctx, const struct db_value *columns, size_t count)
{
    struct outbox_getting *getting = ctx;

    ASSERT(count == 7);
    getting->row = outbox_columns(columns);
    getting->row.target = arena_str(getting->arena, columns[2].s);
    getting->row.body = arena_str(getting->arena, columns[6].s);
    getting->is_found = true;
    return 0;
}

int outbox_get(struct db *db, int64_t seq, struct arena *arena, struct outbox_row *ret_row)
{
    const struct db_value params[] = { db_int(seq) };
    struct outbox_getting getting = { .arena = arena };
    int rc = sql_read(db, SQL_OUTBOX + OUTBOX_GET, params, SQL_COUNT(params), outbox_on_get,
                      &getting);

    if (rc == 0 && !getting.is_found) {
        return -E_NOT_FOUND;
    }
    if (rc == 0) {
        *ret_row = getting.row;
    }
    return rc;
}
