/* SPDX-License-Identifier: Apache-2.0 */
/* token.c - the table of token.h by number and by name. */
#include "egress/token.h"

#include <stddef.h>

struct token_row {
    int32_t number;
    const char *name;
    const char *sentence;
    const char *advice;
};

static const struct token_row rows[] = {
#define TOKEN_ROW(name, number, token, sentence, advice) { (number), token, sentence, advice },
    TOKEN_TABLE(TOKEN_ROW)
#undef TOKEN_ROW
};

static const struct token_row *token_row(int32_t token)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].number == token) {
            return &rows[i];
        }
    }
    return &rows[0];
}

const char *token_name(int32_t token)
{
    return token_row(token)->name;
}

const char *token_sentence(int32_t token)
{
    return token_row(token)->sentence;
}

const char *token_advice(int32_t token)
{
    return token_row(token)->advice;
}

int32_t token_parse(struct str name)
{
    size_t i;

    for (i = 1; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (str_eq_c(name, rows[i].name)) {
            return rows[i].number;
        }
    }
    return -1;
}

enum token token_of_status(int32_t status_code)
{
    switch (status_code) {
    case 401:
    case 403:
        return TOKEN_AUTH;
    case 404:
    case 405:
        return TOKEN_ENDPOINT_NOT_FOUND;
    case 410:
        return TOKEN_GONE;
    case 429:
        return TOKEN_RATE_LIMITED;
    default:
        break;
    }
    switch (status_code / 100) {
    case 2:
        return TOKEN_NONE;
    case 3:
        return TOKEN_REDIRECT;
    case 4:
        return TOKEN_CLIENT_ERROR;
    case 5:
        return TOKEN_SERVER_ERROR;
    default:
        return TOKEN_STATUS_INVALID;
    }
}

bool token_is_timeout(int32_t token)
{
    return token == TOKEN_DNS_TIMEOUT || token == TOKEN_CONNECTION_TIMEOUT ||
           token == TOKEN_HTTP_RESPONSE_TIMEOUT;
}
