/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - `postern serve`, and `postern egress`, which only serve's keeper starts. */
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/config_source.h"
#include "egress/egress.h"
#include "server/config.h"
#include "server/server.h"

enum { HELP_MAX = 64 * 1024, EGRESS_FD = 3 };

static const char serve_head[] =
    "Examples:\n"
    "  postern serve --dev\n"
    "  postern serve --config /etc/postern/postern.conf\n"
    "  postern serve --data /var/lib/postern --listen 127.0.0.1:8080\n"
    "\n"
    "Usage: postern serve [--config FILE] [SETTINGS]\n"
    "\n"
    "Runs the gateway until SIGTERM or SIGINT. SIGHUP reads the configuration again.\n"
    "\n"
    "Settings (also as POSTERN_<KEY> and as `key = value` in the file):\n";

static int serve_help(void)
{
    struct buf out;
    int rc;
    int code;

    buf_init(&out, HELP_MAX);
    rc = buf_add_c(&out, serve_head);
    if (rc == 0) {
        rc = config_flags(&out);
    }
    code = rc == 0 ? cli_print(buf_str(&out)) : EXIT_ERROR;
    buf_done(&out);
    return code;
}

static int serve_run(int argc, char **argv)
{
    struct config_source source;
    struct config config;
    struct err err = { 0 };
    int code;
    int rc = config_source_take(argc, argv, &source, &err);

    if (rc == 0 && source.help) {
        config_source_done(&source);
        return serve_help();
    }
    if (rc == 0) {
        rc = config_read(&config, source.path, source.argc, source.argv, &err);
    }
    if (rc != 0) {
        config_source_done(&source);
        return cli_fail(NULL, rc == -E_USAGE ? EXIT_USAGE : EXIT_INVALID, err.text, NULL,
                        rc == -E_USAGE ? "postern serve --help" : "postern config check");
    }
    code = server_run(&config, source.path, source.argc, source.argv);
    config_done(&config);
    config_source_done(&source);
    return code;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "Run the gateway",
    .examples = "  postern serve --dev\n",
    .usage = "[--config FILE] [SETTINGS]",
    .more = "postern serve --help lists the settings.\n",
    .run_raw = serve_run,
};

static int egress_run(int argc, char **argv)
{
    struct stat st;

    (void)argv;
    if (argc != 0 || fstat(EGRESS_FD, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return cli_fail(NULL, EXIT_USAGE, "the sending process is started by serve alone", NULL,
                        "postern serve");
    }
    return egress_main(EGRESS_FD);
}

const struct command command_egress = {
    .name = "egress",
    .summary = "The sending process (started by serve)",
    .examples = "  postern serve\n",
    .usage = "",
    .run_raw = egress_run,
    .is_hidden = true,
};
