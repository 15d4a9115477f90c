/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a part of a replay has before it, a page at a time. A page looks at a bounded number of
 * rows, wanted or not, by an index that exists for lists; what is wanted is chosen here, so one
 * text serves every filter and no filter can make a page long.
 */
#include <string.h>

#include "base/assert.h"
#include "store/event.h"
#include "store/replay.h"
#include "store/sql.h"

enum {
    /* Ids are given a little before their rows are committed, and from one clock. */
    PAGE_MARGIN_MS = 60 * 1000,
    PAGE_LOOK_MAX = 1000
};

/* What happened to an event at an endpoint by replays: 0 = on its way or arrived, 1 = came to
 * nothing, 2 = there was none. */
#define PAGE_REPLAYS                                                                           \
    " COALESCE((SELECT MIN(CASE WHEN d.state IN (1, 2, 3) THEN 0 ELSE 1 END)"                  \
    " FROM replay_delivery x JOIN delivery d ON d.seq = x.made"                                \
    " WHERE x.of_event = event.seq AND x.at_endpoint = $1), 2)"

const struct db_stmt replay_page_stmts[PAGE_STMTS] = {
    [PAGE_FIRST_DELIVERY] = { "page_first_delivery",
                              "SELECT seq FROM delivery WHERE id >= $1 ORDER BY id LIMIT 1",
                              NULL, "b" },
    [PAGE_FIRST_EVENT] = { "page_first_event",
                           "SELECT seq FROM event WHERE id >= $1 ORDER BY id LIMIT 1", NULL,
                           "b" },
    [PAGE_FIRST_OPEN] = { "page_first_open",
                          "SELECT seq FROM due WHERE endpoint = $1 ORDER BY seq LIMIT 1", NULL,
                          "i" },
    [PAGE_DELIVERIES] = { "page_deliveries",
                          "SELECT delivery.seq, delivery.event, delivery.type, delivery.state,"
                          " delivery.flags, delivery.last_code, delivery.last_error,"
                          " delivery.created_at, COALESCE(event.flags, -1), delivery.id"
                          " FROM delivery LEFT JOIN event ON event.seq = delivery.event"
                          " WHERE delivery.endpoint = $1 AND delivery.seq > $2"
                          " AND delivery.seq <= $3 ORDER BY delivery.seq LIMIT $4",
                          NULL, "iiii" },
    [PAGE_ONE_DELIVERY] = { "page_one_delivery",
                            "SELECT delivery.seq, delivery.event, delivery.type,"
                            " delivery.state, delivery.flags, delivery.last_code,"
                            " delivery.last_error, delivery.created_at,"
                            " COALESCE(event.flags, -1), delivery.id"
                            " FROM delivery LEFT JOIN event ON event.seq = delivery.event"
                            " WHERE delivery.seq = $1 AND delivery.endpoint = $2",
                            NULL, "ii" },
    [PAGE_EVENTS] = { "page_events",
                      "SELECT event.seq, event.type, event.accepted_at, event.flags,"
                      " COALESCE(own.seq, 0), COALESCE(own.state, 0), COALESCE(own.reason, "
                      "0)," PAGE_REPLAYS
                      " FROM event LEFT JOIN delivery own ON own.seq >= event.first_delivery"
                      " AND own.seq < event.first_delivery + event.delivery_count"
                      " AND own.endpoint = $1"
                      " WHERE event.app = $2 AND event.seq > $3 AND event.seq <= $4"
                      " ORDER BY event.seq LIMIT $5",
                      NULL, "iiiii" },
};

struct page_reading {
    const struct replay_look *look;
    struct replay_page *page;
    uint32_t looked;
};

static int page_on_int(void *ctx, const struct db_value *c, size_t count)
{
    (void)count;
    *(int64_t *)ctx = c[0].i;
    return 0;
}

/* Open work is found where it lies. */
static int page_first_open(struct db *db, int64_t endpoint, int64_t *ret_place)
{
    const struct db_value param = db_int(endpoint);
    int64_t seq = INT64_MAX;
    int rc = sql_read(db, SQL_PAGE + PAGE_FIRST_OPEN, &param, 1, page_on_int, &seq);

    if (rc == 0) {
        *ret_place = seq == INT64_MAX ? seq : seq - 1;
    }
    return rc;
}

int replay_first_place(struct db *db, const struct replay_look *look, int64_t *ret_place)
{
    bool events = replay_walks_events(look->mode);
    struct id first = { { 0 } };
    struct db_value param;
    int64_t ms = look->since - PAGE_MARGIN_MS;
    int64_t seq = INT64_MAX;
    int rc;

    if (look->mode == REPLAY_MODE_CANCEL) {
        return page_first_open(db, look->endpoint, ret_place);
    }
    if (ms <= 0) {
        *ret_place = 0;
        return 0;
    }
    for (size_t i = 0; i < 6; i++) {
        first.bytes[i] = (uint8_t)((uint64_t)ms >> (40 - 8 * i) & 0xff);
    }
    param = sql_id(&first);
    rc = sql_read(db, SQL_PAGE + (events ? PAGE_FIRST_EVENT : PAGE_FIRST_DELIVERY), &param, 1,
                  page_on_int, &seq);
    if (rc == 0) {
        *ret_place = seq == INT64_MAX ? seq : seq - 1;
    }
    return rc;
}

static bool page_wants_type(const struct replay_look *look, int64_t type)
{
    size_t low = 0;
    size_t high = look->type_count;

    if (look->type_count == 0) {
        return !replay_walks_events(look->mode);
    }
    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (look->types[mid] == type) {
            return true;
        }
        if (look->types[mid] < type) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return false;
}

static bool page_wants_time(const struct replay_look *look, int64_t at)
{
    return at >= look->since && (look->until == 0 || at < look->until);
}

/* Nothing is taken that is still on its way; a replay repeats the newest of a chain only. */
static bool page_wants_state(const struct replay_look *look, int64_t state, int64_t flags)
{
    bool is_open = state == DELIVERY_PENDING || state == DELIVERY_RETRYING;

    if (is_open || look->mode == REPLAY_MODE_CANCEL) {
        return is_open && look->mode == REPLAY_MODE_CANCEL;
    }
    if (look->mode == REPLAY_MODE_ARCHIVE) {
        return (flags & FLAG_ARCHIVED) == 0 && (look->state == 0 || state == look->state);
    }
    if (look->mode == REPLAY_MODE_IDS) {
        return true;
    }
    if ((flags & FLAG_REPLAYED) != 0) {
        return false;
    }
    if (look->mode == REPLAY_MODE_FAILED) {
        return state == DELIVERY_FAILED;
    }
    return look->state == 0 ? state != DELIVERY_FILTERED : state == look->state;
}

static void page_add(struct page_reading *r, const struct replay_item *item, int64_t at)
{
    struct replay_page *page = r->page;

    page->oldest = page->count == 0 || at < page->oldest ? at : page->oldest;
    page->newest = at > page->newest ? at : page->newest;
    page->items[page->count++] = *item;
}

/* Test sends are never sent again; -1: the event is gone, as those of tests go with their deliveries. */
static bool page_is_test(int64_t event_flags)
{
    return event_flags >= 0 && (event_flags & EVENT_TEST) != 0;
}

static int page_on_delivery(void *ctx, const struct db_value *c, size_t count)
{
    struct page_reading *r = ctx;
    const struct replay_look *look = r->look;
    struct replay_item item = { .old = c[0].i,
                                .event = c[1].i,
                                .type = c[2].i,
                                .has_event = c[8].i >= 0 && (c[8].i & EVENT_ERASED) == 0 };

    ASSERT(count == 10);
    if (r->page->count == look->item_max) {
        return 1;
    }
    r->looked++;
    r->page->place = c[0].i;
    if (c[9].s.len == ID_SIZE) {
        memcpy(item.id.bytes, c[9].s.p, ID_SIZE);
    }
    if ((!replay_makes(look->mode) || !page_is_test(c[8].i)) &&
        page_wants_state(look, c[3].i, c[4].i) && page_wants_type(look, c[2].i) &&
        page_wants_time(look, c[7].i) && (look->code == 0 || look->code == c[5].i) &&
        (look->error == 0 || look->error == c[6].i)) {
        page_add(r, &item, c[7].i);
    }
    return 0;
}

static bool page_wants_event(const struct replay_look *look, const struct db_value *c)
{
    int64_t state = c[5].i;
    int64_t replays = c[7].i;
    bool is_there = c[4].i != 0;

    if (!page_wants_type(look, c[1].i) || !page_wants_time(look, c[2].i)) {
        return false;
    }
    if (look->mode == REPLAY_MODE_MISSING) {
        return replays == 2 &&
               (!is_there || (state == DELIVERY_SKIPPED && c[6].i == REASON_ENDPOINT_DISABLED));
    }
    return replays != 0 && state != DELIVERY_PENDING && state != DELIVERY_RETRYING &&
           state != DELIVERY_DELIVERED;
}

static int page_on_event(void *ctx, const struct db_value *c, size_t count)
{
    struct page_reading *r = ctx;

    ASSERT(count == 8);
    if (r->page->count == r->look->item_max) {
        return 1;
    }
    r->looked++;
    r->page->place = c[0].i;
    if (!page_is_test(c[3].i) && page_wants_event(r->look, c)) {
        page_add(r,
                 &(struct replay_item){ .old = c[4].i,
                                        .event = c[0].i,
                                        .type = c[1].i,
                                        .has_event = (c[3].i & EVENT_ERASED) == 0 },
                 c[2].i);
    }
    return 0;
}

static int64_t list_at(struct str list, size_t at)
{
    uint64_t seq = 0;

    for (size_t i = 0; i < 8; i++) {
        seq = seq << 8 | (uint8_t)list.p[at * 8 + i];
    }
    return (int64_t)seq;
}

/* Named deliveries: each is read by its seq; one that has gone counts as looked at. */
static int page_read_list(struct db *db, struct page_reading *r)
{
    const struct replay_look *look = r->look;
    size_t count = look->list.len / 8;

    for (size_t i = 0; i < count; i++) {
        int64_t seq = list_at(look->list, i);
        const struct db_value params[] = { db_int(seq), db_int(look->endpoint) };
        int rc;

        if (seq <= look->place) {
            continue;
        }
        if (r->page->count == look->item_max || r->looked >= look->look_max) {
            return 0;
        }
        rc = sql_read(db, SQL_PAGE + PAGE_ONE_DELIVERY, params, SQL_COUNT(params),
                      page_on_delivery, r);
        if (rc < 0) {
            return rc;
        }
        r->page->place = seq;
        r->page->end = i + 1 == count;
    }
    return 0;
}

int replay_look(struct db *db, const struct replay_look *look, struct arena *arena,
                struct replay_page *ret_page)
{
    uint32_t look_max = look->look_max < PAGE_LOOK_MAX ? look->look_max : PAGE_LOOK_MAX;
    struct replay_page page = { .place = look->place };
    struct page_reading r = { .look = look, .page = &page };
    int rc;

    ASSERT(look->item_max > 0 && look_max > 0);
    page.items = arena_alloc(arena, (size_t)look->item_max * sizeof(*page.items));
    if (look->mode == REPLAY_MODE_IDS) {
        page.end =
            look->list.len == 0 || list_at(look->list, look->list.len / 8 - 1) <= look->place;
        rc = page_read_list(db, &r);
    } else if (replay_walks_events(look->mode)) {
        const struct db_value params[] = { db_int(look->endpoint), db_int(look->app),
                                           db_int(look->place), db_int(look->upto),
                                           db_int(look_max) };

        rc = sql_read(db, SQL_PAGE + PAGE_EVENTS, params, SQL_COUNT(params), page_on_event, &r);
        page.end = r.looked < look_max && page.count < look->item_max;
    } else {
        const struct db_value params[] = { db_int(look->endpoint), db_int(look->place),
                                           db_int(look->upto), db_int(look_max) };

        rc = sql_read(db, SQL_PAGE + PAGE_DELIVERIES, params, SQL_COUNT(params),
                      page_on_delivery, &r);
        page.end = r.looked < look_max && page.count < look->item_max;
    }
    if (rc == 0) {
        *ret_page = page;
    }
    return rc;
}
