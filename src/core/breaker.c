/* SPDX-License-Identifier: Apache-2.0 */
#include "core/breaker.h"

#include "base/assert.h"
#include "core/window.h"

enum { PERCENT = 100, WORD_BITS = 64 };

static void move(struct core *core, uint32_t e, enum core_circuit to)
{
    struct endpoint *ep = &core->endpoints[e];

    if (ep->circuit != CORE_CIRCUIT_CLOSED && to == CORE_CIRCUIT_CLOSED) {
        ASSERT(core->open_circuits > 0);
        core->open_circuits--;
    } else if (ep->circuit == CORE_CIRCUIT_CLOSED && to != CORE_CIRCUIT_CLOSED) {
        core->open_circuits++;
    }
    ep->circuit = (uint8_t)to;
}

void breaker_reset(struct core *core, uint32_t e)
{
    move(core, e, CORE_CIRCUIT_CLOSED);
    core->endpoints[e].judged = (struct window_bits){ .count = 0 };
}

void breaker_set(struct core *core, uint32_t e, const struct core_breaker *breaker)
{
    struct endpoint *ep = &core->endpoints[e];

    ASSERT(breaker->window <= CORE_BREAKER_WINDOW_MAX);
    if (breaker->window != ep->breaker_window) {
        breaker_reset(core, e);
    }
    ep->breaker_window = breaker->window;
    ep->breaker_percent = breaker->threshold_percent;
    ep->open_ms = breaker->open_ms;
}

static void circuit_open(struct core *core, uint32_t e)
{
    struct endpoint *ep = &core->endpoints[e];

    move(core, e, CORE_CIRCUIT_OPEN);
    ep->circuit_until = core->now + ep->open_ms;
    ep->judged = (struct window_bits){ .count = 0 };
    for (uint32_t s = ep->slots_first; s != 0; s = core->slots[s].next) {
        core->slots[s].is_probe = false;
    }
    window_drop(core, e);
}

static void push(struct window_bits *judged, uint32_t window, bool is_bad)
{
    uint64_t *word = &judged->bits[judged->at / WORD_BITS];
    uint64_t bit = UINT64_C(1) << (judged->at % WORD_BITS);

    if (judged->count == window) {
        judged->bad = (uint8_t)(judged->bad - ((*word & bit) != 0));
    } else {
        judged->count++;
    }
    *word = is_bad ? *word | bit : *word & ~bit;
    judged->bad = (uint8_t)(judged->bad + is_bad);
    judged->at = (uint8_t)((judged->at + 1U) % window);
}

/* 1, 2, 4 ... slots, each step after as many good attempts; a bad one takes half of them. */
static void climb(struct core *core, uint32_t e, bool is_bad)
{
    struct endpoint *ep = &core->endpoints[e];

    if (is_bad && ep->ramp == 1) {
        circuit_open(core, e);
        return;
    }
    if (is_bad) {
        ep->ramp = ep->ramp / 2;
        ep->ramp_left = ep->ramp;
    } else if (--ep->ramp_left == 0) {
        ep->ramp = (uint16_t)(ep->ramp * 2);
        ep->ramp_left = ep->ramp;
    }
    move(core, e,
         ep->ramp >= 2 && ep->ramp >= ep->concurrency ? CORE_CIRCUIT_CLOSED
         : ep->ramp == 1                              ? CORE_CIRCUIT_HALF_OPEN
                                                      : CORE_CIRCUIT_RAMP);
}

void breaker_judge(struct core *core, uint32_t e, uint32_t s, bool is_bad)
{
    struct endpoint *ep = &core->endpoints[e];

    switch ((enum core_circuit)ep->circuit) {
    case CORE_CIRCUIT_CLOSED:
        if (ep->breaker_window == 0) {
            return;
        }
        push(&ep->judged, ep->breaker_window, is_bad);
        if (ep->judged.count == ep->breaker_window &&
            ep->judged.bad * PERCENT > ep->breaker_percent * ep->breaker_window) {
            circuit_open(core, e);
        }
        break;
    case CORE_CIRCUIT_OPEN:
        break;
    case CORE_CIRCUIT_HALF_OPEN:
    case CORE_CIRCUIT_RAMP:
        if (core->slots[s].is_probe) {
            climb(core, e, is_bad);
        }
        break;
    }
}

void breaker_look(struct core *core, uint32_t e)
{
    struct endpoint *ep = &core->endpoints[e];

    if (ep->circuit == CORE_CIRCUIT_OPEN && ep->circuit_until <= core->now) {
        move(core, e, CORE_CIRCUIT_HALF_OPEN);
        ep->ramp = 1;
        ep->ramp_left = 1;
    }
}

uint32_t breaker_slots(const struct endpoint *ep)
{
    bool is_bound = ep->circuit == CORE_CIRCUIT_HALF_OPEN || ep->circuit == CORE_CIRCUIT_RAMP;

    return is_bound ? ep->ramp : UINT32_MAX;
}
