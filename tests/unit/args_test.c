/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: every form of a flag, every fault with its sentence, and the candidates of completion. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/help.h"

enum { WORDS_MAX = ARGS_WORDS_MAX + 8, WORD_SIZE = 64 };

static const struct arg_spec specs[] = {
    { "name", ARG_TEXT, 'n', "TEXT", "a name", 0, 0 },
    { "count", ARG_INT, 'c', "N", "a count", -5, 10 },
    { "wait", ARG_DURATION, 0, "TIME", "a time", 10, 3600000 },
    { "deep", ARG_SWITCH, 'd', NULL, "a switch", 0, 0 },
    { "tag", ARG_LIST, 't', "TAG", "a list", 0, 0 },
};
static const struct arg_table table = { specs, sizeof(specs) / sizeof(specs[0]) };
static const struct arg_table *const tables[] = { &cli_common_flags, &table };

static char words[WORDS_MAX][WORD_SIZE];
static char *argv[WORDS_MAX];
static struct args args;

/* Splits at blanks; a word of one underscore is an empty one. */
static int parse(const char *line, struct err *err)
{
    struct str left = str_from(line);
    struct str word;
    int argc = 0;

    while (left.len > 0 && str_split(&left, ' ', &word)) {
        assert_true(word.len < WORD_SIZE && argc < WORDS_MAX);
        memset(words[argc], 0, WORD_SIZE);
        if (!str_eq_c(word, "_")) {
            memcpy(words[argc], word.p, word.len);
        }
        argv[argc] = words[argc];
        argc++;
    }
    return args_parse(tables, 2, argc, argv, &args, err);
}

static void every_form_is_read(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(
        parse("list --name=a --count 7 -d one -tx --tag y=z --wait 5m - -- --name", &err), 0);
    assert_string_equal(args_text(&args, "name", NULL), "a");
    assert_int_equal(args_number(&args, "count", 0), 7);
    assert_int_equal(args_number(&args, "wait", 0), 300000);
    assert_true(args_on(&args, "deep"));
    assert_int_equal(args_get(&args, "tag")->item_count, 2);
    assert_string_equal(args_get(&args, "tag")->items[0], "x");
    assert_string_equal(args_get(&args, "tag")->items[1], "y=z");
    assert_int_equal(args.word_count, 4);
    assert_string_equal(args.words[0], "list");
    assert_string_equal(args.words[1], "one");
    assert_string_equal(args.words[2], "-");
    assert_string_equal(args.words[3], "--name");
    assert_false(args_on(&args, "json"));
}

static void absent_flags_give_the_default(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(parse("", &err), 0);
    assert_false(args_given(&args, "name"));
    assert_null(args_text(&args, "name", NULL));
    assert_string_equal(args_text(&args, "name", "x"), "x");
    assert_int_equal(args_number(&args, "count", 42), 42);
    assert_int_equal(args.word_count, 0);
}

static void switches_can_be_false(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(parse("--deep=false", &err), 0);
    assert_true(args_given(&args, "deep"));
    assert_false(args_on(&args, "deep"));
    assert_int_equal(parse("--name= -n", &err), -E_USAGE);
    assert_int_equal(parse("--name=", &err), 0);
    assert_string_equal(args_text(&args, "name", "x"), "");
}

static void times_have_units(void **state)
{
    static const struct {
        const char *line;
        int64_t ms;
    } rows[] = { { "--wait 500ms", 500 },
                 { "--wait 5s", 5000 },
                 { "--wait 2m", 120000 },
                 { "--wait 1h", 3600000 },
                 { "--wait 30", 30000 } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = { 0 };

        assert_int_equal(parse(rows[i].line, &err), 0);
        assert_int_equal(args_number(&args, "wait", 0), rows[i].ms);
    }
}

static void faults_say_what(void **state)
{
    static const struct {
        const char *line;
        const char *says;
    } rows[] = {
        { "--nmae x", "unknown flag --nmae; did you mean --name?" },
        { "--zzzzzz", "unknown flag --zzzzzz" },
        { "-x", "unknown flag -x" },
        { "--name", "--name needs a value (TEXT)" },
        { "-n", "--name needs a value (TEXT)" },
        { "--count seven", "--count needs a whole number from -5 to 10" },
        { "--count 11", "--count needs a whole number from -5 to 10" },
        { "--count=", "--count needs a whole number" },
        { "--wait soon", "--wait needs a time" },
        { "--wait 9ms", "--wait must be between 10 and 3600000 ms" },
        { "--wait 2h", "--wait must be between" },
        { "--wait -5s", "--wait needs a time" },
        { "--deep=maybe", "--deep takes no value, or true or false" },
        { "--name a --name b", "--name is given twice" },
        { "--deep --deep", "--deep is given twice" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = { 0 };

        assert_int_equal(parse(rows[i].line, &err), -E_USAGE);
        if (strstr(err.text, rows[i].says) == NULL) {
            fail_msg("`%s` says: %s", rows[i].line, err.text);
        }
    }
}

static void numbers_of_things_are_limited(void **state)
{
    static char one[WORD_SIZE] = "-ta";
    static char word[WORD_SIZE] = "w";
    struct err err = { 0 };

    (void)state;
    for (int i = 0; i < WORDS_MAX; i++) {
        argv[i] = one;
    }
    assert_int_equal(args_parse(tables, 2, ARGS_ITEMS_MAX, argv, &args, &err), 0);
    assert_int_equal(args_parse(tables, 2, ARGS_ITEMS_MAX + 1, argv, &args, &err), -E_USAGE);
    for (int i = 0; i < WORDS_MAX; i++) {
        argv[i] = word;
    }
    assert_int_equal(args_parse(tables, 2, ARGS_WORDS_MAX, argv, &args, &err), 0);
    assert_int_equal(args_parse(tables, 2, ARGS_WORDS_MAX + 1, argv, &args, &err), -E_USAGE);
}

static void output_and_color_are_read(void **state)
{
    static const struct {
        const char *line;
        int rc;
        enum cli_output output;
        bool color;
    } rows[] = {
        { "", 0, OUTPUT_TABLE, false },
        { "--json", 0, OUTPUT_JSON, false },
        { "-o json", 0, OUTPUT_JSON, false },
        { "-ocompact --color=always", 0, OUTPUT_COMPACT, true },
        { "--output table --color never", 0, OUTPUT_TABLE, false },
        { "--json -o json", 0, OUTPUT_JSON, false },
        { "--json -o table", -E_USAGE, OUTPUT_TABLE, false },
        { "-o yaml", -E_USAGE, OUTPUT_TABLE, false },
        { "--color sometimes", -E_USAGE, OUTPUT_TABLE, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = { 0 };
        struct cli cli;

        assert_int_equal(parse(rows[i].line, &err), 0);
        assert_int_equal(cli_init(&cli, &args, &err), rows[i].rc);
        if (rows[i].rc == 0) {
            assert_int_equal(cli.output, rows[i].output);
            assert_true(cli.color_out == rows[i].color);
        }
    }
}

static const struct command things = {
    .name = "things",
    .summary = "Things of a test",
    .examples = "  postern things list\n",
    .usage = "list|get|delete [ID...]",
    .tables = { &table },
};
static const struct command theirs = { .name = "theirs", .usage = "[FLAGS]", .examples = "" };
static const struct command hidden = { .name = "thin", .usage = "", .is_hidden = true };
static const struct command *const commands[] = { &things, &theirs, &hidden };

static void completion_offers_what_may_stand_there(void **state)
{
    static const struct {
        const char *words[3];
        int count;
        const char *offers;
    } rows[] = {
        { { "" }, 1, "things\ntheirs\n" },
        { { "th" }, 1, "things\ntheirs\n" },
        { { "thi" }, 1, "things\n" },
        { { "x" }, 1, "" },
        { { NULL }, 0, "things\ntheirs\n" },
        { { "things", "" }, 2, "list\nget\ndelete\n" },
        { { "things", "d" }, 2, "delete\n" },
        { { "things", "list", "" }, 3, "" },
        { { "things", "list", "--t" }, 3, "--tag\n" },
        { { "things", "-" },
          2,
          "--help\n--json\n--output\n--color\n--name\n--count\n--wait\n--deep\n--tag\n" },
        { { "theirs", "" }, 2, "" },
        { { "thin", "" }, 2, "" },
        { { "unknown", "" }, 2, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out;

        buf_init(&out, 4096);
        assert_int_equal(complete_words(commands, 3, rows[i].count, rows[i].words, &out), 0);
        assert_string_equal(out.p, rows[i].offers);
        buf_done(&out);
    }
}

static void help_begins_with_examples(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    assert_int_equal(help_command(&things, &out), 0);
    assert_memory_equal(out.p, "Examples:\n  postern things list\n", 32);
    assert_non_null(strstr(out.p, "Usage: postern things list|get|delete [ID...]\n"));
    assert_non_null(strstr(out.p, "-n, --name TEXT"));
    assert_non_null(strstr(out.p, "-o, --output FORM"));
    buf_clear(&out);
    assert_int_equal(help_all(commands, 3, &out), 0);
    assert_memory_equal(out.p, "Examples:\n", 10);
    assert_non_null(strstr(out.p, "  things "));
    assert_null(strstr(out.p, "  thin "));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(absent_flags_give_the_default),
        cmocka_unit_test(switches_can_be_false),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(faults_say_what),
        cmocka_unit_test(numbers_of_things_are_limited),
        cmocka_unit_test(output_and_color_are_read),
        cmocka_unit_test(completion_offers_what_may_stand_there),
        cmocka_unit_test(help_begins_with_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
