/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as an endpoint URL. What is accepted stays the same when parsed again, keeps the rules on its own
 * letters, is judged by the guard where it is an address, and libcurl reads the same host and port in it.
 */
#include "net/url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "fuzz.h"

static struct ipguard *guard;

static void check_part(CURLU *handle, CURLUPart part, struct str expected)
{
    char *text = NULL;

    ASSERT(curl_url_get(handle, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK);
    ASSERT(str_eq_c(expected, text));
    curl_free(text);
}

static void check_libcurl_agrees(const struct url *url, struct arena *arena)
{
    CURLU *handle = curl_url();
    char *text = NULL;

    ASSERT(handle != NULL);
    ASSERT(curl_url_set(handle, CURLUPART_URL, url->text.p, CURLU_PATH_AS_IS) == CURLUE_OK);
    check_part(handle, CURLUPART_SCHEME, url->scheme);
    check_part(handle, CURLUPART_PORT, arena_printf(arena, "%u", (unsigned)url->port));
    if (url->is_ip && url->ip.is_v6 != 0) {
        check_part(handle, CURLUPART_HOST, arena_printf(arena, "[%.*s]", STR_ARG(url->host)));
    } else {
        check_part(handle, CURLUPART_HOST, url->host);
    }
    ASSERT(curl_url_get(handle, CURLUPART_USER, &text, 0) == CURLUE_NO_USER);
    ASSERT(curl_url_get(handle, CURLUPART_PASSWORD, &text, 0) == CURLUE_NO_PASSWORD);
    ASSERT(curl_url_get(handle, CURLUPART_FRAGMENT, &text, 0) == CURLUE_NO_FRAGMENT);
    curl_url_cleanup(handle);
}

static void check_accepted(const struct url *url, const struct url_policy *policy,
                           struct arena *arena)
{
    struct url again;
    size_t i;

    ASSERT(url->text.len <= URL_SIZE_MAX && url->text.p[url->text.len] == '\0');
    for (i = 0; i < url->text.len; i++) {
        ASSERT(url->text.p[i] > 0x20 && url->text.p[i] < 0x7f && url->text.p[i] != '\\');
    }
    ASSERT(url->target.len > 0 && url->target.p[0] == '/');
    ASSERT(url->host.len > 0 && url->port != 0);
    if (url->is_ip) {
        ASSERT(ipguard_allows(guard, &url->ip, url->port));
    } else {
        ASSERT(memchr(url->host.p, '.', url->host.len) != NULL);
        ASSERT(!str_ends(url->host, STR(".localhost")) &&
               !str_ends(url->host, STR(".internal")));
    }
    ASSERT(url_parse(url->text, policy, arena, &again, NULL) == 0);
    ASSERT(str_eq(again.text, url->text) && str_eq(again.host, url->host) &&
           again.port == url->port);
    check_libcurl_agrees(url, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ipguard_options options = { 0 };
    struct url_policy policy = { true, false, "any", NULL };
    struct err err = { 0 };
    struct arena arena;
    struct url url;

    if (guard == NULL) {
        ASSERT(ipguard_new(&options, &guard, NULL) == 0);
    }
    policy.guard = guard;
    arena_init(&arena);
    if (url_parse((struct str){ (const char *)data, size }, &policy, &arena, &url, &err) == 0) {
        check_accepted(&url, &policy, &arena);
    } else {
        ASSERT(err.code == -E_URL_REFUSED && err.text[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
