/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events. A publish with keys does not branch on what it reads, so it can be pipelined: each
 * key row is inserted unless it is taken, the event row only if the key is this event's, its
 * deliveries only if the event row is there, their due rows only if the delivery is there.
 * Then the key rows are read back.
 */
#include "store/event.h"

#include <string.h>

#include "base/assert.h"
#include "store/delivery_sql.h"
#include "store/sql.h"

#define EVENT_COLUMNS                                                                          \
    "seq, id, app, type, occurred_at, accepted_at, flags, first_delivery, delivery_count,"     \
    " sent_count, external_id, unmatched"
#define EVENT_VALUES "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14"
/* What is read besides. */
#define EVENT_READ EVENT_COLUMNS ", corrects, channels"
#define EVENT_LIST(direction)                                                                  \
    "SELECT " EVENT_READ " FROM event WHERE app = $1 AND seq > $2 AND seq < $3"                \
    " AND ($4 = 0 OR type = $4) AND accepted_at >= $5 AND accepted_at < $6"                    \
    " AND ($7 = 1 OR (flags & 4) = 0)"                                                         \
    " ORDER BY seq " direction " LIMIT $8"
#define EVENT_KEY_COLUMNS "app, kind, key, event_id, hash, type, sent_count, created_at"
#define EVENT_KEY_VALUES  "$1, $2, $3, $4, $5, $6, $7, $8"

const struct db_stmt event_stmts[EVENT_STMTS] = {
    [EVENT_INSERT] = { "event_insert",
                       "INSERT INTO event (" EVENT_COLUMNS
                       ", body, channels) VALUES (" EVENT_VALUES ")",
                       NULL, "ibiiiiiiiitbbb" },
    [EVENT_INSERT_KEYED] = { "event_insert_keyed",
                             "INSERT INTO event (" EVENT_COLUMNS
                             ", body, channels) SELECT " EVENT_VALUES
                             " WHERE EXISTS (SELECT 1 FROM idempotency WHERE app = $3"
                             " AND kind = $15 AND key = $16 AND event_id = $2)",
                             NULL, "ibiiiiiiiitbbbib" },
    [EVENT_KEY_INSERT] = { "event_key_insert",
                           "INSERT INTO idempotency (" EVENT_KEY_COLUMNS ")"
                           " VALUES (" EVENT_KEY_VALUES ") ON CONFLICT DO NOTHING",
                           NULL, "iibbbiii" },
    /* Of two keys both are taken or none: the first only if the second is free ... */
    [EVENT_KEY_INSERT_FIRST] = { "event_key_insert_first",
                                 "INSERT INTO idempotency (" EVENT_KEY_COLUMNS ")"
                                 " SELECT " EVENT_KEY_VALUES
                                 " WHERE NOT EXISTS (SELECT 1 FROM idempotency WHERE app = $1"
                                 " AND kind = $9 AND key = $10) ON CONFLICT DO NOTHING",
                                 NULL, "iibbbiiiib" },
    /* ... and the second only if the first is ours. */
    [EVENT_KEY_INSERT_SECOND] = { "event_key_insert_second",
                                  "INSERT INTO idempotency (" EVENT_KEY_COLUMNS ")"
                                  " SELECT " EVENT_KEY_VALUES
                                  " WHERE EXISTS (SELECT 1 FROM idempotency WHERE app = $1"
                                  " AND kind = $9 AND key = $10 AND event_id = $4)"
                                  " ON CONFLICT DO NOTHING",
                                  NULL, "iibbbiiiib" },
    /* One event's key of a batch: only if the batch is new, and the publisher's own id (if any) is free. */
    [EVENT_KEY_INSERT_OF_BATCH] = { "event_key_insert_of_batch",
                                    "INSERT INTO idempotency (" EVENT_KEY_COLUMNS ")"
                                    " SELECT " EVENT_KEY_VALUES
                                    " WHERE NOT EXISTS (SELECT 1 FROM idempotency WHERE app = "
                                    "$1"
                                    " AND kind = $9 AND key = $10)"
                                    " AND EXISTS (SELECT 1 FROM idempotency WHERE app = $1"
                                    " AND kind = $11 AND key = $12 AND event_id = $13)"
                                    " ON CONFLICT DO NOTHING",
                                    NULL, "iibbbiiiibibb" },
    [EVENT_KEY_READ] = { "event_key_read",
                         "SELECT event_id, hash, type, sent_count FROM idempotency"
                         " WHERE app = $1 AND kind = $2 AND key = $3",
                         NULL, "iib" },
    [EVENT_GET] = { "event_get", "SELECT " EVENT_READ ", body FROM event WHERE id = $1", NULL,
                    "b" },
    [EVENT_GET_SEQ] = { "event_get_seq",
                        "SELECT " EVENT_READ ", body FROM event WHERE seq = $1", NULL, "i" },
    [EVENT_LIST_DOWN] = { "event_list_down", EVENT_LIST("DESC"), NULL, "iiiiiiii" },
    [EVENT_LIST_UP] = { "event_list_up", EVENT_LIST("ASC"), NULL, "iiiiiiii" },
};

/*
 * --- Publishing
 * ---------------------------------------------------------------------------------
 */

static int event_take_key(struct db *db, const struct event_publish *p, size_t at)
{
    const struct idem_key *key = &p->keys[at];
    const struct idem_key *other = &p->keys[1 - at];
    const struct db_value params[] = {
        db_int(p->event.app),
        db_int((int)key->kind),
        db_blob(key->key),
        sql_id(&p->event.id),
        db_blob((struct str){ (const char *)p->body_hash, EVENT_HASH_SIZE }),
        db_int(p->event.type),
        db_int(p->event.sent_count),
        db_int(p->event.accepted_at),
        db_int((int)other->kind),
        db_blob(other->key),
        db_int(IDEM_BATCH),
        db_blob(p->batch == NULL ? STR_NONE : p->batch->key),
        p->batch == NULL ? db_null() : sql_id(&p->batch->first),
    };

    if (p->batch != NULL && at == 0) {
        return db_exec(db, SQL_EVENT + EVENT_KEY_INSERT_OF_BATCH, params, SQL_COUNT(params));
    }

    if (p->key_count == 1) {
        return db_exec(db, SQL_EVENT + EVENT_KEY_INSERT, params, 8);
    }
    return db_exec(db, SQL_EVENT + (at == 0 ? EVENT_KEY_INSERT_FIRST : EVENT_KEY_INSERT_SECOND),
                   params, 10);
}

static int event_store_row(struct db *db, const struct event_publish *p)
{
    const struct event_row *e = &p->event;
    bool keyed = p->key_count > 0;
    const struct db_value params[] = {
        db_int(e->seq),
        sql_id(&e->id),
        db_int(e->app),
        db_int(e->type),
        db_int(e->occurred_at),
        db_int(e->accepted_at),
        db_int(e->flags),
        db_int(e->first_delivery),
        db_int(e->delivery_count),
        db_int(e->sent_count),
        e->external_id.p == NULL ? db_null() : db_text(e->external_id),
        db_blob(e->unmatched),
        db_blob(e->body),
        e->channels.p == NULL ? db_null() : db_blob(e->channels),
        db_int((int)p->keys[0].kind),
        db_blob(p->keys[0].key),
    };

    return db_exec(db, SQL_EVENT + (keyed ? EVENT_INSERT_KEYED : EVENT_INSERT), params,
                   keyed ? SQL_COUNT(params) : 14);
}

static int event_store_deliveries(struct db *db, struct event_publish *p,
                                  struct write_seqs *seqs)
{
    for (int32_t i = 0; i < p->event.delivery_count; i++) {
        struct delivery_row *d = &p->deliveries[i];
        int rc;

        d->seq = ++seqs->delivery;
        d->event = p->event.seq;
        rc = delivery_insert(db, d);
        if (rc == 0 && delivery_is_open(d)) {
            rc = due_insert_stored(db, d);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* The row of one of our keys as it stands now: this event's, or an earlier one's. */
static int event_on_key(void *ctx, const struct db_value *columns, size_t count)
{
    struct event_publish *p = ctx;
    struct str hash = { (const char *)p->body_hash, EVENT_HASH_SIZE };

    ASSERT(count == 4);
    if (columns[0].s.len != ID_SIZE ||
        memcmp(columns[0].s.p, p->event.id.bytes, ID_SIZE) == 0) {
        return 0;
    }
    if (!str_eq(columns[1].s, hash)) {
        p->is_conflict = true;
    }
    if (!p->is_repeat) {
        p->is_repeat = true;
        memcpy(p->first_id.bytes, columns[0].s.p, ID_SIZE);
        p->first_type = columns[2].i;
        p->first_sent_count = (int32_t)columns[3].i;
    }
    return 0;
}

static int event_on_batch(void *ctx, const struct db_value *columns, size_t count)
{
    struct event_batch *batch = ctx;
    struct str hash = { (const char *)batch->hash, EVENT_HASH_SIZE };

    ASSERT(count == 4);
    batch->is_repeat =
        columns[0].s.len != ID_SIZE || memcmp(columns[0].s.p, batch->first.bytes, ID_SIZE) != 0;
    batch->is_conflict = batch->is_repeat && !str_eq(columns[1].s, hash);
    return 0;
}

int event_batch_begin(struct db *db, struct event_batch *batch)
{
    const struct db_value params[] = {
        db_int(batch->app),
        db_int(IDEM_BATCH),
        db_blob(batch->key),
        sql_id(&batch->first),
        db_blob((struct str){ (const char *)batch->hash, EVENT_HASH_SIZE }),
        db_int(0),
        db_int(0),
        db_int(batch->accepted_at),
    };
    int rc = db_exec(db, SQL_EVENT + EVENT_KEY_INSERT, params, SQL_COUNT(params));

    batch->is_repeat = false;
    batch->is_conflict = false;
    return rc < 0 ? rc
                  : db_query(db, SQL_EVENT + EVENT_KEY_READ, params, 3, event_on_batch, batch);
}

int event_insert(struct db *db, struct event_publish *p, struct write_seqs *seqs)
{
    int rc = 0;

    ASSERT(p->key_count <= EVENT_KEYS_MAX);
    p->is_repeat = false;
    p->is_conflict = false;
    p->event.seq = ++seqs->event;
    p->event.first_delivery = p->event.delivery_count > 0 ? seqs->delivery + 1 : 0;
    for (size_t i = 0; i < p->key_count && rc == 0; i++) {
        rc = event_take_key(db, p, i);
    }
    if (rc == 0) {
        rc = event_store_row(db, p);
    }
    if (rc == 0) {
        rc = event_store_deliveries(db, p, seqs);
    }
    for (size_t i = 0; i < p->key_count && rc == 0; i++) {
        const struct db_value params[] = {
            db_int(p->event.app),
            db_int((int)p->keys[i].kind),
            db_blob(p->keys[i].key),
        };

        rc = db_query(db, SQL_EVENT + EVENT_KEY_READ, params, SQL_COUNT(params), event_on_key,
                      p);
    }
    return rc;
}

int event_insert_test(struct db *db, struct event_publish *p, struct attempt_row *attempt,
                      struct write_seqs *seqs)
{
    int rc;

    ASSERT((p->event.flags & EVENT_TEST) != 0 && p->key_count == 0);
    ASSERT(p->event.delivery_count == 1 && !delivery_is_open(&p->deliveries[0]));
    rc = event_insert(db, p, seqs);
    if (rc == 0) {
        attempt->delivery = p->deliveries[0].seq;
        rc = attempt_insert(db, attempt, NULL);
    }
    return rc;
}

/*
 * --- Reading
 * ------------------------------------------------------------------------------------
 */

struct event_rows {
    struct arena *arena;
    struct event_row *rows;
    size_t count;
    size_t max;
};

static int event_on_row(void *ctx, const struct db_value *c, size_t count)
{
    struct event_rows *rows = ctx;
    struct event_row *row;

    ASSERT(count == 14 || count == 15);
    if (rows->count == rows->max) {
        return 1;
    }
    row = &rows->rows[rows->count++];
    *row = (struct event_row){
        .seq = c[0].i,
        .app = c[2].i,
        .type = c[3].i,
        .occurred_at = c[4].i,
        .accepted_at = c[5].i,
        .flags = (int32_t)c[6].i,
        .first_delivery = c[7].i,
        .delivery_count = (int32_t)c[8].i,
        .sent_count = (int32_t)c[9].i,
        .external_id = c[10].type == DB_NULL ? STR_NONE : arena_str(rows->arena, c[10].s),
        .unmatched = arena_str(rows->arena, c[11].s),
        .channels = c[13].type == DB_NULL ? STR_NONE : arena_str(rows->arena, c[13].s),
        .body = count == 15 ? arena_str(rows->arena, c[14].s) : STR_NONE,
    };
    if (c[1].s.len == ID_SIZE) {
        memcpy(row->id.bytes, c[1].s.p, ID_SIZE);
    }
    if (c[12].type != DB_NULL && c[12].s.len == ID_SIZE) {
        memcpy(row->corrects.bytes, c[12].s.p, ID_SIZE);
    }
    return 0;
}

static int event_read_one(struct db *db, unsigned stmt, struct db_value param,
                          struct arena *arena, struct event_row *ret_event)
{
    struct event_row row;
    struct event_rows rows = { arena, &row, 0, 1 };
    int rc = sql_read(db, stmt, &param, 1, event_on_row, &rows);

    if (rc < 0) {
        return rc;
    }
    if (rows.count == 0) {
        return -E_NOT_FOUND;
    }
    *ret_event = row;
    return 0;
}

int event_get(struct db *db, const struct id *id, struct arena *arena,
              struct event_row *ret_event)
{
    return event_read_one(db, SQL_EVENT + EVENT_GET, sql_id(id), arena, ret_event);
}

int event_get_seq(struct db *db, int64_t seq, struct arena *arena, struct event_row *ret_event)
{
    return event_read_one(db, SQL_EVENT + EVENT_GET_SEQ, db_int(seq), arena, ret_event);
}

int event_list(struct db *db, const struct event_query *q, struct arena *arena,
               struct event_row **ret_rows, size_t *ret_count)
{
    bool bounded = q->after_seq > 0;
    const struct db_value params[] = {
        db_int(q->app),
        db_int(bounded && q->ascending ? q->after_seq : 0),
        db_int(bounded && !q->ascending ? q->after_seq : INT64_MAX),
        db_int(q->type),
        db_int(q->since),
        db_int(q->until == 0 ? INT64_MAX : q->until),
        db_int(q->with_tests ? 1 : 0),
        db_int(q->limit),
    };
    struct event_rows rows = { arena, NULL, 0, q->limit };
    int rc;

    rows.rows = arena_alloc(arena, (size_t)q->limit * sizeof(struct event_row) + 1);
    rc = sql_read(db, SQL_EVENT + (q->ascending ? EVENT_LIST_UP : EVENT_LIST_DOWN), params,
                  SQL_COUNT(params), event_on_row, &rows);
    if (rc < 0) {
        return rc;
    }
    *ret_rows = rows.rows;
    *ret_count = rows.count;
    return 0;
}
