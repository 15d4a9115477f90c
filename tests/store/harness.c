/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <dirent.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

static unsigned job_order;

bool harness_is_postgres(void)
{
    const char *store = getenv("TEST_STORE");

    return store != NULL && strcmp(store, "postgres") == 0;
}

/*
 * --- Databases
 * ----------------------------------------------------------------------------------
 */

static const char *admin_url(void)
{
    const char *url = getenv("TEST_POSTGRES_URL");

    if (url == NULL) {
        fail_msg(
            "TEST_STORE=postgres needs TEST_POSTGRES_URL: run it by scripts/with-postgres");
    }
    return url;
}

void harness_admin(const char *sql)
{
    PGconn *conn = PQconnectdb(admin_url());
    PGresult *result;
    ExecStatusType status;

    PQclear(PQexec(conn, "SET client_min_messages = error"));
    result = PQexec(conn, sql);
    status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    }
    PQclear(result);
    PQfinish(conn);
}

/* The administrator's URL with another database, as the text that store_open takes. */
static void make_url(const char *name, char *ret_url, size_t size)
{
    PQconninfoOption *options = PQconninfoParse(admin_url(), NULL);
    const char *separator = "?";
    size_t at;

    assert_non_null(options);
    at = (size_t)snprintf(ret_url, size, "postgresql:///%s", name);
    for (PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val != NULL && strcmp(o->keyword, "dbname") != 0) {
            at += (size_t)snprintf(ret_url + at, size - at, "%s%s=%s", separator, o->keyword,
                                   o->val);
            separator = "&";
        }
    }
    assert_true(at < size);
    PQconninfoFree(options);
}

void harness_name(const struct harness *h, char ret_name[32])
{
    (void)snprintf(ret_name, 32, "t%s", strrchr(h->dir, '.') + 1);
    for (char *p = ret_name; *p != '\0'; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32
                                           : *p); /* unquoted names fold to lower case */
    }
}

void harness_kick(const struct harness *h)
{
    char sql[HARNESS_TEXT];
    char name[32];

    harness_name(h, name);
    (void)snprintf(
        sql, sizeof(sql),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'", name);
    harness_admin(sql);
}

int harness_setup(void **state)
{
    struct harness *h = xalloc(sizeof(*h));
    const char *tmp = getenv("TMPDIR");
    char sql[HARNESS_TEXT];
    char name[32];

    (void)snprintf(h->dir, sizeof(h->dir), "%s/postern-store.XXXXXX",
                   tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(h->dir));
    h->kind = harness_is_postgres() ? DB_POSTGRES : DB_SQLITE;
    if (h->kind == DB_POSTGRES) {
        harness_name(h, name);
        (void)snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s", name);
        harness_admin(sql);
        (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
        harness_admin(sql);
        make_url(name, h->url, sizeof(h->url));
        h->open.database = h->url;
    }
    h->open.data_dir = h->dir;
    h->now = 1800000000000;
    id_maker_init(&h->ids, NULL);
    *state = h;
    return 0;
}

static void remove_dir(const char *path)
{
    DIR *dir = opendir(path);

    for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
        char file[2 * HARNESS_TEXT];

        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            (void)snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
            (void)unlink(file);
        }
    }
    (void)closedir(dir);
    (void)rmdir(path);
}

int harness_teardown(void **state)
{
    struct harness *h = *state;

    harness_stop(h);
    if (h->kind == DB_POSTGRES) {
        char sql[HARNESS_TEXT];
        char name[32];

        harness_name(h, name);
        (void)snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", name);
        harness_admin(sql);
        (void)snprintf(sql, sizeof(sql), "DROP TABLESPACE IF EXISTS %s", name);
        harness_admin(sql);
    }
    if (h->is_small) {
        char path[HARNESS_TEXT * 2];

        (void)snprintf(path, sizeof(path), "%s/small", h->dir);
        (void)umount2(path, MNT_DETACH);
        (void)rmdir(path);
    }
    remove_dir(h->dir);
    free(h);
    return 0;
}

bool harness_mount(struct harness *h, const char *size)
{
    char path[HARNESS_TEXT * 2];

    (void)snprintf(path, sizeof(path), "%s/small", h->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    if (mount("postern-test", path, "tmpfs", 0, size) != 0) {
        (void)rmdir(path);
        return false;
    }
    h->is_small = true;
    return true;
}

struct db *harness_connect(struct harness *h, bool writer)
{
    struct db_options options = h->options;
    struct db *db = NULL;
    struct err err = { 0 };

    options.writer = writer;
    if (db_open(&options, &db, &err) < 0 || db_prepare(db, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return db;
}

static int64_t postgres_int(struct harness *h, const char *sql)
{
    PGconn *conn = PQconnectdb(h->url);
    PGresult *result = PQexec(conn, sql);
    int64_t value;

    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    }
    value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    PQfinish(conn);
    return value;
}

int64_t harness_int(struct harness *h, const char *sql)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *stmt = NULL;
    int64_t value;

    if (h->kind == DB_POSTGRES) {
        return postgres_int(h, sql);
    }
    assert_int_equal(sqlite3_open(h->options.target, &handle), SQLITE_OK);
    if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    }
    value = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_close(handle);
    return value;
}

/*
 * --- The writer
 * ---------------------------------------------------------------------------------
 */

static void on_state(void *ctx, enum writer_state state)
{
    struct harness *h = ctx;

    h->state = state;
    h->full_count += state == WRITER_FULL;
    h->unavailable_count += state == WRITER_UNAVAILABLE;
}

static void on_fatal(void *ctx, const char *sentence)
{
    struct harness *h = ctx;

    h->fatal = true;
    (void)snprintf(h->sentence, sizeof(h->sentence), "%s", sentence);
}

void harness_start(struct harness *h)
{
    const struct writer_options options = {
        .db = &h->options,
        .queue_bytes_max = 64 << 20,
        .batch_rows_max = 1000,
        .batch_bytes_max = 4 << 20,
        .batch_ms_max = 10,
        .on_state = on_state,
        .on_fatal = on_fatal,
        .ctx = h,
    };
    struct err err = { 0 };

    if (!h->is_open && store_open(&h->open, &h->options, &err) < 0) {
        fail_msg("%s", err.text);
    }
    h->is_open = true;
    if (writer_start(&options, &h->writer, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

void harness_stop(struct harness *h)
{
    writer_stop(h->writer);
    h->writer = NULL;
    if (h->is_open) {
        store_close(&h->options);
        h->is_open = false;
    }
}

void harness_wait(struct harness *h, const bool *flag)
{
    int64_t deadline = clock_boot_ms() + HARNESS_WAIT_MS;

    while (!*flag) {
        struct pollfd fd = { .fd = writer_fd(h->writer), .events = POLLIN };
        int64_t left = deadline - clock_boot_ms();

        if (left <= 0) {
            fail_msg("it did not happen in time");
        }
        (void)poll(&fd, 1, (int)left);
        writer_dispatch(h->writer);
    }
}

/*
 * --- Writes
 * -------------------------------------------------------------------------------------
 */

static int job_on_run(struct write *write, struct db *db, struct write_seqs *seqs)
{
    struct job *job = CONTAINER_OF(write, struct job, write);

    return job->run(job->ctx, db, seqs);
}

static void job_on_done(struct write *write, int result)
{
    struct job *job = CONTAINER_OF(write, struct job, write);

    assert_false(job->done);
    job->done = true;
    job->result = result;
    job->order = ++job_order;
}

void job_submit(struct harness *h, struct job *job, enum write_class class)
{
    job->done = false;
    job->write.class = class;
    job->write.rows = job->write.rows == 0 ? 1 : job->write.rows;
    job->write.run = job_on_run;
    job->write.on_done = job_on_done;
    assert_int_equal(writer_submit(h->writer, &job->write), 0);
}

int job_run(struct harness *h, int (*run)(void *ctx, struct db *db, struct write_seqs *seqs),
            void *ctx)
{
    struct job job = { .run = run, .ctx = ctx };

    job_submit(h, &job, WRITE_OUTCOME);
    harness_wait(h, &job.done);
    return job.result;
}

static int gate_run(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct gate *gate = ctx;

    (void)db;
    (void)seqs;
    (void)pthread_mutex_lock(&gate->mutex);
    gate->entered = true;
    (void)pthread_cond_broadcast(&gate->cond);
    while (!gate->open) {
        (void)pthread_cond_wait(&gate->cond, &gate->mutex);
    }
    (void)pthread_mutex_unlock(&gate->mutex);
    return 0;
}

void gate_close(struct harness *h, struct gate *gate)
{
    *gate = (struct gate){ .job = { .run = gate_run, .ctx = gate } };
    (void)pthread_mutex_init(&gate->mutex, NULL);
    (void)pthread_cond_init(&gate->cond, NULL);
    job_submit(h, &gate->job, WRITE_OUTCOME);
    (void)pthread_mutex_lock(&gate->mutex);
    while (!gate->entered) {
        (void)pthread_cond_wait(&gate->cond, &gate->mutex);
    }
    (void)pthread_mutex_unlock(&gate->mutex);
}

void gate_open(struct gate *gate)
{
    (void)pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    (void)pthread_cond_broadcast(&gate->cond);
    (void)pthread_mutex_unlock(&gate->mutex);
}

static int publish_on_run(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct publish *pub = ctx;

    return event_insert(db, &pub->p, seqs);
}

void publish_init(struct harness *h, struct publish *pub, int64_t app, int64_t first_endpoint,
                  int fan, unsigned char hash)
{
    assert_true(fan <= HARNESS_FAN_MAX);
    *pub = (struct publish){ .job = { .run = publish_on_run, .ctx = pub } };
    pub->p.event = (struct event_row){
        .id = id_make(&h->ids, h->now),
        .app = app,
        .type = 7,
        .occurred_at = h->now - 5,
        .accepted_at = h->now,
        .body = STR("{\"hello\":\"world\"}"),
        .unmatched = STR("\0\0\0\0\0\0\0\x09\x01"),
        .delivery_count = fan,
        .sent_count = fan,
    };
    pub->p.deliveries = pub->deliveries;
    for (int i = 0; i < fan; i++) {
        pub->deliveries[i] = (struct delivery_row){
            .id = id_make(&h->ids, h->now),
            .app = app,
            .endpoint = first_endpoint + i,
            .type = 7,
            .state = DELIVERY_PENDING,
            .created_at = h->now,
        };
    }
    memset(pub->p.body_hash, hash, sizeof(pub->p.body_hash));
    pub->job.write.app = (uint32_t)app;
    pub->job.write.rows = (uint32_t)(1 + 2 * fan);
    pub->job.write.bytes = 200;
}

void publish_key(struct publish *pub, enum idem_kind kind, const char *key)
{
    pub->p.keys[pub->p.key_count++] = (struct idem_key){ kind, str_from(key) };
}

void publish_submit(struct harness *h, struct publish *pub)
{
    job_submit(h, &pub->job, WRITE_PUBLISH);
}

int publish_run(struct harness *h, struct publish *pub)
{
    publish_submit(h, pub);
    harness_wait(h, &pub->job.done);
    return pub->job.result;
}

static int outcome_on_run(void *ctx, struct db *db, struct write_seqs *seqs)
{
    struct outcome_job *oj = ctx;

    (void)seqs;
    return outcome_store(db, &oj->o);
}

void outcome_init(struct harness *h, struct outcome_job *oj, const struct delivery_row *d,
                  int32_t number, enum delivery_state state, bool was_open, int64_t next_at)
{
    *oj = (struct outcome_job){ .job = { .run = outcome_on_run, .ctx = oj } };
    oj->o.attempt = (struct attempt_row){
        .delivery = d->seq,
        .number = number,
        .started_at = h->now,
        .duration_us = 12345,
        .status_code = state == DELIVERY_DELIVERED ? 204 : 503,
        .phase_us = { 1, 2, -1, 3, 4 },
        .url = STR("https://example.com/hook"),
        .ip = STR("192.0.2.1"),
        .request_headers = STR("Content-Type: application/json\r\n"),
        .response_headers = STR("X: \xff\xfe\r\n"),
        .response_body = STR("a\0b"),
        .planned_next_at = next_at,
    };
    oj->o.delivery = *d;
    oj->o.delivery.state = state;
    oj->o.delivery.attempt_count = number;
    oj->o.delivery.next_at = next_at;
    oj->o.delivery.last_code = oj->o.attempt.status_code;
    oj->o.delivery.last_ms = 12;
    oj->o.is_open = state == DELIVERY_RETRYING || state == DELIVERY_PENDING;
    oj->o.delivery.ended_at = oj->o.is_open ? 0 : h->now;
    oj->o.was_open = was_open;
    oj->o.is_first = number == 1;
    oj->job.write.rows = 3;
    oj->job.write.bytes = 300;
}

void outcome_submit(struct harness *h, struct outcome_job *oj)
{
    job_submit(h, &oj->job, WRITE_OUTCOME);
}

int outcome_run(struct harness *h, struct outcome_job *oj)
{
    outcome_submit(h, oj);
    harness_wait(h, &oj->job.done);
    return oj->job.result;
}

uint32_t harness_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}
