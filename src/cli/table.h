/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - rows of text for people (aligned) or for other programs (tab-separated). Pure.
 *
 * Whatever comes from a server is cleaned: control characters would let a name move the cursor, change
 * colours or split a line, so each becomes `?`.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { TABLE_COLUMNS_MAX = 12, TABLE_CELL_MAX = 60 };

struct table {
    size_t columns;
    const char *heads[TABLE_COLUMNS_MAX];
    struct str *cells; /* row by row */
    size_t count;
    size_t cap;
    struct arena arena;
};

void table_init(struct table *t, const char *const *heads, size_t columns);
void table_done(struct table *t);
void table_add(struct table *t,
               struct str cell); /* copied and cleaned; the next cell of the row */
/* Aligned with heads, cells cut to TABLE_CELL_MAX columns with an ellipsis; `bold` for the heads. */
NODISCARD int table_write(const struct table *t, bool bold, struct buf *out);
/* One line a row, cells whole and separated by tabs, no heads. */
NODISCARD int table_write_compact(const struct table *t, struct buf *out);

/* Append s with every control character (C0, DEL, C1) and everything that is not UTF-8 as `?`. */
NODISCARD int text_clean(struct str s, struct buf *out);
/* Columns on a terminal: characters, near enough. */
size_t text_width(struct str s);

#endif
