/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - what goes into the audit log for a call. Objects that people edit need nothing of
 * it: object_save writes their row by one rule ("<kind>.created|updated|deleted" with the names
 * of the members that changed). Other changes take audit_of and hand the entry to their write
 * (store/audit.h audit_append, in the same transaction), or call audit_note.
 */
#ifndef API_AUDIT_H
#define API_AUDIT_H

#include "api/call.h"
#include "store/audit.h"

/* Who, when, from where, in which project and app; action and target are given. In the call's
 * arena: it lives until the answer. Set reason and details as needed. */
struct audit_entry *audit_of(struct call *call, const char *action, struct str target);
/* The same with the id of a thing as its target. */
struct audit_entry *audit_of_id(struct call *call, const char *action, enum id_kind kind,
                                const struct id *id);
/* By the server itself. Strings that are no constants are in the arena. */
struct audit_entry audit_of_server(const struct api *api, int64_t now);
/* The rule for edited objects: fills action, target, project, app and details of *entry from
 * the row as it will be stored. Strings are in the arena. */
void audit_object(const struct registry *registry, enum config_kind kind,
                  const struct config_row *row, struct arena *arena, struct audit_entry *entry);

/* A row of its own; `done` after its commit, a failure is answered. For what has no other write:
 * it is done only once the row stands. */
void audit_first(struct call *call, const struct audit_entry *entry,
                 void (*done)(struct call *call));

/* A row of its own, in a write of its own; for what changes nothing (a refusal). The entry is
 * copied. A failure goes to the log. */
void audit_note(struct api *api, const struct audit_entry *entry);

#endif
