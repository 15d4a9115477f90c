/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - "did you mean": the known name that is nearest to a mistyped one. Pure. */
#ifndef SERVER_SUGGEST_H
#define SERVER_SUGGEST_H

#include <stddef.h>

#include "base/str.h"

enum { SUGGEST_NAME_MAX = 48 };

/* Insertions, deletions, changes and swaps of neighbours between a and b, both cut to SUGGEST_NAME_MAX. */
size_t suggest_distance(struct str a, struct str b);
/* The first name with the smallest distance, at most a third of the longer one's length; else NULL. */
const char *suggest_nearest(struct str word, const char *const *names, size_t count);

#endif
