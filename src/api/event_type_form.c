/* SPDX-License-Identifier: Apache-2.0 */
/* event_type_form.c - an event type as people describe it. */
#include "api/event_type_form.h"

#include "api/api_internal.h"
#include "api/event_type_check.h"
#include "api/event_type_resource.h"
#include "api/names.h"
#include "api/object.h"
#include "base/assert.h"
#include "base/clock.h"
#include "json/pointer.h"

enum { TYPE_WORDS_MAX = 200, TYPE_USE_MAX = 500, WORDS_EACH = 5 };

static const char name_rule[] =
    "A name is 2 to 5 words of a-z, 0-9 and _ with dots between, such as user.created.";

/* Fields that are one of a few words. */
static const struct choice {
    const char *name;
    size_t offset;
    const char *words[WORDS_EACH];
} choices[] = {
    { "payload_shape", offsetof(struct type_draft, payload_shape), { "full", "diff", "id" } },
    { "frequency",
      offsetof(struct type_draft, frequency),
      { "low", "medium", "high", "very_high" } },
    { "criticality",
      offsetof(struct type_draft, criticality),
      { "low", "medium", "high", "critical" } },
    { "visibility", offsetof(struct type_draft, visibility), { "customer", "internal" } },
    { "enforce_schema", offsetof(struct type_draft, enforcement), { "off", "reject" } },
};

/* Fields that are free text. */
static const struct words {
    const char *name;
    size_t offset;
    size_t max;
} texts[] = {
    { "description", offsetof(struct type_draft, description), API_TEXT_MAX },
    { "group", offsetof(struct type_draft, group), TYPE_WORDS_MAX },
    { "category", offsetof(struct type_draft, category), TYPE_WORDS_MAX },
    { "fires_when", offsetof(struct type_draft, fires_when), API_TEXT_MAX },
    { "frequency_text", offsetof(struct type_draft, frequency_text), TYPE_USE_MAX },
    { "typical_use", offsetof(struct type_draft, typical_use), TYPE_USE_MAX },
};

enum {
    CHOICES = sizeof(choices) / sizeof(choices[0]),
    TEXTS = sizeof(texts) / sizeof(texts[0])
};

static struct str *field(struct type_draft *draft, size_t offset)
{
    return (struct str *)(void *)((char *)draft + offset);
}

static struct str field_of(const struct type_draft *draft, size_t offset)
{
    return *(const struct str *)(const void *)((const char *)draft + offset);
}

static bool is_word(const struct choice *c, struct str text)
{
    for (size_t i = 0; i < WORDS_EACH && c->words[i] != NULL; i++) {
        if (str_eq_c(text, c->words[i])) {
            return true;
        }
    }
    return false;
}

/* --- stored documents */
const struct json *type_member(const struct json *config, const char *name)
{
    const struct json *v = json_member(config, name);

    return v == NULL || json_type(v) == JSON_NULL ? NULL : v;
}

int64_t type_latest(const struct json *config)
{
    const struct json *versions = type_member(config, "versions");

    return versions == NULL ? 1 : (int64_t)json_count(versions);
}

/* Documents without `versions` are of a time when there was one: schema and example stood beside
 * the other fields. */
const struct json *type_version(const struct json *config, int64_t version)
{
    const struct json *versions = type_member(config, "versions");

    if (versions == NULL) {
        return version == 1 ? config : NULL;
    }
    return version < 1 ? NULL : json_item(versions, (size_t)version - 1);
}

static struct str stored_choice(const struct json *config, const struct choice *c)
{
    struct str text = json_string(json_member(config, c->name));

    return is_word(c, text) ? text : STR_NONE;
}

/* `frequency` was free text once. */
static struct str stored_frequency_text(const struct json *config)
{
    struct str text = json_string(json_member(config, "frequency_text"));
    struct str old = json_string(json_member(config, "frequency"));

    return text.p == NULL && !is_word(&choices[1], old) ? old : text;
}

void type_draft_init(struct type_draft *draft, const struct json *config)
{
    const struct json *latest =
        config == NULL ? NULL : type_version(config, type_latest(config));

    *draft = (struct type_draft){ .config = config, .retry_safe = true };
    for (size_t i = 0; i < CHOICES; i++) {
        *field(draft, choices[i].offset) = stored_choice(config, &choices[i]);
    }
    for (size_t i = 0; i < TEXTS; i++) {
        *field(draft, texts[i].offset) = object_text(config, texts[i].name);
    }
    draft->frequency_text = stored_frequency_text(config);
    draft->use_cases = type_member(config, "use_cases");
    draft->related = type_member(config, "related");
    draft->search = type_member(config, "search");
    draft->resource = type_member(config, "resource");
    draft->schema = type_member(latest, "schema");
    draft->example = type_member(latest, "example");
    draft->notes = object_text(latest, "notes");
    if (type_member(config, "retry_safe") != NULL) {
        draft->retry_safe = json_bool(json_member(config, "retry_safe"));
    }
    draft->archived = config != NULL && type_member(config, "archived") != NULL &&
                      json_bool(json_member(config, "archived"));
    if (draft->visibility.p == NULL) {
        draft->visibility = STR("customer");
    }
}

/* --- reading */
static void read_choice(struct form *f, const struct choice *c, struct str *ret)
{
    struct str text;
    bool is_null;

    if (!object_field(f, c->name, &is_null)) {
        return;
    }
    if (is_null) {
        *ret = STR_NONE;
    } else if (form_string(f, c->name, false, 1, TYPE_WORDS_MAX, &text)) {
        if (is_word(c, text)) {
            *ret = text;
        } else {
            form_fault(f->faults, form_pointer(f, c->name), "pattern",
                       "One of: %s, %s%s%s%s%s.", c->words[0], c->words[1],
                       c->words[2] == NULL ? "" : ", ", c->words[2] == NULL ? "" : c->words[2],
                       c->words[2] == NULL || c->words[3] == NULL ? "" : ", ",
                       c->words[2] == NULL || c->words[3] == NULL ? "" : c->words[3]);
        }
    }
}

static void read_flag(struct form *f, const char *name, bool fallback, bool *ret)
{
    bool is_null;

    if (!object_field(f, name, &is_null)) {
        return;
    }
    if (is_null) {
        *ret = fallback;
        return;
    }
    (void)form_bool(f, name, false, ret);
}

/* NULL when the item is right. */
typedef const char *item_rule(struct str text);

static const char *use_case_rule(struct str text)
{
    return text.len == 0 || text.len > TYPE_USE_MAX ? "A use case has 1 to 500 characters."
                                                    : NULL;
}

static const char *related_rule(struct str text)
{
    return name_is_event_type(text) ? NULL : name_rule;
}

static const char *search_rule(struct str text)
{
    return text.len < 2 || text.len > TYPE_POINTER_MAX || !json_pointer_valid(text)
               ? "A JSON pointer into data, such as /contact/email, of at most 256 bytes."
               : NULL;
}

static void read_items(struct form *f, const char *name, size_t max, item_rule *rule,
                       const struct json **ret)
{
    struct str pointer = form_pointer(f, name);
    const struct json *list;
    struct json_iter it;
    const struct json *v;
    size_t at = 0;
    bool is_null;

    if (!object_field(f, name, &is_null)) {
        return;
    }
    *ret = NULL;
    if (is_null || !form_array(f, name, false, max, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        const char *wrong =
            json_type(v) == JSON_STRING ? rule(json_string(v)) : "This is a string.";

        if (wrong != NULL) {
            form_fault(f->faults,
                       arena_printf(f->faults->arena, "%.*s/%zu", STR_ARG(pointer), at),
                       "pattern", "%s", wrong);
        }
        at++;
    }
    *ret = list;
}

/* Any JSON value within its bytes and levels. */
static bool read_json(struct form *f, const char *name, const struct json **ret)
{
    const struct json *v = form_value(f, name);
    struct json_doc *doc = NULL;
    struct buf text;
    bool is_right = false;

    if (v == NULL) {
        return false;
    }
    buf_init(&text, TYPE_JSON_MAX);
    if (json_write(v, &text) != 0) {
        form_fault(f->faults, form_pointer(f, name), "too_long", "It is over %d bytes.",
                   (int)TYPE_JSON_MAX);
    } else if (json_parse(buf_str(&text), TYPE_JSON_DEPTH_MAX, &doc, NULL) != 0) {
        form_fault(f->faults, form_pointer(f, name), "too_deep",
                   "It is nested deeper than %d levels.", (int)TYPE_JSON_DEPTH_MAX);
    } else {
        *ret = json_type(v) == JSON_NULL ? NULL : v;
        is_right = true;
    }
    json_doc_free(doc);
    buf_done(&text);
    return is_right;
}

static void read_name(struct form *f, enum type_form form, struct str *ret)
{
    if (form == TYPE_CREATE || form == TYPE_IMPORT) {
        if (form_string(f, "name", true, 1, EVENT_TYPE_NAME_MAX, ret) &&
            !name_is_event_type(*ret)) {
            form_fault(f->faults, form_pointer(f, "name"), "pattern", "%s", name_rule);
        }
    } else if (form_has(f, "name")) {
        (void)form_value(f, "name");
        form_fault(f->faults, form_pointer(f, "name"), "read_only", "A name never changes.");
    }
}

static void read_fields(struct form *f, struct type_draft *draft)
{
    for (size_t i = 0; i < TEXTS; i++) {
        object_field_text(f, texts[i].name, texts[i].max, field(draft, texts[i].offset));
    }
    for (size_t i = 0; i < CHOICES; i++) {
        read_choice(f, &choices[i], field(draft, choices[i].offset));
    }
    if (draft->visibility.p == NULL) {
        draft->visibility = STR("customer");
    }
    read_items(f, "use_cases", TYPE_LIST_MAX, use_case_rule, &draft->use_cases);
    read_items(f, "related", TYPE_LIST_MAX, related_rule, &draft->related);
    read_items(f, "search", TYPE_SEARCH_MAX, search_rule, &draft->search);
    event_type_resource_read(f, &draft->resource);
    read_flag(f, "retry_safe", true, &draft->retry_safe);
    read_flag(f, "archived", false, &draft->archived);
}

void type_draft_read(enum type_form form, const struct json *body, struct str pointer,
                     struct form_faults *faults, struct type_draft *draft)
{
    size_t before = faults->count;
    bool has_new;
    struct form f;

    form_begin(&f, body, pointer, faults);
    if (form == TYPE_VERSION) {
        draft->schema = NULL;
        draft->example = NULL;
        draft->notes = STR_NONE;
    } else {
        read_name(&f, form, &draft->name);
        read_fields(&f, draft);
    }
    object_field_text(&f, "notes", API_TEXT_MAX, &draft->notes);
    has_new = read_json(&f, "schema", &draft->schema);
    has_new = read_json(&f, "example", &draft->example) || has_new;
    form_end(&f);
    if (has_new && faults->count == before) {
        type_check(draft->schema, draft->example, pointer, faults);
    }
}

bool type_draft_breaks(const struct type_draft *draft, struct str pointer,
                       struct form_faults *faults)
{
    const struct json *latest;

    if (draft->config == NULL) {
        return false;
    }
    latest = type_version(draft->config, type_latest(draft->config));
    return type_check_breaks(type_member(latest, "schema"), draft->schema, pointer, faults);
}

/* --- writing */
static void put_json(struct json_out *o, const char *name, const struct json *value)
{
    json_out_name(o, name);
    if (value == NULL) {
        json_out_null(o);
    } else {
        json_out_value(o, value);
    }
}

static void put_list(struct json_out *o, const char *name, const struct json *list)
{
    if (list != NULL && json_type(list) == JSON_ARRAY) {
        put_json(o, name, list);
        return;
    }
    json_out_name(o, name);
    json_out_array(o);
    json_out_array_end(o);
}

static void put_fields(struct json_out *o, const struct type_draft *draft)
{
    for (size_t i = 0; i < TEXTS; i++) {
        json_put_str(o, texts[i].name, field_of(draft, texts[i].offset));
    }
    for (size_t i = 0; i < CHOICES; i++) {
        call_put_text(o, choices[i].name, field_of(draft, choices[i].offset));
    }
    put_list(o, "use_cases", draft->use_cases);
    put_list(o, "related", draft->related);
    put_list(o, "search", draft->search);
    put_json(o, "resource", draft->resource);
    json_put_bool(o, "retry_safe", draft->retry_safe);
    json_put_bool(o, "archived", draft->archived);
}

void type_put_fields(struct json_out *o, const struct json *config)
{
    struct type_draft draft;

    type_draft_init(&draft, config);
    put_fields(o, &draft);
}

static void put_version(struct json_out *o, const struct type_draft *draft, int64_t version,
                        int64_t created_at)
{
    json_out_object(o);
    json_put_int(o, "version", version);
    put_json(o, "schema", draft->schema);
    put_json(o, "example", draft->example);
    json_put_str(o, "notes", draft->notes);
    if (created_at != 0) {
        json_put_int(o, "created_at", created_at);
    }
    json_out_object_end(o);
}

/* As stored; the only version of an old document had no place of its own. */
static void put_stored_version(struct json_out *o, const struct json *config, int64_t version)
{
    const struct json *v = type_version(config, version);
    struct type_draft old = { .schema = type_member(v, "schema"),
                              .example = type_member(v, "example") };

    if (v == config) {
        put_version(o, &old, version, 0);
    } else {
        json_out_value(o, v);
    }
}

static int64_t created_of(const struct json *config, int64_t version, int64_t fallback)
{
    const struct json *v = json_member(type_version(config, version), "created_at");
    int64_t at;

    return v == NULL || json_int(v, 1, INT64_MAX, &at) != 0 ? fallback : at;
}

int type_draft_write(const struct type_draft *draft, bool new_version, int64_t now,
                     struct buf *out)
{
    int64_t latest =
        draft->config == NULL ? 1 : type_latest(draft->config) + (new_version ? 1 : 0);
    int64_t created =
        draft->config == NULL || new_version ? now : created_of(draft->config, latest, 0);
    struct json_out o;

    ASSERT(!new_version || draft->config != NULL);
    json_out_begin(&o, out);
    json_out_object(&o);
    put_fields(&o, draft);
    json_out_name(&o, "versions");
    json_out_array(&o);
    for (int64_t version = 1; version < latest; version++) {
        put_stored_version(&o, draft->config, version);
    }
    put_version(&o, draft, latest, created);
    json_out_array_end(&o);
    json_out_object_end(&o);
    return json_out_end(&o);
}
