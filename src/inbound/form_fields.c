/* SPDX-License-Identifier: Apache-2.0 */
/* form_fields.c - fields of a form or a query. */
#include "inbound/form_fields.h"

#include <stdbool.h>
#include <stdlib.h>

struct field {
    struct str name;
    struct str value;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "+" is a blank; "%" that is not followed by two hex digits stands for itself, as the standard says. */
static struct str decode(struct str raw, struct arena *arena)
{
    char *text = arena_alloc(arena, raw.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < raw.len; i++) {
        int high = i + 2 < raw.len ? hex_digit(raw.p[i + 1]) : -1;
        int low = i + 2 < raw.len ? hex_digit(raw.p[i + 2]) : -1;

        if (raw.p[i] == '%' && high >= 0 && low >= 0) {
            text[len++] = (char)(high * 16 + low);
            i += 2;
            continue;
        }
        text[len++] = raw.p[i] == '+' ? ' ' : raw.p[i];
    }
    return (struct str){ text, len };
}

/* False at the end. */
static bool next_field(struct str *left, struct arena *arena, struct field *ret_field)
{
    struct str one;

    while (left->len > 0 && str_split(left, '&', &one)) {
        size_t equals = str_find(one, '=');

        if (one.len == 0) {
            continue;
        }
        ret_field->name = decode(str_sub(one, 0, equals), arena);
        ret_field->value = equals == one.len
                               ? (struct str){ "", 0 }
                               : decode(str_sub(one, equals + 1, one.len - equals - 1), arena);
        return true;
    }
    return false;
}

struct str form_fields_value(struct str text, struct str name, struct arena *arena)
{
    struct field field;

    while (next_field(&text, arena, &field)) {
        if (str_eq(field.name, name)) {
            return field.value;
        }
    }
    return STR_NONE;
}

static int field_cmp(const void *a, const void *b)
{
    const struct field *x = a;
    const struct field *y = b;
    int order = str_cmp(x->name, y->name);

    return order != 0 ? order : str_cmp(x->value, y->value);
}

int form_fields_sorted(struct str text, struct arena *arena, size_t fields_max, struct buf *out)
{
    struct field *fields = arena_alloc(arena, fields_max * sizeof(*fields));
    struct field field;
    size_t count = 0;
    int rc = 0;

    while (next_field(&text, arena, &field)) {
        if (count == fields_max) {
            return -E_TOO_LARGE;
        }
        fields[count++] = field;
    }
    qsort(fields, count, sizeof(*fields), field_cmp);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (i > 0 && field_cmp(&fields[i - 1], &fields[i]) == 0) {
            continue;
        }
        rc = buf_add_str(out, fields[i].name);
        if (rc == 0) {
            rc = buf_add_str(out, fields[i].value);
        }
    }
    return rc;
}
