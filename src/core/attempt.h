/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.h - the life of one attempt: it takes a slot, ends with a result, and frees the slot when its
 * outcome is stored.
 */
#ifndef CORE_ATTEMPT_H
#define CORE_ATTEMPT_H

#include "core/state.h"

/* As many as the limits, the fairness and the actions' array allow. */
void attempt_start_all(struct core *core);
/* s is a slot in use whose attempt is under way. */
void attempt_done(struct core *core, uint32_t s, const struct core_result *result);
/* s is a slot in use whose outcome was given out. */
void attempt_stored(struct core *core, uint32_t s);

#endif
