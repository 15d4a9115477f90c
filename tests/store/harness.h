/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness.h - a fresh store for each test, on the database that TEST_STORE names (sqlite, or
 * postgres with TEST_POSTGRES_URL), and writes that remember what became of them.
 */
#ifndef TESTS_STORE_HARNESS_H
#define TESTS_STORE_HARNESS_H

/* clang-format off */
/* cmocka.h needs the others before it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/id.h"
#include "db/db.h"
#include "store/delivery.h"
#include "store/event.h"
#include "store/store.h"
#include "store/writer.h"

enum { HARNESS_TEXT = 512, HARNESS_FAN_MAX = 8, HARNESS_WAIT_MS = 20 * 1000 };

struct harness {
    enum db_kind kind;
    char dir[HARNESS_TEXT]; /* data directory */
    char url[HARNESS_TEXT]; /* PostgreSQL: a database of this test's own; else empty */
    struct store_open open;
    struct db_options options; /* of the opened store */
    bool is_open;
    bool is_small; /* a small file system is mounted at dir/small */
    struct writer *writer;
    struct id_maker ids;
    int64_t now; /* wall time that the test gives to its rows */

    /* What the writer told. */
    enum writer_state state;
    unsigned full_count;
    unsigned unavailable_count;
    bool fatal;
    char sentence[HARNESS_TEXT];
};

bool harness_is_postgres(void);

/* cmocka fixtures: a directory and a database, nothing opened. */
int harness_setup(void **state);
int harness_teardown(void **state);

/* Open the store (once) and start the writer; stop both. */
void harness_start(struct harness *h);
void harness_stop(struct harness *h);

/* A connection of the test's own to the same store; prepared. */
struct db *harness_connect(struct harness *h, bool writer);
/* Mount a small file system at dir/small; false when we may not. The teardown unmounts it,
 * and drops a tablespace named as the test's database. */
bool harness_mount(struct harness *h, const char *size);
void harness_name(const struct harness *h, char ret_name[32]); /* of the test's database */
/* One integer from the database, by a connection of the test's own and by any SQL text. */
int64_t harness_int(struct harness *h, const char *sql);
/* Run a script as the server's administrator (PostgreSQL). */
void harness_admin(const char *sql);
/* Let the server drop every connection to this test's database (PostgreSQL). */
void harness_kick(const struct harness *h);

/* Dispatch until *flag, or fail the test after HARNESS_WAIT_MS. */
void harness_wait(struct harness *h, const bool *flag);

/*
 * --- Writes
 * -------------------------------------------------------------------------------------
 */

/* Any work; `run` gets the job by its ctx. */
struct job {
    struct write write;
    int (*run)(void *ctx, struct db *db, struct write_seqs *seqs);
    void *ctx;
    bool done;
    int result;
    unsigned order; /* the how manieth completion of the process */
};
void job_submit(struct harness *h, struct job *job, enum write_class class);
/* Submit as an outcome (so it is never refused), wait, and return its result. */
int job_run(struct harness *h, int (*run)(void *ctx, struct db *db, struct write_seqs *seqs),
            void *ctx);

/*
 * The writer thread waits in a first write, until the test has queued what it wants in one
 * batch.
 */
struct gate {
    struct job job;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool entered;
    bool open;
};
void gate_close(struct harness *h, struct gate *gate); /* returns when the writer is in it */
void gate_open(struct gate *gate);

/* A publish of one event to `fan` endpoints. */
struct publish {
    struct job job;
    struct event_publish p;
    struct delivery_row deliveries[HARNESS_FAN_MAX];
};
/* Endpoints are first_endpoint, +1, ...; hash of the body is 32 times `hash`. */
void publish_init(struct harness *h, struct publish *pub, int64_t app, int64_t first_endpoint,
                  int fan, unsigned char hash);
void publish_key(struct publish *pub, enum idem_kind kind, const char *key);
void publish_submit(struct harness *h, struct publish *pub);
/* Submit and wait. */
int publish_run(struct harness *h, struct publish *pub);

/* An outcome of attempt `number` of a delivery. */
struct outcome_job {
    struct job job;
    struct outcome o;
};
void outcome_init(struct harness *h, struct outcome_job *oj, const struct delivery_row *d,
                  int32_t number, enum delivery_state state, bool was_open, int64_t next_at);
void outcome_submit(struct harness *h, struct outcome_job *oj);
int outcome_run(struct harness *h, struct outcome_job *oj);

/* Deterministic numbers for generated histories. */
uint32_t harness_random(uint64_t *seed);

#endif
