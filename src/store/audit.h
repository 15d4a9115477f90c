/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - who changed what, when and why: append-only, each row bound to the one before.
 *
 * Every project has a chain of its own, numbered 1, 2, 3 without a gap. hash = SHA-256 of the
 * row's predecessor's hash and of all its fields (audit_hash), seal = a keyed hash of that, so
 * that who can write to the database but has no key file cannot make a chain anew. A row is
 * written inside the transaction of the change that it tells of (audit_append in the write's
 * run), so neither stands without the other. Retention takes rows from the old end and leaves
 * the hash of the last one taken (the anchor); the newest row of a project always stays.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct db;
struct keyring;

enum {
    AUDIT_HASH_SIZE = 32,
    AUDIT_NAME_MAX = 300,          /* names, ids, tokens */
    AUDIT_REASON_MAX = 1000,       /* why, as a person said it */
    AUDIT_DETAILS_MAX = 16 * 1024, /* JSON */
    AUDIT_SCAN_MAX = 1000          /* rows of one look of audit_scan */
};

/* What is to be written. Strings are UTF-8 without U+0000, empty or NULL when there is none;
 * longer ones are cut (details: an error). Never a secret, never a payload. */
struct audit_entry {
    const struct keyring *keyring; /* seals the row; must not be NULL */
    int64_t at;                    /* wall ms */
    int64_t project;               /* no */
    int64_t app;                   /* no, 0 = none */
    struct str actor_kind;         /* "key", "member", "ticket", "system" */
    struct str actor_id;           /* "key_..." */
    struct str actor_name;
    struct str address; /* of the client */
    struct str action;  /* token: "endpoint.updated" */
    struct str target;  /* id, or the name of an event type */
    struct str reason;
    struct str details; /* JSON object, or empty */
};

struct audit_row {
    int64_t number;
    struct audit_entry entry; /* without the keyring */
    struct str hash;
    struct str seal;
};

/* Inside a write's run. What the entry names is borrowed until the write's on_done. */
NODISCARD int audit_append(struct db *db, const struct audit_entry *entry);

/* The same after db_exec_changes: nothing when it changed no row (a lost race). */
NODISCARD int audit_append_if(struct db *db, const int64_t *changes,
                              const struct audit_entry *entry);

/* One block of memory with everything in it, for a write of one's own; free(). */
struct audit_entry *audit_copy(const struct audit_entry *entry);

/* --- reader side; strings go into the arena */
struct audit_query {
    int64_t project;
    int64_t app;          /* 0 = any */
    struct str actor;     /* actor_id, empty = any */
    struct str action;    /* a token; one that ends with "." is a beginning; empty = any */
    struct str target;    /* empty = any */
    int64_t since, until; /* wall ms, 0 = open; until is exclusive */
    int64_t after;        /* number, exclusive in the direction of travel; 0 = from the end */
    bool ascending;
    uint32_t limit;
};
NODISCARD int audit_list(struct db *db, const struct audit_query *q, struct arena *arena,
                         struct audit_row **ret_rows, size_t *ret_count);

/* Where the check of a project's chain stands. Begin with zeroes and project set. */
struct audit_check {
    int64_t project;
    int64_t first;  /* number of the first row there is, 0 = none */
    int64_t number; /* last row that was looked at */
    int64_t rows;
    unsigned char hash[AUDIT_HASH_SIZE]; /* of that row */
    int64_t broken;                      /* number of the first row that is wrong, 0 = none */
    const char *fault;                   /* "missing", "changed", "unsealed" */
    bool at_end;
};
/* The next AUDIT_SCAN_MAX rows; stops at the first broken one. */
NODISCARD int audit_scan(struct db *db, const struct keyring *keyring,
                         struct audit_check *check);

/* Where the chains end that grew after a time: for the log, which an intruder cannot reach. */
struct audit_end {
    int64_t project;
    int64_t number;
    int64_t at;
    unsigned char hash[AUDIT_HASH_SIZE];
};
enum { AUDIT_ENDS_MAX = 64 };
/* Inside a write's run, the oldest first. */
NODISCARD int audit_ends(struct db *db, int64_t after_ms,
                         struct audit_end ret_ends[AUDIT_ENDS_MAX], size_t *ret_count);

/* --- retention, inside a write's run: at most rows_max rows that are older */
NODISCARD int audit_expire(struct db *db, int64_t before_ms, uint32_t rows_max, bool *ret_more);

#endif
