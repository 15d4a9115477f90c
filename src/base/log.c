/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LOG_LINE_SIZE = 2048, LOG_FIELDS_SIZE = 1536 };

static _Atomic int log_minimum = LOG_INFO;
static _Atomic bool log_json;

static const char *const log_names[] = { "debug", "info", "warn", "error", "fatal" };

void log_setup(enum log_level level, bool json)
{
    atomic_store(&log_minimum, (int)level);
    atomic_store(&log_json, json);
}

int log_level_parse(struct str s, enum log_level *ret_level)
{
    for (int i = LOG_DEBUG; i < LOG_FATAL; i++) {
        if (str_eq_c(s, log_names[i])) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return -E_INVALID;
}

/* Append as the inside of a JSON string; bytes that are not printable ASCII or UTF-8 text become "?". */
static size_t log_json_text(char *out, size_t at, size_t size, const char *s, size_t len)
{
    for (size_t i = 0; i < len && at + 2 < size; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c == '"' || c == '\\') {
            out[at++] = '\\';
        }
        out[at++] = (char)(c < 0x20 ? '?' : c);
    }
    return at;
}

static size_t log_json_raw(char *out, size_t at, size_t size, const char *s)
{
    size_t len = strlen(s);

    if (at + len >= size) {
        return at;
    }
    memcpy(out + at, s, len);
    return at + len;
}

/* Turn `key=value key="quoted value"` into JSON members. */
static size_t log_json_fields(char *out, size_t at, size_t size, struct str fields)
{
    while (fields.len > 0) {
        size_t eq = str_find(fields, '=');
        struct str key = str_sub(fields, 0, eq);
        struct str rest = str_sub(fields, eq + 1, fields.len);
        struct str value;

        if (eq == fields.len) {
            break;
        }
        if (rest.len > 0 && rest.p[0] == '"') {
            rest = str_sub(rest, 1, rest.len);
            value = str_sub(rest, 0, str_find(rest, '"'));
            rest = str_sub(rest, value.len + 1, rest.len);
        } else {
            value = str_sub(rest, 0, str_find(rest, ' '));
            rest = str_sub(rest, value.len, rest.len);
        }
        at = log_json_raw(out, at, size, ",\"");
        at = log_json_text(out, at, size, key.p, key.len);
        at = log_json_raw(out, at, size, "\":\"");
        at = log_json_text(out, at, size, value.p, value.len);
        at = log_json_raw(out, at, size, "\"");
        fields = str_trim(rest);
    }
    return at;
}

static size_t log_format_json(char *line, const char *when, enum log_level level,
                              const char *msg, const char *fields)
{
    size_t size = LOG_LINE_SIZE - 4;
    size_t at = 0;

    at = log_json_raw(line, at, size, "{\"ts\":\"");
    at = log_json_raw(line, at, size, when);
    at = log_json_raw(line, at, size, "\",\"level\":\"");
    at = log_json_raw(line, at, size, log_names[level]);
    at = log_json_raw(line, at, size, "\",\"msg\":\"");
    at = log_json_text(line, at, size, msg, strlen(msg));
    at = log_json_raw(line, at, size, "\"");
    at = log_json_fields(line, at, size - 2, str_from(fields));
    line[at++] = '}';
    line[at++] = '\n';
    return at;
}

void log_write(enum log_level level, const char *msg, const char *fields_fmt, ...)
{
    char when[CLOCK_TEXT_SIZE];
    char fields[LOG_FIELDS_SIZE];
    char line[LOG_LINE_SIZE];
    size_t len;
    va_list args;

    if ((int)level < atomic_load_explicit(&log_minimum, memory_order_relaxed)) {
        return;
    }
    clock_format(clock_wall_ms(), when);
    va_start(args, fields_fmt);
    (void)vsnprintf(fields, sizeof(fields), fields_fmt, args);
    va_end(args);
    for (char *p = fields; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20) {
            *p = '?';
        }
    }
    if (atomic_load_explicit(&log_json, memory_order_relaxed)) {
        len = log_format_json(line, when, level, msg, fields);
    } else {
        int n = snprintf(line, sizeof(line), "ts=%s level=%s msg=\"%s\"%s%s\n", when,
                         log_names[level], msg, fields[0] == '\0' ? "" : " ", fields);

        len = n < 0 ? 0 : (size_t)n;
        if (len >= sizeof(line)) {
            len = sizeof(line) - 1;
            line[len - 1] = '\n';
        }
    }
    if (write(STDERR_FILENO, line, len) < 0) {
        return; /* nobody left to tell */
    }
}
