/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storing an outcome. Every statement may run a second time after an unknown commit: the
 * attempt is inserted once, the delivery is set, the rows of due end up as wanted, and the
 * roll-up counts only an attempt that was new.
 */
#include "base/assert.h"
#include "store/delivery.h"
#include "store/delivery_sql.h"
#include "store/rollup.h"
#include "store/sql.h"
#include "store/success.h"

int outcome_store(struct db *db, const struct outcome *o)
{
    struct rollup_fold *fold = db_context(db);
    int rc = 0;

    ASSERT(fold != NULL);
    ASSERT(o->attempt.number == 0 || o->attempt.delivery == o->delivery.seq);
    if (o->attempt.number > 0) {
        /* Test sends stand outside the statistics. */
        bool counts = (o->attempt.flags & ATTEMPT_TEST) == 0;

        rc = attempt_insert(db, &o->attempt, counts ? rollup_fold_add(fold, o) : NULL);
    }
    if (rc < 0 || o->keeps_row) {
        return rc;
    }
    if (o->was_open) {
        rc = due_delete(db, o->delivery.endpoint, o->delivery.seq);
    }
    if (rc == 0) {
        rc = delivery_update(db, &o->delivery);
    }
    if (rc == 0 && o->is_open) {
        rc = due_insert(db, &o->delivery);
    }
    if (rc == 0 && o->marks_health) {
        rc = success_set(db, &o->health);
    }
    return rc == 0 && o->is_exhausted
               ? exhausted_add(db, o->delivery.seq, o->delivery.endpoint, o->delivery.ended_at)
               : rc;
}
