/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphans.h - endpoints that an integration (a named key) made. Revoking the key never takes them away:
 * they go on working, are listed as orphaned, and are adopted or deleted, one or all.
 */
#ifndef API_ORPHANS_H
#define API_ORPHANS_H

#include <stdbool.h>

#include "api/call.h"

/* Delete, or adopt for who asks, every endpoint of call->named_key, one after the other, each with its
 * audit row; then `done`. A failure is answered; what was done stays done. */
void orphans_sweep(struct call *call, bool deletes, void (*done)(struct call *call));

#endif
