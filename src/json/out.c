/* SPDX-License-Identifier: Apache-2.0 */
/* out.c - writing: one place owns commas, colons and escaping. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "json/json.h"

void json_out_begin(struct json_out *o, struct buf *buf)
{
    *o = (struct json_out){ .buf = buf };
}

int json_out_end(struct json_out *o)
{
    ASSERT(o->rc != 0 || (o->depth == 0 && !o->after_name));
    return o->rc;
}

static void out_bytes(struct json_out *o, const char *p, size_t len)
{
    if (o->rc == 0) {
        o->rc = buf_add(o->buf, p, len);
    }
}

/* Before a value: a comma unless it is the first here or stands behind its name. */
static void out_before(struct json_out *o)
{
    uint64_t bit = (uint64_t)1 << o->depth;

    if (o->after_name) {
        o->after_name = false;
        return;
    }
    if ((o->has_member & bit) != 0) {
        out_bytes(o, ",", 1);
    }
    o->has_member |= bit;
}

static void out_open(struct json_out *o, const char *bracket)
{
    out_before(o);
    out_bytes(o, bracket, 1);
    o->depth++;
    ASSERT(o->depth < JSON_OUT_DEPTH);
    o->has_member &= ~((uint64_t)1 << o->depth);
}

static void out_close(struct json_out *o, const char *bracket)
{
    ASSERT(o->depth > 0 && !o->after_name);
    o->depth--;
    out_bytes(o, bracket, 1);
}

void json_out_object(struct json_out *o)
{
    out_open(o, "{");
}

void json_out_object_end(struct json_out *o)
{
    out_close(o, "}");
}

void json_out_array(struct json_out *o)
{
    out_open(o, "[");
}

void json_out_array_end(struct json_out *o)
{
    out_close(o, "]");
}

/* One character that may not stand as it is. */
static void out_escape(struct json_out *o, unsigned char c)
{
    static const char short_forms[][3] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f",
        ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"
    };
    char text[7];

    if (c < sizeof(short_forms) / sizeof(short_forms[0]) && short_forms[c][0] != '\0') {
        out_bytes(o, short_forms[c], 2);
        return;
    }
    (void)snprintf(text, sizeof(text), "\\u%04x", c);
    out_bytes(o, text, 6);
}

/* Length of the longest well-formed UTF-8 prefix of a sequence that starts at s.p, at most 4
 * bytes; 0 = bad. */
static size_t out_sequence(struct str s)
{
    for (size_t len = 2; len <= 4 && len <= s.len; len++) {
        if (str_is_utf8((struct str){ s.p, len })) {
            return len;
        }
    }
    return 0;
}

static void out_string(struct json_out *o, struct str s)
{
    bool is_clean = str_is_utf8(s);
    size_t from = 0;
    size_t at = 0;

    out_bytes(o, "\"", 1);
    while (at < s.len) {
        unsigned char c = (unsigned char)s.p[at];
        size_t len = 1;

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && (c < 0x80 || is_clean)) {
            at++;
            continue;
        }
        if (c >= 0x80) {
            len = out_sequence(str_sub(s, at, s.len));
            if (len > 0) {
                at += len;
                continue;
            }
            len = 1;
        }
        out_bytes(o, s.p + from, at - from);
        if (c >= 0x80) {
            out_bytes(o, "\xef\xbf\xbd", 3);
        } else {
            out_escape(o, c);
        }
        at += len;
        from = at;
    }
    out_bytes(o, s.len == 0 ? "" : s.p + from, s.len - from);
    out_bytes(o, "\"", 1);
}

void json_out_name(struct json_out *o, const char *name)
{
    json_out_name_str(o, str_from(name));
}

void json_out_name_str(struct json_out *o, struct str name)
{
    ASSERT(!o->after_name);
    out_before(o);
    out_string(o, name);
    out_bytes(o, ":", 1);
    o->after_name = true;
}

void json_out_str(struct json_out *o, struct str s)
{
    out_before(o);
    out_string(o, s);
}

void json_out_c(struct json_out *o, const char *s)
{
    if (s == NULL) {
        json_out_null(o);
    } else {
        json_out_str(o, str_from(s));
    }
}

void json_out_int(struct json_out *o, int64_t i)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)i);

    out_before(o);
    out_bytes(o, text, (size_t)len);
}

void json_out_bool(struct json_out *o, bool b)
{
    out_before(o);
    out_bytes(o, b ? "true" : "false", b ? 4 : 5);
}

void json_out_null(struct json_out *o)
{
    out_before(o);
    out_bytes(o, "null", 4);
}

void json_out_raw(struct json_out *o, struct str json)
{
    out_before(o);
    out_bytes(o, json.p, json.len);
}

void json_out_value(struct json_out *o, const struct json *v)
{
    out_before(o);
    if (o->rc == 0) {
        o->rc = json_write(v, o->buf);
    }
}

void json_put_str(struct json_out *o, const char *name, struct str s)
{
    json_out_name(o, name);
    json_out_str(o, s);
}

void json_put_c(struct json_out *o, const char *name, const char *s)
{
    json_out_name(o, name);
    json_out_c(o, s);
}

void json_put_int(struct json_out *o, const char *name, int64_t i)
{
    json_out_name(o, name);
    json_out_int(o, i);
}

void json_put_bool(struct json_out *o, const char *name, bool b)
{
    json_out_name(o, name);
    json_out_bool(o, b);
}

void json_put_time(struct json_out *o, const char *name, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];

    json_out_name(o, name);
    if (wall_ms == 0) {
        json_out_null(o);
        return;
    }
    clock_format(wall_ms, text);
    json_out_c(o, text);
}

void json_put_raw(struct json_out *o, const char *name, struct str json)
{
    json_out_name(o, name);
    if (json.p == NULL) {
        json_out_null(o);
    } else {
        json_out_raw(o, json);
    }
}
