/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - request paths: match against a pattern, undo percent-encoding. */
#include "api/path.h"

#include "base/assert.h"

/* Cut the part before the next '/'; the rest begins with '/' or is empty. */
static struct str segment_take(struct str *s)
{
    size_t len = str_find(*s, '/');
    struct str head = str_sub(*s, 0, len);

    *s = str_sub(*s, len, s->len - len);
    return head;
}

static bool is_param(struct str segment)
{
    return segment.len > 2 && segment.p[0] == '{' && segment.p[segment.len - 1] == '}';
}

bool path_match(const char *pattern, struct str path, struct str ret_values[PATH_PARAMS_MAX])
{
    struct str left = str_from(pattern);
    struct str values[PATH_PARAMS_MAX] = { STR_NONE };
    size_t count = 0;

    while (left.len > 0 && path.len > 0) {
        struct str want;
        struct str have;

        if (path.p[0] != '/') {
            return false;
        }
        left = str_sub(left, 1, left.len - 1);
        path = str_sub(path, 1, path.len - 1);
        want = segment_take(&left);
        have = segment_take(&path);
        if (is_param(want)) {
            ASSERT(count < PATH_PARAMS_MAX);
            if (have.len == 0) {
                return false;
            }
            values[count++] = have;
        } else if (!str_eq(want, have)) {
            return false;
        }
    }
    if (left.len > 0 || path.len > 0) {
        return false;
    }
    for (size_t i = 0; i < PATH_PARAMS_MAX; i++) {
        ret_values[i] = values[i];
    }
    return true;
}

struct str path_param_name(const char *pattern, size_t at)
{
    struct str left = str_from(pattern);

    while (left.len > 0) {
        struct str segment;

        left = str_sub(left, 1, left.len - 1);
        segment = segment_take(&left);
        if (is_param(segment) && at-- == 0) {
            return str_sub(segment, 1, segment.len - 2);
        }
    }
    return STR_NONE;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int path_decode(struct str raw, struct arena *arena, struct str *ret_text)
{
    char *text = arena_alloc(arena, raw.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.p[i];

        if (c == '%') {
            int high = raw.len - i > 2 ? hex_value(raw.p[i + 1]) : -1;
            int low = raw.len - i > 2 ? hex_value(raw.p[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return -E_INVALID;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            return -E_INVALID;
        }
        text[len++] = c;
    }
    ASSERT(len <= raw.len);
    *ret_text = (struct str){ text, len };
    return 0;
}
