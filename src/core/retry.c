/* SPDX-License-Identifier: Apache-2.0 */
/* The presets as one table, and the arithmetic of delays. */
#include "core/retry.h"

#include <string.h>

enum {
    MS_PER_S = 1000,
    DEFAULT_SENDS = 24,
    DEFAULT_SPAN_S = 3 * 24 * 3600,
    DEFAULT_STEP_S = 6441, /* 17 such steps lead from send 7 to send 24, 3 s short of 72 h */
    PLATFORM_SENDS = 5,
    STATUS_GONE = 410
};

static const uint32_t delays_default[] = { 300, 1800, 7200, 18000, 36000, 86400 };
static const uint32_t delays_platform[] = { 60, 300, 900, 3600, 86400 };
static const uint32_t delays_standard[] = { 5,     300,   1800,  7200, 18000,
                                            36000, 50400, 72000, 86400 };

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct preset_row {
    const char *name;
    const uint32_t *delays;
    uint8_t delay_count;
    uint8_t max_attempts;
} presets[] = {
    [RETRY_DEFAULT] = { "default", delays_default, LENGTH(delays_default), DEFAULT_SENDS },
    [RETRY_PLATFORM] = { "platform", delays_platform, LENGTH(delays_platform), PLATFORM_SENDS },
    [RETRY_STANDARD_WEBHOOKS] = { "standard-webhooks", delays_standard, LENGTH(delays_standard),
                                  LENGTH(delays_standard) + 1 },
    [RETRY_NONE] = { "none", NULL, 0, 1 },
    [RETRY_CUSTOM] = { "custom", NULL, 0, 1 },
};

static const char *const on_names[] = {
    [RETRY_ON_STRICT] = "strict",
    [RETRY_ON_SEED003] = "seed003",
    [RETRY_ON_LENIENT] = "lenient",
};

/* Even steps after the listed ones; the last is longer, so that the last send is exactly at the end. */
static void fill_default(struct retry_policy *policy)
{
    uint32_t spent_s = 0;

    while (policy->delay_count < DEFAULT_SENDS - 1) {
        policy->delays_s[policy->delay_count++] = DEFAULT_STEP_S;
    }
    for (uint8_t i = 0; i + 1 < policy->delay_count; i++) {
        spent_s += policy->delays_s[i];
    }
    policy->delays_s[policy->delay_count - 1] = DEFAULT_SPAN_S - spent_s;
}

int retry_preset(struct str name, struct retry_policy *ret_policy)
{
    for (size_t i = 0; i < RETRY_CUSTOM; i++) {
        const struct preset_row *row = &presets[i];
        struct retry_policy policy = {
            .enabled = true,
            .preset = (enum retry_preset)i,
            .on = RETRY_ON_STRICT,
            .max_attempts = row->max_attempts,
            .delay_count = row->delay_count,
        };

        if (!str_eq_c(name, row->name)) {
            continue;
        }
        for (size_t d = 0; d < row->delay_count; d++) {
            policy.delays_s[d] = row->delays[d];
        }
        if (policy.preset == RETRY_DEFAULT) {
            fill_default(&policy);
        }
        *ret_policy = policy;
        return 0;
    }
    return -E_INVALID;
}

const char *retry_preset_name(enum retry_preset preset)
{
    return presets[preset].name;
}

const char *retry_on_name(enum retry_on on)
{
    return on_names[on];
}

int retry_on_parse(struct str name, enum retry_on *ret_on)
{
    for (size_t i = 0; i < LENGTH(on_names); i++) {
        if (str_eq_c(name, on_names[i])) {
            *ret_on = (enum retry_on)i;
            return 0;
        }
    }
    return -E_INVALID;
}

int64_t retry_delay_ms(const struct retry_policy *policy, uint32_t attempts)
{
    uint32_t last = policy->delay_count;

    if (attempts == 0 || last == 0) {
        return 0;
    }
    return (int64_t)policy->delays_s[attempts < last ? attempts - 1 : last - 1] * MS_PER_S;
}

int64_t retry_jitter_ms(int64_t delay_ms, uint8_t percent, uint32_t random)
{
    int64_t span = delay_ms * percent / 100;

    /* random / 2^32 of [0, 2 span], moved to [-span, span]; at most 7 days * 2^33 fits 64 bits */
    return delay_ms - span + (int64_t)((uint64_t)random * (uint64_t)(2 * span + 1) >> 32);
}

bool retry_wanted(enum retry_on on, int32_t status_code)
{
    bool server_error = status_code >= 500 && status_code <= 599;

    if (status_code == 0) {
        return true;
    }
    if ((status_code >= 200 && status_code <= 299) || status_code == STATUS_GONE) {
        return false;
    }
    switch (on) {
    case RETRY_ON_STRICT:
        return server_error || status_code == 408 || status_code == 425 || status_code == 429;
    case RETRY_ON_SEED003:
        return server_error || status_code == 429;
    case RETRY_ON_LENIENT:
        return true;
    }
    return false;
}
