/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention in small bites. A bite begins where the one before ended (meta.expire_seq), so a
 * million events that are held back by open deliveries are walked once a round, not once a
 * bite. The newest event and the newest delivery always stay: the seqs go on from them after
 * a restart.
 */
#include "base/assert.h"
#include "store/event.h"
#include "store/sql.h"

/* After a round so many free pages go back to the file system; the rest in the next rounds. */
#define EXPIRE_VACUUM "PRAGMA incremental_vacuum(256)"

enum { EXPIRE_SCAN_MAX = 500 };

const struct db_stmt expire_stmts[EXPIRE_STMTS] = {
    [EXPIRE_SCAN] = { "expire_scan",
                      "SELECT e.seq, e.accepted_at, e.first_delivery, e.delivery_count,"
                      " EXISTS (SELECT 1 FROM delivery d WHERE d.seq >= e.first_delivery"
                      " AND d.seq < e.first_delivery + e.delivery_count AND d.state IN (1, 2))"
                      " FROM event e WHERE e.seq > $1 ORDER BY e.seq LIMIT $2",
                      NULL, "ii" },
    [EXPIRE_EVENT] = { "expire_event", "DELETE FROM event WHERE seq = $1", NULL, "i" },
    [EXPIRE_DELIVERIES] = { "expire_deliveries",
                            "DELETE FROM delivery WHERE seq >= $1 AND seq < $2", NULL, "ii" },
    [EXPIRE_ATTEMPTS] = { "expire_attempts",
                          "DELETE FROM attempt WHERE delivery >= $1 AND delivery < $2", NULL,
                          "ii" },
    [EXPIRE_KEYS] = { "expire_keys",
                      "DELETE FROM idempotency WHERE (app, kind, key) IN (SELECT app, kind, key"
                      " FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
                      NULL, "ii" },
    [EXPIRE_FREE_PAGES] = { "expire_free_pages", EXPIRE_VACUUM, "SELECT 1", "" },
};

struct expire_bite {
    /* The events looked at, oldest first. */
    struct expire_event {
        int64_t seq;
        int64_t first;
        int64_t count;
        bool keep;
    } events[EXPIRE_SCAN_MAX];
    size_t count;
    int64_t before_ms;
    bool at_end; /* the next event is young enough */
};

static int expire_on_int(void *ctx, const struct db_value *columns, size_t count)
{
    int64_t *values = ctx;

    for (size_t i = 0; i < count; i++) {
        values[i] = columns[i].i;
    }
    return 0;
}

static int expire_on_event(void *ctx, const struct db_value *c, size_t count)
{
    struct expire_bite *bite = ctx;

    ASSERT(count == 5);
    if (c[1].i >= bite->before_ms) {
        bite->at_end = true;
        return 1;
    }
    ASSERT(bite->count < EXPIRE_SCAN_MAX);
    bite->events[bite->count++] = (struct expire_event){
        .seq = c[0].i,
        .first = c[2].i,
        .count = c[3].i,
        .keep = c[4].i != 0,
    };
    return 0;
}

static int expire_delete(struct db *db, const struct expire_event *e)
{
    const struct db_value seq = db_int(e->seq);
    const struct db_value range[] = { db_int(e->first), db_int(e->first + e->count) };
    int rc = 0;

    if (e->count > 0) {
        rc = db_exec(db, SQL_EXPIRE + EXPIRE_ATTEMPTS, range, SQL_COUNT(range));
        if (rc == 0) {
            rc = db_exec(db, SQL_EXPIRE + EXPIRE_DELIVERIES, range, SQL_COUNT(range));
        }
    }
    return rc < 0 ? rc : db_exec(db, SQL_EXPIRE + EXPIRE_EVENT, &seq, 1);
}

static int expire_look(struct db *db, uint32_t scan_max, struct expire_bite *bite,
                       int64_t ret_newest[2])
{
    int64_t at = 0;
    struct db_value params[2];
    int rc = db_query(db, SQL_META + META_EXPIRE_READ, NULL, 0, expire_on_int, &at);

    if (rc == 0) {
        rc = sql_read(db, SQL_LANE + LANE_SEQS, NULL, 0, expire_on_int, ret_newest);
    }
    if (rc == 0) {
        params[0] = db_int(at);
        params[1] = db_int(scan_max);
        rc = sql_read(db, SQL_EXPIRE + EXPIRE_SCAN, params, SQL_COUNT(params), expire_on_event,
                      bite);
    }
    return rc;
}

int event_expire(struct db *db, int64_t before_ms, uint32_t rows_max, bool *ret_more)
{
    uint32_t scan_max = rows_max < EXPIRE_SCAN_MAX ? rows_max : EXPIRE_SCAN_MAX;
    struct expire_bite bite = { .before_ms = before_ms };
    int64_t newest[2] = { 0, 0 };
    int64_t deleted = 0;
    struct db_value next = db_int(0);
    bool more = false;
    int rc = expire_look(db, scan_max, &bite, newest);

    for (size_t i = 0; i < bite.count && rc == 0; i++) {
        const struct expire_event *e = &bite.events[i];
        bool is_newest = e->seq == newest[0] || (e->count > 0 && newest[1] >= e->first &&
                                                 newest[1] < e->first + e->count);

        if (deleted >= rows_max) {
            more = true;
            break;
        }
        next = db_int(e->seq);
        if (!e->keep && !is_newest) {
            rc = expire_delete(db, e);
            deleted += 1 + e->count;
        }
    }
    more = more || (bite.count == scan_max && !bite.at_end);
    if (rc == 0 && !more) {
        next = db_int(0); /* the next round begins with the oldest again */
        rc = db_query(db, SQL_EXPIRE + EXPIRE_FREE_PAGES, NULL, 0, NULL, NULL);
    }
    if (rc == 0) {
        rc = db_exec(db, SQL_META + META_EXPIRE_SET, &next, 1);
    }
    if (rc == 0) {
        *ret_more = more;
    }
    return rc;
}

int idem_expire(struct db *db, int64_t before_ms, uint32_t rows_max, bool *ret_more)
{
    const struct db_value params[] = { db_int(before_ms), db_int(rows_max) };
    int64_t changes = 0;
    int rc = db_exec_changes(db, SQL_EXPIRE + EXPIRE_KEYS, params, SQL_COUNT(params), &changes);

    if (rc == 0) {
        rc = db_flush(db);
    }
    if (rc == 0) {
        *ret_more = changes == rows_max;
    }
    return rc;
}
