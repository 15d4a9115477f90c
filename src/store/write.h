/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.h - one unit of work for the writer thread, all or nothing.
 *
 * The owner embeds struct write, fills it, and submits it from the main thread. `run` is
 * called in the writer thread inside a transaction that began with the fence; it may be
 * called again (the batch was run again in halves), so it must set, not add. `on_done` is
 * called once, on the main thread, after the commit (result 0) or with the write's own error;
 * in order of commit. Memory stays with the owner throughout.
 */
#ifndef STORE_WRITE_H
#define STORE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

struct db;
struct write;

/* Numbers that the writer gives in commit order; a write takes what it needs inside run. */
struct write_seqs {
    int64_t event;    /* last event seq given */
    int64_t delivery; /* last delivery seq given */
};

enum write_class {
    WRITE_OUTCOME, /* outcomes and loads (barriers): first, strictly in order of submission */
    WRITE_PUBLISH, /* publishes and edits by API: fair by app */
    WRITE_BACKGROUND, /* replay, retention: at most a fifth of the rows */
    WRITE_CLASSES
};

struct write {
    struct list_node node; /* the writer's */
    enum write_class class;
    uint32_t app;  /* number for fairness among publishes; 0 for edits */
    uint32_t rows; /* about how many rows it touches, for the batch limits */
    size_t bytes;  /* about how many bytes it stores */
    int (*run)(struct write *w, struct db *db, struct write_seqs *seqs);
    void (*on_done)(struct write *w, int result);
    int result; /* the writer's */
};

#endif
