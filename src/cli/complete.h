/* SPDX-License-Identifier: Apache-2.0 */
/* complete.h - the words that may stand at the end of a command line. Pure. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/cli.h"

/* words: those behind `postern`, the last of them begun (maybe empty). One candidate a line. */
NODISCARD int complete_words(const struct command *const *commands, size_t command_count,
                             int word_count, const char *const *words, struct buf *out);

#endif
