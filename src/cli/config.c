/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - `postern config check` and `postern config example`. */
#include "server/config.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/config_source.h"
#include "json/json.h"

enum { TEXT_MAX = 256 * 1024 };

static const char config_help[] =
    "Examples:\n"
    "  postern config check --config /etc/postern/postern.conf\n"
    "  postern config check --json\n"
    "  postern config example > postern.conf\n"
    "\n"
    "Usage: postern config check [--config FILE] [--json] [SETTINGS]\n"
    "       postern config example\n"
    "\n"
    "check reads the settings as serve would and prints each with its origin; secrets are "
    "hidden.\n"
    "Exit code 5 with the place when something is wrong. example prints all keys with their "
    "defaults.\n";

static int print_example(void)
{
    struct buf out;
    int code;

    buf_init(&out, TEXT_MAX);
    code = config_example(&out) == 0 ? cli_print(buf_str(&out)) : EXIT_ERROR;
    buf_done(&out);
    return code;
}

static int add_row(void *ctx, const char *key, struct str value, const char *origin)
{
    struct json_out *o = ctx;

    json_out_name(o, key);
    json_out_object(o);
    json_put_str(o, "value", value);
    json_put_c(o, "origin", origin);
    json_out_object_end(o);
    return 0;
}

/* {"key":{"value","origin"}, ...} */
static int to_json(const struct config *config, struct buf *out)
{
    struct json_out o;
    int rc;

    json_out_begin(&o, out);
    json_out_object(&o);
    rc = config_each(config, add_row, &o);
    json_out_object_end(&o);
    if (rc == 0) {
        rc = json_out_end(&o);
    }
    return rc == 0 ? buf_add_char(out, '\n') : rc;
}

static int print_config(const struct config *config, bool as_json)
{
    struct buf out;
    int rc;
    int code = EXIT_ERROR;

    buf_init(&out, TEXT_MAX);
    rc = as_json ? to_json(config, &out) : config_print(config, &out);
    if (rc == 0) {
        code = cli_print(buf_str(&out));
    }
    buf_done(&out);
    return code;
}

/* Takes --json out of the settings. */
static bool take_json(struct config_source *source)
{
    int kept = 0;
    bool found = false;

    for (int i = 0; i < source->argc; i++) {
        if (strcmp(source->argv[i], "--json") == 0) {
            found = true;
        } else {
            source->argv[kept] = source->argv[i];
            kept++;
        }
    }
    source->argc = kept;
    return found;
}

static int check(int argc, char **argv)
{
    struct config_source source;
    struct config config;
    struct err err = { 0 };
    bool as_json = false;
    int code;
    int rc = config_source_take(argc, argv, &source, &err);

    if (rc == 0 && source.help) {
        config_source_done(&source);
        return cli_print(str_from(config_help));
    }
    if (rc == 0) {
        as_json = take_json(&source);
        rc = config_read(&config, source.path, source.argc, source.argv, &err);
    }
    if (rc != 0) {
        config_source_done(&source);
        return cli_fail(NULL, rc == -E_USAGE ? EXIT_USAGE : EXIT_INVALID, err.text, NULL,
                        "postern config example shows every key");
    }
    code = print_config(&config, as_json);
    if (code == EXIT_OK) {
        cli_note("The configuration is valid%s%s.", source.path == NULL ? "" : ": ",
                 source.path == NULL ? "" : source.path);
    }
    config_done(&config);
    config_source_done(&source);
    return code;
}

static int config_run(int argc, char **argv)
{
    if (argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        int code = cli_print(str_from(config_help));

        return argc == 0 ? EXIT_USAGE : code;
    }
    if (strcmp(argv[0], "check") == 0) {
        return check(argc - 1, argv + 1);
    }
    if (strcmp(argv[0], "example") == 0 && argc == 1) {
        return print_example();
    }
    return cli_fail(NULL, EXIT_USAGE, "config has the verbs check and example", NULL,
                    "postern config --help");
}

const struct command command_config = {
    .name = "config",
    .summary = "Check the configuration, or print an example of it",
    .examples = "  postern config check\n  postern config example\n",
    .usage = "check|example",
    .more = "postern config --help says more.\n",
    .run_raw = config_run,
};
