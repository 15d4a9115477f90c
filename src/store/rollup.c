/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key begins with the hour: the rows of the running hour lie together, so a batch touches
 * few pages, whatever the number of endpoints. A read seeks one row for each hour.
 */
#include "store/rollup.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "store/delivery.h"
#include "store/sql.h"

#define ROLLUP_COLUMNS                                                                         \
    "ok, failed, first_ok, ms_min, ms_sum, ms_max, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, "   \
    "h10, h11"

const struct db_stmt rollup_stmts[ROLLUP_STMTS] = {
    [ROLLUP_ADD] = { "rollup_add",
                     "INSERT INTO rollup (bucket, endpoint, " ROLLUP_COLUMNS ")"
                     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
                     "$15,"
                     " $16, $17, $18, $19, $20)"
                     " ON CONFLICT (bucket, endpoint) DO UPDATE SET ok = rollup.ok + "
                     "excluded.ok,"
                     " failed = rollup.failed + excluded.failed,"
                     " first_ok = rollup.first_ok + excluded.first_ok,"
                     " ms_min = CASE WHEN excluded.ms_min < rollup.ms_min THEN excluded.ms_min"
                     " ELSE rollup.ms_min END, ms_sum = rollup.ms_sum + excluded.ms_sum,"
                     " ms_max = CASE WHEN excluded.ms_max > rollup.ms_max THEN excluded.ms_max"
                     " ELSE rollup.ms_max END,"
                     " h0 = rollup.h0 + excluded.h0, h1 = rollup.h1 + excluded.h1,"
                     " h2 = rollup.h2 + excluded.h2, h3 = rollup.h3 + excluded.h3,"
                     " h4 = rollup.h4 + excluded.h4, h5 = rollup.h5 + excluded.h5,"
                     " h6 = rollup.h6 + excluded.h6, h7 = rollup.h7 + excluded.h7,"
                     " h8 = rollup.h8 + excluded.h8, h9 = rollup.h9 + excluded.h9,"
                     " h10 = rollup.h10 + excluded.h10, h11 = rollup.h11 + excluded.h11",
                     NULL, "iiiiiiiiiiiiiiiiiiii" },
    [ROLLUP_READ] = { "rollup_read",
                      "WITH RECURSIVE hour (at, n) AS (SELECT $1, 1 UNION ALL"
                      " SELECT at + 3600000, n + 1 FROM hour WHERE at + 3600000 < $2 AND n < "
                      "10000)"
                      " SELECT bucket, endpoint, " ROLLUP_COLUMNS
                      " FROM hour CROSS JOIN rollup WHERE bucket = at AND endpoint = $3"
                      " ORDER BY bucket",
                      NULL, "iii" },
};

const int64_t rollup_bounds_ms[ROLLUP_BARS - 1] = { 10,   25,   50,   100,   250,  500,
                                                    1000, 2500, 5000, 10000, 20000 };

enum { ROLLUP_CHUNK = 256 };

struct rollup_sample {
    int64_t changes; /* written by the database, so a sample must not move */
    int64_t bucket;
    int64_t endpoint;
    int64_t ms;
    bool ok;
    bool first_ok;
};

struct rollup_fold {
    struct rollup_sample **chunks;
    size_t chunk_count;
    size_t count;
    const struct rollup_sample **sorted;
    size_t sorted_cap;
};

struct rollup_fold *rollup_fold_new(void)
{
    return xalloc(sizeof(struct rollup_fold));
}

void rollup_fold_free(struct rollup_fold *fold)
{
    if (fold == NULL) {
        return;
    }
    for (size_t i = 0; i < fold->chunk_count; i++) {
        free(fold->chunks[i]);
    }
    free(fold->chunks);
    free(fold->sorted);
    free(fold);
}

void rollup_fold_reset(struct rollup_fold *fold)
{
    fold->count = 0;
}

static struct rollup_sample *rollup_sample(const struct rollup_fold *fold, size_t i)
{
    return &fold->chunks[i / ROLLUP_CHUNK][i % ROLLUP_CHUNK];
}

int64_t *rollup_fold_add(struct rollup_fold *fold, const struct outcome *o)
{
    int64_t started = o->attempt.started_at;
    bool ok = o->delivery.state == DELIVERY_DELIVERED;
    struct rollup_sample *sample;

    if (fold->count == fold->chunk_count * ROLLUP_CHUNK) {
        fold->chunks =
            xrealloc(fold->chunks, (fold->chunk_count + 1) * sizeof(struct rollup_sample *));
        fold->chunks[fold->chunk_count++] = xcalloc(ROLLUP_CHUNK, sizeof(struct rollup_sample));
    }
    sample = rollup_sample(fold, fold->count++);
    *sample = (struct rollup_sample){
        .bucket = started - started % ROLLUP_BUCKET_MS,
        .endpoint = o->delivery.endpoint,
        .ms = o->attempt.duration_us / 1000,
        .ok = ok,
        .first_ok = ok && o->is_first,
    };
    return &sample->changes;
}

static int rollup_compare(const void *a, const void *b)
{
    const struct rollup_sample *x = *(const struct rollup_sample *const *)a;
    const struct rollup_sample *y = *(const struct rollup_sample *const *)b;

    if (x->bucket != y->bucket) {
        return x->bucket < y->bucket ? -1 : 1;
    }
    return x->endpoint < y->endpoint ? -1 : x->endpoint > y->endpoint;
}

static int rollup_add(struct db *db, const struct rollup *r)
{
    struct db_value params[8 + ROLLUP_BARS] = {
        db_int(r->bucket),   db_int(r->endpoint), db_int(r->ok),     db_int(r->failed),
        db_int(r->first_ok), db_int(r->ms_min),   db_int(r->ms_sum), db_int(r->ms_max),
    };

    for (size_t i = 0; i < ROLLUP_BARS; i++) {
        params[8 + i] = db_int(r->bars[i]);
    }
    return db_exec(db, SQL_ROLLUP + ROLLUP_ADD, params, SQL_COUNT(params));
}

static void rollup_count(struct rollup *r, const struct rollup_sample *s)
{
    size_t bar = 0;

    if (r->ok + r->failed == 0) {
        *r = (struct rollup){ .bucket = s->bucket, .endpoint = s->endpoint, .ms_min = s->ms };
    }
    while (bar < ROLLUP_BARS - 1 && s->ms > rollup_bounds_ms[bar]) {
        bar++;
    }
    r->ok += s->ok ? 1 : 0;
    r->failed += s->ok ? 0 : 1;
    r->first_ok += s->first_ok ? 1 : 0;
    r->ms_min = s->ms < r->ms_min ? s->ms : r->ms_min;
    r->ms_max = s->ms > r->ms_max ? s->ms : r->ms_max;
    r->ms_sum += s->ms;
    r->bars[bar]++;
}

/* The samples that count, sorted so that those of one row stand together. */
static size_t rollup_sort(struct rollup_fold *fold)
{
    size_t n = 0;

    if (fold->count > fold->sorted_cap) {
        fold->sorted_cap = fold->count;
        fold->sorted = xrealloc(fold->sorted, fold->sorted_cap * sizeof(*fold->sorted));
    }
    for (size_t i = 0; i < fold->count; i++) {
        const struct rollup_sample *sample = rollup_sample(fold, i);

        if (sample->changes > 0) {
            fold->sorted[n++] = sample;
        }
    }
    qsort(fold->sorted, n, sizeof(*fold->sorted), rollup_compare);
    return n;
}

int rollup_fold_store(struct rollup_fold *fold, struct db *db)
{
    struct rollup row = { 0 };
    size_t n;
    int rc;

    if (fold->count == 0) {
        return 0;
    }
    rc = db_flush(db); /* now every sample's `changes` is known */
    if (rc < 0) {
        return rc;
    }
    n = rollup_sort(fold);
    for (size_t i = 0; i < n; i++) {
        const struct rollup_sample *sample = fold->sorted[i];

        rollup_count(&row, sample);
        if (i + 1 == n || rollup_compare(&fold->sorted[i], &fold->sorted[i + 1]) != 0) {
            rc = rollup_add(db, &row);
            if (rc < 0) {
                return rc;
            }
            row = (struct rollup){ 0 };
        }
    }
    fold->count = 0;
    return 0;
}

struct rollup_reading {
    int (*on_row)(void *ctx, const struct rollup *row);
    void *ctx;
};

static int rollup_on_row(void *ctx, const struct db_value *c, size_t count)
{
    const struct rollup_reading *reading = ctx;
    struct rollup row = {
        .bucket = c[0].i,
        .endpoint = c[1].i,
        .ok = c[2].i,
        .failed = c[3].i,
        .first_ok = c[4].i,
        .ms_min = c[5].i,
        .ms_sum = c[6].i,
        .ms_max = c[7].i,
    };

    ASSERT(count == 8 + ROLLUP_BARS);
    for (size_t i = 0; i < ROLLUP_BARS; i++) {
        row.bars[i] = c[8 + i].i;
    }
    return reading->on_row(reading->ctx, &row);
}

int rollup_read(struct db *db, int64_t endpoint, int64_t from_ms, int64_t until_ms,
                int (*on_row)(void *ctx, const struct rollup *row), void *ctx)
{
    struct rollup_reading reading = { on_row, ctx };
    const struct db_value params[] = {
        db_int(from_ms - from_ms % ROLLUP_BUCKET_MS),
        db_int(until_ms),
        db_int(endpoint),
    };

    if (from_ms >= until_ms) {
        return 0;
    }
    return sql_read(db, SQL_ROLLUP + ROLLUP_READ, params, SQL_COUNT(params), rollup_on_row,
                    &reading);
}
