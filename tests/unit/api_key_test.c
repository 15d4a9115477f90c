/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: the CRC is the one of zlib, each changed character is found, and foreign keys keep to the limits. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "crypto/api_key.h"

/* Computed with Python's zlib.crc32. */
static const char known_key[] = "pst_0123456789ABCDEFGHIJKLMNOPQRSTUV3uavNM";

static void known_crc_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(strlen(known_key), API_KEY_TEXT_SIZE - 1);
    assert_true(api_key_valid(str_from(known_key)));
}

static void made_keys_are_valid_and_differ(void **state)
{
    char first[API_KEY_TEXT_SIZE];
    char second[API_KEY_TEXT_SIZE];

    (void)state;
    for (int i = 0; i < 200; i++) {
        api_key_make(first);
        api_key_make(second);
        assert_int_equal(strlen(first), API_KEY_TEXT_SIZE - 1);
        assert_memory_equal(first, "pst_", 4);
        assert_true(api_key_valid(str_from(first)));
        assert_string_not_equal(first, second);
    }
}

static void every_changed_character_is_found(void **state)
{
    char key[API_KEY_TEXT_SIZE];

    (void)state;
    for (size_t i = 4; i < API_KEY_TEXT_SIZE - 1; i++) {
        memcpy(key, known_key, sizeof(key));
        key[i] = key[i] == 'a' ? 'b' : 'a';
        assert_false(api_key_valid(str_from(key)));
    }
    for (size_t len = 0; len < API_KEY_TEXT_SIZE - 1; len++) {
        assert_false(api_key_valid((struct str){ known_key, len }));
    }
}

static void foreign_keys_keep_to_the_limits(void **state)
{
    char text[API_KEY_MAX + 2];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_false(api_key_valid((struct str){ text, API_KEY_MIN - 1 }));
    assert_true(api_key_valid((struct str){ text, API_KEY_MIN }));
    assert_true(api_key_valid((struct str){ text, API_KEY_MAX }));
    assert_false(api_key_valid((struct str){ text, API_KEY_MAX + 1 }));
    text[5] = ' ';
    assert_false(api_key_valid((struct str){ text, API_KEY_MIN }));
    text[5] = '\x7f';
    assert_false(api_key_valid((struct str){ text, API_KEY_MIN }));
    text[5] = '\xc3';
    assert_false(api_key_valid((struct str){ text, API_KEY_MIN }));
    text[5] = '\0';
    assert_false(api_key_valid((struct str){ text, API_KEY_MIN }));
    assert_false(api_key_valid(STR_NONE));
}

static void hints_show_little(void **state)
{
    static const struct {
        const char *key;
        const char *hint;
    } rows[] = {
        { "pst_0123456789ABCDEFGHIJKLMNOPQRSTUV3uavNM", "pst_0123..." },
        { "correct-horse-battery-staple-and-more", "corr..." },
        { "short", "..." },
        { "", "..." },
    };
    char hint[16];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        api_key_hint(str_from(rows[i].key), hint);
        assert_string_equal(hint, rows[i].hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_crc_is_accepted),
        cmocka_unit_test(made_keys_are_valid_and_differ),
        cmocka_unit_test(every_changed_character_is_found),
        cmocka_unit_test(foreign_keys_keep_to_the_limits),
        cmocka_unit_test(hints_show_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
