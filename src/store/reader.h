/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - two to four threads with read-only connections. A read runs in one of them, each
 * page in a transaction of its own, and comes back to the main thread through one eventfd.
 */
#ifndef STORE_READER_H
#define STORE_READER_H

#include <stddef.h>

#include "base/err.h"
#include "base/list.h"

struct db;
struct db_options;
struct readers;

struct read {
    struct list_node node; /* the readers' */
    /* Reader thread. Results go into memory that the read owns (its request's arena is
     * untouched by the main thread meanwhile). */
    int (*run)(struct read *r, struct db *db);
    void (*on_done)(struct read *r, int result); /* main thread, once */
    int result;
};

NODISCARD int readers_start(const struct db_options *db, unsigned threads, size_t queue_max,
                            struct readers **ret_readers, struct err *err);
NODISCARD int readers_submit(struct readers *rs, struct read *read); /* -E_BUSY: not taken */
int readers_fd(const struct readers *rs);
void readers_dispatch(struct readers *rs);
void readers_stop(
    struct readers *rs); /* NULL allowed; finishes what runs, on_done of all is called */

/*
 * At start, before there are readers: run one read on a connection of its own, in this thread.
 * err gets a sentence of the database's when run left none.
 */
NODISCARD int reader_once(const struct db_options *db,
                          int (*run)(void *ctx, struct db *db, struct err *err), void *ctx,
                          struct err *err);

#endif
