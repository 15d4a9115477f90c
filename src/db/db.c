/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front of both drivers: what must hold for either database is checked here, once, so
 * that the two cannot differ in it: parameters fit their statement, text is text, a failed
 * transaction does nothing more.
 */
#include "db/db.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "db/db_internal.h"

enum { DB_VALUE_SIZE_MAX = 64 << 20 };

static const struct db_driver *const db_drivers[] = {
    [DB_SQLITE] = &db_sqlite_driver,
    [DB_POSTGRES] = &db_postgres_driver,
};

int db_fail(struct db *db, int code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(db->error, sizeof(db->error), fmt, args);
    va_end(args);
    return code;
}

const char *db_sql(const struct db *db, unsigned stmt)
{
    const struct db_stmt *s = &db->options.stmts[stmt];

    return db->options.kind == DB_POSTGRES && s->sql_postgres != NULL ? s->sql_postgres
                                                                      : s->sql;
}

int db_open(const struct db_options *options, struct db **ret_db, struct err *err)
{
    ASSERT(options->target != NULL);
    ASSERT(options->kind == DB_SQLITE || options->kind == DB_POSTGRES);
    return db_drivers[options->kind]->open(options, ret_db, err);
}

void db_close(struct db *db)
{
    if (db != NULL) {
        db->driver->close(db);
    }
}

enum db_kind db_kind(const struct db *db)
{
    return db->options.kind;
}

void db_set_context(struct db *db, void *context)
{
    db->context = context;
}

void *db_context(const struct db *db)
{
    return db->context;
}

/* An error inside a transaction ends it: nothing more is sent until db_rollback. */
static int db_settle(struct db *db, int rc)
{
    if (rc < 0 && db->tx == DB_TX_OPEN) {
        db->tx = DB_TX_FAILED;
        db->failure = rc;
    }
    return rc;
}

int db_script(struct db *db, const char *sql, struct err *err)
{
    int rc = db->tx == DB_TX_FAILED ? db->failure : db_settle(db, db->driver->script(db, sql));

    return rc < 0 ? err_set(err, rc, "The database refused: %s", db->error) : 0;
}

/*
 * `$2` before `$1` swaps values silently on SQLite, which numbers parameters as it meets
 * them. So the parameters must appear as $1, $2, ... by first use, and there must be as many
 * as were declared.
 */
static int db_check_stmt(const struct db *db, unsigned stmt, struct err *err)
{
    const struct db_stmt *s = &db->options.stmts[stmt];
    const char *sql = db_sql(db, stmt);
    size_t declared = strlen(s->params);
    size_t seen = 0;

    if (declared > DB_PARAMS_MAX || strspn(s->params, "itb") != declared) {
        return err_set(err, -E_INTERNAL, "statement %s: parameters are declared wrongly",
                       s->name);
    }
    for (const char *p = strchr(sql, '$'); p != NULL; p = strchr(p, '$')) {
        size_t n = 0;

        for (p++; *p >= '0' && *p <= '9'; p++) {
            n = n * 10 + (size_t)(*p - '0');
        }
        if (n == 0 || n > seen + 1) {
            return err_set(err, -E_INTERNAL, "statement %s: $%zu stands before $%zu", s->name,
                           n, seen + 1);
        }
        seen = n > seen ? n : seen;
    }
    if (seen != declared) {
        return err_set(err, -E_INTERNAL, "statement %s: uses %zu parameters, declares %zu",
                       s->name, seen, declared);
    }
    return 0;
}

int db_prepare(struct db *db, struct err *err)
{
    ASSERT(db->tx == DB_TX_IDLE);
    ASSERT(!db->prepared);
    for (unsigned i = 0; i < db->options.stmt_count; i++) {
        int rc = db_check_stmt(db, i, err);

        if (rc < 0) {
            return rc;
        }
    }
    int rc = db->driver->prepare(db, err);

    db->prepared = rc == 0;
    return rc;
}

int db_begin(struct db *db)
{
    ASSERT(db->tx == DB_TX_IDLE);
    int rc = db->driver->begin(db);

    /* Also after an error: the caller rolls back, whatever began. */
    db->tx = rc < 0 ? DB_TX_FAILED : DB_TX_OPEN;
    db->failure = rc;
    return rc;
}

/* What PostgreSQL would refuse in a text column is refused on SQLite too. */
static bool db_text_is_valid(struct str s)
{
    return (s.len == 0 || memchr(s.p, '\0', s.len) == NULL) && str_is_utf8(s);
}

static int db_check_params(struct db *db, unsigned stmt, const struct db_value *params,
                           size_t count)
{
    const struct db_stmt *s = &db->options.stmts[stmt];

    ASSERT(count == strlen(s->params));
    for (size_t i = 0; i < count; i++) {
        switch (params[i].type) {
        case DB_NULL:
            break;
        case DB_INT:
            ASSERT(s->params[i] == 'i');
            break;
        case DB_TEXT:
            ASSERT(s->params[i] == 't');
            if (!db_text_is_valid(params[i].s)) {
                return db_fail(db, -E_STORE, "%s: parameter %zu is not valid text", s->name,
                               i + 1);
            }
            break;
        case DB_BLOB:
            ASSERT(s->params[i] == 'b');
            break;
        }
        if (params[i].s.len > DB_VALUE_SIZE_MAX) {
            return db_fail(db, -E_STORE, "%s: parameter %zu is too long", s->name, i + 1);
        }
    }
    return 0;
}

static int db_run(struct db *db, unsigned stmt, const struct db_value *params, size_t count,
                  const struct db_sink *sink)
{
    int rc;

    ASSERT(db->prepared);
    ASSERT(stmt < db->options.stmt_count);
    if (db->tx == DB_TX_FAILED) {
        return db->failure;
    }
    rc = db_check_params(db, stmt, params, count);
    if (rc == 0) {
        rc = db->driver->run(db, stmt, params, count, sink);
    }
    return db_settle(db, rc);
}

int db_exec(struct db *db, unsigned stmt, const struct db_value *params, size_t count)
{
    return db_run(db, stmt, params, count, &(struct db_sink){ 0 });
}

int db_exec_changes(struct db *db, unsigned stmt, const struct db_value *params, size_t count,
                    int64_t *ret_changes)
{
    return db_run(db, stmt, params, count, &(struct db_sink){ .ret_changes = ret_changes });
}

int db_query(struct db *db, unsigned stmt, const struct db_value *params, size_t count,
             db_on_row *on_row, void *ctx)
{
    return db_run(db, stmt, params, count, &(struct db_sink){ .on_row = on_row, .ctx = ctx });
}

int db_flush(struct db *db)
{
    if (db->tx == DB_TX_FAILED) {
        return db->failure;
    }
    return db_settle(db, db->driver->flush(db));
}

int db_commit(struct db *db)
{
    int rc;

    ASSERT(db->tx != DB_TX_IDLE);
    if (db->tx == DB_TX_FAILED) {
        return db->failure;
    }
    rc = db_settle(db, db->driver->commit(db));
    if (rc == 0) {
        db->tx = DB_TX_IDLE;
    }
    return rc;
}

void db_rollback(struct db *db)
{
    if (db->tx != DB_TX_IDLE) {
        db->driver->rollback(db);
        db->tx = DB_TX_IDLE;
        db->failure = 0;
    }
}

const char *db_error(const struct db *db)
{
    return db->error;
}

bool db_alive(const struct db *db)
{
    return db->driver->alive(db);
}

int db_checkpoint(struct db *db, enum db_checkpoint when)
{
    ASSERT(db->tx == DB_TX_IDLE);
    return db->driver->checkpoint(db, when);
}
