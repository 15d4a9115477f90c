/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the table of commands, and nothing else: find one, read its flags, run it. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "server/suggest.h"

/* clang-format off */
static const struct command *const commands[] = {
    &command_serve,
    &command_config,
    &command_projects,
    &command_keys,
    &command_apps,
    &command_endpoints,
    &command_event_types,
    &command_events,
    &command_deliveries,
    &command_replay,
    &command_audit,
    &command_members,
    &command_ticket,
    &command_stats,
    &command_tail,
    &command_send,
    &command_sign,
    &command_verify,
    &command_bench,
    &command_backup,
    &command_doctor,
    &command_version,
    &command_completion,
    &command_egress,
    &command_bench_worker,
};
/* clang-format on */

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]), HELP_MAX = 64 * 1024 };

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    char what[160];
    const char *nearest;
    size_t count = 0;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (!commands[i]->is_hidden) {
            names[count] = commands[i]->name;
            count++;
        }
    }
    nearest = suggest_nearest(str_from(name), names, count);
    (void)snprintf(what, sizeof(what), "there is no command `%.60s`%s%s%s", name,
                   nearest == NULL ? "" : "; did you mean `", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "`?");
    return cli_fail(NULL, EXIT_USAGE, what, NULL, "postern --help");
}

/* The help of one command, of all when it is NULL. */
static int print_help(const struct command *command)
{
    struct buf out;
    int rc;
    int code;

    buf_init(&out, HELP_MAX);
    rc =
        command == NULL ? help_all(commands, COMMAND_COUNT, &out) : help_command(command, &out);
    code = rc == 0 ? cli_print(buf_str(&out)) : EXIT_ERROR;
    buf_done(&out);
    return code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    const struct arg_table *tables[CLI_TABLES_MAX + 1] = { &cli_common_flags };
    static struct args args; /* large, and one a process */
    struct cli cli;
    struct err err = { 0 };
    char next[80];
    size_t count = 1;
    int rc;

    while (count <= CLI_TABLES_MAX && command->tables[count - 1] != NULL) {
        tables[count] = command->tables[count - 1];
        count++;
    }
    rc = args_parse(tables, count, argc, argv, &args, &err);
    if (rc == 0 && args_on(&args, "help")) {
        return print_help(command);
    }
    if (rc == 0) {
        rc = cli_init(&cli, &args, &err);
    }
    if (rc != 0) {
        (void)snprintf(next, sizeof(next), "postern %s --help", command->name);
        return cli_fail(NULL, EXIT_USAGE, err.text, NULL, next);
    }
    return command->run(&cli, command, &args);
}

/* What the completion scripts ask: not in the table, as it needs the table. */
static int print_candidates(int argc, const char *const *argv)
{
    struct buf out;
    int code = EXIT_ERROR;

    buf_init(&out, HELP_MAX);
    if (complete_words(commands, COMMAND_COUNT, argc, argv, &out) == 0) {
        code = cli_print(buf_str(&out));
    }
    buf_done(&out);
    return code;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int main(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        (void)print_help(NULL);
        return EXIT_USAGE;
    }
    if (is_help(argv[1]) || (strcmp(argv[1], "help") == 0 && argc == 2)) {
        return print_help(NULL);
    }
    if (strcmp(argv[1], "help") == 0) {
        command = find_command(argv[2]);
        return command == NULL ? unknown_command(argv[2]) : print_help(command);
    }
    if (strcmp(argv[1], "--version") == 0) {
        return run_command(&command_version, 0, argv + 2);
    }
    if (strcmp(argv[1], "complete") == 0) {
        return print_candidates(argc - 2, (const char *const *)argv + 2);
    }
    command = find_command(argv[1]);
    if (command == NULL) {
        return unknown_command(argv[1]);
    }
    if (command->run_raw != NULL) {
        return command->run_raw(argc - 2, argv + 2);
    }
    return run_command(command, argc - 2, argv + 2);
}
