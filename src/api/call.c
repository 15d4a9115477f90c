/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - one API request: from the checks that every route needs to the one answer. */
#include "api/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/alias.h"
#include "api/api_internal.h"
#include "api/path.h"
#include "api/problem.h"
#include "api/routes.h"
#include "base/assert.h"
#include "base/clock.h"
#include "store/writer.h"

enum { QUERY_POINTER_MAX = 64 };

struct call *call_new(struct api *api, struct http_request *req)
{
    struct call *call = arena_alloc(&req->arena, sizeof(*call));

    call->api = api;
    call->req = req;
    call->arena = &req->arena;
    call->now = clock_wall_ms();
    form_faults_init(&call->faults, call->arena);
    buf_init(&call->out, CALL_REPLY_MAX);
    buf_init(&call->headers, CALL_HEADERS_MAX);
    buf_init(&call->bytes, 0);
    buf_init(&call->secret, 0);
    req->user = call;
    return call;
}

/* --- the end: with the answer the arena may go, and the call with it */
static void call_free(struct call *call)
{
    for (size_t i = 0; i < call->doc_count; i++) {
        json_doc_free(call->docs[i]);
    }
    explicit_bzero(call->secret.p, call->secret.len);
    buf_done(&call->secret);
    buf_done(&call->bytes);
    buf_done(&call->headers);
    buf_done(&call->out);
}

void call_header(struct call *call, const char *name, const char *fmt, ...)
{
    char value[1024];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(value, sizeof(value), fmt, args);
    va_end(args);
    ASSERT(n >= 0 && (size_t)n < sizeof(value));
    n = buf_printf(&call->headers, "%s: %s\r\n", name, value);
    ASSERT(n == 0);
}

/* What every answer says. */
static void call_headers(struct call *call)
{
    call_header(call, "Cache-Control", "%s", call->cache == NULL ? "no-store" : call->cache);
    call_header(call, "X-Content-Type-Options", "nosniff");
    if (call->req->is_tls) {
        call_header(call, "Strict-Transport-Security", "max-age=31536000");
    }
}

void call_reply_bytes(struct call *call, int status, const char *content_type, struct str bytes)
{
    struct http_reply reply;
    struct call last;

    ASSERT(status >= 200 && status < 600);
    ASSERT((content_type == NULL) == (bytes.len == 0));
    if (list_linked(&call->creating)) {
        list_remove(&call->api->creating, &call->creating);
    }
    call_headers(call);
    reply = (struct http_reply){ .status = status,
                                 .body = bytes,
                                 .content_type = content_type,
                                 .headers = call->headers.p,
                                 .close = call->api->is_draining };
    last = *call;
    http_reply(call->req, &reply);
    call_free(&last);
}

static enum http_more on_stream_read(void *ctx, struct buf *out)
{
    struct call *call = ctx;

    return call->stream_read(call, out);
}

static void on_stream_closed(void *ctx)
{
    struct call *call = ctx;

    call->stream_closed(call);
    call_free(call);
}

void call_stream(struct call *call, const char *content_type, bool is_endless,
                 enum http_more (*read)(struct call *call, struct buf *out),
                 void (*closed)(struct call *call))
{
    ASSERT(read != NULL && closed != NULL);
    call->stream_read = read;
    call->stream_closed = closed;
    call_headers(call);
    http_reply_stream(call->req, &(struct http_stream){ .status = 200,
                                                        .content_type = content_type,
                                                        .headers = call->headers.p,
                                                        .is_endless = is_endless,
                                                        .on_read = on_stream_read,
                                                        .on_closed = on_stream_closed,
                                                        .ctx = call });
}

struct json_out *call_json(struct call *call)
{
    buf_clear(&call->out);
    json_out_begin(&call->json, &call->out);
    return &call->json;
}

void call_reply(struct call *call, int status)
{
    int rc = json_out_end(&call->json);

    if (rc == 0) {
        rc = alias_leave(call);
    }
    if (rc != 0) {
        problem_detail(call, rc, "The answer is over %d bytes; ask for fewer rows.",
                       (int)CALL_REPLY_MAX);
        return;
    }
    call_reply_bytes(call, status, "application/json", buf_str(&call->out));
}

void call_put_id(struct json_out *o, const char *name, enum id_kind kind, const struct id *id)
{
    char text[ID_TEXT_SIZE];

    id_format(kind, id, text);
    json_put_c(o, name, text);
}

void call_put_text(struct json_out *o, const char *name, struct str s)
{
    if (s.p == NULL) {
        json_put_c(o, name, NULL);
    } else {
        json_put_str(o, name, s);
    }
}

void call_keep(struct call *call, struct json_doc *doc)
{
    ASSERT(call->doc_count < CALL_DOCS_MAX);
    call->docs[call->doc_count++] = doc;
}

bool call_may_retry(struct call *call)
{
    if (http_header(call->req, "If-Match").p != NULL || call->tries + 1 >= CALL_TRIES_MAX) {
        return false;
    }
    call->tries++;
    return true;
}

/* --- query */
void call_query_fault(struct call *call, const char *name, const char *code, const char *detail)
{
    struct str pointer = arena_printf(call->arena, "?%.*s", QUERY_POINTER_MAX, name);

    form_fault(&call->faults, pointer, code, "%s", detail);
}

struct str call_query(struct call *call, const char *name)
{
    struct str value = STR_NONE;

    if (http_query(call->req, name, &value) != 0) {
        call_query_fault(call, name, "pattern",
                         "This parameter stands there twice, or is not percent-encoded right.");
        return STR_NONE;
    }
    return value;
}

static int on_param(void *ctx, struct str name, struct str value)
{
    struct call *call = ctx;

    (void)value;
    if (!route_has_query(call->route, name)) {
        call_query_fault(call, arena_c(call->arena, name), "unknown",
                         "There is no such parameter here.");
    }
    return 0;
}

static int query_check(struct call *call)
{
    int rc;

    if (call->req->query.len == 0) {
        return 0;
    }
    rc = http_query_each(call->req, on_param, call);
    if (rc != 0 || call->faults.count > 0) {
        problem_reply(call, -E_INVALID);
        return -E_INVALID;
    }
    return 0;
}

/* --- what the path names; a foreign or unknown one is 404 */
static bool named_app(struct call *call, struct str text)
{
    ASSERT(call->project != NULL); /* a route with {app} has a scope */
    call->app = registry_app(call->project, text);
    return call->app != NULL && (call->access.app == NULL || call->access.app == call->app);
}

/* Of the app that stands before it in the pattern; else of any app of the project. */
static bool named_endpoint(struct call *call, struct str text)
{
    if (call->app != NULL) {
        call->endpoint = registry_endpoint(call->app, text);
        return call->endpoint != NULL;
    }
    for (size_t i = 0; i < call->project->app_count; i++) {
        struct app *app = (struct app *)(void *)call->project->app_list[i];
        bool is_open = app->object.deleted_at == 0 &&
                       (call->access.app == NULL || call->access.app == app);
        struct endpoint *endpoint = is_open ? registry_endpoint(app, text) : NULL;

        if (endpoint != NULL) {
            call->app = app;
            call->endpoint = endpoint;
            return true;
        }
    }
    return false;
}

static bool named_type(struct call *call, struct str text)
{
    call->type = registry_event_type(call->project, text);
    return call->type != NULL;
}

/* Only its own project exists for a key. */
static bool named_project(struct call *call, struct str text)
{
    struct id id;

    if (str_eq(text, call->project->object.slug)) {
        return true;
    }
    return id_parse(ID_PROJECT, text, &id) == 0 && id_eq(&id, &call->project->object.id);
}

static bool named_key(struct call *call, struct str text)
{
    struct object *o;
    struct id id;

    if (id_parse(ID_KEY, text, &id) != 0) {
        return false;
    }
    for (size_t i = 0; (o = registry_at(call->api->options.registry, CONFIG_KEY, i)) != NULL;
         i++) {
        struct api_key *key = (struct api_key *)(void *)o;

        if (id_eq(&o->id, &id) && o->deleted_at == 0 && key->project == call->project) {
            call->named_key = key;
            return true;
        }
    }
    return false;
}

static bool named_integration(struct call *call, struct str text)
{
    struct id id;

    call->named_key = id_parse(ID_KEY, text, &id) != 0
                          ? NULL
                          : registry_key_of(call->api->options.registry, call->project, &id);
    return call->named_key != NULL;
}

static bool named_member(struct call *call, struct str text)
{
    call->named_member = registry_member(call->api->options.registry, call->project, text);
    return call->named_member != NULL;
}

static bool named_event(struct call *call, struct str text)
{
    return id_parse(ID_EVENT, text, &call->id) == 0;
}

static bool named_delivery(struct call *call, struct str text)
{
    return id_parse(ID_DELIVERY, text, &call->id) == 0;
}

static bool named_notice(struct call *call, struct str text)
{
    return id_parse(ID_NOTICE, text, &call->id) == 0;
}

static bool named_attempt(struct call *call, struct str text)
{
    int64_t number = 0;

    for (size_t i = 0; i < text.len && number <= INT32_MAX; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        number = number * 10 + (text.p[i] - '0');
    }
    call->attempt = (int32_t)number;
    return number > 0 && number <= INT32_MAX && text.p[0] != '0';
}

static bool named_replay(struct call *call, struct str text)
{
    return id_parse(ID_REPLAY, text, &call->id) == 0;
}

static bool named_token(struct call *call, struct str text)
{
    call->token = text;
    return true;
}

static bool resolve_one(struct call *call, struct str name, struct str text)
{
    static const struct {
        const char *name;
        bool (*resolve)(struct call *call, struct str text);
    } rows[] = {
        { "app", named_app },         { "endpoint", named_endpoint },
        { "event", named_event },     { "delivery", named_delivery },
        { "type", named_type },       { "key", named_key },
        { "project", named_project }, { "token", named_token },
        { "notice", named_notice },   { "attempt", named_attempt },
        { "member", named_member },   { "integration", named_integration },
        { "replay", named_replay },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (str_eq_c(name, rows[i].name)) {
            return rows[i].resolve(call, text);
        }
    }
    ASSERT(false); /* a pattern names a parameter that no row resolves */
    return false;
}

static int resolve(struct call *call)
{
    if ((call->route->flags & ROUTE_APP_DEFAULT) != 0) {
        call->app = call->access.app != NULL ? call->access.app
                                             : registry_app(call->project, STR("default"));
        if (call->app == NULL || call->app->object.deleted_at != 0) {
            problem_reply(call, -E_NOT_FOUND);
            return -E_NOT_FOUND;
        }
    }
    for (size_t i = 0; i < PATH_PARAMS_MAX; i++) {
        struct str name = path_param_name(call->route->pattern, i);
        struct str text;

        if (name.p == NULL) {
            break;
        }
        if (path_decode(call->params[i], call->arena, &text) != 0 ||
            !resolve_one(call, name, text)) {
            problem_reply(call, -E_NOT_FOUND);
            return -E_NOT_FOUND;
        }
    }
    return 0;
}

/* --- body */
static bool is_json_type(struct str value)
{
    struct str kind = str_trim(str_sub(value, 0, str_find(value, ';')));

    return str_eq_nocase(kind, STR("application/json"));
}

static int body_parse(struct call *call, struct str body)
{
    struct json_doc *doc;
    struct err err;
    int rc = json_parse(body, JSON_DEPTH_MAX, &doc, &err);

    if (rc != 0) {
        problem_detail(call, -E_JSON, "%s", err.text);
        return rc;
    }
    call_keep(call, doc);
    call->body = json_root(doc);
    return 0;
}

static int body_check(struct call *call)
{
    bool wants_body = (call->route->flags & ROUTE_BODY) != 0;

    if ((call->route->flags & ROUTE_FORM) != 0 || (!wants_body && call->req->body.len == 0)) {
        return 0;
    }
    if (!wants_body) {
        problem_detail(call, -E_INVALID, "This request takes no body.");
        return -E_INVALID;
    }
    if ((call->route->flags & ROUTE_OPTIONAL) != 0 && call->req->body.len == 0) {
        return body_parse(call, STR("{}"));
    }
    if (!is_json_type(http_header(call->req, "Content-Type"))) {
        problem_reply(call, -E_MEDIA_TYPE);
        return -E_MEDIA_TYPE;
    }
    return body_parse(call, call->req->body);
}

/* --- running */
void call_again(struct call *call)
{
    ASSERT(call->route != NULL);
    /* Documents of the last run but the body, which is the first. */
    while (call->doc_count > (call->body != NULL ? 1 : 0)) {
        json_doc_free(call->docs[--call->doc_count]);
    }
    form_faults_init(&call->faults, call->arena);
    call->now = clock_wall_ms();
    if (resolve(call) == 0 && alias_enter(call)) {
        call->route->handler(call);
    }
}

void call_run(struct call *call)
{
    if (query_check(call) != 0 || body_check(call) != 0) {
        return;
    }
    call_again(call);
}

static int on_read_run(struct read *r, struct db *db)
{
    struct call *call = CONTAINER_OF(r, struct call, read);

    return call->read_run(call, db);
}

static void on_read_done(struct read *r, int result)
{
    struct call *call = CONTAINER_OF(r, struct call, read);

    if (result == 0) {
        call->read_done(call);
    } else if (call->read_failed != NULL) {
        call->read_failed(call, result);
    } else {
        problem_reply(call, result);
    }
}

void call_read(struct call *call, int (*run)(struct call *call, struct db *db),
               void (*done)(struct call *call))
{
    int rc;

    ASSERT(run != NULL && done != NULL);
    call->read_run = run;
    call->read_done = done;
    call->read = (struct read){ .run = on_read_run, .on_done = on_read_done };
    rc = readers_submit(call->api->options.readers, &call->read);
    if (rc != 0 && call->read_failed != NULL) {
        call->read_failed(call, rc);
    } else if (rc != 0) {
        problem_reply(call, rc);
    }
}

static int on_write_run(struct write *w, struct db *db, struct write_seqs *seqs)
{
    struct call *call = CONTAINER_OF(w, struct call, write);

    (void)seqs;
    return call->write_run(call, db);
}

static void on_write_done(struct write *w, int result)
{
    struct call *call = CONTAINER_OF(w, struct call, write);

    if (result != 0) {
        problem_reply(call, result);
        return;
    }
    call->write_done(call);
}

void call_write(struct call *call, uint32_t rows, int (*run)(struct call *call, struct db *db),
                void (*done)(struct call *call))
{
    int rc;

    ASSERT(run != NULL && done != NULL);
    call->write_run = run;
    call->write_done = done;
    call->write = (struct write){ .class = WRITE_PUBLISH,
                                  .rows = rows,
                                  .bytes = 256 * (size_t)rows + call->req->body.len,
                                  .run = on_write_run,
                                  .on_done = on_write_done };
    rc = writer_submit(call->api->options.writer, &call->write);
    if (rc != 0) {
        problem_reply(call, rc);
    }
}
