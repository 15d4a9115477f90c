/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer_queue.h - the writer's three queues and what a batch takes of them. No lock of its
 * own: the writer holds its mutex around every call.
 *
 * Order: outcomes strictly first in, first out; publishes one a turn from each app that has
 * some; background work on credit: every 4 rows of other work earn it 1, so it gets at most a
 * fifth while there is other work.
 */
#ifndef STORE_WRITER_QUEUE_H
#define STORE_WRITER_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "store/write.h"

struct writer_queue {
    struct list outcomes;
    struct list background;
    struct list turns; /* apps that have publishes, in the order of their turns */
    struct map apps;   /* the same by number */
    struct list spare; /* app records for re-use */
    size_t count;      /* writes in all three */
    size_t bytes;      /* of publishes and background work: what the limit counts */
    uint64_t credit;   /* rows that background work may take */
};

struct writer_limits {
    uint32_t rows_max;
    size_t bytes_max;
};

void writer_queue_init(struct writer_queue *q);
void writer_queue_done(struct writer_queue *q); /* must be empty */
void writer_queue_push(struct writer_queue *q, struct write *write);
/* Outcomes that must run again go back before all others, in their old order. */
void writer_queue_return(struct writer_queue *q, struct list *outcomes);
/* Move the next batch to the end of ret_batch: at least one write if there is any. */
void writer_queue_take(struct writer_queue *q, const struct writer_limits *limits,
                       struct list *ret_batch);
/* Move all publishes and background work (and outcomes, if asked) to the end of ret_list. */
void writer_queue_drain(struct writer_queue *q, bool outcomes_too, struct list *ret_list);

#endif
