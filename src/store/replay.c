/* SPDX-License-Identifier: Apache-2.0 */
/* Replay jobs as rows. They are few, so their table may have an index that an app leads. */
#include "store/replay.h"

#include <string.h>

#include "base/assert.h"
#include "store/audit.h"
#include "store/ddl.h"
#include "store/sql.h"

/*
 * replay_delivery: deliveries that stand outside the range of their event. Retention and the
 * list of an event's deliveries find them here; the key is led by the event's seq, so by time.
 * replay_event: the corrected event that a job made of an old one.
 */
const char ddl_replay_sqlite[] =
    "ALTER TABLE delivery ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE delivery ADD COLUMN replay INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE event ADD COLUMN corrects BLOB;"
    "CREATE TABLE replay ("
    " no INTEGER PRIMARY KEY, id BLOB NOT NULL, project INTEGER NOT NULL,"
    " app INTEGER NOT NULL, state INTEGER NOT NULL,"
    " mode INTEGER NOT NULL, total INTEGER NOT NULL, processed INTEGER NOT NULL,"
    " replayed INTEGER NOT NULL, skipped INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " rate INTEGER NOT NULL, upto_delivery INTEGER NOT NULL, upto_event INTEGER NOT NULL,"
    " last_delivery INTEGER NOT NULL, spec BLOB NOT NULL, key BLOB, hash BLOB NOT NULL,"
    " created_at INTEGER NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX replay_id ON replay (id);"
    "CREATE INDEX replay_app ON replay (app);"
    "CREATE INDEX replay_active ON replay (state) WHERE state IN (1, 2, 3);"
    "CREATE TABLE replay_part ("
    " replay INTEGER NOT NULL, endpoint INTEGER NOT NULL, place INTEGER NOT NULL,"
    " total INTEGER NOT NULL, done INTEGER NOT NULL, list BLOB NOT NULL,"
    " PRIMARY KEY (replay, endpoint)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE replay_event ("
    " replay INTEGER NOT NULL, old_event INTEGER NOT NULL, new_event INTEGER NOT NULL,"
    " PRIMARY KEY (replay, old_event)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE replay_delivery ("
    " of_event INTEGER NOT NULL, made INTEGER NOT NULL, at_endpoint INTEGER NOT NULL,"
    " PRIMARY KEY (of_event, made)) STRICT, WITHOUT ROWID;";

const char ddl_replay_postgres[] =
    "ALTER TABLE delivery ADD COLUMN flags BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE delivery ADD COLUMN replay BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE event ADD COLUMN corrects BYTEA;"
    "CREATE TABLE replay ("
    " no BIGINT PRIMARY KEY, id BYTEA NOT NULL, project BIGINT NOT NULL,"
    " app BIGINT NOT NULL, state BIGINT NOT NULL,"
    " mode BIGINT NOT NULL, total BIGINT NOT NULL, processed BIGINT NOT NULL,"
    " replayed BIGINT NOT NULL, skipped BIGINT NOT NULL, failed BIGINT NOT NULL,"
    " rate BIGINT NOT NULL, upto_delivery BIGINT NOT NULL, upto_event BIGINT NOT NULL,"
    " last_delivery BIGINT NOT NULL, spec BYTEA NOT NULL, key BYTEA, hash BYTEA NOT NULL,"
    " created_at BIGINT NOT NULL, started_at BIGINT NOT NULL, ended_at BIGINT NOT NULL"
    ") WITH (fillfactor = 50);"
    "CREATE UNIQUE INDEX replay_id ON replay (id);"
    "CREATE INDEX replay_app ON replay (app, no);"
    "CREATE INDEX replay_active ON replay (state, no) WHERE state IN (1, 2, 3);"
    "CREATE TABLE replay_part ("
    " replay BIGINT NOT NULL, endpoint BIGINT NOT NULL, place BIGINT NOT NULL,"
    " total BIGINT NOT NULL, done BIGINT NOT NULL, list BYTEA NOT NULL,"
    " PRIMARY KEY (replay, endpoint)) WITH (fillfactor = 50);"
    "CREATE TABLE replay_event ("
    " replay BIGINT NOT NULL, old_event BIGINT NOT NULL, new_event BIGINT NOT NULL,"
    " PRIMARY KEY (replay, old_event));"
    "CREATE TABLE replay_delivery ("
    " of_event BIGINT NOT NULL, made BIGINT NOT NULL, at_endpoint BIGINT NOT NULL,"
    " PRIMARY KEY (of_event, made));";

#define REPLAY_COLUMNS                                                                         \
    "no, id, app, state, mode, total, processed, replayed, skipped, failed, rate,"             \
    " upto_delivery, upto_event, last_delivery, spec, created_at, started_at, ended_at"
#define REPLAY_LIST(direction)                                                                 \
    "SELECT " REPLAY_COLUMNS " FROM replay WHERE no > $1 AND no < $2"                          \
    " AND project = $3 AND ($4 = 0 OR app = $4) AND ($5 = 0 OR state = $5)"                    \
    " ORDER BY no " direction " LIMIT $6"

enum { REPLAY_COLUMN_COUNT = 18 };

const struct db_stmt replay_stmts[REPLAY_STMTS] = {
    [REPLAY_INSERT] = { "replay_insert",
                        "INSERT INTO replay (no, id, project, app, state, mode, total,"
                        " processed, replayed, skipped, failed, rate, upto_delivery,"
                        " upto_event, last_delivery, spec, key, hash, created_at, started_at,"
                        " ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, 0, $8, $9,"
                        " $10, 0, $11, $12, $13, $14, 0, 0)",
                        NULL, "ibiiiiiiiibbbi" },
    [REPLAY_PART_INSERT] = { "replay_part_insert",
                             "INSERT INTO replay_part (replay, endpoint, place, total, done,"
                             " list) VALUES ($1, $2, $3, $4, 0, $5)",
                             NULL, "iiiib" },
    [REPLAY_BY_KEY] = { "replay_by_key",
                        "SELECT id, hash FROM replay WHERE app = $1 AND key = $2"
                        " AND created_at > $3 ORDER BY no DESC LIMIT 1",
                        NULL, "ibi" },
    [REPLAY_COUNT_ACTIVE] = { "replay_count_active",
                              "SELECT COUNT(*) FROM replay WHERE state IN (1, 2, 3)"
                              " AND app = $1",
                              NULL, "i" },
    [REPLAY_LAST_NO] = { "replay_last_no", "SELECT COALESCE(MAX(no), 0) FROM replay", NULL,
                         "" },
    [REPLAY_GET] = { "replay_get", "SELECT " REPLAY_COLUMNS " FROM replay WHERE id = $1", NULL,
                     "b" },
    [REPLAY_GET_NO] = { "replay_get_no", "SELECT " REPLAY_COLUMNS " FROM replay WHERE no = $1",
                        NULL, "i" },
    [REPLAY_LIST_DOWN] = { "replay_list_down", REPLAY_LIST("DESC"), NULL, "iiiiii" },
    [REPLAY_LIST_UP] = { "replay_list_up", REPLAY_LIST("ASC"), NULL, "iiiiii" },
    [REPLAY_ACTIVE] = { "replay_active",
                        "SELECT " REPLAY_COLUMNS " FROM replay WHERE state IN (1, 2, 3)"
                        " ORDER BY no LIMIT $1",
                        NULL, "i" },
    [REPLAY_PARTS] = { "replay_parts",
                       "SELECT replay, endpoint, place, total, done, list FROM replay_part"
                       " WHERE replay = $1 ORDER BY endpoint LIMIT $2",
                       NULL, "ii" },
    [REPLAY_SET_STATE] = { "replay_set_state",
                           "UPDATE replay SET state = $1, ended_at = $2 WHERE no = $3"
                           " AND state IN ($4, $5, $6)",
                           NULL, "iiiiii" },
};

enum { REPLAY_PARTS_MAX = 1000 };

/* --- Making and moving one */

static int replay_on_key(void *ctx, const struct db_value *c, size_t count)
{
    struct replay_new *n = ctx;

    ASSERT(count == 2);
    n->is_repeat = true;
    n->is_conflict = !str_eq(c[1].s, (struct str){ (const char *)n->hash, REPLAY_HASH_SIZE });
    if (c[0].s.len == ID_SIZE) {
        memcpy(n->row.id.bytes, c[0].s.p, ID_SIZE);
    }
    return 0;
}

static int replay_on_int(void *ctx, const struct db_value *c, size_t count)
{
    (void)count;
    *(int64_t *)ctx = c[0].i;
    return 0;
}

int replay_find_key(struct db *db, struct replay_new *n)
{
    const struct db_value key[] = { db_int(n->row.app), db_blob(n->key), db_int(n->key_since) };

    n->is_repeat = false;
    n->is_conflict = false;
    if (n->key.p == NULL) {
        return 0;
    }
    return sql_read(db, SQL_REPLAY + REPLAY_BY_KEY, key, SQL_COUNT(key), replay_on_key, n);
}

/* What stands in the way of a new job; waits for the answers. */
static int replay_ask(struct db *db, struct replay_new *n, int64_t *ret_last_no)
{
    const struct db_value app = db_int(n->row.app);
    int64_t active = 0;
    int rc = replay_find_key(db, n);

    n->is_over = false;
    if (rc == 0 && !n->is_repeat) {
        rc = db_query(db, SQL_REPLAY + REPLAY_COUNT_ACTIVE, &app, 1, replay_on_int, &active);
    }
    if (rc == 0 && !n->is_repeat) {
        rc = sql_read(db, SQL_REPLAY + REPLAY_LAST_NO, NULL, 0, replay_on_int, ret_last_no);
        n->is_over = active >= (int64_t)n->active_max;
    }
    return rc;
}

int replay_insert(struct db *db, struct replay_new *n)
{
    struct replay_row *r = &n->row;
    int64_t last_no = 0;
    int rc = replay_ask(db, n, &last_no);

    if (rc < 0 || n->is_repeat || n->is_over) {
        return rc;
    }
    r->no = last_no + 1;
    const struct db_value params[] = {
        db_int(r->no),
        sql_id(&r->id),
        db_int(r->project),
        db_int(r->app),
        db_int((int)r->state),
        db_int((int)r->mode),
        db_int(r->total),
        db_int(r->rate),
        db_int(r->upto_delivery),
        db_int(r->upto_event),
        db_blob(r->spec),
        n->key.p == NULL ? db_null() : db_blob(n->key),
        db_blob((struct str){ (const char *)n->hash, REPLAY_HASH_SIZE }),
        db_int(r->created_at),
    };

    rc = db_exec(db, SQL_REPLAY + REPLAY_INSERT, params, SQL_COUNT(params));
    for (size_t i = 0; i < n->part_count && rc == 0; i++) {
        struct replay_part *p = &n->parts[i];
        const struct db_value part[] = { db_int(r->no), db_int(p->endpoint), db_int(p->place),
                                         db_int(p->total), db_blob(p->list) };

        p->replay = r->no;
        rc = db_exec(db, SQL_REPLAY + REPLAY_PART_INSERT, part, SQL_COUNT(part));
    }
    return rc == 0 && n->audit != NULL ? audit_append(db, n->audit) : rc;
}

int replay_set_state(struct db *db, int64_t no, unsigned from, enum replay_state state,
                     int64_t now, int64_t *ret_changes)
{
    int64_t states[3] = { 0, 0, 0 };
    size_t count = 0;

    for (int s = REPLAY_QUEUED; s <= REPLAY_PAUSED; s++) {
        if ((from & 1U << s) != 0) {
            states[count++] = s;
        }
    }
    const struct db_value params[] = {
        db_int((int)state), db_int(replay_is_active(state) ? 0 : now),
        db_int(no),         db_int(states[0]),
        db_int(states[1]),  db_int(states[2]),
    };

    return db_exec_changes(db, SQL_REPLAY + REPLAY_SET_STATE, params, SQL_COUNT(params),
                           ret_changes);
}

/* --- Reading */

struct replay_rows {
    struct arena *arena;
    struct replay_row *rows;
    size_t count, max;
};

static int replay_on_row(void *ctx, const struct db_value *c, size_t count)
{
    struct replay_rows *rows = ctx;
    struct replay_row *row;

    ASSERT(count == REPLAY_COLUMN_COUNT);
    if (rows->count == rows->max) {
        return 1;
    }
    row = &rows->rows[rows->count++];
    *row = (struct replay_row){
        .no = c[0].i,
        .app = c[2].i,
        .state = (enum replay_state)c[3].i,
        .mode = (enum replay_mode)c[4].i,
        .total = c[5].i,
        .processed = c[6].i,
        .replayed = c[7].i,
        .skipped = c[8].i,
        .failed = c[9].i,
        .rate = c[10].i,
        .upto_delivery = c[11].i,
        .upto_event = c[12].i,
        .last_delivery = c[13].i,
        .spec = arena_str(rows->arena, c[14].s),
        .created_at = c[15].i,
        .started_at = c[16].i,
        .ended_at = c[17].i,
    };
    if (c[1].s.len == ID_SIZE) {
        memcpy(row->id.bytes, c[1].s.p, ID_SIZE);
    }
    return 0;
}

static int replay_read_one(struct db *db, unsigned stmt, struct db_value param,
                           struct arena *arena, struct replay_row *ret_row)
{
    struct replay_row row;
    struct replay_rows rows = { arena, &row, 0, 1 };
    int rc = sql_read(db, stmt, &param, 1, replay_on_row, &rows);

    if (rc < 0) {
        return rc;
    }
    if (rows.count == 0) {
        return -E_NOT_FOUND;
    }
    *ret_row = row;
    return 0;
}

int replay_get(struct db *db, const struct id *id, struct arena *arena,
               struct replay_row *ret_row)
{
    return replay_read_one(db, SQL_REPLAY + REPLAY_GET, sql_id(id), arena, ret_row);
}

int replay_get_no(struct db *db, int64_t no, struct arena *arena, struct replay_row *ret_row)
{
    return replay_read_one(db, SQL_REPLAY + REPLAY_GET_NO, db_int(no), arena, ret_row);
}

static int replay_read(struct db *db, unsigned stmt, const struct db_value *params,
                       size_t param_count, struct replay_rows *rows)
{
    rows->rows = arena_alloc(rows->arena, rows->max * sizeof(struct replay_row) + 1);
    return sql_read(db, stmt, params, param_count, replay_on_row, rows);
}

int replay_list(struct db *db, const struct replay_query *q, struct arena *arena,
                struct replay_row **ret_rows, size_t *ret_count)
{
    bool bounded = q->after_no > 0;
    const struct db_value params[] = {
        db_int(bounded && q->ascending ? q->after_no : 0),
        db_int(bounded && !q->ascending ? q->after_no : INT64_MAX),
        db_int(q->project),
        db_int(q->app),
        db_int(q->state),
        db_int(q->limit),
    };
    struct replay_rows rows = { .arena = arena, .max = q->limit };
    int rc = replay_read(db, SQL_REPLAY + (q->ascending ? REPLAY_LIST_UP : REPLAY_LIST_DOWN),
                         params, SQL_COUNT(params), &rows);

    if (rc < 0) {
        return rc;
    }
    *ret_rows = rows.rows;
    *ret_count = rows.count;
    return 0;
}

int replay_active(struct db *db, struct arena *arena, uint32_t max,
                  struct replay_row **ret_rows, size_t *ret_count)
{
    const struct db_value param = db_int(max);
    struct replay_rows rows = { .arena = arena, .max = max };
    int rc = replay_read(db, SQL_REPLAY + REPLAY_ACTIVE, &param, 1, &rows);

    if (rc < 0) {
        return rc;
    }
    *ret_rows = rows.rows;
    *ret_count = rows.count;
    return 0;
}

struct replay_part_rows {
    struct arena *arena;
    struct replay_part *rows;
    size_t count;
};

static int replay_on_part(void *ctx, const struct db_value *c, size_t count)
{
    struct replay_part_rows *rows = ctx;

    ASSERT(count == 6 && rows->count < REPLAY_PARTS_MAX);
    rows->rows[rows->count++] = (struct replay_part){ .replay = c[0].i,
                                                      .endpoint = c[1].i,
                                                      .place = c[2].i,
                                                      .total = c[3].i,
                                                      .done = c[4].i,
                                                      .list = arena_str(rows->arena, c[5].s) };
    return 0;
}

int replay_parts(struct db *db, int64_t no, struct arena *arena, struct replay_part **ret_parts,
                 size_t *ret_count)
{
    const struct db_value params[] = { db_int(no), db_int(REPLAY_PARTS_MAX) };
    struct replay_part_rows rows = { .arena = arena };
    int rc;

    rows.rows = arena_alloc(arena, REPLAY_PARTS_MAX * sizeof(struct replay_part));
    rc = sql_read(db, SQL_REPLAY + REPLAY_PARTS, params, SQL_COUNT(params), replay_on_part,
                  &rows);
    if (rc < 0) {
        return rc;
    }
    *ret_parts = rows.rows;
    *ret_count = rows.count;
    return 0;
}
