/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_internal.h - what a driver implements. The front (db.c) has checked every call before it
 * gets here: states, parameter counts and types, text. A driver only talks to its database
 * and maps its errors.
 */
#ifndef DB_DB_INTERNAL_H
#define DB_DB_INTERNAL_H

#include "db/db.h"

enum { DB_ERROR_SIZE = 200 };

/* Where the result of one statement goes; all members may be NULL. */
struct db_sink {
    db_on_row *on_row;
    void *ctx;
    int64_t *ret_changes;
};

/*
 * The transaction as the front sees it.
 *   IDLE --begin--> OPEN --commit--> IDLE
 *                    `---error---> FAILED --rollback--> IDLE
 */
enum db_tx { DB_TX_IDLE, DB_TX_OPEN, DB_TX_FAILED };

struct db_driver;

/* Base of every connection; first member of the driver's own struct. */
struct db {
    const struct db_driver *driver;
    struct db_options options; /* borrowed strings as given to db_open */
    void *context;
    enum db_tx tx;
    int failure;   /* the code that made tx FAILED */
    bool prepared; /* db_prepare has succeeded */
    char error[DB_ERROR_SIZE];
};

/* Every int is 0 or a code of db.h, with db_fail called where it was found. */
struct db_driver {
    int (*open)(const struct db_options *options, struct db **ret_db, struct err *err);
    void (*close)(struct db *db);
    int (*script)(struct db *db, const char *sql);
    int (*prepare)(struct db *db, struct err *err);
    int (*begin)(struct db *db);
    int (*run)(struct db *db, unsigned stmt, const struct db_value *params, size_t count,
               const struct db_sink *sink);
    int (*flush)(struct db *db);
    int (*commit)(struct db *db);
    void (*rollback)(struct db *db);
    bool (*alive)(const struct db *db);
    int (*checkpoint)(struct db *db, enum db_checkpoint when);
};

extern const struct db_driver db_sqlite_driver;
extern const struct db_driver db_postgres_driver;

/* Keep the sentence for db_error and return code. Never put values or secrets into it. */
int db_fail(struct db *db, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The statement's text for this database. */
const char *db_sql(const struct db *db, unsigned stmt);

#endif
