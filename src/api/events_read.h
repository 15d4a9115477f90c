/* SPDX-License-Identifier: Apache-2.0 */
/* events_read.h - reading events back; for reader threads. */
#ifndef API_EVENTS_READ_H
#define API_EVENTS_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct call;
struct db;
struct event_row;
struct json_out;
struct keyring;

/* The event with that seq, without its body. -E_NOT_FOUND when it is gone. */
NODISCARD int event_brief(struct db *db, int64_t app, int64_t seq, struct arena *arena,
                          struct event_row *ret_event);
/* The bytes that are sent, in the arena; unsealed where they are sealed;
 * STR_NONE when the retention erased them. */
NODISCARD int event_body(const struct keyring *keyring, const struct event_row *event,
                         struct arena *arena, struct str *ret_body);

/* The members that lists and the single event share. */
void event_members(struct call *call, struct json_out *o, const struct event_row *event);

#endif
