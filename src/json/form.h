/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form.h - reading a JSON object that people sent, field by field: every fault is collected with its pointer
 * (RFC 6901), unknown fields are faults, and the first 20 are answered as `errors` of the problem.
 */
#ifndef JSON_FORM_H
#define JSON_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"

struct schema_error;

enum { FORM_FAULTS_MAX = 20, FORM_FIELDS_MAX = 64 };

struct form_fault {
    struct str pointer;
    const char *
        code; /* stable: required, type, unknown, too_long, too_short, range, pattern, duplicate, nul, schema ... */
    struct str detail;
    struct str schema, keyword; /* of a JSON Schema that was not kept to; else NULL p */
};

struct form_faults {
    struct arena *arena;
    struct form_fault rows[FORM_FAULTS_MAX];
    size_t count;
};

struct form {
    const struct json *object;
    struct str pointer; /* of the object itself, "" at the root */
    struct form_faults *faults;
    const struct json *seen[FORM_FIELDS_MAX];
    size_t seen_count;
};

void form_faults_init(struct form_faults *faults, struct arena *arena);
void form_fault(struct form_faults *faults, struct str pointer, const char *code,
                const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The same for an error of a JSON Schema, with the place in it. All strings are copied. */
void form_fault_schema(struct form_faults *faults, struct str pointer, const char *code,
                       const struct schema_error *error);
/* v must be an object: otherwise a fault, and all reads below answer absent. */
void form_begin(struct form *f, const struct json *v, struct str pointer,
                struct form_faults *faults);
/* Unknown fields become faults. */
void form_end(struct form *f);
bool form_has(struct form *f, const char *name); /* present, also null */
/* The raw member (marks it as known), NULL when absent. */
const struct json *form_value(struct form *f, const char *name);
/* Each returns true and sets *ret when the field is present and right (null counts as absent unless said).
 * A wrong type or range is a fault and false; `required` makes absence a fault. */
bool form_string(struct form *f, const char *name, bool required, size_t min, size_t max,
                 struct str *ret);
bool form_int(struct form *f, const char *name, bool required, int64_t min, int64_t max,
              int64_t *ret);
bool form_bool(struct form *f, const char *name, bool required, bool *ret);
bool form_time(struct form *f, const char *name, bool required, int64_t *ret_wall_ms);
/* An object or array member as it is. */
bool form_object(struct form *f, const char *name, bool required, const struct json **ret);
bool form_array(struct form *f, const char *name, bool required, size_t max,
                const struct json **ret);
/* Flat object of string values ("metadata", "headers"): checked, returned raw. */
bool form_string_map(struct form *f, const char *name, size_t entries_max, size_t name_max,
                     size_t value_max, const struct json **ret);
/* pointer + "/" + escaped name, in the arena. */
struct str form_pointer(const struct form *f, const char *name);

#endif
