/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper.h - a small child that starts `postern egress` on request. It is forked first of all, before threads,
 * database and keys, so what it execs inherits none of them. It ends with serve (PDEATHSIG and end of file).
 */
#ifndef SERVER_KEEPER_H
#define SERVER_KEEPER_H

#include "base/err.h"

struct keeper;

NODISCARD int keeper_start(struct keeper **ret_keeper);
/* A connected, non-blocking, close-on-exec stream socket to a fresh egress process; -1: could not. Waits for the
 * keeper's answer, 2 s at most. Fits egress_options.spawn. */
int keeper_spawn(void *keeper);
void keeper_stop(struct keeper *k); /* NULL allowed; waits for its end */

#endif
