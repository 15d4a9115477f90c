/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/random.h"

static const char *const id_prefixes[] = {
#define ID_PREFIX(name, prefix) prefix,
    ID_TABLE(ID_PREFIX)
#undef ID_PREFIX
};

enum { RAND_A_MAX = 0x0fff };
#define RAND_B_MASK ((uint64_t)0x3fffffffffffffff)

void id_maker_init(struct id_maker *m, const struct id *last)
{
    *m = (struct id_maker){ 0 };
    if (last != NULL) {
        m->last_ms = id_time_ms(last);
        m->rand_a = RAND_A_MAX; /* anything made in that millisecond goes to the next one */
        m->counter = RAND_B_MASK;
    }
}

struct id id_make(struct id_maker *m, int64_t wall_ms)
{
    struct id id;
    uint64_t ms;

    if (wall_ms > m->last_ms) {
        m->last_ms = wall_ms;
        m->counter = random_u64() & (RAND_B_MASK >> 1);
        m->rand_a = (uint16_t)(random_u64() & (RAND_A_MAX >> 1));
    } else if (m->counter < RAND_B_MASK) {
        m->counter++;
    } else if (m->rand_a < RAND_A_MAX) {
        m->rand_a++;
        m->counter = 0;
    } else {
        m->last_ms++;
        m->counter = random_u64() & (RAND_B_MASK >> 1);
        m->rand_a = (uint16_t)(random_u64() & (RAND_A_MAX >> 1));
    }
    ms = (uint64_t)m->last_ms;
    for (int i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    id.bytes[6] = (uint8_t)(0x70 | (m->rand_a >> 8));
    id.bytes[7] = (uint8_t)(m->rand_a & 0xff);
    for (int i = 0; i < 8; i++) {
        id.bytes[8 + i] = (uint8_t)(m->counter >> (56 - 8 * i));
    }
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

int64_t id_time_ms(const struct id *id)
{
    int64_t ms = 0;

    for (int i = 0; i < 6; i++) {
        ms = (ms << 8) | id->bytes[i];
    }
    return ms;
}

bool id_eq(const struct id *a, const struct id *b)
{
    return memcmp(a->bytes, b->bytes, ID_SIZE) == 0;
}

int id_cmp(const struct id *a, const struct id *b)
{
    return memcmp(a->bytes, b->bytes, ID_SIZE);
}

uint64_t id_hash(const struct id *id)
{
    uint64_t a;
    uint64_t b;

    memcpy(&a, id->bytes, 8);
    memcpy(&b, id->bytes + 8, 8);
    a ^= b * 0x9e3779b97f4a7c15u;
    a ^= a >> 32;
    a *= 0xd6e8feb86659fd93u;
    return a ^ (a >> 32);
}

void id_format(enum id_kind kind, const struct id *id, char ret_text[ID_TEXT_SIZE])
{
    char digits[ID_BASE62_LEN + 1];

    base62_encode(id->bytes, ID_SIZE, digits, ID_BASE62_LEN);
    digits[ID_BASE62_LEN] = '\0';
    (void)snprintf(ret_text, ID_TEXT_SIZE, "%s_%s", id_prefixes[kind], digits);
}

/* The part behind the prefix of this kind or its alias; empty when it has another prefix. */
static struct str id_digits(enum id_kind kind, struct str s)
{
    struct str prefix = str_from(id_prefixes[kind]);
    struct str alias = STR_NONE;

    if (kind == ID_ENDPOINT) {
        alias = STR("wh");
    } else if (kind == ID_DELIVERY) {
        alias = STR("del");
    }
    if (str_starts(s, prefix) && s.len > prefix.len && s.p[prefix.len] == '_') {
        return str_sub(s, prefix.len + 1, s.len);
    }
    if (alias.len > 0 && str_starts(s, alias) && s.len > alias.len && s.p[alias.len] == '_') {
        return str_sub(s, alias.len + 1, s.len);
    }
    return STR_NONE;
}

int id_parse(enum id_kind kind, struct str s, struct id *ret_id)
{
    struct str digits = id_digits(kind, s);
    struct id id;

    if (digits.len != ID_BASE62_LEN || base62_decode(digits, id.bytes, ID_SIZE) != 0) {
        return -E_INVALID;
    }
    *ret_id = id;
    return 0;
}
