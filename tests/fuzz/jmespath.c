/* SPDX-License-Identifier: Apache-2.0 */
/* An expression, a line feed, a value: any bytes. A result is JSON within the limits, and the same twice. */
#include "json/jmespath.h"

#include "base/assert.h"
#include "fuzz.h"

enum { RESULT_DEPTH_MAX = 64 };

static void apply(const struct jmespath *expression, struct str text)
{
    uint64_t steps = JMESPATH_STEPS_MAX;
    uint64_t again = JMESPATH_STEPS_MAX;
    struct jmespath_fault fault;
    struct json_doc *doc = NULL;
    struct json_doc *result = NULL;
    struct buf one;
    struct buf two;

    /* An expression nests what it is given, so half of the levels are left for it. */
    if (json_parse(text, RESULT_DEPTH_MAX / 2, &doc, NULL) != 0) {
        return;
    }
    buf_init(&one, JMESPATH_OUTPUT_MAX);
    buf_init(&two, JMESPATH_OUTPUT_MAX);
    if (jmespath_run(expression, json_root(doc), &steps, &one, &fault) == 0) {
        struct err err = { 0 };
        int rc = json_parse(buf_str(&one), JSON_DEPTH_MAX, &result, &err);

        ASSERT(rc == 0 || str_starts(str_from(err.text), STR("The JSON is nested")));
        ASSERT(jmespath_run(expression, json_root(doc), &again, &two, &fault) == 0);
        ASSERT(steps == again && str_eq(buf_str(&one), buf_str(&two)));
    } else {
        ASSERT(fault.error != JMESPATH_OK && fault.text[0] != '\0' && one.len == 0);
    }
    json_doc_free(result);
    json_doc_free(doc);
    buf_done(&two);
    buf_done(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    size_t cut = str_find(text, '\n');
    const struct jmespath *expression = NULL;
    struct jmespath_fault fault;
    struct arena arena;

    arena_init(&arena);
    if (jmespath_compile(str_sub(text, 0, cut), &arena, &expression, &fault) == 0) {
        apply(expression, str_sub(text, cut + 1, size));
    } else {
        ASSERT(fault.error != JMESPATH_OK && fault.text[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
