/* SPDX-License-Identifier: Apache-2.0 */
/* config_row.h - the table of settings as data, for the files of server/config*.c only. */
#ifndef SERVER_CONFIG_ROW_H
#define SERVER_CONFIG_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "server/config.h"

struct config_row {
    const char *key;
    const char *standard; /* the default, as text */
    const char *doc;
    size_t offset; /* of the field in struct config */
    int64_t min;   /* of the number, or of the length of a text */
    int64_t max;
    enum config_type type;
    bool reload;
    bool secret; /* never printed, and not taken from argv */
};

extern const struct config_row config_rows[CONFIG_COUNT];

char **config_text_field(struct config *c, const struct config_row *row);
int64_t *config_int_field(struct config *c, const struct config_row *row);
bool *config_bool_field(struct config *c, const struct config_row *row);

/* Parse text for the row and set the field. -E_CONFIG with a sentence that does not repeat a secret. */
NODISCARD int config_set(struct config *c, const struct config_row *row, struct str text,
                         struct err *err);
/* The value as config_set reads it, in the largest unit that fits. */
NODISCARD int config_format(const struct config *c, const struct config_row *row,
                            struct buf *out);
/* Row of a key in the spelling of files, or NULL. */
const struct config_row *config_find(struct str key);
/* What only several values together can tell. */
NODISCARD int config_check(const struct config *c, struct err *err);

#endif
