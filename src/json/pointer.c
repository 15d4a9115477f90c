/* SPDX-License-Identifier: Apache-2.0 */
/* pointer.c - one name after the other; escapes are undone into a small buffer. */
#include "json/pointer.h"

#include "base/buf.h"

bool json_pointer_valid(struct str pointer)
{
    if (pointer.len == 0) {
        return true;
    }
    if (pointer.p[0] != '/' || !str_is_utf8(pointer)) {
        return false;
    }
    for (size_t i = 0; i < pointer.len; i++) {
        if (pointer.p[i] == '~' &&
            (i + 1 == pointer.len || (pointer.p[i + 1] != '0' && pointer.p[i + 1] != '1'))) {
            return false;
        }
    }
    return true;
}

/* An array's place: digits without a leading 0. */
static const struct json *get_item(const struct json *v, struct str name)
{
    int64_t at;

    if (name.len == 0 || (name.p[0] == '0' && name.len > 1) || name.p[0] == '-' ||
        str_to_int(name, 0, (int64_t)json_count(v) - 1, &at) != 0) {
        return NULL;
    }
    return json_item(v, (size_t)at);
}

static const struct json *get_member(const struct json *v, struct str name)
{
    const struct json *member;
    struct buf plain;
    int rc = 0;

    if (str_find(name, '~') == name.len) {
        return json_get(v, name);
    }
    buf_init(&plain, name.len);
    for (size_t i = 0; rc == 0 && i < name.len; i++) {
        if (name.p[i] == '~') {
            rc = buf_add_char(&plain, name.p[++i] == '0' ? '~' : '/');
        } else {
            rc = buf_add_char(&plain, name.p[i]);
        }
    }
    member = rc == 0 ? json_get(v, buf_str(&plain)) : NULL;
    buf_done(&plain);
    return member;
}

const struct json *json_pointer_get(const struct json *v, struct str pointer)
{
    while (v != NULL && pointer.len > 0) {
        size_t end;
        struct str name;

        pointer = str_sub(pointer, 1, pointer.len);
        end = str_find(pointer, '/');
        name = str_sub(pointer, 0, end);
        pointer = str_sub(pointer, end, pointer.len);
        v = json_type(v) == JSON_ARRAY    ? get_item(v, name)
            : json_type(v) == JSON_OBJECT ? get_member(v, name)
                                          : NULL;
    }
    return v;
}

struct str json_pointer_add(struct arena *arena, struct str pointer, struct str name)
{
    size_t escapes = 0;
    size_t len = 0;
    char *text;

    for (size_t i = 0; i < name.len; i++) {
        escapes += name.p[i] == '~' || name.p[i] == '/' ? 1 : 0;
    }
    text = arena_alloc(arena, pointer.len + name.len + escapes + 2);
    for (size_t i = 0; i < pointer.len; i++) {
        text[len++] = pointer.p[i];
    }
    text[len++] = '/';
    for (size_t i = 0; i < name.len; i++) {
        if (name.p[i] == '~' || name.p[i] == '/') {
            text[len++] = '~';
            text[len++] = name.p[i] == '~' ? '0' : '1';
        } else {
            text[len++] = name.p[i];
        }
    }
    return (struct str){ text, len };
}
