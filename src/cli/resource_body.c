/* SPDX-License-Identifier: Apache-2.0 */
/* resource_body.c - flags and files to the JSON body of a request. */
#include <string.h>

#include "base/clock.h"
#include "cli/resource.h"
#include "json/json.h"

enum { NAME_SIZE = 256, SECRET_LINE_MAX = 1024 };

int read_json(const char *text, struct buf *out, struct err *err)
{
    struct json_doc *doc = NULL;
    struct buf raw;
    struct err inner = { 0 };
    int rc;

    buf_init(&raw, CLI_INPUT_MAX);
    if (text[0] == '@' || strcmp(text, "-") == 0) {
        rc = cli_read(text[0] == '@' ? text + 1 : text, &raw, err);
    } else {
        rc = buf_add_c(&raw, text);
    }
    if (rc == 0) {
        rc = json_parse(buf_str(&raw), JSON_DEPTH_MAX, &doc, &inner);
        if (rc != 0) {
            rc = err_set(err, rc, "%.40s is not JSON: %.160s",
                         text[0] == '@' || text[0] == '-' ? text : "the value", inner.text);
        }
    }
    if (rc == 0) {
        rc = json_write(json_root(doc), out);
    }
    json_doc_free(doc);
    buf_done(&raw);
    return rc;
}

static void write_list(const struct arg_value *value, struct json_out *o)
{
    json_out_array(o);
    for (size_t i = 0; i < value->item_count; i++) {
        struct str left = str_from(value->items[i]);
        struct str item;

        while (left.len > 0 && str_split(&left, ',', &item)) {
            json_out_str(o, str_trim(item));
        }
    }
    json_out_array_end(o);
}

static int write_map(const struct arg_value *value, struct json_out *o, struct err *err)
{
    json_out_object(o);
    for (size_t i = 0; i < value->item_count; i++) {
        char name[NAME_SIZE];
        const char *equals = strchr(value->items[i], '=');
        size_t len = equals == NULL ? 0 : (size_t)(equals - value->items[i]);

        if (len == 0 || len >= sizeof(name)) {
            return err_set(err, -E_USAGE, "--%s needs name=value", value->spec->name);
        }
        memcpy(name, value->items[i], len);
        name[len] = '\0';
        json_put_c(o, name, equals + 1);
    }
    json_out_object_end(o);
    return 0;
}

static int write_json_value(const char *text, struct json_out *o, struct err *err)
{
    struct buf json;
    int rc;

    buf_init(&json, CLI_INPUT_MAX);
    rc = read_json(text, &json, err);
    if (rc == 0) {
        json_out_raw(o, buf_str(&json));
    }
    buf_done(&json);
    return rc;
}

static int write_secret(const char *path, struct json_out *o, struct err *err)
{
    struct buf line;
    int rc;

    buf_init(&line, SECRET_LINE_MAX);
    rc = cli_read_line(path, &line, err);
    if (rc == 0) {
        json_out_str(o, buf_str(&line));
    }
    if (line.cap > 0) {
        explicit_bzero(line.p, line.cap);
    }
    buf_done(&line);
    return rc;
}

static int write_field(const struct field *field, const struct arg_value *value,
                       struct json_out *o, struct err *err)
{
    json_out_name(o, field->member);
    switch (field->type) {
    case FIELD_TEXT:
        json_out_c(o, value->text);
        return 0;
    case FIELD_INT:
        json_out_int(o, value->number);
        return 0;
    case FIELD_BOOL:
        json_out_bool(o, value->on);
        return 0;
    case FIELD_LIST:
        write_list(value, o);
        return 0;
    case FIELD_MAP:
        return write_map(value, o, err);
    case FIELD_JSON:
        return write_json_value(value->text, o, err);
    case FIELD_SECRET:
        return write_secret(value->text, o, err);
    }
    return -E_INTERNAL;
}

/* Is this member of --data also given by a flag? */
static bool is_overridden(const struct resource *resource, const struct args *args,
                          struct str name)
{
    for (size_t i = 0; i < resource->field_count; i++) {
        if (str_eq_c(name, resource->fields[i].member) &&
            args_given(args, resource->fields[i].flag)) {
            return true;
        }
    }
    return false;
}

/* The members of the document that --data names, without those that flags set. */
static int write_document(const struct resource *resource, const struct args *args,
                          struct json_out *o, struct err *err)
{
    struct json_doc *doc = NULL;
    struct json_iter it;
    const struct json *value;
    struct buf json;
    struct str name;
    int rc;

    buf_init(&json, CLI_INPUT_MAX);
    rc = read_json(args_text(args, "data", ""), &json, err);
    if (rc == 0) {
        rc = json_parse(buf_str(&json), JSON_DEPTH_MAX, &doc, err);
    }
    if (rc == 0 && json_type(json_root(doc)) != JSON_OBJECT) {
        rc = err_set(err, -E_JSON, "--data must be a JSON object");
    }
    it = json_iter(rc == 0 ? json_root(doc) : NULL);
    while (rc == 0 && (value = json_next(&it, &name)) != NULL) {
        char c_name[NAME_SIZE] = "";

        if (name.len >= sizeof(c_name) || str_find(name, '\0') < name.len) {
            rc = err_set(err, -E_JSON, "--data has a name that is not allowed");
        } else if (!is_overridden(resource, args, name)) {
            memcpy(c_name, name.p, name.len);
            json_out_name(o, c_name);
            json_out_value(o, value);
        }
    }
    json_doc_free(doc);
    buf_done(&json);
    return rc;
}

int resource_body(const struct resource *resource, const struct args *args, struct buf *out,
                  struct err *err)
{
    struct json_out o;
    size_t given = 0;
    int rc = 0;

    json_out_begin(&o, out);
    json_out_object(&o);
    if (resource->whole_body && args_given(args, "data")) {
        given++;
        rc = write_document(resource, args, &o, err);
    }
    for (size_t i = 0; i < resource->field_count && rc == 0; i++) {
        const struct arg_value *value = args_get(args, resource->fields[i].flag);

        if (value->given) {
            given++;
            rc = write_field(&resource->fields[i], value, &o, err);
        }
    }
    if (rc != 0) {
        return rc;
    }
    if (given == 0) {
        return err_set(err, -E_USAGE, "there is nothing to send: give %s or the fields",
                       resource->whole_body ? "--data" : "--type and --data");
    }
    json_out_object_end(&o);
    rc = json_out_end(&o);
    return rc == 0 ? 0 : err_set(err, rc, "the document is too large");
}

int resource_time(const char *text, int64_t now_ms, struct buf *out)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
    struct str s = str_from(text);
    char time[CLOCK_TEXT_SIZE];
    int64_t number = 0;
    int64_t at = 0;

    if (clock_parse(s, &at) == 0) {
        return buf_add_str(out, s);
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (s.len > 1 && s.p[s.len - 1] == units[i].unit &&
            str_to_int(str_sub(s, 0, s.len - 1), 0, 1000000, &number) == 0) {
            clock_format(now_ms - number * units[i].ms, time);
            return buf_add_c(out, time);
        }
    }
    return -E_INVALID;
}
