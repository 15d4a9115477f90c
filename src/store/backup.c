/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/sql.h"

enum { BACKUP_PATH_MAX = 4000, BACKUP_TIMEOUT_MS = 3600 * 1000 };

enum backup_stmt { BACKUP_CHECK, BACKUP_COUNT };

/* Statements of the connection that looks at the copy. */
static const struct db_stmt backup_stmts[] = {
    [BACKUP_CHECK] = { "backup_check", "PRAGMA integrity_check(1)", "SELECT 'ok'", "" },
    [BACKUP_COUNT] = { "backup_count",
                       "SELECT (SELECT COUNT(*) FROM event), (SELECT COUNT(*) FROM delivery),"
                       " (SELECT COUNT(*) FROM endpoint), (SELECT schema_version FROM meta)",
                       NULL, "" },
};

static int on_check(void *ctx, const struct db_value *columns, size_t count)
{
    bool *is_whole = ctx;

    *is_whole = count == 1 && str_eq_c(columns[0].s, "ok");
    return 1;
}

static int on_counts(void *ctx, const struct db_value *columns, size_t count)
{
    struct backup_counts *counts = ctx;

    (void)count;
    *counts = (struct backup_counts){ columns[0].i, columns[1].i, columns[2].i, columns[3].i };
    return 0;
}

/* Is the copy whole, and what is in it? Leaves one file, without a log beside it. */
static int backup_look(const char *dest, struct backup_counts *ret_counts, struct err *err)
{
    const struct db_options options = { .kind = DB_SQLITE,
                                        .target = dest,
                                        .writer = true,
                                        .statement_timeout_ms = BACKUP_TIMEOUT_MS,
                                        .stmts = backup_stmts,
                                        .stmt_count = SQL_COUNT(backup_stmts) };
    bool is_whole = false;
    struct db *db;
    int rc = db_open(&options, &db, err);

    if (rc != 0) {
        return rc;
    }
    rc = db_prepare(db, err);
    if (rc == 0) {
        rc = sql_read(db, BACKUP_CHECK, NULL, 0, on_check, &is_whole);
    }
    if (rc == 0 && is_whole) {
        rc = sql_read(db, BACKUP_COUNT, NULL, 0, on_counts, ret_counts);
    }
    if (rc == 0) {
        rc = db_checkpoint(db, DB_CHECKPOINT_TRUNCATE);
    }
    if (rc != 0) {
        (void)err_set(err, rc, "%s: %s", dest, db_error(db));
    } else if (!is_whole) {
        rc = err_set(err, -E_STORE, "%s is not whole; look at the disk of the original", dest);
    }
    db_close(db);
    return rc;
}

static void remove_beside(const char *dest, const char *suffix)
{
    char path[BACKUP_PATH_MAX + 8];

    (void)snprintf(path, sizeof(path), "%.*s%s", BACKUP_PATH_MAX, dest, suffix);
    (void)unlink(path);
}

static int backup_make(const char *dest, struct err *err)
{
    int fd = open(dest, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        return err_set(err, errno == EEXIST ? -E_CONFLICT : -E_IO, "%s: %s", dest,
                       strerror(errno));
    }
    (void)close(fd);
    return 0;
}

int store_backup(const char *data_dir, const char *dest, struct backup_counts *ret_counts,
                 struct err *err)
{
    struct backup_counts counts = { 0 };
    char from[BACKUP_PATH_MAX + 16];
    int rc;

    if (strlen(data_dir) > BACKUP_PATH_MAX || strlen(dest) > BACKUP_PATH_MAX) {
        return err_set(err, -E_INVALID, "the path is too long");
    }
    (void)snprintf(from, sizeof(from), "%.*s/postern.db", BACKUP_PATH_MAX, data_dir);
    if (access(from, R_OK | W_OK) != 0) {
        return err_set(err, errno == ENOENT ? -E_NOT_FOUND : -E_IO,
                       "there is no database that may be read in %.150s", data_dir);
    }
    rc = backup_make(dest, err);
    if (rc != 0) {
        return rc;
    }
    rc = db_copy_sqlite(from, dest, err);
    if (rc == 0) {
        rc = backup_look(dest, &counts, err);
    }
    remove_beside(dest, "-wal");
    remove_beside(dest, "-shm");
    if (rc != 0) {
        (void)unlink(dest);
        return rc;
    }
    *ret_counts = counts;
    return 0;
}
