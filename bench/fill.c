/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.c - a log that is already there: COUNT delivered events of 1 KB over APPS apps, written through the store's
 * own writer as the server would.
 *
 *   fill DIR COUNT APPS            SQLite in DIR
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "rows.h"
#include "store/store.h"
#include "store/writer.h"

enum { BATCH = 500, BODY_SIZE = 1024 };

struct batch {
    struct write write;
    struct bench_rows rows[BATCH];
    bool is_done;
};

static int batch_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct batch *b = CONTAINER_OF(w, struct batch, write);
    int rc = 0;

    for (int i = 0; i < BATCH && rc == 0; i++) {
        rc = event_insert(db, &b->rows[i].publish, seqs);
        if (rc == 0) {
            rows_outcome(&b->rows[i]);
            rc = outcome_store(db, &b->rows[i].outcome);
        }
    }
    return rc;
}

static void batch_done(struct write *w, int result)
{
    if (result != 0) {
        (void)fprintf(stderr, "fill: %s\n", err_text(result));
        exit(1);
    }
    CONTAINER_OF(w, struct batch, write)->is_done = true;
}

int main(int argc, char **argv)
{
    static char body[BODY_SIZE];
    struct store_open open = { 0 };
    struct db_options db;
    struct writer *writer;
    struct id_maker ids;
    struct batch *b = xalloc(sizeof(*b));
    struct err err = { .text = "" };
    long count;
    long apps;

    if (argc != 4) {
        (void)fprintf(stderr, "usage: fill DIR COUNT APPS\n");
        return 2;
    }
    count = strtol(argv[2], NULL, 10);
    apps = strtol(argv[3], NULL, 10);
    memset(body, 'x', sizeof(body));
    id_maker_init(&ids, NULL);
    open.data_dir = argv[1];
    if (store_open(&open, &db, &err) != 0 ||
        writer_start(&(struct writer_options){ .db = &db,
                                               .queue_bytes_max = 64 << 20,
                                               .batch_rows_max = 1000,
                                               .batch_bytes_max = 4 << 20,
                                               .batch_ms_max = 1000 },
                     &writer, &err) != 0) {
        (void)fprintf(stderr, "fill: %s\n", err.text);
        return 1;
    }
    for (long done = 0; done < count; done += BATCH) {
        struct pollfd p = { .fd = writer_fd(writer), .events = POLLIN };

        for (int i = 0; i < BATCH; i++) {
            rows_fill(&b->rows[i], &ids, (done + i) % apps + 1,
                      (struct str){ body, sizeof(body) }, done + i);
        }
        b->is_done = false;
        b->write = (struct write){ .class = WRITE_PUBLISH,
                                   .rows = BATCH,
                                   .bytes = BATCH * 2048,
                                   .run = batch_run,
                                   .on_done = batch_done };
        if (writer_submit(writer, &b->write) != 0) {
            return 1;
        }
        while (!b->is_done) {
            (void)poll(&p, 1, -1);
            writer_dispatch(writer);
        }
    }
    writer_stop(writer);
    free(b);
    return 0;
}
