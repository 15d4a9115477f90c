/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.h - how often something costly may be asked for: GCRA, one number of state. Pure.
 *
 * A minute's share is spread evenly, and a quarter of it may come at once.
 */
#ifndef API_BUDGET_H
#define API_BUDGET_H

#include <stdint.h>

/* 0: taken. Else nothing was taken, and it is free again in so many milliseconds. *state begins as 0. */
int64_t budget_take(int64_t *state, int64_t now, int64_t per_minute);

#endif
