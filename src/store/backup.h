/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup.h - a copy of the embedded database, of a running or a stopped server, and a look whether it is whole.
 *
 * The copy is one moment of the database: everything that was committed before, nothing after. It is a file that
 * `serve` opens as `postern.db`. The key file is not in it: without it the copy's secrets cannot be read.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include <stdint.h>

#include "base/err.h"

struct backup_counts {
    int64_t events, deliveries, endpoints;
    int64_t schema; /* its version */
};

/*
 * data_dir holds postern.db; dest must not exist, it is made with mode 0600 and removed when anything fails.
 * -E_CONFLICT: dest exists. -E_NOT_FOUND: there is no database. -E_STORE: the copy is not whole.
 */
NODISCARD int store_backup(const char *data_dir, const char *dest,
                           struct backup_counts *ret_counts, struct err *err);

#endif
