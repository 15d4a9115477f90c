/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h - what is common to all things that people edit: from the form to the stored row to
 * the answer.
 *
 * An edit is one run of its handler: read the object and the body, build the whole new
 * document, object_save. When another edit was faster, the handler is run again on the newer
 * object (three times in all, never with If-Match).
 */
#ifndef API_OBJECT_H
#define API_OBJECT_H

#include <stdbool.h>

#include "api/api_internal.h"
#include "store/config_rows.h"

/* Write the members of one object; `config` is its stored document. */
typedef void object_members(struct call *call, struct json_out *o, const struct object *object,
                            const struct json *config);

/* of endpoints.c and apps.c */
object_members endpoint_members;
object_members app_members;

/* As a whole JSON object, into o. */
void object_write(struct call *call, struct json_out *o, const struct object *object,
                  object_members *members);
/* The answer with its ETag. */
void object_reply(struct call *call, int status, const struct object *object,
                  object_members *members);
/* GET: 304 when If-None-Match names it, else the object. */
void object_get(struct call *call, const struct object *object, object_members *members);
/* The stored document, kept by the call; NULL when it cannot be read (then the call is
 * answered). */
const struct json *object_config(struct call *call, const struct object *object);

/* A row for a new object: its id, number and times. */
struct config_row object_row_new(struct call *call, enum config_kind kind, int64_t parent);
/* The next version of an object, with what it has now. */
struct config_row object_row_next(struct call *call, const struct object *object);

/* Store the row, then `saved`; failures are answered here. With a new row the call counts as
 * creating. */
void object_save(struct call *call, enum config_kind kind, const struct config_row *row,
                 void (*saved)(struct call *call, struct object *object));
/* DELETE: checks If-Match, marks it deleted, answers 204. */
void object_delete(struct call *call, const struct object *object);

/* --- reading fields. True when the field is there; then *ret_null says whether it is null. */
bool object_field(struct form *f, const char *name, bool *ret_null);
/* description, metadata: into *ret, which keeps its value when the field is absent; null
 * sets it back. */
void object_field_text(struct form *f, const char *name, size_t max, struct str *ret);
void object_field_metadata(struct form *f, const struct json **ret);
/* name: needed, not null; keeps its value when absent and not required. */
void object_field_name(struct form *f, bool required, struct str *ret);
/* Member of a stored document. */
struct str object_text(const struct json *config, const char *name);
/* Write `name`: the value, or an empty object when there is none. */
void object_put_map(struct json_out *o, const char *name, const struct json *map);

#endif
