/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem.h - every answer that is not a success: RFC 9457 problem JSON {type, title, status,
 * detail, code, errors, request_id}. The only place that turns an err.h code into an HTTP
 * answer.
 */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct call;
struct http_request;
struct json_out;
struct form_faults;

enum { PROBLEM_RETRY_AFTER_S = 1, PROBLEM_SIZE_MAX = 64 * 1024 };

/* Answer with that code (negative) and its general sentence; faults that the call collected
 * are its `errors`. */
void problem_reply(struct call *call, int code);
/* The same with a sentence of its own. */
void problem_detail(struct call *call, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* 422 with the faults of the body. */
void problem_faults(struct call *call);
/* `errors`: [{pointer, code, detail, schema_pointer?, keyword?}], as a member. */
void problem_put_errors(struct json_out *o, const struct form_faults *faults);
/* A request that never became a call; `headers` are further lines or NULL. */
void problem_refuse(struct http_request *req, int code, const char *headers, bool close);

#endif
