/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite driver: WAL, synced at every commit.
 *
 * Only the writing connection checkpoints, and only when asked (db_checkpoint): before 3.51.3
 * SQLite has a race between a checkpoint and a writer that resets the WAL. Statements run at
 * once, so every callback has fired when run returns. No memory map: a failed page-in would
 * be a SIGBUS instead of an error.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "db/db_internal.h"

enum {
    SQLITE_PAGE_SIZE = 8192, /* unchangeable later */
    SQLITE_BUSY_MS = 5000,
    /* A larger WAL writes fewer pages back (they repeat), but one checkpoint takes longer. */
    SQLITE_CHECKPOINT_BUSY_PAGES = (48 << 20) / SQLITE_PAGE_SIZE,
    SQLITE_CHECKPOINT_IDLE_PAGES = (4 << 20) / SQLITE_PAGE_SIZE,
};

/*
 * Set before the first table exists: page_size and auto_vacuum cannot be changed in WAL mode.
 */
static const char sqlite_writer_setup[] = "PRAGMA page_size = 8192;"
                                          "PRAGMA auto_vacuum = INCREMENTAL;"
                                          "PRAGMA journal_mode = WAL;"
                                          "PRAGMA synchronous = FULL;"
                                          "PRAGMA journal_size_limit = 67108864;"
                                          "PRAGMA cache_size = -65536;";
static const char sqlite_reader_setup[] = "PRAGMA query_only = 1;"
                                          "PRAGMA cache_size = -8192;";
static const char sqlite_setup[] = "PRAGMA mmap_size = 0;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA trusted_schema = 0;"
                                   "PRAGMA cell_size_check = 1;";

struct db_sqlite {
    struct db base;
    sqlite3 *handle;
    sqlite3_stmt **stmts;
    int wal_pages;    /* in the WAL after the last commit */
    int checkpointed; /* wal_pages at the last checkpoint, 0 when the WAL began again */
};

static struct db_sqlite *sqlite_of(struct db *db)
{
    return CONTAINER_OF(db, struct db_sqlite, base);
}

/*
 * What an error says about the transaction. Known: the statement or the write before the sync
 * failed, and a rollback leaves nothing of it. A failed sync is never known: the kernel may
 * have dropped the pages and marked them clean. What COMMIT answers beyond the listed codes
 * is taken as unknown.
 */
static int sqlite_code(struct db_sqlite *s, int rc, bool is_commit)
{
    switch (rc) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_NOMEM:
    case SQLITE_IOERR_SHMSIZE:
        return -E_FULL;
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
        return -E_UNKNOWN;
    case SQLITE_CONSTRAINT_CHECK:
        return strstr(sqlite3_errmsg(s->handle), DB_FENCE_CONSTRAINT) != NULL ? -E_FENCED
                                                                              : -E_CONFLICT;
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return -E_CONFLICT;
    default:
        break;
    }
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -E_BUSY;
    case SQLITE_CANTOPEN:
        return is_commit ? -E_UNKNOWN : -E_FULL;
    default:
        return is_commit ? -E_UNKNOWN : -E_STORE;
    }
}

static int sqlite_fail(struct db_sqlite *s, int rc, bool is_commit, const char *what)
{
    int code = sqlite_code(s, rc, is_commit);

    return db_fail(&s->base, code, "%s: %s (%d)", what, sqlite3_errmsg(s->handle), rc);
}

static int sqlite_on_wal(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    struct db_sqlite *s = ctx;

    (void)handle;
    (void)name;
    if (pages < s->wal_pages) {
        s->checkpointed = 0; /* it began again from its start */
    }
    s->wal_pages = pages;
    return SQLITE_OK;
}

static int sqlite_is_wal(void *ctx, int count, char **columns, char **names)
{
    bool *is_wal = ctx;

    (void)names;
    *is_wal = count == 1 && strcmp(columns[0], "wal") == 0;
    return 0;
}

static int sqlite_setup_connection(struct db_sqlite *s)
{
    bool is_wal = false;
    int rc = sqlite3_exec(s->handle, sqlite_setup, NULL, NULL, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(s->handle,
                          s->base.options.writer ? sqlite_writer_setup : sqlite_reader_setup,
                          NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(s->handle, "PRAGMA journal_mode", sqlite_is_wal, &is_wal, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_wal_autocheckpoint(s->handle, 0);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_db_config(s->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    if (rc == SQLITE_OK && !is_wal) {
        return db_fail(&s->base, -E_IO,
                       "no write-ahead log here; is it a network file system?");
    }
    if (rc != SQLITE_OK) {
        return sqlite_fail(s, rc, false, "settings");
    }
    if (s->base.options.writer) {
        (void)sqlite3_wal_hook(s->handle, sqlite_on_wal, s);
    }
    return 0;
}

static void sqlite_close(struct db *db)
{
    struct db_sqlite *s = sqlite_of(db);

    for (size_t i = 0; s->stmts != NULL && i < db->options.stmt_count; i++) {
        (void)sqlite3_finalize(s->stmts[i]);
    }
    free(s->stmts);
    (void)sqlite3_close(s->handle);
    free(s);
}

static int sqlite_open(const struct db_options *options, struct db **ret_db, struct err *err)
{
    struct db_sqlite *s = xalloc(sizeof(*s));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc;

    s->base.driver = &db_sqlite_driver;
    s->base.options = *options;
    if (options->writer) {
        flags |= SQLITE_OPEN_CREATE;
    }
    rc = sqlite3_open_v2(options->target, &s->handle, flags, options->vfs);
    if (rc != SQLITE_OK) {
        rc = sqlite_fail(s, rc, false, "open");
    } else {
        (void)sqlite3_busy_timeout(s->handle, SQLITE_BUSY_MS);
        rc = sqlite_setup_connection(s);
    }
    if (rc < 0) {
        (void)err_set(err, rc, "%s: %s", options->target, s->base.error);
        sqlite_close(&s->base);
        return rc;
    }
    *ret_db = &s->base;
    return 0;
}

static int sqlite_simple(struct db_sqlite *s, const char *sql, bool is_commit)
{
    int rc = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : sqlite_fail(s, rc, is_commit, is_commit ? "commit" : "script");
}

static int sqlite_script(struct db *db, const char *sql)
{
    return sqlite_simple(sqlite_of(db), sql, false);
}

static int sqlite_prepare(struct db *db, struct err *err)
{
    struct db_sqlite *s = sqlite_of(db);

    s->stmts = xcalloc(db->options.stmt_count, sizeof(sqlite3_stmt *));
    for (unsigned i = 0; i < db->options.stmt_count; i++) {
        const char *name = db->options.stmts[i].name;
        const char *tail = "";
        int rc = sqlite3_prepare_v3(s->handle, db_sql(db, i), -1, SQLITE_PREPARE_PERSISTENT,
                                    &s->stmts[i], &tail);

        if (rc != SQLITE_OK) {
            rc = sqlite_fail(s, rc, false, name);
            return err_set(err, rc, "statement %s", db->error);
        }
        if (*tail != '\0') {
            return err_set(err, -E_INTERNAL, "statement %s: more than one statement", name);
        }
        /* The front has read the text; this is what SQLite itself made of it. */
        for (int n = 1; n <= sqlite3_bind_parameter_count(s->stmts[i]); n++) {
            const char *parameter = sqlite3_bind_parameter_name(s->stmts[i], n);

            if (parameter == NULL || strtol(parameter + 1, NULL, 10) != n) {
                return err_set(err, -E_INTERNAL, "statement %s: parameter %d has index %s",
                               name, n, parameter == NULL ? "?" : parameter);
            }
        }
    }
    return 0;
}

static int sqlite_begin(struct db *db)
{
    return sqlite_simple(sqlite_of(db), db->options.writer ? "BEGIN IMMEDIATE" : "BEGIN",
                         false);
}

static int sqlite_bind(sqlite3_stmt *stmt, int at, const struct db_value *value)
{
    const char *bytes = value->s.len == 0 ? "" : value->s.p;

    switch (value->type) {
    case DB_NULL:
        return sqlite3_bind_null(stmt, at);
    case DB_INT:
        return sqlite3_bind_int64(stmt, at, value->i);
    case DB_TEXT:
        return sqlite3_bind_text(stmt, at, bytes, (int)value->s.len, SQLITE_STATIC);
    case DB_BLOB:
        return sqlite3_bind_blob(stmt, at, bytes, (int)value->s.len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static void sqlite_column(sqlite3_stmt *stmt, int at, struct db_value *ret_value)
{
    int type = sqlite3_column_type(stmt, at);

    switch (type) {
    case SQLITE_INTEGER:
        *ret_value = db_int(sqlite3_column_int64(stmt, at));
        break;
    case SQLITE_TEXT:
    case SQLITE_BLOB: {
        /* The bytes first: the call may convert, and the length is asked after it. */
        const void *bytes = type == SQLITE_TEXT ? (const void *)sqlite3_column_text(stmt, at)
                                                : sqlite3_column_blob(stmt, at);
        struct str s = { bytes, (size_t)sqlite3_column_bytes(stmt, at) };

        *ret_value = type == SQLITE_TEXT ? db_text(s) : db_blob(s);
        break;
    }
    default:
        ASSERT(type == SQLITE_NULL); /* no statement of ours makes a float */
        *ret_value = db_null();
        break;
    }
}

/* Step to the end, or until the callback has enough. */
static int sqlite_step_all(sqlite3_stmt *stmt, const struct db_sink *sink)
{
    struct db_value columns[DB_COLUMNS_MAX];
    int count = sqlite3_column_count(stmt);
    int rc;

    ASSERT(count <= DB_COLUMNS_MAX);
    for (rc = sqlite3_step(stmt); rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
        if (sink->on_row == NULL) {
            continue;
        }
        for (int i = 0; i < count; i++) {
            sqlite_column(stmt, i, &columns[i]);
        }
        if (sink->on_row(sink->ctx, columns, (size_t)count) != 0) {
            return SQLITE_DONE;
        }
    }
    return rc;
}

static int sqlite_run(struct db *db, unsigned index, const struct db_value *params,
                      size_t count, const struct db_sink *sink)
{
    struct db_sqlite *s = sqlite_of(db);
    sqlite3_stmt *stmt = s->stmts[index];
    int rc = SQLITE_OK;

    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        rc = sqlite_bind(stmt, (int)i + 1, &params[i]);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite_step_all(stmt, sink);
    }
    if (rc == SQLITE_DONE) {
        if (sink->ret_changes != NULL) {
            *sink->ret_changes = sqlite3_changes64(s->handle);
        }
        rc = 0;
    } else {
        rc = sqlite_fail(s, rc, false, db->options.stmts[index].name);
    }
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return rc;
}

static int sqlite_flush(struct db *db)
{
    (void)db;
    return 0;
}

static int sqlite_commit(struct db *db)
{
    return sqlite_simple(sqlite_of(db), "COMMIT", true);
}

static void sqlite_rollback(struct db *db)
{
    struct db_sqlite *s = sqlite_of(db);

    /* Some errors roll back by themselves. */
    if (sqlite3_get_autocommit(s->handle) == 0) {
        (void)sqlite3_exec(s->handle, "ROLLBACK", NULL, NULL, NULL);
    }
}

static bool sqlite_alive(const struct db *db)
{
    (void)db;
    return true;
}

static int sqlite_checkpoint(struct db *db, enum db_checkpoint when)
{
    struct db_sqlite *s = sqlite_of(db);
    bool truncate = when == DB_CHECKPOINT_TRUNCATE;
    int enough = when == DB_CHECKPOINT_IDLE ? SQLITE_CHECKPOINT_IDLE_PAGES
                                            : SQLITE_CHECKPOINT_BUSY_PAGES;
    int rc;

    ASSERT(db->options.writer);
    if (!truncate && s->wal_pages - s->checkpointed < enough) {
        return 0;
    }
    rc = sqlite3_wal_checkpoint_v2(
        s->handle, NULL, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
        NULL, NULL);
    /* What a reader still holds back stays: try again when as much has come on top of it. */
    s->checkpointed = s->wal_pages;
    return rc == SQLITE_OK ? 0 : sqlite_fail(s, rc, false, "checkpoint");
}

const struct db_driver db_sqlite_driver = {
    .open = sqlite_open,
    .close = sqlite_close,
    .script = sqlite_script,
    .prepare = sqlite_prepare,
    .begin = sqlite_begin,
    .run = sqlite_run,
    .flush = sqlite_flush,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .alive = sqlite_alive,
    .checkpoint = sqlite_checkpoint,
};
