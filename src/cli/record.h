/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - JSON of the server in the form that was asked for: lists as rows, one thing as lines. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"
#include "json/json.h"

/* A value for people: text cleaned, null empty, members that end in _at as local time, the rest as JSON. */
NODISCARD int record_text(const char *name, const struct json *value, struct buf *out);
/* `name  value` lines; members that are arrays of objects stand below as tables of their own. */
NODISCARD int record_write(const struct cli *cli, const struct json *object, struct buf *out);
/* The objects of an array as rows. A column is a member's name, or `a.b` for one inside. */
NODISCARD int record_rows(const struct cli *cli, const struct json *array,
                          const char *const *columns, size_t count, struct buf *out);
/* The JSON text as it came, with a newline, or parsed and written by record_write. Returns an exit code. */
int record_print(const struct cli *cli, struct str json);

#endif
