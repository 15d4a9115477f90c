/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - structured lines for operators on stderr: logfmt, or JSON by option. One write(2) a line.
 *
 * Never a secret, never a payload. `msg` is a fixed sentence; what varies goes into the fields, given as
 * a logfmt-like printf format of `key=value` pairs separated by one space; a value written as %s with
 * blanks must be quoted in the format ("url=\"%s\""). Thread-safe. The level is the only global state.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL };

void log_setup(enum log_level level, bool json);
/* "debug", "info", "warn", "error"; -E_INVALID otherwise. */
NODISCARD int log_level_parse(struct str s, enum log_level *ret_level);

void log_write(enum log_level level, const char *msg, const char *fields_fmt, ...)
    PRINTF_LIKE(3, 4);

#define LOG_D(msg, ...) log_write(LOG_DEBUG, msg, __VA_ARGS__)
#define LOG_I(msg, ...) log_write(LOG_INFO, msg, __VA_ARGS__)
#define LOG_W(msg, ...) log_write(LOG_WARN, msg, __VA_ARGS__)
#define LOG_E(msg, ...) log_write(LOG_ERROR, msg, __VA_ARGS__)

#endif
