/* SPDX-License-Identifier: Apache-2.0 */
/* event_types.c - `postern event-types` as any resource, and many at once: import of an OpenAPI
 * document, a preset of the server. */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/record.h"
#include "cli/resource.h"
#include "json/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct arg_spec type_specs[] = {
    { "data", ARG_TEXT, 0, "JSON", "create, update: the document, @FILE, or - for stdin", 0,
      0 },
    { "name", ARG_TEXT, 0, "TYPE", "such as user.created; cannot be changed", 0, 0 },
    { "description", ARG_TEXT, 0, "TEXT", "what it is", 0, 0 },
    { "fires-when", ARG_TEXT, 0, "TEXT", "when exactly it happens", 0, 0 },
    { "group", ARG_TEXT, 0, "TEXT", "heading that it stands under", 0, 0 },
    { "category", ARG_TEXT, 0, "TEXT", "what it belongs to", 0, 0 },
    { "schema", ARG_TEXT, 0, "JSON", "JSON Schema of data: itself, @FILE, or -", 0, 0 },
    { "example", ARG_TEXT, 0, "JSON", "an example of data: itself, @FILE, or -", 0, 0 },
    { "frequency", ARG_TEXT, 0, "WORD", "low, medium, high or very_high", 0, 0 },
    { "visibility", ARG_TEXT, 0, "WORD", "customer, or internal: to nobody", 0, 0 },
    { "enforce-schema", ARG_TEXT, 0, "WORD", "off, or reject: refuse what does not fit", 0, 0 },
    { "archived", ARG_SWITCH, 0, NULL, "no longer published (or =false)", 0, 0 },
    { "dry-run", ARG_SWITCH, 0, NULL, "import, preset: only say what would be done", 0, 0 },
    { "new-versions", ARG_SWITCH, 0, NULL,
      "import, preset: a schema that would break becomes a new version", 0, 0 },
};
static const struct arg_table type_flags = { type_specs, COUNT(type_specs) };
static const struct field type_fields[] = {
    { "name", "name", FIELD_TEXT },
    { "description", "description", FIELD_TEXT },
    { "fires-when", "fires_when", FIELD_TEXT },
    { "group", "group", FIELD_TEXT },
    { "category", "category", FIELD_TEXT },
    { "schema", "schema", FIELD_JSON },
    { "example", "example", FIELD_JSON },
    { "frequency", "frequency", FIELD_TEXT },
    { "visibility", "visibility", FIELD_TEXT },
    { "enforce-schema", "enforce_schema", FIELD_TEXT },
    { "archived", "archived", FIELD_BOOL },
};
static const char *const type_columns[] = { "name", "version", "group", "archived",
                                            "description" };
static const struct resource event_types = {
    .singular = "event type",
    .path = "event-types",
    .verbs = VERB_LIST | VERB_GET | VERB_CREATE | VERB_UPDATE | VERB_DELETE,
    .columns = type_columns,
    .column_count = COUNT(type_columns),
    .fields = type_fields,
    .field_count = COUNT(type_fields),
    .whole_body = true,
};

/* The exit code says whether there were problems. */
static int print_result(const struct cli *cli, struct str body)
{
    struct json_doc *doc = NULL;
    int code = record_print(cli, body);
    char what[64];

    if (code != EXIT_OK) {
        return code;
    }
    if (json_parse(body, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return cli_fail(cli, EXIT_ERROR, "the answer is not JSON", NULL, NULL);
    }
    if (json_count(json_member(json_root(doc), "problems")) > 0) {
        (void)snprintf(what, sizeof(what), "%zu event types could not be taken",
                       json_count(json_member(json_root(doc), "problems")));
        code = cli_fail(cli, EXIT_PARTLY, what, NULL, "the others were; see problems");
    }
    json_doc_free(doc);
    return code;
}

static int post(struct cli *cli, const struct args *args, const struct buf *path,
                const struct buf *body)
{
    struct client_request request = { .method = "POST",
                                      .path = buf_str(path),
                                      .body = buf_str(body) };
    struct client_answer answer;
    struct client *client;
    int code = client_open(cli, args, &client);

    if (code != EXIT_OK) {
        return code;
    }
    code = client_call(client, "cannot import event types", &request, &answer);
    if (code == EXIT_OK) {
        code = print_result(cli, buf_str(&answer.body));
        client_answer_done(&answer);
    }
    client_close(client);
    return code;
}

/* {"dry_run","new_versions","openapi"?}; the document is read from a file, or from stdin. */
static int write_body(const struct args *args, const char *file, struct buf *body,
                      struct err *err)
{
    struct json_out o;
    struct buf text;
    struct buf name;
    int rc = 0;

    buf_init(&text, CLI_INPUT_MAX);
    buf_init(&name, 4096);
    if (file != NULL) {
        rc = buf_printf(&name, "%s%s", strcmp(file, "-") == 0 ? "" : "@", file);
        rc = rc == 0 ? read_json(name.p, &text, err) : rc;
    }
    json_out_begin(&o, body);
    json_out_object(&o);
    json_put_bool(&o, "dry_run", args_on(args, "dry-run"));
    json_put_bool(&o, "new_versions", args_on(args, "new-versions"));
    if (file != NULL && rc == 0) {
        json_put_raw(&o, "openapi", buf_str(&text));
    }
    json_out_object_end(&o);
    if (json_out_end(&o) != 0 && rc == 0) {
        rc = err_set(err, -E_TOO_LARGE, "the document is too large");
    }
    buf_done(&name);
    buf_done(&text);
    return rc;
}

static int many(struct cli *cli, const struct args *args, bool is_import)
{
    struct err err = { 0 };
    struct buf path;
    struct buf body;
    int code;
    int rc;

    buf_init(&path, CLIENT_PATH_MAX);
    buf_init(&body, CLI_INPUT_MAX);
    rc = buf_add_c(&path, "/api/v1/event-types/");
    rc = rc == 0 ? buf_add_c(&path, is_import ? "import" : "presets") : rc;
    if (rc == 0 && !is_import) {
        rc = path_add(&path, str_from(args->words[1]));
    }
    if (rc == 0) {
        rc = write_body(args, is_import ? args->words[1] : NULL, &body, &err);
    }
    code = rc == 0 ? post(cli, args, &path, &body)
                   : cli_fail(cli, exit_of_error(rc), "cannot import event types", err.text,
                              "postern event-types --help");
    buf_done(&body);
    buf_done(&path);
    return code;
}

static int event_types_run(struct cli *cli, const struct command *command,
                           const struct args *args)
{
    const char *verb = args->word_count > 0 ? args->words[0] : "";
    bool is_import = strcmp(verb, "import") == 0;

    if (!is_import && strcmp(verb, "preset") != 0) {
        return resource_run(cli, command, args);
    }
    if (args->word_count != 2) {
        return cli_fail(cli, EXIT_USAGE, "it takes one word",
                        is_import ? "the file with the OpenAPI document as JSON, or - for stdin"
                                  : "the name of a preset, such as penguinmails",
                        "postern event-types --help");
    }
    return many(cli, args, is_import);
}

const struct command command_event_types = {
    .name = "event-types",
    .summary = "The catalogue of event types; import and presets bring many",
    .examples = "  postern event-types create --name user.created --group users\n"
                "  postern event-types update user.created --example @user.json\n"
                "  postern event-types import openapi.json --dry-run\n"
                "  postern event-types preset penguinmails\n",
    .usage = "list|get|create|update|delete|import|preset [TYPE|FILE|NAME]",
    .more = "import takes the webhooks of an OpenAPI 3.1 document in JSON. import and preset "
            "exit with 8\n"
            "when some event types could not be taken.\n",
    .tables = { &type_flags, &resource_flags, &client_flags },
    .resource = &event_types,
    .run = event_types_run,
};
