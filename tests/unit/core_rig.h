/* SPDX-License-Identifier: Apache-2.0 */
/* core_rig.h - a core with a hand-driven shell, for the core's unit tests. */
#ifndef UNIT_CORE_RIG_H
#define UNIT_CORE_RIG_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "core/core.h"

enum { RIG_ACTIONS_MAX = 4096, RIG_SECOND = 1000, RIG_MINUTE = 60000, RIG_HOUR = 3600000 };
#define RIG_START INT64_C(1700000000000)

struct rig {
    void *memory;
    struct core *core;
    int64_t now;
    struct core_action actions[RIG_ACTIONS_MAX]; /* those of the last step */
    uint32_t count;
};

static const struct core_limits rig_limits = {
    .endpoints_max = 64,
    .apps_max = 16,
    .deliveries_max = 1000,
    .window_max = 100,
    .app_concurrency = 50,
    .slots_max = 400,
    .uncommitted_max = 400,
    .slow_ms = 5000,
};

static inline struct retry_policy rig_policy(const char *name)
{
    struct retry_policy policy;

    assert_int_equal(retry_preset(str_from(name), &policy), 0);
    return policy;
}

/* One step and, while there is more, ticks at the same time; checks every invariant. */
static inline void rig_step(struct rig *rig, const struct core_input *input)
{
    struct core_input tick = { .kind = CORE_IN_TICK };
    bool more = true;

    rig->count = 0;
    while (more) {
        assert_true(rig->count + CORE_ACTIONS_MAX <= RIG_ACTIONS_MAX);
        rig->count += core_step(rig->core, rig->now, input, rig->actions + rig->count, &more);
        input = &tick;
    }
    core_check(rig->core);
}

static inline struct rig *rig_new(const struct core_limits *limits)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct core_input slots = { .kind = CORE_IN_SLOTS, .slots = limits->slots_max };

    assert_non_null(rig);
    rig->memory = calloc(1, core_size(limits));
    assert_non_null(rig->memory);
    rig->core = core_init(rig->memory, limits);
    rig->now = RIG_START;
    rig_step(rig, &slots);
    return rig;
}

static inline void rig_free(struct rig *rig)
{
    free(rig->memory);
    free(rig);
}

static inline void rig_endpoint(struct rig *rig, uint32_t ep,
                                const struct core_endpoint *endpoint)
{
    struct core_input input = { .kind = CORE_IN_ENDPOINT_SET, .ep = ep, .endpoint = endpoint };

    rig_step(rig, &input);
}

static inline struct core_endpoint rig_config(uint32_t app, uint16_t concurrency)
{
    return (struct core_endpoint){ .app = app,
                                   .status = CORE_ACTIVE,
                                   .concurrency = concurrency,
                                   .retry = rig_policy("default") };
}

static inline void rig_committed(struct rig *rig, uint32_t ep, int64_t seq)
{
    struct core_input input = {
        .kind = CORE_IN_COMMITTED,
        .delivery = { .seq = seq, .event = seq * 10, .accepted = rig->now, .ep = ep },
    };

    rig_step(rig, &input);
}

static inline void rig_tick(struct rig *rig, int64_t now)
{
    struct core_input input = { .kind = CORE_IN_TICK };

    rig->now = now;
    rig_step(rig, &input);
}

static inline void rig_done_result(struct rig *rig, uint32_t slot, struct core_result result)
{
    struct core_input input = { .kind = CORE_IN_ATTEMPT_DONE, .slot = slot, .result = &result };

    rig_step(rig, &input);
}

/* An answer with this status; 0 = network failure. */
static inline void rig_done(struct rig *rig, uint32_t slot, int32_t status_code)
{
    struct core_result result = {
        .failure = status_code == 0 ? CORE_NETWORK : CORE_GOT_RESPONSE,
        .status_code = status_code,
        .retry_after_ms = -1,
        .duration_ms = 20,
    };

    rig_done_result(rig, slot, result);
}

static inline void rig_stored(struct rig *rig, uint32_t slot)
{
    struct core_input input = { .kind = CORE_IN_OUTCOME_STORED, .slot = slot };

    rig_step(rig, &input);
}

static inline uint32_t rig_count(const struct rig *rig, enum core_action_kind kind)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < rig->count; i++) {
        count += rig->actions[i].kind == kind;
    }
    return count;
}

/* The first action of that kind in the last step, by value; fails when there is none. */
static inline struct core_action rig_action(const struct rig *rig, enum core_action_kind kind)
{
    for (uint32_t i = 0; i < rig->count; i++) {
        if (rig->actions[i].kind == kind) {
            return rig->actions[i];
        }
    }
    fail_msg("no action of kind %d", (int)kind);
    return rig->actions[0];
}

static inline void rig_loaded(struct rig *rig, const struct core_loaded *loaded)
{
    struct core_input input = { .kind = CORE_IN_LOADED, .loaded = loaded };

    rig_step(rig, &input);
}

#endif
