/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete.h"

#include <stdio.h>
#include <string.h>

static int offer(struct str begun, const char *before, const char *word, struct buf *out)
{
    char text[96];

    if (snprintf(text, sizeof(text), "%s%s", before, word) >= (int)sizeof(text) ||
        !str_starts(str_from(text), begun)) {
        return 0;
    }
    return buf_printf(out, "%s\n", text);
}

static int offer_flags(const struct arg_table *table, struct str begun, struct buf *out)
{
    int rc = 0;

    for (size_t i = 0; i < table->count && rc == 0; i++) {
        rc = offer(begun, "--", table->specs[i].name, out);
    }
    return rc;
}

/* The usage of a command begins with its verbs, "list|get|create [ID]": the one place that names them. */
static int offer_verbs(const struct command *command, struct str begun, struct buf *out)
{
    struct str usage = str_from(command->usage);
    struct str verbs = str_sub(usage, 0, str_find(usage, ' '));
    struct str verb;
    int rc = 0;

    if (verbs.len == 0 || verbs.p[0] == '[' || verbs.p[0] == '-' ||
        str_find(verbs, '|') == verbs.len) {
        return 0;
    }
    while (rc == 0 && str_split(&verbs, '|', &verb)) {
        char word[32];

        if (verb.len < sizeof(word)) {
            memcpy(word, verb.p, verb.len);
            word[verb.len] = '\0';
            rc = offer(begun, "", word, out);
        }
    }
    return rc;
}

int complete_words(const struct command *const *commands, size_t command_count, int word_count,
                   const char *const *words, struct buf *out)
{
    struct str begun = word_count == 0 ? STR("") : str_from(words[word_count - 1]);
    const struct command *command = NULL;
    int rc = 0;

    for (size_t i = 0; i < command_count && rc == 0; i++) {
        if (commands[i]->is_hidden) {
            continue;
        }
        if (word_count <= 1) {
            rc = offer(begun, "", commands[i]->name, out);
        } else if (strcmp(commands[i]->name, words[0]) == 0) {
            command = commands[i];
        }
    }
    if (command == NULL || rc != 0) {
        return rc;
    }
    if (begun.len > 0 && begun.p[0] == '-') {
        rc = offer_flags(&cli_common_flags, begun, out);
        for (size_t i = 0; i < CLI_TABLES_MAX && command->tables[i] != NULL && rc == 0; i++) {
            rc = offer_flags(command->tables[i], begun, out);
        }
        return rc;
    }
    return word_count == 2 ? offer_verbs(command, begun, out) : 0;
}
