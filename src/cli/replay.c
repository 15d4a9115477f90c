/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - `postern replay`: create asks first what it would touch, shows it, and sends what it was told then; the
 * other verbs are those of any resource.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/record.h"
#include "cli/resource.h"
#include "json/json.h"

enum { LOOK_MS = 500, TIME_TEXT_MAX = 64, QUESTION_MAX = 256, CONFIRM_TEXT_MAX = 256 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct arg_spec specs[] = {
    { "app", ARG_TEXT, 'a', "APP", "id or slug of the app (POSTERN_APP, default)", 0, 0 },
    { "mode", ARG_TEXT, 'm', "MODE", "create: failed (default), missing, backfill, all", 0, 0 },
    { "endpoint", ARG_TEXT, 'e', "ID", "create: of this endpoint", 0, 0 },
    { "type", ARG_TEXT, 't', "TYPE", "create: of this event type", 0, 0 },
    { "status", ARG_TEXT, 's', "STATUS", "create: delivered, failed, cancelled, skipped", 0,
      0 },
    { "since", ARG_TEXT, 0, "TIME", "create: from then on; RFC 3339 or 24h, 7d", 0, 0 },
    { "until", ARG_TEXT, 0, "TIME", "create: before then", 0, 0 },
    { "code", ARG_INT, 0, "CODE", "create: last HTTP status", 100, 599 },
    { "error", ARG_TEXT, 0, "TOKEN", "create: last error, such as connection_refused", 0, 0 },
    { "rate", ARG_INT, 0, "N", "create: deliveries a second and endpoint", 1, 1000 },
    { "reason", ARG_TEXT, 0, "TEXT", "create: why; it stands in the audit log", 0, 0 },
    { "merge-patch", ARG_TEXT, 0, "JSON", "create: change data by it; @FILE, or -", 0, 0 },
    { "dry-run", ARG_SWITCH, 0, NULL, "create: only say what it would touch", 0, 0 },
    { "wait", ARG_SWITCH, 'w', NULL, "create: follow it to its end; exit 7 when it fails", 0,
      0 },
    { "state", ARG_TEXT, 0, "STATE", "list: queued, running, paused, completed ...", 0, 0 },
};
static const struct arg_table flags = { specs, COUNT(specs) };

static const char *const filters[] = { "state" };
static const char *const columns[] = { "id",       "state",  "mode",      "total",
                                       "replayed", "reason", "created_at" };
static const struct resource replays = {
    .singular = "replay",
    .path = "replays",
    .in_app = true,
    .verbs = VERB_LIST | VERB_GET | VERB_PAUSE | VERB_RESUME | VERB_CANCEL,
    .columns = columns,
    .column_count = COUNT(columns),
    .filters = filters,
    .filter_count = COUNT(filters),
};

/* --- the body */
static int put_time(struct json_out *o, const char *name, const char *text, int64_t now)
{
    struct buf time;
    int rc;

    buf_init(&time, TIME_TEXT_MAX);
    rc = resource_time(text, now, &time);
    if (rc == 0) {
        json_put_str(o, name, buf_str(&time));
    }
    buf_done(&time);
    return rc;
}

static int put_filter(struct json_out *o, const struct args *args, int64_t now)
{
    static const char *const texts[] = { "endpoint", "type", "status", "error" };
    static const char *const times[] = { "since", "until" };
    int rc = 0;

    json_out_name(o, "filter");
    json_out_object(o);
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (args_given(args, texts[i])) {
            json_put_c(o, texts[i], args_text(args, texts[i], NULL));
        }
    }
    for (size_t i = 0; i < COUNT(times) && rc == 0; i++) {
        if (args_given(args, times[i])) {
            rc = put_time(o, times[i], args_text(args, times[i], NULL), now);
        }
    }
    if (args_given(args, "code")) {
        json_put_int(o, "code", args_number(args, "code", 0));
    }
    json_out_object_end(o);
    return rc;
}

static int put_patch(struct json_out *o, const struct args *args, struct err *err)
{
    struct buf patch;
    int rc;

    if (!args_given(args, "merge-patch")) {
        return 0;
    }
    buf_init(&patch, CLI_INPUT_MAX);
    rc = read_json(args_text(args, "merge-patch", ""), &patch, err);
    if (rc == 0) {
        json_out_name(o, "correction");
        json_out_object(o);
        json_put_raw(o, "merge_patch", buf_str(&patch));
        json_out_object_end(o);
    }
    buf_done(&patch);
    return rc;
}

/* The same twice: what `24h` means must not move between the dry run and the real call. */
struct asking {
    const struct args *args;
    int64_t now;
    const char *confirm; /* NULL: the dry run */
};

static int make_body(const struct asking *asking, struct buf *body, struct err *err)
{
    const struct args *args = asking->args;
    struct json_out o;
    int rc = 0;

    json_out_begin(&o, body);
    json_out_object(&o);
    if (args->word_count > 1) {
        json_out_name(&o, "ids");
        json_out_array(&o);
        for (size_t i = 1; i < args->word_count; i++) {
            json_out_c(&o, args->words[i]);
        }
        json_out_array_end(&o);
    } else {
        rc = put_filter(&o, args, asking->now);
    }
    if (rc != 0) {
        return err_set(err, -E_USAGE, "times are RFC 3339 or 24h, 7d");
    }
    if (args_given(args, "mode")) {
        json_put_c(&o, "mode", args_text(args, "mode", NULL));
    }
    if (args_given(args, "rate")) {
        json_put_int(&o, "rate", args_number(args, "rate", 0));
    }
    if (args_given(args, "reason")) {
        json_put_c(&o, "reason", args_text(args, "reason", NULL));
    }
    rc = put_patch(&o, args, err);
    if (rc != 0) {
        return rc;
    }
    if (asking->confirm == NULL) {
        json_put_bool(&o, "dry_run", true);
    } else if (args->word_count == 1) {
        json_put_c(&o, "confirm", asking->confirm);
    }
    json_out_object_end(&o);
    return json_out_end(&o);
}

/* --- requests */
static int make_path(const struct args *args, struct str id, struct buf *path)
{
    int rc = buf_add_c(path, "/api/v1/apps");

    rc = rc == 0 ? path_add(path, str_from(resource_app(args))) : rc;
    rc = rc == 0 ? buf_add_c(path, "/replays") : rc;
    return rc == 0 && id.len > 0 ? path_add(path, id) : rc;
}

static int ask(const struct cli *cli, struct client *client, const struct asking *asking,
               struct client_answer *ret_answer)
{
    struct err err = { .text = "" };
    struct client_request request = { .method = "POST" };
    struct buf body;
    struct buf path;
    int code;
    int rc;

    buf_init(&body, CLI_INPUT_MAX);
    buf_init(&path, CLIENT_PATH_MAX);
    rc = make_path(asking->args, STR_NONE, &path);
    if (rc == 0) {
        rc = make_body(asking, &body, &err);
    }
    if (rc != 0) {
        code = cli_fail(cli, exit_of_error(rc), "cannot create replay",
                        err.text[0] != '\0' ? err.text : NULL, "postern replay --help");
    } else {
        request.path = buf_str(&path);
        request.body = buf_str(&body);
        code = client_call(client, "cannot create replay", &request, ret_answer);
    }
    buf_done(&path);
    buf_done(&body);
    return code;
}

static int64_t member_int(const struct json *v, const char *name)
{
    int64_t number = 0;

    return json_int(json_member(v, name), 0, INT64_MAX, &number) == 0 ? number : 0;
}

/* EXIT_OK when the user said so, by flag or on the terminal. */
static int consent(const struct cli *cli, const struct args *args, const struct json *dry)
{
    char question[QUESTION_MAX];

    if (args_on(args, "yes") || args->word_count > 1) {
        return EXIT_OK;
    }
    if (!cli->tty_in || !cli->tty_err) {
        return cli_fail(cli, EXIT_USAGE, "it would send many requests", NULL,
                        "look at --dry-run, then add --yes");
    }
    (void)snprintf(question, sizeof(question),
                   "Send %lld again, to %lld endpoints, in about %lld s? Receivers may see "
                   "duplicates.",
                   (long long)member_int(dry, "count"), (long long)member_int(dry, "endpoints"),
                   (long long)member_int(dry, "estimated_seconds"));
    return cli_confirm(question) ? EXIT_OK : EXIT_INTERRUPTED;
}

/* --- following it */
static int job_look(struct client *client, const struct args *args, struct str id,
                    struct client_answer *ret_answer)
{
    struct client_request request = { .method = "GET" };
    struct buf path;
    int code = EXIT_ERROR;

    buf_init(&path, CLIENT_PATH_MAX);
    if (make_path(args, id, &path) == 0) {
        request.path = buf_str(&path);
        code = client_call(client, "cannot follow the replay", &request, ret_answer);
    }
    buf_done(&path);
    return code;
}

static bool has_ended(struct str state)
{
    return str_eq_c(state, "completed") || str_eq_c(state, "cancelled") ||
           str_eq_c(state, "failed");
}

/* Until it has ended; its last answer is printed. Ctrl-C leaves it running. */
static int follow(const struct cli *cli, struct client *client, const struct args *args,
                  struct str id)
{
    int64_t told = -1;

    for (;;) {
        struct client_answer answer;
        struct json_doc *doc = NULL;
        int code = job_look(client, args, id, &answer);
        struct str state;

        if (code != EXIT_OK) {
            return code;
        }
        if (json_parse(buf_str(&answer.body), JSON_DEPTH_MAX, &doc, NULL) != 0) {
            client_answer_done(&answer);
            return cli_fail(cli, EXIT_ERROR, "the answer is no JSON", NULL, NULL);
        }
        state = json_string(json_member(json_root(doc), "state"));
        if (has_ended(state)) {
            bool ok = str_eq_c(state, "completed");

            code = record_print(cli, buf_str(&answer.body));
            json_doc_free(doc);
            client_answer_done(&answer);
            return code == EXIT_OK && !ok ? EXIT_CHECK_FAILED : code;
        }
        if (member_int(json_root(doc), "processed") != told) {
            told = member_int(json_root(doc), "processed");
            cli_note("%.*s: %lld of %lld", STR_ARG(state), (long long)told,
                     (long long)member_int(json_root(doc), "total"));
        }
        json_doc_free(doc);
        client_answer_done(&answer);
        (void)poll(NULL, 0, LOOK_MS);
    }
}

static int create(const struct cli *cli, struct client *client, struct asking *asking,
                  const struct json *dry)
{
    const struct args *args = asking->args;
    char confirm[CONFIRM_TEXT_MAX];
    struct client_answer answer;
    struct json_doc *doc = NULL;
    int code = consent(cli, args, dry);

    (void)snprintf(confirm, sizeof(confirm), "%.*s",
                   STR_ARG(json_string(json_member(dry, "confirm"))));
    if (code == EXIT_OK) {
        asking->confirm = confirm;
        code = ask(cli, client, asking, &answer);
    }
    if (code != EXIT_OK) {
        return code;
    }
    if (!args_on(args, "wait")) {
        code = record_print(cli, buf_str(&answer.body));
    } else if (json_parse(buf_str(&answer.body), JSON_DEPTH_MAX, &doc, NULL) == 0) {
        code = follow(cli, client, args, json_string(json_member(json_root(doc), "id")));
    }
    json_doc_free(doc);
    client_answer_done(&answer);
    return code;
}

static int run_create(struct cli *cli, const struct args *args)
{
    struct asking asking = { .args = args, .now = clock_wall_ms() };
    struct client *client;
    struct client_answer answer;
    struct json_doc *doc = NULL;
    int code = client_open(cli, args, &client);

    if (code != EXIT_OK) {
        return code;
    }
    code = ask(cli, client, &asking, &answer);
    if (code == EXIT_OK && args_on(args, "dry-run")) {
        code = record_print(cli, buf_str(&answer.body));
        client_answer_done(&answer);
    } else if (code == EXIT_OK) {
        code = json_parse(buf_str(&answer.body), JSON_DEPTH_MAX, &doc, NULL) == 0
                   ? create(cli, client, &asking, json_root(doc))
                   : cli_fail(cli, EXIT_ERROR, "the answer is no JSON", NULL, NULL);
        json_doc_free(doc);
        client_answer_done(&answer);
    }
    client_close(client);
    return code;
}

static int replay_run(struct cli *cli, const struct command *command, const struct args *args)
{
    if (args->word_count > 0 && strcmp(args->words[0], "create") == 0) {
        return run_create(cli, args);
    }
    return resource_run(cli, command, args);
}

const struct command command_replay = {
    .name = "replay",
    .summary = "Send again what was sent before",
    .examples =
        "  postern replay create --mode failed --since 24h --dry-run\n"
        "  postern replay create --mode failed --since 24h --reason outage --yes --wait\n"
        "  postern replay create dlv_0123 dlv_4567 --reason asked\n",
    .usage = "create|list|get|pause|resume|cancel [ID...]",
    .more = "create asks the server first what it would touch, and you before it begins.\n",
    .tables = { &flags, &resource_flags, &client_flags },
    .resource = &replays,
    .run = replay_run,
};
