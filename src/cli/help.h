/* SPDX-License-Identifier: Apache-2.0 */
/* help.h - the text behind --help: examples first. Pure. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/cli.h"

NODISCARD int help_all(const struct command *const *commands, size_t count, struct buf *out);
NODISCARD int help_command(const struct command *command, struct buf *out);

#endif
