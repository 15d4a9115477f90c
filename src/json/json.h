/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - reading JSON (yyjson underneath): strict RFC 8259, numbers kept as text, duplicate names refused,
 * depth limited by our own walk. And the reading of objects field by field with errors that name the pointer.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { JSON_DEPTH_MAX = 64 };

struct json_doc;
struct json; /* a value inside a document; borrowed from it */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* -E_JSON with the sentence (what, at which byte). Free with json_doc_free. The bytes are copied. */
NODISCARD int json_parse(struct str text, size_t depth_max, struct json_doc **ret_doc,
                         struct err *err);
void json_doc_free(struct json_doc *doc); /* NULL allowed */
const struct json *json_root(const struct json_doc *doc);

enum json_type json_type(const struct json *v);
bool json_bool(const struct json *v); /* false unless true */
struct str json_string(
    const struct json *v); /* decoded bytes, may hold U+0000; STR_NONE unless a string */
struct str json_number(const struct json *v); /* as written */
NODISCARD int json_int(const struct json *v, int64_t min, int64_t max,
                       int64_t *ret);    /* integers only (also 1e3? no) */
size_t json_count(const struct json *v); /* of members or items */
const struct json *json_member(const struct json *v, const char *name); /* NULL when absent */
/* The same by a name that may hold any bytes; NULL when absent or v is no object. */
const struct json *json_get(const struct json *v, struct str name);
const struct json *json_item(const struct json *v,
                             size_t at); /* O(n); for walks use json_next */
/* Walk: start with *at = NULL; returns the next value or NULL; ret_name (may be NULL) for objects. */
struct json_iter {
    const struct json *container;
    const void *at;
    size_t left;
};
struct json_iter json_iter(const struct json *container);
const struct json *json_next(struct json_iter *it, struct str *ret_name);

/* Serialise compactly; numbers as written, names in order. */
NODISCARD int json_write(const struct json *v, struct buf *out);

/* --- writing: owns commas and escaping; errors stick until json_out_end. */
enum { JSON_OUT_DEPTH = 60 /* below the bits of has_member */ };
struct json_out {
    struct buf *buf;
    uint64_t has_member; /* bit per depth */
    int depth;
    bool after_name;
    int rc;
};
void json_out_begin(struct json_out *o, struct buf *buf);
NODISCARD int json_out_end(struct json_out *o);
void json_out_object(struct json_out *o);
void json_out_object_end(struct json_out *o);
void json_out_array(struct json_out *o);
void json_out_array_end(struct json_out *o);
void json_out_name(struct json_out *o, const char *name);
void json_out_name_str(struct json_out *o, struct str name);
void json_out_str(struct json_out *o,
                  struct str s);                    /* bytes that are not UTF-8 become U+FFFD */
void json_out_c(struct json_out *o, const char *s); /* NULL writes null */
void json_out_int(struct json_out *o, int64_t i);
void json_out_bool(struct json_out *o, bool b);
void json_out_null(struct json_out *o);
void json_out_raw(struct json_out *o, struct str json); /* a whole JSON value */
void json_out_value(struct json_out *o, const struct json *v);
/* name + value in one */
void json_put_str(struct json_out *o, const char *name, struct str s);
void json_put_c(struct json_out *o, const char *name, const char *s);
void json_put_int(struct json_out *o, const char *name, int64_t i);
void json_put_bool(struct json_out *o, const char *name, bool b);
void json_put_time(struct json_out *o, const char *name,
                   int64_t wall_ms); /* RFC 3339; 0 writes null */
void json_put_raw(struct json_out *o, const char *name,
                  struct str json); /* STR_NONE writes null */

#endif
