/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bite: the guard first, whose answer is waited for; then the rows; then what came of them is
 * counted. All in the writer's transaction, so a bite that fails leaves nothing.
 */
#include "store/delivery_sql.h"
#include "store/event.h"
#include "store/replay.h"
#include "store/sql.h"

const struct db_stmt replay_bite_stmts[BITE_STMTS] = {
    [BITE_MOVE] = { "bite_move",
                    "UPDATE replay_part SET place = $1, done = done + $2 WHERE replay = $3"
                    " AND endpoint = $4 AND place = $5 AND EXISTS (SELECT 1 FROM replay"
                    " WHERE no = $3 AND state IN (1, 2))",
                    NULL, "iiiii" },
    [BITE_EVENT] = { "bite_event",
                     "INSERT INTO event (seq, id, app, type, occurred_at, accepted_at, flags,"
                     " first_delivery, delivery_count, sent_count, external_id, unmatched, "
                     "body,"
                     " corrects) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, 1, NULL, $9, $10,"
                     " $11)",
                     NULL, "ibiiiiiibbb" },
    [BITE_DELIVERY] = { "bite_delivery",
                        "INSERT INTO delivery (seq, id, event, app, endpoint, type, state,"
                        " reason, attempt_count, next_at, created_at, ended_at, last_code,"
                        " last_error, last_ms, replay_of, flags, replay, body)"
                        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, 0, 0, 0, $11,"
                        " $12, $13, $14 WHERE EXISTS (SELECT 1 FROM event WHERE seq = $3)",
                        NULL, "ibiiiiiiiiiiib" },
    [BITE_EXTRA] = { "bite_extra",
                     "INSERT INTO replay_delivery (of_event, made, at_endpoint)"
                     " SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM delivery WHERE seq = $2)",
                     NULL, "iii" },
    [BITE_MARK] = { "bite_mark", "UPDATE delivery SET flags = flags | 2 WHERE seq = $1", NULL,
                    "i" },
    [BITE_ARCHIVE] = { "bite_archive", "UPDATE delivery SET flags = flags | 1 WHERE seq = $1",
                       NULL, "i" },
    [BITE_REMEMBER] = { "bite_remember",
                        "INSERT INTO replay_event (replay, old_event, new_event)"
                        " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                        NULL, "iii" },
    [BITE_KNOWN] = { "bite_known",
                     "SELECT new_event FROM replay_event WHERE replay = $1 AND old_event = $2",
                     NULL, "ii" },
    [BITE_COUNT] = { "bite_count",
                     "UPDATE replay SET processed = processed + $1, replayed = replayed + $2,"
                     " skipped = skipped + $3, failed = failed + $4,"
                     " last_delivery = CASE WHEN $5 > last_delivery THEN $5 ELSE last_delivery"
                     " END, started_at = CASE WHEN started_at = 0 THEN $6 ELSE started_at END,"
                     " state = $7, ended_at = $8 WHERE no = $9",
                     NULL, "iiiiiiiii" },
};

static int bite_event(struct db *db, struct replay_delivery *d, struct write_seqs *seqs)
{
    const struct db_value params[] = {
        db_int(++seqs->event),  sql_id(&d->event_id),   db_int(d->row.app),
        db_int(d->row.type),    db_int(d->occurred_at), db_int(d->row.created_at),
        db_int(d->event_flags), db_int(d->row.seq),     db_blob(STR("")),
        db_blob(d->event_body), sql_id(&d->corrects),
    };

    d->row.event = seqs->event;
    return db_exec(db, SQL_BITE + BITE_EVENT, params, SQL_COUNT(params));
}

static int bite_row(struct db *db, struct replay_delivery *d)
{
    const struct delivery_row *r = &d->row;
    const struct db_value params[] = {
        db_int(r->seq),
        sql_id(&r->id),
        db_int(r->event),
        db_int(r->app),
        db_int(r->endpoint),
        db_int(r->type),
        db_int((int)r->state),
        db_int((int)r->reason),
        db_int(r->created_at),
        db_int(r->ended_at),
        r->replay_of == 0 ? db_null() : db_int(r->replay_of),
        db_int(r->flags),
        db_int(r->replay),
        r->body.p == NULL ? db_null() : db_blob(r->body),
    };

    return db_exec_changes(db, SQL_BITE + BITE_DELIVERY, params, SQL_COUNT(params),
                           &d->changes);
}

static int bite_delivery(struct db *db, const struct replay_bite *bite,
                         struct replay_delivery *d, struct write_seqs *seqs)
{
    int rc = 0;

    d->row.seq = ++seqs->delivery;
    d->changes = 0;
    if (d->same_as > 0) {
        d->row.event = bite->deliveries[d->same_as - 1].row.event;
    }
    if (d->event_is_new) {
        rc = bite_event(db, d, seqs);
        if (rc == 0) {
            const struct db_value pair[] = { db_int(bite->replay), db_int(d->old_event),
                                             db_int(d->row.event) };

            rc = db_exec(db, SQL_BITE + BITE_REMEMBER, pair, SQL_COUNT(pair));
        }
    }
    if (rc == 0) {
        rc = bite_row(db, d);
    }
    if (rc == 0 && delivery_is_open(&d->row)) {
        rc = due_insert_stored(db, &d->row);
    }
    if (rc == 0 && !d->event_is_new) {
        const struct db_value extra[] = { db_int(d->row.event), db_int(d->row.seq),
                                          db_int(d->row.endpoint) };

        rc = db_exec(db, SQL_BITE + BITE_EXTRA, extra, SQL_COUNT(extra));
    }
    if (rc == 0 && d->row.replay_of != 0) {
        const struct db_value old = db_int(d->row.replay_of);

        rc = db_exec(db, SQL_BITE + BITE_MARK, &old, 1);
    }
    return rc;
}

static int64_t bite_looked(const struct replay_bite *bite)
{
    return (int64_t)bite->count + bite->archive_count + bite->done + bite->skipped +
           bite->failed;
}

/* Move the place, if it is where we think and the job runs. */
static int bite_guard(struct db *db, struct replay_bite *bite)
{
    const struct db_value params[] = {
        db_int(bite->to),       db_int(bite_looked(bite)), db_int(bite->replay),
        db_int(bite->endpoint), db_int(bite->from),
    };
    int64_t changes = 0;
    int rc = db_exec_changes(db, SQL_BITE + BITE_MOVE, params, SQL_COUNT(params), &changes);

    if (rc == 0) {
        rc = db_flush(db);
    }
    bite->is_lost = changes == 0;
    return rc;
}

static int bite_count(struct db *db, struct replay_bite *bite, int64_t last)
{
    const struct db_value params[] = {
        db_int(bite_looked(bite)),
        db_int(bite->replayed),
        db_int(bite->skipped),
        db_int((int64_t)bite->failed + bite->count + bite->archive_count + bite->done -
               bite->replayed),
        db_int(last),
        db_int(bite->now),
        db_int(bite->is_last ? REPLAY_COMPLETED : REPLAY_RUNNING),
        db_int(bite->is_last ? bite->now : 0),
        db_int(bite->replay),
    };

    return db_exec(db, SQL_BITE + BITE_COUNT, params, SQL_COUNT(params));
}

int replay_bite_store(struct db *db, struct replay_bite *bite, struct write_seqs *seqs)
{
    int64_t last = 0;
    int rc = 0;

    bite->is_lost = false;
    bite->replayed = 0;
    if (bite->replay != 0) {
        rc = bite_guard(db, bite);
    }
    if (rc < 0 || bite->is_lost) {
        return rc;
    }
    for (uint32_t i = 0; i < bite->archive_count && rc == 0; i++) {
        const struct db_value seq = db_int(bite->archive[i].old);

        rc = db_exec(db, SQL_BITE + BITE_ARCHIVE, &seq, 1);
    }
    for (uint32_t i = 0; i < bite->count && rc == 0; i++) {
        rc = bite_delivery(db, bite, &bite->deliveries[i], seqs);
    }
    if (rc == 0) {
        rc = db_flush(db);
    }
    for (uint32_t i = 0; i < bite->count && rc == 0; i++) {
        if (bite->deliveries[i].changes > 0) {
            bite->replayed++;
            last = bite->deliveries[i].row.seq;
        }
    }
    bite->replayed += bite->archive_count + bite->done;
    return rc == 0 && bite->replay != 0 ? bite_count(db, bite, last) : rc;
}

static int bite_on_int(void *ctx, const struct db_value *c, size_t count)
{
    (void)count;
    *(int64_t *)ctx = c[0].i;
    return 0;
}

int replay_known_event(struct db *db, int64_t replay, int64_t old_event, int64_t *ret_event)
{
    const struct db_value params[] = { db_int(replay), db_int(old_event) };
    int64_t found = 0;
    int rc =
        sql_read(db, SQL_BITE + BITE_KNOWN, params, SQL_COUNT(params), bite_on_int, &found);

    if (rc == 0) {
        *ret_event = found;
    }
    return rc;
}
