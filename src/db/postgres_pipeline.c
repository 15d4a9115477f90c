/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpq in pipeline mode. Statements of a transaction are sent without waiting; what each
 * one's answer is for stands in a queue of slots, in order. A sync point (flush, commit,
 * rollback) reads the answers up to it and fires the callbacks.
 *
 * After an error the server skips everything up to the next sync point, also a COMMIT that
 * was sent before it: that is what makes the lane fence safe in a pipeline.
 *
 * The socket is non-blocking and every wait has a deadline: a stopped server must not stop us.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "db/postgres_internal.h"

enum { PG_FLUSH_BYTES = 32 << 10 /* hand to the kernel after so many bytes of parameters */ };

/*
 * --- Errors
 * -----------------------------------------------------------------------------------
 */

int pg_lost(struct db_postgres *pg, const char *why)
{
    pg->lost = true;
    pg->head = 0;
    pg->count = 0;
    return db_fail(&pg->base, pg->committing ? -E_UNKNOWN : -E_UNAVAILABLE, "connection: %s",
                   why);
}

static int pg_code(const char *state, const char *constraint)
{
    static const struct {
        const char *prefix;
        int code;
    } table[] = {
        { "40001", -E_BUSY },        { "40P01", -E_BUSY },      { "55P03", -E_BUSY },
        { "57014", -E_BUSY },        { "57P", -E_UNAVAILABLE }, { "08", -E_UNAVAILABLE },
        { "25006", -E_UNAVAILABLE }, /* became a standby */
        { "53", -E_FULL },           { "23505", -E_CONFLICT },  { "23514", -E_CONFLICT },
        { "23P01", -E_CONFLICT },
    };

    if (strcmp(state, "23514") == 0 && strcmp(constraint, DB_FENCE_CONSTRAINT) == 0) {
        return -E_FENCED;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strncmp(state, table[i].prefix, strlen(table[i].prefix)) == 0) {
            return table[i].code;
        }
    }
    return -E_STORE;
}

static const char *pg_field(const PGresult *result, int field)
{
    const char *text = PQresultErrorField(result, field);

    return text == NULL ? "" : text;
}

/* The primary message names constraints and columns, never values; the detail would. */
static int pg_result_error(struct db_postgres *pg, const struct pg_slot *slot,
                           const PGresult *result)
{
    const char *state = pg_field(result, PG_DIAG_SQLSTATE);
    int code = pg_code(state, pg_field(result, PG_DIAG_CONSTRAINT_NAME));

    if (slot->kind == PG_SLOT_COMMIT && code != -E_BUSY && code != -E_CONFLICT) {
        code = -E_UNKNOWN;
    }
    if (code == -E_UNAVAILABLE) {
        pg->lost = true;
    }
    return db_fail(&pg->base, code, "%s: %s (%s)", slot->name,
                   pg_field(result, PG_DIAG_MESSAGE_PRIMARY), state);
}

/* A warning at COMMIT means "committed here, perhaps not on the standby". */
void pg_on_notice(void *ctx, const PGresult *result)
{
    struct db_postgres *pg = ctx;

    if (pg->committing &&
        strcmp(pg_field(result, PG_DIAG_SEVERITY_NONLOCALIZED), "WARNING") == 0) {
        pg->warned = true;
    }
}

/*
 * --- Waiting
 * ----------------------------------------------------------------------------------
 */

/* Until the next result can be taken without blocking. */
static int pg_wait(struct db_postgres *pg)
{
    int64_t deadline =
        clock_boot_ms() + pg->base.options.statement_timeout_ms + PG_WAIT_MS_MARGIN;

    for (;;) {
        struct pollfd fd = { .fd = PQsocket(pg->conn), .events = POLLIN };
        int unsent = PQflush(pg->conn);
        int64_t left = deadline - clock_boot_ms();

        if (unsent < 0) {
            return pg_lost(pg, "sending failed");
        }
        if (PQisBusy(pg->conn) == 0) {
            return 0;
        }
        if (left <= 0) {
            return pg_lost(pg, "no answer in time");
        }
        if (unsent > 0) {
            fd.events |= POLLOUT;
        }
        (void)poll(&fd, 1, (int)left);
        if ((fd.revents & ~POLLOUT) != 0 && PQconsumeInput(pg->conn) == 0) {
            return pg_lost(pg, "it was closed");
        }
    }
}

/*
 * Push what was sent so far; take in what has arrived, so that neither side's buffers fill
 * up.
 */
static int pg_push(struct db_postgres *pg, size_t bytes)
{
    struct pollfd fd = { .fd = PQsocket(pg->conn), .events = POLLIN };

    pg->unflushed += bytes;
    if (pg->unflushed < PG_FLUSH_BYTES) {
        return 0;
    }
    pg->unflushed = 0;
    if (PQflush(pg->conn) < 0) {
        return pg_lost(pg, "sending failed");
    }
    if (poll(&fd, 1, 0) > 0 && PQconsumeInput(pg->conn) == 0) {
        return pg_lost(pg, "it was closed");
    }
    return 0;
}

void pg_owe(struct db_postgres *pg, enum pg_slot_kind kind, const char *name,
            const struct db_sink *sink)
{
    if (pg->count == pg->cap) {
        pg->cap = pg->cap == 0 ? 256 : pg->cap * 2;
        pg->slots = xrealloc(pg->slots, pg->cap * sizeof(*pg->slots));
    }
    pg->slots[pg->count++] = (struct pg_slot){ .kind = kind, .name = name, .sink = *sink };
}

/*
 * --- Rows
 * -------------------------------------------------------------------------------------
 */

static int64_t pg_big_endian(const char *bytes, int len)
{
    uint64_t value = (uint8_t)bytes[0] >= 0x80 ? UINT64_MAX : 0;

    for (int i = 0; i < len; i++) {
        value = value << 8 | (uint8_t)bytes[i];
    }
    return (int64_t)value;
}

static void pg_column(const PGresult *result, int row, int at, struct db_value *ret_value)
{
    const char *bytes = PQgetvalue(result, row, at);
    int len = PQgetlength(result, row, at);
    struct str s = { bytes, (size_t)len };
    Oid type = PQftype(result, at);

    if (PQgetisnull(result, row, at) != 0) {
        *ret_value = db_null();
        return;
    }
    if (type == OID_TEXT) {
        *ret_value = db_text(s);
    } else if (type == OID_BYTEA) {
        *ret_value = db_blob(s);
    } else {
        /* No statement of ours has a column of another type. */
        ASSERT(type == OID_INT8 || type == OID_INT4 || type == OID_INT2 || type == OID_BOOL);
        *ret_value = db_int(pg_big_endian(bytes, len));
    }
}

static void pg_rows(const PGresult *result, const struct db_sink *sink)
{
    struct db_value columns[DB_COLUMNS_MAX];
    int rows = PQntuples(result);
    int count = PQnfields(result);

    ASSERT(count <= DB_COLUMNS_MAX);
    for (int row = 0; row < rows; row++) {
        for (int at = 0; at < count; at++) {
            pg_column(result, row, at, &columns[at]);
        }
        if (sink->on_row(sink->ctx, columns, (size_t)count) != 0) {
            break;
        }
    }
}

/*
 * --- Reading the answers
 * ----------------------------------------------------------------------
 */

static int pg_take(struct db_postgres *pg, const struct pg_slot *slot, PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        break;
    case PGRES_PIPELINE_SYNC:
        ASSERT(slot->kind == PG_SLOT_SYNC);
        return 0;
    case PGRES_PIPELINE_ABORTED:
        return 0; /* its cause was a statement before it */
    case PGRES_EMPTY_QUERY:
    case PGRES_COPY_OUT:
    case PGRES_COPY_IN:
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
    case PGRES_COPY_BOTH:
    case PGRES_SINGLE_TUPLE:
    default:
        return pg_result_error(pg, slot, result);
    }
    if (slot->kind == PG_SLOT_COMMIT) {
        if (strcmp(PQcmdStatus(result), "COMMIT") != 0) {
            return db_fail(&pg->base, -E_STORE, "commit: the transaction had failed");
        }
        pg->committed = true;
    }
    if (pg->muted) {
        return 0;
    }
    if (slot->sink.ret_changes != NULL &&
        str_to_int(str_from(PQcmdTuples(result)), 0, INT64_MAX, slot->sink.ret_changes) < 0) {
        *slot->sink.ret_changes = 0;
    }
    if (slot->sink.on_row != NULL) {
        pg_rows(result, &slot->sink);
    }
    return 0;
}

int pg_read_slot(struct db_postgres *pg, const struct pg_slot *slot)
{
    int rc = 0;

    for (;;) {
        int waited = pg_wait(pg);
        PGresult *result;
        int taken;

        if (waited < 0) {
            return waited;
        }
        result = PQgetResult(pg->conn);
        if (result == NULL) {
            break;
        }
        taken = pg_take(pg, slot, result);
        rc = rc == 0 ? taken : rc;
        PQclear(result);
        if (slot->kind == PG_SLOT_SYNC) {
            break;
        }
        if (PQstatus(pg->conn) != CONNECTION_OK) {
            break;
        }
    }
    return rc;
}

/*
 * What a lost connection says about the transaction. A statement that had failed before made
 * the server skip the COMMIT behind it, so that is known; and so is a COMMIT whose answer came.
 */
static int pg_loss(const struct db_postgres *pg, int first)
{
    if (pg->committed) {
        return 0;
    }
    if (first != 0 && first != -E_UNAVAILABLE) {
        return first;
    }
    return pg->committing ? -E_UNKNOWN : -E_UNAVAILABLE;
}

/* Read every owed answer. The first error is the transaction's; what follows it was skipped. */
static int pg_drain(struct db_postgres *pg)
{
    int first = 0;

    while (pg->head < pg->count) {
        struct pg_slot slot = pg->slots[pg->head++];
        int rc = pg_read_slot(pg, &slot);

        first = first == 0 && !pg->muted ? rc : first;
        if (!pg->lost && PQstatus(pg->conn) != CONNECTION_OK) {
            (void)pg_lost(pg, "it was closed");
        }
        if (pg->lost) {
            return pg_loss(pg, first);
        }
    }
    pg->head = 0;
    pg->count = 0;
    return first;
}

static int pg_sync(struct db_postgres *pg)
{
    if (pg->lost) {
        return pg_lost(pg, "none");
    }
    if (PQpipelineSync(pg->conn) == 0) {
        return pg_lost(pg, "sending failed");
    }
    pg_owe(pg, PG_SLOT_SYNC, "sync", &(struct db_sink){ 0 });
    return 0;
}

int pg_flush_all(struct db_postgres *pg)
{
    int rc = pg_sync(pg);

    return rc < 0 ? rc : pg_drain(pg);
}

/*
 * --- Sending
 * ----------------------------------------------------------------------------------
 */

static int pg_simple(struct db_postgres *pg, const char *sql, enum pg_slot_kind kind)
{
    if (pg->lost) {
        return pg_lost(pg, "none");
    }
    if (PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 1) == 0) {
        return pg_lost(pg, "sending failed");
    }
    pg_owe(pg, kind, kind == PG_SLOT_COMMIT ? "commit" : "begin", &(struct db_sink){ 0 });
    return 0;
}

int pg_begin(struct db *db)
{
    return pg_simple(pg_of(db),
                     db->options.writer ? "BEGIN"
                                        : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                     PG_SLOT_STATEMENT);
}

void pg_stmt_name(unsigned index, char ret_name[PG_NAME_SIZE])
{
    (void)snprintf(ret_name, PG_NAME_SIZE, "s%u", index);
}

int pg_run(struct db *db, unsigned index, const struct db_value *params, size_t count,
           const struct db_sink *sink)
{
    struct db_postgres *pg = pg_of(db);
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX];
    int formats[DB_PARAMS_MAX];
    unsigned char ints[DB_PARAMS_MAX][8];
    char name[PG_NAME_SIZE];
    size_t bytes = 64;

    if (pg->lost) {
        return pg_lost(pg, "none");
    }
    for (size_t i = 0; i < count; i++) {
        formats[i] = 1;
        values[i] = params[i].s.len == 0 ? "" : params[i].s.p;
        lengths[i] = (int)params[i].s.len;
        if (params[i].type == DB_NULL) {
            values[i] = NULL;
            lengths[i] = 0;
        } else if (params[i].type == DB_INT) {
            for (int b = 0; b < 8; b++) {
                ints[i][b] = (unsigned char)((uint64_t)params[i].i >> (56 - 8 * b));
            }
            values[i] = (const char *)ints[i];
            lengths[i] = 8;
        }
        bytes += (size_t)lengths[i] + 8;
    }
    pg_stmt_name(index, name);
    if (PQsendQueryPrepared(pg->conn, name, (int)count, values, lengths, formats, 1) == 0) {
        return pg_lost(pg, "sending failed");
    }
    pg_owe(pg, PG_SLOT_STATEMENT, db->options.stmts[index].name, sink);
    return pg_push(pg, bytes);
}

int pg_flush(struct db *db)
{
    return pg_flush_all(pg_of(db));
}

int pg_commit(struct db *db)
{
    struct db_postgres *pg = pg_of(db);
    int rc;

    pg->warned = false;
    pg->committed = false;
    rc = pg_simple(pg, "COMMIT", PG_SLOT_COMMIT);
    if (rc == 0) {
        pg->committing = true;
        rc = pg_flush_all(pg);
        pg->committing = false;
        pg->committed = false;
    }
    if (rc == 0 && pg->warned) {
        return db_fail(db, -E_UNKNOWN, "commit: the server warned; a standby may not have it");
    }
    return rc;
}

void pg_rollback(struct db *db)
{
    struct db_postgres *pg = pg_of(db);
    char kept[DB_ERROR_SIZE];

    if (pg->lost) {
        return;
    }
    /* The first sync ends the skipping, or the ROLLBACK would be skipped as well. */
    memcpy(kept, db->error, sizeof(kept));
    pg->muted = true;
    if (pg_sync(pg) == 0 && pg_simple(pg, "ROLLBACK", PG_SLOT_STATEMENT) == 0) {
        (void)pg_flush_all(pg);
    }
    pg->muted = false;
    memcpy(db->error, kept, sizeof(kept));
}
