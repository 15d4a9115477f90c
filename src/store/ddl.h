/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl.h - the schema steps that stand beside the SQL of their aggregate, for this floor only.
 *
 * A step is a pair of scripts, one per database, defined in the file of its aggregate as
 * ddl_<topic>_sqlite and ddl_<topic>_postgres, and one row at the end of the table in
 * migrations.c. A step that was released is never changed: a later one alters what it made.
 */
#ifndef STORE_DDL_H
#define STORE_DDL_H

/* What people configure: tables of one shape (config_rows.h). */
#define CONFIG_SQLITE(table)                                                                   \
    "CREATE TABLE " table " ("                                                                 \
    " no INTEGER PRIMARY KEY, id BLOB NOT NULL, parent INTEGER NOT NULL, slug TEXT,"           \
    " config TEXT NOT NULL, sealed BLOB NOT NULL, version INTEGER NOT NULL,"                   \
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER NOT NULL"   \
    ") STRICT;"                                                                                \
    "CREATE UNIQUE INDEX " table "_slug ON " table " (parent, slug) WHERE deleted_at = 0;"
#define CONFIG_POSTGRES(table)                                                                 \
    "CREATE TABLE " table " ("                                                                 \
    " no BIGINT PRIMARY KEY, id BYTEA NOT NULL, parent BIGINT NOT NULL, slug TEXT COLLATE "    \
    "\"C\","                                                                                   \
    " config TEXT COLLATE \"C\" NOT NULL, sealed BYTEA NOT NULL, version BIGINT NOT NULL,"     \
    " created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted_at BIGINT NOT NULL);"    \
    "CREATE UNIQUE INDEX " table "_slug ON " table " (parent, slug) WHERE deleted_at = 0;"

extern const char ddl_payload_sqlite[];
extern const char ddl_payload_postgres[];
extern const char ddl_notice_sqlite[];
extern const char ddl_notice_postgres[];
extern const char ddl_replay_sqlite[];
extern const char ddl_replay_postgres[];
extern const char ddl_audit_sqlite[], ddl_audit_postgres[];
extern const char ddl_tally_sqlite[], ddl_tally_postgres[];
extern const char ddl_ledger_sqlite[], ddl_ledger_postgres[];
extern const char ddl_health_sqlite[], ddl_health_postgres[];
extern const char ddl_usage_sqlite[], ddl_usage_postgres[];
extern const char ddl_outbox_sqlite[], ddl_outbox_postgres[];
extern const char ddl_member_sqlite[], ddl_member_postgres[];

extern const char ddl_retention_sqlite[];
extern const char ddl_retention_postgres[];

#endif
