/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - lists in pages. */
#include "api/page.h"

#include <string.h>

#include "api/call.h"
#include "api/problem.h"
#include "base/assert.h"

/* --- from the query */
static void read_limit(struct call *call, struct page *page)
{
    struct str text = call_query(call, "limit");
    int64_t limit = PAGE_LIMIT;

    if (text.p != NULL && str_to_int(text, 1, PAGE_LIMIT_MAX, &limit) != 0) {
        call_query_fault(call, "limit", "range", "limit is a number from 1 to 250.");
        return;
    }
    page->limit = (uint32_t)limit;
}

/* Newest first unless asked otherwise; a cursor remembers the order that it was made in. */
static void read_order(struct call *call, struct page *page)
{
    struct str text = call_query(call, "order");
    bool ascending = str_eq_c(text, "asc");

    if (text.p == NULL) {
        return;
    }
    if (!ascending && !str_eq_c(text, "desc")) {
        call_query_fault(call, "order", "pattern", "order is asc or desc.");
    } else if (page->has_cursor && ascending != page->ascending) {
        call_query_fault(call, "order", "pattern", "The cursor belongs to the other order.");
    } else {
        page->ascending = ascending;
    }
}

static void read_cursor(struct call *call, struct page *page)
{
    struct str text = call_query(call, "cursor");
    struct cursor cursor;

    if (text.p == NULL) {
        return;
    }
    if (cursor_parse(text, page->list, &cursor) != 0) {
        call_query_fault(call, "cursor", "pattern",
                         "This is no cursor of this list; begin without one.");
        return;
    }
    page->has_cursor = true;
    page->ascending = cursor.ascending;
    page->backward = cursor.backward;
    page->seq = cursor.seq;
}

int page_read(struct call *call, enum page_list list, struct page *ret_page)
{
    struct page page = { .list = list, .limit = PAGE_LIMIT };

    read_limit(call, &page);
    read_cursor(call, &page);
    read_order(call, &page);
    if (call->faults.count > 0) {
        problem_reply(call, -E_INVALID);
        return -E_INVALID;
    }
    *ret_page = page;
    return 0;
}

/* --- rows */
bool page_reads_ascending(const struct page *page)
{
    return page->ascending != page->backward;
}

uint32_t page_fetch(const struct page *page)
{
    ASSERT(page->limit > 0 && page->limit <= PAGE_LIMIT_MAX);
    return page->limit + 1;
}

size_t page_shown(const struct page *page, size_t fetched)
{
    return fetched < page->limit ? fetched : page->limit;
}

size_t page_at(const struct page *page, size_t fetched, size_t place)
{
    size_t shown = page_shown(page, fetched);

    ASSERT(place < shown);
    return page->backward ? shown - 1 - place : place;
}

static void put_cursor(struct json_out *o, const char *name, const struct page *page,
                       bool backward, int64_t seq)
{
    struct cursor cursor = {
        .list = page->list, .ascending = page->ascending, .backward = backward, .seq = seq
    };
    char text[CURSOR_TEXT_SIZE];

    if (seq == 0) {
        json_put_c(o, name, NULL);
        return;
    }
    cursor_format(&cursor, text);
    json_put_c(o, name, text);
}

void page_end(struct json_out *o, const struct page *page, size_t fetched, int64_t first,
              int64_t last)
{
    bool is_cut = fetched > page->limit;
    bool has_next = page->backward || is_cut;
    bool has_prev = page->backward ? is_cut : page->has_cursor;

    ASSERT((fetched == 0) == (first == 0 || last == 0));
    put_cursor(o, "next_cursor", page, false, has_next ? last : 0);
    put_cursor(o, "prev_cursor", page, true, has_prev ? first : 0);
}

void page_end_at(struct json_out *o, const struct page *page, size_t fetched, int64_t first,
                 int64_t last, int64_t looked_to)
{
    bool has_behind = first != 0 && (page->backward || page->has_cursor);

    if (looked_to == 0) {
        page_end(o, page, fetched, first, last);
    } else if (page->backward) {
        put_cursor(o, "next_cursor", page, false, last != 0 ? last : page->seq);
        put_cursor(o, "prev_cursor", page, true, looked_to);
    } else {
        put_cursor(o, "next_cursor", page, false, looked_to);
        put_cursor(o, "prev_cursor", page, true, has_behind ? first : 0);
    }
}

static const void *row_at(const struct page *page, const struct page_rows *rows, size_t place)
{
    return (const char *)rows->rows + page_at(page, rows->count, place) * rows->size;
}

/* Of the row at that place; 0 when the page shows nothing. */
static int64_t seq_of(const struct page *page, const struct page_rows *rows, size_t place)
{
    int64_t seq = 0;

    if (page_shown(page, rows->count) > 0) {
        memcpy(&seq, (const char *)row_at(page, rows, place) + rows->seq_at, sizeof(seq));
    }
    return seq;
}

void page_reply(struct call *call, const struct page *page, const struct page_rows *rows)
{
    size_t shown = page_shown(page, rows->count);
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < shown; i++) {
        rows->write(call, o, row_at(page, rows, i));
    }
    json_out_array_end(o);
    page_end(o, page, rows->count, seq_of(page, rows, 0),
             seq_of(page, rows, shown == 0 ? 0 : shown - 1));
    json_out_object_end(o);
    call_reply(call, 200);
}

/* --- objects in memory */
/* The first place whose no is above `no`. */
static size_t place_above(struct object *const *objects, size_t count, int64_t no)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (objects[mid]->no > no) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

static size_t collect(const struct page *page, struct object *const *objects, size_t count,
                      const struct object **rows)
{
    size_t found = 0;

    if (page_reads_ascending(page)) {
        size_t at = place_above(objects, count, page->seq);

        for (; at < count && found < page_fetch(page); at++) {
            if (objects[at]->deleted_at == 0) {
                rows[found++] = objects[at];
            }
        }
        return found;
    }
    for (size_t left = page->seq == 0 ? count : place_above(objects, count, page->seq - 1);
         left > 0 && found < page_fetch(page); left--) {
        if (objects[left - 1]->deleted_at == 0) {
            rows[found++] = objects[left - 1];
        }
    }
    return found;
}

void page_objects(struct call *call, const struct page *page, struct object *const *objects,
                  size_t count,
                  void (*write)(struct call *call, struct json_out *o,
                                const struct object *object))
{
    const struct object **rows = arena_alloc(call->arena, page_fetch(page) * sizeof(*rows));
    size_t fetched = collect(page, objects, count, rows);
    size_t shown = page_shown(page, fetched);
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < shown; i++) {
        write(call, o, rows[page_at(page, fetched, i)]);
    }
    json_out_array_end(o);
    page_end(o, page, fetched, shown == 0 ? 0 : rows[page_at(page, fetched, 0)]->no,
             shown == 0 ? 0 : rows[page_at(page, fetched, shown - 1)]->no);
    json_out_object_end(o);
    call_reply(call, 200);
}
