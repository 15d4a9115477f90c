/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of notices: facts, escaping, the operator's own files. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/notice.h"
#include "engine/notice_facts.h"
#include "engine/notice_text.h"

static const struct notice_fact facts[] = {
    { "event_id", { "evt_1", 5 } },
    { "event_type", { "invoice.paid", 12 } },
    { "endpoint_name", { "<b>\nBill\r", 9 } },
    { "endpoint_url", { "https://a.test/x?y=1&z=2", 24 } },
    { "retried", { "It's been retried for 3 days.", 29 } },
};
enum { FACTS = sizeof(facts) / sizeof(facts[0]) };

struct texts {
    struct notice_texts *t;
    struct buf subject, text, html;
};

static struct texts texts_of(const char *dir)
{
    struct texts x = { NULL, { 0 }, { 0 }, { 0 } };

    assert_int_equal(notice_texts_new(str_from(dir), &x.t, NULL), 0);
    buf_init(&x.subject, 4096);
    buf_init(&x.text, NOTICE_TEXT_MAX);
    buf_init(&x.html, 4 * NOTICE_FILE_MAX);
    return x;
}

static void texts_done(struct texts *x)
{
    notice_texts_free(x->t);
    buf_done(&x->subject);
    buf_done(&x->text);
    buf_done(&x->html);
}

static void every_kind_has_its_text(void **state)
{
    struct texts x = texts_of(NULL);
    int kinds = 0;

    (void)state;
    for (int64_t kind = 1; kind < 100; kind++) {
        const char *name = notice_kind_name(kind);

        if (name == NULL) {
            continue;
        }
        kinds++;
        buf_clear(&x.subject);
        buf_clear(&x.text);
        assert_int_equal(notice_texts_plain(x.t, name, facts, FACTS, &x.subject, &x.text), 0);
        assert_true(x.subject.len > 0 && x.text.len > 0);
        assert_null(strstr(x.text.p, "{{"));
        assert_int_equal(notice_kind_parse(str_from(name)), kind);
        assert_non_null(notice_event_type(kind));
    }
    assert_int_equal(kinds, 13);
    assert_int_equal(notice_kind_parse(STR("nothing")), -1);
    assert_null(notice_event_type(99));
    texts_done(&x);
}

static void the_sentences_hold_the_values(void **state)
{
    struct texts x = texts_of(NULL);

    (void)state;
    assert_int_equal(
        notice_texts_plain(x.t, "delivery-exhausted", facts, FACTS, &x.subject, &x.text), 0);
    assert_string_equal(x.subject.p, "We couldn't deliver invoice.paid to <b> Bill ");
    assert_non_null(strstr(x.text.p, "We couldn't deliver event evt_1 (invoice.paid) to your "
                                     "endpoint https://a.test/x?y=1&z=2. It's been retried for "
                                     "3 days. Check your endpoint and replay from the "
                                     "dashboard."));
    assert_int_equal(notice_texts_html(x.t, "delivery-exhausted", facts, FACTS,
                                       buf_str(&x.subject), buf_str(&x.text),
                                       STR("Stop: https://s.test/u"), &x.html),
                     0);
    assert_null(strstr(x.html.p, "<b>"));
    assert_non_null(strstr(x.html.p, "&lt;b&gt;"));
    assert_non_null(
        strstr(x.html.p, "<a href=\"https://a.test/x?y=1&amp;z=2\">https://a.test"));
    assert_non_null(strstr(x.html.p, "<a href=\"https://s.test/u\">"));
    assert_int_equal(notice_texts_plain(x.t, "no-such", facts, FACTS, &x.subject, &x.text),
                     -E_NOT_FOUND);
    texts_done(&x);
}

static void a_long_subject_is_cut_at_a_character(void **state)
{
    struct texts x = texts_of(NULL);
    char name[501];
    struct notice_fact fact = { "endpoint_name", { name, 500 } };

    (void)state;
    for (size_t i = 0; i < 500; i += 2) {
        memcpy(name + i, "\xc3\xa4", 2);
    }
    assert_int_equal(notice_texts_plain(x.t, "endpoint-failing", &fact, 1, &x.subject, &x.text),
                     0);
    assert_true(x.subject.len <= NOTICE_SUBJECT_MAX && x.subject.len > 190);
    assert_true(str_is_utf8(buf_str(&x.subject)));
    texts_done(&x);
}

static void put(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    assert_true(snprintf(path, sizeof(path), "%s/%s", dir, name) > 0);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void the_operators_files_go_first(void **state)
{
    char dir[] = "/tmp/notice_test.XXXXXX";
    char path[256];
    struct notice_texts *bad = NULL;
    struct err err = { .text = "" };
    struct texts x;

    (void)state;
    assert_non_null(mkdtemp(dir));
    put(dir, "auto-paused.txt", "Subject: Stopped {{event_id}}\n\nOh {{nothing}}no.\n");
    put(dir, "auto-paused.html", "<i>{{endpoint_name}}</i>{{paragraphs}}");
    x = texts_of(dir);
    assert_int_equal(notice_texts_plain(x.t, "auto-paused", facts, FACTS, &x.subject, &x.text),
                     0);
    assert_string_equal(x.subject.p, "Stopped evt_1");
    assert_string_equal(x.text.p, "Oh no.\n");
    assert_int_equal(notice_texts_html(x.t, "auto-paused", facts, FACTS, buf_str(&x.subject),
                                       buf_str(&x.text), STR_NONE, &x.html),
                     0);
    assert_string_equal(x.html.p, "<i>&lt;b&gt;\nBill\r</i><p>Oh no.</p>\n");
    texts_done(&x);
    put(dir, "auto-paused.txt", "no subject\n");
    assert_int_equal(notice_texts_new(str_from(dir), &bad, &err), -E_CONFIG);
    assert_non_null(strstr(err.text, "auto-paused.txt"));
    for (size_t i = 0; i < 2; i++) {
        assert_true(snprintf(path, sizeof(path), "%s/auto-paused.%s", dir,
                             i == 0 ? "txt" : "html") > 0);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void durations_are_words(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = { { 0, "0 seconds" },
                 { 1000, "1 second" },
                 { 90 * 1000, "90 seconds" },
                 { 41 * 60000, "41 minutes" },
                 { 36 * 3600000LL, "36 hours" },
                 { 3 * 86400000LL, "3 days" } };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(str_eq_c(notice_duration(&arena, rows[i].ms), rows[i].text));
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_text),
        cmocka_unit_test(the_sentences_hold_the_values),
        cmocka_unit_test(a_long_subject_is_cut_at_a_character),
        cmocka_unit_test(the_operators_files_go_first),
        cmocka_unit_test(durations_are_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
