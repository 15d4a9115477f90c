/* SPDX-License-Identifier: Apache-2.0 */
/* uri.c - URI references, resolved (RFC 3986, 5.2.2 to 5.2.4). */
#include "json/uri.h"

#include <string.h>

struct parts {
    struct str scheme;    /* "http:" */
    struct str authority; /* "//host" */
    struct str path;
    struct str query; /* "?..." */
};

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t scheme_length(struct str s)
{
    if (s.len == 0 || !is_alpha(s.p[0])) {
        return 0;
    }
    for (size_t i = 1; i < s.len; i++) {
        char c = s.p[i];

        if (c == ':') {
            return i + 1;
        }
        if (!is_alpha(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') {
            return 0;
        }
    }
    return 0;
}

static struct parts split(struct str s)
{
    struct parts parts = { 0 };
    size_t n = scheme_length(s);

    parts.scheme = str_sub(s, 0, n);
    s = str_sub(s, n, s.len);
    if (str_starts(s, STR("//"))) {
        for (n = 2; n < s.len && s.p[n] != '/' && s.p[n] != '?'; n++) {
        }
        parts.authority = str_sub(s, 0, n);
        s = str_sub(s, n, s.len);
    }
    n = str_find(s, '?');
    parts.path = str_sub(s, 0, n);
    parts.query = str_sub(s, n, s.len);
    return parts;
}

/* Takes the last segment off what was written. */
static size_t drop_segment(const char *out, size_t len)
{
    while (len > 0 && out[len - 1] != '/') {
        len--;
    }
    return len > 0 ? len - 1 : 0;
}

/* 5.2.4, in place: what is read lies never before what is written. */
static struct str remove_dots(struct str path)
{
    char *out = (char *)(uintptr_t)path.p;
    struct str in = path;
    size_t len = 0;

    while (in.len > 0) {
        if (str_starts(in, STR("../"))) {
            in = str_sub(in, 3, in.len);
        } else if (str_starts(in, STR("./"))) {
            in = str_sub(in, 2, in.len);
        } else if (str_starts(in, STR("/./"))) {
            in = str_sub(in, 2, in.len);
        } else if (str_eq_c(in, "/.")) {
            in = STR("/");
        } else if (str_starts(in, STR("/../"))) {
            in = str_sub(in, 3, in.len);
            len = drop_segment(out, len);
        } else if (str_eq_c(in, "/..")) {
            in = STR("/");
            len = drop_segment(out, len);
        } else if (str_eq_c(in, ".") || str_eq_c(in, "..")) {
            in = STR_NONE;
        } else {
            size_t n = 1;

            while (n < in.len && in.p[n] != '/') {
                n++;
            }
            memmove(out + len, in.p, n);
            len += n;
            in = str_sub(in, n, in.len);
        }
    }
    return (struct str){ path.p, len };
}

/* 5.2.3 */
static struct str merge(struct arena *arena, const struct parts *base, struct str path)
{
    size_t n = base->path.len;

    if (base->authority.len > 0 && n == 0) {
        return arena_printf(arena, "/%.*s", STR_ARG(path));
    }
    while (n > 0 && base->path.p[n - 1] != '/') {
        n--;
    }
    return arena_printf(arena, "%.*s%.*s", (int)n, n > 0 ? base->path.p : "", STR_ARG(path));
}

struct str uri_resolve(struct arena *arena, struct str base_text, struct str reference,
                       struct str *ret_fragment)
{
    size_t hash = str_find(reference, '#');
    struct parts base = split(base_text);
    struct parts ref;

    *ret_fragment =
        hash < reference.len ? str_sub(reference, hash + 1, reference.len) : STR("");
    reference = str_sub(reference, 0, hash);
    if (reference.len == 0) {
        return base_text;
    }
    ref = split(reference);
    if (ref.scheme.len > 0) {
        return arena_str(arena, reference); /* a name as it stands, also urn: and tag: */
    }
    ref.scheme = base.scheme;
    if (ref.authority.len > 0) {
        ref.path = remove_dots(arena_str(arena, ref.path));
    } else {
        ref.authority = base.authority;
        if (ref.path.len == 0) {
            ref.path = base.path;
            ref.query = ref.query.len > 0 ? ref.query : base.query;
        } else if (ref.path.p[0] == '/') {
            ref.path = remove_dots(arena_str(arena, ref.path));
        } else {
            ref.path = remove_dots(merge(arena, &base, ref.path));
        }
    }
    return arena_printf(arena, "%.*s%.*s%.*s%.*s", STR_ARG(ref.scheme), STR_ARG(ref.authority),
                        STR_ARG(ref.path), STR_ARG(ref.query));
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

struct str uri_decode(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '%' && i + 2 < text.len && hex(text.p[i + 1]) >= 0 &&
            hex(text.p[i + 2]) >= 0) {
            out[len++] = (char)(hex(text.p[i + 1]) * 16 + hex(text.p[i + 2]));
            i += 2;
        } else {
            out[len++] = text.p[i];
        }
    }
    return (struct str){ out, len };
}
