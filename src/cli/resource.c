/* SPDX-License-Identifier: Apache-2.0 */
/* resource.c - the verbs: path, body, request, output. What differs between resources is data. */
#include "cli/resource.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "cli/client.h"
#include "cli/record.h"
#include "json/json.h"
#include "server/suggest.h"

enum { TIME_MAX = 64, WHAT_MAX = 256, VERB_COUNT = 14, CURSOR_MAX = 1024, PAGES_MAX = 1000000 };

struct call {
    const struct cli *cli;
    const struct resource *resource;
    const struct args *args;
    struct client *client;
    const char *verb;
};

static int run_list(struct call *call);
static int run_get(struct call *call);
static int run_create(struct call *call);
static int run_update(struct call *call);
static int run_delete(struct call *call);
static int run_action(struct call *call);
static int run_post(struct call *call);
static int run_curl(struct call *call);

static const struct {
    enum verb bit;
    const char *name;
    size_t words_min;
    size_t words_max; /* ids behind the verb */
    int (*run)(struct call *call);
} verb_table[VERB_COUNT] = {
    { VERB_LIST, "list", 0, 0, run_list },
    { VERB_GET, "get", 1, 1, run_get },
    { VERB_CREATE, "create", 0, 0, run_create },
    { VERB_UPDATE, "update", 1, 1, run_update },
    { VERB_DELETE, "delete", 1, ARGS_WORDS_MAX, run_delete },
    { VERB_REVOKE, "revoke", 1, ARGS_WORDS_MAX, run_delete },
    { VERB_PAUSE, "pause", 1, ARGS_WORDS_MAX, run_action },
    { VERB_RESUME, "resume", 1, ARGS_WORDS_MAX, run_action },
    { VERB_RETRY, "retry", 1, ARGS_WORDS_MAX, run_action },
    { VERB_CANCEL, "cancel", 1, ARGS_WORDS_MAX, run_action },
    { VERB_ROLL, "roll-secret", 1, 1, run_post },
    { VERB_REVOKE_SECRET, "revoke-previous-secret", 1, 1, run_post },
    { VERB_TEST, "test", 1, 1, run_post },
    { VERB_CURL, "curl", 1, 1, run_curl },
};

static const struct arg_spec list_specs[] = {
    { "limit", ARG_INT, 'n', "N", "list: rows of a page (50)", 1, 250 },
    { "cursor", ARG_TEXT, 0, "CURSOR", "list: the page that an earlier one named", 0, 0 },
    { "order", ARG_TEXT, 0, "ORDER", "list: asc or desc", 0, 0 },
    { "all", ARG_SWITCH, 0, NULL, "list: every page; with --json one object a line", 0, 0 },
    { "if-match", ARG_TEXT, 0, "ETAG", "update, delete: only this version", 0, 0 },
    { "yes", ARG_SWITCH, 'y', NULL, "delete, revoke, cancel: do not ask", 0, 0 },
};

const struct arg_table resource_flags = { list_specs,
                                          sizeof(list_specs) / sizeof(list_specs[0]) };

static const char *verb_name(enum verb verb)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (verb_table[i].bit == verb) {
            return verb_table[i].name;
        }
    }
    return "";
}

const char *resource_app(const struct args *args)
{
    const char *environment = cli_env("POSTERN_APP");

    return args_text(args, "app", environment != NULL ? environment : "default");
}

/* /api/v1[/apps/{app}]/{path}[/{id}][/{action}] */
static int make_path(const struct call *call, const char *id, const char *action,
                     struct buf *out)
{
    int rc = buf_add_c(out, "/api/v1");

    if (rc == 0 && call->resource->in_app) {
        rc = buf_add_c(out, "/apps");
        if (rc == 0) {
            rc = path_add(out, str_from(resource_app(call->args)));
        }
    }
    if (rc == 0) {
        rc = buf_printf(out, "/%s", call->resource->path);
    }
    if (rc == 0 && id != NULL) {
        rc = path_add(out, str_from(id));
    }
    if (rc == 0 && action != NULL) {
        rc = buf_printf(out, "/%s", action);
    }
    return rc;
}

/* Say that it did not work out and why, for errors of ours. */
static int fail(const struct call *call, const char *id, int rc, const char *why)
{
    char what[WHAT_MAX];
    char next[WHAT_MAX];

    (void)snprintf(what, sizeof(what), "cannot %s %s%s%.64s", call->verb,
                   call->resource->singular, id == NULL ? "" : " ", id == NULL ? "" : id);
    (void)snprintf(next, sizeof(next), "postern %s --help", call->resource->path);
    return cli_fail(call->cli, exit_of_error(rc), what, why, next);
}

/* One request about one thing; on EXIT_OK the caller ends the answer. */
static int ask(const struct call *call, const struct client_request *request, const char *id,
               struct client_answer *ret_answer)
{
    char what[WHAT_MAX];

    (void)snprintf(what, sizeof(what), "cannot %s %s%s%.64s", call->verb,
                   call->resource->singular, id == NULL ? "" : " ", id == NULL ? "" : id);
    return client_call(call->client, what, request, ret_answer);
}

static int add_filter(const struct call *call, const char *name, struct buf *path)
{
    const char *text = args_text(call->args, name, NULL);
    struct buf time;
    int rc;

    if (text == NULL) {
        return 0;
    }
    if (strcmp(name, "since") != 0 && strcmp(name, "until") != 0) {
        return path_query(path, name, str_from(text));
    }
    buf_init(&time, TIME_MAX);
    rc = resource_time(text, clock_wall_ms(), &time);
    if (rc == 0) {
        rc = path_query(path, name, buf_str(&time));
    }
    buf_done(&time);
    return rc;
}

static int list_path(const struct call *call, struct str cursor, struct buf *path)
{
    static const char *const pages[] = { "limit", "order" };
    int rc = make_path(call, NULL, NULL, path);

    for (size_t i = 0; i < call->resource->filter_count && rc == 0; i++) {
        rc = add_filter(call, call->resource->filters[i], path);
    }
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        rc = add_filter(call, pages[i], path);
    }
    if (rc == 0 && cursor.len > 0) {
        rc = path_query(path, "cursor", cursor);
    }
    return rc;
}

/* One object a line. */
static int write_lines(const struct json *array, struct buf *out)
{
    struct json_iter it = json_iter(array);
    const struct json *item;
    int rc = 0;

    while (rc == 0 && (item = json_next(&it, NULL)) != NULL) {
        rc = json_write(item, out);
        if (rc == 0) {
            rc = buf_add_char(out, '\n');
        }
    }
    return rc;
}

/* Prints one page and puts the cursor of the next one into *cursor (empty at the end). */
static int print_page(const struct call *call, struct str body, struct buf *cursor)
{
    bool all = args_on(call->args, "all");
    struct json_doc *doc = NULL;
    const struct json *data;
    struct err err = { 0 };
    struct buf out;
    int code;
    int rc = json_parse(body, JSON_DEPTH_MAX, &doc, &err);

    if (rc != 0) {
        return fail(call, NULL, rc, err.text);
    }
    buf_init(&out, CLI_OUTPUT_MAX);
    data = json_member(json_root(doc), "data");
    buf_clear(cursor);
    rc = buf_add_str(cursor, json_string(json_member(json_root(doc), "next_cursor")));
    if (rc == 0 && call->cli->output != OUTPUT_JSON) {
        rc = record_rows(call->cli, data, call->resource->columns, call->resource->column_count,
                         &out);
    } else if (rc == 0 && all) {
        rc = write_lines(data, &out);
    } else if (rc == 0) {
        rc = buf_add_str(&out, body);
        if (rc == 0) {
            rc = buf_add_char(&out, '\n');
        }
    }
    code = rc == 0 ? cli_print(buf_str(&out)) : fail(call, NULL, rc, "the answer is too large");
    buf_done(&out);
    json_doc_free(doc);
    return code;
}

static int list_page(struct call *call, struct buf *cursor)
{
    struct client_answer answer;
    struct buf path;
    int code;
    int rc;

    buf_init(&path, CLIENT_PATH_MAX);
    rc = list_path(call, buf_str(cursor), &path);
    if (rc != 0) {
        code = fail(call, NULL, -E_USAGE, "a flag does not fit; times are RFC 3339 or 24h, 7d");
    } else {
        struct client_request request = { .method = "GET", .path = buf_str(&path) };

        code = ask(call, &request, NULL, &answer);
        if (code == EXIT_OK) {
            code = print_page(call, buf_str(&answer.body), cursor);
            client_answer_done(&answer);
        }
    }
    buf_done(&path);
    return code;
}

static int run_list(struct call *call)
{
    bool all = args_on(call->args, "all");
    struct buf cursor;
    int code = EXIT_OK;
    size_t pages = 0;

    buf_init(&cursor, CURSOR_MAX);
    if (buf_add_c(&cursor, args_text(call->args, "cursor", "")) != 0) {
        buf_done(&cursor);
        return fail(call, NULL, -E_USAGE, "the cursor is too long");
    }
    do {
        code = list_page(call, &cursor);
        pages++;
    } while (code == EXIT_OK && all && cursor.len > 0 && pages < PAGES_MAX);
    if (code == EXIT_OK && cursor.len > 0 && call->cli->output == OUTPUT_TABLE) {
        cli_note("There is more: add --cursor %s, or --all", cursor.p);
    }
    buf_done(&cursor);
    return code;
}

/* Was it done and did not work out? A test send answers 200 with "ok": false then. */
static bool says_no(struct str body)
{
    struct json_doc *doc = NULL;
    const struct json *ok;
    bool no;

    if (json_parse(body, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return false;
    }
    ok = json_member(json_root(doc), "ok");
    no = ok != NULL && json_type(ok) == JSON_BOOL && !json_bool(ok);
    json_doc_free(doc);
    return no;
}

/* One request on one id, its answer printed. */
static int simple(struct call *call, const char *method, const char *id, const char *action,
                  struct str body)
{
    struct client_request request = { .method = method,
                                      .body = body,
                                      .if_match = args_text(call->args, "if-match", NULL) };
    struct client_answer answer;
    struct buf path;
    int code;
    int rc;

    buf_init(&path, CLIENT_PATH_MAX);
    rc = make_path(call, id, action, &path);
    if (rc != 0) {
        buf_done(&path);
        return fail(call, id, -E_INVALID, "this is not an id");
    }
    request.path = buf_str(&path);
    code = ask(call, &request, id, &answer);
    if (code == EXIT_OK) {
        code = record_print(call->cli, buf_str(&answer.body));
        code = code == EXIT_OK && says_no(buf_str(&answer.body)) ? EXIT_CHECK_FAILED : code;
        client_answer_done(&answer);
    }
    buf_done(&path);
    return code;
}

static int run_get(struct call *call)
{
    return simple(call, "GET", call->args->words[1], NULL, STR_NONE);
}

static int with_body(struct call *call, const char *method, const char *id)
{
    struct err err = { 0 };
    struct buf body;
    int code;
    int rc;

    buf_init(&body, CLI_INPUT_MAX);
    rc = resource_body(call->resource, call->args, &body, &err);
    code =
        rc != 0 ? fail(call, id, rc, err.text) : simple(call, method, id, NULL, buf_str(&body));
    if (body.cap > 0) {
        explicit_bzero(body.p, body.cap);
    }
    buf_done(&body);
    return code;
}

static int run_create(struct call *call)
{
    return with_body(call, "POST", NULL);
}

static int run_update(struct call *call)
{
    return with_body(call, "PATCH", call->args->words[1]);
}

/* Runs for every id; EXIT_PARTLY when some worked and some did not, else the code of the last failure. */
static int each(struct call *call, const char *method, const char *action)
{
    size_t done = 0;
    int failure = EXIT_OK;

    for (size_t i = 1; i < call->args->word_count; i++) {
        const char *id = call->args->words[i];
        int code = simple(call, method, id, action, STR_NONE);

        if (code == EXIT_OK) {
            done++;
            if (call->cli->output == OUTPUT_TABLE) {
                cli_note("%s %s: %s", call->resource->singular, id, call->verb);
            }
        } else {
            failure = code;
            if (code == EXIT_UNREACHABLE || code == EXIT_AUTH) {
                break; /* the next one would fare the same */
            }
        }
    }
    return failure != EXIT_OK && done > 0 ? EXIT_PARTLY : failure;
}

/* EXIT_OK when the user said so, by flag or on the terminal. */
static int confirm(const struct call *call)
{
    char question[WHAT_MAX];
    size_t count = call->args->word_count - 1;

    if (args_on(call->args, "yes")) {
        return EXIT_OK;
    }
    if (!call->cli->tty_in || !call->cli->tty_err) {
        return fail(call, NULL, -E_USAGE, "it cannot be undone; add --yes");
    }
    (void)snprintf(question, sizeof(question), "Really %s %zu %s%s? It cannot be undone.",
                   call->verb, count, call->resource->singular, count == 1 ? "" : "s");
    return cli_confirm(question) ? EXIT_OK : EXIT_INTERRUPTED;
}

static int run_delete(struct call *call)
{
    int code = confirm(call);

    return code == EXIT_OK ? each(call, "DELETE", NULL) : code;
}

static int run_action(struct call *call)
{
    int code = strcmp(call->verb, "cancel") == 0 ? confirm(call) : EXIT_OK;

    return code == EXIT_OK ? each(call, "POST", call->verb) : code;
}

/* The body is made of the action's own flags; without any of them there is none. */
static int run_post(struct call *call)
{
    const struct action *action = call->resource->actions;
    struct resource shape = *call->resource;
    struct err err = { 0 };
    struct buf body;
    bool given = false;
    int code;
    int rc = 0;

    while (strcmp(verb_name(action->verb), call->verb) != 0) {
        action++;
        ASSERT(action < call->resource->actions + call->resource->action_count);
    }
    shape.fields = action->fields;
    shape.field_count = action->field_count;
    shape.whole_body = false;
    for (size_t i = 0; i < action->field_count; i++) {
        given = given || args_given(call->args, action->fields[i].flag);
    }
    buf_init(&body, CLI_INPUT_MAX);
    if (given) {
        rc = resource_body(&shape, call->args, &body, &err);
    }
    code = rc != 0 ? fail(call, call->args->words[1], rc, err.text)
                   : simple(call, "POST", call->args->words[1], action->path,
                            given ? buf_str(&body) : STR_NONE);
    if (body.cap > 0) {
        explicit_bzero(body.p, body.cap);
    }
    buf_done(&body);
    return code;
}

/* The request of an attempt, for a shell. */
static int run_curl(struct call *call)
{
    struct client_request request = { .method = "GET" };
    const char *id = call->args->words[1];
    struct client_answer answer;
    char action[WHAT_MAX];
    struct buf path;
    int code;

    (void)snprintf(action, sizeof(action), "attempts/%lld/curl",
                   (long long)args_number(call->args, "attempt", 1));
    buf_init(&path, CLIENT_PATH_MAX);
    if (make_path(call, id, action, &path) != 0) {
        buf_done(&path);
        return fail(call, id, -E_INVALID, "this is not an id");
    }
    request.path = buf_str(&path);
    code = ask(call, &request, id, &answer);
    if (code == EXIT_OK) {
        code = cli_print(buf_str(&answer.body));
        client_answer_done(&answer);
    }
    buf_done(&path);
    return code;
}

static int unknown_verb(const struct cli *cli, const struct resource *resource,
                        const char *word)
{
    const char *names[VERB_COUNT];
    char what[WHAT_MAX];
    char next[WHAT_MAX];
    const char *nearest;
    size_t count = 0;

    for (size_t i = 0; i < VERB_COUNT; i++) {
        if ((resource->verbs & (unsigned)verb_table[i].bit) != 0) {
            names[count] = verb_table[i].name;
            count++;
        }
    }
    nearest = word == NULL ? NULL : suggest_nearest(str_from(word), names, count);
    if (word == NULL) {
        (void)snprintf(what, sizeof(what), "%s needs a verb", resource->path);
    } else {
        (void)snprintf(what, sizeof(what), "%s has no verb `%.40s`%s%s%s", resource->path, word,
                       nearest == NULL ? "" : "; did you mean `",
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "`?");
    }
    (void)snprintf(next, sizeof(next), "postern %s --help", resource->path);
    return cli_fail(cli, EXIT_USAGE, what, NULL, next);
}

int resource_run(struct cli *cli, const struct command *command, const struct args *args)
{
    struct call call = { .cli = cli, .resource = command->resource, .args = args };
    size_t at = 0;
    int code;

    ASSERT(call.resource != NULL);
    while (at < VERB_COUNT &&
           (args->word_count == 0 || strcmp(verb_table[at].name, args->words[0]) != 0 ||
            (call.resource->verbs & (unsigned)verb_table[at].bit) == 0)) {
        at++;
    }
    if (at == VERB_COUNT) {
        return unknown_verb(cli, call.resource, args->word_count == 0 ? NULL : args->words[0]);
    }
    call.verb = verb_table[at].name;
    if (args->word_count - 1 < verb_table[at].words_min ||
        args->word_count - 1 > verb_table[at].words_max) {
        return fail(&call, NULL, -E_USAGE,
                    verb_table[at].words_min == 0   ? "no word belongs behind this verb"
                    : verb_table[at].words_max == 1 ? "it takes one id"
                                                    : "it takes one or more ids");
    }
    code = client_open(cli, args, &call.client);
    if (code != EXIT_OK) {
        return code;
    }
    code = verb_table[at].run(&call);
    client_close(call.client);
    return code;
}
