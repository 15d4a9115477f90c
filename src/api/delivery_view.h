/* SPDX-License-Identifier: Apache-2.0 */
/* delivery_view.h - deliveries and attempts as people see them: stored states and what is
 * derived from memory. */
#ifndef API_DELIVERY_VIEW_H
#define API_DELIVERY_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "api/call.h"
#include "store/delivery.h"

/* The number of a stored state's name, -1 when there is none. Pure. */
int32_t delivery_state_parse(struct str name);

/* "no_match"; NULL when there is none. Pure. */
const char *delivery_reason_name(int reason);

/* What the row means now. */
struct delivery_view {
    const char *status;      /* also "sending"; "cancelled" when its endpoint was deleted */
    const char *reason;      /* NULL = none */
    const char *held_reason; /* NULL = not held */
    bool is_open;
    const struct endpoint *endpoint;
};
void delivery_look(struct call *call, const struct delivery_row *row,
                   struct delivery_view *ret_view);

/* The members that lists and the single delivery share. event_id NULL: the event is gone. */
void delivery_members(struct call *call, struct json_out *o, const struct delivery_row *row,
                      const struct id *event_id);
/* One attempt as an object; `body` is what was sent, STR_NONE p writes null. */
void attempt_write(struct json_out *o, const struct attempt_row *attempt, struct str body);
/* "Name: value" lines as [{name, value}]. */
void headers_write(struct json_out *o, const char *name, struct str lines);
/* Bytes as text; when they are not UTF-8 also exactly, as `<name>_base64`. */
void bytes_write(struct json_out *o, const char *name, struct str bytes);

#endif
