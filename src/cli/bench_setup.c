/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_setup.h"

#include <stdio.h>
#include <string.h>

#include "json/json.h"

enum { BODY_MAX = 4096, CONFLICT = 409, PORT_HTTP = 80 };

int bench_server_address(const struct cli *cli, const char *url, struct bench_plan *plan)
{
    struct str rest = str_from(url);
    struct str scheme = STR("http://");
    size_t colon;
    int64_t port = PORT_HTTP;

    if (!str_starts(rest, scheme) || !url_is_loopback(url)) {
        return cli_fail(cli, EXIT_USAGE, "bench speaks http to this machine only", url,
                        "--server http://127.0.0.1:8080");
    }
    rest = str_sub(rest, scheme.len, rest.len);
    colon = rest.len;
    while (colon > 0 && rest.p[colon - 1] != ':' && rest.p[colon - 1] != ']') {
        colon--;
    }
    if (colon > 0 && rest.p[colon - 1] == ':' &&
        str_to_int(str_sub(rest, colon, rest.len), 1, UINT16_MAX, &port) != 0) {
        return cli_fail(cli, EXIT_USAGE, "this is not a port", url,
                        "--server http://127.0.0.1:8080");
    }
    if (rest.len >= sizeof(plan->host) || str_find(rest, '/') < rest.len) {
        return cli_fail(cli, EXIT_USAGE, "bench takes http://HOST:PORT", url,
                        "--server http://127.0.0.1:8080");
    }
    plan->port = (uint16_t)port;
    plan->is_v6 = rest.p[0] == '[';
    memcpy(plan->host, rest.p, rest.len);
    plan->host[rest.len] = '\0';
    return EXIT_OK;
}

/* One POST; an answer of 409 is fine where `may_exist`. */
static int post(struct client *client, const char *what, struct str path, struct str body,
                bool may_exist)
{
    struct client_request request = { .method = "POST", .path = path, .body = body };
    struct client_answer answer;
    int code = client_send(client, &request, &answer);

    if (code != EXIT_OK) {
        return code;
    }
    if (!may_exist || answer.status != CONFLICT) {
        code = client_check(client, what, &answer);
    }
    client_answer_done(&answer);
    return code;
}

/* An object with one or two texts. */
static int make_body(struct buf *out, const char *const names[2], const char *const values[2])
{
    struct json_out o;

    buf_clear(out);
    json_out_begin(&o, out);
    json_out_object(&o);
    for (size_t i = 0; i < 2 && names[i] != NULL; i++) {
        json_put_c(&o, names[i], values[i]);
    }
    json_out_object_end(&o);
    return json_out_end(&o);
}

static int make_type(struct client *client, struct buf *body)
{
    static const char *const names[2] = { "name", "description" };
    static const char *const values[2] = { "bench.event", "Sent by postern bench." };

    if (make_body(body, names, values) != 0) {
        return EXIT_ERROR;
    }
    return post(client, "cannot make the event type", STR("/api/v1/event-types"), buf_str(body),
                true);
}

static int make_app(struct client *client, const struct bench_plan *plan, int64_t number,
                    uint16_t port, struct buf *body)
{
    static const char *const app_names[2] = { "name", "slug" };
    static const char *const endpoint_names[2] = { "url", NULL };
    char slug[BENCH_SLUG_MAX];
    char path[BENCH_SLUG_MAX + 64];
    char url[128];
    int code;

    bench_slug(plan, number, slug);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/bench/%s", (unsigned)port, plan->run);
    if (make_body(body, app_names, (const char *const[2]){ slug, slug }) != 0) {
        return EXIT_ERROR;
    }
    code = post(client, "cannot make an app", STR("/api/v1/apps"), buf_str(body), false);
    if (code != EXIT_OK) {
        return code;
    }
    if (make_body(body, endpoint_names, (const char *const[2]){ url, NULL }) != 0) {
        return EXIT_ERROR;
    }
    (void)snprintf(path, sizeof(path), "/api/v1/apps/%s/endpoints", slug);
    return post(client, "cannot make an endpoint (is the server started with --dev?)",
                str_from(path), buf_str(body), false);
}

static void show(const struct cli *cli, const char *what, int64_t done, int64_t of)
{
    if (cli->tty_err && cli->output == OUTPUT_TABLE && (done % 50 == 0 || done == of)) {
        (void)fprintf(stderr, "\r%s %lld of %lld%s", what, (long long)done, (long long)of,
                      done == of ? "\n" : "");
    }
}

int bench_setup_make(const struct cli *cli, struct client *client,
                     const struct bench_plan *plan, uint16_t receiver_port)
{
    struct buf body;
    int code;

    buf_init(&body, BODY_MAX);
    code = make_type(client, &body);
    for (int64_t i = 0; i < plan->apps && code == EXIT_OK; i++) {
        code = make_app(client, plan, i, receiver_port, &body);
        show(cli, "making apps:", i + 1, plan->apps);
    }
    buf_done(&body);
    return code;
}

void bench_setup_remove(const struct cli *cli, struct client *client,
                        const struct bench_plan *plan)
{
    int64_t failures = 0;

    for (int64_t i = 0; i < plan->apps && failures == 0; i++) {
        struct client_request request = { .method = "DELETE" };
        struct client_answer answer;
        char slug[BENCH_SLUG_MAX];
        char path[BENCH_SLUG_MAX + 32];

        bench_slug(plan, i, slug);
        (void)snprintf(path, sizeof(path), "/api/v1/apps/%s", slug);
        request.path = str_from(path);
        if (client_send(client, &request, &answer) != EXIT_OK) {
            failures++;
            continue;
        }
        /* One that was never made is as good as deleted. */
        failures += answer.status >= 300 && answer.status != 404 ? 1 : 0;
        client_answer_done(&answer);
        show(cli, "deleting apps:", i + 1, plan->apps);
    }
    if (failures > 0) {
        cli_note("Some apps of the run are left: postern apps list, bench-%s-...", plan->run);
    }
}
