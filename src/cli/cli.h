/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what every command has: the output form, colours, and how it speaks to people.
 *
 * stdout is data, stderr is for people. An error says what, why, and the next command.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/args.h"
#include "cli/exit.h"

enum {
    CLI_INPUT_MAX = 64 * 1024 * 1024,
    CLI_OUTPUT_MAX = 256 * 1024 * 1024,
    CLI_TABLES_MAX = 4
};

enum cli_output { OUTPUT_TABLE, OUTPUT_COMPACT, OUTPUT_JSON };

struct cli {
    enum cli_output output;
    bool color_out;
    bool color_err;
    bool tty_in;
    bool tty_err;
};

struct resource;

struct command {
    const char *name;
    const char *summary;
    const char *examples; /* two or three lines, each beginning with two blanks */
    const char *usage;    /* behind "postern <name> " */
    const char *more;     /* further lines of the help, or NULL */
    const struct arg_table
        *tables[CLI_TABLES_MAX];     /* beside the common flags; ends with NULL */
    const struct resource *resource; /* of the resource grammar, else NULL */
    int (*run)(struct cli *cli, const struct command *command, const struct args *args);
    /* Instead of run: takes the rest of argv as it is. */
    int (*run_raw)(int argc, char **argv);
    bool is_hidden;
};

extern const struct arg_table cli_common_flags;

/* Output form and colours from flags, environment and terminals. -E_USAGE. */
NODISCARD int cli_init(struct cli *cli, const struct args *args, struct err *err);
/* "error: <what>: <why>" and "  next: <next>" on stderr; why and next may be NULL. Returns code. */
int cli_fail(const struct cli *cli, enum exit_code code, const char *what, const char *why,
             const char *next);
/* A line for people on stderr. */
void cli_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Bytes to stdout; EXIT_ERROR when they cannot be written. */
int cli_print(struct str bytes);
/* The environment variable, NULL when it is not set or empty. */
const char *cli_env(const char *name);
/* All of a file, of stdin for "-". Appends. */
NODISCARD int cli_read(const char *path, struct buf *ret_bytes, struct err *err);
/* The first line of a file or of stdin, without its end: secrets. */
NODISCARD int cli_read_line(const char *path, struct buf *ret_line, struct err *err);
/* Asks on the terminal; false when the answer is not y. The caller has checked tty_in and tty_err. */
bool cli_confirm(const char *question);
/* Local time with zone, "2026-11-22 06:00:00 +0100". */
void cli_local_time(int64_t wall_ms, char ret_text[32]);
/* The exit code for an error of ours or the HTTP status of an answer. */
enum exit_code exit_of_error(int rc);
enum exit_code exit_of_status(long status);

#endif
