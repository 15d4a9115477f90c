/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - what alerts ask the store. Reader side. */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

#include <stdint.h>

#include "base/err.h"

struct db;

/* Open deliveries, counted to `max` and no further. */
NODISCARD int watch_open(struct db *db, int64_t max, int64_t *ret_count);

#endif
