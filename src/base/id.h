/* SPDX-License-Identifier: Apache-2.0 */
/*
 * id.h - UUIDv7 (RFC 9562 5.7) inside, a prefix and 22 base62 characters outside.
 *
 * The text sorts by time as the bytes do. Aliases: `wh_` is read as `ep_`, `del_` as `dlv_`.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    ID_SIZE = 16,
    ID_TEXT_SIZE = 28,
    ID_BASE62_LEN = 22
}; /* text: prefix of 4 at most, "_", 22, NUL */

struct id {
    uint8_t bytes[ID_SIZE];
};

#define ID_TABLE(X)                                                                            \
    X(PROJECT, "prj")                                                                          \
    X(APP, "app")                                                                              \
    X(ENDPOINT, "ep")                                                                          \
    X(EVENT, "evt")                                                                            \
    X(DELIVERY, "dlv")                                                                         \
    X(ATTEMPT, "att")                                                                          \
    X(REPLAY, "rpl")                                                                           \
    X(SOURCE, "src")                                                                           \
    X(REQUEST, "req")                                                                          \
    X(WORKFLOW, "wf")                                                                          \
    X(RUN, "run")                                                                              \
    X(KEY, "key")                                                                              \
    X(TICKET, "tkt")                                                                           \
    X(NOTICE, "ntc")                                                                           \
    X(ISSUE, "iss")                                                                            \
    X(MEMBER, "mbr")

enum id_kind {
#define ID_ENUM(name, prefix) ID_##name,
    ID_TABLE(ID_ENUM)
#undef ID_ENUM
};

/* Makes ids that never go back: the next is at least the last + 1. One per process, main thread. */
struct id_maker {
    int64_t last_ms;
    uint64_t
        counter; /* the 74 bits behind the time start random in each millisecond and count up */
    uint16_t rand_a;
};

void id_maker_init(struct id_maker *m, const struct id *last); /* last may be NULL */
struct id id_make(struct id_maker *m, int64_t wall_ms);

int64_t id_time_ms(const struct id *id);
bool id_eq(const struct id *a, const struct id *b);
int id_cmp(const struct id *a, const struct id *b);
/* A deterministic 64-bit hash for maps. */
uint64_t id_hash(const struct id *id);
void id_format(enum id_kind kind, const struct id *id, char ret_text[ID_TEXT_SIZE]);
/* -E_INVALID when it is not an id of that kind. */
NODISCARD int id_parse(enum id_kind kind, struct str s, struct id *ret_id);

#endif
