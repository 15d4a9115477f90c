/* SPDX-License-Identifier: Apache-2.0 */
/* problem.c - every answer that is not a success. */
#include "api/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/alias.h"
#include "api/call.h"
#include "base/assert.h"
#include "base/log.h"

void problem_put_errors(struct json_out *o, const struct form_faults *faults)
{
    json_out_name(o, "errors");
    json_out_array(o);
    for (size_t i = 0; i < faults->count; i++) {
        json_out_object(o);
        json_put_str(o, "pointer", faults->rows[i].pointer);
        json_put_c(o, "code", faults->rows[i].code);
        json_put_str(o, "detail", faults->rows[i].detail);
        if (faults->rows[i].schema.p != NULL) {
            json_put_str(o, "schema_pointer", faults->rows[i].schema);
            json_put_str(o, "keyword", faults->rows[i].keyword);
        }
        json_out_object_end(o);
    }
    json_out_array_end(o);
}

static int write_problem(struct buf *out, int code, const char *detail,
                         const struct form_faults *faults, struct str request_id)
{
    struct json_out o;
    char type[128];

    (void)snprintf(type, sizeof(type), "/docs/errors/%s", err_token(code));
    buf_clear(out);
    json_out_begin(&o, out);
    json_out_object(&o);
    json_put_c(&o, "type", type);
    json_put_c(&o, "title", err_text(code));
    json_put_int(&o, "status", err_status(code));
    if (detail != NULL) {
        json_put_c(&o, "detail", detail);
    }
    json_put_c(&o, "code", err_token(code));
    if (faults != NULL && faults->count > 0) {
        problem_put_errors(&o, faults);
    }
    json_put_str(&o, "request_id", request_id);
    json_out_object_end(&o);
    return json_out_end(&o);
}

static void send_problem(struct call *call, int code, const char *detail)
{
    int status = err_status(code);

    ASSERT(code < 0 && status >= 400);
    detail = alias_problem(call, code, detail);
    if (status == 503) {
        call_header(call, "Retry-After", "%d", PROBLEM_RETRY_AFTER_S);
    }
    if (status >= 500 && status != 503) {
        LOG_E("a request failed", "req=%.*s code=%s", STR_ARG(call->req->id), err_token(code));
    }
    if (write_problem(&call->out, code, detail, &call->faults, call->req->id) != 0) {
        LOG_E("a problem could not be written", "req=%.*s", STR_ARG(call->req->id));
    }
    call_reply_bytes(call, status, "application/problem+json", buf_str(&call->out));
}

void problem_reply(struct call *call, int code)
{
    send_problem(call, code, NULL);
}

void problem_detail(struct call *call, int code, const char *fmt, ...)
{
    char detail[ERR_TEXT_SIZE * 2];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof(detail), fmt, args);
    va_end(args);
    send_problem(call, code, detail);
}

void problem_faults(struct call *call)
{
    ASSERT(call->faults.count > 0);
    problem_detail(call, -E_FIELD, "%.*s", STR_ARG(call->faults.rows[0].detail));
}

void problem_refuse(struct http_request *req, int code, const char *headers, bool close)
{
    struct str lines = arena_printf(&req->arena, "X-Content-Type-Options: nosniff\r\n%s",
                                    headers != NULL ? headers : "");
    struct buf out;
    struct http_reply reply;

    ASSERT(code < 0);
    buf_init(&out, PROBLEM_SIZE_MAX);
    if (write_problem(&out, code, NULL, NULL, req->id) != 0) {
        LOG_E("a problem could not be written", "req=%.*s", STR_ARG(req->id));
    }
    reply = (struct http_reply){ .status = err_status(code),
                                 .body = buf_str(&out),
                                 .content_type = "application/problem+json",
                                 .headers = lines.p,
                                 .close = close };
    http_reply(req, &reply);
    buf_done(&out);
}
