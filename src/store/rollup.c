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
#include "store/rollup_sql.h"
#include "store/sql.h"

const struct db_stmt rollup_stmts[ROLLUP_STMTS] = {
    [ROLLUP_ADD] = { "rollup_add",
                     "INSERT INTO rollup (bucket, endpoint, " ROLLUP_COLUMNS ")"
                     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
                     "$15,"
                     " $16, $17, $18, $19, $20, $21, $22)"
                     " ON CONFLICT (bucket, endpoint) DO UPDATE SET" ROLLUP_MERGE("rollup"),
                     NULL, "ii" ROLLUP_LETTERS },
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
    struct rollup_one one;
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
    };
    rollup_look(o, &sample->one);
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

void rollup_to_values(const struct rollup *r, struct db_value ret_values[ROLLUP_VALUES])
{
    const int64_t values[8] = { r->ok,      r->failed, r->first_ok, r->dead,
                                r->retried, r->ms_min, r->ms_sum,   r->ms_max };

    for (size_t i = 0; i < ROLLUP_VALUES; i++) {
        ret_values[i] = db_int(i < 8 ? values[i] : r->bars[i - 8]);
    }
}

void rollup_from_values(const struct db_value *v, struct rollup *r)
{
    r->ok = v[0].i;
    r->failed = v[1].i;
    r->first_ok = v[2].i;
    r->dead = v[3].i;
    r->retried = v[4].i;
    r->ms_min = v[5].i;
    r->ms_sum = v[6].i;
    r->ms_max = v[7].i;
    for (size_t i = 0; i < ROLLUP_BARS; i++) {
        r->bars[i] = v[8 + i].i;
    }
}

static int rollup_add(struct db *db, const struct rollup *r)
{
    struct db_value params[2 + ROLLUP_VALUES] = { db_int(r->bucket), db_int(r->endpoint) };

    rollup_to_values(r, params + 2);
    return db_exec(db, SQL_ROLLUP + ROLLUP_ADD, params, SQL_COUNT(params));
}

void rollup_look(const struct outcome *o, struct rollup_one *ret_one)
{
    bool ok = o->delivery.state == DELIVERY_DELIVERED;

    *ret_one = (struct rollup_one){
        .ms = o->attempt.duration_us / 1000,
        .ok = ok,
        .first_ok = ok && o->is_first,
        .dead = o->was_open && o->delivery.state == DELIVERY_FAILED,
        .retried = o->attempt.number > 1,
    };
}

void rollup_count(struct rollup *r, const struct rollup_one *one)
{
    bool is_empty = r->ok + r->failed == 0;
    size_t bar = 0;

    while (bar < ROLLUP_BARS - 1 && one->ms > rollup_bounds_ms[bar]) {
        bar++;
    }
    r->ok += one->ok ? 1 : 0;
    r->failed += one->ok ? 0 : 1;
    r->first_ok += one->first_ok ? 1 : 0;
    r->dead += one->dead ? 1 : 0;
    r->retried += one->retried ? 1 : 0;
    r->ms_min = is_empty || one->ms < r->ms_min ? one->ms : r->ms_min;
    r->ms_max = is_empty || one->ms > r->ms_max ? one->ms : r->ms_max;
    r->ms_sum += one->ms;
    r->bars[bar]++;
}

void rollup_merge(struct rollup *r, const struct rollup *more)
{
    if (more->ok + more->failed == 0) {
        return;
    }
    r->ms_min = r->ok + r->failed == 0 || more->ms_min < r->ms_min ? more->ms_min : r->ms_min;
    r->ms_max = more->ms_max > r->ms_max ? more->ms_max : r->ms_max;
    r->ok += more->ok;
    r->failed += more->failed;
    r->first_ok += more->first_ok;
    r->dead += more->dead;
    r->retried += more->retried;
    r->ms_sum += more->ms_sum;
    for (size_t i = 0; i < ROLLUP_BARS; i++) {
        r->bars[i] += more->bars[i];
    }
}

/*
 * The rank is looked for in the bars and placed within its bar as if its samples were spread
 * evenly; the outermost bars end at the minimum and the maximum.
 */
int64_t rollup_percentile(const struct rollup *r, int64_t percent)
{
    int64_t total = r->ok + r->failed;
    int64_t rank = (total * percent + 99) / 100;
    int64_t below = 0;

    for (size_t i = 0; i < ROLLUP_BARS; i++) {
        int64_t low = i == 0 ? 0 : rollup_bounds_ms[i - 1];
        int64_t high = i == ROLLUP_BARS - 1 ? r->ms_max : rollup_bounds_ms[i];

        if (r->bars[i] == 0 || below + r->bars[i] < rank) {
            below += r->bars[i];
            continue;
        }
        low = low < r->ms_min ? r->ms_min : low;
        high = high > r->ms_max ? r->ms_max : high;
        return high <= low ? high : low + (high - low) * (rank - below) / r->bars[i];
    }
    return r->ms_max;
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

        row.bucket = sample->bucket;
        row.endpoint = sample->endpoint;
        rollup_count(&row, &sample->one);
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
    struct rollup row = { .bucket = c[0].i, .endpoint = c[1].i };

    ASSERT(count == 2 + ROLLUP_VALUES);
    rollup_from_values(c + 2, &row);
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
