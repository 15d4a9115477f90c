/* SPDX-License-Identifier: Apache-2.0 */
/* welcome.h - the admin key of a first start, and what --dev prints. */
#ifndef SERVER_WELCOME_H
#define SERVER_WELCOME_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct config;

enum { WELCOME_KEY_SIZE = 129 };

/* The key to install: admin_key, admin_key_file, in dev the one in `data`/dev.key, else a new one. *ret_is_made:
 * nobody has seen it yet. */
NODISCARD int welcome_key(const struct config *c, char ret_key[WELCOME_KEY_SIZE],
                          bool *ret_is_made, struct err *err);
/* Keep it in `data`/dev.key (0600) for the commands that --dev prints. */
NODISCARD int welcome_keep(const struct config *c, const char *key, struct err *err);
/* A key that was made is printed once, to stdout. */
void welcome_print_key(const char *key);
void welcome_print_dev(const struct config *c, struct str url);

#endif
