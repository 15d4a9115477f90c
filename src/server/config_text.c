/* SPDX-License-Identifier: Apache-2.0 */
/* config_text.c - the settings for people: the example file, `config check`, the flags of --help. */
#include <string.h>

#include "base/assert.h"
#include "server/config_row.h"

enum { KEY_WIDTH = 28, FLAG_WIDTH = 34, VALUE_MAX = 8192 };

static const char example_head[] =
    "# SPDX-License-Identifier: Apache-2.0\n"
    "#\n"
    "# Every setting of Postern with its default. Remove the # before a key to set it.\n"
    "#\n"
    "# The same key is environment POSTERN_<KEY> and flag --<key-with-hyphens>; a flag wins "
    "over the\n"
    "# environment, the environment over this file. Sizes take k, m, g; times take ms, s, m, "
    "h, d. A\n"
    "# value with a blank and # in it stands in double quotes. Check with: postern config "
    "check\n";

/* Formatting reads the defaults, so they are set into a config of their own. */
static int add_default(const struct config_row *row, struct buf *out)
{
    struct config c;
    int rc;

    memset(&c, 0, sizeof(c));
    rc = config_set(&c, row, str_from(row->standard), NULL);
    ASSERT(rc == 0);
    rc = config_format(&c, row, out);
    config_done(&c);
    return rc;
}

int config_example(struct buf *out)
{
    int rc = buf_add_c(out, example_head);

    for (size_t i = 0; i < CONFIG_COUNT && rc == 0; i++) {
        const struct config_row *row = &config_rows[i];

        rc = buf_printf(out, "\n# %s%s\n#%s =%s", row->doc,
                        row->reload ? " SIGHUP takes a change over." : "", row->key,
                        row->standard[0] == '\0' ? "" : " ");
        if (rc == 0) {
            rc = add_default(row, out);
        }
        if (rc == 0) {
            rc = buf_add_char(out, '\n');
        }
    }
    return rc;
}

int config_flags(struct buf *out)
{
    int rc = 0;

    for (size_t i = 0; i < CONFIG_COUNT && rc == 0; i++) {
        const struct config_row *row = &config_rows[i];
        size_t from = out->len;
        size_t width;

        if (row->secret) {
            continue;
        }
        rc = buf_printf(out, "  --%s", row->key);
        if (rc != 0) {
            break;
        }
        for (size_t k = from; k < out->len; k++) {
            out->p[k] = out->p[k] == '_' ? '-' : out->p[k];
        }
        width = out->len - from;
        rc = buf_printf(out, "%*s%s", (int)(width < FLAG_WIDTH ? FLAG_WIDTH - width : 1), "",
                        row->doc);
        if (rc == 0 && row->standard[0] != '\0') {
            rc = buf_add_c(out, " [");
            if (rc == 0) {
                rc = add_default(row, out);
            }
            if (rc == 0) {
                rc = buf_add_char(out, ']');
            }
        }
        if (rc == 0) {
            rc = buf_add_char(out, '\n');
        }
    }
    return rc;
}

/* postgres://user:password@host/...?password=...: both places of the password are hidden. */
static int add_database(struct str url, struct buf *out)
{
    size_t start = 0;
    size_t at = url.len;
    size_t colon;
    struct str rest = url;
    struct str user;
    int rc;

    while (start + 2 < url.len && memcmp(url.p + start, "://", 3) != 0) {
        start++;
    }
    start = start + 2 < url.len ? start + 3 : 0;
    /* The last @ before the path ends the user part: a password may hold one that is not escaped. */
    for (size_t i = start; i < url.len && url.p[i] != '/' && url.p[i] != '?'; i++) {
        at = url.p[i] == '@' ? i : at;
    }
    if (at < url.len) {
        user = str_sub(url, start, at - start);
        colon = str_find(user, ':');
        rc = buf_printf(out, "%.*s%.*s%s", (int)start, url.p, (int)colon, user.p,
                        colon < user.len ? ":***" : "");
        if (rc != 0) {
            return rc;
        }
        rest = str_sub(url, at, url.len);
    }
    for (size_t i = 0; i < rest.len; i++) {
        static const struct str name = { "password=", 9 };

        if (str_starts(str_sub(rest, i, rest.len), name)) {
            rc = buf_printf(out, "%.*spassword=***", (int)i, rest.p);
            rest = str_sub(rest, i, rest.len);
            rest = str_sub(rest, str_find(rest, '&'), rest.len);
            return rc != 0 ? rc : buf_add_str(out, rest);
        }
    }
    return buf_add_str(out, rest);
}

static int add_value(const struct config *c, const struct config_row *row, struct buf *out)
{
    if (row->secret) {
        return buf_add_c(out, c->admin_key[0] == '\0' ? "" : "***");
    }
    if (row->offset == offsetof(struct config, database)) {
        return add_database(str_from(c->database), out);
    }
    return config_format(c, row, out);
}

int config_each(const struct config *c,
                int (*on_row)(void *ctx, const char *key, struct str value, const char *origin),
                void *ctx)
{
    struct buf value;
    int rc = 0;

    buf_init(&value, VALUE_MAX);
    for (size_t i = 0; i < CONFIG_COUNT && rc == 0; i++) {
        buf_clear(&value);
        rc = add_value(c, &config_rows[i], &value);
        if (rc == 0) {
            rc = on_row(ctx, config_rows[i].key, buf_str(&value), c->origin[i]);
        }
    }
    buf_done(&value);
    return rc;
}

static int print_row(void *ctx, const char *key, struct str value, const char *origin)
{
    return buf_printf(ctx, "%-*s = %.*s  # %s\n", KEY_WIDTH, key, STR_ARG(value), origin);
}

int config_print(const struct config *c, struct buf *out)
{
    return config_each(c, print_row, out);
}
