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
#include "base/id.h"

struct db;
struct write_seqs;

/* In a transaction of its own. */
NODISCARD int lane_raise(struct db *db, int64_t *ret_epoch);
/* First statement of a write transaction. */
NODISCARD int lane_fence(struct db *db, int64_t epoch);
/* The numbers given last; after lane_raise only. */
NODISCARD int lane_seqs(struct db *db, struct write_seqs *ret_seqs);

/* The newest id of an event or a delivery, all zero when there is none: what is made from now on must
 * sort behind it, also when the clock went back. */
NODISCARD int lane_last_id(struct db *db, const struct write_seqs *seqs, struct id *ret_id);

#endif
