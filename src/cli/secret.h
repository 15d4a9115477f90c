/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - signing secrets for sign and verify: from an environment variable or a file, never from argv. */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/args.h"
#include "crypto/sign.h"

struct secrets {
    struct buf texts[SIGN_SECRETS_MAX];
    struct str list[SIGN_SECRETS_MAX];
    uint32_t count;
};

/* The flags --secret-env and --secret-file, both may be repeated; the newest first. */
extern const struct arg_table secret_flags;

/* -E_USAGE when there is none or one cannot be read. End with secrets_done in any case. */
NODISCARD int secrets_read(const struct args *args, struct secrets *ret_secrets,
                           struct err *err);
void secrets_done(struct secrets *s); /* wipes */

#endif
