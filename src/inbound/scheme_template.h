/* SPDX-License-Identifier: Apache-2.0 */
/* scheme_template.h - places and templates of a scheme: read, and filled from a request. */
#ifndef INBOUND_SCHEME_TEMPLATE_H
#define INBOUND_SCHEME_TEMPLATE_H

#include "base/buf.h"
#include "inbound/scheme.h"

struct inbound_request;

/* "header:X-Id". -E_INVALID: not a place. The name is copied into the arena. */
NODISCARD int scheme_place_read(struct str text, struct arena *arena,
                                struct scheme_place *ret_place);
/* -E_INVALID with the sentence. */
NODISCARD int scheme_template_read(struct str text, struct arena *arena,
                                   struct scheme_template *ret_template, struct err *err);
bool scheme_template_has(const struct scheme_template *t, enum scheme_source source);

/* The value at a place: NULL p when it is not there (or there twice, for a header). Borrowed from the request
 * or its arena. Numbers of JSON are their text; true and false are words; other values are not there. */
struct str inbound_value(const struct inbound_request *request, const struct scheme *scheme,
                         const struct scheme_place *place, struct str secret);
/* Appends the template filled; a value that is not there is empty. Errors of buf. */
NODISCARD int inbound_fill(const struct inbound_request *request, const struct scheme *scheme,
                           const struct scheme_template *t, struct str secret, struct buf *out);

#endif
