/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the API: paths, routes, cursors, entity tags, names, what customers may
 * set as a header. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "api/auth.h"
#include "api/delivery_view.h"
#include "api/endpoint_form.h"
#include "api/etag.h"
#include "api/names.h"
#include "api/page.h"
#include "api/path.h"
#include "api/routes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- paths */
static void test_path_match(void **state)
{
    static const struct {
        const char *pattern, *path, *first, *second; /* first NULL: no match */
    } rows[] = {
        { "/healthz", "/healthz", "", "" },
        { "/healthz", "/healthz/", NULL, NULL },
        { "/healthz", "/health", NULL, NULL },
        { "/healthz", "/healthzz", NULL, NULL },
        { "/healthz", "", NULL, NULL },
        { "/healthz", "healthz", NULL, NULL },
        { "/a/{app}", "/a/x", "x", "" },
        { "/a/{app}", "/a/", NULL, NULL },
        { "/a/{app}", "/a", NULL, NULL },
        { "/a/{app}", "/a/x/", NULL, NULL },
        { "/a/{app}", "/a//x", NULL, NULL },
        { "/a/{app}/b/{id}", "/a/x%2Fy/b/z", "x%2Fy", "z" },
        { "/a/{app}/b/{id}", "/a/x/c/z", NULL, NULL },
        { "/a/{app}/b/{id}", "/A/x/b/z", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str values[PATH_PARAMS_MAX] = { STR_NONE };
        bool matches = path_match(rows[i].pattern, str_from(rows[i].path), values);

        assert_int_equal(matches, rows[i].first != NULL);
        if (matches) {
            assert_true(str_eq_c(values[0], rows[i].first));
            assert_true(str_eq_c(values[1], rows[i].second));
        }
    }
    assert_true(str_eq_c(path_param_name("/a/{app}/b/{id}", 0), "app"));
    assert_true(str_eq_c(path_param_name("/a/{app}/b/{id}", 1), "id"));
    assert_null(path_param_name("/a/{app}/b/{id}", 2).p);
}

static void test_path_decode(void **state)
{
    static const struct {
        const char *raw, *text; /* NULL: refused */
    } rows[] = {
        { "abc", "abc" },     { "a%20b", "a b" }, { "%41%7a", "Az" }, { "%2e%2E", ".." },
        { "100%25", "100%" }, { "%", NULL },      { "a%4", NULL },    { "%zz", NULL },
        { "%4g", NULL },      { "a%00", NULL },   { "", "" },         { "%%41", NULL },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str text = STR_NONE;
        int rc = path_decode(str_from(rows[i].raw), &arena, &text);

        assert_int_equal(rc, rows[i].text == NULL ? -E_INVALID : 0);
        if (rc == 0) {
            assert_true(str_eq_c(text, rows[i].text));
        }
    }
    arena_done(&arena);
}

/* --- routes */
static int find(struct arena *arena, const char *method, const char *path,
                const char **ret_pattern, struct str *ret_allow)
{
    const struct route *route = NULL;
    struct str params[PATH_PARAMS_MAX];
    int rc = routes_find(str_from(method), str_from(path), arena, &route, params, ret_allow);

    *ret_pattern = route == NULL ? NULL : route->pattern;
    return rc;
}

static void test_routes_find_each(void **state)
{
    const struct route *route;
    struct arena arena;
    size_t count = 0;

    (void)state;
    arena_init(&arena);
    while ((route = routes_at(count)) != NULL) {
        struct str allow = STR_NONE;
        const char *pattern;

        assert_int_equal(find(&arena, route->method, route->pattern, &pattern, &allow), 0);
        assert_string_equal(pattern, route->pattern);
        assert_int_equal(find(&arena, "OPTIONS", route->pattern, &pattern, &allow), -E_METHOD);
        assert_non_null(strstr(arena_c(&arena, allow), route->method));
        /* Of the API only what makes a session asks for nothing. */
        assert_true(route->scope != 0 || strncmp(route->pattern, "/api/", 5) != 0 ||
                    strncmp(route->pattern, "/api/v1/session", 15) == 0);
        count++;
    }
    assert_true(count > 30);
    arena_done(&arena);
}

static void test_routes_methods(void **state)
{
    struct str allow = STR_NONE;
    const char *pattern;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(find(&arena, "HEAD", "/healthz", &pattern, &allow), 0);
    assert_int_equal(find(&arena, "GET", "/nothing", &pattern, &allow), -E_NOT_FOUND);
    assert_int_equal(find(&arena, "PUT", "/api/v1/apps/x", &pattern, &allow), -E_METHOD);
    assert_true(str_eq_c(allow, "GET, HEAD, PATCH, DELETE, OPTIONS"));
    /* A literal path is not an id, too. */
    assert_int_equal(find(&arena, "GET", "/api/v1/apps/x/events/batch", &pattern, &allow),
                     -E_METHOD);
    assert_true(str_eq_c(allow, "POST, OPTIONS"));
    assert_int_equal(find(&arena, "GET", "/api/v1/apps/x/events/evt_1", &pattern, &allow), 0);
    assert_true(routes_know_method(STR("PATCH")));
    assert_false(routes_know_method(STR("patch")));
    assert_false(routes_know_method(STR("TRACE")));
    assert_false(routes_know_method(STR("")));
    arena_done(&arena);
}

static void test_route_query(void **state)
{
    const struct route route = { .query = "limit cursor order" };
    const struct route none = { .query = "" };

    (void)state;
    assert_true(route_has_query(&route, STR("limit")));
    assert_true(route_has_query(&route, STR("order")));
    assert_false(route_has_query(&route, STR("limi")));
    assert_false(route_has_query(&route, STR("limit cursor")));
    assert_false(route_has_query(&route, STR("")));
    assert_false(route_has_query(&none, STR("")));
    assert_false(route_has_query(&none, STR("limit")));
}

/* --- cursors */
static const struct cursor cursors[] = {
    { PAGE_APPS, false, false, 1 },
    { PAGE_EVENTS, true, false, INT64_MAX },
    { PAGE_DELIVERIES, false, true, 1234567890123 },
    { PAGE_KEYS, true, true, 255 },
};

static void test_cursor_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cursors); i++) {
        char text[CURSOR_TEXT_SIZE];
        struct cursor back;

        cursor_format(&cursors[i], text);
        assert_int_equal(strlen(text), CURSOR_TEXT_SIZE - 1);
        assert_int_equal(cursor_parse(str_from(text), cursors[i].list, &back), 0);
        assert_int_equal(back.seq, cursors[i].seq);
        assert_int_equal(back.ascending, cursors[i].ascending);
        assert_int_equal(back.backward, cursors[i].backward);
        assert_int_equal(cursor_parse(str_from(text), PAGE_ENDPOINTS, &back), -E_INVALID);
    }
}

/* Every prefix and every other letter in every place is refused. The text ends at the end of
 * its memory, so a read beyond it is seen. */
static void test_cursor_mangled(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cursors); i++) {
        char text[CURSOR_TEXT_SIZE];
        struct cursor back;

        cursor_format(&cursors[i], text);
        for (size_t len = 0; len < CURSOR_TEXT_SIZE - 1; len++) {
            char *prefix = malloc(len + 1);

            assert_non_null(prefix);
            memcpy(prefix, text, len);
            assert_int_equal(cursor_parse((struct str){ prefix, len }, cursors[i].list, &back),
                             -E_INVALID);
            free(prefix);
        }
        for (size_t at = 0; at < CURSOR_TEXT_SIZE - 1; at++) {
            char was = text[at];

            for (int c = 0; c < 256; c++) {
                text[at] = (char)c;
                assert_int_equal(cursor_parse((struct str){ text, CURSOR_TEXT_SIZE - 1 },
                                              cursors[i].list, &back),
                                 (char)c == was ? 0 : -E_INVALID);
            }
            text[at] = was;
        }
    }
}

static void test_page_rows(void **state)
{
    const struct page first = { .limit = 3 };
    const struct page back = { .limit = 3, .backward = true, .has_cursor = true, .seq = 9 };

    (void)state;
    assert_int_equal(page_fetch(&first), 4);
    assert_false(page_reads_ascending(&first));
    assert_true(page_reads_ascending(&back));
    assert_int_equal(page_shown(&first, 4), 3);
    assert_int_equal(page_shown(&first, 2), 2);
    assert_int_equal(page_at(&first, 4, 0), 0);
    assert_int_equal(page_at(&first, 4, 2), 2);
    /* Read towards the beginning, shown the other way round; the row too many is the last
     * one read. */
    assert_int_equal(page_at(&back, 4, 0), 2);
    assert_int_equal(page_at(&back, 4, 2), 0);
    assert_int_equal(page_at(&back, 1, 0), 0);
}

static void check_page_end(const struct page *page, size_t fetched, bool has_next,
                           bool has_prev)
{
    struct json_out o;
    struct buf out;

    buf_init(&out, 1024);
    json_out_begin(&o, &out);
    json_out_object(&o);
    page_end(&o, page, fetched, fetched == 0 ? 0 : 9, fetched == 0 ? 0 : 7);
    json_out_object_end(&o);
    assert_int_equal(json_out_end(&o), 0);
    assert_int_equal(strstr(out.p, "\"next_cursor\":null") == NULL, has_next);
    assert_int_equal(strstr(out.p, "\"prev_cursor\":null") == NULL, has_prev);
    buf_done(&out);
}

static void test_page_end(void **state)
{
    const struct page first = { .list = PAGE_APPS, .limit = 3 };
    const struct page later = { .list = PAGE_APPS, .limit = 3, .has_cursor = true, .seq = 9 };
    const struct page back = {
        .list = PAGE_APPS, .limit = 3, .has_cursor = true, .backward = true, .seq = 9
    };

    (void)state;
    check_page_end(&first, 0, false, false);
    check_page_end(&first, 3, false, false);
    check_page_end(&first, 4, true, false);
    check_page_end(&later, 3, false, true);
    check_page_end(&later, 4, true, true);
    check_page_end(&later, 0, false, false);
    check_page_end(&back, 3, true, false);
    check_page_end(&back, 4, true, true);
    check_page_end(&back, 0, false, false);
}

/* --- entity tags */
static void test_etag(void **state)
{
    static const struct {
        const char *header;
        bool strong, weak;
    } rows[] = {
        { "\"7\"", true, true },
        { "*", true, true },
        { " \"7\" ", true, true },
        { "\"6\", \"7\"", true, true },
        { "\"6\",\"7\"", true, true },
        { "W/\"7\"", false, true },
        { "\"6\", W/\"7\"", false, true },
        { "7", false, false },
        { "\"77\"", false, false },
        { "\"07\"", false, false },
        { "\"7", false, false },
        { "\"\"", false, false },
        { "", false, false },
        { "\"-7\"", false, false },
        { "w/\"7\"", false, false },
        { "\"99999999999999999999\"", false, false },
        { "**", false, false },
        { ",", false, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(etag_names(str_from(rows[i].header), 7, false), rows[i].strong);
        assert_int_equal(etag_names(str_from(rows[i].header), 7, true), rows[i].weak);
    }
}

/* --- names */
static void check_names(bool (*is_name)(struct str s), const char *const *good,
                        const char *const *bad)
{
    for (; *good != NULL; good++) {
        assert_true(is_name(str_from(*good)));
    }
    for (; *bad != NULL; bad++) {
        assert_false(is_name(str_from(*bad)));
    }
    assert_false(is_name((struct str){ "a\0.b", 4 }));
}

static struct str repeated(struct arena *arena, char c, size_t len)
{
    char *text = arena_alloc(arena, len + 1);

    memset(text, c, len);
    return (struct str){ text, len };
}

static void test_names(void **state)
{
    static const char *const types[] = { "user.created", "a.b", "a1.b_2.c.d.e", "a_.b_", NULL };
    static const char *const no_types[] = { "",       "user",    "User.created", "user.",
                                            ".user",  "user..x", "a.b.c.d.e.f",  "1a.b",
                                            "a.1b",   "a-b.c",   "a b.c",        "\xc3\xa4.b",
                                            "user.*", "a.b\n",   "_a.b",         NULL };
    static const char *const patterns[] = { "user.*", "user.address.*", "a.b.c.d.*", NULL };
    static const char *const no_patterns[] = {
        "*", ".*", "user*", "user.*.x", "user.c*", "a.b.c.d.e.*", "user.created", "User.*", NULL
    };
    static const char *const slugs[] = { "a", "0", "acme-1", "a_b-c", "9-_", NULL };
    static const char *const no_slugs[] = { "",    "-a",       "_a",  "A", "a b",
                                            "a.b", "\xc3\xa4", "a/b", NULL };
    static const char *const ids[] = { "a", "A_b-9", NULL };
    static const char *const no_ids[] = { "", "a.b", "a b", "a/b", "\xc3\xa4", NULL };
    static const char *const tokens[] = { "X-A", "a!#$%&'*+.^_`|~9", NULL };
    static const char *const no_tokens[] = { "",    "X A",      "X:A", "a\"", "a\r",
                                             "(a)", "\xc3\xa4", "a/b", NULL };
    static const char *const keys[] = { "k", "!~", "a#1", NULL };
    static const char *const no_keys[] = { "", "a b", "a\n", "\x7f", "\xc3\xa4", NULL };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    check_names(name_is_event_type, types, no_types);
    check_names(name_is_event_pattern, patterns, no_patterns);
    check_names(name_is_slug, slugs, no_slugs);
    check_names(name_is_external_id, ids, no_ids);
    check_names(name_is_token, tokens, no_tokens);
    check_names(name_is_idempotency_key, keys, no_keys);
    assert_true(name_is_slug(repeated(&arena, 'a', SLUG_MAX)));
    assert_false(name_is_slug(repeated(&arena, 'a', SLUG_MAX + 1)));
    assert_true(name_is_external_id(repeated(&arena, 'a', 64)));
    assert_false(name_is_external_id(repeated(&arena, 'a', 65)));
    assert_true(name_is_idempotency_key(repeated(&arena, 'a', 255)));
    assert_false(name_is_idempotency_key(repeated(&arena, 'a', 256)));
    assert_true(name_is_event_type(arena_printf(
        &arena, "a.%.*s", STR_ARG(repeated(&arena, 'b', EVENT_TYPE_NAME_MAX - 2)))));
    assert_false(name_is_event_type(arena_printf(
        &arena, "a.%.*s", STR_ARG(repeated(&arena, 'b', EVENT_TYPE_NAME_MAX - 1)))));
    arena_done(&arena);
}

static void test_slug_make(void **state)
{
    static const struct {
        const char *name, *slug;
    } rows[] = {
        { "Acme Ltd", "acme-ltd" },
        { "  --Acme!!  (DE) ", "acme-de" },
        { "", "app" },
        { "\xe6\xbc\xa2\xe5\xad\x97", "app" },
        { "a_b", "a-b" },
        { "\xc3\x9c"
          "ber 9",
          "ber-9" },
    };
    char slug[SLUG_MAX + 1];
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        slug_make(str_from(rows[i].name), slug);
        assert_string_equal(slug, rows[i].slug);
    }
    slug_make(repeated(&arena, 'Z', 500), slug);
    assert_int_equal(strlen(slug), SLUG_MAX);
    slug_vary(slug, UINT64_MAX);
    assert_int_equal(strlen(slug), SLUG_MAX);
    assert_true(name_is_slug(str_from(slug)));
    slug_make(STR("x"), slug);
    slug_vary(slug, 0);
    assert_string_equal(slug, "x-000000");
    arena_done(&arena);
}

static void test_words(void **state)
{
    char last[WORDS_SIZE] = "";
    size_t differ = 0;

    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        char words[WORDS_SIZE];
        const char *dash;

        words_make(i * 2654435761u, words);
        dash = strchr(words, '-');
        assert_non_null(dash);
        assert_true(dash > words && dash[1] != '\0');
        assert_true(strspn(words, "abcdefghijklmnopqrstuvwxyz-") == strlen(words));
        differ += strcmp(words, last) != 0 ? 1 : 0;
        memcpy(last, words, sizeof(last));
    }
    assert_true(differ > 4900);
}

/* --- credentials and headers */
static void test_bearer(void **state)
{
    static const struct {
        const char *header, *key;
    } rows[] = {
        { "Bearer abc", "abc" }, { "bearer   abc ", "abc" },
        { "BEARER abc", "abc" }, { "Basic abc", NULL },
        { "Bearer", NULL },      { "Bearer ", NULL },
        { "Bearer a b", NULL },  { "", NULL },
        { " Bearer a", NULL },   { "Bearerabc", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str key = auth_bearer(str_from(rows[i].header));

        assert_int_equal(key.p != NULL, rows[i].key != NULL);
        if (rows[i].key != NULL) {
            assert_true(str_eq_c(key, rows[i].key));
        }
    }
    assert_null(auth_bearer(STR_NONE).p);
}

static void test_endpoint_headers(void **state)
{
    static const char *const free_names[] = { "X-Customer", "Authorization",
                                              "Accept",     "X-Postern",
                                              "Cookie",     "Hosts",
                                              "X-Webhook",  NULL };
    static const char *const ours[] = { "Host",
                                        "HOST",
                                        "content-length",
                                        "Transfer-Encoding",
                                        "connection",
                                        "TE",
                                        "Upgrade",
                                        "User-Agent",
                                        "Webhook-Id",
                                        "webhook-x",
                                        "Postern-Event-Type",
                                        "postern-x",
                                        "X-Postern-Signature",
                                        "Metadata",
                                        "Metadata-Flavor",
                                        "X-aws-ec2-metadata-token",
                                        "X-Google-Metadata-Request",
                                        "Proxy-Authorization",
                                        "X-Forwarded-For",
                                        "Via",
                                        NULL };

    (void)state;
    for (size_t i = 0; free_names[i] != NULL; i++) {
        assert_true(endpoint_header_allowed(str_from(free_names[i]), STR("Postern")));
    }
    for (size_t i = 0; ours[i] != NULL; i++) {
        assert_false(endpoint_header_allowed(str_from(ours[i]), STR("Postern")));
    }
    assert_true(endpoint_header_allowed(STR("Postern-X"), STR("Acme")));
    assert_false(endpoint_header_allowed(STR("X-Acme-Y"), STR("Acme")));
    assert_true(endpoint_header_value(STR("plain\tvalue \xc3\xa4")));
    assert_true(endpoint_header_value(STR("")));
    assert_false(endpoint_header_value(STR("a\r\nX: y")));
    assert_false(endpoint_header_value(STR("a\nb")));
    assert_false(endpoint_header_value((struct str){ "a\0b", 3 }));
    assert_false(endpoint_header_value(STR("\x7f")));
    assert_false(endpoint_header_value(STR(" a")));
    assert_false(endpoint_header_value(STR("a ")));
}

/* --- how bytes from outside are shown */
static void check_json(void (*write)(struct json_out *o, const char *name, struct str s),
                       struct str in, const char *expected)
{
    struct json_out o;
    struct buf out;

    buf_init(&out, 4096);
    json_out_begin(&o, &out);
    json_out_object(&o);
    write(&o, "x", in);
    json_out_object_end(&o);
    assert_int_equal(json_out_end(&o), 0);
    assert_string_equal(out.p, expected);
    buf_done(&out);
}

static void test_bytes(void **state)
{
    (void)state;
    check_json(bytes_write, STR("ok \xe2\x9c\x93"), "{\"x\":\"ok \xe2\x9c\x93\"}");
    check_json(bytes_write, STR("A\xff"), "{\"x\":\"A\xef\xbf\xbd\",\"x_base64\":\"Qf8=\"}");
    check_json(bytes_write, STR(""), "{\"x\":\"\"}");
    check_json(
        headers_write, STR("A: b\r\nC-D:  e:f \r\n"),
        "{\"x\":[{\"name\":\"A\",\"value\":\"b\"},{\"name\":\"C-D\",\"value\":\"e:f\"}]}");
    check_json(headers_write, STR("no colon\r\nlast: 1"),
               "{\"x\":[{\"name\":\"last\",\"value\":\"1\"}]}");
    check_json(headers_write, STR(""), "{\"x\":[]}");
}

static void test_states(void **state)
{
    (void)state;
    assert_int_equal(delivery_state_parse(STR("pending")), DELIVERY_PENDING);
    assert_int_equal(delivery_state_parse(STR("skipped")), DELIVERY_SKIPPED);
    assert_int_equal(delivery_state_parse(STR("sending")), -1);
    assert_int_equal(delivery_state_parse(STR("")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_match),
        cmocka_unit_test(test_path_decode),
        cmocka_unit_test(test_routes_find_each),
        cmocka_unit_test(test_routes_methods),
        cmocka_unit_test(test_route_query),
        cmocka_unit_test(test_cursor_round_trip),
        cmocka_unit_test(test_cursor_mangled),
        cmocka_unit_test(test_page_rows),
        cmocka_unit_test(test_page_end),
        cmocka_unit_test(test_etag),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_slug_make),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_bearer),
        cmocka_unit_test(test_endpoint_headers),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
