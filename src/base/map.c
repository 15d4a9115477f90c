/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/random.h"

static char map_gone_mark;
#define MAP_GONE ((void *)&map_gone_mark)

enum { MAP_CAP_MIN = 16 };

/* FNV-1a with a seed and a final mix; keys are short. */
static uint64_t map_hash(const struct map *m, struct str key)
{
    uint64_t h = 0xcbf29ce484222325u ^ m->seed;

    for (size_t i = 0; i < key.len; i++) {
        h ^= (uint8_t)key.p[i];
        h *= 0x100000001b3u;
    }
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

void map_init(struct map *m)
{
    *m = (struct map){ .seed = random_u64() };
}

void map_done(struct map *m)
{
    free(m->slots);
    *m = (struct map){ .seed = m->seed };
}

static struct map_slot *map_find(const struct map *m, struct str key, uint64_t hash)
{
    if (m->cap == 0) {
        return NULL;
    }
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *slot = &m->slots[i];

        if (slot->value == NULL) {
            return NULL;
        }
        if (slot->value != MAP_GONE && slot->hash == hash && str_eq(slot->key, key)) {
            return slot;
        }
    }
}

static void map_insert(struct map *m, struct str key, uint64_t hash, void *value)
{
    size_t i = hash & (m->cap - 1);

    while (m->slots[i].value != NULL) {
        i = (i + 1) & (m->cap - 1);
    }
    m->slots[i] = (struct map_slot){ .key = key, .hash = hash, .value = value };
    m->count++;
    m->used++;
}

static void map_grow(struct map *m)
{
    struct map old = *m;

    m->cap = MAP_CAP_MIN;
    while (m->cap < (old.count + 1) * 2) {
        m->cap *= 2;
    }
    m->slots = xcalloc(m->cap, sizeof(*m->slots));
    m->count = 0;
    m->used = 0;
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i].value != NULL && old.slots[i].value != MAP_GONE) {
            map_insert(m, old.slots[i].key, old.slots[i].hash, old.slots[i].value);
        }
    }
    free(old.slots);
}

void *map_get(const struct map *m, struct str key)
{
    struct map_slot *slot = map_find(m, key, map_hash(m, key));

    return slot == NULL ? NULL : slot->value;
}

void *map_put(struct map *m, struct str key, void *value)
{
    uint64_t hash = map_hash(m, key);
    struct map_slot *slot = map_find(m, key, hash);

    ASSERT(value != NULL);
    if (slot != NULL) {
        void *before = slot->value;

        slot->key = key;
        slot->value = value;
        return before;
    }
    if ((m->used + 1) * 4 > m->cap * 3) {
        map_grow(m);
    }
    map_insert(m, key, hash, value);
    return NULL;
}

void *map_remove(struct map *m, struct str key)
{
    struct map_slot *slot = map_find(m, key, map_hash(m, key));
    void *value;

    if (slot == NULL) {
        return NULL;
    }
    value = slot->value;
    slot->value = MAP_GONE;
    slot->key = STR_NONE;
    m->count--;
    return value;
}

void *map_next(const struct map *m, size_t *at)
{
    while (*at < m->cap) {
        void *value = m->slots[(*at)++].value;

        if (value != NULL && value != MAP_GONE) {
            return value;
        }
    }
    return NULL;
}
