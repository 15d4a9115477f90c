/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fair.h - whose turn it is: the classes in turn, within a class the apps in turn, within an app its
 * endpoints in turn. An app takes part while it holds fewer slots than its share and its rate allows.
 *
 * Slow endpoints hold at most half of all slots, slow and unproven ones at most three quarters: so those
 * that hang never keep away those that answer. The bounds hold for starts; an endpoint that turns slow
 * keeps the slots that it has.
 */
#ifndef CORE_FAIR_H
#define CORE_FAIR_H

#include "core/state.h"

/* Endpoint e is (not) ready to start an attempt and is of that class. */
void fair_place(struct core *core, uint32_t e, bool is_ready, enum endpoint_class class);
void fair_app_set(struct core *core, uint32_t app, const struct core_rate *rate);
/* Its time has come, or something of it changed. */
void fair_app_refresh(struct core *core, uint32_t app);
/* Endpoint e took (+1) or freed (-1) a slot of app. */
void fair_app_took(struct core *core, uint32_t app, int change);
/* The endpoint whose turn it is, which then goes to the end; 0 = nobody may start. */
uint32_t fair_next(struct core *core);

#endif
