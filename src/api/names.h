/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - which names are allowed, and names that we make. Pure. */
#ifndef API_NAMES_H
#define API_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    EVENT_TYPE_NAME_MAX = 128,
    SLUG_MAX = 64,
    WORDS_SIZE = 32,
    SLUG_SUFFIX = 6 /* digits behind a made slug that is taken */
};

/* ^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,4}$, at most 128 bytes */
bool name_is_event_type(struct str s);
/* A prefix of such a name (also one word) and ".*" */
bool name_is_event_pattern(struct str s);
/* ^[a-z0-9][a-z0-9_-]{0,63}$ */
bool name_is_slug(struct str s);
/* [A-Za-z0-9_-]{1,64}: a publisher's own event id */
bool name_is_external_id(struct str s);
/* [A-Za-z0-9_.-]{1,64} */
bool name_is_channel(struct str s);
/* RFC 9110 token */
bool name_is_token(struct str s);
/* 1 to 255 visible ASCII characters */
bool name_is_idempotency_key(struct str s);
/* A slug out of any text: letters and digits kept (small), runs of others become one '-';
 * "app" when nothing is left. */
void slug_make(struct str name, char ret_slug[SLUG_MAX + 1]);
/* Append '-' and six digits; the stem is cut so that it fits. */
void slug_vary(char slug[SLUG_MAX + 1], uint64_t random);
/* Two words such as swift-cedar. */
void words_make(uint64_t random, char ret_words[WORDS_SIZE]);

#endif
