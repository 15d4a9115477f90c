/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry.h - the retry policy as data, and the one function that turns an outcome into what happens next.
 *
 * `max_attempts` counts sends. Delay i stands before attempt i + 2; the last one repeats up to max_attempts.
 * The default preset reaches attempt 24 at 72 h 00. Sources: seeds 001 and 003, Standard Webhooks 1.0.0.
 */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    RETRY_DELAYS_MAX = 49,
    RETRY_ATTEMPTS_MAX = 50,
    RETRY_DELAY_MAX_S = 7 * 24 * 3600,
    RETRY_AFTER_MIN_S = 1,
    RETRY_AFTER_MAX_S = 24 * 3600,
    RETRY_JITTER_MAX = 50
};

enum retry_on {
    RETRY_ON_STRICT,  /* 5xx, 408, 425, 429, network, timeout */
    RETRY_ON_SEED003, /* 5xx, 429, network, timeout; named `seed003` in the API */
    RETRY_ON_LENIENT  /* every non-2xx */
};

enum retry_preset {
    RETRY_DEFAULT,
    RETRY_PLATFORM,
    RETRY_STANDARD_WEBHOOKS,
    RETRY_NONE,
    RETRY_CUSTOM
};

struct retry_policy {
    bool enabled;
    enum retry_preset preset;
    enum retry_on on;
    uint8_t max_attempts;   /* 1..50 */
    uint8_t jitter_percent; /* 0..50 */
    uint8_t delay_count;    /* 0..49 */
    uint32_t max_age_s;     /* 0 = none */
    uint32_t delays_s[RETRY_DELAYS_MAX];
};

/* Fill a preset: "default", "platform", "standard-webhooks", "none". -E_INVALID for another name. */
NODISCARD int retry_preset(struct str name, struct retry_policy *ret_policy);
const char *retry_preset_name(enum retry_preset preset);
const char *retry_on_name(enum retry_on on); /* "strict", "seed003", "lenient" */
NODISCARD int retry_on_parse(struct str name, enum retry_on *ret_on);

/* Delay in ms before attempt `attempts + 1` when `attempts` sends were made, without jitter. */
int64_t retry_delay_ms(const struct retry_policy *policy, uint32_t attempts);
/* The same with jitter of +- jitter_percent taken from random. */
int64_t retry_jitter_ms(int64_t delay_ms, uint8_t percent, uint32_t random);
/* Is a response with this status, or (status 0) a network failure or timeout, retried? 2xx: false; 410: false
 * everywhere, for it ends the endpoint. */
bool retry_wanted(enum retry_on on, int32_t status_code);

#endif
