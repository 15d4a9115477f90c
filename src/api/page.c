/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - lists in pages, and the cursors that lead through them. */
#include "api/page.h"

#include <assert.h>
#include <string.h>

#include "api/call.h"
#include "api/problem.h"
#include "base/assert.h"

enum {
    CURSOR_VERSION = 1,
    CURSOR_SIZE = 15, /* version, list, flags, 8 of seq, 4 of check: 20 digits without a rest */
    CURSOR_CHECKED = 11,
    CURSOR_ASCENDING = 1,
    CURSOR_BACKWARD = 2
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static_assert(CURSOR_SIZE % 3 == 0, "no padding");
static_assert(CURSOR_TEXT_SIZE == CURSOR_SIZE / 3 * 4 + 1, "text of a cursor");

/* FNV-1a: any changed byte changes it. */
static uint32_t cursor_check(const uint8_t *bytes)
{
    uint32_t check = 2166136261u;

    for (size_t i = 0; i < CURSOR_CHECKED; i++) {
        check = (check ^ bytes[i]) * 16777619u;
    }
    return check;
}

void cursor_format(const struct cursor *cursor, char ret_text[CURSOR_TEXT_SIZE])
{
    uint8_t bytes[CURSOR_SIZE];
    uint64_t seq = (uint64_t)cursor->seq;
    uint32_t check;

    ASSERT(cursor->seq > 0);
    bytes[0] = CURSOR_VERSION;
    bytes[1] = (uint8_t)cursor->list;
    bytes[2] = (uint8_t)((cursor->ascending ? CURSOR_ASCENDING : 0) |
                         (cursor->backward ? CURSOR_BACKWARD : 0));
    for (size_t i = 0; i < 8; i++) {
        bytes[3 + i] = (uint8_t)(seq >> (56 - 8 * i));
    }
    check = cursor_check(bytes);
    for (size_t i = 0; i < 4; i++) {
        bytes[CURSOR_CHECKED + i] = (uint8_t)(check >> (24 - 8 * i));
    }
    for (size_t i = 0; i < CURSOR_SIZE / 3; i++) {
        uint32_t three = (uint32_t)bytes[3 * i] << 16 | (uint32_t)bytes[3 * i + 1] << 8 |
                         (uint32_t)bytes[3 * i + 2];

        for (size_t k = 0; k < 4; k++) {
            ret_text[4 * i + k] = digits[three >> (18 - 6 * k) & 63];
        }
    }
    ret_text[CURSOR_TEXT_SIZE - 1] = '\0';
}

static int cursor_bytes(struct str text, uint8_t ret_bytes[CURSOR_SIZE])
{
    if (text.len != CURSOR_TEXT_SIZE - 1) {
        return -E_INVALID;
    }
    for (size_t i = 0; i < CURSOR_SIZE / 3; i++) {
        uint32_t three = 0;

        for (size_t k = 0; k < 4; k++) {
            const char *at = memchr(digits, text.p[4 * i + k], sizeof(digits) - 1);

            if (at == NULL) {
                return -E_INVALID;
            }
            three = three << 6 | (uint32_t)(at - digits);
        }
        for (size_t k = 0; k < 3; k++) {
            ret_bytes[3 * i + k] = (uint8_t)(three >> (16 - 8 * k));
        }
    }
    return 0;
}

int cursor_parse(struct str text, enum page_list list, struct cursor *ret_cursor)
{
    uint8_t bytes[CURSOR_SIZE];
    uint64_t seq = 0;
    uint32_t check = 0;

    if (cursor_bytes(text, bytes) != 0) {
        return -E_INVALID;
    }
    for (size_t i = 0; i < 8; i++) {
        seq = seq << 8 | bytes[3 + i];
    }
    for (size_t i = 0; i < 4; i++) {
        check = check << 8 | bytes[CURSOR_CHECKED + i];
    }
    if (bytes[0] != CURSOR_VERSION || bytes[1] != (uint8_t)list || bytes[2] > 3 ||
        check != cursor_check(bytes) || seq == 0 || seq > INT64_MAX) {
        return -E_INVALID;
    }
    *ret_cursor = (struct cursor){ .list = list,
                                   .ascending = (bytes[2] & CURSOR_ASCENDING) != 0,
                                   .backward = (bytes[2] & CURSOR_BACKWARD) != 0,
                                   .seq = (int64_t)seq };
    return 0;
}

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

    put_cursor(o, "next_cursor", page, false, has_next ? last : 0);
    put_cursor(o, "prev_cursor", page, true, has_prev ? first : 0);
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
