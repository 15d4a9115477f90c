/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

struct err_row {
    int code;
    const char *token;
    int status;
    const char *text;
};

static const struct err_row err_rows[] = { { 0, "ok", 200, "ok" },
#define ERR_ROW(name, number, token, status, text) { -(number), token, status, text },
                                           ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

static const struct err_row *err_find(int code)
{
    size_t n = sizeof(err_rows) / sizeof(err_rows[0]);

    for (size_t i = 0; i < n; i++) {
        if (err_rows[i].code == code) {
            return &err_rows[i];
        }
    }
    return err_find(-E_INTERNAL);
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list args;

    if (err == NULL) {
        return code;
    }
    err->code = code;
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return code;
}

const char *err_token(int code)
{
    return err_find(code)->token;
}

int err_status(int code)
{
    return err_find(code)->status;
}

const char *err_text(int code)
{
    return err_find(code)->text;
}
