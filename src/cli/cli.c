/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct arg_spec common_specs[] = {
    { "help", ARG_SWITCH, 'h', NULL, "this text", 0, 0 },
    { "json", ARG_SWITCH, 0, NULL, "JSON on stdout, the same as -o json", 0, 0 },
    { "output", ARG_TEXT, 'o', "FORM", "table, compact (tabs) or json", 0, 0 },
    { "color", ARG_TEXT, 0, "WHEN", "auto, always or never; NO_COLOR is honoured", 0, 0 },
};

const struct arg_table cli_common_flags = { common_specs,
                                            sizeof(common_specs) / sizeof(common_specs[0]) };

const char *cli_env(const char *name)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nothing sets the environment after the start. */
    const char *value = getenv(name);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

static int read_output(struct cli *cli, const struct args *args, struct err *err)
{
    struct str form = str_from(args_text(args, "output", "table"));

    if (str_eq_c(form, "table")) {
        cli->output = OUTPUT_TABLE;
    } else if (str_eq_c(form, "compact")) {
        cli->output = OUTPUT_COMPACT;
    } else if (str_eq_c(form, "json")) {
        cli->output = OUTPUT_JSON;
    } else {
        return err_set(err, -E_USAGE, "--output is table, compact or json");
    }
    if (args_on(args, "json")) {
        if (args_given(args, "output") && cli->output != OUTPUT_JSON) {
            return err_set(err, -E_USAGE, "--json and --output contradict each other");
        }
        cli->output = OUTPUT_JSON;
    }
    return 0;
}

int cli_init(struct cli *cli, const struct args *args, struct err *err)
{
    struct str color = str_from(args_text(args, "color", "auto"));
    const char *term = cli_env("TERM");
    bool plain = cli_env("NO_COLOR") != NULL || (term != NULL && strcmp(term, "dumb") == 0);

    memset(cli, 0, sizeof(*cli));
    cli->tty_in = isatty(STDIN_FILENO) == 1;
    cli->tty_err = isatty(STDERR_FILENO) == 1;
    if (str_eq_c(color, "always")) {
        cli->color_out = true;
        cli->color_err = true;
    } else if (str_eq_c(color, "auto")) {
        cli->color_out = !plain && isatty(STDOUT_FILENO) == 1;
        cli->color_err = !plain && cli->tty_err;
    } else if (!str_eq_c(color, "never")) {
        return err_set(err, -E_USAGE, "--color is auto, always or never");
    }
    return read_output(cli, args, err);
}

int cli_fail(const struct cli *cli, enum exit_code code, const char *what, const char *why,
             const char *next)
{
    bool color = cli != NULL && cli->color_err;

    (void)fprintf(stderr, "%serror:%s %s%s%s\n", color ? "\x1b[31m" : "",
                  color ? "\x1b[0m" : "", what, why == NULL ? "" : ": ",
                  why == NULL ? "" : why);
    if (next != NULL) {
        (void)fprintf(stderr, "  next: %s\n", next);
    }
    return (int)code;
}

void cli_note(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

int cli_print(struct str bytes)
{
    if (bytes.len > 0 && fwrite(bytes.p, 1, bytes.len, stdout) != bytes.len) {
        return EXIT_ERROR;
    }
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_ERROR;
}

static int read_fd(int fd, struct buf *bytes)
{
    for (;;) {
        char piece[16384];
        ssize_t n = read(fd, piece, sizeof(piece));
        int rc;

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -E_IO;
        }
        if (n == 0) {
            return 0;
        }
        rc = buf_add(bytes, piece, (size_t)n);
        if (rc != 0) {
            return rc;
        }
    }
}

int cli_read(const char *path, struct buf *ret_bytes, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0) {
        return err_set(err, errno == ENOENT ? -E_NOT_FOUND : -E_IO, "%s: %s", path,
                       strerrordesc_np(errno));
    }
    rc = read_fd(fd, ret_bytes);
    if (!is_stdin) {
        (void)close(fd);
    }
    if (rc == -E_TOO_LARGE) {
        return err_set(err, rc, "%s is longer than %zu bytes", is_stdin ? "stdin" : path,
                       ret_bytes->max);
    }
    return rc == 0 ? 0 : err_set(err, rc, "%s cannot be read", is_stdin ? "stdin" : path);
}

int cli_read_line(const char *path, struct buf *ret_line, struct err *err)
{
    struct str text;
    struct str line = STR_NONE;
    int rc = cli_read(path, ret_line, err);

    if (rc != 0) {
        return rc;
    }
    text = buf_str(ret_line);
    (void)str_split(&text, '\n', &line);
    if (line.len > 0 && line.p[line.len - 1] == '\r') {
        line.len--;
    }
    ret_line->len = line.len;
    if (ret_line->cap > 0) {
        ret_line->p[line.len] = '\0';
    }
    if (line.len == 0) {
        return err_set(err, -E_INVALID, "%s is empty", path);
    }
    return 0;
}

bool cli_confirm(const char *question)
{
    char answer[16];

    (void)fprintf(stderr, "%s [y/N] ", question);
    if (fgets(answer, sizeof(answer), stdin) == NULL) {
        return false;
    }
    return answer[0] == 'y' || answer[0] == 'Y';
}

void cli_local_time(int64_t wall_ms, char ret_text[32])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;

    if (localtime_r(&seconds, &tm) == NULL ||
        strftime(ret_text, 32, "%Y-%m-%d %H:%M:%S %z", &tm) == 0) {
        ret_text[0] = '\0';
    }
}

enum exit_code exit_of_error(int rc)
{
    switch (-rc) {
    case E_OK:
        return EXIT_OK;
    case E_USAGE:
        return EXIT_USAGE;
    case E_UNAUTHORIZED:
    case E_FORBIDDEN:
        return EXIT_AUTH;
    case E_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case E_INVALID:
    case E_JSON:
    case E_FIELD:
    case E_TOO_LARGE:
    case E_CONFIG:
    case E_URL_REFUSED:
        return EXIT_INVALID;
    case E_CONNECT:
        return EXIT_UNREACHABLE;
    default:
        return EXIT_ERROR;
    }
}

enum exit_code exit_of_status(long status)
{
    if (status >= 200 && status <= 299) {
        return EXIT_OK;
    }
    switch (status) {
    case 401:
    case 403:
        return EXIT_AUTH;
    case 404:
        return EXIT_NOT_FOUND;
    case 400:
    case 413:
    case 414:
    case 415:
    case 422:
    case 431:
        return EXIT_INVALID;
    default:
        return EXIT_ERROR;
    }
}
