/* SPDX-License-Identifier: Apache-2.0 */
/* What an endpoint asks for, read from its document; the four shapes; what one publish may use in all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "engine/payload.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char body[] = "{\"id\":\"evt_1\",\"type\":\"user.created\",\"created_at\":\"2026-"
                           "01-31T12:00:00.000Z\",\"data\":"
                           "{\"id\":\"u/1\",\"tags\":[\"a\",\"b\"],\"n\":9007199254740993}}";

struct rig {
    struct arena arena;
    struct json_doc *config, *type;
    const struct payload_plan *plan;
    struct payload_resource resource;
    struct str pointers[PAYLOAD_FIELDS];
    uint64_t steps;
    size_t bytes;
    struct payload_event event;
};

static void rig_open(struct rig *x, const char *config, const char *type)
{
    *x = (struct rig){ .steps = PAYLOAD_STEPS_MAX, .bytes = PAYLOAD_BYTES_MAX };
    arena_init(&x->arena);
    assert_int_equal(json_parse(str_from(config), JSON_DEPTH_MAX, &x->config, NULL), 0);
    assert_int_equal(json_parse(str_from(type), JSON_DEPTH_MAX, &x->type, NULL), 0);
    x->plan = payload_plan_read(json_root(x->config), &x->arena);
    payload_resource_read(json_root(x->type), &x->arena, &x->resource);
    x->pointers[PAYLOAD_WORKSPACES] = STR("/workspace");
    x->pointers[PAYLOAD_CAMPAIGNS] = STR("/campaign");
    x->pointers[PAYLOAD_CONTACT_TAGS] = STR("/tags");
    x->event = (struct payload_event){ .arena = &x->arena,
                                       .pointers = x->pointers,
                                       .resource = &x->resource,
                                       .body = str_from(body),
                                       .steps = &x->steps,
                                       .bytes = &x->bytes };
}

static void rig_close(struct rig *x)
{
    payload_event_done(&x->event);
    json_doc_free(x->config);
    json_doc_free(x->type);
    arena_done(&x->arena);
}

static void test_nothing_asked(void **state)
{
    static const char *const configs[] = {
        "{}",
        "{\"url\":\"https://x\",\"event_types\":[]}",
        "{\"channels\":[],\"workspaces\":[],\"campaigns\":[],\"contact_tags\":[],\"filter\":"
        "null,"
        "\"payload_style\":\"snapshot\",\"envelope\":\"native\",\"transform\":null}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(configs); i++) {
        struct rig x;

        rig_open(&x, configs[i], "{}");
        assert_null(x.plan);
        rig_close(&x);
    }
}

static void test_shapes(void **state)
{
    static const char type[] = "{\"resource\":{\"type\":\"user\",\"id_pointer\":\"/"
                               "id\",\"url\":\"https://a/u/{id}\"}}";
    static const struct {
        const char *config, *sent, *detail;
    } rows[] = {
        { "{\"contact_tags\":[\"b\"]}", NULL, NULL },
        { "{\"filter\":{\"n\":9007199254740993}}", NULL, NULL },
        { "{\"envelope\":\"standard\"}",
          "{\"type\":\"user.created\",\"timestamp\":\"2026-01-31T12:00:00.000Z\",\"data\":{"
          "\"id\":\"u/"
          "1\",\"tags\":[\"a\",\"b\"],\"n\":9007199254740993}}",
          NULL },
        { "{\"payload_style\":\"thin\"}",
          "{\"id\":\"evt_1\",\"type\":\"user.created\",\"created_at\":\"2026-01-31T12:00:00."
          "000Z\","
          "\"resource\":{\"type\":\"user\",\"id\":\"u/1\",\"url\":\"https://a/u/u%2F1\"}}",
          NULL },
        { "{\"payload_style\":\"thin\",\"envelope\":\"standard\"}",
          "{\"type\":\"user.created\",\"timestamp\":\"2026-01-31T12:00:00.000Z\",\"data\":{"
          "\"type\":"
          "\"user\",\"id\":\"u/1\",\"url\":\"https://a/u/u%2F1\"}}",
          NULL },
        { "{\"transform\":{\"expression\":\"data.n\"}}", "9007199254740993", NULL },
        { "{\"transform\":{\"expression\":\"[timestamp, id]\"},\"envelope\":\"standard\"}",
          "[\"2026-01-31T12:00:00.000Z\",null]", NULL },
        { "{\"transform\":{\"expression\":\"resource.id\"},\"payload_style\":\"thin\"}",
          "\"u/1\"", NULL },
        { "{\"transform\":{\"expression\":\"abs(type)\"}}", NULL,
          "transform: invalid-type: abs takes number, not string." },
        { "{\"transform\":{\"expression\":\"a.\"}}", NULL,
          "the endpoint's filter or transform is not understood any more" },
        { "{\"filter\":{\"a\":{\"$near\":1}}}", NULL,
          "the endpoint's filter or transform is not understood any more" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct payload made;
        struct rig x;

        rig_open(&x, rows[i].config, type);
        assert_non_null(x.plan);
        payload_make(x.plan, &x.event, &made);
        assert_int_equal(made.verdict, rows[i].detail == NULL ? PAYLOAD_SEND : PAYLOAD_FAILED);
        if (rows[i].detail != NULL) {
            assert_true(str_eq_c(made.detail, rows[i].detail));
        } else if (rows[i].sent == NULL) {
            assert_null(made.body.p);
        } else if (!str_eq_c(made.body, rows[i].sent)) {
            fail_msg("%s: %.*s", rows[i].config, STR_ARG(made.body));
        }
        rig_close(&x);
    }
}

static void test_rules(void **state)
{
    static const struct {
        const char *config, *channels, *rule;
    } rows[] = {
        { "{\"channels\":[\"x\"]}", NULL, "/channels" },
        { "{\"channels\":[\"x\"]}", "[\"y\"]", "/channels" },
        { "{\"channels\":[\"x\"]}", "[\"y\",\"x\"]", NULL },
        { "{\"workspaces\":[\"w\"]}", NULL, "/workspaces" },
        { "{\"contact_tags\":[\"c\"]}", NULL, "/contact_tags" },
        { "{\"contact_tags\":[\"c\",\"a\"],\"filter\":{\"n\":1}}", NULL, "/filter/n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct payload made;
        struct rig x;

        rig_open(&x, rows[i].config, "{}");
        x.event.channels = str_from(rows[i].channels);
        payload_choose(x.plan, &x.event, &made);
        assert_int_equal(made.verdict, rows[i].rule == NULL ? PAYLOAD_SEND : PAYLOAD_FILTERED);
        assert_true(rows[i].rule == NULL || str_eq_c(made.detail, rows[i].rule));
        rig_close(&x);
    }
}

/* Nobody knows what a filter would have said: the delivery fails, it is not filtered. */
static void test_steps_in_all(void **state)
{
    static const char *const configs[] = {
        "{\"filter\":{\"n\":1}}",
        "{\"contact_tags\":[\"x\"]}",
        "{\"transform\":{\"expression\":\"data\"}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(configs); i++) {
        struct payload made;
        unsigned runs = 0;
        struct rig x;

        rig_open(&x, configs[i], "{}");
        x.steps = 20;
        do {
            payload_make(x.plan, &x.event, &made);
            runs++;
        } while (made.verdict != PAYLOAD_FAILED && runs < 100);
        assert_in_range(runs, 2, 21);
        assert_true(made.detail.len > 0);
        rig_close(&x);
    }
}

static void test_bytes_in_all(void **state)
{
    struct payload made;
    struct rig x;

    (void)state;
    rig_open(&x, "{\"envelope\":\"standard\"}", "{}");
    payload_make(x.plan, &x.event, &made);
    assert_int_equal(made.verdict, PAYLOAD_SEND);
    assert_int_equal(x.bytes, PAYLOAD_BYTES_MAX - made.body.len);
    x.bytes = made.body.len;
    payload_make(x.plan, &x.event, &made);
    assert_int_equal(made.verdict, PAYLOAD_SEND);
    payload_make(x.plan, &x.event, &made);
    assert_int_equal(made.verdict, PAYLOAD_FAILED);
    rig_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_asked), cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_rules),         cmocka_unit_test(test_steps_in_all),
        cmocka_unit_test(test_bytes_in_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
