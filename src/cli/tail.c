/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail.c - `postern tail`: the live stream on a terminal, a line a message. When the connection
 * ends it is opened again, behind the last message that was seen.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "json/json.h"

enum {
    TAIL_PATH_MAX = 4096,
    TAIL_MESSAGE_MAX = 64 * 1024,
    TAIL_ID_SIZE = 24,
    TAIL_PAUSE_MAX_S = 30
};

static const struct arg_spec specs[] = {
    { "app", ARG_TEXT, 'a', "APP", "of this app (id or slug)", 0, 0 },
    { "endpoint", ARG_TEXT, 'e', "ID", "of this endpoint", 0, 0 },
    { "topics", ARG_TEXT, 't', "LIST", "deliveries, events, endpoints, jobs, notices, stats", 0,
      0 },
    { "after", ARG_TEXT, 0, "ID", "begin behind this message", 0, 0 },
    { "count", ARG_INT, 'n', "N", "end after so many messages", 1, INT64_MAX },
};
static const struct arg_table tail_flags = { specs, sizeof(specs) / sizeof(specs[0]) };

struct tail {
    const struct cli *cli;
    const struct args *args;
    struct buf text; /* a message that has not all come */
    char last_id[TAIL_ID_SIZE];
    int64_t left;  /* messages to print, 0: any number */
    unsigned seen; /* in this connection */
    int code;
    bool is_over;
};

static int put_member(struct buf *out, const struct json *data, const char *name)
{
    const struct json *v = json_member(data, name);
    int rc = 0;

    if (v == NULL || json_type(v) == JSON_NULL) {
        return 0;
    }
    rc = buf_add_char(out, ' ');
    if (rc == 0) {
        rc = json_type(v) == JSON_STRING ? text_clean(json_string(v), out) : json_write(v, out);
    }
    return rc;
}

/* A delivery with what matters first, anything else as it came. */
static int put_line(struct buf *out, struct str event, struct str data)
{
    static const char *const members[] = { "status",        "status_code", "error",
                                           "attempt_count", "event_type",  "id",
                                           "endpoint_id",   "app_id" };
    struct json_doc *doc = NULL;
    char time[32];
    int rc;

    cli_local_time(clock_wall_ms(), time);
    rc = buf_printf(out, "%.19s ", time);
    rc = rc == 0 ? text_clean(event, out) : rc;
    if (rc == 0 && str_starts(event, STR("delivery.")) &&
        json_parse(data, JSON_DEPTH_MAX, &doc, NULL) == 0) {
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && rc == 0; i++) {
            rc = put_member(out, json_root(doc), members[i]);
        }
    } else if (rc == 0) {
        rc = buf_add_char(out, ' ');
        rc = rc == 0 ? text_clean(data, out) : rc;
    }
    json_doc_free(doc);
    return rc == 0 ? buf_add_char(out, '\n') : rc;
}

static int put_json(struct buf *out, struct str id, struct str event, struct str data)
{
    struct json_out o;
    int rc;

    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_str(&o, "id", id);
    json_put_str(&o, "event", event);
    json_put_raw(&o, "data", data);
    json_out_object_end(&o);
    rc = json_out_end(&o);
    return rc == 0 ? buf_add_char(out, '\n') : rc;
}

static void tail_print(struct tail *t, struct str id, struct str event, struct str data)
{
    struct buf out;
    int rc;

    buf_init(&out, 2 * TAIL_MESSAGE_MAX);
    rc = t->cli->output == OUTPUT_JSON ? put_json(&out, id, event, data)
                                       : put_line(&out, event, data);
    t->code = rc == 0 ? cli_print(buf_str(&out)) : EXIT_ERROR;
    buf_done(&out);
    if (id.len < sizeof(t->last_id)) {
        memcpy(t->last_id, id.p, id.len);
        t->last_id[id.len] = '\0';
    }
    t->seen++;
    if (t->left > 0 && --t->left == 0) {
        t->is_over = true;
    }
    t->is_over = t->is_over || t->code != EXIT_OK || fflush(stdout) != 0;
}

static struct str field_of(struct str line, struct str name)
{
    return str_starts(line, name) ? str_sub(line, name.len, line.len) : STR_NONE;
}

static void tail_message(struct tail *t, struct str text)
{
    struct str id = STR_NONE;
    struct str event = STR_NONE;
    struct str data = STR_NONE;
    struct str line;

    while (text.len > 0 && str_split(&text, '\n', &line)) {
        id = id.p == NULL ? field_of(line, STR("id: ")) : id;
        event = event.p == NULL ? field_of(line, STR("event: ")) : event;
        data = data.p == NULL ? field_of(line, STR("data: ")) : data;
    }
    if (id.p != NULL && event.p != NULL && data.p != NULL) {
        tail_print(t, id, event, data);
    }
}

/* False: enough. */
static bool on_bytes(void *ctx, struct str bytes)
{
    struct tail *t = ctx;
    const char *end;

    if (buf_add_str(&t->text, bytes) != 0) {
        t->is_over = true;
        t->code = cli_fail(t->cli, EXIT_ERROR, "this is no live stream", NULL, NULL);
    }
    while (!t->is_over && (end = strstr(t->text.p, "\n\n")) != NULL) {
        size_t len = (size_t)(end - t->text.p);

        tail_message(t, (struct str){ t->text.p, len + 1 });
        buf_consume(&t->text, len + 2);
    }
    return !t->is_over;
}

static int tail_path(const struct tail *t, struct buf *path)
{
    static const char *const queries[] = { "app", "endpoint", "topics" };
    const char *after = t->last_id[0] != '\0' ? t->last_id : args_text(t->args, "after", NULL);
    int rc = buf_add_c(path, "/api/v1/stream");

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]) && rc == 0; i++) {
        if (args_given(t->args, queries[i])) {
            rc = path_query(path, queries[i], str_from(args_text(t->args, queries[i], "")));
        }
    }
    return rc == 0 && after != NULL ? path_query(path, "after", str_from(after)) : rc;
}

/* Until enough was seen. A refusal at the first connection is the end; later it is waited. */
static int tail_follow(struct tail *t, struct client *client)
{
    struct buf path;
    long pause_s = 0;
    bool was_open = false;

    buf_init(&path, TAIL_PATH_MAX);
    while (!t->is_over) {
        struct timespec pause = { .tv_sec = pause_s };
        int code;

        buf_clear(&path);
        buf_clear(&t->text);
        t->seen = 0;
        if (tail_path(t, &path) != 0) {
            t->code = cli_fail(t->cli, EXIT_INVALID, "a filter is too long", NULL, NULL);
            break;
        }
        (void)nanosleep(&pause, NULL);
        code =
            client_stream(client, "cannot open the live stream", buf_str(&path), on_bytes, t);
        if (code != EXIT_OK && (!was_open || code == EXIT_AUTH || code == EXIT_NOT_FOUND)) {
            t->code = code;
            break;
        }
        was_open = true;
        pause_s = t->seen > 0 || pause_s == 0 ? 1 : pause_s * 2;
        pause_s = pause_s > TAIL_PAUSE_MAX_S ? TAIL_PAUSE_MAX_S : pause_s;
        if (!t->is_over) {
            cli_note("the stream ended; connecting again");
        }
    }
    buf_done(&path);
    return t->code;
}

static int tail_run(struct cli *cli, const struct command *command, const struct args *args)
{
    struct tail t = { .cli = cli, .args = args, .left = args_number(args, "count", 0) };
    struct client *client;
    int code = client_open(cli, args, &client);

    (void)command;
    if (code != EXIT_OK) {
        return code;
    }
    buf_init(&t.text, TAIL_MESSAGE_MAX);
    code = tail_follow(&t, client);
    buf_done(&t.text);
    client_close(client);
    return code;
}

const struct command command_tail = {
    .name = "tail",
    .summary = "What happens, as it happens",
    .examples = "  postern tail\n"
                "  postern tail --app acme --topics deliveries --json\n",
    .usage = "[FLAGS]",
    .tables = { &tail_flags, &client_flags },
    .run = tail_run,
};
