/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": distances known by hand, and that nothing far away is ever suggested. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "server/suggest.h"

static void distances_are_right(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } rows[] = {
        { "", "", 0 },           { "", "abc", 3 },
        { "abc", "abc", 0 },     { "abc", "abd", 1 },
        { "abc", "ab", 1 },      { "abc", "abcd", 1 },
        { "abc", "acb", 1 },     { "kitten", "sitting", 3 },
        { "serve", "sevre", 1 }, { "list", "lits", 1 },
        { "a", "b", 1 },         { "deliveries", "delivery", 3 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(suggest_distance(str_from(rows[i].a), str_from(rows[i].b)),
                         rows[i].distance);
        assert_int_equal(suggest_distance(str_from(rows[i].b), str_from(rows[i].a)),
                         rows[i].distance);
    }
}

static void long_words_stay_inside(void **state)
{
    char a[200];
    char b[200];

    (void)state;
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    assert_int_equal(suggest_distance((struct str){ a, 200 }, (struct str){ b, 200 }),
                     SUGGEST_NAME_MAX);
}

static void the_nearest_is_found(void **state)
{
    static const char *const names[] = { "serve",   "send", "sign",        "verify",
                                         "version", "apps", "event-types", "events" };
    static const struct {
        const char *word;
        const char *nearest; /* NULL: none */
    } rows[] = {
        { "sevre", "serve" },  { "verfy", "verify" },
        { "event", "events" }, { "evnt-types", "event-types" },
        { "app", "apps" },     { "deliver", NULL },
        { "", NULL },          { "x", NULL },
        { "quit", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *nearest =
            suggest_nearest(str_from(rows[i].word), names, sizeof(names) / sizeof(names[0]));

        if (rows[i].nearest == NULL) {
            assert_null(nearest);
        } else {
            assert_string_equal(nearest, rows[i].nearest);
        }
    }
    assert_null(suggest_nearest(STR("serve"), names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_right),
        cmocka_unit_test(long_words_stay_inside),
        cmocka_unit_test(the_nearest_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
