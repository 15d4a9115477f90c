/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h - how many events an app published in a calendar month (UTC), for its quota. */
#ifndef STORE_USAGE_H
#define STORE_USAGE_H

#include <stdint.h>

#include "base/err.h"

struct db;

struct usage_row {
    int64_t app;
    int64_t month; /* 202611 */
    int64_t events;
};

/* Inside a write's run. The row holds the latest month alone. */
NODISCARD int usage_set(struct db *db, const struct usage_row *row);
/* At start. */
NODISCARD int usage_load(struct db *db, int (*on_row)(void *ctx, const struct usage_row *row),
                         void *ctx);

#endif
