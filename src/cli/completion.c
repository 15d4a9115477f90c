/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion.c - `postern completion bash|zsh|fish`: a script on stdout that asks this program for the words.
 * So the scripts never grow old: `postern complete WORDS...` (hidden) answers commands, verbs and flags from
 * the same tables that run them.
 */
#include <string.h>

#include "cli/commands.h"

static const char bash_script[] =
    "_postern() {\n"
    "    local IFS=$'\\n'\n"
    "    mapfile -t COMPREPLY < <(postern complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" "
    "2>/dev/null)\n"
    "    if [ \"${#COMPREPLY[@]}\" -eq 0 ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
    "    fi\n"
    "}\n"
    "complete -F _postern postern\n";

static const char zsh_script[] =
    "#compdef postern\n"
    "_postern() {\n"
    "    local -a found\n"
    "    found=(\"${(@f)$(postern complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "    if [ -n \"${found[1]}\" ]; then\n"
    "        compadd -- \"${found[@]}\"\n"
    "    else\n"
    "        _files\n"
    "    fi\n"
    "}\n"
    "compdef _postern postern\n";

static const char fish_script[] =
    "function __postern_complete\n"
    "    set -l words (commandline -opc)\n"
    "    postern complete $words[2..-1] (commandline -ct) 2>/dev/null\n"
    "end\n"
    "complete -c postern -a '(__postern_complete)'\n";

static int completion_run(struct cli *cli, const struct command *command,
                          const struct args *args)
{
    static const struct {
        const char *shell;
        const char *script;
    } scripts[] = { { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };

    (void)command;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (args->word_count == 1 && strcmp(args->words[0], scripts[i].shell) == 0) {
            return cli_print(str_from(scripts[i].script));
        }
    }
    return cli_fail(cli, EXIT_USAGE, "completion needs bash, zsh or fish", NULL,
                    "postern completion --help");
}

const struct command command_completion = {
    .name = "completion",
    .summary = "Print a completion script for bash, zsh or fish",
    .examples = "  eval \"$(postern completion bash)\"\n"
                "  postern completion zsh > ~/.zfunc/_postern\n"
                "  postern completion fish > ~/.config/fish/completions/postern.fish\n",
    .usage = "bash|zsh|fish",
    .run = completion_run,
};
