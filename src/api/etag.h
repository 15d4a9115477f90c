/* SPDX-License-Identifier: Apache-2.0 */
/* etag.h - entity tags: the version of an object in quotes (RFC 9110 8.8.3, 13.1). */
#ifndef API_ETAG_H
#define API_ETAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct call;
struct object;

/* Does an If-Match (weak false) or If-None-Match (weak true) value name this version? `*`
 * names any. Pure. */
bool etag_names(struct str header, int64_t version, bool weak);
/* If-Match of an edit: -E_PRECONDITION when it does not fit; then the call is answered. */
NODISCARD int etag_check(struct call *call, const struct object *object);
/* If-None-Match of a read: true when the call was answered with 304. */
bool etag_unchanged(struct call *call, const struct object *object);
/* The header of an answer. */
void etag_header(struct call *call, const struct object *object);

#endif
