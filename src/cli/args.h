/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args.h - flags and words of a command line, read by tables of what a command takes. Pure.
 *
 * `--name value`, `--name=value`, `-o value`, `-ovalue`; a switch is bare or `=true|false`; `--` ends the
 * flags; `-` alone is a word. Asking for a name that no table holds is a programmer error. Texts stay those
 * of argv.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { ARGS_SPECS_MAX = 40, ARGS_WORDS_MAX = 256, ARGS_ITEMS_MAX = 64 };

enum arg_type {
    ARG_SWITCH,
    ARG_TEXT,
    ARG_INT,      /* within min and max */
    ARG_DURATION, /* 500ms, 5s, 2m, 1h, or seconds as a number; given as milliseconds */
    ARG_LIST      /* may be repeated */
};

struct arg_spec {
    const char *name;
    enum arg_type type;
    char letter;       /* 0 = none */
    const char *value; /* how the help calls the value */
    const char *help;
    int64_t min, max;
};

struct arg_table {
    const struct arg_spec *specs;
    size_t count;
};

struct arg_value {
    const struct arg_spec *spec;
    bool given;
    bool on;          /* ARG_SWITCH */
    const char *text; /* of the last one given */
    int64_t number;
    size_t item_count;
    const char *items[ARGS_ITEMS_MAX];
};

struct args {
    struct arg_value values[ARGS_SPECS_MAX];
    size_t value_count;
    const char *words[ARGS_WORDS_MAX];
    size_t word_count;
};

/* -E_USAGE with the sentence. */
NODISCARD int args_parse(const struct arg_table *const *tables, size_t table_count, int argc,
                         char **argv, struct args *ret_args, struct err *err);
const struct arg_value *args_get(const struct args *args, const char *name);
bool args_given(const struct args *args, const char *name);
bool args_on(const struct args *args, const char *name);
const char *args_text(const struct args *args, const char *name, const char *otherwise);
int64_t args_number(const struct args *args, const char *name, int64_t otherwise);

#endif
