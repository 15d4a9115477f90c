/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - every setting in one table: key of the file, environment POSTERN_<KEY>, flag --<key-with-dashes>.
 * Order of precedence: flag, environment, file, default. Unknown keys are errors with their line.
 * The file is `key = value` lines, `#` comments; sections are not needed. `reload`: SIGHUP takes it over.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum config_type { CONFIG_TEXT, CONFIG_INT, CONFIG_BOOL, CONFIG_SIZE, CONFIG_DURATION_MS };

/* X(field, type, default text, min, max, reload, "what it is and what to set") - kept in config_table.h */
#include "server/config_table.h"

struct config {
#define CONFIG_TEXT_FIELD(f)                              char *f
#define CONFIG_INT_FIELD(f)                               int64_t f
#define CONFIG_BOOL_FIELD(f)                              bool f
#define CONFIG_SIZE_FIELD(f)                              int64_t f
#define CONFIG_DURATION_MS_FIELD(f)                       int64_t f
#define CONFIG_FIELD(f, type, def, min, max, reload, doc) type##_FIELD(f);
    CONFIG_TABLE(CONFIG_FIELD)
#undef CONFIG_FIELD
    /* where the values came from, for `config check`: one of "default", "file", "environment", "flag" */
    const char *origin[CONFIG_COUNT];
};

enum { CONFIG_FILE_MAX = 256 * 1024 };

/*
 * Defaults, then file (path NULL = none), environment, flags ("--name=value" or "--name" "value", argv without
 * the command; bools also bare). -E_CONFIG with file, line and sentence, -E_USAGE when a flag is at fault.
 * Sizes take the suffixes k, m, g (1024 each), durations ms, s, m, h, d. An empty environment variable counts
 * as not set. *c is untouched on failure and must not hold values before.
 */
NODISCARD int config_read(struct config *c, const char *path, int argc, char **argv,
                          struct err *err);
/* Defaults and the text of a file, without environment and flags; `name` stands in the errors. */
NODISCARD int config_read_text(struct config *c, const char *name, struct str text,
                               struct err *err);
void config_done(struct config *c);

/*
 * SIGHUP: move the reloadable values of `fresh` (a second config_read) into c. The names of those that changed
 * are appended to changed, of those that differ but need a restart to ignored, both separated by one blank.
 */
NODISCARD int config_reload(struct config *c, struct config *fresh, struct buf *changed,
                            struct buf *ignored);
/* The keys for `postern serve --help`: flag, default, sentence. */
NODISCARD int config_flags(struct buf *out);
/* All keys as a commented example file (packaging/postern.conf is made from it; a test compares). */
NODISCARD int config_example(struct buf *out);
/* Each key in order, its value as text (secrets hidden) and its origin. Stops at the first that is not 0. */
NODISCARD int config_each(const struct config *c,
                          int (*on_row)(void *ctx, const char *key, struct str value,
                                        const char *origin),
                          void *ctx);
/* One line a key: value and origin; secrets (database password, admin key) are hidden. */
NODISCARD int config_print(const struct config *c, struct buf *out);

#endif
