/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration file: a fault names its place, and what is read is written and read the same. */
#include "server/config.h"

#include <string.h>

#include "base/assert.h"
#include "fuzz.h"

enum { TEXT_MAX = 1 << 20 };

struct rewrite {
    struct buf text;
    bool is_exact; /* every value can be written back */
};

static int rewrite_row(void *ctx, const char *key, struct str value, const char *origin)
{
    struct rewrite *r = ctx;

    (void)origin;
    if (str_find(value, '"') < value.len || str_find(value, '*') < value.len) {
        r->is_exact = false;
        return 0;
    }
    return buf_printf(&r->text, "%s = \"%.*s\"\n", key, STR_ARG(value));
}

static void check_again(const struct config *c)
{
    struct rewrite first;
    struct rewrite second;
    struct config again;
    struct err err = { 0 };

    first.is_exact = true;
    second.is_exact = true;
    buf_init(&first.text, TEXT_MAX);
    buf_init(&second.text, TEXT_MAX);
    ASSERT(config_each(c, rewrite_row, &first) == 0);
    if (first.is_exact) {
        ASSERT(config_read_text(&again, "again", buf_str(&first.text), &err) == 0);
        ASSERT(config_each(&again, rewrite_row, &second) == 0);
        ASSERT(str_eq(buf_str(&first.text), buf_str(&second.text)));
        config_done(&again);
    }
    buf_done(&first.text);
    buf_done(&second.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config c;
    struct err err = { 0 };
    struct buf printed;

    if (size > CONFIG_FILE_MAX) {
        return 0;
    }
    if (config_read_text(&c, "fuzz", (struct str){ (const char *)data, size }, &err) != 0) {
        ASSERT(err.code == -E_CONFIG && err.text[0] != '\0');
        return 0;
    }
    buf_init(&printed, TEXT_MAX);
    ASSERT(config_print(&c, &printed) == 0);
    buf_done(&printed);
    check_again(&c);
    config_done(&c);
    return 0;
}
