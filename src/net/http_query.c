/* SPDX-License-Identifier: Apache-2.0 */
/* http_query.c - what handlers read from a request: headers and query parameters. */
#include "net/http_internal.h"

struct str http_header(const struct http_request *req, const char *name)
{
    const struct request *r =
        CONTAINER_OF((struct http_request *)(uintptr_t)req, struct request, public);

    return str_from(MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name));
}

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

/* application/x-www-form-urlencoded: "+" is a blank. */
static int query_decode(struct arena *arena, struct str s, struct str *ret)
{
    char *text = arena_c(arena, s);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '%') {
            int high = i + 2 < s.len ? hex_digit(s.p[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_digit(s.p[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return -E_INVALID;
            }
            text[len++] = (char)(high * 16 + low);
            i += 2;
        } else {
            text[len++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    text[len] = '\0';
    *ret = (struct str){ text, len };
    return str_is_utf8(*ret) && str_find(*ret, '\0') == len ? 0 : -E_INVALID;
}

int http_query_each(struct http_request *req,
                    int (*on_param)(void *ctx, struct str name, struct str value), void *ctx)
{
    struct str rest = req->query;
    struct str pair;

    while (str_split(&rest, '&', &pair)) {
        size_t eq = str_find(pair, '=');
        struct str name;
        struct str value;
        int rc;

        if (pair.len == 0) {
            continue;
        }
        rc = query_decode(&req->arena, str_sub(pair, 0, eq), &name);
        if (rc == 0) {
            rc = query_decode(&req->arena, str_sub(pair, eq + 1, pair.len), &value);
        }
        if (rc == 0) {
            rc = on_param(ctx, name, value);
        }
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

struct query_find {
    const char *name;
    struct str value;
    bool is_found;
};

static int on_query_param(void *ctx, struct str name, struct str value)
{
    struct query_find *find = ctx;

    if (!str_eq_c(name, find->name)) {
        return 0;
    }
    if (find->is_found) {
        return -E_INVALID;
    }
    find->is_found = true;
    find->value = value;
    return 0;
}

int http_query(struct http_request *req, const char *name, struct str *ret_value)
{
    struct query_find find = { .name = name };
    int rc = http_query_each(req, on_query_param, &find);

    if (rc == 0) {
        *ret_value = find.is_found ? find.value : STR_NONE;
    }
    return rc;
}
