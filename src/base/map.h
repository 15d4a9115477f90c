/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h - hash map from 64-bit key or from bytes to a pointer: open addressing, grows by two.
 *
 * map_* keeps byte keys that stay owned by the caller (the value usually holds them) and must live as long
 * as the entry. Iteration order is that of insertion only if nothing was removed; do not rely on it.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map_slot {
    struct str key;
    uint64_t hash;
    void *value; /* NULL = free, MAP_GONE = removed */
};

struct map {
    struct map_slot *slots;
    size_t cap;
    size_t count;
    size_t used; /* count and removed */
    uint64_t seed;
};

void map_init(struct map *m); /* takes a random seed against crafted keys */
void map_done(struct map *m); /* frees the table, not the values */
void *map_get(const struct map *m, struct str key);
/* Put or replace; value must not be NULL. Returns the value that was there, or NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_remove(struct map *m, struct str key);
/* Walk: *at starts at 0; NULL at the end. No change of the map during a walk but removal of the one returned. */
void *map_next(const struct map *m, size_t *at);

#endif
