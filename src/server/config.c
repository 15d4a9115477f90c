/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - the sources of the settings, from the weakest to the strongest: defaults, file, environment,
 * flags. Each sets what it names and notes itself as the origin; the whole is checked at the end.
 */
#include "server/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "server/config_row.h"
#include "server/suggest.h"

enum { ENV_NAME_MAX = 80 };

static const char *const origin_default = "default";
static const char *const origin_file = "file";
static const char *const origin_environment = "environment";
static const char *const origin_flag = "flag";

static size_t row_number(const struct config_row *row)
{
    return (size_t)(row - config_rows);
}

static void set_defaults(struct config *c)
{
    memset(c, 0, sizeof(*c));
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        int rc = config_set(c, &config_rows[i], str_from(config_rows[i].standard), NULL);

        ASSERT(rc == 0);
        c->origin[i] = origin_default;
    }
}

static const char *suggest_key(struct str key)
{
    const char *names[CONFIG_COUNT];

    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        names[i] = config_rows[i].key;
    }
    return suggest_nearest(key, names, CONFIG_COUNT);
}

/* The sentence of err with `path:line: ` in front. */
static int at_line(struct err *err, const char *path, size_t line, int rc)
{
    char text[ERR_TEXT_SIZE];

    if (err == NULL) {
        return rc;
    }
    (void)snprintf(text, sizeof(text), "%s", err->text);
    return err_set(err, rc, "%s:%zu: %s", path, line, text);
}

/* A value in double quotes is what stands between them; else a blank and # begin a comment. */
static int value_of(struct str rest, struct str *ret_value, struct err *err)
{
    struct str value = str_trim(rest);
    size_t end;

    if (value.len > 0 && value.p[0] == '"') {
        struct str tail;

        value = str_sub(value, 1, value.len);
        end = str_find(value, '"');
        if (end == value.len) {
            return err_set(err, -E_CONFIG, "the closing quote is missing");
        }
        tail = str_trim(str_sub(value, end + 1, value.len));
        if (tail.len > 0 && tail.p[0] != '#') {
            return err_set(err, -E_CONFIG, "there is text behind the closing quote");
        }
        *ret_value = str_sub(value, 0, end);
        return 0;
    }
    for (end = 0; end < value.len; end++) {
        if (value.p[end] == '#' &&
            (end == 0 || value.p[end - 1] == ' ' || value.p[end - 1] == '\t')) {
            break;
        }
    }
    *ret_value = str_trim(str_sub(value, 0, end));
    return 0;
}

static int read_line(struct config *c, struct str line, struct err *err)
{
    const struct config_row *row;
    struct str key;
    struct str value = STR_NONE;
    size_t equals;
    int rc;

    if (line.len > 0 && line.p[line.len - 1] == '\r') {
        line.len--;
    }
    line = str_trim(line);
    if (line.len == 0 || line.p[0] == '#') {
        return 0;
    }
    equals = str_find(line, '=');
    if (equals == line.len) {
        return err_set(err, -E_CONFIG, "a line is `key = value` or begins with #");
    }
    key = str_trim(str_sub(line, 0, equals));
    row = config_find(key);
    if (row == NULL) {
        const char *nearest = suggest_key(key);

        return err_set(err, -E_CONFIG, "unknown key `%.*s`%s%s%s",
                       (int)(key.len < 64 ? key.len : 64), key.p,
                       nearest == NULL ? "" : "; did you mean `",
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "`?");
    }
    if (c->origin[row_number(row)] == origin_file) {
        return err_set(err, -E_CONFIG, "%s stands in this file twice", row->key);
    }
    rc = value_of(str_sub(line, equals + 1, line.len), &value, err);
    if (rc == 0) {
        rc = config_set(c, row, value, err);
    }
    if (rc == 0) {
        c->origin[row_number(row)] = origin_file;
    }
    return rc;
}

static int parse_text(struct config *c, const char *path, struct str text, struct err *err)
{
    struct str line;
    size_t number = 0;

    while (str_split(&text, '\n', &line)) {
        int rc;

        number++;
        rc = read_line(c, line, err);
        if (rc != 0) {
            return at_line(err, path, number, rc);
        }
    }
    return 0;
}

static int load_file(const char *path, struct buf *text, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = 0;

    if (fd < 0) {
        return err_set(err, -E_CONFIG, "Cannot open %s: %s.", path, strerrordesc_np(errno));
    }
    for (;;) {
        char piece[4096];
        ssize_t n = read(fd, piece, sizeof(piece));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            rc = err_set(err, -E_CONFIG, "Cannot read %s: %s.", path, strerrordesc_np(errno));
            break;
        }
        if (n == 0) {
            break;
        }
        if (buf_add(text, piece, (size_t)n) != 0) {
            rc = err_set(err, -E_CONFIG, "%s has more than %d bytes.", path, CONFIG_FILE_MAX);
            break;
        }
    }
    (void)close(fd);
    return rc;
}

static int read_file(struct config *c, const char *path, struct err *err)
{
    struct buf text;
    int rc;

    buf_init(&text, CONFIG_FILE_MAX);
    rc = load_file(path, &text, err);
    if (rc == 0) {
        rc = parse_text(c, path, buf_str(&text), err);
    }
    buf_done(&text);
    return rc;
}

static void env_name(const struct config_row *row, char ret_name[ENV_NAME_MAX])
{
    int len = snprintf(ret_name, ENV_NAME_MAX, "POSTERN_%s", row->key);

    ASSERT(len > 0 && len < ENV_NAME_MAX);
    for (char *p = ret_name; *p != '\0'; p++) {
        if (*p >= 'a' && *p <= 'z') {
            *p = (char)(*p - 'a' + 'A');
        }
    }
}

static int read_environment(struct config *c, struct err *err)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char name[ENV_NAME_MAX];
        const char *value;
        struct err inner = { 0 };

        env_name(&config_rows[i], name);
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): nothing sets the environment meanwhile. */
        value = getenv(name);
        if (value == NULL || value[0] == '\0') {
            continue;
        }
        if (config_set(c, &config_rows[i], str_from(value), &inner) != 0) {
            return err_set(err, -E_CONFIG, "environment %s: %s", name, inner.text);
        }
        c->origin[i] = origin_environment;
    }
    return 0;
}

/* `--some-key` to the row of some_key; a flag has hyphens only. */
static const struct config_row *flag_row(struct str name, struct err *err)
{
    char key[ENV_NAME_MAX];
    const struct config_row *row = NULL;
    const char *nearest;
    char dashed[ENV_NAME_MAX] = "";

    if (name.len < sizeof(key) && str_find(name, '_') == name.len) {
        for (size_t i = 0; i < name.len; i++) {
            key[i] = name.p[i] == '-' ? '_' : name.p[i];
        }
        row = config_find((struct str){ key, name.len });
        nearest = suggest_key((struct str){ key, name.len });
    } else {
        nearest = suggest_key(name);
    }
    if (row != NULL) {
        return row;
    }
    if (nearest != NULL) {
        (void)snprintf(dashed, sizeof(dashed), "; did you mean --%s?", nearest);
        for (char *p = strchr(dashed, '-'); *p != '\0'; p++) {
            *p = *p == '_' ? '-' : *p;
        }
    }
    (void)err_set(err, -E_USAGE, "unknown flag --%.*s%s", (int)(name.len < 64 ? name.len : 64),
                  name.p, dashed);
    return NULL;
}

/* One flag at argv[*at]; *at moves behind it and its value. */
static int read_flag(struct config *c, int argc, char **argv, int *at, struct err *err)
{
    struct str flag = str_from(argv[*at]);
    struct str name;
    struct str value;
    const struct config_row *row;
    struct err inner = { 0 };
    size_t equals;

    (*at)++;
    if (!str_starts(flag, STR("--")) || flag.len < 3) {
        return err_set(err, -E_USAGE, "unexpected argument `%.*s`; settings are --name value",
                       (int)(flag.len < 64 ? flag.len : 64), flag.p);
    }
    flag = str_sub(flag, 2, flag.len);
    equals = str_find(flag, '=');
    name = str_sub(flag, 0, equals);
    row = flag_row(name, err);
    if (row == NULL) {
        return -E_USAGE;
    }
    if (row->secret) {
        return err_set(err, -E_USAGE,
                       "--%.*s would show the secret to every user of this machine; set "
                       "POSTERN_ADMIN_KEY or use --admin-key-file",
                       STR_ARG(name));
    }
    if (equals < flag.len) {
        value = str_sub(flag, equals + 1, flag.len);
    } else if (row->type == CONFIG_BOOL) {
        value = STR("true");
    } else if (*at < argc) {
        value = str_from(argv[*at]);
        (*at)++;
    } else {
        return err_set(err, -E_USAGE, "--%.*s needs a value", STR_ARG(name));
    }
    if (config_set(c, row, value, &inner) != 0) {
        return err_set(err, -E_USAGE, "flag --%.*s: %s", STR_ARG(name), inner.text);
    }
    c->origin[row_number(row)] = origin_flag;
    return 0;
}

int config_read(struct config *c, const char *path, int argc, char **argv, struct err *err)
{
    struct config fresh;
    int at = 0;
    int rc = 0;

    set_defaults(&fresh);
    if (path != NULL) {
        rc = read_file(&fresh, path, err);
    }
    if (rc == 0) {
        rc = read_environment(&fresh, err);
    }
    while (rc == 0 && at < argc) {
        rc = read_flag(&fresh, argc, argv, &at, err);
    }
    if (rc == 0) {
        rc = config_check(&fresh, err);
    }
    if (rc != 0) {
        config_done(&fresh);
        return rc;
    }
    *c = fresh;
    return 0;
}

int config_read_text(struct config *c, const char *name, struct str text, struct err *err)
{
    struct config fresh;
    int rc;

    set_defaults(&fresh);
    rc = parse_text(&fresh, name, text, err);
    if (rc == 0) {
        rc = config_check(&fresh, err);
    }
    if (rc != 0) {
        config_done(&fresh);
        return rc;
    }
    *c = fresh;
    return 0;
}

void config_done(struct config *c)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (config_rows[i].type == CONFIG_TEXT) {
            char **field = config_text_field(c, &config_rows[i]);

            if (config_rows[i].secret && *field != NULL) {
                explicit_bzero(*field, strlen(*field));
            }
            free(*field);
            *field = NULL;
        }
    }
}

static bool same_value(struct config *a, struct config *b, const struct config_row *row)
{
    switch (row->type) {
    case CONFIG_TEXT:
        return strcmp(*config_text_field(a, row), *config_text_field(b, row)) == 0;
    case CONFIG_BOOL:
        return *config_bool_field(a, row) == *config_bool_field(b, row);
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_DURATION_MS:
        return *config_int_field(a, row) == *config_int_field(b, row);
    }
    return true;
}

static void swap_value(struct config *a, struct config *b, const struct config_row *row)
{
    size_t i = row_number(row);
    const char *origin = a->origin[i];

    a->origin[i] = b->origin[i];
    b->origin[i] = origin;
    if (row->type == CONFIG_TEXT) {
        char *text = *config_text_field(a, row);

        *config_text_field(a, row) = *config_text_field(b, row);
        *config_text_field(b, row) = text;
    } else if (row->type == CONFIG_BOOL) {
        bool value = *config_bool_field(a, row);

        *config_bool_field(a, row) = *config_bool_field(b, row);
        *config_bool_field(b, row) = value;
    } else {
        int64_t value = *config_int_field(a, row);

        *config_int_field(a, row) = *config_int_field(b, row);
        *config_int_field(b, row) = value;
    }
}

int config_reload(struct config *c, struct config *fresh, struct buf *changed,
                  struct buf *ignored)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        const struct config_row *row = &config_rows[i];
        struct buf *list = row->reload ? changed : ignored;

        if (same_value(c, fresh, row)) {
            continue;
        }
        if (buf_printf(list, "%s%s", list->len > 0 ? " " : "", row->key) != 0) {
            return -E_TOO_LARGE;
        }
        if (row->reload) {
            swap_value(c, fresh, row);
        }
    }
    return 0;
}
