/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - from settings and machine to the numbers that parts are started with. */
#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

#include "engine/jobs.h"
#include "engine/replay.h"
#include "engine/rules.h"
#include "server/config.h"

/* How many sending processes. */
unsigned limits_processes(const struct config *c);
/* When an endpoint is failing, paused, and when its circuit opens. */
struct health_rules limits_health(const struct config *c);
/* As many files as the machine allows, and no core dumps: they would hold secrets. */
void limits_raise_files(void);

/* What replays may: the API's part. */
struct replay_limits limits_replay(const struct config *c);
/* How long everything is kept. */
struct jobs_periods limits_retention(const struct config *c);

#endif
