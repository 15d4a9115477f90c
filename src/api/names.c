/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - which names are allowed, and names that we make. */
#include "api/names.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

enum {
    EVENT_TYPE_WORDS_MIN = 2,
    EVENT_TYPE_WORDS_MAX = 5,
    EXTERNAL_ID_MAX = 64,
    CHANNEL_MAX = 64,
    IDEMPOTENCY_KEY_MAX = 255
};

static const char *const first_words[] = {
    "amber", "brave",  "brisk",   "calm",   "clear",  "coral",  "crisp",  "deep",
    "eager", "early",  "fair",    "fleet",  "fresh",  "gentle", "glad",   "golden",
    "grand", "green",  "happy",   "hidden", "honest", "keen",   "kind",   "late",
    "light", "lively", "loyal",   "lucky",  "mellow", "merry",  "mild",   "misty",
    "noble", "novel",  "patient", "plain",  "proud",  "pure",   "quick",  "quiet",
    "rapid", "ready",  "royal",   "sharp",  "silent", "silver", "simple", "smooth",
    "snowy", "solid",  "spare",   "steady", "still",  "sunny",  "swift",  "tall",
    "tidy",  "true",   "vivid",   "warm",   "wide",   "wild",   "wise",   "young",
};

static const char *const second_words[] = {
    "acorn",  "alder",  "arch",   "aspen",  "bay",    "beacon",  "birch",  "bridge",
    "brook",  "canyon", "castle", "cedar",  "cliff",  "cloud",   "cove",   "creek",
    "delta",  "dune",   "elm",    "ember",  "falcon", "fern",    "field",  "finch",
    "fjord",  "forest", "garden", "gate",   "glade",  "grove",   "harbor", "hazel",
    "heron",  "hill",   "island", "ivy",    "lake",   "lantern", "larch",  "maple",
    "meadow", "mill",   "moor",   "oak",    "orchid", "otter",   "path",   "pebble",
    "pine",   "pond",   "reef",   "ridge",  "river",  "robin",   "shore",  "spring",
    "stone",  "summit", "tower",  "valley", "wharf",  "willow",  "wood",   "wren",
};

enum {
    FIRST_WORDS = sizeof(first_words) / sizeof(first_words[0]),
    SECOND_WORDS = sizeof(second_words) / sizeof(second_words[0])
};

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_type_word(struct str word)
{
    if (word.len == 0 || !is_lower(word.p[0])) {
        return false;
    }
    for (size_t i = 1; i < word.len; i++) {
        if (!is_lower(word.p[i]) && !is_digit(word.p[i]) && word.p[i] != '_') {
            return false;
        }
    }
    return true;
}

/* How many words with dots between; 0 when it is not made so. */
static size_t type_words(struct str s)
{
    size_t count = 0;

    for (;;) {
        size_t dot = str_find(s, '.');

        if (!is_type_word(str_sub(s, 0, dot))) {
            return 0;
        }
        count++;
        if (dot == s.len) {
            return count;
        }
        s = str_sub(s, dot + 1, s.len - dot - 1);
    }
}

bool name_is_event_type(struct str s)
{
    size_t words = s.len > EVENT_TYPE_NAME_MAX ? 0 : type_words(s);

    return words >= EVENT_TYPE_WORDS_MIN && words <= EVENT_TYPE_WORDS_MAX;
}

bool name_is_event_pattern(struct str s)
{
    size_t words;

    if (s.len > EVENT_TYPE_NAME_MAX || !str_ends(s, STR(".*"))) {
        return false;
    }
    words = type_words(str_sub(s, 0, s.len - 2));
    return words >= 1 && words < EVENT_TYPE_WORDS_MAX;
}

bool name_is_slug(struct str s)
{
    if (s.len == 0 || s.len > SLUG_MAX || (!is_lower(s.p[0]) && !is_digit(s.p[0]))) {
        return false;
    }
    for (size_t i = 1; i < s.len; i++) {
        if (!is_lower(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '_' && s.p[i] != '-') {
            return false;
        }
    }
    return true;
}

static bool is_alnum(char c)
{
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

bool name_is_external_id(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-') {
            return false;
        }
    }
    return s.len > 0 && s.len <= EXTERNAL_ID_MAX;
}

bool name_is_channel(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '.' && s.p[i] != '-') {
            return false;
        }
    }
    return s.len > 0 && s.len <= CHANNEL_MAX;
}

bool name_is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.p[i]) &&
            (s.p[i] == '\0' || strchr("!#$%&'*+-.^_`|~", s.p[i]) == NULL)) {
            return false;
        }
    }
    return s.len > 0;
}

bool name_is_idempotency_key(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < 0x21 || s.p[i] > 0x7e) {
            return false;
        }
    }
    return s.len > 0 && s.len <= IDEMPOTENCY_KEY_MAX;
}

void slug_make(struct str name, char ret_slug[SLUG_MAX + 1])
{
    size_t len = 0;

    for (size_t i = 0; i < name.len && len < SLUG_MAX; i++) {
        char c = name.p[i];

        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        if (is_lower(c) || is_digit(c)) {
            ret_slug[len++] = c;
        } else if (len > 0 && ret_slug[len - 1] != '-') {
            ret_slug[len++] = '-';
        }
    }
    while (len > 0 && ret_slug[len - 1] == '-') {
        len--;
    }
    if (len == 0) {
        memcpy(ret_slug, "app", 3);
        len = 3;
    }
    ASSERT(len > 0 && len <= SLUG_MAX);
    ret_slug[len] = '\0';
}

void slug_vary(char slug[SLUG_MAX + 1], uint64_t random)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    size_t len = strlen(slug);

    if (len > SLUG_MAX - SLUG_SUFFIX - 1) {
        len = SLUG_MAX - SLUG_SUFFIX - 1;
    }
    slug[len++] = '-';
    for (size_t i = 0; i < SLUG_SUFFIX; i++) {
        slug[len++] = digits[random % (sizeof(digits) - 1)];
        random /= sizeof(digits) - 1;
    }
    ASSERT(len <= SLUG_MAX);
    slug[len] = '\0';
}

void words_make(uint64_t random, char ret_words[WORDS_SIZE])
{
    int n = snprintf(ret_words, WORDS_SIZE, "%s-%s", first_words[random % FIRST_WORDS],
                     second_words[random / FIRST_WORDS % SECOND_WORDS]);

    ASSERT(n > 0 && n < WORDS_SIZE);
}
