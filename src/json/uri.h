/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uri.h - names of schemas: resolving a URI reference against a base (RFC 3986, 5.2). Nothing is
 * ever fetched; so nothing is checked but the shape that resolving needs.
 */
#ifndef JSON_URI_H
#define JSON_URI_H

#include "base/arena.h"
#include "base/str.h"

/* The part before '#' resolved against base (which has no fragment), and the raw fragment without
 * '#' (empty when there is none). In the arena; an empty base is allowed. */
struct str uri_resolve(struct arena *arena, struct str base, struct str reference,
                       struct str *ret_fragment);
/* %XX undone; what is not valid stays as it is. In the arena. */
struct str uri_decode(struct arena *arena, struct str text);

#endif
