/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.c - the shell's frame: the core's memory and clock, one input in, its actions carried out, one turn.
 *
 * Nothing here calls back into engine_feed from inside it: starts wait in a list for the end of the turn,
 * egress and the store answer from the loop.
 */
#include "engine/engine.h"

#include <sys/mman.h>

#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine_internal.h"
#include "engine/engine_test.h"
#include "store/writer.h"

int64_t engine_wall(const struct engine *e, int64_t boot_ms)
{
    return boot_ms + e->clock_offset;
}

int64_t engine_boot(const struct engine *e, int64_t wall_ms)
{
    int64_t boot_ms = wall_ms - e->clock_offset;

    return boot_ms == 0 ? 1 : boot_ms;
}

static void engine_act(struct engine *e, const struct core_action *action)
{
    switch (action->kind) {
    case CORE_ACT_START:
        engine_begin(e, action);
        break;
    case CORE_ACT_OUTCOME:
        engine_store_outcome(e, action);
        break;
    case CORE_ACT_LOAD:
        engine_load(e, action);
        break;
    case CORE_ACT_DISABLE:
        engine_disable(e, action->ep, action->disable);
        break;
    }
}

void engine_feed(struct engine *e, const struct core_input *input)
{
    static const struct core_input tick = { .kind = CORE_IN_TICK };
    struct core_action actions[CORE_ACTIONS_MAX];
    int64_t now = clock_boot_ms();
    bool more = true;

    ASSERT(!e->is_feeding);
    e->is_feeding = true;
    while (more) {
        uint32_t count = core_step(e->core, now, input, actions, &more);

        for (uint32_t i = 0; i < count; i++) {
            engine_act(e, &actions[i]);
        }
        input = &tick;
    }
    e->is_feeding = false;
}

static void on_capacity(void *ctx, uint32_t slots)
{
    struct engine *e = ctx;

    /* Some are kept for test sends, which the core does not count. */
    slots = slots > 2 * ENGINE_TESTS_MAX ? slots - ENGINE_TESTS_MAX : slots;
    if (slots > e->options.limits.slots_max) {
        slots = e->options.limits.slots_max;
    }
    engine_feed(e, &(struct core_input){ .kind = CORE_IN_SLOTS, .slots = slots });
}

static void on_tick(struct loop_timer *t)
{
    struct engine *e = t->ctx;

    engine_feed(e, &(struct core_input){ .kind = CORE_IN_TICK });
}

/* Wall time is boot time plus an offset that follows jumps of the wall clock, not its slewing. */
static void engine_watch_clock(struct engine *e)
{
    int64_t offset = clock_wall_ms() - clock_boot_ms();
    int64_t jump = offset - e->clock_offset;

    if (jump > ENGINE_CLOCK_JUMP_MS || jump < -ENGINE_CLOCK_JUMP_MS) {
        LOG_W("the wall clock jumped", "ms=%lld", (long long)jump);
        e->clock_offset = offset;
        engine_scan(e);
    }
}

static void engine_look_idle(struct engine *e)
{
    struct core_stats stats;
    void (*on_idle)(void *ctx) = e->on_idle;

    if (on_idle == NULL) {
        return;
    }
    core_stats(e->core, &stats);
    if (stats.sending == 0 && stats.uncommitted == 0 && list_empty(&e->tests)) {
        e->on_idle = NULL;
        on_idle(e->idle_ctx);
    }
}

/* The end of a turn: answers made here, starts, frames to egress, the next wake. */
static void on_turn(struct loop_after *a)
{
    struct engine *e = a->ctx;
    int64_t wake;

    engine_watch_clock(e);
    engine_locals(e);
    engine_starts(e);
    egress_pool_flush(e->pool);
    wake = core_next_wake(e->core);
    if (wake == INT64_MAX) {
        loop_timer_cancel(e->options.loop, &e->tick);
    } else {
        loop_timer_set(e->options.loop, &e->tick, wake);
    }
    engine_look_idle(e);
}

int engine_new(const struct engine_options *options, struct engine **ret_engine)
{
    struct engine *e = xalloc(sizeof(*e));
    struct id last;
    int rc;

    e->options = *options;
    e->core_bytes = core_size(&options->limits);
    e->core_memory =
        mmap(NULL, e->core_bytes, PROT_READ | PROT_WRITE,
             /* cppcheck-suppress invalidFunctionArg ; an anonymous mapping takes -1 */
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (e->core_memory == MAP_FAILED) {
        free(e);
        return -E_IO;
    }
    e->core = core_init(e->core_memory, &options->limits);
    e->attempts = xcalloc(options->limits.slots_max, sizeof(*e->attempts));
    e->senders = xcalloc(options->limits.endpoints_max, sizeof(*e->senders));
    list_init(&e->signers);
    list_init(&e->starting);
    list_init(&e->local_done);
    list_init(&e->tests);
    list_init(&e->tests_local);
    list_init(&e->body_order);
    map_init(&e->bodies);
    map_init(&e->manuals);
    map_init(&e->cancels);
    last = writer_last_id(options->writer);
    id_maker_init(&e->ids, &last);
    e->clock_offset = clock_wall_ms() - clock_boot_ms();
    e->tick = (struct loop_timer){ .on_due = on_tick, .ctx = e };
    e->after = (struct loop_after){ .on_turn = on_turn, .ctx = e };
    rc = egress_pool_new(options->loop, options->egress, engine_done_frame, on_capacity, e,
                         &e->pool);
    if (rc != 0) {
        engine_free(e);
        return rc;
    }
    *ret_engine = e;
    return 0;
}

int engine_start(struct engine *e)
{
    struct object *o;

    for (size_t i = 0; (o = registry_at(e->options.registry, CONFIG_APP, i)) != NULL; i++) {
        const struct app *app = (const struct app *)(const void *)o;

        if (app->slot != REGISTRY_NO_SLOT) {
            engine_set_rate(e, app);
        }
    }
    for (size_t i = 0; (o = registry_at(e->options.registry, CONFIG_ENDPOINT, i)) != NULL;
         i++) {
        struct endpoint *endpoint = (struct endpoint *)(void *)o;

        if (endpoint->slot != REGISTRY_NO_SLOT) {
            engine_on_endpoint(e, endpoint, true);
        }
    }
    engine_feed(e, &(struct core_input){ .kind = CORE_IN_STORE, .store_ok = true });
    loop_after_add(e->options.loop, &e->after);
    egress_pool_start(e->pool);
    engine_scan(e);
    engine_sweep_start(e);
    return 0;
}

void engine_free(struct engine *e)
{
    size_t at = 0;
    void *p;

    if (e == NULL) {
        return;
    }
    loop_after_remove(e->options.loop, &e->after);
    loop_timer_cancel(e->options.loop, &e->tick);
    loop_timer_cancel(e->options.loop, &e->sweep);
    engine_tests_stop(e);
    egress_pool_free(e->pool);
    for (uint32_t i = 0; i < e->options.limits.slots_max; i++) {
        if (e->attempts[i].place != ATTEMPT_FREE) {
            loop_timer_cancel(e->options.loop, &e->attempts[i].again);
            arena_done(&e->attempts[i].arena);
        }
    }
    for (uint32_t i = 0; i < e->options.limits.endpoints_max; i++) {
        sender_drop(e, i);
    }
    bodies_free(e);
    while ((p = map_next(&e->manuals, &at)) != NULL) {
        free(p);
    }
    at = 0;
    while ((p = map_next(&e->cancels, &at)) != NULL) {
        free(p);
    }
    map_done(&e->bodies);
    map_done(&e->manuals);
    map_done(&e->cancels);
    free(e->attempts);
    free(e->senders);
    (void)munmap(e->core_memory, e->core_bytes);
    free(e);
}

struct id engine_make_id(struct engine *e)
{
    return id_make(&e->ids, clock_wall_ms());
}

void engine_on_store(struct engine *e, enum writer_state state)
{
    engine_feed(e,
                &(struct core_input){ .kind = CORE_IN_STORE, .store_ok = state == WRITER_OK });
    if (state == WRITER_OK) {
        engine_scan(e);
    }
}

void engine_drain(struct engine *e, void (*on_idle)(void *ctx), void *ctx)
{
    e->is_draining = true;
    e->on_idle = on_idle;
    e->idle_ctx = ctx;
    engine_feed(e, &(struct core_input){ .kind = CORE_IN_DRAIN });
    loop_wake(e->options.loop);
}

bool engine_is_sending(const struct engine *e, int64_t delivery_seq)
{
    return core_find(e->core, delivery_seq) == CORE_SENDING;
}

void engine_stats(const struct engine *e, struct engine_stats *ret_stats)
{
    *ret_stats = e->stats;
    core_stats(e->core, &ret_stats->core);
    ret_stats->egress_restarts = egress_pool_restarts(e->pool);
    ret_stats->bodies = e->bodies.count;
    ret_stats->body_bytes = e->body_bytes;
}

struct egress_pool *engine_egress(struct engine *e)
{
    return e->pool;
}
