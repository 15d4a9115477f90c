/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - request paths: match against a pattern, undo percent-encoding. Pure. */
#ifndef API_PATH_H
#define API_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { PATH_PARAMS_MAX = 3 };

/*
 * Does the path fit "/api/v1/apps/{app}/events"? A {name} takes one whole, not empty segment;
 * its raw bytes go to ret_values in order of the pattern. A trailing slash fits nothing.
 */
bool path_match(const char *pattern, struct str path, struct str ret_values[PATH_PARAMS_MAX]);
/* The name of the parameter at that place of the pattern ("app"), STR_NONE past the last. */
struct str path_param_name(const char *pattern, size_t at);
/* Percent-decoded copy. -E_INVALID: not two hex digits behind %, or a decoded NUL. */
NODISCARD int path_decode(struct str raw, struct arena *arena, struct str *ret_text);

#endif
