/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias.h - routes under the names of other APIs (docs/aliases.md). An alias is a row of the table of
 * routes with the handler of our own route; what differs in the words is translated before the
 * handler (query, body) and behind it (answer, pointers of faults). No operation stands here.
 */
#ifndef API_ALIAS_H
#define API_ALIAS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct call;
struct json;
struct json_out;

/* Where a fault of our body stands in theirs: JSON pointers, also of what is below. */
struct alias_pointer {
    const char *ours, *theirs;
};

struct alias {
    /* The query as ours, with alias_query_put; faults are collected in the call. NULL: as it
     * came. */
    void (*query)(struct call *call);
    /* call->body, an object, as ours; faults are collected in the call. NULL: as it came. */
    void (*body)(struct call *call, struct json_out *o);
    /* Our answer of a success as theirs. NULL: as it is. */
    void (*answer)(struct call *call, struct json_out *o, const struct json *answer);
    const struct alias_pointer *pointers; /* ends with NULL; NULL: none */
    const char *url_refused;              /* their sentence; NULL: ours */
};

/* --- used by call.c and problem.c. A route without an alias: nothing happens. */
/* Translate query and body, once. False: answered. */
bool alias_enter(struct call *call);
/* Translate call->out. */
NODISCARD int alias_leave(struct call *call);
/* Translate the pointers of the call's faults; the detail of a problem as theirs. */
const char *alias_problem(struct call *call, int code, const char *detail);

/* --- for translations */
/* name=value of the new query; nothing with a NULL value. */
void alias_query_put(struct call *call, const char *name, struct str value);

/* A member of their body: NULL put drops it (another function has looked at it). */
struct alias_in {
    const char *theirs;
    void (*put)(struct call *call, struct json_out *o, const struct json *value);
};
/* The members of call->body; those that no row names stay as they are. Rows end with NULL. */
void alias_members(struct call *call, struct json_out *o, const struct alias_in *rows);

/* A member of their answer: our member of that name, copied, or what `put` writes. */
struct alias_out {
    const char *theirs;
    const char *ours; /* "health/failing" goes down; absent ones become null */
    void (*put)(struct call *call, struct json_out *o, const struct json *ours);
    bool is_optional; /* left out when it is absent */
};
/* One object of theirs. Rows end with NULL. */
void alias_object(struct call *call, struct json_out *o, const struct json *ours,
                  const struct alias_out *rows);
/* A member by its path; NULL when it is absent. */
const struct json *alias_at(const struct json *object, const char *path);
/* An id of ours under their prefix: alias_id(call, "ep_x", "wh") is "wh_x". */
struct str alias_id(struct call *call, struct str id, const char *prefix);

/* Seconds of theirs as milliseconds of ours. */
void alias_put_ms(struct json_out *o, const char *name, const struct json *seconds);
/* And back; a value of other type is copied. */
void alias_out_seconds(struct call *call, struct json_out *o, const struct json *ms);

/* true, and []: for rows of alias_out. */
void alias_out_true(struct call *call, struct json_out *o, const struct json *ours);
void alias_out_empty(struct call *call, struct json_out *o, const struct json *ours);

/* The id of the call's project, and the slug of its app: for rows of alias_out. */
void alias_out_project(struct call *call, struct json_out *o, const struct json *ours);
void alias_out_app_slug(struct call *call, struct json_out *o, const struct json *ours);

/* `limit` and `offset` of theirs as the limit of ours: a list is read from its beginning. */
void alias_window_query(struct call *call);
/* {data, has_more, limit, offset} of the rows in that window. */
void alias_window_out(struct call *call, struct json_out *o, const struct json *list,
                      void (*row)(struct call *call, struct json_out *o,
                                  const struct json *ours));

/* The aliases that the table of routes names. */
extern const struct alias platform_list, platform_edit, platform_look, platform_log,
    platform_test, platform_moved;
extern const struct alias wacht_apps, wacht_app_create, wacht_app_patch, wacht_app_look,
    wacht_app_rotate, wacht_endpoints, wacht_endpoint_edit, wacht_reactivate, wacht_events,
    wacht_catalog, wacht_catalogs;
extern const struct alias wacht_test, wacht_trigger, wacht_deliveries, wacht_delivery,
    wacht_replay_create, wacht_replays, wacht_replay, wacht_replay_cancel, wacht_ticket;

#endif
