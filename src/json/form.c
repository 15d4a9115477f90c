/* SPDX-License-Identifier: Apache-2.0 */
/* form.c - one object, field by field; every fault names its pointer. */
#include "json/form.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "json/schema.h"

enum { FORM_POINTER_NAME_MAX = 128 }; /* bytes of a name that somebody sent, in a pointer */

void form_faults_init(struct form_faults *faults, struct arena *arena)
{
    faults->arena = arena;
    faults->count = 0;
}

void form_fault(struct form_faults *faults, struct str pointer, const char *code,
                const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;

    if (faults->count == FORM_FAULTS_MAX) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    faults->rows[faults->count++] =
        (struct form_fault){ .pointer = arena_str(faults->arena, pointer),
                             .code = code,
                             .detail = arena_str(faults->arena, str_from(text)) };
}

void form_fault_schema(struct form_faults *faults, struct str pointer, const char *code,
                       const struct schema_error *error)
{
    size_t at = faults->count;

    form_fault(faults, pointer, code, "%.*s", STR_ARG(error->text));
    if (faults->count > at) {
        faults->rows[at].schema = arena_str(faults->arena, error->schema);
        faults->rows[at].keyword = arena_str(faults->arena, error->keyword);
    }
}

static struct str pointer_add(struct arena *arena, struct str pointer, struct str name)
{
    char *text = arena_alloc(arena, pointer.len + 1 + name.len * 2 + 1);
    size_t at = pointer.len;

    if (pointer.len > 0) {
        memcpy(text, pointer.p, pointer.len);
    }
    text[at++] = '/';
    for (size_t i = 0; i < name.len; i++) {
        if (name.p[i] == '~' || name.p[i] == '/') {
            text[at++] = '~';
            text[at++] = name.p[i] == '~' ? '0' : '1';
        } else {
            text[at++] = name.p[i];
        }
    }
    return (struct str){ text, at };
}

struct str form_pointer(const struct form *f, const char *name)
{
    return pointer_add(f->faults->arena, f->pointer, str_from(name));
}

void form_begin(struct form *f, const struct json *v, struct str pointer,
                struct form_faults *faults)
{
    *f = (struct form){ .pointer = pointer, .faults = faults };
    if (v == NULL || json_type(v) != JSON_OBJECT) {
        form_fault(faults, pointer, "type", "This must be an object.");
        return;
    }
    f->object = v;
}

void form_end(struct form *f)
{
    struct json_iter it = json_iter(f->object);
    const struct json *v;
    struct str name;

    while (f->faults->count < FORM_FAULTS_MAX && (v = json_next(&it, &name)) != NULL) {
        bool is_known = false;

        for (size_t i = 0; i < f->seen_count && !is_known; i++) {
            is_known = f->seen[i] == v;
        }
        if (!is_known) {
            form_fault(f->faults,
                       pointer_add(f->faults->arena, f->pointer,
                                   str_sub(name, 0, FORM_POINTER_NAME_MAX)),
                       "unknown", "There is no such field; check the spelling.");
        }
    }
}

const struct json *form_value(struct form *f, const char *name)
{
    const struct json *v = json_member(f->object, name);

    if (v != NULL) {
        ASSERT(f->seen_count < FORM_FIELDS_MAX);
        f->seen[f->seen_count++] = v;
    }
    return v;
}

bool form_has(struct form *f, const char *name)
{
    return json_member(f->object, name) != NULL;
}

/* The member when it is present and not null; a missing required one is a fault. */
static const struct json *form_present(struct form *f, const char *name, bool required)
{
    const struct json *v = form_value(f, name);

    if (v != NULL && json_type(v) != JSON_NULL) {
        return v;
    }
    if (required && f->object != NULL) {
        form_fault(f->faults, form_pointer(f, name), "required", "This field is required.");
    }
    return NULL;
}

static bool form_type(struct form *f, const char *name, const struct json *v,
                      enum json_type type, const char *word)
{
    if (json_type(v) == type) {
        return true;
    }
    form_fault(f->faults, form_pointer(f, name), "type", "This must be %s.", word);
    return false;
}

static size_t code_points(struct str s)
{
    size_t count = 0;

    for (size_t i = 0; i < s.len; i++) {
        count += ((unsigned char)s.p[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return count;
}

/* Length in characters within [min, max], and no U+0000 (text columns cannot hold it). */
static bool form_text_fits(struct form_faults *faults, struct str pointer, struct str s,
                           size_t min, size_t max)
{
    size_t count = code_points(s);

    if (str_find(s, '\0') < s.len) {
        form_fault(faults, pointer, "nul", "U+0000 is not allowed here.");
        return false;
    }
    if (count < min) {
        form_fault(faults, pointer, "too_short", "At least %zu characters are needed.", min);
        return false;
    }
    if (count > max) {
        form_fault(faults, pointer, "too_long", "At most %zu characters are allowed.", max);
        return false;
    }
    return true;
}

bool form_string(struct form *f, const char *name, bool required, size_t min, size_t max,
                 struct str *ret)
{
    const struct json *v = form_present(f, name, required);

    if (v == NULL || !form_type(f, name, v, JSON_STRING, "a string") ||
        !form_text_fits(f->faults, form_pointer(f, name), json_string(v), min, max)) {
        return false;
    }
    *ret = json_string(v);
    return true;
}

bool form_int(struct form *f, const char *name, bool required, int64_t min, int64_t max,
              int64_t *ret)
{
    const struct json *v = form_present(f, name, required);

    if (v == NULL || !form_type(f, name, v, JSON_NUMBER, "an integer")) {
        return false;
    }
    if (json_int(v, min, max, ret) != 0) {
        form_fault(f->faults, form_pointer(f, name), "range",
                   "This must be an integer from %lld to %lld.", (long long)min,
                   (long long)max);
        return false;
    }
    return true;
}

bool form_bool(struct form *f, const char *name, bool required, bool *ret)
{
    const struct json *v = form_present(f, name, required);

    if (v == NULL || !form_type(f, name, v, JSON_BOOL, "true or false")) {
        return false;
    }
    *ret = json_bool(v);
    return true;
}

bool form_time(struct form *f, const char *name, bool required, int64_t *ret_wall_ms)
{
    const struct json *v = form_present(f, name, required);

    if (v == NULL || !form_type(f, name, v, JSON_STRING, "an RFC 3339 time")) {
        return false;
    }
    if (clock_parse(json_string(v), ret_wall_ms) != 0) {
        form_fault(f->faults, form_pointer(f, name), "pattern",
                   "This must be an RFC 3339 time such as 2026-01-31T12:00:00Z.");
        return false;
    }
    return true;
}

bool form_object(struct form *f, const char *name, bool required, const struct json **ret)
{
    const struct json *v = form_present(f, name, required);

    if (v == NULL || !form_type(f, name, v, JSON_OBJECT, "an object")) {
        return false;
    }
    *ret = v;
    return true;
}

bool form_array(struct form *f, const char *name, bool required, size_t max,
                const struct json **ret)
{
    const struct json *v = form_present(f, name, required);

    if (v == NULL || !form_type(f, name, v, JSON_ARRAY, "an array")) {
        return false;
    }
    if (json_count(v) > max) {
        form_fault(f->faults, form_pointer(f, name), "too_long",
                   "At most %zu items are allowed.", max);
        return false;
    }
    *ret = v;
    return true;
}

bool form_string_map(struct form *f, const char *name, size_t entries_max, size_t name_max,
                     size_t value_max, const struct json **ret)
{
    const struct json *map;
    const struct json *v;
    struct json_iter it;
    struct str key;
    bool fits = true;

    if (!form_object(f, name, false, &map)) {
        return false;
    }
    if (json_count(map) > entries_max) {
        form_fault(f->faults, form_pointer(f, name), "too_long",
                   "At most %zu entries are allowed.", entries_max);
        return false;
    }
    it = json_iter(map);
    while ((v = json_next(&it, &key)) != NULL) {
        struct str pointer = pointer_add(f->faults->arena, form_pointer(f, name),
                                         str_sub(key, 0, FORM_POINTER_NAME_MAX));

        if (json_type(v) != JSON_STRING) {
            form_fault(f->faults, pointer, "type", "This must be a string.");
            fits = false;
        } else {
            fits &= form_text_fits(f->faults, pointer, json_string(v), 0, value_max);
        }
        fits &= form_text_fits(f->faults, pointer, key, 1, name_max);
    }
    if (fits) {
        *ret = map;
    }
    return fits;
}
