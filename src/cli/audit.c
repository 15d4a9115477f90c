/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - `postern audit list` as any resource, and `postern audit verify`: is the log whole? */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/record.h"
#include "cli/resource.h"
#include "json/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct arg_spec audit_specs[] = {
    { "app", ARG_TEXT, 'a', "APP", "list: of this app", 0, 0 },
    { "action", ARG_TEXT, 0, "ACTION", "list: such as endpoint.updated, or all of `key.`", 0,
      0 },
    { "actor", ARG_TEXT, 0, "ID", "list: by this key or member", 0, 0 },
    { "target", ARG_TEXT, 0, "ID", "list: of this endpoint, app, key ...", 0, 0 },
    { "since", ARG_TEXT, 0, "TIME", "list: from then on; RFC 3339 or 24h, 7d", 0, 0 },
    { "until", ARG_TEXT, 0, "TIME", "list: before then", 0, 0 },
};
static const struct arg_table audit_flags = { audit_specs, COUNT(audit_specs) };
static const char *const audit_filters[] = { "app",    "action", "actor",
                                             "target", "since",  "until" };
static const char *const audit_columns[] = { "number", "at",     "actor.name",
                                             "action", "target", "reason" };
static const struct resource audit = {
    .singular = "audit log",
    .path = "audit",
    .verbs = VERB_LIST,
    .columns = audit_columns,
    .column_count = COUNT(audit_columns),
    .filters = audit_filters,
    .filter_count = COUNT(audit_filters),
};

/* The exit code says whether the log is whole. */
static int verify_print(const struct cli *cli, struct str body)
{
    struct json_doc *doc = NULL;
    const struct json *broken;
    char what[128];
    int code = record_print(cli, body);

    if (code != EXIT_OK) {
        return code;
    }
    if (json_parse(body, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return cli_fail(cli, EXIT_ERROR, "the answer is not JSON", NULL, NULL);
    }
    broken = json_member(json_root(doc), "broken");
    if (broken != NULL && json_type(broken) == JSON_OBJECT) {
        (void)snprintf(what, sizeof(what), "row %.*s of the audit log is %.*s",
                       STR_ARG(json_number(json_member(broken, "number"))),
                       STR_ARG(json_string(json_member(broken, "fault"))));
        code = cli_fail(cli, EXIT_CHECK_FAILED, what, NULL,
                        "what stands before it is as it was written");
    }
    json_doc_free(doc);
    return code;
}

static int verify(struct cli *cli, const struct args *args)
{
    struct client_request request = { .method = "GET", .path = STR("/api/v1/audit/verify") };
    struct client_answer answer;
    struct client *client;
    int code = client_open(cli, args, &client);

    if (code != EXIT_OK) {
        return code;
    }
    code = client_call(client, "cannot verify the audit log", &request, &answer);
    if (code == EXIT_OK) {
        code = verify_print(cli, buf_str(&answer.body));
        client_answer_done(&answer);
    }
    client_close(client);
    return code;
}

static int audit_run(struct cli *cli, const struct command *command, const struct args *args)
{
    if (args->word_count == 1 && strcmp(args->words[0], "verify") == 0) {
        return verify(cli, args);
    }
    return resource_run(cli, command, args);
}

const struct command command_audit = {
    .name = "audit",
    .summary = "The audit log: who changed what; verify walks its chain",
    .examples = "  postern audit list --since 7d\n"
                "  postern audit list --target ep_0123\n"
                "  postern audit verify\n",
    .usage = "list|verify",
    .more = "verify exits with 7 and names the first broken row when the log was changed.\n",
    .tables = { &audit_flags, &resource_flags, &client_flags },
    .resource = &audit,
    .run = audit_run,
};
