/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "store/migrations.h"
#include "store/sql.h"

enum {
    STORE_STATEMENT_TIMEOUT_MS = 10 * 1000,
    STORE_LOCK_WAIT_MS = 5000,
    STORE_LOCK_POLL_MS = 50,
};

const struct db_stmt meta_stmts[META_STMTS] = {
    [META_KEY_READ] = { "meta_key_read", "SELECT key_check FROM meta WHERE id = 1", NULL, "" },
    [META_KEY_SET] = { "meta_key_set", "UPDATE meta SET key_check = $1 WHERE id = 1", NULL,
                       "b" },
};

/* Statements of the connection that holds the lock of a PostgreSQL database. */
enum lock_stmt { LOCK_TRY, LOCK_SETTINGS };

static const struct db_stmt lock_stmts[] = {
    [LOCK_TRY] = { "lock_try", "SELECT 1",
                   "SELECT pg_try_advisory_lock(hashtext('postern lane 0'))", "" },
    [LOCK_SETTINGS] = { "lock_settings", "SELECT 1, 1",
                        "SELECT current_setting('fsync') = 'on',"
                        " current_setting('full_page_writes') = 'on'",
                        "" },
};

/* What a process holds of an opened store until it ends or closes it. Main thread. */
struct store_hold {
    struct store_hold *next;
    int lock_fd;
    struct db *lock_db; /* PostgreSQL: its session has the advisory lock */
    char *path;         /* SQLite: the file, lent to db_options.target */
    const char *target; /* which options it belongs to */
};

static struct store_hold *store_holds;

static void store_drop(struct store_hold *hold)
{
    db_close(hold->lock_db);
    if (hold->lock_fd >= 0) {
        (void)close(hold->lock_fd);
    }
    free(hold->path);
    free(hold);
}

void store_close(const struct db_options *options)
{
    for (struct store_hold **at = &store_holds; *at != NULL; at = &(*at)->next) {
        struct store_hold *hold = *at;

        if (hold->target == options->target) {
            *at = hold->next;
            store_drop(hold);
            return;
        }
    }
}

static int store_on_ints(void *ctx, const struct db_value *columns, size_t count)
{
    int64_t *values = ctx;

    for (size_t i = 0; i < count; i++) {
        values[i] = columns[i].i;
    }
    return 0;
}

/*
 * --- The data directory
 * -------------------------------------------------------------------------
 */

static char *store_path(const char *dir, const char *name)
{
    size_t dir_len = strlen(dir);
    char *path = xalloc(dir_len + 1 + strlen(name) + 1);

    memcpy(path, dir, dir_len);
    path[dir_len] = '/';
    memcpy(path + dir_len + 1, name, strlen(name));
    return path;
}

static int store_make_dir(const char *dir, struct err *err)
{
    struct stat st;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return err_set(err, -E_IO, "Cannot make the data directory %s: %s", dir,
                       strerror(errno));
    }
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return err_set(err, -E_IO, "The data directory %s is not a directory", dir);
    }
    if ((st.st_mode & 077) != 0) {
        LOG_W("The data directory is open to others; chmod 700 it.", "path=\"%s\"", dir);
    }
    return 0;
}

/* Wait a little: a process that is just ending may still hold it. */
static int store_lock_dir(const char *dir, int *ret_fd, struct err *err)
{
    int64_t deadline = clock_boot_ms() + STORE_LOCK_WAIT_MS;
    char *path = store_path(dir, "postern.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        int rc = err_set(err, -E_IO, "Cannot open %s: %s", path, strerror(errno));

        free(path);
        return rc;
    }
    free(path);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_boot_ms() >= deadline) {
            (void)close(fd);
            return err_set(err, -E_CONFLICT, "Another Postern uses the data directory %s", dir);
        }
        (void)poll(NULL, 0, STORE_LOCK_POLL_MS);
    }
    *ret_fd = fd;
    return 0;
}

/* SQLite would make it readable for others; its WAL and index take over this mode. */
static int store_make_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        return err_set(err, -E_IO, "Cannot open %s: %s", path, strerror(errno));
    }
    (void)close(fd);
    return 0;
}

/*
 * --- The database
 * -------------------------------------------------------------------------------
 */

/* The server may take a moment to see that a killed process is gone: wait as for the folder. */
static int store_wait_postgres(struct db *db, int64_t *ret_locked)
{
    int64_t deadline = clock_boot_ms() + STORE_LOCK_WAIT_MS;
    int rc = sql_read(db, LOCK_TRY, NULL, 0, store_on_ints, ret_locked);

    while (rc == 0 && *ret_locked == 0 && clock_boot_ms() < deadline) {
        (void)poll(NULL, 0, STORE_LOCK_POLL_MS);
        rc = sql_read(db, LOCK_TRY, NULL, 0, store_on_ints, ret_locked);
    }
    return rc;
}

/*
 * A connection of its own, since the writer's may be replaced: the session holds the lock as
 * long as the process lives. If the server drops it, the lane's epoch still fences.
 */
static int store_lock_postgres(const struct db_options *options, struct db **ret_db,
                               struct err *err)
{
    struct db_options mine = *options;
    int64_t locked = 0;
    int64_t safe[2] = { 0, 0 };
    struct db *db;
    int rc;

    mine.stmts = lock_stmts;
    mine.stmt_count = SQL_COUNT(lock_stmts);
    rc = db_open(&mine, &db, err);
    if (rc < 0) {
        return rc;
    }
    rc = db_prepare(db, err);
    if (rc == 0) {
        rc = sql_read(db, LOCK_SETTINGS, NULL, 0, store_on_ints, safe);
    }
    if (rc == 0) {
        rc = store_wait_postgres(db, &locked);
    }
    if (rc < 0) {
        rc = err_set(err, rc, "PostgreSQL: %s", db_error(db));
    } else if (locked == 0) {
        rc = err_set(err, -E_CONFLICT, "Another Postern uses this PostgreSQL database");
    }
    if (rc < 0) {
        db_close(db);
        return rc;
    }
    if (safe[0] == 0 || safe[1] == 0) {
        LOG_W("PostgreSQL may lose acknowledged events at a power cut: fsync and "
              "full_page_writes "
              "must be on.",
              "fsync=%d full_page_writes=%d", (int)safe[0], (int)safe[1]);
    }
    *ret_db = db;
    return 0;
}

/*
 * Before the first 202: after a sync that failed the kernel calls the WAL's pages clean;
 * commits behind such a hole would be lost at a power cut. A truncated WAL has no holes.
 */
static int store_clean_wal(const struct db_options *options, struct err *err)
{
    struct db_options mine = *options;
    struct db *db;
    int rc = store_make_file(options->target, err);

    if (rc < 0) {
        return rc;
    }
    mine.writer = true;
    rc = db_open(&mine, &db, err);
    if (rc < 0) {
        return rc;
    }
    rc = db_checkpoint(db, DB_CHECKPOINT_TRUNCATE);
    if (rc < 0) {
        (void)err_set(err, rc, "Cannot write the log of %s into it: %s", mine.target,
                      db_error(db));
    }
    db_close(db);
    return rc;
}

static int store_pick(const struct store_open *open, struct store_hold *hold,
                      struct db_options *ret_options, struct err *err)
{
    struct str url = str_from(open->database);

    *ret_options = (struct db_options){
        .kind = DB_SQLITE,
        .vfs = open->vfs,
        .statement_timeout_ms = STORE_STATEMENT_TIMEOUT_MS,
        .stmts = sql_stmts(),
        .stmt_count = SQL_STMTS,
    };
    if (url.p == NULL) {
        hold->path = store_path(open->data_dir, "postern.db");
        ret_options->target = hold->path;
    } else if (str_starts(url, STR("postgres://")) || str_starts(url, STR("postgresql://"))) {
        ret_options->kind = DB_POSTGRES;
        ret_options->target = open->database;
    } else {
        return err_set(err, -E_CONFIG,
                       "The database must be a URL that begins with postgres://");
    }
    hold->target = ret_options->target;
    return 0;
}

int store_open(const struct store_open *open, struct db_options *ret_options, struct err *err)
{
    struct store_hold *hold = xalloc(sizeof(*hold));
    struct db_options options;
    int rc;

    hold->lock_fd = -1;
    rc = store_pick(open, hold, &options, err);
    if (rc == 0) {
        rc = store_make_dir(open->data_dir, err);
    }
    if (rc == 0) {
        rc = store_lock_dir(open->data_dir, &hold->lock_fd, err);
    }
    if (rc == 0) {
        rc = options.kind == DB_POSTGRES ? store_lock_postgres(&options, &hold->lock_db, err)
                                         : store_clean_wal(&options, err);
    }
    if (rc == 0) {
        rc = migrations_run(&options, err);
    }
    if (rc < 0) {
        store_drop(hold);
        return rc;
    }
    hold->next = store_holds;
    store_holds = hold;
    *ret_options = options;
    return 0;
}

/*
 * --- The key file's check value
 * -----------------------------------------------------------------
 */

struct store_key {
    unsigned char bytes[STORE_KEY_CHECK_SIZE];
    size_t len;
};

static int store_on_key(void *ctx, const struct db_value *columns, size_t count)
{
    struct store_key *key = ctx;

    (void)count;
    key->len = columns[0].s.len;
    if (key->len == STORE_KEY_CHECK_SIZE) {
        memcpy(key->bytes, columns[0].s.p, STORE_KEY_CHECK_SIZE);
    }
    return 0;
}

/* Read the check value; store `set` (may be NULL) where there is none yet. */
static int store_key(const struct db_options *options, const unsigned char *set,
                     struct store_key *ret_key, struct err *err)
{
    struct db_options mine = *options;
    struct store_key key = { .len = 0 };
    struct db *db;
    int rc;

    mine.writer = true;
    rc = db_open(&mine, &db, err);
    if (rc < 0) {
        return rc;
    }
    rc = db_prepare(db, err);
    if (rc < 0) {
        goto out;
    }
    rc = db_begin(db);
    if (rc == 0) {
        rc = sql_read(db, SQL_META + META_KEY_READ, NULL, 0, store_on_key, &key);
    }
    if (rc == 0 && set != NULL && key.len == 0) {
        const struct db_value check =
            db_blob((struct str){ (const char *)set, STORE_KEY_CHECK_SIZE });

        memcpy(key.bytes, set, STORE_KEY_CHECK_SIZE);
        key.len = STORE_KEY_CHECK_SIZE;
        rc = db_exec(db, SQL_META + META_KEY_SET, &check, 1);
    }
    if (rc == 0) {
        rc = db_commit(db);
    }
    if (rc < 0) {
        (void)err_set(err, rc, "The database refused: %s", db_error(db));
        db_rollback(db);
    } else {
        *ret_key = key;
    }
out:
    db_close(db);
    return rc;
}

int store_is_new(const struct db_options *options, bool *ret_is_new, struct err *err)
{
    struct store_key key;
    int rc = store_key(options, NULL, &key, err);

    if (rc == 0) {
        *ret_is_new = key.len == 0;
    }
    return rc;
}

int store_check_key(const struct db_options *options,
                    const unsigned char check[STORE_KEY_CHECK_SIZE], struct err *err)
{
    struct store_key key;
    int rc = store_key(options, check, &key, err);

    if (rc < 0) {
        return rc;
    }
    if (key.len != STORE_KEY_CHECK_SIZE ||
        memcmp(key.bytes, check, STORE_KEY_CHECK_SIZE) != 0) {
        return err_set(err, -E_CONFLICT,
                       "The key file does not belong to this database; its secrets "
                       "cannot be read with it. Put the right key file back");
    }
    return 0;
}
