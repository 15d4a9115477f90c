/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - rows for the benches: one event with one delivery, and its outcome, as the server would write them. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "base/id.h"
#include "store/event.h"

struct bench_rows {
    struct event_publish publish;
    struct delivery_row delivery;
    struct outcome outcome;
    char key[48];
};

/* Fill everything but the seqs. `key_number` < 0: no idempotency key. */
void rows_fill(struct bench_rows *r, struct id_maker *ids, int64_t app, struct str body,
               int64_t key_number);
/* After event_insert gave the seqs: what the first attempt, answered 200, writes. */
void rows_outcome(struct bench_rows *r);

#endif
