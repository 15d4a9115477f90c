/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of a SQLite file by its online backup: one read transaction over the source, whatever is written to it
 * meanwhile. All pages in one step: a step-wise copy would begin anew at every write of another process.
 */
#include <sqlite3.h>

#include "db/db.h"

enum { COPY_BUSY_MS = 10000 };

static int copy_fail(sqlite3 *handle, const char *path, struct err *err)
{
    return err_set(err, sqlite3_errcode(handle) == SQLITE_FULL ? -E_FULL : -E_IO, "%s: %s",
                   path, sqlite3_errmsg(handle));
}

static int copy_open(const char *path, int flags, sqlite3 **ret_handle, struct err *err)
{
    sqlite3 *handle = NULL;
    int rc;

    if (sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        rc = copy_fail(handle, path, err);
        (void)sqlite3_close(handle);
        return rc;
    }
    (void)sqlite3_busy_timeout(handle, COPY_BUSY_MS);
    /* Only the writer of a server checkpoints (store/writer.h). */
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    *ret_handle = handle;
    return 0;
}

int db_copy_sqlite(const char *from, const char *to, struct err *err)
{
    sqlite3 *source;
    sqlite3 *dest;
    sqlite3_backup *backup;
    int rc = copy_open(from, SQLITE_OPEN_READWRITE, &source, err);

    if (rc != 0) {
        return rc;
    }
    rc = copy_open(to, SQLITE_OPEN_READWRITE, &dest, err);
    if (rc != 0) {
        (void)sqlite3_close(source);
        return rc;
    }
    backup = sqlite3_backup_init(dest, "main", source, "main");
    if (backup == NULL || sqlite3_backup_step(backup, -1) != SQLITE_DONE) {
        rc = copy_fail(dest, to, err);
    }
    if (sqlite3_backup_finish(backup) != SQLITE_OK && rc == 0) {
        rc = copy_fail(dest, to, err);
    }
    (void)sqlite3_close(dest);
    (void)sqlite3_close(source);
    return rc;
}
