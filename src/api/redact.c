/* SPDX-License-Identifier: Apache-2.0 */
/* redact.c - payloads as who asks may see them. */
#include "api/redact.h"

#include "api/access.h"
#include "api/api_internal.h"
#include "api/delivery_read.h"
#include "api/names.h"
#include "api/object.h"
#include "base/assert.h"
#include "json/pointer.h"

#define REDACTED "[redacted]"

/* Credentials: nobody needs a rule to keep them from others. */
static const char *const always[] = { "authorization", "proxy-authorization", "cookie",
                                      "set-cookie", "x-api-key" };

/* --- the rules */
static void add_rules(struct call *call, const struct json *list, struct str *rules,
                      size_t *count)
{
    struct json_iter it;
    const struct json *v;

    if (list == NULL) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL && *count < 2 * REDACT_RULES_MAX) {
        rules[(*count)++] = arena_str(call->arena, json_string(v));
    }
}

static void add_object(struct call *call, const struct object *object, struct redact *r)
{
    struct json_doc *doc = NULL;
    const struct json *rules;

    if (json_parse(object->config, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return;
    }
    rules = json_member(json_root(doc), "redact");
    if (rules != NULL && json_type(rules) == JSON_OBJECT) {
        add_rules(call, json_member(rules, "headers"), r->headers, &r->header_count);
        add_rules(call, json_member(rules, "paths"), r->paths, &r->path_count);
    }
    json_doc_free(doc);
}

void redact_begin(struct call *call, const struct app *app, struct redact *ret)
{
    *ret = (struct redact){ .hides = access_hides_payloads(&call->access),
                            .is_on = access_redacts(&call->access) };
    if (!ret->is_on) {
        return;
    }
    add_object(call, &call->project->object, ret);
    if (app != NULL) {
        add_object(call, &app->object, ret);
    }
}

/* --- headers */
static bool hides_header(const struct redact *r, struct str name)
{
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        if (str_eq_nocase(name, str_from(always[i]))) {
            return true;
        }
    }
    for (size_t i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(name, r->headers[i])) {
            return true;
        }
    }
    return false;
}

struct str redact_headers(struct call *call, const struct redact *r, struct str lines)
{
    struct str line;
    struct str out;
    struct buf text;
    int rc = 0;

    if (!r->is_on || lines.len == 0) {
        return lines;
    }
    buf_init(&text, 2 * lines.len + sizeof(REDACTED) * lines.len);
    while (rc == 0 && lines.len > 0 && str_split(&lines, '\n', &line)) {
        size_t colon = str_find(line, ':');

        if (colon < line.len && hides_header(r, str_trim(str_sub(line, 0, colon)))) {
            rc = buf_printf(&text, "%.*s: " REDACTED "\r\n", STR_ARG(str_sub(line, 0, colon)));
        } else {
            rc = buf_add_str(&text, line);
            rc = rc == 0 ? buf_add_char(&text, '\n') : rc;
        }
    }
    out = rc == 0 ? arena_str(call->arena, buf_str(&text)) : STR_NONE;
    buf_done(&text);
    return out;
}

/* --- bodies: the document is walked with the path to where one is */
struct frame {
    struct json_iter it;
    bool is_object;
};

struct walk {
    const struct redact *r;
    struct arena *arena;
    struct json_out *o;
    struct frame frames[REDACT_SEGMENTS_MAX];
    struct str names[REDACT_SEGMENTS_MAX]; /* of the value in each frame */
    size_t depth;
};

/* Does a segment of a rule name this member or item? ~1 is / and ~0 is ~. */
static bool segment_is(struct str segment, struct str name)
{
    size_t at = 0;

    if (str_eq_c(segment, "*")) {
        return true;
    }
    for (size_t i = 0; i < segment.len; i++, at++) {
        char c = segment.p[i];

        if (c == '~' && i + 1 < segment.len) {
            c = segment.p[++i] == '1' ? '/' : '~';
        }
        if (at >= name.len || name.p[at] != c) {
            return false;
        }
    }
    return at == name.len;
}

static bool path_is(struct str path, const struct str *names, size_t count)
{
    struct str segment;
    size_t at = 0;

    path = str_sub(path, 1, path.len - 1); /* it begins with a slash */
    do {
        if (at == count) {
            return false;
        }
        (void)str_split(&path, '/', &segment);
        if (!segment_is(segment, names[at])) {
            return false;
        }
        at++;
    } while (path.len > 0);
    return at == count;
}

static bool hides_path(const struct walk *w)
{
    for (size_t i = 0; i < w->r->path_count; i++) {
        if (path_is(w->r->paths[i], w->names, w->depth)) {
            return true;
        }
    }
    return false;
}

static void enter(struct walk *w, const struct json *v)
{
    bool is_object = json_type(v) == JSON_OBJECT;

    ASSERT(w->depth < REDACT_SEGMENTS_MAX);
    w->frames[w->depth++] = (struct frame){ .it = json_iter(v), .is_object = is_object };
    if (is_object) {
        json_out_object(w->o);
    } else {
        json_out_array(w->o);
    }
}

static void put_value(struct walk *w, const struct json *v)
{
    bool is_deep = json_type(v) == JSON_OBJECT || json_type(v) == JSON_ARRAY;

    if (hides_path(w)) {
        json_out_c(w->o, REDACTED);
    } else if (is_deep && w->depth < REDACT_SEGMENTS_MAX) {
        enter(w, v);
    } else {
        json_out_value(w->o, v); /* no rule reaches below */
    }
}

static void walk_all(struct walk *w, const struct json *root)
{
    size_t index[REDACT_SEGMENTS_MAX] = { 0 };

    if (json_type(root) != JSON_OBJECT && json_type(root) != JSON_ARRAY) {
        json_out_value(w->o, root);
        return;
    }
    enter(w, root);
    while (w->depth > 0) {
        struct frame *f = &w->frames[w->depth - 1];
        struct str name;
        const struct json *v = json_next(&f->it, f->is_object ? &name : NULL);

        if (v == NULL) {
            if (f->is_object) {
                json_out_object_end(w->o);
            } else {
                json_out_array_end(w->o);
            }
            w->depth--;
            continue;
        }
        if (f->is_object) {
            json_out_name(w->o, arena_c(w->arena, name));
        } else {
            name = arena_printf(w->arena, "%zu", index[w->depth - 1]++);
        }
        w->names[w->depth - 1] = name;
        put_value(w, v);
        if (w->depth > 0 && &w->frames[w->depth - 1] != f) {
            index[w->depth - 1] = 0;
        }
    }
}

struct str redact_body(struct call *call, const struct redact *r, struct str body)
{
    struct json_doc *doc = NULL;
    struct walk w = { .r = r, .arena = call->arena };
    struct json_out o;
    struct buf out;

    if (r->hides) {
        return STR_NONE;
    }
    if (r->path_count == 0 || body.len == 0 ||
        json_parse(body, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return body;
    }
    buf_init(&out, CALL_REPLY_MAX);
    json_out_begin(&o, &out);
    w.o = &o;
    walk_all(&w, json_root(doc));
    body = json_out_end(&o) == 0 ? arena_str(call->arena, buf_str(&out)) : STR_NONE;
    buf_done(&out);
    json_doc_free(doc);
    return body;
}

void redact_delivery(struct call *call, struct delivery_read *s)
{
    struct redact r;

    redact_begin(call, call->app, &r);
    s->body = s->body.p == NULL ? s->body : redact_body(call, &r, s->body);
    for (size_t i = 0; i < s->attempt_count; i++) {
        struct attempt_row *a = &s->attempts[i];

        a->request_headers = redact_headers(call, &r, a->request_headers);
        a->response_headers = redact_headers(call, &r, a->response_headers);
        a->response_body = redact_body(call, &r, a->response_body);
    }
}

void redact_put(struct call *call, struct json_out *o)
{
    struct redact r;

    redact_begin(call, call->app, &r);
    json_put_c(o, "payload",
               r.hides                                  ? "hidden"
               : r.header_count > 0 || r.path_count > 0 ? "redacted"
                                                        : "shown");
}

/* --- the rules in forms and answers */
static bool is_path(struct str path)
{
    size_t segments = 0;

    for (size_t i = 0; i < path.len; i++) {
        segments += path.p[i] == '/' ? 1 : 0;
    }
    return path.len > 1 && path.p[0] == '/' && json_pointer_valid(path) &&
           segments <= REDACT_SEGMENTS_MAX;
}

static void check_list(struct form *f, const char *name, bool is_good(struct str),
                       const char *sentence)
{
    const struct json *list;
    struct json_iter it;
    const struct json *v;

    if (!form_array(f, name, false, REDACT_RULES_MAX, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        struct str text = json_string(v);

        if (text.len == 0 || text.len > REDACT_TEXT_MAX || !is_good(text)) {
            form_fault(f->faults, form_pointer(f, name), "pattern", "%s", sentence);
            return;
        }
    }
}

void redact_read(struct form *f, const struct json **ret_rules)
{
    const struct json *rules;
    struct form part;
    bool is_null;

    if (!object_field(f, "redact", &is_null)) {
        return;
    }
    if (is_null) {
        *ret_rules = NULL;
        return;
    }
    if (!form_object(f, "redact", false, &rules)) {
        return;
    }
    form_begin(&part, rules, form_pointer(f, "redact"), f->faults);
    check_list(&part, "headers", name_is_token, "Names of headers stand here.");
    check_list(&part, "paths", is_path,
               "JSON pointers into a body stand here, such as /data/contact/email.");
    form_end(&part);
    *ret_rules = rules;
}

static void put_list(struct json_out *o, const struct json *rules, const char *name)
{
    const struct json *list = rules == NULL ? NULL : json_member(rules, name);

    json_out_name(o, name);
    if (list == NULL || json_type(list) != JSON_ARRAY) {
        json_out_array(o);
        json_out_array_end(o);
    } else {
        json_out_value(o, list);
    }
}

void redact_write(struct json_out *o, const struct json *rules)
{
    json_out_name(o, "redact");
    json_out_object(o);
    put_list(o, rules, "headers");
    put_list(o, rules, "paths");
    json_out_object_end(o);
}
