/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane.h - the fence: who may write.
 *
 * The row of table `lane` holds an epoch. A process that takes over raises it before it loads
 * anything, and every write transaction begins with lane_fence, which fails (-E_FENCED)
 * unless the epoch is still ours. It fails as a statement, so a COMMIT pipelined behind it
 * cannot pass; and it updates the row, so a raise waits for a transaction that is under way
 * and then sees what it wrote.
 */
#ifndef STORE_LANE_H
#define STORE_LANE_H

#include <stdint.h>

#include "base/err.h"

struct db;
struct write_seqs;

/* In a transaction of its own. */
NODISCARD int lane_raise(struct db *db, int64_t *ret_epoch);
/* First statement of a write transaction. */
NODISCARD int lane_fence(struct db *db, int64_t epoch);
/* The numbers given last; after lane_raise only. */
NODISCARD int lane_seqs(struct db *db, struct write_seqs *ret_seqs);

#endif
