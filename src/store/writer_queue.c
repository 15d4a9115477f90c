/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer_queue.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"

enum {
    BACKGROUND_SHARE = 5, /* one row in so many */
    SPARE_APPS_MAX = 1024,
};

/* An app that has publishes waiting. */
struct writer_app {
    struct list_node turn;
    uint32_t number; /* key of the map */
    struct list writes;
};

static struct write *write_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct write, node);
}

static struct writer_app *app_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct writer_app, turn);
}

static struct str app_key(const struct writer_app *app)
{
    return (struct str){ (const char *)&app->number, sizeof(app->number) };
}

void writer_queue_init(struct writer_queue *q)
{
    *q = (struct writer_queue){ 0 };
    list_init(&q->outcomes);
    list_init(&q->background);
    list_init(&q->turns);
    list_init(&q->spare);
    map_init(&q->apps);
}

void writer_queue_done(struct writer_queue *q)
{
    struct list_node *node;

    ASSERT(q->count == 0);
    while ((node = list_pop_front(&q->spare)) != NULL) {
        free(app_of(node));
    }
    map_done(&q->apps);
}

static struct writer_app *queue_app(struct writer_queue *q, uint32_t number)
{
    struct str key = { (const char *)&number, sizeof(number) };
    struct writer_app *app = map_get(&q->apps, key);
    struct list_node *spare;

    if (app != NULL) {
        return app;
    }
    spare = list_pop_front(&q->spare);
    app = spare != NULL ? app_of(spare) : xalloc(sizeof(*app));
    app->number = number;
    list_init(&app->writes);
    (void)map_put(&q->apps, app_key(app), app);
    list_push_back(&q->turns, &app->turn);
    return app;
}

/* The app whose turn it is gave its last publish, or goes to the end. */
static void queue_end_turn(struct writer_queue *q, struct writer_app *app)
{
    list_remove(&q->turns, &app->turn);
    if (!list_empty(&app->writes)) {
        list_push_back(&q->turns, &app->turn);
        return;
    }
    (void)map_remove(&q->apps, app_key(app));
    if (q->spare.count < SPARE_APPS_MAX) {
        list_push_back(&q->spare, &app->turn);
    } else {
        free(app);
    }
}

void writer_queue_push(struct writer_queue *q, struct write *write)
{
    ASSERT(write->class < WRITE_CLASSES);
    switch (write->class) {
    case WRITE_OUTCOME:
        list_push_back(&q->outcomes, &write->node);
        break;
    case WRITE_PUBLISH:
        list_push_back(&queue_app(q, write->app)->writes, &write->node);
        q->bytes += write->bytes;
        break;
    case WRITE_BACKGROUND:
        list_push_back(&q->background, &write->node);
        q->bytes += write->bytes;
        break;
    case WRITE_CLASSES:
        break;
    }
    q->count++;
}

void writer_queue_return(struct writer_queue *q, struct list *outcomes)
{
    q->count += outcomes->count;
    list_splice(outcomes, &q->outcomes);
    list_splice(&q->outcomes, outcomes);
}

/*
 * --- Taking a batch
 * -------------------------------------------------------------------------------
 */

struct taking {
    const struct writer_limits *limits;
    struct list *batch;
    uint64_t rows;
    size_t bytes;
};

/* Does it still fit? The first always does: a large write is a batch of its own. */
static bool taking_fits(const struct taking *t, const struct write *write)
{
    return list_empty(t->batch) || (t->rows + write->rows <= t->limits->rows_max &&
                                    t->bytes + write->bytes <= t->limits->bytes_max);
}

static void taking_add(struct writer_queue *q, struct taking *t, struct list *from,
                       struct write *write)
{
    list_remove(from, &write->node);
    list_push_back(t->batch, &write->node);
    t->rows += write->rows;
    t->bytes += write->bytes;
    q->count--;
    if (write->class != WRITE_OUTCOME) {
        q->bytes -= write->bytes;
    }
}

static void take_outcomes(struct writer_queue *q, struct taking *t)
{
    struct list_node *node;

    while ((node = list_first(&q->outcomes)) != NULL && taking_fits(t, write_of(node))) {
        taking_add(q, t, &q->outcomes, write_of(node));
    }
}

static void take_publishes(struct writer_queue *q, struct taking *t)
{
    struct list_node *turn;

    while ((turn = list_first(&q->turns)) != NULL) {
        struct writer_app *app = app_of(turn);
        struct write *write = write_of(list_first(&app->writes));

        if (!taking_fits(t, write)) {
            return;
        }
        taking_add(q, t, &app->writes, write);
        queue_end_turn(q, app);
    }
}

/*
 * The credit is kept between batches and capped, so that a background write that is larger
 * than one batch's fifth gets its turn too, after enough batches.
 */
static void take_background(struct writer_queue *q, struct taking *t)
{
    uint64_t cap = t->limits->rows_max;
    uint64_t idle = cap / BACKGROUND_SHARE;
    size_t taken = 0;
    struct list_node *node;

    if (list_empty(&q->background)) {
        q->credit = 0;
        return;
    }
    q->credit += t->rows / (BACKGROUND_SHARE - 1);
    if (list_empty(t->batch) && q->credit < idle) {
        q->credit = idle;
    }
    q->credit = q->credit < cap ? q->credit : cap;
    while ((node = list_first(&q->background)) != NULL) {
        struct write *write = write_of(node);
        uint64_t cost = write->rows < cap ? write->rows : cap;
        bool crowded = t->rows + cost > cap + cap / (BACKGROUND_SHARE - 1) ||
                       t->bytes + write->bytes > t->limits->bytes_max;

        /*
         * The first one goes by its credit alone, or batches full of other work would starve
         * it.
         */
        if (!list_empty(t->batch) && (cost > q->credit || (taken > 0 && crowded))) {
            return;
        }
        q->credit -= cost < q->credit ? cost : q->credit;
        taking_add(q, t, &q->background, write);
        taken++;
    }
}

void writer_queue_take(struct writer_queue *q, const struct writer_limits *limits,
                       struct list *ret_batch)
{
    struct taking t = { .limits = limits, .batch = ret_batch };

    take_outcomes(q, &t);
    take_publishes(q, &t);
    take_background(q, &t);
}

void writer_queue_drain(struct writer_queue *q, bool outcomes_too, struct list *ret_list)
{
    struct list_node *turn;

    if (outcomes_too) {
        q->count -= q->outcomes.count;
        list_splice(ret_list, &q->outcomes);
    }
    while ((turn = list_first(&q->turns)) != NULL) {
        struct writer_app *app = app_of(turn);

        q->count -= app->writes.count;
        list_splice(ret_list, &app->writes);
        queue_end_turn(q, app);
    }
    q->count -= q->background.count;
    list_splice(ret_list, &q->background);
    q->bytes = 0;
}
