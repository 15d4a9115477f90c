/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/assert.h"

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);

    ASSERT(rc == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    return clock_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_boot_ms(void)
{
    return clock_us(CLOCK_BOOTTIME) / 1000;
}

int64_t clock_boot_us(void)
{
    return clock_us(CLOCK_BOOTTIME);
}

/* Both directions after Howard Hinnant, "chrono-compatible low-level date algorithms". */
int64_t clock_days(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + doe - 719468;
}

void clock_format(int64_t wall_ms, char ret_text[CLOCK_TEXT_SIZE])
{
    int64_t ms_of_day = ((wall_ms % 86400000) + 86400000) % 86400000;
    int64_t z = (wall_ms - ms_of_day) / 86400000 + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int day = (int)(doy - (153 * mp + 2) / 5 + 1);
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    int year = (int)(yoe + era * 400 + (month <= 2 ? 1 : 0));
    char text[96];

    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
                   (int)(ms_of_day / 3600000), (int)(ms_of_day / 60000 % 60),
                   (int)(ms_of_day / 1000 % 60), (int)(ms_of_day % 1000));
    for (int i = 0; i < CLOCK_TEXT_SIZE - 1; i++) {
        ret_text[i] = text[i];
    }
    ret_text[CLOCK_TEXT_SIZE - 1] = '\0';
}

static int clock_digits(struct str s, size_t at, size_t n, int64_t min, int64_t max,
                        int64_t *ret)
{
    if (s.len < at + n) {
        return -E_INVALID;
    }
    return str_to_int(str_sub(s, at, n), min, max, ret);
}

/* The offset behind the time: "Z" or "+hh:mm". */
static int clock_parse_offset(struct str s, int64_t *ret_minutes)
{
    int64_t hours = 0;
    int64_t minutes = 0;

    if (s.len == 1 && (s.p[0] == 'Z' || s.p[0] == 'z')) {
        *ret_minutes = 0;
        return 0;
    }
    if (s.len != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' ||
        clock_digits(s, 1, 2, 0, 23, &hours) != 0 ||
        clock_digits(s, 4, 2, 0, 59, &minutes) != 0) {
        return -E_INVALID;
    }
    *ret_minutes = (s.p[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return 0;
}

static int64_t clock_month_days(int64_t year, int64_t month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (month == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0)) {
        return 29;
    }
    return days[month - 1];
}

int clock_parse(struct str s, int64_t *ret_wall_ms)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t offset = 0;
    int64_t ms = 0;
    size_t at = 19;

    if (s.len < 20 || s.p[4] != '-' || s.p[7] != '-' || (s.p[10] != 'T' && s.p[10] != 't') ||
        s.p[13] != ':' || s.p[16] != ':' || clock_digits(s, 0, 4, 0, 9999, &year) != 0 ||
        clock_digits(s, 5, 2, 1, 12, &month) != 0 || clock_digits(s, 8, 2, 1, 31, &day) != 0 ||
        clock_digits(s, 11, 2, 0, 23, &hour) != 0 ||
        clock_digits(s, 14, 2, 0, 59, &minute) != 0 ||
        clock_digits(s, 17, 2, 0, 59, &second) != 0 || day > clock_month_days(year, month)) {
        return -E_INVALID;
    }
    if (s.p[at] == '.') {
        int64_t scale = 100;

        at++;
        while (at < s.len && s.p[at] >= '0' && s.p[at] <= '9') {
            ms += (s.p[at] - '0') * scale;
            scale /= 10;
            at++;
        }
        if (at == 20) {
            return -E_INVALID;
        }
    }
    if (clock_parse_offset(str_sub(s, at, s.len), &offset) != 0) {
        return -E_INVALID;
    }
    *ret_wall_ms = clock_days(year, month, day) * 86400000 + hour * 3600000 + minute * 60000 +
                   second * 1000 + ms - offset * 60000;
    return 0;
}
