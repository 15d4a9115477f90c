/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.c - `postern doctor`: what stands in the way of a server here, or of an endpoint there. */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "json/json.h"
#include "server/config.h"

enum { OUT_MAX = 256 * 1024 };

static const struct arg_spec specs[] = {
    { "config", ARG_TEXT, 0, "FILE", "configuration of the server (POSTERN_CONFIG)", 0, 0 },
};

static const struct arg_table flags = { specs, sizeof(specs) / sizeof(specs[0]) };

static const char *const result_names[] = { "ok", "skipped", "warning", "failed" };

void finding_add(struct findings *f, const char *check, enum doctor_result result,
                 const char *fmt, ...)
{
    struct finding *row = &f->rows[f->count];
    va_list args;

    ASSERT(f->count < DOCTOR_FINDINGS_MAX);
    row->check = check;
    row->result = result;
    va_start(args, fmt);
    (void)vsnprintf(row->text, sizeof(row->text), fmt, args);
    va_end(args);
    f->count++;
}

static int write_json(const struct findings *f, bool healthy, struct buf *out)
{
    struct json_out o;
    int rc;

    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_bool(&o, "healthy", healthy);
    json_out_name(&o, "checks");
    json_out_array(&o);
    for (size_t i = 0; i < f->count; i++) {
        json_out_object(&o);
        json_put_c(&o, "check", f->rows[i].check);
        json_put_c(&o, "result", result_names[f->rows[i].result]);
        json_put_c(&o, "detail", f->rows[i].text);
        json_out_object_end(&o);
    }
    json_out_array_end(&o);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    return rc == 0 ? buf_add_char(out, '\n') : rc;
}

static int write_lines(const struct cli *cli, const struct findings *f, struct buf *out)
{
    static const char *const colors[] = { "\x1b[32m", "", "\x1b[33m", "\x1b[31m" };
    int rc = 0;

    for (size_t i = 0; i < f->count && rc == 0; i++) {
        const struct finding *row = &f->rows[i];
        bool color = cli->color_out && colors[row->result][0] != '\0';

        rc = buf_printf(out, "%s%-8s%s %-14s ", color ? colors[row->result] : "",
                        result_names[row->result], color ? "\x1b[0m" : "", row->check);
        if (rc == 0) {
            rc = text_clean(str_from(row->text), out);
        }
        if (rc == 0) {
            rc = buf_add_char(out, '\n');
        }
    }
    return rc;
}

static int report(const struct cli *cli, const struct findings *f)
{
    struct buf out;
    bool healthy = true;
    int code = EXIT_ERROR;
    int rc;

    for (size_t i = 0; i < f->count; i++) {
        healthy = healthy && f->rows[i].result != DOCTOR_FAILED;
    }
    buf_init(&out, OUT_MAX);
    rc = cli->output == OUTPUT_JSON ? write_json(f, healthy, &out) : write_lines(cli, f, &out);
    if (rc == 0) {
        code = cli_print(buf_str(&out));
    }
    buf_done(&out);
    return code == EXIT_OK && !healthy ? EXIT_CHECK_FAILED : code;
}

static int doctor_run(struct cli *cli, const struct command *command, const struct args *args)
{
    static struct findings findings;
    const char *path = args_text(args, "config", cli_env("POSTERN_CONFIG"));
    char *no_flags[1] = { NULL };
    struct config config;
    struct err err = { 0 };

    (void)command;
    if (args->word_count > 1) {
        return cli_fail(cli, EXIT_USAGE, "doctor takes one URL at most", NULL,
                        "postern doctor --help");
    }
    findings.count = 0;
    if (config_read(&config, path, 0, no_flags, &err) != 0) {
        finding_add(&findings, "configuration", DOCTOR_FAILED, "%s", err.text);
        return report(cli, &findings);
    }
    finding_add(&findings, "configuration", DOCTOR_OK, "%s",
                path == NULL ? "valid; defaults and environment, no file" : path);
    if (args->word_count == 1) {
        doctor_url(&findings, &config, args->words[0]);
    } else {
        doctor_machine(&findings, &config);
        doctor_database(&findings, &config);
        doctor_server(&findings, cli, args);
    }
    config_done(&config);
    return report(cli, &findings);
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "Look for what is wrong, here or with an endpoint's URL",
    .examples = "  postern doctor\n"
                "  postern doctor --config /etc/postern/postern.conf --json\n"
                "  postern doctor https://customer.example/hooks\n",
    .usage = "[URL] [FLAGS]",
    .more = "Exit code 7 when a check failed. Nothing is changed, and nothing is posted to a "
            "URL.\n",
    .tables = { &flags, &client_flags },
    .run = doctor_run,
};
