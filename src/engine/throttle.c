/* SPDX-License-Identifier: Apache-2.0 */
/* throttle.c - GCRA by name: one number each, the time at which the name is wholly free again. */
#include "engine/throttle.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"

struct name {
    int64_t free_at;
    size_t len;
    char text[];
};

void throttle_init(struct throttle *t, int64_t tries, int64_t period_ms)
{
    ASSERT(tries > 0 && period_ms >= tries);
    map_init(&t->names);
    t->tries = tries;
    t->period_ms = period_ms;
}

void throttle_done(struct throttle *t)
{
    struct name *name;
    size_t at = 0;

    while ((name = map_next(&t->names, &at)) != NULL) {
        free(name);
    }
    map_done(&t->names);
}

static struct str text_of(const struct name *name)
{
    return (struct str){ name->text, name->len };
}

static void forget_free(struct throttle *t, int64_t now_ms)
{
    struct name *name;
    size_t at = 0;

    while ((name = map_next(&t->names, &at)) != NULL) {
        if (name->free_at <= now_ms) {
            (void)map_remove(&t->names, text_of(name));
            free(name);
        }
    }
}

int64_t throttle_take(struct throttle *t, struct str text, int64_t now_ms)
{
    struct name *name = map_get(&t->names, text);
    int64_t step = t->period_ms / t->tries;
    int64_t from;

    if (name == NULL && t->names.count >= THROTTLE_NAMES_MAX) {
        forget_free(t, now_ms);
        if (t->names.count >= THROTTLE_NAMES_MAX) {
            return t->period_ms;
        }
    }
    if (name == NULL) {
        name = xalloc(sizeof(*name) + text.len);
        name->len = text.len;
        memcpy(name->text, text.p, text.len);
        (void)map_put(&t->names, text_of(name), name);
    }
    from = name->free_at > now_ms ? name->free_at : now_ms;
    if (from + step > now_ms + t->period_ms) {
        return from + step - now_ms - t->period_ms;
    }
    name->free_at = from + step;
    return 0;
}

void throttle_forget(struct throttle *t, struct str text)
{
    free(map_remove(&t->names, text));
}
