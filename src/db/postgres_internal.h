/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_internal.h - shared by postgres.c (opening, settings, preparing) and
 * postgres_pipeline.c (one transaction: sending, waiting, reading the answers).
 */
#ifndef DB_POSTGRES_INTERNAL_H
#define DB_POSTGRES_INTERNAL_H

#include <libpq-fe.h>

#include "base/list.h"
#include "db/db_internal.h"

/* pg_type.dat: these numbers are part of the wire protocol's stability promise. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25
};

enum {
    PG_NAME_SIZE = 12,
    PG_WAIT_MS_MARGIN = 5000, /* beyond the server's own statement timeout */
};

enum pg_slot_kind { PG_SLOT_STATEMENT, PG_SLOT_PREPARE, PG_SLOT_COMMIT, PG_SLOT_SYNC };

/* One answer that the server owes. */
struct pg_slot {
    enum pg_slot_kind kind;
    const char *name; /* for the sentence of an error */
    struct db_sink sink;
};

struct db_postgres {
    struct db base;
    PGconn *conn;
    struct pg_slot *slots; /* owed answers, oldest first: [head, count) */
    size_t head;
    size_t count;
    size_t cap;
    size_t unflushed; /* bytes of parameters since the last PQflush */
    bool lost;        /* the connection is not usable any more */
    bool committing;  /* COMMIT was sent: from here a lost connection is an unknown outcome */
    bool committed;   /* and its answer came */
    bool warned;      /* the server warned while committing */
    bool muted;       /* rolling back: no callback fires, no error is kept */
};

static inline struct db_postgres *pg_of(struct db *db)
{
    return CONTAINER_OF(db, struct db_postgres, base);
}

/* The connection is gone; what it means for the transaction under way is the code returned. */
int pg_lost(struct db_postgres *pg, const char *why);
void pg_on_notice(void *ctx, const PGresult *result);
/* The server owes one more answer. */
void pg_owe(struct db_postgres *pg, enum pg_slot_kind kind, const char *name,
            const struct db_sink *sink);
/* Read one slot's results: one and a NULL behind it, or the mark of a sync point. */
int pg_read_slot(struct db_postgres *pg, const struct pg_slot *slot);
/* A sync point, and every answer up to it. */
int pg_flush_all(struct db_postgres *pg);
/* The name of a prepared statement. */
void pg_stmt_name(unsigned index, char ret_name[PG_NAME_SIZE]);

/* The transaction's part of the driver table. */
int pg_begin(struct db *db);
int pg_run(struct db *db, unsigned index, const struct db_value *params, size_t count,
           const struct db_sink *sink);
int pg_flush(struct db *db);
int pg_commit(struct db *db);
void pg_rollback(struct db *db);

#endif
