/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - opening the store: which database, its schema, its check value, its lock.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

enum { STORE_KEY_CHECK_SIZE = 32 };

struct store_open {
    const char *database; /* NULL or postgres://... */
    const char *data_dir; /* holds postern.db and postern.lock; made with mode 0700 */
    const char *vfs;
};

/*
 * One process owns a data directory (flock on postern.lock, waits 5 s) and, on PostgreSQL,
 * the database (the lane row's session advisory lock): a second one gets -E_CONFLICT with a
 * sentence. Then migrates inside a transaction. *ret_options is ready for writer_start and
 * readers_start; it borrows from `open` and must live as long as they do. The lock is held
 * until the process ends.
 */
NODISCARD int store_open(const struct store_open *open, struct db_options *ret_options,
                         struct err *err);
/*
 * Give the lock back; the options are not usable any more. A process that ends need not call
 * it.
 */
void store_close(const struct db_options *options);

/*
 * `check` is a keyed value of the key file. A new database stores it; an old one compares:
 * -E_CONFLICT when the key file does not belong to this database. *ret_is_new says that the
 * database was made now (so the key file may be made now, and only now).
 */
NODISCARD int store_is_new(const struct db_options *options, bool *ret_is_new, struct err *err);
NODISCARD int store_check_key(const struct db_options *options,
                              const unsigned char check[STORE_KEY_CHECK_SIZE], struct err *err);

#endif
