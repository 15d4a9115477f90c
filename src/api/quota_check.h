/* SPDX-License-Identifier: Apache-2.0 */
/* quota_check.h - an app's quota at a publish: the headers RateLimit-*, and 429 with Retry-After. */
#ifndef API_QUOTA_CHECK_H
#define API_QUOTA_CHECK_H

#include "api/call.h"

struct publish;

/* False: the answer is 429 already. */
bool quota_check(struct call *call, uint32_t events);
/* Give back what was not stored anew: all of it on a failure, else repeats and conflicts. */
void quota_settle(struct call *call, const struct publish *publish, int result);

#endif
