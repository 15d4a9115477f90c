/* SPDX-License-Identifier: Apache-2.0 */
/* Few rows beside the log, so they have an index per list that is read. */
#include "store/notice.h"

#include <string.h>

#include "base/assert.h"
#include "store/ddl.h"
#include "store/sql.h"

enum { NOTICE_COLUMN_COUNT = 14 };

#define NOTICE_COLUMNS                                                                         \
    "seq, id, kind, project, app, endpoint, topic, created_at, updated_at, count, read_at,"    \
    " title, body, facts"

const char ddl_notice_sqlite[] =
    "CREATE TABLE notice ("
    " seq INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL,"
    " project INTEGER NOT NULL, app INTEGER NOT NULL, endpoint INTEGER NOT NULL,"
    " topic BLOB NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    " count INTEGER NOT NULL, read_at INTEGER NOT NULL, title BLOB NOT NULL,"
    " body BLOB NOT NULL, facts BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX notice_id ON notice (id);"
    "CREATE INDEX notice_app ON notice (app);"
    "CREATE INDEX notice_project ON notice (project);";
const char ddl_notice_postgres[] =
    "CREATE TABLE notice ("
    " seq BIGINT PRIMARY KEY, id BYTEA NOT NULL, kind BIGINT NOT NULL,"
    " project BIGINT NOT NULL, app BIGINT NOT NULL, endpoint BIGINT NOT NULL,"
    " topic BYTEA NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,"
    " count BIGINT NOT NULL, read_at BIGINT NOT NULL, title BYTEA NOT NULL,"
    " body BYTEA NOT NULL, facts BYTEA NOT NULL);"
    "CREATE UNIQUE INDEX notice_id ON notice (id);"
    "CREATE INDEX notice_app ON notice (app, seq);"
    "CREATE INDEX notice_project ON notice (project, seq);";

/* One text per list and direction, so that each is led by the index of its list. */
#define NOTICE_LIST(owner, compare, order)                                                     \
    "SELECT " NOTICE_COLUMNS " FROM notice WHERE " owner " = $1 AND seq " compare " $2"        \
    " AND ($3 = 0 OR kind = $3) AND ($4 = 0 OR read_at = 0) ORDER BY seq " order " LIMIT $5"

const struct db_stmt notice_stmts[NOTICE_STMTS] = {
    [NOTICE_INSERT] = { "notice_insert",
                        "INSERT INTO notice (" NOTICE_COLUMNS ") VALUES ($1, $2, $3, $4, $5,"
                        " $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                        NULL, "ibiiiibiiiibbb" },
    [NOTICE_COUNT] = { "notice_count",
                       "UPDATE notice SET count = $1, updated_at = $2 WHERE seq = $3", NULL,
                       "iii" },
    [NOTICE_READ] = { "notice_read",
                      "UPDATE notice SET read_at = $1 WHERE id = $2 AND project = $3"
                      " AND ($4 = 0 OR app = $4) AND read_at = 0",
                      NULL, "ibii" },
    [NOTICE_READ_APP] = { "notice_read_app",
                          "UPDATE notice SET read_at = $1 WHERE project = $2 AND app = $3"
                          " AND read_at = 0",
                          NULL, "iii" },
    [NOTICE_READ_PROJECT] = { "notice_read_project",
                              "UPDATE notice SET read_at = $1 WHERE project = $2"
                              " AND read_at = 0",
                              NULL, "ii" },
    [NOTICE_EXPIRE] = { "notice_expire",
                        "DELETE FROM notice WHERE seq IN (SELECT o.seq FROM (SELECT seq,"
                        " created_at FROM notice ORDER BY seq LIMIT $1) o"
                        " WHERE o.created_at < $2)",
                        NULL, "ii" },
    [NOTICE_APP_DOWN] = { "notice_app_down", NOTICE_LIST("app", "<", "DESC"), NULL, "iiiii" },
    [NOTICE_APP_UP] = { "notice_app_up", NOTICE_LIST("app", ">", "ASC"), NULL, "iiiii" },
    [NOTICE_PROJECT_DOWN] = { "notice_project_down", NOTICE_LIST("project", "<", "DESC"), NULL,
                              "iiiii" },
    [NOTICE_PROJECT_UP] = { "notice_project_up", NOTICE_LIST("project", ">", "ASC"), NULL,
                            "iiiii" },
    [NOTICE_GET] = { "notice_get", "SELECT " NOTICE_COLUMNS " FROM notice WHERE id = $1", NULL,
                     "b" },
    [NOTICE_NEWEST] = { "notice_newest",
                        "SELECT " NOTICE_COLUMNS " FROM notice ORDER BY seq DESC LIMIT $1",
                        NULL, "i" },
};

int notice_insert(struct db *db, const struct notice_row *row)
{
    const struct db_value params[] = {
        db_int(row->seq),     sql_id(&row->id),        db_int(row->kind),
        db_int(row->project), db_int(row->app),        db_int(row->endpoint),
        db_blob(row->topic),  db_int(row->created_at), db_int(row->updated_at),
        db_int(row->count),   db_int(row->read_at),    db_blob(row->title),
        db_blob(row->text),   db_blob(row->facts),
    };

    return db_exec(db, SQL_NOTICE + NOTICE_INSERT, params, SQL_COUNT(params));
}

int notice_update_count(struct db *db, int64_t seq, int64_t count, int64_t updated_at)
{
    const struct db_value params[] = { db_int(count), db_int(updated_at), db_int(seq) };

    return db_exec(db, SQL_NOTICE + NOTICE_COUNT, params, SQL_COUNT(params));
}

int notice_mark_read(struct db *db, const struct id *id, int64_t project, int64_t app,
                     int64_t now, int64_t *ret_changes)
{
    const struct db_value params[] = { db_int(now), sql_id(id), db_int(project), db_int(app) };

    return db_exec_changes(db, SQL_NOTICE + NOTICE_READ, params, SQL_COUNT(params),
                           ret_changes);
}

int notice_mark_all(struct db *db, int64_t project, int64_t app, int64_t now,
                    int64_t *ret_changes)
{
    const struct db_value params[] = { db_int(now), db_int(project), db_int(app) };

    return db_exec_changes(db, SQL_NOTICE + (app == 0 ? NOTICE_READ_PROJECT : NOTICE_READ_APP),
                           params, app == 0 ? 2 : 3, ret_changes);
}

int notice_expire(struct db *db, int64_t before, uint32_t rows, int64_t *ret_changes)
{
    const struct db_value params[] = { db_int(rows), db_int(before) };

    return db_exec_changes(db, SQL_NOTICE + NOTICE_EXPIRE, params, SQL_COUNT(params),
                           ret_changes);
}

/* --- reading */
static void notice_columns(const struct db_value *c, size_t count, struct notice_row *row)
{
    ASSERT(count == NOTICE_COLUMN_COUNT);
    *row = (struct notice_row){ .seq = c[0].i,
                                .kind = c[2].i,
                                .project = c[3].i,
                                .app = c[4].i,
                                .endpoint = c[5].i,
                                .topic = c[6].s,
                                .created_at = c[7].i,
                                .updated_at = c[8].i,
                                .count = c[9].i,
                                .read_at = c[10].i,
                                .title = c[11].s,
                                .text = c[12].s,
                                .facts = c[13].s };
    if (c[1].s.len == ID_SIZE) {
        memcpy(row->id.bytes, c[1].s.p, ID_SIZE);
    }
}

struct notice_rows {
    struct arena *arena;
    struct notice_row *rows;
    size_t count, max;
};

static int notice_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    struct notice_rows *rows = ctx;
    struct notice_row *row = &rows->rows[rows->count++];

    ASSERT(rows->count <= rows->max);
    notice_columns(columns, count, row);
    row->topic = arena_str(rows->arena, row->topic);
    row->title = arena_str(rows->arena, row->title);
    row->text = arena_str(rows->arena, row->text);
    row->facts = arena_str(rows->arena, row->facts);
    return 0;
}

int notice_list(struct db *db, const struct notice_query *q, struct arena *arena,
                struct notice_row **ret_rows, size_t *ret_count)
{
    int64_t bound = q->after_seq != 0 || q->ascending ? q->after_seq : INT64_MAX;
    const struct db_value params[] = { db_int(q->app != 0 ? q->app : q->project), db_int(bound),
                                       db_int(q->kind), db_int(q->unread ? 1 : 0),
                                       db_int(q->limit) };
    struct notice_rows rows = { .arena = arena, .max = q->limit };
    enum notice_stmt stmt = q->app != 0
                                ? (q->ascending ? NOTICE_APP_UP : NOTICE_APP_DOWN)
                                : (q->ascending ? NOTICE_PROJECT_UP : NOTICE_PROJECT_DOWN);
    int rc;

    rows.rows = arena_alloc(arena, (rows.max + 1) * sizeof(*rows.rows));
    rc = sql_read(db, SQL_NOTICE + (unsigned)stmt, params, SQL_COUNT(params), notice_on_row,
                  &rows);
    if (rc == 0) {
        *ret_rows = rows.rows;
        *ret_count = rows.count;
    }
    return rc;
}

int notice_get(struct db *db, const struct id *id, struct arena *arena,
               struct notice_row *ret_row)
{
    const struct db_value params[] = { sql_id(id) };
    struct notice_row row;
    struct notice_rows rows = { .arena = arena, .rows = &row, .max = 1 };
    int rc =
        sql_read(db, SQL_NOTICE + NOTICE_GET, params, SQL_COUNT(params), notice_on_row, &rows);

    if (rc == 0 && rows.count == 0) {
        return -E_NOT_FOUND;
    }
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

struct notice_newest {
    int (*on_row)(void *ctx, const struct notice_row *row);
    void *ctx;
};

static int notice_on_newest(void *ctx, const struct db_value *columns, size_t count)
{
    const struct notice_newest *newest = ctx;
    struct notice_row row;

    notice_columns(columns, count, &row);
    return newest->on_row(newest->ctx, &row);
}

int notice_newest(struct db *db, uint32_t limit,
                  int (*on_row)(void *ctx, const struct notice_row *row), void *ctx)
{
    const struct db_value params[] = { db_int(limit) };
    struct notice_newest newest = { on_row, ctx };

    return sql_read(db, SQL_NOTICE + NOTICE_NEWEST, params, SQL_COUNT(params), notice_on_newest,
                    &newest);
}
