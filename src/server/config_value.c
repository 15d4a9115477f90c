/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.c - single values: text to field, field to text, and the checks that need several of them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "crypto/api_key.h"
#include "net/ipguard.h"
#include "server/config_row.h"

#define CONFIG_ROW(f, t, def, lo, hi, can_reload, text)                                        \
    { .key = #f,                                                                               \
      .type = (t),                                                                             \
      .offset = offsetof(struct config, f),                                                    \
      .standard = (def),                                                                       \
      .min = (lo),                                                                             \
      .max = (hi),                                                                             \
      .reload = (can_reload),                                                                  \
      .secret = offsetof(struct config, f) == offsetof(struct config, admin_key),              \
      .doc = (text) },

const struct config_row config_rows[CONFIG_COUNT] = { CONFIG_TABLE(CONFIG_ROW) };

/* A unit multiplies by `factor`. The largest stands first: so a value is printed in the largest that fits. */
struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit size_units[] = { { "g", 1LL << 30 },
                                          { "m", 1LL << 20 },
                                          { "k", 1024 } };
static const struct unit time_units[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
};

enum {
    SIZE_UNITS = sizeof(size_units) / sizeof(size_units[0]),
    TIME_UNITS = sizeof(time_units) / sizeof(time_units[0])
};

static void *field_of(struct config *c, const struct config_row *row)
{
    return (char *)c + row->offset;
}

char **config_text_field(struct config *c, const struct config_row *row)
{
    ASSERT(row->type == CONFIG_TEXT);
    return field_of(c, row);
}

int64_t *config_int_field(struct config *c, const struct config_row *row)
{
    ASSERT(row->type != CONFIG_TEXT && row->type != CONFIG_BOOL);
    return field_of(c, row);
}

bool *config_bool_field(struct config *c, const struct config_row *row)
{
    ASSERT(row->type == CONFIG_BOOL);
    return field_of(c, row);
}

const struct config_row *config_find(struct str key)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (str_eq_c(key, config_rows[i].key)) {
            return &config_rows[i];
        }
    }
    return NULL;
}

static int set_text(struct config *c, const struct config_row *row, struct str text,
                    struct err *err)
{
    char **field = config_text_field(c, row);

    if ((int64_t)text.len < row->min || (int64_t)text.len > row->max) {
        return err_set(err, -E_CONFIG, "%s needs %lld to %lld characters", row->key,
                       (long long)row->min, (long long)row->max);
    }
    if (!str_is_utf8(text)) {
        return err_set(err, -E_CONFIG, "%s is not UTF-8", row->key);
    }
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f) {
            return err_set(err, -E_CONFIG, "%s holds a control character", row->key);
        }
    }
    free(*field);
    *field = xstrndup(text);
    return 0;
}

static int set_bool(struct config *c, const struct config_row *row, struct str text,
                    struct err *err)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = { { "true", true },   { "yes", true }, { "on", true },   { "1", true },
                  { "false", false }, { "no", false }, { "off", false }, { "0", false } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_eq_nocase(text, str_from(words[i].word))) {
            *config_bool_field(c, row) = words[i].value;
            return 0;
        }
    }
    return err_set(err, -E_CONFIG, "%s needs true or false", row->key);
}

/* Splits off the unit; a number alone has factor 1. False when the unit is not known. */
static bool split_unit(struct str *text, const struct unit *units, size_t count,
                       int64_t *ret_factor)
{
    size_t digits = 0;

    while (digits < text->len && text->p[digits] >= '0' && text->p[digits] <= '9') {
        digits++;
    }
    *ret_factor = 1;
    if (digits == text->len) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(str_sub(*text, digits, text->len), str_from(units[i].name))) {
            *ret_factor = units[i].factor;
            text->len = digits;
            return true;
        }
    }
    return false;
}

static int set_number(struct config *c, const struct config_row *row, struct str text,
                      struct err *err)
{
    const char *form = row->type == CONFIG_SIZE          ? "a size such as 64k, 1m or 1g"
                       : row->type == CONFIG_DURATION_MS ? "a time such as 500ms, 5s or 2m"
                                                         : "a whole number";
    int64_t factor = 1;
    int64_t value = 0;
    bool known = true;

    if (row->type == CONFIG_SIZE) {
        known = split_unit(&text, size_units, SIZE_UNITS, &factor);
    } else if (row->type == CONFIG_DURATION_MS) {
        known = split_unit(&text, time_units, TIME_UNITS, &factor);
    }
    if (!known || str_to_int(text, 0, INT64_MAX, &value) != 0) {
        return err_set(err, -E_CONFIG, "%s needs %s", row->key, form);
    }
    if (__builtin_mul_overflow(value, factor, &value) || value < row->min || value > row->max) {
        return err_set(err, -E_CONFIG, "%s must be between %lld and %lld", row->key,
                       (long long)row->min, (long long)row->max);
    }
    *config_int_field(c, row) = value;
    return 0;
}

int config_set(struct config *c, const struct config_row *row, struct str text, struct err *err)
{
    switch (row->type) {
    case CONFIG_TEXT:
        return set_text(c, row, text, err);
    case CONFIG_BOOL:
        return set_bool(c, row, text, err);
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_DURATION_MS:
        return set_number(c, row, text, err);
    }
    ASSERT(!"a config_type");
    return -E_INTERNAL;
}

static int format_units(int64_t value, const struct unit *units, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (value != 0 && value % units[i].factor == 0) {
            return buf_printf(out, "%lld%s", (long long)(value / units[i].factor),
                              units[i].name);
        }
    }
    return buf_printf(out, "%lld", (long long)value);
}

int config_format(const struct config *c, const struct config_row *row, struct buf *out)
{
    const void *field = (const char *)c + row->offset;

    switch (row->type) {
    case CONFIG_TEXT:
        return buf_add_c(out, *(char *const *)field);
    case CONFIG_BOOL:
        return buf_add_c(out, *(const bool *)field ? "true" : "false");
    case CONFIG_INT:
        return buf_printf(out, "%lld", (long long)*(const int64_t *)field);
    case CONFIG_SIZE:
        return format_units(*(const int64_t *)field, size_units, SIZE_UNITS, out);
    case CONFIG_DURATION_MS:
        return format_units(*(const int64_t *)field, time_units, TIME_UNITS, out);
    }
    ASSERT(!"a config_type");
    return -E_INTERNAL;
}

/* ADDR:PORT with the address in brackets when it has colons. */
static bool address_ok(struct str text, bool zero_allowed)
{
    struct str host;
    int64_t port = 0;
    size_t colon = text.len;

    while (colon > 0 && text.p[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2 ||
        str_to_int(str_sub(text, colon, text.len), zero_allowed ? 0 : 1, 65535, &port) != 0) {
        return false;
    }
    host = str_sub(text, 0, colon - 1);
    if (host.p[0] == '[') {
        return host.len > 2 && host.p[host.len - 1] == ']';
    }
    return str_find(host, ':') == host.len && str_find(host, ' ') == host.len;
}

static bool prefix_ok(const char *prefix)
{
    size_t len = strlen(prefix);

    return len > 0 && prefix[0] != '-' && prefix[len - 1] != '-' &&
           strspn(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") ==
               len;
}

static bool ports_ok(const char *text)
{
    struct str list = str_from(text);
    struct str item;
    int64_t port = 0;

    if (str_eq_c(list, "any")) {
        return true;
    }
    while (str_split(&list, ',', &item)) {
        if (str_to_int(str_trim(item), 1, 65535, &port) != 0) {
            return false;
        }
    }
    return true;
}

/* "203.0.113.7, 2001:db8::/48" */
static bool config_source_ips(struct str list)
{
    struct str one;

    while (list.len > 0 && str_split(&list, ',', &one)) {
        struct ip ip;
        size_t slash;

        one = str_trim(one);
        slash = str_find(one, '/');
        if (ip_parse(str_sub(one, 0, slash), &ip) != 0 || slash + 4 < one.len) {
            return false;
        }
        for (size_t i = slash + 1; i < one.len; i++) {
            if (one.p[i] < '0' || one.p[i] > '9') {
                return false;
            }
        }
    }
    return true;
}

static int check_words(const struct config *c, struct err *err)
{
    enum log_level level = LOG_INFO;

    if (log_level_parse(str_from(c->log_level), &level) != 0) {
        return err_set(err, -E_CONFIG, "log_level is debug, info, warn or error");
    }
    if (!config_source_ips(str_from(c->source_ips))) {
        return err_set(err, -E_CONFIG,
                       "source_ips is a comma-separated list of addresses or CIDRs");
    }
    if (strcmp(c->secret_reveal, "never") != 0 && strcmp(c->secret_reveal, "reauth") != 0) {
        return err_set(err, -E_CONFIG, "secret_reveal is never or reauth");
    }
    if (strcmp(c->log_format, "logfmt") != 0 && strcmp(c->log_format, "json") != 0) {
        return err_set(err, -E_CONFIG, "log_format is logfmt or json");
    }
    if (!prefix_ok(c->header_prefix)) {
        return err_set(err, -E_CONFIG,
                       "header_prefix has letters, digits and inner hyphens only");
    }
    if (!ports_ok(c->endpoint_ports)) {
        return err_set(err, -E_CONFIG,
                       "endpoint_ports is a list of ports such as 443,8443, or any");
    }
    return 0;
}

int config_check(const struct config *c, struct err *err)
{
    struct str database = str_from(c->database);

    if (!address_ok(str_from(c->listen), true)) {
        return err_set(err, -E_CONFIG,
                       "listen is ADDR:PORT, such as 127.0.0.1:8080 or [::1]:8080");
    }
    if (c->dns_server[0] != '\0' && !address_ok(str_from(c->dns_server), false)) {
        return err_set(err, -E_CONFIG, "dns_server is ADDR:PORT, such as 127.0.0.1:53");
    }
    if (database.len > 0 && !str_starts(database, STR("postgres://")) &&
        !str_starts(database, STR("postgresql://"))) {
        return err_set(err, -E_CONFIG,
                       "database begins with postgres:// ; leave it empty for SQLite in data");
    }
    if ((c->tls_cert[0] == '\0') != (c->tls_key[0] == '\0')) {
        return err_set(err, -E_CONFIG, "tls_cert and tls_key go together: give both or none");
    }
    if (c->admin_key[0] != '\0' && c->admin_key_file[0] != '\0') {
        return err_set(err, -E_CONFIG, "give admin_key or admin_key_file, not both");
    }
    if (c->admin_key[0] != '\0' && !api_key_valid(str_from(c->admin_key))) {
        return err_set(err, -E_CONFIG,
                       "admin_key needs %d to %d printable characters without blanks; one that "
                       "begins with pst_ must be whole",
                       API_KEY_MIN, API_KEY_MAX);
    }
    if (c->endpoint_memory_max > c->deliveries_memory_max) {
        return err_set(err, -E_CONFIG,
                       "endpoint_memory_max must not be above deliveries_memory_max");
    }
    return check_words(c, err);
}
