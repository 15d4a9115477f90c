/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lane.h"

#include <string.h>

#include "store/sql.h"
#include "store/write.h"

enum { LANE_ONLY = 0 }; /* one lane until several nodes share the work */

const struct db_stmt lane_stmts[LANE_STMTS] = {
    [LANE_FENCE] = { "lane_fence",
                     "UPDATE lane SET epoch = CASE WHEN epoch = $1 THEN epoch ELSE -1 END"
                     " WHERE id = $2",
                     NULL, "ii" },
    [LANE_RAISE] = { "lane_raise", "UPDATE lane SET epoch = epoch + 1 WHERE id = $1", NULL,
                     "i" },
    [LANE_EPOCH] = { "lane_epoch", "SELECT epoch FROM lane WHERE id = $1", NULL, "i" },
    /* Retention leaves the newest rows, so these never go back. */
    [LANE_SEQS] = { "lane_seqs",
                    "SELECT COALESCE((SELECT MAX(seq) FROM event), 0),"
                    " COALESCE((SELECT MAX(seq) FROM delivery), 0)",
                    NULL, "" },
    [LANE_IDS] = { "lane_ids",
                   "SELECT id FROM event WHERE seq = $1"
                   " UNION ALL SELECT id FROM delivery WHERE seq = $2",
                   NULL, "ii" },
};

static int lane_on_int(void *ctx, const struct db_value *columns, size_t count)
{
    int64_t *value = ctx;

    (void)count;
    *value = columns[0].i;
    return 0;
}

int lane_raise(struct db *db, int64_t *ret_epoch)
{
    const struct db_value lane = db_int(LANE_ONLY);
    int64_t epoch = -1;
    int rc = db_begin(db);

    if (rc == 0) {
        rc = db_exec(db, SQL_LANE + LANE_RAISE, &lane, 1);
    }
    if (rc == 0) {
        rc = sql_read(db, SQL_LANE + LANE_EPOCH, &lane, 1, lane_on_int, &epoch);
    }
    if (rc == 0) {
        rc = db_commit(db);
    }
    if (rc == 0 && epoch < 0) {
        rc = -E_STORE; /* the row is missing: nothing would be fenced */
    }
    if (rc < 0) {
        db_rollback(db);
        return rc;
    }
    *ret_epoch = epoch;
    return 0;
}

int lane_fence(struct db *db, int64_t epoch)
{
    const struct db_value params[] = { db_int(epoch), db_int(LANE_ONLY) };

    return db_exec(db, SQL_LANE + LANE_FENCE, params, SQL_COUNT(params));
}

static int lane_on_seqs(void *ctx, const struct db_value *columns, size_t count)
{
    struct write_seqs *seqs = ctx;

    (void)count;
    seqs->event = columns[0].i;
    seqs->delivery = columns[1].i;
    return 0;
}

int lane_seqs(struct db *db, struct write_seqs *ret_seqs)
{
    struct write_seqs seqs = { 0 };
    int rc = sql_read(db, SQL_LANE + LANE_SEQS, NULL, 0, lane_on_seqs, &seqs);

    if (rc == 0) {
        *ret_seqs = seqs;
    }
    return rc;
}

static int lane_on_id(void *ctx, const struct db_value *columns, size_t count)
{
    struct id *last = ctx;
    struct id id;

    (void)count;
    if (columns[0].s.len != ID_SIZE) {
        return -E_STORE;
    }
    memcpy(id.bytes, columns[0].s.p, ID_SIZE);
    if (id_cmp(&id, last) > 0) {
        *last = id;
    }
    return 0;
}

int lane_last_id(struct db *db, const struct write_seqs *seqs, struct id *ret_id)
{
    const struct db_value params[] = { db_int(seqs->event), db_int(seqs->delivery) };
    struct id last = { 0 };
    int rc = sql_read(db, SQL_LANE + LANE_IDS, params, SQL_COUNT(params), lane_on_id, &last);

    if (rc == 0) {
        *ret_id = last;
    }
    return rc;
}
