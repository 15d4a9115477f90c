/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_type_openapi.c - the `webhooks` of an OpenAPI 3.1 document as event types.
 *
 * Each webhook has one operation with a JSON body. Where the body's schema is a whole envelope
 * (properties `type` and `data`), what `data` is becomes the schema; else all of it. Schemas of
 * components that it refers to come along as $defs. Documents are at most JSON_DEPTH_MAX deep, so it
 * may call itself.
 */
#include "api/event_type_form.h"
#include "api/event_type_import.h"
#include "api/names.h"
#include "json/pointer.h"

#define COMPONENTS "#/components/schemas/"

enum { PARTS_MAX = 500, FIELD_MAX = 2000 };

struct source {
    const struct json *document;
    struct arena *arena;
    /* of one webhook: names of the components that its schema reaches, as written in pointers */
    struct str parts[PARTS_MAX];
    size_t part_count;
    struct str foreign; /* a reference that cannot come along */
    bool too_deep;
};

static const struct json *member_of(const struct json *v, const char *name)
{
    return v == NULL || json_type(v) != JSON_OBJECT ? NULL : json_member(v, name);
}

static struct str text_of(const struct json *v, const char *name)
{
    const struct json *member = member_of(v, name);

    return member == NULL ? STR_NONE : json_string(member);
}

/* --- references */
static void add_part(struct source *s, struct str reference)
{
    struct str name = str_sub(reference, sizeof(COMPONENTS) - 1, reference.len);

    name = str_sub(name, 0, str_find(name, '/'));
    for (size_t i = 0; i < s->part_count; i++) {
        if (str_eq(s->parts[i], name)) {
            return;
        }
    }
    /* OpenAPI's own rule for names of components; so nothing in them is escaped. */
    if (s->part_count == PARTS_MAX || str_find(name, '~') < name.len ||
        str_find(name, '%') < name.len) {
        s->foreign = reference;
        return;
    }
    s->parts[s->part_count++] = name;
}

static const struct json *component(const struct source *s, struct str name)
{
    return json_pointer_get(s->document,
                            arena_printf(s->arena, "/components/schemas/%.*s", STR_ARG(name)));
}

/* The schema itself, or the component that it is nothing but a reference to. */
static const struct json *behind(const struct source *s, const struct json *schema)
{
    struct str reference = text_of(schema, "$ref");
    const struct json *found;

    if (!str_starts(reference, STR(COMPONENTS)) ||
        !json_pointer_valid(str_sub(reference, 1, reference.len))) {
        return schema;
    }
    found = json_pointer_get(s->document, str_sub(reference, 1, reference.len));
    return found == NULL ? schema : found;
}

/* Values of these are data, whatever they look like. */
static bool is_data(struct str name)
{
    return str_eq_c(name, "const") || str_eq_c(name, "enum") || str_eq_c(name, "default") ||
           str_eq_c(name, "example") || str_eq_c(name, "examples");
}

static void put_reference(struct source *s, struct json_out *o, struct str reference)
{
    if (str_starts(reference, STR(COMPONENTS))) {
        add_part(s, reference);
        json_out_str(o, arena_printf(s->arena, "#/$defs/%.*s",
                                     STR_ARG(str_sub(reference, sizeof(COMPONENTS) - 1,
                                                     reference.len))));
        return;
    }
    s->foreign = reference;
    json_out_str(o, reference);
}

static void put_schema(struct source *s, struct json_out *o, const struct json *v);

static void put_members(struct source *s, struct json_out *o, const struct json *v)
{
    struct json_iter it = json_iter(v);
    const struct json *member;
    struct str name;

    while ((member = json_next(&it, &name)) != NULL) {
        json_out_name(o, arena_c(s->arena, name));
        if (str_eq_c(name, "$ref") && json_type(member) == JSON_STRING) {
            put_reference(s, o, json_string(member));
        } else if (is_data(name)) {
            json_out_value(o, member);
        } else {
            put_schema(s, o, member);
        }
    }
}

static void put_schema(struct source *s, struct json_out *o, const struct json *v)
{
    struct json_iter it = json_iter(v);
    const struct json *item;

    if (o->depth >= JSON_OUT_DEPTH - 2) {
        s->too_deep = true;
        json_out_null(o);
    } else if (json_type(v) == JSON_OBJECT) {
        json_out_object(o);
        put_members(s, o, v);
        json_out_object_end(o);
    } else if (json_type(v) == JSON_ARRAY) {
        json_out_array(o);
        while ((item = json_next(&it, NULL)) != NULL) {
            put_schema(s, o, item);
        }
        json_out_array_end(o);
    } else {
        json_out_value(o, v);
    }
}

/* The schema with all that it reaches. */
static void put_whole(struct source *s, struct json_out *o, const struct json *schema)
{
    s->part_count = 0;
    if (json_type(schema) != JSON_OBJECT) {
        json_out_value(o, schema);
        return;
    }
    json_out_object(o);
    put_members(s, o, schema);
    for (size_t i = 0; i < s->part_count && o->rc == 0; i++) {
        const struct json *part = component(s, s->parts[i]);

        if (i == 0) {
            json_out_name(o, "$defs");
            json_out_object(o);
        }
        if (part == NULL) {
            s->foreign = s->parts[i];
            continue;
        }
        json_out_name(o, arena_c(s->arena, s->parts[i]));
        put_schema(s, o, part);
    }
    if (s->part_count > 0) {
        json_out_object_end(o);
        if (member_of(schema, "$defs") != NULL) {
            s->foreign = STR("$defs"); /* two of them cannot be told apart */
        }
    }
    json_out_object_end(o);
}

/* --- one webhook */
static const struct json *operation_of(const struct json *item)
{
    static const char *const methods[] = { "post", "put", "patch" };
    const struct json *found = NULL;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]) && found == NULL; i++) {
        found = member_of(item, methods[i]);
    }
    return found;
}

static const struct json *media_of(const struct json *operation)
{
    const struct json *content = member_of(member_of(operation, "requestBody"), "content");

    return member_of(content, "application/json");
}

static const struct json *example_of(const struct json *media)
{
    const struct json *example = member_of(media, "example");
    const struct json *examples = member_of(media, "examples");
    struct json_iter it = json_iter(examples);

    if (example == NULL && examples != NULL && json_type(examples) == JSON_OBJECT) {
        example = member_of(json_next(&it, NULL), "value");
    }
    return example;
}

static void put_text(struct json_out *o, const char *name, struct str text)
{
    if (text.len > 0) {
        json_put_str(o, name, str_sub(text, 0, FIELD_MAX));
    }
}

static void put_body(struct source *s, struct json_out *o, struct str name,
                     const struct json *operation, const struct json *media)
{
    const struct json *schema = member_of(media, "schema");
    const struct json *properties = member_of(behind(s, schema), "properties");
    const struct json *example = example_of(media);
    struct json_iter tags = json_iter(member_of(operation, "tags"));
    const struct json *tag = json_next(&tags, NULL);
    bool is_envelope =
        member_of(properties, "data") != NULL && member_of(properties, "type") != NULL;

    if (is_envelope) {
        schema = member_of(properties, "data");
        example = member_of(example, "data");
    }
    json_out_object(o);
    json_put_str(o, "name", name);
    put_text(o, "description", text_of(operation, "summary"));
    put_text(o, "fires_when", text_of(operation, "description"));
    if (tag != NULL) {
        put_text(o, "category", json_string(tag));
    }
    if (schema != NULL) {
        json_out_name(o, "schema");
        put_whole(s, o, schema);
    }
    if (example != NULL) {
        json_out_name(o, "example");
        json_out_value(o, example);
    }
    json_out_object_end(o);
}

/* What keeps a webhook from becoming an event type; then out is as it was. */
static void read_one(struct source *s, struct str name, const struct json *item,
                     struct buf *out, struct type_wish *wish)
{
    const struct json *operation = operation_of(item);
    const struct json *media = media_of(operation);
    struct json_out o;
    struct buf one;

    if (!name_is_event_type(name)) {
        form_fault(
            &wish->faults, STR("/name"), "pattern",
            "The name of a webhook is 2 to 5 words of a-z, 0-9 and _ with dots between.");
        return;
    }
    if (media == NULL) {
        form_fault(&wish->faults, STR_NONE, "required",
                   "A webhook needs a post with a requestBody of application/json.");
        return;
    }
    buf_init(&one, 2 * TYPE_JSON_MAX + 4 * FIELD_MAX);
    s->foreign = STR_NONE;
    s->too_deep = false;
    json_out_begin(&o, &one);
    put_body(s, &o, name, operation, media);
    if (json_out_end(&o) != 0) {
        form_fault(&wish->faults, STR("/schema"), "too_long",
                   "Schema and example, with the components that they need, are too large.");
    } else if (s->too_deep) {
        form_fault(&wish->faults, STR("/schema"), "too_deep",
                   "It is nested deeper than %d levels.", (int)TYPE_JSON_DEPTH_MAX);
    } else if (s->foreign.p != NULL) {
        form_fault(&wish->faults, STR("/schema"), "pattern",
                   "A $ref that is not of #/components/schemas cannot come along: %.*s",
                   (int)(s->foreign.len > 100 ? 100 : s->foreign.len), s->foreign.p);
    } else if (out->len + one.len + 2 > out->max || /* a comma, and the end of the list */
               buf_add_c(out, out->len > 1 ? "," : "") != 0 ||
               buf_add_str(out, buf_str(&one)) != 0) {
        form_fault(&wish->faults, STR("/schema"), "too_long",
                   "All event types together are too large; import fewer at once.");
    }
    buf_done(&one);
}

/* --- the document */
static const struct json *webhooks_of(const struct json *document, struct str pointer,
                                      struct form_faults *faults)
{
    const struct json *webhooks = member_of(document, "webhooks");

    if (!str_starts(text_of(document, "openapi"), STR("3.1"))) {
        form_fault(faults, arena_printf(faults->arena, "%.*s/openapi", STR_ARG(pointer)),
                   "pattern", "Only OpenAPI 3.1 has webhooks with JSON Schema.");
        return NULL;
    }
    pointer = arena_printf(faults->arena, "%.*s/webhooks", STR_ARG(pointer));
    if (webhooks == NULL || json_type(webhooks) != JSON_OBJECT || json_count(webhooks) == 0) {
        form_fault(faults, pointer, "required", "The document has no webhooks.");
        return NULL;
    }
    if (json_count(webhooks) > TYPE_IMPORT_MAX) {
        form_fault(faults, pointer, "too_long", "At most %d webhooks are taken at once.",
                   (int)TYPE_IMPORT_MAX);
        return NULL;
    }
    return webhooks;
}

/* The bodies, written one behind the other, become one document; in it each finds its own again. */
static void find_bodies(struct type_import *import, const struct json *list)
{
    struct json_iter it = json_iter(list);
    const struct json *body;
    size_t at = 0;

    while ((body = json_next(&it, NULL)) != NULL) {
        while (!str_eq(import->wishes[at].name, json_string(json_member(body, "name")))) {
            at++;
        }
        import->wishes[at].body = body;
    }
}

void type_openapi_read(const struct json *document, struct str pointer, struct arena *arena,
                       struct form_faults *faults, struct type_import *import,
                       struct json_doc **ret_doc)
{
    const struct json *webhooks = webhooks_of(document, pointer, faults);
    struct json_iter it = json_iter(webhooks);
    struct source *s = arena_alloc(arena, sizeof(*s));
    const struct json *item;
    struct str name;
    struct buf out;
    struct err err;

    if (webhooks == NULL) {
        return;
    }
    s->document = document;
    s->arena = arena;
    import->wishes = arena_alloc(arena, json_count(webhooks) * sizeof(struct type_wish));
    buf_init(&out, TYPE_IMPORT_BYTES_MAX);
    if (buf_add_c(&out, "[") != 0) {
        return;
    }
    while ((item = json_next(&it, &name)) != NULL) {
        struct type_wish *wish = &import->wishes[import->count++];

        wish->name = name;
        form_faults_init(&wish->faults, arena);
        read_one(s, name, item, &out, wish);
    }
    if (buf_add_c(&out, "]") != 0 ||
        json_parse(buf_str(&out), JSON_DEPTH_MAX, ret_doc, &err) != 0) {
        form_fault(faults, pointer, "too_long", "The document is too large or too deep.");
    } else {
        find_bodies(import, json_root(*ret_doc));
    }
    buf_done(&out);
}
