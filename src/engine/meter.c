/* SPDX-License-Identifier: Apache-2.0 */
/* meter.c - folding in memory, and the counters for metrics. */
#include "engine/meter.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "engine/meter_internal.h"
#include "engine/registry.h"
#include "net/loop.h"
#include "store/event.h"
#include "store/writer.h"

static struct str bytes_of(const void *p, size_t len)
{
    return (struct str){ p, len };
}

/* --- Folding ------------------------------------------------------------------------------ */

/* At most METER_KEYS_MAX keys of a kind are told apart per app and hour. */
static bool key_is_known(struct meter *m, int64_t hour, const struct meter_seen_key *key)
{
    struct meter_seen *seen;
    struct meter_seen *sum;
    struct meter_seen_key all = { .app = key->app, .kind = key->kind, .key = -1 };

    if (hour != m->seen_hour) {
        meter_forget_seen(m);
        m->seen_hour = hour;
    }
    if (map_get(&m->seen, bytes_of(key, sizeof(*key))) != NULL) {
        return true;
    }
    sum = map_get(&m->seen, bytes_of(&all, sizeof(all)));
    if ((sum != NULL && sum->count >= METER_KEYS_MAX) || m->seen.count >= METER_SEEN_MAX) {
        return false;
    }
    if (sum == NULL) {
        sum = xalloc(sizeof(*sum));
        sum->key = all;
        (void)map_put(&m->seen, bytes_of(&sum->key, sizeof(sum->key)), sum);
    }
    sum->count++;
    seen = xalloc(sizeof(*seen));
    seen->key = *key;
    (void)map_put(&m->seen, bytes_of(&seen->key, sizeof(seen->key)), seen);
    return true;
}

void meter_forget_seen(struct meter *m)
{
    struct meter_seen *seen;
    size_t at = 0;

    while ((seen = map_next(&m->seen, &at)) != NULL) {
        free(seen);
    }
    map_done(&m->seen);
    map_init(&m->seen);
}

static struct meter_tuple *tuple_of(struct meter *m, struct meter_tuple_key key)
{
    struct meter_tuple *t = map_get(&m->tuples, bytes_of(&key, sizeof(key)));
    int64_t hour = key.minute - key.minute % TALLY_HOUR_MS;

    if (t != NULL) {
        return t;
    }
    if (key.type != 0 &&
        !key_is_known(m, hour, &(struct meter_seen_key){ key.app, 1, key.type })) {
        key.type = 0;
    }
    if (key.reason != 0 &&
        !key_is_known(m, hour, &(struct meter_seen_key){ key.app, 2, key.reason })) {
        key.reason -= key.reason % TALLY_REASON_KEY(1, 0); /* the token alone */
    }
    t = map_get(&m->tuples, bytes_of(&key, sizeof(key)));
    if (t != NULL) {
        return t;
    }
    if (m->tuples.count + m->going.count >= METER_TUPLES_MAX) {
        m->stats.lost++;
        return NULL;
    }
    t = xalloc(sizeof(*t));
    t->key = key;
    (void)map_put(&m->tuples, bytes_of(&t->key, sizeof(t->key)), t);
    meter_flush_later(m);
    return t;
}

/* --- Metrics ------------------------------------------------------------------------------ */

static struct meter_app *app_of(struct meter *m, int64_t no)
{
    struct meter_app *app = map_get(&m->apps, bytes_of(&no, sizeof(no)));

    if (app == NULL) {
        app = xalloc(sizeof(*app));
        app->app = no;
        (void)map_put(&m->apps, bytes_of(&app->app, sizeof(app->app)), app);
    }
    return app;
}

static struct meter_type *type_of(struct meter *m, int64_t no)
{
    struct meter_type *type = map_get(&m->types, bytes_of(&no, sizeof(no)));

    if (type == NULL) {
        type = xalloc(sizeof(*type));
        type->type = no;
        (void)map_put(&m->types, bytes_of(&type->type, sizeof(type->type)), type);
    }
    return type;
}

void meter_stats(const struct meter *m, struct meter_stats *ret_stats)
{
    *ret_stats = m->stats;
    ret_stats->waiting = m->tuples.count + m->going.count;
    ret_stats->apps = m->apps.count;
    ret_stats->types = m->types.count;
}

static uint64_t app_weight(const struct meter_app *app)
{
    return app->ok + app->failed;
}

size_t meter_top_apps(const struct meter *m, struct meter_app *ret_apps, size_t max)
{
    const struct meter_app *app;
    size_t count = 0;
    size_t at = 0;

    while ((app = map_next(&m->apps, &at)) != NULL) {
        size_t place = count;

        while (place > 0 && app_weight(&ret_apps[place - 1]) < app_weight(app)) {
            place--;
        }
        if (place == max) {
            continue;
        }
        count += count < max ? 1 : 0;
        memmove(&ret_apps[place + 1], &ret_apps[place], (count - 1 - place) * sizeof(*app));
        ret_apps[place] = *app;
    }
    return count;
}

size_t meter_top_types(const struct meter *m, struct meter_type *ret_types, size_t max)
{
    const struct meter_type *type;
    size_t count = 0;
    size_t at = 0;

    while ((type = map_next(&m->types, &at)) != NULL) {
        size_t place = count;

        while (place > 0 && ret_types[place - 1].events < type->events) {
            place--;
        }
        if (place == max) {
            continue;
        }
        count += count < max ? 1 : 0;
        memmove(&ret_types[place + 1], &ret_types[place], (count - 1 - place) * sizeof(*type));
        ret_types[place] = *type;
    }
    return count;
}

/* --- What happened ------------------------------------------------------------------------ */

static int64_t minute_of(int64_t wall_ms)
{
    return wall_ms - wall_ms % TALLY_MINUTE_MS;
}

void meter_outcome(struct meter *m, const struct outcome *o)
{
    const struct attempt_row *a = &o->attempt;
    struct meter_tuple_key key = { .kind = METER_ATTEMPT,
                                   .minute = minute_of(a->started_at),
                                   .endpoint = o->delivery.endpoint,
                                   .app = o->delivery.app,
                                   .type = o->delivery.type };
    struct rollup_one one;
    struct meter_tuple *t;

    if (m == NULL || m->is_stopped || a->number == 0 || (a->flags & ATTEMPT_TEST) != 0 ||
        key.app == 0) {
        return;
    }
    rollup_look(o, &one);
    rollup_count(&m->stats.all, &one);
    *(one.ok ? &app_of(m, key.app)->ok : &app_of(m, key.app)->failed) += 1;
    if (!one.ok) {
        key.reason = TALLY_REASON_KEY(a->error, a->status_code);
    }
    t = tuple_of(m, key);
    if (t != NULL) {
        rollup_count(&t->sum, &one);
    }
}

void meter_publish(struct meter *m, const struct event_publish *p)
{
    struct meter_tuple_key key = { .kind = METER_EVENT,
                                   .minute = minute_of(p->event.accepted_at),
                                   .app = p->event.app,
                                   .type = p->event.type };
    struct meter_tuple *t;

    if (m == NULL || m->is_stopped) {
        return;
    }
    m->stats.events++;
    app_of(m, key.app)->events++;
    type_of(m, key.type)->events++;
    t = tuple_of(m, key);
    if (t != NULL) {
        t->n++;
        t->bytes += (int64_t)p->event.body.len;
    }
    for (int32_t i = 0; i < p->event.delivery_count; i++) {
        key = (struct meter_tuple_key){ .kind = METER_MADE,
                                        .minute = minute_of(p->event.accepted_at),
                                        .app = p->event.app,
                                        .endpoint = p->deliveries[i].endpoint,
                                        .state = (int64_t)p->deliveries[i].state };
        t = tuple_of(m, key);
        if (t != NULL) {
            t->n++;
        }
    }
}

/* --- Life --------------------------------------------------------------------------------- */

struct meter *meter_new(const struct meter_options *options)
{
    struct meter *m = xalloc(sizeof(*m));

    m->options = *options;
    list_init(&m->going);
    map_init(&m->tuples);
    map_init(&m->seen);
    map_init(&m->apps);
    map_init(&m->types);
    meter_timers_start(m);
    return m;
}

void meter_free(struct meter *m)
{
    struct list_node *n;
    void *p;
    size_t at = 0;

    if (m == NULL) {
        return;
    }
    ASSERT(m->bites_out == 0 && m->is_stopped);
    while ((p = map_next(&m->tuples, &at)) != NULL) {
        free(p);
    }
    while ((n = list_pop_front(&m->going)) != NULL) {
        free(CONTAINER_OF(n, struct meter_tuple, node));
    }
    at = 0;
    while ((p = map_next(&m->apps, &at)) != NULL) {
        free(p);
    }
    at = 0;
    while ((p = map_next(&m->types, &at)) != NULL) {
        free(p);
    }
    meter_forget_seen(m);
    map_done(&m->tuples);
    map_done(&m->seen);
    map_done(&m->apps);
    map_done(&m->types);
    free(m);
}
