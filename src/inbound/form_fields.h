/* SPDX-License-Identifier: Apache-2.0 */
/* form_fields.h - application/x-www-form-urlencoded (WHATWG URL 5.1), also of a query. Pure. */
#ifndef INBOUND_FORM_FIELDS_H
#define INBOUND_FORM_FIELDS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* The first value of a name, decoded into the arena; NULL p when it is not there. */
struct str form_fields_value(struct str text, struct str name, struct arena *arena);
/* Appends name and value of each field, sorted by name and value, equal pairs once (as Twilio signs).
 * -E_TOO_LARGE: more than fields_max. */
NODISCARD int form_fields_sorted(struct str text, struct arena *arena, size_t fields_max,
                                 struct buf *out);

#endif
