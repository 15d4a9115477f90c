/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt_curl.c - GET .../deliveries/{delivery}/attempts/{attempt}/curl: the request of an attempt as a shell
 * command that sends the same bytes: URL, headers, body. So its signature verifies while it is young enough.
 */
#include "api/api_internal.h"
#include "api/delivery_read.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "api/redact.h"
#include "base/assert.h"
#include "base/clock.h"

enum { COMMAND_MAX = 16 * 1024 * 1024 };

/* 'text', safe in any POSIX shell: a quote ends the string, is escaped, and begins it anew. */
static int put_quoted(struct buf *out, struct str text)
{
    int rc = buf_add_char(out, '\'');

    for (size_t i = 0; i < text.len && rc == 0; i++) {
        rc = text.p[i] == '\'' ? buf_add_c(out, "'\\''") : buf_add_char(out, text.p[i]);
    }
    return rc == 0 ? buf_add_char(out, '\'') : rc;
}

/* curl reads "Name:" as "leave it out"; "Name;" is a header without a value. */
static int put_header(struct buf *out, struct str line)
{
    size_t colon = str_find(line, ':');
    struct str value = str_trim(str_sub(line, colon + 1, line.len));
    struct buf header;
    int rc;

    if (colon == line.len) {
        return 0;
    }
    buf_init(&header, line.len + 8);
    rc = value.len == 0 ? buf_printf(&header, "%.*s;", STR_ARG(str_sub(line, 0, colon)))
                        : buf_printf(&header, "%.*s: %.*s", STR_ARG(str_sub(line, 0, colon)),
                                     STR_ARG(value));
    if (rc == 0) {
        rc = buf_add_c(out, " \\\n  -H ");
    }
    if (rc == 0) {
        rc = put_quoted(out, buf_str(&header));
    }
    buf_done(&header);
    return rc;
}

static int put_command(struct buf *out, const struct attempt_row *a, struct str body)
{
    struct str lines = a->request_headers;
    char signed_at[CLOCK_TEXT_SIZE];
    struct str line;
    int rc;

    clock_format(a->started_at, signed_at);
    rc =
        buf_printf(out,
                   "# Signed at %s: receivers that look at the age refuse it 5 minutes later.\n"
                   "printf '%%s' ",
                   signed_at);
    if (rc == 0) {
        rc = put_quoted(out, body);
    }
    if (rc == 0) {
        rc = buf_add_c(out, " |\ncurl -sS -i --http1.1 -X POST ");
    }
    if (rc == 0) {
        rc = put_quoted(out, a->url);
    }
    while (rc == 0 && lines.len > 0 && str_split(&lines, '\n', &line)) {
        rc = put_header(out, str_ends(line, STR("\r")) ? str_sub(line, 0, line.len - 1) : line);
    }
    return rc != 0 ? rc : buf_add_c(out, " \\\n  -H 'Expect:' --data-binary @-\n");
}

static void on_read(struct call *call)
{
    struct delivery_read *s = call->state;
    const struct attempt_row *a = NULL;
    int rc;

    redact_delivery(call, s);
    for (size_t i = 0; i < s->attempt_count; i++) {
        if (s->attempts[i].number == call->attempt) {
            a = &s->attempts[i];
        }
    }
    if (a == NULL || !s->has_event || s->body.p == NULL) {
        problem_detail(call, -E_NOT_FOUND, "There is no such attempt, or its request is gone.");
        return;
    }
    buf_done(&call->bytes);
    buf_init(&call->bytes, COMMAND_MAX);
    rc = put_command(&call->bytes, a, s->body);
    if (rc != 0) {
        problem_reply(call, rc);
        return;
    }
    call_reply_bytes(call, 200, "text/plain; charset=utf-8", buf_str(&call->bytes));
}

void attempts_curl(struct call *call)
{
    struct delivery_read *s = arena_alloc(call->arena, sizeof(*s));

    ASSERT(call->attempt > 0);
    s->app = call->app->object.no;
    call->state = s;
    call_read(call, delivery_read_run, on_read);
}
