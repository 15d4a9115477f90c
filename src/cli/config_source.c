/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"

int config_source_take(int argc, char **argv, struct config_source *ret_source, struct err *err)
{
    struct config_source source = { .path = cli_env("POSTERN_CONFIG") };
    static const char equals[] = "--config=";
    bool is_given = false;

    memset(ret_source, 0, sizeof(*ret_source));
    source.argv = xcalloc((size_t)argc + 1, sizeof(source.argv[0]));
    for (int i = 0; i < argc; i++) {
        const char *path = NULL;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            source.help = true;
            continue;
        }
        if (strncmp(argv[i], equals, sizeof(equals) - 1) == 0) {
            path = argv[i] + sizeof(equals) - 1;
        } else if (strcmp(argv[i], "--config") == 0) {
            i++;
            path = i < argc ? argv[i] : "";
        }
        if (path == NULL) {
            source.argv[source.argc] = argv[i];
            source.argc++;
            continue;
        }
        if (path[0] == '\0' || is_given) {
            config_source_done(&source);
            return err_set(err, -E_USAGE, "--config needs one file");
        }
        is_given = true;
        source.path = path;
    }
    *ret_source = source;
    return 0;
}

void config_source_done(struct config_source *source)
{
    free(source->argv);
    source->argv = NULL;
}
