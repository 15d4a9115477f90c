/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle.h - so many tries in so long per name (a client's address, an account), by GCRA: a burst of `tries`, then
 * one each period / tries. Bounded: when THROTTLE_NAMES_MAX names are known, the ones that are free again are
 * forgotten; if none is, a new name is refused. Pure but for memory.
 */
#ifndef ENGINE_THROTTLE_H
#define ENGINE_THROTTLE_H

#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

enum { THROTTLE_NAMES_MAX = 20000 };

struct throttle {
    struct map names;
    int64_t tries;
    int64_t period_ms;
};

void throttle_init(struct throttle *t, int64_t tries, int64_t period_ms);
void throttle_done(struct throttle *t);
/* Count a try at that time: 0, or the milliseconds until the next one may be made. */
int64_t throttle_take(struct throttle *t, struct str name, int64_t now_ms);
/* It was a right one: forget the tries of this name. */
void throttle_forget(struct throttle *t, struct str name);

#endif
