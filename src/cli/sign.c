/* SPDX-License-Identifier: Apache-2.0 */
/* sign.c - `postern sign`: the headers that an endpoint would receive with this body. */
#include "crypto/sign.h"

#include <string.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/secret.h"
#include "json/json.h"

static const struct arg_spec specs[] = {
    { "body", ARG_TEXT, 0, "FILE", "the body, byte for byte; - or nothing: stdin", 0, 0 },
    { "profile", ARG_LIST, 0, "NAME", "standard (default), timestamped, platform", 0, 0 },
    { "id", ARG_TEXT, 0, "ID", "event id [msg_test]", 0, 0 },
    { "delivery-id", ARG_TEXT, 0, "ID", "delivery id [dlv_test]", 0, 0 },
    { "event-type", ARG_TEXT, 0, "TYPE", "event type [test.event]", 0, 0 },
    { "timestamp", ARG_INT, 0, "UNIX", "seconds since 1970 [now]", 0, INT64_MAX / 2 },
    { "prefix", ARG_TEXT, 0, "TEXT", "prefix of the headers [Postern]", 0, 0 },
};

static const struct arg_table flags = { specs, sizeof(specs) / sizeof(specs[0]) };

/* The set of bits that --profile names. */
static int read_profiles(const struct args *args, unsigned *ret_profiles, struct err *err)
{
    const struct arg_value *value = args_get(args, "profile");
    unsigned profiles = 0;

    for (size_t i = 0; i < value->item_count; i++) {
        struct str left = str_from(value->items[i]);
        struct str name;

        while (left.len > 0 && str_split(&left, ',', &name)) {
            enum sign_profile profile = SIGN_STANDARD;

            if (sign_profile_parse(str_trim(name), &profile) != 0) {
                return err_set(err, -E_USAGE, "--profile is standard, timestamped or platform");
            }
            profiles |= (unsigned)profile;
        }
    }
    *ret_profiles = profiles == 0 ? (unsigned)SIGN_STANDARD : profiles;
    return 0;
}

/* "Name: value\r\n" lines as {"Name":"value"}. */
static int write_json(struct str headers, struct buf *out)
{
    struct json_out o;
    struct str line;

    json_out_begin(&o, out);
    json_out_object(&o);
    while (headers.len > 0 && str_split(&headers, '\n', &line)) {
        char name[128];
        size_t colon = str_find(line, ':');

        if (colon + 2 >= line.len || colon >= sizeof(name)) {
            continue;
        }
        memcpy(name, line.p, colon);
        name[colon] = '\0';
        json_put_str(&o, name, str_sub(line, colon + 2, line.len - colon - 3));
    }
    json_out_object_end(&o);
    return json_out_end(&o);
}

static int print_headers(const struct cli *cli, struct str headers)
{
    struct buf out;
    int rc = 0;
    int code = EXIT_ERROR;

    buf_init(&out, (size_t)SIGN_HEADERS_MAX * 2);
    if (cli->output == OUTPUT_JSON) {
        rc = write_json(headers, &out);
        if (rc == 0) {
            rc = buf_add_char(&out, '\n');
        }
    } else {
        for (size_t i = 0; i < headers.len && rc == 0; i++) {
            rc = headers.p[i] == '\r' ? 0 : buf_add_char(&out, headers.p[i]);
        }
    }
    if (rc == 0) {
        code = cli_print(buf_str(&out));
    }
    buf_done(&out);
    return code;
}

static int make_headers(const struct args *args, const struct secrets *secrets, struct str body,
                        struct buf *headers, struct err *err)
{
    struct signer *signer = NULL;
    struct sign_input in = {
        .event_id = str_from(args_text(args, "id", "msg_test")),
        .delivery_id = str_from(args_text(args, "delivery-id", "dlv_test")),
        .event_type = str_from(args_text(args, "event-type", "test.event")),
        .unix_s = args_number(args, "timestamp", clock_wall_ms() / 1000),
        .attempt = 1,
        .body = body,
    };
    unsigned profiles = 0;
    int rc = read_profiles(args, &profiles, err);

    if (rc == 0) {
        rc = signer_new(profiles, secrets->list, secrets->count,
                        str_from(args_text(args, "prefix", "Postern")), &signer, err);
    }
    if (rc == 0) {
        rc = signer_headers(signer, &in, headers);
        if (rc != 0) {
            (void)err_set(err, rc, "an id or the event type holds a control character");
        }
    }
    signer_free(signer);
    return rc;
}

static int sign_run(struct cli *cli, const struct command *command, const struct args *args)
{
    struct secrets secrets;
    struct err err = { 0 };
    struct buf body;
    struct buf headers;
    int code;
    int rc = secrets_read(args, &secrets, &err);

    (void)command;
    buf_init(&body, CLI_INPUT_MAX);
    buf_init(&headers, SIGN_HEADERS_MAX);
    if (rc == 0) {
        rc = cli_read(args_text(args, "body", "-"), &body, &err);
    }
    if (rc == 0) {
        rc = make_headers(args, &secrets, buf_str(&body), &headers, &err);
    }
    code = rc == 0 ? print_headers(cli, buf_str(&headers))
                   : cli_fail(cli, exit_of_error(rc), "cannot sign", err.text,
                              "postern sign --help");
    secrets_done(&secrets);
    buf_done(&body);
    buf_done(&headers);
    return code;
}

const struct command command_sign = {
    .name = "sign",
    .summary = "Print the signature headers for a body",
    .examples =
        "  postern sign --secret-env SECRET --id evt_1 < body.json\n"
        "  postern sign --secret-file secret.txt --profile timestamped --body body.json\n",
    .usage = "--secret-env NAME|--secret-file FILE [FLAGS] < BODY",
    .tables = { &flags, &secret_flags },
    .run = sign_run,
};
