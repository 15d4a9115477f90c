/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/assert.h"
#include "store/delivery.h"
#include "store/delivery_sql.h"
#include "store/sql.h"

enum {
    ATTEMPTS_LISTED_MAX = 200
}; /* 50 by schedule, the rest by people's retries: the newest are shown */

#define ATTEMPT_COLUMNS                                                                        \
    "delivery, number, started_at, duration_us, status_code, error, dns_us, connect_us, "      \
    "tls_us,"                                                                                  \
    " wait_us, read_us, flags, planned_next_at, detail, url, ip, request_headers,"             \
    " response_headers, response_body"

const struct db_stmt attempt_stmts[ATTEMPT_STMTS] = {
    [ATTEMPT_INSERT] = { "attempt_insert",
                         "INSERT INTO attempt (" ATTEMPT_COLUMNS
                         ") VALUES ($1, $2, $3, $4, $5, $6,"
                         " $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
                         " ON CONFLICT DO NOTHING",
                         NULL, "iiiiiiiiiiiiibbbbbb" },
    [ATTEMPT_LIST] = { "attempt_list",
                       "SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE delivery = $1"
                       " ORDER BY number DESC LIMIT $2",
                       NULL, "ii" },
};

int attempt_insert(struct db *db, const struct attempt_row *a, int64_t *ret_changes)
{
    const struct db_value params[] = {
        db_int(a->delivery),
        db_int(a->number),
        db_int(a->started_at),
        db_int(a->duration_us),
        db_int(a->status_code),
        db_int(a->error),
        db_int(a->phase_us[0]),
        db_int(a->phase_us[1]),
        db_int(a->phase_us[2]),
        db_int(a->phase_us[3]),
        db_int(a->phase_us[4]),
        db_int(a->flags),
        db_int(a->planned_next_at),
        db_blob(a->detail),
        db_blob(a->url),
        db_blob(a->ip),
        db_blob(a->request_headers),
        db_blob(a->response_headers),
        db_blob(a->response_body),
    };

    return db_exec_changes(db, SQL_ATTEMPT + ATTEMPT_INSERT, params, SQL_COUNT(params),
                           ret_changes);
}

struct attempt_rows {
    struct arena *arena;
    struct attempt_row *rows;
    size_t count;
};

static int attempt_on_row(void *ctx, const struct db_value *c, size_t count)
{
    struct attempt_rows *rows = ctx;
    struct attempt_row *row = &rows->rows[rows->count++];

    ASSERT(count == 19);
    ASSERT(rows->count <= ATTEMPTS_LISTED_MAX);
    *row = (struct attempt_row){
        .delivery = c[0].i,
        .number = (int32_t)c[1].i,
        .started_at = c[2].i,
        .duration_us = c[3].i,
        .status_code = (int32_t)c[4].i,
        .error = (int32_t)c[5].i,
        .flags = (int32_t)c[11].i,
        .planned_next_at = c[12].i,
        .detail = arena_str(rows->arena, c[13].s),
        .url = arena_str(rows->arena, c[14].s),
        .ip = arena_str(rows->arena, c[15].s),
        .request_headers = arena_str(rows->arena, c[16].s),
        .response_headers = arena_str(rows->arena, c[17].s),
        .response_body = arena_str(rows->arena, c[18].s),
    };
    for (size_t i = 0; i < 5; i++) {
        row->phase_us[i] = (int32_t)c[6 + i].i;
    }
    return 0;
}

int attempt_list(struct db *db, int64_t delivery_seq, struct arena *arena,
                 struct attempt_row **ret_rows, size_t *ret_count)
{
    const struct db_value params[] = { db_int(delivery_seq), db_int(ATTEMPTS_LISTED_MAX) };
    struct attempt_rows rows = { .arena = arena };
    int rc;

    rows.rows = arena_alloc(arena, ATTEMPTS_LISTED_MAX * sizeof(struct attempt_row));
    rc = sql_read(db, SQL_ATTEMPT + ATTEMPT_LIST, params, SQL_COUNT(params), attempt_on_row,
                  &rows);
    if (rc < 0) {
        return rc;
    }
    /* Read newest first, so that the limit keeps those; handed out in order of number. */
    for (size_t i = 0; i < rows.count / 2; i++) {
        struct attempt_row swap = rows.rows[i];

        rows.rows[i] = rows.rows[rows.count - 1 - i];
        rows.rows[rows.count - 1 - i] = swap;
    }
    *ret_rows = rows.rows;
    *ret_count = rows.count;
    return 0;
}
