/* SPDX-License-Identifier: Apache-2.0 */
/* test_advice.h - what a test send says to the person who waits for it. Pure. */
#ifndef API_TEST_ADVICE_H
#define API_TEST_ADVICE_H

#include "base/arena.h"
#include "json/json.h"
#include "store/delivery.h"

/* Members ok, message, failure (null when it went well) and causes, of an attempt with that timeout. */
void test_advice_write(struct json_out *o, const struct attempt_row *attempt,
                       int64_t timeout_ms, struct arena *arena);

#endif
