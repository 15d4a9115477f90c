/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secret.h"

#include <string.h>

#include "cli/cli.h"

enum { SECRET_LINE_MAX = 4096 };

static const struct arg_spec specs[] = {
    { "secret-env", ARG_LIST, 0, "NAME", "environment variable with the secret", 0, 0 },
    { "secret-file", ARG_LIST, 0, "FILE", "file with the secret, - for stdin", 0, 0 },
};

const struct arg_table secret_flags = { specs, sizeof(specs) / sizeof(specs[0]) };

static int add_secret(struct secrets *s, struct buf **ret_text, struct err *err)
{
    if (s->count == SIGN_SECRETS_MAX) {
        return err_set(err, -E_USAGE, "more than %d secrets", SIGN_SECRETS_MAX);
    }
    *ret_text = &s->texts[s->count];
    s->count++;
    return 0;
}

int secrets_read(const struct args *args, struct secrets *ret_secrets, struct err *err)
{
    const struct arg_value *names = args_get(args, "secret-env");
    const struct arg_value *files = args_get(args, "secret-file");
    struct buf *text = NULL;
    int rc = 0;

    memset(ret_secrets, 0, sizeof(*ret_secrets));
    for (uint32_t i = 0; i < SIGN_SECRETS_MAX; i++) {
        buf_init(&ret_secrets->texts[i], SECRET_LINE_MAX);
    }
    for (size_t i = 0; i < names->item_count && rc == 0; i++) {
        const char *value = cli_env(names->items[i]);

        if (value == NULL) {
            return err_set(err, -E_USAGE, "the environment variable %.64s is not set",
                           names->items[i]);
        }
        rc = add_secret(ret_secrets, &text, err);
        if (rc == 0) {
            rc = buf_add_c(text, value);
        }
    }
    for (size_t i = 0; i < files->item_count && rc == 0; i++) {
        rc = add_secret(ret_secrets, &text, err);
        if (rc == 0) {
            rc = cli_read_line(files->items[i], text, err);
        }
    }
    if (rc != 0) {
        return rc;
    }
    for (uint32_t i = 0; i < ret_secrets->count; i++) {
        ret_secrets->list[i] = buf_str(&ret_secrets->texts[i]);
    }
    return ret_secrets->count > 0 ? 0
                                  : err_set(err, -E_USAGE,
                                            "there is no secret: give --secret-env NAME or "
                                            "--secret-file FILE");
}

void secrets_done(struct secrets *s)
{
    for (uint32_t i = 0; i < SIGN_SECRETS_MAX; i++) {
        if (s->texts[i].cap > 0) {
            explicit_bzero(s->texts[i].p, s->texts[i].cap);
        }
        buf_done(&s->texts[i]);
    }
    s->count = 0;
}
