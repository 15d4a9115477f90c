/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages.c - assets by path, and the application's shell for every place inside of it.
 *
 * The shell is answered for a GET by a browser below known prefixes only, so a mistyped asset or
 * API path stays a 404. Everything is answered with a strict Content-Security-Policy: no inline
 * script or style, no other origin, Trusted Types on.
 */
#include "api/pages.h"

#include <string.h>
#include <zlib.h>

#include "api/call.h"
#include "api/problem.h"

struct asset {
    const char *path;
    const char *type;
    const char *etag;
    bool immutable; /* its name holds its hash */
    size_t size;    /* inflated */
    const unsigned char *bytes;
    const unsigned char *end;
};

#include <api/assets_table.inc>

enum { ASSET_COUNT = sizeof(table) / sizeof(table[0]) };

/* Places of the application: the path itself, or anything behind it and a slash. */
static const char *const places[] = { "/admin", "/dashboard", "/portal", "/sign-in" };

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

static const struct asset *asset_find(struct str path)
{
    size_t low = 0;
    size_t high = ASSET_COUNT;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(path, str_from(table[middle].path));

        if (order == 0) {
            return &table[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static bool wants_html(struct call *call)
{
    struct str accept = http_header(call->req, "Accept");

    for (size_t i = 0; i + 9 <= accept.len; i++) {
        if (str_eq_nocase(str_sub(accept, i, 9), STR("text/html"))) {
            return true;
        }
    }
    return false;
}

static bool is_place(struct str path)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct str place = str_from(places[i]);

        if (str_eq(path, place) ||
            (path.len > place.len && str_eq(str_sub(path, 0, place.len), place) &&
             path.p[place.len] == '/')) {
            return true;
        }
    }
    return false;
}

/* "gzip" stands in the list and is not refused by q=0. */
static bool takes_gzip(struct call *call)
{
    struct str left = http_header(call->req, "Accept-Encoding");
    struct str one;

    while (left.len > 0 && str_split(&left, ',', &one)) {
        struct str coding = str_trim(str_sub(one, 0, str_find(one, ';')));

        if (str_eq_nocase(coding, STR("gzip"))) {
            size_t q = str_find(one, '=');

            return q == one.len || !str_eq_c(str_trim(str_sub(one, q + 1, one.len)), "0");
        }
    }
    return false;
}

/* The asset's own bytes in the call's arena; NULL p when it cannot be. */
static struct str inflate_asset(struct call *call, const struct asset *asset)
{
    size_t packed = (size_t)(asset->end - asset->bytes);
    char *bytes = arena_alloc(call->arena, asset->size + 1);
    z_stream z = { 0 };
    int rc;

    if (asset->size > PAGES_INFLATED_MAX || inflateInit2(&z, 15 + 16) != Z_OK) {
        return STR_NONE;
    }
    z.next_in = (z_const Bytef *)(uintptr_t)asset->bytes;
    z.avail_in = (uInt)packed;
    z.next_out = (Bytef *)bytes;
    z.avail_out = (uInt)asset->size + 1;
    rc = inflate(&z, Z_FINISH);
    (void)inflateEnd(&z);
    return rc == Z_STREAM_END && z.total_out == asset->size ? (struct str){ bytes, asset->size }
                                                            : STR_NONE;
}

static void put_headers(struct call *call, const struct asset *asset)
{
    call_header(call, "ETag", "%s", asset->etag);
    call_header(call, "Vary", "Accept-Encoding");
    call->cache = asset->immutable ? "public, max-age=31536000, immutable" : "no-cache";
    call_header(call, "Content-Security-Policy", "%s", policy);
    call_header(call, "Referrer-Policy", "no-referrer");
}

/* If-None-Match names the asset (weakly, RFC 9110 13.1.2). */
static bool is_unchanged(struct call *call, const struct asset *asset)
{
    struct str left = http_header(call->req, "If-None-Match");
    struct str one;

    while (left.len > 0 && str_split(&left, ',', &one)) {
        one = str_trim(one);
        if (str_starts(one, STR("W/"))) {
            one = str_sub(one, 2, one.len - 2);
        }
        if (str_eq_c(one, asset->etag) || str_eq_c(one, "*")) {
            return true;
        }
    }
    return false;
}

static void asset_reply(struct call *call, const struct asset *asset)
{
    struct str bytes = { (const char *)asset->bytes, (size_t)(asset->end - asset->bytes) };

    put_headers(call, asset);
    if (is_unchanged(call, asset)) {
        call_reply_bytes(call, 304, NULL, STR_NONE);
        return;
    }
    if (takes_gzip(call)) {
        call_header(call, "Content-Encoding", "gzip");
    } else {
        bytes = inflate_asset(call, asset);
        if (bytes.p == NULL) {
            problem_reply(call, -E_INTERNAL);
            return;
        }
    }
    call_reply_bytes(call, 200, asset->type, bytes);
}

bool pages_shell(struct call *call)
{
    const struct asset *shell = asset_find(STR("/index.html"));

    if (shell == NULL || !wants_html(call)) {
        return false;
    }
    call_header(call, "Vary", "Accept");
    asset_reply(call, shell);
    return true;
}

bool pages_reply(struct call *call)
{
    struct str path = call->req->path;
    const struct asset *asset = asset_find(path);

    if (asset == NULL && is_place(path) && wants_html(call)) {
        asset = asset_find(STR("/index.html"));
    }
    if (asset == NULL) {
        return false;
    }
    if (!str_eq_c(call->req->method, "GET") && !str_eq_c(call->req->method, "HEAD")) {
        call_header(call, "Allow", "GET, HEAD");
        problem_reply(call, -E_METHOD);
        return true;
    }
    asset_reply(call, asset);
    return true;
}
