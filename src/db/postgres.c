/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL driver: connecting, settings, preparing. Transactions are in
 * postgres_pipeline.c.
 */
#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "db/postgres_internal.h"

enum { PG_SERVER_MIN = 150000, PG_SETUP_SIZE = 640 };

static bool pg_alive(const struct db *db)
{
    const struct db_postgres *pg = (const struct db_postgres *)(const void *)db;

    static_assert(offsetof(struct db_postgres, base) == 0, "the base stands first");
    return !pg->lost && PQstatus(pg->conn) == CONNECTION_OK;
}

static int pg_checkpoint(struct db *db, enum db_checkpoint when)
{
    (void)db;
    (void)when;
    return 0;
}

/*
 * Several statements in one text need the simple protocol, which pipeline mode does not
 * allow.
 */
static int pg_script(struct db *db, const char *sql)
{
    struct db_postgres *pg = pg_of(db);
    struct pg_slot slot = { .kind = PG_SLOT_STATEMENT, .name = "script" };
    int rc = pg_flush_all(pg);
    int last = 0;

    if (rc < 0) {
        return rc;
    }
    if (PQexitPipelineMode(pg->conn) == 0 || PQsendQuery(pg->conn, sql) == 0) {
        return pg_lost(pg, "sending failed");
    }
    rc = pg_read_slot(pg, &slot);
    if (!pg->lost && PQstatus(pg->conn) != CONNECTION_OK) {
        last = pg_lost(pg, "it was closed");
    } else if (!pg->lost && PQenterPipelineMode(pg->conn) == 0) {
        last = pg_lost(pg, "no pipeline");
    }
    return rc < 0 ? rc : last;
}

static int pg_prepare(struct db *db, struct err *err)
{
    struct db_postgres *pg = pg_of(db);
    int rc = 0;

    for (unsigned i = 0; i < db->options.stmt_count && rc == 0; i++) {
        const char *letters = db->options.stmts[i].params;
        Oid types[DB_PARAMS_MAX];
        char name[PG_NAME_SIZE];
        int count = 0;

        for (; letters[count] != '\0'; count++) {
            types[count] = letters[count] == 'i'   ? OID_INT8
                           : letters[count] == 't' ? OID_TEXT
                                                   : OID_BYTEA;
        }
        pg_stmt_name(i, name);
        if (PQsendPrepare(pg->conn, name, db_sql(db, i), count, types) == 0) {
            rc = pg_lost(pg, "sending failed");
        }
        pg_owe(pg, PG_SLOT_PREPARE, db->options.stmts[i].name, &(struct db_sink){ 0 });
    }
    if (rc == 0) {
        rc = pg_flush_all(pg);
    }
    return rc < 0 ? err_set(err, rc, "statement %s", db->error) : 0;
}

/* Every query of ours is a seek by a key or an index: the planner must never trade that for a
 * scan because a table was empty when it was last looked at. */
static int pg_setup(struct db_postgres *pg)
{
    char text[PG_SETUP_SIZE];
    int n =
        snprintf(text, sizeof(text),
                 "SET statement_timeout = %d; SET lock_timeout = %d;"
                 "SET idle_in_transaction_session_timeout = %d;"
                 "SET idle_session_timeout = 0;"
                 "SET enable_seqscan = off; SET enable_bitmapscan = off;"
                 "SET enable_hashjoin = off; SET enable_mergejoin = off;"
                 "SET plan_cache_mode = force_generic_plan; SET jit = off;%s",
                 pg->base.options.statement_timeout_ms, pg->base.options.statement_timeout_ms,
                 pg->base.options.statement_timeout_ms + PG_WAIT_MS_MARGIN,
                 pg->base.options.writer ? "SET synchronous_commit = on"
                                         : "SET default_transaction_read_only = on");

    ASSERT(n > 0 && n < PG_SETUP_SIZE);
    return pg_script(&pg->base, text);
}

/*
 * libpq repeats a text that it cannot parse in its message, with the password in it: parse it
 * first.
 */
static int pg_check_target(const char *target, struct err *err)
{
    char *message = NULL;
    PQconninfoOption *parsed = PQconninfoParse(target, &message);

    PQfreemem(message);
    if (parsed == NULL) {
        return err_set(err, -E_CONFIG,
                       "The database is not a URL like postgresql://user@host/name");
    }
    PQconninfoFree(parsed);
    return 0;
}

static int pg_connect(struct db_postgres *pg, struct err *err)
{
    /* Before dbname: what the URL may set otherwise; behind it: what it may not. */
    static const char *const keys[] = { "connect_timeout",
                                        "tcp_user_timeout",
                                        "keepalives_idle",
                                        "dbname",
                                        "application_name",
                                        "client_encoding",
                                        NULL };
    const char *const values[] = { "5",       "5000", "30", pg->base.options.target,
                                   "postern", "UTF8", NULL };
    const char *encoding;

    pg->conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(pg->conn) != CONNECTION_OK) {
        char *message = PQerrorMessage(pg->conn);

        message[strcspn(message, "\n")] = '\0';
        return err_set(err, -E_UNAVAILABLE, "PostgreSQL: %s", message);
    }
    (void)PQsetNoticeReceiver(pg->conn, pg_on_notice, pg);
    if (PQserverVersion(pg->conn) < PG_SERVER_MIN) {
        return err_set(err, -E_CONFIG, "PostgreSQL %d is too old; 15 or newer is needed",
                       PQserverVersion(pg->conn) / 10000);
    }
    encoding = PQparameterStatus(pg->conn, "server_encoding");
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
        return err_set(err, -E_CONFIG, "The PostgreSQL database must have the encoding UTF8");
    }
    return 0;
}

static void pg_close(struct db *db)
{
    struct db_postgres *pg = pg_of(db);

    PQfinish(pg->conn);
    free(pg->slots);
    free(pg);
}

static int pg_open(const struct db_options *options, struct db **ret_db, struct err *err)
{
    struct db_postgres *pg;
    int rc = pg_check_target(options->target, err);

    if (rc < 0) {
        return rc;
    }
    pg = xalloc(sizeof(*pg));
    pg->base.driver = &db_postgres_driver;
    pg->base.options = *options;
    rc = pg_connect(pg, err);
    if (rc < 0) {
        goto fail_connect;
    }
    if (PQsetnonblocking(pg->conn, 1) != 0 || PQenterPipelineMode(pg->conn) == 0) {
        rc = err_set(err, -E_UNAVAILABLE, "PostgreSQL: no pipeline mode");
        goto fail_connect;
    }
    rc = pg_setup(pg);
    if (rc < 0) {
        (void)err_set(err, rc, "PostgreSQL: %s", pg->base.error);
        goto fail_connect;
    }
    *ret_db = &pg->base;
    return 0;

fail_connect:
    pg_close(&pg->base);
    return rc;
}

const struct db_driver db_postgres_driver = {
    .open = pg_open,
    .close = pg_close,
    .script = pg_script,
    .prepare = pg_prepare,
    .begin = pg_begin,
    .run = pg_run,
    .flush = pg_flush,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .alive = pg_alive,
    .checkpoint = pg_checkpoint,
};
