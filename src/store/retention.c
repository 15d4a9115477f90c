/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bite looks at so many rows behind its place, chooses, and removes. A walk ends at the first
 * row that is too young for every period; what it passes over on the way (open, or kept longer
 * by its app) is looked at again in the next round.
 */
#include "store/retention.h"

#include "base/assert.h"
#include "store/ddl.h"
#include "store/delivery.h"
#include "store/event.h"
#include "store/sql.h"

enum {
    RETENTION_LOOK_MAX = 500,
    RETENTION_FLAGS_MADE = FLAG_REPLAY | FLAG_BACKFILL | FLAG_CORRECTED
};

const char ddl_retention_sqlite[] =
    "CREATE TABLE retention (walk INTEGER PRIMARY KEY, place INTEGER NOT NULL) STRICT;";
const char ddl_retention_postgres[] =
    "CREATE TABLE retention (walk BIGINT PRIMARY KEY, place BIGINT NOT NULL)"
    " WITH (fillfactor = 50);";

/* Is a delivery of the event on its way, in its range or made by a replay? */
#define RETENTION_IS_OPEN                                                                      \
    " (EXISTS (SELECT 1 FROM delivery d WHERE d.seq >= e.first_delivery"                       \
    " AND d.seq < e.first_delivery + e.delivery_count AND d.state IN (1, 2))"                  \
    " OR EXISTS (SELECT 1 FROM replay_delivery x JOIN delivery d ON d.seq = x.made"            \
    " WHERE x.of_event = e.seq AND d.state IN (1, 2)))"

const struct db_stmt retention_stmts[RETENTION_STMTS] = {
    [RETENTION_READ] = { "retention_read", "SELECT place FROM retention WHERE walk = $1", NULL,
                         "i" },
    [RETENTION_SET] = { "retention_set",
                        "INSERT INTO retention (walk, place) VALUES ($1, $2)"
                        " ON CONFLICT (walk) DO UPDATE SET place = excluded.place",
                        NULL, "ii" },
    [RETENTION_LOOK_EVENTS] = { "retention_look_events",
                                "SELECT e.seq, e.app, e.accepted_at, e.flags,"
                                " CASE WHEN" RETENTION_IS_OPEN " THEN 1 ELSE 0 END"
                                " FROM event e WHERE e.seq > $1 ORDER BY e.seq LIMIT $2",
                                NULL, "ii" },
    [RETENTION_LOOK_DELIVERIES] = { "retention_look_deliveries",
                                    "SELECT seq, app, created_at, ended_at, state, flags,"
                                    " event, endpoint FROM delivery WHERE seq > $1"
                                    " ORDER BY seq LIMIT $2",
                                    NULL, "ii" },
    [RETENTION_LOOK_GONE] = { "retention_look_gone",
                              "SELECT seq, app, created_at, ended_at, state, flags, event,"
                              " endpoint FROM delivery WHERE endpoint = $1"
                              " ORDER BY seq LIMIT $2",
                              NULL, "ii" },
    [RETENTION_DROP_EVENT] = { "retention_drop_event", "DELETE FROM event WHERE seq = $1", NULL,
                               "i" },
    [RETENTION_DROP_DELIVERY] = { "retention_drop_delivery",
                                  "DELETE FROM delivery WHERE seq = $1", NULL, "i" },
    [RETENTION_DROP_ATTEMPTS] = { "retention_drop_attempts",
                                  "DELETE FROM attempt WHERE delivery = $1", NULL, "i" },
    [RETENTION_DROP_EXTRA] = { "retention_drop_extra",
                               "DELETE FROM replay_delivery WHERE of_event = $1 AND made = $2",
                               NULL, "ii" },
    [RETENTION_ERASE_EVENT] = { "retention_erase_event",
                                "UPDATE event SET body = $1, flags = flags | 2 WHERE seq = $2",
                                NULL, "bi" },
    [RETENTION_ERASE_OWN] = { "retention_erase_own",
                              "UPDATE delivery SET body = NULL WHERE body IS NOT NULL"
                              " AND seq >= (SELECT first_delivery FROM event WHERE seq = $1)"
                              " AND seq < (SELECT first_delivery + delivery_count FROM event"
                              " WHERE seq = $1)",
                              NULL, "i" },
    [RETENTION_ERASE_EXTRA] = { "retention_erase_extra",
                                "UPDATE delivery SET body = NULL WHERE body IS NOT NULL"
                                " AND seq IN (SELECT made FROM replay_delivery"
                                " WHERE of_event = $1)",
                                NULL, "i" },
    [RETENTION_ERASE_RESPONSES] = { "retention_erase_responses",
                                    "UPDATE attempt SET response_body = $1, flags = flags | 4"
                                    " WHERE delivery = $2 AND response_body <> $1",
                                    NULL, "bi" },
    [RETENTION_OLD_REPLAYS] = { "retention_old_replays",
                                "SELECT no FROM replay WHERE ended_at > 0 AND ended_at < $1"
                                " AND no < (SELECT MAX(no) FROM replay) ORDER BY no LIMIT $2",
                                NULL, "ii" },
    [RETENTION_DROP_REPLAY] = { "retention_drop_replay", "DELETE FROM replay WHERE no = $1",
                                NULL, "i" },
    [RETENTION_DROP_PARTS] = { "retention_drop_parts",
                               "DELETE FROM replay_part WHERE replay = $1", NULL, "i" },
    [RETENTION_DROP_MADE] = { "retention_drop_made",
                              "DELETE FROM replay_event WHERE replay = $1", NULL, "i" },
};

/* A row that was looked at. */
struct row {
    int64_t seq, app, created_at, ended_at, flags, event, endpoint;
    bool is_open;
};

struct looking {
    struct row rows[RETENTION_LOOK_MAX];
    size_t count;
    bool is_event;
};

static int on_int(void *ctx, const struct db_value *columns, size_t count)
{
    int64_t *values = ctx;

    for (size_t i = 0; i < count; i++) {
        values[i] = columns[i].i;
    }
    return 0;
}

static int on_row(void *ctx, const struct db_value *c, size_t count)
{
    struct looking *l = ctx;
    struct row *row = &l->rows[l->count++];

    ASSERT(l->count <= RETENTION_LOOK_MAX && count == (l->is_event ? 5 : 8));
    *row = (struct row){ .seq = c[0].i, .app = c[1].i, .created_at = c[2].i };
    if (l->is_event) {
        row->flags = c[3].i;
        row->is_open = c[4].i != 0;
        return 0;
    }
    row->ended_at = c[3].i;
    row->is_open = c[4].i == DELIVERY_PENDING || c[4].i == DELIVERY_RETRYING;
    row->flags = c[5].i;
    row->event = c[6].i;
    row->endpoint = c[7].i;
    return 0;
}

/* --- periods */
static int64_t app_ms(const struct retention *r, int64_t app, int64_t otherwise)
{
    size_t low = 0;
    size_t high = r->app_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (r->apps[mid].app == app) {
            return r->apps[mid].ms;
        }
        if (r->apps[mid].app < app) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return otherwise;
}

/* The shortest period of a walk: what is younger ends it. */
static int64_t shortest(const struct retention *r, int64_t ms)
{
    for (size_t i = 0; i < r->app_count; i++) {
        ms = r->apps[i].ms < ms ? r->apps[i].ms : ms;
    }
    return ms;
}

static bool is_gone(const struct retention *r, int64_t endpoint)
{
    size_t low = 0;
    size_t high = r->gone_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (r->gone[mid].endpoint == endpoint) {
            return true;
        }
        if (r->gone[mid].endpoint < endpoint) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return false;
}

/* --- removing */
static int exec_one(struct db *db, unsigned stmt, int64_t a)
{
    const struct db_value param = db_int(a);

    return db_exec(db, SQL_RETENTION + stmt, &param, 1);
}

static int drop_delivery(struct db *db, const struct row *row)
{
    const struct db_value due[] = { db_int(row->endpoint), db_int(row->seq) };
    const struct db_value extra[] = { db_int(row->event), db_int(row->seq) };
    int rc = exec_one(db, RETENTION_DROP_ATTEMPTS, row->seq);

    if (rc == 0 && row->is_open) {
        rc = db_exec(db, SQL_DUE + DUE_DELETE, due, SQL_COUNT(due));
    }
    if (rc == 0 && (row->flags & RETENTION_FLAGS_MADE) != 0) {
        rc = db_exec(db, SQL_RETENTION + RETENTION_DROP_EXTRA, extra, SQL_COUNT(extra));
    }
    return rc != 0 ? rc : exec_one(db, RETENTION_DROP_DELIVERY, row->seq);
}

static int erase_body(struct db *db, const struct row *row)
{
    const struct db_value params[] = { db_blob(STR("")), db_int(row->seq) };
    int rc = exec_one(db, RETENTION_ERASE_OWN, row->seq);

    if (rc == 0) {
        rc = exec_one(db, RETENTION_ERASE_EXTRA, row->seq);
    }
    return rc != 0
               ? rc
               : db_exec(db, SQL_RETENTION + RETENTION_ERASE_EVENT, params, SQL_COUNT(params));
}

static int erase_responses(struct db *db, const struct row *row)
{
    const struct db_value params[] = { db_blob(STR("")), db_int(row->seq) };

    return db_exec(db, SQL_RETENTION + RETENTION_ERASE_RESPONSES, params, SQL_COUNT(params));
}

/* Does this row go by now? */
static bool is_due(const struct retention *r, enum retention_walk walk, const struct row *row)
{
    int64_t at = row->ended_at > row->created_at ? row->ended_at : row->created_at;

    switch (walk) {
    case RETENTION_EVENTS:
        return !row->is_open && r->now - at >= app_ms(r, row->app, r->events_ms);
    case RETENTION_DELIVERIES:
        return (!row->is_open || is_gone(r, row->endpoint)) &&
               r->now - at >= app_ms(r, row->app, r->deliveries_ms);
    case RETENTION_BODIES:
        return !row->is_open && (row->flags & (EVENT_ERASED)) == 0 &&
               r->now - at >= r->bodies_ms;
    case RETENTION_RESPONSES:
        return r->now - at >= r->responses_ms;
    case RETENTION_GONE:
        return true;
    case RETENTION_WALKS:
        break;
    }
    return false;
}

static int remove_one(struct db *db, enum retention_walk walk, const struct row *row)
{
    switch (walk) {
    case RETENTION_EVENTS:
        return exec_one(db, RETENTION_DROP_EVENT, row->seq);
    case RETENTION_DELIVERIES:
    case RETENTION_GONE:
        return drop_delivery(db, row);
    case RETENTION_BODIES:
        return erase_body(db, row);
    case RETENTION_RESPONSES:
        return erase_responses(db, row);
    case RETENTION_WALKS:
        break;
    }
    return -E_INTERNAL;
}

/* Rows older than this are looked at. */
static int64_t look_until(const struct retention *r, enum retention_walk walk)
{
    switch (walk) {
    case RETENTION_EVENTS:
        return r->now - shortest(r, r->events_ms);
    case RETENTION_DELIVERIES:
        return r->now - shortest(r, r->deliveries_ms);
    case RETENTION_BODIES:
        return r->bodies_ms == 0 ? 0 : r->now - r->bodies_ms;
    case RETENTION_RESPONSES:
        return r->responses_ms == 0 ? 0 : r->now - r->responses_ms;
    case RETENTION_GONE:
    case RETENTION_WALKS:
        break;
    }
    return 0;
}

/* --- a bite */
static int bite_rows(struct db *db, const struct retention *r, struct retention_bite *bite,
                     const struct looking *l, int64_t *place)
{
    bool drops = bite->walk == RETENTION_EVENTS || bite->walk == RETENTION_DELIVERIES;
    int64_t until = look_until(r, bite->walk);
    int64_t newest[2] = { 0, 0 };
    int rc = sql_read(db, SQL_LANE + LANE_SEQS, NULL, 0, on_int, newest);

    for (size_t i = 0; i < l->count && rc == 0; i++) {
        const struct row *row = &l->rows[i];

        if (row->created_at >= until) {
            bite->more = false;
            return 0;
        }
        *place = row->seq;
        bite->looked++;
        if (is_due(r, bite->walk, row) && !(drops && row->seq == newest[l->is_event ? 0 : 1])) {
            rc = remove_one(db, bite->walk, row);
            bite->removed++;
        }
    }
    return rc;
}

/* The next endpoint whose time is over and that still has something. */
static int bite_gone(struct db *db, const struct retention *r, struct retention_bite *bite,
                     int64_t *place)
{
    int64_t newest[2] = { 0, 0 };
    int rc = sql_read(db, SQL_LANE + LANE_SEQS, NULL, 0, on_int, newest);
    size_t at = *place < 0 ? 0 : (size_t)*place;

    for (; at < r->gone_count && rc == 0; at++) {
        struct looking l = { .is_event = false };
        const struct db_value params[] = { db_int(r->gone[at].endpoint),
                                           db_int(bite->rows_max) };

        if (bite->looked >= bite->rows_max) {
            break;
        }
        bite->looked++;
        if (r->now - r->gone[at].deleted_at < r->gone_ms) {
            continue;
        }
        rc = sql_read(db, SQL_RETENTION + RETENTION_LOOK_GONE, params, SQL_COUNT(params),
                      on_row, &l);
        for (size_t i = 0; i < l.count && rc == 0; i++) {
            if (l.rows[i].seq != newest[1]) {
                rc = drop_delivery(db, &l.rows[i]);
                bite->removed++;
            }
        }
        if (l.count == bite->rows_max) {
            break; /* this one again */
        }
    }
    bite->more = at < r->gone_count;
    *place = (int64_t)at;
    return rc;
}

int retention_bite(struct db *db, const struct retention *r, struct retention_bite *bite)
{
    struct looking l = { .is_event =
                             bite->walk == RETENTION_EVENTS || bite->walk == RETENTION_BODIES };
    const struct db_value walk = db_int((int)bite->walk);
    int64_t place = 0;
    int rc = sql_read(db, SQL_RETENTION + RETENTION_READ, &walk, 1, on_int, &place);

    ASSERT(bite->rows_max > 0 && bite->rows_max <= RETENTION_LOOK_MAX);
    bite->looked = 0;
    bite->removed = 0;
    if (rc == 0 && bite->walk == RETENTION_GONE) {
        rc = bite_gone(db, r, bite, &place);
    } else if (rc == 0) {
        const struct db_value params[] = { db_int(place), db_int(bite->rows_max) };

        rc = sql_read(db,
                      SQL_RETENTION +
                          (l.is_event ? RETENTION_LOOK_EVENTS : RETENTION_LOOK_DELIVERIES),
                      params, SQL_COUNT(params), on_row, &l);
        bite->more = l.count == bite->rows_max;
        if (rc == 0) {
            rc = bite_rows(db, r, bite, &l, &place);
        }
    }
    if (rc == 0) {
        const struct db_value set[] = { walk, db_int(bite->more ? place : 0) };

        rc = db_exec(db, SQL_RETENTION + RETENTION_SET, set, SQL_COUNT(set));
    }
    return rc;
}

/* --- replay jobs */
enum { REPLAYS_AT_ONCE = 20 };

struct old_replays {
    int64_t no[REPLAYS_AT_ONCE];
    size_t count;
};

static int on_replay(void *ctx, const struct db_value *c, size_t count)
{
    struct old_replays *old = ctx;

    ASSERT(count == 1 && old->count < REPLAYS_AT_ONCE);
    old->no[old->count++] = c[0].i;
    return 0;
}

int replay_expire(struct db *db, int64_t before_ms, bool *ret_more)
{
    const struct db_value params[] = { db_int(before_ms), db_int(REPLAYS_AT_ONCE) };
    struct old_replays old = { .count = 0 };
    int rc = sql_read(db, SQL_RETENTION + RETENTION_OLD_REPLAYS, params, SQL_COUNT(params),
                      on_replay, &old);

    for (size_t i = 0; i < old.count && rc == 0; i++) {
        rc = exec_one(db, RETENTION_DROP_PARTS, old.no[i]);
        if (rc == 0) {
            rc = exec_one(db, RETENTION_DROP_MADE, old.no[i]);
        }
        if (rc == 0) {
            rc = exec_one(db, RETENTION_DROP_REPLAY, old.no[i]);
        }
    }
    if (rc == 0) {
        *ret_more = old.count == REPLAYS_AT_ONCE;
    }
    return rc;
}
