/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delivery_sql.h - what event.c and outcome.c need of delivery.c and due.c; for this floor
 * only.
 */
#ifndef STORE_DELIVERY_SQL_H
#define STORE_DELIVERY_SQL_H

#include "store/delivery.h"

/* Insert the row, if its event row is stored (a repeat stores nothing). */
NODISCARD int delivery_insert(struct db *db, const struct delivery_row *d);
NODISCARD int delivery_update(struct db *db, const struct delivery_row *d);
/* *ret_changes: 1 when it is new, 0 when it was stored before. */
NODISCARD int attempt_insert(struct db *db, const struct attempt_row *a, int64_t *ret_changes);
/* Insert a row of due, if its delivery is stored. */
NODISCARD int due_insert_stored(struct db *db, const struct delivery_row *d);
NODISCARD int due_insert(struct db *db, const struct delivery_row *d);
/*
 * Its row of due, found by the next_at that the delivery row still holds: before
 * delivery_update.
 */
NODISCARD int due_delete(struct db *db, int64_t endpoint, int64_t seq);

static inline bool delivery_is_open(const struct delivery_row *d)
{
    return d->state == DELIVERY_PENDING || d->state == DELIVERY_RETRYING;
}

#endif
