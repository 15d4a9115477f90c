/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: what can be read is written, read again the same; its parts and any bytes as a string too. */
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "fuzz.h"
#include "json/form.h"

enum { FUZZ_OUT_MAX = 64 * 1024 * 1024 };

/* Every value and name is reached by the iterator and by its place. */
static void walk(const struct json *v, size_t depth)
{
    struct json_iter it = json_iter(v);
    const struct json *item;
    struct str name = STR_NONE;
    size_t n = 0;

    ASSERT(depth <= JSON_DEPTH_MAX);
    while ((item = json_next(&it, &name)) != NULL) {
        ASSERT(json_type(v) == JSON_ARRAY || str_is_utf8(name));
        ASSERT(json_type(item) != JSON_STRING || str_is_utf8(json_string(item)));
        ASSERT(json_type(item) != JSON_NUMBER || json_number(item).len > 0);
        n++;
        walk(item, depth + 1);
    }
    ASSERT(n == json_count(v));
}

static void again(const struct json *root)
{
    struct json_doc *doc = NULL;
    struct json_out o;
    struct buf one;
    struct buf two;

    buf_init(&one, FUZZ_OUT_MAX);
    buf_init(&two, FUZZ_OUT_MAX);
    ASSERT(json_write(root, &one) == 0);
    ASSERT(json_parse(buf_str(&one), JSON_DEPTH_MAX, &doc, NULL) == 0);
    json_out_begin(&o, &two);
    json_out_value(&o, json_root(doc));
    ASSERT(json_out_end(&o) == 0);
    ASSERT(str_eq(buf_str(&one), buf_str(&two)));
    json_doc_free(doc);
    buf_done(&one);
    buf_done(&two);
}

/* The reader of forms over an object that nobody expected. */
static void form(const struct json *root)
{
    struct form_faults faults;
    struct arena arena;
    struct form f;
    const struct json *map;
    struct str s;
    int64_t i;

    arena_init(&arena);
    form_faults_init(&faults, &arena);
    form_begin(&f, root, STR("/x"), &faults);
    (void)form_string(&f, "a", true, 1, 8, &s);
    (void)form_int(&f, "b", false, -9, 9, &i);
    (void)form_time(&f, "c", false, &i);
    (void)form_string_map(&f, "d", 4, 8, 8, &map);
    form_end(&f);
    ASSERT(faults.count <= FORM_FAULTS_MAX);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    struct json_out o;
    struct buf out;

    if (json_parse(text, JSON_DEPTH_MAX, &doc, &err) == 0) {
        walk(json_root(doc), 0);
        again(json_root(doc));
        form(json_root(doc));
    } else {
        ASSERT(err.code == -E_JSON && err.text[0] != '\0');
    }
    json_doc_free(doc);

    /* The same bytes as a string. */
    buf_init(&out, FUZZ_OUT_MAX);
    json_out_begin(&o, &out);
    json_out_str(&o, text);
    ASSERT(json_out_end(&o) == 0);
    ASSERT(json_parse(buf_str(&out), 0, &doc, NULL) == 0);
    ASSERT(!str_is_utf8(text) || str_eq(json_string(json_root(doc)), text));
    json_doc_free(doc);
    buf_done(&out);
    return 0;
}
