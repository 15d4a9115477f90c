/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inbox.h - the built-in test inbox, /catch/{token}: deliveries to it never leave the process, but pass signing,
 * the log and retries as any other. Keeps the last requests of each token in memory. Main thread.
 */
#ifndef ENGINE_INBOX_H
#define ENGINE_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    INBOX_TOKENS_MAX = 1000,
    INBOX_REQUESTS_MAX = 50,            /* of one token */
    INBOX_BYTES_MAX = 64 * 1024 * 1024, /* of all */
    INBOX_TOKEN_MIN = 8,
    INBOX_TOKEN_MAX = 64,
    INBOX_DELAY_MS_MAX = 60 * 1000
};

struct inbox;

struct inbox_request {
    int64_t received_at;
    struct str headers; /* "Name: value\r\n" */
    struct str body;
    struct str event_type, delivery_id;
    int attempt;
    const char *verdict; /* verify_sentence() of the signature, "valid" when it verifies */
    bool is_valid;
};

/* How an inbox answers, to try out retries: by default 200 at once, always. */
struct inbox_behaviour {
    int status; /* 200 to 599 */
    uint32_t delay_ms;
    unsigned failure_percent; /* so many of a hundred are answered with 500 instead */
};

struct inbox *inbox_new(void);
void inbox_free(struct inbox *box);
/* Token within the limits and of [A-Za-z0-9_-]. */
bool inbox_token_valid(struct str token);
/* Take a request; strings are copied. Over a limit the oldest go first: of the token, and
 * of the token that was used longest ago. Returns the status to answer. */
int inbox_receive(struct inbox *box, struct str token, const struct inbox_request *request);
/* Only for a valid token. Lasts as long as the inbox is in memory. */
void inbox_set_behaviour(struct inbox *box, struct str token,
                         const struct inbox_behaviour *behaviour);
struct inbox_behaviour inbox_behaviour(const struct inbox *box, struct str token);
/* Forget the requests of a token; its behaviour stays. */
void inbox_clear(struct inbox *box, struct str token);
/* Newest first; NULL past the end. Borrowed until the next receive. */
const struct inbox_request *inbox_at(const struct inbox *box, struct str token, size_t index);

#endif
