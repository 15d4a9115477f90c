/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.c - asks for the event's deliveries, and for each whose attempts have grown its attempts. The pause
 * between two rounds grows from 100 ms to a second, so a quick endpoint shows at once.
 */
#include "cli/watch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/record.h"
#include "cli/table.h"
#include "json/json.h"

enum { PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 1000, ID_MAX = 64, OUT_MAX = 1024 * 1024 };

struct watched {
    char id[ID_MAX];
    int64_t attempts; /* printed */
    bool ended;
    bool delivered;
};

struct watch {
    const struct cli *cli;
    struct client *client;
    const char *app;
    struct watched list[WATCH_DELIVERIES_MAX];
    size_t count;
};

static struct watched *find_delivery(struct watch *w, struct str id)
{
    for (size_t i = 0; i < w->count; i++) {
        if (str_eq_c(id, w->list[i].id)) {
            return &w->list[i];
        }
    }
    if (w->count == WATCH_DELIVERIES_MAX || id.len == 0 || id.len >= ID_MAX) {
        return NULL;
    }
    memcpy(w->list[w->count].id, id.p, id.len);
    w->count++;
    return &w->list[w->count - 1];
}

static int deliveries_path(const struct watch *w, struct buf *path)
{
    int rc = buf_add_c(path, "/api/v1/apps");

    if (rc == 0) {
        rc = path_add(path, str_from(w->app));
    }
    return rc != 0 ? rc : buf_add_c(path, "/deliveries");
}

/* GET and parse; *ret_doc is set on EXIT_OK. */
static int get(struct watch *w, struct str path, struct json_doc **ret_doc)
{
    struct client_request request = { .method = "GET", .path = path };
    struct client_answer answer;
    struct err err = { 0 };
    int code = client_call(w->client, "cannot follow the deliveries", &request, &answer);
    int rc;

    if (code != EXIT_OK) {
        return code;
    }
    rc = json_parse(buf_str(&answer.body), JSON_DEPTH_MAX, ret_doc, &err);
    client_answer_done(&answer);
    return rc == 0 ? EXIT_OK
                   : cli_fail(w->cli, EXIT_ERROR, "the server's answer is not JSON", err.text,
                              NULL);
}

/* {"delivery_id","endpoint_id","attempt":{...}} or a line for people. */
static int write_attempt(const struct watch *w, const struct json *delivery,
                         const struct json *attempt, struct buf *out)
{
    static const char *const columns[] = { "number", "status_code", "error", "duration_ms" };
    struct json_out o;
    int rc;

    if (w->cli->output == OUTPUT_JSON) {
        json_out_begin(&o, out);
        json_out_object(&o);
        json_put_str(&o, "delivery_id", json_string(json_member(delivery, "id")));
        json_put_str(&o, "endpoint_id", json_string(json_member(delivery, "endpoint_id")));
        json_out_name(&o, "attempt");
        json_out_value(&o, attempt);
        json_out_object_end(&o);
        rc = json_out_end(&o);
        return rc == 0 ? buf_add_char(out, '\n') : rc;
    }
    rc = text_clean(json_string(json_member(delivery, "endpoint_id")), out);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]) && rc == 0; i++) {
        const struct json *value = json_member(attempt, columns[i]);

        if (value == NULL || json_type(value) == JSON_NULL) {
            continue;
        }
        rc = buf_add_c(out, i == 0 ? "  attempt " : "  ");
        if (rc == 0) {
            rc = record_text(columns[i], value, out);
        }
        if (rc == 0 && i == 3) {
            rc = buf_add_c(out, " ms");
        }
    }
    return rc == 0 ? buf_add_char(out, '\n') : rc;
}

/* Prints the attempts that were not printed before. */
static int print_new(struct watch *w, struct watched *d, const struct json *delivery)
{
    struct json_iter it = json_iter(json_member(delivery, "attempts"));
    const struct json *attempt;
    struct buf out;
    int code = EXIT_OK;

    buf_init(&out, OUT_MAX);
    while (code == EXIT_OK && (attempt = json_next(&it, NULL)) != NULL) {
        int64_t number = 0;

        if (json_int(json_member(attempt, "number"), 0, 1000000, &number) != 0 ||
            number <= d->attempts) {
            continue;
        }
        buf_clear(&out);
        code = write_attempt(w, delivery, attempt, &out) == 0 ? cli_print(buf_str(&out))
                                                              : EXIT_ERROR;
        d->attempts = number;
    }
    buf_done(&out);
    return code;
}

static int look_closer(struct watch *w, struct watched *d)
{
    struct json_doc *doc = NULL;
    struct buf path;
    int code = EXIT_ERROR;

    buf_init(&path, CLIENT_PATH_MAX);
    if (deliveries_path(w, &path) == 0 && path_add(&path, str_from(d->id)) == 0) {
        code = get(w, buf_str(&path), &doc);
    }
    if (code == EXIT_OK) {
        code = print_new(w, d, json_root(doc));
    }
    json_doc_free(doc);
    buf_done(&path);
    return code;
}

static int take_item(struct watch *w, const struct json *item)
{
    static const char *const ends[] = { "failed", "cancelled", "filtered", "skipped" };
    struct str status = json_string(json_member(item, "status"));
    struct watched *d = find_delivery(w, json_string(json_member(item, "id")));
    int64_t attempts = 0;

    if (d == NULL || d->ended) {
        return EXIT_OK;
    }
    d->delivered = str_eq_c(status, "delivered");
    d->ended = d->delivered;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        d->ended = d->ended || str_eq_c(status, ends[i]);
    }
    if (json_int(json_member(item, "attempt_count"), 0, 1000000, &attempts) == 0 &&
        attempts > d->attempts) {
        return look_closer(w, d);
    }
    return EXIT_OK;
}

static int round_trip(struct watch *w, struct str event)
{
    struct json_doc *doc = NULL;
    struct json_iter it;
    const struct json *item;
    struct buf path;
    int code = EXIT_ERROR;

    buf_init(&path, CLIENT_PATH_MAX);
    if (deliveries_path(w, &path) == 0 && path_query(&path, "event", event) == 0 &&
        path_query(&path, "limit", STR("250")) == 0) {
        code = get(w, buf_str(&path), &doc);
    }
    it = json_iter(code == EXIT_OK ? json_member(json_root(doc), "data") : NULL);
    while (code == EXIT_OK && (item = json_next(&it, NULL)) != NULL) {
        code = take_item(w, item);
    }
    json_doc_free(doc);
    buf_done(&path);
    return code;
}

static void wait_ms(int64_t ms)
{
    struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)nanosleep(&pause, NULL);
}

static int conclude(const struct watch *w, size_t ended, size_t delivered)
{
    size_t open = w->count - ended;

    if (w->cli->output == OUTPUT_TABLE) {
        cli_note("%zu delivered, %zu not, %zu still open", delivered, ended - delivered, open);
    }
    if (delivered == w->count) {
        return EXIT_OK;
    }
    return delivered > 0 ? EXIT_PARTLY : EXIT_CHECK_FAILED;
}

int watch_event(const struct cli *cli, struct client *client, const char *app, struct str event,
                int64_t timeout_ms)
{
    static struct watch w; /* large, and one a process */
    int64_t end = clock_boot_ms() + timeout_ms;
    int64_t pause = PAUSE_FIRST_MS;

    w = (struct watch){ .cli = cli, .client = client, .app = app };
    for (;;) {
        size_t ended = 0;
        size_t delivered = 0;
        int code = round_trip(&w, event);

        if (code != EXIT_OK) {
            return code;
        }
        for (size_t i = 0; i < w.count; i++) {
            ended += w.list[i].ended ? 1 : 0;
            delivered += w.list[i].delivered ? 1 : 0;
        }
        if ((w.count > 0 && ended == w.count) || clock_boot_ms() >= end) {
            return conclude(&w, ended, delivered);
        }
        wait_ms(pause);
        pause = pause * 3 / 2 < PAUSE_MAX_MS ? pause * 3 / 2 : PAUSE_MAX_MS;
    }
}
