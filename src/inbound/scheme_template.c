/* SPDX-License-Identifier: Apache-2.0 */
/* scheme_template.c - places and templates: "{kv:t}.{body}" and what it is for a request. */
#include "inbound/scheme_template.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "inbound/form_fields.h"
#include "inbound/verify.h"
#include "json/pointer.h"

static const struct {
    const char *word;
    enum scheme_source source;
    bool has_name;
} sources[] = {
    { "header:", FROM_HEADER, true }, { "query:", FROM_QUERY, true },
    { "json:", FROM_JSON, true },     { "form:", FROM_FORM, true },
    { "kv:", FROM_KV, true },         { "const:", FROM_CONST, true },
    { "method", FROM_METHOD, false }, { "url", FROM_URL, false },
    { "body", FROM_BODY, false },     { "secret", FROM_SECRET, false },
};

static const struct {
    const char *word;
    enum scheme_function function;
    bool has_place;
} functions[] = {
    { "sha256_hex:", FUNCTION_SHA256_HEX, true },   { "hmac_hex:", FUNCTION_HMAC_HEX, true },
    { "hmac_base64:", FUNCTION_HMAC_BASE64, true }, { "crc32", FUNCTION_CRC32, false },
    { "form_sorted", FUNCTION_FORM_SORTED, false },
};

/* --- reading */
int scheme_place_read(struct str text, struct arena *arena, struct scheme_place *ret_place)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct str word = str_from(sources[i].word);

        if (!sources[i].has_name) {
            if (str_eq(text, word)) {
                *ret_place = (struct scheme_place){ sources[i].source, STR_NONE };
                return 0;
            }
        } else if (str_starts(text, word)) {
            struct str name = str_sub(text, word.len, text.len - word.len);

            if ((sources[i].source == FROM_JSON && !json_pointer_valid(name)) ||
                (sources[i].source != FROM_JSON && name.len == 0)) {
                return -E_INVALID;
            }
            *ret_place = (struct scheme_place){ sources[i].source, arena_str(arena, name) };
            return 0;
        }
    }
    return -E_INVALID;
}

static int part_read(struct str text, struct arena *arena, struct scheme_part *ret_part)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        struct str word = str_from(functions[i].word);

        if (!functions[i].has_place && str_eq(text, word)) {
            *ret_part = (struct scheme_part){ .function = functions[i].function };
            return 0;
        }
        if (functions[i].has_place && str_starts(text, word)) {
            ret_part->function = functions[i].function;
            return scheme_place_read(str_sub(text, word.len, text.len - word.len), arena,
                                     &ret_part->place);
        }
    }
    ret_part->function = FUNCTION_NONE;
    return scheme_place_read(text, arena, &ret_part->place);
}

static int part_add(struct scheme_template *t, const struct scheme_part *part, struct err *err)
{
    if (t->count == SCHEME_PARTS_MAX) {
        return err_set(err, -E_INVALID, "A template has at most %d parts.",
                       (int)SCHEME_PARTS_MAX);
    }
    t->parts[t->count++] = *part;
    return 0;
}

static int literal_add(struct scheme_template *t, struct str text, struct arena *arena,
                       struct err *err)
{
    struct scheme_part part = { FUNCTION_NONE, { FROM_CONST, arena_str(arena, text) } };

    return text.len == 0 ? 0 : part_add(t, &part, err);
}

/* `*at` stands behind a "{". */
static int braced_add(struct scheme_template *t, struct str text, size_t *at,
                      struct arena *arena, struct err *err)
{
    struct str rest = str_sub(text, *at, text.len - *at);
    size_t len = str_find(rest, '}');
    struct scheme_part part = { FUNCTION_NONE, { FROM_NONE, STR_NONE } };

    if (len == rest.len) {
        return err_set(err, -E_INVALID, "A brace is not closed.");
    }
    if (part_read(str_sub(rest, 0, len), arena, &part) != 0) {
        return err_set(err, -E_INVALID, "{%.*s} is not a place that is known.", (int)len,
                       rest.p);
    }
    *at += len + 1;
    return part_add(t, &part, err);
}

int scheme_template_read(struct str text, struct arena *arena,
                         struct scheme_template *ret_template, struct err *err)
{
    struct scheme_template t = { .count = 0 };
    size_t from = 0;
    size_t at = 0;
    int rc = 0;

    while (at < text.len && rc == 0) {
        if (text.p[at] != '{') {
            at++;
            continue;
        }
        /* "{{" ends the literal with one brace. */
        if (at + 1 < text.len && text.p[at + 1] == '{') {
            rc = literal_add(&t, str_sub(text, from, at + 1 - from), arena, err);
            at += 2;
        } else {
            rc = literal_add(&t, str_sub(text, from, at - from), arena, err);
            at++;
            if (rc == 0) {
                rc = braced_add(&t, text, &at, arena, err);
            }
        }
        from = at;
    }
    if (rc == 0) {
        rc = literal_add(&t, str_sub(text, from, text.len - from), arena, err);
    }
    if (rc == 0) {
        *ret_template = t;
    }
    return rc;
}

bool scheme_template_has(const struct scheme_template *t, enum scheme_source source)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->parts[i].place.source == source) {
            return true;
        }
    }
    return false;
}

/* --- filling */
static struct str json_text(const struct json *v)
{
    if (v == NULL) {
        return STR_NONE;
    }
    switch (json_type(v)) {
    case JSON_STRING:
        return json_string(v);
    case JSON_NUMBER:
        return json_number(v);
    case JSON_BOOL:
        return json_bool(v) ? STR("true") : STR("false");
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return STR_NONE;
}

/* The first value of a key of "t=1,v1=ab". */
static struct str kv_value(struct str header, char separator, struct str key)
{
    struct str one;

    while (header.len > 0 && str_split(&header, separator, &one)) {
        size_t equals;

        one = str_trim(one);
        equals = str_find(one, '=');
        if (equals < one.len && str_eq(str_sub(one, 0, equals), key)) {
            return str_sub(one, equals + 1, one.len - equals - 1);
        }
    }
    return STR_NONE;
}

struct str inbound_value(const struct inbound_request *request, const struct scheme *scheme,
                         const struct scheme_place *place, struct str secret)
{
    switch (place->source) {
    case FROM_NONE:
        return STR_NONE;
    case FROM_HEADER:
        return request->header(request->ctx, place->name);
    case FROM_QUERY:
        return form_fields_value(request->query, place->name, request->arena);
    case FROM_JSON:
        return request->json == NULL ? STR_NONE
                                     : json_text(json_pointer_get(request->json, place->name));
    case FROM_FORM:
        return form_fields_value(request->body, place->name, request->arena);
    case FROM_KV:
        return kv_value(inbound_value(request, scheme, &scheme->signature, secret),
                        scheme->separator == '\0' ? ',' : scheme->separator, place->name);
    case FROM_CONST:
        return place->name;
    case FROM_METHOD:
        return request->method;
    case FROM_URL:
        return request->url;
    case FROM_BODY:
        return request->body;
    case FROM_SECRET:
        return secret;
    }
    ASSERT(!"a scheme_source");
    return STR_NONE;
}

static int add_hex(struct buf *out, const unsigned char *bytes, size_t len)
{
    int rc = 0;

    for (size_t i = 0; i < len && rc == 0; i++) {
        rc = buf_printf(out, "%02x", (unsigned)bytes[i]);
    }
    return rc;
}

static int add_hmac(const struct scheme *scheme, struct str value, struct str secret, bool hex,
                    struct buf *out)
{
    unsigned char sum[CHECK_SUM_MAX];
    size_t size = check_hash_size(scheme->hash);
    int rc = check_hmac(scheme->hash, secret, value, sum);

    if (rc != 0) {
        return rc;
    }
    return hex ? add_hex(out, sum, size)
               : base64_encode((struct str){ (const char *)sum, size }, out);
}

static int fill_part(const struct inbound_request *request, const struct scheme *scheme,
                     const struct scheme_part *part, struct str secret, struct buf *out)
{
    struct str value = inbound_value(request, scheme, &part->place, secret);
    unsigned char sum[CHECK_SUM_MAX];

    switch (part->function) {
    case FUNCTION_NONE:
        return buf_add_str(out, value);
    case FUNCTION_SHA256_HEX:
        check_digest(CHECK_SHA256, value, sum);
        return add_hex(out, sum, check_hash_size(CHECK_SHA256));
    case FUNCTION_HMAC_HEX:
        return add_hmac(scheme, value, secret, true, out);
    case FUNCTION_HMAC_BASE64:
        return add_hmac(scheme, value, secret, false, out);
    case FUNCTION_CRC32:
        return buf_printf(
            out, "%lu",
            crc32(0, (const unsigned char *)request->body.p, (unsigned)request->body.len));
    case FUNCTION_FORM_SORTED:
        return form_fields_sorted(request->body, request->arena, INBOUND_FORM_MAX, out);
    }
    ASSERT(!"a scheme_function");
    return -E_INTERNAL;
}

int inbound_fill(const struct inbound_request *request, const struct scheme *scheme,
                 const struct scheme_template *t, struct str secret, struct buf *out)
{
    int rc = 0;

    for (size_t i = 0; i < t->count && rc == 0; i++) {
        rc = fill_part(request, scheme, &t->parts[i], secret, out);
    }
    return rc;
}
