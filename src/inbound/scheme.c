/* SPDX-License-Identifier: Apache-2.0 */
/* scheme.c - reading the description of how a provider signs. */
#include "inbound/scheme.h"

#include "base/assert.h"
#include "inbound/scheme_template.h"
#include "inbound/verify.h"
#include "json/pointer.h"

struct name_value {
    const char *name;
    int value;
};

static const struct name_value kinds[] = {
    { "hmac", SCHEME_HMAC },   { "digest", SCHEME_DIGEST },   { "ecdsa", SCHEME_ECDSA },
    { "rsa", SCHEME_RSA },     { "ed25519", SCHEME_ED25519 }, { "token", SCHEME_TOKEN },
    { "basic", SCHEME_BASIC }, { "none", SCHEME_NONE },       { NULL, 0 },
};
static const struct name_value hashes[] = {
    { "sha1", CHECK_SHA1 },
    { "sha256", CHECK_SHA256 },
    { "sha512", CHECK_SHA512 },
    { NULL, 0 },
};
static const struct name_value formats[] = {
    { "utf8", KEY_UTF8 }, { "base64", KEY_BASE64 }, { "hex", KEY_HEX }, { "pem", KEY_PEM },
    { NULL, 0 },
};
static const struct name_value parses[] = {
    { "raw", PARSE_RAW }, { "prefix", PARSE_PREFIX },
    { "kv", PARSE_KV },   { "list", PARSE_LIST },
    { NULL, 0 },
};
static const struct name_value encodings[] = {
    { "raw", ENCODED_RAW },
    { "hex", ENCODED_HEX },
    { "base64", ENCODED_BASE64 },
    { NULL, 0 },
};
static const struct name_value units[] = {
    { "s", UNIT_S },
    { "ms", UNIT_MS },
    { "rfc3339", UNIT_RFC3339 },
    { NULL, 0 },
};

struct reading {
    struct arena *arena;
    struct form_faults *faults;
    struct scheme *scheme;
};

/* One of the names; its value, or `absent`. */
static int read_choice(struct form *f, const char *field, const struct name_value *table,
                       int absent)
{
    struct str text;

    if (!form_string(f, field, false, 1, SCHEME_TEXT_MAX, &text)) {
        return absent;
    }
    for (const struct name_value *row = table; row->name != NULL; row++) {
        if (str_eq_c(text, row->name)) {
            return row->value;
        }
    }
    form_fault(f->faults, form_pointer(f, field), "unknown", "This value is not known here.");
    return absent;
}

static struct str read_text(struct reading *r, struct form *f, const char *field)
{
    struct str text = STR_NONE;

    return form_string(f, field, false, 0, SCHEME_TEXT_MAX, &text) ? arena_str(r->arena, text)
                                                                   : STR_NONE;
}

static struct scheme_place read_place(struct reading *r, struct form *f, const char *field,
                                      bool required)
{
    struct scheme_place place = { FROM_NONE, STR_NONE };
    struct str text;

    if (form_string(f, field, required, 1, SCHEME_TEXT_MAX, &text) &&
        scheme_place_read(text, r->arena, &place) != 0) {
        form_fault(f->faults, form_pointer(f, field), "pattern",
                   "A place is header:Name, query:name, json:/pointer, form:name, kv:key, "
                   "const:text, method, url or body.");
    }
    return place;
}

static void read_template(struct reading *r, struct form *f, const char *field,
                          struct scheme_template *ret_template)
{
    struct err err = { 0 };
    struct str text;

    if (!form_string(f, field, false, 0, SCHEME_TEXT_MAX, &text)) {
        return;
    }
    if (scheme_template_read(text, r->arena, ret_template, &err) != 0) {
        form_fault(f->faults, form_pointer(f, field), "pattern", "%s", err.text);
    }
    r->scheme->needs_url = r->scheme->needs_url || scheme_template_has(ret_template, FROM_URL);
}

static void read_key(struct reading *r, struct form *parent)
{
    const struct json *v;
    struct form f;

    if (!form_object(parent, "key", false, &v)) {
        return;
    }
    form_begin(&f, v, form_pointer(parent, "key"), r->faults);
    r->scheme->key_format = (enum scheme_format)read_choice(&f, "format", formats, KEY_UTF8);
    r->scheme->strip_prefix = read_text(r, &f, "strip_prefix");
    form_end(&f);
}

static void read_names(struct reading *r, struct form *f, const char *field)
{
    struct scheme *s = r->scheme;
    const struct json *list;
    const struct json *v;
    struct json_iter it;

    if (!form_array(f, field, true, SCHEME_NAMES_MAX, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        if (json_type(v) != JSON_STRING || json_string(v).len == 0) {
            form_fault(f->faults, form_pointer(f, field), "type", "This is a list of names.");
            return;
        }
        s->names[s->name_count++] = arena_str(r->arena, json_string(v));
    }
    if (s->name_count == 0) {
        form_fault(f->faults, form_pointer(f, field), "too_short", "One name at least.");
    }
}

/* One character, not a letter or digit. */
static char read_separator(struct form *f, const char *field, char absent)
{
    struct str text;

    return form_string(f, field, false, 1, 1, &text) ? text.p[0] : absent;
}

static void read_signature(struct reading *r, struct form *parent)
{
    struct scheme *s = r->scheme;
    bool is_needed = s->kind != SCHEME_NONE && s->kind != SCHEME_BASIC;
    const struct json *v;
    struct form f;

    if (!form_object(parent, "signature", is_needed, &v)) {
        return;
    }
    form_begin(&f, v, form_pointer(parent, "signature"), r->faults);
    s->signature = read_place(r, &f, "from", true);
    s->parse = (enum scheme_parse)read_choice(&f, "parse", parses, PARSE_RAW);
    s->encoding = (enum scheme_encoding)read_choice(
        &f, "encoding", encodings, s->kind == SCHEME_TOKEN ? ENCODED_RAW : ENCODED_HEX);
    if (s->parse == PARSE_PREFIX) {
        (void)form_string(&f, "prefix", true, 1, SCHEME_TEXT_MAX, &s->prefix);
        s->prefix = arena_str(r->arena, s->prefix);
    } else if (s->parse == PARSE_KV) {
        s->separator = read_separator(&f, "separator", ',');
        read_names(r, &f, "keys");
    } else if (s->parse == PARSE_LIST) {
        s->separator = read_separator(&f, "separator", ' ');
        s->version_separator = read_separator(&f, "version_separator", ',');
        read_names(r, &f, "versions");
    }
    form_end(&f);
}

static void read_time(struct reading *r, struct form *parent)
{
    struct scheme *s = r->scheme;
    const struct json *v;
    struct form f;

    if (!form_object(parent, "timestamp", false, &v)) {
        return;
    }
    form_begin(&f, v, form_pointer(parent, "timestamp"), r->faults);
    s->time = read_place(r, &f, "from", true);
    s->unit = (enum scheme_unit)read_choice(&f, "unit", units, UNIT_S);
    s->past_s = 300;
    s->future_s = 300;
    (void)form_int(&f, "past_s", false, 1, SCHEME_WINDOW_S_MAX, &s->past_s);
    (void)form_int(&f, "future_s", false, 1, SCHEME_WINDOW_S_MAX, &s->future_s);
    form_end(&f);
}

static void read_ids(struct reading *r, struct form *f)
{
    struct scheme *s = r->scheme;
    const struct json *list;
    const struct json *v;
    struct json_iter it;

    if (!form_array(f, "id", false, SCHEME_IDS_MAX, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        if (scheme_place_read(json_string(v), r->arena, &s->ids[s->id_count]) != 0) {
            form_fault(f->faults, form_pointer(f, "id"), "pattern",
                       "Each is a place, such as header:X-Id or json:/id.");
            return;
        }
        s->id_count++;
    }
}

static void read_answer(struct reading *r, struct form *f, struct scheme_answer *answer)
{
    int64_t status = 200;

    (void)form_int(f, "status", false, 200, 299, &status);
    answer->status = (int)status;
    answer->content_type = read_text(r, f, "content_type");
    read_template(r, f, "body", &answer->body);
}

static void read_conditions(struct reading *r, struct form *f, struct scheme_handshake *h)
{
    const struct json *v;
    const struct json *value;
    struct json_iter it;
    struct str name;

    if (!form_object(f, "when", true, &v)) {
        return;
    }
    if (json_count(v) == 0 || json_count(v) > SCHEME_CONDITIONS_MAX) {
        form_fault(f->faults, form_pointer(f, "when"), "range", "One to %d conditions.",
                   (int)SCHEME_CONDITIONS_MAX);
        return;
    }
    it = json_iter(v);
    while ((value = json_next(&it, &name)) != NULL) {
        struct scheme_condition *c = &h->when[h->when_count];

        if (scheme_place_read(name, r->arena, &c->place) != 0 ||
            (json_type(value) != JSON_STRING && json_type(value) != JSON_NULL)) {
            form_fault(f->faults, form_pointer(f, "when"), "pattern",
                       "Each is a place with the text that it must hold, or null.");
            return;
        }
        c->value =
            json_type(value) == JSON_NULL ? STR_NONE : arena_str(r->arena, json_string(value));
        h->when_count++;
    }
}

static void read_handshakes(struct reading *r, struct form *parent)
{
    struct scheme *s = r->scheme;
    const struct json *list;
    const struct json *v;
    struct json_iter it;

    if (!form_array(parent, "handshakes", false, SCHEME_HANDSHAKES_MAX, &list)) {
        return;
    }
    it = json_iter(list);
    while ((v = json_next(&it, NULL)) != NULL) {
        struct scheme_handshake *h = &s->handshakes[s->handshake_count++];
        struct form f;

        form_begin(&f, v, form_pointer(parent, "handshakes"), r->faults);
        read_conditions(r, &f, h);
        (void)form_bool(&f, "before_auth", false, &h->before_auth);
        read_answer(r, &f, &h->answer);
        form_end(&f);
    }
}

static void read_ack(struct reading *r, struct form *parent)
{
    const struct json *v;
    struct form f;

    if (form_object(parent, "ack", false, &v)) {
        form_begin(&f, v, form_pointer(parent, "ack"), r->faults);
        read_answer(r, &f, &r->scheme->ack);
        form_end(&f);
    }
}

int scheme_read(const struct json *v, struct str pointer, struct arena *arena,
                struct form_faults *faults, const struct scheme **ret_scheme)
{
    struct reading r = { arena, faults, arena_alloc(arena, sizeof(*r.scheme)) };
    size_t before = faults->count;
    struct form f;

    form_begin(&f, v, pointer, faults);
    r.scheme->kind = (enum scheme_kind)read_choice(&f, "kind", kinds, SCHEME_HMAC);
    r.scheme->hash = (enum check_hash)read_choice(&f, "hash", hashes, CHECK_SHA256);
    read_key(&r, &f);
    read_signature(&r, &f);
    read_template(&r, &f, "content", &r.scheme->content);
    if (r.scheme->content.count == 0) {
        r.scheme->content.parts[0].place.source = FROM_BODY;
        r.scheme->content.count = 1;
    }
    read_time(&r, &f);
    read_ids(&r, &f);
    r.scheme->type = read_place(&r, &f, "type", false);
    read_handshakes(&r, &f);
    read_ack(&r, &f);
    form_end(&f);
    if (faults->count > before) {
        return -E_FIELD;
    }
    *ret_scheme = r.scheme;
    return 0;
}
