/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_vfs.h - an SQLite VFS over the machine's own that can refuse writes of the WAL, fail
 * its syncs, or hold one until the test lets go.
 */
#ifndef TESTS_STORE_FAULT_VFS_H
#define TESTS_STORE_FAULT_VFS_H

#include <stdbool.h>

#define FAULT_VFS "postern-fault"

void fault_vfs_register(void);
void fault_vfs_reset(void);

/* Writes to the WAL answer SQLITE_FULL. */
void fault_vfs_full(bool on);
/* Writes to the WAL answer SQLITE_IOERR_WRITE. */
void fault_vfs_write_error(bool on);
/* Syncs of the WAL answer SQLITE_IOERR_FSYNC. */
void fault_vfs_sync_error(bool on);

/* The next sync of the WAL waits inside; true when it got there in time. */
void fault_vfs_hold_sync(void);
bool fault_vfs_wait_held(void);
void fault_vfs_release_sync(void);

/* How many syncs of the WAL have succeeded. */
unsigned fault_vfs_syncs(void);

#endif
