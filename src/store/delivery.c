/* SPDX-License-Identifier: Apache-2.0 */
#include "store/delivery.h"

#include <string.h>

#include "base/assert.h"
#include "store/ddl.h"
#include "store/delivery_sql.h"
#include "store/sql.h"

#define DELIVERY_COLUMNS                                                                       \
    "seq, id, event, app, endpoint, type, state, reason, attempt_count, next_at, created_at,"  \
    " ended_at, last_code, last_error, last_ms"
/* What is read besides. A delivery that is repeated may be gone by now. */
#define DELIVERY_READ                                                                          \
    DELIVERY_COLUMNS                                                                           \
    ", flags, replay, replay_of,"                                                              \
    " (SELECT o.id FROM delivery o WHERE o.seq = delivery.replay_of),"                         \
    " detail, CASE WHEN body IS NULL THEN 0 ELSE 1 END"
/* $1 and $2 bound seq on both sides, exclusive, whatever the direction. */
#define DELIVERY_FILTER                                                                        \
    " AND ($4 = 0 OR type = $4) AND ($5 = 0 OR state = $5) AND ($6 = 0 OR last_code = $6)"     \
    " AND ($7 = 0 OR last_error = $7) AND created_at >= $8 AND created_at < $9"                \
    " AND ($10 = 2 OR (flags & 1) = $10)"
#define DELIVERY_LIST(column, direction)                                                       \
    "SELECT " DELIVERY_READ " FROM delivery WHERE seq > $1 AND seq < $2 AND " column           \
    " = $3" DELIVERY_FILTER " ORDER BY seq " direction " LIMIT $11"
/* Replays of an event stand outside its own range. */
#define DELIVERY_EXTRA(direction)                                                              \
    "SELECT " DELIVERY_READ " FROM replay_delivery x CROSS JOIN delivery"                      \
    " WHERE delivery.seq = x.made AND x.made > $1 AND x.made < $2 AND x.of_event = "           \
    "$3" DELIVERY_FILTER " ORDER BY x.made " direction " LIMIT $11"

enum { DELIVERY_COLUMNS_READ = 21 };

const char ddl_payload_sqlite[] = "ALTER TABLE delivery ADD COLUMN detail BLOB;"
                                  "ALTER TABLE event ADD COLUMN channels BLOB;";
const char ddl_payload_postgres[] = "ALTER TABLE delivery ADD COLUMN detail BYTEA;"
                                    "ALTER TABLE event ADD COLUMN channels BYTEA;";

const struct db_stmt delivery_stmts[DELIVERY_STMTS] = {
    [DELIVERY_INSERT] = { "delivery_insert",
                          "INSERT INTO delivery (" DELIVERY_COLUMNS ", detail, body)"
                          " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
                          "$14, $15, $16, $17"
                          " WHERE EXISTS (SELECT 1 FROM event WHERE seq = $3)",
                          NULL, "ibiiiiiiiiiiiiibb" },
    [DELIVERY_UPDATE] = { "delivery_update",
                          "UPDATE delivery SET state = $1, reason = $2, attempt_count = $3,"
                          " next_at = $4, ended_at = $5, last_code = $6, last_error = $7,"
                          " last_ms = $8 WHERE seq = $9",
                          NULL, "iiiiiiiii" },
    [DELIVERY_GET] = { "delivery_get", "SELECT " DELIVERY_READ " FROM delivery WHERE id = $1",
                       NULL, "b" },
    [DELIVERY_BODY] = { "delivery_body", "SELECT body FROM delivery WHERE seq = $1", NULL,
                        "i" },
    [DELIVERY_RANGE] = { "delivery_range",
                         "SELECT " DELIVERY_READ
                         " FROM delivery WHERE seq >= $1 AND seq < $2 ORDER BY seq",
                         NULL, "ii" },
    [DELIVERY_LIST_DOWN] = { "delivery_list_down", DELIVERY_LIST("endpoint", "DESC"), NULL,
                             "iiiiiiiiiii" },
    [DELIVERY_LIST_UP] = { "delivery_list_up", DELIVERY_LIST("endpoint", "ASC"), NULL,
                           "iiiiiiiiiii" },
    [DELIVERY_EVENT_DOWN] = { "delivery_event_down", DELIVERY_LIST("event", "DESC"), NULL,
                              "iiiiiiiiiii" },
    [DELIVERY_EVENT_UP] = { "delivery_event_up", DELIVERY_LIST("event", "ASC"), NULL,
                            "iiiiiiiiiii" },
    [DELIVERY_EXTRA_DOWN] = { "delivery_extra_down", DELIVERY_EXTRA("DESC"), NULL,
                              "iiiiiiiiiii" },
    [DELIVERY_EXTRA_UP] = { "delivery_extra_up", DELIVERY_EXTRA("ASC"), NULL, "iiiiiiiiiii" },
};

const char *delivery_state_name(enum delivery_state state)
{
    static const char *const names[] = {
        [DELIVERY_PENDING] = "pending",     [DELIVERY_RETRYING] = "retrying",
        [DELIVERY_DELIVERED] = "delivered", [DELIVERY_FAILED] = "failed",
        [DELIVERY_CANCELLED] = "cancelled", [DELIVERY_FILTERED] = "filtered",
        [DELIVERY_SKIPPED] = "skipped",
    };

    return (size_t)state < SQL_COUNT(names) ? names[state] : NULL;
}

static struct db_value blob_or_null(struct str s)
{
    return s.p == NULL ? db_null() : db_blob(s);
}

int delivery_insert(struct db *db, const struct delivery_row *d)
{
    const struct db_value params[] = {
        db_int(d->seq),          sql_id(&d->id),         db_int(d->event),
        db_int(d->app),          db_int(d->endpoint),    db_int(d->type),
        db_int((int)d->state),   db_int((int)d->reason), db_int(d->attempt_count),
        db_int(d->next_at),      db_int(d->created_at),  db_int(d->ended_at),
        db_int(d->last_code),    db_int(d->last_error),  db_int(d->last_ms),
        blob_or_null(d->detail), blob_or_null(d->body),
    };

    ASSERT(d->detail.len <= DETAIL_MAX);
    return db_exec(db, SQL_DELIVERY + DELIVERY_INSERT, params, SQL_COUNT(params));
}

int delivery_update(struct db *db, const struct delivery_row *d)
{
    const struct db_value params[] = {
        db_int((int)d->state), db_int((int)d->reason), db_int(d->attempt_count),
        db_int(d->next_at),    db_int(d->ended_at),    db_int(d->last_code),
        db_int(d->last_error), db_int(d->last_ms),     db_int(d->seq),
    };

    return db_exec(db, SQL_DELIVERY + DELIVERY_UPDATE, params, SQL_COUNT(params));
}

/* Without an arena there is no detail. */
static void delivery_from_row(const struct db_value *c, struct arena *arena,
                              struct delivery_row *ret_row)
{
    bool has_detail = arena != NULL && c[19].type != DB_NULL;

    *ret_row = (struct delivery_row){
        .seq = c[0].i,
        .event = c[2].i,
        .app = c[3].i,
        .endpoint = c[4].i,
        .type = c[5].i,
        .state = (enum delivery_state)c[6].i,
        .reason = (enum delivery_reason)c[7].i,
        .attempt_count = (int32_t)c[8].i,
        .next_at = c[9].i,
        .created_at = c[10].i,
        .ended_at = c[11].i,
        .last_code = (int32_t)c[12].i,
        .last_error = (int32_t)c[13].i,
        .last_ms = (int32_t)c[14].i,
        .flags = (int32_t)c[15].i,
        .replay = c[16].i,
        .replay_of = c[17].i,
        .detail = has_detail ? arena_str(arena, c[19].s) : STR_NONE,
        .has_body = c[20].i != 0,
    };
    if (c[1].s.len == ID_SIZE) {
        memcpy(ret_row->id.bytes, c[1].s.p, ID_SIZE);
    }
    if (c[18].type != DB_NULL && c[18].s.len == ID_SIZE) {
        memcpy(ret_row->replay_of_id.bytes, c[18].s.p, ID_SIZE);
    }
}

/* Rows into an array that has room for `max`. */
struct delivery_rows {
    struct delivery_row *rows;
    size_t count;
    size_t max;
    struct arena *arena;
};

static int delivery_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    struct delivery_rows *rows = ctx;

    ASSERT(count == DELIVERY_COLUMNS_READ);
    if (rows->count == rows->max) {
        return 1;
    }
    delivery_from_row(columns, rows->arena, &rows->rows[rows->count++]);
    return 0;
}

int delivery_get(struct db *db, const struct id *id, struct arena *arena,
                 struct delivery_row *ret_delivery)
{
    const struct db_value param = sql_id(id);
    struct delivery_row row;
    struct delivery_rows rows = { &row, 0, 1, arena };
    int rc = sql_read(db, SQL_DELIVERY + DELIVERY_GET, &param, 1, delivery_on_row, &rows);

    if (rc < 0) {
        return rc;
    }
    if (rows.count == 0) {
        return -E_NOT_FOUND;
    }
    *ret_delivery = row;
    return 0;
}

struct delivery_bytes {
    struct arena *arena;
    struct str bytes;
};

static int delivery_on_body(void *ctx, const struct db_value *columns, size_t count)
{
    struct delivery_bytes *body = ctx;

    ASSERT(count == 1);
    if (columns[0].type != DB_NULL) {
        body->bytes = arena_str(body->arena, columns[0].s);
    }
    return 0;
}

int delivery_body(struct db *db, int64_t seq, struct arena *arena, struct str *ret_body)
{
    const struct db_value param = db_int(seq);
    struct delivery_bytes body = { arena, STR_NONE };
    int rc = sql_read(db, SQL_DELIVERY + DELIVERY_BODY, &param, 1, delivery_on_body, &body);

    if (rc == 0) {
        *ret_body = body.bytes;
    }
    return rc < 0 ? rc : 0;
}

struct delivery_finding {
    void (*on_row)(void *ctx, const struct delivery_row *row);
    void *ctx;
};

static int delivery_on_found(void *ctx, const struct db_value *columns, size_t count)
{
    const struct delivery_finding *finding = ctx;
    struct delivery_row row;

    ASSERT(count == DELIVERY_COLUMNS_READ);
    delivery_from_row(columns, NULL, &row);
    finding->on_row(finding->ctx, &row);
    return 0;
}

int delivery_find(struct db *db, const struct id *id,
                  void (*on_row)(void *ctx, const struct delivery_row *row), void *ctx)
{
    const struct db_value param = sql_id(id);
    struct delivery_finding finding = { on_row, ctx };
    int rc = db_query(db, SQL_DELIVERY + DELIVERY_GET, &param, 1, delivery_on_found, &finding);

    return rc == 0 ? db_flush(db) : rc;
}

int delivery_range(struct db *db, int64_t first_seq, uint32_t count, struct arena *arena,
                   struct delivery_row **ret_rows, size_t *ret_count)
{
    const struct db_value params[] = { db_int(first_seq), db_int(first_seq + count) };
    struct delivery_rows rows = {
        arena_alloc(arena, (size_t)count * sizeof(struct delivery_row) + 1), 0, count, arena
    };
    int rc = sql_read(db, SQL_DELIVERY + DELIVERY_RANGE, params, SQL_COUNT(params),
                      delivery_on_row, &rows);

    if (rc < 0) {
        return rc;
    }
    *ret_rows = rows.rows;
    *ret_count = rows.count;
    return 0;
}

/*
 * --- Lists: the pages of several endpoints, merged by seq
 * ---------------------------------------
 */

/*
 * `best` holds the rows found so far in the order of travel, at most the limit. Each
 * endpoint's page is merged into it; once it is full, the seq of its last row bounds what the
 * next endpoint may still add, so the further endpoints read little.
 */
struct delivery_merge {
    const struct delivery_query *q;
    struct delivery_row *best;
    struct delivery_row *spare;
    size_t count;
};

static bool delivery_before(const struct delivery_query *q, int64_t a, int64_t b)
{
    return q->ascending ? a < b : a > b;
}

static void delivery_merge(struct delivery_merge *m, const struct delivery_rows *page)
{
    struct delivery_row *out = m->spare;
    size_t a = 0;
    size_t b = 0;
    size_t n = 0;

    while (n < m->q->limit && (a < m->count || b < page->count)) {
        bool take_best =
            b == page->count ||
            (a < m->count && delivery_before(m->q, m->best[a].seq, page->rows[b].seq));

        out[n++] = take_best ? m->best[a++] : page->rows[b++];
    }
    m->spare = m->best;
    m->best = out;
    m->count = n;
}

static int delivery_read_page(struct db *db, unsigned stmt, const struct delivery_merge *m,
                              int64_t key, struct delivery_rows *page)
{
    const struct delivery_query *q = m->q;
    int64_t low = 0;
    int64_t high = INT64_MAX;

    if (q->after_seq > 0) {
        *(q->ascending ? &low : &high) = q->after_seq;
    }
    if (m->count == q->limit) {
        *(q->ascending ? &high : &low) = m->best[m->count - 1].seq;
    }
    const struct db_value params[] = {
        db_int(low),         db_int(high),     db_int(key),
        db_int(q->type),     db_int(q->state), db_int(q->code),
        db_int(q->error),    db_int(q->since), db_int(q->until == 0 ? INT64_MAX : q->until),
        db_int(q->archived), db_int(q->limit),
    };

    page->count = 0;
    return sql_read(db, stmt, params, SQL_COUNT(params), delivery_on_row, page);
}

static bool delivery_wants(const struct delivery_query *q, int64_t endpoint)
{
    for (size_t i = 0; i < q->endpoint_count; i++) {
        if (q->endpoints[i] == endpoint) {
            return true;
        }
    }
    return false;
}

struct delivery_event_page {
    const struct delivery_query *q;
    struct delivery_rows rows;
};

static int delivery_on_event_row(void *ctx, const struct db_value *columns, size_t count)
{
    struct delivery_event_page *page = ctx;

    return delivery_wants(page->q, columns[4].i) ? delivery_on_row(&page->rows, columns, count)
                                                 : 0;
}

static int event_on_range(void *ctx, const struct db_value *columns, size_t count)
{
    int64_t *range = ctx;

    (void)count;
    range[0] = columns[7].i;
    range[1] = columns[8].i;
    return 0;
}

/* One of the two places: the event's own range, or its replays behind it. */
static int delivery_list_place(struct db *db, unsigned stmt, int64_t low, int64_t high,
                               struct delivery_event_page *page)
{
    const struct delivery_query *q = page->q;
    const struct db_value params[] = {
        db_int(low),         db_int(high),      db_int(q->event),
        db_int(q->type),     db_int(q->state),  db_int(q->code),
        db_int(q->error),    db_int(q->since),  db_int(q->until == 0 ? INT64_MAX : q->until),
        db_int(q->archived), db_int(INT32_MAX),
    };

    if (low >= high - 1 || page->rows.count == page->rows.max) {
        return 0;
    }
    return sql_read(db, SQL_DELIVERY + stmt, params, SQL_COUNT(params), delivery_on_event_row,
                    page);
}

/* All deliveries of one event: a range of seq, and later ones that replays made. */
static int delivery_list_event(struct db *db, const struct delivery_query *q,
                               struct delivery_event_page *page)
{
    const struct db_value event = db_int(q->event);
    int64_t range[2] = { 0, 0 }; /* first seq, how many */
    int rc = sql_read(db, SQL_EVENT + EVENT_GET_SEQ, &event, 1, event_on_range, range);
    int64_t end = range[0] + range[1]; /* exclusive; 0 when it has no range */
    int64_t low = 0;
    int64_t high = INT64_MAX;

    if (q->after_seq > 0) {
        *(q->ascending ? &low : &high) = q->after_seq;
    }
    for (int i = 0; i < 2 && rc == 0; i++) {
        bool own = (i == 0) == q->ascending;
        int64_t from = own ? range[0] - 1 : end - 1;
        int64_t to = own ? end : INT64_MAX;

        rc = delivery_list_place(db,
                                 own ? (q->ascending ? DELIVERY_EVENT_UP : DELIVERY_EVENT_DOWN)
                                     : (q->ascending ? DELIVERY_EXTRA_UP : DELIVERY_EXTRA_DOWN),
                                 low > from ? low : from, high < to ? high : to, page);
    }
    return rc;
}

int delivery_list(struct db *db, const struct delivery_query *q, struct arena *arena,
                  struct delivery_row **ret_rows, size_t *ret_count)
{
    size_t size = (size_t)q->limit * sizeof(struct delivery_row) + 1;
    struct delivery_merge merge = { .q = q, .best = arena_alloc(arena, size) };
    struct delivery_rows page = { .rows = arena_alloc(arena, size),
                                  .max = q->limit,
                                  .arena = arena };
    unsigned stmt =
        SQL_DELIVERY + (unsigned)(q->ascending ? DELIVERY_LIST_UP : DELIVERY_LIST_DOWN);

    if (q->event != 0) {
        struct delivery_event_page event_page = { q, page };
        int rc = delivery_list_event(db, q, &event_page);

        if (rc < 0) {
            return rc;
        }
        *ret_rows = event_page.rows.rows;
        *ret_count = event_page.rows.count;
        return 0;
    }
    merge.spare = arena_alloc(arena, size);
    for (size_t i = 0; i < q->endpoint_count; i++) {
        int rc = delivery_read_page(db, stmt, &merge, q->endpoints[i], &page);

        if (rc < 0) {
            return rc;
        }
        delivery_merge(&merge, &page);
    }
    *ret_rows = merge.best;
    *ret_count = merge.count;
    return 0;
}
