/* SPDX-License-Identifier: Apache-2.0 */
/*
 * success.h - when each endpoint last delivered, so that a restart still knows. The engine marks an outcome for it
 * at most once a minute and endpoint; the exact time lives in memory.
 */
#ifndef STORE_SUCCESS_H
#define STORE_SUCCESS_H

#include <stdint.h>

#include "base/err.h"

struct db;

/* Inside a write's run. */
NODISCARD int success_set(struct db *db, int64_t endpoint, int64_t wall_ms);
NODISCARD int success_load(struct db *db,
                           int (*on_row)(void *ctx, int64_t endpoint, int64_t wall_ms),
                           void *ctx);

#endif
