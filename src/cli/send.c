/* SPDX-License-Identifier: Apache-2.0 */
/* send.c - `postern send TYPE`: publish one event, and with --wait follow it to its end. */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/record.h"
#include "cli/resource.h"
#include "cli/watch.h"
#include "json/json.h"

enum { WAIT_DEFAULT_MS = 60000, EVENT_ID_MAX = 64 };

static const struct arg_spec specs[] = {
    { "app", ARG_TEXT, 'a', "APP", "id or slug of the app (POSTERN_APP, default)", 0, 0 },
    { "data", ARG_TEXT, 'd', "JSON", "the data: itself, @FILE, or - for stdin", 0, 0 },
    { "id", ARG_TEXT, 0, "ID", "your own id; the same one is stored once", 0, 0 },
    { "occurred-at", ARG_TEXT, 0, "TIME", "when it happened, RFC 3339", 0, 0 },
    { "idempotency-key", ARG_TEXT, 0, "KEY", "the same key answers the first answer again", 0,
      0 },
    { "wait", ARG_SWITCH, 'w', NULL, "follow its deliveries; exit 7 when they fail", 0, 0 },
    { "timeout", ARG_DURATION, 0, "TIME", "longest --wait [60s]", 0, 86400000 },
};

static const struct arg_table flags = { specs, sizeof(specs) / sizeof(specs[0]) };

/* Without --data: the example of the catalogue, when there is one and the key may read it. */
static int example_data(struct client *client, const char *type, struct buf *out)
{
    struct client_request request = { .method = "GET" };
    struct client_answer answer;
    struct json_doc *doc = NULL;
    const struct json *example = NULL;
    struct err err = { 0 };
    struct buf path;
    int code = EXIT_INVALID;
    int rc;

    buf_init(&path, CLIENT_PATH_MAX);
    rc = buf_add_c(&path, "/api/v1/event-types");
    if (rc == 0) {
        rc = path_add(&path, str_from(type));
    }
    if (rc == 0) {
        request.path = buf_str(&path);
        code = client_send(client, &request, &answer);
    }
    if (code == EXIT_OK) {
        if (answer.status == 200 &&
            json_parse(buf_str(&answer.body), JSON_DEPTH_MAX, &doc, &err) == 0) {
            example = json_member(json_root(doc), "example");
        }
        code =
            example != NULL && json_type(example) != JSON_NULL && json_write(example, out) == 0
                ? EXIT_OK
                : EXIT_INVALID;
        client_answer_done(&answer);
    }
    json_doc_free(doc);
    buf_done(&path);
    return code;
}

static int make_body(const struct args *args, struct str data, struct buf *body)
{
    struct json_out o;

    json_out_begin(&o, body);
    json_out_object(&o);
    json_put_c(&o, "type", args->words[0]);
    json_put_raw(&o, "data", data);
    if (args_given(args, "id")) {
        json_put_c(&o, "id", args_text(args, "id", NULL));
    }
    if (args_given(args, "occurred-at")) {
        json_put_c(&o, "occurred_at", args_text(args, "occurred-at", NULL));
    }
    json_out_object_end(&o);
    return json_out_end(&o);
}

/* The data into buf, or why there is none, as an exit code. */
static int get_data(const struct cli *cli, struct client *client, const struct args *args,
                    struct buf *data)
{
    struct err err = { 0 };
    int code;

    if (args_given(args, "data")) {
        int rc = read_json(args_text(args, "data", ""), data, &err);

        return rc == 0 ? EXIT_OK
                       : cli_fail(cli, exit_of_error(rc), "cannot send", err.text,
                                  "--data @FILE, or --data - for stdin");
    }
    code = example_data(client, args->words[0], data);
    if (code == EXIT_INVALID) {
        return cli_fail(cli, EXIT_USAGE, "there is no data",
                        "the catalogue has no example of this type", "add --data @FILE");
    }
    if (code == EXIT_OK && cli->output == OUTPUT_TABLE) {
        cli_note("Sending the example of the catalogue.");
    }
    return code;
}

static int publish(const struct cli *cli, struct client *client, const struct args *args,
                   struct str body, struct client_answer *ret_answer)
{
    struct client_request request = {
        .method = "POST",
        .body = body,
        .idempotency_key = args_text(args, "idempotency-key", NULL),
    };
    struct buf path;
    int code;

    buf_init(&path, CLIENT_PATH_MAX);
    if (buf_add_c(&path, "/api/v1/apps") != 0 ||
        path_add(&path, str_from(resource_app(args))) != 0 ||
        buf_add_c(&path, "/events") != 0) {
        buf_done(&path);
        return cli_fail(cli, EXIT_USAGE, "cannot send", "the app's name is not one", NULL);
    }
    request.path = buf_str(&path);
    code = client_call(client, "cannot send", &request, ret_answer);
    buf_done(&path);
    return code;
}

static int follow(const struct cli *cli, struct client *client, const struct args *args,
                  struct str answer)
{
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    char id[EVENT_ID_MAX] = "";
    int64_t deliveries = 0;
    struct str text;

    if (json_parse(answer, JSON_DEPTH_MAX, &doc, &err) != 0) {
        return cli_fail(cli, EXIT_ERROR, "the server's answer is not JSON", err.text, NULL);
    }
    text = json_string(json_member(json_root(doc), "id"));
    if (text.len < sizeof(id)) {
        memcpy(id, text.p != NULL ? text.p : "", text.len);
    }
    if (json_int(json_member(json_root(doc), "deliveries"), 0, INT64_MAX, &deliveries) != 0) {
        deliveries = 0;
    }
    json_doc_free(doc);
    if (deliveries == 0) {
        cli_note("No endpoint of this app takes the event.");
        return EXIT_OK;
    }
    return watch_event(cli, client, resource_app(args), str_from(id),
                       args_number(args, "timeout", WAIT_DEFAULT_MS));
}

static int send_run(struct cli *cli, const struct command *command, const struct args *args)
{
    struct client *client = NULL;
    struct client_answer answer;
    struct buf data;
    struct buf body;
    int code;

    (void)command;
    if (args->word_count != 1) {
        return cli_fail(cli, EXIT_USAGE, "send takes one event type", NULL,
                        "postern send user.created --data @user.json");
    }
    code = client_open(cli, args, &client);
    if (code != EXIT_OK) {
        return code;
    }
    buf_init(&data, CLI_INPUT_MAX);
    buf_init(&body, CLI_INPUT_MAX + 4096);
    code = get_data(cli, client, args, &data);
    if (code == EXIT_OK && make_body(args, buf_str(&data), &body) != 0) {
        code = cli_fail(cli, EXIT_INVALID, "cannot send", "the event is too large", NULL);
    }
    if (code == EXIT_OK) {
        code = publish(cli, client, args, buf_str(&body), &answer);
    }
    if (code == EXIT_OK) {
        code = record_print(cli, buf_str(&answer.body));
        if (code == EXIT_OK && args_on(args, "wait")) {
            code = follow(cli, client, args, buf_str(&answer.body));
        }
        client_answer_done(&answer);
    }
    buf_done(&data);
    buf_done(&body);
    client_close(client);
    return code;
}

const struct command command_send = {
    .name = "send",
    .summary = "Publish an event; with --wait see it arrive",
    .examples = "  postern send user.created --data @user.json --wait\n"
                "  echo '[1,2]' | postern send order.paid --app acme --data -\n"
                "  postern send user.created --id order-4711 --data @user.json\n",
    .usage = "TYPE [--data JSON|@FILE|-] [FLAGS]",
    .more = "Without --data the example of the catalogue is sent.\n",
    .tables = { &flags, &client_flags },
    .run = send_run,
};
