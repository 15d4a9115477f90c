/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"

enum { CLEAN_MAX = 64 * 1024, GAP = 2 };

/* Bytes of the UTF-8 character at s.p, 0 when there is none. */
static size_t char_len(struct str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (len == 0 || len > s.len || !str_is_utf8(str_sub(s, 0, len))) {
        return 0;
    }
    return len;
}

/* C0, DEL, and C1, which is C2 80 to C2 9F in UTF-8. */
static bool is_control(struct str s)
{
    unsigned char c = (unsigned char)s.p[0];

    return c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)s.p[1] < 0xa0);
}

int text_clean(struct str s, struct buf *out)
{
    int rc = 0;

    while (s.len > 0 && rc == 0) {
        size_t len = char_len(s);

        if (len == 0 || is_control(s)) {
            rc = buf_add_char(out, '?');
            len = len == 0 ? 1 : len;
        } else {
            rc = buf_add(out, s.p, len);
        }
        s = str_sub(s, len, s.len);
    }
    return rc;
}

size_t text_width(struct str s)
{
    size_t width = 0;

    for (size_t i = 0; i < s.len; i++) {
        width += ((unsigned char)s.p[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return width;
}

/* The first `width` characters. */
static struct str cut(struct str s, size_t width)
{
    size_t i = 0;

    for (; i < s.len; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80) {
            if (width == 0) {
                break;
            }
            width--;
        }
    }
    return str_sub(s, 0, i);
}

void table_init(struct table *t, const char *const *heads, size_t columns)
{
    ASSERT(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    memset(t, 0, sizeof(*t));
    t->columns = columns;
    for (size_t i = 0; i < columns; i++) {
        t->heads[i] = heads[i];
    }
    arena_init(&t->arena);
}

void table_done(struct table *t)
{
    free(t->cells);
    t->cells = NULL;
    t->count = 0;
    t->cap = 0;
    arena_done(&t->arena);
}

void table_add(struct table *t, struct str cell)
{
    struct buf clean;

    if (t->count == t->cap) {
        t->cap = t->cap == 0 ? 64 : t->cap * 2;
        t->cells = xrealloc(t->cells, t->cap * sizeof(t->cells[0]));
    }
    buf_init(&clean, CLEAN_MAX);
    /* What does not fit any more is cut: a cell is for reading. */
    if (text_clean(str_sub(cell, 0, CLEAN_MAX), &clean) != 0) {
        clean.len = CLEAN_MAX;
    }
    t->cells[t->count] = arena_str(&t->arena, buf_str(&clean));
    t->count++;
    buf_done(&clean);
}

static size_t column_width(const struct table *t, size_t column)
{
    size_t width = strlen(t->heads[column]);

    for (size_t i = column; i < t->count; i += t->columns) {
        size_t cell = text_width(t->cells[i]);

        cell = cell < TABLE_CELL_MAX ? cell : TABLE_CELL_MAX;
        width = cell > width ? cell : width;
    }
    return width;
}

/* One cell and the blanks up to the next column; the last column has none. */
static int write_cell(struct str cell, size_t width, bool last, struct buf *out)
{
    size_t used = text_width(cell);
    int rc;

    if (used > TABLE_CELL_MAX) {
        used = TABLE_CELL_MAX;
        rc = buf_add_str(out, cut(cell, TABLE_CELL_MAX - 1));
        if (rc == 0) {
            rc = buf_add_c(out, "\xe2\x80\xa6");
        }
    } else {
        rc = buf_add_str(out, cell);
    }
    if (rc == 0 && !last) {
        rc = buf_printf(out, "%*s", (int)(width - used + GAP), "");
    }
    return rc;
}

int table_write(const struct table *t, bool bold, struct buf *out)
{
    size_t widths[TABLE_COLUMNS_MAX];
    int rc = 0;

    ASSERT(t->count % t->columns == 0);
    for (size_t i = 0; i < t->columns; i++) {
        widths[i] = column_width(t, i);
    }
    if (bold) {
        rc = buf_add_c(out, "\x1b[1m");
    }
    for (size_t i = 0; i < t->columns && rc == 0; i++) {
        rc = write_cell(str_from(t->heads[i]), widths[i], i + 1 == t->columns, out);
    }
    if (rc == 0) {
        rc = buf_add_c(out, bold ? "\x1b[0m\n" : "\n");
    }
    for (size_t i = 0; i < t->count && rc == 0; i++) {
        bool last = (i + 1) % t->columns == 0;

        rc = write_cell(t->cells[i], widths[i % t->columns], last, out);
        if (rc == 0 && last) {
            rc = buf_add_char(out, '\n');
        }
    }
    return rc;
}

int table_write_compact(const struct table *t, struct buf *out)
{
    int rc = 0;

    for (size_t i = 0; i < t->count && rc == 0; i++) {
        rc = buf_add_str(out, t->cells[i]);
        if (rc == 0) {
            rc = buf_add_char(out, (i + 1) % t->columns == 0 ? '\n' : '\t');
        }
    }
    return rc;
}
