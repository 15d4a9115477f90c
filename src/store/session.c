/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session.h"

#include <string.h>

#include "base/assert.h"
#include "store/ddl.h"
#include "store/sql.h"

const char ddl_member_sqlite[] =
    CONFIG_SQLITE("member") "CREATE TABLE session ("
                            " hash BLOB PRIMARY KEY, project INTEGER NOT NULL,"
                            " member INTEGER NOT NULL, app INTEGER NOT NULL,"
                            " role INTEGER NOT NULL, ticket BLOB NOT NULL,"
                            " origin TEXT NOT NULL, created_at INTEGER NOT NULL,"
                            " seen_at INTEGER NOT NULL, ends_at INTEGER NOT NULL"
                            ") STRICT, WITHOUT ROWID;";
const char ddl_member_postgres[] =
    CONFIG_POSTGRES("member") "CREATE TABLE session ("
                              " hash BYTEA PRIMARY KEY, project BIGINT NOT NULL,"
                              " member BIGINT NOT NULL, app BIGINT NOT NULL,"
                              " role BIGINT NOT NULL, ticket BYTEA NOT NULL,"
                              " origin TEXT COLLATE \"C\" NOT NULL, created_at BIGINT NOT NULL,"
                              " seen_at BIGINT NOT NULL, ends_at BIGINT NOT NULL);";

const struct db_stmt session_stmts[SESSION_STMTS] = {
    [SESSION_INSERT] = { "session_insert",
                         "INSERT INTO session (hash, project, member, app, role, ticket,"
                         " origin, created_at, seen_at, ends_at) VALUES ($1, $2, $3, $4, $5,"
                         " $6, $7, $8, $9, $10)",
                         NULL, "biiiibtiii" },
    [SESSION_SEEN] = { "session_seen", "UPDATE session SET seen_at = $1 WHERE hash = $2", NULL,
                       "ib" },
    [SESSION_DELETE] = { "session_delete", "DELETE FROM session WHERE hash = $1", NULL, "b" },
    [SESSION_EXPIRE] = { "session_expire", "DELETE FROM session WHERE ends_at < $1", NULL,
                         "i" },
    [SESSION_LOAD] = { "session_load",
                       "SELECT hash, project, member, app, role, ticket, origin, created_at,"
                       " seen_at, ends_at FROM session",
                       NULL, "" },
};

static struct db_value session_hash(const unsigned char hash[SESSION_HASH_SIZE])
{
    return db_blob((struct str){ (const char *)hash, SESSION_HASH_SIZE });
}

int session_insert(struct db *db, const struct session_row *row)
{
    const struct db_value params[] = {
        session_hash(row->hash), db_int(row->project),    db_int(row->member),
        db_int(row->app),        db_int(row->role),       sql_id(&row->ticket),
        db_text(row->origin),    db_int(row->created_at), db_int(row->seen_at),
        db_int(row->ends_at),
    };

    return db_exec(db, SQL_SESSION + SESSION_INSERT, params, SQL_COUNT(params));
}

int session_seen(struct db *db, const unsigned char hash[SESSION_HASH_SIZE], int64_t seen_at)
{
    const struct db_value params[] = { db_int(seen_at), session_hash(hash) };

    return db_exec(db, SQL_SESSION + SESSION_SEEN, params, SQL_COUNT(params));
}

int session_delete(struct db *db, const unsigned char hash[SESSION_HASH_SIZE])
{
    const struct db_value param = session_hash(hash);

    return db_exec(db, SQL_SESSION + SESSION_DELETE, &param, 1);
}

int session_expire(struct db *db, int64_t before_ms)
{
    const struct db_value param = db_int(before_ms);

    return db_exec(db, SQL_SESSION + SESSION_EXPIRE, &param, 1);
}

struct session_loading {
    int (*on_row)(void *ctx, const struct session_row *row);
    void *ctx;
};

static int session_on_row(void *ctx, const struct db_value *c, size_t count)
{
    const struct session_loading *loading = ctx;
    struct session_row row = { .project = c[1].i,
                               .member = c[2].i,
                               .app = c[3].i,
                               .role = (int32_t)c[4].i,
                               .origin = c[6].s,
                               .created_at = c[7].i,
                               .seen_at = c[8].i,
                               .ends_at = c[9].i };

    ASSERT(count == 10);
    if (c[0].s.len != SESSION_HASH_SIZE || c[5].s.len != ID_SIZE) {
        return 0;
    }
    memcpy(row.hash, c[0].s.p, SESSION_HASH_SIZE);
    memcpy(row.ticket.bytes, c[5].s.p, ID_SIZE);
    return loading->on_row(loading->ctx, &row);
}

int session_load(struct db *db, int (*on_row)(void *ctx, const struct session_row *row),
                 void *ctx)
{
    struct session_loading loading = { on_row, ctx };

    return sql_read(db, SQL_SESSION + SESSION_LOAD, NULL, 0, session_on_row, &loading);
}
