/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot tables begin with a seq that the writer gives, so that new rows go to the end. An
 * index that is not led by time costs about 15 us and 15 KB an event on SQLite; those there
 * are stand here with the query that needs them:
 *   event(id), delivery(id)   GET by id; UUIDv7, so led by time
 *   event(app, seq)           an app's list of events
 *   delivery(endpoint, seq)   an endpoint's list of deliveries; an app's list merges its
 * endpoints
 *   idempotency(created_at)   expiring keys; led by time
 *   replay(id), replay(app), replay(state)   the jobs: a few rows a day
 * On SQLite the index on (app, seq) is one on (app): the rowid, which is seq, stands behind
 * every entry.
 *
 * PostgreSQL: an update of `delivery` touches no index, and half of each page is left free,
 * so it is HOT.
 */
#include "store/migrations.h"

#include <stddef.h>

#include "db/db.h"
#include "store/ddl.h"
#include "store/sql.h"

enum { MIGRATION_TIMEOUT_MS = 600 * 1000 };

/* meta comes first, outside the numbered steps: it says where they stand. */
static const char meta_sqlite[] =
    "CREATE TABLE IF NOT EXISTS meta ("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " schema_version INTEGER NOT NULL,"
    " min_version INTEGER NOT NULL,"
    " key_check BLOB NOT NULL,"
    " expire_seq INTEGER NOT NULL) STRICT;"
    "INSERT INTO meta (id, schema_version, min_version, key_check, expire_seq)"
    " VALUES (1, 0, 0, x'', 0) ON CONFLICT DO NOTHING;";
static const char meta_postgres[] =
    "CREATE TABLE IF NOT EXISTS meta ("
    " id BIGINT PRIMARY KEY CHECK (id = 1),"
    " schema_version BIGINT NOT NULL,"
    " min_version BIGINT NOT NULL,"
    " key_check BYTEA NOT NULL,"
    " expire_seq BIGINT NOT NULL);"
    "INSERT INTO meta (id, schema_version, min_version, key_check, expire_seq)"
    " VALUES (1, 0, 0, '', 0) ON CONFLICT DO NOTHING;";

/* Step 1: the lane and the configuration. */
static const char step1_sqlite[] =
    "CREATE TABLE lane ("
    " id INTEGER PRIMARY KEY,"
    " epoch INTEGER NOT NULL,"
    " CONSTRAINT " DB_FENCE_CONSTRAINT " CHECK (epoch >= 0)) STRICT;"
    "INSERT INTO lane (id, epoch) VALUES (0, 0);"

    CONFIG_SQLITE("project") CONFIG_SQLITE("app") CONFIG_SQLITE("endpoint")
        CONFIG_SQLITE("event_type") CONFIG_SQLITE("api_key");

static const char step1_postgres[] =
    "CREATE TABLE lane ("
    " id BIGINT PRIMARY KEY,"
    " epoch BIGINT NOT NULL,"
    " CONSTRAINT " DB_FENCE_CONSTRAINT " CHECK (epoch >= 0)) WITH (fillfactor = 10);"
    "INSERT INTO lane (id, epoch) VALUES (0, 0);"

    CONFIG_POSTGRES("project") CONFIG_POSTGRES("app") CONFIG_POSTGRES("endpoint")
        CONFIG_POSTGRES("event_type") CONFIG_POSTGRES("api_key");

/* Step 2: events and what becomes of them. */
static const char step2_sqlite[] =
    "CREATE TABLE event ("
    " seq INTEGER PRIMARY KEY, id BLOB NOT NULL, app INTEGER NOT NULL, type INTEGER NOT NULL,"
    " occurred_at INTEGER NOT NULL, accepted_at INTEGER NOT NULL, flags INTEGER NOT NULL,"
    " first_delivery INTEGER NOT NULL, delivery_count INTEGER NOT NULL,"
    " sent_count INTEGER NOT NULL, external_id TEXT, unmatched BLOB NOT NULL,"
    " body BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX event_id ON event (id);"
    "CREATE INDEX event_app ON event (app);"

    "CREATE TABLE delivery ("
    " seq INTEGER PRIMARY KEY, id BLOB NOT NULL, event INTEGER NOT NULL, app INTEGER NOT NULL,"
    " endpoint INTEGER NOT NULL, type INTEGER NOT NULL, state INTEGER NOT NULL,"
    " reason INTEGER NOT NULL, attempt_count INTEGER NOT NULL, next_at INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, last_code INTEGER NOT NULL,"
    " last_error INTEGER NOT NULL, last_ms INTEGER NOT NULL,"
    " replay_of INTEGER, batch_id BLOB, body BLOB) STRICT;"
    "CREATE UNIQUE INDEX delivery_id ON delivery (id);"
    "CREATE INDEX delivery_endpoint ON delivery (endpoint);"

    "CREATE TABLE attempt ("
    " delivery INTEGER NOT NULL, number INTEGER NOT NULL, started_at INTEGER NOT NULL,"
    " duration_us INTEGER NOT NULL, status_code INTEGER NOT NULL, error INTEGER NOT NULL,"
    " dns_us INTEGER NOT NULL, connect_us INTEGER NOT NULL, tls_us INTEGER NOT NULL,"
    " wait_us INTEGER NOT NULL, read_us INTEGER NOT NULL, flags INTEGER NOT NULL,"
    " planned_next_at INTEGER NOT NULL, detail BLOB NOT NULL, url BLOB NOT NULL,"
    " ip BLOB NOT NULL, request_headers BLOB NOT NULL, response_headers BLOB NOT NULL,"
    " response_body BLOB NOT NULL, PRIMARY KEY (delivery, number)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE due ("
    " endpoint INTEGER NOT NULL, next_at INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (endpoint, next_at, seq)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE idempotency ("
    " app INTEGER NOT NULL, kind INTEGER NOT NULL, key BLOB NOT NULL, event_id BLOB NOT NULL,"
    " hash BLOB NOT NULL, type INTEGER NOT NULL, sent_count INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, PRIMARY KEY (app, kind, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX idempotency_created ON idempotency (created_at);"

    "CREATE TABLE endpoint_success (endpoint INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE rollup ("
    " bucket INTEGER NOT NULL, endpoint INTEGER NOT NULL, ok INTEGER NOT NULL,"
    " failed INTEGER NOT NULL, first_ok INTEGER NOT NULL, ms_min INTEGER NOT NULL,"
    " ms_sum INTEGER NOT NULL, ms_max INTEGER NOT NULL, h0 INTEGER NOT NULL,"
    " h1 INTEGER NOT NULL, h2 INTEGER NOT NULL, h3 INTEGER NOT NULL, h4 INTEGER NOT NULL,"
    " h5 INTEGER NOT NULL, h6 INTEGER NOT NULL, h7 INTEGER NOT NULL, h8 INTEGER NOT NULL,"
    " h9 INTEGER NOT NULL, h10 INTEGER NOT NULL, h11 INTEGER NOT NULL,"
    " PRIMARY KEY (bucket, endpoint)) STRICT, WITHOUT ROWID;";

static const char step2_postgres[] =
    "CREATE TABLE event ("
    " seq BIGINT PRIMARY KEY, id BYTEA NOT NULL, app BIGINT NOT NULL, type BIGINT NOT NULL,"
    " occurred_at BIGINT NOT NULL, accepted_at BIGINT NOT NULL, flags BIGINT NOT NULL,"
    " first_delivery BIGINT NOT NULL, delivery_count BIGINT NOT NULL,"
    " sent_count BIGINT NOT NULL, external_id TEXT COLLATE \"C\", unmatched BYTEA NOT NULL,"
    " body BYTEA NOT NULL);"
    "CREATE UNIQUE INDEX event_id ON event (id);"
    "CREATE INDEX event_app ON event (app, seq);"

    "CREATE TABLE delivery ("
    " seq BIGINT PRIMARY KEY, id BYTEA NOT NULL, event BIGINT NOT NULL, app BIGINT NOT NULL,"
    " endpoint BIGINT NOT NULL, type BIGINT NOT NULL, state BIGINT NOT NULL,"
    " reason BIGINT NOT NULL, attempt_count BIGINT NOT NULL, next_at BIGINT NOT NULL,"
    " created_at BIGINT NOT NULL, ended_at BIGINT NOT NULL, last_code BIGINT NOT NULL,"
    " last_error BIGINT NOT NULL, last_ms BIGINT NOT NULL,"
    " replay_of BIGINT, batch_id BYTEA, body BYTEA) WITH (fillfactor = 50);"
    "CREATE UNIQUE INDEX delivery_id ON delivery (id);"
    "CREATE INDEX delivery_endpoint ON delivery (endpoint, seq);"

    "CREATE TABLE attempt ("
    " delivery BIGINT NOT NULL, number BIGINT NOT NULL, started_at BIGINT NOT NULL,"
    " duration_us BIGINT NOT NULL, status_code BIGINT NOT NULL, error BIGINT NOT NULL,"
    " dns_us BIGINT NOT NULL, connect_us BIGINT NOT NULL, tls_us BIGINT NOT NULL,"
    " wait_us BIGINT NOT NULL, read_us BIGINT NOT NULL, flags BIGINT NOT NULL,"
    " planned_next_at BIGINT NOT NULL, detail BYTEA NOT NULL, url BYTEA NOT NULL,"
    " ip BYTEA NOT NULL, request_headers BYTEA NOT NULL, response_headers BYTEA NOT NULL,"
    " response_body BYTEA NOT NULL, PRIMARY KEY (delivery, number));"

    "CREATE TABLE due ("
    " endpoint BIGINT NOT NULL, next_at BIGINT NOT NULL, seq BIGINT NOT NULL,"
    " PRIMARY KEY (endpoint, next_at, seq)) WITH (autovacuum_vacuum_scale_factor = 0.02,"
    " autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);"

    "CREATE TABLE idempotency ("
    " app BIGINT NOT NULL, kind BIGINT NOT NULL, key BYTEA NOT NULL, event_id BYTEA NOT NULL,"
    " hash BYTEA NOT NULL, type BIGINT NOT NULL, sent_count BIGINT NOT NULL,"
    " created_at BIGINT NOT NULL, PRIMARY KEY (app, kind, key));"
    "CREATE INDEX idempotency_created ON idempotency (created_at);"

    "CREATE TABLE endpoint_success (endpoint BIGINT PRIMARY KEY, at BIGINT NOT NULL);"
    "CREATE TABLE rollup ("
    " bucket BIGINT NOT NULL, endpoint BIGINT NOT NULL, ok BIGINT NOT NULL,"
    " failed BIGINT NOT NULL, first_ok BIGINT NOT NULL, ms_min BIGINT NOT NULL,"
    " ms_sum BIGINT NOT NULL, ms_max BIGINT NOT NULL, h0 BIGINT NOT NULL,"
    " h1 BIGINT NOT NULL, h2 BIGINT NOT NULL, h3 BIGINT NOT NULL, h4 BIGINT NOT NULL,"
    " h5 BIGINT NOT NULL, h6 BIGINT NOT NULL, h7 BIGINT NOT NULL, h8 BIGINT NOT NULL,"
    " h9 BIGINT NOT NULL, h10 BIGINT NOT NULL, h11 BIGINT NOT NULL,"
    " PRIMARY KEY (bucket, endpoint)) WITH (fillfactor = 50);";

/*
 * Step n is at [n - 1]. min_version: the oldest schema version whose binary may still write
 * after it.
 */
static const struct {
    int64_t min_version;
    const char *sqlite;
    const char *postgres;
} migration_steps[] = {
    { 1, step1_sqlite, step1_postgres },
    { 2, step2_sqlite, step2_postgres },
    { 2, ddl_notice_sqlite, ddl_notice_postgres },
    { 2, ddl_replay_sqlite, ddl_replay_postgres },
    { 2, ddl_audit_sqlite, ddl_audit_postgres },
    { 2, ddl_tally_sqlite, ddl_tally_postgres },
    { 2, ddl_health_sqlite, ddl_health_postgres },
    /* An older one would send the raw event where a transform or a filter says otherwise. */
    { 8, ddl_payload_sqlite, ddl_payload_postgres },
    { 8, ddl_usage_sqlite, ddl_usage_postgres },
    { 8, ddl_outbox_sqlite, ddl_outbox_postgres },
    { 2, ddl_ledger_sqlite, ddl_ledger_postgres },
    { 2, ddl_member_sqlite, ddl_member_postgres },
    { 8, ddl_retention_sqlite, ddl_retention_postgres },
};

enum migration_stmt { MIGRATION_READ, MIGRATION_WRITE };

static const struct db_stmt migration_stmts[] = {
    [MIGRATION_READ] = { "migration_read",
                         "SELECT schema_version, min_version FROM meta WHERE id = 1", NULL,
                         "" },
    [MIGRATION_WRITE] = { "migration_write",
                          "UPDATE meta SET schema_version = $1, min_version = $2 WHERE id = 1",
                          NULL, "ii" },
};

struct migration_version {
    int64_t schema;
    int64_t min;
};

static int migration_on_row(void *ctx, const struct db_value *columns, size_t count)
{
    struct migration_version *version = ctx;

    (void)count;
    version->schema = columns[0].i;
    version->min = columns[1].i;
    return 0;
}

static int migrations_apply(struct db *db, struct err *err)
{
    const int64_t latest = (int64_t)SQL_COUNT(migration_steps);
    struct migration_version at = { 0 };
    struct db_value params[2];
    int64_t min = 0;
    int rc = sql_read(db, MIGRATION_READ, NULL, 0, migration_on_row, &at);

    if (rc < 0) {
        return err_set(err, rc, "The database refused: %s", db_error(db));
    }
    if (at.min > latest) {
        return err_set(
            err, -E_CONFLICT,
            "This database was changed by a newer Postern (schema %d, this one has %d)",
            (int)at.schema, (int)latest);
    }
    if (at.schema >= latest) {
        return 0;
    }
    for (int64_t step = 0; step < latest; step++) {
        min = migration_steps[step].min_version > min ? migration_steps[step].min_version : min;
    }
    for (int64_t step = at.schema; step < latest; step++) {
        rc = db_script(db,
                       db_kind(db) == DB_SQLITE ? migration_steps[step].sqlite
                                                : migration_steps[step].postgres,
                       err);
        if (rc < 0) {
            return rc;
        }
    }
    params[0] = db_int(latest);
    params[1] = db_int(min);
    rc = db_exec(db, MIGRATION_WRITE, params, SQL_COUNT(params));
    return rc < 0 ? err_set(err, rc, "The database refused: %s", db_error(db)) : 0;
}

static int migrations_transaction(struct db *db, struct err *err)
{
    int rc = db_begin(db);

    if (rc < 0) {
        (void)err_set(err, rc, "The database refused: %s", db_error(db));
    } else if (db_kind(db) == DB_POSTGRES) {
        rc = db_script(db,
                       "SET LOCAL lock_timeout = '2s';"
                       "SELECT pg_advisory_xact_lock(hashtext('postern schema'))",
                       err);
    }
    if (rc == 0) {
        rc = migrations_apply(db, err);
    }
    if (rc == 0) {
        rc = db_commit(db);
        if (rc < 0) {
            (void)err_set(err, rc, "The database refused: %s", db_error(db));
        }
    }
    if (rc < 0) {
        db_rollback(db);
    }
    return rc;
}

int migrations_run(const struct db_options *options, struct err *err)
{
    struct db_options mine = *options;
    struct db *db;
    int rc;

    mine.writer = true;
    mine.stmts = migration_stmts;
    mine.stmt_count = SQL_COUNT(migration_stmts);
    mine.statement_timeout_ms = MIGRATION_TIMEOUT_MS;
    rc = db_open(&mine, &db, err);
    if (rc < 0) {
        return rc;
    }
    rc = db_script(db, mine.kind == DB_SQLITE ? meta_sqlite : meta_postgres, err);
    if (rc == 0) {
        rc = db_prepare(db, err);
    }
    if (rc == 0) {
        rc = migrations_transaction(db, err);
    }
    db_close(db);
    return rc;
}
