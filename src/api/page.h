/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - lists in pages: `limit`, `cursor`, `order`; {data, next_cursor, prev_cursor}. */
#ifndef API_PAGE_H
#define API_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/cursor.h"
#include "base/err.h"

struct call;
struct json_out;
struct object;

enum { PAGE_LIMIT = 50, PAGE_LIMIT_MAX = 250 };

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
/* In which order rows must be read, and how many: one more than are shown tells whether
 * others follow. */
bool page_reads_ascending(const struct page *page);
uint32_t page_fetch(const struct page *page);
/* Rows come in reading order and are shown in list order: how many to show, and which one
 * stands at that place. */
size_t page_shown(const struct page *page, size_t fetched);
size_t page_at(const struct page *page, size_t fetched, size_t place);
/* Write next_cursor and prev_cursor; first and last are the seqs of the shown rows (0 when
 * there is none). */
void page_end(struct json_out *o, const struct page *page, size_t fetched, int64_t first,
              int64_t last);

/* The same for a page that ended at `looked_to` because so much was looked at (0: it did not). */
void page_end_at(struct json_out *o, const struct page *page, size_t fetched, int64_t first,
                 int64_t last, int64_t looked_to);

/* What a page of rows of the log is made of. */
struct page_rows {
    const void *rows; /* in reading order */
    size_t count, size;
    size_t seq_at; /* where an int64_t of the row, its place in the list, stands */
    void (*write)(struct call *call, struct json_out *o, const void *row);
};
/* Calls `write` for each row shown, one whole value, and answers. */
void page_reply(struct call *call, const struct page *page, const struct page_rows *rows);

/* A page of objects in memory that are given in order of no. Deleted ones are left out.
 * Calls `write` for each and answers. */
void page_objects(struct call *call, const struct page *page, struct object *const *objects,
                  size_t count,
                  void (*write)(struct call *call, struct json_out *o,
                                const struct object *object));

#endif
