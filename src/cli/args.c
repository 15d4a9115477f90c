/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "server/suggest.h"

enum { SHOWN_MAX = 64 };

const struct arg_value *args_get(const struct args *args, const char *name)
{
    for (size_t i = 0; i < args->value_count; i++) {
        if (strcmp(args->values[i].spec->name, name) == 0) {
            return &args->values[i];
        }
    }
    ASSERT(!"a flag of this command's tables");
    return NULL;
}

bool args_given(const struct args *args, const char *name)
{
    return args_get(args, name)->given;
}

bool args_on(const struct args *args, const char *name)
{
    return args_get(args, name)->on;
}

const char *args_text(const struct args *args, const char *name, const char *otherwise)
{
    const struct arg_value *value = args_get(args, name);

    return value->given ? value->text : otherwise;
}

int64_t args_number(const struct args *args, const char *name, int64_t otherwise)
{
    const struct arg_value *value = args_get(args, name);

    return value->given ? value->number : otherwise;
}

static struct arg_value *find_name(struct args *args, struct str name)
{
    for (size_t i = 0; i < args->value_count; i++) {
        if (str_eq_c(name, args->values[i].spec->name)) {
            return &args->values[i];
        }
    }
    return NULL;
}

static struct arg_value *find_letter(struct args *args, char letter)
{
    for (size_t i = 0; i < args->value_count; i++) {
        if (args->values[i].spec->letter == letter) {
            return &args->values[i];
        }
    }
    return NULL;
}

static int unknown_flag(const struct args *args, struct str name, struct err *err)
{
    const char *names[ARGS_SPECS_MAX];
    const char *nearest;

    for (size_t i = 0; i < args->value_count; i++) {
        names[i] = args->values[i].spec->name;
    }
    nearest = suggest_nearest(name, names, args->value_count);
    return err_set(err, -E_USAGE, "unknown flag --%.*s%s%s%s",
                   (int)(name.len < SHOWN_MAX ? name.len : SHOWN_MAX), name.p,
                   nearest == NULL ? "" : "; did you mean --", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "?");
}

static int read_switch(struct arg_value *value, struct str text, struct err *err)
{
    if (text.p == NULL || str_eq_c(text, "true")) {
        value->on = true;
    } else if (str_eq_c(text, "false")) {
        value->on = false;
    } else {
        return err_set(err, -E_USAGE, "--%s takes no value, or true or false",
                       value->spec->name);
    }
    value->text = value->on ? "true" : "false";
    return 0;
}

static int read_duration(struct arg_value *value, struct str text, struct err *err)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "", 1000 } };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct str unit = str_from(units[i].unit);
        int64_t number = 0;

        if (str_ends(text, unit) &&
            str_to_int(str_sub(text, 0, text.len - unit.len), 0, 1000000000, &number) == 0) {
            value->number = number * units[i].ms;
            if (value->number < value->spec->min || value->number > value->spec->max) {
                return err_set(err, -E_USAGE, "--%s must be between %lld and %lld ms",
                               value->spec->name, (long long)value->spec->min,
                               (long long)value->spec->max);
            }
            return 0;
        }
    }
    return err_set(err, -E_USAGE, "--%s needs a time such as 500ms, 5s or 2m",
                   value->spec->name);
}

static int read_value(struct arg_value *value, const char *text, struct err *err)
{
    const struct arg_spec *spec = value->spec;

    value->text = text;
    switch (spec->type) {
    case ARG_SWITCH:
        return read_switch(value, str_from(text), err);
    case ARG_TEXT:
        return 0;
    case ARG_INT:
        if (str_to_int(str_from(text), spec->min, spec->max, &value->number) != 0) {
            return err_set(err, -E_USAGE, "--%s needs a whole number from %lld to %lld",
                           spec->name, (long long)spec->min, (long long)spec->max);
        }
        return 0;
    case ARG_DURATION:
        return read_duration(value, str_from(text), err);
    case ARG_LIST:
        if (value->item_count == ARGS_ITEMS_MAX) {
            return err_set(err, -E_USAGE, "--%s is given more than %d times", spec->name,
                           ARGS_ITEMS_MAX);
        }
        value->items[value->item_count] = text;
        value->item_count++;
        return 0;
    }
    ASSERT(!"an arg_type");
    return -E_INTERNAL;
}

/* `inner` is the text behind = or behind a letter, NULL when there is none; else the next of argv is taken. */
static int take_value(struct arg_value *value, const char *inner, int argc, char **argv,
                      int *at, struct err *err)
{
    if (value->given && value->spec->type != ARG_LIST) {
        return err_set(err, -E_USAGE, "--%s is given twice", value->spec->name);
    }
    if (inner == NULL && value->spec->type != ARG_SWITCH) {
        if (*at >= argc) {
            return err_set(err, -E_USAGE, "--%s needs a value (%s)", value->spec->name,
                           value->spec->value);
        }
        inner = argv[*at];
        (*at)++;
    }
    value->given = true;
    return read_value(value, inner, err);
}

static int read_flag(struct args *args, int argc, char **argv, int *at, struct err *err)
{
    const char *word = argv[*at];
    struct arg_value *value;

    (*at)++;
    if (word[1] != '-') {
        value = find_letter(args, word[1]);
        if (value == NULL) {
            return err_set(err, -E_USAGE, "unknown flag -%c", word[1]);
        }
        return take_value(value, word[2] == '\0' ? NULL : word + 2, argc, argv, at, err);
    }
    struct str name = str_from(word + 2);
    size_t equals = str_find(name, '=');

    value = find_name(args, str_sub(name, 0, equals));
    if (value == NULL) {
        return unknown_flag(args, str_sub(name, 0, equals), err);
    }
    return take_value(value, equals < name.len ? name.p + equals + 1 : NULL, argc, argv, at,
                      err);
}

static int add_word(struct args *args, const char *word, struct err *err)
{
    if (args->word_count == ARGS_WORDS_MAX) {
        return err_set(err, -E_USAGE, "more than %d words", ARGS_WORDS_MAX);
    }
    args->words[args->word_count] = word;
    args->word_count++;
    return 0;
}

int args_parse(const struct arg_table *const *tables, size_t table_count, int argc, char **argv,
               struct args *ret_args, struct err *err)
{
    bool only_words = false;
    int at = 0;
    int rc = 0;

    memset(ret_args, 0, sizeof(*ret_args));
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            ASSERT(ret_args->value_count < ARGS_SPECS_MAX);
            ret_args->values[ret_args->value_count].spec = &tables[t]->specs[i];
            ret_args->value_count++;
        }
    }
    while (rc == 0 && at < argc) {
        const char *word = argv[at];

        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
            at++;
        } else if (only_words || word[0] != '-' || word[1] == '\0') {
            rc = add_word(ret_args, word, err);
            at++;
        } else {
            rc = read_flag(ret_args, argc, argv, &at, err);
        }
    }
    return rc;
}
