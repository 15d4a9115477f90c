/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url_check.c - POST /api/v1/url-check: what the guard says of a URL as it is typed, down to the addresses that
 * its name has now; and GET /api/v1/source-ips, the other side's firewall question. Nothing is sent.
 */
#include "api/api_internal.h"
#include "api/budget.h"
#include "api/endpoint_form.h"
#include "api/handlers.h"
#include "api/problem.h"
#include "egress/token.h"
#include "engine/engine.h"
#include "engine/engine_test.h"

enum { CHECK_MS = 10000 };

struct url_check {
    struct engine_test test;
    struct str typed;
    struct url url;
    bool is_url; /* it was understood: `url` holds */
    bool is_inbox;
    struct err err;
};

static void put_parts(struct json_out *o, const struct url_check *c)
{
    json_put_str(o, "url", c->typed);
    if (!c->is_url) {
        json_put_c(o, "canonical", NULL);
        json_put_c(o, "scheme", NULL);
        json_put_c(o, "host", NULL);
        json_put_c(o, "port", NULL);
        return;
    }
    json_put_str(o, "canonical", c->url.text);
    json_put_str(o, "scheme", c->url.scheme);
    json_put_str(o, "host", c->url.host);
    json_put_int(o, "port", c->url.port);
}

/* "ADDRESS allowed" lines. */
static void put_addresses(struct json_out *o, struct str lines)
{
    struct str line;

    json_out_name(o, "addresses");
    json_out_array(o);
    while (lines.len > 0 && str_split(&lines, '\n', &line)) {
        size_t blank = str_find(line, ' ');

        if (line.len == 0) {
            continue;
        }
        json_out_object(o);
        json_put_str(o, "ip", str_sub(line, 0, blank));
        json_put_bool(o, "allowed", str_ends(line, STR(" allowed")));
        json_out_object_end(o);
    }
    json_out_array_end(o);
}

/* null, or why not: a rule for URLs (url_refused) or a token of the guard and the name servers. */
static void put_refusal(struct json_out *o, const struct url_check *c)
{
    int32_t token = c->test.attempt.error;

    json_out_name(o, "refusal");
    if (c->is_inbox || (c->is_url && token == TOKEN_NONE)) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    if (!c->is_url) {
        json_put_c(o, "code", token_name(TOKEN_URL_REFUSED));
        json_put_c(o, "detail", c->err.text);
        json_put_c(o, "advice", NULL);
    } else {
        json_put_c(o, "code", token_name(token));
        json_put_c(o, "detail", token_sentence(token));
        json_put_c(o, "advice", token_advice(token));
    }
    json_out_object_end(o);
}

static void reply(struct call *call, const struct url_check *c)
{
    struct json_out *o = call_json(call);

    json_out_object(o);
    json_put_bool(o, "allowed",
                  c->is_inbox || (c->is_url && c->test.attempt.error == TOKEN_NONE));
    put_parts(o, c);
    put_addresses(o, c->test.attempt.response_body);
    put_refusal(o, c);
    json_out_object_end(o);
    call_reply(call, 200);
}

static void on_judged(struct engine_test *t, int result)
{
    struct url_check *c = CONTAINER_OF(t, struct url_check, test);

    if (result != 0) {
        problem_reply(t->ctx, result);
    } else {
        reply(t->ctx, c);
    }
}

static void judge(struct call *call, struct url_check *c)
{
    int rc;

    c->test.url = c->url.text;
    c->test.timeout_ms = CHECK_MS;
    c->test.arena = call->arena;
    c->test.judges_only = true;
    c->test.on_done = on_judged;
    c->test.ctx = call;
    rc = engine_test(call->api->options.engine, &c->test);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}

/* False: answered. */
static bool read_url(struct call *call, struct url_check *c)
{
    struct form f;

    form_begin(&f, call->body, STR_NONE, &call->faults);
    (void)form_string(&f, "url", true, 0, URL_SIZE_MAX, &c->typed);
    form_end(&f);
    if (call->faults.count > 0) {
        problem_faults(call);
    }
    return call->faults.count == 0;
}

void url_check(struct call *call)
{
    struct url_check *c = arena_alloc(call->arena, sizeof(*c));
    struct url_policy policy = endpoint_url_policy(call);
    int64_t wait;

    if (!read_url(call, c)) {
        return;
    }
    wait = budget_take(&call->project->checks_budget, call->now,
                       call->api->options.url_checks_per_minute);
    if (wait > 0) {
        call_header(call, "Retry-After", "%lld", (long long)(wait / 1000 + 1));
        problem_detail(call, -E_RATE_LIMITED, "A project has %lld checks a minute.",
                       (long long)call->api->options.url_checks_per_minute);
        return;
    }
    if (endpoint_inbox(call, c->typed).len > 0) {
        struct url_policy any = { .allow_http = true, .allow_loopback = true, .ports = "any" };

        c->is_inbox = true;
        c->is_url = url_parse(c->typed, &any, call->arena, &c->url, &c->err) == 0;
        reply(call, c);
        return;
    }
    c->is_url = url_parse(c->typed, &policy, call->arena, &c->url, &c->err) == 0;
    if (c->is_url) {
        judge(call, c);
    } else {
        reply(call, c);
    }
}

void source_ips(struct call *call)
{
    struct str left = call->api->options.source_ips;
    struct json_out *o = call_json(call);
    struct str one;

    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    while (left.len > 0 && str_split(&left, ',', &one)) {
        json_out_str(o, str_trim(one));
    }
    json_out_array_end(o);
    json_out_object_end(o);
    call_reply(call, 200);
}
