/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry_after.c - Retry-After and the three spellings of an HTTP-date.
 *
 * A date is matched against a pattern, letter by letter: `a` day name, `A` long day name, `d` two digits,
 * `e` two digits or blank and digit, `t` two digits of the time, `b` month name, `Y` four digits, `y` two; anything else is itself.
 */
#include "net/retry_after.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"

enum { SECOND_MS = 1000, DAY_S = 86400 };
enum { RETRY_AFTER_DAYS_MAX = 366 };

struct date {
    int64_t year;
    int64_t month; /* 1..12 */
    int64_t day;
    int64_t times[3]; /* hour, minute, second */
    bool is_short_year;
};

static const char *const day_names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday" };
static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* Cut a name of the table off *s; short ones are its first three letters. -1 when none is there. */
static int date_take_name(struct str *s, const char *const *names, size_t count, bool is_short)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct str name = str_from(names[i]);

        if (is_short) {
            name = str_sub(name, 0, 3);
        }
        if (str_starts(*s, name)) {
            *s = str_sub(*s, name.len, s->len);
            return (int)i;
        }
    }
    return -1;
}

static int date_take_number(struct str *s, size_t digits, int64_t *ret_value)
{
    if (s->len < digits || str_to_int(str_sub(*s, 0, digits), 0, 9999, ret_value) != 0) {
        return -E_INVALID;
    }
    *s = str_sub(*s, digits, s->len);
    return 0;
}

/* One letter of the pattern off *s and into *date. `which` counts the time fields met so far. */
static int date_take(struct str *s, char letter, struct date *date, size_t *which)
{
    int name;

    switch (letter) {
    case 'a':
    case 'A':
        return date_take_name(s, day_names, 7, letter == 'a') < 0 ? -E_INVALID : 0;
    case 'b':
        name = date_take_name(s, month_names, 12, true);
        date->month = name + 1;
        return name < 0 ? -E_INVALID : 0;
    case 'e':
        if (s->len > 0 && s->p[0] == ' ') {
            *s = str_sub(*s, 1, s->len);
            return date_take_number(s, 1, &date->day);
        }
        return date_take_number(s, 2, &date->day);
    case 'd':
        return date_take_number(s, 2, &date->day);
    case 't':
        return date_take_number(s, 2, &date->times[(*which)++]);
    case 'Y':
        return date_take_number(s, 4, &date->year);
    case 'y':
        date->is_short_year = true;
        return date_take_number(s, 2, &date->year);
    default:
        if (s->len == 0 || s->p[0] != letter) {
            return -E_INVALID;
        }
        *s = str_sub(*s, 1, s->len);
        return 0;
    }
}

static int date_match(struct str s, const char *pattern, struct date *ret_date)
{
    struct date date = { 0 };
    size_t which = 0;

    for (; *pattern != '\0'; pattern++) {
        if (date_take(&s, *pattern, &date, &which) != 0) {
            return -E_INVALID;
        }
    }
    if (s.len != 0) {
        return -E_INVALID;
    }
    *ret_date = date;
    return 0;
}

static int64_t date_ms(const struct date *d, int64_t year)
{
    return (clock_days(year, d->month, d->day) * DAY_S + d->times[0] * 3600 + d->times[1] * 60 +
            d->times[2]) *
           SECOND_MS;
}

/* A two-digit year that seems more than 50 years ahead is the last such year that is past. */
static int64_t date_full_year(const struct date *d, int64_t wall_now_ms)
{
    const int64_t fifty_years_ms = INT64_C(50) * 146097 / 400 * DAY_S * SECOND_MS;
    int64_t year = d->year;

    while (year < 9900 && date_ms(d, year + 100) <= wall_now_ms + fifty_years_ms) {
        year += 100;
    }
    return year;
}

static bool date_is_real(const struct date *d)
{
    static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    int64_t days = month_days[d->month - 1] + (d->month == 2 && is_leap ? 1 : 0);

    /* Second 60 is a leap second. */
    return d->day >= 1 && d->day <= days && d->times[0] <= 23 && d->times[1] <= 59 &&
           d->times[2] <= 60;
}

int http_date_parse(struct str value, int64_t wall_now_ms, int64_t *ret_wall_ms)
{
    static const char *const patterns[] = {
        "a, d b Y t:t:t GMT", /* IMF-fixdate */
        "A, d-b-y t:t:t GMT", /* RFC 850 */
        "a b e t:t:t Y",      /* asctime */
    };
    struct date date;
    size_t i;

    for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (date_match(value, patterns[i], &date) != 0) {
            continue;
        }
        if (date.is_short_year) {
            date.year = date_full_year(&date, wall_now_ms);
        }
        if (!date_is_real(&date)) {
            return -E_INVALID;
        }
        *ret_wall_ms = date_ms(&date, date.year);
        return 0;
    }
    return -E_INVALID;
}

int retry_after_parse(struct str value, int64_t wall_now_ms, int64_t *ret_delay_ms)
{
    const int64_t max_ms = (int64_t)RETRY_AFTER_DAYS_MAX * DAY_S * SECOND_MS;
    int64_t at_ms;
    int64_t delay_ms = 0;
    size_t i = 0;

    value = str_trim(value);
    if (value.len == 0) {
        return -E_INVALID;
    }
    /* Any number of digits is a number; it stops to grow at the maximum. */
    while (i < value.len && value.p[i] >= '0' && value.p[i] <= '9') {
        if (delay_ms < max_ms) {
            delay_ms = delay_ms * 10 + (value.p[i] - '0') * SECOND_MS;
        }
        i++;
    }
    if (i < value.len) {
        if (http_date_parse(value, wall_now_ms, &at_ms) != 0) {
            return -E_INVALID;
        }
        delay_ms = at_ms - wall_now_ms;
    }
    if (delay_ms < 0) {
        delay_ms = 0;
    }
    *ret_delay_ms = delay_ms < max_ms ? delay_ms : max_ms;
    return 0;
}
