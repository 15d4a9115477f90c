/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

enum { NAME_WIDTH = 14, FLAG_WIDTH = 28, FLAG_TEXT_MAX = 64 };

static const char all_head[] = "Examples:\n"
                               "  postern serve --dev\n"
                               "  postern send user.created --data @user.json --wait\n"
                               "  postern deliveries list --status failed\n"
                               "\n"
                               "Usage: postern COMMAND [WORDS] [FLAGS]\n"
                               "\n"
                               "Commands:\n";

static const char all_tail[] =
    "\n"
    "postern COMMAND --help says more. Commands that talk to a server take its address from\n"
    "--server or POSTERN_URL (default http://127.0.0.1:8080) and the key from POSTERN_KEY or\n"
    "--key-file; on the machine of `postern serve --dev` they find ./var/dev.key by "
    "themselves.\n"
    "Exit codes: 0 ok, 1 error, 2 usage, 3 key refused, 4 not found, 5 invalid input,\n"
    "6 unreachable, 7 check failed, 8 partly failed, 130 interrupted.\n";

int help_all(const struct command *const *commands, size_t count, struct buf *out)
{
    int rc = buf_add_c(out, all_head);

    for (size_t i = 0; i < count && rc == 0; i++) {
        if (!commands[i]->is_hidden) {
            rc = buf_printf(out, "  %-*s %s\n", NAME_WIDTH, commands[i]->name,
                            commands[i]->summary);
        }
    }
    return rc != 0 ? rc : buf_add_c(out, all_tail);
}

static int add_flags(const struct arg_table *table, struct buf *out)
{
    const struct arg_spec *specs = table->specs;
    int rc = 0;

    for (size_t i = 0; i < table->count && rc == 0; i++) {
        char text[FLAG_TEXT_MAX];
        char letter[8] = "";

        if (specs[i].letter != 0) {
            (void)snprintf(letter, sizeof(letter), "-%c, ", specs[i].letter);
        }
        (void)snprintf(text, sizeof(text), "%s--%s%s%s", letter, specs[i].name,
                       specs[i].value == NULL ? "" : " ",
                       specs[i].value == NULL ? "" : specs[i].value);
        rc = buf_printf(out, "  %-*s %s\n", FLAG_WIDTH, text, specs[i].help);
    }
    return rc;
}

int help_command(const struct command *command, struct buf *out)
{
    int rc = buf_printf(out, "Examples:\n%s\nUsage: postern %s %s\n\n%s.\n", command->examples,
                        command->name, command->usage, command->summary);

    if (rc == 0 && command->more != NULL) {
        rc = buf_printf(out, "\n%s", command->more);
    }
    if (rc == 0) {
        rc = buf_add_c(out, "\nFlags:\n");
    }
    if (rc == 0) {
        rc = add_flags(&cli_common_flags, out);
    }
    for (size_t i = 0; i < CLI_TABLES_MAX && command->tables[i] != NULL && rc == 0; i++) {
        rc = add_flags(command->tables[i], out);
    }
    return rc;
}
