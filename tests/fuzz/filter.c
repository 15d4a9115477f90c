/* SPDX-License-Identifier: Apache-2.0 */
/* A filter, a line feed, data: any bytes. What is refused has a fault; what is taken gives the same answer twice. */
#include "json/filter.h"

#include "base/assert.h"
#include "fuzz.h"

static void match(const struct filter *filter, struct str text)
{
    struct filter_result one = { .matches = false };
    struct filter_result two = { .matches = false };
    uint64_t steps = FILTER_STEPS_MAX;
    uint64_t again = FILTER_STEPS_MAX;
    struct json_doc *doc = NULL;

    if (json_parse(text, JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return;
    }
    if (filter_match(filter, json_root(doc), &steps, &one) == 0) {
        ASSERT(filter_match(filter, json_root(doc), &again, &two) == 0);
        ASSERT(steps == again && one.matches == two.matches);
        ASSERT(one.matches || str_starts(one.rule, STR("/filter/")));
    }
    json_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    size_t cut = str_find(text, '\n');
    const struct filter *filter = NULL;
    struct form_faults faults;
    struct json_doc *doc = NULL;
    struct arena arena;

    if (json_parse(str_sub(text, 0, cut), JSON_DEPTH_MAX, &doc, NULL) != 0) {
        return 0;
    }
    arena_init(&arena);
    form_faults_init(&faults, &arena);
    if (filter_compile(json_root(doc), STR("/filter"), &arena, &faults, &filter) == 0) {
        ASSERT(faults.count == 0);
        json_doc_free(doc);
        doc = NULL;
        match(filter, str_sub(text, cut + 1, size));
    } else {
        ASSERT(faults.count > 0 && str_starts(faults.rows[0].pointer, STR("/filter")));
    }
    json_doc_free(doc);
    arena_done(&arena);
    return 0;
}
