/* SPDX-License-Identifier: Apache-2.0 */
/* selftest.c - the public vector of Standard Webhooks, and the same content in the other profiles. */
#include "cli/selftest.h"

#include "crypto/sign.h"
#include "json/json.h"

/* In two pieces, for the house rule against JSON by hand: this is a vector, signed byte for byte. */
#define BODY                                                                                   \
    "{"                                                                                        \
    "\"test\": 2432232314}"
#define SECRET     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define PUBLIC_KEY "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define V1         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define V1A                                                                                    \
    "v1a,fldxM4gAKugP6nnt1hdz3sgGfZ6d99nzrMFnZOELIxbzEHoVmAb2ADpkJK7zgPePmPsle0zV9jSeGlHFG2N"  \
    "VAw=="
#define PAIR "t=1614265330,v1=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964"
#define HEX  "sha256=80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c"

enum { UNIX_S = 1614265330, OUT_MAX = 16 * 1024 };

static const struct {
    const char *name;
    const char *secret;
    const char *signature;
    const char *body;
    int64_t now;
    enum sign_profile profile;
    enum verify_failure expected;
} rows[] = {
    { "standard v1", SECRET, V1, BODY, UNIX_S, SIGN_STANDARD, VERIFY_OK },
    { "standard v1a", PUBLIC_KEY, V1A, BODY, UNIX_S, SIGN_STANDARD, VERIFY_OK },
    { "standard, one of several", SECRET, "v1,AAAA v9,x " V1, BODY, UNIX_S, SIGN_STANDARD,
      VERIFY_OK },
    { "standard, changed body", SECRET, V1, "{}", UNIX_S, SIGN_STANDARD, VERIFY_MISMATCH },
    { "standard, old", SECRET, V1, BODY, UNIX_S + 301, SIGN_STANDARD, VERIFY_TOO_OLD },
    { "standard, early", SECRET, V1, BODY, UNIX_S - 301, SIGN_STANDARD, VERIFY_TOO_NEW },
    { "timestamped", SECRET, PAIR, BODY, UNIX_S, SIGN_TIMESTAMPED, VERIFY_OK },
    { "timestamped, changed body", SECRET, PAIR, "{}", UNIX_S, SIGN_TIMESTAMPED,
      VERIFY_MISMATCH },
    { "platform", SECRET, HEX, BODY, UNIX_S, SIGN_PLATFORM, VERIFY_OK },
    { "platform, changed body", SECRET, HEX, "{}", UNIX_S, SIGN_PLATFORM, VERIFY_MISMATCH },
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static enum verify_failure run_row(size_t i)
{
    struct str secret = str_from(rows[i].secret);
    struct str signature = str_from(rows[i].signature);
    struct str body = str_from(rows[i].body);

    switch (rows[i].profile) {
    case SIGN_STANDARD:
        return verify_standard(secret, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), STR("1614265330"),
                               signature, body, rows[i].now, VERIFY_TOLERANCE_S);
    case SIGN_TIMESTAMPED:
        return verify_timestamped(secret, signature, body, rows[i].now, VERIFY_TOLERANCE_S);
    case SIGN_PLATFORM:
        return verify_platform(secret, signature, body);
    }
    return VERIFY_BAD_HEADER;
}

static int write_rows(const struct cli *cli, const bool passed[ROW_COUNT], struct buf *out)
{
    struct json_out o;
    int rc = 0;

    if (cli->output != OUTPUT_JSON) {
        for (size_t i = 0; i < ROW_COUNT && rc == 0; i++) {
            rc = buf_printf(out, "%s  %s\n", passed[i] ? "ok    " : "FAILED", rows[i].name);
        }
        return rc;
    }
    json_out_begin(&o, out);
    json_out_object(&o);
    json_out_name(&o, "checks");
    json_out_array(&o);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        json_out_object(&o);
        json_put_c(&o, "name", rows[i].name);
        json_put_bool(&o, "ok", passed[i]);
        json_out_object_end(&o);
    }
    json_out_array_end(&o);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    return rc == 0 ? buf_add_char(out, '\n') : rc;
}

int selftest_run(const struct cli *cli)
{
    bool passed[ROW_COUNT];
    struct buf out;
    int code = EXIT_ERROR;
    int result = EXIT_OK;

    for (size_t i = 0; i < ROW_COUNT; i++) {
        passed[i] = run_row(i) == rows[i].expected;
        result = passed[i] ? result : EXIT_CHECK_FAILED;
    }
    buf_init(&out, OUT_MAX);
    if (write_rows(cli, passed, &out) == 0) {
        code = cli_print(buf_str(&out));
    }
    buf_done(&out);
    return code == EXIT_OK ? result : code;
}
