/* SPDX-License-Identifier: Apache-2.0 */
/* rollup_sql.h - the columns that rollup.c and tally.c share; for this floor only. */
#ifndef STORE_ROLLUP_SQL_H
#define STORE_ROLLUP_SQL_H

#include "db/db.h"
#include "store/rollup.h"

#define ROLLUP_COLUMNS                                                                         \
    "ok, failed, first_ok, dead, retried, ms_min, ms_sum, ms_max, h0, h1, h2, h3, h4, h5, h6," \
    " h7, h8, h9, h10, h11"
#define ROLLUP_LETTERS "iiiiiiiiiiiiiiiiiiii"
/* SET of an upsert into that table. */
#define ROLLUP_PLUS(t, c) " " c " = " t "." c " + excluded." c ","
#define ROLLUP_MERGE(t)                                                                        \
    ROLLUP_PLUS(t, "ok")                                                                       \
    ROLLUP_PLUS(t, "failed")                                                                   \
    ROLLUP_PLUS(t, "first_ok")                                                                 \
    ROLLUP_PLUS(t, "dead")                                                                     \
    ROLLUP_PLUS(t, "retried")                                                                  \
    ROLLUP_PLUS(t, "ms_sum")                                                                   \
    " ms_min = CASE WHEN excluded.ms_min < " t ".ms_min THEN excluded.ms_min ELSE " t          \
    ".ms_min END,"                                                                             \
    " ms_max = CASE WHEN excluded.ms_max > " t ".ms_max THEN excluded.ms_max ELSE " t          \
    ".ms_max END," ROLLUP_PLUS(t, "h0") ROLLUP_PLUS(t, "h1") ROLLUP_PLUS(t, "h2")              \
        ROLLUP_PLUS(t, "h3") ROLLUP_PLUS(t, "h4") ROLLUP_PLUS(t, "h5") ROLLUP_PLUS(t, "h6")    \
            ROLLUP_PLUS(t, "h7") ROLLUP_PLUS(t, "h8") ROLLUP_PLUS(t, "h9")                     \
                ROLLUP_PLUS(t, "h10") " h11 = " t ".h11 + excluded.h11"

enum { ROLLUP_VALUES = 8 + ROLLUP_BARS };

/* The values of ROLLUP_COLUMNS, in order. */
void rollup_to_values(const struct rollup *r, struct db_value ret_values[ROLLUP_VALUES]);
void rollup_from_values(const struct db_value *values, struct rollup *r);

#endif
