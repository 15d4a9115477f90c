/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - `postern verify`: which check of a received request fails, and why that usually is. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/secret.h"
#include "cli/selftest.h"
#include "crypto/sign.h"
#include "json/json.h"

enum { HEADERS_MAX = 64, HEADERS_FILE_MAX = 256 * 1024, OUT_MAX = 64 * 1024, RESULTS_MAX = 3 };

static const struct arg_spec specs[] = {
    { "header", ARG_LIST, 'H', "LINE", "a received header, 'Name: value'; repeated", 0, 0 },
    { "headers-file", ARG_TEXT, 0, "FILE", "all received headers, a line each", 0, 0 },
    { "body", ARG_TEXT, 0, "FILE", "the body, byte for byte; - or nothing: stdin", 0, 0 },
    { "tolerance", ARG_DURATION, 0, "TIME", "how far the clocks may differ [5m]", 0,
      86400000LL * 365 },
    { "at", ARG_INT, 0, "UNIX", "judge as of this time [now]", 0, INT64_MAX / 2 },
    { "prefix", ARG_TEXT, 0, "TEXT", "prefix of the headers [Postern]", 0, 0 },
    { "selftest", ARG_SWITCH, 0, NULL, "check our own verifier against known answers", 0, 0 },
};

static const struct arg_table flags = { specs, sizeof(specs) / sizeof(specs[0]) };

struct request {
    struct str names[HEADERS_MAX];
    struct str values[HEADERS_MAX];
    size_t count;
    struct str body;
    int64_t now;
    int64_t tolerance_s;
    const char *prefix;
};

struct result {
    const char *profile;
    enum verify_failure failure;
    const char *hint; /* NULL: none */
};

static int add_line(struct request *r, struct str line, struct err *err)
{
    size_t colon = str_find(line, ':');

    if (line.len > 0 && line.p[line.len - 1] == '\r') {
        line.len--;
    }
    if (str_trim(line).len == 0) {
        return 0;
    }
    if (colon == line.len || colon == 0) {
        return err_set(err, -E_USAGE, "a header is `Name: value`, not `%.60s`", line.p);
    }
    if (r->count == HEADERS_MAX) {
        return err_set(err, -E_USAGE, "more than %d headers", HEADERS_MAX);
    }
    r->names[r->count] = str_trim(str_sub(line, 0, colon));
    r->values[r->count] = str_trim(str_sub(line, colon + 1, line.len));
    r->count++;
    return 0;
}

static int read_headers(struct request *r, const struct args *args, struct buf *file,
                        struct err *err)
{
    const struct arg_value *lines = args_get(args, "header");
    struct str text;
    struct str line;
    int rc = 0;

    for (size_t i = 0; i < lines->item_count && rc == 0; i++) {
        rc = add_line(r, str_from(lines->items[i]), err);
    }
    if (rc == 0 && args_given(args, "headers-file")) {
        rc = cli_read(args_text(args, "headers-file", ""), file, err);
    }
    text = buf_str(file);
    while (rc == 0 && str_split(&text, '\n', &line)) {
        /* A request line or status line on top of a pasted block is no header. */
        if (!str_starts(line, STR("POST ")) && !str_starts(line, STR("HTTP/"))) {
            rc = add_line(r, line, err);
        }
    }
    return rc;
}

static struct str header(const struct request *r, const char *before, const char *behind)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "%s%s%s", before, behind[0] == '-' ? r->prefix : "",
                   behind);
    for (size_t i = 0; i < r->count; i++) {
        if (str_eq_nocase(r->names[i], str_from(name))) {
            return r->values[i];
        }
    }
    return STR_NONE;
}

static enum verify_failure check(const struct request *r, enum sign_profile profile,
                                 struct str secret, struct str body)
{
    switch (profile) {
    case SIGN_STANDARD:
        return verify_standard(
            secret, header(r, "webhook-id", ""), header(r, "webhook-timestamp", ""),
            header(r, "webhook-signature", ""), body, r->now, r->tolerance_s);
    case SIGN_TIMESTAMPED:
        return verify_timestamped(secret, header(r, "", "-Signature"), body, r->now,
                                  r->tolerance_s);
    case SIGN_PLATFORM:
        return verify_platform(secret, header(r, "X-", "-Signature"), body);
    }
    return VERIFY_BAD_HEADER;
}

/* A mismatch is most often a body that an editor or a framework changed: try the usual changes. */
static const char *hint_for(const struct request *r, enum sign_profile profile,
                            struct str secret)
{
    struct str body = r->body;

    if (body.len > 0 && body.p[body.len - 1] == '\n') {
        body.len--;
        if (check(r, profile, secret, body) == VERIFY_OK) {
            return "It matches without the newline at the end of the body.";
        }
    }
    if (secret.len > 0 && secret.p[secret.len - 1] == ' ' &&
        check(r, profile, str_trim(secret), r->body) == VERIFY_OK) {
        return "It matches without the blank at the end of the secret.";
    }
    return "Use the body as it came, before any parsing, and the secret of this very endpoint.";
}

/* Judges each profile whose signature header is there. Returns how many. */
static size_t judge(const struct request *r, const struct secrets *secrets,
                    struct result results[RESULTS_MAX])
{
    static const enum sign_profile profiles[RESULTS_MAX] = { SIGN_STANDARD, SIGN_TIMESTAMPED,
                                                             SIGN_PLATFORM };
    const struct str present[RESULTS_MAX] = { header(r, "webhook-signature", ""),
                                              header(r, "", "-Signature"),
                                              header(r, "X-", "-Signature") };
    size_t count = 0;

    for (size_t i = 0; i < RESULTS_MAX; i++) {
        struct result *result = &results[count];

        if (present[i].p == NULL) {
            continue;
        }
        result->profile = sign_profile_name(profiles[i]);
        result->failure = VERIFY_MISMATCH;
        result->hint = NULL;
        for (uint32_t k = 0; k < secrets->count && result->failure != VERIFY_OK; k++) {
            result->failure = check(r, profiles[i], secrets->list[k], r->body);
        }
        if (result->failure == VERIFY_MISMATCH) {
            result->hint = hint_for(r, profiles[i], secrets->list[0]);
        }
        count++;
    }
    return count;
}

static int write_results(const struct cli *cli, const struct result *results, size_t count,
                         bool valid, struct buf *out)
{
    struct json_out o;
    int rc = 0;

    if (cli->output == OUTPUT_JSON) {
        json_out_begin(&o, out);
        json_out_object(&o);
        json_put_bool(&o, "valid", valid);
        json_out_name(&o, "checks");
        json_out_array(&o);
        for (size_t i = 0; i < count; i++) {
            json_out_object(&o);
            json_put_c(&o, "profile", results[i].profile);
            json_put_bool(&o, "valid", results[i].failure == VERIFY_OK);
            json_put_c(&o, "sentence", verify_sentence(results[i].failure));
            json_put_c(&o, "hint", results[i].hint);
            json_out_object_end(&o);
        }
        json_out_array_end(&o);
        json_out_object_end(&o);
        rc = json_out_end(&o);
        return rc == 0 ? buf_add_char(out, '\n') : rc;
    }
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = buf_printf(out, "%s: %s%s%s\n", results[i].profile,
                        verify_sentence(results[i].failure), results[i].hint == NULL ? "" : " ",
                        results[i].hint == NULL ? "" : results[i].hint);
    }
    return rc;
}

static int print_results(const struct cli *cli, const struct result *results, size_t count)
{
    struct buf out;
    bool valid = count > 0;
    int code = EXIT_ERROR;

    for (size_t i = 0; i < count; i++) {
        valid = valid && results[i].failure == VERIFY_OK;
    }
    buf_init(&out, OUT_MAX);
    if (write_results(cli, results, count, valid, &out) == 0) {
        code = cli_print(buf_str(&out));
    }
    buf_done(&out);
    if (count == 0) {
        return cli_fail(
            cli, EXIT_CHECK_FAILED, "there is no signature header",
            "looked for webhook-signature, <Prefix>-Signature, X-<Prefix>-Signature",
            "give the received headers: --headers-file FILE, and --prefix if "
            "it is not Postern");
    }
    return code == EXIT_OK && !valid ? EXIT_CHECK_FAILED : code;
}

static int verify_run(struct cli *cli, const struct command *command, const struct args *args)
{
    struct request request = {
        .now = args_number(args, "at", clock_wall_ms() / 1000),
        .tolerance_s = args_number(args, "tolerance", VERIFY_TOLERANCE_S * 1000LL) / 1000,
        .prefix = args_text(args, "prefix", "Postern")
    };
    struct result results[RESULTS_MAX];
    struct secrets secrets;
    struct err err = { 0 };
    struct buf file;
    struct buf body;
    int code;
    int rc;

    (void)command;
    if (args_on(args, "selftest")) {
        return selftest_run(cli);
    }
    buf_init(&file, HEADERS_FILE_MAX);
    buf_init(&body, CLI_INPUT_MAX);
    rc = secrets_read(args, &secrets, &err);
    if (rc == 0) {
        rc = read_headers(&request, args, &file, &err);
    }
    if (rc == 0) {
        rc = cli_read(args_text(args, "body", "-"), &body, &err);
    }
    request.body = buf_str(&body);
    code = rc == 0 ? print_results(cli, results, judge(&request, &secrets, results))
                   : cli_fail(cli, exit_of_error(rc), "cannot verify", err.text,
                              "postern verify --help");
    secrets_done(&secrets);
    buf_done(&file);
    buf_done(&body);
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "Check a received signature, and say which check fails",
    .examples =
        "  postern verify --secret-env SECRET --headers-file headers.txt < body.json\n"
        "  postern verify --secret-file s.txt -H 'Postern-Signature: t=1,v1=ab' --body b.json\n"
        "  postern verify --selftest\n",
    .usage = "--secret-env NAME|--secret-file FILE -H LINE... [FLAGS] < BODY",
    .tables = { &flags, &secret_flags },
    .run = verify_run,
};
