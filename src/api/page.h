/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - lists in pages: `limit`, `cursor`, `order`; {data, next_cursor, prev_cursor}.
 *
 * A cursor is opaque to clients: base64url of version, list, direction, the number (seq) of the row at whose side the
 * page begins, and a check. It is no secret and grants nothing; the check only tells a mangled cursor from a wrong one.
 * It goes with any filter of the same list.
 */
#ifndef API_PAGE_H
#define API_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct call;
struct json_out;
struct object;

enum { PAGE_LIMIT = 50, PAGE_LIMIT_MAX = 250, CURSOR_TEXT_SIZE = 20 + 1 };

/* Numbers stand in cursors that clients hold: never change one. */
enum page_list {
    PAGE_PROJECTS = 1,
    PAGE_KEYS = 2,
    PAGE_EVENT_TYPES = 3,
    PAGE_APPS = 4,
    PAGE_ENDPOINTS = 5,
    PAGE_EVENTS = 6,
    PAGE_DELIVERIES = 7
};

struct cursor {
    enum page_list list;
    bool ascending; /* the order of the list as shown */
    bool backward;  /* the page before seq, not behind it */
    int64_t seq;    /* exclusive, > 0 */
};

void cursor_format(const struct cursor *cursor, char ret_text[CURSOR_TEXT_SIZE]);
/* -E_INVALID: not one of ours, or of another list. */
NODISCARD int cursor_parse(struct str text, enum page_list list, struct cursor *ret_cursor);

struct page {
    enum page_list list;
    uint32_t limit;
    bool ascending;
    bool backward;
    bool has_cursor;
    int64_t seq; /* 0: from the end of the list where reading begins */
};

/* From the query. On failure the call is answered with 400. */
NODISCARD int page_read(struct call *call, enum page_list list, struct page *ret_page);
/* In which order rows must be read, and how many: one more than are shown tells whether others follow. */
bool page_reads_ascending(const struct page *page);
uint32_t page_fetch(const struct page *page);
/* Rows come in reading order and are shown in list order: how many to show, and which one stands at that place. */
size_t page_shown(const struct page *page, size_t fetched);
size_t page_at(const struct page *page, size_t fetched, size_t place);
/* Write next_cursor and prev_cursor; first and last are the seqs of the shown rows (0 when there is none). */
void page_end(struct json_out *o, const struct page *page, size_t fetched, int64_t first,
              int64_t last);

/* A page of objects in memory that are given in order of no. Deleted ones are left out. Calls `write` for each and
 * answers. */
void page_objects(struct call *call, const struct page *page, struct object *const *objects,
                  size_t count,
                  void (*write)(struct call *call, struct json_out *o,
                                const struct object *object));

#endif
