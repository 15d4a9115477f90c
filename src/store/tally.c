/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tally.h"

#include "base/assert.h"
#include "store/ddl.h"
#include "store/rollup_sql.h"
#include "store/sql.h"

#define TALLY_TABLE(integer)                                                                   \
    "CREATE TABLE tally ("                                                                     \
    " span " integer " NOT NULL, bucket " integer " NOT NULL, kind " integer " NOT NULL,"      \
    " subject " integer " NOT NULL, ok " integer " NOT NULL, failed " integer " NOT NULL,"     \
    " first_ok " integer " NOT NULL, dead " integer " NOT NULL, retried " integer " NOT NULL," \
    " ms_min " integer " NOT NULL, ms_sum " integer " NOT NULL, ms_max " integer " NOT NULL,"  \
    " h0 " integer " NOT NULL, h1 " integer " NOT NULL, h2 " integer " NOT NULL,"              \
    " h3 " integer " NOT NULL, h4 " integer " NOT NULL, h5 " integer " NOT NULL,"              \
    " h6 " integer " NOT NULL, h7 " integer " NOT NULL, h8 " integer " NOT NULL,"              \
    " h9 " integer " NOT NULL, h10 " integer " NOT NULL, h11 " integer " NOT NULL,"            \
    " PRIMARY KEY (span, bucket, kind, subject))"
#define TALLY_COUNT_TABLE(integer)                                                             \
    "CREATE TABLE tally_count ("                                                               \
    " span " integer " NOT NULL, bucket " integer " NOT NULL, kind " integer " NOT NULL,"      \
    " subject " integer " NOT NULL, what " integer " NOT NULL, key " integer " NOT NULL,"      \
    " n " integer " NOT NULL, bytes " integer " NOT NULL,"                                     \
    " PRIMARY KEY (span, bucket, kind, subject, what, key))"
/* The hours of rollup learn which deliveries were given up, and which attempts were retries. */
#define TALLY_ALTER(integer)                                                                   \
    "ALTER TABLE rollup ADD COLUMN dead " integer " NOT NULL DEFAULT 0;"                       \
    "ALTER TABLE rollup ADD COLUMN retried " integer " NOT NULL DEFAULT 0;"

const char ddl_tally_sqlite[] = TALLY_ALTER("INTEGER") TALLY_TABLE(
    "INTEGER") " STRICT, WITHOUT ROWID;" TALLY_COUNT_TABLE("INTEGER") " STRICT, WITHOUT ROWID;";
const char ddl_tally_postgres[] = TALLY_ALTER("BIGINT") TALLY_TABLE(
    "BIGINT") " WITH (fillfactor = 50);" TALLY_COUNT_TABLE("BIGINT") " WITH (fillfactor = 50);";

/* The buckets of [$1, $3), $2 ms each: a row is sought for each. */
#define TALLY_BUCKETS                                                                          \
    "WITH RECURSIVE b (at, i) AS (SELECT $1, 1 UNION ALL SELECT at + $2, i + 1 FROM b"         \
    " WHERE at + $2 < $3 AND i < 10000) "
#define TALLY_SUMS                                                                             \
    " SUM(ok), SUM(failed), SUM(first_ok), SUM(dead), SUM(retried), MIN(ms_min), SUM(ms_sum)," \
    " MAX(ms_max), SUM(h0), SUM(h1), SUM(h2), SUM(h3), SUM(h4), SUM(h5), SUM(h6), SUM(h7),"    \
    " SUM(h8), SUM(h9), SUM(h10), SUM(h11)"
/* PostgreSQL sums integers into numeric, which is no integer to a client. */
#define TALLY_SUMS_POSTGRES                                                                    \
    " SUM(ok)::bigint, SUM(failed)::bigint, SUM(first_ok)::bigint, SUM(dead)::bigint,"         \
    " SUM(retried)::bigint, MIN(ms_min), SUM(ms_sum)::bigint, MAX(ms_max), SUM(h0)::bigint,"   \
    " SUM(h1)::bigint, SUM(h2)::bigint, SUM(h3)::bigint, SUM(h4)::bigint, SUM(h5)::bigint,"    \
    " SUM(h6)::bigint, SUM(h7)::bigint, SUM(h8)::bigint, SUM(h9)::bigint, SUM(h10)::bigint,"   \
    " SUM(h11)::bigint"
#define TALLY_SET(c) " " c " = excluded." c
#define TALLY_SET_ALL                                                                          \
    TALLY_SET("ok")                                                                            \
    "," TALLY_SET("failed") "," TALLY_SET("first_ok") "," TALLY_SET("dead") "," TALLY_SET("re" \
                                                                                          "tr" \
                                                                                          "ie" \
                                                                                          "d") "," TALLY_SET("ms_min") "," TALLY_SET("ms_sum") "," TALLY_SET("ms_max") "," TALLY_SET("h0") "," TALLY_SET("h1") "," TALLY_SET("h2") "," TALLY_SET("h3") "," TALLY_SET("h4") "," TALLY_SET("h5") "," TALLY_SET("h6") "," TALLY_SET("h7") "," TALLY_SET("h8") "," TALLY_SET("h9") "," TALLY_SET("h10") "," TALLY_SET("h11")

#define TALLY_READ_ALL(sums)                                                                   \
    "SELECT $1, subject," sums " FROM tally WHERE span = $2 AND bucket >= $1 AND bucket < $3"  \
    " AND kind = $4 AND subject > $5 GROUP BY subject ORDER BY subject LIMIT $6"
#define TALLY_COUNTS(n, bytes)                                                                 \
    TALLY_BUCKETS                                                                              \
    "SELECT what, key, " n " AS total, " bytes                                                 \
    " FROM b CROSS JOIN tally_count WHERE span = $4 AND bucket = at AND kind = $5"             \
    " AND subject = $6 GROUP BY what, key ORDER BY what, total DESC, key"
#define TALLY_FOLD(subject, from, sums)                                                        \
    TALLY_BUCKETS                                                                              \
    "INSERT INTO tally (span, bucket, kind, subject, " ROLLUP_COLUMNS ")"                      \
    " SELECT 2, $1, $4, " subject "," sums " FROM b CROSS JOIN " from                          \
    " AND bucket = at AND " subject " > $5 AND " subject " <= $6 GROUP BY " subject            \
    " ON CONFLICT (span, bucket, kind, subject) DO UPDATE SET" TALLY_SET_ALL

const struct db_stmt tally_stmts[TALLY_STMTS] = {
    [TALLY_ADD] = { "tally_add",
                    "INSERT INTO tally (span, bucket, kind, subject, " ROLLUP_COLUMNS ")"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
                    " $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)"
                    " ON CONFLICT (span, bucket, kind, subject) DO UPDATE SET" ROLLUP_MERGE(
                        "tally"),
                    NULL, "iiii" ROLLUP_LETTERS },
    [TALLY_ADD_COUNT] = { "tally_add_count",
                          "INSERT INTO tally_count (span, bucket, kind, subject, what, key, n,"
                          " bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                          " ON CONFLICT (span, bucket, kind, subject, what, key) DO UPDATE SET"
                          " n = tally_count.n + excluded.n,"
                          " bytes = tally_count.bytes + excluded.bytes",
                          NULL, "iiiiiiii" },
    [TALLY_READ] = { "tally_read",
                     TALLY_BUCKETS
                     "SELECT bucket, subject, " ROLLUP_COLUMNS
                     " FROM b CROSS JOIN tally WHERE span = $4 AND bucket = at AND kind = $5"
                     " AND subject = $6 ORDER BY bucket",
                     NULL, "iiiiii" },
    [TALLY_READ_COUNTS] = { "tally_read_counts", TALLY_COUNTS("SUM(n)", "SUM(bytes)"),
                            TALLY_COUNTS("SUM(n)::bigint", "SUM(bytes)::bigint"), "iiiiii" },
    [TALLY_READ_ALL] = { "tally_read_all", TALLY_READ_ALL(TALLY_SUMS),
                         TALLY_READ_ALL(TALLY_SUMS_POSTGRES), "iiiiii" },
    [TALLY_FOLD_DAY] = { "tally_fold_day",
                         TALLY_FOLD("subject", "tally WHERE span = 1 AND kind = $4",
                                    TALLY_SUMS),
                         TALLY_FOLD("subject", "tally WHERE span = 1 AND kind = $4",
                                    TALLY_SUMS_POSTGRES),
                         "iiiiii" },
    [TALLY_FOLD_ENDPOINTS] = { "tally_fold_endpoints",
                               TALLY_FOLD("endpoint", "rollup WHERE $4 = 0", TALLY_SUMS),
                               TALLY_FOLD("endpoint", "rollup WHERE $4 = 0",
                                          TALLY_SUMS_POSTGRES),
                               "iiiiii" },
    [TALLY_EXPIRE] = { "tally_expire",
                       "DELETE FROM tally WHERE (span, bucket, kind, subject) IN (SELECT span,"
                       " bucket, kind, subject FROM tally WHERE span = $1 AND bucket < $2"
                       " ORDER BY bucket LIMIT $3)",
                       NULL, "iii" },
    [TALLY_EXPIRE_COUNTS] = { "tally_expire_counts",
                              "DELETE FROM tally_count WHERE (span, bucket, kind, subject,"
                              " what, key) IN (SELECT span, bucket, kind, subject, what, key"
                              " FROM tally_count WHERE span = $1 AND bucket < $2"
                              " ORDER BY bucket LIMIT $3)",
                              NULL, "iii" },
    [TALLY_EXPIRE_HOURS] = { "tally_expire_hours",
                             "DELETE FROM rollup WHERE (bucket, endpoint) IN (SELECT bucket,"
                             " endpoint FROM rollup WHERE bucket < $1 ORDER BY bucket"
                             " LIMIT $2)",
                             NULL, "ii" },
};

int64_t tally_span_ms(enum tally_span span)
{
    switch (span) {
    case TALLY_MINUTE:
        return TALLY_MINUTE_MS;
    case TALLY_HOUR:
        return TALLY_HOUR_MS;
    case TALLY_DAY:
        return TALLY_DAY_MS;
    }
    ASSERT(false);
    return 0;
}

/*
 * --- Writing
 * ------------------------------------------------------------------------------------
 */

int tally_add(struct db *db, const struct tally_key *key, const struct rollup *r)
{
    struct db_value params[4 + ROLLUP_VALUES] = {
        db_int((int)key->span),
        db_int(key->bucket),
        db_int((int)key->kind),
        db_int(key->subject),
    };

    rollup_to_values(r, params + 4);
    return db_exec(db, SQL_TALLY + TALLY_ADD, params, SQL_COUNT(params));
}

int tally_add_count(struct db *db, const struct tally_key *key, const struct tally_count *count)
{
    const struct db_value params[] = {
        db_int((int)key->span), db_int(key->bucket),      db_int((int)key->kind),
        db_int(key->subject),   db_int((int)count->what), db_int(count->key),
        db_int(count->n),       db_int(count->bytes),
    };

    return db_exec(db, SQL_TALLY + TALLY_ADD_COUNT, params, SQL_COUNT(params));
}

int tally_fold_day(struct db *db, int64_t day_ms, enum tally_kind kind, int64_t after,
                   int64_t upto)
{
    const struct db_value params[] = {
        db_int(day_ms),    db_int(TALLY_HOUR_MS), db_int(day_ms + TALLY_DAY_MS),
        db_int((int)kind), db_int(after),         db_int(upto),
    };

    return db_exec(db,
                   SQL_TALLY + (kind == TALLY_ENDPOINT ? TALLY_FOLD_ENDPOINTS : TALLY_FOLD_DAY),
                   params, SQL_COUNT(params));
}

int tally_expire(struct db *db, const int64_t before_ms[3], uint32_t rows_max, bool *ret_more)
{
    const struct db_value hours[] = { db_int(before_ms[TALLY_HOUR]), db_int(rows_max) };
    int64_t changes[7] = { 0 };
    size_t n = 0;
    bool more = false;
    int rc = db_exec_changes(db, SQL_TALLY + TALLY_EXPIRE_HOURS, hours, SQL_COUNT(hours),
                             &changes[n++]);

    for (int span = TALLY_MINUTE; rc == 0 && span <= TALLY_DAY; span++) {
        const struct db_value params[] = { db_int(span), db_int(before_ms[span]),
                                           db_int(rows_max) };

        rc = db_exec_changes(db, SQL_TALLY + TALLY_EXPIRE, params, SQL_COUNT(params),
                             &changes[n++]);
        if (rc == 0) {
            rc = db_exec_changes(db, SQL_TALLY + TALLY_EXPIRE_COUNTS, params, SQL_COUNT(params),
                                 &changes[n++]);
        }
    }
    if (rc == 0) {
        rc = db_flush(db);
    }
    for (size_t i = 0; i < n; i++) {
        more = more || changes[i] >= rows_max;
    }
    if (rc == 0) {
        *ret_more = more;
    }
    return rc;
}

/*
 * --- Reading
 * ------------------------------------------------------------------------------------
 */

struct tally_reading {
    int (*on_row)(void *ctx, const struct rollup *row);
    int (*on_count)(void *ctx, const struct tally_count *row);
    void *ctx;
};

static int tally_on_row(void *ctx, const struct db_value *c, size_t count)
{
    const struct tally_reading *reading = ctx;
    struct rollup row = { .bucket = c[0].i, .endpoint = c[1].i };

    ASSERT(count == 2 + ROLLUP_VALUES);
    rollup_from_values(c + 2, &row);
    return reading->on_row(reading->ctx, &row);
}

int tally_read(struct db *db, const struct tally_key *key, int64_t until_ms,
               int (*on_row)(void *ctx, const struct rollup *row), void *ctx)
{
    struct tally_reading reading = { .on_row = on_row, .ctx = ctx };
    int64_t width = tally_span_ms(key->span);
    int64_t from = key->bucket - key->bucket % width;
    const struct db_value params[] = {
        db_int(from),           db_int(width),          db_int(until_ms),
        db_int((int)key->span), db_int((int)key->kind), db_int(key->subject),
    };

    if (from >= until_ms) {
        return 0;
    }
    if (key->span == TALLY_HOUR && key->kind == TALLY_ENDPOINT) {
        return rollup_read(db, key->subject, from, until_ms, on_row, ctx);
    }
    return sql_read(db, SQL_TALLY + TALLY_READ, params, SQL_COUNT(params), tally_on_row,
                    &reading);
}

static int tally_on_count(void *ctx, const struct db_value *c, size_t count)
{
    const struct tally_reading *reading = ctx;

    ASSERT(count == 4);
    return reading->on_count(
        reading->ctx,
        &(struct tally_count){
            .what = (enum tally_what)c[0].i, .key = c[1].i, .n = c[2].i, .bytes = c[3].i });
}

int tally_read_counts(struct db *db, const struct tally_key *key, int64_t until_ms,
                      int (*on_row)(void *ctx, const struct tally_count *row), void *ctx)
{
    struct tally_reading reading = { .on_count = on_row, .ctx = ctx };
    int64_t width = tally_span_ms(key->span);
    int64_t from = key->bucket - key->bucket % width;
    const struct db_value params[] = {
        db_int(from),           db_int(width),          db_int(until_ms),
        db_int((int)key->span), db_int((int)key->kind), db_int(key->subject),
    };

    if (from >= until_ms) {
        return 0;
    }
    return sql_read(db, SQL_TALLY + TALLY_READ_COUNTS, params, SQL_COUNT(params),
                    tally_on_count, &reading);
}

int tally_read_all(struct db *db, const struct tally_key *key, int64_t until_ms, uint32_t limit,
                   int (*on_row)(void *ctx, const struct rollup *row), void *ctx)
{
    struct tally_reading reading = { .on_row = on_row, .ctx = ctx };
    const struct db_value params[] = {
        db_int(key->bucket),    db_int((int)key->span), db_int(until_ms),
        db_int((int)key->kind), db_int(key->subject),   db_int(limit),
    };

    return sql_read(db, SQL_TALLY + TALLY_READ_ALL, params, SQL_COUNT(params), tally_on_row,
                    &reading);
}
