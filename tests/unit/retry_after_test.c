/* SPDX-License-Identifier: Apache-2.0 */
/* Retry-After: seconds and the three date forms; what is neither is refused, what is far is clamped. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "net/retry_after.h"

#define DAY_MS (INT64_C(86400) * 1000)
#define MAX_MS (366 * DAY_MS)

static const int64_t now_ms = INT64_C(1794714300250); /* 2026-11-15T03:45:00.250Z */

static void delays(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "0", 0 },
        { "120", 120000 },
        { " 7\t", 7000 },
        { "007", 7000 },
        { "31622400", MAX_MS },
        { "31622401", MAX_MS },
        { "99999999999999999999999999", MAX_MS },
        { "Sun, 15 Nov 2026 03:45:01 GMT", 750 },
        { "Sun, 15 Nov 2026 03:45:00 GMT", 0 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
        { "Sunday, 15-Nov-26 03:46:00 GMT", 59750 },
        { "Sun Nov 15 04:45:00 2026", 3599750 },
        { "Tue, 15 Nov 2050 03:45:00 GMT", MAX_MS },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;

        if (retry_after_parse(str_from(cases[i].text), now_ms, &ms) != 0 || ms != cases[i].ms) {
            fail_msg("`%s` gives %lld", cases[i].text, (long long)ms);
        }
    }
}

static void dates(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
        { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
        { "Sun Nov  6 08:49:37 1994", 784111777 },
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "Tue, 29 Feb 2028 23:59:59 GMT", 1835481599 },
        { "Fri, 31 Dec 2016 23:59:60 GMT", 1483228800 }, /* a leap second */
        { "Thu Jan 31 00:00:00 2030", 1896048000 },
        { "Monday, 01-Jan-76 00:00:00 GMT", 3345062400 },  /* 2076: within fifty years */
        { "Saturday, 01-Jan-77 00:00:00 GMT", 220924800 }, /* 1977: 2077 is beyond them */
        { "Saturday, 01-Jan-00 00:00:00 GMT", 946684800 },
        { "Sat, 01 Jan 0000 00:00:00 GMT", -62167219200 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;

        if (http_date_parse(str_from(cases[i].text), now_ms, &ms) != 0 ||
            ms != cases[i].seconds * 1000) {
            fail_msg("`%s` gives %lld", cases[i].text, (long long)ms);
        }
    }
}

static void refused(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "0x10",
        "1 2",
        "soon",
        "1s",
        "2026-11-15T03:45:00Z",
        "Sun, 15 Nov 2026 03:45:00",
        "Sun, 15 Nov 2026 03:45:00 UTC",
        "Sun, 15 Nov 2026 03:45:00 +0000",
        "Sun, 15 Nov 2026 03:45:00 GMT+1",
        "Sun, 15 Nov 2026 24:00:00 GMT",
        "Sun, 15 Nov 2026 03:60:00 GMT",
        "Sun, 15 Nov 2026 03:45:61 GMT",
        "Sun, 5 Nov 2026 03:45:00 GMT",
        "Sun, 00 Nov 2026 03:45:00 GMT",
        "Mon, 31 Nov 2026 03:45:00 GMT",
        "Mon, 29 Feb 2027 03:45:00 GMT",
        "Mon, 29 Feb 2100 03:45:00 GMT",
        "Sun, 15 nov 2026 03:45:00 GMT",
        "sun, 15 Nov 2026 03:45:00 GMT",
        "Xyz, 15 Nov 2026 03:45:00 GMT",
        "Sun,15 Nov 2026 03:45:00 GMT",
        "Sun  15 Nov 2026 03:45:00 GMT",
        "Sun, 15-Nov-26 03:45:00 GMT",
        "Sunday, 15-Nov-2026 03:45:00 GMT",
        "Sunday, 15 Nov 2026 03:45:00 GMT",
        "Sun Nov 15 04:45:00 2026 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun, 15 Nov 2026 3:45:00 GMT",
        "Sun, 15 Nov 2026 03:45 GMT",
        "Sun, -1 Nov 2026 03:45:00 GMT",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -7;

        if (retry_after_parse(str_from(cases[i]), now_ms, &ms) != -E_INVALID || ms != -7) {
            fail_msg("`%s` gives %lld", cases[i], (long long)ms);
        }
    }
}

static void every_prefix_ends_well(void **state)
{
    static const char *const texts[] = { "Sun, 15 Nov 2026 03:45:01 GMT",
                                         "Sunday, 15-Nov-26 03:46:00 GMT",
                                         "Sun Nov 15 04:45:00 2026" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t len = 0; len < strlen(texts[i]); len++) {
            char *copy = test_malloc(len + 1);
            int64_t ms;

            memcpy(copy, texts[i], len);
            assert_int_equal(retry_after_parse((struct str){ copy, len }, now_ms, &ms),
                             -E_INVALID);
            test_free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays),
        cmocka_unit_test(dates),
        cmocka_unit_test(refused),
        cmocka_unit_test(every_prefix_ends_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
