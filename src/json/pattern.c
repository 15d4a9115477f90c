/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.c - compiling and matching with limits.
 *
 * PCRE2 counts its steps anew at each place where a match may begin, so a limit would hold only a
 * part. Therefore a pattern that is not bound to the start is led by a lazy "any text": all
 * places are then steps of one match, and the limit counts them all.
 */
#include "json/pattern.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    TEXT_MAX = 256 * 1024, /* of the translated pattern */
    NEST_MAX = 32,         /* groups in groups */
    FIRST_STEPS = 256,
    MORE_STEPS = 16, /* times as many at each further try */
    HEAP_KIB = 1024
};

struct pattern {
    pcre2_code *code;
    size_t bytes;
};

struct pattern_run {
    pcre2_match_data *data;
    pcre2_match_context *context;
};

/* --- compiling */
static int compile(struct str text, pcre2_compile_context *context, pcre2_code **ret,
                   struct err *err)
{
    PCRE2_UCHAR message[120];
    PCRE2_SIZE offset = 0;
    int code = 0;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)text.p, text.len,
                      PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY |
                          PCRE2_MATCH_UNSET_BACKREF | PCRE2_ALLOW_EMPTY_CLASS,
                      &code, &offset, context);

    if (compiled == NULL) {
        if (pcre2_get_error_message(code, message, sizeof(message)) < 0) {
            message[0] = '\0';
        }
        return err_set(err, -E_INVALID, "The pattern is not valid: %s.", (const char *)message);
    }
    *ret = compiled;
    return 0;
}

static bool is_anchored(const pcre2_code *code)
{
    uint32_t options = 0;
    int rc = pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);

    ASSERT(rc == 0);
    return (options & PCRE2_ANCHORED) != 0;
}

/* Translated text in, code that begins at the start of any text out. */
static int compile_whole(const struct buf *text, pcre2_code **ret, struct err *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *code = NULL;
    struct buf led;
    int rc;

    if (context == NULL) {
        return -E_INTERNAL;
    }
    (void)pcre2_set_parens_nest_limit(context, NEST_MAX);
    buf_init(&led, TEXT_MAX + 64);
    rc = compile(buf_str(text), context, &code, err);
    if (rc == 0 && !is_anchored(code)) {
        pcre2_code_free(code);
        code = NULL;
        rc = buf_add_c(&led, "(?s:.*?)(?:");
        rc = rc == 0 ? buf_add_str(&led, buf_str(text)) : rc;
        rc = rc == 0 ? buf_add_c(&led, ")") : rc;
        if (rc == 0) {
            rc = compile(buf_str(&led), context, &code, err);
        }
    }
    buf_done(&led);
    pcre2_compile_context_free(context);
    if (rc == 0) {
        *ret = code;
    }
    return rc;
}

int pattern_compile(struct str text, struct pattern **ret, struct err *err)
{
    pcre2_code *code = NULL;
    struct pattern *p;
    size_t bytes = 0;
    struct buf translated;
    int rc;

    if (text.len > PATTERN_SIZE_MAX) {
        return err_set(err, -E_TOO_LARGE, "A pattern has at most %d bytes.",
                       (int)PATTERN_SIZE_MAX);
    }
    buf_init(&translated, TEXT_MAX);
    rc = pattern_translate(text, &translated, err);
    if (rc == 0) {
        rc = compile_whole(&translated, &code, err);
    }
    buf_done(&translated);
    if (rc != 0) {
        return rc;
    }
    rc = pcre2_pattern_info(code, PCRE2_INFO_SIZE, &bytes);
    ASSERT(rc == 0);
    if (bytes > PATTERN_COMPILED_MAX) {
        pcre2_code_free(code);
        return err_set(err, -E_TOO_LARGE,
                       "The pattern is too large: its repeats need %zu bytes.", bytes);
    }
    p = xalloc(sizeof(*p));
    p->code = code;
    p->bytes = bytes;
    *ret = p;
    return 0;
}

void pattern_free(struct pattern *p)
{
    if (p != NULL) {
        pcre2_code_free(p->code);
        free(p);
    }
}

size_t pattern_bytes(const struct pattern *p)
{
    return sizeof(*p) + p->bytes;
}

/* --- matching */
struct pattern_run *pattern_run_new(void)
{
    struct pattern_run *run = xalloc(sizeof(*run));

    run->data = pcre2_match_data_create(1, NULL);
    run->context = pcre2_match_context_create(NULL);
    ASSERT(run->data != NULL && run->context != NULL);
    (void)pcre2_set_heap_limit(run->context, HEAP_KIB);
    return run;
}

void pattern_run_free(struct pattern_run *run)
{
    if (run != NULL) {
        pcre2_match_data_free(run->data);
        pcre2_match_context_free(run->context);
        free(run);
    }
}

/* PCRE2 does not tell how many steps it took, so what was allowed is what is paid. Few are
 * allowed at first. */
int pattern_match(const struct pattern *p, struct pattern_run *run, struct str text,
                  int64_t *budget, bool *ret_found)
{
    int64_t steps = FIRST_STEPS + 2 * (int64_t)text.len;
    int rc = PCRE2_ERROR_MATCHLIMIT;

    while (rc == PCRE2_ERROR_MATCHLIMIT && *budget > 0) {
        steps = steps > *budget ? *budget : steps;
        (void)pcre2_set_match_limit(run->context, (uint32_t)steps);
        rc = pcre2_match(p->code, (PCRE2_SPTR)(text.p == NULL ? "" : text.p), text.len, 0,
                         PCRE2_ANCHORED, run->data, run->context);
        *budget -= steps;
        steps *= MORE_STEPS;
    }
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH) {
        *ret_found = rc >= 0;
        return 0;
    }
    return -E_TOO_LARGE;
}
