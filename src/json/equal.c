/* SPDX-License-Identifier: Apache-2.0 */
/* equal.c - are two JSON values the same? Documents are at most JSON_DEPTH_MAX deep, so it may
 * call itself. */
#include "json/equal.h"

#include "json/decimal.h"

enum { BYTES_A_STEP = 64 };

static bool spend(int64_t *budget, size_t bytes)
{
    int64_t cost = 1 + (int64_t)(bytes / BYTES_A_STEP);

    if (*budget < cost) {
        *budget = 0;
        return false;
    }
    *budget -= cost;
    return true;
}

static bool equal_numbers(const struct json *a, const struct json *b)
{
    struct decimal x;
    struct decimal y;

    return decimal_parse(json_number(a), &x) == 0 && decimal_parse(json_number(b), &y) == 0 &&
           decimal_compare(&x, &y) == 0;
}

static bool equal_arrays(const struct json *a, const struct json *b, int64_t *budget)
{
    struct json_iter left = json_iter(a);
    struct json_iter right = json_iter(b);
    const struct json *v;

    while ((v = json_next(&left, NULL)) != NULL) {
        if (!json_equal(v, json_next(&right, NULL), budget)) {
            return false;
        }
    }
    return true;
}

/* Names of an object are unique, so as many and each found is enough. The usual order is tried
 * first. */
static bool equal_objects(const struct json *a, const struct json *b, int64_t *budget)
{
    struct json_iter left = json_iter(a);
    struct json_iter right = json_iter(b);
    const struct json *v;
    struct str name;

    while ((v = json_next(&left, &name)) != NULL) {
        struct str other_name;
        const struct json *other = json_next(&right, &other_name);

        if (!str_eq(name, other_name)) {
            if (!spend(budget, json_count(b))) {
                return false;
            }
            other = json_get(b, name);
        }
        if (other == NULL || !json_equal(v, other, budget)) {
            return false;
        }
    }
    return true;
}

bool json_equal(const struct json *a, const struct json *b, int64_t *budget)
{
    enum json_type type = json_type(a);

    if (type != json_type(b) || json_count(a) != json_count(b) ||
        !spend(budget, json_string(a).len + json_number(a).len)) {
        return false;
    }
    switch (type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return json_bool(a) == json_bool(b);
    case JSON_NUMBER:
        return equal_numbers(a, b);
    case JSON_STRING:
        return str_eq(json_string(a), json_string(b));
    case JSON_ARRAY:
        return equal_arrays(a, b, budget);
    case JSON_OBJECT:
        return equal_objects(a, b, budget);
    }
    return false;
}

/* --- hashes */
static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

static uint64_t hash_bytes(struct str s)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < s.len; i++) {
        hash = (hash ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    }
    return mix(hash);
}

static uint64_t hash_container(const struct json *v, bool is_object, int64_t *budget)
{
    struct json_iter it = json_iter(v);
    const struct json *item;
    uint64_t hash = is_object ? 3 : 5;
    struct str name = STR_NONE;

    while ((item = json_next(&it, &name)) != NULL && *budget > 0) {
        uint64_t one = json_hash(item, budget);

        /* Members in any order, items in theirs. */
        hash = is_object ? hash + mix(hash_bytes(name) ^ (one << 1)) : mix(hash ^ one);
    }
    return mix(hash);
}

uint64_t json_hash(const struct json *v, int64_t *budget)
{
    enum json_type type = json_type(v);
    struct decimal n;

    if (!spend(budget, json_string(v).len + json_number(v).len)) {
        return 0;
    }
    switch (type) {
    case JSON_NULL:
        return mix(7);
    case JSON_BOOL:
        return mix(json_bool(v) ? 11 : 13);
    case JSON_NUMBER:
        return decimal_parse(json_number(v), &n) == 0 ? mix(decimal_hash(&n)) : 0;
    case JSON_STRING:
        return hash_bytes(json_string(v));
    case JSON_ARRAY:
    case JSON_OBJECT:
        return hash_container(v, type == JSON_OBJECT, budget);
    }
    return 0;
}
