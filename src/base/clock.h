/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the two clocks, and times as text.
 *
 * Delays are measured on CLOCK_BOOTTIME (never jumps, runs during suspend). What is stored or shown is wall
 * time. Pure code takes its time as an argument and calls none of these.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

int64_t clock_wall_ms(void);
int64_t clock_boot_ms(void);
int64_t clock_boot_us(void);

enum { CLOCK_TEXT_SIZE = 25 }; /* "2026-11-22T05:00:00.000Z" and NUL */

/* RFC 3339 in UTC with milliseconds. ms may be negative (before 1970) down to year 0. */
void clock_format(int64_t wall_ms, char ret_text[CLOCK_TEXT_SIZE]);
/* RFC 3339 date-time with any offset, fraction optional (cut to ms). -E_INVALID otherwise. */
NODISCARD int clock_parse(struct str s, int64_t *ret_wall_ms);
/* Days since 1970-01-01 of a proleptic Gregorian date (month 1..12). */
int64_t clock_days(int64_t year, int64_t month, int64_t day);

#endif
