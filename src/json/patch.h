/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch.h - JSON Merge Patch (RFC 7396): members that are there replace, null removes, objects
 * are merged. Members that stay keep their place, new ones follow in the patch's order; numbers
 * stay as they are written. Pure.
 */
#ifndef JSON_PATCH_H
#define JSON_PATCH_H

#include "base/err.h"
#include "json/json.h"

enum { PATCH_DEPTH_MAX = 16 }; /* objects inside one another in a patch */

/* -E_TOO_LARGE when the patch is deeper. */
NODISCARD int patch_check(const struct json *patch);
/* Append `target` (NULL = absent) as the patch makes it. The patch was checked. */
void patch_merge(struct json_out *o, const struct json *target, const struct json *patch);

#endif
