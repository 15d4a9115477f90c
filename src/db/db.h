/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db.h - one connection to SQLite or PostgreSQL behind one contract. Drivers hold no SQL of
 * ours.
 *
 * Statements are prepared at open from one table, so a schema mistake fails at start. A
 * statement is named by its index in that table. Between db_begin and db_commit a driver may
 * pipeline: db_exec and db_query return before the server answered, and row callbacks fire in
 * statement order, at the latest inside db_commit or db_flush. So a transaction must not
 * branch on what it read: use conditional SQL (engineering.md B2) or db_flush. Text must be
 * UTF-8 without U+0000; bytes from outside are blobs.
 *
 * Errors: -E_STORE = a statement failed (constraint, bad value): known, nothing of the
 * transaction is kept after db_rollback. -E_CONFLICT = a UNIQUE or CHECK constraint refused
 * it (also known). -E_FENCED = the fence's CHECK failed. -E_FULL = disk full or write failed
 * before the sync (known). -E_BUSY = 40001/40P01/ SQLITE_BUSY: run the batch again (known).
 * -E_UNKNOWN = error of COMMIT, sync or connection: nobody knows.
 * -E_UNAVAILABLE = no connection (nothing was sent).
 *
 * A connection belongs to one thread.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct db;

/* A statement has at most so many parameters, a row at most so many columns. */
enum { DB_PARAMS_MAX = 48, DB_COLUMNS_MAX = 48 };

/* The CHECK constraint of this name is the lane fence: its failure is -E_FENCED. */
#define DB_FENCE_CONSTRAINT "lane_fence"

enum db_kind { DB_SQLITE, DB_POSTGRES };

enum db_type { DB_NULL, DB_INT, DB_TEXT, DB_BLOB };

struct db_value {
    enum db_type type;
    int64_t i;
    /* Text or bytes; borrowed: parameters until the call returns, columns during the callback. */
    struct str s;
};

static inline struct db_value db_int(int64_t i)
{
    return (struct db_value){ .type = DB_INT, .i = i };
}
static inline struct db_value db_text(struct str s)
{
    return (struct db_value){ .type = DB_TEXT, .s = s };
}
static inline struct db_value db_blob(struct str s)
{
    return (struct db_value){ .type = DB_BLOB, .s = s };
}
static inline struct db_value db_null(void)
{
    return (struct db_value){ .type = DB_NULL };
}

struct db_stmt {
    const char *name;
    const char *sql;          /* $1.. in order of first use, asserted */
    const char *sql_postgres; /* NULL: the same text */
    const char *params;       /* one letter each: i int64, t text, b bytes */
};

struct db_options {
    enum db_kind kind;
    const char *target; /* SQLite: path of the file; PostgreSQL: a URL for libpq */
    bool writer;     /* the only writing connection: sync=FULL, checkpoints; else read-only */
    const char *vfs; /* SQLite VFS name for fault tests, or NULL */
    int statement_timeout_ms;
    const struct db_stmt *stmts;
    size_t stmt_count;
};

/*
 * One row, on the connection's thread; return 0 to go on, another value stops reading this
 * result (no error).
 */
typedef int db_on_row(void *ctx, const struct db_value *columns, size_t count);

NODISCARD int db_open(const struct db_options *options, struct db **ret_db, struct err *err);
void db_close(struct db *db); /* NULL allowed */
enum db_kind db_kind(const struct db *db);
/*
 * An object of the floor above that travels with the connection (store/rollup.h). NULL at
 * open.
 */
void db_set_context(struct db *db, void *context);
void *db_context(const struct db *db);

/* Run DDL or settings outside the statement table: several statements in one text. Also
 * between db_begin and db_commit; then it waits for the answer. */
NODISCARD int db_script(struct db *db, const char *sql, struct err *err);
/* Prepare options.stmts (after migrations). */
NODISCARD int db_prepare(struct db *db, struct err *err);

NODISCARD int db_begin(struct db *db);
NODISCARD int db_exec(struct db *db, unsigned stmt, const struct db_value *params,
                      size_t count);
/*
 * As db_exec; *ret_changes gets the number of changed rows, at the latest inside
 * db_commit/db_flush.
 */
NODISCARD int db_exec_changes(struct db *db, unsigned stmt, const struct db_value *params,
                              size_t count, int64_t *ret_changes);
NODISCARD int db_query(struct db *db, unsigned stmt, const struct db_value *params,
                       size_t count, db_on_row *on_row, void *ctx);
/* Wait for everything sent so far; all callbacks have fired after it. */
NODISCARD int db_flush(struct db *db);
NODISCARD int db_commit(struct db *db);
void db_rollback(struct db *db); /* after any error; also closes a broken pipeline */
/* The sentence of the last error for the log (never values). Borrowed until the next call. */
const char *db_error(const struct db *db);
/* PostgreSQL: the connection is usable. SQLite: always. */
bool db_alive(const struct db *db);
/*
 * SQLite: TRUNCATE: everything into the file and the WAL to length 0 (start, shutdown), or an
 * error. Else, only when the WAL has grown enough for `when`, copy what no reader holds back.
 * -E_UNKNOWN: a sync failed, end the process. PostgreSQL: nothing.
 */
enum db_checkpoint {
    DB_CHECKPOINT_BUSY, /* more work waits: only when the WAL is large */
    DB_CHECKPOINT_IDLE, /* nothing waits: early, so that no commit has to wait long for one */
    DB_CHECKPOINT_TRUNCATE /* start and shutdown: all of it, or an error */
};
NODISCARD int db_checkpoint(struct db *db, enum db_checkpoint when);

/*
 * Copy a SQLite file as it is at one moment, while others read and write it, into an existing
 * empty file. -E_FULL, -E_IO with the sentence.
 */
NODISCARD int db_copy_sqlite(const char *from, const char *to, struct err *err);

#endif
