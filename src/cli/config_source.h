/* SPDX-License-Identifier: Apache-2.0 */
/* config_source.h - where the settings of serve, `config check` and doctor come from: --config FILE, else
 * POSTERN_CONFIG, and the other flags, which are settings. */
#ifndef CLI_CONFIG_SOURCE_H
#define CLI_CONFIG_SOURCE_H

#include <stdbool.h>

#include "base/err.h"

struct config_source {
    const char *path; /* NULL = no file; borrowed from argv or the environment */
    int argc;
    char **
        argv; /* without --config and --help; the array is owned, the strings are those of argv */
    bool help;
};

/* -E_USAGE. On failure there is nothing to free, but config_source_done is legal. */
NODISCARD int config_source_take(int argc, char **argv, struct config_source *ret_source,
                                 struct err *err);
void config_source_done(struct config_source *source);

#endif
