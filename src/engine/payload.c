/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.c - one event for one endpoint: wanted or not, and its bytes.
 *
 * The four shapes (snapshot or thin, native or standard) are made once per event and shared by its endpoints; only
 * transforms are made for each.
 */
#include "engine/payload.h"

#include "base/assert.h"
#include "base/buf.h"
#include "json/pointer.h"
#include "store/delivery.h"

enum { SHAPE_OVERHEAD = 8192 };

void payload_event_done(struct payload_event *event)
{
    json_doc_free(event->doc);
    json_doc_free(event->channels_doc);
    event->doc = NULL;
    event->channels_doc = NULL;
    for (size_t i = 0; i < PAYLOAD_SHAPES; i++) {
        json_doc_free(event->shape_docs[i]);
        event->shape_docs[i] = NULL;
    }
}

static struct payload say(enum payload_verdict verdict, struct str detail)
{
    return (struct payload){ .verdict = verdict, .detail = detail };
}

/* --- parts of the event, read when somebody asks */
static const struct json *event_root(struct payload_event *event)
{
    if (event->doc == NULL && json_parse(event->body, JSON_DEPTH_MAX, &event->doc, NULL) != 0) {
        return NULL;
    }
    return json_root(event->doc);
}

static const struct json *event_data(struct payload_event *event)
{
    if (event->data == NULL) {
        const struct json *root = event_root(event);

        event->data = root == NULL ? NULL : json_member(root, "data");
    }
    return event->data;
}

/* --- wanted? */
static bool has_name(const struct payload_names *names, struct str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_eq(names->list[i], name)) {
            return true;
        }
    }
    return false;
}

/* A string or a number of the event, by its text. */
static bool names_value(const struct payload_names *names, const struct json *v)
{
    return json_type(v) == JSON_STRING   ? has_name(names, json_string(v))
           : json_type(v) == JSON_NUMBER ? has_name(names, json_number(v))
                                         : false;
}

static bool names_any(const struct payload_names *names, const struct json *v, uint64_t *steps)
{
    struct json_iter it;
    const struct json *item;

    if (v == NULL) {
        return false;
    }
    if (json_type(v) != JSON_ARRAY) {
        return names_value(names, v);
    }
    it = json_iter(v);
    while ((item = json_next(&it, NULL)) != NULL) {
        if (*steps <= names->count) {
            *steps = 0;
            return false;
        }
        *steps -= names->count;
        if (names_value(names, item)) {
            return true;
        }
    }
    return false;
}

/* A rule said no: unless the steps were used up, then nobody knows. */
static struct payload say_no(const struct payload_event *event, struct str rule)
{
    return *event->steps == 0
               ? say(PAYLOAD_FAILED, STR("the filters of this publish look at too many values"))
               : say(PAYLOAD_FILTERED, rule);
}

static bool in_channels(const struct payload_names *names, struct payload_event *event)
{
    if (event->channels.p == NULL ||
        (event->channels_doc == NULL &&
         json_parse(event->channels, 1, &event->channels_doc, NULL) != 0)) {
        return false;
    }
    return names_any(names, json_root(event->channels_doc), event->steps);
}

static void choose_filter(const struct payload_plan *plan, struct payload_event *event,
                          struct payload *ret_payload)
{
    const struct json *data = event_data(event);
    struct filter_result result = { .rule = STR_NONE };

    if (data == NULL) {
        *ret_payload = say(PAYLOAD_FAILED, STR("the data of the event cannot be read"));
    } else if (filter_match(plan->filter, data, event->steps, &result) != 0) {
        *ret_payload = say(PAYLOAD_FAILED, STR("the filter looks at more values than it may"));
    } else if (!result.matches) {
        /* A rule's pointer is as long as a path may be, and more: the log keeps its beginning. */
        *ret_payload =
            say(PAYLOAD_FILTERED, arena_str(event->arena, str_sub(result.rule, 0, DETAIL_MAX)));
    }
}

void payload_choose(const struct payload_plan *plan, struct payload_event *event,
                    struct payload *ret_payload)
{
    *ret_payload = say(PAYLOAD_SEND, STR_NONE);
    if (plan->is_broken) {
        *ret_payload =
            say(PAYLOAD_FAILED,
                STR("the endpoint's filter or transform is not understood any more"));
        return;
    }
    if (plan->channels.count > 0 && !in_channels(&plan->channels, event)) {
        *ret_payload = say_no(event, STR("/channels"));
        return;
    }
    for (int i = 0; i < PAYLOAD_FIELDS; i++) {
        const struct json *data;

        if (plan->fields[i].count == 0) {
            continue;
        }
        data = event_data(event);
        if (data == NULL ||
            !names_any(&plan->fields[i], json_pointer_get(data, event->pointers[i]),
                       event->steps)) {
            *ret_payload =
                say_no(event, arena_printf(event->arena, "/%s",
                                           payload_field_name((enum payload_field)i)));
            return;
        }
    }
    if (plan->filter != NULL) {
        choose_filter(plan, event, ret_payload);
    }
}

/* --- thin: the resource that the publisher named, or the one that the type finds in data */
/* {id} of the type's URL, percent-encoded. */
static int add_id(struct buf *url, struct str id)
{
    static const char hex[] = "0123456789ABCDEF";
    int rc = 0;

    for (size_t i = 0; i < id.len && rc == 0; i++) {
        unsigned char c = (unsigned char)id.p[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~') {
            rc = buf_add_char(url, (char)c);
        } else {
            const char escape[3] = { '%', hex[c >> 4], hex[c & 15] };

            rc = buf_add(url, escape, sizeof(escape));
        }
    }
    return rc;
}

static int make_url(struct str pattern, struct str id, struct buf *url)
{
    int rc = 0;

    while (rc == 0 && pattern.len > 0) {
        if (str_starts(pattern, STR("{id}"))) {
            rc = add_id(url, id);
            pattern = str_sub(pattern, 4, pattern.len);
        } else {
            rc = buf_add_char(url, pattern.p[0]);
            pattern = str_sub(pattern, 1, pattern.len);
        }
    }
    return rc;
}

static int put_type_resource(struct payload_event *event, struct json_out *o)
{
    const struct payload_resource *type = event->resource;
    const struct json *data = event_data(event);
    const struct json *v;
    struct str id = STR_NONE;
    struct buf url;
    int rc;

    if (type == NULL || type->type.p == NULL || type->id_pointer.p == NULL || data == NULL) {
        return -E_NOT_FOUND;
    }
    v = json_pointer_get(data, type->id_pointer);
    if (v != NULL) {
        id = json_type(v) == JSON_NUMBER ? json_number(v) : json_string(v);
    }
    if (id.len == 0) {
        return -E_NOT_FOUND;
    }
    buf_init(&url, PAYLOAD_URL_MAX);
    rc = type->url.p == NULL ? 0 : make_url(type->url, id, &url);
    if (rc == 0) {
        json_out_object(o);
        json_put_str(o, "type", type->type);
        json_put_str(o, "id", id);
        json_out_name(o, "url");
        json_out_c(o, type->url.p == NULL ? NULL : url.p);
        json_out_object_end(o);
    }
    buf_done(&url);
    return rc;
}

static int put_resource(struct payload_event *event, struct json_out *o)
{
    const struct json *root = event_root(event);
    const struct json *named = root == NULL ? NULL : json_member(root, "resource");

    if (named != NULL) {
        json_out_value(o, named);
        return 0;
    }
    return put_type_resource(event, o);
}

/* --- shapes */
static void put_member(struct json_out *o, const char *as, const struct json *root,
                       const char *name)
{
    const struct json *v = json_member(root, name);

    json_out_name(o, as);
    if (v == NULL) {
        json_out_null(o);
    } else {
        json_out_value(o, v);
    }
}

static int write_shape(const struct payload_plan *plan, struct payload_event *event,
                       struct buf *out)
{
    const struct json *root = event_root(event);
    bool is_standard = plan->envelope == PAYLOAD_STANDARD;
    bool is_thin = plan->style == PAYLOAD_THIN;
    struct json_out o;
    int rc = 0;

    if (root == NULL || json_member(root, "data") == NULL) {
        return -E_JSON;
    }
    json_out_begin(&o, out);
    json_out_object(&o);
    if (!is_standard) {
        put_member(&o, "id", root, "id");
    }
    put_member(&o, "type", root, "type");
    put_member(&o, is_standard ? "timestamp" : "created_at", root, "created_at");
    if (is_thin) {
        json_out_name(&o, is_standard ? "data" : "resource");
        rc = put_resource(event, &o);
    } else {
        put_member(&o, "data", root, "data");
    }
    if (rc != 0) {
        return rc;
    }
    json_out_object_end(&o);
    return json_out_end(&o);
}

/* The bytes of the plan's shape; NULL p for those of the event. */
static int get_shape(const struct payload_plan *plan, struct payload_event *event, size_t at,
                     struct str *ret_body)
{
    struct buf text;
    int rc;

    if (at == 0) {
        *ret_body = STR_NONE;
        return 0;
    }
    if (event->shapes[at].p == NULL) {
        buf_init(&text, event->body.len + SHAPE_OVERHEAD);
        rc = write_shape(plan, event, &text);
        if (rc == 0) {
            event->shapes[at] = arena_str(event->arena, buf_str(&text));
        }
        buf_done(&text);
        if (rc != 0) {
            return rc;
        }
    }
    *ret_body = event->shapes[at];
    return 0;
}

/* --- the transform: it gets what would be sent without it */
static void transform(const struct payload_plan *plan, struct payload_event *event, size_t at,
                      struct payload *ret_payload)
{
    struct str input = ret_payload->body.p == NULL ? event->body : ret_payload->body;
    struct jmespath_fault fault;
    struct buf out;

    if (event->shape_docs[at] == NULL &&
        json_parse(input, JSON_DEPTH_MAX, &event->shape_docs[at], NULL) != 0) {
        *ret_payload = say(PAYLOAD_FAILED, STR("the event cannot be read"));
        return;
    }
    buf_init(&out, JMESPATH_OUTPUT_MAX);
    if (jmespath_run(plan->transform, json_root(event->shape_docs[at]), event->steps, &out,
                     &fault) == 0) {
        ret_payload->body = arena_str(event->arena, buf_str(&out));
    } else {
        *ret_payload =
            say(PAYLOAD_FAILED, arena_printf(event->arena, "transform: %s: %s",
                                             jmespath_error_name(fault.error), fault.text));
    }
    buf_done(&out);
}

void payload_make(const struct payload_plan *plan, struct payload_event *event,
                  struct payload *ret_payload)
{
    size_t at = (plan->style == PAYLOAD_THIN ? 1U : 0U) +
                (plan->envelope == PAYLOAD_STANDARD ? 2U : 0U);
    int rc;

    payload_choose(plan, event, ret_payload);
    if (ret_payload->verdict != PAYLOAD_SEND) {
        return;
    }
    rc = get_shape(plan, event, at, &ret_payload->body);
    if (rc != 0) {
        *ret_payload =
            say(PAYLOAD_FAILED,
                rc == -E_NOT_FOUND
                    ? STR("thin: the event names no resource, and its type finds none")
                    : STR("the body of the event cannot be made"));
        return;
    }
    if (plan->transform != NULL) {
        transform(plan, event, at, ret_payload);
    }
    if (ret_payload->body.len > *event->bytes) {
        *ret_payload =
            say(PAYLOAD_FAILED, STR("the deliveries of this publish have too many bytes"));
        return;
    }
    *event->bytes -= ret_payload->body.len;
    ASSERT(ret_payload->verdict != PAYLOAD_SEND || ret_payload->detail.p == NULL);
}
