/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - the audit log. The chain is carried on by what the transaction itself reads: a batch
 * that is run again in halves, or a reconnect, needs no state of the process.
 */
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "crypto/keyring.h"
#include "store/ddl.h"
#include "store/sql.h"

const char ddl_audit_sqlite[] =
    "CREATE TABLE audit ("
    " project INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,"
    " app INTEGER NOT NULL, actor_kind TEXT NOT NULL, actor_id TEXT NOT NULL,"
    " actor_name TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL,"
    " target TEXT NOT NULL, reason TEXT NOT NULL, details TEXT NOT NULL,"
    " hash BLOB NOT NULL, seal BLOB NOT NULL, PRIMARY KEY (project, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX audit_at ON audit (at);" /* retention */
    "CREATE TABLE audit_anchor (project INTEGER PRIMARY KEY, number INTEGER NOT NULL,"
    " hash BLOB NOT NULL) STRICT;";
const char ddl_audit_postgres[] =
    "CREATE TABLE audit ("
    " project BIGINT NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL,"
    " app BIGINT NOT NULL, actor_kind TEXT COLLATE \"C\" NOT NULL,"
    " actor_id TEXT COLLATE \"C\" NOT NULL, actor_name TEXT COLLATE \"C\" NOT NULL,"
    " address TEXT COLLATE \"C\" NOT NULL, action TEXT COLLATE \"C\" NOT NULL,"
    " target TEXT COLLATE \"C\" NOT NULL, reason TEXT COLLATE \"C\" NOT NULL,"
    " details TEXT COLLATE \"C\" NOT NULL, hash BYTEA NOT NULL, seal BYTEA NOT NULL,"
    " PRIMARY KEY (project, number));"
    "CREATE INDEX audit_at ON audit (at);"
    "CREATE TABLE audit_anchor (project BIGINT PRIMARY KEY, number BIGINT NOT NULL,"
    " hash BYTEA NOT NULL);";

#define AUDIT_COLUMNS                                                                          \
    "number, at, app, actor_kind, actor_id, actor_name, address, action, target, reason,"      \
    " details, hash, seal"
#define AUDIT_LIST(order)                                                                      \
    "SELECT " AUDIT_COLUMNS " FROM audit WHERE project = $1 AND number > $2 AND number < $3"   \
    " AND ($4 = 0 OR app = $4) AND ($5 = '' OR actor_id = $5)"                                 \
    " AND ($6 = '' OR action = $6 OR (substr($6, length($6), 1) = '.'"                         \
    " AND substr(action, 1, length($6)) = $6)) AND ($7 = '' OR target = $7)"                   \
    " AND at >= $8 AND at < $9 ORDER BY number " order " LIMIT $10"

const struct db_stmt audit_stmts[AUDIT_STMTS] = {
    [AUDIT_HEAD] = { "audit_head",
                     "SELECT number, hash FROM audit WHERE project = $1"
                     " ORDER BY number DESC LIMIT 1",
                     NULL, "i" },
    [AUDIT_INSERT] = { "audit_insert",
                       "INSERT INTO audit (project, " AUDIT_COLUMNS ") VALUES ($1, $2, $3, $4,"
                       " $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                       NULL, "iiiittttttttbb" },
    [AUDIT_DOWN] = { "audit_down", AUDIT_LIST("DESC"), NULL, "iiiitttiii" },
    [AUDIT_UP] = { "audit_up", AUDIT_LIST("ASC"), NULL, "iiiitttiii" },
    [AUDIT_SCAN] = { "audit_scan",
                     "SELECT " AUDIT_COLUMNS " FROM audit WHERE project = $1 AND number > $2"
                     " ORDER BY number LIMIT $3",
                     NULL, "iii" },
    [AUDIT_ANCHOR] = { "audit_anchor_read",
                       "SELECT number, hash FROM audit_anchor WHERE project = $1", NULL, "i" },
    [AUDIT_ANCHOR_SET] = { "audit_anchor_set",
                           "INSERT INTO audit_anchor (project, number, hash) VALUES ($1, $2, "
                           "$3)"
                           " ON CONFLICT (project) DO UPDATE SET number = excluded.number,"
                           " hash = excluded.hash",
                           NULL, "iib" },
    [AUDIT_OLD] = { "audit_old",
                    "SELECT a.project, a.number, a.hash FROM audit a WHERE a.at < $1"
                    " AND a.number < (SELECT MAX(b.number) FROM audit b"
                    " WHERE b.project = a.project) ORDER BY a.at LIMIT $2",
                    NULL, "ii" },
    [AUDIT_ENDS] = { "audit_ends",
                     "SELECT a.project, a.number, a.at, a.hash FROM audit a WHERE a.at > $1"
                     " AND a.number = (SELECT MAX(b.number) FROM audit b"
                     " WHERE b.project = a.project) ORDER BY a.at LIMIT $2",
                     NULL, "ii" },
    [AUDIT_DELETE] = { "audit_delete", "DELETE FROM audit WHERE project = $1 AND number <= $2",
                       NULL, "ii" },
};

enum { AUDIT_LINE_MAX = 32 * 1024, AUDIT_TEXTS = 8 };

/* The texts of an entry, in the order of the columns and of the hash. */
static void audit_texts(struct audit_entry *e, struct str *ret[AUDIT_TEXTS])
{
    ret[0] = &e->actor_kind;
    ret[1] = &e->actor_id;
    ret[2] = &e->actor_name;
    ret[3] = &e->address;
    ret[4] = &e->action;
    ret[5] = &e->target;
    ret[6] = &e->reason;
    ret[7] = &e->details;
}

/* --- the hash of a row */
static int audit_put_int(struct buf *line, int64_t value)
{
    unsigned char bytes[8];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)((uint64_t)value >> (56 - 8 * i));
    }
    return buf_add(line, bytes, sizeof(bytes));
}

/* Each field with its length before it: two entries never give the same bytes. */
static int audit_hash(const unsigned char before[AUDIT_HASH_SIZE], int64_t number,
                      struct audit_entry *e, unsigned char ret_hash[AUDIT_HASH_SIZE])
{
    const int64_t numbers[] = { e->project, number, e->at, e->app };
    struct str *texts[AUDIT_TEXTS];
    struct buf line;
    int rc;

    audit_texts(e, texts);
    buf_init(&line, AUDIT_LINE_MAX);
    rc = buf_add(&line, before, AUDIT_HASH_SIZE);
    for (size_t i = 0; rc == 0 && i < SQL_COUNT(numbers); i++) {
        rc = audit_put_int(&line, numbers[i]);
    }
    for (size_t i = 0; rc == 0 && i < AUDIT_TEXTS; i++) {
        rc = audit_put_int(&line, (int64_t)texts[i]->len);
        rc = rc == 0 ? buf_add_str(&line, *texts[i]) : rc;
    }
    if (rc == 0) {
        sha256(buf_str(&line), ret_hash);
    }
    buf_done(&line);
    return rc;
}

static void audit_seal(const struct keyring *keyring, const unsigned char hash[AUDIT_HASH_SIZE],
                       unsigned char ret_seal[KEYRING_HASH_SIZE])
{
    keyring_hash(keyring, STR("audit"), (struct str){ (const char *)hash, AUDIT_HASH_SIZE },
                 ret_seal);
}

/* --- writing */
struct audit_at {
    int64_t number;
    unsigned char hash[AUDIT_HASH_SIZE];
};

static int audit_on_at(void *ctx, const struct db_value *columns, size_t count)
{
    struct audit_at *at = ctx;

    ASSERT(count == 2);
    if (columns[1].s.len == AUDIT_HASH_SIZE) {
        at->number = columns[0].i;
        memcpy(at->hash, columns[1].s.p, AUDIT_HASH_SIZE);
    }
    return 0;
}

/* Cut at a character's begin: half of one would be refused by the store. */
static struct str audit_cut(struct str s, size_t max)
{
    size_t len = max;

    if (s.p == NULL || s.len <= max) {
        return s.p == NULL ? STR("") : s;
    }
    while (len > 0 && ((unsigned char)s.p[len] & 0xC0) == 0x80) {
        len--;
    }
    return str_sub(s, 0, len);
}

static int audit_insert(struct db *db, const struct audit_at *head, struct audit_entry *e)
{
    unsigned char hash[AUDIT_HASH_SIZE];
    unsigned char seal[KEYRING_HASH_SIZE];
    struct str *texts[AUDIT_TEXTS];
    struct db_value params[4 + AUDIT_TEXTS + 2];
    int rc = audit_hash(head->hash, head->number + 1, e, hash);

    if (rc != 0) {
        return rc;
    }
    audit_seal(e->keyring, hash, seal);
    audit_texts(e, texts);
    params[0] = db_int(e->project);
    params[1] = db_int(head->number + 1);
    params[2] = db_int(e->at);
    params[3] = db_int(e->app);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        params[4 + i] = db_text(*texts[i]);
    }
    params[4 + AUDIT_TEXTS] = db_blob((struct str){ (const char *)hash, sizeof(hash) });
    params[5 + AUDIT_TEXTS] = db_blob((struct str){ (const char *)seal, sizeof(seal) });
    return db_exec(db, SQL_AUDIT + AUDIT_INSERT, params, SQL_COUNT(params));
}

int audit_append(struct db *db, const struct audit_entry *entry)
{
    const struct db_value project = db_int(entry->project);
    struct audit_at head = { 0 };
    struct audit_entry e = *entry;
    struct str *texts[AUDIT_TEXTS];
    int rc;

    ASSERT(entry->keyring != NULL && entry->action.len > 0 && entry->project > 0);
    if (entry->details.len > AUDIT_DETAILS_MAX) {
        return -E_TOO_LARGE;
    }
    audit_texts(&e, texts);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        size_t max = texts[i] == &e.reason    ? AUDIT_REASON_MAX
                     : texts[i] == &e.details ? AUDIT_DETAILS_MAX
                                              : AUDIT_NAME_MAX;

        *texts[i] = audit_cut(*texts[i], max);
    }
    rc = sql_read(db, SQL_AUDIT + AUDIT_HEAD, &project, 1, audit_on_at, &head);
    return rc == 0 ? audit_insert(db, &head, &e) : rc;
}

int audit_append_if(struct db *db, const int64_t *changes, const struct audit_entry *entry)
{
    int rc = db_flush(db);

    return rc == 0 && *changes > 0 ? audit_append(db, entry) : rc;
}

struct audit_entry *audit_copy(const struct audit_entry *entry)
{
    struct audit_entry e = *entry;
    struct str *from[AUDIT_TEXTS];
    struct str *to[AUDIT_TEXTS];
    struct audit_entry *copy;
    size_t size = sizeof(*copy);
    char *at;

    audit_texts(&e, from);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        size += from[i]->len;
    }
    copy = xalloc(size);
    *copy = *entry;
    at = (char *)(copy + 1);
    audit_texts(copy, to);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        if (from[i]->len > 0) {
            memcpy(at, from[i]->p, from[i]->len);
        }
        *to[i] = (struct str){ at, from[i]->len };
        at += from[i]->len;
    }
    return copy;
}

/* --- reading */
struct audit_rows {
    struct arena *arena;
    int64_t project;
    struct audit_row *rows;
    size_t count;
    size_t max;
};

static void audit_columns(const struct db_value *c, size_t count, struct audit_row *row)
{
    struct str *texts[AUDIT_TEXTS];

    ASSERT(count == 3 + AUDIT_TEXTS + 2);
    row->number = c[0].i;
    row->entry.at = c[1].i;
    row->entry.app = c[2].i;
    audit_texts(&row->entry, texts);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        *texts[i] = c[3 + i].s;
    }
    row->hash = c[3 + AUDIT_TEXTS].s;
    row->seal = c[4 + AUDIT_TEXTS].s;
}

static int audit_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    struct audit_rows *all = ctx;
    struct audit_row *row;
    struct str *texts[AUDIT_TEXTS];

    ASSERT(all->count < all->max);
    row = &all->rows[all->count++];
    audit_columns(columns, count, row);
    row->entry.project = all->project;
    audit_texts(&row->entry, texts);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        *texts[i] = arena_str(all->arena, *texts[i]);
    }
    row->hash = arena_str(all->arena, row->hash);
    row->seal = arena_str(all->arena, row->seal);
    return 0;
}

int audit_list(struct db *db, const struct audit_query *q, struct arena *arena,
               struct audit_row **ret_rows, size_t *ret_count)
{
    bool bounded = q->after > 0;
    const struct db_value params[] = {
        db_int(q->project),
        db_int(bounded && q->ascending ? q->after : 0),
        db_int(bounded && !q->ascending ? q->after : INT64_MAX),
        db_int(q->app),
        db_text(q->actor.p == NULL ? STR("") : q->actor),
        db_text(q->action.p == NULL ? STR("") : q->action),
        db_text(q->target.p == NULL ? STR("") : q->target),
        db_int(q->since),
        db_int(q->until == 0 ? INT64_MAX : q->until),
        db_int(q->limit),
    };
    struct audit_rows all = { arena, q->project, NULL, 0, q->limit };
    int rc;

    all.rows = arena_alloc(arena, ((size_t)q->limit + 1) * sizeof(*all.rows));
    rc = sql_read(db, SQL_AUDIT + (q->ascending ? AUDIT_UP : AUDIT_DOWN), params,
                  SQL_COUNT(params), audit_on_row, &all);
    if (rc == 0) {
        *ret_rows = all.rows;
        *ret_count = all.count;
    }
    return rc;
}

/* --- checking the chain */
struct audit_walk {
    struct audit_check *check;
    const struct keyring *keyring;
    size_t count;
    int rc;
};

static const char *audit_fault(const struct audit_walk *walk, struct audit_row *row,
                               unsigned char hash[AUDIT_HASH_SIZE], int *ret_rc)
{
    unsigned char seal[KEYRING_HASH_SIZE];

    if (row->number != walk->check->number + 1) {
        return "missing";
    }
    *ret_rc = audit_hash(walk->check->hash, row->number, &row->entry, hash);
    if (*ret_rc == -E_TOO_LARGE || row->hash.len != AUDIT_HASH_SIZE ||
        memcmp(row->hash.p, hash, AUDIT_HASH_SIZE) != 0) {
        *ret_rc = 0;
        return "changed";
    }
    audit_seal(walk->keyring, hash, seal);
    return row->seal.len == sizeof(seal) && crypto_equal(row->seal.p, seal, sizeof(seal))
               ? NULL
               : "unsealed";
}

static int audit_on_walk(void *ctx, const struct db_value *columns, size_t count)
{
    struct audit_walk *walk = ctx;
    struct audit_check *check = walk->check;
    unsigned char hash[AUDIT_HASH_SIZE];
    struct audit_row row;

    walk->count++;
    if (check->broken != 0 || walk->rc != 0) {
        return 1;
    }
    audit_columns(columns, count, &row);
    row.entry.project = check->project;
    check->fault = audit_fault(walk, &row, hash, &walk->rc);
    if (check->fault != NULL) {
        check->broken = check->number + 1; /* the first number that is not as it was */
        return 1;
    }
    check->first = check->first == 0 ? row.number : check->first;
    check->number = row.number;
    check->rows++;
    memcpy(check->hash, hash, sizeof(check->hash));
    return 0;
}

int audit_scan(struct db *db, const struct keyring *keyring, struct audit_check *check)
{
    struct audit_walk walk = { .check = check, .keyring = keyring };
    const struct db_value project = db_int(check->project);
    struct audit_at anchor = { 0 };
    struct db_value params[3] = { project };
    int rc = 0;

    if (check->number == 0) {
        rc = sql_read(db, SQL_AUDIT + AUDIT_ANCHOR, &project, 1, audit_on_at, &anchor);
        check->number = anchor.number;
        memcpy(check->hash, anchor.hash, sizeof(check->hash));
    }
    params[1] = db_int(check->number);
    params[2] = db_int(AUDIT_SCAN_MAX);
    if (rc == 0) {
        rc = sql_read(db, SQL_AUDIT + AUDIT_SCAN, params, SQL_COUNT(params), audit_on_walk,
                      &walk);
    }
    check->at_end = check->broken != 0 || walk.count < AUDIT_SCAN_MAX;
    return rc != 0 ? rc : walk.rc;
}

/* --- where chains end */
struct audit_ending {
    struct audit_end *ends;
    size_t count;
};

static int audit_on_end(void *ctx, const struct db_value *c, size_t count)
{
    struct audit_ending *ending = ctx;
    struct audit_end *end = &ending->ends[ending->count];

    ASSERT(count == 4 && ending->count < AUDIT_ENDS_MAX);
    if (c[3].s.len == AUDIT_HASH_SIZE) {
        *end = (struct audit_end){ .project = c[0].i, .number = c[1].i, .at = c[2].i };
        memcpy(end->hash, c[3].s.p, AUDIT_HASH_SIZE);
        ending->count++;
    }
    return 0;
}

int audit_ends(struct db *db, int64_t after_ms, struct audit_end ret_ends[AUDIT_ENDS_MAX],
               size_t *ret_count)
{
    const struct db_value params[] = { db_int(after_ms), db_int(AUDIT_ENDS_MAX) };
    struct audit_ending ending = { .ends = ret_ends };
    int rc =
        sql_read(db, SQL_AUDIT + AUDIT_ENDS, params, SQL_COUNT(params), audit_on_end, &ending);

    if (rc == 0) {
        *ret_count = ending.count;
    }
    return rc;
}

/* --- retention */
enum { AUDIT_BITE_PROJECTS = 64 };

struct audit_bite {
    struct {
        int64_t project;
        struct audit_at last;
    } rows[AUDIT_BITE_PROJECTS];
    size_t count;
    size_t seen;
};

/* The last old row of each project; projects beyond the bite's wait for the next. */
static int audit_on_old(void *ctx, const struct db_value *columns, size_t count)
{
    struct audit_bite *bite = ctx;
    size_t i = 0;

    ASSERT(count == 3);
    bite->seen++;
    while (i < bite->count && bite->rows[i].project != columns[0].i) {
        i++;
    }
    if (i == AUDIT_BITE_PROJECTS) {
        return 0;
    }
    if (i == bite->count) {
        bite->rows[bite->count++].project = columns[0].i;
        bite->rows[i].last.number = 0;
    }
    if (columns[1].i > bite->rows[i].last.number) {
        (void)audit_on_at(&bite->rows[i].last, &columns[1], 2);
    }
    return 0;
}

int audit_expire(struct db *db, int64_t before_ms, uint32_t rows_max, bool *ret_more)
{
    const struct db_value old[] = { db_int(before_ms), db_int(rows_max) };
    struct audit_bite bite = { .count = 0 };
    int rc = sql_read(db, SQL_AUDIT + AUDIT_OLD, old, SQL_COUNT(old), audit_on_old, &bite);

    for (size_t i = 0; rc == 0 && i < bite.count; i++) {
        const struct audit_at *last = &bite.rows[i].last;
        const struct db_value params[] = { db_int(bite.rows[i].project), db_int(last->number),
                                           db_blob((struct str){ (const char *)last->hash,
                                                                 sizeof(last->hash) }) };

        rc = db_exec(db, SQL_AUDIT + AUDIT_ANCHOR_SET, params, SQL_COUNT(params));
        rc = rc == 0 ? db_exec(db, SQL_AUDIT + AUDIT_DELETE, params, 2) : rc;
    }
    if (rc == 0) {
        *ret_more = bite.seen == rows_max;
    }
    return rc;
}
