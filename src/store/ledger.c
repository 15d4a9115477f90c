/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list is walked in chunks from one or several sources: the whole log, the endpoints asked for,
 * or the states asked for. Each source gives its wanted rows in order; they are merged, and what
 * lies beyond the place to which every source was looked through is cut off.
 */
#include "store/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "store/ddl.h"
#include "store/sql.h"

#define LEDGER_LOOK                                                                            \
    "SELECT delivery.seq, delivery.app, delivery.endpoint, delivery.type, delivery.state,"     \
    " delivery.last_code, delivery.last_error, delivery.created_at FROM "
#define LEDGER_ALL(direction)                                                                  \
    LEDGER_LOOK "delivery WHERE seq > $1 AND seq < $2 ORDER BY seq " direction " LIMIT $3"
#define LEDGER_ENDPOINT(direction)                                                             \
    LEDGER_LOOK                                                                                \
    "delivery WHERE seq > $1 AND seq < $2 AND endpoint = $3 ORDER BY seq " direction " LIMIT " \
    "$4"
#define LEDGER_ENDED(direction)                                                                \
    LEDGER_LOOK                                                                                \
    "delivery_ended e CROSS JOIN delivery WHERE delivery.seq = e.seq AND e.seq > $1"           \
    " AND e.seq < $2 AND e.state = $3 ORDER BY e.seq " direction " LIMIT $4"
/* Events have neither endpoint nor state. */
#define LEDGER_EVENT "SELECT seq, app, 0, type, 0, 0, 0, accepted_at FROM event WHERE seq > $1"
#define LEDGER_EVENTS(direction)                                                               \
    LEDGER_EVENT " AND seq < $2 ORDER BY seq " direction " LIMIT $3"
#define LEDGER_APP_EVENTS(direction)                                                           \
    LEDGER_EVENT " AND seq < $2 AND app = $3 ORDER BY seq " direction " LIMIT $4"

const struct db_stmt ledger_stmts[LEDGER_STMTS] = {
    [LEDGER_ALL_DOWN] = { "ledger_all_down", LEDGER_ALL("DESC"), NULL, "iii" },
    [LEDGER_ALL_UP] = { "ledger_all_up", LEDGER_ALL("ASC"), NULL, "iii" },
    [LEDGER_ENDPOINT_DOWN] = { "ledger_endpoint_down", LEDGER_ENDPOINT("DESC"), NULL, "iiii" },
    [LEDGER_ENDPOINT_UP] = { "ledger_endpoint_up", LEDGER_ENDPOINT("ASC"), NULL, "iiii" },
    [LEDGER_ENDED_DOWN] = { "ledger_ended_down", LEDGER_ENDED("DESC"), NULL, "iiii" },
    [LEDGER_ENDED_UP] = { "ledger_ended_up", LEDGER_ENDED("ASC"), NULL, "iiii" },
    [LEDGER_EVENTS_DOWN] = { "ledger_events_down", LEDGER_EVENTS("DESC"), NULL, "iii" },
    [LEDGER_EVENTS_UP] = { "ledger_events_up", LEDGER_EVENTS("ASC"), NULL, "iii" },
    [LEDGER_APP_EVENTS_DOWN] = { "ledger_app_events_down", LEDGER_APP_EVENTS("DESC"), NULL,
                                 "iiii" },
    [LEDGER_APP_EVENTS_UP] = { "ledger_app_events_up", LEDGER_APP_EVENTS("ASC"), NULL, "iiii" },
    [LEDGER_DELIVERY_AT] = { "ledger_delivery_at",
                             "SELECT seq FROM delivery WHERE id >= $1 ORDER BY id LIMIT 1",
                             NULL, "b" },
    [LEDGER_EVENT_AT] = { "ledger_event_at",
                          "SELECT seq FROM event WHERE id >= $1 ORDER BY id LIMIT 1", NULL,
                          "b" },
};

#define LEDGER_FILL                                                                            \
    "INSERT INTO delivery_ended (state, seq) SELECT state, seq FROM delivery"                  \
    " WHERE state IN (4, 5, 6, 7);"

const char ddl_ledger_sqlite[] =
    "CREATE TABLE delivery_ended (state INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (state, seq)) STRICT, WITHOUT ROWID;" LEDGER_FILL
    "CREATE TRIGGER delivery_ended_new AFTER INSERT ON delivery"
    " WHEN NEW.state IN (4, 5, 6, 7) BEGIN"
    " INSERT OR IGNORE INTO delivery_ended (state, seq) VALUES (NEW.state, NEW.seq); END;"
    "CREATE TRIGGER delivery_ended_set AFTER UPDATE OF state ON delivery"
    " WHEN OLD.state <> NEW.state AND (OLD.state IN (4, 5, 6, 7) OR NEW.state IN (4, 5, 6, 7))"
    " BEGIN DELETE FROM delivery_ended WHERE state = OLD.state AND seq = OLD.seq;"
    " INSERT OR IGNORE INTO delivery_ended (state, seq) SELECT NEW.state, NEW.seq"
    " WHERE NEW.state IN (4, 5, 6, 7); END;"
    "CREATE TRIGGER delivery_ended_gone AFTER DELETE ON delivery"
    " WHEN OLD.state IN (4, 5, 6, 7) BEGIN"
    " DELETE FROM delivery_ended WHERE state = OLD.state AND seq = OLD.seq; END;";
const char ddl_ledger_postgres[] =
    "CREATE TABLE delivery_ended (state BIGINT NOT NULL, seq BIGINT NOT NULL,"
    " PRIMARY KEY (state, seq));" LEDGER_FILL
    "CREATE FUNCTION delivery_ended_keep() RETURNS trigger LANGUAGE plpgsql AS $keep$ BEGIN"
    " IF TG_OP <> 'INSERT' THEN"
    " DELETE FROM delivery_ended WHERE state = OLD.state AND seq = OLD.seq; END IF;"
    " IF TG_OP <> 'DELETE' AND NEW.state IN (4, 5, 6, 7) THEN"
    " INSERT INTO delivery_ended (state, seq) VALUES (NEW.state, NEW.seq)"
    " ON CONFLICT DO NOTHING; END IF; RETURN NULL; END $keep$;"
    "CREATE TRIGGER delivery_ended_new AFTER INSERT ON delivery FOR EACH ROW"
    " WHEN (NEW.state IN (4, 5, 6, 7)) EXECUTE FUNCTION delivery_ended_keep();"
    "CREATE TRIGGER delivery_ended_set AFTER UPDATE OF state ON delivery FOR EACH ROW"
    " WHEN (OLD.state <> NEW.state AND (OLD.state IN (4, 5, 6, 7) OR NEW.state IN (4, 5, 6,"
    " 7))) EXECUTE FUNCTION delivery_ended_keep();"
    "CREATE TRIGGER delivery_ended_gone AFTER DELETE ON delivery FOR EACH ROW"
    " WHEN (OLD.state IN (4, 5, 6, 7)) EXECUTE FUNCTION delivery_ended_keep();";

enum {
    LEDGER_ENDED_STATES = 1 << DELIVERY_FAILED | 1 << DELIVERY_CANCELLED |
                          1 << DELIVERY_FILTERED | 1 << DELIVERY_SKIPPED,
    LEDGER_MARGIN_MS = 60 * 1000 /* ids are made a little before their rows are committed */
};

/* Where rows come from: a statement, and the key that it takes besides bounds and limit. */
struct ledger_source {
    unsigned stmt;
    bool has_key;
    int64_t key;
};

struct ledger_walk {
    const struct ledger_query *q;
    struct ledger_source source;
    int64_t low, high; /* exclusive */
    /* out */
    int64_t *seqs; /* NULL: only count */
    size_t count, max;
    uint32_t looked, chunk;
    int64_t last; /* seq that was looked at last */
};

static bool ledger_holds(const int64_t *sorted, size_t count, int64_t value)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (sorted[mid] < value) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < count && sorted[low] == value;
}

/* Columns as in LEDGER_LOOK. */
static bool ledger_wants(const struct ledger_query *q, const struct db_value *c)
{
    bool has_type = q->type_count == 0;

    for (size_t i = 0; !has_type && i < q->type_count; i++) {
        has_type = q->types[i] == c[3].i;
    }
    return has_type && ledger_holds(q->apps, q->app_count, c[1].i) &&
           (q->states == 0 || (q->states & 1u << c[4].i) != 0) &&
           (q->code == 0 || q->code == c[5].i) && (q->error == 0 || q->error == c[6].i) &&
           c[7].i >= q->since && (q->until == 0 || c[7].i < q->until);
}

static int ledger_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    struct ledger_walk *w = ctx;

    ASSERT(count == 8);
    w->looked++;
    w->chunk++;
    w->last = columns[0].i;
    if (ledger_wants(w->q, columns)) {
        if (w->seqs != NULL) {
            w->seqs[w->count] = columns[0].i;
        }
        w->count++;
    }
    return w->count == w->max;
}

/* Until `max` were found, `look_max` were looked at, or the end. *ret_at_end: the latter. */
static int ledger_walk(struct db *db, struct ledger_walk *w, uint32_t look_max,
                       bool *ret_at_end)
{
    const struct ledger_query *q = w->q;

    *ret_at_end = false;
    while (w->count < w->max && w->looked < look_max) {
        const struct db_value params[] = {
            db_int(q->ascending && w->last != 0 ? w->last : w->low),
            db_int(!q->ascending && w->last != 0 ? w->last : w->high),
            w->source.has_key ? db_int(w->source.key) : db_int(LEDGER_CHUNK),
            db_int(LEDGER_CHUNK),
        };
        int rc;

        w->chunk = 0;
        rc = sql_read(db, SQL_LEDGER + w->source.stmt + (q->ascending ? 1 : 0), params,
                      w->source.has_key ? 4 : 3, ledger_on_row, w);
        if (rc < 0) {
            return rc;
        }
        if (w->chunk < LEDGER_CHUNK && w->count < w->max) {
            *ret_at_end = true;
            return 0;
        }
    }
    return 0;
}

/* Ids tell the time, so the place of a time in the log is one seek. */
static int ledger_on_seq(void *ctx, const struct db_value *columns, size_t count)
{
    (void)count;
    *(int64_t *)ctx = columns[0].i;
    return 1;
}

static int ledger_seq_at(struct db *db, unsigned stmt, int64_t wall_ms, int64_t *seq)
{
    struct id id = { { 0 } };
    const struct db_value param = sql_id(&id);

    for (size_t i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i));
    }
    return sql_read(db, SQL_LEDGER + stmt, &param, 1, ledger_on_seq, seq);
}

static int ledger_bounds(struct db *db, const struct ledger_query *q, unsigned at_stmt,
                         int64_t *ret_low, int64_t *ret_high)
{
    int64_t low = 1;
    int64_t high = INT64_MAX;
    int rc = 0;

    if (q->since > LEDGER_MARGIN_MS) {
        low = INT64_MAX; /* nothing is that young */
        rc = ledger_seq_at(db, at_stmt, q->since - LEDGER_MARGIN_MS, &low);
    }
    if (rc == 0 && q->until > 0 && q->until < INT64_MAX - LEDGER_MARGIN_MS) {
        rc = ledger_seq_at(db, at_stmt, q->until + LEDGER_MARGIN_MS, &high);
    }
    low--;
    if (q->after_seq > 0 && q->ascending) {
        low = q->after_seq > low ? q->after_seq : low;
    } else if (q->after_seq > 0) {
        high = q->after_seq < high ? q->after_seq : high;
    }
    *ret_low = low;
    *ret_high = high;
    return rc;
}

/*
 * --- Sources
 * ------------------------------------------------------------------------------------
 */

struct ledger_sources {
    struct ledger_source *list;
    size_t count;
};

static void ledger_add(struct ledger_sources *s, unsigned stmt, bool has_key, int64_t key)
{
    s->list[s->count++] = (struct ledger_source){ stmt, has_key, key };
}

static void ledger_pick(const struct ledger_query *q, bool events, struct arena *arena,
                        struct ledger_sources *s)
{
    uint32_t others = q->states & ~(uint32_t)LEDGER_ENDED_STATES;

    s->count = 0;
    s->list = arena_alloc(arena, (q->endpoint_count + 8) * sizeof(*s->list));
    if (events && q->app_count == 1) {
        ledger_add(s, LEDGER_APP_EVENTS_DOWN, true, q->apps[0]);
    } else if (events) {
        ledger_add(s, LEDGER_EVENTS_DOWN, false, 0);
    } else if (q->endpoint_count > 0) {
        for (size_t i = 0; i < q->endpoint_count; i++) {
            ledger_add(s, LEDGER_ENDPOINT_DOWN, true, q->endpoints[i]);
        }
    } else if (q->states != 0 && others == 0) {
        for (int state = DELIVERY_FAILED; state <= DELIVERY_SKIPPED; state++) {
            if ((q->states & 1u << state) != 0) {
                ledger_add(s, LEDGER_ENDED_DOWN, true, state);
            }
        }
    } else {
        ledger_add(s, LEDGER_ALL_DOWN, false, 0);
    }
}

static int ledger_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* The wanted seqs in order of travel, at most the limit. */
static int ledger_find(struct db *db, const struct ledger_query *q, bool events,
                       struct arena *arena, int64_t **ret_seqs, size_t *ret_count,
                       int64_t *ret_looked_to)
{
    struct ledger_sources s;
    struct ledger_walk w = { .q = q, .max = q->limit };
    int64_t looked_to = 0; /* the nearest place where a source was left unfinished */
    int64_t *seqs;
    size_t count = 0;
    int rc =
        ledger_bounds(db, q, events ? LEDGER_EVENT_AT : LEDGER_DELIVERY_AT, &w.low, &w.high);

    ledger_pick(q, events, arena, &s);
    seqs = arena_alloc(arena, (s.count * q->limit + 1) * sizeof(*seqs));
    for (size_t i = 0; i < s.count && rc == 0; i++) {
        uint32_t look_max = LEDGER_LOOK_MAX / (uint32_t)s.count;
        bool at_end;

        w.source = s.list[i];
        w.seqs = seqs + count;
        w.count = 0;
        w.looked = 0;
        w.last = 0;
        rc = ledger_walk(db, &w, look_max < LEDGER_CHUNK ? LEDGER_CHUNK : look_max, &at_end);
        count += w.count;
        if (rc == 0 && !at_end && (looked_to == 0 || (w.last < looked_to) == q->ascending)) {
            looked_to = w.last;
        }
    }
    qsort(seqs, count, sizeof(*seqs), ledger_compare);
    for (size_t i = 0; !q->ascending && i < count / 2; i++) {
        int64_t swap = seqs[i];

        seqs[i] = seqs[count - 1 - i];
        seqs[count - 1 - i] = swap;
    }
    while (count > 0 && looked_to != 0 && seqs[count - 1] != looked_to &&
           (seqs[count - 1] > looked_to) == q->ascending) {
        count--; /* another source may have some before it */
    }
    if (count >= q->limit) {
        count = q->limit;
        looked_to = 0;
    }
    *ret_seqs = seqs;
    *ret_count = count;
    *ret_looked_to = looked_to;
    return rc;
}

int ledger_deliveries(struct db *db, const struct ledger_query *q, struct arena *arena,
                      struct ledger_page *ret_page)
{
    struct ledger_page page = { .deliveries = NULL };
    int64_t *seqs;
    size_t count;
    int rc = ledger_find(db, q, false, arena, &seqs, &count, &page.looked_to);

    page.deliveries = arena_alloc(arena, (count + 1) * sizeof(*page.deliveries));
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct delivery_row *row;
        size_t n;

        rc = delivery_range(db, seqs[i], 1, arena, &row, &n);
        if (rc == 0 && n == 1) {
            page.deliveries[page.count++] = *row;
        }
    }
    if (rc == 0) {
        *ret_page = page;
    }
    return rc;
}

int ledger_events(struct db *db, const struct ledger_query *q, struct arena *arena,
                  struct ledger_page *ret_page)
{
    struct ledger_page page = { .deliveries = NULL };
    int64_t *seqs;
    size_t count;
    int rc = ledger_find(db, q, true, arena, &seqs, &count, &page.looked_to);

    page.events = arena_alloc(arena, (count + 1) * sizeof(*page.events));
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = event_get_seq(db, seqs[i], arena, &page.events[page.count]);
        if (rc == 0) {
            page.count++;
        } else if (rc == -E_NOT_FOUND) {
            rc = 0;
        }
    }
    if (rc == 0) {
        *ret_page = page;
    }
    return rc;
}

static int ledger_count(struct db *db, const struct ledger_query *query, bool events,
                        int64_t *ret_count, bool *ret_exact)
{
    struct ledger_query q = *query;
    struct ledger_walk w = { .q = &q, .max = LEDGER_COUNT_MAX + 1 };
    struct ledger_sources s;
    struct arena arena;
    uint32_t looked = 0;
    bool exact = true;
    int rc;

    q.after_seq = 0;
    q.ascending = false;
    arena_init(&arena);
    rc = ledger_bounds(db, &q, events ? LEDGER_EVENT_AT : LEDGER_DELIVERY_AT, &w.low, &w.high);
    ledger_pick(&q, events, &arena, &s);
    for (size_t i = 0; i < s.count && rc == 0 && w.count < w.max; i++) {
        bool at_end = false;

        w.source = s.list[i];
        w.last = 0;
        w.looked = looked;
        rc = ledger_walk(db, &w, LEDGER_COUNT_LOOK, &at_end);
        looked = w.looked;
        exact = exact && at_end;
    }
    arena_done(&arena);
    if (rc == 0) {
        *ret_exact = exact && w.count <= LEDGER_COUNT_MAX;
        *ret_count = w.count > LEDGER_COUNT_MAX ? LEDGER_COUNT_MAX : (int64_t)w.count;
    }
    return rc;
}

int ledger_count_deliveries(struct db *db, const struct ledger_query *q, int64_t *ret_count,
                            bool *ret_exact)
{
    return ledger_count(db, q, false, ret_count, ret_exact);
}

int ledger_count_events(struct db *db, const struct ledger_query *q, int64_t *ret_count,
                        bool *ret_exact)
{
    return ledger_count(db, q, true, ret_count, ret_exact);
}
