/* SPDX-License-Identifier: Apache-2.0 */
/* pointer.h - JSON pointers (RFC 6901). Pure. */
#ifndef JSON_POINTER_H
#define JSON_POINTER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "json/json.h"

/* "" or "/" and names with ~ only as ~0 and ~1. */
bool json_pointer_valid(struct str pointer);
/* What it names inside v, NULL when there is nothing. A valid pointer. */
const struct json *json_pointer_get(const struct json *v, struct str pointer);
/* pointer + "/" + escaped name, in the arena. */
struct str json_pointer_add(struct arena *arena, struct str pointer, struct str name);

#endif
