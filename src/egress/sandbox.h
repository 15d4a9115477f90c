/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - what egress gives up before it touches what strangers send: root, new privileges, core dumps,
 * the file system (Landlock), and every system call that sending does not need (seccomp).
 *
 * What the kernel does not have is logged and left out. Files must have been read before. A build with a
 * sanitizer or with coverage keeps the file system and all calls: its runtime needs them.
 */
#ifndef EGRESS_SANDBOX_H
#define EGRESS_SANDBOX_H

#include "base/err.h"

/* -E_IO: something that every kernel has failed; do not go on. */
NODISCARD int sandbox_enter(struct err *err);
/* Only the system-call filter; sandbox_enter calls it. -E_IO: this kernel has none. */
NODISCARD int sandbox_filter_calls(void);
/* Only the file system. -E_IO: this kernel has no Landlock. */
NODISCARD int sandbox_close_files(void);

#endif
