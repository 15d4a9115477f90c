/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of RFC 7396, appendix A, and what they leave open. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "json/patch.h"

static struct json_doc *parse(const char *text)
{
    struct json_doc *doc;

    assert_int_equal(json_parse(str_from(text), JSON_DEPTH_MAX, &doc, NULL), 0);
    return doc;
}

static void test_examples(void **state)
{
    static const struct {
        const char *target, *patch, *result;
    } rows[] = {
        { "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
        { "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
        { "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
        { "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
        { "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
        { "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
        { "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
          "{\"a\":{\"b\":\"d\"}}" },
        { "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
        { "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
        { "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
        { "{\"a\":\"foo\"}", "null", "null" },
        { "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
        { "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
        { "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
        { "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
        /* Numbers stay as they are written, names may be anything. */
        { "{\"n\":1.500,\"\":0}", "{\"\\u0000\":1e2}", "{\"n\":1.500,\"\":0,\"\\u0000\":1e2}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_doc *target = parse(rows[i].target);
        struct json_doc *patch = parse(rows[i].patch);
        struct json_out o;
        struct buf out;

        buf_init(&out, 4096);
        assert_int_equal(patch_check(json_root(patch)), 0);
        json_out_begin(&o, &out);
        patch_merge(&o, json_root(target), json_root(patch));
        assert_int_equal(json_out_end(&o), 0);
        assert_string_equal(out.p, rows[i].result);
        buf_done(&out);
        json_doc_free(patch);
        json_doc_free(target);
    }
}

static void test_depth(void **state)
{
    struct buf text;
    struct json_doc *doc;

    (void)state;
    for (int depth = PATCH_DEPTH_MAX; depth <= PATCH_DEPTH_MAX + 1; depth++) {
        buf_init(&text, 4096);
        for (int i = 0; i < depth; i++) {
            assert_int_equal(buf_add_c(&text, i + 1 == depth ? "{" : "{\"a\":"), 0);
        }
        for (int i = 0; i < depth; i++) {
            assert_int_equal(buf_add_c(&text, "}"), 0);
        }
        doc = parse(text.p);
        assert_int_equal(patch_check(json_root(doc)),
                         depth > PATCH_DEPTH_MAX ? -E_TOO_LARGE : 0);
        json_doc_free(doc);
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
