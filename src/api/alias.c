/* SPDX-License-Identifier: Apache-2.0 */
/* alias.c - what all translations share. */
#include "api/alias.h"

#include <string.h>

#include "api/call.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/routes.h"
#include "base/assert.h"

enum {
    ALIAS_BODY_FACTOR = 6, /* a byte may become an escape */
    ALIAS_BODY_EXTRA = 4096,
    ALIAS_QUERY_MAX = 16 * 1024,
    ALIAS_SECONDS_MAX = 1000000
};

/* --- in */
void alias_query_put(struct call *call, const char *name, struct str value)
{
    static const char hex[] = "0123456789ABCDEF";
    struct str query = call->alias_query;
    char *text;
    size_t len = 0;

    if (value.p == NULL) {
        return;
    }
    text = arena_alloc(call->arena, value.len * 3 + 1);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '_' || c == '.') {
            text[len++] = (char)c;
        } else {
            text[len++] = '%';
            text[len++] = hex[c >> 4];
            text[len++] = hex[c & 15];
        }
    }
    call->alias_query = arena_printf(call->arena, "%.*s%s%s=%.*s", STR_ARG(query),
                                     query.len > 0 ? "&" : "", name, (int)len, text);
}

void alias_members(struct call *call, struct json_out *o, const struct alias_in *rows)
{
    struct json_iter it = json_iter(call->body);
    const struct json *v;
    struct str name;

    while ((v = json_next(&it, &name)) != NULL) {
        const struct alias_in *row = rows;

        while (row->theirs != NULL && !str_eq_c(name, row->theirs)) {
            row++;
        }
        if (row->theirs == NULL) {
            json_out_name(o, arena_c(call->arena, name));
            json_out_value(o, v);
        } else if (row->put != NULL) {
            row->put(call, o, v);
        }
    }
}

void alias_put_ms(struct json_out *o, const char *name, const struct json *seconds)
{
    int64_t value;

    json_out_name(o, name);
    if (json_int(seconds, -ALIAS_SECONDS_MAX, ALIAS_SECONDS_MAX, &value) == 0) {
        json_out_int(o, value * 1000);
    } else {
        json_out_value(o, seconds); /* refused by the handler */
    }
}

/* The handler, which may run again, keeps the first document of the call: the body. */
static bool translate_body(struct call *call, const struct alias *alias)
{
    struct json_doc *doc;
    struct json_out o;
    struct buf made;
    struct err err;
    int rc;

    buf_init(&made, call->req->body.len * ALIAS_BODY_FACTOR + ALIAS_BODY_EXTRA);
    json_out_begin(&o, &made);
    json_out_object(&o);
    alias->body(call, &o);
    json_out_object_end(&o);
    if (call->faults.count > 0) {
        buf_done(&made);
        problem_faults(call);
        return false;
    }
    rc = json_out_end(&o);
    rc = rc == 0 ? json_parse(buf_str(&made), JSON_DEPTH_MAX, &doc, &err)
                 : err_set(&err, rc, "The body is too large.");
    buf_done(&made);
    if (rc != 0) {
        problem_detail(call, -E_JSON, "With the names of this route translated: %s", err.text);
        return false;
    }
    ASSERT(call->doc_count > 0);
    json_doc_free(call->docs[0]);
    call->docs[0] = doc;
    call->body = json_root(doc);
    return true;
}

bool alias_enter(struct call *call)
{
    const struct alias *alias = call->route->alias;

    if (alias == NULL || call->is_translated) {
        return true;
    }
    call->is_translated = true;
    if (alias->query != NULL) {
        alias->query(call);
        if (call->faults.count > 0) {
            problem_reply(call, -E_INVALID);
            return false;
        }
        call->req->query = call->alias_query;
    }
    return alias->body == NULL || call->body == NULL || json_type(call->body) != JSON_OBJECT ||
           translate_body(call, alias);
}

/* --- lists with limit and offset: a list of ours is read from its beginning, as far as one
 * answer goes */
static int64_t read_number(struct call *call, const char *name, int64_t max, int64_t otherwise)
{
    struct str text = call_query(call, name);
    int64_t value = 0;

    if (text.p == NULL) {
        return otherwise;
    }
    for (size_t i = 0; i < text.len && value <= max; i++) {
        value = text.p[i] < '0' || text.p[i] > '9' ? max + 1 : value * 10 + (text.p[i] - '0');
    }
    if (text.len == 0 || value > max) {
        call_query_fault(call, name, "range",
                         "This is a whole number; limit and offset together are 250 at most.");
        return otherwise;
    }
    return value;
}

void alias_window_query(struct call *call)
{
    int64_t limit = read_number(call, "limit", PAGE_LIMIT_MAX, PAGE_LIMIT);
    int64_t offset = read_number(call, "offset", PAGE_LIMIT_MAX - 1, 0);

    if (limit < 1 || limit + offset > PAGE_LIMIT_MAX) {
        call_query_fault(call, "offset", "range",
                         "limit is 1 at least; limit and offset together are 250 at most.");
        return;
    }
    call->alias_limit = limit;
    call->alias_offset = offset;
    alias_query_put(call, "limit",
                    arena_printf(call->arena, "%lld", (long long)(limit + offset)));
}

void alias_window_out(struct call *call, struct json_out *o, const struct json *list,
                      void (*row)(struct call *call, struct json_out *o,
                                  const struct json *ours))
{
    struct json_iter it = json_iter(json_member(list, "data"));
    const struct json *v;
    int64_t at = 0;

    json_out_object(o);
    json_out_name(o, "data");
    json_out_array(o);
    while ((v = json_next(&it, NULL)) != NULL) {
        if (at++ >= call->alias_offset) {
            row(call, o, v);
        }
    }
    json_out_array_end(o);
    json_put_bool(o, "has_more", json_type(json_member(list, "next_cursor")) == JSON_STRING);
    json_put_int(o, "limit", call->alias_limit);
    json_put_int(o, "offset", call->alias_offset);
    json_out_object_end(o);
}

/* --- out */
void alias_out_project(struct call *call, struct json_out *o, const struct json *ours)
{
    char id[ID_TEXT_SIZE];

    (void)ours;
    id_format(ID_PROJECT, &call->project->object.id, id);
    json_out_c(o, id);
}

void alias_out_app_slug(struct call *call, struct json_out *o, const struct json *ours)
{
    (void)ours;
    json_out_str(o, call->app->object.slug);
}

void alias_out_true(struct call *call, struct json_out *o, const struct json *ours)
{
    (void)call;
    (void)ours;
    json_out_bool(o, true);
}

void alias_out_empty(struct call *call, struct json_out *o, const struct json *ours)
{
    (void)call;
    (void)ours;
    json_out_array(o);
    json_out_array_end(o);
}

const struct json *alias_at(const struct json *object, const char *path)
{
    struct str left = str_from(path);
    struct str part;

    while (object != NULL && left.len > 0 && str_split(&left, '/', &part)) {
        object = json_get(object, part);
    }
    return object;
}

void alias_object(struct call *call, struct json_out *o, const struct json *ours,
                  const struct alias_out *rows)
{
    json_out_object(o);
    for (const struct alias_out *row = rows; row->theirs != NULL; row++) {
        const struct json *v = row->ours == NULL ? ours : alias_at(ours, row->ours);

        if (v == NULL && row->is_optional) {
            continue;
        }
        json_out_name(o, row->theirs);
        if (v == NULL) {
            json_out_null(o);
        } else if (row->put != NULL) {
            row->put(call, o, v);
        } else {
            json_out_value(o, v);
        }
    }
    json_out_object_end(o);
}

struct str alias_id(struct call *call, struct str id, const char *prefix)
{
    size_t at = str_find(id, '_');

    return arena_printf(call->arena, "%s%.*s", prefix, (int)(id.len - at), id.p + at);
}

void alias_out_seconds(struct call *call, struct json_out *o, const struct json *ms)
{
    int64_t value;

    (void)call;
    if (json_int(ms, 0, INT64_MAX, &value) == 0 && value % 1000 == 0) {
        json_out_int(o, value / 1000);
    } else if (json_int(ms, 0, INT64_MAX, &value) == 0) {
        json_out_raw(o, arena_printf(call->arena, "%lld.%03lld", (long long)(value / 1000),
                                     (long long)(value % 1000)));
    } else {
        json_out_value(o, ms);
    }
}

int alias_leave(struct call *call)
{
    const struct alias *alias = call->route->alias;
    struct json_doc *doc;
    struct json_out o;
    struct buf made;
    int rc;

    if (alias == NULL || alias->answer == NULL) {
        return 0;
    }
    rc = json_parse(buf_str(&call->out), JSON_DEPTH_MAX, &doc, NULL);
    if (rc != 0) {
        return rc;
    }
    buf_init(&made, CALL_REPLY_MAX);
    json_out_begin(&o, &made);
    alias->answer(call, &o, json_root(doc));
    rc = json_out_end(&o);
    json_doc_free(doc);
    buf_done(&call->out);
    call->out = made;
    return rc;
}

/* --- problems */
static struct str pointer_of(struct call *call, const struct alias_pointer *rows,
                             struct str pointer)
{
    for (; rows->ours != NULL; rows++) {
        size_t len = strlen(rows->ours);

        if (str_starts(pointer, str_from(rows->ours)) &&
            (pointer.len == len || pointer.p[len] == '/')) {
            return arena_printf(call->arena, "%s%.*s", rows->theirs, (int)(pointer.len - len),
                                pointer.p + len);
        }
    }
    return pointer;
}

const char *alias_problem(struct call *call, int code, const char *detail)
{
    const struct alias *alias = call->route == NULL ? NULL : call->route->alias;

    if (alias == NULL) {
        return detail;
    }
    for (size_t i = 0; alias->pointers != NULL && i < call->faults.count; i++) {
        struct str *pointer = &call->faults.rows[i].pointer;

        *pointer = pointer_of(call, alias->pointers, *pointer);
    }
    return code == -E_URL_REFUSED && alias->url_refused != NULL ? alias->url_refused : detail;
}
