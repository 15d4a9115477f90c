/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notification.h - whom an app's notices are mailed to: one JSON document an app, in memory too
 * (engine/recipients.h). The table stands with the outbox (outbox.c).
 */
#ifndef STORE_NOTIFICATION_H
#define STORE_NOTIFICATION_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct db;

/* Inside a write's run: version 1 inserts; else where version is one less. *ret_changes 0: lost the race. */
NODISCARD int notification_set(struct db *db, int64_t app, int64_t version, struct str config,
                               int64_t *ret_changes);
NODISCARD int notification_load(struct db *db,
                                int (*on_row)(void *ctx, int64_t app, int64_t version,
                                              struct str config),
                                void *ctx);

#endif
