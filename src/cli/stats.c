/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - `postern stats`: the numbers of the project, an app or an endpoint. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/record.h"

enum { STATS_PATH_MAX = 2048 };

static const struct arg_spec specs[] = {
    { "app", ARG_TEXT, 'a', "APP", "of this app (id or slug); without it of the project", 0,
      0 },
    { "endpoint", ARG_TEXT, 'e', "ID", "of this endpoint of the app", 0, 0 },
    { "window", ARG_TEXT, 'w', "WINDOW", "1h, 24h (default), today, 7d or 30d", 0, 0 },
    { "interval", ARG_TEXT, 0, "INTERVAL", "of the series: minute, hour or day", 0, 0 },
    { "tz", ARG_TEXT, 0, "OFFSET", "distance of local time to UTC, such as +02:00", 0, 0 },
};
static const struct arg_table stats_flags = { specs, sizeof(specs) / sizeof(specs[0]) };

static int stats_path(const struct args *args, struct buf *path)
{
    static const char *const queries[] = { "window", "interval", "tz" };
    const char *app = args_text(args, "app", "default");
    int rc = buf_add_c(path, "/api/v1");

    if (rc == 0 && (args_given(args, "app") || args_given(args, "endpoint"))) {
        rc = buf_add_c(path, "/apps");
        rc = rc == 0 ? path_add(path, str_from(app)) : rc;
    }
    if (rc == 0 && args_given(args, "endpoint")) {
        rc = buf_add_c(path, "/endpoints");
        rc = rc == 0 ? path_add(path, str_from(args_text(args, "endpoint", ""))) : rc;
    }
    rc = rc == 0 ? buf_add_c(path, "/stats") : rc;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]) && rc == 0; i++) {
        if (args_given(args, queries[i])) {
            rc = path_query(path, queries[i], str_from(args_text(args, queries[i], "")));
        }
    }
    return rc;
}

static int stats_run(struct cli *cli, const struct command *command, const struct args *args)
{
    struct client_request request = { .method = "GET" };
    struct client_answer answer;
    struct client *client;
    struct buf path;
    int code = client_open(cli, args, &client);

    (void)command;
    if (code != EXIT_OK) {
        return code;
    }
    buf_init(&path, STATS_PATH_MAX);
    if (stats_path(args, &path) != 0) {
        code = cli_fail(cli, EXIT_INVALID, "this is no app or endpoint", NULL,
                        "postern apps list");
    }
    request.path = buf_str(&path);
    if (code == EXIT_OK) {
        code = client_call(client, "cannot read the statistics", &request, &answer);
    }
    if (code == EXIT_OK) {
        code = record_print(cli, buf_str(&answer.body));
        client_answer_done(&answer);
    }
    buf_done(&path);
    client_close(client);
    return code;
}

const struct command command_stats = {
    .name = "stats",
    .summary = "Counts, shares, faults and response times",
    .examples = "  postern stats --window 1h\n"
                "  postern stats --app acme --endpoint ep_0123 --window 7d --json\n",
    .usage = "[FLAGS]",
    .tables = { &stats_flags, &client_flags },
    .run = stats_run,
};
